"""A CRM that keeps limits, and processes that share a budget, in time that doesn't pass: for properties."""

from __future__ import annotations

import heapq
import itertools
import random
from dataclasses import dataclass, field

from mbtoolkit.client.limits import History, Limits
from mbtoolkit.client.limits.clock import Moment

YEAR_2025 = 1_750_000_000.0


@dataclass
class Server:
    """Counts requests when they arrive, by a clock of its own."""

    requests: int
    window_seconds: float
    kind: str
    phase: float = 0.0
    speed: float = 1.0
    counted: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    def arrive(self, at: float) -> bool:
        now = self.phase + at * self.speed
        since = (
            now - self.window_seconds if self.kind == "sliding" else now // self.window_seconds * self.window_seconds
        )
        recent = itertools.takewhile(
            lambda each: each > since or (self.kind == "fixed" and each == since), self.counted[::-1]
        )
        fits = sum(1 for _ in recent) < self.requests
        (self.counted if fits else self.refused).append(now)
        return fits


@dataclass
class World:
    """Processes with senders that always have something to send, over one history.

    Attributes:
        latency: seconds of one way, from and to; each way is drawn anew.
        crash: how likely a request is never heard of again: its process is gone.
        settings: when the wall clock is set, and by how much.
    """

    limits: Limits
    server: Server
    senders: int
    latency: tuple[float, float]
    seed: int = 0
    crash: float = 0.0
    clock_set: dict[float, float] = field(default_factory=dict)
    lease_seconds: float = 3.0
    history: History = field(default_factory=History)
    sent: list[float] = field(default_factory=list)
    longest_wait: float = 0.0

    def moment(self, at: float) -> Moment:
        shift = sum(by for when, by in self.clock_set.items() if when <= at)
        return Moment(YEAR_2025 + at + shift, 1000.0 + at)

    def run(self, seconds: float) -> None:
        """Lets time go by."""
        draw = random.Random(self.seed)
        numbers = itertools.count()
        events: list[tuple[float, int, str, int]] = [(0.0, next(numbers), "ask", 0) for _ in range(self.senders)]
        heapq.heapify(events)

        def plan(at: float, what: str, slot: int = 0) -> None:
            heapq.heappush(events, (at, next(numbers), what, slot))

        while events and events[0][0] < seconds:
            at, number, what, slot = heapq.heappop(events)
            if what == "ask":
                later = self.history.ask(number, self.limits, self.moment(at), self.lease_seconds)
                if later is not None:
                    self.longest_wait = max(self.longest_wait, later.seconds)
                    plan(at + later.seconds + draw.random() * 0.002 + 1e-6, "ask")
                    continue
                self.sent.append(at)
                is_lost = draw.random() < self.crash
                if not (is_lost and draw.random() < 0.5):
                    plan(at + draw.uniform(*self.latency), "arrive", -number - 1 if is_lost else number)
                if is_lost:
                    plan(at + 0.01, "ask")
            elif what == "arrive":
                fits = self.server.arrive(at)
                if slot >= 0:
                    plan(at + draw.uniform(*self.latency), "answer" if fits else "refused", slot)
            else:
                self.history.answer(slot, self.limits, self.moment(at))
                if what == "refused":
                    self.history.refuse(self.limits, self.moment(at), None)
                plan(at, "ask")


def share_of_rate(sent: list[float], limits: Limits) -> float:
    """The share of the granted rate that was used: a window against the time from a request to the N-th after it."""
    apart = [later - earlier for earlier, later in zip(sent, sent[limits.requests :], strict=False)]
    return limits.window_seconds / (sum(apart) / len(apart))
