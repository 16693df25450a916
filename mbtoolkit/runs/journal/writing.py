"""A run's folder, open for writing by this process alone."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import polars as pl

from mbtoolkit.errors import JournalError
from mbtoolkit.runs.journal.database import ADD_EVENT, PUT_FACT, fact_rows, make_database, open_durably
from mbtoolkit.runs.journal.events import Event, RowsLike, RowSpans
from mbtoolkit.runs.journal.folder import EVENTS_FILE, OnCommit, durable_step, make_folder, run_folder, sync_folder
from mbtoolkit.runs.journal.frozen import check_digest, check_name, columns_left_out, freeze, frozen_file
from mbtoolkit.runs.journal.head import check_head, digest_of, head_text, read_head, write_head
from mbtoolkit.runs.journal.owner import Owner
from mbtoolkit.runs.journal.reading import Stored, stored, told
from mbtoolkit.runs.journal.writer import Writer


class Journal:
    """One run's folder. Made by `create` or `open`; close it, or use it in a `with`.

    Its future's callbacks run in the thread that writes, so they must be short and must not wait.

    Attributes:
        run_id: of the run.
        head: what never changes about it: the caller's facts, and `journal_version`, `run_id`, `created_at` (seconds
            since 1970), `frozen` (the digest of each frame), `left_out_columns` (of each frame that had columns which
            can't be frozen, their names).
    """

    def __init__(self, found: Stored, writer: Writer) -> None:
        self._stored = found
        self._writer = writer
        self.run_id = found.folder.name
        self.head = found.head

    @classmethod
    def create(
        cls,
        runs_dir: Path,
        run_id: str,
        head: Mapping[str, Any],
        frames: Mapping[str, pl.DataFrame],
        *,
        on_commit: OnCommit | None = None,
        vfs: str | None = None,
    ) -> Journal:
        """Makes a run's folder; it is a run when this returns, and not before.

        Args:
            runs_dir: the folder of all runs; made where it is missing.
            run_id: a UUID as text.
            head: facts that never change, JSON.
            frames: what is frozen, by name.
            on_commit: called with "before" and "after" around each durable step, for tests.
            vfs: SQLite's name of another way to reach the disk, for tests.

        Returns:
            The journal, locked for this process.

        Raises:
            JournalError: a run of that id is there, an argument is not of its form, or the disk failed; then nothing
                is left.
        """
        folder = run_folder(runs_dir, run_id)
        check_head(head)
        for name in frames:
            check_name(name)
        with told(folder, "made"):
            make_folder(folder)
            try:
                return cls._made(folder, head, frames, on_commit, vfs)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise

    @classmethod
    def _made(
        cls,
        folder: Path,
        head: Mapping[str, Any],
        frames: Mapping[str, pl.DataFrame],
        on_commit: OnCommit | None,
        vfs: str | None,
    ) -> Journal:
        owner = Owner(folder)
        try:
            frozen = {name: freeze(frame, frozen_file(folder, name), on_commit) for name, frame in frames.items()}
            left_out = {name: gone for name, frame in frames.items() if (gone := columns_left_out(frame))}
            text = head_text(folder.name, head, frozen, left_out)
            with durable_step(on_commit):
                file = make_database(folder / EVENTS_FILE, digest_of(text), vfs)
                sync_folder(folder)
            return cls._begun(folder, file, owner, on_commit, vfs, lambda: write_head(folder, text, on_commit))
        except BaseException:
            owner.release()
            raise

    @classmethod
    def open(cls, runs_dir: Path, run_id: str, *, on_commit: OnCommit | None = None, vfs: str | None = None) -> Journal:
        """Opens a run to go on with it.

        Args:
            runs_dir: the folder of all runs.
            run_id: of the run.
            on_commit: called with "before" and "after" around each commit, for tests.
            vfs: SQLite's name of another way to reach the disk, for tests.

        Returns:
            The journal, locked for this process.

        Raises:
            JournalError: there is no such run, it is half-made, a process is at it, it is of another version, or a file
                of it was changed or is damaged.
        """
        folder = run_folder(runs_dir, run_id)
        read_head(folder)
        with told(folder, "opened"):
            owner = Owner(folder)
            try:
                file = open_durably(folder / EVENTS_FILE, vfs)
                return cls._begun(folder, file, owner, on_commit, vfs, lambda: None)
            except BaseException:
                owner.release()
                raise

    @classmethod
    def _begun(
        cls,
        folder: Path,
        file: sqlite3.Connection,
        owner: Owner,
        on_commit: OnCommit | None,
        vfs: str | None,
        complete: Callable[[], None],
    ) -> Journal:
        try:
            complete()
            found = stored(folder, vfs)
            for name, digest in found.head["frozen"].items():
                check_digest(frozen_file(folder, name), digest)
            return cls(found, Writer(file, folder.name, on_commit, owner.release))
        except BaseException:
            file.close()
            raise

    def frame(self, name: str) -> pl.DataFrame:
        """A frozen frame.

        Raises:
            JournalError: there is none of that name, or its file was changed.
        """
        return self._stored.frame(name)

    def events(self) -> Iterator[Event]:
        """The events so far, in the order of their commits; those that are still queued are not among them.

        Raises:
            JournalError: the log can't be read.
        """
        return self._stored.events()

    def append(self, kind: str, rows: RowsLike, data: str = "{}") -> Future[None]:
        """Queues an event, from any thread.

        Args:
            kind: a word.
            rows: positions of rows; neighbours cost next to nothing.
            data: JSON text; it is kept as it is.

        Returns:
            Resolved when the event is durable; fails with a JournalError if it will not be. It can't be cancelled.

        Raises:
            JournalError: an argument is not of its form; nothing was queued.
        """
        return self._writer.put(ADD_EVENT, [(_text(kind), RowSpans.of(rows).to_text(), _text(data))])

    def note(self, **facts: Any) -> Future[None]:
        """Queues facts that change; what was there under the same names is replaced.

        Args:
            facts: JSON.

        Returns:
            Resolved when they are durable, and what was queued before them too.

        Raises:
            JournalError: a fact is no JSON; nothing was queued.
        """
        return self._writer.put(PUT_FACT, fact_rows(facts))

    def facts(self) -> dict[str, Any]:
        """The facts as they are on the disk now, also those that other processes left by `request`.

        Raises:
            JournalError: they can't be read.
        """
        return self._stored.facts()

    def close(self) -> None:
        """Waits for what is queued, and lets others have the run; a second call does nothing. It never raises."""
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Journal of run {self.run_id}, process {os.getpid()}>"


def _text(text: str) -> str:
    """The text, if a file can hold it."""
    try:
        text.encode()
    except (AttributeError, UnicodeError):
        message = "The kind and data of an event are texts without lone surrogates."
        raise JournalError(message) from None
    return text
