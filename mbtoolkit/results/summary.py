"""Counts a results frame."""

from __future__ import annotations

import polars as pl

from mbtoolkit.errors import UsageError
from mbtoolkit.results.frames import told_by
from mbtoolkit.schemas.frames import ROW


def summarize(results: pl.DataFrame, *, reasons: int = 5) -> pl.DataFrame:
    """How many rows ended in each status, and the commonest reasons.

    Args:
        results: a results frame.
        reasons: how many reasons to show for each status, 1 or more; the rest is counted under `(other)`.

    Returns:
        `mb_status`, `reason` (the code; null for a plain success), `rows`, `first_row` (the smallest `mb_row`),
        `example` (the commonest message). Sorted by status and then by rows; the rows add up to the frame's height.

    Raises:
        FrameError: not a results frame.
        UsageError: `reasons` is no whole number from 1.
    """
    told = told_by(results)
    if not isinstance(reasons, int) or isinstance(reasons, bool) or reasons < 1:
        msg = f"reasons={reasons!r}: give how many reasons to show for each status, a whole number from 1"
        raise UsageError(msg)
    counted = (
        told.group_by("mb_status", pl.col("mb_code").alias("reason"))
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
