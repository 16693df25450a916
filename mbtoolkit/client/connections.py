"""The connections of a client: each belongs to one event loop, and has one request at a time.

HTTP/1.1 says which answer belongs to which request by their order alone. So a connection on which the server has sent
more than it was asked for is never used again, and an answer that may be another request's is not believed.
"""

from __future__ import annotations

import asyncio
import logging
import select
import ssl
import zlib
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import httpcore
import httpx

from mbtoolkit.client.answers import Answer
from mbtoolkit.client.secret import Secret
from mbtoolkit.client.settings import Settings

MAX_ANSWER_BYTES: Final = 4 * 1024**2
"""An answer takes less than a kilobyte, the status of 1,000 contacts some 20; nothing near this limit is one."""

_CONNECT_SECONDS: Final = 10.0
_CONNECTED: Final = frozenset(
    ("connection.connect_tcp.complete", "connection.connect_unix_socket.complete", "socks.connect_tcp.complete")
)
_ENCRYPTED: Final = frozenset(("connection.start_tls.complete", "proxy.start_tls.complete", "socks.start_tls.complete"))
_PEEK_SECONDS: Final = 1.0
"""How long an encrypted connection that has received something may take to show what it is."""

_log = logging.getLogger("mbtoolkit")


class UnreadableAnswerError(Exception):
    """The answer is too large, or its encoding is broken."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class StrayAnswerError(Exception):
    """The answer may be another request's."""

    def __init__(self, status: int) -> None:
        super().__init__("the server sent an answer that may not be this request's")
        self.status = status


class _UsedUpError(Exception):
    """Something came on a kept connection before a byte of the next request was written; none was."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. It shows no body: tracebacks show what the names of a frame hold."""

    method: str
    url: str
    _body: bytes | None = field(default=None, repr=False)

    def content(self) -> bytes | None:
        """The body. A call: verbose tracebacks show attributes, but they call nothing."""
        return self._body


class Connections:
    """The connections of a client: as many as are in use at once, and in each event loop its own.

    A transport of the user's is one for all loops, and what it holds can't be looked into: it is asked to keep no
    connection.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._idle: dict[asyncio.AbstractEventLoop, _Idle] = {}
        self._tls: ssl.SSLContext | None = None
        self._is_trusted = True
        self._closing: set[asyncio.Task[None]] = set()

    async def exchange(self, ask: Ask, token: Secret | None) -> Answer:
        """One request and its whole answer.

        Args:
            ask: the request.
            token: says who asks; None for the login, which is on another host and gets a connection of its own.

        Raises:
            httpx.TransportError, OSError: the network failed.
            UnreadableAnswerError: the answer is too large, or its encoding broken.
            StrayAnswerError: the answer may be another request's.
        """
        idle = await self._here()
        if token is not None and idle.lanes and self._is_trusted:
            with suppress(_UsedUpError):
                return await self._on(idle.lanes.pop(), ask, token, idle)
        return await self._on(self._new(), ask, token, idle)

    async def _on(self, lane: _Lane, ask: Ask, token: Secret | None, idle: _Idle) -> Answer:
        """One request on a connection, which is kept if it may be. Raises: as `exchange`; _UsedUpError."""
        keep = False
        try:
            answer = await lane.exchange(ask, token)
            keep = token is not None and not lane.is_used_up and self._is_trusted
        finally:
            if lane.saw_stray:
                self._distrust()
            if keep and self._idle.get(asyncio.get_running_loop()) is idle:
                idle.lanes.append(lane)
            elif lane.is_own:
                await self._close(lane)
        return answer

    async def aclose(self) -> None:
        """Closes the connections of this event loop. Those of another one are closed when that ends."""
        here = asyncio.get_running_loop()
        idle = self._idle.get(here)
        if idle is not None:
            await idle.guard.aclose()
        closing = [task for task in list(self._closing) if task.get_loop() is here]
        if closing:
            await asyncio.wait(closing)

    async def _here(self) -> _Idle:
        """The idle connections of the running loop.

        A loop that ends closes its asynchronous generators: so the connections end with it, wherever the client is
        used afterwards. In a forked process they stay as they are, for they are its parent's too.
        """
        loop = asyncio.get_running_loop()
        idle = self._idle.get(loop)
        if idle is None:
            for ended in [each for each in list(self._idle) if each.is_closed()]:
                del self._idle[ended]
            idle = self._idle[loop] = _Idle(self._until_closed(loop))
            await anext(idle.guard)
        return idle

    async def _until_closed(self, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            for lane in self._idle.pop(loop).lanes:
                await self._close(lane)

    async def _close(self, lane: _Lane) -> None:
        """Closes a connection, even if the one who asks is cancelled meanwhile; a failure is logged, and no more."""
        task = asyncio.create_task(lane.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closed)
        await asyncio.wait([task])

    def _closed(self, task: asyncio.Task[None]) -> None:
        self._closing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.warning("a connection could not be closed (%s)", type(error).__name__)

    def _distrust(self) -> None:
        if self._is_trusted:
            self._is_trusted = False
            _log.warning(
                "the server sent an answer that nobody had asked for; from now on each request gets a connection of"
                " its own"
            )

    def _new(self) -> _Lane:
        return _Lane(self._settings, self._settings.transport or self._transport())

    def _transport(self) -> httpx.AsyncHTTPTransport:
        """A transport for one connection: httpx's pool gets slow with many, so each lane has a pool of one."""
        if self._tls is None:
            login = self._settings.login
            urls = (self._settings.base_url, login.token_url if login else "")
            secure = any(url.startswith("https:") for url in urls)
            self._tls = httpx.create_ssl_context(trust_env=False) if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        one = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=30.0)
        return httpx.AsyncHTTPTransport(verify=self._tls, limits=one, trust_env=False)


