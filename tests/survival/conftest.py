"""What the tests of this folder share: the nursery of processes, and the oracle."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="module")
def nursery(tmp_path_factory):
    from nursery import Nursery

    with Nursery(tmp_path_factory.mktemp("nursery")) as made:
        yield made


@pytest.fixture
def run_dir(tmp_path):
    return tmp_path / "runs"
