"""What to do in an outage: everybody waits, and one request at a time finds out whether it is over. Pure.

A single 500 is the trouble of one contact; five in a row, at more than one contact, are an outage. Where the CRM was
reached before, a refused connection is one at once, and so is a 503 that says when to come back.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

from mbtoolkit.client import Outcome

FAILURES: Final = 5
"""So many unclear ends in a row are an outage."""

FIRST_PROBE_SECONDS: Final = 1.0
LONGEST_PROBE_SECONDS: Final = 10.0
"""Between two probes: doubled from the first to the longest."""


@dataclass(slots=True)
class Breaker:
    """Whether the CRM is out of order, as far as the answers tell.

    Attributes:
        patience_seconds: how long an outage may last.
        since: when the outage began; None while there is none.
        probe_at: when the next probe may go, in an outage.
        is_probed: whether one is on its way.
        outages: how many there were.
    """

    patience_seconds: float
    since: float | None = None
    probe_at: float = 0.0
    is_probed: bool = False
    outages: int = 0
    _probes: int = 0
    _was_reached: bool = False
    _failed: list[int] = field(default_factory=list)
    _jitter: random.Random = field(default_factory=random.Random)

    @property
    def is_open(self) -> bool:
        """Whether there is an outage."""
        return self.since is not None

    def wait_seconds(self, now: float) -> float:
        """How long to wait before asking again whether a request may go; 0 where it may."""
        if self.since is None:
            return 0.0
        if self.is_probed:
            return LONGEST_PROBE_SECONDS
        return max(0.0, self.probe_at - now)

    def is_hopeless(self, now: float) -> bool:
        """Whether the outage has lasted too long."""
        return self.since is not None and now - self.since > self.patience_seconds

    def hear(self, outcome: Outcome, row: int, now: float, began: float | None = None) -> None:
        """Takes the end of an attempt.

        Args:
            outcome: what became of it.
            row: whose it was.
            now: seconds of a steady clock.
            began: when the attempt was made, by the same clock: the good end of one that was on its way when the outage
                began says nothing of it.
        """
        if self._is_failure(outcome):
            self._failed = [*self._failed[-FAILURES:], row]
            if self.since is None and self._is_outage(outcome):
                self.since = now
                self.outages += 1
            if self.since is not None:
                self._put_off(outcome.retry_after_seconds, now)
            return
        self._was_reached = True
        if self.since is not None and began is not None and began < self.since:
            return
        self._failed = []
        self._probes = 0
        self.since = None

    @staticmethod
    def _is_failure(outcome: Outcome) -> bool:
        return outcome.kind in ("unknown", "not_sent") or (outcome.kind == "later" and outcome.http_status == 503)

    def _is_outage(self, outcome: Outcome) -> bool:
        if outcome.kind == "later":
            return True
        if outcome.kind == "not_sent":
            return self._was_reached
        return len(self._failed) >= FAILURES and len(set(self._failed)) > 1

    def _put_off(self, asked_seconds: float | None, now: float) -> None:
        longest = min(FIRST_PROBE_SECONDS * 2**self._probes, LONGEST_PROBE_SECONDS)
        self._probes = min(self._probes + 1, 10)
        own = longest * (0.75 + self._jitter.random() / 4)
        self.probe_at = max(self.probe_at, now + (own if asked_seconds is None else asked_seconds))
