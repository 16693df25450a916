"""A server that writes what a test tells it, byte for byte, and keeps every request that it has read to its end."""

from __future__ import annotations

import json
import re
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

LONGEST_SECONDS = 30.0
"""Beyond it something hangs, and the test fails."""


def answer(body: object, status: str = "202 Accepted", content_type: str = "application/json") -> bytes:
    """An answer with its length."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(text)}\r\n\r\n"
    return head.encode() + text


def stored(contact_id: int) -> bytes:
    """The CRM's answer to a contact that it has stored."""
    return answer({"status": "Success", "message": "done", "data": {"contactId": str(contact_id), "status": 202}})


def body(contact_id: int) -> bytes:
    """The body of a contact."""
    return b'{"contactId":%d}' % contact_id


class Line:
    """One connection, as the server sees it."""

    def __init__(self, connection: socket.socket, wire: Wire, number: int) -> None:
        self._connection = connection
        self._wire = wire
        self._unread = b""
        self.number = number
        """Counts from 0."""

    def request(self) -> bytes | None:
        """The next request, whole, which is then on the record; None where the client has gone."""
        while not (found := re.match(rb"(.*?\r\n\r\n)", self._unread, re.DOTALL)):
            if not self._more():
                return None
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", found[1])
        end = found.end() + (int(length[1]) if length else 0)
        while len(self._unread) < end:
            if not self._more():
                return None
        whole, self._unread = self._unread[:end], self._unread[end:]
        self._wire.requests.append(whole)
        return whole

    def _more(self) -> bool:
        try:
            data = self._connection.recv(65_536)
        except OSError:
            return False
        self._unread += data
        return bool(data)

    def send(self, data: bytes) -> None:
        """Writes, if the client is still there."""
        with suppress(OSError):
            self._connection.sendall(data)

    def send_together(self, parts: list[bytes]) -> None:
        """Writes parts, each encrypted for itself if they are, that leave in one packet."""
        cork = getattr(socket, "TCP_CORK", None)
        if cork is not None:
            self._connection.setsockopt(socket.IPPROTO_TCP, cork, 1)
        for part in parts if cork is not None else [b"".join(parts)]:
            self.send(part)
        if cork is not None:
            self._connection.setsockopt(socket.IPPROTO_TCP, cork, 0)

    def heard(self) -> None:
        """Waits until the client has sent something, or has gone; reads nothing of it."""
        select.select([self._connection], [], [], LONGEST_SECONDS)


def id_in(request: bytes) -> int:
    """The contact id that a request names."""
    return int(re.findall(rb'"contactId":(\d+)', request)[-1])


class Wire:
    """The server.

    Attributes:
        base_url: where it listens.
        requests: those that were read to their end.
        connections: how many were made.
    """

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.requests: list[bytes] = []
        self.connections = 0

    @property
    def ids(self) -> list[int]:
        """The contact ids of the requests that were read."""
        return [id_in(request) for request in self.requests]


@contextmanager
def serving(script: Callable[[Line], None], tls: ssl.SSLContext | None = None) -> Iterator[Wire]:
    """A server; each connection is a thread that runs the script."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)
    wire = Wire(f"http{'s' if tls else ''}://127.0.0.1:{listening.getsockname()[1]}")
    open_ones: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def converse(raw: socket.socket, number: int) -> None:
        raw.settimeout(LONGEST_SECONDS)
        try:
            connection = tls.wrap_socket(raw, server_side=True) if tls else raw
        except OSError:
            raw.close()
            return
        open_ones.append(connection)
        with connection:
            script(Line(connection, wire, number))

    def accept() -> None:
        while True:
            try:
                raw, _ = listening.accept()
            except OSError:
                return
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threads.append(threading.Thread(target=converse, args=(raw, wire.connections), daemon=True))
            wire.connections += 1
            threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield wire
    finally:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        accepting.join(LONGEST_SECONDS)
        for connection in open_ones:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(LONGEST_SECONDS)
        assert not any(thread.is_alive() for thread in threads)
