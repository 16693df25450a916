"""Runs on a real disk, and processes that write them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from mbtoolkit.runs.journal import Journal
from tests.survival.nursery import Nursery

SCRIBE = Path(__file__).with_name("scribe.py")


@pytest.fixture
def runs_dir(tmp_path):
    return tmp_path / "state" / "runs"


@pytest.fixture
def run_id():
    return str(uuid4())


@pytest.fixture
def begun(runs_dir, run_id):
    """A run that was begun and closed."""
    Journal.create(runs_dir, run_id, {}, {}).close()
    return runs_dir, run_id


@pytest.fixture
def scribe():
    """Starts processes that write; none outlives the test."""
    started = []

    def start(*words):
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", SCRIBE, *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def nursery(tmp_path_factory):
    with Nursery(tmp_path_factory.mktemp("nursery")) as made:
        yield made


@pytest.fixture
def said(nursery):
    """Runs such a process to its end, and returns the lines that it said."""

    def run(*words):
        child = nursery.start("tests.runs.journal.scribe:order", words=[str(word) for word in words])
        child.wait()
        return child.said.splitlines()

    return run
