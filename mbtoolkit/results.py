"""What to do with a results frame: count it, take the ids from it, hand it on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import polars as pl

from mbtoolkit.errors import FrameError, UsageError
from mbtoolkit.validation import validate_contacts

ROW: Final = "mb_row"
XLSX_MAX_ROWS: Final = 1_048_575
"""Rows below the header that a sheet holds. Source: Microsoft, "Excel specifications and limits"."""
XLSX_MAX_TEXT: Final = 32_767
"""Characters that a cell holds. Source: the same."""

_MARK: Final = {
    "rejected": "#F8CBAD",
    "invalid": "#F8CBAD",
    "unknown": "#FFE699",
    "not_sent": "#D9D9D9",
}
_FORMULA_STARTS: Final = r"^[=+\-@\t\r]"


def summarize(results: pl.DataFrame, *, reasons: int = 5) -> pl.DataFrame:
    """How many rows ended in each status, and the commonest reasons.

    Args:
        results: a results frame.
        reasons: how many reasons to show for each status; the rest is counted under `(other)`.

    Returns:
        `mb_status`, `reason` (the code; null for a plain success), `rows`, `first_row` (the smallest `mb_row`),
        `example` (the commonest message). Sorted by status and then by rows; the rows add up to the frame's height.

    Raises:
        FrameError: not a results frame.
    """
    _check_results(results)
    counted = (
        results.group_by("mb_status", pl.col("mb_code").alias("reason"))
        .agg(
            pl.len().cast(pl.Int64).alias("rows"),
            pl.col(ROW).min().alias("first_row"),
            pl.col("mb_message").drop_nulls().mode().sort().first().alias("example"),
        )
        .sort("mb_status", "rows", "reason", descending=[False, True, False])
        .with_columns(pl.int_range(pl.len()).over("mb_status").alias("place"))
    )
    other = pl.col("place") >= reasons
    return (
        counted.with_columns(
            pl.when(other).then(pl.lit("(other)")).otherwise(pl.col("reason")).alias("reason"),
            pl.when(other).then(None).otherwise(pl.col("example")).alias("example"),
        )
        .group_by("mb_status", "reason", maintain_order=True)
        .agg(pl.col("rows").sum(), pl.col("first_row").min(), pl.col("example").first())
    )


def with_contact_ids(contacts: pl.DataFrame, results: pl.DataFrame) -> pl.DataFrame:
    """The contacts with the ids that the CRM gave them, so that the next push is an update.

    Args:
        contacts: the frame that was sent, or the one that the sent rows were taken from.
        results: what came back for all of it or a part of it; rows are matched by `mb_row`.

    Returns:
        `contacts`, with `contact_id` (Int64) filled in where `results` has one; other cells are untouched.

    Raises:
        FrameError: not a results frame, or it holds rows that `contacts` doesn't.
    """
    _check_results(results)
    position = pl.int_range(contacts.height, dtype=pl.Int64, eager=True).alias(ROW)
    numbered = contacts if ROW in contacts.columns else contacts.with_columns(position)
    learnt = results.filter(pl.col("mb_contact_id").is_not_null()).select(ROW, "mb_contact_id")
    missing = results.join(numbered, on=ROW, how="anti").height
    if missing:
        msg = f"{missing:,} of the results' rows are not among the contacts: give the frame that was sent"
        raise FrameError(msg)
    learnt = learnt.unique(ROW, keep="last", maintain_order=True)
    joined = numbered.join(learnt, on=ROW, how="left", maintain_order="left")
    had = (
        pl.col("contact_id").cast(pl.Int64, strict=False)
        if "contact_id" in contacts.columns
        else pl.lit(None, dtype=pl.Int64)
    )
    filled = joined.with_columns(pl.coalesce("mb_contact_id", had).alias("contact_id")).drop("mb_contact_id")
    return filled if ROW in contacts.columns else filled.drop(ROW)


def write_results(results: pl.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Writes a results frame for a person or for a machine, by the path's ending.

    - `.xlsx`, for a person: every cell is text, so nothing is taken for a formula, a number or a link; failing cells
      and statuses are coloured, and the status says it in words.
    - `.csv`, for programs that know nothing else: UTF-8, comma; text that a spreadsheet would take for a formula gets
      an apostrophe in front.
    - `.parquet`, for a machine: the frame as it is.

    Args:
        results: a results frame.
        path: where to; an existing file is replaced.

    Returns:
        The path.

    Raises:
        FrameError: not a results frame, or too large for a sheet.
        UsageError: another ending, or a folder that isn't there.
    """
    _check_results(results)
    target = Path(path)
    writers: dict[str, Callable[[pl.DataFrame, Path], None]] = {
        ".xlsx": _write_xlsx,
        ".csv": _write_csv,
        ".parquet": lambda frame, where: frame.write_parquet(where),
    }
    if target.suffix.lower() not in writers:
        msg = f"{target.name!r}: results are written as {', '.join(writers)}; end the name in one of these"
        raise UsageError(msg)
    if not target.absolute().parent.is_dir():
        msg = f"there is no folder {target.parent.name!r} to write {target.name!r} into; make it first"
        raise UsageError(msg)
    writers[target.suffix.lower()](results, target)
    return target


