"""`normalize_name`: the case of names."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit.cleaning import clean_text, normalize_name


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("ada lovelace", "Ada Lovelace"),
        ("ADA  LOVELACE ", "Ada Lovelace"),
        ("o'neil", "O'Neil"),
        ("O\u2019NEIL", "O\u2019Neil"),
        ("d'angelo", "D'Angelo"),
        ("van der berg", "van der Berg"),
        ("JAN VAN DER BERG", "Jan van der Berg"),
        ("van", "Van"),
        ("nguyen van", "Nguyen Van"),
        ("maria de la cruz", "Maria de la Cruz"),
        ("mcdonald", "McDonald"),
        ("MACDONALD", "Macdonald"),
        ("anne-marie", "Anne-Marie"),
        ("ØYVIND ÅS", "Øyvind Ås"),
        ("j.r.r. tolkien", "J.R.R. Tolkien"),
        ("JP MORGAN", "JP Morgan"),
        ("JOHN SMITH III", "John Smith III"),
        ("ÉLODIE D'ARTAGNAN-LEBRUN", "Élodie D'Artagnan-Lebrun"),
    ],
)
def test_names_all_in_one_case_get_their_capitals(written, name):
    assert normalize_name(pl.Series([written])).to_list() == [name]


@pytest.mark.parametrize(
    "name",
    ["McDonald", "de Souza", "eBay", "李小龙", "МАРИЯ", "ΜΑΡΙΑ", "محمد", "ISTANBUL İ", "A", "J", "42", "Ada МАРИЯ"],
)
def test_mixed_case_and_other_scripts_are_left_alone(name):
    assert normalize_name(pl.Series([name])).to_list() == [name]


@pytest.mark.slow
@given(st.lists(st.none() | st.text() | st.from_regex(r"\A[a-zé' -]{1,12}\Z")))
def test_nothing_but_case_and_space_is_changed(texts):
    column = pl.Series("name", texts, dtype=pl.String)
    named = normalize_name(column)
    assert named.name == "name"
    assert named.equals(normalize_name(named))
    for before, after in zip(clean_text(column), named, strict=True):
        assert (before is None) == (after is None)
        assert before is None or before.casefold() == after.casefold() or not before.isascii()


def test_an_expression_gives_what_a_series_gives():
    frame = pl.DataFrame({"name": ["ada", None, " "]})
    assert frame.select(normalize_name(pl.col("name")))["name"].to_list() == ["Ada", None, None]
