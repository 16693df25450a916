"""The package as a whole: its names, what importing it loads, what it ships."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import mbtoolkit

ROOT = Path(__file__).parent.parent


def in_fresh_process(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", mbtoolkit.__all__)
def test_every_public_name_loads(name):
    assert getattr(mbtoolkit, name) is not None


def test_tab_completion_sees_every_name_before_it_is_loaded():
    listed = in_fresh_process("import mbtoolkit; print(' '.join(dir(mbtoolkit)))").split()
    assert {*mbtoolkit.__all__, "errors", "sandbox", "schemas"} <= set(listed)


@pytest.mark.slow
def test_a_module_is_there_without_an_import_of_its_own():
    code = "import mbtoolkit; print(mbtoolkit.errors.MbtoolkitError.__name__, mbtoolkit.schemas.RESULTS['mb_row'])"
    assert in_fresh_process(code).split() == ["MbtoolkitError", "Int64"]


@pytest.mark.slow
def test_a_star_import_needs_no_extra():
    code = "import sys; sys.modules['aiohttp'] = None\nfrom mbtoolkit import *; print(Client.__name__)"
    assert in_fresh_process(code).split() == ["Client"]


def test_importing_loads_nothing_heavy():
    loaded = in_fresh_process("import sys, mbtoolkit; print(' '.join(sys.modules))").split()
    heavy = {"polars", "pandera", "httpx", "ipywidgets", "aiohttp", "phonenumbers", "tqdm", "fastexcel", "xlsxwriter"}
    assert not heavy & set(loaded)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="attribute upsert"):
        _ = mbtoolkit.upsert


def test_help_does_not_wait_for_polars():
    code = (
        "import sys\nfrom mbtoolkit.cli import main\n"
        "try: main(['push', '--help'])\nexcept SystemExit: print('polars' in sys.modules)"
    )
    assert in_fresh_process(code).splitlines()[-1] == "False"


def test_the_error_tree_in_the_docstring_is_the_real_one():
    errors = import_module("mbtoolkit.errors")
    drawn = [
        word for line in errors.__doc__.splitlines() for word in line.split() if word.endswith(("Error", "Warning"))
    ]
    real = [
        name for name, value in vars(errors).items() if isinstance(value, type) and value.__module__ == errors.__name__
    ]
    assert set(real) <= set(drawn)


@pytest.mark.slow
def test_functions_that_raise_say_so():
    """Every public function with a `raise` of a named error in its own body has a Raises section."""
    silent = []
    for path in sorted((ROOT / "mbtoolkit").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
                continue
            raises = [each for each in ast.walk(node) if isinstance(each, ast.Raise) and each.exc is not None]
            if raises and "Raises" not in (ast.get_docstring(node) or ""):
                silent.append(f"{path.name}:{node.lineno} {node.name}")
    assert silent == []


@pytest.mark.slow
def test_the_wheel_holds_the_sample_and_the_page(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
    )
    wheel = next(tmp_path.glob("*.whl"))
    place = tmp_path / "installed"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(place), str(wheel)],
        check=True,
        capture_output=True,
    )
    assert (place / "mbtoolkit" / "py.typed").exists()
    code = (
        "from mbtoolkit.cli.demo import sample; from mbtoolkit.sandbox import Sandbox; "
        "print(sample('contacts.csv')); Sandbox().start().stop()"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(place)},
    )
    assert str(place) in found.stdout


@pytest.mark.slow
@pytest.mark.parametrize("package", ["rapidfuzz", "ftfy", "aiohttp"])
def test_what_an_extra_brings_is_not_needed_without_it(package):
    """As in an installation without extras, where the package is not there."""
    code = f"""
import sys
sys.modules[{package!r}] = None
from mbtoolkit import read_contacts, reconcile, summarize, upsert_contacts, validate_contacts, write_results
from mbtoolkit import cleaning, widgets
from mbtoolkit.cleaning import normalize_phone, profile, suggest_mapping
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_what_needs_an_extra_says_how_to_get_it():
    code = """
import sys
sys.modules["rapidfuzz"] = sys.modules["ftfy"] = None
import polars as pl
from mbtoolkit import cleaning
from mbtoolkit.errors import UsageError
for use in (lambda: cleaning.find_duplicates, lambda: cleaning.fix_mojibake(pl.Series(["\\u00c3\\u00a5"]))):
    try:
        use()
    except UsageError as error:
        assert "mbtoolkit[cleaning]" in str(error), error
    else:
        raise SystemExit("nothing was said")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_name_in_a_package_hides_a_module_of_it():
    names = [
        each.name for each in pkgutil.walk_packages(mbtoolkit.__path__, "mbtoolkit.") if "__main__" not in each.name
    ]
    hidden = []
    for name in names:
        module, (package, _, own) = import_module(name), name.rpartition(".")
        if getattr(sys.modules[package], own) is not module:
            hidden.append(name)
    assert len(names) > 100
    assert hidden == []
