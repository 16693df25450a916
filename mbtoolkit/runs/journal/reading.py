"""Looking at runs: who looks takes no lock that anybody would notice, and may do so while a process writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from mbtoolkit.errors import JournalError
from mbtoolkit.runs.journal.database import Database
from mbtoolkit.runs.journal.events import Event
from mbtoolkit.runs.journal.folder import EVENTS_FILE, HEAD_FILE, is_run_id, run_folder
from mbtoolkit.runs.journal.frozen import frozen_file, thaw
from mbtoolkit.runs.journal.head import read_head
from mbtoolkit.runs.journal.owner import is_held


@contextmanager
def told(folder: Path, doing: str) -> Iterator[None]:
    """Turns what a disk or SQLite says into an error that says where it was and what to do.

    Args:
        folder: the run's.
        doing: what could not be done then, such as "read".

    Raises:
        JournalError: the disk or SQLite said something.
    """
    try:
        yield
    except (OSError, sqlite3.Error, ValueError, OverflowError) as error:
        why = f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}"
        message = (
            f"The run {folder} can't be {doing} ({why}). See to the disk and to whose files these are; "
            "if they are damaged, restore the folder or purge the run."
        )
        raise JournalError(message) from error


@dataclass(frozen=True, slots=True)
class Stored:
    """What is in a run's folder: the same to whoever writes it and to whoever looks.

    Attributes:
        folder: the run's.
        head: what never changes about it.
        database: its log and facts.
    """

    folder: Path
    head: Mapping[str, Any]
    database: Database

    def frame(self, name: str) -> pl.DataFrame:
        """A frozen frame.

        Raises:
            JournalError: there is none of that name, or its file was changed.
        """
        frozen = self.head["frozen"]
        if name not in frozen:
            message = f"The run {self.folder.name} has no frozen frame {name!r}; it has {', '.join(frozen) or 'none'}."
            raise JournalError(message)
        with told(self.folder, "read"):
            return thaw(frozen_file(self.folder, name), frozen[name])

    def events(self) -> Iterator[Event]:
        """The events so far, in the order of their commits.

        Raises:
            JournalError: the log can't be read.
        """
        with told(self.folder, "read"):  # what a caller raises between two events does not come in here
            yield from self.database.events()

    def facts(self) -> dict[str, Any]:
        """The facts as they are now.

        Raises:
            JournalError: they can't be read.
        """
        with told(self.folder, "read"):
            return self.database.facts()


def stored(folder: Path, vfs: str | None = None) -> Stored:
    """What is in a run's folder, if it is whole and belongs together.

    Raises:
        JournalError: it is not.
    """
    head, digest = read_head(folder)
    database = Database(folder / EVENTS_FILE, vfs)
    with told(folder, "read"):
        database.check(digest)
    return Stored(folder, head, database)


@dataclass(frozen=True, slots=True)
class Look:
    """A run as it was when it was looked at.

    Attributes:
        run_id: its id.
        is_held: whether a process was at it.
        head: what never changes about it.
        facts: what was noted.
    """

    run_id: str
    is_held: bool
    head: Mapping[str, Any] = field(repr=False)
    facts: Mapping[str, Any] = field(repr=False)
    _stored: Stored = field(repr=False)

    def events(self) -> Iterator[Event]:
        """The events so far, in the order of their commits.

        Raises:
            JournalError: the log can't be read.
        """
        return self._stored.events()

    def frame(self, name: str) -> pl.DataFrame:
        """A frozen frame.

        Raises:
            JournalError: there is none of that name, or its file was changed.
        """
        return self._stored.frame(name)


def look(runs_dir: Path, run_id: str) -> Look:
    """Looks at a run, which another process may be writing.

    Args:
        runs_dir: the folder of all runs.
        run_id: of the run.

    Raises:
        JournalError: there is no such run, it is half-made, or it is damaged.
    """
    folder = run_folder(runs_dir, run_id)
    found = stored(folder)
    with told(folder, "read"):
        held = is_held(folder)
    return Look(run_id=run_id, head=found.head, facts=found.facts(), is_held=held, _stored=found)


def run_ids(runs_dir: Path) -> list[str]:
    """The ids of all whole runs, the newest first; what is no run's folder is passed over.

    Args:
        runs_dir: the folder of all runs; it may be missing.

    Raises:
        JournalError: the folder can't be read.
    """
    folder = Path(runs_dir)
    with told(folder, "listed"):
        ids = [each.name for each in _folders(folder) if (each / HEAD_FILE).is_file()]
    return sorted(ids, key=lambda run_id: (_created_at(folder / run_id), run_id), reverse=True)


def half_made(runs_dir: Path) -> dict[str, float]:
    """What never became a run, since the process died that was making it; and what was purged only in part.

    Args:
        runs_dir: the folder of all runs; it may be missing.

    Returns:
        The ids, and when each was last changed, in seconds since 1970. What a process is making now is not among them.

    Raises:
        JournalError: the folder can't be read.
    """
    with told(runs_dir, "listed"):
        return {
            each.name: at
            for each in _folders(Path(runs_dir))
            if not each.is_symlink()
            and not _is_worked_on(each)
            and not (each / HEAD_FILE).is_file()
            and (at := changed_at(each)) is not None
        }


def changed_at(folder: Path) -> float | None:
    """When a folder or what is in it was last changed, in seconds since 1970; None where it is gone."""
    try:
        return max(each.stat().st_mtime for each in (folder, *folder.iterdir()))
    except OSError:
        return None


def _folders(runs_dir: Path) -> list[Path]:
    """The folders in it that are named like runs."""
    if not runs_dir.exists():
        return []
    return [each for each in runs_dir.iterdir() if is_run_id(each.name) and each.is_dir()]


def _is_worked_on(folder: Path) -> bool:
    try:
        return is_held(folder)
    except sqlite3.Error:  # a lock that is damaged is held by nobody
        return False


def check_is_there(runs_dir: Path, run_id: str) -> None:
    """Refuses the id of a run of which there is nothing, not even what can't be read.

    Raises:
        JournalError: there is nothing, or it is no id.
    """
    folder = run_folder(runs_dir, run_id)
    if folder.is_symlink() or not folder.is_dir():
        message = f"The run {folder} is not there. list_runs() and `mbtoolkit runs` list those that are."
        raise JournalError(message)


def _created_at(folder: Path) -> float:
    try:
        return float(read_head(folder)[0]["created_at"])
    except (JournalError, KeyError, TypeError, ValueError):
        return 0.0  # a damaged run is listed too, or nobody would purge it
