"""Doubt outlives the process that had it: what a row's last word in the journal lets the next process do."""

from __future__ import annotations

import time

import polars as pl
import pytest
from oracle import NOTES, applied_rows, judge

from mbtoolkit import Run, SendOptions, list_runs, upsert_contacts
from mbtoolkit.client import Outcome
from mbtoolkit.runs.journal import Journal
from mbtoolkit.runs.sending.rows import text_of
from mbtoolkit.sandbox import Sandbox

pytestmark = pytest.mark.slow

FIRST_POINT = 11
"""Before it a run is made, and nothing can be sent."""
LAST_POINT = 40


def frame(*kinds):
    """Rows that stand alone ("own"), and rows of one contact ("shared")."""
    emails = ["a@example.com" if kind == "shared" else f"p{row}@example.com" for row, kind in enumerate(kinds)]
    notes = [f"row {row}" for row in range(len(kinds))]
    return pl.DataFrame({"email": emails, NOTES: notes, "kind": list(kinds)})


@pytest.fixture
def killed(nursery, tmp_path, run_dir, crm):
    """Pushes, and kills the push when the first request is stored and not yet answered; the id of the run."""

    def kill(contacts, via):
        contacts.write_parquet(tmp_path / "people.parquet")
        crm.fail("silence", phase="after_commit", seconds=60, path="/contacts/batch")
        crm.fail("silence", phase="after_commit", seconds=60, path="/contacts/insertupdate", times=10)
        child = nursery.start(
            "push",
            crm=[crm.base_url, crm.token],
            contacts=tmp_path / "people.parquet",
            run_dir=run_dir,
            options={"via": via},
        )
        while not crm.requests()["applied"].any():
            time.sleep(0.01)
        child.kill()
        child.wait()
        crm.clear_faults()
        crm.wait_for_batches()
        return list_runs(run_dir)["run_id"].item()

    return kill


@pytest.mark.parametrize("last_word", ["intent", "doubt"])
@pytest.mark.parametrize("via", ["single", "batch"])
def test_a_row_without_an_identifier_of_its_own_is_not_sent_again_by_the_next_process(
    crm, client, killed, run_dir, via, last_word
):
    run_id = killed(frame("shared", "shared"), via)
    if last_word == "doubt":  # it died between the commit of the doubt and that of the row's end
        with Journal.open(run_dir, run_id) as journal:
            told = Outcome("unknown", code="connection_lost", message="the connection was lost")
            journal.append("doubt", [0], text_of(told)).result()
    for _ in range(2):
        results = Run.open(run_id, run_dir).resume(client, progress=False)
        crm.wait_for_batches()
        assert results["mb_status"].to_list() == ["unknown", "not_sent"]
        assert results["mb_code"].to_list() == ["died" if last_word == "intent" else "connection_lost", "held"]
        assert applied_rows(crm.applied()) == [0]


@pytest.mark.parametrize("via", ["single", "batch"])
def test_a_refusal_after_doubt_is_still_doubt_in_the_next_process(crm, client, killed, run_dir, via):
    run_id = killed(frame("own"), via)
    crm.fail("status", status=422, times=None)
    results = Run.open(run_id, run_dir).resume(client, progress=False)
    assert results["mb_status"].to_list() == ["unknown"]
    crm.clear_faults()
    results = Run.open(run_id, run_dir).resume(client, progress=False)
    assert results["mb_status"].to_list() == ["succeeded"]


@pytest.mark.parametrize("status", [401, 429], ids=["a token that ends", "limits that are used up"])
@pytest.mark.parametrize("via", ["single", "batch"])
def test_what_stops_the_run_does_not_make_doubt_not_sent(crm, client, killed, run_dir, via, status):
    run_id = killed(frame("own", "own", "own"), via)
    before = judge(Run.open(run_id, run_dir).results, crm.applied())
    assert before.faults == {}
    crm.fail("status", status=status, times=None, retry_after="0")
    results = Run.open(run_id, run_dir).resume(client, options=SendOptions(max_concurrency=1), progress=False)
    assert judge(results, crm.applied()).faults == {}, results
    assert "not_sent" in results["mb_status"].to_list() or set(results["mb_status"]) == {"unknown"}


@pytest.mark.parametrize("via", ["single", "batch"])
def test_what_stops_the_run_does_not_make_doubt_not_sent_in_the_same_process_either(crm, client, run_dir, via):
    crm.fail("reset", phase="after_commit", times=1)
    crm.fail("status", status=401, times=None)
    results = upsert_contacts(frame("own"), client, options=SendOptions(via=via, run_dir=run_dir), progress=False)
    crm.wait_for_batches()
    assert applied_rows(crm.applied()) == [0]
    assert results["mb_status"].to_list() == ["unknown"]


@pytest.mark.parametrize("via", ["single", "batch"])
def test_nothing_is_sent_before_its_intent_is_on_the_disk(nursery, tmp_path, via):
    frame("shared", "own").write_parquet(tmp_path / "people.parquet")
    for point in range(FIRST_POINT, LAST_POINT):
        run_dir = tmp_path / f"runs-{point}"
        with Sandbox() as crm:
            child = nursery.start(
                "push",
                crm=[crm.base_url, crm.token],
                contacts=tmp_path / "people.parquet",
                run_dir=run_dir,
                die_at=point,
                options={"via": via},
            )
            if child.wait() == 0:
                break
            crm.wait_for_batches()
            results = Run.open(list_runs(run_dir)["run_id"].item(), run_dir).results
            sent = set(applied_rows(crm.applied()))
            assert sent <= set(results.with_row_index().filter(pl.col("mb_attempts") > 0)["index"]), point
            assert judge(results, crm.applied()).faults == {}, point
    assert FIRST_POINT < point < LAST_POINT - 1
