"""What an outage is, and that one request at a time finds out whether it is over."""

from __future__ import annotations

import itertools

import pytest

from mbtoolkit.client import Outcome
from mbtoolkit.runs.sending.breaker import FAILURES, LONGEST_PROBE_SECONDS, Breaker

STORED = Outcome("stored", 202)
BROKEN = Outcome("unknown", 500, "http_500", "broken")
REFUSED = Outcome("not_sent", code="no_connection", message="refused")
CLOSED = Outcome("later", 503, "unavailable", "closed", retry_after_seconds=7.0)
TOO_MANY = Outcome("later", 429, "rate_limited", "slow down", retry_after_seconds=7.0)
NO = Outcome("rejected", 422, "unprocessable", "no")


def heard(*outcomes, patience=60.0):
    """A breaker that has heard outcomes of rows 0, 1, 2 ... at the moment 100."""
    breaker = Breaker(patience)
    for row, outcome in enumerate(outcomes):
        breaker.hear(outcome, row, 100.0)
    return breaker


@pytest.mark.parametrize(
    "outcomes",
    [
        [STORED],
        [BROKEN] * (FAILURES - 1),
        [BROKEN, BROKEN, BROKEN, STORED, BROKEN, BROKEN, BROKEN],
        [BROKEN, BROKEN, BROKEN, NO, BROKEN, BROKEN, BROKEN],
        [REFUSED] * 3,
        [STORED, TOO_MANY, TOO_MANY],
    ],
    ids=["success", "a few failures", "failures between successes", "an answer is an answer", "never reached", "429"],
)
def test_this_is_no_outage(outcomes):
    assert not heard(*outcomes).is_open


@pytest.mark.parametrize(
    "outcomes",
    [[BROKEN] * FAILURES, [CLOSED], [STORED, REFUSED]],
    ids=["failures in a row", "503 with a time", "reached before and now refused"],
)
def test_this_is_an_outage(outcomes):
    assert heard(*outcomes).is_open


def test_one_contact_that_breaks_the_crm_is_no_outage():
    breaker = Breaker(60.0)
    for _ in range(3 * FAILURES):
        breaker.hear(BROKEN, 7, 100.0)
    assert not breaker.is_open


def test_a_503_says_when_the_probe_may_go():
    assert heard(CLOSED).wait_seconds(100.0) == pytest.approx(7.0)


def test_nobody_goes_while_a_probe_is_on_its_way():
    breaker = heard(CLOSED)
    breaker.is_probed = True
    assert breaker.wait_seconds(1000.0) > 0


def test_probes_come_more_and_more_seldom():
    breaker = heard(STORED, REFUSED)
    now, waits = 100.0, []
    for row in range(8):
        waits.append(breaker.wait_seconds(now))
        now += waits[-1]
        breaker.hear(REFUSED, row, now)
    assert waits[0] <= 1.0
    assert all(later > sooner for sooner, later in itertools.pairwise(waits[:4]))
    assert all(wait <= LONGEST_PROBE_SECONDS for wait in waits)
    assert sum(waits) > 30


def test_an_answer_ends_the_outage():
    breaker = heard(STORED, REFUSED, REFUSED)
    breaker.hear(NO, 3, 101.0)
    assert not breaker.is_open
    assert breaker.wait_seconds(101.0) == 0


def test_an_outage_that_lasts_too_long_is_hopeless():
    breaker = heard(STORED, REFUSED, patience=60.0)
    assert not breaker.is_hopeless(159.0)
    assert breaker.is_hopeless(161.0)
