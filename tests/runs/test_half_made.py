"""A push that died while its run was being made: it holds people, so it is listed, can be purged, and is not kept."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from uuid import uuid4

import pytest

from mbtoolkit import Run, SendOptions, list_runs, upsert_contacts
from mbtoolkit.errors import JournalError
from mbtoolkit.runs import RUNS
from mbtoolkit.runs.journal.owner import Owner

DYING = """
import os, signal, sys
import polars as pl
from pathlib import Path
from mbtoolkit.runs.journal import Journal

def die(word):
    if word == "after":
        os.kill(os.getpid(), getattr(signal, sys.argv[4]))

Journal.create(Path(sys.argv[1]), sys.argv[2], {}, {"contacts": pl.read_parquet(sys.argv[3])}, on_commit=die)
"""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def dying(people, folder, tmp_path):
    """Makes a run in a process that ends by a signal when the contacts are on the disk; the id of what it made."""
    people.write_parquet(tmp_path / "people.parquet")

    def make(number="SIGKILL"):
        run_id = str(uuid4())
        words = [folder, run_id, tmp_path / "people.parquet", number]
        done = subprocess.run([sys.executable, "-c", DYING, *words], check=False, stderr=subprocess.PIPE)
        assert done.returncode in (-9, -2, 1), done.stderr
        return run_id

    return make


def aged(folder, hours):
    """Makes a folder and all in it so old."""
    then = time.time() - hours * 3600
    for path in (*folder.iterdir(), folder):
        os.utime(path, (then, then))


@pytest.mark.slow
def test_a_run_that_was_killed_while_it_was_made_is_listed_as_such_and_can_be_purged(dying, folder):
    run_id = dying()
    assert (folder / run_id / "contacts.parquet").exists()
    listed = list_runs(folder)
    assert dict(listed.schema) == RUNS
    assert listed.select("run_id", "state", "rows", "succeeded", "ended_at").rows() == [
        (run_id, "half_made", None, None, None)
    ]
    run = Run.open(run_id, folder)
    for look in (lambda: run.status, lambda: run.results, run.cancel):
        with pytest.raises(JournalError, match=r"half-made.*nothing of it was sent\. Purge it"):
            look()
    run.purge()
    assert list(folder.iterdir()) == []
    assert list_runs(folder).is_empty()


@pytest.mark.slow
def test_a_run_that_was_interrupted_while_it_was_made_leaves_nothing(dying, folder):
    dying("SIGINT")
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_half_made_runs_stand_among_the_others_the_newest_first(dying, client, people, folder):
    first = upsert_contacts(people, client, options=SendOptions(run_dir=folder))["mb_run_id"][0]
    half = dying()
    last = upsert_contacts(people, client, options=SendOptions(run_dir=folder))["mb_run_id"][0]
    assert list_runs(folder).select("run_id", "state").rows() == [(last, "done"), (half, "half_made"), (first, "done")]


@pytest.mark.slow
def test_the_next_run_removes_what_has_been_half_made_for_a_day(dying, client, people, folder):
    old, recent = dying(), dying()
    aged(folder / old, 25)
    aged(folder / recent, 23)
    upsert_contacts(people, client, options=SendOptions(run_dir=folder))
    assert not (folder / old).exists()
    assert (folder / recent / "contacts.parquet").exists()


@pytest.mark.slow
def test_what_a_process_is_making_is_neither_listed_nor_removed(dying, client, people, folder):
    run_id = dying()
    aged(folder / run_id, 100)
    owner = Owner(folder / run_id)
    try:
        assert list_runs(folder).is_empty()
        upsert_contacts(people, client, options=SendOptions(run_dir=folder))
        assert (folder / run_id / "contacts.parquet").exists()
        with pytest.raises(JournalError, match="being worked on"):
            Run.open(run_id, folder).purge()
    finally:
        owner.release()
    aged(folder / run_id, 100)
    upsert_contacts(people, client, options=SendOptions(run_dir=folder))
    assert not (folder / run_id).exists()


def test_a_record_that_can_not_be_read_is_listed_and_can_be_purged(client, people, folder):
    run_id = upsert_contacts(people, client, options=SendOptions(run_dir=folder))["mb_run_id"][0]
    (folder / run_id / "head.json").write_text("no head")
    assert list_runs(folder).select("run_id", "state", "rows").rows() == [(run_id, "unreadable", None)]
    run = Run.open(run_id, folder)
    with pytest.raises(JournalError, match="can't be read"):
        _ = run.results
    run.purge()
    assert list(folder.iterdir()) == []


def test_what_is_no_run_is_neither_listed_nor_removed(client, people, folder):
    folder.mkdir()
    (folder / "notes").mkdir()
    (folder / str(uuid4())).write_text("a file")
    (folder / str(uuid4())).symlink_to(folder / "notes")
    for path in folder.iterdir():
        os.utime(path, (0, 0), follow_symlinks=False)
    before = sorted(folder.iterdir())
    run_id = upsert_contacts(people, client, options=SendOptions(run_dir=folder))["mb_run_id"][0]
    assert sorted(path for path in folder.iterdir() if path.name != run_id) == before
    assert list_runs(folder)["run_id"].to_list() == [run_id]


@pytest.mark.slow
def test_the_shell_lists_half_made_runs_and_purges_them(dying, folder):
    def shell(*words):
        command = [sys.executable, "-m", "mbtoolkit", "runs", *words, "--run-dir", str(folder)]
        return subprocess.run(command, check=False, capture_output=True, text=True)

    run_id = dying()
    listed = shell()
    assert listed.returncode == 0, listed.stderr
    assert f"{run_id}  half_made" in listed.stdout
    assert f"mbtoolkit runs --purge {run_id} --run-dir" in listed.stdout
    assert max(map(len, listed.stdout.replace(str(folder), "").splitlines())) <= 80
    assert shell("--purge", run_id).returncode == 0
    assert list(folder.iterdir()) == []
