"""The README's code runs, in order, and prints what the README says; its tables are the code's."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from mbtoolkit.schemas import RULES
from mbtoolkit.schemas.frames import STATUSES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples():
    """(line of the README, code, what it says is printed)."""
    found = list(BLOCK.finditer(README))
    for place, block in enumerate(found):
        if block[1] == "python":
            follows = found[place + 1] if place + 1 < len(found) else None
            printed = follows[2] if follows is not None and follows[1] == "text" else ""
            yield README[: block.start()].count("\n") + 1, block[2], printed


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """What each block prints when all of them run in one namespace, in a copy of the data's folder."""
    place = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "data", place / "data")
    before = Path.cwd()
    os.chdir(place)
    namespace: dict[str, object] = {"__name__": "readme"}
    printed = []
    try:
        for line, code, _ in examples():
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile("\n" * line + code, "README.md", "exec", dont_inherit=True), namespace)
            printed.append(out.getvalue())
    finally:
        os.chdir(before)
    return printed


@pytest.mark.slow
@pytest.mark.parametrize("place", range(len(list(examples()))))
def test_each_block_prints_what_the_readme_says(outputs, place):
    line, _, printed = list(examples())[place]
    assert outputs[place].rstrip() == printed.rstrip(), f"README.md, line {line}"


def test_there_is_code_that_ends_in_a_results_frame_within_the_first_40_lines():
    line, code, printed = next(examples())
    assert line + code.count("\n") + printed.count("\n") + 4 <= 40
    assert "mb_status" in printed


def test_the_two_commands_are_there_in_one_line_each():
    commands = [line.strip() for line in README.splitlines() if line.startswith("    python3 -m venv")]
    assert len(commands) == 2
    assert commands[0].endswith("mbtoolkit demo")
    assert commands[1].endswith("pytest")


def test_every_rule_stands_in_the_table_with_its_severity():
    table = dict(re.findall(r"^\| `([a-z_]+)` \| (error|warning) \|", README, re.MULTILINE))
    assert table == {rule.code: rule.severity for rule in RULES.values()}


def test_every_status_is_explained():
    assert all(f"`{status}`" in README for status in STATUSES)


def test_every_command_that_is_shown_exists(capsys):
    from mbtoolkit.cli import main

    for command in re.findall(r"^    mbtoolkit (\w+)", README, re.MULTILINE):
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0


def fill_in() -> None:
    """Writes what the blocks print, and the table of rules, into the README: `python tests/test_readme.py`."""
    namespace: dict[str, object] = {"__name__": "readme"}
    os.chdir(ROOT)
    text = README
    for _, code, printed in examples():
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(code, "README.md", "exec", dont_inherit=True), namespace)
        old, new = f"{code}```\n\n```text\n{printed}```", f"{code}```\n\n```text\n{out.getvalue().rstrip()}\n```"
        text = text.replace(old, new)
    lines = "".join(f"| `{rule.code}` | {rule.severity} | {rule.message} |\n" for rule in RULES.values())
    head = "| rule | severity | what it means |\n|---|---|---|\n"
    text = re.sub(re.escape(head) + r"(\|.*\n)*", lambda _: head + lines, text)
    (ROOT / "README.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(fill_in())
