"""Recipes as Python and as files: the same again, and never code."""

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit import Recipe
from mbtoolkit.errors import RecipeError
from mbtoolkit.recipes import Cell
from mbtoolkit.recipes.files import STEPS

texts = st.text(st.characters(codec="utf-8"), max_size=8)
names = texts.filter(bool)
columns = st.lists(names, min_size=1, max_size=2)
cells = st.builds(Cell, st.integers(0, 9), names, names, st.none() | texts, st.none() | texts)
steps = st.one_of(
    st.builds(lambda c, k: Recipe().clean_text(*c, keep_lines=k), columns, st.booleans()),
    st.builds(lambda c: Recipe().fix_mojibake(*c), columns),
    st.builds(lambda c: Recipe().normalize_name(*c), columns),
    st.builds(
        lambda c, o, y: Recipe().normalize_date(*c, order=o, last_year=y),
        columns, st.sampled_from(["dmy", "mdy", "ymd"]), st.none() | st.integers(1900, 2100),
    ),
    st.builds(lambda c, d: Recipe().normalize_number(*c, decimal=d), columns, st.sampled_from([",", "."])),
    st.builds(lambda c: Recipe().normalize_country(*c), columns),
    st.builds(lambda c, f: Recipe().normalize_email(*c, fix_typos=f), columns, st.booleans()),
    st.builds(lambda c, d: Recipe().normalize_phone(*c, default_country=d), columns, st.none() | names),
    st.builds(lambda c, y, n: Recipe().normalize_opt_in(*c, yes=y, no=n), columns, columns, columns),
    st.builds(lambda c, v: Recipe().merge_values(c, v), names, st.dictionaries(names, texts, max_size=5)),
    st.builds(
        lambda m, d: Recipe().read_contacts(m, default_country=d),
        st.dictionaries(names, texts, max_size=5), st.none() | names,
    ),
    st.builds(
        lambda k, d, r, c, t, a: Recipe().merge_duplicates(
            keep=k, date_column=d, rules=r, columns=c, threshold=t, apart=a
        ),
        st.sampled_from(["first", "newest"]), st.none() | names, st.dictionaries(names, st.just("longest"), max_size=2),
        st.none() | columns, st.floats(0.1, 1), st.lists(names, max_size=2),
    ),
    st.builds(
        lambda r, p, c: Recipe().merge_rows(r, p, choices=c),
        st.lists(st.integers(0, 9), max_size=3), columns, st.dictionaries(names, st.integers(0, 2), max_size=2),
    ),
    st.builds(lambda c: Recipe().edit_cells(c), st.lists(cells, max_size=3)),
)  # fmt: skip
recipes = st.builds(
    lambda parts, is_off: Recipe(tuple(step for part in parts for step in (part.disable() if is_off else part).steps)),
    st.lists(steps, max_size=4),
    st.booleans(),
)


@pytest.mark.slow
@given(recipes)
def test_a_recipe_is_the_same_again_from_a_file(tmp_path_factory, recipe):
    folder = tmp_path_factory.mktemp("recipes")
    for ending in ("toml", "json"):
        recipe.write(folder / f"recipe.{ending}")
        assert Recipe.read(folder / f"recipe.{ending}") == recipe


@given(recipes)
def test_a_recipe_is_the_same_again_from_its_code(recipe):
    made = {}
    exec(recipe.code, made)

    assert made["recipe"] == recipe


def test_every_step_has_a_method_of_its_name():
    assert all(callable(getattr(Recipe, name)) for name in STEPS)


