"""What a person typed, turned into the cells that it makes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import polars as pl

from mbtoolkit.cleaning.entering import CODE, entered_texts
from mbtoolkit.contacts import is_contact_column
from mbtoolkit.schemas import unread_column
from mbtoolkit.schemas.conform import unread_note

_NOT_UNICODE: Final = "not_unicode"

Draft = dict[str, dict[int, Any]]
"""New cells: column of the frame -> row -> value."""


def draft_cells(frame: pl.DataFrame, texts: Mapping[str, Mapping[int, str]], editable: Collection[str]) -> Draft:
    """The new cells for what was typed, `unread:` columns included.

    Args:
        frame: the frame as it is, with an `unread:` column for each contact column that can be edited.
        texts: what was typed, by column and row.
        editable: the columns that may be changed.
    """
    rows = sorted({row for typed in texts.values() for row in typed})
    places = {row: place for place, row in enumerate(rows)}
    part = frame[rows]
    draft: Draft = {}
    # A country code that is typed beside a number holds for it.
    for name in sorted(texts, key=lambda name: name != CODE):
        typed = texts[name]
        written = [text.encode(errors="backslashreplace").decode() for text in typed.values()]
        at = pl.Series([places[row] for row in typed], dtype=pl.Int64)
        entered = entered_texts(part, name, at, pl.Series(written, dtype=pl.String), editable)
        for column, cells in entered.items():
            part = part.with_columns(part.get_column(column).scatter(cells["row"], cells["value"]).alias(column))
            made = draft.setdefault(column, {})
            made.update((rows[place], value) for place, value in cells.iter_rows())
        if is_contact_column(name):
            _refuse_broken(draft, name, typed)
    return draft


def _refuse_broken(draft: Draft, name: str, typed: Mapping[int, str]) -> None:
    """Keeps a text unread that holds half a character, which no frame can hold, with that half written out."""
    for row, text in typed.items():
        written = text.encode(errors="backslashreplace").decode()
        if written != text:
            draft[name][row] = None
            note = pl.select(unread_note(_NOT_UNICODE, pl.lit(written))).item()
            draft[unread_column(name)][row] = str(note)
