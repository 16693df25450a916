"""The request limits of the CRM's accounts, for each access token."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

SECONDS_PER_DAY: Final = 86_400

AccountName = Literal["freemium", "starter", "pro"]


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What an account may send with one token.

    Attributes:
        requests: how many in one window.
        per_day: how many in one day. The day ends at midnight UTC: the sandbox's account lives there.
        window_seconds: how long a window is.
    """

    requests: int
    per_day: int
    window_seconds: float = 10.0

    def __post_init__(self) -> None:
        """Refuses limits that can't work.

        Raises:
            ValueError: a number is not above zero.
        """
        if min(self.requests, self.per_day, self.window_seconds) <= 0:
            msg = "requests, per_day and window_seconds of limits must be above zero"
            raise ValueError(msg)


ACCOUNT_LIMITS: Final[dict[str, RequestLimits]] = {
    "freemium": RequestLimits(100, 250_000),
    "starter": RequestLimits(150, 500_000),
    "pro": RequestLimits(200, 1_000_000),
}
"""Source: MainBrainer's public pages on limits; a batch counts as one request."""


def limits_named(limits: str | RequestLimits | None) -> RequestLimits | None:
    """The limits of that name; a `RequestLimits` and None (no limits) are handed through.

    Raises:
        ValueError: there are no limits of that name.
    """
    if limits is None or isinstance(limits, RequestLimits):
        return limits
    if limits not in ACCOUNT_LIMITS:
        msg = (
            f"limits={limits!r}: give {', '.join(map(repr, ACCOUNT_LIMITS))}, RequestLimits(...), or None for no limits"
        )
        raise ValueError(msg)
    return ACCOUNT_LIMITS[limits]


@dataclass(slots=True)
class _Use:
    """What one token has used up."""

    times: deque[float] = field(default_factory=deque)
    window: float = -1.0
    in_window: int = 0
    day: int = -1
    in_day: int = 0


class Limiter:
    """Counts the requests of each token, when they arrive. A request that is refused with 429 does not count."""

    def __init__(
        self,
        limits: RequestLimits | None,
        window: Literal["sliding", "fixed"] = "sliding",
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._limits = limits
        self._window = window
        self._monotonic = monotonic
        self._wall = wall
        self._uses: dict[bytes, _Use] = {}

    def admit(self, token: bytes) -> float | None:
        """Counts one request.

        Args:
            token: whose request it is; any bytes that stand for the token.

        Returns:
            None where the request is within the limits; else how many seconds to wait, and nothing was counted.
        """
        if self._limits is None:
            return None
        use = self._uses.setdefault(token, _Use())
        day_wait = self._day_wait(use, self._limits)
        if day_wait is not None:
            return day_wait
        wait = (
            self._sliding_wait(use, self._limits) if self._window == "sliding" else self._fixed_wait(use, self._limits)
        )
        if wait is None:
            use.in_day += 1
        return wait

    def _day_wait(self, use: _Use, limits: RequestLimits) -> float | None:
        now = self._wall()
        day = int(now // SECONDS_PER_DAY)
        if day != use.day:
            use.day, use.in_day = day, 0
        return None if use.in_day < limits.per_day else (day + 1) * SECONDS_PER_DAY - now

    def _sliding_wait(self, use: _Use, limits: RequestLimits) -> float | None:
        now = self._monotonic()
        while use.times and use.times[0] <= now - limits.window_seconds:
            use.times.popleft()
        if len(use.times) >= limits.requests:
            return use.times[0] + limits.window_seconds - now
        use.times.append(now)
        return None

    def _fixed_wait(self, use: _Use, limits: RequestLimits) -> float | None:
        now = self._monotonic()
        window = now // limits.window_seconds
        if window != use.window:
            use.window, use.in_window = window, 0
        if use.in_window >= limits.requests:
            return (window + 1) * limits.window_seconds - now
        use.in_window += 1
        return None


def retry_after_text(wait_seconds: float) -> str:
    """A wait as the text of a `Retry-After`: whole seconds, rounded up, at least 1."""
    return str(max(1, math.ceil(wait_seconds)))
