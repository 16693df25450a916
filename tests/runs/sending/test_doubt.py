"""What may be stored stays in doubt until a success clears it: over resumes, refusals and interrupted drill-downs."""

from __future__ import annotations

import threading

import httpx
import polars as pl
import pytest

from mbtoolkit import Client, Run, SendOptions, reconcile, update_results, upsert_contacts
from mbtoolkit.client import Outcome
from mbtoolkit.runs.journal import Journal
from mbtoolkit.runs.sending.breaker import Breaker
from mbtoolkit.runs.sending.rows import text_of
from mbtoolkit.sandbox import Behaviour, Sandbox

NO_LIST = "00000000-0000-4000-8000-00000000dead"
TWINS = pl.DataFrame({"email": ["a@example.com", "a@example.com", "b@example.com"], "property:City": ["X", "Y", "Z"]})


def statuses(results):
    return results["mb_status"].to_list()


def people(count, bad=()):
    lists = [NO_LIST if row in bad else None for row in range(count)]
    emails = [f"p{row}@example.com" for row in range(count)]
    return pl.DataFrame({"email": emails, "list_id": lists}, schema_overrides={"list_id": pl.String})


def died(client, folder, *events, **options):
    """A run of the twins of which nothing was sent and the journal says so much; the run."""
    stop = threading.Event()
    stop.set()
    results = upsert_contacts(TWINS, client, options=SendOptions(run_dir=folder, **options), stop=stop, progress=False)
    assert statuses(results) == ["not_sent"] * 3
    with Journal.open(folder, results["mb_run_id"][0]) as journal:
        for event in events:
            journal.append(*event)
        journal.note(state="sending")
    return Run.open(results["mb_run_id"][0], folder)


DOUBT = Outcome("unknown", 500, "http_500", "?")


@pytest.mark.parametrize("via", ["single", "batch"])
@pytest.mark.parametrize(
    "last_words",
    [[("intent", [0, 2])], [("intent", [0, 2]), ("doubt", [0, 2], text_of(DOUBT))]],
    ids=["on its way", "in doubt"],
)
def test_a_row_without_an_identifier_of_its_own_is_not_sent_again_by_a_resume(crm, client, tmp_path, via, last_words):
    run = died(client, tmp_path, *last_words, via=via)
    told = []
    results = run.resume(client, progress=told.append)
    assert statuses(results) == ["unknown", "not_sent", "succeeded"]
    assert crm.applied()["payload"].str.contains("b@example.com").to_list() == [True]
    assert (told[-1].done, told[-1].total) == (3, 3)
    assert statuses(run.resume(client)) == ["unknown", "not_sent", "succeeded"]


def test_what_was_on_its_way_and_is_safe_is_sent_again(crm, client, tmp_path):
    results = died(client, tmp_path, ("intent", [2])).resume(client)
    assert statuses(results) == ["succeeded"] * 3


def test_a_run_that_is_stopped_before_it_begins_forgets_no_batch(client, tmp_path):
    with Sandbox(batch_delay_seconds=600) as crm, crm.client() as slow:
        first = upsert_contacts(TWINS, slow, options=SendOptions(via="batch", settle_seconds=0, run_dir=tmp_path))
        assert statuses(first) == ["accepted", "not_sent", "accepted"]
        stop = threading.Event()
        stop.set()
        assert statuses(reconcile(first, slow, options=SendOptions(keep_record=False), stop=stop)) == statuses(first)
        assert statuses(Run.open(first["mb_run_id"][0], tmp_path).resume(slow, stop=stop)) == statuses(first)


@pytest.mark.slow
def test_counts_of_a_batch_do_not_speak_for_a_part_of_it(tmp_path):
    """Half of it was worked on; the rows that are asked for are the other half."""
    with Sandbox() as crm, crm.client() as client:
        crm.fail("batch_stuck", contacts=5)
        first = upsert_contacts(
            people(10), client, options=SendOptions(via="batch", settle_seconds=0.3, run_dir=tmp_path)
        )
        assert statuses(first) == ["accepted"] * 10
        crm.clear_faults()
        for found in (
            reconcile(first.tail(5), client, options=SendOptions(settle_seconds=0.3, run_dir=tmp_path)),
            reconcile(first.tail(5), client, options=SendOptions(settle_seconds=0.3, keep_record=False)),
        ):
            assert statuses(found) == ["accepted"] * 5
        assert crm.applied().height == 5


@pytest.mark.slow
def test_a_resumed_drill_down_claims_no_success_of_its_own(tmp_path):
    with Sandbox() as crm, crm.client() as client:
        crm.fail("batch_partial", contacts=5)
        crm.fail("status", status=401, path="/contacts/insertupdate", after=2, times=1)
        first = upsert_contacts(
            people(10), client, options=SendOptions(via="batch", max_concurrency=1, run_dir=tmp_path), progress=False
        )
        assert "not_sent" not in statuses(first)
        results = Run.open(first["mb_run_id"][0], tmp_path).resume(client)
        stored = set(crm.contacts()["email"])
        claimed = results.filter(pl.col("mb_status") == "succeeded")["email"]
        assert set(claimed) <= stored


