"""What a person typed, turned into cells by the same rules as a table that is read."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

import polars as pl

from mbtoolkit.cleaning.phones import read_phone
from mbtoolkit.contacts import is_contact_column
from mbtoolkit.editing.columns import NOTED_RULE
from mbtoolkit.schemas import conform, unread_column
from mbtoolkit.schemas.conform import unread_note
from mbtoolkit.schemas.texts import unless_blank

CODE: Final = "mobile_country_code"
NUMBER: Final = "mobile_number"
_NOT_UNICODE: Final = "not_unicode"

Draft = dict[str, dict[int, Any]]
"""New cells: column of the frame -> row -> value."""


class Cell(NamedTuple):
    """A cell's value, and what its `unread:` column keeps for it."""

    value: Any = None
    note: str | None = None


class Mobile(NamedTuple):
    """A country code and a number; `note` says why there is no number."""

    code: int | None = None
    number: int | None = None
    note: str | None = None


def draft_cells(frame: pl.DataFrame, texts: Mapping[str, Mapping[int, str]], editable: Collection[str]) -> Draft:
    """The new cells for what was typed, `unread:` columns included.

    A phone number that is no plain digits is read as people write it, and may fill its row's country code too; one that
    waits unread for its country code is read when that is typed.

    Args:
        frame: the frame as it is, with an `unread:` column for each contact column that can be edited.
        texts: what was typed, by column and row.
        editable: the columns that may be changed.
    """
    draft: Draft = {}
    for name, typed in texts.items():
        cells = read_cells(name, list(typed.values()))
        draft[name] = dict(zip(typed, (cell.value for cell in cells), strict=True))
        if is_contact_column(name):
            draft[unread_column(name)] = dict(zip(typed, (cell.note for cell in cells), strict=True))
    if CODE in frame.columns and NUMBER in editable:
        for row, text in _phones(frame, draft, texts.get(NUMBER, {})).items():
            _put_mobile(frame, draft, row, text, may_fill_code=CODE in editable)
    return draft


def _phones(frame: pl.DataFrame, draft: Draft, typed: Mapping[int, str]) -> dict[int, str]:
    """The texts to read as phone numbers, by row."""
    unread = unread_column(NUMBER)
    phones = {
        row: typed[row]
        for row, note in draft.get(unread, {}).items()
        if note is not None and not note.startswith(f"{_NOT_UNICODE}: ")
    }
    for row, code in draft.get(CODE, {}).items():
        note = frame.item(row, unread)
        if code is not None and note is not None and row not in typed:
            phones[row] = re.sub(NOTED_RULE, "", note)
    return phones


def _put_mobile(frame: pl.DataFrame, draft: Draft, row: int, text: str, *, may_fill_code: bool) -> None:
    code = draft.get(CODE, {}).get(row, frame.item(row, CODE))
    mobile = read_mobile(text, code)
    new = {NUMBER: mobile.number, unread_column(NUMBER): mobile.note}
    if mobile.code != code:
        if not may_fill_code:
            return
        new |= {CODE: mobile.code, unread_column(CODE): None}
    for name, value in new.items():
        draft.setdefault(name, {})[row] = value


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
        cell if whole == text else Cell(note=_note(_NOT_UNICODE, whole))
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
