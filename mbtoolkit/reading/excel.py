"""Excel workbooks: one sheet as text, with numbers and dates in one stated form.

A whole number below 10^15 is written with its digits; a larger one, of which Excel has kept 15 digits only, as a
decimal number, so that the rules refuse it where it should be exact. Dates are ISO 8601, without a time at midnight. In
a column that mixes numbers with text, a number that is whole to nine decimals counts as whole.
"""

from __future__ import annotations

import io
import logging
import re
import zipfile
import zlib
from typing import TYPE_CHECKING, Final

import polars as pl

from mbtoolkit.errors import SourceError
from mbtoolkit.reading.tables import MAX_SOURCE_BYTES, Table, headed, without_blank_rows

if TYPE_CHECKING:
    import fastexcel

ENDINGS: Final = ("", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_EXACT_BELOW: Final = 10**15
_LOSSY: Final = r"^-?[0-9]{16,}$|\.[0-9]{9}$"
"""How the reader writes a number among text, where that may not be all of the number or more than Excel has of it."""
_ERROR_CELL: Final = re.compile(rb'<c\b(?=[^>]*\bt="e")[^>]*\br="([A-Z]+[0-9]+)"')


def load_excel(data: bytes, name: str, sheet: str | int | None) -> Table:
    """The table in a sheet.

    Args:
        data: the workbook's bytes.
        name: what to call it in errors.
        sheet: name or 0-based position; None takes the first.

    Raises:
        SourceError: it is no workbook, a damaged one, or has no such sheet.
    """
    import fastexcel  # noqa: PLC0415 - only where there is a workbook: it costs a tenth of a second

    notes = _checked(data, name)
    logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it logs each column that holds nothing
    try:
        book = fastexcel.read_excel(data)
        chosen = _chosen(book.sheet_names, sheet, name)
        header = book.load_sheet(chosen, header_row=None, n_rows=1, dtypes="string").to_polars()
        cells = _cells(book, chosen) if header.width else header
    except fastexcel.FastExcelError as error:
        msg = f"{name!r} can't be read as an Excel workbook: open it and save it again as .xlsx, or save it as CSV"
        raise SourceError(msg) from error
    if not header.width:
        msg = f"{name!r}: the sheet {chosen!r} is empty; it needs a line of headers, and a line for each contact"
        raise SourceError(msg)
    if sheet is None and len(book.sheet_names) > 1:
        notes.append(f"took the first of {len(book.sheet_names)} sheets, {chosen!r}; sheet=... takes another")
    table = headed(_as_text(cells), [cell or "" for cell in header.row(0)], name)
    table.notes += [*notes, *_two_marks(table.frame)]
    return without_blank_rows(table)


def _cells(book: fastexcel.ExcelReader, sheet: str) -> pl.DataFrame:
    """The cells below the headers, each column in a dtype that holds them; of mixed ones, as text."""
    cells: pl.DataFrame = book.load_sheet(sheet, schema_sample_rows=None).to_polars()
    lossy = {
        place: column.str.contains(_LOSSY)
        for place, column in enumerate(cells)
        if column.dtype == pl.String and column.str.contains(_LOSSY).any()
    }
    if not lossy:
        return cells
    # A cell of text is never a boolean to the reader, a number always is; which of the two it is, it does not say.
    is_number = book.load_sheet(sheet, dtypes="boolean").to_polars()
    numbers = book.load_sheet(sheet, dtypes="float").to_polars()
    for place, affected in lossy.items():
        exact = numbers.select(_text(pl.nth(place), numbers.to_series(place))).to_series()
        wrong = affected.fill_null(value=False) & is_number.to_series(place).is_not_null()
        column = cells.to_series(place)
        cells.replace_column(place, exact.zip_with(wrong, column).alias(column.name))
    return cells


def _two_marks(table: pl.DataFrame) -> list[str]:
    """Which columns have both decimal points, as Excel's own numbers come with, and decimal commas."""
    mixed = [
        name
        for place, name in enumerate(table.columns)
        if table.dtypes[place] == pl.String
        and (column := table.to_series(place)).str.contains(r"^-?[0-9]+\.[0-9]+$").any()
        and column.str.contains(r"^-?[0-9. ]*[0-9],[0-9]{1,2}$").any()
    ]
    told = ", ".join(map(repr, mixed))
    return [f"decimal points and commas are mixed in {told}; Excel's own numbers come with a point"] if mixed else []


def _chosen(sheets: list[str], sheet: str | int | None, name: str) -> str:
    """The name of the sheet that was asked for.

    Raises:
        SourceError: there is no such sheet.
    """
    if not sheets:
        msg = f"{name!r} has no sheet with cells: save the table as a sheet of its own, or as CSV"
        raise SourceError(msg)
    if sheet is None:
        return sheets[0]
    if isinstance(sheet, str) and sheet in sheets:
        return sheet
    if isinstance(sheet, int) and 0 <= sheet < len(sheets):
        return sheets[sheet]
    msg = f"{name!r} has no sheet {sheet!r}; it has {', '.join(map(repr, sheets))}"
    raise SourceError(msg)


def _checked(data: bytes, name: str) -> list[str]:
    """What is to be said of a workbook before it is read; the older formats, which are no zip archives, pass.

    Raises:
        SourceError: it unpacks to too much, or it is another kind of zip archive.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, OSError, ValueError):
        return []  # what reads the workbook says what is wrong with it
    with archive:
        if sum(each.file_size for each in archive.infolist()) > MAX_SOURCE_BYTES:
            msg = f"{name!r} unpacks to more than {MAX_SOURCE_BYTES:,} bytes: look at what it holds, and save it as CSV"
            raise SourceError(msg)
        if not any(each.startswith("xl/") or each == "content.xml" for each in archive.namelist()):
            msg = f"{name!r} is a zip archive, not a workbook: unpack it and give the path of one file in it"
            raise SourceError(msg)
        try:
            return _errors(archive)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, RuntimeError, EOFError):
            return []


def _errors(archive: zipfile.ZipFile) -> list[str]:
    """Which cells hold one of Excel's errors, in one sentence; nothing where none does."""
    sheets = [each for each in archive.namelist() if each.startswith("xl/worksheets/") and each.endswith(".xml")]
    cells = [cell.decode() for each in sheets for cell in _ERROR_CELL.findall(archive.read(each))]
    if not cells:
        return []
    count = f"{len(cells):,} cells" if len(cells) > 1 else "1 cell"
    return [f"{count} with an error of Excel's (such as #N/A; the first is {cells[0]}) read as blank"]


def _as_text(cells: pl.DataFrame) -> pl.DataFrame:
    return cells.select(_text(pl.nth(place), column) for place, column in enumerate(cells))


def _text(cells: pl.Expr, column: pl.Series) -> pl.Expr:
    """A column's cells as text, in the forms that the module states."""
    if column.dtype.is_float():
        exact = (cells.floor() == cells) & (cells.abs() < _EXACT_BELOW)
        return pl.when(exact).then(cells.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(cells.cast(pl.String))
    if column.dtype == pl.Datetime:
        return _date_or_time(cells, column)
    if column.dtype == pl.String:
        return cells.str.replace(r"^(\d{4}-\d\d-\d\d) 00:00:00$", "$1")
    return cells.cast(pl.String)


def _date_or_time(cells: pl.Expr, column: pl.Series) -> pl.Expr:
    """Dates where no cell has a time, times where no cell has a date (Excel counts from 1900), else both."""
    filled = column.drop_nulls()
    if (filled.dt.year() < 1900).all():
        return cells.dt.time().dt.to_string("iso").str.replace(r"\.0+$", "")
    if filled.dt.truncate("1d").equals(filled):
        return cells.dt.date().dt.to_string("iso")
    return cells.dt.to_string("iso:strict").str.replace(r"\.0+$", "")
