"""Time that processes can share, and that a clock set forth or back doesn't break."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment by two clocks.

    Attributes:
        wall: seconds since 1970: the same for every process and after a restart, but it may be set.
        steady: seconds of the machine's monotonic clock: never set, but it begins anew with each start of the machine,
            and another machine has another one.
    """

    wall: float
    steady: float

    @classmethod
    def now(cls) -> Moment:
        """This moment."""
        return cls(time.time(), time.monotonic())


@dataclass(frozen=True, slots=True)
class Timer:
    """Something that lasts.

    Attributes:
        since: when it began.
        seconds: how long it lasts.
    """

    since: Moment
    seconds: float

    def age(self, now: Moment) -> float:
        """Seconds since it began; where the clocks disagree, the smaller number; below 0 where neither can be right.

        The steady clock can't have gone back: if it seems so, it is another machine's, or this one was started anew,
        and only the wall clock says something. If the wall clock went back, it was set, and the steady one says more.
        """
        wall, steady = now.wall - self.since.wall, now.steady - self.since.steady
        if steady < 0:
            return wall
        return steady if wall < 0 else min(wall, steady)

    def left(self, now: Moment) -> float:
        """Seconds until it ends; 0 or less when it is over."""
        return self.seconds - self.age(now)

    def believable(self, now: Moment) -> Timer:
        """The timer, or one that begins now where no clock says when it began."""
        return self if self.age(now) >= 0 else Timer(now, self.seconds)
