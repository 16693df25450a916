"""The step that makes a contacts frame of a table."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import polars as pl

from mbtoolkit.reading import read_contacts
from mbtoolkit.recipes.step import Step, StepResult, listed
from mbtoolkit.schemas.issues import unread_issues


@dataclass(frozen=True, slots=True, repr=False)
class ReadContacts(Step):
    """`read_contacts`: the table becomes a contacts frame.

    Attributes:
        mapping: {column: target}; an empty target carries the column along.
        default_country: of phone numbers in local form: a two-letter code, or the name of a column that holds one.
    """

    do = "read_contacts"
    mapping: dict[str, str]
    default_country: str | None = None

    @property
    def label(self) -> str:
        """What it does, as a person says it."""
        return "Columns read as contacts"

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns without which it can't be done."""
        mapped = [column for column, target in self.mapping.items() if target]
        if self.default_country is not None and len(self.default_country.strip()) != 2:
            mapped.append(self.default_country)
        return tuple(dict.fromkeys(mapped))

    @property
    def keeps_rows(self) -> bool:
        """Whether every row and column stays in its place."""
        return False

    def run(self, frame: pl.DataFrame) -> StepResult:
        """Reads the table.

        Raises:
            UsageError: its columns and the fields don't fit together.
        """
        known = {column: target for column, target in self.mapping.items() if target or column in frame.columns}
        gone = [column for column in self.mapping if column not in known]
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            contacts = read_contacts(frame, mapping=known, default_country=self.default_country)
        notes = [str(each.message).removeprefix("the source: ") for each in said]
        notes += [f"columns that were carried along are gone: {listed(gone)}"] if gone else []
        return StepResult(contacts, issues=unread_issues(contacts), notes=tuple(notes))
