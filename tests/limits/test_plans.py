"""What an account may send, and the days that it counts in."""

from __future__ import annotations

import pytest

from mbtoolkit import Limits, SettingsError
from mbtoolkit.limits import PLANS, limits_of
from mbtoolkit.sandbox.limits import PLANS as THE_CRMS


def test_the_plans_are_those_that_the_sandbox_keeps():
    mine = {name: (plan.requests, plan.per_day, plan.window_seconds) for name, plan in PLANS.items()}
    assert mine == {name: (plan.requests, plan.per_day, plan.window_seconds) for name, plan in THE_CRMS.items()}


def test_a_plan_is_found_by_name_and_limits_are_handed_through():
    own = Limits(requests=5)
    assert limits_of("pro") is PLANS["pro"]
    assert limits_of(own) is own
    assert limits_of(None) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"requests": 0},
        {"requests": 1.5},
        {"requests": True},
        {"window_seconds": 0},
        {"window_seconds": float("nan")},
        {"window_seconds": "10"},
        {"per_day": 0},
        {"time_zone": "Oslo"},
        {"time_zone": "../../etc/passwd"},
        {"time_zone": 2},
        {"time_zone": ""},
        {"margin": -1},
        {"state_dir": 5},
    ],
    ids=str,
)
def test_limits_that_can_not_work_are_refused(wrong):
    (name,) = wrong
    with pytest.raises(SettingsError, match=f"{name}=.*: give"):
        Limits(**{"requests": 1} | wrong)


@pytest.mark.parametrize(
    ("zone", "wall", "day", "hours_left"),
    [
        ("UTC", 1_750_000_000, "2025-06-15", 8.89),
        ("Europe/Oslo", 1_750_000_000, "2025-06-15", 6.89),
        ("Asia/Tokyo", 1_750_000_000, "2025-06-16", 23.89),
        ("Europe/Oslo", 1_743_285_600, "2025-03-29", 0.0 + 1),  # 23:00, an hour before a day of 23 hours
        ("Europe/Oslo", 1_743_289_200, "2025-03-30", 23.0),
        ("Europe/Oslo", 1_761_429_600, "2025-10-26", 25.0),
    ],
)
def test_the_day_is_that_of_the_time_zone_also_when_its_clock_changes(zone, wall, day, hours_left):
    limits = Limits(requests=1, time_zone=zone)
    assert limits.day(wall) == day
    assert (limits.next_midnight(wall) - wall) / 3600 == pytest.approx(hours_left, abs=0.01)


def test_without_a_time_zone_the_day_is_this_machines(monkeypatch):
    here = Limits(requests=1)
    midnight = here.next_midnight(1_750_000_000)
    assert here.day(midnight - 1) < here.day(midnight)
    assert here.clock_face(midnight)[11:16] == "00:00"
