"""Every fault that has to be survived, against a real server on a socket, judged by what the server applied.

First what each answer means, for the single and the batch operation; then the list of faults. A test fails if its
fault was never committed. With MBTOOLKIT_FULL set, outages last as long as the list says.

What stands in the list, and the tests that cover it:

    connection refused for 30 s: test_connection_refused_for_a_while
    reset before, during and after the body was read: test_reset
    commit, then reset / silence / 500 / truncated JSON / bad gzip / HTML / empty / 204 / dripping bytes:
        test_committed_and_then
    429 storms with every kind of Retry-After and without: test_storm_of_429, test_a_429_pauses_the_whole_run
    429 although applied: test_429_although_applied
    5xx flapping: test_5xx_flapping
    outage of a minute: test_outage_of_a_minute, test_outage_beyond_patience, test_one_probe_at_a_time
    token expired mid-run: test_token_expired_mid_run
    token revoked: test_token_revoked
    token operation slow or broken: test_token_operation_slow, test_token_operation_broken
    clock set forward and back: test_clock_set_forward_and_back
    daily budget used up: test_daily_budget_used_up
    Ctrl-C, SIGTERM: test_process_is_told_to_end
    kernel restart: test_kernel_restart
    source changed between plan and sending: test_source_changed
    answers out of order: test_answers_out_of_order, test_batches_out_of_order
    batch status that never ends: test_batch_that_never_ends
    batch status that goes backwards, names an unknown id: test_batch_status_makes_no_sense
    partial batch without reasons: test_partial_batch
    one poison row in a batch of 1,000: test_poison_row_in_a_batch_of_1000
    the same contact twice, batches applied late: test_same_contact_twice_and_batches_late
    redirect to another host: test_redirect_to_another_host
    megabyte headers, gzip bombs, gigabyte bodies: test_oversized_answer
    idle connection closed by the server: test_idle_connection_closed

and in other files:

    kill -9 at random: survival/test_random_deaths.py::test_what_is_killed_and_resumed_loses_nothing_and_doubles_nothing
    kill -9 at every durable write:
        survival/test_each_step.py::test_a_death_at_any_durable_step_loses_and_doubles_nothing
    disk full, I/O error, short write:
        survival/test_disk.py::test_a_full_disk_stops_the_sending_before_an_intent_is_lost
        runs/journal/test_death.py::test_a_full_disk_fails_all_that_comes_after_it_and_costs_nothing_that_came_before
    torn last line:
        runs/journal/test_death.py::test_a_log_cut_anywhere_opens_with_all_that_came_before_the_cut
        runs/journal/test_death.py::test_garbage_at_the_end_of_the_log_costs_nothing_that_came_before_it
    two resumes of one run: survival/test_two_at_once.py::test_of_two_resumes_at_once_one_goes_on_and_the_other_says_so
    two processes on one token, a worker of several killed:
        survival/test_two_at_once.py::test_a_killed_run_with_limits_and_another_on_the_same_token_draw_no_429

10 million rows in bounded memory is not kept: what a run holds grows with its rows (benchmarks/runs.py).
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
from jupyter_client.manager import KernelManager

from mbtoolkit import Client, Limits, Run, list_runs
from mbtoolkit.errors import FrameError
from mbtoolkit.sandbox import Behaviour, RequestLimits, Sandbox
from tests.faults import oracle
from tests.faults.oracle import (
    BATCH,
    BEARS_ID,
    BEHIND_CHAIN,
    BEHIND_SAFE,
    BEHIND_TWIN,
    CHAIN,
    INVALID,
    IS_FULL,
    MARK,
    SAFE,
    SINGLE,
    STATUS,
    TWIN,
    VIAS,
    after_doubt,
    aim,
    assert_kept,
    assert_struck,
    mark,
    meanwhile,
    push,
    statuses,
    table,
)
from tests.faults.unreachable import Unreachable

TIMEOUT_SECONDS = 120.0
"""For answers that come: no busy machine may look like a fault. No test waits this long."""

SHORT_SECONDS = 1.0
"""For answers that never come. On a busy machine other answers may miss it too, so such tests allow more doubt."""

PUSHER = Path(__file__).with_name("pusher.py")
NO_LIST = "00000000-0000-4000-8000-00000000dead"

by_both = pytest.mark.parametrize("via", VIAS)


def by_each(name: str, values: Any, *, batch: tuple[str, ...]) -> pytest.MarkDecorator:
    """All of them by the single operation, and by the batch operation those that its own code could get wrong.

    With MBTOOLKIT_FULL set, all of them by both.
    """
    both = [("single", value) for value in values] + [("batch", value) for value in values if IS_FULL or value in batch]
    return pytest.mark.parametrize(("via", name), both)


@pytest.fixture
def client(crm: Sandbox):
    with crm.client(timeout_seconds=TIMEOUT_SECONDS, attempts=4) as made:
        yield made


@pytest.fixture
def contacts(crm: Sandbox) -> pl.DataFrame:
    return table(crm)


def log_in(crm: Sandbox, **options: Any) -> Client:
    """A client that asks for its tokens."""
    own = crm.credentials
    return Client(
        crm.base_url,
        user_name=own.user_name,
        password=own.password,
        private_token=own.private_token,
        token_url=f"{crm.base_url}/token",
        timeout_seconds=TIMEOUT_SECONDS,
        **options,
    )


def requests(crm: Sandbox, path: str) -> pl.DataFrame:
    return crm.requests().filter(pl.col("path") == path)


def slowly(crm: Sandbox, path: str = "/contacts", seconds: float = 0.05) -> None:
    """Makes a run last long enough for something to come in between."""
    crm.fail("delay", seconds=seconds, times=None, path=path)


def how_long(is_late: bool) -> dict[str, Any]:
    """A client's patience: short where an answer never comes, with tries enough for rows that can be sent again."""
    return {"timeout_seconds": SHORT_SECONDS, "attempts": 12} if is_late else {"timeout_seconds": TIMEOUT_SECONDS}


