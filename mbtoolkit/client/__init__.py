"""HTTP: one contact's body out, what became of it back. Knows nothing of frames."""

from mbtoolkit.client.answers import Answer, Outcome, error_of, judge
from mbtoolkit.client.http import AsyncClient, Attempt, Client, Within
from mbtoolkit.client.retries import Attempts, Wait
from mbtoolkit.client.settings import Secret, Settings

__all__ = [
    "Answer",
    "AsyncClient",
    "Attempt",
    "Attempts",
    "Client",
    "Outcome",
    "Secret",
    "Settings",
    "Wait",
    "Within",
    "error_of",
    "judge",
]
