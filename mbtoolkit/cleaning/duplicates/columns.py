"""The columns by which rows are compared: which they are, and what is the same in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mbtoolkit.cleaning.duplicates.repeats import repeats
from mbtoolkit.cleaning.headers import read_header
from mbtoolkit.cleaning.plain import plain_text
from mbtoolkit.contacts import PROPERTY_NAME_PREFIX, is_contact_column, is_property_column
from mbtoolkit.errors import FrameError
from mbtoolkit.schemas.conform import is_unread_column
from mbtoolkit.schemas.texts import has_text_form, text_form

Codes = NDArray[np.int32]

_PEOPLE: Final = frozenset({"first name", "last name", "middle name", "name", "birth", "city", "postal", "address"})
"""What a name must say of a column for it to be compared by default."""
_STREET: Final = frozenset({"street", "region"})
_SHARED: Final = frozenset({"last", "address", "street", "city", "postal", "region"})
"""What people of one household, or of one town, have in common."""
PARTS: Final = ("first", "last")
"""Parts of a name that are written in each other's place."""
_NOT_OF_THE_PERSON: Final = frozenset({"company", "somebody", "secret", "about", "consent", "refusal", "email", "web"})

_MOSTLY: Final = 0.8


@dataclass(frozen=True, slots=True)
class Compared:
    """One column as it is compared.

    Attributes:
        name: what a person calls it.
        codes: for each row the place of its value in `values`; -1 where the cell is blank.
        values: the distinct values without case, accents and punctuation, in alphabetical order.
        lengths: for each value, its characters.
        shares: for each value, its share of the filled cells.
        is_digits: whether most values are digits, of which one more or less means more than in a text.
        is_shared: whether people who live together, or near each other, have it in common.
        part: which part of a name it holds, one of `PARTS`; None if none.
        instead_of: places of the columns that say the same, where this one repeats others: either they count, or it.
        is_accounted: for each row whether they say all that this one says, or are filled anyway; None where it repeats
            nothing.
    """

    name: str
    codes: Codes
    values: NDArray[Any]
    lengths: NDArray[np.uint32]
    shares: NDArray[np.float64]
    is_digits: bool
    is_shared: bool
    part: str | None = None
    instead_of: tuple[int, ...] = ()
    is_accounted: NDArray[np.bool_] | None = None


def people_columns(frame: pl.DataFrame) -> list[str]:
    """The columns that are named like a name, an address or a birthday, in any of the languages of `suggest_mapping`.

    Args:
        frame: a contacts frame, or any table of people.
    """
    return [column for column, dtype in frame.schema.items() if has_text_form(dtype) and _speaks_of_people(column)]


def compared_columns(frame: pl.DataFrame, columns: Sequence[str]) -> list[Compared]:
    """The columns as they are compared; one that is blank throughout, or the same in all rows, is left out.

    Of a column that says again what others say, as a full name does beside its parts, what it says beyond them is
    compared; and the whole of it where the others are blank.

    Args:
        frame: holds the columns.
        columns: names of columns that have a text form.

    Raises:
        FrameError: a column is not there, or has no text form.
    """
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        msg = f"columns that are not in the frame: {', '.join(map(repr, missing))}"
        raise FrameError(msg)
    nested = [column for column in columns if not has_text_form(frame.schema[column])]
    if nested:
        msg = f"columns whose cells have no text to compare: {', '.join(map(repr, nested))}; leave them out"
        raise FrameError(msg)
    names = list(dict.fromkeys(columns))
    texts = [_plain(frame[column]) for column in names]
    filled = [place for place, text in enumerate(texts) if text.drop_nulls().n_unique() > 1]
    found = repeats([texts[place] for place in filled])
    again = {filled[each.place] for each in found}
    compared = [_compared(names[place], texts[place]) for place in filled if place not in again]
    places = {place: [at] for at, place in enumerate(place for place in filled if place not in again)}
    # Those that were found last may be among the others of those that were found first.
    for repeat in reversed(found):
        name, text = names[filled[repeat.place]], texts[filled[repeat.place]]
        instead_of = [at for other in repeat.others for at in places[filled[other]]]
        first = len(compared)
        own = replace(_compared(name, repeat.own), part=None)
        if len(own.values) > 1:
            instead_of.append(first)
            compared.append(own)
        if not repeat.is_accounted.all():
            whole = replace(_compared(name, text), part=None)
            compared.append(replace(whole, instead_of=tuple(instead_of), is_accounted=repeat.is_accounted))
        places[filled[repeat.place]] = list(range(first, len(compared)))
    return compared


def _speaks_of_people(column: str) -> bool:
    if is_unread_column(column) or (is_contact_column(column) and not is_property_column(column)):
        return False
    ideas = read_header(column.removeprefix(PROPERTY_NAME_PREFIX)).ideas
    if ideas & _NOT_OF_THE_PERSON:
        return False
    return bool(ideas & _STREET) or any(set(each.split()) <= ideas for each in _PEOPLE)


def _plain(cells: pl.Series) -> pl.Series:
    text = plain_text(text_form(pl.first(), cells.dtype))
    if cells.dtype.is_temporal():
        text = text.str.replace_all(" ", "")
    return cells.to_frame().select(text.alias("value")).to_series()


def _compared(column: str, plain: pl.Series) -> Compared:
    plain = plain.alias("value")
    counts = plain.drop_nulls().value_counts().sort("value")
    ranked = counts.select("value", pl.int_range(pl.len(), dtype=pl.Int32).alias("code"))
    joined = plain.to_frame().join(ranked, on="value", how="left", maintain_order="left")
    values = counts["value"]
    filled = max(1, len(plain) - plain.null_count())
    ideas = read_header(column.removeprefix(PROPERTY_NAME_PREFIX)).ideas
    return Compared(
        name=column.removeprefix(PROPERTY_NAME_PREFIX),
        codes=joined["code"].fill_null(-1).to_numpy(),
        values=values.to_numpy().astype(object),
        lengths=values.str.len_chars().to_numpy(),
        shares=counts["count"].to_numpy().astype(np.float64) / filled,
        is_digits=bool(len(values)) and float(values.str.contains(r"^[\d ]+$").mean() or 0) >= _MOSTLY,  # type: ignore[arg-type]
        is_shared=bool(ideas & _SHARED),
        part=next((part for part in PARTS if {part, "name"} <= ideas), None),
    )
