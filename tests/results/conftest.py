"""A results frame with everything in it that a file could take amiss."""

from __future__ import annotations

import polars as pl
import pytest

from mbtoolkit import upsert_contacts

HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "<script>alert(1)</script>",
    "https://example.com",
    "007",
    "1e5",
    'a"b',
    "",
]


@pytest.fixture
def hostile():
    return HOSTILE


@pytest.fixture
def results(client):
    """Eleven hostile names, one invalid row and one that the CRM refuses."""
    count = len(HOSTILE) + 2
    frame = pl.DataFrame(
        {
            "email": [f"p{n}@example.com" for n in range(count - 2)] + ["no address", "last@example.com"],
            "list_id": [None] * (count - 1) + ["00000000-0000-4000-8000-00000000dead"],
            "property:City": [*HOSTILE, "Oslo", "Bergen"],
            "=header": ["x"] * count,
        }
    )
    return upsert_contacts(frame, client)
