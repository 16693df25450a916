"""What an answer means: pure functions, no network."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit import errors
from mbtoolkit.client.answers import LONGEST_PAUSE_SECONDS, Answer, Outcome, error_of, judge, read_retry_after

NOW = 1_800_000_000.0


def envelope(status="Success", message="done", contact_id="7", **data):
    return json.dumps({"status": status, "message": message, "data": {"contactId": contact_id, **data}}).encode()


def test_success_gives_the_contact_id_as_a_number():
    outcome = judge(Answer(202, envelope(contact_id="9007199254740993")))
    assert (outcome.kind, outcome.contact_id, outcome.code) == ("stored", 9007199254740993, None)


def test_keys_are_read_whatever_their_case():
    body = json.dumps({"Status": "success", "MESSAGE": "hi", "Data": {"ContactID": 12}}).encode()
    outcome = judge(Answer(200, body))
    assert (outcome.kind, outcome.contact_id, outcome.message) == ("stored", 12, "hi")


def test_invalid_properties_are_named_but_their_values_are_not():
    entries = [{"propertyName": "Shoe", "propertyValue": "private"}, {"propertyId": "abc", "propertyValue": "private"}]
    outcome = judge(Answer(202, envelope(invalidPropertiesList=entries)))
    assert (outcome.kind, outcome.code, outcome.invalid_properties) == ("stored", "invalid_properties", ("Shoe", "abc"))
    assert "private" not in repr(outcome)


@pytest.mark.parametrize("contact_id", [None, "", "abc", "-1", "0", 1.5, True, "9" * 30, {"a": 1}])
def test_success_without_a_readable_id_is_stored_with_the_id_missing(contact_id):
    outcome = judge(Answer(202, envelope(contact_id=contact_id)))
    assert (outcome.kind, outcome.contact_id, outcome.code) == ("stored", None, "id_missing")


@pytest.mark.parametrize("word", ["Success", "success"])
@pytest.mark.parametrize(
    "more",
    [{}, {"data": None}, {"data": []}, {"data": "7"}, {"message": "done"}, {"contactId": "7"}],
    ids=["nothing more", "null", "a list", "text", "a message", "the id outside"],
)
def test_a_success_without_the_documented_data_is_unknown(word, more):
    """A portal or another service says so too; the CRM's own page shows an object `data`."""
    outcome = judge(Answer(202, json.dumps({"status": word} | more).encode()))
    assert (outcome.kind, outcome.code) == ("unknown", "unreadable_answer")


@pytest.mark.parametrize("word", ["Failed", "Error", "", "Successful", "Partial"])
def test_a_refusal_inside_a_2xx_is_never_a_success(word):
    outcome = judge(Answer(202, envelope(status=word, message="no such list")))
    assert (outcome.kind, outcome.code, outcome.message) == ("rejected", "refused_in_success", "no such list")


@pytest.mark.parametrize(
    "said",
    [{"status": 500}, {"status": "500"}, {"status": 422}, {"invalidContactIdList": [7]}],
    ids=["a failure inside", "the same as text", "a refusal inside", "refused contact ids"],
)
def test_a_success_that_contradicts_itself_is_unknown(said):
    outcome = judge(Answer(202, json.dumps({"status": "Success", "data": {"contactId": None} | said}).encode()))
    assert (outcome.kind, outcome.code) == ("unknown", "contradictory_answer")
    assert str(next(iter(said.values()))).strip("[]") in outcome.message


@pytest.mark.parametrize("inner", [0, 1, 200, 202, "202", None, "fine", 1.5, [500]], ids=repr)
def test_an_inner_status_that_is_no_failure_leaves_a_success_one(inner):
    body = json.dumps({"status": "Success", "data": {"contactId": "7", "status": inner}}).encode()
    assert judge(Answer(202, body)).kind == "stored"


@pytest.mark.parametrize(
    "body",
    [
        b'{"status":"Failed","Status":"Success","data":{"contactId":"7"}}',
        b'{"status":"Failed","status":"Success","data":{"contactId":"7"}}',
        b'{"status":"Success","data":{"contactId":"7","contactid":"8"}}',
    ],
    ids=["in another case", "in the same", "the id"],
)
def test_a_key_that_says_two_things_says_nothing(body):
    assert judge(Answer(202, body)).kind == "unknown"


