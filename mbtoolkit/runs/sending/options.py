"""How rows are sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_BATCH_SIZE: Final = 1000
"""Contacts in one request of the batch operation. Source: MainBrainer's public pages; 100 or fewer are advised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOptions:
    """How rows are sent.

    Attributes:
        by_batch: by the batch operation; else one by one.
        batch_size: contacts in one batch, 1 to 1,000.
        wants_contact_ids: whether each row's contact id is to be known: rows that bear none then go one by one.
        max_concurrency: requests on their way at once.
        settle_seconds: how long a batch may show no progress before its rows are left `accepted`.
        outage_seconds: how long an outage may last before the run ends.
    """

    by_batch: bool = False
    batch_size: int = 100
    wants_contact_ids: bool = False
    max_concurrency: int = 10
    settle_seconds: float = 900.0
    outage_seconds: float = 300.0
