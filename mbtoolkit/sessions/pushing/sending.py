"""A push in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl

from mbtoolkit.errors import MbtoolkitError
from mbtoolkit.failures import log_failure
from mbtoolkit.runs.progress import Progress


@dataclass(slots=True, eq=False)
class Pushing:
    """A push on its way, or done.

    Attributes:
        total: rows to send.
        stop: set to end it.
        progress: how far it is.
        began: `time.monotonic()` at its start.
        ended: likewise; None while it is on its way.
        fault: what went wrong, if the push as a whole did, and what was sent all the same.
        results: what this push returned; also where it could not be added to those of the push before.
        thread: where it runs.
    """

    total: int
    stop: threading.Event = field(default_factory=threading.Event)
    progress: Progress | None = None
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None
    fault: str | None = None
    results: pl.DataFrame | None = field(default=None, repr=False)
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
        notify: Callable[[], None],
    ) -> None:
        """Sends in a thread; returns at once.

        Args:
            send: takes what hears of the progress and the event that ends it, and returns the results.
            take: takes the results in.
            notify: called from the thread, at most ten times a second and once more at the end.
        """

        def tell() -> None:
            try:
                notify()
            except Exception as error:  # noqa: BLE001 - a display must not cost the results
                log_failure("showing a push", error)

        def hear(progress: Progress) -> None:
            self.progress = progress
            tell()

        def work() -> None:
            try:
                self.results = send(hear, self.stop)
                take(self.results)
            except BaseException as error:  # noqa: BLE001 - a thread's exception is seen by nobody
                self.fault = self._fault_of(error)
            finally:
                self.ended = time.monotonic()
                tell()

        self.thread = threading.Thread(target=work, name="mbtoolkit-push", daemon=True)
        self.thread.start()

    def _fault_of(self, error: BaseException) -> str:
        """What went wrong in words; in the log too, unless it is one of the toolkit's own errors."""
        is_own = isinstance(error, MbtoolkitError)
        if not is_own:
            log_failure("a push", error)
        why = str(error) if is_own else f"internal error ({type(error).__name__}); the log has the details"
        if self.results is not None:
            runs = self.results["mb_run_id"].drop_nulls().unique().sort()
            read = " and ".join(f"Run.open({run!r}).results" for run in runs) or "pushing.results"
            return f"The push is over, but its results can't be added to those before: {why}. {read} has them."
        if is_own:
            return why
        return (
            f"The push failed: {why}. Rows may have been sent: then list_runs() shows the run, and "
            "Run.open(run_id).resume(client) finishes it."
        )