def test_half_characters_in_an_answer_are_made_readable():
    refused = judge(Answer(422, b'{"status":"Failed \\udc00","message":"bad \\ud800"}'))
    assert (refused.kind, refused.message) == ("rejected", "bad \ufffd")
    stored = judge(
        Answer(202, b'{"status":"Success","data":{"invalidPropertiesList":[{"propertyName":"x\\ud800"},"\\udfff"]}}')
    )
    assert stored.invalid_properties == ("x\ufffd", "\ufffd")
    ids = judge(Answer(422, b'{"status":"Failed","message":"no","data":{"invalidContactIdList":["\\ud800"]}}'))
    assert ids.message == "no (contact ids: \ufffd)"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'"Success"',
        b"null",
        b'{"status": 1}',
        b"{}",
        b'{"status":"Succ',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
    ids=["empty", "html", "list", "text", "null", "number", "no status", "cut", "not UTF-8", "deep"],
)
def test_a_2xx_that_cannot_be_read_is_unknown(body):
    assert judge(Answer(202, body)).kind == "unknown"


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (302, "stop", "wrong_address"),
        (307, "stop", "wrong_address"),
        (400, "rejected", "bad_request"),
        (401, "stop", "unauthorized"),
        (403, "stop", "forbidden"),
        (404, "stop", "wrong_address"),
        (405, "stop", "wrong_address"),
        (406, "rejected", "bad_request"),
        (408, "unknown", "timeout"),
        (409, "rejected", "conflict"),
        (413, "rejected", "too_large"),
        (418, "rejected", "http_418"),
        (422, "rejected", "unprocessable"),
        (429, "later", "rate_limited"),
        (500, "unknown", "http_500"),
        (502, "unknown", "http_502"),
        (503, "unknown", "unavailable"),
        (504, "unknown", "http_504"),
        (101, "unknown", "http_101"),
    ],
)
def test_each_status_has_its_meaning(status, kind, code):
    outcome = judge(Answer(status, envelope(status="Error", message="the CRM's own words")))
    assert (outcome.kind, outcome.code, outcome.http_status) == (kind, code, status)
    if kind != "stop" or status == 401:
        assert outcome.message == "the CRM's own words"


def test_a_503_with_retry_after_is_a_refusal():
    outcome = judge(Answer(503, b"", "12"))
    assert (outcome.kind, outcome.retry_after_seconds) == ("later", 12.0)


def test_invalid_contact_ids_are_said():
    body = envelope(status="Error", message="unknown contact", invalidContactIdList=["42"])
    assert judge(Answer(422, body)).message == "unknown contact (contact ids: 42)"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("3", 3.0),
        ("2.5", 2.5),
        (" 4 ", 4.0),
        ("-5", 0.0),
        ("999999", LONGEST_PAUSE_SECONDS),
        ("1e400", None),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("Fri, 15 Jan 2027 08:00:10 GMT", 10.0),
        ("Fri, 15 Jan 1999 08:00:10 GMT", 0.0),
        ("Fri, 99 Jan 2027 08:00:10 GMT", None),
    ],
)
def test_retry_after_is_read_in_each_of_its_forms(text, seconds):
    assert read_retry_after(text, NOW) == seconds


@given(st.text())
def test_no_retry_after_breaks_the_reading(text):
    seconds = read_retry_after(text, NOW)
    assert seconds is None or 0 <= seconds <= LONGEST_PAUSE_SECONDS


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda each: (
        st.lists(each) | st.dictionaries(st.sampled_from(["status", "data", "contactId", "message"]) | st.text(), each)
    ),
)


@pytest.mark.slow
@given(st.integers(100, 599), st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_no_answer_breaks_the_judgement(status, body):
    outcome = judge(Answer(status, body), NOW)
    assert outcome.http_status == status
    assert outcome.kind != "stored" or 200 <= status < 300


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, errors.BadRequestError),
        (401, errors.UnauthorizedError),
        (409, errors.ConflictError),
        (422, errors.UnprocessableError),
        (429, errors.RateLimitedError),
        (404, errors.WrongAddressError),
        (418, errors.RefusedError),
        (500, errors.OutcomeUnknownError),
    ],
)
def test_each_refusal_has_its_error_with_the_crms_own_text(status, error):
    raised = error_of(judge(Answer(status, envelope(status="Error", message="listId is not known"))))
    assert type(raised) is error
    assert "listId is not known" in str(raised)
    assert raised.outcome.http_status == status


def test_nothing_sent_has_its_error():
    assert type(error_of(Outcome("not_sent", code="no_connection"))) is errors.NotSentError
