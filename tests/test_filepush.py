"""A table on its way into the CRM, step by step, without a widget."""

from __future__ import annotations

import threading

import polars as pl
import pytest

from mbtoolkit import MappingError, SourceError, UsageError, read_contacts
from mbtoolkit.filepush import FilePush, Source

TABLE = """\
E-post;Mobil;Nyhetsbrev;Navn
ann@example.com;+47 934 54 496;ja;Ann
bo@example;+47 934 54 497;nei;Bo
cy@example.com;;kanskje;Cy
dee@example.com;+47 934 54 498;;Dee
dee@example.com;+47 934 54 498;;Dee again
"""


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "people.csv"
    made.write_text(TABLE, encoding="utf-8")
    return made


@pytest.fixture
def push(client, path):
    made = FilePush(client)
    made.load(Source(str(path), path.name))
    return made


@pytest.fixture
def checked(push):
    push.map_column("Nyhetsbrev", "email_opt_in")
    push.map_column("Navn", "property:First name")
    push.check()
    return push


def heard():
    """Nothing to draw."""


def run(push):
    push.start(heard)
    assert push.wait(30)
    return push.results


def test_columns_are_suggested_and_what_was_assumed_is_said(push):
    assert push.mapping["E-post"] == "email"
    assert push.mapping["Mobil"] == "mobile_number"
    assert push.sample("Navn") == ["Ann", "Bo", "Cy"]
    assert any("separator" in note for note in push.notes)


def test_what_was_chosen_for_columns_stays_when_the_same_columns_are_loaded_again(push, path):
    push.map_column("Navn", None)
    push.map_column("Mobil", None)
    push.load(Source(str(path), path.name, separator=";"))
    assert "Navn" not in push.mapping
    assert "Mobil" not in push.mapping
    with pytest.raises(UsageError, match="no column"):
        push.map_column("Phone", "mobile_number")


def test_a_mapping_that_can_not_be_read_with_is_said(push, client):
    push.mapping = {"Navn": "property:First name"}
    with pytest.raises(MappingError):
        push.check()
    with pytest.raises(SourceError):
        FilePush(client).load(Source("nowhere.csv", "nowhere.csv"))


def test_the_review_counts_what_a_push_would_do(checked):
    review = checked.review
    assert (review.rows, review.sendable, review.invalid, review.left_out) == (5, 3, 2, 0)
    assert review.turned_on == {"email_opt_in": 1}
    assert review.turned_off == {"email_opt_in": 0}
    assert review.seconds("Freemium") == pytest.approx(0.3)


def test_rows_of_a_rule_can_be_left_out_and_taken_in_again(checked, crm):
    checked.leave_out("duplicate_identifier")
    assert checked.left_out_rows == [3, 4]
    assert checked.review.sendable == 1
    results = run(checked)
    assert results["mb_status"].to_list() == ["succeeded", "invalid", "invalid", "not_sent", "not_sent"]
    assert crm.contacts().height == 1
    checked.leave_out("duplicate_identifier", is_out=False)
    assert checked.left_out_rows == []


def test_mended_rows_are_pushed_and_the_rest_keeps_what_it_had(checked, crm):
    checked.edits.edit(1, "email", "bo@example.com")
    results = run(checked)
    assert results["mb_status"].to_list() == ["succeeded", "succeeded", "invalid", "succeeded", "succeeded"]
    failed = checked.failed
    assert failed["mb_row"].to_list() == [2]
    mended = failed.with_columns(email_opt_in=pl.lit(value=False))
    sent_before = crm.requests().height
    checked.start_again(mended, heard)
    assert checked.wait(30)
    assert set(checked.results["mb_status"]) == {"succeeded"}
    assert crm.requests().height == sent_before + 1
    assert checked.failed.is_empty()


def test_a_refused_yes_is_not_pushed_by_pushing_again(client, crm):
    push = FilePush(client)
    push.load(Source(pl.DataFrame({"email": ["a@example.com"] * 2, "email_opt_in": ["yes", "no"]}), "table"))
    push.check()
    assert run(push)["mb_status"].to_list() == ["invalid", "succeeded"]
    push.start_again(push.failed, heard)
    assert push.wait(30)
    assert push.results["mb_status"].to_list() == ["invalid", "succeeded"]
    assert crm.contacts()["email_opt_in"].to_list() == [False]


def test_edits_are_made_again_when_a_column_is_mapped_in_another_way(checked):
    checked.edits.edit(1, "email", "bo@example.com")
    checked.map_column("Navn", None)
    checked.check()
    assert checked.contacts["email"][1] == "bo@example.com"
    assert "Navn" in checked.contacts.columns
    before = checked.edits
    checked.check()
    assert checked.edits is before


def test_a_push_on_its_way_can_be_cancelled_and_no_other_begun(client, crm):
    crm.fail("delay", seconds=0.2, times=None)
    push = FilePush(client)
    push.load(Source(pl.DataFrame({"email": [f"p{n}@example.com" for n in range(100)]}), "table"))
    push.check()
    moved = threading.Event()
    pushing = push.start(moved.set)
    with pytest.raises(UsageError, match="on its way"):
        push.start(heard)
    assert moved.wait(10)
    push.cancel()
    assert push.wait(30)
    statuses = push.results["mb_status"].value_counts()
    assert set(statuses["mb_status"]) >= {"not_sent"}
    assert push.results.height == 100
    assert pushing.ended is not None
    assert crm.contacts().height == push.results.filter(pl.col("mb_status") == "succeeded").height


def test_what_goes_wrong_with_a_push_is_kept_and_not_raised(client, crm):
    push = FilePush(client)
    push.load(Source(pl.DataFrame({"email": ["a@example.com"]}), "table"))
    push.check()
    push.list_id = "no uuid"
    pushing = push.start(heard)
    assert push.wait(30)
    assert "no uuid" in pushing.fault
    assert push.results is None


@pytest.mark.filterwarnings("ignore::mbtoolkit.SourceWarning")
def test_the_code_does_the_same(checked, crm, client, path):
    checked.edits.edit(1, "email", "bo@example.com")
    checked.leave_out("duplicate_identifier")
    namespace = {"client": client}
    exec(checked.code, namespace)
    by_code = crm.contacts()
    results = run(checked)
    assert namespace["contacts"].equals(checked.contacts)
    told = ["mb_row", "mb_status", "mb_contact_id", "mb_code"]
    assert namespace["results"].select(told).equals(results.select(told))
    assert crm.contacts().height == by_code.height


@pytest.mark.filterwarnings("ignore::mbtoolkit.SourceWarning")
def test_bytes_and_frames_come_in_too(client, path):
    push = FilePush(client)
    push.load(Source(path.read_bytes(), "upload.csv"))
    push.check()
    assert push.contacts.equals(read_contacts(path, mapping=push.mapping))
    assert "read_contacts('upload.csv'" in push.code
