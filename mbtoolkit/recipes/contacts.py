"""The step that makes a contacts frame of a table."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Final

import polars as pl

from mbtoolkit.cleaning.shown import NOTED_RULE
from mbtoolkit.reading import read_contacts
from mbtoolkit.recipes.step import Outcome, Step, listed
from mbtoolkit.schemas.conform import UNREAD_PREFIX, is_unread_column
from mbtoolkit.schemas.frames import ISSUES
from mbtoolkit.schemas.rules import RULES

_SAYS: Final = {code: rule.message for code, rule in RULES.items()}


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

    def run(self, frame: pl.DataFrame) -> Outcome:
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
        return Outcome(contacts, issues=_unread(contacts), notes=tuple(notes))


def _unread(contacts: pl.DataFrame) -> pl.DataFrame:
    """The cells that could not be read, as issues."""
    parts = [pl.DataFrame(schema=ISSUES)]
    for name in filter(is_unread_column, contacts.columns):
        notes = contacts.get_column(name).alias("note")
        rows = notes.is_not_null().arg_true().cast(pl.Int64)
        told = {
            "row": pl.lit(rows),
            "column": pl.lit(name.removeprefix(UNREAD_PREFIX)),
            "value": pl.col("note").str.replace(NOTED_RULE, ""),
            "rule": pl.col("note").str.extract(NOTED_RULE.replace("(?:", "(")),
            "severity": pl.lit("error"),
            "message": pl.col("note").str.extract(NOTED_RULE.replace("(?:", "(")).replace_strict(_SAYS, default=None),
            "suggestion": pl.lit(None),
        }
        found = notes.gather(rows).to_frame()
        parts.append(found.select(told[each].cast(dtype).alias(each) for each, dtype in ISSUES.items()))
    return pl.concat(parts)
