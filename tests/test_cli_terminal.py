"""What the shell prints of a file's or the CRM's text: a terminal obeys none of it."""

from __future__ import annotations

import polars as pl
import pytest

from tests.shell import run

pytestmark = pytest.mark.slow

OBEYED = "\x1b]0;owned\x07\x1b[2J\x1b[31m\u202e\x9b1m"
"""What sets a terminal's title, clears it, colours it, and turns the direction of its text."""


def assert_nothing_obeyed(*outputs):
    for text in outputs:
        assert [char for char in text if not char.isprintable() and char not in "\n\r"] == []
    assert any("\\x1b]0;owned\\x07\\x1b[2J\\x1b[31m\\u202e\\x9b1m" in text for text in outputs)


def test_nothing_that_a_file_holds_is_obeyed_when_it_is_validated(tmp_path):
    path = tmp_path / "people.parquet"
    pl.DataFrame({"email": ["ann@example.com"], f"property:{OBEYED}": [[1, 2]]}).write_parquet(path)
    done = run("validate", path)
    assert done.returncode == 1, done.stderr
    assert_nothing_obeyed(done.stdout, done.stderr)


def test_nothing_that_the_crm_answers_is_obeyed_when_contacts_are_pushed(crm, tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("email\nann@example.com\n", encoding="utf-8")
    said = OBEYED.encode("unicode_escape").decode().replace("\\x", "\\u00")
    crm.fail("status", status=422, body=f'{{"status":"Failed","message":"{said}"}}')
    done = run("push", path, env={"MBTOOLKIT_BASE_URL": crm.base_url, "MBTOOLKIT_TOKEN": crm.token})
    assert done.returncode == 1, done.stderr
    assert_nothing_obeyed(done.stdout, done.stderr)


@pytest.mark.parametrize("command", ["validate", "push"])
def test_nothing_in_an_argument_is_obeyed_when_it_is_refused(command):
    done = run(command, f"{OBEYED}.csv", env={"MBTOOLKIT_TOKEN": "t"})
    assert done.returncode == 2
    assert_nothing_obeyed(done.stdout, done.stderr)


def test_nothing_in_an_option_that_is_none_is_obeyed():
    done = run("push", f"--{OBEYED}")
    assert done.returncode == 2
    assert_nothing_obeyed(done.stdout, done.stderr)
