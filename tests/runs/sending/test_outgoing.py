"""Which rows may be sent again after doubt, and which wait for each other."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit.runs.sending import Outgoing, outgoing_frame


def outgoing(**columns):
    frame = pl.DataFrame(columns)
    payloads = pl.DataFrame({"payload": [json.dumps({"row": row}) for row in range(frame.height)]})
    return Outgoing(outgoing_frame(frame, payloads))


def safe(found):
    return [found.is_safe(row) for row in range(found.height)]


def test_a_row_with_an_identifier_of_its_own_is_safe():
    assert safe(outgoing(email=["a@example.com", "b@example.com"])) == [True, True]


def test_rows_with_the_same_only_identifier_are_not():
    found = outgoing(email=["a@example.com", "A@example.com", "b@example.com"])
    assert safe(found) == [False, False, True]
    assert found.successor == {0: 1}


def test_one_identifier_that_nobody_else_has_is_enough():
    found = outgoing(
        email=["a@example.com", "a@example.com"], mobile_country_code=[None, 44], mobile_number=[None, 7700900001]
    )
    assert safe(found) == [False, True]


def test_a_contact_id_makes_it_safe():
    assert safe(outgoing(contact_id=[7, 7], email=["a@example.com"] * 2)) == [True, True]


def test_a_row_without_any_identifier_is_not():
    assert safe(outgoing(email=["a@example.com", None])) == [True, False]
    assert safe(outgoing(**{"property:City": ["Oslo"]})) == [False]


def test_no_rows_are_no_rows():
    found = outgoing(email=pl.Series([], dtype=pl.String))
    assert (found.height, found.successor) == (0, {})


def test_the_body_of_a_batch_holds_the_bodies_of_its_rows_in_order():
    found = outgoing(email=["a@example.com", "b@example.com", "c@example.com"])
    assert json.loads(found.batch_body([2, 0])) == {"createUpdateContacts": [{"row": 2}, {"row": 0}]}
    assert found.body(1) == b'{"row": 1}'


@pytest.mark.slow
@given(st.lists(st.tuples(st.none() | st.sampled_from("abc"), st.none() | st.integers(1, 3)), max_size=12))
def test_a_safe_row_has_an_identifier_that_no_other_row_has(rows):
    found = outgoing(
        email=pl.Series([name and f"{name}@example.com" for name, _ in rows], dtype=pl.String),
        mobile_country_code=pl.Series([44 if number else None for _, number in rows], dtype=pl.Int32),
        mobile_number=pl.Series([number for _, number in rows], dtype=pl.Int64),
    )
    for row, (name, number) in enumerate(rows):
        others = rows[:row] + rows[row + 1 :]
        own_name = name is not None and all(other != name for other, _ in others)
        own_number = number is not None and all(other != number for _, other in others)
        assert found.is_safe(row) == (own_name or own_number)
