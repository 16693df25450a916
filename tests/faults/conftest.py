"""Faults in a hurry: the toolkit's own waits are short, so that a table full of faults takes a minute.

With MBTOOLKIT_FULL set they are what they are for everybody.
"""

from __future__ import annotations

import pytest

from mbtoolkit.client import retries
from mbtoolkit.runs.sending import batches, breaker
from tests.faults.oracle import IS_FULL


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    if IS_FULL:
        return
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.05)
    monkeypatch.setattr(retries, "UNSAID_PAUSE_SECONDS", 0.2)
    monkeypatch.setattr(batches, "UNSAID_PAUSE_SECONDS", 0.2)
    monkeypatch.setattr(breaker, "FIRST_PROBE_SECONDS", 0.1)
    monkeypatch.setattr(breaker, "LONGEST_PROBE_SECONDS", 0.3)
