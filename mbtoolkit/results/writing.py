"""Writes results and issues into files: a sheet for a person, CSV for other programs, parquet for a machine."""

from __future__ import annotations

import csv
import io
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import polars as pl

from mbtoolkit.errors import FrameError, UsageError
from mbtoolkit.results.frames import told_by
from mbtoolkit.results.texts import as_text, fitting, for_parquet, without_formulas
from mbtoolkit.schemas import ContactSchema
from mbtoolkit.schemas.conform import conform
from mbtoolkit.schemas.frames import ISSUES
from mbtoolkit.schemas.issues import find_issues
from mbtoolkit.schemas.texts import FORMULA

ENDINGS: Final = (".xlsx", ".csv", ".parquet")

XLSX_MAX_ROWS: Final = 1_048_575
"""Rows below the header that a sheet holds. Source: Microsoft, "Excel specifications and limits"."""
XLSX_MAX_COLUMNS: Final = 16_384
"""Columns that a sheet holds. Source: the same."""

_MODE: Final = 0o600
"""Files of people are readable by their user only, whatever the umask."""

_FAILING: Final = "#F8CBAD"
_MARK: Final = {
    "rejected": _FAILING,
    "invalid": _FAILING,
    "error": _FAILING,
    "unknown": "#FFE699",
    "warning": "#FFE699",
    "not_sent": "#D9D9D9",
}


@dataclass(frozen=True, slots=True)
class _Marks:
    """What is coloured in a sheet.

    Attributes:
        words: a word for each row; some words have a colour.
        columns: where that colour goes.
        cells: rows whose cell is at fault, by column.
    """

    words: pl.Series
    columns: tuple[str, ...]
    cells: Mapping[str, set[int]] = field(default_factory=dict)


