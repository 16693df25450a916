"""The way of the CRM's ids back to the contacts."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit import upsert_contacts, validate_contacts, with_contact_ids
from mbtoolkit.errors import FrameError


def results_of(ids, rows=None):
    rows = range(len(ids)) if rows is None else rows
    return pl.DataFrame(
        {
            "mb_row": pl.Series(rows, dtype=pl.Int64),
            "mb_status": ["succeeded" if each else "unknown" for each in ids],
            "mb_code": [None] * len(ids),
            "mb_message": [None] * len(ids),
            "mb_contact_id": pl.Series(ids, dtype=pl.Int64),
        }
    )


def test_ids_come_back_to_the_contacts(results):
    contacts = results.select("email", "property:City")
    known = with_contact_ids(contacts, results)
    assert known.columns == ["email", "property:City", "contact_id"]
    assert known["contact_id"].to_list() == results["mb_contact_id"].to_list()
    assert known.drop("contact_id").equals(contacts)


@pytest.mark.slow
def test_ids_come_back_so_that_the_next_push_is_an_update(crm, client, people):
    known = with_contact_ids(people, upsert_contacts(people, client))
    moved = known.with_columns(pl.format("moved{}", "email").alias("email"))
    upsert_contacts(moved, client)
    assert crm.contacts()["email"].str.starts_with("moved").all()
    assert crm.contacts().height == 10


def test_ids_of_a_part_go_to_the_rows_they_came_from(client, people):
    results = upsert_contacts(people, client)
    part = results.filter(pl.col("mb_row").is_in([3, 7]))
    known = with_contact_ids(people.with_columns(contact_id=pl.lit(None, dtype=pl.Int64)), part)
    assert [row for row, found in enumerate(known["contact_id"]) if found is not None] == [3, 7]


def test_an_id_that_the_contacts_have_is_kept_where_none_came():
    known = with_contact_ids(pl.DataFrame({"contact_id": [5, 6]}), results_of([None, 9]))
    assert known["contact_id"].to_list() == [5, 9]


REFUSED = {
    "float": pl.Series([1.9, 2.0]),
    "truth": pl.Series([True, False]),
    "text": pl.Series(["0017", "12abc"]),
    "list": pl.Series([[1], [2]]),
    "bytes": pl.Series([b"1", b"2"]),
    "too large": pl.Series([2**63, 2**64 - 1], dtype=pl.UInt64),
    "negative": pl.Series([-1, 0]),
    "date": pl.Series(["2026-01-01", "2026-01-02"]).str.to_date(),
}


@pytest.mark.parametrize("ids", REFUSED.values(), ids=REFUSED.keys())
def test_a_refused_id_is_refused_with_the_same_words_afterwards(client, ids):
    contacts = pl.DataFrame({"contact_id": ids, "email": ["a@example.com", "b@example.com"]})
    results = upsert_contacts(contacts, client)
    assert results["mb_status"].to_list() == ["invalid", "invalid"]
    known = with_contact_ids(contacts, results)
    assert validate_contacts(known).issues.equals(validate_contacts(contacts).issues)
    again = upsert_contacts(known, client)
    assert again["mb_message"].equals(results["mb_message"])


CELLS = st.one_of(st.none(), st.text(max_size=8), st.integers(-3, 30).map(str), st.sampled_from(["1.9", "1e5", " 7 "]))


@pytest.mark.slow
@given(st.lists(CELLS, min_size=1, max_size=6))
def test_no_text_turns_into_another_id_than_validation_reads(cells):
    contacts = pl.DataFrame({"contact_id": pl.Series(cells, dtype=pl.String)})
    known = with_contact_ids(contacts, results_of([None] * len(cells)))
    assert known["contact_id"].dtype == pl.Int64
    before, after = validate_contacts(contacts), validate_contacts(known)
    # Less the value as found, which stands there without the space around it.
    assert after.issues.drop("value").equals(before.issues.drop("value"))
    assert after.valid.equals(before.valid)


def test_text_that_was_no_id_no_longer_counts_where_the_crm_gave_one():
    contacts = pl.DataFrame({"contact_id": ["x", "y"], "email": ["a@example.com", "b@example.com"]})
    known = with_contact_ids(contacts, results_of([7, None]))
    assert known["contact_id"].to_list() == [7, None]
    assert known["unread:contact_id"].to_list() == [None, "not_an_integer: y"]


def test_a_mended_part_of_results_gives_its_ids_to_the_whole(client):
    contacts = pl.DataFrame({"email": ["ann@example.com", "no address"], "note": ["a", "b"]})
    first = upsert_contacts(contacts, client)
    mended = first.with_columns(email=pl.col("email").replace("no address", "bo@example.com"))
    second = upsert_contacts(mended.filter(pl.col("mb_status") == "invalid"), client)
    known = with_contact_ids(mended, second)
    assert known["contact_id"].to_list() == [None, second["mb_contact_id"][0]]
    assert known.drop("contact_id").equals(mended)
    whole = with_contact_ids(known, first)
    assert whole["contact_id"].to_list() == [first["mb_contact_id"][0], second["mb_contact_id"][0]]


def test_columns_that_look_like_patterns_are_untouched():
    contacts = pl.DataFrame({"*": [1], "^.*$": [2], "^contact_id$": [3], "row": [4], "run": [5], "contact_id": ["8"]})
    known = with_contact_ids(contacts, results_of([9]))
    assert known.row(0) == (1, 2, 3, 4, 5, 9)


@pytest.mark.parametrize("dtype", [pl.Int32, pl.UInt64, pl.Int8], ids=str)
def test_row_numbers_of_any_whole_type_match(dtype):
    contacts = pl.DataFrame({"mb_row": pl.Series([4, 2], dtype=dtype)})
    results = results_of([7], rows=[2]).with_columns(pl.col("mb_row").cast(dtype))
    assert with_contact_ids(contacts, results)["contact_id"].to_list() == [None, 7]


@pytest.mark.parametrize("rows", [["0", "1"], [0.0, 1.0], [None, 1], [1, 1]], ids=["text", "float", "null", "twice"])
def test_row_numbers_that_do_not_tell_rows_apart_are_refused(rows):
    with pytest.raises(FrameError, match="'mb_row'"):
        with_contact_ids(pl.DataFrame({"mb_row": rows}), results_of([7]))


def test_ids_of_one_run_for_several_rows_of_one_number_are_refused():
    results = results_of([7, 8], rows=[0, 0]).with_columns(mb_run_id=pl.lit("one"))
    with pytest.raises(FrameError, match="several ids"):
        with_contact_ids(pl.DataFrame({"email": ["a@example.com"]}), results)


def test_of_the_ids_of_several_runs_the_last_counts():
    results = pl.concat([results_of([7]), results_of([8])])
    contacts = pl.DataFrame({"email": ["a@example.com"]})
    for runs in (results, results.with_columns(mb_run_id=pl.Series(["one", "two"]))):
        assert with_contact_ids(contacts, runs)["contact_id"].to_list() == [8]


@pytest.mark.parametrize("contacts", [None, pl.LazyFrame({"email": ["a"]}), [1]], ids=["none", "lazy", "list"])
def test_what_is_no_frame_of_contacts_is_refused(contacts):
    with pytest.raises(FrameError, match="takes a polars DataFrame"):
        with_contact_ids(contacts, results_of([7]))


def test_results_of_other_contacts_are_refused(results, people):
    with pytest.raises(FrameError, match="not among the contacts"):
        with_contact_ids(people.head(2), results)
