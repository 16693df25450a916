"""The budget as a run uses it: waits for its turn before each request, and says afterwards that the answer came."""

from __future__ import annotations

import asyncio
import logging
import random
import sqlite3
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from mbtoolkit.client import Attempt, Outcome, Settings
from mbtoolkit.client.limits.clock import Moment
from mbtoolkit.client.limits.history import History, Later
from mbtoolkit.client.limits.limits import Limits
from mbtoolkit.client.limits.store import Store, history_file, state_dir
from mbtoolkit.failures import log_failure

LONGEST_WAIT_SECONDS: Final = 300.0
"""A run waits so long for the limits; beyond it ends, and says when to go on."""

_LAG_SECONDS: Final = 5.0
"""Between the taking of a slot and the client's clock for the request, on a busy machine."""

_log = logging.getLogger("mbtoolkit")

T = TypeVar("T")
Job = Callable[[History, Moment], T]


class Budget:
    """The requests that one token may make, shared with every other process of the user that uses it.

    Args:
        limits: what is granted.
        settings: of the client; its token says whose budget it is, its timeout how long a request can be on its way.
    """

    def __init__(self, limits: Limits, settings: Settings) -> None:
        self.limits = limits
        self.share = 0.0
        """The part of the limit in use when it was last looked at, from 0 to 1."""
        self._lease_seconds = settings.timeout_seconds + _LAG_SECONDS
        self._store = Store(_path(limits, settings), self._full)
        self._random = random.Random()  # noqa: S311 - numbers that nobody else uses, not secret ones
        self._turn = asyncio.Lock()
        # One thread has the file: nothing waits for the disk in the event loop, and what is told is taken in order.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mbtoolkit-limits")

    async def within(self, attempt: Attempt, may_go: Callable[[Later | None], Awaitable[bool]]) -> Outcome | None:
        """Makes one request when it may be made.

        Args:
            attempt: makes it.
            may_go: waits as long as it is told, if it is told anything, and says whether it is still to be made.

        Returns:
            What became of it; None where it was not to be made any more.
        """
        number = self._random.getrandbits(53)
        async with self._turn:  # one asks for all: the others would only ask for the same slot at the same moment
            later = None
            while await may_go(later):
                later = await self._ask(number)
                if later is None:
                    break
            else:
                return None
        outcome = await attempt()  # cancelled: the slot stays taken until no answer can be on its way
        self._tell(self._change, partial(self._settle, number, outcome))
        return outcome

    def when(self, later: Later) -> str:
        """In words, why and until when nothing can be sent."""
        then = self.limits.clock_face(Moment.now().wall + later.seconds)
        if later.reason == "day":
            return f"the {self.limits.per_day:,} requests of the day are used up; send it again after {then}"
        return f"the CRM takes no more requests for now; send it again after {then}"

    def close(self) -> None:
        """Takes in what was told last, and closes the file."""
        self._tell(lambda: self._store.close())  # noqa: PLW0108 - it may be another one by then
        self._thread.shutdown()

    def _tell(self, work: Callable[..., object], *words: object) -> None:
        """Lets the budget's thread do something that nobody waits for; a failure is logged."""
        self._thread.submit(work, *words).add_done_callback(_log_failure)

    async def _ask(self, number: int) -> Later | None:
        def ask(history: History, now: Moment) -> Later | None:
            return history.ask(number, self.limits, now, self._lease_seconds)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._change, ask)
        except asyncio.CancelledError:
            self._tell(self._change, lambda history, _: history.give_back(number))
            raise

    def _settle(self, number: int, outcome: Outcome, history: History, now: Moment) -> None:
        """What an attempt's end does to the history. A refused request counts too: no page says that it doesn't."""
        if outcome.kind == "not_sent":
            history.give_back(number)
            return
        history.answer(number, self.limits, now)
        if outcome.http_status == 429:
            history.refuse(self.limits, now, outcome.retry_after_seconds)

    def _change(self, work: Job[T]) -> T:
        """Changes the history; where its file fails, one in memory from then on. Runs in the budget's own thread."""
        try:
            return self._store.change(partial(self._seen, work))
        except (sqlite3.Error, OSError) as error:
            _log.warning(
                "the file of the request budget can't be used (%s: %s); this run counts for itself, and doesn't see "
                "the requests of other processes",
                type(error).__name__,
                error,
            )
            self._store.close()
            self._store = Store(None, self._full)
            self._store.change(self._begin_full)
            return self._store.change(partial(self._seen, work))

    def _seen(self, work: Job[T], history: History) -> T:
        now = Moment.now()  # while no other process has the history: nothing in it is later
        answer = work(history, now)
        self.share = history.share(self.limits, now)
        return answer

    def _full(self) -> History:
        return History.full(self.limits, Moment.now())

    def _begin_full(self, history: History) -> None:
        history.pause = self._full().pause


def _log_failure(done: Future[object]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        log_failure("keeping the request budget", error)


def _path(limits: Limits, settings: Settings) -> Path | None:
    try:
        return history_file(state_dir(limits.state_dir), settings.identity)
    except RuntimeError:
        _log.warning("there is no home to keep the request budget in; set MBTOOLKIT_STATE_DIR to share it")
        return None
