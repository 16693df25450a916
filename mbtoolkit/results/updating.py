"""Puts the results of a later push into those of an earlier one."""

from __future__ import annotations

import polars as pl

from mbtoolkit.errors import FrameError
from mbtoolkit.results.frames import ROW, told_by


def update_results(results: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    """The results with the rows of a later push, or mended rows, in their places.

    Args:
        results: a results frame of all rows.
        later: a results frame of some of them, matched by `mb_row`; its cells replace those of `results`, and so do
            its columns' types where they differ.

    Returns:
        Same height and order as `results`; columns that only `later` has come before the `mb_` columns.

    Raises:
        FrameError: one is no results frame, has a row twice, or `later` has rows that `results` doesn't.
    """
    rows, told = told_by(results)[ROW], told_by(later)[ROW]
    if rows.n_unique() < len(rows) or told.n_unique() < len(told):
        msg = f"a frame has the same {ROW} in several rows, so it can't be said which row is which"
        raise FrameError(msg)
    missing = len(told) - int(told.is_in(rows.implode()).sum())
    if missing:
        msg = f"{missing:,} of the later rows are not among the results: give the results of the whole table first"
        raise FrameError(msg)
    kept = results.with_columns(rows).filter(~rows.is_in(told.implode()))
    joined = pl.concat([later.with_columns(told), kept], how="diagonal_relaxed")
    order = rows.to_frame().join(joined.with_columns(pl.col(ROW).cast(pl.Int64)), on=ROW, maintain_order="left")
    names = [name for name in results.columns if not name.startswith("mb_")]
    names += [name for name in later.columns if name not in results.columns]
    names += [name for name in results.columns if name.startswith("mb_")]
    return pl.DataFrame({name: order.get_column(name) for name in names})
