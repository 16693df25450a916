"""Runs within limits, against a real CRM that keeps them. The oracle is its record: no 429."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from mbtoolkit import Client, Limits, SendOptions, upsert_contacts
from mbtoolkit.errors import SettingsError
from mbtoolkit.sandbox import Behaviour, RequestLimits, Sandbox

pytestmark = pytest.mark.slow

PUSHER = Path(__file__).parent / "pusher.py"
IS_FULL = bool(os.environ.get("MBTOOLKIT_FULL"))
NOON_ZONE = f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"
"""Where it is about noon now, so that no midnight comes near a test."""


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


def sandbox(*, window="sliding", requests=20, window_seconds=0.5, per_day=1_000_000):
    limits = RequestLimits(requests=requests, per_day=per_day, window_seconds=window_seconds)
    return Sandbox(limits=limits, behaviour=Behaviour(limit_window=window))


def many(count):
    return pl.DataFrame({"email": [f"person{number}@example.com" for number in range(count)]})


def start_pusher(crm, state, name, *, rows, requests, window_seconds, timeout_seconds=60.0):
    words = [crm.base_url, rows, requests, window_seconds, state, name, timeout_seconds]
    return subprocess.Popen(
        [sys.executable, PUSHER, *map(str, words)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "MBTOOLKIT_TOKEN": crm.token},
    )


def refused(crm):
    return crm.requests().filter(pl.col("status") == 429).height


def rate_used(crm, requests, window_seconds):
    """A window against the time from a request to the N-th after it."""
    times = crm.requests()["at"].dt.epoch("us") / 1e6
    return window_seconds / (times - times.shift(requests)).drop_nulls().mean()


@pytest.mark.parametrize("window", ["sliding", "fixed"])
def test_a_run_draws_no_429(state, window):
    limits = Limits(requests=20, window_seconds=0.5, state_dir=state)
    with sandbox(window=window) as crm, crm.client() as client:
        results = upsert_contacts(many(150), client, limits=limits)
        assert (results["mb_status"] == "succeeded").all()
        assert refused(crm) == 0
        assert crm.requests().height == 150


def test_without_limits_the_same_run_draws_429s(state):
    with sandbox() as crm, crm.client() as client:
        upsert_contacts(many(60), client)
        assert refused(crm) > 0
    assert not state.exists()


@pytest.mark.parametrize("window", ["sliding", "fixed"])
def test_three_processes_on_one_token_draw_no_429(state, window):
    with sandbox(window=window, window_seconds=1.0, requests=30) as crm:
        pushers = [start_pusher(crm, state, f"p{n}", rows=50, requests=30, window_seconds=1.0) for n in range(3)]
        assert [pusher.communicate()[0].split() for pusher in pushers] == [["ready", "50"]] * 3
        assert refused(crm) == 0
        assert crm.requests().height == 150


def test_a_killed_process_costs_the_next_one_no_429_and_blocks_it_no_longer_than_its_requests_can_live(state):
    with sandbox(window_seconds=1.0, requests=30) as crm:
        crm.fail("silence", phase="after_commit", seconds=60, times=5)
        killed = start_pusher(crm, state, "killed", rows=500, requests=30, window_seconds=1.0, timeout_seconds=2.0)
        while crm.requests().height < 40:
            time.sleep(0.01)
        killed.kill()
        killed.communicate()
        heir = start_pusher(crm, state, "heir", rows=60, requests=30, window_seconds=1.0)
        assert heir.communicate()[0].split() == ["ready", "60"]
        assert refused(crm) == 0


def test_a_run_begun_right_after_another_counts_its_requests(state):
    limits = Limits(requests=20, window_seconds=1.0, state_dir=state)
    with sandbox(window_seconds=1.0) as crm, crm.client() as client:
        for start in range(0, 45, 15):
            upsert_contacts(many(45)[start : start + 15], client, limits=limits)
        assert refused(crm) == 0


def test_tokens_have_budgets_of_their_own(state):
    limits = Limits(requests=20, window_seconds=30.0, state_dir=state)
    for _ in range(2):
        with Sandbox() as crm, crm.client() as client:
            began = time.monotonic()
            upsert_contacts(many(20), client, limits=limits)
            assert time.monotonic() - began < 29
    assert len(list((state / "limits").glob("*.sqlite"))) == 2


class TestADayUsedUp:
    LIMITS = Limits(requests=20, window_seconds=0.5, per_day=5, time_zone=NOON_ZONE)

    def test_ends_the_run_and_says_when_to_go_on(self, state, monkeypatch, caplog):
        monkeypatch.setenv("MBTOOLKIT_STATE_DIR", str(state))
        with sandbox() as crm, crm.client() as client:
            results = upsert_contacts(many(8), client, limits=self.LIMITS)
            assert results["mb_status"].value_counts().sort("count").rows() == [("not_sent", 3), ("succeeded", 5)]
            left = results.filter(pl.col("mb_status") == "not_sent")
            assert left["mb_code"].to_list() == ["limit_reached"] * 3
            assert left["mb_attempts"].to_list() == [0] * 3
            (said,) = left["mb_message"].unique()
            assert said.startswith("the 5 requests of the day are used up; send it again after 20")
            assert " 00:00 " in said
            assert said in caplog.text
            again = upsert_contacts(left, client, limits=self.LIMITS)
            assert again["mb_status"].to_list() == ["not_sent"] * 3
            assert crm.requests().height == 5

    def test_is_waited_for_where_it_is_over_soon(self, state):
        """Midnight is nowhere near, so the pause of a 429 stands for it: both are waited for in the same way."""
        shown = []
        with sandbox() as crm, crm.client() as client:
            crm.fail("status", status=429, retry_after="2", times=1)
            limits = Limits(requests=20, window_seconds=0.5, state_dir=state)
            results = upsert_contacts(many(3), client, limits=limits, progress=shown.append)
            assert (results["mb_status"] == "succeeded").all()
            assert max(progress.pause_seconds for progress in shown) > 0.5

    def test_by_others_than_this_machine_ends_the_run_too(self, state):
        with sandbox() as crm, crm.client() as client:
            crm.fail("status", status=429, retry_after="40000", times=None, after=2)
            limits = Limits(requests=20, window_seconds=0.5, state_dir=state)
            began = time.monotonic()
            results = upsert_contacts(many(50), client, options=SendOptions(max_concurrency=2), limits=limits)
            assert time.monotonic() - began < 60
            assert results["mb_status"].to_list()[:2] == ["succeeded"] * 2
            codes = results["mb_code"].to_list()
            assert set(codes[2:4]) <= {"rate_limited", "limit_reached"}
            assert codes[4:] == ["limit_reached"] * 46
            assert "the CRM takes no more requests for now; send it again after" in results["mb_message"].to_list()[-1]
            assert crm.requests().height <= 4


def test_a_429_holds_the_other_run_on_the_same_token_too(state):
    limits = Limits(requests=20, window_seconds=0.5, state_dir=state)
    with sandbox() as crm, crm.client() as one, Client(crm.base_url, crm.token) as other:
        crm.fail("status", status=429, retry_after="2", times=1)
        is_held = threading.Event()

        def hear(progress):
            if progress.pause_seconds > 0:
                is_held.set()

        options = {"limits": limits, "progress": hear}
        thread = threading.Thread(target=upsert_contacts, args=(many(1), one), kwargs=options)
        thread.start()
        assert is_held.wait(60)
        results = upsert_contacts(many(3)[1:], other, limits=limits)
        assert (results["mb_status"] == "succeeded").all()
        thread.join()
        first, second = crm.requests()["at"][:2]
        assert (second - first).total_seconds() >= 2


def test_requests_that_never_left_take_nothing_of_the_budget(state, people):
    limits = Limits(requests=20, window_seconds=30.0, per_day=20, state_dir=state, time_zone=NOON_ZONE)
    with sandbox() as crm:
        with crm.outage(), crm.client(attempts=2) as client:
            results = upsert_contacts(people, client, limits=limits)
            assert (results["mb_status"] == "not_sent").all()
        with crm.client() as client:
            assert (upsert_contacts(many(20), client, limits=limits)["mb_status"] == "succeeded").all()


def test_cancelling_ends_a_run_that_waits_for_its_turn(state):
    limits = Limits(requests=5, window_seconds=60.0, state_dir=state)
    stop = threading.Event()

    def stop_when_full(progress):
        if progress.done == 5:
            stop.set()

    with sandbox() as crm, crm.client() as client:
        began = time.monotonic()
        results = upsert_contacts(many(20), client, limits=limits, progress=stop_when_full, stop=stop)
        assert time.monotonic() - began < 55
    assert results["mb_status"].value_counts().sort("count").rows() == [("succeeded", 5), ("not_sent", 15)]
    assert set(results.filter(pl.col("mb_status") == "not_sent")["mb_code"]) == {"run_stopped"}


def test_progress_tells_the_share_of_the_limit_in_use(state):
    shown = []
    limits = Limits(requests=10, window_seconds=1.0, state_dir=state)
    with sandbox() as crm, crm.client() as client:
        upsert_contacts(many(15), client, limits=limits, progress=shown.append)
        assert max(progress.limit_used for progress in shown) == 1.0
        upsert_contacts(many(3), client, progress=shown.append)
        assert shown[-1].limit_used is None


def test_what_is_kept_names_no_token_and_is_for_the_user_alone(state):
    limits = Limits(requests=20, state_dir=state)
    with Sandbox(token="canary-token-8541") as crm, crm.client() as client:
        upsert_contacts(many(3), client, limits=limits)
    assert (state / "limits").stat().st_mode & 0o777 == 0o700
    files = list((state / "limits").iterdir())
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    held = "".join(file.name + file.read_bytes().decode("latin-1") for file in files)
    assert "version" in held
    assert "canary" not in held
    assert "person" not in held


def test_a_folder_that_can_not_be_written_costs_the_sharing_and_not_the_run(tmp_path, caplog):
    in_the_way = tmp_path / "a file"
    in_the_way.write_text("")
    limits = Limits(requests=20, window_seconds=0.5, state_dir=in_the_way)
    with sandbox() as crm, crm.client() as client:
        assert (upsert_contacts(many(50), client, limits=limits)["mb_status"] == "succeeded").all()
        assert refused(crm) == 0
    assert caplog.text.count("this run counts for itself") == 1


@pytest.mark.parametrize(
    "limits",
    ["Freemium", "", 100, True, {"requests": 100}, Limits],
    ids=["case", "empty", "number", "bool", "dict", "class"],
)
def test_limits_that_are_none_are_refused_before_anything_is_sent(crm, client, people, limits):
    with pytest.raises(SettingsError, match="limits="):
        upsert_contacts(people, client, limits=limits)
    assert crm.requests().is_empty()


@pytest.mark.skipif(not IS_FULL, reason="four minutes; MBTOOLKIT_FULL=1 runs it")
@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize("window", ["sliding", "fixed"])
def test_a_minute_of_steady_load_draws_no_429_and_uses_over_95_percent(state, window, processes):
    with Sandbox(limits="freemium", behaviour=Behaviour(limit_window=window)) as crm:
        pushers = [
            start_pusher(crm, state, f"p{n}", rows=10_000, requests=100, window_seconds=10) for n in range(processes)
        ]
        time.sleep(62)
        for pusher in pushers:
            pusher.kill()
            pusher.communicate()
        assert refused(crm) == 0
        assert rate_used(crm, 100, 10.0) > 0.95
