"""The results frame: the rows as they were given, numbered, beside the result of each."""

from __future__ import annotations

import logging
from typing import Final

import polars as pl

from mbtoolkit.runs.sending import TOLD
from mbtoolkit.schemas.frames import FIRST_RUN, RESULTS, ROW, UNKNOWN_RUN

_MOST_ROWS: Final = 2**62
_log = logging.getLogger("mbtoolkit")


def numbered(given: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The contacts in a frame that is to be sent, and the number of each row.

    A row keeps the number that an earlier push or validation gave it, where that is a whole number from 0 that no other
    row has; the others get numbers of their own, and a log line says so.

    Args:
        given: a contacts frame or a results frame.

    Returns:
        The frame without the columns of results; a column `mb_row` of the user's own stays, as `source:mb_row`. And
        `mb_row` with `mb_first_run_id`, which is null for rows that this push numbers.
    """
    contacts, nothing = given.drop(RESULTS, strict=False), pl.lit(None, dtype=pl.String)
    anew = pl.DataFrame({ROW: pl.int_range(given.height, dtype=pl.Int64, eager=True)}).with_columns(
        nothing.alias(FIRST_RUN)
    )
    if ROW not in given.columns:
        return contacts, anew
    rows = _whole_numbers(given[ROW])
    if rows.null_count() and not any(name in given.columns for name in RESULTS if name != ROW):
        name = f"source:{ROW}"
        while name in given.columns:
            name += "'"
        _log.warning(
            "column %r doesn't number the rows (whole numbers from 0, each once), so it is kept as %r and the rows are "
            "numbered from 0",
            ROW, name,
        )  # fmt: skip
        return given.rename({ROW: name}).drop(RESULTS, strict=False), anew
    if rows.null_count():
        _log.warning(
            "%s of %s rows have no %s of an earlier push (blank, text, or the same in several rows): they are sent as "
            "new rows, which update_results doesn't put into earlier results",
            f"{rows.null_count():,}", f"{len(rows):,}", ROW,
        )  # fmt: skip
    beyond = (rows.max() if rows.count() else -1) + rows.is_null().cast(pl.Int64).cum_sum()
    first = given[FIRST_RUN].cast(pl.String) if FIRST_RUN in given.columns else pl.Series([None] * len(rows))
    known = first.cast(pl.String).fill_null(UNKNOWN_RUN).set(rows.is_null(), None)
    return contacts, pl.DataFrame({ROW: rows.fill_null(beyond), FIRST_RUN: known})


def _whole_numbers(column: pl.Series) -> pl.Series:
    """The numbers that may stand for rows; null where a cell is none, or the same as another."""
    if not column.dtype.is_integer():
        return pl.Series(ROW, [None] * len(column), dtype=pl.Int64)
    rows = column.cast(pl.Int64, strict=False)
    return rows.set(~rows.is_between(0, _MOST_ROWS) | rows.is_duplicated(), None)


def results_frame(contacts: pl.DataFrame, rows: pl.DataFrame, told: pl.DataFrame, run_id: str) -> pl.DataFrame:
    """The input's columns beside what became of each row, in the input's order.

    Args:
        contacts: the input, without the columns of results.
        rows: its `mb_row` and `mb_first_run_id`.
        told: `position` and the columns `TOLD`, one line for each row, in any order.
        run_id: of the run.
    """
    columns = (
        told.sort("position")
        .with_columns(rows[ROW], rows[FIRST_RUN].fill_null(run_id), pl.lit(run_id).alias("mb_run_id"))
        .select(pl.col(name).cast(dtype) for name, dtype in RESULTS.items())
    )
    return contacts.hstack(columns)


def left_out_frame(positions: pl.Series) -> pl.DataFrame:
    """What is said of rows that the caller left out: `position` and the columns `TOLD`."""
    blank = {name: pl.lit(None, dtype=dtype) for name, dtype in TOLD.items()}
    fixed = {
        "mb_status": pl.lit("not_sent"),
        "mb_code": pl.lit("left_out"),
        "mb_message": pl.lit("left out of this push by the caller"),
        "mb_attempts": pl.lit(0),
    }
    return pl.DataFrame({"position": positions.cast(pl.Int64)}).select(
        "position", *((blank | fixed)[name].cast(dtype).alias(name) for name, dtype in TOLD.items())
    )


def refused_frame(issues: pl.DataFrame) -> pl.DataFrame:
    """What the rules say of the rows that are not sent: `position` and the columns `TOLD`.

    The first rule is the code; all of them are in the message.
    """
    sentence = pl.concat_str(pl.col("column"), pl.col("message"), separator=" ", ignore_nulls=True)
    told = (
        issues.filter(pl.col("severity") == "error")
        .group_by(pl.col("row").alias("position"), maintain_order=True)
        .agg(pl.col("rule").first().alias("mb_code"), sentence.str.join("; ").alias("mb_message"))
    )
    blank = {name: pl.lit(None, dtype=dtype) for name, dtype in TOLD.items()}
    fixed = {"mb_status": pl.lit("invalid"), "mb_attempts": pl.lit(0)}
    columns = blank | fixed | {"mb_code": pl.col("mb_code"), "mb_message": pl.col("mb_message")}
    return told.select(
        pl.col("position").cast(pl.Int64), *(columns[name].cast(dtype).alias(name) for name, dtype in TOLD.items())
    )
