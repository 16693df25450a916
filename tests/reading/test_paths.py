"""What is given for a path and is none is refused with an error of the toolkit's, by every function that takes one."""

from __future__ import annotations

import os

import pytest

from mbtoolkit import Recipe, read_contacts, validate_contacts, write_issues, write_mapping, write_results
from mbtoolkit.errors import UsageError
from mbtoolkit.reading import load_table

CONTACTS = read_contacts(b"email\nada@example.com\n")
ISSUES = validate_contacts(CONTACTS).issues


class OddPath:
    """A path of bytes, which the system knows and `pathlib` doesn't."""

    def __fspath__(self):
        return b"contacts.toml"


NO_PATHS = [
    None,
    7,
    1.5,
    True,
    [],
    ["a.toml"],
    (),
    {1},
    object(),
    OddPath(),
    "a\0.toml",
    "a\ud800.toml",
]
READERS = {
    "read_contacts": read_contacts,
    "load_table": load_table,
    "mapping": lambda path: read_contacts(b"email\n", mapping={"x": path} if path is None else path),
    "Recipe.read": Recipe.read,
    "Recipe.run": Recipe().run,
}
WRITERS = {
    "write_mapping": lambda path: write_mapping({"E-mail": "email"}, path),
    "Recipe.write": Recipe().write,
    "write_issues": lambda path: write_issues(ISSUES, path),
    "write_results": lambda path: write_results(path, "results.csv"),
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.toml").mkdir()
    return tmp_path


@pytest.mark.parametrize("path", NO_PATHS, ids=lambda path: type(path).__name__)
@pytest.mark.parametrize("call", [pytest.param(call, id=name) for name, call in (READERS | WRITERS).items()])
def test_what_is_no_path_is_refused(call, path):
    with pytest.raises(UsageError) as caught:
        call(path)
    assert str(caught.value)


@pytest.mark.parametrize(
    "path", ["", ".", "folder.toml", "nowhere/a.toml", "n" * 5000 + ".toml"], ids=lambda path: path[:9]
)
@pytest.mark.parametrize("call", [pytest.param(call, id=name) for name, call in (READERS | WRITERS).items()])
def test_where_there_is_no_such_file_it_is_refused(call, path):
    with pytest.raises(UsageError):
        call(path)


@pytest.mark.parametrize("call", [pytest.param(call, id=name) for name, call in READERS.items()])
def test_a_file_that_is_missing_is_refused_by_those_that_read(call):
    with pytest.raises(UsageError, match=r"none\.toml"):
        call("none.toml")


@pytest.mark.parametrize("call", [pytest.param(call, id=name) for name, call in READERS.items()])
def test_a_pipe_is_refused_instead_of_waited_for(call, folder):
    os.mkfifo(folder / "pipe.toml")
    with pytest.raises(UsageError, match="is a pipe or a device"):
        call("pipe.toml")


@pytest.mark.parametrize("name", ["mapping", "Recipe.read"])
def test_a_mapping_or_recipe_beyond_all_measure_is_refused_unread(name, folder):
    with (folder / "huge.toml").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(UsageError, match="has more than 268,435,456 bytes, so it is another file: check the path"):
        READERS[name]("huge.toml")


def test_recipe_read_names_what_it_needs():
    with pytest.raises(UsageError, match=r"a recipe needs the path of a file, as text or as a pathlib\.Path, not None"):
        Recipe.read(None)


# --- what tools that print variables can show -----------------------------------------------------

SECRET = "Ada Lovelace"


def shown(error: BaseException) -> str:
    """All variables of all frames in the package that an error, or one that led to it, came through."""
    parts, errors = [], [error]
    while errors:
        one = errors.pop()
        errors += [each for each in (one.__cause__, one.__context__) if each is not None]
        trace = one.__traceback__
        while trace:
            if "mbtoolkit" in trace.tb_frame.f_globals.get("__name__", ""):
                parts += map(repr, trace.tb_frame.f_locals.values())
            trace = trace.tb_next
    return "\n".join(parts)


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        pytest.param("a.csv", f'email,name\na@example.com,{SECRET}\nb@example.com,"open\n', {}, id="an open quote"),
        pytest.param("a.csv", f"email,name\na@example.com,{SECRET}\nb@example.com\n", {}, id="ragged lines"),
        pytest.param(
            "a.csv", f"email,name\na@example.com,{SECRET}\n\xff", {"encoding": "utf-8"}, id="another encoding"
        ),
        pytest.param("a.csv", f"E-mail,name\na@example.com,{SECRET}\n", {}, id="no identifier"),
        pytest.param(
            "a.csv", f"email,name\na@example.com,{SECRET}\n", {"mapping": {"x": "email"}}, id="no such column"
        ),
        pytest.param("a.csv", f"email,name\na@example.com,{SECRET}\n", {"default_country": "Norway"}, id="no country"),
        pytest.param("a.csv", f"email,name\na@example.com,{SECRET}\n", {"sheet": 1}, id="a sheet of a text"),
        pytest.param("a.csv", f"a@example.com,{SECRET}\n", {}, id="no headers"),
        pytest.param("a.jsonl", f'{{"email": "{SECRET}"}}\n{{bad', {}, id="JSON lines"),
        pytest.param("a.json", f'[{{"email": "{SECRET}"}}]', {}, id="a JSON array"),
    ],
)
def test_the_text_of_a_refused_file_stands_in_no_variable(name, content, options, folder):
    (folder / name).write_bytes(content.encode("latin-1"))
    with pytest.raises(UsageError) as caught:
        read_contacts(name, **options)
    assert SECRET not in shown(caught.value)


def test_the_cells_of_a_refused_recipe_stand_in_no_variable(folder):
    (folder / "a.toml").write_text(f'format = 1\n[[step]]\ndo = "edit_cells"\nnew = "{SECRET}"\n', encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        Recipe.read("a.toml")
    assert SECRET not in shown(caught.value)