@dataclass(frozen=True, slots=True, eq=False)
class _Idle:
    """The idle connections of one loop, and what closes them."""

    guard: AsyncGenerator[None]
    lanes: list[_Lane] = field(default_factory=list)


class _Lane:
    """One connection, used by one request at a time.

    Attributes:
        is_own: whether it is the client's; on a transport of the user's each request has a connection of its own.
        is_used_up: whether the connection must not be used again.
        saw_stray: whether the server sent something that belongs to no request.
    """

    __slots__ = ("_extensions", "_headers", "_token", "_transport", "_watch", "is_own", "is_used_up", "saw_stray")

    def __init__(self, settings: Settings, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport
        self.is_own = transport is not settings.transport
        self._watch = _Watch()
        seconds = settings.timeout_seconds
        connect = min(seconds, _CONNECT_SECONDS)
        self._extensions = {
            "timeout": {"connect": connect, "read": seconds, "write": seconds, "pool": seconds},
            "trace": self._watch.hear,
        }
        self._token: Secret | None = None
        self._headers = httpx.Headers(
            {
                "Content-Type": "application/json",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": settings.user_agent,
            }
            | ({} if self.is_own else {"Connection": "close"})
        )
        self.is_used_up = not self.is_own
        self.saw_stray = False

    async def exchange(self, ask: Ask, token: Secret | None) -> Answer:
        """One request and its whole answer.

        Raises:
            httpx.TransportError, OSError: the network failed.
            UnreadableAnswerError: the answer is too large, or its encoding broken.
            StrayAnswerError: the answer may be another request's.
            _UsedUpError: nothing was sent; the connection can't be used again.
        """
        if token is not None and token is not self._token:
            self._token, self._headers["Authorization"] = token, f"Bearer {token.reveal()}"
        content = ask.content()
        request = httpx.Request(
            ask.method, ask.url, headers=self._headers, content=content, extensions=self._extensions
        )
        watch = self._watch
        watch.begin(has_body=content is not None)
        response = await self._transport.handle_async_request(request)
        try:
            body = await _read(response)
            if watch.is_early and response.is_success:
                self._refuse(response)
            if self.is_own:
                await self._look_behind(response)
        finally:
            await response.aclose()
        return Answer(response.status_code, body, response.headers.get("retry-after"))

    async def _look_behind(self, response: httpx.Response) -> None:
        """Sees whether the server sent more than the answer.

        On a connection that had a request before, the answer may then be a late one to that, and what is behind it
        this request's.

        Raises:
            StrayAnswerError: that is so.
        """
        unparsed = _unparsed(response)
        is_readable = self._watch.is_readable()
        self.is_used_up = unparsed is None or bool(unparsed) or is_readable
        if unparsed or await self._watch.unread(is_readable=is_readable):
            self.saw_stray = self.is_used_up = True
            if not self._watch.is_new:
                self._refuse(response)

    def _refuse(self, response: httpx.Response) -> None:
        """Raises: StrayAnswerError."""
        self.saw_stray = self.is_used_up = True
        raise StrayAnswerError(response.status_code)

    async def aclose(self) -> None:
        """Closes the connection."""
        await self._transport.aclose()


class _Watch:
    """Sees the connection of a lane while a request is made, as httpx's `trace` extension shows it.

    Attributes:
        is_new: whether the connection was made for this request.
        is_early: whether something had come before the body was written.
        is_readable: says whether something has come since, or the server has closed the connection.
    """

    __slots__ = ("_has_body", "_is_plain", "_stream", "is_early", "is_new", "is_readable")

    def __init__(self) -> None:
        self._stream: Any = None
        self.is_readable: Callable[[], bool] = bool
        self._is_plain = True
        self._has_body = False
        self.is_new = False
        self.is_early = False

    def begin(self, *, has_body: bool) -> None:
        """Begins with a request."""
        self.is_new = self.is_early = False
        self._has_body = has_body

    async def hear(self, event: str, info: dict[str, Any]) -> None:
        """Takes in what httpcore does.

        Raises:
            _UsedUpError: something came on a kept connection, and no byte of the request was written.
        """
        if event == "http11.send_request_headers.started":
            if not self.is_new and self.is_readable():
                raise _UsedUpError
        elif event == "http11.send_request_body.started":
            # Of encrypted bytes can't be said whether they are an answer. A request without a body is written already.
            self.is_early = self._has_body and self._is_plain and self.is_readable()
        elif event in _CONNECTED:
            self._stream, self._is_plain, self.is_new = info["return_value"], True, True
            self.is_readable = _asks_whether_readable(self._stream.get_extra_info("socket"))
        elif event in _ENCRYPTED:
            self._stream, self._is_plain = info["return_value"], False

    async def unread(self, *, is_readable: bool) -> bool:
        """Whether something has come that is not the connection's end; it is taken off, so that nothing may follow."""
        if self._stream is None:
            return False
        if not self._is_plain:
            with suppress(ssl.SSLError):  # nothing was decrypted yet
                return bool(self._stream.get_extra_info("ssl_object").read(1))
        if not is_readable:
            return False
        with suppress(httpcore.NetworkError, httpcore.TimeoutException):
            return bool(await self._stream.read(1, None if self._is_plain else _PEEK_SECONDS))
        return False


def _asks_whether_readable(connected: Any) -> Callable[[], bool]:
    """Asks the system; httpcore's own "is_readable" asks the same, and takes twenty times as long.

    Args:
        connected: the socket.
    """
    if not hasattr(select, "poll"):  # Windows
        return lambda: bool(select.select([connected], [], [], 0)[0])
    asked = select.poll()
    asked.register(connected, select.POLLIN)
    return lambda: bool(asked.poll(0))


def _unparsed(response: httpx.Response) -> bytes | None:
    """What was read along with the answer and is no part of it; None where it can't be found.

    httpcore keeps it, and takes it for the begin of the next answer. Neither httpx nor httpcore shows it, so this goes
    by names that are not public: a test notices when they change, and meanwhile no connection is kept.
    """
    stream: Any = response.stream
    try:
        connection = stream._httpcore_stream._stream._connection  # noqa: SLF001
        return bytes(connection._h11_state.trailing_data[0])  # noqa: SLF001
    except AttributeError:
        return None


async def _read(response: httpx.Response) -> bytes:
    """The whole body, unpacked, up to `MAX_ANSWER_BYTES`.

    Raises:
        UnreadableAnswerError: it is larger, or packed in a way that can't be undone.
    """
    if response.is_stream_consumed:  # a transport that made the answer itself has read it already
        return response.content
    content = bytearray()
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)
    async for chunk in stream:  # not `aiter_raw`, which hands the connection back before it is looked at
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            raise UnreadableAnswerError(response.status_code, "the answer is too large to be one of the CRM's")
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing in ("", "identity"):
        return bytes(content)
    if packing not in ("gzip", "x-gzip", "deflate"):
        raise UnreadableAnswerError(
            response.status_code, f"the answer is packed as {packing!r}, which was not asked for"
        )
    try:
        unpacked = zlib.decompressobj(wbits=47).decompress(bytes(content), MAX_ANSWER_BYTES + 1)
    except zlib.error:
        raise UnreadableAnswerError(response.status_code, "the answer's packing is broken") from None
    if len(unpacked) > MAX_ANSWER_BYTES:
        raise UnreadableAnswerError(response.status_code, "the answer unpacks to more than one of the CRM's could be")
    return unpacked
