"""HTTP: a body out, what became of it back. Knows nothing of frames."""

from mbtoolkit.client.accounts import AccountKind
from mbtoolkit.client.answers import Answer, Outcome, error_of, judge, judge_batch, judge_status
from mbtoolkit.client.batches import BatchCount, BatchStatus
from mbtoolkit.client.http import AsyncClient, Attempt, Client
from mbtoolkit.client.login import Login, Validity
from mbtoolkit.client.retries import Attempts, Wait
from mbtoolkit.client.secret import Secret
from mbtoolkit.client.settings import Settings

__all__ = [
    "AccountKind",
    "Answer",
    "AsyncClient",
    "Attempt",
    "Attempts",
    "BatchCount",
    "BatchStatus",
    "Client",
    "Login",
    "Outcome",
    "Secret",
    "Settings",
    "Validity",
    "Wait",
    "error_of",
    "judge",
    "judge_batch",
    "judge_status",
]
