"""Results that come back from a file: what `write_results` did to be safe in a spreadsheet is undone."""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from mbtoolkit.contacts import canonical_name
from mbtoolkit.reading.tables import Table
from mbtoolkit.schemas.conform import unread_note
from mbtoolkit.schemas.frames import RESULTS, ROW, STATUSES
from mbtoolkit.schemas.texts import CUT, GUARDED, text_form

_WHOLE: Final = r"^([0-9]{1,18})(?:[.,]0+)?$"
_LONG: Final = 16_000
"""Characters; a text that was cut for a sheet's cell still has more."""


def is_export(columns: list[str]) -> bool:
    """Whether columns are those of results: `mb_row`, and at least one more that a push adds."""
    return ROW in columns and any(name in columns for name in RESULTS if name != ROW)


def restored(table: Table, *, is_text: bool = False) -> Table:
    """The table; results that have been in a file with their numbers and statuses in the types that they had.

    Args:
        table: as loaded.
        is_text: whether it comes from a text file, where cells that look like formulas have an apostrophe in front.
    """
    if not is_export(table.frame.columns):
        return table
    frame = table.frame
    if is_text:
        frame = frame.with_columns(pl.col(pl.String).str.replace(GUARDED, "$1"))
        frame = frame.rename({name: re.sub(GUARDED, r"\1", name) for name in frame.columns})
    columns = {each.name: each for each in frame}
    for name in RESULTS:
        if name in columns:
            columns[name] = _typed(columns[name])
    lost = int((columns[ROW].is_null() | columns[ROW].is_duplicated()).sum())
    if lost:
        table.notes.append(
            f"{ROW} is blank, no row number, or the same as in another row in {lost:,} rows; they are pushed as new "
            "rows, and update_results can't put them into the earlier results"
        )
    for column in columns.values():
        if column.dtype == pl.String and canonical_name(column.name) is not None and column.name not in table.unread:
            notes = _cut(column)
            if notes.null_count() < len(notes):
                table.unread[column.name] = notes
    table.frame = pl.DataFrame(list(columns.values()))
    return table


def _typed(column: pl.Series) -> pl.Series:
    """A column of results in its own type; as it is where that can't be, but `mb_row` without what is no row number."""
    dtype = RESULTS[column.name]
    if column.dtype == dtype:
        return column
    text = column.to_frame().select(text_form(pl.first(), column.dtype).alias(column.name))
    if dtype.is_integer():
        typed = text.select(pl.first().str.strip_chars().str.extract(_WHOLE).cast(dtype, strict=False)).to_series()
    elif column.name == "mb_status":
        typed = text.select(pl.when(pl.first().is_in(STATUSES)).then(pl.first()).cast(dtype)).to_series()
    else:
        return column
    return typed if column.name == ROW or typed.null_count() == column.null_count() else column


def _cut(column: pl.Series) -> pl.Series:
    """A note for each cell that was too long for its sheet, so that no part of a text is sent for the whole."""
    cell = pl.first()
    was_cut = (cell.str.len_chars() > _LONG) & cell.str.contains(CUT)
    return column.to_frame().select(pl.when(was_cut).then(unread_note("unread", cell))).to_series()
