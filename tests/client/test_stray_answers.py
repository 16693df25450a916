"""Answers that belong to no request, or to an earlier one: none of them may become the answer of another contact.

The server writes byte for byte what the test says, and keeps the requests that it has read. So what the client says can
be held against what the server has seen: a contact that was stored by an answer of its own bears its own id.
"""

from __future__ import annotations

import asyncio
import logging
import threading

import httpx
import polars as pl
import pytest

from mbtoolkit import SendOptions, upsert_contacts
from mbtoolkit.client import AsyncClient, Client, Login, Settings
from tests.client.wire import LONGEST_SECONDS, answer, body, id_in, serving, stored

TRANSPORTS = {
    "the client's own": lambda: None,
    "the user's": httpx.AsyncHTTPTransport,
}
on_each = pytest.mark.parametrize("transport", TRANSPORTS.values(), ids=TRANSPORTS)

OWN = TRANSPORTS["the client's own"]
DONE = {"count": 0, "contactIds": []}


def client_of(wire, transport=None, **options):
    options = {"timeout_seconds": LONGEST_SECONDS, "attempts": 1, "transport": transport} | options
    return AsyncClient(wire.base_url, "token", **options)


def batch_taken_in(batch_id):
    return answer({"status": "Success", "message": "taken", "data": {"batchId": batch_id, "processed": "0"}})


def too_often(times):
    """Answers each request so many times, in one packet."""

    def script(line):
        while (request := line.request()) is not None:
            line.send(stored(id_in(request)) * times)

    return script


def asked(wire, transport, count, **options):
    """What becomes of contacts 1 to `count`, one after the other."""

    async def work():
        async with client_of(wire, transport(), **options) as client:
            return [await client.attempt(body(number)) for number in range(1, count + 1)]

    return asyncio.run(work())


def of_its_own(outcomes):
    return [(outcome.kind, outcome.contact_id) for outcome in outcomes] == [
        ("stored", number) for number in range(1, len(outcomes) + 1)
    ]


@on_each
@pytest.mark.parametrize("times", [2, 4])
def test_a_surplus_answer_is_not_the_next_contacts(transport, times):
    with serving(too_often(times)) as wire:
        outcomes = asked(wire, transport, 8)
    assert wire.ids == [*range(1, 9)]
    assert of_its_own(outcomes)


@pytest.mark.slow
@on_each
def test_no_row_of_a_run_is_stored_by_another_rows_answer(transport):
    contacts = pl.DataFrame({"contact_id": range(1, 9), "property:City": ["Oslo"] * 8})
    with (
        serving(too_often(4)) as wire,
        Client(wire.base_url, "token", timeout_seconds=LONGEST_SECONDS, transport=transport()) as client,
    ):
        results = upsert_contacts(contacts, client, options=SendOptions(max_concurrency=2), progress=False)
    assert results["mb_status"].to_list() == ["succeeded"] * 8
    assert results["mb_contact_id"].to_list() == [*range(1, 9)]
    assert sorted(wire.ids) == [*range(1, 9)]


@on_each
def test_half_a_surplus_answer_is_not_the_begin_of_the_next(transport):
    """Its other half comes when the next request has begun to arrive, and nothing of that one is read."""

    def script(line):
        first = line.request()
        if first is None:
            return
        whole = stored(id_in(first))
        line.send(whole + whole[:-10])
        line.heard()
        line.send(whole[-10:])
        line.heard()

    with serving(script) as wire:
        outcomes = asked(wire, transport, 4)
    assert wire.ids == [1, 2, 3, 4]
    assert of_its_own(outcomes)


@pytest.mark.parametrize("junk", [b"\r\n", b"x", b"HTTP/1.1 202 Accepted\r\n"], ids=["a line end", "a byte", "a head"])
def test_any_bytes_behind_an_answer_end_its_connection(junk):
    def script(line):
        while (request := line.request()) is not None:
            line.send(stored(id_in(request)) + junk)

    with serving(script) as wire:
        outcomes = asked(wire, OWN, 3)
    assert wire.connections == 3
    assert of_its_own(outcomes)


@on_each
def test_a_chunked_surplus_answer_is_not_the_next_contacts(transport):
    def script(line):
        while (request := line.request()) is not None:
            text = stored(id_in(request)).partition(b"\r\n\r\n")[2]
            chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(text), text)
            line.send((b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked) * 2)

    with serving(script) as wire:
        outcomes = asked(wire, transport, 4)
    assert wire.ids == [1, 2, 3, 4]
    assert of_its_own(outcomes)


