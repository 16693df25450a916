"""Loads a sheet as text, with numbers and dates in one stated form, here or in a process of its own.

A whole number below 10^15 is written with its digits; a larger one, of which Excel has kept 15 digits only, as a
decimal number, so that the rules refuse it where it should be exact. Dates are ISO 8601, without a time at midnight. In
a column that mixes numbers with text, a number that is whole to nine decimals counts as whole.

In that process (`main`) the workbook comes in on standard input and the cells go out on standard output. What loads
workbooks can end a process in ways that nothing in it can catch; a workbook whose cells can't be counted before
(`.xls`, `.xlsb`, `.ods`) ends that process alone.
"""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from mbtoolkit.errors import SourceError
from mbtoolkit.reading.tables import MAX_SHEET_CELLS, check_size

if TYPE_CHECKING:
    import fastexcel

MAX_PROCESS_BYTES: Final = 6 * 1024**3
"""The memory of the process that loads a workbook whose cells can't be counted before."""
MAX_PROCESS_SECONDS: Final = 300
"""The time that it may take."""

_EXACT_BELOW: Final = 10**15
_LOSSY: Final = r"^-?[0-9]{16,}$|\.[0-9]{9}$"
"""How the reader writes a number among text, where that may not be all of the number or more than Excel has of it."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet as loaded.

    Attributes:
        name: its name.
        of: how many sheets the workbook has.
        header: the cells of its first row that is not blank; none where all are blank.
        cells: the cells below, as text.
    """

    name: str
    of: int
    header: list[str]
    cells: pl.DataFrame


def chosen(sheets: list[str], sheet: str | int | None, name: str) -> str:
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


def load_sheet(data: bytes, name: str, sheet: str | int | None) -> Sheet:
    """Loads a sheet in this process.

    Args:
        data: the workbook's bytes.
        name: what to call it in errors.
        sheet: name or 0-based position; None takes the first.

    Raises:
        SourceError: it is no workbook, a damaged one, or has no such sheet.
    """
    import fastexcel  # noqa: PLC0415 - only where there is a workbook: it costs a tenth of a second

    logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it logs each column that holds nothing
    try:
        book = fastexcel.read_excel(data)
        found = chosen(book.sheet_names, sheet, name)
        header = book.load_sheet(found, header_row=None, n_rows=1, dtypes="string").to_polars()
        cells = _cells(book, found) if header.width else header
    except SourceError:
        raise
    except BaseException as error:
        # Its panics are no Exception, and their class has no name to import.
        if isinstance(error, fastexcel.FastExcelError) or type(error).__name__ == "PanicException":
            raise unreadable(name) from error
        raise
    texts = [cell or "" for cell in header.row(0)] if header.width else []
    return Sheet(found, len(book.sheet_names), texts, _as_text(cells))


def load_sheet_apart(data: bytes, name: str, sheet: str | int | None) -> Sheet:
    """Loads a sheet in a process of its own, with limits on its memory (on Linux) and its time.

    Args:
        data: the workbook's bytes.
        name: what to call it in errors.
        sheet: name or 0-based position; None takes the first.

    Raises:
        SourceError: it is no workbook, a damaged one, has no such sheet, or is too large.
    """
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "POLARS_MAX_THREADS": "2",  # each thread takes memory
        "RUST_BACKTRACE": "0",  # it takes seconds to print
    }
    asked = json.dumps([name, sheet], default=repr)
    try:
        done = subprocess.run(  # noqa: S603 - this Python, this module
            [sys.executable, "-P", "-c", f"from {__name__} import main; main()", asked],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=MAX_PROCESS_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        raise _too_much(name) from None
    head, found, cells = done.stdout.partition(b"\n")
    if done.returncode or not found:
        raise _too_much(name)
    answer = json.loads(head)
    if "refused" in answer:
        raise SourceError(answer["refused"])
    return Sheet(answer["name"], answer["of"], answer["header"], pl.read_ipc(io.BytesIO(cells)))


def unreadable(name: str) -> SourceError:
    """What to raise for a workbook that is none, or a damaged one."""
    return SourceError(
        f"{name!r} can't be read as an Excel workbook: open it and save it again as .xlsx, or save it as CSV"
    )


def _too_much(name: str) -> SourceError:
    return SourceError(
        f"{name!r} can't be read: it takes more than {MAX_PROCESS_BYTES // 1024**3} GiB of memory or "
        f"{MAX_PROCESS_SECONDS} seconds; open it, copy the table alone into a new workbook, and save that as .xlsx"
    )


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


def _limit_memory() -> None:
    """Where the system has such limits; a process that fails leaves no copy of its memory on the disk either way."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":  # elsewhere it is not kept
        resource.setrlimit(resource.RLIMIT_AS, (MAX_PROCESS_BYTES, MAX_PROCESS_BYTES))


def main() -> None:
    """The work of the other process: loads what comes in, and writes one line of JSON and the cells behind it."""
    _limit_memory()
    name, sheet = json.loads(sys.argv[1])
    try:
        loaded = load_sheet(sys.stdin.buffer.read(), name, sheet)
        check_size(loaded.cells.width, loaded.cells.height, name, MAX_SHEET_CELLS)
    except SourceError as error:
        sys.stdout.buffer.write(json.dumps({"refused": str(error)}).encode() + b"\n")
        return
    answer = {"name": loaded.name, "of": loaded.of, "header": loaded.header}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    loaded.cells.write_ipc(sys.stdout.buffer)
