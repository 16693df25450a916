"""Whose run it is: a lock that the kernel takes back when its process dies, whatever it dies of.

An exclusive transaction on an empty SQLite file, never committed. It excludes other openers in this process too, and
works wherever SQLite does. Whoever only asks takes a shared lock for a moment, which the holder does not notice.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from mbtoolkit.errors import JournalError
from mbtoolkit.runs.journal.folder import OWNER_FILE, make_file

_ASKED_SECONDS: Final = 0.3
"""How long an opener waits for processes that only ask; none of them takes longer than a millisecond."""


_NO_LOCKS: Final = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


def _lacks_locks(folder: Path) -> bool:
    """Whether the disk has no file locks, of which SQLite says only that the file is locked."""
    if os.name == "nt":
        return False
    import fcntl  # noqa: PLC0415 - Windows has none

    try:
        # A file of its own: closing one that SQLite has open would drop SQLite's locks.
        with tempfile.TemporaryFile(dir=folder) as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in _NO_LOCKS
    return False


def _connected(folder: Path, timeout_seconds: float) -> sqlite3.Connection:
    address = (folder / OWNER_FILE).absolute().as_uri() + "?mode=rw"
    return sqlite3.connect(address, uri=True, timeout=timeout_seconds, isolation_level=None, check_same_thread=False)


def is_held(folder: Path) -> bool:
    """Whether a process is at a run.

    Raises:
        sqlite3.Error: it can't be known.
    """
    if not (folder / OWNER_FILE).exists():
        return False
    with closing(_connected(folder, 0.0)) as file:
        try:
            file.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            return True
        return False


class Owner:
    """The lock of a run, held from here on until it is released or the process ends.

    Args:
        folder: the run's.

    Raises:
        JournalError: a process has it, also this one; or the disk has no locks.
        OSError, sqlite3.Error: it can't be had at all.
    """

    def __init__(self, folder: Path) -> None:
        with suppress(FileExistsError):
            make_file(folder / OWNER_FILE)
        self._file = _connected(folder, _ASKED_SECONDS)
        try:
            self._file.execute("PRAGMA journal_mode = MEMORY")  # no second file
            self._file.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            self._file.close()
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            if _lacks_locks(folder):
                message = (
                    f"The disk of {folder} has no file locks, so nobody can know whether a process works on the run. "
                    "Keep the runs on a disk that has them, such as a local one."
                )
            else:
                message = (
                    f"The run {folder.name} is being worked on by another process, or elsewhere in this one. "
                    "Wait until it ends, or ask it to stop."
                )
            raise JournalError(message) from None
        except BaseException:
            self._file.close()
            raise

    def release(self) -> None:
        """Lets others have the run."""
        self._file.close()
