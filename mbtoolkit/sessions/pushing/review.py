"""What a push would do, before it is done, and what earlier ones leave to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from mbtoolkit.client.limits import Limits
from mbtoolkit.contacts import OPT_INS, is_contact_column
from mbtoolkit.results import update_results
from mbtoolkit.schemas.frames import FIRST_RUN, ROW
from mbtoolkit.validation import Validation

STORED: Final = ("succeeded", "accepted", "unchanged")
"""The statuses of rows that need no other push."""


@dataclass(frozen=True, slots=True)
class Review:
    """What a push would do.

    Attributes:
        rows: of the table, those that went into others not counted.
        merged: rows that went into others.
        sendable: rows that would be sent; one request each.
        invalid: rows that a rule refuses.
        left_out: rows that could be sent and were left out.
        stored: rows that an earlier push stored as they are, and this one leaves alone.
        turned_on: opt-in -> rows that would turn it on.
        turned_off: likewise, off.
    """

    rows: int
    merged: int
    sendable: int
    invalid: int
    left_out: int
    stored: int
    turned_on: Mapping[str, int]
    turned_off: Mapping[str, int]

    @property
    def opt_ins_on(self) -> int:
        """Opt-ins that would be turned on."""
        return sum(self.turned_on.values())

    def seconds(self, limits: Limits) -> float:
        """The shortest time that sending can take under an account's limits."""
        return self.sendable * limits.window_seconds / limits.requests


def review_of(validation: Validation, left_out: pl.Series, stored: pl.Series, merged: int = 0) -> Review:
    """What a push of these contacts would do.

    Args:
        validation: of all of them.
        left_out: positions of rows that are left out; those that could not be sent are not counted as such.
        stored: positions of rows that are left alone because they are stored.
        merged: how many rows went into others.
    """
    valid = validation.valid
    is_stored = valid[ROW].is_in(stored.implode())
    is_out = valid[ROW].is_in(left_out.implode()) & ~is_stored
    sendable = valid.filter(~is_stored & ~is_out)
    opt_ins = [name for name in OPT_INS if name in sendable.columns]
    return Review(
        rows=valid.height + validation.invalid.height,
        merged=merged,
        sendable=sendable.height,
        invalid=validation.invalid.height,
        left_out=int(is_out.sum()),
        stored=int(is_stored.sum()),
        turned_on={name: int(sendable[name].sum()) for name in opt_ins},
        turned_off={name: int((~sendable[name]).sum()) for name in opt_ins},
    )


def changed_rows(before: pl.DataFrame, now: pl.DataFrame) -> pl.Series:
    """Whether each row says something about its contact that it did not say before, or says it in another way.

    Args:
        before: a contacts or results frame.
        now: a contacts frame of the same rows.
    """
    found = pl.repeat(value=False, n=now.height, dtype=pl.Boolean, eager=True)
    for name in filter(is_contact_column, now.columns):
        cells = now.get_column(name)
        same_type = name in before.columns and before.schema[name] == cells.dtype
        found |= cells.ne_missing(before.get_column(name)) if same_type else cells.is_not_null()
    return found


def stored_rows(results: pl.DataFrame, contacts: pl.DataFrame) -> pl.Series:
    """Positions of the rows that are stored, and not changed since.

    Args:
        results: of all pushes so far.
        contacts: as they are now.
    """
    is_stored = results["mb_status"].is_in(STORED)
    return (is_stored & ~changed_rows(results, contacts)).arg_true().cast(pl.Int64)


def failed_rows(results: pl.DataFrame) -> pl.Series:
    """Positions of the rows that were to be stored and are not."""
    is_finished = results["mb_status"].is_in(STORED) | results["mb_code"].eq_missing("left_out")
    return (~is_finished).arg_true().cast(pl.Int64)


def results_since(before: pl.DataFrame | None, results: pl.DataFrame) -> pl.DataFrame:
    """The results of all pushes; rows that the last one left out keep what they had from those before.

    Args:
        before: of the pushes before; None where there was none.
        results: of the last push.
    """
    if before is None:
        return results
    # All contacts are pushed again, in the same places: rows are those of the first push.
    numbers = before.select(ROW, FIRST_RUN)
    new = results.with_columns(numbers.get_columns()).filter(pl.col("mb_code").ne_missing("left_out"))
    return update_results(before, new)
