"""What happens to rows, told to the journal as it happens."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from mbtoolkit.client import Outcome
from mbtoolkit.errors import JournalError
from mbtoolkit.journal import Journal
from mbtoolkit.sending.rows import Rows, text_of

_ASKS_EVERY_SECONDS: Final = 0.5


class Recorder:
    """What is known of every row, in memory and in a journal.

    Only an intent is waited for: the journal keeps the order, so what was told before it is then written too, and what
    is lost after it counts as doubt.

    Args:
        rows: what is known.
        journal: where it is written; None for nowhere.
    """

    def __init__(self, rows: Rows, journal: Journal | None = None) -> None:
        self.rows = rows
        self._journal = journal
        self._asked_at = 0.0
        self._is_cancel_asked = False

    @property
    def is_cancel_asked(self) -> bool:
        """Whether another process wants the run to end; looked up twice a second."""
        now = time.monotonic()
        if self._journal is not None and now - self._asked_at > _ASKS_EVERY_SECONDS:
            self._asked_at = now
            with suppress(JournalError):  # a journal that can't be read must not cost the results
                self._is_cancel_asked = bool(self._journal.facts().get("cancel"))
        return self._is_cancel_asked

    async def intend(self, rows: Sequence[int]) -> None:
        """They are about to be sent; returns when that is on disk.

        Raises:
            JournalError: it can't be written; they must not be sent.
        """
        if self._journal is not None:
            await asyncio.wrap_future(self._journal.append("intent", rows))
        self.rows.send(rows)

    def refuse(self, rows: Sequence[int]) -> None:
        """An attempt ended without a trace."""
        self.rows.refuse(rows)
        self._tell("refused", rows)

    def doubt(self, rows: Sequence[int], outcome: Outcome) -> None:
        """An attempt may have been applied."""
        self.rows.doubt(rows, outcome)
        self._tell("doubt", rows, text_of(outcome))

    def accept(self, rows: Sequence[int], batch_id: str, size: int | None) -> None:
        """A batch took them in; `size` is how many it has in all, where that is known."""
        self.rows.accept(rows, batch_id, size)
        self._tell("accepted", rows, json.dumps({"batch_id": batch_id, "size": size}))

    def end(self, rows: Sequence[int], outcome: Outcome) -> None:
        """They have ended."""
        self.rows.end(rows, outcome)
        self._tell("final", rows, text_of(outcome))

    def _tell(self, kind: str, rows: Sequence[int], data: str = "{}") -> None:
        if self._journal is not None:
            self._journal.append(kind, rows, data)