def test_an_answer_with_another_behind_it_is_doubt_on_a_connection_that_had_requests_before():
    """Which of the two is this request's can't be said: the first may be a late one of the request before."""

    def script(line):
        first = line.request()
        if first is None:
            return
        line.send(stored(id_in(first)))
        second = line.request()
        if second is not None:
            line.send(stored(id_in(first)) + stored(id_in(second)))
            line.heard()

    with serving(script) as wire:
        outcomes = asked(wire, OWN, 2)
    assert wire.connections == 1
    assert [(outcome.kind, outcome.code) for outcome in outcomes] == [("stored", None), ("unknown", "stray_answer")]
    assert outcomes[1].http_status == 202


def test_a_refusal_with_another_answer_behind_it_is_doubt_too():
    """A 429 that is another request's would let a contact be sent again that may be stored."""
    refusal = answer({"status": "Failed", "message": "slower", "data": {}}, "429 Too Many Requests")

    def script(line):
        first = line.request()
        line.send(stored(id_in(first)))
        second = line.request()
        line.send(refusal + stored(id_in(second)))
        line.heard()

    with serving(script) as wire:
        outcomes = asked(wire, OWN, 2)
    assert (outcomes[1].kind, outcomes[1].code) == ("unknown", "stray_answer")


@on_each
def test_a_surplus_answer_that_comes_while_the_connection_waits_is_not_the_next_contacts(transport):
    may_send, is_sent = threading.Event(), threading.Event()

    def script(line):
        while (request := line.request()) is not None:
            line.send(stored(id_in(request)))
            if line.number == 0:
                may_send.wait(LONGEST_SECONDS)
                line.send(stored(id_in(request)))
                is_sent.set()

    async def work(wire):
        async with client_of(wire, transport()) as client:
            first = await client.attempt(body(1))
            may_send.set()
            assert is_sent.wait(LONGEST_SECONDS)
            return [first, await client.attempt(body(2))]

    with serving(script) as wire:
        outcomes = asyncio.run(work(wire))
    assert wire.ids == [1, 2]
    assert of_its_own(outcomes)


def test_a_surplus_answer_that_comes_just_before_a_request_is_not_its_answer():
    """The connection has been found fit already when it comes: the other task of the loop lets it come right then."""
    may_send, is_sent = threading.Event(), threading.Event()

    def script(line):
        first = line.request()
        line.send(stored(id_in(first)))
        if line.number == 0:
            may_send.wait(LONGEST_SECONDS)
            line.send(stored(id_in(first)))
            is_sent.set()
            line.heard()

    async def work(wire):
        async with client_of(wire) as client:
            first = await client.attempt(body(1))
            second = asyncio.create_task(client.attempt(body(2)))
            await asyncio.sleep(0)  # up to its first wait, which is behind the look at the connection
            may_send.set()
            assert is_sent.wait(LONGEST_SECONDS)
            return [first, await second]

    with serving(script) as wire:
        outcomes = asyncio.run(work(wire))
    assert wire.ids == [1, 2]
    assert of_its_own(outcomes)


@on_each
def test_a_surplus_answer_to_a_batch_is_not_the_next_batchs(transport):
    def script(line):
        while (request := line.request()) is not None:
            line.send(batch_taken_in(f"batch-{id_in(request)}") * 2)

    async def work(wire):
        async with client_of(wire, transport()) as client:
            batches = [b'{"createUpdateContacts":[%b]}' % body(number) for number in (1, 2, 3)]
            return [await client.attempt_batch(batch) for batch in batches]

    with serving(script) as wire:
        outcomes = asyncio.run(work(wire))
    assert [outcome.batch_id for outcome in outcomes] == ["batch-1", "batch-2", "batch-3"]
    assert wire.ids == [1, 2, 3]


@on_each
def test_a_surplus_answer_to_a_status_is_not_the_next_status(transport):
    """The first says that the batch is on its way, and so would its surplus, for ever."""
    words = iter(["Processing", "Completed", "Completed"])

    def script(line):
        while line.request() is not None:
            processed = {"inserted": DONE, "updated": DONE, "skipped": DONE}
            told = {"id": "batch-1", "status": 1, "statusText": next(words), "processedObj": processed}
            line.send(answer(told, "200 OK") * 2)

    async def work(wire):
        async with client_of(wire, transport()) as client:
            return [(await client.attempt_status("batch-1")).batch.state for _ in range(3)]

    with serving(script) as wire:
        states = asyncio.run(work(wire))
    assert states == ["running", "done", "done"]
    assert len(wire.requests) == 3


