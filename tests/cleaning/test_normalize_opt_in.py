"""`normalize_opt_in`: only listed words count as consent."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit.cleaning import normalize_opt_in
from mbtoolkit.cleaning.consent import OPT_IN
from mbtoolkit.errors import UsageError
from mbtoolkit.schemas.conform import NO_WORDS, YES_WORDS


def opt_ins(cells, **words):
    return normalize_opt_in(pl.Series("news", cells), **words).struct.unnest()


@pytest.mark.parametrize("word", ["yes", " JA ", "Sí", "si\u0301", "oui", "haan", "TRUE", "1", "WAHR", "sann"])
def test_words_for_yes(word):
    assert opt_ins([word]).row(0) == (True, None)


@pytest.mark.parametrize("word", ["no", "Nei", "NEJ", "nein", "non", "nahi", "nahin", "false", "0", "FAUX", "usann"])
def test_words_for_no(word):
    assert opt_ins([word]).row(0) == (False, None)


@given(st.text())
def test_any_other_word_is_an_issue_and_a_blank_is_nothing(text):
    opt_in, issue = opt_ins([text]).row(0)
    if text.strip().lower() not in (*YES_WORDS, *NO_WORDS):
        assert opt_in is None
        assert issue is None or issue.startswith("not_yes_or_no: ")
        assert issue is not None or not any(char.isalnum() for char in text)


def test_a_blank_leaves_the_consent_as_it_is():
    column = pl.Series("news", ["yes", None, " ", "perhaps"])
    read = normalize_opt_in(column)
    assert read.is_null().to_list() == [False, True, True, False]
    assert read.name == "news"
    assert pl.select(normalize_opt_in(pl.lit(column))).to_series().equals(read)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([True, False, None], [True, False, None]),
        ([1, 0, 2, None], [True, False, None, None]),
        ([1.0, 0.0, 0.5, float("nan"), None], [True, False, None, None, None]),
    ],
)
def test_truth_values_and_numbers(cells, said):
    read = opt_ins(cells)
    assert read["opt_in"].to_list() == said
    unclear = [cell is not None and answer is None for cell, answer in zip(cells, said, strict=True)]
    assert read["issue"].is_not_null().to_list() == unclear


def test_words_of_ones_own_are_the_only_ones():
    read = opt_ins(["SUBSCRIBED", "out", "yes"], yes=["subscribed"], no=["Out"])
    assert read["opt_in"].to_list() == [True, False, None]


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ({"yes": ["x"], "no": ["X "]}, "'x' can't stand for yes and no"),
        ({"yes": "yes"}, "list of words"),
        ({"no": []}, "at least one"),
    ],
)
def test_words_that_can_not_be_right_are_an_error(words, match):
    with pytest.raises(UsageError, match=match):
        opt_ins(["x"], **words)


def test_the_schema_of_an_expression_is_known_beforehand():
    assert pl.LazyFrame({"a": ["x"]}).select(normalize_opt_in(pl.col("a"))).collect_schema() == {"a": OPT_IN}
