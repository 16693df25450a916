"""Sends many bodies at a time and says what became of each.

A run lives in a thread with an event loop and a client of its own, whatever the caller has: so it is the same in a
script, in a notebook cell and in a thread, and the caller's thread stays free to show progress and to hear Ctrl-C.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from mbtoolkit.client import AsyncClient, Attempt, Outcome, Settings, Wait
from mbtoolkit.limits import LONGEST_WAIT_SECONDS, Budget, Later
from mbtoolkit.progress import UPDATES_PER_SECOND, Progress, Reporter
from mbtoolkit.schemas.frames import Status

STATUS_OF: Final[dict[str, Status]] = {
    "stored": "succeeded",
    "rejected": "rejected",
    "unknown": "unknown",
    "later": "not_sent",
    "not_sent": "not_sent",
    "stop": "not_sent",
}

_log = logging.getLogger("mbtoolkit")

NOT_REACHED: Final = Outcome("not_sent", code="run_stopped", message="the run stopped before this row was sent")
LIMIT_REACHED: Final = "limit_reached"
_HELD: Final = Outcome(
    "not_sent", code="held", message="held back: an earlier row of the same contact may still be applied"
)
_FAULT: Final = Outcome("unknown", code="fault", message="a fault in the toolkit while sending", stops_run=True)
_INTERRUPTED: Final = Outcome("unknown", code="interrupted", message="interrupted while the answer was on its way")


@contextmanager
def interruptible(run: Run) -> Iterator[None]:
    """Makes Ctrl-C end the run instead of raising somewhere: the first lets what is on its way end, a second doesn't.

    Only the main thread hears signals; elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: run.cancel(at_once=run.was_cancelled))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@dataclass(slots=True)
