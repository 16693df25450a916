"""Cells mended by hand."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from mbtoolkit.cleaning.entering import CODE, enter_texts
from mbtoolkit.cleaning.shown import shown_texts
from mbtoolkit.contacts import IDENTIFIERS
from mbtoolkit.errors import UsageError
from mbtoolkit.recipes.prints import placed_rows
from mbtoolkit.recipes.step import Step, StepResult, counted
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

    def run(self, frame: pl.DataFrame) -> StepResult:
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
        shown = {name: shown_texts(contacts, name) for name in {c.column for c in self.cells} & set(contacts.columns)}
        missed = 0
        made: dict[tuple[str, bool], dict[int, str | None]] = {}
        named = {(cell.row, cell.column) for cell in self.cells}
        # Where both cells of a mobile were mended, each is what it was mended to, whatever waits beside it unread.
        whole = {cell.row for cell in self.cells if {(cell.row, name) for name in IDENTIFIERS["mobile"]} <= named}
        for cell in self.cells:
            place = places[cell.row]
            if place is None or cell.column not in shown or shown[cell.column][place] != cell.before:
                missed += 1
            else:
                alone = cell.column in IDENTIFIERS["mobile"] and cell.row in whole
                made.setdefault((cell.column, alone), {})[place] = cell.after
        # A country code is entered before the numbers that it is for.
        for (column, alone), cells in sorted(made.items(), key=lambda each: each[0][0] != CODE):
            rows, texts = pl.Series(list(cells), dtype=pl.Int64), pl.Series(list(cells.values()), dtype=pl.String)
            contacts = enter_texts(contacts, column, rows, texts, alone=alone)
        told = f"not mended: {missed:,} of {counted(len(self.cells), 'cell')}, whose row does not stand here as it did"
        return StepResult(contacts, notes=(told,) if missed else ())
