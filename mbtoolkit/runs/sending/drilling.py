"""Rows of a batch that go once more, one by one, because the batch did not say what became of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from mbtoolkit.client import Outcome

_CODE: Final = "skipped_or_stored"
_MORE: Final = "the CRM refused it when it was asked once more, but the batch may have stored it; it says"
_UNANSWERED: Final = "whether this contact is among those that the batch skipped was not found out"


@dataclass(slots=True)
class Drill:
    """The rows of one batch that go once more.

    A batch says how many contacts it skipped. If no more are refused one by one, the refused ones are the skipped ones;
    if more are, any of them may have been stored with the batch, and all stay in doubt.

    Attributes:
        batch_id: of the batch.
        pending: rows that have not been answered.
        skips: how many of them the batch skipped; None where it doesn't say.
        settle: takes rows that have ended.
        refused: rows that the CRM refused, until all have been answered.
    """

    batch_id: str
    pending: set[int]
    skips: int | None
    settle: Callable[[Sequence[int], Outcome], None]
    refused: dict[int, Outcome] = field(default_factory=dict)

    def hear(self, row: int, outcome: Outcome) -> None:
        """Takes what became of a row."""
        self.pending.discard(row)
        told = replace(outcome, batch_id=self.batch_id)
        if told.kind == "rejected":
            self.refused[row] = told
        elif told.kind in ("later", "not_sent", "stop"):
            self.settle([row], replace(told, kind="unknown", code=_CODE, message=f"{_UNANSWERED}: {told.message}"))
        else:
            self.settle([row], told)
        if not self.pending:
            self.close()

    def close(self) -> None:
        """Settles the refused ones: all have been answered, or no more answers come."""
        is_certain = not self.pending and (self.skips is None or len(self.refused) <= self.skips)
        for row, told in self.refused.items():
            in_doubt = replace(told, kind="unknown", code=_CODE, message=f"{_MORE}: {told.message}")
            self.settle([row], told if is_certain else in_doubt)
        self.refused = {}
