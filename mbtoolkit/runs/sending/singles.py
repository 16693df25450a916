"""One row, by the single operation: sent until it has ended."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from mbtoolkit.client import AsyncClient, Attempts, Outcome

if TYPE_CHECKING:
    from mbtoolkit.runs.sending.engine import Sending

_ALONE: Final = "; another row of this run has the same identifiers, so it is not sent again by itself"


class Singles:
    """Sends rows one by one.

    Args:
        sending: the run.
        client: of the run.
    """

    def __init__(self, sending: Sending, client: AsyncClient) -> None:
        self._sending = sending
        self._client = client
        self._jitter = random.Random()  # noqa: S311 - spreads waits, guards nothing

    async def send(self, row: int) -> None:
        """Sends a row, again where that is safe and useful, and settles it.

        Raises:
            JournalError: it could not be written down that it is sent.
        """
        drill = self._sending.drills.pop(row, None)
        outcome = await self._until_ended(row)
        if outcome is None:
            return
        if outcome.stops_run:
            self._sending.gate.stop_for(outcome)
        if drill is None:
            self._sending.settle([row], outcome)
        else:
            drill.hear(row, outcome)

    async def _until_ended(self, row: int) -> Outcome | None:
        """What became of it; None where the run stopped before it was sent."""
        sending, limit = self._sending, self._client.settings.attempts
        is_safe = sending.outgoing.is_safe(row)
        tries = Attempts(limit, resend_is_safe=is_safe, jitter=self._jitter, doubt=sending.rows.doubts.get(row))
        attempt = partial(self._client.attempt, sending.outgoing.body(row))
        if not await sending.gate.until_ended([row], attempt, tries):
            return None
        ended = tries.outcome
        if ended.kind == "unknown" and not is_safe:
            ended = replace(ended, message=f"{ended.message}{_ALONE}")
        return ended
