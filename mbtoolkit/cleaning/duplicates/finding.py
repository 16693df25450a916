"""Which rows of a contacts frame are about one person, and why."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import chain
from typing import Final

import numpy as np
import polars as pl

from mbtoolkit.cleaning.duplicates.columns import compared_columns, people_columns
from mbtoolkit.cleaning.duplicates.links import Links, find_links
from mbtoolkit.cleaning.duplicates.weights import BLANK, CLOSE, DIFFERENT, EQUAL, NEAR, Weights, odds_of
from mbtoolkit.cleaning.joining import first_of_each, joined_by_identifiers
from mbtoolkit.errors import FrameError, SourceWarning, UsageError
from mbtoolkit.schemas.conform import conform
from mbtoolkit.schemas.sharing import identifier_keys, shared_identifiers

DUPLICATES: Final[dict[str, pl.DataType]] = {
    "row": pl.Int64(),
    "cluster": pl.Int64(),
    "score": pl.Float64(),
    "reason": pl.String(),
    "joins": pl.List(pl.Int64()),
}
"""The frame that `find_duplicates` returns."""

_MANY: Final = 1_000
"""Rows from which on it is told if the columns tell too little; fewer can be looked through."""
_ENOUGH: Final = 0.5
"""Share of the rows of which a double with a slip must be recognised for that not to be told."""
_SAID: Final = {EQUAL: "equal", CLOSE: "close", NEAR: "near", DIFFERENT: "different"}


def find_duplicates(
    contacts: pl.DataFrame, *, columns: Sequence[str] | None = None, threshold: float = 0.9
) -> pl.DataFrame:
    """The rows that are about the same person as another row.

    Rows with the same contact id, mobile or e-mail address (in lower case, without what can't be seen) are one person
    to the CRM, and always in one cluster. Beyond that, rows are compared by names, addresses and birthdays: in each
    column two values are equal, close (a slip), near or different. What that says is learnt from the frame itself:
    agreement in a rare value weighs more than in a common one, columns that go together count once, what one column
    says again (a full name beside its parts) doesn't count again, and what a household shares is never enough alone.
    The result is the probability that two rows are one person.

    Args:
        contacts: a contacts frame, or a table of people with other columns.
        columns: what to compare; by default those named like names, addresses and birthdays. `[]` compares
            identifiers only.
        threshold: probability from 0 to 1 from which two rows are linked. The default of 0.9 misses some rather than
            to link what is not one person.

    Returns:
        One line for each row that is in a cluster, in the order of rows: `row` (position in `contacts`), `cluster` (its
        first row), `score` (1 for a shared identifier, else the probability of its surest link), `reason` (in which no
        cell is quoted) and `joins`: null, or the two rows that this row joins by one identifier each though they are
        two other people. A cluster with such a row wants a look before it is merged.

    Warns:
        SourceWarning: so many rows agree in several columns that not all of them were compared with each other; or the
            columns tell so little of so many rows that most doubles with a slip can't be recognised.

    Raises:
        FrameError: `contacts` is no polars DataFrame, or a column is not there or has no text form.
        UsageError: the threshold is no probability, or `columns` is one text.
    """
    if not isinstance(contacts, pl.DataFrame):
        msg = f"find_duplicates takes a polars DataFrame, not a {type(contacts).__name__}; .collect() a LazyFrame first"
        raise FrameError(msg)
    if isinstance(columns, str):
        msg = f"columns= takes a list, such as columns=[{columns!r}], not one text"
        raise UsageError(msg)
    if not 0 < threshold <= 1:
        msg = f"threshold is a probability above 0 and at most 1, such as 0.9; not {threshold!r}"
        raise UsageError(msg)
    frame = conform(contacts)
    keys = identifier_keys(frame)
    shared = shared_identifiers(frame).with_columns(pl.col("row", "group", "component").cast(pl.Int64))
    weights = _weights(frame, people_columns(frame) if columns is None else columns)
    links = find_links(weights, threshold) if weights else None
    if links is not None and links.cut_rows:
        msg = (
            f"{links.cut_rows:,} rows agree in {links.cut_depth} columns at once with more than {links.limit} others "
            "each; they were compared with their neighbours in order only. Name more columns, to tell them apart"
        )
        warnings.warn(msg, SourceWarning, stacklevel=2)
    if weights is not None and frame.height >= _MANY:
        _warn_of_little(weights, threshold, frame.height)
    return _told(shared, _joining(shared, keys, weights, threshold), weights, links)


def _warn_of_little(weights: Weights, threshold: float, rows: int) -> None:
    copies, slips = weights.recognised(odds_of(threshold))
    if slips >= _ENOUGH:
        return
    names = ", ".join(dict.fromkeys(column.name for column in weights.columns))
    msg = (
        f"{names} can hardly tell {rows:,} people apart: a second row of a person would be recognised for {copies:.0%} "
        f"of the rows if it is an exact copy, and for {slips:.0%} if it has a slip. Name more columns (columns=...), "
        "such as a birthday or an address"
    )
    warnings.warn(msg, SourceWarning, stacklevel=3)


def _weights(frame: pl.DataFrame, columns: Sequence[str]) -> Weights | None:
    """What the compared columns weigh; None where there is nothing to compare."""
    compared = compared_columns(frame, columns)
    return Weights(compared) if compared and frame.height > 1 else None


def _joining(
    shared: pl.DataFrame, keys: dict[str, pl.Series], weights: Weights | None, threshold: float
) -> pl.DataFrame:
    """For each row that joins two other people, these two and what it shares with each."""
    joined = joined_by_identifiers(shared, keys) if keys else pl.DataFrame(schema={"row": pl.Int64})
    if weights is None or joined.is_empty():
        apart = joined.filter(pl.col("differ")) if joined.height else joined
    else:
        pairs = joined["one"].to_numpy(), joined["other"].to_numpy()
        odds = weights.odds(pairs, weights.levels(pairs))
        # Two halves of one contact have nothing that differs, and nothing that speaks against them.
        is_two = (joined["differ"].to_numpy() | (odds < weights.prior)) & (odds < odds_of(threshold))
        apart = joined.filter(pl.Series(is_two))
    return apart.unique("row", keep="first", maintain_order=True)


def _told(shared: pl.DataFrame, joining: pl.DataFrame, weights: Weights | None, links: Links | None) -> pl.DataFrame:
    """The lines of all rows in clusters."""
    by_identifier = shared.filter(pl.col("row") != pl.col("group")).select("row", "group").iter_rows()
    by_likeness = zip(*(rows.tolist() for rows in links.pairs), strict=True) if links else ()
    clusters = first_of_each(chain(by_identifier, by_likeness))
    told = pl.DataFrame(
        {"row": list(clusters), "cluster": list(clusters.values())}, schema={"row": pl.Int64, "cluster": pl.Int64}
    ).sort("row")
    reasons = [_same(shared)]
    if weights and links:
        reasons.append(_alike(weights, links))
    best = pl.concat(reasons).unique("row", keep="first", maintain_order=True)
    told = told.join(best, on="row", how="left", maintain_order="left")
    if joining.is_empty():
        return told.with_columns(pl.lit(None, dtype=pl.List(pl.Int64)).alias("joins"))
    told = told.join(joining, on="row", how="left", maintain_order="left")
    joins = pl.format(
        "joins rows {} and {}, two other people: same {} as row {}, same {} as row {}",
        *("one", "other", "identifier", "one", "other_identifier", "other"),
    )
    is_joining = pl.col("one").is_not_null()
    return told.select(
        "row",
        "cluster",
        "score",
        pl.when(is_joining).then(joins).otherwise("reason").alias("reason"),
        pl.when(is_joining).then(pl.concat_list("one", "other")).alias("joins"),
    )


def _same(shared: pl.DataFrame) -> pl.DataFrame:
    """Why each row that shares an identifier is linked."""
    group = ["identifier", "group"]
    second = pl.col("row").filter(pl.col("row") != pl.col("group")).min().over(group)
    with_whom = pl.when(pl.col("row") != pl.col("group")).then("group").otherwise(second).alias("with")
    return (
        shared.with_columns(with_whom)
        .group_by("row", "with", maintain_order=True)
        .agg(pl.col("identifier").str.join(" and "))
        .group_by("row", maintain_order=True)
        .agg(pl.format("same {} as row {}", "identifier", "with").str.join(", "))
        .select("row", pl.lit(1.0).alias("score"), pl.col("identifier").alias("reason"))
    )


def _alike(weights: Weights, links: Links) -> pl.DataFrame:
    """Why each row that is like another is linked: its surest link."""
    patterns, which = np.unique(links.levels, axis=0, return_inverse=True)
    said = pl.Series([_how(weights, pattern.tolist()) for pattern in patterns], dtype=pl.String)
    texts = said.gather(which.reshape(-1))
    one = pl.DataFrame({"row": links.pairs[0], "with": links.pairs[1], "score": links.scores, "how": texts})
    both = pl.concat([one, one.select(pl.col("with").alias("row"), pl.col("row").alias("with"), "score", "how")])
    return (
        both.sort("row", pl.col("score").neg(), "with")
        .unique("row", keep="first", maintain_order=True)
        .select("row", "score", pl.format("like row {}: {}", "with", "how").alias("reason"))
    )


def _how(weights: Weights, pattern: list[int]) -> str:
    parts = []
    for level, said in _SAID.items():
        names = [column.name for column, each in zip(weights.columns, pattern, strict=True) if each == level != BLANK]
        if names:
            parts.append(f"{', '.join(names)} {said}")
    return "; ".join(parts)
