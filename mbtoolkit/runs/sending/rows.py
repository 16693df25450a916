"""What is known of every row of a run, and how it is told to a journal and read back from one.

An event is written before a row is sent (`intent`) and after (`refused`, `doubt`, `accepted`, `final`). Whoever reads
them again knows as much as the one who wrote them: an intent without an end is doubt.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Final, Protocol

from mbtoolkit.client import Outcome
from mbtoolkit.runs.sending.queue import neighbours
from mbtoolkit.schemas.frames import Status

STATUS_OF: Final[dict[str, Status]] = {
    "stored": "succeeded",
    "accepted": "accepted",
    "rejected": "rejected",
    "unknown": "unknown",
    "later": "not_sent",
    "not_sent": "not_sent",
    "stop": "not_sent",
}

KEPT: Final = "kept"
"""The code of a row that a run has nothing to do with."""

DIED: Final = Outcome("unknown", code="died", message="the process ended while the answer was on its way")

UNENDED: Final = -1
"""In `Rows.final`: the row has not ended."""


class Event(Protocol):
    """One entry of a journal."""

    @property
    def kind(self) -> str:
        """Its word."""

    @property
    def rows(self) -> Sequence[int]:
        """The rows that it speaks of."""

    @property
    def data(self) -> str:
        """What else it says, as JSON."""


@dataclass(slots=True)
class Rows:
    """What is known of every row.

    Attributes:
        count: how many rows.
        told: all that has been said, each thing once.
        final: for each row the place in `told` of what it ended with; below 0 while it has not ended.
        attempts: for each row, how often it was sent.
        doubts: the rows of which an earlier attempt may have been applied, and how it ended. Only a success clears it.
        on_way: rows that are being sent.
        taken_in: rows that a batch took in and that are not settled, by the batch's id.
        sizes: of the batches whose rows are all known, by id.
    """

    count: int
    told: list[Outcome] = field(default_factory=list)
    final: array[int] = field(init=False)
    attempts: array[int] = field(init=False)
    doubts: dict[int, Outcome] = field(default_factory=dict)
    on_way: set[int] = field(default_factory=set)
    taken_in: dict[str, set[int]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Nothing is known yet."""
        self.final = array("l", [UNENDED]) * self.count
        self.attempts = array("l", [0]) * self.count

    @property
    def unended(self) -> int:
        """How many rows have not ended."""
        return self.final.count(UNENDED)

    def open_marks(self) -> bytearray:
        """For each row 1 where it has not ended, 0 where it has."""
        if not self.told:
            return bytearray(b"\1") * self.count
        return bytearray(place < 0 for place in self.final)

    def outcome(self, row: int) -> Outcome | None:
        """What a row ended with; None while it has not ended."""
        place = self.final[row]
        return None if place < 0 else self.told[place]

    def send(self, rows: Sequence[int]) -> None:
        """They are about to be sent."""
        self.on_way.update(rows)
        found = neighbours(rows)
        if found and (before := self.attempts[found.start : found.stop]) == _times(before[0], len(found)):
            self.attempts[found.start : found.stop] = _times(before[0] + 1, len(found))
            return
        for row in rows:
            self.attempts[row] += 1

    def refuse(self, rows: Iterable[int]) -> None:
        """An attempt ended without a trace."""
        self.on_way.difference_update(rows)

    def doubt(self, rows: Sequence[int], outcome: Outcome) -> None:
        """An attempt may have been applied."""
        self.on_way.difference_update(rows)
        self.doubts.update(dict.fromkeys(rows, outcome))

    def accept(self, rows: Sequence[int], batch_id: str, size: int | None) -> None:
        """A batch took them in; `size` is how many contacts it has in all, where that is known."""
        self.on_way.difference_update(rows)
        is_new = batch_id not in self.taken_in
        self.taken_in.setdefault(batch_id, set()).update(rows)
        if is_new and size is not None:
            self.sizes[batch_id] = size
        else:
            self.sizes.pop(batch_id, None)  # one id for two batches: nobody can tell whose counts these are

    def end(self, rows: Sequence[int], outcome: Outcome) -> None:
        """They have ended."""
        self.on_way.difference_update(rows)
        self._write(rows, len(self.told))
        self.told.append(outcome)
        if outcome.batch_id in self.taken_in and outcome.kind != "accepted":
            self.taken_in[outcome.batch_id].difference_update(rows)
            if not self.taken_in[outcome.batch_id]:
                del self.taken_in[outcome.batch_id]
        if outcome.kind == "stored" and self.doubts:
            for row in rows:
                self.doubts.pop(row, None)

    def _write(self, rows: Sequence[int], told: int) -> None:
        """What they ended with, as a place in `told`."""
        found = neighbours(rows)
        if found:
            self.final[found.start : found.stop] = _times(told, len(found))
            return
        for row in rows:
            self.final[row] = told

    def reopen(self, is_safe: Callable[[int], bool]) -> None:
        """Opens again what an earlier sending left: not sent, in a batch's hands, or in doubt and safe to re-send."""
        for row, place in enumerate(self.final):
            outcome = self.told[place] if place >= 0 else None
            if outcome is None or outcome.code == KEPT or STATUS_OF[outcome.kind] in ("succeeded", "rejected"):
                continue
            if outcome.kind == "unknown" and not is_safe(row):
                continue
            self.final[row] = UNENDED
            if outcome.kind == "unknown":
                self.doubts[row] = outcome
            elif outcome.kind == "accepted" and outcome.batch_id is not None:
                self.taken_in.setdefault(outcome.batch_id, set()).add(row)


def _times(value: int, count: int) -> array[int]:
    return array("l", [value]) * count


def replay(count: int, events: Iterable[Event]) -> Rows:
    """What a journal says of the rows; what was on its way at its end still is."""
    rows = Rows(count)
    for event in events:
        match event.kind:
            case "intent":
                rows.send(event.rows)
            case "refused":
                rows.refuse(event.rows)
            case "doubt":
                rows.doubt(event.rows, outcome_of(event.data))
            case "accepted":
                told = json.loads(event.data)
                rows.accept(event.rows, told["batch_id"], told["size"])
            case "final":
                rows.end(event.rows, outcome_of(event.data))
    return rows


_DEFAULTS: Final = asdict(Outcome("stored"))
_NAMES: Final = frozenset(each.name for each in fields(Outcome)) - {"batch"}


def text_of(outcome: Outcome) -> str:
    """An outcome as JSON, without what is as usual."""
    told = {name: getattr(outcome, name) for name in _NAMES if getattr(outcome, name) != _DEFAULTS[name]}
    return json.dumps({"kind": outcome.kind} | told)


def outcome_of(text: str) -> Outcome:
    """The outcome in a text of `text_of`."""
    held = {name: value for name, value in json.loads(text).items() if name in _NAMES}
    outcome = Outcome(**held)
    return replace(outcome, invalid_properties=tuple(outcome.invalid_properties))
