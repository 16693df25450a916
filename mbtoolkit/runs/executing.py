"""Carries a plan out, or what is left of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import polars as pl

from mbtoolkit.client import Settings
from mbtoolkit.journal import Journal
from mbtoolkit.limits import Budget, Limits
from mbtoolkit.progress import Progress, reporter
from mbtoolkit.runs.plan import Plan
from mbtoolkit.sending import (
    KEPT,
    TELLING,
    Recorder,
    Rows,
    Sending,
    SendOptions,
    interruptible,
)

_log = logging.getLogger("mbtoolkit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Under which conditions a plan is carried out.

    Attributes:
        limits: that are kept; None for none.
        progress: shows it: True for a bar, False for nothing, or a function.
        stop: ends it when another thread sets it.
    """

    limits: Limits | None = None
    progress: bool | Callable[[Progress], None] = True
    stop: threading.Event | None = None


def execute(
    plan: Plan,
    rows: Rows,
    journal: Journal | None,
    settings: Settings,
    options: SendOptions,
    conditions: Conditions,
    run_id: str,
) -> pl.DataFrame:
    """Sends what has not ended, and returns the results frame of the whole plan.

    Args:
        plan: what is sent.
        rows: what is known of its rows; filled in.
        journal: where it is written down; None for nowhere. It is closed at the end.
        settings: of the client.
        options: how rows are sent.
        conditions: see `Conditions`.
        run_id: of the run.
    """
    with ExitStack() as ends:
        if journal is not None:
            ends.callback(journal.close)
        budget = None if conditions.limits is None else Budget(conditions.limits, settings)
        if budget is not None:
            ends.callback(budget.close)
        sending = Sending(plan.outgoing, options, Recorder(rows, journal), conditions.stop, budget)
        with interruptible(sending):
            sending.send(settings, reporter(conditions.progress, sending.total))
            _say_if_stopped(sending)
            results = plan.results(rows, sending.unended(), run_id)
            if journal is not None:
                note_end(journal, results)
                journal.close()
    return results


def counts_of(results: pl.DataFrame) -> dict[str, int]:
    """How many rows ended with each status, the statuses in their order."""
    return dict(results.group_by("mb_status").len().sort("mb_status").iter_rows())


def note_end(journal: Journal, results: pl.DataFrame) -> None:
    """Writes down that the run has ended, and what became of its rows."""
    counts = counts_of(results)
    left = results.filter(
        pl.col("mb_status").is_in(["accepted", "not_sent", "unknown"])
        & pl.col("mb_code").is_in(["left_out", KEPT]).fill_null(value=False).not_()
    ).height
    journal.note(state="ended", ended_at=time.time(), counts=counts, left=left)


def _say_if_stopped(sending: Sending) -> None:
    """A log line, which Python shows by default, where a run ended early."""
    left = sending.rows.unended + sending.counts["not_sent"]
    why = sending.stopped_by
    if why is not None:
        told = f"{why.http_status or ''} {why.code}".strip()
        if why.code in TELLING:
            told = f"{why.message}"
        _log.warning("the run stopped (%s); %s rows were not sent", told, f"{left:,}")
    elif left and sending.was_cancelled:
        _log.warning("the run was interrupted; %s rows were not sent", f"{left:,}")