def test_rows_that_a_reconciliation_left_alone_are_not_sent_by_resuming_it(crm, tmp_path):
    crm.fail("reset", phase="after_commit", match="p0@example.com")
    with crm.client(attempts=1) as client:
        first = upsert_contacts(people(4), client, options=SendOptions(keep_record=False), leave_out=[2, 3])
        again = reconcile(first, client, options=SendOptions(run_dir=tmp_path))
        assert statuses(again) == ["succeeded"] * 2 + ["not_sent"] * 2
        assert set(again["mb_code"].drop_nulls()) == {"left_out"}
        run = Run.open(again["mb_run_id"][0], tmp_path)
        assert run.status.state == "done"
        before = crm.requests().height
        run.resume(client)
        assert crm.requests().height == before


@pytest.mark.parametrize("status", [401, 403], ids=["401", "403"])
def test_a_batch_in_doubt_stays_so_when_the_next_answer_stops_the_run(crm, client, status):
    crm.fail("reset", phase="after_commit", path="/contacts/batch")
    crm.fail("status", status=status, times=None)
    results = upsert_contacts(people(5), client, options=SendOptions(via="batch"))
    assert statuses(results) == ["unknown"] * 5
    crm.wait_for_batches()
    assert crm.applied().height == 5


@pytest.mark.slow
def test_a_drill_down_that_is_cut_short_calls_no_row_not_sent_or_rejected():
    with Sandbox(behaviour=Behaviour(broken_item="skipped")) as crm, crm.client() as client:
        crm.fail("status", status=422, match="p0@example.com", path="/contacts/insertupdate")
        crm.fail("status", status=401, after=3, times=None, path="/contacts/insertupdate")
        results = upsert_contacts(people(20, bad={7}), client, options=SendOptions(via="batch", max_concurrency=1))
        assert set(statuses(results)) <= {"succeeded", "unknown", "accepted"}
        assert statuses(results)[0] == "unknown"


def test_the_good_end_of_an_older_request_ends_no_outage():
    breaker = Breaker(60.0)
    breaker.hear(Outcome("later", 503, "unavailable", "closed", retry_after_seconds=5.0), 0, 100.0, 99.0)
    breaker.hear(Outcome("stored", 202), 1, 100.1, 99.5)
    assert breaker.is_open
    breaker.hear(Outcome("stored", 202), 2, 106.1, 106.0)
    assert not breaker.is_open


@pytest.mark.slow
def test_nobody_is_asked_while_the_crm_wants_quiet():
    moments = []

    def answer(request):
        moments.append(request.url)
        if len(moments) % 4 == 2:
            return httpx.Response(503, headers={"Retry-After": "0.3"}, content=b"{}")
        return httpx.Response(202, content=b'{"status":"Success","data":{"contactId":"7"}}')

    with Client("http://127.0.0.1:9", "token", transport=httpx.MockTransport(answer)) as client:
        results = upsert_contacts(people(10), client, options=SendOptions(keep_record=False))
    assert statuses(results) == ["succeeded"] * 10
    assert len(moments) < 20


@pytest.mark.parametrize("status", [403, 404, 405])
def test_an_account_without_the_batch_operation_gets_its_rows_stored_one_by_one(crm, client, status, caplog):
    crm.fail("status", status=status, path="/contacts/batch", times=None)
    results = upsert_contacts(people(30), client, options=SendOptions(via="batch", batch_size=10))
    assert statuses(results) == ["succeeded"] * 30
    assert "no batch operation" in caplog.text


@pytest.mark.slow
def test_where_the_crm_refuses_batch_after_batch_halving_ends(crm, client):
    crm.fail("status", status=422, path="/contacts/batch", after=1, times=None)
    results = upsert_contacts(people(600), client, options=SendOptions(via="batch", batch_size=100, max_concurrency=2))
    assert statuses(results) == ["succeeded"] * 600
    assert crm.requests().filter(pl.col("path") == "/contacts/batch").height < 150


def test_a_row_that_a_later_one_has_overtaken_is_not_sent_again(crm):
    frame = TWINS.with_columns(
        mobile_country_code=pl.Series([44, None, None]), mobile_number=pl.Series([7700900001, None, None])
    )
    crm.fail("reset", phase="after_commit", match='"X"')
    with crm.client(attempts=1) as client:
        first = upsert_contacts(frame, client, options=SendOptions(keep_record=False))
        assert statuses(first) == ["unknown", "not_sent", "succeeded"]
        pushed = update_results(
            first,
            upsert_contacts(
                first.filter(pl.col("mb_status") == "not_sent"), client, options=SendOptions(keep_record=False)
            ),
        )
        again = reconcile(pushed, client, options=SendOptions(keep_record=False))
    assert statuses(again) == ["unknown", "succeeded", "succeeded"]
    assert "a later row of the same contact is stored" in again["mb_message"][0]
    assert crm.contacts().filter(pl.col("email") == "a@example.com")["property:City"].to_list() == ["Y"]


def test_behind_a_batch_that_may_come_late_the_next_row_of_the_contact_waits(crm, client):
    frame = TWINS.with_columns(
        mobile_country_code=pl.Series([44, None, None]), mobile_number=pl.Series([7700900001, None, None])
    )
    crm.fail("reset", phase="after_commit", path="/contacts/batch")
    results = upsert_contacts(frame, client, options=SendOptions(via="batch"))
    assert statuses(results) == ["succeeded", "not_sent", "succeeded"]
    assert results["mb_code"][1] == "held"


def test_a_display_that_wants_out_leaves_nothing_running(crm, client):
    crm.fail("delay", seconds=0.05, times=None)

    def leave(progress):
        raise SystemExit

    with pytest.raises(SystemExit):
        upsert_contacts(people(200), client, progress=leave)
    assert not [each for each in threading.enumerate() if each.name == "mbtoolkit-run"]
    assert crm.requests().height < 150
