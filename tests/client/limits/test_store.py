"""The file that processes share."""

from __future__ import annotations

import os
import pwd
import sqlite3
import time
from pathlib import Path

import pytest

from mbtoolkit.client import Secret
from mbtoolkit.client.limits import History
from mbtoolkit.client.limits.clock import Moment, Timer
from mbtoolkit.client.limits.store import Store, history_file, state_dir

LOST = History(pause=Timer(Moment(1.0, 1.0), 10.0))


def kept(path):
    store = Store(path, lambda: LOST)
    try:
        return store.change(lambda history: History.from_text(history.to_text()))
    finally:
        store.close()


def write(path, days):
    store = Store(path, lambda: LOST)
    store.change(lambda history: history.days.update(days))
    store.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "limits" / "budget.sqlite"


def test_what_one_wrote_the_other_reads(path):
    assert kept(path) == History()
    write(path, {"2025-06-15": 3})
    assert kept(path).days == {"2025-06-15": 3}


def test_a_change_that_fails_changes_nothing(path):
    write(path, {"2025-06-15": 3})
    store = Store(path, lambda: LOST)

    def fail(history):
        history.days.clear()
        raise KeyError

    with pytest.raises(KeyError):
        store.change(fail)
    store.close()
    assert kept(path).days == {"2025-06-15": 3}


@pytest.mark.parametrize(
    "spoil", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 4096], ids=["text", "torn"]
)
def test_a_file_that_can_not_be_read_any_more_counts_as_a_full_window(path, spoil):
    path.parent.mkdir()
    path.write_bytes(spoil)
    assert kept(path) == LOST
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_text_of_another_version_counts_as_a_full_window(path):
    write(path, {})
    file = sqlite3.connect(path)
    with file:
        file.execute("UPDATE history SET text = '{\"version\": 99}'")
    file.close()
    assert kept(path) == LOST


def test_what_tokens_of_last_week_left_is_removed(path):
    write(path, {})
    old, recent = path.with_name("old.sqlite"), path.with_name("recent.sqlite")
    for file, days in ((old, 9), (recent, 7)):
        file.touch()
        os.utime(file, (time.time() - days * 86_400,) * 2)
    kept(path)
    assert (old.exists(), recent.exists(), path.exists()) == (False, True, True)


def test_memory_is_seen_by_nobody_else():
    write(None, {"2025-06-15": 3})
    assert kept(None) == History()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"MBTOOLKIT_STATE_DIR": "/a/b"}, "/a/b"),
        ({"MBTOOLKIT_STATE_DIR": "", "XDG_STATE_HOME": "/x"}, "/x/mbtoolkit"),
        ({"XDG_STATE_HOME": "", "HOME": "/home/ann"}, "/home/ann/.local/state/mbtoolkit"),
        ({"XDG_STATE_HOME": "here/and/there", "HOME": "/home/ann"}, "/home/ann/.local/state/mbtoolkit"),
        ({"MBTOOLKIT_STATE_DIR": "~/x", "HOME": "/home/ann"}, "/home/ann/x"),
        ({"HOME": ""}, "{home}/.local/state/mbtoolkit"),
        ({"HOME": "here"}, "{home}/.local/state/mbtoolkit"),
        ({"HOME": None}, "{home}/.local/state/mbtoolkit"),
        ({"MBTOOLKIT_STATE_DIR": "~/x", "HOME": ""}, "{home}/x"),
        ({"MBTOOLKIT_STATE_DIR": "~", "HOME": ""}, "{home}"),
    ],
    ids=str,
)
def test_the_folder_is_the_one_that_was_named_or_the_users(monkeypatch, environment, expected):
    """`{home}` is the one that the system knows: a HOME that is empty or no whole path says nothing."""
    for name, value in {"MBTOOLKIT_STATE_DIR": None, "XDG_STATE_HOME": None, **environment}.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert state_dir() == Path(expected.format(home=pwd.getpwuid(os.getuid()).pw_dir))
    assert state_dir("/chosen") == Path("/chosen")


def test_the_files_name_is_the_same_for_the_same_token_only():
    names = [history_file(Path("/s"), Secret(token)) for token in ("one", "one", "two")]
    assert names[0] == names[1] != names[2]
