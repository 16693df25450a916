"""The judge sees what it is there to see."""

from __future__ import annotations

import json

import polars as pl
import pytest
from oracle import KINDS, NOTES, judge, people

from mbtoolkit.schemas.frames import RESULTS

COUNT = 100


def applied(rows):
    payloads = [
        json.dumps({"propertyFields": [{"propertyName": "Notes", "propertyValue": f"row {row}"}]}) for row in rows
    ]
    return pl.DataFrame({"payload": payloads}, schema={"payload": pl.String})


def results(**changes):
    """A report by which all went well, but for some rows: position -> status."""
    contacts = people(COUNT)
    told = {"refused": "rejected", "invalid": "invalid"}
    status = [changes.get(f"row_{row}", told.get(kind, "succeeded")) for row, kind in enumerate(contacts["kind"])]
    return contacts.with_columns(
        pl.Series("mb_status", status, dtype=RESULTS["mb_status"]),
        mb_code=pl.lit(None, dtype=pl.String),
        mb_attempts=pl.lit(1),
    )


def sent(kinds=("own", "shared", "half_shared", "bears_id")):
    return [row for row, kind in enumerate(people(COUNT)["kind"]) if kind in kinds]


def test_people_are_of_every_kind_and_no_two_rows_are_alike():
    contacts = people(COUNT)
    assert set(contacts["kind"]) == set(KINDS)
    assert contacts[NOTES].n_unique() == COUNT
    both = pl.concat([contacts, people(COUNT, first=COUNT)])
    together = both.filter(pl.col("kind") == "shared").group_by("email").agg(pl.len())
    assert set(together["len"]) == {3}


def test_a_report_that_is_right_has_no_faults():
    figures = judge(results(), applied(sent()))
    assert (figures.faults, figures.unsent, figures.unknown, figures.applied_again) == ({}, 0, 0, 0)


@pytest.mark.parametrize(
    ("report", "record", "faults"),
    [
        ({}, sent()[1:], {"lost": 1}),
        ({"row_0": "rejected"}, sent(), {"denied": 1}),
        ({"row_0": "not_sent"}, sent(), {"denied": 1}),
        ({"row_0": "unknown"}, sent(), {}),
        ({"row_0": "unknown"}, sent()[1:], {}),
        ({}, [*sent(), 0], {}),
        ({}, [3, *sent()], {"doubled": 1}),
        ({}, [*sent(), 3], {"doubled": 1, "overruled": 1}),
        ({}, [*sent(), 5], {"overruled": 1}),
    ],
    ids=["lost", "stored though rejected", "stored though not sent", "unknown and stored", "unknown and not stored",
         "twice and safe", "twice and not safe", "twice and too late", "safe and too late"],
)  # fmt: skip
def test_each_kind_of_fault_is_seen(report, record, faults):
    assert judge(results(**report), applied(record)).faults == faults
