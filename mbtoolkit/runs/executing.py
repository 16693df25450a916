"""Carries a plan out, or what is left of it."""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import polars as pl

from mbtoolkit.client import Settings
from mbtoolkit.client.limits import Budget, Limits
from mbtoolkit.errors import RecordWarning, SettingsError
from mbtoolkit.runs.journal import Journal
from mbtoolkit.runs.plan import Plan
from mbtoolkit.runs.progress import Progress, reporter
from mbtoolkit.runs.sending import (
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

    def __post_init__(self) -> None:
        """Raises:
        SettingsError: `progress` or `stop` can't work.
        """
        if not (isinstance(self.progress, bool) or callable(self.progress)):
            msg = f"progress={self.progress!r}: give True, False or a function that takes a Progress"
            raise SettingsError(msg)
        if not (self.stop is None or isinstance(self.stop, threading.Event)):
            msg = f"stop={self.stop!r}: give a threading.Event, or None"
            raise SettingsError(msg)


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

    Warns:
        RecordWarning: the journal could not be written to its end.
    """
    recorder = Recorder(rows, journal)
    with ExitStack() as ends:
        if journal is not None:
            ends.callback(journal.close)
        budget = None if conditions.limits is None else Budget(conditions.limits, settings)
        if budget is not None:
            ends.callback(budget.close)
        sending = Sending(plan.outgoing, options, recorder, settings, conditions.stop, budget)
        with interruptible(sending):
            report = reporter(conditions.progress, sending.work.total)
            sending.send(report)
            _say_if_stopped(sending)
            results = plan.results(rows, sending.unended(), run_id)
            ending = _ending_of(results)
            recorder.finish(**ending)
            ends.close()  # in here, for a Ctrl-C must not cost the results
            if recorder.error is not None:
                sending.report(report)
                _warn_of_record(run_id, recorder.error, has_left=ending["left"] > 0)
    return results


def counts_of(results: pl.DataFrame) -> dict[str, int]:
    """How many rows ended with each status, the statuses in their order."""
    return dict(results.group_by("mb_status").len().sort("mb_status").iter_rows())


def _ending_of(results: pl.DataFrame) -> dict[str, Any]:
    """The facts that say that a run has ended, and how."""
    left = results.filter(
        pl.col("mb_status").is_in(["accepted", "not_sent", "unknown"])
        & pl.col("mb_code").is_in(["left_out", KEPT]).fill_null(value=False).not_()
    ).height
    return {"state": "ended", "ended_at": time.time(), "counts": counts_of(results), "left": left}


def _warn_of_record(run_id: str, why: str, *, has_left: bool) -> None:
    """Warns the caller of the function that called `execute`."""
    if has_left:
        step = "Then resuming it sends what is left, and again the rows whose answers are not recorded."
    else:
        step = "Then purge the run, for resuming it would send stored rows again."
    text = (
        f"The results are right, but the record of run {run_id} is incomplete. {why} "
        f"Save the results (write_results, --out). {step}"
    )
    with suppress(RecordWarning):  # where a filter makes it an error, it would cost the results
        warnings.warn(text, RecordWarning, stacklevel=4)


def _say_if_stopped(sending: Sending) -> None:
    """A log line, which Python shows by default, where a run ended early."""
    left = sending.rows.unended + sending.work.counts["not_sent"]
    why = sending.stopped_by
    if why is not None:
        told = f"{why.http_status or ''} {why.code}".strip()
        if why.code in TELLING:
            told = f"{why.message}"
        _log.warning("the run stopped (%s); %s rows were not sent", told, f"{left:,}")
    elif left and sending.was_cancelled:
        _log.warning("the run was interrupted; %s rows were not sent", f"{left:,}")
