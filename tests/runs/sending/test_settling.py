"""What a batch's counts and ids say of its rows; never more than that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit.client import BatchCount, BatchStatus
from mbtoolkit.runs.sending.settling import Polling, is_over, settle


def status(inserted=(), updated=(), skipped=(), state="done", **counts):
    """A status with the ids given, and as many contacts as there are ids unless told otherwise."""
    parts = {"inserted": inserted, "updated": updated, "skipped": skipped}
    told = {name: BatchCount(counts.get(name, len(ids)), tuple(ids)) for name, ids in parts.items()}
    return BatchStatus("b", state, None, **told)


def test_all_are_stored_where_the_counts_say_so():
    found = settle([None, None, 5], status(inserted=[1, 2], updated=[5]), 3)
    assert (found.stored, found.skipped, found.open) == ([0, 1, 2], [], [])


def test_rows_that_bear_an_id_are_settled_by_it():
    found = settle([5, None, 6], status(inserted=[1], updated=[5], skipped=[6]), 3)
    assert (found.stored, found.skipped, found.open, found.skips) == ([0, 1], [2], [], 0)


def test_the_number_of_skips_among_the_open_rows_is_known():
    told = BatchStatus("b", "done", None, BatchCount(1, (1,)), BatchCount(1, (5,)), BatchCount(1))
    found = settle([5, None, None], told, 3)
    assert (found.stored, found.open, found.skips) == ([0], [1, 2], 1)


@pytest.mark.parametrize(
    "told",
    [
        status(inserted=[1, 2], state="failed"),
        status(inserted=[1]),
        status(inserted=[1, 2, 3]),
    ],
    ids=["failed", "fewer than there are", "more than there are"],
)
def test_counts_that_do_not_add_up_settle_nobody(told):
    found = settle([None, None], told, 2)
    assert (found.stored, found.open, found.skips) == ([], [0, 1], None)


def test_an_id_that_the_lists_do_not_name_though_they_name_all_is_open():
    found = settle([5], status(updated=[999]), 1)
    assert (found.stored, found.open) == ([], [0])


def test_an_id_that_is_stored_and_skipped_is_open():
    assert settle([5, None], status(updated=[5], skipped=[5]), 2).stored == []


def test_counts_of_a_whole_batch_settle_a_part_of_it_only_if_nobody_was_skipped():
    assert settle([None], status(inserted=[1, 2, 3]), 3).stored == [0]
    assert settle([None], BatchStatus("b", "done", None, BatchCount(2), BatchCount(), BatchCount(1)), 3).open == [0]
    assert settle([None], status(inserted=[1]), 3).open == [0]


def test_without_the_size_of_a_batch_only_an_id_settles_a_row():
    found = settle([5, None], status(updated=[5], inserted=[6]), None)
    assert (found.stored, found.open, found.skips) == ([0], [1], None)
    assert not is_over(status(updated=[5, 6], state="running"), None)


def test_a_batch_is_over_when_it_says_so_or_has_counted_everybody():
    assert is_over(status(state="done"), 3)
    assert is_over(status(state="failed"), 3)
    assert is_over(status(inserted=[1, 2, 3], state="unclear"), 3)
    assert not is_over(status(inserted=[1, 2], state="running"), 3)
    assert not is_over(status(inserted=[1, 2], state="unclear"), 3)


ids = st.lists(st.integers(1, 8), max_size=6)


@given(
    st.lists(st.none() | st.integers(1, 8), max_size=8), ids, ids, ids, st.sampled_from(["done", "failed", "unclear"])
)
def test_every_row_gets_one_verdict_and_no_skip_is_taken_for_a_success(rows, inserted, updated, skipped, state):
    told = status(inserted, updated, skipped, state)
    found = settle(rows, told, len(rows))
    assert sorted(found.stored + found.skipped + found.open) == list(range(len(rows)))
    named = {place for place, row in enumerate(rows) if row in set(skipped)}
    assert not named & set(found.stored)
    unnamed = [place for place in found.stored if rows[place] not in {*inserted, *updated}]
    if unnamed:
        assert told.total == len(rows)
        assert len(found.skipped) >= told.skipped.count


def test_polls_are_few_and_grow_apart():
    polling = Polling()
    asked, age, waits = 0, 0.0, []
    while age < 180:
        waits.append(polling.wait_seconds(asked, age))
        age += waits[-1]
        asked += 1
    assert asked < 20
    assert max(waits) <= 30
    assert waits[2:] == sorted(waits[2:])


def test_polls_learn_how_long_batches_take():
    polling = Polling()
    for _ in range(20):
        polling.learn(60.0)
    assert 40 < polling.wait_seconds(0, 0.0) < 61
