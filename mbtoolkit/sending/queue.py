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


@dataclass(frozen=True, slots=True)
class Unit:
    """Rows that go in one request.

    Attributes:
        rows: their positions.
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
        both = zip(is_ready, is_batched, strict=True)
        self._marks = bytearray(((_BATCH if is_batch else _SINGLE) if ready else 0) for ready, is_batch in both)
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

    def _rows(self, count: int, *, is_batch: bool) -> list[int]:
        released = self._released[is_batch]
        rows = [released.popleft() for _ in range(min(count, len(released)))]
        while len(rows) < count:
            found = self._marks.find(_BATCH if is_batch else _SINGLE, self._at[is_batch])
            if found < 0:
                self._at[is_batch] = len(self._marks)
                break
            self._marks[found] = 0
            self._at[is_batch] = found + 1
            rows.append(found)
        return rows