def assert_doubt(contacts: pl.DataFrame, results: pl.DataFrame, via: str, *, is_late: bool) -> None:
    """The rows in doubt are the ones that were struck, and no others; a short patience may leave more of their kind."""
    found, struck = statuses(results), after_doubt(via)
    if is_late:
        assert found.items() >= struck.items()
        assert found.keys() <= oracle.may_be_left(contacts)
    else:
        assert found == struck


# What an answer means: the single and the batch operation


@pytest.mark.slow
@by_both
@pytest.mark.parametrize(
    "error", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout], ids=lambda e: e.__name__
)
def test_not_sent_is_tried_again_without_doubt(crm, contacts, via, error):
    """Also the rows that may not be sent again after doubt."""
    way = Unreachable(error, {SAFE, BEARS_ID, TWIN, CHAIN})
    with crm.client(timeout_seconds=TIMEOUT_SECONDS, transport=way) as client:
        results = push(contacts, client, via=via)
    assert statuses(results) == {}
    assert way.raised >= 2
    assert len(oracle.applications(crm)) == contacts.height - 1
    assert_kept(crm, contacts, results)


@by_both
@pytest.mark.parametrize(
    "base_url",
    ["http://127.0.0.1:{closed}", "https://nowhere.invalid", "https://127.0.0.1:{port}"],
    ids=["refused", "DNS", "TLS"],
)
def test_no_connection_from_the_beginning_stops_the_run(crm, contacts, via, base_url):
    with Sandbox() as other:
        closed = other.base_url.rpartition(":")[2]
    url = base_url.format(closed=closed, port=crm.base_url.rpartition(":")[2])
    before = crm.requests().height
    with Client(url, crm.token, timeout_seconds=TIMEOUT_SECONDS, attempts=2) as client:
        results = push(contacts, client, via=via)
    assert set(statuses(results).values()) == {"not_sent"}
    assert results.filter(pl.col("mb_attempts") > 0)["mb_code"].to_list().count("no_connection") > 0
    assert crm.requests().height == before
    assert_kept(crm, contacts, results)


@pytest.mark.slow
@by_both
def test_earlier_doubt_stays_when_a_429_and_a_refusal_follow(crm, client, contacts, via):
    """The row may have been applied the first time, and was; that it is refused later doesn't say that it was not."""
    first = {"path": BATCH} if via == "batch" else {"match": mark(SAFE)}
    crm.fail("reset", phase="after_commit", **first)
    crm.fail("status", status=429, retry_after="0.1", **first)
    crm.fail("status", status=422, match=mark(SAFE), times=None)
    results = push(contacts, client, via=via)
    left_of_batch = after_doubt("batch") if via == "batch" else {}
    assert statuses(results) == {SAFE: "unknown"} | left_of_batch
    assert_kept(crm, contacts, results)
    assert_struck(crm)


@by_both
def test_earlier_doubt_stays_when_a_clean_end_of_the_run_follows(crm, client, contacts, via):
    """Doubt, and then a 401 that stops the run: the row is not "not sent"."""
    first = {"path": BATCH} if via == "batch" else {"match": mark(SAFE)}
    crm.fail("reset", phase="after_commit", **first)
    crm.fail("status", status=401, **first)
    results = push(contacts, client, via=via, max_concurrency=1)
    assert results["mb_status"][SAFE] == "unknown"
    assert_kept(crm, contacts, results)
    assert_struck(crm)


@by_both
def test_doubt_that_is_on_record_stays_when_a_refusal_follows(crm, contacts, via, tmp_path):
    crm.fail("reset", phase="after_commit", match=mark(SAFE), times=None)
    with crm.client(timeout_seconds=TIMEOUT_SECONDS, attempts=1) as client:
        first = push(contacts, client, via=via, run_dir=tmp_path)
        assert first["mb_status"][SAFE] == "unknown"
        assert_struck(crm)
        crm.clear_faults()
        crm.fail("status", status=422, match=mark(SAFE), times=None)
        results = Run.open(first["mb_run_id"][0], tmp_path).resume(client, progress=False)
    assert results["mb_status"][SAFE] == "unknown"
    assert_kept(crm, contacts, results)
    assert_struck(crm)


@by_both
def test_401_is_one_refresh_for_all_and_a_second_one_stops_the_run(crm, contacts, via):
    crm.fail("status", status=401, after=1, times=None)
    with log_in(crm) as client:
        results = push(contacts, client, via=via, max_concurrency=4, batch_size=3)
    told = statuses(results)
    assert "not_sent" in told.values()
    assert requests(crm, "/token").height == 2
    assert_kept(crm, contacts, results)
    assert_struck(crm)


@pytest.mark.slow
def test_413_halves_the_batch(contacts):
    with Sandbox(max_batch_bytes=500) as crm:
        contacts = table(crm)
        with crm.client(timeout_seconds=TIMEOUT_SECONDS) as client:
            results = push(contacts, client, via="batch")
        assert statuses(results) == {}
        assert (crm.requests()["status"] == 413).any()
        assert crm.batches()["contacts"].max() > 1
        assert len(oracle.applications(crm)) == contacts.height - 1
        assert_kept(crm, contacts, results)


def test_413_on_one_contact_is_rejected(crm, client, contacts):
    aim(crm, "single", "status", status=413)
    results = push(contacts, client, via="single")
    assert statuses(results) == dict.fromkeys((SAFE, BEARS_ID, TWIN), "rejected")
    assert_kept(crm, contacts, results)
    assert_struck(crm)


@pytest.mark.slow
@by_both
@pytest.mark.parametrize("status", [400, 406, 409, 422])
def test_refused_rows_are_rejected_and_the_others_go_on(crm, client, contacts, via, status):
    """A batch is halved until its bad rows stand alone; the CRM's own words are in each."""
    for row in (SAFE, BEARS_ID, TWIN):
        body = f'{{"status":"Failed","message":"No, not {row}.","data":{{"invalidPropertiesList":["Shoe size"]}}}}'
        crm.fail("status", status=status, match=mark(row), times=None, body=body)
    results = push(contacts, client, via=via)
    assert statuses(results) == dict.fromkeys((SAFE, BEARS_ID, TWIN), "rejected")
    struck = results.filter(pl.col("mb_status") == "rejected")
    assert set(struck["mb_http_status"]) == {status}
    assert [f"No, not {row}." in text for row, text in struck.select("mb_row", "mb_message").iter_rows()] == [True] * 3
    assert struck["mb_invalid_properties"].to_list() == [["Shoe size"]] * 3
    if via == "single":
        assert struck["mb_attempts"].to_list() == [1] * 3
    assert_kept(crm, contacts, results)
    assert_struck(crm)


