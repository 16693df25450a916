"""Edits that find their cells in another frame of the same rows."""

from __future__ import annotations

import polars as pl

from mbtoolkit.schemas import ContactSchema
from mbtoolkit.sessions.editing import Edits
from mbtoolkit.sessions.editing.locking import locked


def edit_all(edits: Edits, made: pl.DataFrame) -> pl.DataFrame:
    """Types texts into cells.

    Args:
        edits: where to.
        made: `row`, `column`, `text`; null empties the cell.

    Returns:
        Those that have no cell there.
    """
    columns = [column.name for column in edits.columns if not column.read_only]
    fits = pl.col("column").is_in(columns) & (pl.col("row") < edits.height)
    for name in columns:
        part = made.filter(fits & (pl.col("column") == name))
        if part.height:
            edits.edit_block(part["row"].to_list(), [name], [[text or ""] for text in part["text"]])
    return made.filter(~fits)


class Part:
    """Some rows of a table that is mended, beside more columns: what is mended here is mended there.

    Args:
        whole: the table's edits.
        rows: positions of the rows.
        beside: columns to show before theirs, of the same height as `rows`.
        schema: the rules.
    """

    def __init__(self, whole: Edits, rows: pl.Series, beside: pl.DataFrame, schema: type[ContactSchema]) -> None:
        self.lock = whole.lock
        self._whole, self._rows = whole, rows
        contacts = whole.contacts[rows].drop(beside.columns, strict=False)
        self.edits = Edits(beside.hstack(contacts), schema=schema, lock=whole.lock)
        self._carried = self.edits.changes

    @locked
    def carry(self) -> None:
        """Makes in the whole table what was changed here since the last time, undone edits included."""
        changes = self.edits.changes
        cells = ["row", "column"]
        new = changes.join(self._carried, on=[*cells, "after"], how="anti", nulls_equal=True)
        undone = self._carried.join(changes, on=cells, how="anti")
        made = [new.select(*cells, text="after"), undone.select(*cells, text="before")]
        edit_all(self._whole, pl.concat(made).with_columns(row=self._rows.gather(pl.concat(made)["row"])))
        self._carried = changes
