"""The results frame: the rows as they were given, numbered, beside the result of each."""

from __future__ import annotations

import logging
from typing import Final

import polars as pl

from mbtoolkit.client import Outcome
from mbtoolkit.runs.sending.rows import STATUS_OF, UNENDED, Rows
from mbtoolkit.schemas.frames import FIRST_RUN, RESULTS, ROW, UNKNOWN_RUN

OUTCOME_COLUMNS: Final = {name: RESULTS[name] for name in RESULTS if name not in (ROW, "mb_run_id", FIRST_RUN)}
"""The columns of a results frame that differ from row to row by what happened to the row."""

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
        told: `position` and `OUTCOME_COLUMNS`, one line for each row, in any order.
        run_id: of the run.
    """
    columns = (
        told.sort("position")
        .with_columns(rows[ROW], rows[FIRST_RUN].fill_null(run_id), pl.lit(run_id).alias("mb_run_id"))
        .select(pl.col(name).cast(dtype) for name, dtype in RESULTS.items())
    )
    return contacts.hstack(columns)


def sent_frame(positions: pl.Series, contact_ids: pl.Series, rows: Rows, unended: Outcome) -> pl.DataFrame:
    """The results of the rows that were sent, in their order: `position` and `OUTCOME_COLUMNS`.

    Args:
        positions: of the rows in the input.
        contact_ids: the ids that the rows came with; null where they have none.
        rows: what is known of them.
        unended: the result of those that have not ended.
    """
    outcomes = [*rows.told, unended]
    columns = {
        "mb_status": [STATUS_OF[outcome.kind] for outcome in outcomes],
        "mb_contact_id": [outcome.contact_id for outcome in outcomes],
        "mb_http_status": [outcome.http_status for outcome in outcomes],
        "mb_code": [outcome.code for outcome in outcomes],
        "mb_message": [outcome.message for outcome in outcomes],
        "mb_invalid_properties": [list(outcome.invalid_properties) or None for outcome in outcomes],
        "mb_batch_id": [outcome.batch_id for outcome in outcomes],
    }
    places = pl.Series(rows.final, dtype=pl.Int64).replace(UNENDED, len(rows.told))
    each = pl.DataFrame(columns, schema={name: OUTCOME_COLUMNS[name] for name in columns})[places]
    attempts = pl.Series("mb_attempts", rows.attempts, dtype=pl.Int32)
    # Of a row that a batch stored its own id, for the batch names none; of others the CRM's.
    by_batch = (pl.col("mb_status") == "succeeded") & pl.col("mb_batch_id").is_not_null() & pl.col("mb_code").is_null()
    own_id = pl.when(by_batch).then(pl.lit(contact_ids))
    return each.with_columns(attempts, pl.coalesce("mb_contact_id", own_id)).select(
        positions.cast(pl.Int64).alias("position"), *OUTCOME_COLUMNS
    )


def left_out_frame(positions: pl.Series) -> pl.DataFrame:
    """The results of rows that the caller left out: `position` and `OUTCOME_COLUMNS`."""
    return _unsent(
        pl.DataFrame({"position": positions}),
        mb_status=pl.lit("not_sent"),
        mb_code=pl.lit("left_out"),
        mb_message=pl.lit("left out of this push by the caller"),
    )


def refused_frame(issues: pl.DataFrame) -> pl.DataFrame:
    """The results of the rows that failed a check: `position` and `OUTCOME_COLUMNS`.

    The first rule is the code; all of them are in the message.
    """
    sentence = pl.concat_str(pl.col("column"), pl.col("message"), separator=" ", ignore_nulls=True)
    refused = (
        issues.filter(pl.col("severity") == "error")
        .group_by(pl.col("row").alias("position"), maintain_order=True)
        .agg(pl.col("rule").first().alias("code"), sentence.str.join("; ").alias("message"))
    )
    return _unsent(refused, mb_status=pl.lit("invalid"), mb_code=pl.col("code"), mb_message=pl.col("message"))


def _unsent(rows: pl.DataFrame, **columns: pl.Expr) -> pl.DataFrame:
    """The results of rows that were never sent: the given columns, no attempts, and nulls."""
    nothing = dict.fromkeys(OUTCOME_COLUMNS, pl.lit(None))
    known = {**nothing, "mb_attempts": pl.lit(0), **columns}
    return rows.select(
        pl.col("position").cast(pl.Int64),
        *(known[name].cast(dtype).alias(name) for name, dtype in OUTCOME_COLUMNS.items()),
    )