@by_both
def test_409_of_crossed_identifiers_is_rejected_and_not_sent_again(crm, client, contacts, via):
    """A real one: a row joins two people of the CRM."""
    push(contacts.head(3), client)
    crossed = contacts[[0, 2]].select(
        pl.lit(None, pl.Int64).alias("contact_id"),
        pl.col("mobile_country_code").last(),
        pl.col("mobile_number").last(),
        pl.col("email").first(),
        pl.lit("row 0;").alias(MARK),
    ).head(1)  # fmt: skip
    before = len(oracle.applications(crm))
    results = push(crossed, client, via=via)
    assert results["mb_status"].to_list() == ["rejected"]
    assert results["mb_http_status"].to_list() == [409]
    assert requests(crm, SINGLE).filter(pl.col("status") == 409).height == 1
    assert len(oracle.applications(crm)) == before


@pytest.mark.slow
@by_both
def test_503_with_retry_after_is_waited_out_without_doubt(crm, client, contacts, via):
    aim(crm, via, "status", status=503, retry_after="0.1", times=2)
    results = push(contacts, client, via=via)
    assert statuses(results) == {}
    assert len(oracle.applications(crm)) == contacts.height - 1
    assert_kept(crm, contacts, results)
    assert_struck(crm)


UNCLEAR: dict[str, tuple[str, dict[str, Any]]] = {
    "408": ("status", {"status": 408}),
    "500": ("status", {"status": 500}),
    "502": ("status", {"status": 502}),
    "504": ("status", {"status": 504}),
    "503 without Retry-After": ("status", {"status": 503}),
    "a connection cut": ("reset", {}),
    "a truncated answer": ("truncate", {}),
    "an empty answer": ("empty", {}),
    "a non-JSON answer": ("html", {}),
    "a late answer": ("silence", {}),
}


@pytest.mark.slow
@by_both
@pytest.mark.parametrize("what", UNCLEAR)
def test_unclear_answer_is_doubt_though_nothing_was_applied(crm, contacts, via, what):
    """Rows with an identifier are sent again; rows without are held and listed."""
    kind, settings = UNCLEAR[what]
    aim(crm, via, kind, phase="before_commit", **settings)
    is_late = kind == "silence"
    with crm.client(**how_long(is_late)) as client:
        results = push(contacts, client, via=via)
    assert_doubt(contacts, results, via, is_late=is_late)
    assert results.filter(pl.col("mb_row").is_in(BEHIND_TWIN))["mb_code"].to_list() == ["held"]
    assert_kept(crm, contacts, results)
    assert_struck(crm)


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["before_commit", "after_commit"])
@by_both
def test_2xx_that_is_no_success_is_rejected(crm, client, contacts, via, phase):
    for row in (SAFE, TWIN):
        crm.fail("not_success", phase=phase, match=mark(row), times=None)
    results = push(contacts, client, via=via)
    told = statuses(results)
    assert {row: told.get(row) for row in (SAFE, TWIN)} == {SAFE: "rejected", TWIN: "rejected"}
    assert set(told.values()) == {"rejected"}
    assert_kept(crm, contacts, results, lies=phase == "after_commit")
    assert_struck(crm)


def test_2xx_without_an_id_is_stored_and_the_id_is_lost(crm, client, contacts):
    aim(crm, "single", "other_shape", status=202, body='{"status":"Success","message":"Stored.","data":{}}')
    results = push(contacts, client, via="single")
    assert statuses(results) == {}
    struck = results.filter(pl.col("mb_row").is_in([SAFE, BEARS_ID, TWIN]))
    assert struck["mb_code"].to_list() == ["id_missing"] * 3
    assert len(oracle.applications(crm)) == contacts.height - 1
    assert_kept(crm, contacts, results)
    assert_struck(crm)


def test_2xx_without_a_batch_id_is_doubt(crm, client, contacts):
    crm.fail("other_shape", path=BATCH, status=202, body='{"status":"Success","message":"Queued.","data":{}}')
    results = push(contacts, client, via="batch")
    assert statuses(results) == after_doubt("batch")
    assert_kept(crm, contacts, results)
    assert_struck(crm)


@by_each("body", ["[]", "{}", "null", '{"status": 7}'], batch=("{}",))
def test_2xx_that_can_not_be_read_is_sent_again_where_that_is_safe(crm, client, contacts, via, body):
    aim(crm, via, "other_shape", status=202, body=body)
    results = push(contacts, client, via=via)
    assert statuses(results) == after_doubt(via)
    assert_kept(crm, contacts, results)
    assert_struck(crm)


@by_each("status", ["301", "303", "308"], batch=("308",))
def test_redirect_to_another_host(crm, client, contacts, via, status):
    """It would be handed the token and the contacts."""
    with Sandbox(token=crm.token) as other:
        crm.fail("redirect", status=int(status), location=f"{other.base_url}{SINGLE}", times=None)
        results = push(contacts, client, via=via)
        assert other.requests().is_empty()
    assert set(statuses(results).values()) == {"not_sent"}
    assert "wrong_address" in results["mb_code"].to_list()
    assert_kept(crm, contacts, results)
    assert_struck(crm)


# The list of faults


