"""The batch operation on a real socket: what is taken in, what becomes of it, and what the record says."""

import asyncio
import json
import time

import httpx
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mbtoolkit.sandbox import Behaviour, Fault, RequestLimits, Sandbox
from mbtoolkit.sandbox.answers import Refusal
from mbtoolkit.sandbox.batching import Batches
from mbtoolkit.sandbox.bodies import MAX_BATCH_CONTACTS, read_batch, read_object
from mbtoolkit.sandbox.records import Entry, UpsertLog
from mbtoolkit.sandbox.store import Store

BATCH = "/contacts/batch"
ADA, BO, CY = ({"email": f"{name}@example.com"} for name in ("ada", "bo", "cy"))
NO_LIST = "00000000-0000-4000-8000-000000000000"


def people(count):
    return [{"email": f"p{number}@example.com"} for number in range(count)]


# Taking in


def test_batch_is_answered_with_the_envelope_and_two_keys_more(sender):
    answer = sender.batch([ADA, BO])
    batch_id = answer.json()["data"].pop("batchId")
    assert (answer.status_code, len(batch_id)) == (202, 36)
    assert answer.json() | {"data": {}} == {"status": "Success", "message": "Batch taken in.", "data": {}}
    assert answer.json()["data"] | {"batchId": None} == {
        "contactId": None, "status": 202, "message": "Batch taken in.", "invalidPropertiesList": [],
        "invalidContactIdList": [], "balance": {}, "batchId": None, "processed": "2",
    }  # fmt: skip


def test_success_code_can_be_200(behaving):
    sender = behaving(behaviour=Behaviour(batch_success="status_200"))
    answer = sender.batch([ADA])
    assert (answer.status_code, answer.json()["data"]["status"]) == (200, 200)


def test_thousand_contacts_are_taken_and_one_more_is_not(sender):
    assert sender.batch_ended(people(MAX_BATCH_CONTACTS))["processedObj"]["inserted"]["count"] == 1000
    answer = sender.batch(people(MAX_BATCH_CONTACTS + 1))
    assert answer.status_code == 422
    assert "1 to 1000 contacts, not 1001" in answer.json()["message"]
    assert sender.crm.contacts().height == 1000


FRAMES = {
    "no contacts": ({}, "createUpdateContacts"),
    "null": ({"createUpdateContacts": None}, "createUpdateContacts"),
    "object": ({"createUpdateContacts": {}}, "createUpdateContacts"),
    "empty": ({"createUpdateContacts": []}, "createUpdateContacts"),
    "list id": ({"createUpdateContacts": [ADA], "listId": "x"}, "listId"),
    "unknown list": ({"createUpdateContacts": [ADA], "listId": NO_LIST}, "listId"),
    "webhook": ({"createUpdateContacts": [ADA], "webHookUrl": 1}, "webHookUrl"),
}


@pytest.mark.parametrize(("body", "named"), FRAMES.values(), ids=FRAMES)
def test_frame_that_does_not_fit_is_a_422_that_names_the_field(sender, body, named):
    answer = sender.http.post(BATCH, json=body)
    assert answer.status_code == 422
    assert named in answer.json()["message"]
    assert sender.crm.batches().height == 0


