"""Excel workbooks: one sheet under its headers, as `mbtoolkit.reading.sheets` loads it."""

from __future__ import annotations

from typing import Final

import polars as pl

from mbtoolkit.errors import SourceError
from mbtoolkit.reading.extent import DAMAGED, NotCountedError, counted, outlined
from mbtoolkit.reading.sheets import Sheet, chosen, load_sheet, load_sheet_apart, unreadable
from mbtoolkit.reading.tables import Table, headed, without_blank_rows

ENDINGS: Final = ("", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")


def load_excel(data: bytes, name: str, sheet: str | int | None) -> Table:
    """The table in a sheet.

    Args:
        data: the workbook's bytes.
        name: what to call it in errors.
        sheet: name or 0-based position; None takes the first.

    Raises:
        SourceError: it is no workbook, a damaged one, has no such sheet, or is too large.
    """
    loaded, notes = _loaded(data, name, sheet)
    if not loaded.header:
        msg = f"{name!r}: the sheet {loaded.name!r} is empty; it needs a line of headers, and a line for each contact"
        raise SourceError(msg)
    if sheet is None and loaded.of > 1:
        notes.append(f"took the first of {loaded.of} sheets, {loaded.name!r}; sheet=... takes another")
    table = headed(loaded.cells, loaded.header, name)
    table.notes += [*notes, *_two_marks(table.frame)]
    return without_blank_rows(table)


def _loaded(data: bytes, name: str, sheet: str | int | None) -> tuple[Sheet, list[str]]:
    """A sheet and what is to be said of its cells; loaded here only if it was counted before.

    Raises:
        SourceError: see `load_excel`.
    """
    if data[:2] != b"PK":
        return load_sheet_apart(data, name, sheet), []
    try:
        outline = outlined(data, name)
        found = chosen(list(outline.sheets), sheet, name)
        notes = counted(outline, found)
    except SourceError:
        raise
    except NotCountedError:
        return load_sheet_apart(data, name, sheet), []
    except DAMAGED:
        raise unreadable(name) from None
    return load_sheet(data, name, list(outline.sheets).index(found)), notes


def _two_marks(table: pl.DataFrame) -> list[str]:
    """Which columns have both decimal points, as Excel's own numbers come with, and decimal commas."""
    mixed = [
        column.name
        for column in table
        if column.dtype == pl.String
        and column.str.contains(r"^-?[0-9]+\.[0-9]+$").any()
        and column.str.contains(r"^-?[0-9. ]*[0-9],[0-9]{1,2}$").any()
    ]
    names = ", ".join(map(repr, mixed))
    return [f"decimal points and commas are mixed in {names}; Excel's own numbers come with a point"] if mixed else []
