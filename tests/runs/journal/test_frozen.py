"""Frames that are frozen come back as they were, or not at all."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from polars.testing import assert_frame_equal
from polars.testing.parametric import dataframes

from mbtoolkit.errors import JournalError
from mbtoolkit.runs.journal import Journal, look
from mbtoolkit.runs.journal.frozen import freeze, thaw

CHOSEN = {
    "nothing": pl.DataFrame(),
    "height only": pl.DataFrame(height=5),
    "no rows": pl.DataFrame(schema={"a": pl.String, "b": pl.List(pl.Struct({"x": pl.Int8}))}),
    "null": pl.DataFrame({"a": [None, None]}),
    "enum": pl.DataFrame({"a": pl.Series(["y", None], dtype=pl.Enum(["x", "y"]))}),
    "empty enum": pl.DataFrame({"a": pl.Series([], dtype=pl.Enum([]))}),
    "categorical": pl.DataFrame({"a": pl.Series(["x", None, "x"], dtype=pl.Categorical)}),
    "categories": pl.DataFrame({"a": pl.Series(["x"], dtype=pl.Categorical(pl.Categories("own", "space")))}),
    "decimal": pl.DataFrame({"a": pl.Series([Decimal("1.50"), None], dtype=pl.Decimal(38, 2))}),
    "duration": pl.DataFrame({"a": pl.Series([timedelta(days=-1, microseconds=1)], dtype=pl.Duration("ns"))}),
    "binary": pl.DataFrame({"a": [b"\0\xff", b"", None]}),
    "nested": pl.DataFrame({"a": [[{"x": "1", "y": [1, None]}], [], None]}),
    "array": pl.DataFrame({"a": pl.Series([[[1], []], None], dtype=pl.Array(pl.List(pl.Int8), 2))}),
    "wide": pl.DataFrame({"a": pl.Series([2**100], dtype=pl.Int128)}),
    "names": pl.DataFrame({"": [1], "a/b\n=cmd": [2], "\U0001f600": [3]}),
    "floats": pl.DataFrame({"a": [float("nan"), -0.0, float("inf"), None]}),
}


@pytest.mark.slow
@settings(suppress_health_check=list(HealthCheck))
@given(frame=dataframes(max_size=6))
def test_any_frame_comes_back_equal(tmp_path, frame):
    path = tmp_path / "any.parquet"
    thawed = thaw(path, freeze(frame, path, None))
    assert thawed.schema == frame.schema
    assert_frame_equal(thawed, frame)


@pytest.mark.parametrize("frame", CHOSEN.values(), ids=CHOSEN)
def test_chosen_frames_come_back_equal(runs_dir, run_id, frame):
    with Journal.create(runs_dir, run_id, {}, {"payloads": frame}) as journal:
        thawed = journal.frame("payloads")
        assert journal.head["left_out_columns"] == {}
    assert (thawed.schema, thawed.shape) == (frame.schema, frame.shape)
    assert_frame_equal(thawed, frame)
    assert_frame_equal(look(runs_dir, run_id).frame("payloads"), frame)


def test_columns_that_no_file_can_hold_are_left_out_and_named(runs_dir, run_id):
    frame = pl.DataFrame(
        {
            "object": pl.Series([object(), object()], dtype=pl.Object),
            "email": ["ann@example.com", None],
            "empty": pl.Series([{}, {}], dtype=pl.Struct({})),
            "deep": pl.Series([[], []], dtype=pl.List(pl.Struct({"x": pl.Struct({})}))),
        }
    )
    with Journal.create(runs_dir, run_id, {}, {"rows": frame, "objects": frame.select("object")}) as journal:
        assert journal.head["left_out_columns"] == {"rows": ["object", "empty", "deep"], "objects": ["object"]}
        assert_frame_equal(journal.frame("rows"), frame.select("email"))
        assert journal.frame("objects").shape == (2, 0)


def test_a_folder_with_a_pattern_in_its_name_is_only_a_folder(tmp_path, run_id):
    frame = pl.DataFrame({"a": [1]})
    for runs_dir in (tmp_path / "[a-z]*" / "year=2025", tmp_path / "ä ?#%20"):
        with Journal.create(runs_dir, run_id, {}, {"rows": frame}) as journal:
            assert_frame_equal(journal.frame("rows"), frame)
            assert look(runs_dir, run_id).is_held


@pytest.mark.parametrize("name", ["", "../rows", "Rows", "rows.parquet", "a" * 41, "events\n", None])
def test_a_frames_name_is_a_word(runs_dir, run_id, name):
    with pytest.raises(JournalError, match="word"):
        Journal.create(runs_dir, run_id, {}, {name: pl.DataFrame()})
    assert not runs_dir.exists()


def test_a_frame_that_is_not_there_is_named(runs_dir, run_id):
    with (
        Journal.create(runs_dir, run_id, {}, {"rows": pl.DataFrame()}) as journal,
        pytest.raises(JournalError, match=r"'payload'.*it has rows"),
    ):
        journal.frame("payload")


@pytest.mark.parametrize("spoil", ["edit", "cut", "remove"])
def test_a_frozen_file_that_was_changed_is_refused(runs_dir, run_id, spoil):
    Journal.create(runs_dir, run_id, {}, {"rows": pl.DataFrame({"a": range(1000)})}).close()
    path = runs_dir / run_id / "rows.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    if spoil == "remove":
        path.unlink()
    else:
        path.write_bytes(content if spoil == "edit" else content[:-1])
    with pytest.raises(JournalError, match=r"rows\.parquet.*purge"):
        Journal.open(runs_dir, run_id)
    with pytest.raises(JournalError, match=r"rows\.parquet"):
        look(runs_dir, run_id).frame("rows")
