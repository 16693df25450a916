"""Puts a service on a socket, and takes it off again."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Final

from aiohttp import web

from mbtoolkit.sandbox.answers import Refusal, refused
from mbtoolkit.sandbox.misbehaving import respond
from mbtoolkit.sandbox.server import Service
from mbtoolkit.sandbox.settings import Settings, loopback_address

SHUTDOWN_SECONDS: Final = 0.2
"""How long requests in work may take to end when the sandbox stops; a silence would never."""

LINGERING_SECONDS: Final = 2.0
"""How long the rest of a refused body is read, so that the client can still read the answer."""


class _Connection(web.RequestHandler):
    """One connection. What is no HTTP, or breaks the server, is answered with the envelope too."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to a request that can't be parsed (400), or that the server failed on (500, logged)."""
        if status >= 500:
            self.log_exception("The sandbox failed on a request", exc_info=exc)
        text = "The server failed." if status >= 500 else "The request is not HTTP."
        response = respond(refused(Refusal(status, text)))
        response.force_close()
        return response


class Host:
    """A service, its listening socket and its connections. Made and used on one running event loop."""

    def __init__(self, settings: Settings) -> None:
        """Opens the store.

        Raises:
            ValueError: the file can't be used.
        """
        self.service = Service(settings)
        self.address = ""
        self.port = 0
        self._web: web.Server | None = None
        self._listening: asyncio.Server | None = None

    @property
    def base_url(self) -> str:
        """Where it listens."""
        shown = f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{shown}:{self.port}"

    async def open(self, host: str, port: int) -> None:
        """Starts listening.

        Args:
            host: a loopback address or "localhost".
            port: 0 takes any free one.

        Raises:
            ValueError: the host is not loopback.
            OSError: the port is taken.
        """
        self.address = loopback_address(host)
        server = web.Server(self.service.handle, request_factory=self.service.make_request)
        loop = asyncio.get_running_loop()

        options: dict[str, Any] = {
            "access_log": None,  # the record is the log; and writing one takes time
            "auto_decompress": False,
            "lingering_time": LINGERING_SECONDS,
        }

        def connect() -> _Connection:
            return _Connection(server, loop=loop, **options)

        self._listening = await loop.create_server(connect, self.address, port, backlog=1024)
        self._web = server
        self.port = self._listening.sockets[0].getsockname()[1]
        names = {self.base_url.removeprefix("http://"), *(f"{name}:{self.port}" for name in _NAMES)}
        self.service.hosts = frozenset(names)

    async def go_offline(self) -> None:
        """Stops listening and cuts all connections; what is stored stays. New connections are refused."""
        await self._shut(cuts=True)

    async def go_online(self) -> None:
        """Listens again, at the same address.

        Raises:
            OSError: the port was taken meanwhile.
        """
        if self._listening is None:
            await self.open(self.address, self.port)

    async def close(self) -> None:
        """Stops listening, ends all connections and closes the store."""
        await self._shut(cuts=False)
        await self.service.close()

    async def _shut(self, *, cuts: bool) -> None:
        """Stops listening and ends the connections: by cutting them, or once the requests in work are answered."""
        if self._listening is None or self._web is None:
            return
        loop = asyncio.get_running_loop()
        for listening in self._listening.sockets:
            # asyncio leaks a connection that it is just accepting while its server is closed: stop accepting first.
            with suppress(NotImplementedError):  # Windows' loop accepts in another way
                loop.remove_reader(listening.fileno())
        await _let_callbacks_run()
        self._listening.close()
        if cuts:
            for connection in self._web.connections:
                if connection.transport is not None:
                    connection.transport.abort()
        await self._web.shutdown(SHUTDOWN_SECONDS)
        await _let_callbacks_run()
        self._listening = self._web = None


async def _let_callbacks_run() -> None:
    """Lets connections that were just accepted come to be known, and ones that were just closed let go of their socket.

    asyncio does each in a few steps of the loop, and tells nobody when it is done.
    """
    for _ in range(8):
        await asyncio.sleep(0)


_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
