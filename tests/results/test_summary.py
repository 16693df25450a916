"""The counts of a results frame."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit import summarize
from mbtoolkit.errors import FrameError, UsageError
from mbtoolkit.schemas.frames import STATUS_DTYPE, STATUSES


@pytest.mark.slow
def test_the_summary_adds_up_to_the_rows(results):
    summary = summarize(results)
    assert summary["rows"].sum() == results.height
    assert summary.select("mb_status", "reason", "rows", "first_row").rows() == [
        ("succeeded", None, 11, 0),
        ("invalid", "email_syntax", 1, 11),
        ("rejected", "unprocessable", 1, 12),
    ]
    assert "listId" in summary["example"].to_list()[-1]


@given(
    st.lists(st.tuples(st.sampled_from(STATUSES), st.sampled_from([None, *"abcdefgh"])), max_size=60), st.integers(1, 4)
)
def test_the_summary_agrees_with_a_plain_count(rows, reasons):
    frame = pl.DataFrame(
        {
            "mb_row": pl.Series(range(len(rows)), dtype=pl.Int64),
            "mb_status": pl.Series([row[0] for row in rows], dtype=STATUS_DTYPE),
            "mb_code": pl.Series([row[1] for row in rows], dtype=pl.String),
            "mb_message": pl.Series([row[1] for row in rows], dtype=pl.String),
            "mb_contact_id": pl.Series([None] * len(rows), dtype=pl.Int64),
        }
    )
    summary = summarize(frame, reasons=reasons)
    by_status = dict(summary.group_by("mb_status").agg(pl.col("rows").sum()).iter_rows())
    assert by_status == Counter(row[0] for row in rows)
    assert summary.group_by("mb_status").len()["len"].max() in (None, *range(reasons + 2))


@pytest.mark.slow
@pytest.mark.parametrize("reasons", ["a", None, 0, -1, 1.5, True])
def test_what_is_no_number_of_reasons_is_refused(results, reasons):
    with pytest.raises(UsageError, match="reasons="):
        summarize(results, reasons=reasons)


@pytest.mark.slow
def test_results_that_were_in_a_text_file_are_counted_in_the_same_order(results, tmp_path):
    results.drop("mb_invalid_properties").write_csv(tmp_path / "r.csv")
    for options in ({}, {"infer_schema": False}):
        assert summarize(pl.read_csv(tmp_path / "r.csv", **options)).equals(summarize(results))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("mb_status", ["fine"] * 13),
        ("mb_row", ["secret"] * 13),
        ("mb_row", [0.5] * 13),
        ("mb_contact_id", [True] * 13),
        ("mb_message", [["a"]] * 13),
    ],
)
def test_a_column_of_another_type_is_named_and_its_cells_are_not(results, column, values):
    with pytest.raises(FrameError, match=f"column '{column}'") as refused:
        summarize(results.with_columns(pl.Series(column, values)))
    assert "secret" not in str(refused.value)