@pytest.mark.slow
@by_both
@pytest.mark.parametrize("how", ["refused connections", "connections cut and refused"])
def test_connection_refused_for_a_while(crm, contacts, via, how):
    """30 seconds. The run waits, and goes on; what was on its way when the connections were cut is in doubt."""
    heard = []
    slowly(crm)

    def be_away() -> None:
        with crm.outage():
            time.sleep(30 if IS_FULL else 0.6)
            until = time.monotonic() + 60
            while not any(heard) and time.monotonic() < until:
                time.sleep(0.02)

    concurrency = 1 if how == "refused connections" else 6
    with crm.client(timeout_seconds=TIMEOUT_SECONDS, attempts=3) as client, meanwhile(crm, be_away, after=2):
        results = push(
            contacts, client, via=via, batch_size=2, max_concurrency=concurrency,
            progress=lambda progress: heard.append(progress.reason and "can't be reached" in progress.reason),
        )  # fmt: skip
    assert any(heard), "the outage was never met"
    assert set(statuses(results).values()) <= {"unknown", "not_sent"}
    assert set(statuses(results)) <= oracle.may_be_left(contacts)
    assert_kept(crm, contacts, results)


EARLY_AND_LATE = ("before_body", "during_body", "before_commit", "after_commit")


@by_both
@pytest.mark.parametrize("phase", EARLY_AND_LATE)
def test_reset(crm, client, contacts, via, phase):
    """Before, during and after the body was read: to the client it is one doubt."""
    if via == "batch":
        crm.fail("reset", phase=phase, path=BATCH)
    else:
        crm.fail("reset", phase=phase, after=SAFE)
        crm.fail("reset", phase=phase, after=TWIN)  # the request that the first one struck, it doesn't see
    results = push(contacts, client, via=via, max_concurrency=1)
    assert statuses(results) == after_doubt(via)
    assert_kept(crm, contacts, results)
    assert_struck(crm)


COMMITTED: dict[str, tuple[str, dict[str, Any]]] = {
    "reset": ("reset", {}),
    "silence": ("silence", {}),
    "500": ("status", {"status": 500}),
    "truncated JSON with its length": ("truncate", {}),
    "truncated JSON in chunks": ("truncate", {"chunked": True}),
    "truncated JSON without a length": ("other_shape", {"status": 202, "body": '{"status":"Success","data":{"conta'}),
    "bad gzip": ("bad_gzip", {}),
    "HTML": ("html", {}),
    "empty": ("empty", {}),
    "204": ("empty", {"status": 204}),
    "dripping bytes": ("drip", {"seconds": 0.05}),
}


@pytest.mark.slow
@by_each("what", COMMITTED, batch=("reset", "silence", "truncated JSON in chunks", "204"))
def test_committed_and_then(crm, contacts, via, what):
    """It was applied, and nobody is told so: nothing is lost, and nothing without an identifier is applied twice."""
    kind, settings = COMMITTED[what]
    aim(crm, via, kind, phase="after_commit", **settings)
    is_late = kind in ("silence", "drip")
    with crm.client(**how_long(is_late)) as client:
        results = push(contacts, client, via=via)
    assert_doubt(contacts, results, via, is_late=is_late)
    assert is_late or len(oracle.applications(crm)) > contacts.height - 4
    assert_kept(crm, contacts, results)
    assert_struck(crm)


@pytest.mark.slow
def test_bytes_that_drip_and_come_in_time_are_an_answer(crm, client, contacts):
    aim(crm, "single", "drip", seconds=0.001)
    assert statuses(push(contacts, client, via="single")) == {}
    assert len(oracle.applications(crm)) == contacts.height - 1
    assert_struck(crm)


