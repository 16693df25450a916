"""The sandbox as a notebook or a test holds it: a server in a thread of its own, and what it recorded as frames."""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import polars as pl

from mbtoolkit.sandbox.behaviour import Behaviour
from mbtoolkit.sandbox.bodies import MAX_BATCH_BYTES
from mbtoolkit.sandbox.faults import Fault, FaultKind
from mbtoolkit.sandbox.frames import (
    applied_frame,
    batches_frame,
    contacts_frame,
    faults_frame,
    requests_frame,
    skipped_frame,
)
from mbtoolkit.sandbox.hosting import Host
from mbtoolkit.sandbox.limits import AccountName, RequestLimits, limits_named
from mbtoolkit.sandbox.settings import BATCH_DELAY_SECONDS, REQUESTS_KEPT, UPSERTS_KEPT, Settings
from mbtoolkit.sandbox.store import MEMORY
from mbtoolkit.sandbox.tokens import Credentials

if TYPE_CHECKING:
    from mbtoolkit.client import Client

_T = TypeVar("_T")

START_SECONDS: Final = 30.0
"""How long a start may take before it counts as failed."""


class Sandbox:
    """The CRM's twin on a real socket of this machine.

    Works from any thread, whether or not an event loop runs in it.

        with Sandbox() as crm:
            crm.base_url, crm.token
            crm.contacts()
    """

    def __init__(
        self,
        *,
        db: str | os.PathLike[str] = MEMORY,
        port: int = 0,
        token: str | None = None,
        limits: AccountName | RequestLimits | None = None,
        behaviour: Behaviour | None = None,
        lists: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        credentials: Credentials | None = None,
        faults: bool = True,
        max_requests_kept: int = REQUESTS_KEPT,
        max_upserts_kept: int = UPSERTS_KEPT,
        batch_delay_seconds: float = BATCH_DELAY_SECONDS,
        max_batch_bytes: int = MAX_BATCH_BYTES,
    ) -> None:
        """Prepares a sandbox; nothing listens until it is started.

        Args:
            db: ":memory:" or a file, which outlives the sandbox.
            port: 0 takes any free one.
            token: what the CRM operations take; None makes one up.
            limits: whose limits are kept; None for no limits, so that tests run at full speed.
            behaviour: what the CRM's documentation leaves open; None for the defaults.
            lists: name -> uuid of the known lists, in place of the default ones.
            properties: name -> uuid of the known properties, in place of the default ones.
            credentials: what the token operation takes; None makes them up.
            faults: whether faults can also be scripted over HTTP (`fail` works always).
            max_requests_kept: how many requests the record keeps.
            max_upserts_kept: how many lines `applied` and `skipped` keep together.
            batch_delay_seconds: how long a batch waits before it is worked on; `release_batches` ends the wait.
            max_batch_bytes: the largest body of a batch; beyond it 413.

        Raises:
            ValueError: an argument can't work.
        """
        self._settings = Settings(
            db=db,
            token=secrets.token_urlsafe(32) if token is None else token,
            limits=limits_named(limits),
            behaviour=behaviour or Behaviour(),
            lists=lists,
            properties=properties,
            credentials=credentials or Credentials(),
            faults=faults,
            max_requests_kept=max_requests_kept,
            max_upserts_kept=max_upserts_kept,
            batch_delay_seconds=batch_delay_seconds,
            max_batch_bytes=max_batch_bytes,
        )
        self._port = port
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._host: Host | None = None
        self._process = os.getpid()

    def __repr__(self) -> str:
        host = getattr(self, "_host", None)  # it has none yet where an argument was refused
        return f"<Sandbox {host.base_url if host is not None else 'not running'}>"

    def __enter__(self) -> Self:
        """Starts it.

        Raises:
            ValueError: the file can't be used.
            OSError: the port is taken.
        """
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stops it."""
        self.stop()

    def start(self) -> Self:
        """Starts the server; one that runs already goes on.

        Raises:
            ValueError: the file can't be used.
            OSError: the port is taken.
            TimeoutError: it did not come up.
        """
        if self._thread is not None:
            return self
        self._process = os.getpid()
        ready: _Ready = _Ready()
        thread = threading.Thread(target=self._run, args=(ready,), name="mbtoolkit-sandbox", daemon=True)
        thread.start()
        if not ready.event.wait(START_SECONDS):
            msg = f"the sandbox did not start within {START_SECONDS:g} seconds"
            raise TimeoutError(msg)
        if ready.error is not None:
            thread.join()
            raise ready.error
        self._thread = thread
        return self

    def stop(self) -> None:
        """Stops the server; one that does not run stays so. A store in memory is gone then."""
        thread, loop, stop = self._thread, self._loop, self._stop
        if thread is None or loop is None or stop is None or self._is_elsewhere:
            return
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        self._thread = self._loop = self._stop = self._host = None

    @property
    def _is_elsewhere(self) -> bool:
        """Whether this is a fork of the process in which the server runs."""
        return self._process != os.getpid()

    @property
    def base_url(self) -> str:
        """Where it listens, such as "http://127.0.0.1:49152".

        Raises:
            RuntimeError: it is not running.
        """
        return self._running().base_url

    @property
    def page_url(self) -> str:
        """The page that shows it at work; the address holds a key that opens the page and nothing else.

        Raises:
            RuntimeError: it is not running.
        """
        return f"{self.base_url}/#key={self._settings.page_key}"

    @property
    def token(self) -> str:
        """The token that the CRM operations take."""
        return self._settings.token

    @property
    def credentials(self) -> Credentials:
        """What the token operation takes."""
        return self._settings.credentials

    @property
    def lists(self) -> dict[str, str]:
        """Name -> id of the known lists.

        Raises:
            RuntimeError: it is not running.
        """
        return self._ask(lambda host: dict(host.service.store.lists))

    @property
    def list_id(self) -> str:
        """The id of the first known list.

        Raises:
            RuntimeError: it is not running.
            LookupError: it knows no list.
        """
        first = next(iter(self.lists.values()), None)
        if first is None:
            msg = "this sandbox knows no list"
            raise LookupError(msg)
        return first

    @property
    def properties(self) -> dict[str, str]:
        """Name -> id of the known properties.

        Raises:
            RuntimeError: it is not running.
        """
        return self._ask(lambda host: {found.name: found.property_id for found in host.service.store.properties})

    def client(self, **options: Any) -> Client:
        """A client of this sandbox.

        Args:
            **options: handed on to `mbtoolkit.client.Client`.

        Raises:
            RuntimeError: it is not running.
        """
        # The one place where the sandbox knows the client side; late, so that a sandbox alone does not load it.
        from mbtoolkit.client import Client  # noqa: PLC0415

        return Client(self.base_url, self.token, **options)

    def contacts(self) -> pl.DataFrame:
        """What is stored, one line per contact, by contact_id.

        Returns:
            The columns of the contacts frame, `property:<name>` (String) for every property of the catalogue,
            created_at and updated_at (Datetime), and upserts (Int64): how many times one was applied to the contact.

        Raises:
            RuntimeError: it is not running.
        """
        return self._ask(lambda host: contacts_frame(host.service.store))

    def requests(self) -> pl.DataFrame:
        """What was received on the CRM's operations, in order; never a header, never a body of the token operation.

        Returns:
            seq, at, method, path, status (null where the connection was cut), contact_id, batch_id, applied (whether
            it was committed; of a batch: whether it was taken in), fault (its name, or null), body, answer (as sent,
            or null), duration_ms.

        Raises:
            RuntimeError: it is not running.
        """
        return self._ask(lambda host: requests_frame(host.service.log.entries()))

    def applied(self) -> pl.DataFrame:
        """Every application of a contact, in order: one line for each time that one was committed.

        By the single operation or in a batch; the same row sent and applied twice has two lines.

        Returns:
            seq (counts from 1, over the skipped ones too: a first one above 1 says that older lines were dropped), at,
            request (seq of the request that brought it), batch_id and position (from 0; both null for the single
            operation), contact_id, outcome ("inserted" or "updated"), payload (the contact as sent, as JSON text).

        Raises:
            RuntimeError: it is not running.
        """
        return self._ask(lambda host: applied_frame(host.service.upserts.lines()))

    def skipped(self) -> pl.DataFrame:
        """The contacts of batches that were worked on and not applied, in order.

        Returns:
            The columns of `applied` with reason (which the CRM would never tell) in place of outcome; contact_id is
            null where nobody knows it.

        Raises:
            RuntimeError: it is not running.
        """
        return self._ask(lambda host: skipped_frame(host.service.upserts.lines()))

    def batches(self) -> pl.DataFrame:
        """The batches that were taken in, in order.

        Returns:
            batch_id, request (seq of the request that brought it), received_at, ended_at (null until then), state,
            failure, contacts (how many it has), inserted, updated, skipped (how many so far), webhook_url, webhook_at,
            webhook_status, webhook_error (of the one call; all null where there was none).

        Raises:
            RuntimeError: it is not running.
        """
        return self._ask(lambda host: batches_frame(host.service.batches.all()))

    def release_batches(self) -> int:
        """Ends the delay of every batch that still waits. Returns how many there were.

        Raises:
            RuntimeError: it is not running.
        """
        return self._ask(lambda host: host.service.batches.release())

    def wait_for_batches(self, timeout_seconds: float = 30.0) -> None:
        """Waits until every batch has ended and its webhook was called; stuck ones are not waited for.

        Args:
            timeout_seconds: how long at most.

        Raises:
            TimeoutError: some have not ended by then.
            RuntimeError: it is not running.
        """
        self._await(lambda host: asyncio.wait_for(host.service.batches.settle(), timeout_seconds))

    def fail(self, fault: Fault | FaultKind, /, **settings: Any) -> Fault:
        """Adds a fault to the script: `crm.fail("reset", phase="after_commit", times=2)`.

        Args:
            fault: a `Fault`, or the kind of one.
            **settings: the attributes of `Fault`, where only its kind is given.

        Returns:
            The fault, with its defaults filled in.

        Raises:
            ValueError: the settings don't fit together.
            TypeError: there is no such setting, or a whole fault came with settings.
            RuntimeError: it is not running.
        """
        if isinstance(fault, Fault):
            if settings:
                msg = "a Fault takes no further settings"
                raise TypeError(msg)
            scripted = fault
        else:
            scripted = Fault(fault, **settings)
        self._ask(lambda host: host.service.faults.add(scripted))
        return scripted

    def faults(self) -> pl.DataFrame:
        """What is scripted, in order, and how often each fault was committed.

        Returns:
            fault (its name), seen (requests it was held against), committed, kind, phase, path, match, times, after,
            every.

        Raises:
            RuntimeError: it is not running.
        """
        return self._ask(lambda host: faults_frame(host.service.faults.scripted()))

    def clear_faults(self) -> int:
        """Takes all faults out. Returns how many there were.

        Raises:
            RuntimeError: it is not running.
        """
        return self._ask(lambda host: host.service.faults.clear())

    def revoke(self, token: str | None = None) -> None:
        """From now on a token is not known (401).

        Args:
            token: one that was granted; None for the sandbox's own.

        Raises:
            RuntimeError: it is not running.
        """
        self._ask(lambda host: host.service.tokens.revoke(self.token if token is None else token))

    def expire_tokens(self) -> int:
        """Every token that the token operation granted expires now. Returns how many there were.

        Raises:
            RuntimeError: it is not running.
        """
        return self._ask(lambda host: host.service.tokens.expire())

    def go_offline(self) -> None:
        """Refuses connections and cuts the open ones until `go_online`; what is stored stays.

        Raises:
            RuntimeError: it is not running.
        """
        self._await(lambda host: host.go_offline())

    def go_online(self) -> None:
        """Listens again, at the same address.

        Raises:
            RuntimeError: it is not running.
            OSError: the port was taken meanwhile.
        """
        self._await(lambda host: host.go_online())

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Offline for the length of a block.

        Raises:
            RuntimeError: it is not running.
        """
        self.go_offline()
        try:
            yield
        finally:
            self.go_online()

    def _running(self) -> Host:
        """The host.

        Raises:
            RuntimeError: it is not running.
        """
        if self._host is None:
            msg = "the sandbox is not running; start it with start() or in a with block"
            raise RuntimeError(msg)
        return self._host

    def _ask(self, question: Callable[[Host], _T]) -> _T:
        """What a function returns that runs in the server's thread, between two requests.

        Raises:
            RuntimeError: it is not running.
        """

        async def answer(host: Host) -> _T:
            return question(host)

        return self._await(answer)

    def _await(self, question: Callable[[Host], Awaitable[_T]]) -> _T:
        """The same for a coroutine function.

        Raises:
            RuntimeError: it is not running.
        """
        host, loop = self._running(), self._loop
        assert loop is not None
        if self._is_elsewhere:
            msg = (
                "the sandbox runs in the process that started it, and this one is a fork of that; a client reaches it"
                " from here, but ask it there what it recorded"
            )
            raise RuntimeError(msg)

        async def wait() -> _T:
            return await question(host)

        return asyncio.run_coroutine_threadsafe(wait(), loop).result()

    def _run(self, ready: _Ready) -> None:
        asyncio.run(self._serve(ready))

    async def _serve(self, ready: _Ready) -> None:
        """Runs the server until it is told to stop; an error at the start is handed to the thread that waits."""
        try:
            host = Host(self._settings)
            try:
                await host.open("127.0.0.1", self._port)
            except BaseException:
                await host.close()
                raise
        except Exception as error:  # noqa: BLE001 - handed to the thread that waits, which raises it
            ready.error = error
            ready.event.set()
            return
        self._host, self._loop, self._stop = host, asyncio.get_running_loop(), asyncio.Event()
        ready.event.set()
        await self._stop.wait()
        await host.close()


class _Ready:
    """Tells the thread that waits that the server is up, or why it is not."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.error: Exception | None = None
