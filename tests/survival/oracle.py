"""People whose rows can be told apart in the CRM's record, and the judge who holds a report against that record."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields

import polars as pl

NOTES = "property:Notes"
NO_LIST = "00000000-0000-4000-8000-000000000000"
"""No CRM of these tests knows it: rows that name it are refused."""

KINDS = ("own", "shared", "half_shared", "bears_id", "refused", "invalid")


def people(count, first=0):
    """A frame of contacts of every kind, mixed; each row's notes say which row it is.

    Args:
        count: of rows.
        first: the number of the first person, so that two frames have nobody in common.

    Returns:
        The canonical columns, and `kind`: own (an e-mail of its own), shared (nothing but an e-mail that other rows
        have too, three rows far apart), half_shared (a mobile of its own, and the e-mail of the next such row),
        bears_id, refused (by the CRM), invalid (refused by the toolkit).
    """
    rows = pl.DataFrame({"row": pl.int_range(count, eager=True)}).with_columns(
        slot=pl.col("row") % 20, turn=pl.col("row") // 20, person=pl.col("row") + first
    )
    slot = pl.col("slot")
    kind = (
        pl.when(slot.is_in([3, 8, 14])).then(pl.lit("shared"))
        .when(slot.is_in([5, 11])).then(pl.lit("half_shared"))
        .when(slot.is_in([6, 7])).then(pl.lit("bears_id"))
        .when((slot == 17) & (pl.col("turn") % 4 == 1)).then(pl.lit("refused"))
        .when((slot == 18) & (pl.col("turn") % 4 == 2)).then(pl.lit("invalid"))
        .otherwise(pl.lit("own"))
    )  # fmt: skip
    together = pl.format("{}-{}@example.com", "kind", pl.col("turn") + first)
    rows = rows.with_columns(kind=kind)
    of = pl.col("kind")
    is_mobile = of == "half_shared"
    return rows.select(
        pl.when(of == "refused").then(pl.lit(NO_LIST)).alias("list_id"),
        pl.when(of == "bears_id").then(pl.col("person") + 5_000_000).alias("contact_id"),
        pl.when(is_mobile).then(44).cast(pl.Int32).alias("mobile_country_code"),
        pl.when(is_mobile).then(pl.col("person") + 7_700_000_000).alias("mobile_number"),
        pl.when(of == "invalid").then(pl.lit("no address"))
        .when(of.is_in(["shared", "half_shared"])).then(together)
        .when(of == "bears_id").then(None)
        .otherwise(pl.format("person{}@example.com", "person"))
        .alias("email"),
        pl.format("row {}", "row").alias(NOTES),
        pl.col("kind"),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figures:
    """What a report comes to when it is held against the record.

    Attributes:
        rows: of the report.
        lost: rows that are said to be stored, or not said to be anything, and are not in the record.
        denied: rows that are said not to be stored, and are in the record.
        doubled: rows without an identifier of their own that were applied more than once.
        overruled: contacts that hold an earlier row although a later one was applied.
        unknown: rows that may or may not be stored.
        unsent: rows that were never sent though they could have been.
        sent_again: rows that were sent more than once.
        applied_again: applications beyond the first of a row.
    """

    rows: int
    lost: int
    denied: int
    doubled: int
    overruled: int
    unknown: int
    unsent: int
    sent_again: int
    applied_again: int

    @property
    def faults(self):
        """What may never be, by name."""
        return {name: getattr(self, name) for name in ("lost", "denied", "doubled", "overruled") if getattr(self, name)}

    def __add__(self, other):
        return Figures(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


def applied_rows(applied):
    """The row of each application, in their order."""
    return [
        int(held["propertyValue"].removeprefix("row "))
        for payload in applied["payload"]
        for held in json.loads(payload)["propertyFields"]
    ]


def judge(results, applied):
    """The report against the record.

    Args:
        results: of one run of `people`.
        applied: `Sandbox.applied()` of a CRM that heard of nothing else.
    """
    in_order = applied_rows(applied)
    counted = pl.DataFrame({"row": in_order}, schema={"row": pl.Int64}).group_by("row").agg(pl.len().alias("applied"))
    held = (
        results.with_columns(pl.col("mb_status").cast(pl.String))
        .with_row_index("row")
        .with_columns(pl.col("row").cast(pl.Int64))
        .join(counted, on="row", how="left", maintain_order="left")
        .with_columns(pl.col("applied").fill_null(0).cast(pl.Int64))
    )
    status, times = pl.col("mb_status"), pl.col("applied")
    is_stored = status.is_in(["succeeded"]) | status.is_null()
    is_held_back = (pl.col("mb_code") == "held").fill_null(value=False)

    def count(rule):
        return held.filter(rule).height

    return Figures(
        rows=held.height,
        lost=count(is_stored & (times == 0)),
        denied=count(status.is_in(["rejected", "invalid", "not_sent"]) & (times > 0)),
        doubled=count((pl.col("kind") == "shared") & (times > 1)),
        overruled=_overruled(held, in_order),
        unknown=count(status == "unknown"),
        unsent=count(status.is_in(["not_sent", "accepted"]) & ~is_held_back),
        sent_again=count(pl.col("mb_attempts") > 1),
        applied_again=sum(max(0, times - 1) for times in held["applied"]),
    )


def _overruled(held, in_order):
    """How many contacts do not hold the latest of their rows that were applied."""
    who = dict(zip(held["row"], held["email"], strict=True))
    latest, last = {}, {}
    for row in in_order:
        person = who[row]
        if person is not None:
            latest[person] = max(row, latest.get(person, row))
            last[person] = row
    return sum(latest[person] != last[person] for person in last)
