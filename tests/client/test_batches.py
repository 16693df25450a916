"""The batch operations: what their answers mean, and one request of each against the sandbox."""

from __future__ import annotations

import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit.client import AsyncClient, BatchCount, BatchStatus, Client, judge_batch, judge_status
from mbtoolkit.client.answers import Answer
from mbtoolkit.errors import UsageError
from mbtoolkit.sandbox import Behaviour, Sandbox

BATCH_ID = "4f9d2a9c-9e5e-4a3c-8f57-0a6d9b1c2d3e"
THREE = b'{"createUpdateContacts":[%s]}' % b",".join(b'{"email":"p%d@example.com"}' % n for n in range(3))


def taken_in(status="Success", batch_id=BATCH_ID, **data):
    return json.dumps({"status": status, "message": "queued", "data": {"batchId": batch_id, **data}}).encode()


def told(word="Completed", number=2, batch_id=BATCH_ID, reason=None, processed=()):
    body = {"id": batch_id, "status": number, "statusText": word, "statusFailedReason": reason}
    return json.dumps(body | {"processedObj": dict(processed)}).encode()


def told_parts(**parts):
    return judge_status(Answer(200, told(processed=parts)), BATCH_ID)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_batch_taken_in_has_its_id_whatever_the_2xx(status):
    outcome = judge_batch(Answer(status, taken_in()))
    assert (outcome.kind, outcome.batch_id, outcome.http_status) == ("accepted", BATCH_ID, status)


@pytest.mark.parametrize("key", ["batchId", "BatchId", "BATCHID", "batchid"])
def test_the_batch_id_is_read_in_any_case(key):
    body = json.dumps({"Status": "success", "Data": {key: BATCH_ID}}).encode()
    assert judge_batch(Answer(202, body)).batch_id == BATCH_ID


def test_a_batch_id_may_be_a_number():
    assert judge_batch(Answer(202, taken_in(batch_id=77))).batch_id == "77"


@pytest.mark.parametrize("batch_id", [None, "", "  ", True, 1.5, -1, [], {}, "a\nb", "x" * 201, "\ud800"], ids=repr)
def test_a_batch_without_a_readable_id_is_in_doubt(batch_id):
    outcome = judge_batch(Answer(202, taken_in(batch_id=batch_id)))
    assert (outcome.kind, outcome.code, outcome.batch_id) == ("unknown", "batch_id_missing", None)


def test_a_batch_that_says_success_and_failure_is_in_doubt_but_can_be_asked_for():
    body = json.dumps({"status": "Success", "data": {"batchId": BATCH_ID, "status": 500}}).encode()
    outcome = judge_batch(Answer(202, body))
    assert (outcome.kind, outcome.code, outcome.batch_id) == ("unknown", "contradictory_answer", BATCH_ID)


def test_refused_contact_ids_of_a_batch_are_told_and_the_batch_was_taken_in():
    outcome = judge_batch(Answer(202, taken_in(invalidContactIdList=["42"])))
    assert (outcome.kind, outcome.message) == ("accepted", "queued (contact ids: 42)")


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (302, "stop", "wrong_address"),
        (400, "rejected", "bad_request"),
        (401, "stop", "unauthorized"),
        (403, "stop", "forbidden"),
        (404, "stop", "wrong_address"),
        (405, "stop", "wrong_address"),
        (406, "rejected", "bad_request"),
        (408, "unknown", "timeout"),
        (409, "rejected", "conflict"),
        (413, "rejected", "too_large"),
        (422, "rejected", "unprocessable"),
        (429, "later", "rate_limited"),
        (500, "unknown", "http_500"),
        (503, "unknown", "unavailable"),
    ],
)
def test_each_refusal_of_a_batch_has_its_meaning(status, kind, code):
    outcome = judge_batch(Answer(status, taken_in(status="Error", batch_id=None)))
    assert (outcome.kind, outcome.code, outcome.http_status) == (kind, code, status)


def test_a_503_that_says_how_long_is_a_refusal_of_the_batch():
    outcome = judge_batch(Answer(503, b"", "7"))
    assert (outcome.kind, outcome.retry_after_seconds) == ("later", 7.0)


