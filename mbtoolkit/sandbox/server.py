"""The sandbox's HTTP side: which request goes where, who may send it, and what is recorded of it.

aiohttp's low-level server is used without an application: a dozen paths need no router, and a single dispatch function
keeps the cost of a request low.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Final

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage

from mbtoolkit.sandbox import openapi, page
from mbtoolkit.sandbox.answers import Answer, Refusal, data_answer, encode, refused, stored
from mbtoolkit.sandbox.batching import Batches
from mbtoolkit.sandbox.bodies import MAX_BODY_BYTES, read_contact, read_object
from mbtoolkit.sandbox.faults import Fault, FaultScript, ScriptedFault, read_fault
from mbtoolkit.sandbox.limits import Limiter, retry_after_text
from mbtoolkit.sandbox.misbehaving import commit_fault, respond
from mbtoolkit.sandbox.paths import BATCH_PATH, CRM_PATHS, STATUS_PATH, TOKEN_PATH, UPSERT_PATH, batch_id_in
from mbtoolkit.sandbox.records import Entry, RequestLog, UpsertLog
from mbtoolkit.sandbox.settings import Settings
from mbtoolkit.sandbox.store import Store
from mbtoolkit.sandbox.tokens import Tokens
from mbtoolkit.sandbox.upserting import upsert

FAULTS_PATH: Final = "/sandbox/faults"
STATE_PATH: Final = "/sandbox/state.json"
OPENAPI_PATH: Final = "/openapi.json"
PAGE_PATH: Final = "/"

_Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class _Operation:
    """One operation of the CRM.

    Attributes:
        path: as documented.
        admit: refuses who is not let in.
        work: does what is asked for; it is given the body, the record, and the fault that the request meets.
        success: its success code.
        max_bytes: the largest body it takes.
        keeps_bodies: whether its bodies may be recorded.
    """

    path: str
    admit: Callable[[web.BaseRequest], None]
    work: Callable[[bytes, Entry, Fault | None], Answer]
    success: int = 202
    max_bytes: int = MAX_BODY_BYTES
    keeps_bodies: bool = True


class Service:
    """Answers requests. Everything in it runs on one event loop's thread."""

    def __init__(self, settings: Settings) -> None:
        """Opens the store.

        Raises:
            ValueError: the file can't be used.
        """
        self.settings = settings
        self.tokens = Tokens(settings.token, settings.credentials)
        self.log = RequestLog(settings.max_requests_kept)
        self.upserts = UpsertLog(settings.max_upserts_kept)
        self.faults = FaultScript()
        self.hosts: frozenset[str] = frozenset()
        self._behaviour = settings.behaviour
        self._limiter = Limiter(settings.limits, settings.behaviour.limit_window)
        self._page = page.load()
        self._operations = self._make_operations()
        self._routes = self._make_routes()
        self._openapi = encode(self._document())
        # Last: what is opened has to be closed, and nothing may fail in between.
        self.store = Store(settings.db, lists=settings.lists, properties=settings.properties)
        self.batches = Batches(self.store, self.upserts, settings.behaviour, settings.batch_delay_seconds)

    async def close(self) -> None:
        """Drops the batches that have not been worked on, and closes the store."""
        await self.batches.close()
        self.store.close()

    def make_request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        """A request whose body is read up to the sandbox's limit; what aiohttp calls a request factory."""
        loop = asyncio.get_running_loop()
        limit = self.settings.max_batch_bytes if message.path.startswith(BATCH_PATH) else MAX_BODY_BYTES
        return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=limit)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answers one request."""
        if request.headers.get("Host", "").lower() not in self.hosts:
            # A page elsewhere can point a name of its own at this machine; the Host header gives it away.
            return respond(refused(Refusal(421, "The Host header does not name this sandbox.")))
        path = request.raw_path.partition("?")[0]
        methods = self._routes.get(path)
        if methods is None and batch_id_in(path) is not None:
            methods = self._routes[STATUS_PATH]
        if methods is None:
            return respond(refused(Refusal(404, "There is no such operation.")))
        handler = methods.get(request.method)
        if handler is not None:
            return await handler(request)
        allow = ", ".join(methods)
        answer = refused(Refusal(405, f"The method must be {allow}.", headers={"Allow": allow}))
        if path in CRM_PATHS or batch_id_in(path) is not None:
            self.log.begin(request.method, path).close(answer.status, answer.text)
        return respond(answer)

    def _document(self) -> dict[str, object]:
        success = self._operations[BATCH_PATH].success
        return openapi.document(with_faults=self.settings.faults, batch_success=success)

    def _make_operations(self) -> Mapping[str, _Operation]:
        batch_success = 202 if self._behaviour.batch_success == "status_202" else 200
        return {
            UPSERT_PATH: _Operation(UPSERT_PATH, self._admit_contact, self._work_upsert),
            BATCH_PATH: _Operation(
                BATCH_PATH,
                self._admit_contact,
                self._work_batch,
                success=batch_success,
                max_bytes=self.settings.max_batch_bytes,
            ),
            STATUS_PATH: _Operation(STATUS_PATH, self._admit_caller, self._work_status, success=200),
            TOKEN_PATH: _Operation(TOKEN_PATH, self._admit_anyone, self._work_token, keeps_bodies=False),
        }

    def _make_routes(self) -> Mapping[str, Mapping[str, _Handler]]:
        def crm(path: str) -> _Handler:
            operation = self._operations[path]
            return lambda request: self._exchange(request, operation)

        routes: dict[str, dict[str, _Handler]] = {
            UPSERT_PATH: {"POST": crm(UPSERT_PATH)},
            BATCH_PATH: {"POST": crm(BATCH_PATH)},
            STATUS_PATH: {"GET": crm(STATUS_PATH)},
            TOKEN_PATH: {"POST": crm(TOKEN_PATH)},
            OPENAPI_PATH: {"GET": self._get_openapi},
            STATE_PATH: {"GET": self._get_state},
            PAGE_PATH: {"GET": self._get_page},
        }
        if self.settings.faults:
            routes[FAULTS_PATH] = {
                "GET": self._get_faults,
                "POST": self._post_faults,
                "DELETE": self._delete_faults,
            }
        return routes

    # The operations of the CRM

    async def _exchange(self, request: web.BaseRequest, operation: _Operation) -> web.StreamResponse:
        """One request on an operation of the CRM, from its record to its answer or fault."""
        entry = self.log.begin(request.method, request.raw_path.partition("?")[0])
        try:
            return await self._converse(request, entry, operation)
        except Refusal as refusal:
            return self._send(entry, operation, refused(refusal))
        except ConnectionError:
            # The client has gone before its request was complete; nobody is left to be answered.
            entry.close(None, None)
            return web.Response()

    async def _converse(self, request: web.BaseRequest, entry: Entry, operation: _Operation) -> web.StreamResponse:
        """Refuses, misbehaves or works.

        Raises:
            Refusal: the request is not let in, or its body is too large or broken.
            ConnectionError: the client has gone.
        """
        operation.admit(request)
        fault = self._take_fault(entry, operation, None, early=True)
        if fault is not None:
            if fault.phase == "during_body":
                await request.content.readany()
            response = await commit_fault(fault, request, entry, None)
            if response is not None:
                return response
        raw = await _read_body(request, operation.max_bytes)
        text = raw.decode("utf-8", "replace")
        if operation.keeps_bodies:
            entry.body = text
        if fault is None:
            fault = self._take_fault(entry, operation, text, early=False)
        if fault is not None and fault.phase == "before_commit":
            response = await commit_fault(fault, request, entry, None)
            if response is not None:
                return response
        answer = self._carry_out(operation, entry, raw, fault)
        if fault is not None and fault.phase == "after_commit":
            response = await commit_fault(fault, request, entry, answer)
            if response is not None:
                return response
        return self._send(entry, operation, answer)

    def _carry_out(self, operation: _Operation, entry: Entry, raw: bytes, fault: Fault | None) -> Answer:
        try:
            answer = operation.work(raw, entry, fault)
        except Refusal as refusal:
            inside = refusal.status == 422 and self._behaviour.refusals == "inside_202"
            return refused(refusal, http_status=operation.success if inside else None)
        entry.contact_id = answer.contact_id
        entry.batch_id = answer.batch_id
        entry.applied = answer.applied
        return answer

    def _send(self, entry: Entry, operation: _Operation, answer: Answer) -> web.StreamResponse:
        shown = operation.keeps_bodies or answer.status >= 400
        entry.close(answer.status, answer.text if shown else None)
        return respond(answer)

    def _take_fault(self, entry: Entry, operation: _Operation, body: str | None, *, early: bool) -> Fault | None:
        fault = self.faults.take(operation.path, entry.path, body, early=early)
        if fault is not None:
            entry.fault = fault.name
        return fault

    def _admit_contact(self, request: web.BaseRequest) -> None:
        """Lets a contact operation with a body in. A batch is one request.

        Raises:
            Refusal: 401 for the token, 429 for the account's limits, 415 for the content type.
        """
        self._admit_caller(request)
        _check_content_type(request)

    def _admit_caller(self, request: web.BaseRequest) -> None:
        """Lets a contact operation in.

        Raises:
            Refusal: 401 for the token, 429 for the account's limits.
        """
        token = self.tokens.recognise(request.headers.get("Authorization"))
        wait = self._limiter.admit(token)
        if wait is not None:
            given = self._behaviour.retry_after == "given"
            headers = {"Retry-After": retry_after_text(wait)} if given else {}
            raise Refusal(429, "Too many requests for this token.", headers=headers)

    def _admit_anyone(self, request: web.BaseRequest) -> None:
        """Lets a token request in.

        Raises:
            Refusal: 415 for the content type.
        """
        _check_content_type(request)

    def _work_upsert(self, raw: bytes, entry: Entry, fault: Fault | None) -> Answer:
        """Stores a contact.

        Raises:
            Refusal: 400, 409 or 422.
        """
        done = upsert(read_contact(read_object(raw), self._behaviour), self.store, self._behaviour)
        self.upserts.note(entry.seq, done.contact_id, done.outcome, entry.body)
        return stored(done.contact_id, done.invalid_properties)

    def _work_batch(self, raw: bytes, entry: Entry, fault: Fault | None) -> Answer:
        """Takes a batch in.

        Raises:
            Refusal: 400, 422, or the status set for refused batches.
        """
        return self.batches.take_in(read_object(raw), entry, fault)

    def _work_status(self, raw: bytes, entry: Entry, fault: Fault | None) -> Answer:
        """Tells how far a batch is.

        Raises:
            Refusal: 422 or 404; there is no such batch.
        """
        return self.batches.status(batch_id_in(entry.path) or "", fault)

    def _work_token(self, raw: bytes, entry: Entry, fault: Fault | None) -> Answer:
        """Grants a token.

        Raises:
            Refusal: 400, 401 or 422.
        """
        return self.tokens.grant(read_object(raw))

    # The sandbox's own operations

    async def _get_openapi(self, request: web.BaseRequest) -> web.StreamResponse:
        return respond(Answer(200, self._openapi))

    async def _get_page(self, request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=self._page.body, headers=self._page.headers)

    async def _get_state(self, request: web.BaseRequest) -> web.StreamResponse:
        if not page.may_read(request.headers.get("Authorization"), self.settings.page_key, self.tokens):
            return respond(refused(_needs_key()))
        text = encode(page.state(self.store, self.log, self.upserts, self.batches, self.faults))
        return respond(Answer(200, text, headers={"Cache-Control": "no-store", **page.GUARDS}))

    async def _get_faults(self, request: web.BaseRequest) -> web.StreamResponse:
        return self._control(request, lambda: data_answer(200, "Scripted.", _listed(self.faults.scripted())))

    async def _delete_faults(self, request: web.BaseRequest) -> web.StreamResponse:
        return self._control(request, lambda: data_answer(200, "Taken out.", {"removed": self.faults.clear()}))

    async def _post_faults(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            if not self.tokens.owns(request.headers.get("Authorization")):
                raise _needs_key()
            _check_content_type(request)
            fault = read_fault(read_object(await _read_body(request, MAX_BODY_BYTES)))
        except Refusal as refusal:
            return respond(refused(refusal))
        except ConnectionError:
            return web.Response()
        except ValueError as error:
            return respond(refused(Refusal(422, str(error))))
        return respond(data_answer(201, "Scripted.", {"scripted": self.faults.add(fault), "name": fault.name}))

    def _control(self, request: web.BaseRequest, work: Callable[[], Answer]) -> web.StreamResponse:
        if not self.tokens.owns(request.headers.get("Authorization")):
            return respond(refused(_needs_key()))
        return respond(work())


def _listed(scripted: list[ScriptedFault]) -> list[dict[str, object]]:
    return [
        {"name": one.fault.name, "seen": one.seen, "committed": one.committed, "fault": asdict(one.fault)}
        for one in scripted
    ]


def _needs_key() -> Refusal:
    return Refusal(401, "The sandbox's own token is needed.", headers={"WWW-Authenticate": "Bearer"})


def _check_content_type(request: web.BaseRequest) -> None:
    """Refuses what does not say it is plain JSON in UTF-8.

    Raises:
        Refusal: 415.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Refusal(415, "The body must come without a Content-Encoding.")
    given = request.headers.get("Content-Type", "")
    if given == "application/json":
        return
    media_type, _, parameters = given.partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if media_type.strip().lower() != "application/json" or charset not in ("", "utf-8"):
        raise Refusal(415, "The Content-Type must be application/json, in UTF-8.")


async def _read_body(request: web.BaseRequest, max_bytes: int) -> bytes:
    """The whole body.

    Args:
        request: made with this limit.
        max_bytes: the limit.

    Raises:
        Refusal: 413 for its size, 400 for a broken transfer coding.
        ConnectionError: the client has gone.
    """
    too_large = f"The body is larger than {max_bytes} bytes."
    if (request.content_length or 0) > max_bytes:
        raise Refusal(413, too_large)
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Refusal(413, too_large) from None
    except web.RequestPayloadError:
        raise Refusal(400, "The body can't be decoded.") from None
