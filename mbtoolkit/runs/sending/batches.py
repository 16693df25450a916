"""Rows by the batch operation: sent together, followed until the CRM has worked on them, settled row by row.

What comes of a batch:
- taken in: its status is asked for until it has ended; `settling` says what that tells of its rows, and what it
  doesn't tell is found out by the single operation;
- refused: the rows that make the CRM refuse it are found by halving, and go to the single operation, which says why;
- too large: smaller ones from then on;
- in doubt: the same rows once more as a batch, and after that one by one, where that is safe.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from mbtoolkit.client import AsyncClient, Attempts, BatchStatus, Outcome, Wait
from mbtoolkit.client.retries import UNSAID_PAUSE_SECONDS
from mbtoolkit.runs.sending.drilling import Drill
from mbtoolkit.runs.sending.queue import Unit
from mbtoolkit.runs.sending.settling import Polling, is_over, settle
from mbtoolkit.runs.sending.work import Work

FAILED_BATCHES: Final = 3
"""So many batches in a row that come to nothing, and the rest goes one by one."""

BAD_IN_A_ROW: Final = 5
"""So many rows that stood alone, without a batch taken in since, and the rows beside them go one by one."""

LOST_AFTER: Final = 3
"""So often in a row the CRM says that it knows no such batch, and it is believed."""

_NO_OPERATION: Final = (403, 404, 405)

_NO_ROW: Final = -1
"""A question is about no row in particular."""

_DOUBT: Final = "the batch ended without saying what became of this contact: it may or may not be stored"
_log = logging.getLogger("mbtoolkit")


@dataclass(slots=True)
class _Watch:
    """What is known of a batch that was taken in.

    Attributes:
        batch_id: its id.
        size: how many contacts it has, where that is known.
        patience_seconds: how long its counts may stand still.
        began: when it was taken in, as far as this process knows.
        moved: when its counts last changed.
        total: of its counts.
        asked: how often its status was asked for.
        denied: how often in a row the CRM said that it knows no such batch.
    """

    batch_id: str
    size: int | None
    patience_seconds: float
    began: float = field(default_factory=time.monotonic)
    moved: float = field(default_factory=time.monotonic)
    total: int = 0
    asked: int = 0
    denied: int = 0

    @property
    def age_seconds(self) -> float:
        """Since it was taken in."""
        return time.monotonic() - self.began

    @property
    def is_patient(self) -> bool:
        """Whether it is asked for once more."""
        return time.monotonic() - self.moved <= self.patience_seconds

    def hear(self, outcome: Outcome) -> BatchStatus | None:
        """Takes an answer to its question; the status with which it ended, if it has."""
        self.asked += 1
        self.denied = self.denied + 1 if outcome.code == "unknown_batch" else 0
        if self.denied >= LOST_AFTER:
            return BatchStatus(self.batch_id, "failed", outcome.message)
        status = outcome.batch
        if status is None:
            return None
        if is_over(status, self.size):
            return status
        if status.total > self.total:
            self.total, self.moved = status.total, time.monotonic()
        return None


class Batches:
    """Sends rows by the batch operation.

    Args:
        work: the rows of the run.
        client: of the run.
        follow: keeps the run going until a task has ended.
    """

    def __init__(self, work: Work, client: AsyncClient, follow: Callable[[asyncio.Task[None]], None]) -> None:
        self._work = work
        self._client = client
        self._follow_task = follow
        self._jitter = random.Random()  # noqa: S311 - spreads waits, guards nothing
        self._polling = Polling()
        self._drills: list[Drill] = []
        self._failed_in_a_row = 0
        self._refused_alone = 0
        self._was_taken_in = False
        self._is_given_up = False

    def follow_again(self) -> None:
        """Follows the batches that an earlier process sent."""
        for batch_id, rows in self._work.rows.taken_in.items():
            left = sorted(row for row in rows if self._work.rows.final[row] < 0)
            if left:
                self._follow(batch_id, left)

    def close(self) -> None:
        """Settles what no more answers come for."""
        for drill in self._drills:
            drill.close()

    async def send(self, unit: Unit) -> None:
        """Sends a batch, and sees to what comes of it.

        Raises:
            JournalError: it could not be written down that it is sent.
        """
        outcome = await self._post(unit.rows)
        if outcome is None:
            return
        if _is_refusal(outcome) and len(unit.rows) > 1:
            await self._find_bad(list(unit.rows))
        else:
            self._see_to(unit.rows, outcome)

    async def _find_bad(self, rows: list[int]) -> None:
        """Finds a row that makes the CRM refuse a batch, by halving; the rows beside it go back into the queue.

        One of `rows` is bad. If their first half is taken in, it is in the second, which needs no request to know.
        """
        beside: list[int] = []
        while len(rows) > 1 and not self._is_given_up:
            half, rest = rows[: len(rows) // 2], rows[len(rows) // 2 :]
            outcome = await self._post(half)
            if outcome is None:
                return
            if _is_refusal(outcome):
                rows, beside = half, rest + beside
                continue
            self._see_to(half, outcome)
            rows = rest
            if outcome.kind != "accepted":
                break
        alone = len(rows) == 1
        self._work.put_back(Unit(rows, is_batch=not alone))
        if alone:
            self._stand_alone()
        if beside:
            self._work.put_back(Unit(beside, is_batch=self._refused_alone < BAD_IN_A_ROW))

    def _stand_alone(self) -> None:
        """Counts a row that made the CRM refuse a batch; where all are refused, it is not the rows' fault."""
        self._refused_alone += 1
        if self._refused_alone >= FAILED_BATCHES and not self._was_taken_in:
            self._give_the_operation_up("the CRM refuses every batch")

    async def _post(self, rows: Sequence[int]) -> Outcome | None:
        """One batch, sent until there is an answer or a doubt; None where the run stopped before it was sent."""
        tries = Attempts(self._client.settings.attempts, resend_is_safe=False, jitter=self._jitter)
        attempt = partial(self._client.attempt_batch, self._work.outgoing.batch_body(rows))
        if not await self._work.gate.until_ended(rows, attempt, tries):
            return None
        if tries.outcome.kind == "rejected":
            self._work.recorder.refuse(rows)
        return tries.outcome

    def _see_to(self, rows: Sequence[int], outcome: Outcome) -> None:
        """What comes of a batch by its answer."""
        work = self._work
        if outcome.kind == "accepted" and outcome.batch_id is not None:
            self._was_taken_in = True
            self._refused_alone = 0
            work.recorder.accept(rows, outcome.batch_id, len(rows))
            self._follow(outcome.batch_id, rows)
        elif outcome.kind == "rejected" and outcome.code == "too_large" and len(rows) > 1:
            work.queue.batch_size = min(work.queue.batch_size, len(rows) // 2)
            work.put_back(Unit(rows, is_batch=True))
        elif outcome.kind == "rejected":
            work.put_back(Unit(rows))
        elif outcome.kind == "unknown":
            self._send_again(rows, outcome)
        elif outcome.http_status in _NO_OPERATION and not self._was_taken_in:
            work.put_back(Unit(rows))
            self._give_the_operation_up(f"the CRM has no batch operation for this account ({outcome.http_status})")
        else:
            if outcome.stops_run:
                work.gate.stop_for(outcome)
            work.settle(rows, outcome)

    def _send_again(self, rows: Sequence[int], outcome: Outcome) -> None:
        """After doubt: what is safe goes as a batch once more, then one by one; the rest ends in doubt."""
        work = self._work
        is_safe = [work.outgoing.is_safe(row) for row in rows]
        unsafe = [row for row, safe in zip(rows, is_safe, strict=True) if not safe]
        if unsafe:
            work.settle(unsafe, outcome)
        safe_rows = [row for row, safe in zip(rows, is_safe, strict=True) if safe]
        if safe_rows:
            is_batch = work.gate.breaker.is_open or max(work.rows.attempts[row] for row in safe_rows) < 2
            work.put_back(Unit(safe_rows, is_batch=is_batch))

    def _follow(self, batch_id: str, rows: Sequence[int]) -> None:
        self._follow_task(asyncio.create_task(self._until_settled(batch_id, rows)))

    async def _until_settled(self, batch_id: str, rows: Sequence[int]) -> None:
        """Asks for the status of a batch until it has ended, and settles its rows."""
        began, outages = time.monotonic(), self._work.gate.breaker.outages
        status = await self._last_status(batch_id, self._work.rows.sizes.get(batch_id))
        if status is None:
            return
        if self._work.gate.breaker.outages == outages:  # else it says how long the outage was
            self._polling.learn(time.monotonic() - began)
        self._settle(batch_id, rows, status)

    async def _last_status(self, batch_id: str, size: int | None) -> BatchStatus | None:
        """The status of a batch that has ended; None where the run stops or patience ends before."""
        gate, watch = self._work.gate, _Watch(batch_id, size, self._work.options.settle_seconds)
        question = partial(self._client.attempt_status, batch_id)
        while watch.is_patient and await gate.wait(Wait(self._polling.wait_seconds(watch.asked, watch.age_seconds))):
            outcome = await gate.let_pass([_NO_ROW], question, is_question=True)
            if outcome is None:
                break
            if outcome.kind == "stop":
                gate.stop_for(replace(outcome, stops_run=True))
                break
            if outcome.kind == "later":
                await gate.wait(Wait(outcome.retry_after_seconds or UNSAID_PAUSE_SECONDS, everyone=True))
            last = watch.hear(outcome)
            if last is not None:
                return last
        return None

    def _settle(self, batch_id: str, rows: Sequence[int], status: BatchStatus) -> None:
        work = self._work
        found = settle(work.outgoing.contact_ids(rows), status, work.rows.sizes.get(batch_id))
        self._judge_operation(status)
        # All together, also those that bear an id: the results frame has it from the row.
        stored = rows if len(found.stored) == len(rows) else [rows[place] for place in found.stored]
        if stored:
            work.settle(stored, Outcome("stored", batch_id=batch_id))
        self._drill([rows[place] for place in found.skipped], Drill(batch_id, set(), len(found.skipped), work.settle))
        doubtful = [rows[place] for place in found.open]
        safe = [row for row in doubtful if work.outgoing.is_safe(row)]
        unsafe = [row for row in doubtful if not work.outgoing.is_safe(row)]
        doubt = Outcome("unknown", code="skipped_or_stored", message=_told(status), batch_id=batch_id)
        if unsafe:
            work.settle(unsafe, doubt)
        if safe and found.skips is None:
            work.recorder.doubt(safe, doubt)  # its answer to the single operation can't tell about the batch
        self._drill(safe, Drill(batch_id, set(), found.skips, work.settle))

    def _drill(self, rows: list[int], drill: Drill) -> None:
        drill.pending = set(rows)
        if rows:
            self._drills.append(drill)
        for row in rows:
            self._work.drills[row] = drill
            self._work.put_back(Unit([row]))

    def _judge_operation(self, status: BatchStatus) -> None:
        """Gives the batch operation up where it comes to nothing again and again."""
        is_nothing = status.state == "failed" and status.inserted.count + status.updated.count == 0
        self._failed_in_a_row = self._failed_in_a_row + 1 if is_nothing else 0
        if self._failed_in_a_row == FAILED_BATCHES:
            self._give_the_operation_up(f"the last {FAILED_BATCHES} batches failed")

    def _give_the_operation_up(self, why: str) -> None:
        if self._is_given_up:
            return
        self._is_given_up = True
        _log.warning("%s; the other rows go one by one", why)
        self._work.queue.without_batches()


def _is_refusal(outcome: Outcome) -> bool:
    """Whether the CRM refused a batch for what it holds."""
    return outcome.kind == "rejected" and outcome.code != "too_large"


def _told(status: BatchStatus) -> str:
    reason = f" ({status.reason})" if status.reason else ""
    return f"{_DOUBT}{reason}"
