"""A client, a login and a sandbox that outlive the event loop or the process that they were used in."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading

import httpx
import polars as pl
import pytest

from mbtoolkit import upsert_contact, upsert_contacts
from mbtoolkit.client import AsyncClient, Client
from tests.client.wire import LONGEST_SECONDS, body, id_in, serving, stored

BODIES = [b'{"email":"p%d@example.com"}' % number for number in range(5)]
BOTH = {"the client's own": lambda: None, "the user's": httpx.AsyncHTTPTransport}
on_both = pytest.mark.parametrize("transport", BOTH.values(), ids=BOTH)
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


async def kinds(client, bodies=BODIES):
    return [outcome.kind for outcome in await asyncio.gather(*map(client.attempt, bodies))]


def once(line):
    while (request := line.request()) is not None:
        line.send(stored(id_in(request)))


@pytest.mark.slow
@on_both
def test_a_client_is_used_in_one_loop_after_another(crm, transport):
    client = AsyncClient(crm.base_url, crm.token, transport=transport())
    for _ in range(3):
        assert asyncio.run(kinds(client)) == ["stored"] * 5
    assert crm.requests().height == 15
    assert crm.contacts().height == 5
    gc.collect()  # what a loop left open would be warned of


def test_the_end_of_a_loop_closes_its_connections():
    ended = threading.Event()

    def script(line):
        once(line)
        ended.set()

    with serving(script) as wire:
        client = AsyncClient(wire.base_url, "token")
        assert asyncio.run(kinds(client, [body(1)])) == ["stored"]
        assert ended.wait(LONGEST_SECONDS)


@on_both
def test_a_client_is_used_by_two_loops_at_once(crm, transport):
    client = AsyncClient(crm.base_url, crm.token, transport=transport())
    both_run = threading.Barrier(2)
    heard = []

    async def work():
        first = await kinds(client)
        both_run.wait(LONGEST_SECONDS)
        second = await kinds(client)
        both_run.wait(LONGEST_SECONDS)
        await client.aclose()
        both_run.wait(LONGEST_SECONDS)
        heard.append(first + second + await kinds(client))

    threads = [threading.Thread(target=lambda: asyncio.run(work())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == [["stored"] * 15] * 2


@pytest.mark.slow
@on_both
def test_one_client_sends_a_contact_then_a_frame_then_another(crm, people, transport):
    """The frame is sent on a loop of its own each time."""
    with crm.client(transport=transport()) as client:
        assert upsert_contact({"email": "ann@example.com"}, client).kind == "stored"
        for _ in range(2):
            results = upsert_contacts(people, client, progress=False)
            assert results["mb_status"].to_list() == ["succeeded"] * people.height
        assert upsert_contact({"email": "ann@example.com"}, client).kind == "stored"
    assert crm.contacts().height == people.height + 1
    assert crm.requests().select(pl.col("applied").all()).item()


@pytest.mark.parametrize("error", [RuntimeError, ValueError, KeyError, ExceptionGroup], ids=lambda e: e.__name__)
def test_whatever_a_transport_raises_is_doubt_and_its_text_is_not_logged(error, caplog):
    """It may have sent the request; and its text may quote it."""

    def fail(request):
        raise error("canary", [ValueError("canary")]) if error is ExceptionGroup else error("canary")

    with Client("https://crm.example.com", "token", transport=httpx.MockTransport(fail), attempts=1) as client:
        outcome = client.send(BODIES[0])
    assert (outcome.kind, outcome.code) == ("unknown", "connection_lost")
    assert error.__name__ in outcome.message
    assert error.__name__ in caplog.text
    assert "canary" not in caplog.text.replace('"canary"', "")


FORKING = """
import asyncio, os, signal, sys, threading
from mbtoolkit.client import AsyncClient, Client, Login, Settings
from mbtoolkit.sandbox import Sandbox