def in_seconds(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


RETRY_AFTER: dict[str, Callable[[], str | None]] = {
    "seconds": lambda: "1",
    "a part of a second": lambda: "0.2",
    "nothing to wait": lambda: "0",
    "a date": lambda: in_seconds(1),
    "a date gone by": lambda: in_seconds(-3600),
    "below zero": lambda: "-5",
    "words": lambda: "soon",
    "no number": lambda: "nan",
    "blank": lambda: "",
    "none": lambda: None,
}


@pytest.mark.slow
@by_each("form", RETRY_AFTER, batch=("a part of a second", "none"))
def test_storm_of_429(crm, client, contacts, via, form):
    """A 429 is no doubt: every row is stored, and once."""
    crm.fail("status", status=429, times=4, after=1, every=2, retry_after=RETRY_AFTER[form]())
    results = push(contacts, client, via=via, batch_size=2, max_concurrency=3)
    assert statuses(results) == {}
    assert len(oracle.applications(crm)) == contacts.height - 1
    assert crm.faults()["committed"].to_list() == [4]
    assert_kept(crm, contacts, results)


@pytest.mark.slow
@by_each("form", ["999999999", "Fri, 31 Dec 2399 23:59:59 GMT"], batch=("999999999",))
def test_a_429_pauses_the_whole_run(crm, client, contacts, via, form):
    """For as long as is believed, which is a quarter of an hour. Nobody knocks meanwhile."""
    crm.fail("status", status=429, times=None, retry_after=form)
    before, stop, pauses = crm.requests().height, threading.Event(), []

    def hear(progress) -> None:
        pauses.append(progress.pause_seconds)
        if len([pause for pause in pauses if pause > 0]) >= 3:
            stop.set()

    results = push(contacts, client, via=via, batch_size=2, max_concurrency=3, progress=hear, stop=stop)
    assert 0 < max(pauses) <= 901
    assert crm.requests().height - before <= 3
    assert set(statuses(results).values()) == {"not_sent"}
    assert_kept(crm, contacts, results)
    assert_struck(crm)


@pytest.mark.slow
@by_both
def test_429_although_applied(crm, client, contacts, via):
    """The CRM lies, and it can't be found out: rows are applied again. None is lost, and the later row still wins."""
    aim(crm, via, "status", status=429, phase="after_commit", retry_after="0.1")
    results = push(contacts, client, via=via)
    assert statuses(results) == {}
    assert len(oracle.applications(crm)) > contacts.height - 1
    assert_kept(crm, contacts, results, lies=True)
    assert_struck(crm)


@pytest.mark.slow
@by_both
@pytest.mark.parametrize("phase", ["before_commit", "after_commit"])
def test_5xx_flapping(crm, contacts, via, phase):
    for turn, status in enumerate((500, 503, 502)):
        crm.fail("status", status=status, phase=phase, after=turn, every=3, times=3)
    with crm.client(timeout_seconds=TIMEOUT_SECONDS, attempts=12) as client:
        results = push(contacts, client, via=via, batch_size=3, max_concurrency=3)
    assert set(statuses(results)) <= oracle.may_be_left(contacts)
    assert set(statuses(results).values()) <= {"unknown", "not_sent"}
    assert_kept(crm, contacts, results)
    assert_struck(crm)


@pytest.mark.slow
@by_each("status", ["500", "502", "503"], batch=("502",))
def test_outage_of_a_minute(crm, contacts, via, status):
    """The CRM answers, but is out of order; that uses up nobody's attempts, and the run goes on when it is over."""
    many = pl.concat([contacts, more_people(30)])
    crm.fail("status", status=int(status), times=None if IS_FULL else 12)
    over = threading.Timer(60, crm.clear_faults)
    if IS_FULL:
        over.start()
    with crm.client(timeout_seconds=TIMEOUT_SECONDS, attempts=2) as client:
        results = push(many, client, via=via, batch_size=4, max_concurrency=6)
    over.cancel()
    told = statuses(results)
    assert len(told) < 12
    assert set(told.values()) <= {"unknown", "not_sent"}
    assert_kept(crm, many, results)
    if not IS_FULL:
        assert crm.faults()["committed"].to_list() == [12]


def more_people(count: int, begin: int = INVALID + 1) -> pl.DataFrame:
    """Rows with an e-mail of their own, to go on behind the table."""
    rows = range(begin, begin + count)
    return pl.DataFrame(
        {
            "contact_id": pl.Series([None] * count, dtype=pl.Int64),
            "mobile_country_code": pl.Series([None] * count, dtype=pl.Int32),
            "mobile_number": pl.Series([None] * count, dtype=pl.Int64),
            "email": [f"more{row}@example.com" for row in rows],
            MARK: [mark(row) for row in rows],
        }
    )


@pytest.mark.slow
@by_both
@pytest.mark.parametrize("how", ["refused", "503 with Retry-After", "500"])
def test_outage_beyond_patience(crm, contacts, via, how):
    """It ends the run; what was not sent is not lost."""
    slowly(crm, seconds=0.1)
    with ExitStack() as stack:
        client = stack.enter_context(crm.client(timeout_seconds=TIMEOUT_SECONDS, outage_seconds=0.5))
        if how == "refused":
            stack.enter_context(meanwhile(crm, crm.go_offline, after=2))
            stack.callback(crm.go_online)
        else:
            settings = {"status": 503, "retry_after": "0.1"} if how.startswith("503") else {"status": 500}
            crm.clear_faults()
            crm.fail("status", after=1, times=None, **settings)
        results = push(contacts, client, via=via, batch_size=1, max_concurrency=6)
    told = statuses(results)
    assert "not_sent" in told.values()
    assert set(told.values()) <= {"unknown", "not_sent", "accepted"}
    assert "outage" in results.filter(pl.col("mb_status") == "not_sent")["mb_code"].to_list()
    if how != "refused":
        assert_struck(crm)
    assert_kept(crm, contacts, results)


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"status": 503, "retry_after": "0.1"}, {"status": 502}], ids=["503", "502"])
def test_one_probe_at_a_time(crm, contacts, settings):
    """While a probe finds out whether the outage is over, nobody else knocks."""
    many = pl.concat([contacts, more_people(10)])
    before, workers = crm.requests().height, 6
    crm.fail("status", times=workers, **settings)
    crm.fail("delay", seconds=0.4, times=None)
    with crm.client(timeout_seconds=TIMEOUT_SECONDS) as client:
        results = push(many, client, via="single", max_concurrency=workers)
    received = crm.requests().slice(before)
    probe = received.row(workers, named=True)
    assert probe["fault"].startswith("delay")
    answered = probe["at"] + timedelta(milliseconds=probe["duration_ms"])
    assert received.slice(workers + 1).filter(pl.col("at") < answered).is_empty()
    assert_kept(crm, many, results)
    assert_struck(crm)


@pytest.mark.slow
@by_both
def test_token_expired_mid_run(crm, contacts, via):
    """One refresh for all of the requests that meet it."""
    slowly(crm)
    with log_in(crm) as client, meanwhile(crm, crm.expire_tokens, after=4):
        results = push(contacts, client, via=via, batch_size=1, max_concurrency=4)
    assert statuses(results) == {}
    assert requests(crm, "/token").height == 2
    assert (crm.requests()["status"] == 401).any()
    assert len(oracle.applications(crm)) == contacts.height - 1
    assert_kept(crm, contacts, results)


@by_both
def test_token_revoked(crm, client, contacts, via):
    slowly(crm)
    before = crm.requests().height
    with meanwhile(crm, crm.revoke, after=4):
        results = push(contacts, client, via=via, batch_size=1, max_concurrency=2)
    told = statuses(results)
    assert "not_sent" in told.values()
    assert set(told.values()) <= {"not_sent", "accepted"}
    refused = crm.requests().slice(before).filter(pl.col("status") == 401).height
    assert 1 <= refused <= 2 + (8 if via == "batch" else 0)
    assert_kept(crm, contacts, results)


@pytest.mark.slow
@by_both
def test_token_operation_slow(crm, contacts, via):
    crm.fail("delay", path="/token", seconds=0.4)
    with log_in(crm) as client:
        results = push(contacts, client, via=via, batch_size=1, max_concurrency=4)
    assert statuses(results) == {}
    assert requests(crm, "/token").height == 1
    assert_kept(crm, contacts, results)
    assert_struck(crm)


TOKEN_FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "500": ("status", {"status": 500}),
    "503": ("status", {"status": 503, "retry_after": "0.1"}),
    "429": ("status", {"status": 429, "retry_after": "0.1"}),
    "reset": ("reset", {}),
    "HTML": ("html", {}),
    "truncated": ("truncate", {}),
    "empty": ("empty", {}),
}


