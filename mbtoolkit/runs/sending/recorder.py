"""What happens to rows, told to the journal as it happens."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final

from mbtoolkit.client import Outcome
from mbtoolkit.errors import JournalError
from mbtoolkit.runs.journal import Journal
from mbtoolkit.runs.sending.rows import Rows, text_of

_ASKS_EVERY_SECONDS: Final = 0.5

_log = logging.getLogger("mbtoolkit")


class Recorder:
    """What is known of every row, in memory and in a journal.

    Only an intent is waited for, and the end: the journal keeps the order, so what was recorded before is then written
    too, and what is lost after it counts as doubt.

    Args:
        rows: what is known.
        journal: where it is written; None for nowhere.

    Attributes:
        rows: what is known.
        error: why the journal can't be written any more; None while it can.
    """

    def __init__(self, rows: Rows, journal: Journal | None = None) -> None:
        self.rows = rows
        self.error: str | None = None
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
            await asyncio.wrap_future(self._watched(self._journal.append("intent", rows)))
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

    def finish(self, **facts: Any) -> None:
        """Writes facts about the end of the run; returns when all of it is on disk, or `error` says why it is not."""
        if self._journal is not None:
            self._watched(self._journal.note(**facts)).exception()

    def _tell(self, kind: str, rows: Sequence[int], data: str = "{}") -> None:
        if self._journal is not None:
            self._watched(self._journal.append(kind, rows, data))

    def _watched(self, future: Future[None]) -> Future[None]:
        future.add_done_callback(self._notice)
        return future

    def _notice(self, future: Future[None]) -> None:
        """Keeps and logs the first failure of the journal. Runs in the thread that writes."""
        error = future.exception()
        if error is not None and self.error is None:
            self.error = str(error)
            _log.warning("%s", error)
