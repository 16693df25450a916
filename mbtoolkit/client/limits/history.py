"""Decides when the next request may go, given which went before. Pure: it is told the time, and touches no file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from mbtoolkit.client.limits.clock import Moment, Timer
from mbtoolkit.client.limits.limits import Limits

MIDNIGHT_SECONDS: Final = 5.0
"""So near to midnight a request counts in both days: the CRM's clock is not this one."""

DAYS_KEPT: Final = 8
SHRINK: Final = 0.75
GROW: Final = 0.05
"""After a 429 there is room for three quarters as many requests, and with each window for 5 % of the limit more."""

_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Later:
    """No request may go yet.

    Attributes:
        seconds: when to ask again.
        reason: the window is full, a 429 asked for a pause, or the day's requests are used up.
    """

    seconds: float
    reason: Literal["window", "pause", "day"]


@dataclass(frozen=True, slots=True)
class Slot:
    """One request that counts.

    Attributes:
        timer: until when. While no answer has come: until none can be on its way any more, and a window on top.
        days: in which it counts.
    """

    timer: Timer
    days: tuple[str, ...]


@dataclass(slots=True)
class History:
    """The requests of one token that still count.

    Attributes:
        slots: those of the window, by number.
        days: how many in each of the last days.
        pause: nobody sends until it is over.
        room: how many a window had room for after the last 429, and since when.
    """

    slots: dict[int, Slot] = field(default_factory=dict)
    days: dict[str, int] = field(default_factory=dict)
    pause: Timer | None = None
    room: tuple[int, Timer] | None = None

    @classmethod
    def full(cls, limits: Limits, now: Moment) -> History:
        """What to go by where the history was lost: as if the window had just been used up."""
        return cls(pause=Timer(now, limits.hold_seconds))

    def ask(self, number: int, limits: Limits, now: Moment, lease_seconds: float) -> Later | None:
        """Takes a slot for one request, if it may go now.

        Args:
            number: of the slot; one that no other process uses.
            limits: what is granted.
            now: the moment.
            lease_seconds: how long the request can be on its way at the most.

        Returns:
            None where it may go; else when to ask again, and nothing was taken.
        """
        self._forget(now)
        days = self._days_at(limits, now)
        later = self._later(limits, now, days)
        if later is None:
            self.slots[number] = Slot(Timer(now, lease_seconds + limits.hold_seconds), ())
            self._count(number, days)
        return later

    def answer(self, number: int, limits: Limits, now: Moment) -> None:
        """Its answer came, or can't come any more: from now on it counts for one more window."""
        slot = self.slots.get(number, Slot(Timer(now, 0), ()))
        self.slots[number] = replace(slot, timer=Timer(now, limits.hold_seconds))
        self._count(number, self._days_at(limits, now))

    def give_back(self, number: int) -> None:
        """It never left this machine."""
        slot = self.slots.pop(number, None)
        for day in slot.days if slot else ():
            self.days[day] = max(0, self.days.get(day, 0) - 1)

    def refuse(self, limits: Limits, now: Moment, seconds: float | None) -> None:
        """A 429 came: nobody sends for a while, and if that was the window's, fewer than before afterwards.

        Args:
            limits: what is granted.
            now: the moment.
            seconds: what the CRM asked to wait; None where it didn't say.
        """
        asked = Timer(now, limits.hold_seconds if seconds is None else seconds)
        if self.pause is None or self.pause.left(now) < asked.seconds:
            self.pause = asked
        is_new = self.room is None or self.room[1].age(now) >= limits.window_seconds
        if is_new and asked.seconds <= 2 * limits.hold_seconds:
            self.room = (max(1, int(self.has_room_for(limits, now) * SHRINK)), Timer(now, 0))

    def has_room_for(self, limits: Limits, now: Moment) -> int:
        """How many requests one window has room for: the account's number, or fewer for some time after a 429."""
        if self.room is None:
            return limits.requests
        least, since = self.room
        windows = int(since.age(now) // limits.window_seconds)
        return min(limits.requests, least + windows * max(1, int(limits.requests * GROW)))

    def share(self, limits: Limits, now: Moment) -> float:
        """The part of the limit in use, as of the last `ask`: of the window's or of the day's, the larger."""
        used = len(self.slots) / limits.requests
        return used if limits.per_day is None else max(used, self.days.get(limits.day(now.wall), 0) / limits.per_day)

    def _later(self, limits: Limits, now: Moment, days: tuple[str, ...]) -> Later | None:
        if limits.per_day is not None and any(self.days.get(day, 0) >= limits.per_day for day in days):
            return Later(self._until_new_day(limits, now, days), "day")
        if self.pause is not None:
            return Later(self.pause.left(now), "pause")
        room = self.has_room_for(limits, now)
        if len(self.slots) < room:
            return None
        # An answer that comes at this very moment makes room after one window.
        left = sorted(min(slot.timer.left(now), limits.hold_seconds) for slot in self.slots.values())
        return Later(left[len(self.slots) - room], "window")

    def _until_new_day(self, limits: Limits, now: Moment, days: tuple[str, ...]) -> float:
        """Until the last of the days that are used up is over, and no clock of the CRM's can still be in it."""
        assert limits.per_day is not None
        is_ahead = len(days) > 1 and self.days.get(days[-1], 0) >= limits.per_day
        return limits.next_midnight(now.wall + MIDNIGHT_SECONDS * (1 if is_ahead else -1)) + MIDNIGHT_SECONDS - now.wall

    def _days_at(self, limits: Limits, now: Moment) -> tuple[str, ...]:
        """The day at a moment, or both days near midnight. What was counted in days to come was counted by a clock that
        ran ahead; it counts today.
        """
        if limits.per_day is None:
            return ()
        near = (limits.day(now.wall - MIDNIGHT_SECONDS), limits.day(now.wall + MIDNIGHT_SECONDS))
        for ahead in [day for day in self.days if day > near[1]]:
            self.days[near[1]] = self.days.get(near[1], 0) + self.days.pop(ahead)
        return near[:1] if near[0] == near[1] else near

    def _count(self, number: int, days: tuple[str, ...]) -> None:
        """Counts a request in days in which it doesn't count yet."""
        slot = self.slots[number]
        new = tuple(day for day in days if day not in slot.days)
        for day in new:
            self.days[day] = self.days.get(day, 0) + 1
        self.slots[number] = replace(slot, days=slot.days + new)
        for old in sorted(self.days)[:-DAYS_KEPT]:
            del self.days[old]

    def _forget(self, now: Moment) -> None:
        """Drops what is over."""
        for number, slot in list(self.slots.items()):
            age = slot.timer.age(now)
            if age < 0:
                self.slots[number] = replace(slot, timer=slot.timer.believable(now))
            elif age >= slot.timer.seconds:
                del self.slots[number]
        if self.pause is not None:
            pause = self.pause.believable(now)
            self.pause = pause if pause.left(now) > 0 else None
        if self.room is not None:
            self.room = (self.room[0], self.room[1].believable(now))

    def to_text(self) -> str:
        """The history as text for a file."""
        return json.dumps(
            {
                "version": _VERSION,
                "slots": [[number, *_parts(slot.timer), *slot.days] for number, slot in self.slots.items()],
                "days": self.days,
                "pause": self.pause and _parts(self.pause),
                "room": self.room and [self.room[0], *_parts(self.room[1])],
            }
        )

    @classmethod
    def from_text(cls, text: str) -> History:
        """The history in a text of `to_text`.

        Raises:
            ValueError: it is none.
        """
        try:
            held = json.loads(text)
            if held["version"] != _VERSION:
                msg = "a history of another version"
                raise ValueError(msg)
            return cls(
                slots={int(one[0]): Slot(_timer(*one[1:4]), tuple(map(str, one[4:]))) for one in held["slots"]},
                days={str(day): int(count) for day, count in held["days"].items()},
                pause=held["pause"] and _timer(*held["pause"]),
                room=held["room"] and (int(held["room"][0]), _timer(*held["room"][1:])),
            )
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            msg = f"no history of requests ({type(error).__name__})"
            raise ValueError(msg) from None


def _parts(timer: Timer) -> list[float]:
    return [timer.since.wall, timer.since.steady, timer.seconds]


def _timer(wall: float, steady: float, seconds: float) -> Timer:
    return Timer(Moment(float(wall), float(steady)), float(seconds))
