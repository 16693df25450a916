"""The sandbox's own record of what it received, answered and committed: the oracle of the test suites."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple


@dataclass(slots=True)
class Entry:
    """One request on an operation of the CRM. Headers are never kept, nor the bodies of the token operation.

    Attributes:
        seq: counts from 1, in the order received.
        at: when it was received, in microseconds since 1970.
        method: the HTTP method.
        path: without the query.
        status: the HTTP status answered; None while none was, and for good where the connection was cut.
        contact_id: the contact it was about, where that is known.
        batch_id: the batch it brought or asked for, where there is one.
        applied: whether it was committed; of a batch: whether it was taken in.
        fault: the name of the fault committed on it, or None.
        body: the request's text, or None.
        answer: the text as sent, or None.
        duration_ms: from reception to the answer's first byte, or to the cut.
    """

    seq: int
    at: int
    method: str
    path: str
    status: int | None = None
    contact_id: int | None = None
    batch_id: str | None = None
    applied: bool = False
    fault: str | None = None
    body: str | None = None
    answer: str | None = None
    duration_ms: float | None = None
    _started: int = field(default_factory=time.perf_counter_ns, repr=False)

    def close(self, status: int | None, answer: str | None) -> None:
        """Notes what is answered; None and None for a connection that is cut."""
        self.status = status
        self.answer = answer
        self.duration_ms = (time.perf_counter_ns() - self._started) / 1e6


class RequestLog:
    """The last requests, and how many there were in all."""

    def __init__(self, kept: int) -> None:
        """Starts empty.

        Args:
            kept: how many entries are kept; older ones are dropped.
        """
        self._entries: deque[Entry] = deque(maxlen=kept)
        self.received = 0

    def begin(self, method: str, path: str) -> Entry:
        """A new entry, for a request that has just been received."""
        self.received += 1
        entry = Entry(self.received, time.time_ns() // 1000, method, path)
        self._entries.append(entry)
        return entry

    def entries(self) -> list[Entry]:
        """The kept entries, oldest first."""
        return list(self._entries)

    def last(self, count: int) -> list[Entry]:
        """The newest entries, newest first."""
        newest = reversed(self._entries)
        return [entry for _, entry in zip(range(count), newest, strict=False)]


class Effect(Enum):
    """What became of one contact that an operation took."""

    INSERTED = "inserted"
    UPDATED = "updated"
    SKIPPED = "skipped"


class Line(NamedTuple):
    """What became of one contact.

    Attributes:
        seq: counts from 1, over applied and skipped ones.
        at: when, in microseconds since 1970.
        request: `seq` of the request that brought it.
        contact_id: the contact; of a skipped one only where it is known.
        outcome: the value of an `Effect`.
        payload: the contact as it was sent; of a batch its item, as compact JSON.
        batch_id: its batch, or None for the single operation.
        position: its place in the batch, from 0, or None.
        reason: why it was skipped, or None. The CRM would never tell.
    """

    seq: int
    at: int
    request: int
    contact_id: int | None
    outcome: str
    payload: str | None
    batch_id: str | None
    position: int | None
    reason: str | None


_Plain = tuple[int, int, int, int | None, str, str | None, str | None, int | None, str | None]
"""A `Line` as it is kept."""


class UpsertLog:
    """What became of the last contacts, one line for each time that one was applied or skipped."""

    def __init__(self, kept: int) -> None:
        """Starts empty.

        Args:
            kept: how many lines are kept; older ones are dropped.
        """
        self._lines: deque[_Plain] = deque(maxlen=kept)
        self._noted = 0
        self.applied = 0

    def note(
        self,
        request: int,
        contact_id: int | None,
        outcome: Effect,
        payload: str | None,
        batch_id: str | None = None,
        position: int | None = None,
        reason: str | None = None,
    ) -> None:
        """Adds a line; the arguments are the attributes of `Line`."""
        self._noted += 1
        self.applied += outcome is not Effect.SKIPPED
        at = time.time_ns() // 1000
        # A plain tuple of plain values: the garbage collector has nothing to follow in many thousands of them.
        self._lines.append((self._noted, at, request, contact_id, outcome.value, payload, batch_id, position, reason))

    def lines(self) -> list[Line]:
        """The kept lines, oldest first."""
        return [Line(*line) for line in self._lines]
