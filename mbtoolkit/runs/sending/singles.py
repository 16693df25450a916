"""One row, by the single operation: sent until it has ended."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial
from typing import Final

from mbtoolkit.client import AsyncClient, Attempts, Outcome
from mbtoolkit.runs.sending.work import Work

_ALONE: Final = "; another row of this run has the same identifiers, so it is not sent again by itself"


class Singles:
    """Sends rows one by one.

    Args:
        work: the rows of the run.
        client: of the run.
    """

    def __init__(self, work: Work, client: AsyncClient) -> None:
        self._work = work
        self._client = client
        self._jitter = random.Random()  # noqa: S311 - spreads waits, guards nothing

    async def send(self, row: int) -> None:
        """Sends a row, again where that is safe and useful, and settles it.

        Raises:
            JournalError: it could not be written down that it is sent.
        """
        drill = self._work.drills.pop(row, None)
        outcome = await self._until_ended(row)
        if outcome is None:
            return
        if outcome.stops_run:
            self._work.gate.stop_for(outcome)
        if drill is None:
            self._work.settle([row], outcome)
        else:
            drill.hear(row, outcome)

    async def _until_ended(self, row: int) -> Outcome | None:
        """What became of it; None where the run stopped before it was sent."""
        work, limit = self._work, self._client.settings.attempts
        is_safe = work.outgoing.is_safe(row)
        tries = Attempts(limit, resend_is_safe=is_safe, jitter=self._jitter, doubt=work.rows.doubts.get(row))
        attempt = partial(self._client.attempt, work.outgoing.body(row))
        if not await work.gate.until_ended([row], attempt, tries):
            return None
        ended = tries.outcome
        if ended.kind == "unknown" and not is_safe:
            ended = replace(ended, message=f"{ended.message}{_ALONE}")
        return ended