def test_a_refusal_of_a_batch_inside_a_2xx_is_never_a_success():
    outcome = judge_batch(Answer(202, taken_in(status="Failed")))
    assert (outcome.kind, outcome.code) == ("rejected", "refused_in_success")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"status":1}', b'{"status":"Succ'], ids=repr)
def test_a_batch_answer_that_cannot_be_read_is_in_doubt(body):
    assert judge_batch(Answer(202, body)).kind == "unknown"


@pytest.mark.parametrize(
    ("number", "word", "state"),
    [
        (2, "Completed", "done"),
        (2, " in-progress ", "running"),
        (0, "In Progress", "running"),
        ("InProgress", "InProgress", "running"),
        ("Completed", None, "done"),
        ("Success", "Completed", "done"),
        ("Success", "Failed", "unclear"),
        ("Completed", "Queued", "unclear"),
        (3, "FAILED", "failed"),
        (3, "Cancelled", "failed"),
        (3, "Aborted!", "failed"),
        (2, None, "unclear"),
        ("2", "2", "unclear"),
        (2, "Completed with errors", "unclear"),
        (2, "Incomplete", "unclear"),
        (2, "not done", "unclear"),
        (2, "Teilweise", "unclear"),
        (None, None, "unclear"),
        (["Completed"], {"a": 1}, "unclear"),
    ],
)
def test_only_a_word_that_can_mean_one_thing_says_how_far_a_batch_is(number, word, state):
    outcome = judge_status(Answer(200, told(word, number)), BATCH_ID)
    assert (outcome.kind, outcome.batch.state) == ("read", state)


def test_a_reason_says_that_a_batch_failed():
    outcome = judge_status(Answer(200, told("Completed", reason="no credit")), BATCH_ID)
    assert (outcome.batch.state, outcome.batch.reason, outcome.message) == ("failed", "no credit", "no credit")
    assert judge_status(Answer(200, told("Completed", reason="  ")), BATCH_ID).batch.state == "done"


@pytest.mark.parametrize("spelt", [str, str.upper, str.lower, lambda key: key[0].upper() + key[1:]])
def test_the_parts_are_read_in_any_case(spelt):
    part = {spelt("count"): 2, spelt("contactIds"): [7, "9007199254740993"]}
    parts = {spelt("inserted"): part, spelt("skipped"): {spelt("count"): "1", spelt("contactIds"): None}}
    body = {spelt("id"): BATCH_ID.upper(), spelt("statusText"): "Done", spelt("processedObj"): parts}
    status = judge_status(Answer(200, json.dumps(body).encode()), BATCH_ID).batch
    assert status == BatchStatus(
        BATCH_ID.upper(), "done", None, BatchCount(2, (7, 9007199254740993)), BatchCount(0, ()), BatchCount(1, ())
    )
    assert status.total == 3


@pytest.mark.parametrize("count", [-1, True, False, 1.5, "two", "-1", "", [], {}, 2**63, "1" * 20], ids=repr)
def test_a_broken_count_makes_the_status_unreadable(count):
    outcome = told_parts(updated={"count": count, "contactIds": []})
    assert (outcome.kind, outcome.code, outcome.batch) == ("unknown", "unreadable_answer", None)


@pytest.mark.parametrize("part", [[], "none", 3, {"count": 1, "contactIds": "7"}], ids=repr)
def test_a_broken_part_makes_the_status_unreadable(part):
    assert told_parts(skipped=part).kind == "unknown"


def test_ids_that_are_none_are_left_out_and_the_count_still_tells_of_them():
    outcome = told_parts(inserted={"count": 4, "contactIds": [7, "x", None, -3]})
    assert outcome.batch.inserted == BatchCount(4, (7,))
    assert told_parts(inserted={"contactIds": [7, 8]}).batch.inserted == BatchCount(2, (7, 8))


def test_a_queued_batch_may_count_nothing_at_all():
    body = json.dumps({"id": BATCH_ID, "statusText": "Queued", "processedObj": None}).encode()
    assert judge_status(Answer(200, body), BATCH_ID).batch == BatchStatus(BATCH_ID, "running")


@pytest.mark.parametrize("batch_id", ["another", None, "", 7])
def test_the_status_of_another_batch_says_nothing(batch_id):
    outcome = judge_status(Answer(200, told(batch_id=batch_id)), BATCH_ID)
    assert (outcome.kind, outcome.batch, outcome.batch_id) == ("unknown", None, BATCH_ID)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"<html>", b"{}", b'{"id":', b"[" * 100_000], ids=len)
