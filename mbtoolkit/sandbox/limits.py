"""The request limits of the CRM's plans, for each access token."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

SECONDS_PER_DAY: Final = 86_400

PlanName = Literal["freemium", "starter", "pro"]


@dataclass(frozen=True, slots=True)
class Plan:
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
        """Refuses a plan that can't work.

        Raises:
            ValueError: a number is not above zero.
        """
        if min(self.requests, self.per_day, self.window_seconds) <= 0:
            msg = "a plan's requests, per_day and window_seconds are above zero"
            raise ValueError(msg)


PLANS: Final[dict[str, Plan]] = {
    "freemium": Plan(100, 250_000),
    "starter": Plan(150, 500_000),
    "pro": Plan(200, 1_000_000),
}
"""Source: MainBrainer's public pages on limits; a batch counts as one request."""


def plan_named(plan: str | Plan | None) -> Plan | None:
    """The plan of that name; a `Plan` and None (no limit) are handed through.

    Raises:
        ValueError: there is no plan of that name.
    """
    if plan is None or isinstance(plan, Plan):
        return plan
    if plan not in PLANS:
        msg = f"plan is {plan!r}; it can be {', '.join(map(repr, PLANS))}, a Plan, or None for no limit"
        raise ValueError(msg)
    return PLANS[plan]


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
        plan: Plan | None,
        window: Literal["sliding", "fixed"] = "sliding",
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._plan = plan
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
        if self._plan is None:
            return None
        use = self._uses.setdefault(token, _Use())
        day_wait = self._day_wait(use, self._plan)
        if day_wait is not None:
            return day_wait
        wait = self._sliding_wait(use, self._plan) if self._window == "sliding" else self._fixed_wait(use, self._plan)
        if wait is None:
            use.in_day += 1
        return wait

    def _day_wait(self, use: _Use, plan: Plan) -> float | None:
        now = self._wall()
        day = int(now // SECONDS_PER_DAY)
        if day != use.day:
            use.day, use.in_day = day, 0
        return None if use.in_day < plan.per_day else (day + 1) * SECONDS_PER_DAY - now

    def _sliding_wait(self, use: _Use, plan: Plan) -> float | None:
        now = self._monotonic()
        while use.times and use.times[0] <= now - plan.window_seconds:
            use.times.popleft()
        if len(use.times) >= plan.requests:
            return use.times[0] + plan.window_seconds - now
        use.times.append(now)
        return None

    def _fixed_wait(self, use: _Use, plan: Plan) -> float | None:
        now = self._monotonic()
        window = now // plan.window_seconds
        if window != use.window:
            use.window, use.in_window = window, 0
        if use.in_window >= plan.requests:
            return (window + 1) * plan.window_seconds - now
        use.in_window += 1
        return None


def retry_after_text(wait_seconds: float) -> str:
    """A wait as the text of a `Retry-After`: whole seconds, rounded up, at least 1."""
    return str(max(1, math.ceil(wait_seconds)))
