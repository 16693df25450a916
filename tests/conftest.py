"""What all tests share: a CRM of their own, on a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest
from hypothesis import HealthCheck, settings

from mbtoolkit.client import Client
from mbtoolkit.sandbox import Sandbox

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")


@pytest.fixture
def crm() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def client(crm: Sandbox) -> Iterator[Client]:
    with crm.client(timeout_seconds=5.0) as made:
        yield made


@pytest.fixture
def people() -> pl.DataFrame:
    """Ten clean contacts, each with an e-mail and a mobile of its own."""
    return pl.DataFrame(
        {
            "email": [f"person{n}@example.com" for n in range(10)],
            "mobile_country_code": [44] * 10,
            "mobile_number": [7700900100 + n for n in range(10)],
            "property:City": ["Oslo", "Bergen"] * 5,
            "note": [f"row {n}" for n in range(10)],
        }
    )