class Run:
    """One sending of bodies.

    Attributes:
        bodies: the JSON bodies.
        chains: positions in `bodies`; those of one chain go one after the other, in order.
        stop: ends the run when another thread sets it.
        budget: the requests that may be made; None where no limits are stated.
        outcomes: what became of each body; None until it is known.
        stopped_by: the outcome that stopped the run, if one did.
        counts: finished bodies by status.
    """

    bodies: Sequence[str]
    chains: Iterator[Sequence[int]]
    stop: threading.Event = field(default_factory=threading.Event)
    budget: Budget | None = None
    outcomes: list[Outcome | None] = field(default_factory=list)
    stopped_by: Outcome | None = None
    counts: Counter[str] = field(default_factory=Counter)
    resume_at: float = 0.0
    _stop: asyncio.Event | None = None
    _loop: asyncio.AbstractEventLoop | None = None
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _failure: BaseException | None = None
    _cancelled: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Nothing is known yet."""
        self.outcomes = [None] * len(self.bodies)

    def send(self, settings: Settings, max_concurrency: int, report: Reporter | None) -> None:
        """Sends everything, or until something stops it; returns when it is over.

        Raises:
            BaseException: whatever a fault of the toolkit's own raised in the run's thread; answers raise nothing.
        """
        thread = threading.Thread(
            target=self._work, args=(settings, max_concurrency), name="mbtoolkit-run", daemon=True
        )
        thread.start()
        while thread.is_alive():
            thread.join(1 / UPDATES_PER_SECOND)
            self._report(report)
            if self.stop.is_set() and not self._cancelled.is_set():
                self.cancel()
        self._report(report)
        if report is not None:
            report.close()
        if self._failure is not None:
            raise self._failure

    def cancel(self, *, at_once: bool = False) -> None:
        """Ends the run: no new requests, those on their way are waited for (or not, with `at_once`)."""
        self._cancelled.set()
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end, at_once)

    @property
    def was_cancelled(self) -> bool:
        """Whether a person ended it."""
        return self._cancelled.is_set() or self.stop.is_set()

    def final(self) -> list[Outcome]:
        """What became of each body; those never taken up were not sent, and say why where the limits are the reason."""
        why = self.stopped_by
        at_limit = why is not None and why.code == LIMIT_REACHED
        not_reached = replace(NOT_REACHED, code=why.code, message=why.message) if why and at_limit else NOT_REACHED
        return [outcome or not_reached for outcome in self.outcomes]

    def _report(self, report: Reporter | None) -> None:
        if report is not None:
            pause = max(0.0, self.resume_at - time.monotonic())
            share = None if self.budget is None else self.budget.share
            report(Progress(sum(self.counts.values()), len(self.bodies), dict(self.counts), pause, share))

    def _end(self, at_once: bool) -> None:
        if self._stop is not None:
            self._stop.set()
        if at_once:
            for task in self._tasks:
                task.cancel()

    def _work(self, settings: Settings, max_concurrency: int) -> None:
        try:
            asyncio.run(self._all(settings, max_concurrency))
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread, which raises it
            self._failure = error
        finally:
            if self.budget is not None:
                self.budget.close()

    async def _all(self, settings: Settings, max_concurrency: int) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        if self.was_cancelled:
            return
        async with AsyncClient.from_settings(settings) as client:
            self._tasks = [
                asyncio.create_task(self._worker(client)) for _ in range(min(max_concurrency, len(self.bodies)))
            ]
            ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        for each in ended:
            if isinstance(each, BaseException) and not isinstance(each, asyncio.CancelledError):
                raise each

    async def _worker(self, client: AsyncClient) -> None:
        assert self._stop is not None
        for chain in self.chains:
            for place, row in enumerate(chain):
                if not await self._may_send():
                    return
                outcome = await self._one(client, row)
                if outcome.kind == "unknown":
                    for held in chain[place + 1 :]:
                        self._settle(held, _HELD)
                    break

    async def _one(self, client: AsyncClient, row: int) -> Outcome:
        try:
            outcome = await client.send(self.bodies[row].encode(), pause=self._pause, within=self._within)
        except asyncio.CancelledError:
            self._settle(row, _INTERRUPTED)
            raise
        except Exception as error:  # noqa: BLE001 - a fault of our own must not cost the other rows' results
            _log.exception("a fault while sending; please report it")
            outcome = replace(_FAULT, message=f"{_FAULT.message} ({type(error).__name__})")
        if outcome.attempts or outcome.stops_run:  # else the run stopped while it waited for its turn
            self._settle(row, outcome)
        if outcome.stops_run:
            self._stop_for(outcome)
        return outcome

    def _stop_for(self, outcome: Outcome) -> None:
        self.stopped_by = self.stopped_by or outcome
        if self._stop is not None:
            self._stop.set()

    def _settle(self, row: int, outcome: Outcome) -> None:
        self.outcomes[row] = outcome
        self.counts[STATUS_OF[outcome.kind]] += 1

    async def _within(self, attempt: Attempt) -> Outcome | None:
        """One request, made when the limits let it; None where the run is stopped before."""
        if self.budget is None:
            return await attempt()
        outcome = await self.budget.within(attempt, self._may_go)
        asked = outcome.retry_after_seconds if outcome and outcome.http_status == 429 else None
        if asked is not None and asked > LONGEST_WAIT_SECONDS:
            await self._may_go(Later(asked, "pause"))
        return outcome

    async def _may_go(self, later: Later | None) -> bool:
        """Waits for the limits; where that is too long, ends the run. Whether it goes on."""
        assert self.budget is not None
        if later is None:
            pass
        elif later.seconds > LONGEST_WAIT_SECONDS:
            self._stop_for(Outcome("not_sent", code=LIMIT_REACHED, message=self.budget.when(later)))
        elif later.reason == "window":
            await self._sleep(later.seconds)
        else:
            self.resume_at = max(self.resume_at, time.monotonic() + later.seconds)
        return await self._may_send()

    async def _may_send(self) -> bool:
        """Waits while the run is paused; False once it is stopped."""
        assert self._stop is not None
        while not (self._stop.is_set() or self.was_cancelled):
            left = self.resume_at - time.monotonic()
            if left <= 0:
                return True
            await self._sleep(left)
        return False

    async def _pause(self, wait: Wait) -> bool:
        """Waits before another attempt at a body; a pause for everyone holds the other workers too."""
        if wait.everyone:
            self.resume_at = max(self.resume_at, time.monotonic() + wait.seconds)
        else:
            await self._sleep(wait.seconds)
        return await self._may_send()

    async def _sleep(self, seconds: float) -> None:
        """Sleeps, or wakes when the run is stopped."""
        assert self._stop is not None
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            pass
