"""What a run sends and what it does not: fixed before the first request, and kept with the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self

import polars as pl

from mbtoolkit.client import Outcome
from mbtoolkit.payloads import build_payloads
from mbtoolkit.runs.assembling import left_out_frame, refused_frame, results_frame, sent_frame
from mbtoolkit.runs.sending import OUTGOING, Outgoing, Rows, outgoing_frame
from mbtoolkit.schemas.frames import FIRST_RUN, ROW, UNKNOWN_RUN

_CONTACTS, _OUTGOING, _REFUSED = "contacts", "outgoing", "refused"


@dataclass(frozen=True, slots=True)
class Plan:
    """The rows of a frame: those that are sent, and what is said of the others.

    Attributes:
        contacts: the input, without the columns of results.
        rows: its `mb_row` and `mb_first_run_id`.
        positions: of the rows that are sent.
        outgoing: the rows that are sent.
        unsent: `position` and what is said of the rows that are not sent.
    """

    contacts: pl.DataFrame
    rows: pl.DataFrame
    positions: pl.Series
    outgoing: Outgoing
    unsent: pl.DataFrame

    @classmethod
    def of(
        cls,
        contacts: pl.DataFrame,
        rows: pl.DataFrame,
        valid: pl.DataFrame,
        issues: pl.DataFrame,
        left_out: pl.Series,
        *,
        list_id: str | None,
        clear: Iterable[str],
    ) -> Self:
        """The plan for a validated frame.

        Args:
            contacts: the input, without the columns of results.
            rows: its `mb_row` and `mb_first_run_id`, null where this run numbers the row.
            valid: the rows that can be sent, with `mb_row`.
            issues: of the others.
            left_out: positions of rows that are not sent.
            list_id: of rows that name none.
            clear: see `build_payloads`.

        Raises:
            FrameError: see `build_payloads`.
        """
        is_left_out = pl.col(ROW).is_in(left_out.implode())
        sent = valid.filter(~is_left_out)
        out = valid.filter(is_left_out)[ROW]
        payloads = build_payloads(sent, list_id=list_id, clear=clear)
        unsent = pl.concat([refused_frame(issues), left_out_frame(out)])
        return cls(contacts, rows, sent[ROW], Outgoing(outgoing_frame(sent, payloads)), unsent)

    def results(self, rows: Rows, unended: Outcome, run_id: str) -> pl.DataFrame:
        """The results frame.

        Args:
            rows: what became of the rows that were sent.
            unended: what is said of those that have not ended.
            run_id: of the run.
        """
        sent = sent_frame(self.positions, self.outgoing.frame["contact_id"], rows, unended)
        return results_frame(self.contacts, self.rows, pl.concat([sent, self.unsent]), run_id)

    def frozen(self) -> dict[str, pl.DataFrame]:
        """The plan as frames by name."""
        return {
            _CONTACTS: self.contacts.hstack(self.rows),
            _OUTGOING: self.outgoing.frame.with_columns(self.positions.cast(pl.Int64).alias("position")),
            _REFUSED: self.unsent,
        }

    @classmethod
    def thawed(cls, frames: Mapping[str, pl.DataFrame]) -> Self:
        """The plan in frames of `frozen`."""
        contacts, outgoing = frames[_CONTACTS], frames[_OUTGOING]
        if FIRST_RUN not in contacts.columns:  # of an earlier version
            contacts = contacts.with_columns(pl.lit(UNKNOWN_RUN).alias(FIRST_RUN))
        return cls(
            contacts.drop(ROW, FIRST_RUN),
            pl.DataFrame([contacts[ROW], contacts[FIRST_RUN]]),
            outgoing["position"].alias(ROW),
            Outgoing(outgoing.select(*OUTGOING)),
            frames[_REFUSED],
        )


FROZEN: Final = (_CONTACTS, _OUTGOING, _REFUSED)
"""The names of the frames of a plan."""
