"""Puts the results of a later push into those of an earlier one."""

from __future__ import annotations

import polars as pl

from mbtoolkit.errors import FrameError
from mbtoolkit.results.frames import row_numbers, told_by
from mbtoolkit.results.texts import as_text
from mbtoolkit.schemas.frames import FIRST_RUN, RESULTS, ROW, UNKNOWN_RUN


def update_results(results: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    """The results with the rows of a later push in their places.

    Rows are matched by `mb_row`, never by position: push rows of `results`, or rows that `read_contacts` reads from a
    file that `write_results` wrote of them, in any order.

    Args:
        results: a results frame of all rows.
        later: a results frame of some of them; its cells replace those of `results`. A column that has another type in
            each becomes text, unless both are numbers.

    Returns:
        Same height and order as `results`; columns that only `later` has come before the columns of results.

    Raises:
        FrameError: one is no results frame, or has rows with no whole number of their own in `mb_row`; or `later` has
            rows that `results` doesn't have, or that an earlier push than that of `results` didn't number.
    """
    typed = [frame.with_columns(told_by(frame).get_columns()) for frame in (results, later)]
    rows, told = row_numbers(results, "results"), row_numbers(later, "later results")
    _check_origin(rows, told)
    kept = typed[0].filter(~rows[ROW].is_in(told[ROW].implode()))
    joined = pl.concat(_of_one_type(typed[1], kept), how="diagonal_relaxed")
    order = rows.select(ROW).join(joined, on=ROW, maintain_order="left")
    names = [name for name in results.columns if name not in RESULTS]
    names += [name for name in later.columns if name not in results.columns and name not in RESULTS]
    names += [name for name in RESULTS if name in joined.columns]
    return pl.DataFrame({name: order.get_column(name) for name in names})


def _check_origin(rows: pl.DataFrame, told: pl.DataFrame) -> None:
    """Raises:
    FrameError: rows of a later push are not rows of the results, or were numbered by themselves.
    """
    both = told.join(rows, on=ROW, how="left", suffix="_before", maintain_order="left")
    first, before = pl.col(FIRST_RUN), pl.col(f"{FIRST_RUN}_before")
    is_foreign = ~first.is_in(rows[FIRST_RUN].implode()) | (first != before).fill_null(value=False)
    strange = both.filter((first != UNKNOWN_RUN) & is_foreign).height
    if strange:
        msg = (
            f"{strange:,} of the later rows can't be matched: their {ROW} is not from the push of the results, because "
            f"what was sent had none, or text, a blank or a number twice. Push rows of the results, or read their file "
            "with read_contacts(...); to leave those rows out, "
            f".filter(pl.col({FIRST_RUN!r}).is_in(results[{FIRST_RUN!r}].implode()))"
        )
        raise FrameError(msg)
    missing = both.filter(before.is_null()).height
    if missing:
        msg = (
            f"{missing:,} of the later rows are not among the results: give the results of the whole table first, or "
            f"leave those rows out with .filter(pl.col({ROW!r}).is_in(results[{ROW!r}].implode()))"
        )
        raise FrameError(msg)


def _of_one_type(later: pl.DataFrame, kept: pl.DataFrame) -> list[pl.DataFrame]:
    """The frames; columns whose types can't be brought together, such as a list and its text from a file, as text."""
    types = later.schema
    texts = [name for name, dtype in kept.schema.items() if name in types and not _go_together(dtype, types[name])]
    return [
        frame.with_columns(as_text(pl.DataFrame([frame.get_column(name) for name in texts])).get_columns())
        for frame in (later, kept)
    ]


def _go_together(one: pl.DataType, other: pl.DataType) -> bool:
    return one == other or pl.Null in (one, other) or (one.is_numeric() and other.is_numeric())
