"""The log and the facts in SQLite: how the file is opened, and how it is read without being in a writer's way.

A reader takes the log in pages and holds no transaction between them: where WAL can't be had, a reader's transaction
would stop the writer.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mbtoolkit.errors import JournalError
from mbtoolkit.runs.journal.events import Event, RowSpans
from mbtoolkit.runs.journal.folder import make_file

VERSION: Final = 2
BUSY_SECONDS: Final = 30.0
"""How long to wait for another process; none holds the file for longer than some milliseconds."""

_PAGE: Final = 5_000
_KIND: Final = 0x6D626A31  # "mbj1", in the file's header
_NO_WAL: Final = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY)
_TABLES: Final = (
    "CREATE TABLE run (head_sha256 TEXT NOT NULL)",
    "CREATE TABLE events (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, rows TEXT NOT NULL, data TEXT NOT NULL)",
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    f"PRAGMA application_id = {_KIND}",
    f"PRAGMA user_version = {VERSION}",
)
ADD_EVENT: Final = "INSERT INTO events (kind, rows, data) VALUES (?, ?, ?)"
PUT_FACT: Final = "REPLACE INTO facts (name, value) VALUES (?, ?)"


def fact_rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Facts as the table takes them.

    Raises:
        JournalError: one of them is no JSON.
    """
    try:
        return [(name, json.dumps(value, allow_nan=False)) for name, value in facts.items()]
    except (TypeError, ValueError, RecursionError):
        message = "A fact must be JSON: text, numbers, true, false, null, lists, objects; no NaN."
        raise JournalError(message) from None


def connect(path: Path, vfs: str | None = None) -> sqlite3.Connection:
    """A connection to a file that is there.

    Raises:
        sqlite3.Error: it is not there, or can't be opened.
    """
    address = path.absolute().as_uri() + "?mode=rw" + (f"&vfs={vfs}" if vfs else "")
    return sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def make_database(path: Path, head_sha256: str, vfs: str | None = None) -> sqlite3.Connection:
    """Makes the file with its tables, and a connection that writes durably; the tables are durable too.

    Raises:
        OSError, sqlite3.Error: it can't be made.
    """
    make_file(path)
    file = open_durably(path, vfs)
    try:
        file.execute("BEGIN IMMEDIATE")
        for line in _TABLES:
            file.execute(line)
        file.execute("INSERT INTO run VALUES (?)", (head_sha256,))
        file.execute("COMMIT")
    except BaseException:
        file.close()
        raise
    return file


def open_durably(path: Path, vfs: str | None = None) -> sqlite3.Connection:
    """A connection whose commits are durable: with a write-ahead log, or a rollback journal where there can be none.

    Raises:
        sqlite3.Error: it can't be opened or read.
    """
    file = connect(path, vfs)
    try:
        if not _has_write_ahead(file):
            file.close()
            file = connect(path, vfs)
            _take_rollback(file)
        file.execute("PRAGMA synchronous = FULL")
        file.execute("PRAGMA fullfsync = ON")  # without it macOS leaves it in the disk's own cache
    except BaseException:
        file.close()
        raise
    return file


def _has_write_ahead(file: sqlite3.Connection) -> bool:
    try:
        mode = file.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        file.execute("BEGIN IMMEDIATE")  # some disks let it be read, and fail only when it is to be written
        file.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in _NO_WAL:
            raise
        return False
    return bool(mode == "wal")


def _take_rollback(file: sqlite3.Connection) -> None:
    # A file that was left with a write-ahead log can be read here only by one who has it alone.
    file.execute("PRAGMA locking_mode = EXCLUSIVE")
    file.execute("PRAGMA journal_mode = TRUNCATE")
    file.execute("PRAGMA locking_mode = NORMAL")
    file.execute("SELECT count(*) FROM sqlite_master").fetchone()  # only now is it given back


@dataclass(frozen=True, slots=True)
class Database:
    """Reads the file; each call has a connection of its own.

    Attributes:
        path: of the file.
        vfs: SQLite's name of another way to reach the disk, for tests.
    """

    path: Path
    vfs: str | None = None

    def check(self, head_sha256: str) -> None:
        """Refuses what is no log of this version that belongs to this head.

        Raises:
            JournalError: it is not.
            sqlite3.Error: it can't be read.
        """
        with closing(connect(self.path, self.vfs)) as file:
            kind = file.execute("PRAGMA application_id").fetchone()[0]
            version = file.execute("PRAGMA user_version").fetchone()[0]
            if (kind, version) != (_KIND, VERSION):
                message = f"{self.path} is no log of a run as this version keeps it ({VERSION}). Purge the run."
                raise JournalError(message)
            if file.execute("SELECT head_sha256 FROM run").fetchall() != [(head_sha256,)]:
                message = f"The head beside {self.path} was changed since the run began. Restore it, or purge the run."
                raise JournalError(message)

    def facts(self) -> dict[str, Any]:
        """The facts as they are now.

        Raises:
            sqlite3.Error, ValueError: they can't be read.
        """
        with closing(connect(self.path, self.vfs)) as file:
            return {name: json.loads(value) for name, value in file.execute("SELECT name, value FROM facts").fetchall()}

    def events(self) -> Iterator[Event]:
        """The events that are there when the first is asked for, in the order of their commits.

        Raises:
            sqlite3.Error, ValueError: they can't be read.
        """
        with closing(connect(self.path, self.vfs)) as file:
            done, last = 0, file.execute("SELECT max(id) FROM events").fetchone()[0] or 0
            while done < last:
                page = file.execute(
                    "SELECT id, kind, rows, data FROM events WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
                    (done, last, _PAGE),
                ).fetchall()
                if not page:
                    return
                for _, kind, rows, data in page:
                    yield Event(kind, RowSpans.from_text(rows), data)
                done = page[-1][0]

    def put(self, facts: dict[str, Any]) -> None:
        """Writes facts beside the writer, who sees them.

        Raises:
            JournalError: they are no JSON.
            sqlite3.Error: it can't be written.
        """
        rows = fact_rows(facts)
        with closing(connect(self.path, self.vfs)) as file:
            file.execute("PRAGMA synchronous = FULL")
            file.execute("BEGIN IMMEDIATE")
            file.executemany(PUT_FACT, rows)
            file.execute("COMMIT")