def write_results(results: pl.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Writes a results frame for a person or for a machine, by the path's ending.

    - `.xlsx`, for a person: every cell is text, so nothing is taken for a formula, a number or a link; failing cells
      and statuses are coloured, and the status says it in words. A text longer than a cell holds is cut, and says so.
    - `.csv`, for programs that know nothing else: UTF-8, comma; text that a spreadsheet would take for a formula gets
      an apostrophe in front.
    - `.parquet`, for a machine: the frame as it is; a column that parquet can't hold (objects, structs without fields)
      as text.

    A new file is readable by you only; change its permissions to share it, and writing to it again keeps them.

    As text, dates, times and durations are written as ISO 8601 has it, lists of texts with semicolons between, other
    nested cells as JSON, and cells without a text form (binary, object, nested with these) as their type: `<Binary>`.

    Args:
        results: a results frame.
        path: where to; an existing file is replaced once the new one is complete.

    Returns:
        The path.

    Raises:
        FrameError: not a results frame, or too large for a sheet.
        UsageError: another ending, or it can't be written there; nothing has changed there then.
    """
    told = told_by(results)
    marked = ("mb_status", "mb_message")
    return _write(
        results, path, "results", lambda: _Marks(told["mb_status"], marked, _failing_cells(results, told["mb_status"]))
    )


def write_issues(issues: pl.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Writes an issues frame for a person or for a machine, by the path's ending, as `write_results` does.

    Args:
        issues: an issues frame, such as `validate_contacts(contacts).issues`.
        path: where to (`.xlsx`, `.csv`, `.parquet`); an existing file is replaced once the new one is complete.

    Returns:
        The path.

    Raises:
        FrameError: not an issues frame, or too large for a sheet.
        UsageError: another ending, or it can't be written there; nothing has changed there then.
    """
    if not isinstance(issues, pl.DataFrame) or not set(ISSUES) <= set(issues.columns):
        msg = "this is no issues frame (it lacks rule, severity and their like); validate_contacts(...).issues is one"
        raise FrameError(msg)
    return _write(issues, path, "issues", lambda: _Marks(issues["severity"], ("severity", "message")))


def check_target(path: str | os.PathLike[str], *, rows: int = 0, columns: int = 0) -> Path:
    """The path, if a frame could be written there; to be asked before something is done that can't be done again.

    Args:
        path: where to.
        rows: the height of the frame.
        columns: its width.

    Raises:
        FrameError: too large for a sheet.
        UsageError: another ending than `.xlsx`, `.csv` and `.parquet`; no folder there, or one that can't be written
            into; something that is no file stands there.
    """
    try:
        target = Path(path)
        ending, kind = target.suffix.lower(), _mode(target)
        folder = target.resolve().parent
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        msg = f"that is no path of a file to write: {getattr(error, 'strerror', None) or type(error).__name__}"
        raise UsageError(msg) from None
    if ending not in ENDINGS:
        msg = f"{target.name!r} ends in none of {', '.join(ENDINGS)}: the ending says what is written"
        raise UsageError(msg)
    if ending == ".xlsx" and (rows > XLSX_MAX_ROWS or columns > XLSX_MAX_COLUMNS):
        msg = (
            f"{rows:,} rows and {columns:,} columns do not fit into a sheet, which holds {XLSX_MAX_ROWS:,} and "
            f"{XLSX_MAX_COLUMNS:,}; write .parquet or .csv"
        )
        raise FrameError(msg)
    if not folder.is_dir():
        msg = f"there is no folder {folder.name!r} to write {target.name!r} into; make it first"
        raise UsageError(msg)
    if kind is not None and not stat.S_ISREG(kind):
        msg = f"{target.name!r} is {'a folder' if stat.S_ISDIR(kind) else 'no file'}: give the path of a file"
        raise UsageError(msg)
    _try(target, folder)
    return target


def _mode(target: Path) -> int | None:
    """What stands there, as `stat` has it; None where nothing does."""
    try:
        return target.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


def _try(target: Path, folder: Path) -> None:
    """Raises:
    UsageError: no file can be made in the folder, or the one that is there can't be written.
    """
    part = _part(folder)
    try:
        part.touch(mode=_MODE, exist_ok=False)
        part.unlink()
    except OSError as error:
        raise UsageError(_why_not(target, error)) from error
    if target.exists() and not os.access(target, os.W_OK):
        msg = f"{target.name!r} may not be written: change its permissions, or give another path"
        raise UsageError(msg)


def _part(folder: Path) -> Path:
    """The name of a file that becomes the real one when it is complete."""
    return folder / f".mbtoolkit-{secrets.token_hex(6)}.part"


def _why_not(target: Path, error: Exception) -> str:
    # polars' own OSErrors have no strerror.
    reason = getattr(error, "strerror", None) or (str(error) if isinstance(error, OSError) else type(error).__name__)
    return f"{target.name!r} can't be written: {reason}; give another path"


def _write(frame: pl.DataFrame, path: str | os.PathLike[str], sheet: str, marks: Callable[[], _Marks]) -> Path:
    """Writes a frame beside its place, then puts it there, so that no half of a file is ever taken for the whole.

    Raises:
        FrameError, UsageError: see `write_results`.
    """
    from xlsxwriter.exceptions import XlsxWriterException  # noqa: PLC0415 - `import mbtoolkit.results` stays light

    target = check_target(path, rows=frame.height, columns=frame.width)
    place = target.resolve()
    part = _part(place.parent)
    try:
        part.touch(mode=_MODE, exist_ok=False)
        with part.open("wb") as file:
            if target.suffix.lower() == ".xlsx":
                _write_xlsx(frame, file, sheet, marks())
            elif target.suffix.lower() == ".csv":
                _write_csv(frame, file)
            else:
                for_parquet(frame).write_parquet(file)
        if place.exists():
            shutil.copymode(place, part)
        part.replace(place)
    except (OSError, XlsxWriterException, pl.exceptions.PolarsError) as error:
        raise UsageError(_why_not(target, error)) from error
    finally:
        part.unlink(missing_ok=True)
    return target


def _write_csv(frame: pl.DataFrame, file: IO[bytes]) -> None:
    head = io.StringIO()
    guarded = (re.sub(FORMULA, r"'\1", name) for name in frame.columns)
    csv.writer(head, lineterminator="\n").writerow(guarded)
    file.write(head.getvalue().encode())
    without_formulas(frame).write_csv(file, include_header=False)


def _write_xlsx(frame: pl.DataFrame, file: IO[bytes], name: str, marks: _Marks) -> None:
    import xlsxwriter  # noqa: PLC0415 - only where a workbook is written

    # A workbook that fails half-way tries once more when it is cleared away: into memory, where it can't fail.
    packed = io.BytesIO()
    book = xlsxwriter.Workbook(packed)
    sheet = book.add_worksheet(name)
    formats = {word: book.add_format({"bg_color": colour}) for word, colour in _MARK.items()}
    failing = book.add_format({"bg_color": _FAILING, "bold": True, "border": 1})
    head = book.add_format({"bold": True, "bottom": 1})
    for place, column in enumerate(as_text(frame)):
        sheet.write_string(0, place, fitting(column.name), head)
        words = marks.words if column.name in marks.columns else [None] * len(column)
        at_fault = marks.cells.get(column.name, set())
        for row, (value, word) in enumerate(zip(column, words, strict=True)):
            chosen = failing if row in at_fault else formats.get(word)
            _write_cell(sheet, row + 1, place, value, chosen)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, frame.height, max(frame.width - 1, 0))
    sheet.autofit(400)
    book.close()
    file.write(packed.getbuffer())


def _write_cell(sheet: Any, row: int, place: int, value: str | None, chosen: Any) -> None:
    if value is not None:
        sheet.write_string(row, place, fitting(value), chosen)
    elif chosen is not None:
        sheet.write_blank(row, place, None, chosen)


def _failing_cells(results: pl.DataFrame, statuses: pl.Series) -> dict[str, set[int]]:
    """For each column, the rows whose cell keeps them from being sent."""
    refused = set((statuses == "invalid").arg_true())
    if not refused:
        return {}
    # The whole frame, for some rules are about several rows.
    found = find_issues(results, conform(results), ContactSchema)
    issues = found.filter((pl.col("severity") == "error") & pl.col("column").is_not_null())
    failing: dict[str, set[int]] = {}
    for column, row in issues.select("column", "row").iter_rows():
        if row in refused:
            failing.setdefault(column, set()).add(row)
            failing.setdefault(f"unread:{column}", set()).add(row)
    return failing
