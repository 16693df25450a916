"""Two processes at one run, and two runs on one token."""

from __future__ import annotations

import time

import polars as pl
import pytest
from oracle import judge, people

from mbtoolkit import list_runs
from mbtoolkit.sandbox import Behaviour, RequestLimits, Sandbox

pytestmark = pytest.mark.slow

ROUNDS = 2
SAID = "is being worked on by another process"
PATIENCE_SECONDS = 120.0


@pytest.fixture
def other_nursery(tmp_path):
    """A second one, for two copies are then really made at the same moment."""
    from nursery import Nursery

    with Nursery(tmp_path / "other") as made:
        yield made


def test_of_two_resumes_at_once_one_goes_on_and_the_other_says_so(nursery, other_nursery, tmp_path):
    people(200).write_parquet(tmp_path / "people.parquet")
    for number in range(ROUNDS):
        run_dir = tmp_path / f"runs-{number}"
        with Sandbox(behaviour=Behaviour(unknown_contact_id="created")) as crm:
            crm.fail("delay", seconds=0.01, times=None)
            place = {"crm": [crm.base_url, crm.token], "run_dir": run_dir}
            first = nursery.start("push", contacts=tmp_path / "people.parquet", **place)
            while crm.requests().height < 60:
                time.sleep(0.01)
            first.kill()
            first.wait()
            crm.clear_faults()
            crm.fail("status", status=503, retry_after="0.2", times=None)  # so that none ends before the other begins
            (run_id,) = list_runs(run_dir)["run_id"]
            files = [tmp_path / f"results-{number}-{which}.parquet" for which in range(2)]
            until = time.monotonic() + PATIENCE_SECONDS
            both = [
                each.start("resume", run_id=run_id, results=file, **place)
                for each, file in zip((nursery, other_nursery), files, strict=True)
            ]
            while not any(SAID in child.said for child in both):
                assert time.monotonic() < until, [child.said for child in both]
                time.sleep(0.02)
            crm.clear_faults()
            codes = [child.wait() for child in both]
            assert sorted(codes) == [0, 1], [child.said for child in both]
            assert SAID in both[codes.index(1)].said
            assert not files[codes.index(1)].exists()
            figures = judge(pl.read_parquet(files[codes.index(0)]), crm.applied())
            assert (figures.faults, figures.unsent) == ({}, 0)


def test_a_killed_run_with_limits_and_another_on_the_same_token_draw_no_429(nursery, other_nursery, tmp_path):
    allowed = RequestLimits(requests=40, per_day=1_000_000, window_seconds=1.0)
    limits = {"requests": 40, "window_seconds": 1.0, "state_dir": str(tmp_path / "state")}
    with Sandbox(limits=allowed, behaviour=Behaviour(unknown_contact_id="created")) as crm:
        frames = [people(80), people(80, first=100_000)]
        for number, frame in enumerate(frames):
            frame.write_parquet(tmp_path / f"people-{number}.parquet")
        place = {"crm": [crm.base_url, crm.token]}
        one, other = (
            each.start("push", contacts=tmp_path / f"people-{number}.parquet", run_dir=tmp_path / f"runs-{number}",
                       options={"limits": limits}, **place)
            for number, each in enumerate((nursery, other_nursery))
        )  # fmt: skip
        while crm.requests().height < 50:
            time.sleep(0.01)
        one.kill()
        one.wait()
        (run_id,) = list_runs(tmp_path / "runs-0")["run_id"]
        again = nursery.start("resume", run_id=run_id, run_dir=tmp_path / "runs-0", options={"limits": limits}, **place)
        assert (again.wait(), other.wait()) == (0, 0), again.said + other.said
        assert crm.requests().filter(pl.col("status") == 429).height == 0
        assert crm.requests().height > 120
