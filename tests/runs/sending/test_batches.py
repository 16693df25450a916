"""Rows by the batch operation: every row comes back, settled as far as the CRM's words go and no further."""

from __future__ import annotations

import threading

import polars as pl
import pytest

from mbtoolkit import SendOptions, upsert_contacts
from mbtoolkit.client.limits import Limits
from mbtoolkit.errors import SettingsError
from mbtoolkit.runs.run import Run
from mbtoolkit.sandbox import Behaviour, RequestLimits, Sandbox

NO_LIST = "00000000-0000-4000-8000-00000000dead"


def people(count, bad=()):
    lists = [NO_LIST if row in bad else None for row in range(count)]
    return pl.DataFrame(
        {"email": [f"p{row}@example.com" for row in range(count)], "list_id": lists},
        schema_overrides={"list_id": pl.String},
    )


def arguments(options):
    """The arguments of `upsert_contacts` for options by name, those of `SendOptions` among them."""
    how = {name: value for name, value in options.items() if name in SendOptions.__dataclass_fields__}
    return {name: value for name, value in options.items() if name not in how} | {"options": SendOptions(**how)}


def push(frame, crm, **options):
    with crm.client(timeout_seconds=60.0) as client:
        return upsert_contacts(frame, client, **arguments({"via": "batch", "progress": False} | options))


def counts(results):
    return dict(results["mb_status"].value_counts().iter_rows())


def requests(crm, path="/contacts/batch"):
    return crm.requests().filter(pl.col("path") == path).height


def test_a_hundred_rows_are_one_request(crm):
    results = push(people(250), crm)
    assert counts(results) == {"succeeded": 250}
    assert requests(crm) == 3
    assert requests(crm, "/contacts/insertupdate") == 0
    assert results["mb_batch_id"].n_unique() == 3
    assert set(results["mb_batch_id"]) == set(crm.batches()["batch_id"])
    assert set(results["mb_attempts"]) == {1}


def test_rows_that_bear_an_id_keep_it_in_the_results(crm):
    first = push(people(5), crm, via="single")
    again = push(first.select("email", contact_id="mb_contact_id"), crm)
    assert again["mb_contact_id"].to_list() == first["mb_contact_id"].to_list()


@pytest.mark.slow
def test_ids_that_are_wanted_are_brought_by_the_single_operation(crm):
    results = push(people(5), crm, learn_contact_ids=True)
    stored = dict(crm.contacts().select("email", "contact_id").iter_rows())
    assert [stored[email] for email in results["email"]] == results["mb_contact_id"].to_list()
    assert requests(crm) == 0
    with_ids = results.select("email", contact_id="mb_contact_id")
    push(with_ids, crm, learn_contact_ids=True)
    assert requests(crm) == 1


@pytest.mark.slow
@pytest.mark.parametrize("status", ["status_400", "status_406", "status_422"])
def test_the_rows_that_make_the_crm_refuse_a_batch_are_found_and_the_others_stored(status):
    with Sandbox(behaviour=Behaviour(batch_refusals=status)) as crm:
        results = push(people(200, bad={3, 100, 199}), crm, batch_size=200)
        assert results.filter(pl.col("mb_status") == "rejected")["mb_row"].to_list() == [3, 100, 199]
        assert set(results.filter(pl.col("mb_status") == "rejected")["mb_http_status"]) == {422}
        assert counts(results) == {"succeeded": 197, "rejected": 3}
        assert crm.applied().height == 197
        assert crm.requests().height < 70


@pytest.mark.slow
def test_three_bad_rows_in_a_batch_of_1000_take_few_requests_to_find(crm):
    results = push(people(1000, bad={3, 500, 777}), crm, batch_size=1000)
    assert results.filter(pl.col("mb_status") == "rejected")["mb_row"].to_list() == [3, 500, 777]
    assert counts(results) == {"succeeded": 997, "rejected": 3}
    made = crm.requests().height
    print(f"{made} requests, of which {requests(crm)} batches")
    assert made < 100


def test_a_batch_that_is_too_large_is_halved_and_the_next_ones_are_small_from_the_start():
    with Sandbox(max_batch_bytes=3000) as crm:
        results = push(people(300), crm, batch_size=200, max_concurrency=1)
        assert counts(results) == {"succeeded": 300}
        sizes = crm.batches()["contacts"].to_list()
        assert max(sizes) <= 100
        assert (crm.requests()["status"] == 413).sum() <= 3


def test_skipped_rows_are_found_one_by_one_and_say_why():
    with Sandbox(behaviour=Behaviour(broken_item="skipped")) as crm:
        results = push(people(20, bad={7}), crm)
        assert results.filter(pl.col("mb_status") == "rejected")["mb_row"].to_list() == [7]
        assert "listId" in results["mb_message"][7]
        assert counts(results) == {"succeeded": 19, "rejected": 1}
        assert results["mb_batch_id"].n_unique() == 1