def test_a_file_reads_as_a_person_would_write_it(tmp_path):
    Recipe().clean_text("City").disable().normalize_date("Born", order="dmy").write(tmp_path / "shop.toml")

    assert tomllib.loads((tmp_path / "shop.toml").read_text(encoding="utf-8")) == {
        "format": 1,
        "step": [
            {"do": "clean_text", "off": True, "column": "City"},
            {"do": "normalize_date", "column": "Born", "order": "dmy"},
        ],
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("", "format = 1", id="empty"),
        pytest.param("format = 2", "format = 1", id="a later format"),
        pytest.param("format = 1\nstep = 3", "format = 1", id="steps that are no list"),
        pytest.param("format = 1\ncode = 'import os'", "'code', which is no part", id="something else"),
        pytest.param("format = 1\n[[step]]\ndo = 'exec'", "step 0 .* has no `do` that names a step", id="no such step"),
        pytest.param("format = 1\n[[step]]\ndo = 3", "step 0", id="a name that is none"),
        pytest.param(
            "format = 1\n[[step]]\ndo = 'clean_text'", "column: the step needs this setting", id="a part is missing"
        ),
        pytest.param(
            "format = 1\n[[step]]\ndo = 'clean_text'\ncolumn = 'City'\nwhere = 1", "where", id="an unknown part"
        ),
        pytest.param("format = 1\n[[step]]\ndo = 'clean_text'\ncolumn = 7", "column: Input", id="a wrong type"),
        pytest.param("format = 1\n[[step]]\ndo = 'clean_text'\ncolumn = 2020-01-01", "column: Input", id="a date"),
        pytest.param("format = 1\n[[step]]\ndo = 'clean_text'\ncolumn = 'a'\noff = 1", "off is true", id="off is 1"),
        pytest.param("format = 1\n[[step]]\ndo = 'clean_text'\ncolumn = 'a'\nis_on = false", "off = true", id="is_on"),
        pytest.param(
            "format = 1\n[[step]]\ndo = 'normalize_date'\ncolumn = 'a'\norder = 'dym'", "order: Input", id="no choice"
        ),
        pytest.param("format = ", "is no TOML", id="no TOML"),
    ],
)
def test_a_file_that_holds_something_else_is_refused_with_the_place(tmp_path, text, told):
    (tmp_path / "shop.toml").write_text(text, encoding="utf-8")

    with pytest.raises(RecipeError, match=told):
        Recipe.read(tmp_path / "shop.toml")


def test_what_stands_in_a_refused_file_is_not_quoted(tmp_path):
    cell = {"row": "ann@example.com", "print": "x", "column": "email"}
    told = {"format": 1, "step": [{"do": "edit_cells", "cells": [cell]}]}
    (tmp_path / "shop.json").write_text(json.dumps(told), encoding="utf-8")

    with pytest.raises(RecipeError) as error:
        Recipe.read(tmp_path / "shop.json")
    assert "cells.0.row" in str(error.value)
    assert "ann@" not in str(error.value)


@pytest.mark.parametrize("name", ["shop.py", "shop", "shop.yaml"])
def test_other_kinds_of_files_are_refused(tmp_path, name):
    with pytest.raises(RecipeError, match=r"saved as \.toml or \.json"):
        Recipe().write(tmp_path / name)


def test_files_that_can_not_be_read_or_written_are_said(tmp_path):
    with pytest.raises(RecipeError, match="can't be read: No such file"):
        Recipe.read(tmp_path / "none.toml")
    with pytest.raises(RecipeError, match="can't be written: No such file"):
        Recipe().write(tmp_path / "none" / "shop.toml")
    (tmp_path / "bad.json").write_bytes(b"\xff")
    with pytest.raises(RecipeError, match=r"no JSON in UTF-8: it is not UTF-8"):
        Recipe.read(tmp_path / "bad.json")
    (tmp_path / "deep.json").write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(RecipeError, match="no JSON"):
        Recipe.read(tmp_path / "deep.json")
    with pytest.raises(RecipeError, match="half a character"):
        Recipe().clean_text("\ud800").write(tmp_path / "half.toml")


@pytest.mark.parametrize("ending", ["toml", "json"])
def test_a_file_that_begins_with_a_mark_of_its_encoding_is_read(tmp_path, ending):
    path = tmp_path / f"shop.{ending}"
    Recipe().clean_text("City").write(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    assert Recipe.read(path) == Recipe().clean_text("City")


@pytest.mark.parametrize(
    "part", ["do = 'normalize_date'\norder = 'dmy'\nlast_year", "do = 'normalize_phone'\ndefault_country"]
)
def test_a_date_of_toml_is_not_taken_for_nothing(tmp_path, part):
    (tmp_path / "shop.toml").write_text(f"format = 1\n[[step]]\ncolumn = 'a'\n{part} = 2020-01-01", encoding="utf-8")

    with pytest.raises(RecipeError, match="Input should be"):
        Recipe.read(tmp_path / "shop.toml")
