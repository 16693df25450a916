"""Runs: what is sent is fixed and written down first, carried out, and can be gone on with by another process."""

from mbtoolkit.runs.executing import Conditions, execute
from mbtoolkit.runs.plan import Plan
from mbtoolkit.runs.run import RUNS, Run, RunStatus, begin, list_runs
from mbtoolkit.runs.sending import SendOptions

__all__ = [
    "RUNS",
    "Conditions",
    "Plan",
    "Run",
    "RunStatus",
    "SendOptions",
    "begin",
    "execute",
    "list_runs",
]
