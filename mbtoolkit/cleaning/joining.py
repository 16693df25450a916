"""Rows that hang together, and rows that join two other people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import polars as pl

_MOST_PARTNERS: Final = 5
"""Different rows with the same identifier that are looked at for each row."""


def first_of_each(pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    """For each row that is in a pair, the first of all rows that it hangs together with, directly or through others.

    Args:
        pairs: rows that belong together.
    """
    parent: dict[int, int] = {}

    def root(row: int) -> int:
        top = row
        while parent.setdefault(top, top) != top:
            top = parent[top]
        while parent[row] != top:
            parent[row], row = top, parent[row]
        return top

    for left, right in pairs:
        one, other = root(left), root(right)
        parent[max(one, other)] = min(one, other)
    return {row: root(row) for row in parent}


def joined_by_identifiers(shared: pl.DataFrame, keys: dict[str, pl.Series]) -> pl.DataFrame:
    """Rows that share one identifier with one row and another with another row, where those two share none.

    Args:
        shared: what `shared_identifiers` says of a frame.
        keys: what `identifier_keys` says of it.

    Returns:
        `row`, `identifier` and `one` (what it shares with whom), `other_identifier` and `other`, and `differ`: whether
        the two have different values of one identifier, so that they are no two halves of one contact.
    """
    known = pl.DataFrame({f"key_{name}": key for name, key in keys.items()}).with_row_index("one")
    names = [column for column in known.columns if column != "one"]
    several = shared.filter(pl.len().over("row") > 1).select("row", "identifier", "group")
    partners = (
        shared.select("identifier", "group", pl.col("row").alias("one"))
        .join(several, on=["identifier", "group"], how="semi")
        .sort("one")
        .join(known, on="one", how="left", maintain_order="left")
        .unique(["identifier", "group", *names], keep="first", maintain_order=True)
        .filter(pl.int_range(pl.len()).over("identifier", "group") < _MOST_PARTNERS)
    )
    met = several.join(partners, on=["identifier", "group"]).filter(pl.col("one") != pl.col("row")).drop("group")
    second = met.rename({"one": "other", "identifier": "other_identifier"} | {name: f"other_{name}" for name in names})
    both = met.join(second, on="row").filter(pl.col("identifier") < pl.col("other_identifier"))
    same = pl.any_horizontal(pl.col(name) == pl.col(f"other_{name}") for name in names).fill_null(value=False)
    differ = pl.any_horizontal(pl.col(name) != pl.col(f"other_{name}") for name in names).fill_null(value=False)
    return (
        both.filter(~same)
        .select("row", "identifier", "one", "other_identifier", "other", differ.alias("differ"))
        .sort("row", pl.col("differ").not_(), "one", "other", "identifier", "other_identifier")
    )
