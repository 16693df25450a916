"""Cells mended by hand."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from mbtoolkit.cleaning.entering import CODE, enter_texts
from mbtoolkit.cleaning.shown import shown_texts
from mbtoolkit.errors import UsageError
from mbtoolkit.recipes.prints import placed_rows
from mbtoolkit.recipes.step import Outcome, Step, counted
from mbtoolkit.schemas.conform import conform


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell that was mended by hand.

    Attributes:
        row: its position.
        print: of its row, before any cell of the step was mended (`row_prints`).
        column: its column.
        before: its text; None: it was empty.
        after: the text that was put there; None empties it.
    """

    row: int
    print: str
    column: str
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class EditCells(Step):
    """Cells mended by hand, each in a row that reads exactly as it did.

    What a person decided about one row says nothing of others: in another file a cell is mended where the same row
    stands, whatever its place, and is left alone otherwise.

    Attributes:
        cells: what was mended.
    """

    do = "edit_cells"
    cells: list[Cell]

    @property
    def label(self) -> str:
        """What it does, as a person says it."""
        return f"{counted(len(self.cells), 'cell')} mended by hand"

    def run(self, frame: pl.DataFrame) -> Outcome:
        """Mends the cells.

        Raises:
            UsageError: two mends are of one cell.
        """
        contacts = conform(frame)
        if len({(cell.row, cell.column) for cell in self.cells}) < len(self.cells):
            msg = "edit_cells mends one cell twice; keep one of the mends"
            raise UsageError(msg)
        prints = {cell.row: cell.print for cell in self.cells}
        places = dict(zip(prints, placed_rows(contacts, list(prints), list(prints.values())), strict=True))
        texts = {name: shown_texts(contacts, name) for name in {c.column for c in self.cells} & set(contacts.columns)}
        missed = 0
        made: dict[str, dict[int, str | None]] = {}
        for cell in self.cells:
            place = places[cell.row]
            if place is None or cell.column not in texts or texts[cell.column][place] != cell.before:
                missed += 1
            else:
                made.setdefault(cell.column, {})[place] = cell.after
        # A country code is entered before the numbers that it is for.
        for column in sorted(made, key=lambda name: name != CODE):
            rows = pl.Series(list(made[column]), dtype=pl.Int64)
            contacts = enter_texts(contacts, column, rows, pl.Series(list(made[column].values()), dtype=pl.String))
        told = f"not mended: {missed:,} of {counted(len(self.cells), 'cell')}, whose row does not stand here as it did"
        return Outcome(contacts, notes=(told,) if missed else ())
