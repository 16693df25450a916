"""What a run sends: one line a row, and which rows are of one contact."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from mbtoolkit.runs.sending.queue import neighbours
from mbtoolkit.schemas.sharing import identifier_keys, shared_identifiers

OUTGOING: Final[dict[str, pl.DataType]] = {
    "payload": pl.String(),
    "contact_id": pl.Int64(),
    "component": pl.UInt32(),
    "is_safe": pl.Boolean(),
}
"""The columns of a frame of outgoing rows: the JSON body, the id that the row bears, the first of the rows that hang
together with it by their identifiers, and whether it may be sent again after doubt."""


def outgoing_frame(valid: pl.DataFrame, payloads: pl.DataFrame) -> pl.DataFrame:
    """The rows of a run, in their order.

    A row may be sent again after doubt if it has a contact id, or an identifier that no other row of the run has: then
    it ends the same however often, and in whatever order, it is applied.

    Args:
        valid: the contacts that are sent.
        payloads: of them (`build_payloads`).

    Returns:
        `OUTGOING`, same height and order.
    """
    keys = identifier_keys(valid)
    shared = shared_identifiers(valid, keys=keys)
    own = pl.select(pl.sum_horizontal([pl.lit(key.is_not_null()).cast(pl.Int32) for key in keys.values()] or [0]))
    has = own.to_series() if own.height == valid.height else pl.repeat(own.item(), valid.height, eager=True)
    per_row = shared.group_by("row").agg(pl.len().cast(pl.Int32).alias("shared"), pl.col("component").min())
    numbered = (
        pl.DataFrame({"has": has}).with_row_index("row").join(per_row, on="row", how="left", maintain_order="left")
    )
    contact_id = valid["contact_id"] if "contact_id" in valid.columns else pl.repeat(None, valid.height, eager=True)
    return numbered.select(
        payloads["payload"],
        contact_id.cast(pl.Int64).alias("contact_id"),
        pl.col("component").fill_null(pl.col("row")),
        (pl.col("has") > pl.col("shared").fill_null(0)) | contact_id.is_not_null().alias("bears_id"),
    ).rename({"has": "is_safe"})


def chains(component: pl.Series) -> Iterator[Sequence[int]]:
    """The positions of the rows that hang together with others, each time in their order."""
    together = component.to_frame("component").with_row_index("row").filter(pl.col("component").is_duplicated())
    for (rows,) in together.group_by("component", maintain_order=True).agg("row").select("row").iter_rows():
        yield rows


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The rows of a run.

    Attributes:
        frame: see `OUTGOING`.
        successor: row -> the next row of the same contact.
    """

    frame: pl.DataFrame
    successor: dict[int, int] = field(init=False)
    _bodies: pl.Series = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Finds the rows of one contact."""
        pairs = {one: other for rows in chains(self.frame["component"]) for one, other in itertools.pairwise(rows)}
        object.__setattr__(self, "successor", pairs)
        # The same memory: as bytes the bodies are joined six times as fast as texts.
        object.__setattr__(self, "_bodies", self.frame["payload"].cast(pl.Binary))

    @property
    def height(self) -> int:
        """How many rows."""
        return self.frame.height

    def body(self, row: int) -> bytes:
        """The body of the single operation for one row."""
        body: bytes = self._bodies[row]
        return body

    def batch_body(self, rows: Sequence[int]) -> bytes:
        """The body of the batch operation.

        No list beside the contacts: each one names its own, and whose counts is not documented.

        Source: MainBrainer's public pages on the batch operation, as summed up in the API notes.
        """
        return b'{"createUpdateContacts":[' + b",".join(_at(self._bodies, rows)) + b"]}"

    def contact_ids(self, rows: Sequence[int]) -> list[int | None]:
        """The ids that rows bear."""
        return _at(self.frame["contact_id"], rows)

    def is_safe(self, row: int) -> bool:
        """Whether a row may be sent again after doubt."""
        return bool(self.frame["is_safe"][row])


def _at(column: pl.Series, rows: Sequence[int]) -> list[Any]:
    """The cells of some rows; neighbours are not looked up one by one."""
    found = neighbours(rows)
    return (column.gather(list(rows)) if found is None else column.slice(found.start, len(found))).to_list()
