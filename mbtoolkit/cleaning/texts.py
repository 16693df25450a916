"""`clean_text` and `fix_mojibake`: columns of any text."""

from __future__ import annotations

import importlib
from typing import Any, Final

import polars as pl

from mbtoolkit.cleaning.cells import Column, answered, as_text, each_once
from mbtoolkit.errors import UsageError
from mbtoolkit.schemas.texts import unless_blank

MENDED: Final = pl.Struct({"text": pl.String, "issue": pl.String})

_UNSEEN: Final = (
    r"[\p{Cc}\p{Zl}\p{Zp}\x{AD}\x{61C}\x{180E}\x{200B}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2060}-\x{206F}\x{FEFF}"
    r"\x{115F}\x{1160}\x{3164}\x{FFA0}]"
)
"""What nobody sees and nothing needs. Joiners stay: Persian, the scripts of India and emoji are written with them."""
_BREAKS: Final = r"\s*[\r\n\x{85}\x{2028}\x{2029}]\s*"
_LOOKS_BROKEN: Final = (
    r"[\x{C2}-\x{F4}][\x{80}-\x{BF}\x{20AC}\x{201A}\x{192}\x{201E}\x{2026}\x{2020}\x{2021}\x{2C6}\x{2030}\x{160}\x{2039}"
    r"\x{152}\x{17D}\x{2018}\x{2019}\x{201C}\x{201D}\x{2022}\x{2013}\x{2014}\x{2DC}\x{2122}\x{161}\x{203A}\x{153}\x{17E}"
    r"\x{178}]|\x{FFFD}"
)
"""The first byte of a character in UTF-8 and one that may follow, both read as Windows-1252; or the mark of a loss."""
_LOST: Final = (
    "mojibake_lost: holds characters that were lost when the text was read with a wrong encoding; read the source "
    "again (read_contacts: encoding=...) or type it again"
)

_TEXT = pl.col("text")


def clean_text(column: Column, *, keep_lines: bool = False) -> Column:
    r"""The cells with single spaces, without what nobody sees, in Unicode's usual form (NFC).

    Args:
        column: of anything that has a text form.
        keep_lines: line breaks stay (as `\n`); by default they become spaces.

    Returns:
        String column under the same name and of the same height; null where nothing could be seen.

    Raises:
        UsageError: the column has no text form.

    Example:
        >>> clean_text(pl.Series(["  Ada\u00a0\u200bLovelace ", " "])).to_list()
        ['Ada Lovelace', None]
    """
    return answered(column, lambda cells: cleaned(as_text(cells), keep_lines=keep_lines), pl.String)


def cleaned(texts: pl.Series, *, keep_lines: bool = False) -> pl.Series:
    """What `clean_text` answers for a String column."""
    lines = _TEXT.str.replace_all(_BREAKS, "\u2028" if keep_lines else " ")
    spaced = lines.str.replace_all(r"[\s--\x{2028}]+", " ")
    seen = spaced.str.replace_all(_UNSEEN.replace(r"\p{Zl}", "") if keep_lines else _UNSEEN, "")
    if keep_lines:
        seen = seen.str.replace_all("\u2028", "\n", literal=True)
    # Spaces stood on both sides of what was removed.
    single = seen.str.replace_all(" {2,}", " ").str.strip_chars().str.normalize("NFC")
    return texts.alias("text").to_frame().select(unless_blank(single)).to_series()


def fix_mojibake(column: Column) -> Column:
    """The cells as they were before somebody read UTF-8 as another encoding (`BjÃ¸rn` becomes `Bjørn`).

    Only cells that look broken are touched; what they were is the `ftfy` package's judgement.

    Args:
        column: text.

    Returns:
        Under the same name and of the same height: `text` (String), `issue` (String, where characters are lost for
        good). Null where the cell is null.

    Raises:
        UsageError: `ftfy` is not installed (`pip install mbtoolkit[cleaning]`), or the column has no text form.

    Example:
        >>> fix_mojibake(pl.Series(["BjÃ¸rn"])).struct.field("text").to_list()
        ['Bjørn']
    """
    try:
        ftfy: Any = importlib.import_module("ftfy")
    except ImportError:
        msg = "fix_mojibake needs the package ftfy: pip install 'mbtoolkit[cleaning]'"
        raise UsageError(msg) from None

    def fixed(cells: pl.Series) -> pl.Series:
        texts = as_text(cells)
        rows = texts.str.contains(_LOOKS_BROKEN).fill_null(value=False).arg_true()
        mended = each_once(texts.gather(rows), ftfy.fix_encoding, pl.String)
        read = texts.clone().scatter(rows, mended).alias("text").to_frame()
        issue = pl.when(_TEXT.str.contains("\ufffd", literal=True)).then(pl.lit(_LOST)).alias("issue")
        return read.select(pl.when(_TEXT.is_not_null()).then(pl.struct("text", issue))).to_series()

    return answered(column, fixed, MENDED)
