"""Columns that say again what other columns of the row say: a full name beside first and last name.

What is said twice is no more evidence than what is said once. So a column is held against the others, row by row: the
words in it that are not in them are what it says of its own. Two rows are compared by these words alone, unless it says
more than the others do because they are blank: then it is compared as a whole, and they are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

_SAMPLE: Final = 5_000
"""Rows by which it is found out which columns repeat which."""
_OFTEN: Final = 0.3
"""Share of the rows in which a column must be in another one, for that to be no chance."""
_MOSTLY: Final = 0.8
_SHORTEST_PART: Final = 3
"""Letters that a text must have to be looked for within a word."""
_LONGEST_INITIALS: Final = 4

_CELL, _OTHER = pl.col("cell"), pl.col("other")


@dataclass(frozen=True, slots=True)
class Repeat:
    """A column that says again what others say.

    Attributes:
        place: its place among the columns.
        others: the places of those that say it first.
        own: what it says beyond them; null where that is nothing.
        is_accounted: whether each row needs no more than that: none of the others is blank, or they say it all.
    """

    place: int
    others: tuple[int, ...]
    own: pl.Series
    is_accounted: NDArray[np.bool_]


def repeats(texts: Sequence[pl.Series]) -> list[Repeat]:
    """The columns that say again what others say.

    Args:
        texts: the cells of each column as `plain_text` has them.
    """
    if len(texts) < 2:
        return []
    step = max(1, len(texts[0]) // _SAMPLE)
    samples = [text.gather_every(step) for text in texts]
    lengths = [float(sample.str.len_chars().mean() or 0) for sample in samples]  # type: ignore[arg-type]
    left = set(range(len(texts)))
    found = []
    # The longest first, of equally long ones the last: a full name says again what its parts say, not the reverse.
    for place in sorted(left, key=lambda place: (-lengths[place], -place)):
        initials = _are_initials(samples[place])
        others = tuple(
            other
            for other in sorted(left - {place})
            if _share_said(samples[place], samples[other], initials=initials) >= (_MOSTLY if initials else _OFTEN)
        )
        if others and not (_are_digits(samples[place]) and _says_more(place, others, samples)):
            left.discard(place)
            found.append(_repeat(place, others, texts, initials=initials))
    return found


def _are_digits(cells: pl.Series) -> bool:
    return float(cells.drop_nulls().str.contains(r"^[\d ]+$").mean() or 0) >= _MOSTLY  # type: ignore[arg-type]


def _says_more(place: int, others: tuple[int, ...], samples: Sequence[pl.Series]) -> bool:
    """Whether a date, or a number, is more than the others say: it stays whole then, and they repeat it."""
    own = _repeat(place, others, samples, initials=False).own
    return (len(own) - own.null_count()) * 2 > len(own) - samples[place].null_count()


def _are_initials(cells: pl.Series) -> bool:
    """Whether the cells of a column are a few letters each."""
    filled = cells.drop_nulls()
    few = filled.str.replace_all(" ", "").str.contains(rf"^\pL{{1,{_LONGEST_INITIALS}}}$")
    return bool(len(filled)) and float(few.mean() or 0) >= _MOSTLY  # type: ignore[arg-type]


def _share_said(cells: pl.Series, others: pl.Series, *, initials: bool) -> float:
    """The share of the rows in which a column has something of another one in it, of those where both are filled."""
    both = pl.DataFrame([cells.alias("cell"), others.alias("other")]).drop_nulls()
    said = _words_said(_CELL.str.split(" "), _OTHER.str.split(" ")).list.len() > 0
    said |= _holds(_CELL, _OTHER) | _holds(_OTHER, _CELL)
    if initials:
        said |= _compact(_CELL).str.contains(_OTHER.str.slice(0, 1), literal=True)
    return float(both.select(said.mean()).item() or 0)


def _words_said(words: pl.Expr, others: pl.Expr) -> pl.Expr:
    """The words that are among others, or are an initial of one of them."""
    return words.list.set_intersection(pl.concat_list(others, others.list.eval(pl.element().str.extract(r"^(\pL)"))))


def _compact(text: pl.Expr) -> pl.Expr:
    return text.str.replace_all(" ", "")


def _holds(whole: pl.Expr, part: pl.Expr) -> pl.Expr:
    """Whether one text is a part of another, whatever stands between their words."""
    part = _compact(part)
    return (part.str.len_chars() >= _SHORTEST_PART) & _compact(whole).str.contains(part, literal=True)


def _repeat(place: int, others: tuple[int, ...], texts: Sequence[pl.Series], *, initials: bool) -> Repeat:
    frame = pl.DataFrame([texts[place].alias("cell"), *(texts[other].alias(str(other)) for other in others)])
    names = [str(other) for other in others]
    words = pl.concat_list(pl.col(name).fill_null("").str.split(" ") for name in names)
    own_words = _CELL.str.split(" ")
    if initials:
        own_words = (
            pl.when(_compact(_CELL).str.len_chars() <= _LONGEST_INITIALS)
            .then(_compact(_CELL).str.split(""))
            .otherwise(own_words)
        )
    rest = own_words.list.set_difference(_words_said(own_words, words)).list.sort().list.join(" ")
    parts = pl.sum_horizontal(
        pl.when(_compact(_CELL).str.contains(_compact(pl.col(name)), literal=True))
        .then(_compact(pl.col(name)).str.len_chars())
        .otherwise(0)
        for name in names
    )
    is_inside = pl.any_horizontal(_holds(pl.col(name), _CELL).fill_null(value=False) for name in names)
    is_all = (rest == "") | (parts >= _compact(_CELL).str.len_chars()) | is_inside
    told = frame.select(
        own=pl.when(~is_all).then(rest),
        is_accounted=is_all.fill_null(value=True) | pl.all_horizontal(pl.col(name).is_not_null() for name in names),
    )
    return Repeat(place, others, told["own"], told["is_accounted"].to_numpy())
