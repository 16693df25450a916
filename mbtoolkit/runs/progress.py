"""How far a run is, said at most ten times a second, and once more at the end."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from tqdm.auto import tqdm

_log = logging.getLogger("mbtoolkit")

UPDATES_PER_SECOND: Final = 10
SHOWN_AFTER_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        done: rows that have a final status.
        total: rows to send.
        counts: done rows by status.
        pause_seconds: how long the run still waits because the CRM asked for it; 0 while it sends.
        limit_used: the part of the account's limit in use, from 0 to 1: the requests of the last ten seconds (or of the
            day, where that is the larger part), by all runs of this user with this token; None without limits.
        queued: rows that batches took in and that the CRM has not settled yet.
        seconds: how long the run has lasted.
        reason: why it pauses, if it does.
        record_error: why the run's record can't be written any more; None while it can.
    """

    done: int
    total: int
    counts: Mapping[str, int] = field(default_factory=Counter)
    pause_seconds: float = 0.0
    limit_used: float | None = None
    queued: int = 0
    seconds: float = 0.0
    reason: str | None = None
    record_error: str | None = None

    @property
    def rate(self) -> float:
        """Rows a second so far."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Until it is over, at the rate so far, the pause included; None in the first second and while none is done."""
        if not self.done or self.seconds < 1:
            return None
        return (self.total - self.done) / self.rate + self.pause_seconds

    @property
    def pause_ends(self) -> str | None:
        """When the pause ends, by this machine's clock, such as "14:05:10"; None while it sends."""
        if self.pause_seconds <= 0:
            return None
        return f"{datetime.now().astimezone() + timedelta(seconds=self.pause_seconds):%H:%M:%S}"


class Reporter(Protocol):
    """Something that shows progress."""

    def __call__(self, progress: Progress) -> None:
        """Shows it."""

    def close(self) -> None:
        """The run is over."""


def _in_notebook() -> bool:
    """Whether a Jupyter kernel runs this code."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def _on_terminal() -> bool:
    """Whether somebody watches; a program without a console has no stderr at all."""
    return sys.stderr is not None and sys.stderr.isatty()


class Bar:
    """A progress bar in the terminal or the notebook, once a run takes longer than a second."""

    def __init__(self, total: int) -> None:
        self._bar = tqdm(
            total=total,
            unit=" contacts",
            delay=SHOWN_AFTER_SECONDS,
            dynamic_ncols=True,
            bar_format="{percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt}{postfix}",
            mininterval=1 / UPDATES_PER_SECOND,
            disable=not (_on_terminal() or _in_notebook()),
        )

    def __call__(self, progress: Progress) -> None:
        """Moves the bar."""
        told = _words(progress)
        self._bar.set_postfix_str(told, refresh=False)
        self._bar.update(progress.done - self._bar.n)

    def close(self) -> None:
        """Leaves the bar as it is."""
        self._bar.close()


def _words(progress: Progress) -> str:
    """How fast it is, how long it still takes, why it waits, and what became of the rows."""
    parts = [f"{progress.rate:,.0f}/s"] if progress.done else []
    if progress.seconds_left is not None and progress.done < progress.total:
        parts.append(f"{_clock(progress.seconds_left)} left")
    if progress.limit_used is not None:
        parts.append(f"{progress.limit_used:.0%} of the limit")
    if progress.pause_seconds > 0:
        parts.append(f"paused until {progress.pause_ends} ({progress.reason or 'the CRM asked for it'})")
    parts += [f"{count:,} {status.replace('_', ' ')}" for status, count in progress.counts.items() if count]
    if progress.queued:
        parts.append(f"{progress.queued:,} in the CRM's queue")
    return ", ".join(parts)


def _clock(seconds: float) -> str:
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


class Calls:
    """Hands progress to a function of the caller's."""

    def __init__(self, function: Callable[[Progress], None]) -> None:
        self._function = function
        self._broken = False

    def __call__(self, progress: Progress) -> None:
        """Calls it; after its first fault no more, for a display must not cost the results."""
        if self._broken:
            return
        try:
            self._function(progress)
        except Exception:  # noqa: BLE001 - whatever the caller's function raises
            self._broken = True
            _log.exception("the progress function failed; the run goes on without it")

    def close(self) -> None:
        """Nothing to close."""


def reporter(progress: bool | Callable[[Progress], None], total: int) -> Reporter | None:
    """What shows the progress of a run: a bar for True, the function itself, or nothing for False."""
    if progress is True:
        return Bar(total)
    return None if progress is False else Calls(progress)
