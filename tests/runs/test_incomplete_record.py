"""A record that can't be written to its end: the results are right all the same, and everybody is told."""

from __future__ import annotations

import logging
import warnings

import polars as pl
import pytest

from mbtoolkit import Run, SendOptions, list_runs, upsert_contacts
from mbtoolkit.errors import JournalError, RecordWarning
from mbtoolkit.sandbox import Sandbox
from tests.runs.failing_disk import REASON, fail_writing, write_again


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def holding():
    """A CRM that takes batches in, and works on them when it is told to."""
    with Sandbox(batch_delay_seconds=600) as crm:
        yield crm


def pushed(crm, contacts, folder, kind):
    """A push whose record fails when ten rows are in batches; its results, and the progress that was reported."""
    seen = []

    def watch(progress):
        if progress.queued == 10 and all(each.queued < 10 for each in seen):
            fail_writing(folder, kind)
            crm.release_batches()
        seen.append(progress)

    with crm.client() as client:
        return upsert_contacts(contacts, client, options=SendOptions(via="batch", run_dir=folder), progress=watch), seen


@pytest.mark.parametrize("kind", ["final", None], ids=["the last events", "the end of the run"])
def test_a_record_that_fails_after_the_last_row_was_sent_costs_no_result_and_is_reported(
    holding, people, folder, kind, caplog
):
    with pytest.warns(
        RecordWarning, match=f"(?i)results are right.*record of run .* is incomplete.*{REASON}"
    ) as caught:
        results, seen = pushed(holding, people, folder, kind)
    assert set(results["mb_status"]) == {"succeeded"}
    assert holding.applied().height == 10
    assert len(caught) == 1
    (run_id,) = set(results["mb_run_id"])
    assert run_id in str(caught[0].message)
    assert "purge" in str(caught[0].message)
    assert [record.levelno for record in caplog.records if run_id in record.getMessage()] == [logging.WARNING]
    assert REASON in seen[-1].record_error
    assert seen[0].record_error is None
    assert list_runs(folder)["state"].to_list() == ["died"]
    Run.open(run_id, folder).purge()
    assert list_runs(folder).is_empty()


def test_a_filter_that_makes_warnings_errors_costs_no_result(holding, people, folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        results, seen = pushed(holding, people, folder, "final")
    assert set(results["mb_status"]) == {"succeeded"}
    assert REASON in seen[-1].record_error


@pytest.mark.slow
def test_a_record_that_fails_in_the_middle_is_reported_and_resumed_when_it_can_be_written_again(
    holding, people, folder
):
    twice = pl.concat([people, people.with_columns(pl.lit("Voss").alias("property:City"))])
    with pytest.warns(RecordWarning, match="resuming it sends what is left"):
        results, _ = pushed(holding, twice, folder, "intent")
    assert results["mb_status"].to_list() == ["succeeded"] * 10 + ["not_sent"] * 10
    assert "Then resume the run" in results["mb_message"][10]
    write_again(folder)
    with holding.client() as client:
        run = Run.open(results["mb_run_id"][0], folder)
        resumed = run.resume(client, progress=lambda _: holding.release_batches())
    assert resumed["mb_status"].to_list() == ["succeeded"] * 20
    assert run.status.state == "done"


def test_a_whole_record_warns_of_nothing(client, people, folder):
    seen = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        upsert_contacts(people, client, options=SendOptions(run_dir=folder), progress=seen.append)
    assert [each.record_error for each in seen if each.record_error] == []


def test_a_resume_reports_it_too_and_sends_nothing_where_it_can_not_even_begin(holding, people, folder):
    with holding.client() as client:
        first = upsert_contacts(
            people, client, options=SendOptions(via="batch", settle_seconds=0, run_dir=folder), progress=False
        )
        assert set(first["mb_status"]) == {"accepted"}
        fail_writing(folder)
        run = Run.open(first["mb_run_id"][0], folder)
        with pytest.raises(JournalError, match=REASON):
            run.resume(client, options=SendOptions(settle_seconds=0))
        write_again(folder)
        fail_writing(folder, "final")
        with pytest.warns(RecordWarning, match=REASON):
            assert set(run.resume(client, options=SendOptions(settle_seconds=0))["mb_status"]) == {"accepted"}
