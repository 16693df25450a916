"""What a person typed, turned into cells by the same rules as a table that is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import polars as pl

from mbtoolkit.cleaning.phones import read_phone
from mbtoolkit.contacts import is_contact_column
from mbtoolkit.schemas import conform, unread_column
from mbtoolkit.schemas.conform import unread_note
from mbtoolkit.schemas.texts import unless_blank

CODE: Final = "mobile_country_code"
NUMBER: Final = "mobile_number"


class Cell(NamedTuple):
    """A cell's value, and what its `unread:` column keeps for it."""

    value: Any = None
    note: str | None = None


class Mobile(NamedTuple):
    """A country code and a number; `note` says why there is no number."""

    code: int | None = None
    number: int | None = None
    note: str | None = None


def read_cells(column: str, texts: Sequence[str]) -> list[Cell]:
    """The cells for texts typed into one column; blank text gives an empty cell.

    Args:
        column: the column's name, which decides what its cells hold.
        texts: as typed.
    """
    written = [text.encode(errors="backslashreplace").decode() for text in texts]
    typed = pl.DataFrame({column: pl.Series(written, dtype=pl.String)}).with_columns(unless_blank(pl.first()))
    conformed = conform(typed)
    notes = conformed[unread_column(column)] if conformed.width > 1 else [None] * len(written)
    cells = [Cell(value, note) for value, note in zip(conformed[column], notes, strict=True)]
    if not is_contact_column(column):
        return cells
    return [
        cell if whole == text else Cell(note=_note("not_unicode", whole))
        for cell, whole, text in zip(cells, written, texts, strict=True)
    ]


def read_mobile(text: str, code: int | None) -> Mobile:
    """A phone number as people write it.

    Args:
        text: such as `+47 934 54 496`, which brings its own country code, or `934 54 496`, which takes the row's.
        code: the row's country code.
    """
    is_international = text.strip().startswith(("+", "00", "\uff0b"))
    phone = read_phone(text, None if is_international or code is None else str(code))
    if phone.rule is not None:
        return Mobile(code, note=_note(phone.rule, text))
    return Mobile(phone.code, phone.number)


def _note(rule: str, text: str) -> str:
    return str(pl.select(unread_note(rule, pl.lit(text))).item())
