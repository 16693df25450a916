"""Sends the rows of a run, many at a time, and says what became of each.

A run lives in a thread with an event loop and a client of its own, whatever the caller has: so it is the same in a
script, in a notebook cell and in a thread, and the caller's thread stays free to show progress and to hear Ctrl-C.

Workers take units from the queue: one row for the single operation, or the rows of a batch. A batch that was taken in
is followed by a task of its own, which may put rows back into the queue.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from operator import itemgetter
from typing import Final

from mbtoolkit.client import AsyncClient, Outcome, Settings
from mbtoolkit.client.limits import Budget
from mbtoolkit.errors import JournalError
from mbtoolkit.failures import log_failure
from mbtoolkit.runs.progress import UPDATES_PER_SECOND, Progress, Reporter
from mbtoolkit.runs.sending.batches import Batches
from mbtoolkit.runs.sending.gate import JOURNAL_FAILED, TELLING
from mbtoolkit.runs.sending.options import SendOptions
from mbtoolkit.runs.sending.outgoing import Outgoing
from mbtoolkit.runs.sending.queue import Unit
from mbtoolkit.runs.sending.recorder import Recorder
from mbtoolkit.runs.sending.rows import DIED, Rows
from mbtoolkit.runs.sending.singles import Singles
from mbtoolkit.runs.sending.work import Work

DRAIN_SECONDS: Final = 5.0
"""After the first Ctrl-C, what is on its way has so long to be answered."""

NOT_REACHED: Final = Outcome("not_sent", code="run_stopped", message="the run stopped before this row was sent")
_FAULT: Final = Outcome("unknown", code="fault", message="a fault in the toolkit while sending")
_INTERRUPTED: Final = Outcome("unknown", code="interrupted", message="interrupted while the answer was on its way")
_UNSETTLED: Final = (
    "the CRM took it in with a batch that it had not settled when the run ended; reconcile(...) asks again"
)


@contextmanager
def interruptible(sending: Sending) -> Iterator[None]:
    """Makes Ctrl-C end the run instead of raising somewhere: the first lets what is on its way end, a second doesn't.

    Only the main thread hears signals; elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: sending.cancel(at_once=sending.was_cancelled))
    try:
        yield
    finally:
        if before is not None:  # it is None where the handler was not Python's
            signal.signal(signal.SIGINT, before)


