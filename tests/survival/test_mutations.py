"""What the promises hang on, taken out of a copy of the package, one line at a time: a suite must notice each.

Every replaced text must be found exactly once, so that a mutation that no longer bites is noticed too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import mbtoolkit

pytestmark = pytest.mark.slow

IS_FULL = bool(os.environ.get("MBTOOLKIT_FULL"))
TESTS = Path(__file__).parent.parent
PACKAGE = Path(mbtoolkit.__file__).parent


@dataclass(frozen=True, slots=True)
class Mutation:
    """One line that is changed.

    Attributes:
        file: of the package.
        text: what stands there, once.
        instead: what is put there.
        suite: the tests, one of which must notice.
        full: the same, where there is time.
    """

    file: str
    text: str
    instead: str
    suite: tuple[str, ...]
    full: tuple[str, ...] = ()


DOUBT = "survival/test_doubt.py::test_"
HISTORY = "client/limits/test_history.py::test_"
SHELL = "test_cli_terminal.py::test_"

MUTATIONS = {
    "the sticky mark": Mutation(
        "runs/sending/rows.py",
        "        self.doubts.update(dict.fromkeys(rows, outcome))\n",
        "",
        (DOUBT + "a_refusal_after_doubt_is_still_doubt_in_the_next_process",),
        ("survival/test_doubt.py",),
    ),
    "the wait for the durable commit": Mutation(
        "runs/sending/recorder.py",
        'await asyncio.wrap_future(self._watched(self._journal.append("intent", rows)))',
        'self._watched(self._journal.append("intent", rows))',
        (DOUBT + "nothing_is_sent_before_its_intent_is_on_the_disk",),
        ("survival/test_each_step.py",),
    ),
    "the intent": Mutation(
        "runs/sending/recorder.py",
        'await asyncio.wrap_future(self._watched(self._journal.append("intent", rows)))',
        "pass",
        (),
        (DOUBT + "nothing_is_sent_before_its_intent_is_on_the_disk",),
    ),
    "the wait for the end of the record": Mutation(
        "runs/sending/recorder.py",
        "self._watched(self._journal.note(**facts)).exception()",
        "self._journal.note(**facts)",
        ("runs/test_incomplete_record.py",),
    ),
    "the single flight": Mutation(
        "client/login.py",
        "going = self._renewal if self._renewal is not None and self._renewal.is_alive else None",
        "going = None",
        ("client/test_login.py::test_twenty_senders_with_an_expired_token_make_one_login",),
        ("client/test_login.py",),
    ),
    "the limiter's margin": Mutation(
        "client/limits/limits.py",
        "return self.window_seconds * (1 + self.margin)",
        "return self.window_seconds",
        (HISTORY + "the_simulated_crm_refuses_one_who_leaves_no_room_for_its_clock",),
        ("client/limits/test_history.py",),
    ),
    "the counting from the answer": Mutation(
        "client/limits/history.py",
        "replace(slot, timer=Timer(now, limits.hold_seconds))",
        "replace(slot, timer=Timer(slot.timer.since, limits.hold_seconds))",
        (HISTORY + "no_request_is_ever_refused_however_long_the_way",),
        ("client/limits/test_history.py", "client/limits/test_runs.py"),
    ),
    "the cap on an answer's size": Mutation(
        "client/connections.py",
        "        if len(content) > MAX_ANSWER_BYTES:\n",
        "        if len(content) > 1_000 * MAX_ANSWER_BYTES:\n",
        ("client/test_client.py::test_a_success_that_is_too_large_is_not_read_to_its_end",),
    ),
    "the environment's certificates": Mutation(
        "client/connections.py",
        "httpx.create_ssl_context(trust_env=False)",
        "httpx.create_ssl_context(trust_env=True)",
        ("client/test_tls.py::test_the_environment_adds_no_one_whose_certificates_are_trusted",),
    ),
    "the look behind an answer": Mutation(
        "client/connections.py",
        "        unparsed = _unparsed(response)\n",
        '        unparsed = b""\n',
        ("client/test_stray_answers.py::test_a_surplus_answer_is_not_the_next_contacts",),
        ("client/test_stray_answers.py",),
    ),
    "the look ahead of a request": Mutation(
        "client/connections.py",
        "            if not self.is_new and self.is_readable():\n",
        "            if False:\n",
        ("client/test_stray_answers.py::test_a_surplus_answer_that_comes_just_before_a_request_is_not_its_answer",),
        ("client/test_stray_answers.py",),
    ),
    "the lock of a run": Mutation(
        "runs/journal/owner.py",
        'self._file.execute("BEGIN EXCLUSIVE")',
        "pass",
        ("runs/test_run.py::test_two_at_once_are_refused",),
        ("survival/test_two_at_once.py",),
    ),
    "the shell's escaping": Mutation(
        "cli/terminal.py",
        'return "".join(char if char.isprintable() or char == "\\n" else repr(char)[1:-1] for char in text)',
        "return text",
        (SHELL + "nothing_that_the_crm_answers_is_obeyed_when_contacts_are_pushed",),
        ("test_cli_terminal.py",),
    ),
}


def suite(folder, tests):
    """Runs tests with the package in a folder; what pytest says, and its exit code."""
    words = ["-q", "-x", "-n", "0", "-c", TESTS.parent / "pyproject.toml", "--rootdir", TESTS.parent]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, *(TESTS / test for test in tests)],
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=1_800,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path):
    """A folder with the package in it."""
    shutil.copytree(PACKAGE, tmp_path / "mbtoolkit", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def chosen(mutation):
    return mutation.suite + (mutation.full if IS_FULL else ())


def test_the_suites_pass_on_a_copy_that_is_unchanged(copy):
    tests = dict.fromkeys(test for mutation in MUTATIONS.values() for test in chosen(mutation))
    code, said = suite(copy, tests)
    assert code == 0, said


@pytest.mark.parametrize("what", [what for what in MUTATIONS if IS_FULL or MUTATIONS[what].suite])
def test_it_is_noticed_when_a_line_is_taken_out(copy, what):
    mutation = MUTATIONS[what]
    path = copy / "mbtoolkit" / mutation.file
    text = path.read_text()
    assert text.count(mutation.text) == 1, f"{mutation.file} has changed: the mutation must be written anew"
    path.write_text(text.replace(mutation.text, mutation.instead))
    for tests in filter(None, (mutation.suite, mutation.full if IS_FULL else ())):
        code, said = suite(copy, tests)
        assert code == 1, said
        assert "failed" in said
