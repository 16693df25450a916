"""A push that is ended from outside: by a scheduler, by Ctrl-C, by a kernel that is restarted. Each can be resumed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import polars as pl
import pytest
from jupyter_client.manager import start_new_kernel
from oracle import NOTES, judge

from mbtoolkit import list_runs
from mbtoolkit.sandbox import Sandbox

pytestmark = pytest.mark.slow

ROWS = 120


def frame():
    return pl.DataFrame(
        {
            "email": [f"p{number}@example.com" for number in range(ROWS)],
            NOTES: [f"row {number}" for number in range(ROWS)],
            "kind": ["own"] * ROWS,
        }
    )


@pytest.fixture
def slow_crm():
    """A CRM that takes its time, until `clear_faults`."""
    with Sandbox() as crm:
        crm.fail("delay", seconds=0.2, times=None)
        yield crm


@pytest.fixture
def silent_crm():
    """A CRM that stores what comes, and answers too late for anybody."""
    with Sandbox() as crm:
        crm.fail("silence", phase="after_commit", seconds=60, times=None)
        yield crm


@pytest.fixture
def shell(tmp_path, run_dir):
    """Starts `mbtoolkit push ...` with a file of people; none outlives the test."""
    source = tmp_path / "people.csv"
    frame().write_csv(source)
    started = []

    def start(crm, *words):
        process = subprocess.Popen(
            [sys.executable, "-m", "mbtoolkit", "push", *map(str, words), "--run-dir", str(run_dir), "--no-progress"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "MBTOOLKIT_BASE_URL": crm.base_url, "MBTOOLKIT_TOKEN": crm.token},
        )
        started.append(process)
        return process

    start.source = source
    yield start
    for process in started:
        process.kill()
        process.communicate()


def until_seen(crm, requests, process=None):
    while crm.requests().height < requests and (process is None or process.poll() is None):
        time.sleep(0.02)


def resumed(shell, crm, run_dir, out):
    """The results of `push --resume`, and how it ended."""
    (run_id,) = list_runs(run_dir)["run_id"]
    process = shell(crm, "--resume", run_id, "--out", out)
    _, err = process.communicate(timeout=60)
    assert process.returncode in (0, 1), err
    return pl.read_parquet(out), process.returncode


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "one Ctrl-C"])
def test_an_ended_push_waits_for_its_answers_writes_its_results_and_is_gone_on_with(
    shell, slow_crm, run_dir, tmp_path, number
):
    process = shell(slow_crm, shell.source, "--out", tmp_path / "first.parquet")
    until_seen(slow_crm, 15, process)
    process.send_signal(number)
    _, err = process.communicate(timeout=50)
    assert process.returncode == 1, err
    first = pl.read_parquet(tmp_path / "first.parquet")
    assert set(first["mb_status"]) == {"succeeded", "not_sent"}
    assert judge(first, slow_crm.applied()).faults == {}
    assert list_runs(run_dir)["state"].to_list() == ["stopped"]
    slow_crm.clear_faults()
    results, code = resumed(shell, slow_crm, run_dir, tmp_path / "second.parquet")
    assert code == 0
    assert (results["mb_status"] == "succeeded").all()
    assert slow_crm.applied().height == ROWS


def test_a_second_ctrl_c_ends_it_at_once_and_what_was_on_its_way_is_gone_on_with(shell, silent_crm, run_dir, tmp_path):
    process = shell(silent_crm, shell.source, "--out", tmp_path / "first.parquet", "--max-concurrency", 5)
    until_seen(silent_crm, 5, process)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
    _, err = process.communicate(timeout=50)
    assert process.returncode == 1, err
    first = pl.read_parquet(tmp_path / "first.parquet")
    assert first["mb_status"].value_counts().sort("count").rows() == [("unknown", 5), ("not_sent", ROWS - 5)]
    assert judge(first, silent_crm.applied()).faults == {}
    silent_crm.clear_faults()
    results, code = resumed(shell, silent_crm, run_dir, tmp_path / "second.parquet")
    assert (code, set(results["mb_status"])) == (0, {"succeeded"})
    assert silent_crm.applied().height == ROWS + 5


def test_nothing_is_lost_that_the_crm_never_answers_to_a_push_that_is_ended(shell, silent_crm, run_dir, tmp_path):
    process = shell(silent_crm, shell.source, "--out", tmp_path / "first.parquet", "--max-concurrency", 5)
    until_seen(silent_crm, 5, process)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=50)  # it waits some seconds, not the minute that the CRM is silent
    assert process.returncode == 1, err
    first = pl.read_parquet(tmp_path / "first.parquet")
    assert judge(first, silent_crm.applied()).faults == {}
    assert (first["mb_status"] == "unknown").sum() == 5


CELLS = """
import polars as pl
from mbtoolkit import Client, Run, SendOptions, list_runs, upsert_contacts
client = Client({url!r}, {token!r})
"""
PUSH = "results = upsert_contacts(pl.read_csv({source!r}), client, options=SendOptions(run_dir={run_dir!r}))"
GO_ON = "results = Run.open(list_runs({run_dir!r})['run_id'][0], {run_dir!r}).resume(client)"
SHOW = "results.write_parquet({out!r})"


@pytest.fixture
def kernel():
    """Starts kernels; none outlives the test."""
    started = []

    def start():
        started.append(start_new_kernel(kernel_name="python3"))
        return started[-1]

    yield start
    for manager, channels in started:
        channels.stop_channels()
        manager.shutdown_kernel(now=True)


def answered(channels, code):
    reply = channels.execute_interactive(code, timeout=60, output_hook=lambda _: None)
    assert reply["content"]["status"] == "ok", reply["content"]


def test_a_kernel_that_is_killed_in_a_push_cell_is_gone_on_with_by_one_line_in_a_new_one(
    kernel, slow_crm, shell, run_dir, tmp_path
):
    place = {"url": slow_crm.base_url, "token": slow_crm.token, "source": str(shell.source), "run_dir": str(run_dir)}
    place["out"] = str(tmp_path / "results.parquet")
    manager, channels = kernel()
    answered(channels, CELLS.format(**place))
    channels.execute(PUSH.format(**place))
    until_seen(slow_crm, 20)
    manager.restart_kernel(now=True)
    assert list_runs(run_dir)["state"].to_list() == ["died"]
    slow_crm.clear_faults()
    _, channels = kernel()
    for code in (CELLS, GO_ON, SHOW):
        answered(channels, code.format(**place))
    results = pl.read_parquet(place["out"])
    assert (results["mb_status"] == "succeeded").all()
    assert judge(results, slow_crm.applied()).faults == {}
    assert ROWS <= slow_crm.applied().height <= ROWS + 10
