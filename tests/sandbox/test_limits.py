"""The limits of the plans: on a clock of its own, and over HTTP."""

import time

import pytest

from mbtoolkit.sandbox import Behaviour, RequestLimits, Sandbox
from mbtoolkit.sandbox.limits import ACCOUNT_LIMITS, SECONDS_PER_DAY, Limiter, retry_after_text


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000 * SECONDS_PER_DAY + 5.0

    def __call__(self) -> float:
        return self.now


def limiter_on(clock: Clock, limits: RequestLimits, window: str = "sliding") -> Limiter:
    return Limiter(limits, window, monotonic=clock, wall=clock)


@pytest.mark.parametrize(
    ("name", "requests", "per_day"), [("freemium", 100, 250_000), ("starter", 150, 500_000), ("pro", 200, 1_000_000)]
)
def test_plans_are_the_documented_ones(name, requests, per_day):
    clock = Clock()
    assert ACCOUNT_LIMITS[name] == RequestLimits(requests, per_day, 10.0)
    limiter = limiter_on(clock, ACCOUNT_LIMITS[name])
    assert [limiter.admit(b"token") for _ in range(requests)] == [None] * requests
    assert limiter.admit(b"token") == 10.0


def test_sliding_window_frees_one_by_one():
    clock = Clock()
    limiter = limiter_on(clock, RequestLimits(2, 100))
    limiter.admit(b"token")
    clock.now += 4
    limiter.admit(b"token")
    clock.now += 5.5
    assert limiter.admit(b"token") == pytest.approx(0.5)
    clock.now += 0.5
    assert limiter.admit(b"token") is None
    assert limiter.admit(b"token") == pytest.approx(4)


def test_fixed_window_frees_all_at_once():
    clock = Clock()  # 5 s into a window
    limiter = limiter_on(clock, RequestLimits(2, 100), "fixed")
    assert [limiter.admit(b"token") for _ in range(3)] == [None, None, 5.0]
    clock.now += 5
    assert [limiter.admit(b"token") for _ in range(3)] == [None, None, 10.0]


@pytest.mark.parametrize("window", ["sliding", "fixed"])
def test_daily_budget_ends_at_midnight_and_refusals_do_not_count(window):
    clock = Clock()
    limiter = limiter_on(clock, RequestLimits(2, 3), window)
    assert [limiter.admit(b"token") is None for _ in range(5)] == [True, True, False, False, False]
    clock.now += 20
    assert limiter.admit(b"token") is None
    assert limiter.admit(b"token") == SECONDS_PER_DAY - 25
    clock.now += SECONDS_PER_DAY - 25
    assert limiter.admit(b"token") is None


def test_each_token_has_its_own_budget():
    limiter = limiter_on(Clock(), RequestLimits(1, 100))
    assert limiter.admit(b"one") is None
    assert limiter.admit(b"other") is None
    assert limiter.admit(b"one") is not None


@pytest.mark.parametrize(("wait", "text"), [(0.001, "1"), (1.0, "1"), (1.2, "2"), (9.99, "10")])
def test_retry_after_is_whole_seconds(wait, text):
    assert retry_after_text(wait) == text


@pytest.mark.parametrize("given", ["given", "left_out"])
def test_request_over_the_limit_is_a_429_and_applies_nothing(behaving, given):
    sender = behaving(limits=RequestLimits(2, 100, window_seconds=60.0), behaviour=Behaviour(retry_after=given))
    answers = [sender.upsert(email=f"{name}@example.com") for name in "abc"]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert ("Retry-After" in answers[2].headers) == (given == "given")
    assert answers[2].json()["status"] == "Failed"
    assert len(sender.stored()) == 2
    if given == "given":
        assert 1 <= int(answers[2].headers["Retry-After"]) <= 60


def test_window_passes_over_http(behaving):
    sender = behaving(limits=RequestLimits(1, 100, window_seconds=0.2))
    statuses = []
    while statuses.count(202) < 2:
        statuses.append(sender.upsert(email="ada@example.com").status_code)
    assert statuses[0] == 202
    assert 429 in statuses


def test_fixed_window_is_a_setting_over_http(behaving):
    window = 100_000.0
    sender = behaving(limits=RequestLimits(1, 100, window_seconds=window), behaviour=Behaviour(limit_window="fixed"))
    answers = [sender.upsert(email="ada@example.com") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 429]
    left = window - time.monotonic() % window
    assert int(answers[1].headers["Retry-After"]) == pytest.approx(left, abs=2)


def test_unauthorized_requests_and_token_requests_do_not_count(behaving):
    sender = behaving(limits=RequestLimits(1, 100, window_seconds=60.0))
    for _ in range(3):
        wrong = sender.http.post("/contacts/insertupdate", json={}, headers={"Authorization": "Bearer wrong"})
        assert wrong.status_code == 401
    assert sender.upsert(email="ada@example.com").status_code == 202


@pytest.mark.slow
def test_no_plan_is_no_limit(sender):
    assert {sender.upsert(email="ada@example.com").status_code for _ in range(300)} == {202}


@pytest.mark.parametrize("limits", ["gold", ""])
def test_unknown_limits_are_refused(limits):
    with pytest.raises(ValueError, match="freemium"):
        Sandbox(limits=limits)


def test_plan_without_room_is_refused():
    with pytest.raises(ValueError, match="above zero"):
        RequestLimits(0, 1)
