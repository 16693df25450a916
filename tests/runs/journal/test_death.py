"""What is there when the process that wrote it was killed, the disk was full or the power was lost."""

from __future__ import annotations

import importlib.util
import os
import platform
import random
import signal
import sys
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from mbtoolkit.errors import JournalError
from mbtoolkit.runs.journal import Journal, look, purge, run_ids

pytestmark = pytest.mark.slow

_spec = importlib.util.spec_from_file_location("scribe", Path(__file__).with_name("scribe.py"))
scribe_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(scribe_module)
FRAMES, HEAD, POINTS, STEPS = (getattr(scribe_module, name) for name in ("FRAMES", "HEAD", "POINTS", "STEPS"))
PREVENTIONS = ["can't write", "can't open"]
SCRIPT = [*(("intent", list(range(step * 10, step * 10 + 10))) for step in range(STEPS)), ("outcome", [7])]


def no_write_ahead(run, prevent):
    """Takes the shared memory away that a write-ahead log needs, as some network disks do."""
    shared = run[0] / run[1] / "events.sqlite-shm"
    if prevent:
        shared.unlink(missing_ok=True)
    if prevent == "can't write":
        shared.mkdir()
    elif prevent == "can't open":
        shared.symlink_to("nowhere/at-all")


def events_of(journal):
    return [(event.kind, list(event.rows)) for event in journal.events()]


def test_the_script_comes_to_all_its_points(said, runs_dir, run_id):
    assert said("script", runs_dir, run_id, 0)[-1] == f"points {POINTS}"


@pytest.mark.parametrize("point", range(1, POINTS + 1))
def test_killed_at_any_point_all_that_was_said_to_be_kept_is_there_and_nothing_is_half(said, runs_dir, run_id, point):
    lines = said("script", runs_dir, run_id, point)
    events, facts = lines.count("event"), lines.count("fact")
    assert not lines or not lines[-1].startswith("points")
    if not run_ids(runs_dir):
        assert "created" not in lines
        with pytest.raises(JournalError, match=r"half-made.* Purge it"):
            Journal.open(runs_dir, run_id)
        purge(runs_dir, run_id)
        assert list(runs_dir.iterdir()) == []
        return
    with Journal.open(runs_dir, run_id) as journal:
        found = events_of(journal)
        assert found == SCRIPT[: len(found)]
        assert events <= len(found) <= events + 1
        assert journal.facts().get("step", -1) in (facts - 1, facts)
        assert journal.head["host"] == HEAD["host"]
        assert all(journal.frame(name).equals(frame) for name, frame in FRAMES.items())
        journal.append("more", [1]).result()
    assert events_of(look(runs_dir, run_id)) == [*found, ("more", [1])]


@pytest.mark.parametrize("prevent", [None, *PREVENTIONS], ids=["wal", *PREVENTIONS])
def test_killed_at_random_all_that_was_said_to_be_kept_is_there_in_order(scribe, begun, prevent):
    no_write_ahead(begun, prevent)
    kept = defaultdict(int)
    for _ in range(4):
        process = scribe("storm", *begun)
        first = process.stdout.readline()
        time.sleep(random.uniform(0.0, 0.2))
        process.kill()
        for line in [first, *process.stdout.readlines()]:  # `communicate` would lose what was read ahead
            if line.count(" ") == 1:
                kept[int(line.split()[0])] += 1
        process.wait(60)
        with Journal.open(*begun) as journal:
            found = [list(event.rows) for event in journal.events()]
            journal.append("reopened", []).result()
        by_thread = defaultdict(list)
        for rows in found:
            if rows:
                by_thread[rows[0]].append(rows[1])
        for thread, numbers in by_thread.items():
            assert sum(number == 0 for number in numbers) <= 4
            assert all(b in (a + 1, 0) for a, b in pairwise(numbers))
            assert kept[thread] <= len(numbers)
    assert sum(kept.values()) > 0


def test_a_log_cut_anywhere_opens_with_all_that_came_before_the_cut(said, begun):
    said("log", *begun, 20)
    wal = begun[0] / begun[1] / "events.sqlite-wal"
    assert wal.stat().st_size > 20 * 4096
    with wal.open("rb+") as file:
        file.truncate(wal.stat().st_size - 100)
    with Journal.open(*begun) as journal:
        assert events_of(journal) == [("sent", [row]) for row in range(19)]
        journal.append("sent", [19]).result()
        assert len(events_of(journal)) == 20


