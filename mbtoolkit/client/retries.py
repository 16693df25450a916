"""When to send again. Pure: it is told each attempt's outcome and says how long to wait, or that it is over.

The CRM knows no idempotency key. An upsert that names its contact by an identifier ends the same however often it is
applied, so it may be sent again after doubt; one that doesn't would make a second contact, so it may not. Doubt is
sticky: a clean refusal later does not clear it, for the earlier attempt may have been applied.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Final

from mbtoolkit.client.answers import Kind, Outcome

FIRST_WAIT_SECONDS: Final = 0.5
LONGEST_WAIT_SECONDS: Final = 20.0
UNSAID_PAUSE_SECONDS: Final = 10.0
"""A pause after a 429 that does not say how long: the length of the CRM's own window."""

MAX_PAUSES: Final = 30
"""How often one contact is put off in a row before the run is given up."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Send again, after a while.

    Attributes:
        seconds: how long.
        everyone: whether all other contacts of the run wait too.
    """

    seconds: float
    everyone: bool = False


class Attempts:
    """The attempts at one contact.

    Args:
        limit: how often it is sent at the most.
        resend_is_safe: whether it may be sent again after doubt.
        jitter: spreads the waits; a random generator.
        doubt: how an attempt ended that was made before these, and may have been applied.
    """

    __slots__ = ("_doubt", "_failed", "_jitter", "_limit", "_pauses", "_resend_is_safe", "_tried", "outcome")

    def __init__(
        self, limit: int, *, resend_is_safe: bool, jitter: random.Random, doubt: Outcome | None = None
    ) -> None:
        self._limit = limit
        self._resend_is_safe = resend_is_safe
        self._jitter = jitter
        self._tried = 0
        self._failed = 0
        self._pauses = 0
        self._doubt = doubt
        self.outcome = Outcome("not_sent", code="not_sent", message="the run stopped before it was sent")

    def hear(self, outcome: Outcome, *, is_outage: bool = False) -> Wait | None:
        """Takes the outcome of an attempt; says how long to wait before the next, or None if `.outcome` is final.

        Args:
            outcome: of the attempt.
            is_outage: whether it is the CRM's trouble and not this contact's: then it uses no attempt up, and the
                caller knows how long to wait.
        """
        self._tried += 1
        if outcome.kind == "unknown":
            self._doubt = outcome
        self.outcome = self._with_doubt(outcome)
        wait = self._next(outcome.kind, outcome.retry_after_seconds, is_outage=is_outage)
        if wait is None and outcome.kind in ("not_sent", "later", "stop"):
            self.outcome = replace(self.outcome, stops_run=True)
        return wait

    def _next(self, kind: Kind, retry_after_seconds: float | None, *, is_outage: bool) -> Wait | None:
        may_retry = kind in ("later", "not_sent") or (kind == "unknown" and self._resend_is_safe)
        if is_outage and may_retry:
            return Wait(0)
        if kind == "later":
            return self._pause(retry_after_seconds)
        return self._backoff() if may_retry else None

    def _with_doubt(self, outcome: Outcome) -> Outcome:
        counted = replace(outcome, attempts=self._tried)
        if self._doubt is None or outcome.kind in ("stored", "accepted", "unknown"):
            return counted
        told = f"an earlier attempt ended in doubt ({self._doubt.message}); the last one: {outcome.message}"
        return replace(counted, kind="unknown", code=self._doubt.code, message=told)

    def _backoff(self) -> Wait | None:
        self._failed += 1
        if self._failed >= self._limit:
            return None
        longest = min(FIRST_WAIT_SECONDS * 2 ** (self._failed - 1), LONGEST_WAIT_SECONDS)
        return Wait(longest * (0.5 + self._jitter.random() / 2))

    def _pause(self, seconds: float | None) -> Wait | None:
        self._pauses += 1
        if self._pauses > MAX_PAUSES:
            return None
        asked = UNSAID_PAUSE_SECONDS if seconds is None else seconds
        return Wait(asked + self._jitter.random() / 10, everyone=True)
