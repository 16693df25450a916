"""The rows of a table that may be about one person, while a person looks them over and merges them one by one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from mbtoolkit import cleaning
from mbtoolkit.cleaning.duplicates.merging import Keep
from mbtoolkit.cleaning.headers import read_header
from mbtoolkit.contacts import BY_NAME, PROPERTY_NAME_PREFIX
from mbtoolkit.recipes import MergeDuplicates, row_prints
from mbtoolkit.schemas import is_unread_column
from mbtoolkit.schemas.texts import unless_blank

_ROWS: Final = re.compile(r"\brows? \d+(?: and \d+)?")
"""How a reason names other rows."""
_ISO_DATE: Final = r"^\s*\d{4}-\d{2}-\d{2}"
_FIRST: Final = 100


@dataclass(frozen=True, slots=True)
class Cluster:
    """Rows that may be about one person.

    Attributes:
        number: names it, as long as the table's duplicates are not looked for anew.
        rows: positions in the contacts, in order; two or more.
        scores: for each row the probability that it belongs to the others; 1 for a shared identifier.
        reasons: for each row why it is here.
        question: why it is merged by hand only; None where it needs none.
    """

    number: int
    rows: list[int]
    scores: list[float]
    reasons: list[str]
    question: str | None


class Duplicates:
    """What `find_duplicates` found in contacts, by the rows of the table as it was read: steps that merge rows, and
    their undoing, don't make it wrong.

    Args:
        contacts: a contacts frame.
        into: for each row of the table as it was read, its position in `contacts`.
        columns: what is compared, as `find_duplicates` takes it.

    Attributes:
        columns: the same.
        apart: numbers of the clusters that a person said to be several people.
    """

    def __init__(self, contacts: pl.DataFrame, into: pl.Series, columns: list[str] | None) -> None:
        self.columns = columns
        self.apart: set[int] = set()
        first = pl.DataFrame({"row": into, "given": pl.int_range(len(into), dtype=pl.Int64, eager=True)})
        found = cleaning.find_duplicates(contacts, columns=columns)
        self._found = found.join(first.unique("row", keep="first"), on="row", maintain_order="left").rename(
            {"row": "found"}
        )

    def standing(self, contacts: pl.DataFrame, into: pl.Series) -> pl.DataFrame:
        """The clusters that have two rows or more by now and were not said to be several people.

        Args:
            contacts: the contacts as they are now.
            into: as the class takes it.

        Returns:
            A line for each row: `row` (position in `contacts`), `cluster`, `score`, `reason`, `question`.
        """
        rows = into.gather(self._found["given"])
        placed = self._found.with_columns(rows.alias("row")).filter(~pl.col("cluster").is_in(list(self.apart)))
        placed = placed.unique(["cluster", "row"], keep="first", maintain_order=True)
        has_ids = "contact_id" in contacts.columns
        ids = contacts.get_column("contact_id").gather(placed["row"]) if has_ids else pl.Series([None] * placed.height)
        question = (
            pl.when(pl.col("joins").is_not_null().any().over("cluster"))
            .then(pl.lit("one of its rows joins two other people: leave out who is somebody else"))
            .when(pl.col("contact_id").drop_nulls().n_unique().over("cluster") > 1)
            .then(pl.lit("its rows have different contact ids: choose the one that stays"))
        )
        several = placed.with_columns(ids.alias("contact_id")).filter(pl.len().over("cluster") > 1)
        return several.select("row", "cluster", "score", "reason", question=question).sort("cluster", "row")

    def cluster(self, standing: pl.DataFrame, number: int, into: pl.Series) -> Cluster:
        """One of the clusters that stand; its reasons name the rows as they are numbered now.

        Args:
            standing: what `standing` returned.
            number: of a cluster that is in it.
            into: as the class takes it.
        """
        found = self._found.filter(pl.col("cluster") == number)
        now = dict(zip(found["found"], into.gather(found["given"]), strict=True))
        lines = standing.filter(pl.col("cluster") == number)
        rows, scores, reasons = (lines[name].to_list() for name in ("row", "score", "reason"))
        said = [_ROWS.sub(lambda told: _renumbered(told[0], now), reason) for reason in reasons]
        return Cluster(number, rows, scores, said, lines["question"][0])

    def merging(self, contacts: pl.DataFrame, into: pl.Series, keep: Keep, date_column: str | None) -> MergeDuplicates:
        """The step that merges all of them at once; the rows of those that are several people are left as they are.

        Args:
            contacts: the contacts as they are now.
            into: as the class takes it.
            keep: as `MergeDuplicates` has it.
            date_column: likewise.
        """
        given = self._found.filter(pl.col("cluster").is_in(list(self.apart)))["given"]
        rows = into.gather(given).unique().sort().to_list()
        prints = row_prints(contacts, rows)
        return MergeDuplicates(keep, date_column, columns=self.columns, apart=prints)


def _renumbered(told: str, now: Mapping[int, int]) -> str:
    return re.sub(r"\d+", lambda number: f"{now.get(int(number[0]), int(number[0])):,}", told)


def date_columns(contacts: pl.DataFrame) -> list[str]:
    """The columns by which the newest row can be known: dates and times, or text that is ISO 8601 throughout.

    Args:
        contacts: a contacts frame. Birthdays in it say nothing of that.
    """
    return [name for name in contacts.columns if _holds_dates(contacts.get_column(name), name)]


def _holds_dates(cells: pl.Series, name: str) -> bool:
    if "birth" in read_header(name.removeprefix(PROPERTY_NAME_PREFIX)).ideas:
        return False
    if isinstance(cells.dtype, pl.Date | pl.Datetime):
        return True
    if name in BY_NAME or is_unread_column(name) or cells.dtype != pl.String:
        return False
    # The first cells tell most columns already, and that without polars, whose fixed costs count in a wide table.
    if any(text and not text.isspace() and not re.match(_ISO_DATE, text) for text in cells.head(_FIRST)):
        return False
    # By position, for polars takes names such as `^x$` for patterns of names.
    filled = cells.to_frame().select(unless_blank(pl.first()).alias("filled")).to_series().drop_nulls()
    return len(filled) > 0 and bool(filled.str.contains(_ISO_DATE).all())