def test_a_status_that_cannot_be_read_is_asked_again(body):
    outcome = judge_status(Answer(200, body), BATCH_ID)
    assert (outcome.kind, outcome.code) == ("unknown", "unreadable_answer")


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, "rejected", "bad_request"),
        (401, "stop", "unauthorized"),
        (404, "rejected", "unknown_batch"),
        (405, "stop", "wrong_address"),
        (422, "rejected", "unknown_batch"),
        (429, "later", "rate_limited"),
        (500, "unknown", "http_500"),
        (307, "stop", "wrong_address"),
    ],
)
def test_each_refusal_of_a_status_has_its_meaning(status, kind, code):
    outcome = judge_status(Answer(status, b'{"status":"Error","message":"no"}'), BATCH_ID)
    assert (outcome.kind, outcome.code, outcome.batch_id) == (kind, code, BATCH_ID)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda each: (
        st.lists(each)
        | st.dictionaries(
            st.sampled_from(
                ["id", "status", "statusText", "statusFailedReason", "processedObj", "data", "count", "contactIds"]
            )
            | st.sampled_from(["inserted", "updated", "skipped", "batchId"])
            | st.text(),
            each,
        )
    ),
)


@given(
    st.integers(100, 599),
    st.binary() | json_values.map(lambda value: json.dumps(value).encode()),
    st.text(min_size=1),
)
def test_no_answer_breaks_the_judgement_of_a_batch(status, body, batch_id):
    for outcome in (judge_batch(Answer(status, body)), judge_status(Answer(status, body), batch_id)):
        assert outcome.http_status == status
        assert outcome.kind != "stored", "only an answer about a contact says that it is stored"
        assert outcome.kind not in ("accepted", "read") or 200 <= status < 300
        assert outcome.batch is None or outcome.batch.total >= 0


@pytest.mark.slow
@given(st.fixed_dictionaries({"id": st.just(BATCH_ID)}, optional={"processedObj": json_values, "status": json_values}))
def test_no_part_breaks_the_reading_of_a_status(body):
    outcome = judge_status(Answer(200, json.dumps(body).encode()), BATCH_ID)
    assert (outcome.kind == "read") == (outcome.batch is not None)


@pytest.mark.parametrize("keys", ["camel_case", "pascal_case"])
@pytest.mark.parametrize("number_or_word", ["number", "word"])
@pytest.mark.parametrize("success", ["status_200", "status_202"])
def test_a_batch_is_taken_in_and_asked_for_until_it_is_done(keys, number_or_word, success):
    behaviour = Behaviour(batch_keys=keys, batch_status=number_or_word, batch_success=success)
    with Sandbox(behaviour=behaviour, batch_delay_seconds=60) as crm, crm.client() as client:
        batch = client.attempt_batch(THREE)
        waiting = client.attempt_status(batch.batch_id)
        crm.release_batches()
        crm.wait_for_batches()
        done = client.attempt_status(batch.batch_id)
        ids = tuple(crm.contacts()["contact_id"])
    assert (batch.kind, batch.http_status) == ("accepted", int(success[-3:]))
    assert (waiting.kind, waiting.batch.state, waiting.batch.total) == ("read", "running", 0)
    assert (done.batch.state, done.batch.inserted, done.batch.total) == ("done", BatchCount(3, ids), 3)


def test_a_batch_that_fails_says_why(crm, client):
    crm.fail("batch_failed", contacts=1)
    batch = client.attempt_batch(THREE)
    crm.wait_for_batches()
    status = client.attempt_status(batch.batch_id).batch
    assert (status.state, status.total) == ("failed", 1)
    assert status.reason


@pytest.mark.parametrize(
    ("kind", "seen"),
    [("batch_other_id", ("unknown", None)), ("batch_backwards", ("read", "running")),
     ("batch_foreign_ids", ("read", "done"))],
)  # fmt: skip
def test_a_status_that_lies_once_is_asked_again(crm, client, kind, seen):
    batch_id = client.attempt_batch(THREE).batch_id
    crm.wait_for_batches()
    crm.fail(kind)
    lie, truth = client.attempt_status(batch_id), client.attempt_status(batch_id)
    assert crm.faults()["committed"].to_list() == [1]
    assert (lie.kind, lie.batch and lie.batch.state) == seen
    assert (truth.kind, truth.batch.state, truth.batch.total) == ("read", "done", 3)


