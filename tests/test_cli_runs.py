"""Runs from the shell, as real processes: begun, listed, gone on with, cancelled, removed."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import polars as pl
import pytest

from mbtoolkit import list_runs
from mbtoolkit.sandbox import Sandbox
from tests.runs.failing_disk import REASON, fail_writing
from tests.shell import run

pytestmark = pytest.mark.slow


@pytest.fixture
def shell(crm, tmp_path):
    """Runs `mbtoolkit` in a folder with people.csv of ten people."""
    lines = "".join(f"p{number}@example.com,Oslo\n" for number in range(10))
    (tmp_path / "people.csv").write_text("email,property:City\n" + lines, encoding="utf-8")

    def in_folder(*words, **env):
        place = {"MBTOOLKIT_BASE_URL": crm.base_url, "MBTOOLKIT_TOKEN": crm.token}
        return run(*words, cwd=tmp_path, env=place | env)

    return in_folder


@pytest.fixture
def stopped(crm, shell):
    """The id of a push that a 401 stopped after four rows."""
    crm.fail("status", status=401, after=4, times=1)
    done = shell("push", "people.csv", "--max-concurrency", "1", "--run-dir", "runs")
    assert done.returncode == 1, done.stderr
    found = re.search(r"mbtoolkit push --resume (\S+) --run-dir runs", done.stdout)
    assert found, done.stdout
    return found[1]


def test_a_push_that_stopped_is_listed_and_gone_on_with(crm, shell, stopped, tmp_path):
    listed = shell("runs", "--run-dir", "runs")
    assert stopped in listed.stdout
    assert "stopped" in listed.stdout
    assert f"mbtoolkit push --resume {stopped} --run-dir runs" in listed.stdout
    done = shell("push", "--resume", stopped, "--run-dir", "runs", "--out", "r.parquet")
    assert done.returncode == 0, done.stderr
    assert crm.applied().height == 10
    assert pl.read_parquet(tmp_path / "r.parquet")["mb_status"].to_list() == ["succeeded"] * 10
    assert "--resume" not in done.stdout
    assert "--resume" not in shell("runs", "--run-dir", "runs").stdout


def test_the_file_is_held_against_the_run(crm, shell, stopped, tmp_path):
    same = shell("push", "people.csv", "--resume", stopped, "--run-dir", "runs")
    assert same.returncode == 0, same.stderr
    (tmp_path / "people.csv").write_text("email,property:City\nq@example.com,Bergen\n", encoding="utf-8")
    other = shell("push", "people.csv", "--resume", stopped, "--run-dir", "runs")
    assert other.returncode == 2
    assert "not the frame that the run was made of" in other.stderr


def test_another_token_is_refused_until_it_is_said_to_be_of_the_same_account(crm, shell, stopped):
    other = shell("push", "--resume", stopped, "--run-dir", "runs", MBTOOLKIT_TOKEN="another")
    assert other.returncode == 2
    assert "--same-account" in other.stderr
    assert crm.token not in other.stderr
    said = shell("push", "--resume", stopped, "--run-dir", "runs", "--same-account", MBTOOLKIT_TOKEN="another")
    assert said.returncode == 1
    assert "unauthorized" in said.stdout


def test_a_cancelled_run_is_closed_and_a_purged_one_gone(shell, stopped):
    assert shell("runs", "--cancel", stopped, "--run-dir", "runs").returncode == 0
    closed = shell("push", "--resume", stopped, "--run-dir", "runs")
    assert closed.returncode == 2
    assert "was cancelled" in closed.stderr
    assert shell("runs", "--purge", stopped, "--run-dir", "runs").returncode == 0
    assert "no run on record" in shell("runs", "--run-dir", "runs").stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("push",), "takes a FILE, or --resume RUN"),
        (("push", "--resume", "nonsense"), "no id of a run"),
        (("push", "--resume", "0f8b5c1e-6a0e-4f0c-9d57-0c5a3c1f2b7d"), "not there"),
        (("runs", "--purge", "../x"), "no id of a run"),
        (("push", "people.csv", "--batch-size", "1001"), "--batch-size 1001"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_call_says_what_is_wrong(crm, shell, words, told):
    done = shell(*words)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert crm.requests().is_empty()


def test_batches_from_the_shell(crm, shell):
    done = shell("push", "people.csv", "--via", "batch", "--batch-size", "4")
    assert done.returncode == 0, done.stderr
    assert crm.batches()["contacts"].to_list() == [4, 4, 2]


def test_it_logs_in_by_the_environment(crm, shell):
    who = crm.credentials
    done = shell(
        "push",
        "people.csv",
        MBTOOLKIT_TOKEN="",
        MBTOOLKIT_USER_NAME=who.user_name,
        MBTOOLKIT_PASSWORD=who.password,
        MBTOOLKIT_PRIVATE_TOKEN=who.private_token,
        MBTOOLKIT_TOKEN_URL=crm.base_url + "/token",
    )
    assert done.returncode == 0, done.stderr
    assert (crm.requests()["path"] == "/token").sum() == 1
    assert crm.applied().height == 10


@pytest.fixture
def begun(tmp_path):
    """Starts `mbtoolkit push` with people.csv; none outlives the test."""
    started = []

    def start(crm, *words, **env):
        process = subprocess.Popen(
            [sys.executable, "-m", "mbtoolkit", "push", "people.csv", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "MBTOOLKIT_BASE_URL": crm.base_url, "MBTOOLKIT_TOKEN": crm.token, **env},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("filters", ["ignore", "error", ""])
def test_a_record_that_is_incomplete_is_printed_and_ends_with_1(shell, begun, tmp_path, filters):
    """Also where all rows are stored; `shell` makes the file."""
    runs = tmp_path / "runs"
    with Sandbox(batch_delay_seconds=600) as crm:
        process = begun(
            crm, "--via", "batch", "--run-dir", "runs", "--out", "r.parquet", "--no-progress", PYTHONWARNINGS=filters
        )
        while list_runs(runs)["accepted"].sum() < 10:
            assert process.poll() is None, process.communicate()
        fail_writing(runs, "final")
        crm.release_batches()
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    assert pl.read_parquet(tmp_path / "r.parquet")["mb_status"].to_list() == ["succeeded"] * 10
    (line,) = [line for line in err.splitlines() if line.startswith("mbtoolkit:")]
    assert "record of run" in line
    assert REASON in line
    run_id = list_runs(runs)["run_id"][0]
    assert shell("runs", "--purge", run_id, "--run-dir", "runs").returncode == 0
    assert "no run on record" in shell("runs", "--run-dir", "runs").stdout
    assert "results written to r.parquet" in out
