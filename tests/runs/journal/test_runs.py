"""Runs: begun, written, looked at, asked, opened again, purged."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import threading
import time
from collections import defaultdict
from concurrent.futures import wait
from uuid import uuid4

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mbtoolkit.errors import JournalError, MbtoolkitError
from mbtoolkit.runs.journal import Event, Journal, RowSpans, look, purge, request, run_ids
from mbtoolkit.runs.journal.database import open_durably

FRAMES = {"rows": pl.DataFrame({"a": [1, 2]})}

SOME_ID = "0f8b5c1e-6a0e-4f0c-9d57-0c5a3c1f2b7d"


def modes(folder):
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def test_what_was_written_is_read_again(runs_dir, run_id):
    with Journal.create(runs_dir, run_id, {"host": "crm.example.com", "limits": [1, None]}, FRAMES) as journal:
        journal.append("intent", range(1000), '{"try": 1}')
        journal.append("outcome", [5, 3], '"é\\u0000"')
        journal.note(state="running", counts={"succeeded": 3})
        journal.note(state="ended").result()
        expected = [
            Event("intent", RowSpans.of(range(1000)), '{"try": 1}'),
            Event("outcome", RowSpans.of([5, 3]), '"é\\u0000"'),
        ]
        facts = {"state": "ended", "counts": {"succeeded": 3}}
        assert (list(journal.events()), journal.facts()) == (expected, facts)
    with Journal.open(runs_dir, run_id) as journal:
        assert (list(journal.events()), journal.facts()) == (expected, facts)
        assert {**journal.head}["host"] == "crm.example.com"
        assert journal.head["limits"] == [1, None]
    seen = look(runs_dir, run_id)
    assert (list(seen.events()), seen.facts, seen.head, seen.is_held) == (expected, facts, journal.head, False)


def test_folders_and_files_are_closed_to_others_at_every_moment(tmp_path, run_id):
    runs_dir = tmp_path / "new" / "state" / "runs"
    seen = []

    def keep(_word):
        seen.append(modes(runs_dir / run_id))

    before = os.umask(0)
    try:
        with Journal.create(runs_dir, run_id, {}, FRAMES, on_commit=keep) as journal:
            journal.append("sent", [1]).result()
            request(runs_dir, run_id, cancel=True)
            keep("")
    finally:
        os.umask(before)
    keep("")
    assert {mode for each in seen for mode in each.values()} == {0o600}
    assert {"events.sqlite-wal", "events.sqlite-shm", "rows.parquet.part", "head.json.part"} <= {
        *seen[-2],
        *seen[0],
        *seen[4],
    }
    folders = [runs_dir / run_id, runs_dir, runs_dir.parent, runs_dir.parent.parent]
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in folders] == [0o700] * 4


@pytest.mark.parametrize("vfs", [None, "unix-dotfile"], ids=["wal", "rollback"])
def test_commits_are_written_through_to_the_disk(runs_dir, run_id, vfs):
    with Journal.create(runs_dir, run_id, {}, {}, vfs=vfs) as journal:
        journal.append("sent", [1]).result()
        names = modes(runs_dir / run_id)
    file = open_durably(runs_dir / run_id / "events.sqlite", vfs)
    mode = file.execute("PRAGMA journal_mode").fetchone()[0]
    assert (mode, file.execute("PRAGMA synchronous").fetchone()[0]) == ("truncate" if vfs else "wal", 2)
    file.close()
    assert ("events.sqlite-wal" in names) is (vfs is None)
    with Journal.open(runs_dir, run_id, vfs=vfs) as journal:
        assert [event.kind for event in journal.events()] == ["sent"]


def test_files_and_their_names_are_on_the_disk_before_the_run_counts(runs_dir, run_id, monkeypatch):
    synced, at_points = set(), []
    real = os.fsync

    def fsync(handle):
        synced.add(os.fstat(handle).st_ino)
        real(handle)

    def look_round(word):
        folder = runs_dir / run_id
        content = {path.name for path in folder.iterdir() if path.stat().st_ino in synced}
        at_points.append((word, content, folder.stat().st_ino in synced))
        if word == "before":
            synced.discard(folder.stat().st_ino)

    monkeypatch.setattr(os, "fsync", fsync)
    Journal.create(runs_dir, run_id, {}, FRAMES, on_commit=look_round).close()
    assert "rows.parquet.part" in at_points[0][1]
    assert "head.json.part" in at_points[4][1]
    assert [is_synced for word, _, is_synced in at_points if word == "after"] == [True] * 3
    assert runs_dir.stat().st_ino in synced


@pytest.mark.parametrize(
    "run_id",
    [
        "",
        "..",
        "../x",
        "/etc",
        f"{SOME_ID}/..",
        f"{SOME_ID}\n",
        SOME_ID.upper(),
        SOME_ID.replace("-", ""),
        f"{{{SOME_ID}}}",
        None,
        5,
    ],
    ids=["blank", "up", "aside", "root", "id and up", "line end", "capitals", "bare", "braces", "none", "number"],
)
@pytest.mark.parametrize(
    "call",
    [lambda *run: Journal.create(*run, {}, {}), Journal.open, look, purge, request],
    ids=["create", "open", "look", "purge", "request"],
)
def test_an_id_is_a_uuid_in_its_usual_form(tmp_path, call, run_id):
    with pytest.raises(JournalError, match="no id of a run"):
        call(tmp_path, run_id)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("call", [Journal.open, look, purge, request], ids=["open", "look", "purge", "request"])
def test_a_run_that_is_not_there_is_said_to_be_not_there(runs_dir, run_id, call):
    with pytest.raises(JournalError, match="not there"):
        call(runs_dir, run_id)
    assert not runs_dir.exists()


def test_a_run_is_made_once(begun):
    with pytest.raises(JournalError, match=r"can't be made.*exists"):
        Journal.create(*begun, {}, {})
    assert run_ids(begun[0]) == [begun[1]]


@pytest.mark.parametrize(
    "head",
    [{"run_id": "x"}, {"frozen": {}}, {"a": object()}, {"a": float("nan")}, {"a": b""}],
    ids=["own name", "frozen", "object", "nan", "bytes"],
)
def test_a_head_that_can_not_be_kept_is_refused_before_anything_is_made(runs_dir, run_id, head):
    with pytest.raises(JournalError, match="head"):
        Journal.create(runs_dir, run_id, head, {})
    assert not runs_dir.exists()


def test_arguments_that_can_not_be_kept_are_refused_and_harm_nothing(begun):
    with Journal.open(*begun) as journal:
        for call in (
            lambda: journal.append("sent", [-1]),
            lambda: journal.append("sent", [0], "\ud800"),
            lambda: journal.append("sent", [0], {}),
            lambda: journal.append(None, [0]),
            lambda: journal.note(state=object()),
            lambda: request(*begun, cancel=float("nan")),
        ):
            with pytest.raises(JournalError):
                call()
        journal.append("sent", [0]).result()
        assert len(list(journal.events())) == 1


@pytest.mark.slow
def test_one_process_opens_a_run_once(said, begun):
    with Journal.open(*begun) as journal:
        for _ in range(2):
            with pytest.raises(JournalError, match="elsewhere in this one"):
                Journal.open(*begun)
            assert look(*begun).is_held
        assert said("hold", *begun)[0].startswith("refused")  # the lock outlives that somebody here tried to have it
        journal.append("sent", [0]).result()
    assert not look(*begun).is_held
    Journal.open(*begun).close()


@pytest.mark.slow
def test_who_only_looks_keeps_nobody_from_opening(begun):
    stop = threading.Event()

    def watch():
        while not stop.is_set():
            look(*begun)

    watchers = [threading.Thread(target=watch) for _ in range(3)]
    for watcher in watchers:
        watcher.start()
    try:
        for row in range(20):
            with Journal.open(*begun) as journal:
                journal.append("sent", [row]).result()
    finally:
        stop.set()
        for watcher in watchers:
            watcher.join()
    assert [list(event.rows) for event in look(*begun).events()] == [[row] for row in range(20)]


def test_a_close_waits_for_what_is_queued_and_can_be_repeated(begun):
    journal = Journal.open(*begun)
    futures = [journal.append("sent", [row]) for row in range(2_000)]
    journal.close()
    assert all(future.done() and future.exception() is None for future in futures)
    journal.close()
    assert sorted(modes(begun[0] / begun[1])) == ["events.sqlite", "head.json", "owner.sqlite"]
    for future in (journal.append("late", [0]), journal.note(late=True)):
        with pytest.raises(JournalError, match="closed"):
            future.result()
    assert len(list(look(*begun).events())) == 2_000


def test_what_is_on_its_way_can_not_be_called_back(begun):
    with Journal.open(*begun) as journal:
        futures = [journal.append("sent", [row]) for row in range(50)]
        assert not any(future.cancel() for future in futures)
    assert len(list(look(*begun).events())) == 50


@pytest.mark.parametrize("word", ["before", "after"])
def test_after_one_commit_failed_nothing_is_written_any_more(begun, word):
    is_broken = threading.Event()

    def break_at(said):
        if said == word and is_broken.is_set():
            is_broken.clear()
            raise OSError(28, "No space left on device")

    journal = Journal.open(*begun, on_commit=break_at)
    journal.append("sent", [0]).result()
    is_broken.set()
    futures = [journal.append("sent", [row]) for row in range(1, 50)]
    wait(futures)
    futures += [journal.append("later", [0]), journal.note(later=True)]
    journal.close()
    failed = [future.exception() for future in futures]
    assert all(isinstance(error, MbtoolkitError) and isinstance(error, JournalError) for error in failed)
    assert "No space left" in str(failed[0])
    found = [event.rows[0] for event in look(*begun).events()]
    assert found == list(range(len(found)))
    assert "later" not in look(*begun).facts
    with Journal.open(*begun) as journal:
        journal.append("sent", [99]).result()


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(threads=st.lists(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=12), min_size=1, max_size=6))
def test_what_one_thread_appends_keeps_its_order_among_all_others(tmp_path, threads):
    run = tmp_path, str(uuid4())
    with Journal.create(*run, {}, {}) as journal:

        def work(number, steps):
            for at, (row, is_awaited) in enumerate(steps):
                future = journal.append("sent", [number, at, row])
                if is_awaited:
                    future.result()

        workers = [threading.Thread(target=work, args=each) for each in enumerate(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    found = defaultdict(list)
    for event in look(*run).events():
        number, at, row = event.rows
        found[number].append((at, row))
    assert {number: found[number] for number in range(len(threads))} == {
        number: [(at, row) for at, (row, _) in enumerate(steps)] for number, steps in enumerate(threads)
    }


@pytest.mark.slow
def test_a_word_from_another_process_reaches_the_writer_and_costs_it_nothing(scribe, begun):
    process = scribe("storm", *begun)
    lines = [process.stdout.readline() for _ in range(20)]
    for number in range(20):
        request(*begun, **{f"word{number}": number})
    request(*begun, cancel=True)
    lines += process.stdout.readlines()  # `communicate` would lose what was read ahead
    process.wait(60)
    assert lines[-1].strip() == "cancelled"
    seen = look(*begun)
    assert seen.facts == {"cancel": True, **{f"word{number}": number for number in range(20)}}
    assert sum(1 for _ in seen.events()) == len(lines) - 1


@pytest.mark.parametrize("is_wal", [True, False], ids=["wal", "rollback"])
def test_a_reader_that_takes_its_time_does_not_stop_the_writer(begun, is_wal):
    if not is_wal:
        (begun[0] / begun[1] / "events.sqlite-shm").mkdir()
    with Journal.open(*begun) as journal:
        for row in range(10):
            journal.append("sent", [row]).result()
        readers = [look(*begun).events(), journal.events()]
        for reader in readers:
            next(reader)
        begin = time.monotonic()
        journal.append("sent", [10]).result()
        request(*begun, cancel=True)
        assert time.monotonic() - begin < 28  # a writer who is held up gives in after 30
        assert journal.facts() == {"cancel": True}
        assert [len(list(reader)) for reader in readers] == [9, 9]  # those that were there when it began


def test_runs_are_listed_newest_first_and_what_is_no_run_is_passed_over(runs_dir):
    assert run_ids(runs_dir) == []
    made = []
    for _ in range(4):
        made.append(str(uuid4()))
        Journal.create(runs_dir, made[-1], {}, {}).close()
        time.sleep(0.002)
    (runs_dir / "notes").mkdir()
    (runs_dir / "notes" / "head.json").write_text("{}")
    (runs_dir / str(uuid4())).mkdir()
    (runs_dir / str(uuid4())).write_text("a file")
    assert run_ids(runs_dir) == made[::-1]
    (runs_dir / made[1] / "head.json").write_text("no head")
    assert run_ids(runs_dir) == [made[3], made[2], made[0], made[1]]


def edited(run, **words):
    path = run[0] / run[1] / "head.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **words}))


def foreign_log(run):
    other = str(uuid4())
    Journal.create(run[0], other, {}, {}).close()
    shutil.copy(run[0] / other / "events.sqlite", run[0] / run[1] / "events.sqlite")


def sql(line):
    def spoil(run):
        file = sqlite3.connect(run[0] / run[1] / "events.sqlite")
        file.execute(line)
        file.commit()
        file.close()

    return spoil


def written(name, content):
    return lambda run: (run[0] / run[1] / name).write_bytes(content)


DAMAGES = {
    "head edited": (lambda run: edited(run, host="other.example.com"), "head.*was changed"),
    "head of a later version": (lambda run: edited(run, journal_version=3), "version 3, and .* version 2"),
    "head without a version": (written("head.json", b"{}"), "version None"),
    "head no object": (written("head.json", b"[]"), "version None"),
    "head no JSON": (written("head.json", b"\xff{"), "can't be read"),
    "log of another run": (foreign_log, "head.*was changed"),
    "log of a later version": (sql("PRAGMA user_version = 3"), "no log of a run"),
    "log without tables": (sql("DROP TABLE run"), "no such table"),
    "log gone": (lambda run: (run[0] / run[1] / "events.sqlite").unlink(), "unable to open"),
    "log empty": (written("events.sqlite", b""), "no log of a run"),
    "log garbage": (written("events.sqlite", b"no database at all" * 1000), "not a database"),
    "log torn": (written("events.sqlite", b"SQLite format 3\0" + b"\xff" * 8000), "not a database|malformed"),
}


@pytest.mark.parametrize(("spoil", "told"), DAMAGES.values(), ids=DAMAGES)
def test_what_was_changed_or_damaged_is_refused_with_a_reason_and_can_be_purged(begun, spoil, told):
    spoil(begun)
    for call in (Journal.open, look, request):
        with pytest.raises(JournalError, match=f"(?s){told}") as caught:
            call(*begun)
        assert begun[1] in str(caught.value)
        assert "urge" in str(caught.value)
    purge(*begun)
    assert begun[1] not in run_ids(begun[0])
    assert not (begun[0] / begun[1]).exists()


def test_garbage_in_the_log_is_a_journal_error_when_it_is_read(begun):
    with Journal.open(*begun) as journal:
        journal.append("sent", [1]).result()
    sql("UPDATE events SET rows = '1-x'")(begun)
    with pytest.raises(JournalError, match="can't be read"):
        list(look(*begun).events())


def test_a_run_that_is_held_is_not_purged(begun):
    with Journal.open(*begun) as journal:
        with pytest.raises(JournalError, match="being worked on"):
            purge(*begun)
        journal.append("sent", [1]).result()
    purge(*begun)
    assert list(begun[0].iterdir()) == []


def test_a_half_made_run_is_purged_whatever_is_in_it(runs_dir, run_id):
    (runs_dir / run_id / "rows.parquet.part").mkdir(parents=True)
    for name in ("owner.sqlite", "events.sqlite"):
        (runs_dir / run_id / name).write_bytes(b"garbage" * 1000)
    with pytest.raises(JournalError, match="half-made"):
        look(runs_dir, run_id)
    purge(runs_dir, run_id)
    assert list(runs_dir.iterdir()) == []


def test_what_a_run_looks_like_tells_nothing_of_what_is_in_it(runs_dir, run_id):
    with Journal.create(runs_dir, run_id, {"file": "ann@example.com.csv"}, {}) as journal:
        journal.note(last="ann@example.com").result()
        assert "ann" not in repr(journal) + repr(look(runs_dir, run_id))


@pytest.mark.slow
def test_a_thousand_rows_cost_a_few_bytes_on_the_disk(begun):
    with Journal.open(*begun) as journal:
        for batch in range(1_000):
            journal.append("intent", range(batch * 1_000, batch * 1_000 + 1_000))
    assert (begun[0] / begun[1] / "events.sqlite").stat().st_size < 1_000 * 60
