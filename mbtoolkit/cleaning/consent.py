"""`normalize_opt_in`: a column of answers of yes and no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from mbtoolkit.cleaning.cells import Column, answered, as_text
from mbtoolkit.errors import UsageError
from mbtoolkit.schemas.conform import NO_WORDS, YES_WORDS, opt_in_words
from mbtoolkit.schemas.rules import RULES
from mbtoolkit.schemas.texts import stripped

OPT_IN: Final = pl.Struct({"opt_in": pl.Boolean, "issue": pl.String})
_ISSUE: Final = f"not_yes_or_no: {RULES['not_yes_or_no'].message}"


def normalize_opt_in(column: Column, yes: Sequence[str] = YES_WORDS, no: Sequence[str] = NO_WORDS) -> Column:
    """The consent that each cell states. Only the listed words count, and a blank states nothing.

    Args:
        column: words, truth values, or the numbers 1 and 0.
        yes: all words that give consent; case, and space around them, do not matter. By default yes and true in
            English, Norwegian, Swedish, Danish, German, Spanish and French, yes in Hindi in Latin letters, and `1`.
        no: all words that refuse it; by default the same the other way.

    Returns:
        Under the same name and of the same height: `opt_in` (Boolean), `issue` (String, for cells that are neither).
        Null where the cell is null or blank: the consent is left as it is.

    Raises:
        UsageError: a word stands for both, or nothing stands for one of them; or the column has no text form.

    Example:
        >>> normalize_opt_in(pl.Series(["Ja", "nei", "", "maybe"])).struct.field("opt_in").to_list()
        [True, False, None, None]
    """
    given, refused = _words("yes", yes), _words("no", no)
    both = sorted(set(given) & set(refused))
    if both:
        msg = f"{', '.join(map(repr, both))} can't stand for yes and no; leave it out of one of them"
        raise UsageError(msg)

    def opt_ins(cells: pl.Series) -> pl.Series:
        text = stripped(pl.col("text"))
        said = opt_in_words(text, given, refused)
        issue = pl.when(said.is_null()).then(pl.lit(_ISSUE))
        answer = pl.when(text.is_not_null()).then(pl.struct(said.alias("opt_in"), issue.alias("issue")))
        return _texts(cells).alias("text").to_frame().select(answer).to_series()

    return answered(column, opt_ins, OPT_IN)


def _words(name: str, words: Sequence[str]) -> list[str]:
    """The words as they are compared.

    Raises:
        UsageError: they are no list of words, or there is none.
    """
    if isinstance(words, str) or not all(isinstance(word, str) for word in words):
        msg = f"{name}= is a list of words, such as {name}=['{name}'], not {words!r}"
        raise UsageError(msg)
    read = [" ".join(word.split()).lower() for word in words]
    if not any(read):
        msg = f"{name}= names no word; give at least one"
        raise UsageError(msg)
    return pl.Series(read).str.normalize("NFC").to_list()


def _texts(column: pl.Series) -> pl.Series:
    """The cells as text, in the usual Unicode form; whole numbers without a fraction."""
    if column.dtype.is_float():
        whole = (column.is_finite() & (column == column.floor()) & (column.abs() < 1e15)).fill_null(value=False)
        texts = as_text(column)
        return texts.zip_with(~whole, column.cast(pl.Int64, strict=False).cast(pl.String))
    texts = as_text(column)
    return texts.str.normalize("NFC") if column.dtype == pl.String else texts