@pytest.mark.parametrize("refusals", ["status_422", "inside_202"])
@pytest.mark.parametrize("unknown", ["refused", "not_found"])
def test_an_unknown_batch_is_refused_and_stops_nothing(unknown, refusals):
    with Sandbox(behaviour=Behaviour(unknown_batch=unknown, refusals=refusals)) as crm, crm.client() as client:
        outcome = client.attempt_status(BATCH_ID)
    assert (outcome.kind, outcome.code, outcome.batch) == ("rejected", "unknown_batch", None)


@pytest.mark.parametrize("refused", ["status_400", "status_406", "status_422"])
def test_a_batch_refused_for_what_it_holds_is_rejected(refused):
    with Sandbox(behaviour=Behaviour(batch_refusals=refused)) as crm, crm.client() as client:
        outcome = client.attempt_batch(b'{"createUpdateContacts":[{"email":5}]}')
    assert (outcome.kind, outcome.http_status) == ("rejected", int(refused[-3:]))
    assert "createUpdateContacts[0]" in outcome.message


def test_a_batch_too_large_is_rejected_as_such():
    with Sandbox(max_batch_bytes=50) as crm, crm.client() as client:
        assert client.attempt_batch(THREE).code == "too_large"


def test_a_batch_refused_inside_a_2xx_is_rejected():
    with Sandbox(behaviour=Behaviour(refusals="inside_202")) as crm, crm.client() as client:
        outcome = client.attempt_batch(b'{"createUpdateContacts":[{"email":5}]}')
    assert (outcome.kind, outcome.code) == ("rejected", "refused_in_success")


SPOILT = ["reset", "truncate", "empty", "html", "bad_gzip", "gzip_bomb", "big_body", "big_header", "other_shape"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*SPOILT, "silence", "drip"])
def test_each_operation_survives_a_spoilt_answer_in_one_request(crm, kind):
    seconds = {"seconds": 20.0} if kind == "silence" else {"seconds": 0.5} if kind == "drip" else {}
    with crm.client() as client:
        batch_id = client.attempt_batch(THREE).batch_id
    with crm.client(timeout_seconds=0.7 if seconds else 60.0) as client:
        crm.fail(kind, times=None, phase="after_commit", **seconds)
        asked = crm.requests().height
        outcomes = [client.attempt(b'{"email":"a@example.com"}'), client.attempt_batch(THREE)]
        outcomes.append(client.attempt_status(batch_id))
    assert [outcome.kind for outcome in outcomes] == ["unknown"] * 3
    assert outcomes[2].batch_id == batch_id
    assert crm.requests().height == asked + 3


def test_nobody_listening_is_not_sent_by_any_operation(crm, client):
    crm.go_offline()
    outcomes = [client.attempt(b"{}"), client.attempt_batch(THREE), client.attempt_status(BATCH_ID)]
    assert [(outcome.kind, outcome.code) for outcome in outcomes] == [("not_sent", "no_connection")] * 3


def test_one_attempt_is_one_request(crm, client):
    outcome = client.attempt(b'{"email":"ann@example.com"}')
    assert (outcome.kind, outcome.contact_id) == ("stored", crm.contacts()["contact_id"].item())
    crm.fail("status", status=500, times=None)
    assert client.attempt(b'{"email":"ann@example.com"}').kind == "unknown"
    assert crm.requests().height == 2


@pytest.mark.parametrize(
    ("batch_id", "path"),
    [
        ("a/b?c#d", b"/crm/contacts/a%2Fb%3Fc%23d/Status"),
        ("..", b"/crm/contacts/%2E%2E/Status"),
        ("50%41", b"/crm/contacts/50%2541/Status"),
        ("\ud800é", b"/crm/contacts/%3F%C3%A9/Status"),
    ],
)
def test_an_id_stays_one_part_of_the_path(batch_id, path):
    asked = []

    def answer(request):
        asked.append((request.method, request.url.raw_path))
        return httpx.Response(404)

    with Client("https://crm.example.com/crm/", "token", transport=httpx.MockTransport(answer)) as client:
        assert client.attempt_status(batch_id).code == "unknown_batch"
    assert asked == [("GET", path)]


@pytest.mark.parametrize("batch_id", ["", "  ", None, 7], ids=repr)
def test_a_blank_id_is_no_question(batch_id):
    with Client("https://crm.example.com", "token") as client, pytest.raises(UsageError, match="id of a batch"):
        client.attempt_status(batch_id)


def test_requests_show_no_body():
    from mbtoolkit.client.connections import Ask

    assert "canary" not in repr(Ask("POST", "https://crm.example.com", b"canary"))
    assert "canary" not in repr(AsyncClient("https://crm.example.com", "canary"))
