"""What is sent is what was planned, whatever becomes of the file it came from; and an edited record is refused."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import polars as pl
import pytest
from oracle import NOTES, applied_rows

from mbtoolkit import Client, Run, SendOptions, list_runs, read_contacts, upsert_contacts
from mbtoolkit.errors import FrameError, JournalError, SettingsError
from mbtoolkit.sandbox import Sandbox

pytestmark = pytest.mark.slow

ROWS = 60


def frame(first=0):
    return pl.DataFrame(
        {
            "email": [f"p{number}@example.com" for number in range(ROWS)],
            NOTES: [f"row {first + number}" for number in range(ROWS)],
        }
    )


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "people.csv"
    frame().write_csv(path)
    return path


@pytest.fixture
def stopped(crm, client, source, run_dir):
    """The id of a run that was stopped in the middle."""
    stop = threading.Event()

    def look(progress):
        if progress.done >= 10:
            stop.set()

    crm.fail("delay", seconds=0.1, times=None)
    upsert_contacts(
        read_contacts(source), client, options=SendOptions(run_dir=run_dir, max_concurrency=5), stop=stop, progress=look
    )
    crm.clear_faults()
    assert 10 <= crm.applied().height < ROWS
    return list_runs(run_dir)["run_id"].item()


def shell(crm, *words):
    return subprocess.Popen(
        [sys.executable, "-m", "mbtoolkit", "push", *map(str, words), "--no-progress"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "MBTOOLKIT_BASE_URL": crm.base_url, "MBTOOLKIT_TOKEN": crm.token},
    )


def test_a_file_that_is_rewritten_during_the_push_changes_nothing_that_is_sent(crm, source, run_dir):
    crm.fail("delay", seconds=0.1, times=None)
    process = shell(crm, source, "--run-dir", run_dir)
    while crm.requests().height < 5:
        assert process.poll() is None, process.communicate()
    frame(first=1000).write_csv(source)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert sorted(applied_rows(crm.applied())) == list(range(ROWS))


def test_a_file_that_is_rewritten_before_the_resume_changes_nothing_that_is_sent(crm, client, source, stopped, run_dir):
    frame(first=1000).write_csv(source)
    results = Run.open(stopped, run_dir).resume(client, progress=False)
    assert (results["mb_status"] == "succeeded").all()
    assert sorted(applied_rows(crm.applied())) == list(range(ROWS))


@pytest.mark.parametrize("change", ["a value", "a row more", "a row less", "the order"])
def test_a_changed_file_is_refused_where_it_is_shown_to_the_resume(crm, client, source, stopped, run_dir, change):
    before = crm.requests().height
    changed = {
        "a value": frame().with_columns(
            pl.when(pl.col("email") == "p59@example.com").then(pl.lit("row 7")).otherwise(pl.col(NOTES)).alias(NOTES)
        ),
        "a row more": pl.concat([frame(), frame()[:1]]),
        "a row less": frame()[:-1],
        "the order": frame().reverse(),
    }[change]
    changed.write_csv(source)
    with pytest.raises(FrameError, match="not the frame that the run was made of"):
        Run.open(stopped, run_dir).resume(client, contacts=read_contacts(source), progress=False)
    if change == "a value":
        process = shell(crm, source, "--resume", stopped, "--run-dir", run_dir)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 2, err
        assert "not the frame that the run was made of" in err
    assert crm.requests().height == before
    frame().write_csv(source)
    results = Run.open(stopped, run_dir).resume(client, contacts=read_contacts(source), progress=False)
    assert (results["mb_status"] == "succeeded").all()


def test_another_crm_and_another_account_are_refused_and_a_newer_token_is_believed_if_it_is_said(crm, stopped, run_dir):
    run = Run.open(stopped, run_dir)
    with Sandbox(token=crm.token) as other, other.client() as client:
        with pytest.raises(SettingsError, match=re.escape(crm.base_url)):
            run.resume(client, progress=False)
        assert other.requests().is_empty()
    login = {name: getattr(crm.credentials, name) for name in ("user_name", "password", "private_token")}
    before = crm.requests().height
    with Client(crm.base_url, token_url=f"{crm.base_url}/token", **login) as client:
        with pytest.raises(SettingsError, match="same_account=True"):
            run.resume(client, progress=False)
        assert crm.requests().height == before
        results = run.resume(client, same_account=True, progress=False)
    assert (results["mb_status"] == "succeeded").all()
    assert sorted(applied_rows(crm.applied())) == list(range(ROWS))


def edit_database(folder, statement):
    with closing(sqlite3.connect(folder / "events.sqlite")) as file, file:
        file.execute(statement)


def edit_head(folder, **changes):
    path = folder / "head.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def append_to(path):
    path.write_bytes(path.read_bytes() + b" ")


EDITS = {
    "another address": (lambda folder: edit_head(folder, base_url="http://127.0.0.1:9"), "changed|belong"),
    "another version": (lambda folder: edit_head(folder, journal_version=99), "version 99, .* reads version 2"),
    "a log of another version": (lambda folder: edit_database(folder, "PRAGMA user_version = 99"), "version"),
    "payloads": (lambda folder: append_to(folder / "outgoing.parquet"), "outgoing.parquet was changed"),
    "contacts": (lambda folder: frame().write_parquet(folder / "contacts.parquet"), "contacts.parquet was changed"),
    "no payloads": (lambda folder: (folder / "outgoing.parquet").unlink(), "outgoing.parquet can't be read"),
    "no log": (lambda folder: (folder / "events.sqlite").unlink(), "can't be"),
    "a log of another run": (
        lambda folder: edit_database(folder, "UPDATE run SET head_sha256 = 'another'"),
        "changed|belong",
    ),
    "a log that is none": (lambda folder: (folder / "events.sqlite").write_bytes(b"hello" * 1000), "damaged|not a"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_record_is_refused_with_a_text_that_says_so(crm, client, stopped, run_dir, edit):
    change, told = EDITS[edit]
    before = crm.requests().height
    change(run_dir / stopped)
    with pytest.raises(JournalError, match=told) as caught:
        Run.open(stopped, run_dir).resume(client, progress=False)
    assert re.search("purge|Purge|Go on with", str(caught.value))
    assert crm.requests().height == before