class Sending:
    """One sending of rows.

    Args:
        outgoing: the rows.
        options: how they are sent.
        recorder: what is known of them, and where it is written down.
        settings: of the client.
        stop: ends the sending when another thread sets it.
        budget: the requests that may be made; None where no limits are stated.
    """

    def __init__(
        self,
        outgoing: Outgoing,
        options: SendOptions,
        recorder: Recorder,
        settings: Settings,
        stop: threading.Event | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.stop = stop or threading.Event()
        self.budget = budget
        self._settings = settings
        self.work = Work(outgoing, options, recorder, settings.outage_seconds, self.stop, budget)
        self._cancelled = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy = 0
        self._failure: BaseException | None = None
        self._began = time.monotonic()

    @property
    def rows(self) -> Rows:
        """What is known of every row."""
        return self.work.rows

    @property
    def stopped_by(self) -> Outcome | None:
        """What ended the run early, if an answer or a fault did."""
        return self.work.gate.stopped_by

    @property
    def was_cancelled(self) -> bool:
        """Whether a person ended it."""
        return self._cancelled.is_set() or self.stop.is_set()

    def send(self, report: Reporter | None) -> None:
        """Sends everything, or until something stops it; returns when it is over.

        Raises:
            BaseException: whatever a fault of the toolkit's own raised in the run's thread; answers raise nothing.
        """
        if self.work.total:
            thread = threading.Thread(target=self._work, name="mbtoolkit-run", daemon=True)
            thread.start()
            try:
                self._watch(thread, report)
            except BaseException:  # from a display, say: nothing is sent behind the caller's back
                self.cancel(at_once=True)
                thread.join()
                raise
        self.report(report)
        if report is not None:
            report.close()
        if self._failure is not None:
            raise self._failure

    def _watch(self, thread: threading.Thread, report: Reporter | None) -> None:
        """Shows how far it is, and hears who wants it to end, until it has ended."""
        while thread.is_alive():
            thread.join(1 / UPDATES_PER_SECOND)
            self.report(report)
            if (self.stop.is_set() or self.work.recorder.is_cancel_asked) and not self._cancelled.is_set():
                self.cancel()

    def cancel(self, *, at_once: bool = False) -> None:
        """Ends the run: no new requests, those on their way are waited for a little (or not, with `at_once`)."""
        self._cancelled.set()
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop was closed just now: nothing is on its way any more
                self._loop.call_soon_threadsafe(self._end, at_once)

    def unended(self) -> Outcome:
        """What is said of the rows that were never taken up."""
        why = self.stopped_by
        if why is not None and why.code in TELLING:
            return replace(NOT_REACHED, code=why.code, message=why.message)
        return NOT_REACHED

    def follow(self, work: asyncio.Task[None]) -> None:
        """Keeps the run going until a task has ended."""
        self._busy += 1
        self._tasks.add(work)
        work.add_done_callback(self._followed)

    def _followed(self, task: asyncio.Task[None]) -> None:
        self._busy -= 1
        self._tasks.discard(task)
        self.work.gate.wake()
        if not task.cancelled() and task.exception() is not None:
            self._failure = self._failure or task.exception()
            self.work.gate.stop_for(_FAULT)

    def report(self, report: Reporter | None) -> None:
        """Reports how far it is."""
        if report is not None:
            report(
                Progress(
                    done=sum(self.work.counts.values()),
                    total=self.work.total,
                    counts=dict(self.work.counts),
                    pause_seconds=self.work.gate.pause_left(),
                    limit_used=None if self.budget is None else self.budget.share,
                    queued=sum(map(len, self.rows.taken_in.values())),
                    seconds=time.monotonic() - self._began,
                    reason=self.work.gate.pause_reason,
                    record_error=self.work.recorder.error,
                )
            )

    def _end(self, at_once: bool) -> None:
        self.work.gate.close()
        if at_once:
            self._cut()
        elif self._loop is not None:
            self._loop.call_later(DRAIN_SECONDS, self._cut)

    def _cut(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _work(self) -> None:
        try:
            asyncio.run(self._all())
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread, which raises it
            self._failure = self._failure or error

    async def _all(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._doubt_what_was_on_its_way()
        self._hold_back()
        ended = [] if self.was_cancelled else await self._send_all()
        self._settle_the_unsettled()
        for each in ended:
            if isinstance(each, BaseException) and not isinstance(each, asyncio.CancelledError):
                raise each

    async def _send_all(self) -> list[BaseException | None]:
        """Lets the workers work until nothing is left, or they are stopped; how each of them ended."""
        async with AsyncClient.from_settings(self._settings) as client:
            singles, batches = Singles(self.work, client), Batches(self.work, client, self.follow)
            batches.follow_again()
            workers = [
                asyncio.create_task(self._worker(singles, batches))
                for _ in range(min(self.work.options.max_concurrency, self.work.total))
            ]
            self._tasks.update(workers)
            ended = await asyncio.gather(*workers, return_exceptions=True)
            while followed := self._tasks - set(workers):
                await asyncio.wait(followed)
            batches.close()
        return ended

    def _doubt_what_was_on_its_way(self) -> None:
        """Takes in a journal's last words: rows were sent, and nothing more is known."""
        on_way = sorted(self.rows.on_way)
        if on_way:
            self.work.recorder.doubt(on_way, DIED)
        taken_in = set().union(*self.rows.taken_in.values())
        for row, doubt in sorted(self.rows.doubts.items(), key=itemgetter(0)):
            if self.rows.final[row] < 0 and row not in taken_in and not self.work.outgoing.is_safe(row):
                self.work.settle([row], doubt)

    def _hold_back(self) -> None:
        """Holds back what stands behind a row that an earlier sending left in doubt."""
        for row, behind in self.work.outgoing.successor.items():
            outcome = self.rows.outcome(row)
            if outcome is not None and outcome.kind == "unknown" and self.rows.final[behind] < 0:
                self.work.hold(behind)

    def _settle_the_unsettled(self) -> None:
        for batch_id, rows in list(self.rows.taken_in.items()):
            left = sorted(row for row in rows if self.rows.final[row] < 0)
            if left:
                self.work.settle(left, Outcome("accepted", code="not_settled", message=_UNSETTLED, batch_id=batch_id))
        in_doubt = [row for row in self.rows.doubts if self.rows.final[row] < 0]
        for row in in_doubt:
            self.work.settle([row], self.rows.doubts[row])

    async def _worker(self, singles: Singles, batches: Batches) -> None:
        while (unit := await self._next()) is not None:
            try:
                await (batches.send(unit) if unit.is_batch else singles.send(unit.rows[0]))
            except asyncio.CancelledError:
                self._give_up(unit, _INTERRUPTED)
                raise
            except JournalError as error:
                self.work.gate.stop_for(
                    Outcome("not_sent", code=JOURNAL_FAILED, message=f"{error} Then resume the run.")
                )
            except Exception as error:  # noqa: BLE001 - a fault of our own must not cost the other rows' results
                log_failure("sending a contact", error)
                fault = replace(_FAULT, message=f"{_FAULT.message} ({type(error).__name__})")
                self._give_up(unit, fault)
                self.work.gate.stop_for(fault)
            finally:
                self._busy -= 1
                if not self._busy:
                    self.work.gate.wake()

    def _give_up(self, unit: Unit, outcome: Outcome) -> None:
        """Settles what of a unit was on its way."""
        lost = [row for row in unit.rows if row in self.rows.on_way and self.rows.final[row] < 0]
        if lost:
            self.work.settle(lost, outcome)

    async def _next(self) -> Unit | None:
        """What to send next; None when it is over."""
        while await self.work.gate.may_go():
            unit = self.work.queue.take()
            if unit is not None:
                self._busy += 1
                return unit
            if not self._busy:
                self.work.gate.wake()
                return None
            await self.work.gate.changed()
        return None
