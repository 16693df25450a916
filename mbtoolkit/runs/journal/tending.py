"""What may be done to a run from outside: leave its writer a word, or remove it."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

from mbtoolkit.runs.journal.folder import HEAD_FILE, run_folder
from mbtoolkit.runs.journal.owner import Owner
from mbtoolkit.runs.journal.reading import check_is_there, stored, told


def request(runs_dir: Path, run_id: str, **facts: Any) -> None:
    """Leaves facts for the process that writes the run; it sees them in `Journal.facts()`.

    Args:
        runs_dir: the folder of all runs.
        run_id: of the run.
        facts: such as cancel=True; what was there under the same names is replaced.

    Raises:
        JournalError: there is no such run, it is damaged, or a fact is no JSON.
    """
    folder = run_folder(runs_dir, run_id)
    found = stored(folder)
    with told(folder, "written"):
        found.database.put(facts)


def purge(runs_dir: Path, run_id: str) -> None:
    """Removes a run wholly, also a half-made or a damaged one.

    Args:
        runs_dir: the folder of all runs.
        run_id: of the run.

    Raises:
        JournalError: there is no such run, a process is at it, or the folder can't be removed.
    """
    check_is_there(runs_dir, run_id)
    folder = run_folder(runs_dir, run_id)
    with told(folder, "purged"):
        _disown(folder)
        shutil.rmtree(folder)


def _disown(folder: Path) -> None:
    """Takes the head away under the lock: whoever comes later finds a half-made run, and lets it be."""
    try:
        owner = Owner(folder)
    except sqlite3.DatabaseError:  # a lock that is damaged is held by nobody
        owner = None
    try:
        (folder / HEAD_FILE).unlink(missing_ok=True)
    finally:
        if owner is not None:
            owner.release()
