"""kill -9 at random moments of a push under faults, and resumed until nothing is left: the record is the oracle."""

from __future__ import annotations

import os

import pytest
from killing import halves, survive

pytestmark = pytest.mark.slow

IS_FULL = bool(os.environ.get("MBTOOLKIT_FULL"))
ROWS, KILLS = (100_000, 20) if IS_FULL else (3_000, 4)


@pytest.mark.parametrize("storm", halves(ROWS, KILLS), ids=lambda storm: storm.via)
def test_what_is_killed_and_resumed_loses_nothing_and_doubles_nothing(nursery, tmp_path, storm):
    survived = survive(storm, nursery, tmp_path / "storm")
    assert survived.kills == storm.kills
    assert min(survived.faults.values()) > 0, survived.faults
    assert survived.figures.faults == {}, survived
    assert survived.figures.unsent == 0, survived
    assert survived.figures.unknown < storm.rows / 10, survived
