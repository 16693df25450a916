"""A run's folder: its names, made so that nobody else can look in, and so that names survive a loss of power."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias
from uuid import UUID

from mbtoolkit.errors import JournalError

EVENTS_FILE: Final = "events.sqlite"
HEAD_FILE: Final = "head.json"
OWNER_FILE: Final = "owner.sqlite"

OnCommit: TypeAlias = Callable[[str], None]
"""Called with "before" and "after" around each durable step."""


def run_folder(runs_dir: Path, run_id: str) -> Path:
    """The folder of a run.

    Raises:
        JournalError: the id is no UUID as `str(uuid.uuid4())` writes it.
    """
    if not is_run_id(run_id):
        message = "This is no id of a run; an id looks like 1b4e28ba-2fa1-41d2-883f-0016d3cca427, in small letters."
        raise JournalError(message)
    return Path(runs_dir) / run_id


def is_run_id(text: object) -> bool:
    """Whether a text is a UUID in its one usual form: no folder has two ids, and no id is a path."""
    try:
        return isinstance(text, str) and str(UUID(text)) == text
    except ValueError:
        return False


def make_folder(folder: Path) -> None:
    """Makes a new folder that is closed to others, and the missing ones above it.

    Raises:
        OSError: it is there already, or can't be made.
    """
    missing = [each for each in folder.parents if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)  # Path.mkdir gives `mode` to the last folder only
        sync_folder(each.parent)
    folder.mkdir(mode=0o700)
    sync_folder(folder.parent)


def make_file(path: Path) -> None:
    """Makes a new, empty file that is closed to others from its first moment.

    Never opens one that is there: closing it would drop the locks that SQLite holds on it in this process.

    Raises:
        OSError: it is there already, or can't be made.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable.

    Raises:
        OSError: the disk failed.
    """
    if os.name == "nt":  # a folder can't be opened there, and its names are in the file system's own log
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def durable_step(on_commit: OnCommit | None) -> Iterator[None]:
    """Tells a test before and after what happens inside."""
    if on_commit is not None:
        on_commit("before")
    yield
    if on_commit is not None:
        on_commit("after")


@contextmanager
def new_file(path: Path, on_commit: OnCommit | None) -> Iterator[Path]:
    """An empty file to be written inside; afterwards it is durable, and only then has its name.

    Raises:
        OSError: the disk failed.
    """
    part = path.with_name(path.name + ".part")
    make_file(part)
    yield part
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    with durable_step(on_commit):
        part.replace(path)
        sync_folder(path.parent)
