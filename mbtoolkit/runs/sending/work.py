"""The rows of a run on their way: those that may go, those that wait for an earlier row, those that have ended."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from mbtoolkit.client import Outcome
from mbtoolkit.client.limits import Budget
from mbtoolkit.runs.sending.drilling import Drill
from mbtoolkit.runs.sending.gate import Gate
from mbtoolkit.runs.sending.options import SendOptions
from mbtoolkit.runs.sending.outgoing import Outgoing
from mbtoolkit.runs.sending.queue import Queue, Unit
from mbtoolkit.runs.sending.recorder import Recorder
from mbtoolkit.runs.sending.rows import STATUS_OF, Rows

HELD: Final = Outcome(
    "not_sent", code="held", message="held back: an earlier row of the same contact may still be applied"
)


class Work:
    """What is still to be sent, and the gate that it passes.

    Args:
        outgoing: the rows.
        options: how they are sent.
        recorder: what is known of them, and where it is written down.
        outage_seconds: how long an outage may last before the run ends.
        stop: closes the gate when another thread sets it.
        budget: the requests that may be made; None where no limits are kept.

    Attributes:
        counts: ended rows by status, of those that this sending began with.
        total: how many rows had not ended when it began.
        drills: the batches of rows that go once more, one by one, because their batch didn't say enough.
        queue: the rows that may go.
        gate: where every request passes.
    """

    def __init__(
        self,
        outgoing: Outgoing,
        options: SendOptions,
        recorder: Recorder,
        outage_seconds: float,
        stop: threading.Event,
        budget: Budget | None = None,
    ) -> None:
        self.outgoing = outgoing
        self.options = options
        self.recorder = recorder
        self.counts: Counter[str] = Counter()
        self.drills: dict[int, Drill] = {}
        self.queue = self._first_queue()
        self.gate = Gate(recorder, budget, stop, outage_seconds)

    @property
    def rows(self) -> Rows:
        """What is known of every row."""
        return self.recorder.rows

    def settle(self, rows: Sequence[int], outcome: Outcome) -> None:
        """Rows have ended; those of the same contact that wait for them go on, or are held back.

        A row that an earlier attempt may have stored does not end as not sent, whatever its last attempt came to.
        """
        status = STATUS_OF[outcome.kind]
        if status == "not_sent" and self.rows.doubts:
            in_doubt = [row for row in rows if row in self.rows.doubts]
            for row in in_doubt:
                self.settle([row], self.rows.doubts[row])
            rows = [row for row in rows if row not in self.rows.doubts]
        if not rows:
            return
        # An attempt in doubt may be applied late, after what was sent since.
        late = self.rows.doubts.keys() & set(rows) if self.rows.doubts else set()
        self.recorder.end(rows, outcome)
        self.counts[status] += len(rows)
        for row in rows if self.outgoing.successor else ():
            behind = self.outgoing.successor.get(row)
            if behind is None or self.rows.final[behind] >= 0:
                continue
            if status in ("unknown", "accepted") or row in late:
                self.hold(behind)
            elif status != "not_sent":
                self.queue.release(behind)
                self.gate.wake()

    def hold(self, first: int) -> None:
        """Holds a row back, and all of the same contact behind it."""
        held = [first]
        while (behind := self.outgoing.successor.get(held[-1])) is not None:
            held.append(behind)
        left = [row for row in held if self.rows.final[row] < 0]
        if left:
            self.recorder.end(left, HELD)
            self.counts[STATUS_OF[HELD.kind]] += len(left)

    def put_back(self, unit: Unit) -> None:
        """Rows are to be sent again, or in another way."""
        self.queue.put_back(unit)
        self.gate.wake()

    def _first_queue(self) -> Queue:
        """The rows that have not ended, and of each contact only the first of them."""
        rows, outgoing, options = self.recorder.rows, self.outgoing, self.options
        is_ready = rows.open_marks()
        self.total = sum(is_ready)
        for row in self._not_to_be_sent():
            is_ready[row] = 0
        for row, behind in outgoing.successor.items():
            if not self._is_settled(row):
                is_ready[behind] = 0
        ids_wanted = outgoing.frame["contact_id"].is_null() if options.learn_contact_ids else None
        by_batch = 1 if options.by_batch else 0
        is_batched = bytearray([by_batch]) * outgoing.height
        if by_batch and ids_wanted is not None:
            for row in ids_wanted.arg_true():
                is_batched[row] = 0
        return Queue(is_ready, is_batched, options.batch_size)

    def _not_to_be_sent(self) -> Iterator[int]:
        """Rows that have not ended and are not to be sent: in a batch's hands, or in doubt and not safe."""
        for taken_in in self.rows.taken_in.values():
            yield from taken_in
        yield from (row for row in (*self.rows.on_way, *self.rows.doubts) if not self.outgoing.is_safe(row))

    def _is_settled(self, row: int) -> bool:
        """Whether what a row ended with lets the next one of the same contact go."""
        outcome = self.rows.outcome(row)
        return outcome is not None and STATUS_OF[outcome.kind] in ("succeeded", "rejected")
