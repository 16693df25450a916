"""Faults of the two batch operations: what the client sees, and what was applied all the same."""

import time
from contextlib import suppress

import httpx
import pytest

from mbtoolkit.sandbox.faults import KINDS, OPERATION_OF

ADA, BO, CY = ({"email": f"{name}@example.com"} for name in ("ada", "bo", "cy"))


def people(count):
    return [{"email": f"p{number}@example.com"} for number in range(count)]


@pytest.mark.parametrize("phase", ["before_body", "before_commit", "after_commit"])
@pytest.mark.parametrize("kind", ["reset", "status"])
def test_batch_is_applied_only_where_the_fault_came_after_the_commit(sender, kind, phase):
    sender.crm.fail(kind, phase=phase)
    if kind == "reset":
        with pytest.raises(httpx.TransportError):
            sender.batch([ADA])
    else:
        assert sender.batch([ADA]).status_code == 500
    sender.crm.wait_for_batches()
    assert sender.crm.contacts().height == (phase == "after_commit")
    assert sender.crm.requests()["applied"].to_list() == [phase == "after_commit"]


ANY_KIND = [kind for kind in KINDS if kind not in OPERATION_OF]


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["before_commit", "after_commit"])
@pytest.mark.parametrize("kind", ANY_KIND)
def test_every_other_kind_of_fault_strikes_both_operations(crm, connect, kind, phase):
    sender = connect(crm)
    known = sender.batch_id_of([CY])
    crm.wait_for_batches()
    location = "/elsewhere" if kind == "redirect" else None
    crm.fail(kind, phase=phase, times=2, seconds=0.01, size=100_000, location=location)
    # A sender each: after a hang-up the next request on the same connection fails before it is sent.
    for ask in (lambda: connect(crm).batch([ADA]), lambda: connect(crm).batch_status(known)):
        with suppress(httpx.HTTPError):
            assert ask().status_code != 500 or kind == "status"
    crm.wait_for_batches()
    assert crm.faults()["committed"].to_list() == [2]
    was_applied = phase == "after_commit" or kind == "delay"
    assert crm.applied()["payload"].to_list()[1:] == ['{"email":"ada@example.com"}'] * was_applied
    assert crm.requests()["fault"].to_list() == [None, *[crm.faults()["fault"][0]] * 2]


def test_faults_of_the_wire_strike_the_status_too(sender):
    batch_id = sender.batch_id_of([ADA])
    status_path = "/contacts/{batchId}/Status"
    sender.crm.fail("truncate", path=status_path)
    assert sender.batch([BO]).status_code == 202
    with pytest.raises(httpx.RemoteProtocolError):
        sender.batch_status(batch_id)
    sender.crm.fail("status", status=503, path=f"/contacts/{batch_id}")
    assert sender.batch_status("other").status_code == 422
    assert sender.batch_status(batch_id).status_code == 503
    for phase in ("before_body", "during_body"):
        sender.crm.fail("status", status=502, phase=phase, path=status_path)
        assert sender.batch_status(batch_id).status_code == 502


def test_poison_row_in_a_batch_of_a_thousand(sender):
    sender.crm.fail("status", status=422, match="p500@example.com", times=None)
    assert sender.batch(people(1000)).status_code == 422
    assert sender.batch(people(500)).status_code == 202
    assert sender.batch(people(1000)[500:]).status_code == 422
    assert sender.batch(people(1000)[501:]).status_code == 202
    assert sender.upsert(email="p500@example.com").status_code == 422


def test_made_up_answer_names_a_batch_that_does_not_exist(sender):
    sender.crm.fail("drip", phase="before_commit", seconds=0)
    assert sender.batch_status(sender.batch_id_of([ADA])).status_code == 422


@pytest.mark.slow
def test_batch_that_comes_late(behaving):
    sender = behaving(batch_delay_seconds=0)
    sender.crm.fail("batch_late", seconds=0.5)
    late = sender.batch_id_of([{**ADA, "emailOptIn": False}])
    time.sleep(0.05)
    sender.batch_id_of([{**ADA, "emailOptIn": True}])
    sender.crm.wait_for_batches()
    assert sender.crm.applied()["batch_id"].to_list()[1] == late
    assert sender.stored()[0]["email_opt_in"] is False


@pytest.mark.parametrize(
    ("kind", "contacts", "applied", "state"),
    [
        ("batch_failed", None, 0, "Failed"),
        ("batch_failed", 3, 3, "Failed"),
        ("batch_stuck", None, 0, "InProgress"),
        ("batch_stuck", 3, 3, "InProgress"),
        ("batch_partial", None, 5, "Completed"),
        ("batch_partial", 0, 0, "Completed"),
    ],
)
def test_batch_that_fails_is_stuck_or_is_done_in_part(sender, kind, contacts, applied, state):
    sender.crm.fail(kind, contacts=contacts)
    told = sender.batch_ended(people(10))
    assert told["statusText"] == state
    assert sum(part["count"] for part in told["processedObj"].values()) == applied == sender.crm.applied().height
    assert (told["statusFailedReason"] is None) == (state != "Failed")
    assert sender.batch_ended(people(10))["statusText"] == "Completed"
    assert sender.crm.faults()["committed"].to_list() == [1]


def test_status_that_goes_backwards(sender):
    batch_id = sender.batch_id_of([ADA])
    sender.crm.wait_for_batches()
    sender.crm.fail("batch_backwards", after=1)
    told = [sender.batch_status(batch_id).json() for _ in range(3)]
    assert [one["statusText"] for one in told] == ["Completed", "Queued", "Completed"]
    assert [one["processedObj"]["inserted"]["count"] for one in told] == [1, 0, 1]


def test_status_that_names_an_unknown_batch_or_contact(sender):
    batch_id = sender.batch_id_of([ADA, BO])
    sender.crm.wait_for_batches()
    sender.crm.fail("batch_other_id")
    sender.crm.fail("batch_foreign_ids")
    assert sender.batch_status(batch_id).json()["id"] != batch_id
    told = sender.batch_status(batch_id).json()
    inserted = told["processedObj"]["inserted"]
    assert (told["id"], inserted["count"], inserted["contactIds"][1]) == (batch_id, 2, 100_002)
    assert inserted["contactIds"][0] not in sender.crm.contacts()["contact_id"]
    assert told["processedObj"]["updated"] == {"count": 0, "contactIds": []}


def test_faults_of_batches_wait_for_their_operation(sender):
    sender.crm.fail("batch_failed")
    sender.crm.fail("batch_backwards")
    sender.id_of(**ADA)
    assert sender.crm.faults()["seen"].to_list() == [0, 0]
    sender.batch_ended([ADA])
    assert sender.crm.faults()["committed"].to_list() == [1, 1]