def test_a_row_that_is_refused_though_the_batch_skipped_nobody_is_in_doubt():
    """Two are refused one by one, and one was skipped: one of the two is stored, and nobody can tell which."""
    with Sandbox(behaviour=Behaviour(broken_item="skipped")) as crm:
        crm.fail("status", status=422, match="p3@example.com", path="/contacts/insertupdate")
        results = push(people(20, bad={7}), crm)
        assert results.filter(pl.col("mb_status") == "unknown")["mb_row"].to_list() == [3, 7]
        assert set(results.filter(pl.col("mb_status") == "unknown")["mb_code"]) == {"skipped_or_stored"}


def test_a_skipped_row_without_an_identifier_of_its_own_is_not_sent_again():
    """The second of two twins is skipped; whether it or another was can't be found out by sending it."""
    frame = pl.DataFrame({"email": ["a@example.com", "b@example.com", "a@example.com"]})
    with Sandbox() as crm:
        crm.fail("batch_partial", contacts=0)
        results = push(frame, crm)
        assert results["mb_status"].to_list() == ["unknown", "succeeded", "not_sent"]
        assert results["mb_code"].to_list()[2] == "held"
        assert crm.applied().height == 1


@pytest.mark.slow
@pytest.mark.parametrize("same", ["last_wins", "second_skipped"])
@pytest.mark.parametrize("order", ["arrival", "shuffled"])
def test_rows_of_one_contact_are_never_in_two_batches_at_once_and_the_later_wins(same, order):
    frame = pl.concat([people(10).with_columns(pl.lit(str(turn)).alias("property:City")) for turn in range(4)])
    with Sandbox(behaviour=Behaviour(same_contact_twice=same, batch_order=order)) as crm:
        results = push(frame, crm)
        assert counts(results) == {"succeeded": 40}
        assert set(crm.contacts()["property:City"]) == {"3"}
        assert crm.applied().height == 40


def test_a_batch_whose_answer_was_lost_is_sent_again_where_that_is_safe(crm):
    crm.fail("reset", phase="after_commit", path="/contacts/batch")
    frame = pl.concat([people(5), people(1)])
    results = push(frame, crm)
    assert results["mb_status"].to_list() == ["unknown", *["succeeded"] * 4, "not_sent"]
    crm.wait_for_batches()
    applied = crm.applied()["payload"].str.json_path_match("$.email").value_counts()
    assert dict(applied.iter_rows()) == {"p0@example.com": 1} | {f"p{row}@example.com": 2 for row in range(1, 5)}


def test_a_batch_that_failed_is_sent_row_by_row(crm):
    crm.fail("batch_failed", contacts=3)
    results = push(people(10), crm)
    assert counts(results) == {"succeeded": 10}
    assert requests(crm, "/contacts/insertupdate") == 10


@pytest.mark.slow
def test_batches_that_fail_again_and_again_are_given_up(caplog):
    with Sandbox(behaviour=Behaviour(batch_end="failed")) as crm:
        results = push(people(200), crm, batch_size=1, max_concurrency=1)
        assert counts(results) == {"succeeded": 200}
        assert requests(crm) < 200
    assert "the other rows go one by one" in caplog.text


@pytest.mark.slow
def test_an_account_whose_batches_are_all_refused_still_gets_its_rows_stored(crm, caplog):
    crm.fail("status", status=422, path="/contacts/batch", times=None)
    results = push(people(100), crm, batch_size=50, max_concurrency=1)
    assert counts(results) == {"succeeded": 100}
    assert requests(crm) < 40
    assert "the CRM refuses every batch" in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "settings"),
    [
        ("batch_backwards", {"after": 0}),
        ("batch_other_id", {}),
        ("status", {"status": 422, "path": "/contacts/{batchId}/Status"}),
    ],
    ids=["backwards", "another batch's", "unknown"],
)
def test_a_status_that_makes_no_sense_is_asked_for_again(crm, fault, settings):
    crm.fail(fault, times=2, **settings)
    assert counts(push(people(5), crm)) == {"succeeded": 5}
    assert crm.faults()["committed"].to_list() == [2]
    assert crm.applied().height == 5


@pytest.mark.slow
def test_a_batch_that_the_crm_knows_no_more_is_sent_row_by_row(crm):
    crm.fail("status", status=422, path="/contacts/{batchId}/Status", times=None)
    assert counts(push(people(5), crm)) == {"succeeded": 5}
    assert requests(crm, "/contacts/insertupdate") == 5


@pytest.mark.slow
def test_foreign_ids_settle_no_row_that_bears_one(crm):
    first = push(people(5), crm, via="single").select("email", contact_id="mb_contact_id")
    crm.fail("batch_foreign_ids", times=None)
    results = push(first, crm)
    assert counts(results) == {"succeeded": 5}
    assert results["mb_contact_id"].to_list() == first["contact_id"].to_list()
    assert requests(crm, "/contacts/insertupdate") == 5 + 1


