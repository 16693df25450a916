"""The clients against the sandbox, on a real socket, with and without faults."""

from __future__ import annotations

import asyncio
import threading
import time

import polars as pl
import pytest

from mbtoolkit import errors, upsert_contact, upsert_contact_async
from mbtoolkit.client import AsyncClient, Client
from mbtoolkit.client.connections import MAX_ANSWER_BYTES
from mbtoolkit.sandbox import Behaviour, Sandbox
from tests.client.wire import answer, body, serving

NO_LIST = "00000000-0000-4000-8000-00000000dead"
ANN = {"email": "ann@example.com", "property:City": "Oslo"}


def test_one_contact_is_created_and_then_updated(crm, client):
    first = upsert_contact(ANN | {"email_opt_in": True}, client)
    again = upsert_contact({"contact_id": first.contact_id, "property:City": "Bergen"}, client)
    assert (first.kind, first.http_status, first.attempts) == ("stored", 202, 1)
    assert again.contact_id == first.contact_id
    stored = crm.contacts().row(0, named=True)
    assert (stored["email"], stored["email_opt_in"], stored["property:City"]) == ("ann@example.com", True, "Bergen")


@pytest.mark.slow
def test_the_async_client_does_the_same(crm):
    async def work():
        async with AsyncClient(crm.base_url, crm.token) as client:
            outcomes = await asyncio.gather(
                *(upsert_contact_async({"email": f"p{n}@example.com"}, client) for n in range(20))
            )
            return {outcome.contact_id for outcome in outcomes}

    assert asyncio.run(work()) == set(crm.contacts()["contact_id"])
    assert crm.contacts().height == 20


def test_the_client_works_where_a_loop_is_running_already(crm, client):
    async def cell():
        return upsert_contact(ANN, client)

    assert asyncio.run(cell()).kind == "stored"


@pytest.mark.slow
def test_the_client_works_from_many_threads(crm, client):
    threads = [threading.Thread(target=upsert_contact, args=({"email": f"t{n}@example.com"}, client)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert crm.contacts().height == 8


def test_the_clients_list_is_used_where_the_contact_names_none(crm):
    with crm.client(list_id=crm.list_id) as client:
        upsert_contact(ANN, client)
    assert crm.contacts()["list_id"].item() == crm.list_id


def test_the_request_says_who_asks_and_is_not_logged(crm, client):
    upsert_contact(ANN, client)
    assert crm.requests().select("method", "path").row(0) == ("POST", "/contacts/insertupdate")
    assert crm.token not in str(crm.requests().to_dicts())


def test_a_wrong_token_is_an_error_of_its_own(crm):
    with Client(crm.base_url, "wrong") as client, pytest.raises(errors.UnauthorizedError):
        upsert_contact(ANN, client)


def test_an_unknown_list_is_refused_with_the_crms_words(client):
    with pytest.raises(errors.UnprocessableError, match="listId"):
        upsert_contact(ANN, client, list_id=NO_LIST)


def test_identifiers_of_two_contacts_are_a_conflict(client):
    upsert_contact(ANN, client)
    upsert_contact({"mobile_country_code": 44, "mobile_number": 7700900123}, client)
    with pytest.raises(errors.ConflictError):
        upsert_contact(ANN | {"mobile_country_code": 44, "mobile_number": 7700900123}, client)


def test_a_refusal_inside_a_2xx_is_an_error():
    behaviour = Behaviour(refusals="inside_202", unknown_list="refused")
    with (
        Sandbox(behaviour=behaviour) as crm,
        crm.client() as client,
        pytest.raises(errors.RefusedError, match="listId"),
    ):
        upsert_contact(ANN, client, list_id=NO_LIST)


def test_a_closed_client_says_so(client):
    client.close()
    with pytest.raises(errors.SettingsError, match="closed"):
        upsert_contact(ANN, client)


def test_nobody_listening_is_not_sent(crm):
    with crm.client(attempts=2) as client, crm.outage(), pytest.raises(errors.NotSentError):
        upsert_contact(ANN, client)
    assert crm.requests().is_empty()


def test_an_outage_that_ends_is_survived(crm):
    crm.go_offline()
    threading.Timer(0.3, crm.go_online).start()
    with crm.client(attempts=12) as patient:
        assert upsert_contact(ANN, patient).kind == "stored"


def test_an_idle_connection_closed_by_the_server_is_survived(crm, client):
    crm.fail("hang_up", times=1)
    assert upsert_contact(ANN, client).kind == "stored"
    time.sleep(0.05)
    assert upsert_contact(ANN, client).kind == "stored"


IN_DOUBT = [
    ("reset before commit", "reset", {"phase": "before_commit"}),
    ("reset before the body was read", "reset", {"phase": "before_body"}),
    ("reset in the middle of the body", "reset", {"phase": "during_body"}),
    ("reset after commit", "reset", {"phase": "after_commit"}),
    ("500 before commit", "status", {"phase": "before_commit"}),
    ("500 after commit", "status", {"phase": "after_commit"}),
    ("502", "status", {"status": 502}),
    ("504", "status", {"status": 504}),
    ("503 without Retry-After", "status", {"status": 503}),
    ("408", "status", {"status": 408}),
    ("truncated with length", "truncate", {}),
    ("truncated in chunks", "truncate", {"chunked": True}),
    ("empty 2xx", "empty", {}),
    ("204", "empty", {"status": 204}),
    ("html", "html", {}),
    ("bad gzip", "bad_gzip", {}),
    ("gzip bomb", "gzip_bomb", {}),
    ("a body of 16 MiB", "big_body", {}),
    ("a header of 1 MiB", "big_header", {}),
    ("another shape", "other_shape", {}),
    ("silence", "silence", {"seconds": 20.0}),
    ("silence after commit", "silence", {"seconds": 20.0, "phase": "after_commit"}),
    ("dripping bytes", "drip", {"seconds": 0.2}),
]


LATE = ("silence", "drip")
"""What only a short patience ends. On a busy machine it may end other answers too."""


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "options"), [case[1:] for case in IN_DOUBT], ids=[case[0] for case in IN_DOUBT])
def test_doubt_is_sent_again_and_ends_in_one_contact(crm, kind, options):
    crm.fail(kind, times=1, **options)
    with crm.client(timeout_seconds=1.0 if kind in LATE else 60.0, attempts=12) as client:
        outcome = upsert_contact(ANN, client)
    assert crm.faults()["committed"].to_list() == [1], "the fault was not committed"
    assert outcome.kind == "stored"
    assert outcome.attempts == 2 or (kind in LATE and outcome.attempts > 2)
    assert crm.contacts()["contact_id"].to_list() == [outcome.contact_id]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "options"), [case[1:] for case in IN_DOUBT], ids=[case[0] for case in IN_DOUBT])
