"""The handle: starting, stopping, threads, loops, frames."""

import asyncio
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress

import httpx
import polars as pl
import pytest

from mbtoolkit.contacts import FIELDS
from mbtoolkit.sandbox import Sandbox
from mbtoolkit.sandbox.store import DEFAULT_PROPERTIES


def test_contacts_frame_has_the_canonical_columns_also_when_empty(crm):
    types = {"list_id": pl.String, "mobile_country_code": pl.Int32, "mobile_number": pl.Int64,
             "mobile_opt_in": pl.Boolean, "email": pl.String, "email_opt_in": pl.Boolean}  # fmt: skip
    assert dict(crm.contacts().schema) == {
        "contact_id": pl.Int64,
        **{field.name: types[field.name] for field in FIELDS if field.name != "contact_id"},
        **{f"property:{name}": pl.String for name in DEFAULT_PROPERTIES},
        "created_at": pl.Datetime("us", "UTC"),
        "updated_at": pl.Datetime("us", "UTC"),
        "upserts": pl.Int64,
    }


def test_requests_frame_has_its_columns_also_when_empty(crm):
    assert crm.requests().columns == [
        "seq", "at", "method", "path", "status", "contact_id", "batch_id", "applied", "fault", "body", "answer",
        "duration_ms",
    ]  # fmt: skip


def test_contacts_come_by_id(sender):
    for name in "cab":
        sender.id_of(email=f"{name}@example.com")
    assert sender.crm.contacts()["email"].to_list() == ["c@example.com", "a@example.com", "b@example.com"]


def test_start_and_stop_can_be_repeated():
    crm = Sandbox()
    assert crm.start() is crm.start()
    first = crm.base_url
    crm.stop()
    crm.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(first, trust_env=False)
    crm.start()
    assert httpx.get(f"{crm.base_url}/openapi.json", trust_env=False).status_code == 200
    crm.stop()


@pytest.mark.parametrize("ask", ["base_url", "page_url", "list_id", "lists", "properties"])
def test_sandbox_that_does_not_run_says_so(ask):
    crm = Sandbox()
    with pytest.raises(RuntimeError, match="not running"):
        getattr(crm, ask)
    for method in (crm.contacts, crm.requests, crm.faults, crm.go_offline):
        with pytest.raises(RuntimeError, match="not running"):
            method()
    assert repr(crm) == "<Sandbox not running>"


def test_taken_port_is_an_error_and_leaves_nothing_behind():
    before = threading.active_count()
    with Sandbox() as crm:
        port = int(crm.base_url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            Sandbox(port=port).start()
    assert threading.active_count() == before


def test_works_inside_a_running_event_loop():
    async def main() -> int:
        with Sandbox() as crm:
            headers = {"Authorization": f"Bearer {crm.token}"}
            async with httpx.AsyncClient(base_url=crm.base_url, headers=headers, trust_env=False) as http:
                contacts = [{"email": f"p{number}@example.com"} for number in range(20)]
                await asyncio.gather(*(http.post("/contacts/insertupdate", json=contact) for contact in contacts))
            return crm.contacts().height

    assert asyncio.run(main()) == 20


@pytest.mark.slow
def test_can_be_asked_from_many_threads_while_it_works(sender):
    heights: list[int] = []

    def ask() -> None:
        heights.extend(sender.crm.contacts().height + sender.crm.requests().height for _ in range(20))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(50):
        sender.id_of(email=f"p{number}@example.com")
    for thread in threads:
        thread.join()
    assert len(heights) == 80
    assert sender.crm.contacts().height == 50


def test_outage_refuses_connections_and_keeps_what_is_stored(sender):
    crm = sender.crm
    sender.id_of(email="ada@example.com")
    where = crm.base_url
    with crm.outage():
        with pytest.raises(httpx.TransportError):
            sender.upsert(email="bo@example.com")
        with pytest.raises(httpx.ConnectError):
            sender.upsert(email="bo@example.com")
        assert crm.contacts().height == 1
        crm.go_offline()
    crm.go_online()
    assert crm.base_url == where
    assert sender.id_of(email="ada@example.com") == 100_001
    assert crm.requests().height == 2


def test_sandbox_can_stop_while_offline():
    with Sandbox() as crm:
        port = int(crm.base_url.rpartition(":")[2])
        crm.go_offline()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 5)


@pytest.mark.parametrize("is_accepted", [False, True], ids=["just made", "accepted"])
def test_stop_ends_idle_connections(is_accepted):
    with Sandbox() as crm, ExitStack() as closing:
        address = ("127.0.0.1", int(crm.base_url.rpartition(":")[2]))
        idle = [closing.enter_context(socket.create_connection(address, 5)) for _ in range(5)]
        if is_accepted:
            for connection in idle:
                connection.sendall(b"POST /contacts")
                assert crm.requests().height == 0
        crm.stop()
        for connection in idle:
            # One that was never accepted is reset by the system; what must not be is that it stays open.
            with suppress(ConnectionResetError):
                assert connection.recv(1) == b""


def test_token_and_page_key_are_made_up_anew():
    first, second = Sandbox(), Sandbox()
    assert first.token != second.token
    assert len(first.token) >= 32
    assert first._settings.page_key != second._settings.page_key


@pytest.mark.slow
def test_sandbox_does_not_load_the_client():
    code = "import sys, mbtoolkit.sandbox; sys.exit('httpx' in sys.modules or 'mbtoolkit.client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_bounds_of_the_record_are_checked():
    with pytest.raises(ValueError, match="max_requests_kept"):
        Sandbox(max_requests_kept=0)
