"""When to send again: told outcomes, without a clock."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit.client.answers import Outcome
from mbtoolkit.client.retries import MAX_PAUSES, UNSAID_PAUSE_SECONDS, Attempts

STORED = Outcome("stored", 202, contact_id=1)
DOUBT = Outcome("unknown", 500, "http_500", "500")
REFUSED = Outcome("rejected", 422, "unprocessable", "no")
LATER = Outcome("later", 429, "rate_limited", "slow down", retry_after_seconds=3.0)
CUT_OFF = Outcome("not_sent", None, "no_connection", "refused")
STOP = Outcome("stop", 401, "unauthorized", "who are you")


def play(outcomes, *, limit=4, safe=True):
    """Hears outcomes until it is over; the attempts and the waits between them."""
    attempts = Attempts(limit, resend_is_safe=safe, jitter=random.Random(1))
    waits = []
    for outcome in outcomes:
        wait = attempts.hear(outcome)
        if wait is None:
            break
        waits.append(wait)
    return attempts.outcome, waits


def test_a_success_is_final():
    outcome, waits = play([STORED])
    assert (outcome.kind, outcome.attempts, waits) == ("stored", 1, [])


def test_a_refusal_is_final():
    outcome, waits = play([REFUSED, STORED])
    assert (outcome.kind, outcome.attempts, waits) == ("rejected", 1, [])


def test_doubt_is_sent_again_until_it_is_cleared_by_a_success():
    outcome, waits = play([DOUBT, DOUBT, STORED])
    assert (outcome.kind, outcome.attempts, len(waits)) == ("stored", 3, 2)


def test_doubt_without_an_identifier_is_never_sent_again():
    outcome, waits = play([DOUBT, STORED], safe=False)
    assert (outcome.kind, outcome.attempts, waits) == ("unknown", 1, [])


def test_doubt_is_sticky_through_a_later_clean_refusal():
    outcome, _ = play([DOUBT, REFUSED])
    assert outcome.kind == "unknown"
    assert outcome.http_status == 422
    assert "doubt" in outcome.message


def test_doubt_is_sticky_through_a_later_429():
    outcome, _ = play([DOUBT, LATER, REFUSED])
    assert outcome.kind == "unknown"


def test_a_429_holds_everyone_for_as_long_as_the_crm_says():
    _, waits = play([LATER, STORED])
    assert waits[0].everyone
    assert 3.0 <= waits[0].seconds < 3.2


def test_a_429_without_a_time_holds_everyone_for_the_length_of_the_window():
    _, waits = play([Outcome("later", 429, "rate_limited"), STORED])
    assert waits[0].seconds >= UNSAID_PAUSE_SECONDS


def test_a_429_is_no_attempt_used_up():
    outcome, _ = play([LATER] * 10 + [DOUBT] * 3 + [STORED])
    assert (outcome.kind, outcome.attempts) == ("stored", 14)


def test_endless_429s_stop_the_run():
    outcome, waits = play([LATER] * (MAX_PAUSES + 5))
    assert (outcome.kind, outcome.stops_run, len(waits)) == ("later", True, MAX_PAUSES)


@pytest.mark.parametrize("outcome", [STOP, CUT_OFF], ids=["401", "no connection"])
def test_what_every_row_would_meet_stops_the_run(outcome):
    ended, _ = play([outcome] * 9)
    assert ended.stops_run


def test_the_run_stops_at_a_401_although_the_row_stays_in_doubt():
    outcome, _ = play([DOUBT, STOP])
    assert (outcome.kind, outcome.stops_run) == ("unknown", True)


def test_waits_grow_and_are_spread():
    _, waits = play([DOUBT] * 9, limit=9)
    assert all(not wait.everyone for wait in waits)
    assert waits[0].seconds <= 0.5 < waits[-1].seconds <= 20
    other, _ = play([DOUBT] * 9, limit=9)
    attempts = Attempts(9, resend_is_safe=True, jitter=random.Random(2))
    assert attempts.hear(DOUBT) != waits[0]
    assert other.attempts == 9


@given(
    st.lists(st.sampled_from([STORED, DOUBT, REFUSED, LATER, CUT_OFF, STOP]), min_size=1),
    st.booleans(),
    st.integers(1, 6),
)
def test_doubt_ends_in_success_or_in_unknown_and_unsafe_rows_are_never_sent_after_it(outcomes, safe, limit):
    heard = []
    attempts = Attempts(limit, resend_is_safe=safe, jitter=random.Random(0))
    for outcome in outcomes:
        heard.append(outcome.kind)
        if attempts.hear(outcome) is None:
            break
    assert attempts.outcome.attempts == len(heard)
    assert sum(kind in ("unknown", "not_sent") for kind in heard) <= limit
    if "unknown" in heard:
        assert attempts.outcome.kind in ("stored", "unknown")
        assert safe or heard.index("unknown") == len(heard) - 1
