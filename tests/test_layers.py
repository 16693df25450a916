"""The contracts between the rooms of the package: what breaks them is noticed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.slow


def lint_imports(folder):
    """What import-linter says of the package in a folder."""
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.fixture
def copy(tmp_path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "mbtoolkit", tmp_path / "mbtoolkit", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_the_package_keeps_its_contracts(copy):
    code, said = lint_imports(copy)
    assert code == 0, said
    assert "0 broken" in said


@pytest.mark.parametrize(
    ("path", "text", "complaint"),
    [
        ("attic.py", "", "mbtoolkit.attic"),
        ("contacts.py", "from mbtoolkit.schemas import RULES\n", "mbtoolkit.contacts is not allowed to import"),
        ("runs/attic.py", "import httpx\n", "Only the client imports httpx BROKEN"),
        ("sandbox/attic.py", "from mbtoolkit.schemas import RULES\n", "The sandbox knows nothing of the client side"),
        ("runs/sending/gate.py", "import mbtoolkit.runs.sending.engine\n", "No cycles inside a room BROKEN"),
    ],
    ids=["a new room", "up", "a stray import", "the sandbox", "a cycle"],
)
def test_what_breaks_a_contract_is_refused(copy, path, text, complaint):
    with (copy / "mbtoolkit" / path).open("a", encoding="utf-8") as file:
        file.write(f"\n{text}")
    code, said = lint_imports(copy)
    assert code == 1
    assert complaint in said
