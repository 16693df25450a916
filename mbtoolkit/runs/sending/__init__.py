"""Sending the rows of a run: the queue, the way out, the two operations, and what is known of every row."""

from mbtoolkit.runs.sending.engine import NOT_REACHED, Sending, interruptible
from mbtoolkit.runs.sending.gate import TELLING
from mbtoolkit.runs.sending.options import SendOptions, options_of
from mbtoolkit.runs.sending.outgoing import OUTGOING, Outgoing, chains, outgoing_frame
from mbtoolkit.runs.sending.recorder import Recorder
from mbtoolkit.runs.sending.rows import KEPT, STATUS_OF, Rows, replay

__all__ = [
    "KEPT",
    "NOT_REACHED",
    "OUTGOING",
    "STATUS_OF",
    "TELLING",
    "Outgoing",
    "Recorder",
    "Rows",
    "SendOptions",
    "Sending",
    "chains",
    "interruptible",
    "options_of",
    "outgoing_frame",
    "replay",
]