@pytest.mark.slow
def test_a_batch_that_never_ends_leaves_its_rows_accepted():
    with Sandbox(behaviour=Behaviour(batch_end="stuck")) as crm:
        results = push(people(5), crm, settle_seconds=0.5)
        assert counts(results) == {"accepted": 5}
        assert set(results["mb_batch_id"]) == set(crm.batches()["batch_id"])
        assert set(results["mb_code"]) == {"not_settled"}


@pytest.mark.parametrize("keys", ["camel_case", "pascal_case"])
@pytest.mark.parametrize("told", ["number", "word"])
@pytest.mark.parametrize("code", ["status_202", "status_200"])
def test_it_is_right_however_the_answers_are_spelt(keys, told, code):
    with Sandbox(behaviour=Behaviour(batch_keys=keys, batch_status=told, batch_success=code)) as crm:
        assert counts(push(people(5), crm)) == {"succeeded": 5}


@pytest.mark.slow
def test_a_batch_counts_as_one_request_and_so_does_a_question():
    with Sandbox(limits=RequestLimits(requests=4, window_seconds=0.5, per_day=1000)) as crm:
        results = push(people(40), crm, batch_size=4, limits=Limits(requests=4, window_seconds=0.5))
        assert counts(results) == {"succeeded": 40}
        assert (crm.requests()["status"] == 429).sum() == 0


def test_auto_takes_batches_where_they_save_hours_and_says_so(crm, caplog):
    slow = Limits(requests=1, window_seconds=3600)
    results = push(people(3), crm, via="auto", batch_size=3, limits=slow, settle_seconds=0)
    assert requests(crm) == 1
    assert counts(results).keys() <= {"accepted", "succeeded"}
    assert "3 contacts go by the batch operation" in caplog.text


@pytest.mark.slow
def test_auto_takes_no_batches_for_a_few_rows(crm, caplog):
    push(people(30), crm, via="auto", limits="freemium")
    assert requests(crm) == 0
    assert caplog.text == ""


def operations(crm, frame, caplog, **options):
    """By which operations the first rows of a push go, where that is left to the toolkit; and what was logged then."""
    stop = threading.Event()

    def hear(progress):
        if progress.done or progress.queued:
            stop.set()

    push(frame, crm, via="auto", keep_record=False, progress=hear, stop=stop, settle_seconds=0, **options)
    logged = "".join(line for line in caplog.messages if "operation" in line)
    return set(crm.requests()["path"].str.extract("(batch|insertupdate)$").drop_nulls()), logged


def shared_by(contacts, rows):
    """Rows that so many contacts share evenly."""
    return pl.DataFrame({"email": [f"p{row % contacts}@example.com" for row in range(rows)]})


@pytest.mark.slow
@pytest.mark.parametrize("limits", [None, "pro"])
def test_auto_takes_no_batches_where_rows_have_to_wait_for_each_other(crm, caplog, limits):
    assert operations(crm, shared_by(2, 40_000), caplog, limits=limits) == ({"insertupdate"}, "")


def test_auto_takes_no_batches_where_one_contact_has_many_rows_among_others(crm, caplog):
    one = pl.DataFrame({"email": ["same@example.com"] * 40})
    assert operations(crm, pl.concat([shared_by(20_000, 20_000), one]), caplog) == ({"insertupdate"}, "")


@pytest.mark.slow
def test_auto_says_how_long_both_ways_take_and_how_many_rows_wait_for_each_other(crm, caplog):
    taken, logged = operations(crm, shared_by(8_000, 24_000), caplog)
    assert taken == {"batch"}
    # 240 batches, each with a question: 480 requests, 48 s; and three batches of a minute, one after the other.
    assert "about 4 minutes" in logged
    assert "one by one it takes 40 minutes at 100 requests in 10 seconds, the smallest account's" in logged
    assert "up to 3 rows of one contact" in logged


def test_auto_takes_no_batches_where_ids_are_wanted(crm):
    slow = Limits(requests=100, window_seconds=0.5)
    push(people(3), crm, via="auto", learn_contact_ids=True, limits=slow)
    assert requests(crm) == 0


@pytest.mark.parametrize(
    "option",
    [
        {"batch_size": 0}, {"batch_size": -1}, {"batch_size": 1001}, {"batch_size": 1.5}, {"batch_size": True},
        {"via": "bulk"}, {"learn_contact_ids": "always"}, {"settle_seconds": -1}, {"run_dir": True}, {"run_dir": 5},
        {"keep_record": None}, {"max_concurrency": 0}, {"max_concurrency": 101}, {"max_concurrency": 1.5},
        {"max_concurrency": True},
    ],
    ids=str,
)  # fmt: skip
def test_settings_that_can_not_work_are_refused_before_anything_is_sent(crm, option):
    with pytest.raises(SettingsError, match=next(iter(option))):
        push(people(3), crm, **option)
    assert crm.requests().is_empty()


def test_the_results_of_batches_are_on_record(crm, tmp_path):
    results = push(people(250, bad={3}), crm, run_dir=tmp_path)
    assert Run.open(results["mb_run_id"][0], tmp_path).results.equals(results)
