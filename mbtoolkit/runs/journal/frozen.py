"""Frames that are frozen: parquet files that are never written again, known by their digests."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any, Final

import polars as pl

from mbtoolkit.errors import JournalError
from mbtoolkit.runs.journal.folder import OnCommit, new_file

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


def check_name(name: str) -> None:
    """Refuses a name that can't be a file's.

    Raises:
        JournalError: it is no short word.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        message = "A frozen frame's name is a word of up to 40 small letters, digits and _, such as payloads."
        raise JournalError(message)


def frozen_file(folder: Path, name: str) -> Path:
    """Where a frame of that name lies."""
    return folder / f"{name}.parquet"


def columns_left_out(frame: pl.DataFrame) -> list[str]:
    """The names of columns that no such file can hold: of Python objects, and of structs without a field."""
    return [name for name, dtype in frame.schema.items() if not _can_be_frozen(dtype)]


def _can_be_frozen(dtype: Any) -> bool:
    if isinstance(dtype, pl.Struct):
        return bool(dtype.fields) and all(_can_be_frozen(field.dtype) for field in dtype.fields)
    if isinstance(dtype, pl.List | pl.Array):
        return _can_be_frozen(dtype.inner)
    return not isinstance(dtype, pl.Object)


def freeze(frame: pl.DataFrame, path: Path, on_commit: OnCommit | None) -> str:
    """Writes a frame to a file, durably, and returns the file's sha256.

    Raises:
        JournalError: polars can't write it.
        OSError: the disk failed.
    """
    with new_file(path, on_commit) as part:
        kept = frame.drop(columns_left_out(frame))
        try:
            kept.write_parquet(part, compression="lz4", statistics=False)
        except pl.exceptions.PolarsError as error:
            message = (
                f"The frame {path.stem!r} can't be frozen in {path.parent}: the disk is full, "
                f"or polars can't write what is in it ({type(error).__name__})."
            )
            raise JournalError(message) from None  # polars' own text may quote cells
        return sha256_of(part)


def thaw(path: Path, digest: str) -> pl.DataFrame:
    """Reads a frozen frame, if it is still what was frozen.

    Raises:
        JournalError: the file was changed, or is gone.
    """
    check_digest(path, digest)
    return pl.read_parquet(path, glob=False, hive_partitioning=False)


def check_digest(path: Path, digest: str) -> None:
    """Refuses a file that is not what was frozen.

    Raises:
        JournalError: the file was changed, or is gone.
    """
    try:
        found = sha256_of(path)
    except OSError as error:
        message = (
            f"{path} can't be read ({error.strerror}); without it the run can't go on. Restore it, or purge the run."
        )
        raise JournalError(message) from error
    if found != digest:
        message = f"{path} was changed since the run began; the run can't go on with it. Restore it, or purge the run."
        raise JournalError(message)


def sha256_of(path: Path) -> str:
    """A file's digest.

    Raises:
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
