"""How well `suggest_mapping` knows columns that it was not made on: the tables of tests/cleaning/unseen_headers.toml.

    python tests/benchmarks/headers.py             # a line for each table, and the totals
    python tests/benchmarks/headers.py --columns   # and every column that is not right

How it is counted. A *field column* is one whose truth is a field. It is *right* if it was given that field, and
*missed* if it was given nothing; one that was given something else is neither. *Wrongly a field* is every column that
was given a field that is not its truth, a tie that only a person can decide among them. A property is right under the
same label, `apart` is right unless it was given a field, `carried` only if it was given nothing, a tie only if it was
given no field. Every suggestion counts, however unsure; *taken* says how many of the wrong ones `mapping_of` takes.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from mbtoolkit.cleaning import mapping_of, suggest_mapping
from mbtoolkit.contacts import BY_NAME, OPT_INS

TABLES = Path(__file__).resolve().parents[1] / "cleaning" / "unseen_headers.toml"
SAME_LABEL = {"property:Birthday": "property:Birth date", "property:Postal code": "property:Postcode"}
SAME_LABEL |= {"property:Address": "property:Street"}
"""What the toolkit calls a property, and what the tables call it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One column: what it is, and what it was taken for."""

    table: str
    header: str
    truth: str
    target: str | None
    confidence: float
    is_taken: bool
    is_tied: bool

    @property
    def is_field(self) -> bool:
        return self.truth in BY_NAME

    @property
    def is_wrongly_a_field(self) -> bool:
        return self.target in BY_NAME and self.target != self.truth

    @property
    def is_wrong_consent(self) -> bool:
        return self.is_wrongly_a_field and self.target in OPT_INS

    @property
    def is_missed(self) -> bool:
        return self.is_field and self.target is None

    @property
    def is_right(self) -> bool:
        if self.is_wrongly_a_field:
            return False
        if self.truth in ("apart", "tie"):
            return True
        if self.truth == "carried":
            return self.target is None
        return self.truth in (self.target, SAME_LABEL.get(self.target or ""))


def tables() -> list[dict[str, Any]]:
    """The tables as they stand in the file."""
    found: list[dict[str, Any]] = tomllib.loads(TABLES.read_text(encoding="utf-8"))["tables"]
    return found


def outcomes(table: dict[str, Any]) -> Iterator[Outcome]:
    """What became of each column of a table, in its order; cells come as a CSV file gives them, blank ones null."""
    columns = {column["header"]: [cell or None for cell in column["cells"]] for column in table["columns"]}
    suggested = suggest_mapping(pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)))
    taken = mapping_of(suggested)
    for column, row in zip(table["columns"], suggested.iter_rows(named=True), strict=True):
        header, target = column["header"], row["target"]
        is_tied = row["tied_with"] is not None
        yield Outcome(table["name"], header, column["truth"], target, row["confidence"], header in taken, is_tied)


def share(found: list[Outcome]) -> float:
    """Which share of the outcomes is right."""
    return sum(each.is_right for each in found) / len(found)


def line(name: str, found: list[Outcome]) -> str:
    """One table, or all of them, in numbers."""
    fields = [each for each in found if each.is_field]
    wrong = [each for each in found if each.is_wrongly_a_field]
    missed = [each for each in fields if each.is_missed]
    ties = [each for each in found if each.truth == "tie"]
    return (
        f"{name:<30}{len(found):>8}{sum(each.is_right for each in fields):>8}/{len(fields):<3}"
        f"{len(wrong):>8}{sum(each.is_taken for each in wrong):>7}{sum(each.is_wrong_consent for each in wrong):>9}"
        f"{len(missed):>8}{sum(each.is_tied for each in missed):>7}"
        f"{sum(each.is_right for each in ties):>6}/{len(ties):<3}{sum(each.is_right for each in found):>7}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--columns", action="store_true", help="show every column that is not right")
    options = parser.parse_args()
    everything: list[Outcome] = []
    print(
        f"{'':<38}{'fields':>12}{'wrongly':>8}{'of it':>7}{'of it':>9}{'fields':>8}{'of it':>7}{'ties':>10}{'all':>7}"
    )
    names = f"{'a field':>8}{'taken':>7}{'consent':>9}{'missed':>8}{'tied':>7}{'left':>10}{'right':>7}"
    print(f"{'table':<30}{'columns':>8}{'right':>12}{names}")
    for table in tables():
        found = list(outcomes(table))
        everything += found
        print(line(table["name"], found))
    print(line("all", everything))
    fields = [each for each in everything if each.is_field]
    print(f"\nfield columns rightly suggested: {share(fields):.1%} of {len(fields)}")
    print(f"columns wrongly given a field: {sum(each.is_wrongly_a_field for each in everything)} of {len(everything)}")
    print(f"columns right: {share(everything):.1%} of {len(everything)}")
    for each in everything if options.columns else ():
        if not each.is_right:
            tied = ", tied" if each.is_tied else ""
            print(f"{each.table}: {each.header!r} is {each.truth}, was given {each.target} ({each.confidence}{tied})")


if __name__ == "__main__":
    main()
