"""Rows as spans."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit.errors import JournalError
from mbtoolkit.runs.journal import Event, RowSpans

NEAR = st.lists(st.integers(0, 12), max_size=30)
RANGES = st.builds(range, st.integers(0, 40), st.integers(0, 40), st.sampled_from([1, -1, 2, 7])).filter(
    lambda rows: all(row >= 0 for row in rows)
)


@given(NEAR | RANGES | st.lists(st.integers(0, 2**70), max_size=5))
def test_rows_come_back_in_their_order(given_rows):
    rows = RowSpans.from_text(RowSpans.of(given_rows).to_text())
    assert list(rows) == list(given_rows)
    assert rows == RowSpans.of(given_rows)
    assert len(rows) == len(given_rows)
    assert [rows[at] for at in range(-len(rows), len(rows))] == list(given_rows) * 2
    assert list(rows[1:7:2]) == list(given_rows)[1:7:2]
    assert all(row in rows for row in given_rows)
    assert -1 not in rows


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (range(1000), "0-999"),
        (range(999, -1, -1), "999-0"),
        ([*range(5), 9, 8, 7, 20], "0-4,9-7,20"),
        ([3, 3], "3,3"),
        ([], ""),
    ],
)
def test_neighbours_cost_a_few_bytes(rows, text):
    assert RowSpans.of(rows).to_text() == text


@pytest.mark.parametrize("rows", [[-1], range(3, -2, -1), range(-5, -1), [1.5], ["1"], [None], 7])
def test_what_is_no_position_is_refused(rows):
    with pytest.raises(JournalError, match="positi"):
        RowSpans.of(rows)


def test_a_row_that_is_not_there_is_an_index_error():
    for at in (3, -4):
        with pytest.raises(IndexError):
            RowSpans.of(range(3))[at]


def test_the_repr_of_an_event_tells_nothing_of_its_data():
    assert "ann@" not in repr(Event("outcome", RowSpans.of([1]), '"ann@example.com"'))
