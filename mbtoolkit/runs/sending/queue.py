"""Which rows may go now. Pure: no clock, no network.

Rows of one contact go one after the other: a row waits until the one before it is settled. Whatever has to be sent
again comes before what was not sent yet, and a batch is sent again as it was, so that one bad row doesn't spread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_SINGLE: Final = 1
_BATCH: Final = 2
_MANY: Final = 16
"""So many neighbours are treated as a range; fewer cost as little one by one."""


def neighbours(rows: Sequence[int]) -> range | None:
    """The rows as a range, where each stands right behind the one before; None where they don't, or are few."""
    if len(rows) < _MANY:
        return None
    if isinstance(rows, range):
        return rows if rows.step == 1 else None
    found = range(rows[0], rows[0] + len(rows))
    return found if rows[-1] == found[-1] and list(rows) == list(found) else None


@dataclass(frozen=True, slots=True)
class Unit:
    """Rows that go in one request.

    Attributes:
        rows: their positions; a range where they are many neighbours, which costs less everywhere.
        is_batch: whether by the batch operation.
    """

    rows: Sequence[int]
    is_batch: bool = False


class Queue:
    """The rows that may go.

    Args:
        is_ready: for each row, whether it may go from the beginning (1 or 0).
        is_batched: for each row, whether it goes by the batch operation.
        batch_size: rows of one batch at the most.
    """

    def __init__(self, is_ready: bytearray, is_batched: bytearray, batch_size: int) -> None:
        self.batch_size = batch_size
        self._is_batched = is_batched
        self._has_no_batches = False
        # A mark a row, searched by the interpreter's own code: rows are found without a loop over all of them.
        self._marks = _marks(is_ready, is_batched)
        self._at = {False: 0, True: 0}
        self._released: dict[bool, deque[int]] = {False: deque(), True: deque()}
        self._again: deque[Unit] = deque()

    def release(self, row: int) -> None:
        """A row may go that waited for another one."""
        self._released[bool(self._is_batched[row])].append(row)

    def put_back(self, unit: Unit) -> None:
        """Rows are to be sent, soon: again, or in another way."""
        self._again.append(Unit(unit.rows) if self._has_no_batches else unit)

    def without_batches(self) -> None:
        """From now on every row goes by the single operation."""
        self._has_no_batches = True
        self._is_batched = bytearray(len(self._is_batched))
        self._marks = self._marks.replace(bytes([_BATCH]), bytes([_SINGLE]))
        self._at[False] = 0
        self._released[False].extend(self._released[True])
        self._released[True].clear()
        self._again = deque(Unit(unit.rows) for unit in self._again)

    def take(self) -> Unit | None:
        """The next rows to send; None where none may go now."""
        if self._again:
            return self._of(self._again.popleft())
        for is_batch in (True, False):
            rows = self._rows(self.batch_size if is_batch else 1, is_batch=is_batch)
            if rows:
                return Unit(rows, is_batch)
        return None

    def _of(self, unit: Unit) -> Unit:
        """The first part of a unit that is as large as may be; the rest stays."""
        most = self.batch_size if unit.is_batch else 1
        if len(unit.rows) > most:
            self._again.appendleft(Unit(unit.rows[most:], unit.is_batch))
            return Unit(unit.rows[:most], unit.is_batch)
        return unit

    def _rows(self, count: int, *, is_batch: bool) -> Sequence[int]:
        released = self._released[is_batch]
        rows = [released.popleft() for _ in range(min(count, len(released)))]
        while len(rows) < count:
            found = self._neighbours(count - len(rows), is_batch=is_batch)
            if not found:
                break
            if len(found) == count >= _MANY:
                return found
            rows += found
        return rows

    def _neighbours(self, count: int, *, is_batch: bool) -> range:
        """The next rows that may go, up to the first that may not, and so many at the most; takes their marks away."""
        mark = bytes([_BATCH if is_batch else _SINGLE])
        first = self._marks.find(mark, self._at[is_batch])
        if first < 0:
            self._at[is_batch] = len(self._marks)
            return range(0)
        ahead = self._marks[first : first + count]
        end = first + len(ahead) - len(ahead.lstrip(mark))
        self._marks[first:end] = bytes(end - first)
        self._at[is_batch] = end
        return range(first, end)


def _marks(is_ready: bytearray, is_batched: bytearray) -> bytearray:
    """A mark for each row, the bytes of all rows (1 or 0) taken as one large number."""
    if len(is_ready) != len(is_batched):
        msg = f"{len(is_ready)} rows, of which {len(is_batched)} have an operation"
        raise ValueError(msg)
    ready, batched = int.from_bytes(is_ready), int.from_bytes(is_batched)
    return bytearray((ready * _SINGLE + (ready & batched) * (_BATCH - _SINGLE)).to_bytes(len(is_ready)))
