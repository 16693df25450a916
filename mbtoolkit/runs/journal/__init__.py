"""What must survive when a run dies: frozen frames, a head of facts, and a log of events, each durable once it is said.

One folder a run, closed to others, written by one process at a time and readable by any of the user's. What the events
and facts mean is the caller's. A future that `Journal.append` gave is resolved when its event is on the disk; if one
can't be written, nothing that was appended after it is written either.
"""

from mbtoolkit.runs.journal.events import Event, RowsLike, RowSpans
from mbtoolkit.runs.journal.reading import Look, changed_at, check_is_there, half_made, look, run_ids
from mbtoolkit.runs.journal.tending import purge, request
from mbtoolkit.runs.journal.writing import Journal

__all__ = [
    "Event",
    "Journal",
    "Look",
    "RowSpans",
    "RowsLike",
    "changed_at",
    "check_is_there",
    "half_made",
    "look",
    "purge",
    "request",
    "run_ids",
]