@pytest.mark.slow
@by_each("what", TOKEN_FAULTS, batch=("500",))
@pytest.mark.parametrize("when", ["at first", "mid-run"])
def test_token_operation_broken(crm, contacts, via, when, what):
    """Nothing of a contact was sent yet: no doubt. Once it works, everything goes on."""
    kind, settings = TOKEN_FAULTS[what]
    crm.fail(kind, path="/token", after=0 if when == "at first" else 1, times=2, **settings)
    if when == "mid-run":
        slowly(crm)
    with log_in(crm, attempts=8) as client, ExitStack() as stack:
        if when == "mid-run":
            stack.enter_context(meanwhile(crm, crm.expire_tokens, after=4))
        results = push(contacts, client, via=via, batch_size=4, max_concurrency=2)
    assert statuses(results) == {}
    assert len(oracle.applications(crm)) == contacts.height - 1
    assert_kept(crm, contacts, results)
    assert_struck(crm)


class Clock:
    """This machine's clock, which somebody sets. All of `time.time` goes by it, the CRM's limits too."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.offset = 0.0
        self.sets = 0
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + self.offset)

    def set(self, offset: float) -> None:
        self.offset = offset
        self.sets += 1


@pytest.mark.slow
@by_each("offset", ["a day", "an hour back", "seconds"], batch=("a day",))
def test_clock_set_forward_and_back(monkeypatch, tmp_path, via, offset):
    """The limits are kept, nothing waits for a day that won't come, and nothing is lost."""
    first = {"a day": 86_400.0, "an hour back": -3600.0, "seconds": 5.0}[offset]
    offsets, clock = (first, -first), Clock(monkeypatch)
    with Sandbox(limits=RequestLimits(requests=6, window_seconds=0.4, per_day=10_000)) as crm:
        contacts = table(crm)
        limits = Limits(requests=6, window_seconds=0.4, per_day=10_000, time_zone="UTC", state_dir=tmp_path)
        time.sleep(0.45)
        with ExitStack() as stack:
            client = stack.enter_context(crm.client(timeout_seconds=TIMEOUT_SECONDS))
            for turn, seconds in enumerate(offsets):
                stack.enter_context(meanwhile(crm, lambda seconds=seconds: clock.set(seconds), after=3 + 5 * turn))
            results = push(contacts, client, via=via, batch_size=1, limits=limits)
        assert clock.sets == len(offsets)
        assert statuses(results) == {}
        assert (crm.requests()["status"] == 429).sum() == 0
        assert_kept(crm, contacts, results)


@by_both
@pytest.mark.parametrize("whose", ["stated", "the CRM's"])
def test_daily_budget_used_up(monkeypatch, tmp_path, via, whose):
    """The run ends and says when to go on."""
    clock = Clock(monkeypatch)
    clock.set(12 * 3600 - time.time() % 86_400)  # noon: far from both midnights
    per_day = 9 if whose == "stated" else 10_000
    with Sandbox(limits=RequestLimits(requests=1000, per_day=10_000 if whose == "stated" else 12)) as crm:
        contacts = table(crm)
        limits = Limits(requests=1000, per_day=per_day, time_zone="UTC", state_dir=tmp_path)
        with crm.client(timeout_seconds=TIMEOUT_SECONDS) as client:
            results = push(contacts, client, via=via, batch_size=1, max_concurrency=2, limits=limits)
        told = statuses(results)
        assert "not_sent" in told.values()
        assert set(told.values()) <= {"not_sent", "accepted"}
        assert {"limit_reached", "rate_limited"} & set(results["mb_code"])
        assert (crm.requests()["status"] == 429).any() == (whose != "stated")
        assert_kept(crm, contacts, results)


@pytest.fixture
def pusher(crm, contacts, tmp_path):
    """Starts a process that pushes the table; none outlives the test."""
    started = []

    def start(via: str) -> subprocess.Popen:
        contacts.write_parquet(tmp_path / "contacts.parquet")
        path = os.pathsep.join(path for path in sys.path if path)
        process = subprocess.Popen(
            [
                sys.executable,
                "-W",
                "ignore",
                PUSHER,
                crm.base_url,
                tmp_path / "contacts.parquet",
                tmp_path / "runs",
                via,
            ],
            env={**os.environ, "MBTOOLKIT_TOKEN": crm.token, "PYTHONPATH": path},
            stderr=subprocess.PIPE,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


SIGNALS = {
    "Ctrl-C": [signal.SIGINT],
    "Ctrl-C twice": [signal.SIGINT, signal.SIGINT],
    "SIGTERM": [signal.SIGTERM],
}


@pytest.mark.slow
@by_both
@pytest.mark.parametrize("what", SIGNALS)
def test_process_is_told_to_end(crm, contacts, pusher, tmp_path, via, what):
    """In the middle of it. What it leaves is gone on with by another process, and every row accounted for."""
    operation = SINGLE if via == "single" else BATCH
    crm.fail("silence", path=operation, after=3, seconds=60, times=1)
    slowly(crm, seconds=0.1)
    begin = requests(crm, operation).height
    process = pusher(via)
    until = time.monotonic() + 60
    while requests(crm, operation).height < begin + 5 and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    assert process.poll() is None, process.stderr.read()
    for number in SIGNALS[what]:
        process.send_signal(number)
        time.sleep(0.3)
    process.wait(60)
    assert process.returncode == (-signal.SIGTERM if what == "SIGTERM" else 0)
    assert_struck(crm)
    crm.clear_faults()
    run = Run.open(list_runs(tmp_path / "runs")["run_id"][0], tmp_path / "runs")
    left = run.results
    if what != "SIGTERM":
        returned = pl.read_parquet(tmp_path / "contacts.parquet.results")
        assert returned["mb_status"].to_list() == left["mb_status"].to_list()
        assert_kept(crm, contacts, returned)
    assert "not_sent" in left["mb_status"].to_list()
    assert_kept(crm, contacts, left)
    with crm.client(timeout_seconds=TIMEOUT_SECONDS) as client:
        results = run.resume(client, progress=False)
    assert set(statuses(results)) <= oracle.may_be_left(contacts)
    assert_kept(crm, contacts, results)


IN_KERNEL = """
import os
import polars as pl
from mbtoolkit import Client, SendOptions, upsert_contacts
with Client({base_url!r}, os.environ["MBTOOLKIT_TOKEN"]) as client:
    upsert_contacts(
        pl.read_parquet({source!r}), client, progress=False,
        options=SendOptions(via={via!r}, batch_size=2, max_concurrency=2, run_dir={runs!r}),
    )
"""


@pytest.mark.slow
@by_both
def test_kernel_restart(crm, contacts, tmp_path, via):
    """The notebook's process is killed under the run; the next one goes on."""
    contacts.write_parquet(tmp_path / "contacts.parquet")
    crm.fail("silence", path=SINGLE if via == "single" else BATCH, after=3, seconds=60, times=1)
    slowly(crm, seconds=0.1)
    begin, runs = crm.requests().height, tmp_path / "runs"
    path = os.pathsep.join(path for path in sys.path if path)
    kernel = KernelManager(kernel_name="python3")
    kernel.start_kernel(env={**os.environ, "MBTOOLKIT_TOKEN": crm.token, "PYTHONPATH": path}, cwd=str(tmp_path))
    client = kernel.blocking_client()
    try:
        client.start_channels()
        client.wait_for_ready(60)
        source = str(tmp_path / "contacts.parquet")
        client.execute(IN_KERNEL.format(base_url=crm.base_url, source=source, via=via, runs=str(runs)))
        until = time.monotonic() + 60
        while crm.requests().height < begin + 5 and time.monotonic() < until:
            time.sleep(0.01)
        kernel.restart_kernel(now=True)
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)
        kernel.cleanup_resources()
    assert_struck(crm)
    crm.clear_faults()
    run = Run.open(list_runs(runs)["run_id"][0], runs)
    assert run.status.state == "died"
    assert_kept(crm, contacts, run.results)
    with crm.client(timeout_seconds=TIMEOUT_SECONDS) as client:
        results = run.resume(client, progress=False)
    assert set(statuses(results)) <= oracle.may_be_left(contacts)
    assert_kept(crm, contacts, results)


