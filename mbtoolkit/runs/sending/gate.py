"""The one way out: each request passes here, when the run, a pause, an outage, the limits and the journal let it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Final

from mbtoolkit.client import Attempt, Attempts, Outcome, Wait
from mbtoolkit.client.limits import LONGEST_WAIT_SECONDS, Budget, Later
from mbtoolkit.runs.sending.breaker import Breaker
from mbtoolkit.runs.sending.recorder import Recorder

LIMIT_REACHED: Final = "limit_reached"
OUTAGE: Final = "outage"
JOURNAL_FAILED: Final = "journal_failed"
TELLING: Final = (LIMIT_REACHED, OUTAGE, JOURNAL_FAILED)
"""Reasons to end a run that every row which was not sent is told, in the words of the one that met it."""


class Gate:
    """Lets requests pass.

    Args:
        recorder: hears what is sent.
        budget: the requests that may be made; None for any number.
        stop: closes it when another thread sets it.
        outage_seconds: how long an outage may last.

    Attributes:
        breaker: whether there is an outage.
        stopped_by: what closed it, if an answer or a fault did.
    """

    def __init__(self, recorder: Recorder, budget: Budget | None, stop: threading.Event, outage_seconds: float) -> None:
        self.breaker = Breaker(outage_seconds)
        self.stopped_by: Outcome | None = None
        self._recorder = recorder
        self._budget = budget
        self._stop = stop
        self._is_closed = False
        self._resume_at = 0.0
        self._news = asyncio.Event()

    @property
    def is_closed(self) -> bool:
        """Whether nothing passes any more."""
        return self._is_closed or self._stop.is_set()

    def close(self) -> None:
        """Lets nothing pass any more."""
        self._is_closed = True
        self.wake()

    def stop_for(self, outcome: Outcome) -> None:
        """Lets nothing pass any more, for a reason that every row would meet."""
        self.stopped_by = self.stopped_by or outcome
        self.close()

    def wake(self) -> None:
        """Something changed for those who wait."""
        self._news.set()

    async def changed(self, seconds: float | None = None) -> None:
        """Waits until something changes, or so long."""
        self._news.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            pass

    def pause_left(self) -> float:
        """Seconds until requests may pass again; 0 where they may now."""
        now = time.monotonic()
        probe = self.breaker.probe_at - now if self.breaker.is_open else 0.0
        return max(0.0, self._resume_at - now, probe)

    @property
    def pause_reason(self) -> str | None:
        """Why requests wait, if they do."""
        if self.breaker.is_open:
            return "the CRM can't be reached or is out of order"
        return "the CRM's limit" if self.pause_left() > 0 else None

    def pause(self, seconds: float) -> None:
        """Nothing passes for so long."""
        self._resume_at = max(self._resume_at, time.monotonic() + seconds)

    async def may_go(self) -> bool:
        """Waits while there is a pause or an outage; False once nothing passes any more."""
        while not self.is_closed:
            now = time.monotonic()
            if self.breaker.is_hopeless(now):
                self.stop_for(self._hopeless())
                return False
            left = max(self._resume_at - now, self.breaker.wait_seconds(now))
            if left <= 0:
                return True
            await self.changed(left)
        return False

    async def let_pass(self, rows: Sequence[int], attempt: Attempt, *, is_question: bool = False) -> Outcome | None:
        """Makes one request when it may be made.

        Args:
            rows: whose it is.
            attempt: makes it.
            is_question: whether it changes nothing: the rows are then not on their way.

        Returns:
            What became of it; None where it was not to be made any more.

        Raises:
            JournalError: it could not be written down that they are sent; they were not.
        """
        if not await self.may_go():
            return None
        is_probe, began = self.breaker.is_open, time.monotonic()
        self.breaker.is_probed = is_probe or self.breaker.is_probed
        try:
            outcome = await self._within(rows, attempt, is_question=is_question)
        finally:
            if is_probe:
                self.breaker.is_probed = False
                self.wake()
        if outcome is None:
            return None
        self.breaker.hear(outcome, rows[0], time.monotonic(), began)
        if outcome.kind == "later" and outcome.http_status == 503:
            self.pause(outcome.retry_after_seconds or 0.0)
        if not self.breaker.is_open:
            self.wake()
        return outcome

    async def wait(self, wait: Wait) -> bool:
        """Waits before another attempt; says whether to make it. A pause for everyone holds the others too."""
        if wait.everyone:
            self.pause(wait.seconds)
            return await self.may_go()
        end = time.monotonic() + wait.seconds
        while not self.is_closed and (left := end - time.monotonic()) > 0:
            await self.changed(left)
        return await self.may_go()

    async def until_ended(self, rows: Sequence[int], attempt: Attempt, tries: Attempts) -> bool:
        """Makes attempts until `tries` has what became of them; whether one was made before the run stopped.

        Raises:
            JournalError: see `let_pass`.
        """
        wait: Wait | None = Wait(0)
        is_sent = False
        while wait is not None:
            outcome = await self.let_pass(rows, attempt)
            if outcome is None:
                break
            is_sent = True
            wait = tries.hear(outcome, is_outage=self.breaker.is_open)
            if wait is not None and not await self.wait(wait):
                break
        return is_sent

    async def _within(self, rows: Sequence[int], attempt: Attempt, *, is_question: bool) -> Outcome | None:
        async def recorded() -> Outcome:
            if is_question:
                return await attempt()
            await self._recorder.intend(rows)
            outcome = await attempt()
            if outcome.kind in ("later", "not_sent", "stop"):
                self._recorder.refuse(rows)
            elif outcome.kind == "unknown":
                self._recorder.doubt(rows, outcome)
            return outcome

        if self._budget is None:
            return await recorded()
        outcome = await self._budget.within(recorded, self._may_go)
        asked = outcome.retry_after_seconds if outcome and outcome.http_status == 429 else None
        if asked is not None and asked > LONGEST_WAIT_SECONDS:
            await self._may_go(Later(asked, "pause"))
        return outcome

    async def _may_go(self, later: Later | None) -> bool:
        """Waits for the limits; where that is too long, ends the run. Whether it goes on."""
        assert self._budget is not None
        if later is None:
            pass
        elif later.seconds > LONGEST_WAIT_SECONDS:
            self.stop_for(Outcome("not_sent", code=LIMIT_REACHED, message=self._budget.when(later)))
        elif later.reason == "window":
            await self.wait(Wait(later.seconds))
        else:
            self.pause(later.seconds)
        return not self.is_closed and await self._paused()

    async def _paused(self) -> bool:
        while not self.is_closed and (left := self._resume_at - time.monotonic()) > 0:
            await self.changed(left)
        return not self.is_closed

    def _hopeless(self) -> Outcome:
        told = f"the CRM could not be reached, or was out of order, for {self.breaker.patience_seconds:.0f} seconds"
        return Outcome("not_sent", code=OUTAGE, message=f"{told}; send it again when it is back")
