"""One thread that commits: all that is queued goes into one transaction, and who waits is told when it is durable."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from threading import Condition, Thread, current_thread
from typing import NamedTuple

from mbtoolkit.errors import JournalError
from mbtoolkit.runs.journal.folder import OnCommit, durable_step


class Entry(NamedTuple):
    """One statement with its rows, and who waits for it."""

    statement: str
    rows: Sequence[tuple[str, ...]]
    future: Future[None]


class Writer:
    """Writes in the order in which it was called, until something fails; from then on it writes nothing.

    Args:
        file: the connection; the writer's own from now on.
        name: of the run, for error texts.
        on_commit: called around each commit.
        at_end: called when the last is written and the file is closed, also when that went wrong.
    """

    def __init__(
        self, file: sqlite3.Connection, name: str, on_commit: OnCommit | None, at_end: Callable[[], None]
    ) -> None:
        self._file = file
        self._name = name
        self._on_commit = on_commit
        self._at_end = at_end
        self._changed = Condition()
        self._queue: list[Entry] = []
        self._is_closing = False
        self._failure = ""
        self._process = os.getpid()
        self._thread = Thread(target=self._work, name="mbtoolkit-journal", daemon=True)
        self._thread.start()

    def put(self, statement: str, rows: Sequence[tuple[str, ...]]) -> Future[None]:
        """Queues a statement; the future fails with a JournalError if it can't be written any more."""
        future: Future[None] = Future()
        future.set_running_or_notify_cancel()  # what is on its way to the disk can't be called back
        refusal = self._queued(Entry(statement, rows, future))
        if refusal:
            future.set_exception(JournalError(refusal))
        return future

    def _queued(self, entry: Entry) -> str:
        """Queues, or says why not."""
        if os.getpid() != self._process:
            return f"The run {self._name} belongs to the process that this one was forked from; write there."
        with self._changed:
            if self._is_closing:
                return f"The journal of run {self._name} is closed; open it again to write."
            self._queue.append(entry)
            self._changed.notify()
        return ""

    def close(self) -> None:
        """Waits until all that is queued is written and the file closed. Not to be called from a future's callback."""
        if os.getpid() != self._process or current_thread() is self._thread:
            return
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        try:
            while entries := self._taken():
                self._settle(entries)
        finally:
            self._end()

    def _taken(self) -> list[Entry]:
        """All that is queued; nothing when it is the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._is_closing)
            entries, self._queue = self._queue, []
            return entries

    def _settle(self, entries: list[Entry]) -> None:
        if not self._failure:
            try:
                with durable_step(self._on_commit):
                    self._commit(entries)
            except BaseException as error:  # noqa: BLE001  whatever it was, those who wait must not wait for ever
                self._fail(error)
        for entry in entries:
            if self._failure:
                entry.future.set_exception(JournalError(self._failure))
            else:
                entry.future.set_result(None)

    def _commit(self, entries: list[Entry]) -> None:
        self._file.execute("BEGIN IMMEDIATE")
        for entry in entries:
            self._file.executemany(entry.statement, entry.rows)
        self._file.execute("COMMIT")

    def _fail(self, error: BaseException) -> None:
        self._failure = (
            f"The journal of run {self._name} can't be written any more: {error}. What was recorded before is kept. "
            "Check whether the disk is full, read-only or gone."
        )
        with suppress(sqlite3.Error):
            self._file.execute("ROLLBACK")

    def _end(self) -> None:
        try:
            with suppress(sqlite3.Error):  # all is durable already; this only makes the next opening short
                self._file.execute("PRAGMA busy_timeout = 500")
                if not self._failure:
                    self._file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            with suppress(sqlite3.Error):
                self._file.close()
            self._at_end()
