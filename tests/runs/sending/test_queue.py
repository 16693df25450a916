"""Which rows may go: told without a clock and without a network."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit.runs.sending.queue import Queue, Unit


def taken(queue):
    units = []
    while (unit := queue.take()) is not None:
        units.append((list(unit.rows), unit.is_batch))
    return units


def queue_of(ready, batched, batch_size=3):
    return Queue(bytearray(ready), bytearray(batched), batch_size)


def test_rows_go_in_their_order_by_their_operation():
    queue = queue_of([1] * 7, [1, 1, 0, 1, 1, 1, 0])
    assert taken(queue) == [([0, 1, 3], True), ([4, 5], True), ([2], False), ([6], False)]


def test_a_row_that_waits_goes_when_it_is_released():
    queue = queue_of([1, 0], [0, 0])
    assert taken(queue) == [([0], False)]
    queue.release(1)
    assert taken(queue) == [([1], False)]


def test_what_is_put_back_goes_first_and_as_it_was():
    queue = queue_of([1] * 4, [1] * 4)
    queue.put_back(Unit([9, 8], is_batch=True))
    assert taken(queue) == [([9, 8], True), ([0, 1, 2], True), ([3], True)]


def test_what_is_put_back_for_the_single_operation_goes_row_by_row():
    queue = queue_of([0], [1])
    queue.put_back(Unit([4, 5, 6]))
    assert taken(queue) == [([4], False), ([5], False), ([6], False)]


def test_a_batch_that_has_become_too_large_is_cut():
    queue = queue_of([0], [1])
    queue.put_back(Unit([0, 1, 2, 3, 4], is_batch=True))
    queue.batch_size = 2
    assert taken(queue) == [([0, 1], True), ([2, 3], True), ([4], True)]


def test_without_the_batch_operation_everything_goes_row_by_row():
    queue = queue_of([1, 1, 1, 1, 0], [1] * 5, batch_size=2)
    assert queue.take() == Unit([0, 1], is_batch=True)
    queue.release(4)
    queue.put_back(Unit([7, 8], is_batch=True))
    queue.without_batches()
    assert taken(queue) == [([7], False), ([8], False), ([4], False), ([2], False), ([3], False)]


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40), st.integers(1, 7), st.integers(0, 50))
def test_every_ready_row_is_taken_once_however_it_is_cut(rows, batch_size, switch_after):
    queue = queue_of([ready for ready, _ in rows], [batched for _, batched in rows], batch_size)
    found = []
    while (unit := queue.take()) is not None:
        assert 1 <= len(unit.rows) <= (batch_size if unit.is_batch else 1)
        found += unit.rows
        if len(found) == switch_after:
            queue.without_batches()
    assert sorted(found) == [row for row, (ready, _) in enumerate(rows) if ready]
