"""HTTP: a body out, what became of it back. Knows nothing of frames."""

from mbtoolkit.client.answers import Answer, Outcome, error_of, judge, judge_batch, judge_status
from mbtoolkit.client.batches import BatchStatus, Part
from mbtoolkit.client.http import AsyncClient, Attempt, Client
from mbtoolkit.client.retries import Attempts, Wait
from mbtoolkit.client.settings import Secret, Settings

__all__ = [
    "Answer",
    "AsyncClient",
    "Attempt",
    "Attempts",
    "BatchStatus",
    "Client",
    "Outcome",
    "Part",
    "Secret",
    "Settings",
    "Wait",
    "error_of",
    "judge",
    "judge_batch",
    "judge_status",
]
