"""A push in a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl

from mbtoolkit.errors import MbtoolkitError
from mbtoolkit.progress import Progress

_log = logging.getLogger("mbtoolkit")


@dataclass(slots=True)
class Pushing:
    """A push on its way, or done.

    Attributes:
        total: rows to send.
        stop: set to end it.
        progress: how far it is.
        began: `time.monotonic()` at its start.
        ended: likewise; None while it is on its way.
        fault: what went wrong, if the push as a whole did.
        thread: where it runs.
    """

    total: int
    stop: threading.Event = field(default_factory=threading.Event)
    progress: Progress | None = None
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None
    fault: str | None = None
    thread: threading.Thread | None = None

    @property
    def done(self) -> int:
        """Rows that are settled."""
        return self.progress.done if self.progress else 0

    @property
    def record_error(self) -> str | None:
        """Why the record of the push is incomplete; None where it isn't."""
        return self.progress.record_error if self.progress else None

    @property
    def seconds(self) -> float:
        """Since its start."""
        return (self.ended or time.monotonic()) - self.began

    @property
    def rate(self) -> float:
        """Rows a second so far."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Until it is over, at the rate so far; None while that can't be said."""
        return (self.total - self.done) / self.rate if self.done and self.seconds > 1 else None

    def begin(
        self,
        send: Callable[[Callable[[Progress], None], threading.Event], pl.DataFrame],
        take: Callable[[pl.DataFrame], None],
        heard: Callable[[], None],
    ) -> None:
        """Sends in a thread; returns at once.

        Args:
            send: takes what hears of the progress and the event that ends it, and returns the results.
            take: takes the results in.
            heard: called from the thread, at most ten times a second and once more at the end.
        """

        def hear(progress: Progress) -> None:
            self.progress = progress
            heard()

        def work() -> None:
            try:
                take(send(hear, self.stop))
            except MbtoolkitError as error:
                self.fault = str(error)
            except Exception as error:  # noqa: BLE001 - a thread's exception is seen by nobody
                _log.exception("a fault while pushing; please report it")
                self.fault = f"The push failed ({type(error).__name__}); the log says more. Please report it."
            finally:
                self.ended = time.monotonic()
                heard()

        self.thread = threading.Thread(target=work, name="mbtoolkit-push", daemon=True)
        self.thread.start()