@pytest.mark.parametrize(
    ("at", "garbage", "kept"),
    [(-60, b"\xa5" * 60, 19), (-4120, b"\0" * 4120, 19), (0, b"\xa5" * 5000, 20), (-4120 * 3 - 50, b"\xa5" * 50, 16)],
    ids=["in the last frame", "zeros for the last frame", "after the end", "in the middle"],
)
def test_garbage_at_the_end_of_the_log_costs_nothing_that_came_before_it(said, begun, at, garbage, kept):
    said("log", *begun, 20)
    with (begun[0] / begun[1] / "events.sqlite-wal").open("rb+") as file:
        file.seek(at, os.SEEK_END)
        file.write(garbage)
    with Journal.open(*begun) as journal:
        assert events_of(journal) == [("sent", [row]) for row in range(kept)]


@pytest.mark.parametrize("limit", [30_000, 300_000])
def test_a_full_disk_fails_all_that_comes_after_it_and_costs_nothing_that_came_before(said, begun, limit):
    kept, refused, *later = said("full", *begun, limit)
    assert refused.startswith("refused The journal of run")
    assert "disk" in refused
    assert later == ["later JournalError", "later JournalError", "after JournalError"]
    with Journal.open(*begun) as journal:
        found = events_of(journal)
        assert found == [("sent", [row]) for row in range(len(found))]
        assert len(found) - int(kept.split()[1]) in (0, 1)  # a commit that failed may still have reached the disk
        assert "later" not in journal.facts()
    assert int(kept.split()[1]) > 3


@pytest.mark.parametrize("limit", [100, 600, 3_000, 6_000])
def test_a_run_that_finds_no_room_to_begin_leaves_nothing(said, runs_dir, run_id, limit):
    (refused,) = said("no_room", runs_dir, run_id, limit)
    assert refused.startswith(("refused The run", "refused The frame"))
    assert list(runs_dir.iterdir()) == []


@pytest.mark.parametrize("prevent", PREVENTIONS)
def test_where_no_write_ahead_log_can_be_the_log_of_a_killed_run_is_read_all_the_same(said, begun, prevent):
    said("log", *begun, 20)
    no_write_ahead(begun, prevent)
    with Journal.open(*begun) as journal:
        assert len(events_of(journal)) == 20
        assert not (begun[0] / begun[1] / "events.sqlite-wal").exists()


WITHOUT_LOCKS = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in scribe_module.FCNTL, reason="no filter for this machine"
)


@WITHOUT_LOCKS
def test_a_disk_without_locks_is_said_to_have_none_and_nothing_is_left_on_it(said, runs_dir, run_id):
    (refused,) = said("no_locks", runs_dir, run_id)
    assert "has no file locks" in refused
    assert "worked on" not in refused
    assert list(runs_dir.iterdir()) == []


@WITHOUT_LOCKS
def test_a_run_on_a_disk_that_has_no_locks_any_more_is_not_said_to_be_worked_on(said, begun):
    (refused,) = said("no_locks", *begun)
    assert "has no file locks" in refused
    assert "worked on" not in refused
    assert sorted(path.name for path in (begun[0] / begun[1]).iterdir()) == [
        "events.sqlite",
        "head.json",
        "owner.sqlite",
    ]


def test_who_is_at_a_run_is_seen_from_outside_until_it_is_killed(scribe, said, begun):
    process = scribe("hold", *begun)
    assert process.stdout.readline() == "held\n"
    for _ in range(3):
        assert look(*begun).is_held
        (refused,) = said("hold", *begun)
        assert "being worked on" in refused
        with pytest.raises(JournalError, match="being worked on"):
            Journal.open(*begun)
        with pytest.raises(JournalError, match="being worked on"):
            purge(*begun)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not look(*begun).is_held
    with Journal.open(*begun):
        assert look(*begun).is_held
    assert not look(*begun).is_held


def test_a_process_that_was_forked_off_can_not_write_and_does_no_harm(said, begun):
    assert said("fork", *begun) == ["child JournalError", "parent"]
    assert events_of(look(*begun)) == [("parent", [0])]
