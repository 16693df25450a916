"""What an account may send, and the days that it counts in."""

from __future__ import annotations

import httpx
import polars as pl
import pytest

from mbtoolkit import Client, Limits, upsert_contacts
from mbtoolkit.client.limits import ACCOUNT_LIMITS, limits_of
from mbtoolkit.errors import SettingsError
from mbtoolkit.sandbox.limits import ACCOUNT_LIMITS as THE_CRMS

CRM = "https://apicrm.mainbrainer.com"


def test_the_limits_are_those_that_the_sandbox_keeps():
    mine = {name: (each.requests, each.per_day, each.window_seconds) for name, each in ACCOUNT_LIMITS.items()}
    assert mine == {name: (each.requests, each.per_day, each.window_seconds) for name, each in THE_CRMS.items()}


def test_limits_are_found_by_name_and_handed_through():
    own = Limits(requests=5)
    assert limits_of("pro", CRM) is ACCOUNT_LIMITS["pro"]
    assert limits_of(own, CRM) is own
    assert limits_of("unlimited", CRM) is None


def test_the_smallest_limits_are_kept_where_none_are_stated():
    assert limits_of(None, CRM) is ACCOUNT_LIMITS["freemium"]
    assert min(ACCOUNT_LIMITS.values(), key=lambda each: each.requests) is ACCOUNT_LIMITS["freemium"]


@pytest.mark.parametrize(
    "base_url", ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:8080", "https://127.0.0.1/crm"]
)
def test_none_are_kept_towards_this_machine_unless_stated(base_url):
    assert limits_of(None, base_url) is None
    assert limits_of("starter", base_url) is ACCOUNT_LIMITS["starter"]


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


@pytest.mark.parametrize(
    ("base_url", "limits", "are_kept"),
    [
        (CRM, None, True),
        (CRM, "unlimited", False),
        ("http://127.0.0.1:9", None, False),
        ("http://127.0.0.1:9", "freemium", True),
    ],
)
def test_a_run_keeps_the_limits(base_url, limits, are_kept, tmp_path, monkeypatch):
    monkeypatch.setenv("MBTOOLKIT_STATE_DIR", str(tmp_path))
    answer = {"status": "Success", "message": "", "data": {"contactId": "1", "status": 202}}
    transport = httpx.MockTransport(lambda _: httpx.Response(202, json=answer))
    seen = []
    with Client(base_url, "token", transport=transport) as client:
        contacts = pl.DataFrame({"email": ["ada@example.com"]})
        results = upsert_contacts(contacts, client, limits=limits, progress=seen.append)
    assert results["mb_status"].to_list() == ["succeeded"]
    assert (seen[-1].limit_used is not None) is are_kept
