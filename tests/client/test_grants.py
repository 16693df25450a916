"""What an answer of the token operation means: pure functions, no network."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit.client import Outcome, Secret
from mbtoolkit.client.answers import Answer
from mbtoolkit.client.grants import LONGEST_LIFETIME_SECONDS, SHORTEST_LIFETIME_SECONDS, Grant, read_grant

ISSUED = "2026-03-01T10:00:00.1234567Z"


def answer(status=200, **body):
    return Answer(status, json.dumps({"access_token": "canary"} | body).encode())


def lifetime(**body):
    return read_grant(answer(**body)).lifetime_seconds


@pytest.mark.parametrize(
    ("issued", "expires", "seconds"),
    [
        (ISSUED, "2026-03-01T12:00:00.1234567Z", 7200.0),
        (ISSUED, "2026-03-01T14:00:00.1234567+02:00", 7200.0),
        ("2026-03-01T10:00:00+0000", "2026-03-01T05:30:00-05", 1800.0),
        ("2026-03-01T10:00:00.1234569Z", "2026-03-01T10:01:00.1234561Z", 60.0),
        ("2026-03-01T10:00:00.5Z", "2026-03-01T10:01:00Z", 59.5),
        ("2026-03-01 10:00:00", "2026-03-01 10:01:00", 60.0),
        ("2026-03-01t10:00:00z", "2026-03-01T10:01:00Z", 60.0),
    ],
)
def test_the_lifetime_is_between_the_two_moments(issued, expires, seconds):
    assert lifetime(issued=issued, expires=expires, expires_in=1) == seconds


@pytest.mark.parametrize(
    "expires",
    [None, 5, "soon", "2026-03-01", "2026-02-30T10:00:00Z", "2026-03-01T12:00:00", "2026-03-01T12:00:00+99:00",
     "0001-01-01T00:00:00+14:00", "２０２６-03-01T12:00:00Z", ISSUED, "2026-03-01T09:00:00Z", "2046-03-01T10:00:00Z"],
)  # fmt: skip
def test_moments_that_say_nothing_leave_the_minutes(expires):
    assert lifetime(issued=ISSUED, expires=expires, expires_in=120) == 7200.0


@pytest.mark.parametrize(("minutes", "seconds"), [(120, 7200.0), ("120", 7200.0), (0.5, 30.0), (" 2 ", 120.0)])
def test_expires_in_counts_minutes(minutes, seconds):
    assert lifetime(expires_in=minutes) == seconds


@pytest.mark.parametrize(
    "minutes",
    [None, True, 0, -5, 0.001, 10**9, 10**400, "soon", "nan", "1e999", [120], {}],
    ids=lambda each: str(each)[:9],
)
def test_an_absurd_lifetime_is_unknown(minutes):
    assert lifetime(expires_in=minutes) is None


def test_the_token_is_read_in_any_case_and_not_shown():
    grant = read_grant(Answer(200, b'{"Access_Token":"canary","Expires_In":1}'))
    assert (grant.token.reveal(), grant.lifetime_seconds) == ("canary", 60.0)
    assert "canary" not in f"{grant!r} {Answer(200, b'canary')!r}"


@pytest.mark.parametrize("status", [400, 401, 403, 409, 422])
def test_a_refusal_stops_with_the_crms_words_and_what_to_check(status):
    outcome = read_grant(answer(status, message="Wrong, sorry."))
    assert (outcome.kind, outcome.code, outcome.http_status) == ("stop", "login_refused", status)
    assert "Wrong, sorry;" in outcome.message
    assert "MBTOOLKIT_PASSWORD" in outcome.message


def test_a_refusal_inside_a_2xx_is_one():
    body = {"status": "Failed", "data": {"message": "Wrong."}}
    outcome = read_grant(Answer(202, json.dumps(body).encode()))
    assert (outcome.kind, outcome.code) == ("stop", "login_refused")
    assert "Wrong;" in outcome.message


@pytest.mark.parametrize("status", [301, 307, 404, 405])
def test_a_wrong_address_says_which_setting(status):
    outcome = read_grant(answer(status))
    assert (outcome.kind, outcome.code) == ("stop", "wrong_address")
    assert "token_url" in outcome.message


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_a_failure_and_no_refusal(status):
    outcome = read_grant(answer(status))
    assert (outcome.kind, outcome.code, outcome.http_status) == ("not_sent", "login_failed", status)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"access_token":5}', b'{"access_token":""}', b'{"access_token":"a b"}',
             '{"access_token":"é"}'.encode(), b'{"access_token":"a\\r\\nX: y"}',
             b'{"access_token":"a","Access_token":"b"}'],
    ids=repr,
)  # fmt: skip
def test_a_2xx_without_a_token_is_a_failure(body):
    assert read_grant(Answer(200, body)).code == "login_failed"


def test_what_went_wrong_on_the_way_is_told():
    outcome = read_grant(Outcome("unknown", code="timeout", message="no whole answer within 3 seconds"))
    assert (outcome.kind, outcome.code) == ("not_sent", "login_failed")
    assert "within 3 seconds" in outcome.message


def test_secrets_that_the_crm_repeats_are_cut_out():
    secrets = (Secret("canary-password"), Secret("canary-private"))
    for status in (401, 500):
        outcome = read_grant(answer(status, message="canary-password and canary-private are wrong"), secrets)
        assert "canary" not in repr(outcome)
        assert "are wrong" in outcome.message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes().map(lambda each: f"{each}Z"),
    lambda each: st.lists(each) | st.dictionaries(st.text(), each),
)
KEYS = ("access_token", "issued", "expires", "expires_in", "status", "data", "message")


@pytest.mark.slow
@given(
    st.integers(100, 599),
    st.binary()
    | st.dictionaries(st.sampled_from(KEYS), json_values).map(lambda value: json.dumps(value).encode())
    | json_values.map(lambda value: json.dumps(value).encode()),
)
def test_no_answer_breaks_the_reading(status, body):
    found = read_grant(Answer(status, body))
    if isinstance(found, Grant):
        assert 200 <= status < 300
        assert found.lifetime_seconds is None or (
            SHORTEST_LIFETIME_SECONDS <= found.lifetime_seconds <= LONGEST_LIFETIME_SECONDS
        )
    else:
        assert found.kind in ("stop", "not_sent")