BROKEN = {
    "no object": 5,
    "wrong type": {"email": 5},
    "no identifier": {"emailOptIn": True},
    "unknown list": {**ADA, "listId": NO_LIST},
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_one_broken_contact_refuses_the_whole_batch(sender, broken):
    answer = sender.batch([ADA, broken, BO])
    assert answer.status_code == 422
    assert answer.json()["message"].startswith("createUpdateContacts[1]: ")
    sender.crm.wait_for_batches()
    assert (sender.crm.contacts().height, sender.crm.applied().height) == (0, 0)
    assert sender.crm.requests().select("status", "applied", "batch_id").row(0) == (422, False, None)


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_broken_contact_can_be_skipped_instead(behaving, broken):
    sender = behaving(behaviour=Behaviour(broken_item="skipped"))
    processed = sender.batch_ended([ADA, broken, BO])["processedObj"]
    assert [processed[name]["count"] for name in ("inserted", "updated", "skipped")] == [2, 0, 1]
    assert processed["skipped"]["contactIds"] == []
    (line,) = sender.crm.skipped().to_dicts()
    assert (line["position"], json.loads(line["payload"])) == (1, broken)
    assert line["reason"]


@pytest.mark.parametrize(("setting", "status"), [("status_400", 400), ("status_406", 406), ("status_422", 422)])
def test_status_of_a_refused_batch_is_a_setting(behaving, setting, status):
    sender = behaving(behaviour=Behaviour(batch_refusals=setting))
    assert sender.batch([{}]).status_code == status
    assert sender.upsert().status_code == 422


@pytest.mark.parametrize(("setting", "status"), [("status_202", 202), ("status_200", 200)])
def test_refusal_can_come_inside_the_success_code(behaving, setting, status):
    sender = behaving(behaviour=Behaviour(refusals="inside_202", batch_success=setting))
    answer = sender.batch([{}])
    assert (answer.status_code, answer.json()["status"]) == (status, "Failed")
    assert "batchId" not in answer.json()["data"]


def test_only_the_first_broken_contacts_are_named(sender):
    message = sender.batch([{}] * 10).json()["message"]
    assert "createUpdateContacts[2]" in message
    assert "createUpdateContacts[3]" not in message
    assert "7 more contacts" in message


def test_body_beyond_the_bound_of_batches_is_a_413(behaving):
    sender = behaving(max_batch_bytes=2_000_000)
    contact = {**ADA, "propertyFields": [{"propertyName": "Notes", "propertyValue": "x" * 1_500_000}]}
    assert sender.batch([contact]).status_code == 202
    assert sender.upsert(**contact).status_code == 413
    assert sender.batch([contact, contact]).status_code == 413


def test_numbers_and_depths_that_can_not_be_written_back_are_no_fault_of_the_server(sender):
    infinite = b'{"createUpdateContacts": [{"email": "ada@example.com", "x": 1e999}]}'
    headers = {"Content-Type": "application/json"}
    assert sender.http.post(BATCH, content=infinite, headers=headers).status_code == 202
    for depth in range(900, 1000):
        nested = b"[" * depth + b"]" * depth
        deep = b'{"createUpdateContacts": [{"email": "ada@example.com", "x": ' + nested + b"}]}"
        assert sender.http.post(BATCH, content=deep, headers=headers).status_code in (202, 400, 422)


def test_batch_counts_as_one_request(behaving):
    sender = behaving(limits=RequestLimits(3, 1000))
    batch_id = sender.batch_id_of(people(100))
    assert sender.batch_status(batch_id).status_code == 200
    assert sender.batch(people(100)).status_code == 202
    assert sender.batch(people(100)).status_code == 429
    assert sender.batch_status(batch_id).status_code == 429


@pytest.mark.parametrize("path", [BATCH, "/contacts/x/Status"])
def test_both_operations_need_the_token(sender, path):
    method = "POST" if path == BATCH else "GET"
    headers = {"Authorization": "Bearer wrong"}
    assert sender.http.request(method, path, headers=headers).status_code == 401


@pytest.mark.parametrize(("method", "path", "allow"), [("GET", BATCH, "POST"), ("POST", "/contacts/x/Status", "GET")])
def test_wrong_method_is_a_405_and_recorded(sender, method, path, allow):
    answer = sender.http.request(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allow)
    assert sender.crm.requests().select("path", "status").row(0) == (path, 405)


@pytest.mark.parametrize(
    "path", ["/contacts/x/status", "/contacts//Status", "/contacts/x/y/Status", "/contacts/Status"]
)
def test_other_paths_are_a_404(sender, path):
    assert sender.http.get(path).status_code == 404


# Working on it


def test_batch_waits_then_is_worked_on_and_its_status_tells(behaving):
    sender = behaving(batch_delay_seconds=600)
    known = sender.id_of(**ADA)
    batch_id = sender.batch_id_of([ADA, BO, {"contactId": 5}])
    nothing = {"count": 0, "contactIds": []}
    assert sender.batch_status(batch_id).json() == {
        "id": batch_id, "status": 0, "statusText": "Queued", "statusFailedReason": None,
        "processedObj": {"inserted": nothing, "updated": nothing, "skipped": nothing},
    }  # fmt: skip
    assert sender.crm.contacts().height == 1
    with pytest.raises(TimeoutError):
        sender.crm.wait_for_batches(0.05)
    assert sender.crm.release_batches() == 1
    sender.crm.wait_for_batches(10)
    assert sender.crm.release_batches() == 0
    assert sender.batch_status(batch_id.upper()).json() == {
        "id": batch_id, "status": 2, "statusText": "Completed", "statusFailedReason": None,
        "processedObj": {
            "inserted": {"count": 1, "contactIds": [known + 1]},
            "updated": {"count": 1, "contactIds": [known]},
            "skipped": {"count": 1, "contactIds": [5]},
        },
    }  # fmt: skip


@pytest.mark.slow
def test_delay_is_kept(behaving):
    sender = behaving(batch_delay_seconds=0.3)
    began = time.monotonic()
    sender.batch_id_of([ADA])
    sender.crm.wait_for_batches(10)
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize(("setting", "status"), [("refused", 422), ("not_found", 404)])
def test_status_of_an_unknown_batch(behaving, setting, status):
    sender = behaving(behaviour=Behaviour(unknown_batch=setting))
    answer = sender.batch_status("3f2504e0-4f89-41d3-9a0c-0305e82c3301")
    assert (answer.status_code, answer.json()["status"]) == (status, "Failed")


def test_other_requests_get_their_turn_while_a_batch_is_worked_on(sender):
    batch_id = sender.batch_id_of(people(1000))
    seen = set()
    while "Completed" not in seen:
        seen.add(sender.batch_status(batch_id).json()["statusText"])
    assert "InProgress" in seen


def test_state_can_be_a_word_and_the_keys_in_pascal_case(behaving):
    sender = behaving(behaviour=Behaviour(batch_status="word", batch_keys="pascal_case"))
    batch_id = sender.batch([ADA]).json()["Data"]["BatchId"]
    sender.crm.wait_for_batches()
    told = sender.batch_status(batch_id).json()
    assert (told["Id"], told["Status"], told["StatusText"]) == (batch_id, "Completed", "Completed")
    assert told["ProcessedObj"]["Inserted"]["ContactIds"] == [100_001]


def test_batches_are_worked_on_in_the_order_of_arrival(sender):
    for number in range(10):
        sender.batch_id_of([{**ADA, "propertyFields": [{"propertyName": "Notes", "propertyValue": str(number)}]}] * 30)
    sender.crm.wait_for_batches()
    requests = sender.crm.applied()["request"].to_list()
    assert requests == sorted(requests)
    assert sender.stored()[0]["property:Notes"] == "9"


def test_batches_can_be_worked_on_out_of_order_and_at_once(behaving):
    sender = behaving(behaviour=Behaviour(batch_order="shuffled"))
    ids = [
        sender.batch_id_of([{"email": f"p{batch}-{number}@example.com"} for number in range(50)]) for batch in range(8)
    ]
    sender.crm.wait_for_batches()
    applied = sender.crm.applied()
    requests = applied["request"].to_list()
    assert requests != sorted(requests)
    assert applied.height == 400
    # The contacts of one batch stay in their order; only what is told of them has none.
    for batch_id in ids:
        lines = applied.filter(batch_id=batch_id)
        assert lines["position"].to_list() == list(range(50))
        told = sender.batch_status(batch_id).json()["processedObj"]["inserted"]["contactIds"]
        assert told != sorted(told)
        assert sorted(told) == sorted(lines["contact_id"])
        assert sender.batch_status(batch_id).json()["processedObj"]["inserted"]["contactIds"] == told


TWICE = [{**ADA, "emailOptIn": True}, BO, {"email": "ADA@example.com", "emailOptIn": False}]


def test_same_contact_twice_is_applied_twice_and_the_last_one_wins(sender):
    processed = sender.batch_ended(TWICE)["processedObj"]
    assert (processed["inserted"]["count"], processed["updated"]["contactIds"]) == (2, [100_001])
    assert sender.stored()[0]["email_opt_in"] is False
    assert sender.stored()[0]["upserts"] == 2


def test_same_contact_twice_can_have_the_second_skipped(behaving):
    sender = behaving(behaviour=Behaviour(same_contact_twice="second_skipped"))
    processed = sender.batch_ended(TWICE)["processedObj"]
    assert (processed["inserted"]["count"], processed["skipped"]) == (2, {"count": 1, "contactIds": [100_001]})
    assert sender.stored()[0]["email_opt_in"] is True
    assert sender.batch_ended([ADA])["processedObj"]["updated"]["count"] == 1


@pytest.mark.parametrize(("setting", "won"), [("item_wins", "Customers"), ("batch_wins", "Newsletter")])
def test_list_of_the_item_against_the_list_of_the_batch(behaving, setting, won):
    sender = behaving(behaviour=Behaviour(batch_list=setting))
    lists = sender.crm.lists
    sender.batch_ended([{**ADA, "listId": lists["Customers"]}, BO], listId=lists["Newsletter"].upper())
    assert [line["list_id"] for line in sender.stored()] == [lists[won], lists["Newsletter"]]


def test_item_keeps_its_list_where_the_batch_has_none(behaving):
    sender = behaving(behaviour=Behaviour(batch_list="batch_wins"))
    customers = sender.crm.lists["Customers"]
    sender.batch_ended([{**ADA, "listId": customers}], listId=None)
    assert sender.stored()[0]["list_id"] == customers


def test_contact_that_the_store_speaks_against_is_skipped_without_a_word(sender):
    ada, bo = sender.id_of(**ADA), sender.id_of(mobileCountryCode=44, mobileNumber=7700900123)
    told = sender.batch_ended(
        [{**ADA, "mobileCountryCode": 44, "mobileNumber": 7700900123}, {"contactId": bo, **ADA}, CY]
    )
    assert told["processedObj"]["skipped"] == {"count": 2, "contactIds": [bo]}
    assert (told["statusText"], told["statusFailedReason"]) == ("Completed", None)
    assert told["processedObj"]["inserted"]["contactIds"] == [ada + 2]
    assert all("different contacts" in reason for reason in sender.crm.skipped()["reason"])


@pytest.mark.parametrize("end", ["stuck", "failed"])
def test_all_batches_can_be_stuck_or_fail(behaving, end):
    sender = behaving(behaviour=Behaviour(batch_end=end))
    told = sender.batch_ended([ADA])
    assert told["statusText"] == {"stuck": "InProgress", "failed": "Failed"}[end]
    assert (told["statusFailedReason"] is None) == (end == "stuck")
    assert sender.crm.contacts().height == 0


def test_stuck_batch_holds_up_no_other(sender):
    sender.crm.fail("batch_stuck")
    stuck = sender.batch_id_of([ADA])
    assert sender.batch_ended([BO])["statusText"] == "Completed"
    assert sender.batch_status(stuck).json()["statusText"] == "InProgress"


def test_store_that_fails_fails_the_batch(sender):
    batch_id = sender.batch_id_of([ADA])
    sender.crm._ask(lambda host: host.service.store._db.execute("DROP TABLE contact_properties"))
    sender.crm._ask(lambda host: host.service.store._db.execute("DROP TABLE counters"))
    sender.crm.wait_for_batches()
    told = sender.batch_status(batch_id).json()
    assert told["statusText"] == "Failed"
    assert "no such table" in told["statusFailedReason"]


def test_stop_drops_what_has_not_been_worked_on(tmp_path, connect):
    path = tmp_path / "crm.sqlite"
    with Sandbox(db=path, batch_delay_seconds=600) as crm:
        batch_id = connect(crm).batch_id_of([ADA])
        began = time.monotonic()
    assert time.monotonic() - began < 60  # of the 600
    with Sandbox(db=path) as crm:
        assert crm.contacts().height == 0
        assert connect(crm).batch_status(batch_id).status_code == 422


def test_batches_go_on_while_nobody_can_connect(behaving):
    sender = behaving(batch_delay_seconds=0.1)
    sender.batch_id_of([ADA])
    with sender.crm.outage():
        sender.crm.wait_for_batches()
        assert sender.crm.contacts().height == 1


# The record


def test_record_says_how_often_each_row_was_applied(sender):
    crm = sender.crm
    crm.fail("reset", phase="after_commit")
    with pytest.raises(httpx.ReadError):
        sender.batch([ADA, BO])
    batch_id = sender.batch_id_of([ADA, BO, {"contactId": 5}])
    crm.wait_for_batches()
    sender.id_of(**ADA)
    sender.upsert()
    applied = crm.applied()
    assert applied.columns == ["seq", "at", "request", "batch_id", "position", "contact_id", "outcome", "payload"]
    counts = applied.group_by("payload").len().sort("payload")
    assert counts.rows() == [('{"email":"ada@example.com"}', 3), ('{"email":"bo@example.com"}', 2)]
    assert applied["outcome"].to_list() == ["inserted", "inserted", "updated", "updated", "updated"]
    assert applied["request"].to_list() == [1, 1, 2, 2, 3]
    assert applied["position"].to_list() == [0, 1, 0, 1, None]
    assert applied["seq"].to_list() == [1, 2, 3, 4, 6]
    assert applied["contact_id"].to_list() == [100_001, 100_002, 100_001, 100_002, 100_001]
    assert crm.contacts()["upserts"].to_list() == [3, 2]
    (skipped,) = crm.skipped().to_dicts()
    assert (skipped["batch_id"], skipped["position"], skipped["contact_id"]) == (batch_id, 2, 5)
    batches = crm.batches()
    assert batches.select("contacts", "inserted", "updated", "skipped", "state").rows() == [
        (2, 2, 0, 0, "Completed"), (3, 0, 2, 1, "Completed"),
    ]  # fmt: skip
    requests = crm.requests()
    assert requests["batch_id"].to_list() == [*batches["batch_id"], None, None]
    assert requests["applied"].to_list() == [True, True, True, False]


def test_frames_have_their_columns_also_when_empty(crm):
    assert crm.applied().schema["at"] == crm.batches().schema["ended_at"] == pl.Datetime("us", "UTC")
    assert crm.skipped().columns == ["seq", "at", "request", "batch_id", "position", "contact_id", "reason", "payload"]


def test_record_of_upserts_is_bounded_and_says_so(behaving):
    sender = behaving(max_upserts_kept=2)
    sender.batch_ended(people(5))
    assert sender.crm.applied()["seq"].to_list() == [4, 5]


@pytest.mark.parametrize(
    "arguments", [{"max_upserts_kept": 0}, {"batch_delay_seconds": -1}, {"max_batch_bytes": 0}], ids=str
)
def test_bounds_are_checked(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        Sandbox(**arguments)


def test_oldest_batches_that_have_ended_are_forgotten_first():
    async def main() -> list[int]:
        store = Store(":memory:", lists=None, properties=None)
        batches = Batches(store, UpsertLog(10), Behaviour(), 0.0, kept=2)
        stuck = Fault("batch_stuck")
        for number, fault in enumerate((stuck, None, None, None)):
            entry = Entry(number, 0, "POST", BATCH)
            batches.take_in({"createUpdateContacts": [ADA]}, entry, fault)
            await batches.settle()
        await batches.close()
        store.close()
        return [batch.request for batch in batches.all()]

    assert asyncio.run(main()) == [0, 3]


# Any input

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def refused_with(work):
    """The status that a function refuses with; None where it does not."""
    try:
        work()
    except Refusal as refusal:
        return refusal.status
    return None


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.sampled_from(["listId", "createUpdateContacts", "webHookUrl", "x"]), _JSON))
def test_any_object_is_a_batch_or_a_422(body):
    raw = json.dumps(body).encode()
    status = refused_with(lambda: read_batch(read_object(raw)))
    assert status in (None, 400, 422)
    if status is None:
        assert read_batch(read_object(raw)).contacts == body["createUpdateContacts"]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    emails=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=30),
    sizes=st.lists(st.integers(1, 7), min_size=30, max_size=30),
    order=st.sampled_from(["arrival", "shuffled"]),
)
def test_record_status_and_store_agree(emails, sizes, order):
    """Every contact of every batch has one line; the status counts them; the store has seen as many upserts."""
    contacts = [{"email": f"{name}@example.com"} for name in emails]
    with Sandbox(behaviour=Behaviour(batch_order=order), batch_delay_seconds=0.005) as crm:
        headers = {"Authorization": f"Bearer {crm.token}"}
        with httpx.Client(base_url=crm.base_url, headers=headers, trust_env=False, verify=False) as http:
            start = 0
            for size in sizes:
                chunk = contacts[start : start + size]
                if chunk:
                    http.post(BATCH, json={"createUpdateContacts": chunk})
                start += size
            crm.wait_for_batches()
            told = [http.get(f"/contacts/{one}/Status").json()["processedObj"] for one in crm.batches()["batch_id"]]
        applied, stored = crm.applied(), crm.contacts()
    assert sorted(applied["payload"]) == sorted(json.dumps(one, separators=(",", ":")) for one in contacts)
    assert applied.select("batch_id", "position").is_unique().all()
    assert sum(part["count"] for one in told for part in one.values()) == len(contacts) == stored["upserts"].sum()
    assert (applied["outcome"] == "inserted").sum() == stored.height == len(set(emails))