@pytest.mark.slow
@by_both
def test_source_changed(crm, client, contacts, tmp_path, via):
    """What is sent is what was planned; a frame that is another is refused before anything is sent."""
    crm.fail("status", status=401, after=3)
    first = push(contacts, client, via=via, batch_size=1, max_concurrency=1, run_dir=tmp_path)
    assert "not_sent" in statuses(first).values()
    assert_struck(crm)
    run = Run.open(first["mb_run_id"][0], tmp_path)
    changed = contacts.with_columns(pl.lit("changed").alias(MARK))
    before = crm.requests().height
    with pytest.raises(FrameError, match="not the frame"):
        run.resume(client, contacts=changed, progress=False)
    assert crm.requests().height == before
    results = run.resume(client, progress=False)
    assert statuses(results) == {}
    assert "changed" not in crm.contacts()[MARK].to_list()
    assert_kept(crm, contacts, results)


@pytest.mark.slow
def test_answers_out_of_order(crm, client, contacts):
    """Each row has its own contact's id, whoever is answered first."""
    for row in (0, SAFE, BEARS_ID, TWIN):
        crm.fail("delay", match=mark(row), seconds=0.4 - 0.06 * row)
    results = push(contacts, client, via="single", max_concurrency=16)
    assert statuses(results) == {}
    assert results.drop_nulls("mb_contact_id").height == contacts.height - 1
    assert_kept(crm, contacts, results)
    assert_struck(crm)


@pytest.mark.slow
def test_batches_out_of_order():
    """Worked on in any order, several at once; rows of one contact still in theirs."""
    with Sandbox(behaviour=Behaviour(batch_order="shuffled"), batch_delay_seconds=0.3) as crm:
        contacts = table(crm)
        with crm.client(timeout_seconds=TIMEOUT_SECONDS) as client:
            results = push(contacts, client, via="batch", batch_size=2)
        assert statuses(results) == {}
        ended = crm.batches()["ended_at"].to_list()
        assert ended != sorted(ended), "they came in order: the fault was not committed"
        assert len(oracle.applications(crm)) == contacts.height - 1
        assert_kept(crm, contacts, results)


@pytest.mark.slow
@pytest.mark.parametrize("applied", [0, 3])
def test_batch_that_never_ends(crm, client, contacts, applied):
    """Its rows are `accepted`, also where some of them were applied; those behind them are held back."""
    crm.fail("batch_stuck", path=BATCH, contacts=applied)
    results = push(contacts, client, via="batch", settle_seconds=0.5)
    told = statuses(results)
    assert set(told.values()) == {"accepted", "not_sent"}
    assert {row for row, status in told.items() if status == "not_sent"} == {*BEHIND_TWIN, *BEHIND_CHAIN, *BEHIND_SAFE}
    assert len(oracle.applications(crm)) == applied
    assert_kept(crm, contacts, results)
    assert_struck(crm)


