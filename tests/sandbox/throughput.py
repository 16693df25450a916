"""How many upserts a second the sandbox takes on one core. A script: `python tests/sandbox/throughput.py --help`.

The server runs as a process of its own, pinned to the first core; the load comes from this process, pinned to the
second: keep-alive connections that send prepared bytes of distinct contacts, and check every status line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOKEN = "throughput-token"
READY_LINE = "export MBTOOLKIT_BASE_URL="


def request_bytes(number: int, port: int, properties: int) -> bytes:
    """One upsert of a new, synthetic contact, as it goes over the wire."""
    contact = {
        "listId": "9fc6ad7d-902a-4834-b161-a4911b883d44",
        "mobileCountryCode": 999,  # assigned to no country
        "mobileNumber": 7_700_000_000 + number,
        "mobileOptIn": True,
        "email": f"person{number}@example.com",
        "emailOptIn": False,
        "propertyFields": [
            {"propertyName": name, "propertyValue": f"{name} {number}"}
            for name in ("First name", "Last name", "Company")[:properties]
        ],
    }
    body = json.dumps(contact).encode()
    head = (
        f"POST /contacts/insertupdate HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def send_all(port: int, requests: list[bytes]) -> None:
    """Sends requests one after the other on one connection.

    Raises:
        RuntimeError: an answer is not 202.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 202 "):
            raise RuntimeError(head.decode("latin-1"))
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
    writer.close()
    await writer.wait_closed()


async def load(port: int, count: int, connections: int, properties: int) -> float:
    """Upserts a second, over all connections."""
    requests = [request_bytes(number, port, properties) for number in range(count)]
    began = time.perf_counter()
    await asyncio.gather(*(send_all(port, requests[start::connections]) for start in range(connections)))
    return count / (time.perf_counter() - began)


def measure(db: str, count: int, connections: int, properties: int) -> float:
    """Starts a server on a core of its own, loads it, stops it."""
    command = [sys.executable, "-m", "mbtoolkit.sandbox", "--db", db, "--token", TOKEN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        os.sched_setaffinity(server.pid, {0})
        assert server.stdout is not None
        port = next(int(line.rpartition(":")[2]) for line in server.stdout if READY_LINE in line)
        try:
            return asyncio.run(load(port, count, connections, properties))
        finally:
            server.terminate()
            server.communicate()


def main() -> None:
    """Measures in memory and on a file, and prints both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=30_000, help="contacts in a run")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--properties", type=int, default=1, help="property fields of each contact, 0 to 3")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.sched_setaffinity(0, {1})
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            for name, db in (("memory", ":memory:"), ("file", str(Path(folder, "crm.sqlite")))):
                rate = measure(db, options.count, options.connections, options.properties)
                print(f"{name}: {rate:,.0f} upserts a second", flush=True)


if __name__ == "__main__":
    main()
