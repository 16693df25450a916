"""Paths of small files (mappings, recipes), and their content."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, Final

from mbtoolkit.errors import UsageError

MAX_SMALL_BYTES: Final = 256 * 1024**2
"""The largest mapping or recipe that is read; a recipe holds cells that were edited by hand, too."""


def path_of(path: Any, what: str, error: type[UsageError]) -> Path:
    """A path as a `Path`.

    Args:
        path: what was given for one.
        what: what is there, such as "the recipe".
        error: the class of the error to raise.

    Raises:
        UsageError: it is neither text nor a path.
    """
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(text, str):
        given = "None" if path is None else f"a {type(path).__name__}"
        msg = f"{what} needs the path of a file, as text or as a pathlib.Path, not {given}"
        raise error(msg)
    return Path(text)


def read_small(path: Path, what: str, error: type[UsageError]) -> bytes:
    """The content of a small file.

    Args:
        path: where it is.
        what: what is there, such as "the recipe".
        error: the class of the error to raise.

    Raises:
        UsageError: there is none, it can't be read, is no file, or is too large.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
            msg = f"{what} {path.name!r} is a pipe or a device: write it into a file first"
            raise error(msg)
        if found.st_size > MAX_SMALL_BYTES:
            msg = f"{what} {path.name!r} has more than {MAX_SMALL_BYTES:,} bytes, so it is another file: check the path"
            raise error(msg)
        return path.read_bytes()
    except OSError as fault:
        msg = f"{what} {path.name!r} can't be read: {fault.strerror}"
        raise error(msg) from fault
    except UsageError:
        raise
    except ValueError as fault:
        msg = f"{what} can't be read: its path can be no file's, for it holds a character that no path has"
        raise error(msg) from fault