@on_each
def test_a_surplus_answer_to_a_login_is_not_the_first_contacts(transport):
    """Both are asked of one host here; the surplus would pass for a contact that was stored."""

    def script(line):
        while (request := line.request()) is not None:
            if request.startswith(b"POST /token"):
                line.send(answer({"access_token": "granted"}, "200 OK") + stored(1))
            else:
                line.send(stored(id_in(request)))

    async def work(wire):
        login = Login("ann", "canary", "canary", f"{wire.base_url}/token")
        settings = Settings(base_url=wire.base_url, login=login, timeout_seconds=LONGEST_SECONDS, transport=transport())
        async with AsyncClient.from_settings(settings) as client:
            return await client.attempt(body(1))

    with serving(script) as wire:
        outcome = asyncio.run(work(wire))
    assert (outcome.kind, len(wire.requests)) == ("stored", 2)
    assert b"authorization: bearer granted" in wire.requests[1].lower()


def answered_at_once(said, ask, made=client_of):
    """What becomes of a request whose answer is there before a byte of it was written.

    The client's loop stands still until the server has written: it connects, and can't write before.

    Args:
        said: the answer.
        ask: makes the request.
        made: the client for a server.
    """
    is_sent = threading.Event()

    def script(line):
        line.send(said)
        is_sent.set()
        line.request()

    async def work(wire):
        async with made(wire) as client:
            asking = asyncio.create_task(ask(client))
            while not asking.done() and not is_sent.wait(0.2):  # noqa: ASYNC110 - the loop makes one step at a time
                await asyncio.sleep(0)
            return await asking

    with serving(script) as wire:
        return asyncio.run(work(wire))


@pytest.mark.slow
@on_each
@pytest.mark.parametrize(
    ("said", "ask"),
    [
        (stored(1), lambda client: client.attempt(body(1))),
        (batch_taken_in("b"), lambda client: client.attempt_batch(b'{"createUpdateContacts":[%b]}' % body(1))),
    ],
    ids=["single", "batch"],
)
def test_a_success_that_is_there_before_the_request_is_doubt(said, ask, transport):
    outcome = answered_at_once(said, ask, lambda wire: client_of(wire, transport()))
    assert (outcome.kind, outcome.code, outcome.http_status) == ("unknown", "stray_answer", 202)


@pytest.mark.slow
@on_each
def test_a_refusal_that_is_there_before_the_first_request_of_a_connection_stands(transport):
    """Servers refuse ahead of the body, and nobody else can be meant on a new connection."""
    refusal = answer({"status": "Failed", "message": "who are you", "data": {}}, "401 Unauthorized")
    outcome = answered_at_once(
        refusal, lambda client: client.attempt(body(1)), lambda wire: client_of(wire, transport())
    )
    assert (outcome.kind, outcome.code) == ("stop", "unauthorized")


@pytest.mark.slow
def test_a_token_that_is_there_before_it_was_asked_for_is_not_taken():
    def made(wire):
        login = Login("ann", "canary", "canary", f"{wire.base_url}/token", waits_seconds=())
        settings = Settings(base_url=wire.base_url, login=login, timeout_seconds=LONGEST_SECONDS)
        return AsyncClient.from_settings(settings)

    token = answer({"access_token": "another's"}, "200 OK")
    outcome = answered_at_once(token, lambda client: client.attempt(body(1)), made)
    assert (outcome.kind, outcome.code) == ("not_sent", "login_failed")
    assert "may not be this request's" in outcome.message


def test_a_server_that_has_answered_too_often_gets_a_connection_for_each_request_from_then_on(caplog):
    def script(line):
        while (request := line.request()) is not None:
            line.send(stored(id_in(request)) * (2 if id_in(request) == 3 else 1))

    with serving(script) as wire, caplog.at_level(logging.WARNING, "mbtoolkit"):
        outcomes = asked(wire, OWN, 6)
    assert outcomes[2].code == "stray_answer"
    assert of_its_own([*outcomes[:2]])
    assert [(each.kind, each.contact_id) for each in outcomes[3:]] == [("stored", 4), ("stored", 5), ("stored", 6)]
    assert wire.connections == 4, "one for the first three, and one each for the last three"
    assert len([each for each in caplog.records if "a connection of its own" in each.message]) == 1


def test_a_server_that_answers_once_keeps_its_connection():
    """What is looked at to find surplus answers is no public part of httpx: where it can't be found, none is kept."""
    with serving(too_often(1)) as wire:
        outcomes = asked(wire, OWN, 20)
    assert of_its_own(outcomes)
    assert wire.connections == 1


def test_a_transport_of_the_users_keeps_no_connection():
    """What it holds can't be looked into, and it may be used from any loop."""
    with serving(too_often(1)) as wire:
        outcomes = asked(wire, httpx.AsyncHTTPTransport, 3)
    assert of_its_own(outcomes)
    assert wire.connections == 3
