"""What a frame must have to be taken for a results frame."""

from __future__ import annotations

from typing import Final

import polars as pl

from mbtoolkit.errors import FrameError
from mbtoolkit.schemas.frames import RESULTS

ROW: Final = "mb_row"

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
