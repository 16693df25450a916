"""kill -9 before and after each durable step of a push, and of its resume: what is reported is what is on record."""

from __future__ import annotations

import os

import polars as pl
import pytest
from oracle import NOTES, judge, people

from mbtoolkit import list_runs
from mbtoolkit.sandbox import Behaviour, Sandbox

pytestmark = pytest.mark.slow

IS_FULL = bool(os.environ.get("MBTOOLKIT_FULL"))
MOST_POINTS = 400
TRIES = 5


def few():
    """Nine rows: a contact of three rows, one of two, and a row of every other kind."""
    slots = [3, 8, 14, 5, 11, 6, 0, 37, 58]
    frame = people(60)[slots]
    return frame.with_columns(pl.Series(NOTES, [f"row {row}" for row in range(frame.height)]))


def spoil(crm):
    """Doubt of every origin for some rows, at their first sending."""
    crm.fail("reset", phase="after_commit", match='"row 0"')
    crm.fail("status", status=500, phase="after_commit", match='"row 3"')
    crm.fail("status", status=429, retry_after="0.05", match='"row 5"')
    crm.fail("reset", phase="before_commit", match='"row 6"')


def crm_of_its_own():
    return Sandbox(behaviour=Behaviour(unknown_contact_id="created"), batch_delay_seconds=0.02)


def only_run(run_dir):
    """The id of the run on record; None where it died before it was one."""
    return next(iter(list_runs(run_dir).filter(pl.col("state") != "half_made")["run_id"]), None)


def go_on(nursery, place, contacts, die_at=0):
    """Resumes, or begins anew where nothing was begun; what came of it, None for a process that died."""
    run_id = only_run(place["run_dir"])
    results = place["run_dir"].parent / f"results-{os.urandom(4).hex()}.parquet"
    if run_id is None:
        order = {"do": "push", "contacts": contacts, "options": place["options"]}
    else:
        order = {"do": "resume", "run_id": run_id}
    child = nursery.start(crm=place["crm"], run_dir=place["run_dir"], results=results, die_at=die_at, **order)
    code = child.wait()
    assert code in ((0, -9) if die_at else (0,)), child.said
    return None if code else pl.read_parquet(results)


def until_nothing_is_left(nursery, place, contacts):
    for _ in range(TRIES):
        results = go_on(nursery, place, contacts)
        left = results.filter(
            pl.col("mb_status").is_in(["accepted", "not_sent"]) & pl.col("mb_code").ne_missing("held")
        )
        if left.is_empty():
            return results
    pytest.fail(f"{TRIES} resumes were not enough:\n{left}")


def points(way):
    """All of them, or a seventh."""
    return range(1, MOST_POINTS) if IS_FULL else range(1 + sum(map(ord, way)) % 7, MOST_POINTS, 7)


@pytest.mark.parametrize("via", ["single", "batch"])
@pytest.mark.parametrize("deaths", [1, 2], ids=["one death", "another in the resume"])
def test_a_death_at_any_durable_step_loses_and_doubles_nothing(nursery, tmp_path, via, deaths):
    contacts = tmp_path / "people.parquet"
    few().write_parquet(contacts)
    died = 0
    for point in points(via + str(deaths)):
        with crm_of_its_own() as crm:
            spoil(crm)
            options = {"via": via, "batch_size": 3, "max_concurrency": 2}
            place = {"crm": [crm.base_url, crm.token], "run_dir": tmp_path / f"runs-{point}", "options": options}
            results = go_on(nursery, place, contacts, die_at=point)
            if results is not None:
                break  # it came to its end before that point
            died += 1
            if deaths == 2:
                go_on(nursery, place, contacts, die_at=2 + point % 7)
            results = until_nothing_is_left(nursery, place, contacts)
            crm.wait_for_batches()
            figures = judge(results, crm.applied())
            assert (figures.faults, figures.unsent) == ({}, 0), (point, results.select(NOTES, "^mb_.*$"), crm.applied())
    assert died > (20 if IS_FULL else 1)
