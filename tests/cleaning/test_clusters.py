"""Spellings of one value are found together, and one call makes them one."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit.cleaning import cluster_values, merge_values
from mbtoolkit.cleaning.clusters import VALUES
from mbtoolkit.errors import FrameError

CITIES = ["Oslo"] * 5 + ["oslo ", "OSLO.", "Bergen", "Tromsø", "tromso", "New York", "Newyork", "York, New", None, ""]


def spellings(column):
    """Sets of values that are taken for one."""
    found = cluster_values(pl.Series(column))
    return {frozenset(values) for values in found.group_by("cluster").agg("value")["value"].to_list()}


def test_spellings_are_found_and_the_commonest_is_suggested():
    found = cluster_values(pl.Series("city", CITIES))
    assert found.schema == pl.Schema(VALUES)
    assert found.filter(pl.col("cluster") == 0).rows() == [
        ("Oslo", 5, 0, "Oslo"),
        ("OSLO.", 1, 0, "Oslo"),
        ("oslo ", 1, 0, "Oslo"),
    ]
    assert spellings(CITIES) == {
        frozenset({"Oslo", "oslo ", "OSLO."}),
        frozenset({"Tromsø", "tromso"}),
        frozenset({"New York", "Newyork", "York, New"}),
    }


def test_of_equally_common_spellings_the_tidiest_is_suggested():
    assert cluster_values(pl.Series(["OSLO", "oslo", "Oslo", " Oslo"]))["suggestion"].unique().to_list() == ["Oslo"]


@pytest.mark.parametrize(
    "values",
    [
        ["1.5", "15", "-15", "1,5"],
        ["2024-01-02", "2024-02-01"],
        ["1212", "2121"],
        ["Storgata 5 B", "Storgata B 5"],
        ["!", "?", "-"],
        ["Ann", "Nan"],
        ["Bergen", "Oslo"],
    ],
    ids=str,
)
def test_values_that_differ_stay_apart(values):
    assert spellings(values) == set()


def test_a_value_with_digits_is_known_in_another_case_and_with_other_spaces():
    assert spellings(["Storgata 5", " storgata  5.", "Storgata 6"]) == {frozenset({"Storgata 5", " storgata  5."})}


def test_one_call_makes_them_one_and_leaves_the_rest():
    column = pl.Series("city", CITIES)
    merged = merge_values(column, cluster_values(column))
    assert merged.name == "city"
    expected = ["Oslo"] * 7 + ["Bergen"] + ["Tromsø"] * 2 + ["New York"] * 3 + [None, ""]
    assert merged.to_list() == expected


def test_a_suggestion_can_be_changed_and_a_line_dropped():
    column = pl.Series(CITIES)
    found = cluster_values(column).filter(pl.col("value") != "York, New")
    changed = found.with_columns(pl.col("suggestion").replace("Oslo", "OSLO"))
    assert merge_values(column, changed)[[0, 12]].to_list() == ["OSLO", "York, New"]


def test_categories_are_texts_too():
    column = pl.Series(["Oslo", "oslo", "Oslo"], dtype=pl.Categorical)
    assert merge_values(column, cluster_values(column)).to_list() == ["Oslo"] * 3


@pytest.mark.slow
@given(st.lists(st.one_of(st.none(), st.text(alphabet="aAbB é.-1 ß", max_size=6), st.text(max_size=5))))
def test_merging_settles_in_one_go_and_keeps_blanks(values):
    column = pl.Series("text", values, dtype=pl.String)
    found = cluster_values(column)
    assert found["value"].is_unique().all()
    assert set(found["suggestion"]) <= set(found["value"])
    counts = column.alias("value").value_counts()
    assert (
        found.join(counts, on="value", how="left", maintain_order="left")["count"].to_list() == found["rows"].to_list()
    )
    merged = merge_values(column, found)
    assert merged.is_null().equals(column.is_null())
    assert cluster_values(merged).is_empty()
    assert merged.drop_nulls().n_unique() == column.drop_nulls().n_unique() - len(found) + found["cluster"].n_unique()


@pytest.mark.parametrize("column", [pl.Series([], dtype=pl.String), pl.Series([None, None]), pl.Series(["", " "])])
def test_nothing_to_cluster_is_an_empty_frame(column):
    assert cluster_values(column).equals(pl.DataFrame(schema=VALUES))
    assert merge_values(column, cluster_values(column)).to_list() == column.to_list()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: cluster_values(["Oslo"]), "Series"),
        (lambda: cluster_values(pl.Series([1])), "Int64"),
        (lambda: merge_values(pl.Series([1]), pl.DataFrame(schema=VALUES)), "Int64"),
        (lambda: merge_values(pl.Series(["a"]), pl.DataFrame({"value": ["a"]})), "suggestion"),
        (
            lambda: merge_values(pl.Series(["a"]), pl.DataFrame({"value": ["a", "a"], "suggestion": ["b", "c"]})),
            "two suggestions",
        ),
        (lambda: merge_values(pl.Series(["a"]), pl.DataFrame({"value": ["a"], "suggestion": [None]})), "without"),
    ],
)
def test_a_call_that_cannot_work_is_refused(call, said):
    with pytest.raises(FrameError, match=said):
        call()


def test_a_name_that_polars_takes_for_a_pattern_is_a_name():
    column = pl.Series("^a$", ["Oslo", "oslo", "Oslo"])

    merged = merge_values(column, cluster_values(column))

    assert merged.to_list() == ["Oslo"] * 3
    assert merged.name == "^a$"
