"""Commits faults on the wire: resets, silence, broken answers."""

from __future__ import annotations

import asyncio
import socket
import struct
import uuid
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from mbtoolkit.sandbox.answers import FAILED, JSON_TYPE, SUCCESS, Answer, batch_envelope, contact_envelope, encode
from mbtoolkit.sandbox.faults import OPERATION_OF, Fault
from mbtoolkit.sandbox.paths import BATCH_PATH
from mbtoolkit.sandbox.records import Entry

LINGER_ZERO: Final = struct.pack("ii", 1, 0)
"""SO_LINGER on, for 0 seconds: closing the socket sends a TCP reset in place of an orderly end."""

_BLOCK: Final = 64 * 1024
_CHECK_SECONDS: Final = 0.05
_HTML: Final = "<!doctype html><title>Service unavailable</title><h1>We'll be back soon</h1>"


@dataclass(frozen=True, slots=True)
class _Case:
    """A fault and what it is done to."""

    fault: Fault
    request: web.BaseRequest
    entry: Entry
    answer: Answer | None


async def commit_fault(
    fault: Fault, request: web.BaseRequest, entry: Entry, answer: Answer | None
) -> web.StreamResponse | None:
    """Does to a request what the fault says.

    Args:
        fault: what to do.
        request: the request it is done to.
        entry: its record, which is filled in before anything is sent.
        answer: the true answer where the work is done already; None before.

    Returns:
        What the handler has to return; None where the request goes on as if nothing had been.
    """
    return await _ACTS[fault.kind](_Case(fault, request, entry, answer))


def reset(request: web.BaseRequest) -> None:
    """Cuts the connection with a TCP reset."""
    transport = request.transport
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
    transport.abort()


def respond(answer: Answer) -> web.Response:
    """The answer as aiohttp sends it."""
    headers = {"Content-Type": JSON_TYPE, **answer.headers}
    return web.Response(status=answer.status, body=answer.text.encode("utf-8"), headers=headers)


def _finish(entry: Entry, status: int, text: str, content_type: str = JSON_TYPE, **headers: str) -> web.Response:
    entry.close(status, text)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.Response(status=status, body=text.encode("utf-8"), headers={"Content-Type": content_type, **named})


def _extra_headers(fault: Fault) -> dict[str, str]:
    headers = {} if fault.retry_after is None else {"Retry_After": fault.retry_after}
    return headers if fault.location is None else {**headers, "Location": fault.location}


def _true_or_made_up(case: _Case) -> tuple[int, str]:
    """Status and text of an answer to be spoilt."""
    if case.answer is not None and case.fault.body is None:
        return case.answer.status, case.answer.text
    return case.fault.status or 202, _made_up(case.entry.path) if case.fault.body is None else case.fault.body


def _made_up(path: str) -> str:
    """A success that never was, in the shape of the operation."""
    if path == BATCH_PATH:
        return encode(batch_envelope(str(uuid.uuid4()), 1, inner_status=202))
    return contact_envelope(SUCCESS, "Contact stored.", inner_status=202, contact_id=1)


def _cut() -> web.Response:
    """Stands for an answer on a connection that is gone; aiohttp finds it gone and sends nothing."""
    return web.Response()


async def _reset(case: _Case) -> web.StreamResponse:
    case.entry.close(None, None)
    reset(case.request)
    return _cut()


async def _silence(case: _Case) -> web.StreamResponse:
    loop = asyncio.get_running_loop()
    until = loop.time() + (case.fault.seconds or 0.0)
    while case.request.transport is not None and (left := until - loop.time()) > 0:
        await asyncio.sleep(min(left, _CHECK_SECONDS))
    case.entry.close(None, None)
    reset(case.request)
    return _cut()


async def _nothing_more(case: _Case) -> None:
    """For the kinds that the operation itself has committed by now."""


async def _delay(case: _Case) -> None:
    await asyncio.sleep(case.fault.seconds or 0.0)


async def _status(case: _Case) -> web.StreamResponse:
    status = case.fault.status or 500
    made_up = contact_envelope(FAILED, "The sandbox was told to answer so.", inner_status=status)
    return _finish(
        case.entry, status, made_up if case.fault.body is None else case.fault.body, **_extra_headers(case.fault)
    )


async def _not_success(case: _Case) -> web.StreamResponse:
    contact_id = None if case.answer is None else case.answer.contact_id
    text = contact_envelope(FAILED, "The contact was not stored.", inner_status=422, contact_id=contact_id)
    return _finish(case.entry, case.fault.status or 202, text if case.fault.body is None else case.fault.body)


