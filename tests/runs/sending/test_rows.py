"""What is known of rows is the same after it was written down and read again."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mbtoolkit.client import Outcome
from mbtoolkit.runs.assembling import OUTCOME_COLUMNS, sent_frame
from mbtoolkit.runs.journal import Journal
from mbtoolkit.runs.sending import Recorder, Rows, replay
from mbtoolkit.runs.sending.rows import outcome_of, text_of

COUNT = 8
ends = st.sampled_from(
    [
        Outcome("stored", 202, contact_id=2**62, attempts=2),
        Outcome("stored", batch_id="b1", message="Å \U0001f600"),
        Outcome("rejected", 422, "unprocessable", "no", invalid_properties=("a", "b"), batch_id="b1"),
        Outcome("unknown", 500, "http_500", "?"),
        Outcome("accepted", batch_id="b2"),
        Outcome("not_sent", code="held", message="held"),
    ]
)
some = st.lists(st.integers(0, COUNT - 1), min_size=1, max_size=COUNT, unique=True)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("intend"), some),
        st.tuples(st.just("refuse"), some),
        st.tuples(st.just("doubt"), some, st.just(Outcome("unknown", 500, "http_500", "?"))),
        st.tuples(st.just("accept"), some, st.sampled_from(["b1", "b2"]), st.none() | st.just(5)),
        st.tuples(st.just("end"), some, ends),
    ),
    max_size=15,
)


@pytest.mark.slow
@settings(max_examples=40)
@given(steps)
def test_a_journal_tells_all_that_was_known(tmp_path_factory, told):
    folder = tmp_path_factory.mktemp("runs")
    journal = Journal.create(folder, str(uuid.uuid4()), {}, {})
    recorder = Recorder(Rows(COUNT), journal)
    for name, *arguments in told:
        done = getattr(recorder, name)(*arguments)
        if done is not None:
            asyncio.run(done)
    run_id = journal.run_id
    journal.close()
    with Journal.open(folder, run_id) as again:
        found = replay(COUNT, again.events())
    known = recorder.rows
    assert [found.outcome(row) for row in range(COUNT)] == [known.outcome(row) for row in range(COUNT)]
    assert (found.attempts, found.doubts) == (known.attempts, known.doubts)
    assert (found.on_way, found.taken_in, found.sizes) == (known.on_way, known.taken_in, known.sizes)


@given(ends)
def test_an_outcome_is_the_same_after_it_was_text(outcome):
    assert outcome_of(text_of(outcome)) == outcome


def test_a_success_clears_doubt_and_nothing_else_does():
    rows = Rows(3)
    doubt = Outcome("unknown", 500)
    rows.doubt([0, 1], doubt)
    rows.end([0], Outcome("stored"))
    rows.end([1], Outcome("rejected"))
    assert rows.doubts == {1: doubt}


def test_what_can_still_be_settled_is_opened_again():
    rows = Rows(6)
    for row, kind in enumerate(["stored", "rejected", "not_sent", "unknown", "unknown", "accepted"]):
        rows.end([row], Outcome(kind, batch_id="b" if kind == "accepted" else None))
    rows.reopen(lambda row: row != 4)
    assert [rows.outcome(row) is None for row in range(6)] == [False, False, True, True, False, True]
    assert set(rows.doubts) == {3}
    assert rows.taken_in == {"b": {5}}


def test_rows_that_have_not_ended_are_told_as_what_they_are_said_to_be():
    rows = Rows(2)
    rows.send([1])
    rows.end([1], replace(Outcome("stored", 202), contact_id=5))
    no_ids = pl.Series([None, None], dtype=pl.Int64)
    frame = sent_frame(pl.Series([0, 1]), no_ids, rows, Outcome("not_sent", code="run_stopped"))
    assert frame.columns == ["position", *OUTCOME_COLUMNS]
    assert frame.select("mb_status", "mb_code", "mb_contact_id", "mb_attempts").rows() == [
        ("not_sent", "run_stopped", None, 0),
        ("succeeded", None, 5, 1),
    ]
    assert frame.schema["mb_status"] == pl.Enum(
        ["succeeded", "accepted", "unchanged", "invalid", "rejected", "unknown", "not_sent"]
    )
