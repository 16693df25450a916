"""The head of a run: what never changes about it. It is written last, so that a run with a head is whole."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from mbtoolkit.errors import JournalError
from mbtoolkit.runs.journal.database import VERSION
from mbtoolkit.runs.journal.folder import HEAD_FILE, OnCommit, new_file

OWN_WORDS: Final = ("journal_version", "run_id", "created_at", "frozen", "left_out_columns")


def head_text(
    run_id: str, head: Mapping[str, Any], frozen: Mapping[str, str], left_out: Mapping[str, list[str]]
) -> str:
    """The text of a new head.

    Args:
        run_id: of the run.
        head: the caller's own facts.
        frozen: the digest of each frozen frame.
        left_out: of each frame, the columns that could not be frozen.

    Raises:
        JournalError: the facts are no JSON, or one has a name that is the journal's own.
    """
    check_head(head)
    own = {
        "journal_version": VERSION,
        "run_id": run_id,
        "created_at": time.time(),
        "frozen": dict(frozen),
        "left_out_columns": dict(left_out),
    }
    return json.dumps({**own, **head}, indent=1, allow_nan=False)


def check_head(head: Mapping[str, Any]) -> None:
    """Refuses facts that no head can hold.

    Raises:
        JournalError: they are no JSON, or one has a name that is the journal's own.
    """
    taken = [word for word in OWN_WORDS if word in head]
    if taken:
        message = f"The names {', '.join(taken)} in a head are the journal's own; choose others."
        raise JournalError(message)
    try:
        json.dumps(dict(head), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        message = "A head must be JSON: text, numbers, true, false, null, lists, objects; no NaN."
        raise JournalError(message) from None


def digest_of(text: str) -> str:
    """The sha256 of a head's text."""
    return hashlib.sha256(text.encode()).hexdigest()


def write_head(folder: Path, text: str, on_commit: OnCommit | None) -> None:
    """Makes a run whole.

    Raises:
        OSError: the disk failed.
    """
    with new_file(folder / HEAD_FILE, on_commit) as part:
        part.write_bytes(text.encode())


def read_head(folder: Path) -> tuple[Mapping[str, Any], str]:
    """The head of a run, and its digest.

    Raises:
        JournalError: there is none, or it is none of this version.
    """
    path = folder / HEAD_FILE
    try:
        text = path.read_bytes().decode()
        head = json.loads(text)
    except FileNotFoundError:
        state = "half-made: it died before it began" if folder.is_dir() else "not there"
        message = f"The run {folder} is {state}; nothing of it was sent."
        step = " Purge it (Run.open(...).purge(), mbtoolkit runs --purge), and push the contacts again."
        raise JournalError(message + (step if folder.is_dir() else "")) from None
    except (OSError, ValueError, RecursionError) as error:
        message = f"{path} can't be read ({type(error).__name__}). Restore it, or purge the run."
        raise JournalError(message) from None
    version = head.get("journal_version") if isinstance(head, dict) else None
    if version != VERSION:
        message = (
            f"{path} is of version {version!r}, and this toolkit reads version {VERSION}. "
            "Go on with the toolkit that wrote it, or purge the run."
        )
        raise JournalError(message)
    return MappingProxyType(head), digest_of(text)
