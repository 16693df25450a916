"""Where a history lives: a small SQLite file that every process of the user with the same token opens.

One row, read and written in one exclusive transaction. A process that is killed in the middle leaves the row as it was.
The machine losing power may cost the file; then it begins anew, as if the window had just been used up.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from mbtoolkit.client import Secret
from mbtoolkit.client.limits.history import History

STATE_VARIABLE: Final = "MBTOOLKIT_STATE_DIR"
LOCK_SECONDS: Final = 10.0
"""How long to wait for another process; none holds the file for longer than a millisecond."""

FORGOTTEN_AFTER_SECONDS: Final = 8 * 86_400.0
"""A file that was not written for so long says nothing of today."""

_BROKEN: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

T = TypeVar("T")


def state_dir(chosen: Path | str | None = None) -> Path:
    """The folder for what must be remembered between runs.

    Args:
        chosen: by the caller; else MBTOOLKIT_STATE_DIR says so, else the user's folder for such things.

    Raises:
        RuntimeError: the user has no home.
    """
    named = chosen or os.environ.get(STATE_VARIABLE)
    if named:
        return with_home(named)
    parent = Path(os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_STATE_HOME", ""))
    # The XDG specification says of a relative path in one of its variables: invalid, to be ignored.
    return (parent if parent.is_absolute() else _home() / ".local" / "state") / "mbtoolkit"


def with_home(path: Path | str) -> Path:
    """The path, with the user's home where it begins with `~`.

    Raises:
        RuntimeError: there is no such home.
    """
    first, *others = Path(path).parts or [""]
    return _home().joinpath(*others) if first == "~" else Path(path).expanduser()


def _home() -> Path:
    """As HOME says, where that is an absolute path; else, as where it is empty, as the system knows it.

    Raises:
        RuntimeError: the user has none.
    """
    if os.name == "nt" or Path(os.environ.get("HOME", "")).is_absolute():
        return Path.home()
    import pwd  # noqa: PLC0415 - Windows has none

    try:
        home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        home = Path()
    if not home.is_absolute():
        msg = "the user has no home"
        raise RuntimeError(msg)
    return home


def history_file(folder: Path, token: Secret) -> Path:
    """The file of a token's history; its name tells the token to nobody."""
    fingerprint = hashlib.sha256(b"mbtoolkit limits " + token.reveal().encode()).hexdigest()[:32]
    return folder / "limits" / f"{fingerprint}.sqlite"


def _tidy(folder: Path) -> None:
    """Removes what tokens left that were used up long ago; each login brings a new one."""
    for path in folder.glob("*.sqlite*"):
        with suppress(OSError):  # another process tidies too
            if time.time() - path.stat().st_mtime > FORGOTTEN_AFTER_SECONDS:
                path.unlink()


class Store:
    """A history in a file, or in memory. To be used by one thread.

    Args:
        path: the file; None for memory, which no other process sees.
        lost: what to begin with where there was a history that can't be read any more.
    """

    def __init__(self, path: Path | None, lost: Callable[[], History]) -> None:
        self._path = path
        self._lost = lost
        self._file: sqlite3.Connection | None = None
        self._own: tuple[str, History] | None = None

    def change(self, work: Callable[[History], T]) -> T:
        """Runs a function on the history, while no other process has it, and keeps what it did to it.

        Raises:
            OSError, sqlite3.Error: the file can't be made, read, locked or written.
        """
        try:
            return self._changed(work)
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", None) not in _BROKEN or self._path is None:
                raise
            self.close()
            self._path.unlink(missing_ok=True)
        return self._changed(work, is_lost=True)

    def _changed(self, work: Callable[[History], T], *, is_lost: bool = False) -> T:
        if self._file is None:
            self._file = self._opened()
        self._file.execute("BEGIN IMMEDIATE")
        try:
            history = self._lost() if is_lost else self._read(self._file)
            self._own = None
            answer = work(history)
            text = history.to_text()
            self._file.execute("REPLACE INTO history (id, text) VALUES (1, ?)", (text,))
            self._file.execute("COMMIT")
            self._own = (text, history)
        except BaseException:
            with suppress(sqlite3.Error):
                self._file.execute("ROLLBACK")
            raise
        return answer

    def _opened(self) -> sqlite3.Connection:
        if self._path is not None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _tidy(self._path.parent)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        file = sqlite3.connect(self._path or ":memory:", timeout=LOCK_SECONDS, isolation_level=None)
        # Not WAL, which network disks can't do; not synced, for what is lost with the power is no longer worth much.
        try:
            for line in (
                "PRAGMA journal_mode = TRUNCATE",
                "PRAGMA synchronous = OFF",
                "CREATE TABLE IF NOT EXISTS history (id INTEGER PRIMARY KEY, text TEXT NOT NULL)",
            ):
                file.execute(line)
        except BaseException:
            file.close()
            raise
        return file

    def _read(self, file: sqlite3.Connection) -> History:
        row = file.execute("SELECT text FROM history").fetchone()
        if row is None:
            return History()
        if self._own is not None and self._own[0] == row[0]:
            return self._own[1]  # nobody wrote since: reading it anew is half of the work
        try:
            return History.from_text(row[0])
        except ValueError:
            return self._lost()

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
