"""Requests that are wasted in an outage of a minute, and logins when twenty senders meet an expired token.

    python tests/benchmarks/outages.py [--seconds 60]

A push is on its way when the outage begins, and must be done, all rows stored, after it has ended. A request is wasted
if it found no connection, lost it or met a 5xx; those on their way when the outage began are among them.
"""

from __future__ import annotations

import argparse
import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import polars as pl

from mbtoolkit import Client, SendOptions, upsert_contacts
from mbtoolkit.sandbox import Sandbox

OUTAGES = {
    "refused connections": None,
    "503, Retry-After: 5": {"status": 503, "retry_after": "5"},
    "503": {"status": 503},
    "500": {"status": 500},
}
SENDERS = 20
AT_ONCE = 4
"""Cases that run at the same time, for they mostly wait."""


class Counting(httpx.AsyncBaseTransport):
    """The network, and how often somebody used it, or tried to."""

    def __init__(self):
        self.requests = 0
        self.wasted = 0
        self._network = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request):
        self.requests += 1
        try:
            response = await self._network.handle_async_request(request)
        except httpx.TransportError:
            self.wasted += 1
            raise
        self.wasted += response.status_code >= 500
        return response

    async def aclose(self):
        await self._network.aclose()


def people(count):
    return pl.DataFrame({"email": [f"person{number}@example.com" for number in range(count)]})


def pushed(client, results, **options):
    """A push in a thread; its frame is put into a list."""

    def push():
        results.append(
            upsert_contacts(people(600), client, options=SendOptions(keep_record=False, **options), progress=False)
        )

    thread = threading.Thread(target=push)
    thread.start()
    return thread


def begin(crm, settings):
    crm.clear_faults()
    if settings is None:
        crm.go_offline()
    else:
        crm.fail("status", times=None, **settings)


def end(crm, settings):
    if settings is None:
        crm.go_online()
    else:
        crm.clear_faults()


def outage(name, via, max_concurrency, seconds):
    """A line of the table."""
    settings, transport, results = OUTAGES[name], Counting(), []
    with Sandbox() as crm, Client(crm.base_url, crm.token, transport=transport) as client:
        crm.fail("delay", seconds=0.1, times=None)
        options = {"via": via, "batch_size": 5, "max_concurrency": max_concurrency}
        push = pushed(client, results, **options)
        while transport.requests < 2 * max_concurrency:
            time.sleep(0.01)
        begin(crm, settings)
        time.sleep(seconds)
        end(crm, settings)
        ended = time.monotonic()
        push.join()
        stored = (results[0]["mb_status"] == "succeeded").sum()
        return name, via, max_concurrency, transport.wasted, stored, time.monotonic() - ended


def logins(via):
    """How often the token operation is asked when all senders meet a token that has expired."""
    results = []
    with Sandbox() as crm:
        login = {name: getattr(crm.credentials, name) for name in ("user_name", "password", "private_token")}
        with Client(crm.base_url, token_url=f"{crm.base_url}/token", **login) as client:
            crm.fail("delay", seconds=0.1, times=None)
            crm.fail("delay", seconds=0.2, times=None, path="/token")
            push = pushed(client, results, options=SendOptions(via=via, batch_size=5, max_concurrency=SENDERS))
            while crm.requests().height < 2 * SENDERS:
                time.sleep(0.01)
            crm.expire_tokens()
            push.join()
        requests = crm.requests()
        refused = requests.filter(pl.col("status") == 401).height
        asked = requests.filter(pl.col("path") == "/token").height
        return refused, asked - 1, (results[0]["mb_status"] == "succeeded").sum()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_args().seconds
    cases = list(itertools.product(OUTAGES, ("single", "batch"), (10, 20)))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        lines = list(pool.map(lambda case: outage(*case, seconds), cases))
    print(f"An outage of {seconds:g} s; 600 contacts, batches of 5:\n")
    print("outage               operation  at once  requests wasted  rows stored  seconds from its end to the run's")
    for name, via, at_once, wasted, stored, after in lines:
        print(f"{name:<19}  {via:<9}  {at_once:>7}  {wasted:>15}  {stored:>11}  {after:>34.1f}")
    print(f"\nA token that expires under {SENDERS} senders:\n")
    print("operation  requests refused (401)  logins  rows stored")
    for via in ("single", "batch"):
        refused, asked, stored = logins(via)
        print(f"{via:<9}  {refused:>22}  {asked:>6}  {stored:>11}")


if __name__ == "__main__":
    main()
