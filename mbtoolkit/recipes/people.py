"""Steps that make one row of several that are about one person."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from mbtoolkit import cleaning
from mbtoolkit.cleaning.duplicates.merging import lost_values, own_consents
from mbtoolkit.contacts import IDENTIFIERS, OPT_INS
from mbtoolkit.errors import UsageError
from mbtoolkit.recipes.prints import placed_rows, prints_of
from mbtoolkit.recipes.step import Step, StepResult, counted
from mbtoolkit.schemas.conform import conform, unread_column

_Rule = Literal["first", "last", "newest", "most_complete", "commonest", "longest", "largest", "smallest"]


@dataclass(frozen=True, slots=True, repr=False)
class MergeDuplicates(Step):
    """`find_duplicates` and `merge_duplicates`: one row for each person.

    Attributes:
        keep: as `merge_duplicates` takes it.
        date_column: likewise.
        rules: likewise.
        columns: what is compared, as `find_duplicates` takes it; None: what is named like names and addresses.
        threshold: as `find_duplicates` takes it.
        apart: prints of rows that are left as they are, whoever they are like (`row_prints`).
    """

    do = "merge_duplicates"
    keep: Literal["first", "last", "newest", "most_complete"] = "most_complete"
    date_column: str | None = None
    rules: dict[str, _Rule] = field(default_factory=dict)
    columns: list[str] | None = None
    threshold: float = 0.9
    apart: list[str] = field(default_factory=list)

    @property
    def label(self) -> str:
        """What it does, as a person says it."""
        kept = {"newest": "the newest", "most_complete": "the most complete"}.get(self.keep, f"the {self.keep}")
        return f"Duplicates merged; {kept} row is preferred"

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns without which it can't be done."""
        dated = [self.date_column] if self.date_column is not None else []
        return tuple(dict.fromkeys([*dated, *self.rules, *(self.columns or [])]))

    @property
    def keeps_rows(self) -> bool:
        """Whether every row and column stays in its place."""
        return False

    def run(self, frame: pl.DataFrame) -> StepResult:
        """Merges the rows.

        Raises:
            UsageError: an unknown choice.
        """
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            clusters = self._clusters(frame)
            merged = cleaning.merge_duplicates(
                frame, clusters, keep=self.keep, date_column=self.date_column, rules=dict(self.rules)
            )
        left = merged.left.group_by("reason", maintain_order=True).len()
        notes = list(dict.fromkeys(str(each.message) for each in said))
        notes += [f"{counted(count, 'cluster')} not merged: {reason}" for reason, count in left.iter_rows()]
        return StepResult(merged.contacts, merged.rows["into"], lost=merged.lost, notes=tuple(notes))

    def _clusters(self, frame: pl.DataFrame) -> pl.DataFrame:
        """What is to be merged, without the rows that are left apart."""
        clusters = cleaning.find_duplicates(frame, columns=self.columns, threshold=self.threshold)
        is_apart = prints_of(frame, clusters["row"]).is_in(self.apart) if self.apart else pl.Series([False])
        if not is_apart.any():
            return clusters
        # Found anew, as two rows may have hung together by one of these alone.
        rows = pl.int_range(frame.height, dtype=pl.Int64, eager=True)
        others = rows.filter(~rows.is_in(clusters["row"].filter(is_apart).implode()))
        found = cleaning.find_duplicates(frame[others], columns=self.columns, threshold=self.threshold)
        return found.with_columns(others.gather(found["row"]).alias("row"))


@dataclass(frozen=True, slots=True, repr=False)
class MergeRows(Step):
    """Rows that a person found to be about one contact, merged as that person chose.

    Attributes:
        rows: their positions.
        prints: what tells each row from others (`row_prints`), so that it is found where it stands in another file.
        choices: {column: which of the rows its value is taken from, 0 for the first of them}; a column that is not
            named has the first value there is. Of consents the strictest stands.
    """

    do = "merge_rows"
    rows: list[int]
    prints: list[str]
    choices: dict[str, int] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What it does, as a person says it."""
        return f"{len(self.rows)} rows merged into one by hand"

    @property
    def keeps_rows(self) -> bool:
        """Whether every row and column stays in its place."""
        return False

    def run(self, frame: pl.DataFrame) -> StepResult:
        """Merges the rows, if all of them are there as they were.

        Raises:
            UsageError: rows and prints are not as many, or a choice names what can't be chosen.
        """
        self._check()
        contacts = conform(frame)
        placed = placed_rows(contacts, self.rows, self.prints)
        if None in placed:
            note = f"{placed.count(None)} of the {len(placed)} rows do not stand here as they did; nothing was merged"
            return StepResult(contacts, notes=(note,))
        rows = [row for row in placed if row is not None]
        prepared = self._one_id(contacts, rows)
        clusters = pl.DataFrame({"row": rows, "cluster": [min(rows)] * len(rows)})
        merged = cleaning.merge_duplicates(prepared, clusters, keep="first")
        notes = tuple(merged.left["reason"])
        into = merged.rows["into"]
        if not merged.left.is_empty():
            return StepResult(contacts, notes=notes)
        chosen = self._chosen(merged.contacts, contacts, rows, int(into[rows[0]]))
        return StepResult(chosen, into, lost=lost_values(contacts, chosen, merged.rows))

    def _check(self) -> None:
        if len(self.rows) != len(self.prints) or len(set(self.rows)) < max(2, len(self.rows)):
            msg = "merge_rows takes two rows or more, each once, and one print for each"
            raise UsageError(msg)
        for column, place in self.choices.items():
            if column in OPT_INS or not 0 <= place < len(self.rows):
                msg = f"the choice for {column!r} is none of the rows, or of a consent, of which the strictest stands"
                raise UsageError(msg)

    def _one_id(self, contacts: pl.DataFrame, rows: list[int]) -> pl.DataFrame:
        """The contacts with the chosen contact id in each of the rows, so that they can be merged."""
        if "contact_id" not in self.choices or "contact_id" not in contacts.columns:
            return contacts
        ids = contacts.get_column("contact_id")
        chosen = ids.clone().scatter(rows, ids[rows[self.choices["contact_id"]]])
        return contacts.with_columns(chosen.alias("contact_id"))

    def _chosen(self, merged: pl.DataFrame, contacts: pl.DataFrame, rows: list[int], at: int) -> pl.DataFrame:
        """The merged rows with the chosen values; a mobile's country code and number stay together."""
        taken: dict[str, int] = {}
        for column, place in self.choices.items():
            for each in IDENTIFIERS["mobile"] if column in IDENTIFIERS["mobile"] else (column,):
                taken |= {name: rows[place] for name in (each, unread_column(each)) if name in merged.columns}
        chosen = merged.with_columns(
            merged.get_column(name).clone().scatter([at], contacts.get_column(name).gather([row])).alias(name)
            for name, row in taken.items()
        )
        own = own_consents(contacts[rows], pl.concat([chosen[[at]]] * len(rows)))
        foreign = [name for name in OPT_INS if name in own.columns and chosen[name][at] and not own[name].any()]
        return chosen.with_columns(chosen.get_column(name).clone().scatter([at], None).alias(name) for name in foreign)