def test_doubt_that_does_not_clear_is_never_a_success(crm, kind, options):
    crm.fail(kind, times=None, **options)
    seconds = 1.0 if kind in LATE else 60.0
    with crm.client(timeout_seconds=seconds, attempts=1) as client, pytest.raises(errors.OutcomeUnknownError):
        upsert_contact(ANN, client)
    assert crm.faults()["committed"].item() >= 1


def test_a_body_that_names_nobody_is_sent_once(crm, client):
    crm.fail("status", phase="after_commit")
    outcome = client.send(b'{"mobileOptIn":false}', resend_is_safe=False)
    assert (outcome.kind, outcome.attempts, crm.requests().height) == ("unknown", 1, 1)


@pytest.mark.slow
def test_one_deadline_holds_for_the_whole_answer(crm):
    crm.fail("drip", seconds=0.3)
    begun = time.monotonic()
    with (
        crm.client(timeout_seconds=1.0, attempts=1) as client,
        pytest.raises(errors.OutcomeUnknownError, match="1 sec"),
    ):
        upsert_contact(ANN, client)
    assert time.monotonic() - begun < 15  # the whole answer drips for longer


def test_a_redirect_is_not_followed_with_the_token(crm, client):
    with Sandbox() as elsewhere:
        crm.fail("redirect", location=f"{elsewhere.base_url}/contacts/insertupdate")
        with pytest.raises(errors.WrongAddressError, match="redirect"):
            upsert_contact(ANN, client)
        assert elsewhere.requests().is_empty()


@pytest.mark.slow
@pytest.mark.parametrize("retry_after", ["1", "0.2"], ids=["seconds", "a fraction"])
def test_a_429_is_waited_out(crm, retry_after):
    crm.fail("status", status=429, times=2, retry_after=retry_after)
    with crm.client() as client:
        outcome = upsert_contact(ANN, client)
    assert (outcome.kind, outcome.attempts) == ("stored", 3)


def test_a_401_does_not_send_again(crm, client):
    crm.fail("status", status=401)
    with pytest.raises(errors.UnauthorizedError):
        upsert_contact(ANN, client)
    assert crm.requests().height == 1


@pytest.mark.slow
def test_many_at_once_use_a_connection_each_and_lose_nothing(crm):
    async def work():
        async with AsyncClient(crm.base_url, crm.token) as client:
            return await asyncio.gather(
                *(upsert_contact_async({"email": f"m{n}@example.com"}, client) for n in range(100))
            )

    ids = [outcome.contact_id for outcome in asyncio.run(work())]
    assert sorted(ids) == crm.contacts()["contact_id"].to_list()
    assert crm.requests().select(pl.col("applied").all()).item()


def test_a_success_that_is_too_large_is_not_read_to_its_end():
    """All of it would be a success: what makes it doubt is its size alone."""
    padded = {"status": "Success", "message": "x" * MAX_ANSWER_BYTES, "data": {"contactId": "1"}}

    def script(line):
        while line.request() is not None:
            line.send(answer(padded))

    with serving(script) as wire, Client(wire.base_url, "token", attempts=1) as client:
        outcome = client.send(body(1))
    assert (outcome.kind, outcome.code) == ("unknown", "unreadable_answer")
    assert "too large" in outcome.message
