"""Makes the record of a run fail at a stated moment, as a full disk would: by a trigger in the record's own file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

REASON = "database or disk is full"


def fail_writing(folder, kind=None):
    """From now on no event of a kind can be written into the records of a folder, nor anything after it.

    Args:
        folder: of all runs.
        kind: of the event; None for the facts, which are written last.
    """
    table, condition = ("facts", "") if kind is None else ("events", f"WHEN NEW.kind = '{kind}'")
    _execute(
        folder, f"CREATE TRIGGER full BEFORE INSERT ON {table} {condition} BEGIN SELECT RAISE(ABORT, '{REASON}'); END"
    )


def write_again(folder):
    """The disk has room again."""
    _execute(folder, "DROP TRIGGER full")


def _execute(folder, line):
    for path in Path(folder).glob("*/events.sqlite"):
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as file:
            file.execute(line)