async def _empty(case: _Case) -> web.StreamResponse:
    case.entry.close(case.fault.status, "")
    return web.Response(status=case.fault.status or 202)


async def _html(case: _Case) -> web.StreamResponse:
    text = _HTML if case.fault.body is None else case.fault.body
    return _finish(case.entry, case.fault.status or 200, text, "text/html; charset=utf-8", **_extra_headers(case.fault))


async def _other_shape(case: _Case) -> web.StreamResponse:
    text = encode([{"result": "ok"}]) if case.fault.body is None else case.fault.body
    return _finish(case.entry, case.fault.status or 200, text)


async def _hang_up(case: _Case) -> web.StreamResponse:
    status, text = _true_or_made_up(case)
    response = _finish(case.entry, status, text)
    await response.prepare(case.request)
    await response.write_eof()
    if case.request.transport is not None:
        case.request.transport.close()
    return response


async def _truncate(case: _Case) -> web.StreamResponse:
    status, text = _true_or_made_up(case)
    body = text.encode("utf-8")
    half = body[: len(body) // 2]
    case.entry.close(status, half.decode("utf-8", "replace"))
    response = web.StreamResponse(status=status, headers={"Content-Type": JSON_TYPE})
    if case.fault.chunked:
        response.enable_chunked_encoding()
    else:
        response.content_length = len(body)
    await response.prepare(case.request)
    await response.write(half)
    if case.request.transport is not None:
        case.request.transport.close()
    return response


async def _drip(case: _Case) -> web.StreamResponse:
    status, text = _true_or_made_up(case)
    body = text.encode("utf-8")
    case.entry.close(status, text)
    response = web.StreamResponse(status=status, headers={"Content-Type": JSON_TYPE})
    response.content_length = len(body)
    await response.prepare(case.request)
    for byte in body:
        try:
            await response.write(bytes((byte,)))
        except ConnectionError:
            break
        await asyncio.sleep(case.fault.seconds or 0.0)
    return response


async def _bad_gzip(case: _Case) -> web.StreamResponse:
    status, text = _true_or_made_up(case)
    return _finish(case.entry, status, text, Content_Encoding="gzip")


async def _big_header(case: _Case) -> web.StreamResponse:
    status, text = _true_or_made_up(case)
    return _finish(case.entry, status, text, X_Padding="x" * (case.fault.size or 0))


async def _big_body(case: _Case) -> web.StreamResponse:
    size = max(case.fault.size or 0, 2)
    status = case.fault.status if case.answer is None else case.answer.status
    case.entry.close(status, None)
    response = web.StreamResponse(status=status or 202, headers={"Content-Type": JSON_TYPE})
    response.content_length = size
    await response.prepare(case.request)
    await _write_quietly(response, b'"')
    left = size - 2
    while left > 0 and await _write_quietly(response, b"x" * min(left, _BLOCK)):
        left -= _BLOCK
    await _write_quietly(response, b'"')
    return response


async def _gzip_bomb(case: _Case) -> web.StreamResponse:
    status = case.fault.status if case.answer is None else case.answer.status
    case.entry.close(status, None)
    headers = {"Content-Type": JSON_TYPE, "Content-Encoding": "gzip"}
    response = web.StreamResponse(status=status or 202, headers=headers)
    response.enable_chunked_encoding()
    await response.prepare(case.request)
    gzip = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    left = case.fault.size or 0
    while left > 0 and await _write_quietly(response, gzip.compress(b" " * min(left, _BLOCK))):
        left -= _BLOCK
    await _write_quietly(response, gzip.flush())
    return response


async def _write_quietly(response: web.StreamResponse, data: bytes) -> bool:
    """Writes; returns whether the client is still there, which a client that defends itself will not be."""
    try:
        if data:
            await response.write(data)
    except ConnectionError:
        return False
    return True


_Act = Callable[[_Case], Awaitable[web.StreamResponse | None]]

_ACTS: Final[dict[str, _Act]] = {
    **dict.fromkeys(OPERATION_OF, _nothing_more),
    "bad_gzip": _bad_gzip,
    "big_body": _big_body,
    "big_header": _big_header,
    "delay": _delay,
    "drip": _drip,
    "empty": _empty,
    "gzip_bomb": _gzip_bomb,
    "hang_up": _hang_up,
    "html": _html,
    "not_success": _not_success,
    "other_shape": _other_shape,
    "redirect": _status,
    "reset": _reset,
    "silence": _silence,
    "status": _status,
    "truncate": _truncate,
}
