"""The sandbox as a command."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from mbtoolkit.sandbox.command import serve

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-W", "error", "-m", "mbtoolkit.sandbox"]


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The process, and what it printed: base address, token, page."""
    process = subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        said: dict[str, str] = {}
        for line in process.stdout:
            if "export " in line:
                name, _, value = line.strip().removeprefix("export ").partition("=")
                said[name] = value
            if "/#key=" in line:
                said["page"] = line.strip()
            if "Ctrl-C" in line:
                break
        yield process, said
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_serves_until_a_signal_and_ends_cleanly(number, tmp_path):
    path = tmp_path / "crm.sqlite"
    with running("--db", str(path)) as (process, said):
        headers = {"Authorization": f"Bearer {said['MBTOOLKIT_TOKEN']}"}
        with httpx.Client(base_url=said["MBTOOLKIT_BASE_URL"], headers=headers, trust_env=False) as http:
            assert http.post("/contacts/insertupdate", json={"email": "ada@example.com"}).status_code == 202
            assert http.get("/sandbox/faults").status_code == 404
            key = said["page"].partition("#key=")[2]
            state = http.get("/sandbox/state.json", headers={"Authorization": f"Bearer {key}"})
            assert state.json()["counts"]["contacts"] == 1
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
        assert "stopped" in out
    with running("--db", str(path), "--faults", "--limits", "pro", "--token", "own") as (_, said):
        assert said["MBTOOLKIT_TOKEN"] == "own"
        with httpx.Client(base_url=said["MBTOOLKIT_BASE_URL"], trust_env=False) as http:
            answer = http.get("/sandbox/state.json", headers={"Authorization": "Bearer own"})
            assert answer.json()["contacts"][0]["values"]["email"] == "ada@example.com"
            assert http.get("/sandbox/faults", headers={"Authorization": "Bearer own"}).status_code == 200


@pytest.mark.parametrize(
    ("options", "said"),
    [(["--host", "0.0.0.0"], "loopback"), (["--limits", "gold"], "freemium"), (["--token", "a b"], "token"),
     (["--db", "/nowhere/at/all.sqlite"], "No such file"), (["--port", "65536"], "port 65536"),
     (["--port", "-1"], "port -1")],
    ids=["host", "limits", "token", "db", "port", "negative port"],
)  # fmt: skip
def test_wrong_options_end_with_a_reason(options, said):
    done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_serve_refuses_other_hosts():
    with pytest.raises(ValueError, match="loopback"):
        serve(host="192.0.2.1")


def test_a_reader_that_goes_away_is_no_fault(tmp_path):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    process = subprocess.Popen(
        [*COMMAND, "--db", str(tmp_path / "Åse.sqlite")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert "?se.sqlite" in process.stdout.readline()
    process.stdout.close()
    process.send_signal(signal.SIGINT)
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 0
    process.stderr.close()