def _check_results(results: pl.DataFrame) -> None:
    """Raises:
    FrameError: not a results frame.
    """
    wanted = {ROW, "mb_status", "mb_code", "mb_message", "mb_contact_id"}
    if not isinstance(results, pl.DataFrame) or not wanted <= set(results.columns):
        msg = "this is no results frame (it lacks mb_status and its like); upsert_contacts(...) returns one"
        raise FrameError(msg)


def _as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Every column as text, lists joined with semicolons."""

    def text(name: str, dtype: pl.DataType) -> pl.Expr:
        column = pl.col(name)
        if dtype == pl.List(pl.String):
            return column.list.join("; ")
        if dtype.is_nested():
            return pl.struct(column.alias("v")).struct.json_encode().str.slice(5).str.head(-1).alias(name)
        if dtype in (pl.Binary, pl.Object):
            return pl.when(column.is_not_null()).then(pl.lit(f"<{dtype}>")).alias(name)
        return column.cast(pl.String)

    return frame.select(text(name, dtype) for name, dtype in frame.schema.items())


def _write_csv(results: pl.DataFrame, path: Path) -> None:
    text = _as_text(results)
    harmless = [
        pl.when(pl.col(name).str.contains(_FORMULA_STARTS)).then("'" + pl.col(name)).otherwise(pl.col(name)).alias(name)
        for name, dtype in results.schema.items()
        if not dtype.is_numeric()
    ]
    text.with_columns(harmless).rename({name: _harmless_header(name) for name in text.columns}).write_csv(path)


def _harmless_header(name: str) -> str:
    return f"'{name}" if name[:1] in ("=", "+", "-", "@", "\t", "\r") else name


def _write_xlsx(results: pl.DataFrame, path: Path) -> None:
    """Raises:
    FrameError: more rows than a sheet holds, or a longer text than a cell holds.
    """
    import xlsxwriter  # noqa: PLC0415 - only where a workbook is written

    text = _as_text(results)
    _check_fits(text)
    failing = _failing_cells(results)
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("results")
        formats = {name: book.add_format({"bg_color": colour}) for name, colour in _MARK.items()}
        cell_format = book.add_format({"bg_color": "#F8CBAD", "bold": True, "border": 1})
        head = book.add_format({"bold": True, "bottom": 1})
        for place, name in enumerate(text.columns):
            sheet.write_string(0, place, name, head)
        for place, column in enumerate(text):
            _write_column(
                sheet, place, column, results["mb_status"], formats, failing.get(column.name, set()), cell_format
            )
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, text.height, max(text.width - 1, 0))
        sheet.autofit(400)


def _write_column(
    sheet: Any,
    place: int,
    column: pl.Series,
    statuses: pl.Series,
    formats: dict[str, Any],
    failing: set[int],
    cell_format: Any,
) -> None:
    is_told = column.name in ("mb_status", "mb_message")
    for row, (value, status) in enumerate(zip(column, statuses, strict=True)):
        chosen = cell_format if row in failing else formats.get(status) if is_told else None
        if value is not None:
            sheet.write_string(row + 1, place, value, chosen)
        elif chosen is not None:
            sheet.write_blank(row + 1, place, None, chosen)


def _check_fits(text: pl.DataFrame) -> None:
    """Raises:
    FrameError: see `_write_xlsx`.
    """
    if text.height > XLSX_MAX_ROWS:
        msg = f"{text.height:,} rows do not fit into a sheet, which holds {XLSX_MAX_ROWS:,}; write .parquet or .csv"
        raise FrameError(msg)
    for column in text:
        if (column.str.len_chars() > XLSX_MAX_TEXT).any():
            msg = f"column {column.name!r} holds a text too long for a cell ({XLSX_MAX_TEXT:,}); write .parquet or .csv"
            raise FrameError(msg)


def _failing_cells(results: pl.DataFrame) -> dict[str, set[int]]:
    """For each column, the rows whose cell keeps them from being sent."""
    rows = results.with_row_index("sheet_row").filter(pl.col("mb_status") == "invalid")
    if rows.is_empty():
        return {}
    issues = validate_contacts(rows.drop("sheet_row")).issues.filter(
        (pl.col("severity") == "error") & pl.col("column").is_not_null()
    )
    places = rows["sheet_row"].to_list()
    failing: dict[str, set[int]] = {}
    for column, row in issues.select("column", "row").iter_rows():
        failing.setdefault(column, set()).add(places[row])
        if f"unread:{column}" in results.columns:
            failing.setdefault(f"unread:{column}", set()).add(places[row])
    return failing
