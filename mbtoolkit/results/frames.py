"""What a frame must have to be taken for a results frame."""

from __future__ import annotations

from typing import Final

import polars as pl

from mbtoolkit.errors import FrameError
from mbtoolkit.schemas.frames import FIRST_RUN, RESULTS, ROW, UNKNOWN_RUN

_NEEDED: Final = (ROW, "mb_status", "mb_contact_id", "mb_code", "mb_message")


def told_by(results: pl.DataFrame) -> pl.DataFrame:
    """What a results frame tells of each row, in the types of `ResultsSchema`.

    Args:
        results: a results frame; one that has been in a text file, so that its columns are text, will do.

    Returns:
        `mb_row`, `mb_status`, `mb_contact_id`, `mb_code` and `mb_message`, in the frame's order.

    Raises:
        FrameError: it is no results frame, or one of these columns is of another type.
    """
    if not isinstance(results, pl.DataFrame) or not set(_NEEDED) <= set(results.columns):
        msg = "this is no results frame (it lacks mb_status and its like); upsert_contacts(...) returns one"
        raise FrameError(msg)
    return pl.DataFrame([_typed(results[name], RESULTS[name]) for name in _NEEDED])


def _typed(column: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Raises:
    FrameError: the column can't be brought into the dtype without a loss.
    """
    found = column.dtype
    alike = found.is_integer() if dtype.is_integer() else isinstance(found, pl.Categorical | pl.Enum)
    if alike or found in (pl.String, pl.Null):
        try:
            return column.cast(dtype)
        except pl.exceptions.InvalidOperationError:
            pass  # The error's text quotes cells.
    msg = (
        f"column {column.name!r} of the results is {found} and can't be read as {dtype}; upsert_contacts(...) makes it"
    )
    raise FrameError(msg)


def row_numbers(results: pl.DataFrame, what: str) -> pl.DataFrame:
    """Which row is which in a results frame: `mb_row` (Int64) and `mb_first_run_id`, in the frame's order.

    Args:
        results: a results frame.
        what: what to call it in an error.

    Raises:
        FrameError: it has no `mb_row`, or that is not a whole number from 0 of its own in every row.
    """
    if ROW not in results.columns:
        msg = (
            f"the {what} have no column {ROW!r}, so no row can be matched: give the frame that upsert_contacts returned"
        )
        raise FrameError(msg)
    found = results[ROW]
    if not found.dtype.is_integer():
        msg = (
            f"column {ROW!r} of the {what} is {found.dtype}, not whole numbers, so no row can be matched: read a file "
            "with read_contacts(...), which restores it"
        )
        raise FrameError(msg)
    rows = found.cast(pl.Int64, strict=False)
    wrong = (
        ("empty", rows.is_null(), "is_not_null()"),
        ("negative", rows < 0, "ge(0)"),
        ("the same in several rows", rows.is_duplicated() & rows.is_not_null(), "is_unique()"),
    )
    for why, where, keep in wrong:
        places = where.fill_null(value=False).arg_true()
        if len(places):
            msg = (
                f"column {ROW!r} of the {what} is {why} (rows: {len(places):,}; the first at position {places[0]}), so "
                f"these rows can't be matched: leave them out with .filter(pl.col({ROW!r}).{keep})"
            )
            raise FrameError(msg)
    first = results[FIRST_RUN] if FIRST_RUN in results.columns else pl.Series([None] * len(rows), dtype=pl.String)
    return pl.DataFrame({ROW: rows, FIRST_RUN: first.cast(pl.String).fill_null(UNKNOWN_RUN)})