def forked(work):
    # What a child of this process says; it has half a minute.
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        try:
            said = str(work())
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(write, said.encode())
        os._exit(0)
    os.close(write)
    with open(read) as file:
        said = file.read()
    os.waitpid(child, 0)
    return said or "nothing, for it hung"

def body(number):
    return b'{"contactId":%d}' % number

base_url = sys.argv[1]
"""


def in_a_process(program, *words):
    """What a program prints, that begins as above."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING + program, *words],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.slow
@needs_fork
def test_a_client_that_was_used_before_a_fork_is_used_in_the_child_and_goes_on_in_the_parent():
    program = """
with Client(base_url, "token") as client:
    print(client.attempt(body(1)).contact_id)
    print(forked(lambda: client.attempt(body(2)).contact_id))
    print(client.attempt(body(3)).contact_id)
    print(forked(lambda: (client.attempt(body(4)).contact_id, client.close())[0]))
    print(client.attempt(body(5)).contact_id)
"""
    with serving(once) as wire:
        assert in_a_process(program, wire.base_url) == ["1", "2", "3", "4", "5"]
    assert wire.ids == [1, 2, 3, 4, 5]
    assert wire.connections == 3, "the parent keeps its own; each child makes one"


@pytest.mark.slow
@needs_fork
def test_an_async_client_that_was_used_before_a_fork_is_used_in_the_child():
    program = """
client = AsyncClient(base_url, "token")
def ask(number):
    return asyncio.run(client.attempt(body(number))).contact_id
async def with_a_child():
    first = (await client.attempt(body(2))).contact_id
    said = forked(lambda: threaded(lambda: ask(3)))
    return first, said, (await client.attempt(body(4))).contact_id
def threaded(work):
    said = []
    thread = threading.Thread(target=lambda: said.append(work()))
    thread.start()
    thread.join()
    return said[0]
print(ask(1), *asyncio.run(with_a_child()), forked(lambda: ask(5)))
"""
    with serving(once) as wire:
        assert in_a_process(program, wire.base_url) == ["1", "2", "3", "4", "5"]
    assert wire.ids == [1, 2, 3, 4, 5]


@pytest.mark.slow
@needs_fork
def test_a_login_keeps_its_token_through_a_fork_and_leaves_a_renewal_to_the_parent(crm):
    """The second fork comes while the parent asks for a token, which it never hears of in time."""
    program = """
user_name, password, private_token = sys.argv[2:]
login = Login(user_name, password, private_token, base_url + "/token")
client = Client.from_settings(Settings(base_url=base_url, login=login))
email = b'{"email":"ann@example.com"}'
print(client.attempt(email).kind, forked(lambda: client.attempt(email).kind))
other = Login(user_name, password, private_token, base_url + "/token")
is_asked = threading.Event()
async def never():
    is_asked.set()
    await asyncio.sleep(3600)
threading.Thread(target=lambda: asyncio.run(other.token(never)), daemon=True).start()
is_asked.wait()
with Client.from_settings(Settings(base_url=base_url, login=other)) as second:
    with other._lock:  # as a thread that is just looking holds it
        print(forked(lambda: second.attempt(email).kind))
"""
    own = crm.credentials
    said = in_a_process(program, crm.base_url, own.user_name, own.password, own.private_token)
    assert said == ["stored", "stored", "stored"]
    assert crm.requests()["path"].to_list().count("/token") == 2


@pytest.mark.slow
@needs_fork
def test_a_sandbox_is_reached_from_a_fork_and_says_where_to_ask_it():
    program = """
with Sandbox() as crm:
    client = crm.client()
    print(client.attempt(b'{"email":"ann@example.com"}').kind)
    print(forked(lambda: crm.client().attempt(b'{"email":"ben@example.com"}').kind))
    print(forked(crm.contacts).split(":")[0])
    print(forked(lambda: crm.stop()))
    print(forked(lambda: Sandbox().start().contacts().height))
    print(crm.contacts().height)
"""
    assert in_a_process(program, "-") == ["stored", "stored", "RuntimeError", "None", "0", "2"]