SENSELESS: dict[str, tuple[str, dict[str, Any]]] = {
    "goes backwards": ("batch_backwards", {"times": 3}),
    "another batch's": ("batch_other_id", {"times": 2}),
    "names an unknown contact": ("batch_foreign_ids", {"times": None}),
    "unknown batch at first": ("status", {"status": 422, "times": 2}),
    "unknown batch": ("status", {"status": 404, "times": 2}),
    "500": ("status", {"status": 500, "times": 2}),
    "reset": ("reset", {"times": 2}),
    "truncated": ("truncate", {"times": 2}),
    "HTML": ("html", {"times": 2}),
    "empty": ("empty", {"times": 2}),
    "429": ("status", {"status": 429, "retry_after": "0.1", "times": 2}),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", SENSELESS)
def test_batch_status_makes_no_sense(crm, client, contacts, what):
    """A question changes nothing: it is asked again, and no row is in doubt for it that the counts can settle."""
    kind, settings = SENSELESS[what]
    crm.fail(kind, path=STATUS, **settings)
    results = push(contacts, client, via="batch")
    assert set(statuses(results)) <= oracle.may_be_left(contacts)
    if what != "names an unknown contact":
        assert statuses(results) == {}
        assert len(oracle.applications(crm)) == contacts.height - 1
    assert_kept(crm, contacts, results)
    assert_struck(crm)


@pytest.mark.parametrize("kind", ["batch_partial", "batch_failed"])
@pytest.mark.parametrize("applied", [0, 3])
def test_partial_batch(crm, client, contacts, kind, applied):
    """It ends without a word of the others. Rows of their own go once more, the rest is in doubt."""
    crm.fail(kind, contacts=applied)
    results = push(contacts, client, via="batch")
    assert statuses(results) == after_doubt("batch")
    assert_kept(crm, contacts, results)
    assert_struck(crm)


@pytest.mark.slow
def test_skipped_rows_are_found_one_by_one():
    """The batch tells how many; which ones, the single operation does."""
    with Sandbox(behaviour=Behaviour(broken_item="skipped")) as crm:
        contacts = table(crm).with_columns(
            pl.when(pl.int_range(pl.len()).is_in([SAFE, BEARS_ID])).then(pl.lit(NO_LIST)).alias("list_id")
        )
        with crm.client(timeout_seconds=TIMEOUT_SECONDS) as client:
            results = push(contacts, client, via="batch")
        assert not crm.skipped().is_empty()
        told = statuses(results)
        assert {told.pop(SAFE), told.pop(BEARS_ID)} == {"rejected"}
        assert set(told) <= oracle.may_be_left(contacts)
        assert_kept(crm, contacts, results)


def test_more_refusals_than_skips_are_doubt():
    """Two are refused one by one, and the batch skipped one: the other is stored, and nobody can tell which it is."""
    with Sandbox(behaviour=Behaviour(broken_item="skipped")) as crm:
        contacts = more_people(12, 0).with_columns(
            pl.when(pl.int_range(pl.len()) == SAFE).then(pl.lit(NO_LIST)).alias("list_id")
        )
        crm.fail("status", status=422, match=mark(4), path=SINGLE)
        with crm.client(timeout_seconds=TIMEOUT_SECONDS) as client:
            results = push(contacts, client, via="batch")
        assert results.filter(pl.col("mb_status") == "unknown")["mb_row"].to_list() == [SAFE, 4]
        assert_kept(crm, contacts, results)
        assert_struck(crm)


@pytest.mark.slow
def test_poison_row_in_a_batch_of_1000(crm, client):
    poison = 617
    contacts = more_people(1000, 0).with_columns(
        pl.when(pl.int_range(pl.len()) == poison).then(pl.lit(NO_LIST)).alias("list_id")
    )
    results = push(contacts, client, via="batch", batch_size=1000)
    assert results.filter(pl.col("mb_status") != "succeeded").select("mb_row", "mb_status").rows() == [
        (poison, "rejected")
    ]
    assert "listId" in results["mb_message"][poison]
    assert (requests(crm, BATCH)["status"] == 422).sum() > 1
    assert requests(crm, SINGLE).height == 1
    assert len(oracle.applications(crm)) == 999
    assert_kept(crm, contacts, results)


@pytest.mark.slow
@pytest.mark.parametrize("order", ["arrival", "shuffled"])
@pytest.mark.parametrize("same", ["last_wins", "second_skipped"])
def test_same_contact_twice_and_batches_late(same, order):
    """Of one contact no two rows are in the CRM's hands at once, so the later row wins, however late the earlier."""
    with Sandbox(behaviour=Behaviour(same_contact_twice=same, batch_order=order)) as crm:
        contacts = table(crm)
        crm.fail("batch_late", seconds=0.6, times=2)
        with crm.client(timeout_seconds=TIMEOUT_SECONDS) as client:
            results = push(contacts, client, via="batch", batch_size=4)
        assert statuses(results) == {}
        assert len(oracle.applications(crm)) == contacts.height - 1
        assert_kept(crm, contacts, results)
        assert_struck(crm)


@pytest.mark.slow
def test_request_that_is_applied_long_after_its_timeout(crm, contacts):
    """The row is sent again and stored; the row behind it waits, or the first request would overwrite it."""
    for row in (10, 12):
        crm.fail("delay", match=mark(row), seconds=SHORT_SECONDS + 0.5)
    with crm.client(**how_long(True)) as client:
        results = push(contacts, client, via="single")
    while crm.requests()["duration_ms"].null_count():  # until the last one is applied
        time.sleep(0.01)
    assert set(statuses(results)) <= oracle.may_be_left(contacts)
    assert_kept(crm, contacts, results)
    assert_struck(crm)


OVERSIZED: dict[str, tuple[str, int]] = {
    "megabyte headers": ("big_header", 1024**2),
    "gzip bomb": ("gzip_bomb", 1024**3 if IS_FULL else 64 * 1024**2),
    "gigabyte body": ("big_body", 1024**3),
}


@pytest.mark.slow
@by_each("what", OVERSIZED, batch=("gigabyte body",))
def test_oversized_answer(crm, client, contacts, via, what):
    """It is never held in memory; it is doubt, as any answer that can't be read."""
    kind, size = OVERSIZED[what]
    aim(crm, via, kind, size=size)
    results = push(contacts, client, via=via)
    assert statuses(results) == after_doubt(via)
    assert_kept(crm, contacts, results)
    assert_struck(crm)


@pytest.mark.slow
@by_both
def test_idle_connection_closed(crm, client, contacts, via):
    """The server closes every connection after its answer, though it said that it would stay open."""
    crm.fail("hang_up", times=None)
    results = push(contacts, client, via=via, batch_size=1, max_concurrency=2)
    assert set(statuses(results)) <= oracle.may_be_left(contacts)
    assert_kept(crm, contacts, results)
    assert_struck(crm)


def test_every_test_of_the_list_is_there():
    elsewhere = re.findall(r"([\w/]+/test_\w+\.py)::(test_\w+)", __doc__)
    here = set(re.findall(r"(?<![/:\w])test_\w+", __doc__))
    assert len(here) > 20
    assert sorted(here - globals().keys()) == []
    assert len(elsewhere) == 8
    folder = Path(__file__).parents[1]
    assert [name for file, name in elsewhere if f"def {name}(" not in (folder / file).read_text(encoding="utf-8")] == []
