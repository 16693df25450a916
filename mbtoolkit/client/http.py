"""`AsyncClient` and `Client` move bytes; what bytes mean is decided in `answers`, when to send again in `retries`.

The synchronous client is the asynchronous one on an event loop in a thread of its own, so it works the same in a
script, in a notebook cell (where a loop is running already) and in a thread.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx

from mbtoolkit.client.addresses import DEFAULT_BASE_URL
from mbtoolkit.client.answers import Answer, Outcome, judge, judge_batch, judge_status
from mbtoolkit.client.connections import Ask, Connections, StrayAnswerError, UnreadableAnswerError
from mbtoolkit.client.forking import after_fork
from mbtoolkit.client.login import Login, Validity, login_of
from mbtoolkit.client.retries import Attempts, Wait
from mbtoolkit.client.secret import Secret
from mbtoolkit.client.settings import Settings, settings_from_env
from mbtoolkit.errors import SettingsError, UsageError
from mbtoolkit.version import __version__

_USER_AGENT: Final = f"mbtoolkit/{__version__}"

_log = logging.getLogger("mbtoolkit")

T = TypeVar("T")
Attempt = Callable[[], Awaitable[Outcome]]
"""Makes one request."""


class AsyncClient:
    """A client for use with `await`; a context manager.

    Args:
        base_url: of the CRM; https (to any host, one of a private network too), or http to this machine.
        token: the Bearer token; it shows in no repr, log or traceback. Empty for one who logs in.
        user_name: of the account, to log in with: tokens are then asked for, and renewed, when they are needed.
        password: of the account; it and the next show no more than a token does.
        private_token: of the account, from the CRM's own pages.
        token_url: the whole address of the token operation, which is not documented; https, or http to this machine.
        validity: how long a token of the login is to hold.
        list_id: uuid of the list for contacts that name none.
        timeout_seconds: for one attempt, from connecting to the last byte of the answer.
        attempts: how often one contact is sent at the most, where sending again is safe.
        outage_seconds: how long a run of many contacts waits for a CRM that can't be reached any more, or is out of
            order, before it ends.
        transport: an httpx transport (for a proxy, say) instead of the default; environment proxies are not used. Each
            request then has a connection of its own (`Connection: close`).

    Raises:
        SettingsError: one of these can't work; nothing was sent.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_BASE_URL,
        token: str | Secret = "",
        *,
        user_name: str | None = None,
        password: str | Secret | None = None,
        private_token: str | Secret | None = None,
        token_url: str | None = None,
        validity: Validity = "Default",
        list_id: str | None = None,
        timeout_seconds: float = 30.0,
        attempts: int = 4,
        outage_seconds: float = 300.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        # Before anything can raise: tracebacks show what the names of a frame hold.
        token, password, private_token = Secret.of(token), Secret.given(password), Secret.given(private_token)
        self._begin(
            Settings(
                base_url=base_url,
                token=token,
                login=login_of(user_name, password, private_token, token_url, validity),
                list_id=list_id,
                timeout_seconds=timeout_seconds,
                attempts=attempts,
                outage_seconds=outage_seconds,
                user_agent=_USER_AGENT,
                transport=transport,
            )
        )

    def _begin(self, settings: Settings) -> None:
        self.settings = settings
        self._connections = Connections(settings)
        self._jitter = random.Random()  # noqa: S311 - spreads waits, guards nothing

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """A client with the settings of another one, and connections of its own; a login and its token are shared."""
        client = cls.__new__(cls)
        client._begin(settings)  # noqa: SLF001 - its own
        return client

    @classmethod
    def from_env(cls, **options: Any) -> Self:
        """A client told by MBTOOLKIT_BASE_URL, MBTOOLKIT_TOKEN and MBTOOLKIT_LIST_ID; `options` go before them.

        Where there is no token, MBTOOLKIT_USER_NAME, MBTOOLKIT_PASSWORD, MBTOOLKIT_PRIVATE_TOKEN and
        MBTOOLKIT_TOKEN_URL are the login.

        Raises:
            SettingsError: there is neither a token nor a login, or one of them can't work.
        """
        return cls(**settings_from_env(options))

    async def send(self, body: bytes, *, resend_is_safe: bool = True) -> Outcome:
        """Sends one body as it is, again where that is safe and useful, and says what became of it.

        No rule is applied here, and no answer raises: `upsert_contact` and `upsert_contacts` are the ways that judge a
        contact first.

        Args:
            body: a JSON body of the single upsert operation, such as `build_payloads` makes.
            resend_is_safe: whether the body names its contact by an identifier.
        """
        tries = Attempts(self.settings.attempts, resend_is_safe=resend_is_safe, jitter=self._jitter)
        wait: Wait | None = Wait(0)
        while wait is not None:
            await asyncio.sleep(wait.seconds)
            wait = tries.hear(await self.attempt(body))
        return tries.outcome

    async def attempt(self, body: bytes) -> Outcome:
        """Makes one request of the single upsert and says what became of it; no answer raises.

        Args:
            body: a JSON body of the operation.
        """
        heard = await self._exchange(Ask("POST", self.settings.insert_update_url, body))
        return judge(heard) if isinstance(heard, Answer) else heard

    async def attempt_batch(self, body: bytes) -> Outcome:
        """Makes one request of the batch upsert and says what became of it; no answer raises.

        A batch that is taken in comes back as "accepted" with its `batch_id`. It is worked on later: `attempt_status`
        tells how far it is.

        Args:
            body: a JSON body of the operation; at most 1,000 contacts.
        """
        heard = await self._exchange(Ask("POST", self.settings.batch_url, body))
        return judge_batch(heard) if isinstance(heard, Answer) else heard

    async def attempt_status(self, batch_id: str) -> Outcome:
        """Asks once how far a batch is; no answer raises. What was told stands in `Outcome.batch`.

        Asking changes nothing in the CRM, so after any outcome it may be asked again.

        Args:
            batch_id: as the batch operation told it.

        Raises:
            UsageError: the id is blank.
        """
        if not isinstance(batch_id, str) or not batch_id.strip():
            msg = "attempt_status takes the id of a batch, as attempt_batch tells it in .batch_id"
            raise UsageError(msg)
        heard = await self._exchange(Ask("GET", self.settings.status_url(batch_id)))
        return judge_status(heard, batch_id) if isinstance(heard, Answer) else replace(heard, batch_id=batch_id)

    async def _exchange(self, ask: Ask) -> Answer | Outcome:
        """One request and its whole answer, or what went wrong on the way. With a login a 401 renews the token once."""
        login = self.settings.login
        if login is None:
            return await self._once(ask, self.settings.token)
        token = await login.token(partial(self._log_in, login))
        if isinstance(token, Outcome):
            return token
        heard = await self._once(ask, token)
        if isinstance(heard, Outcome) or heard.status != 401:
            return heard
        newer = await login.token(partial(self._log_in, login), refused=token)
        return newer if isinstance(newer, Outcome) else await self._once(ask, newer)

    async def _log_in(self, login: Login) -> Answer | Outcome:
        """One request of the token operation; it knows no token yet."""
        return await self._once(Ask("POST", login.token_url, login.body()), None)

    async def _once(self, ask: Ask, token: Secret | None) -> Answer | Outcome:
        """One request and its whole answer, or what went wrong on the way; nothing is raised but a cancellation.

        Args:
            ask: the request.
            token: says who asks; None for the login.
        """
        try:
            async with asyncio.timeout(self.settings.timeout_seconds):
                return await self._connections.exchange(ask, token)
        except asyncio.CancelledError as error:
            raise error.with_traceback(None) from None  # the frames below hold the token and the body
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            return Outcome("not_sent", code="no_connection", message=f"no connection to the CRM ({_cause(error)})")
        except (TimeoutError, httpx.TimeoutException):
            seconds = f"{self.settings.timeout_seconds:g}"
            return Outcome("unknown", code="timeout", message=f"no whole answer within {seconds} seconds")
        except (httpx.TransportError, OSError) as error:
            return _lost(error)
        except UnreadableAnswerError as error:
            return Outcome("unknown", error.status, "unreadable_answer", str(error))
        except StrayAnswerError as error:
            return Outcome("unknown", error.status, "stray_answer", str(error))
        except Exception as error:  # noqa: BLE001 - of a transport that may raise anything, also after it has sent
            # Its text is left out: it may quote what was sent.
            where = "".join(traceback.format_tb(error.__traceback__))
            _log.warning("the transport failed with %s, which is no error of httpx's\n%s", type(error).__name__, where)
            return _lost(error)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._connections.aclose()

    async def __aenter__(self) -> Self:
        """The client."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the connections."""
        await self.aclose()

    def __repr__(self) -> str:
        """Where it sends to; no token."""
        return _shown(self)


def _shown(client: AsyncClient | Client) -> str:
    """A client's repr, also of one that was refused half-way through its making."""
    settings = getattr(client, "settings", None)
    return f"{type(client).__name__}({settings.base_url!r})" if settings else f"<{type(client).__name__}, not made>"


def _lost(error: Exception) -> Outcome:
    return Outcome("unknown", code="connection_lost", message=f"the connection was lost ({type(error).__name__})")


def _cause(error: Exception) -> str:
    return str(error) or type(error).__name__


class Client:
    """A client for use without `await`; a context manager. Arguments, methods and errors are `AsyncClient`'s."""

    def __init__(
        self,
        base_url: str = DEFAULT_BASE_URL,
        token: str | Secret = "",
        *,
        user_name: str | None = None,
        password: str | Secret | None = None,
        private_token: str | Secret | None = None,
        token_url: str | None = None,
        validity: Validity = "Default",
        list_id: str | None = None,
        timeout_seconds: float = 30.0,
        attempts: int = 4,
        outage_seconds: float = 300.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        # Before anything can raise: tracebacks show what the names of a frame hold.
        token, password, private_token = Secret.of(token), Secret.given(password), Secret.given(private_token)
        self._begin(
            AsyncClient(
                base_url,
                token,
                user_name=user_name,
                password=password,
                private_token=private_token,
                token_url=token_url,
                validity=validity,
                list_id=list_id,
                timeout_seconds=timeout_seconds,
                attempts=attempts,
                outage_seconds=outage_seconds,
                transport=transport,
            )
        )

    def _begin(self, inner: AsyncClient) -> None:
        self._inner = inner
        self._closed = False
        self.begin_again()
        after_fork(self)

    def begin_again(self) -> None:
        """Forgets the thread, which a fork leaves in the parent; the next request starts another one."""
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """A client with the settings of another one, and connections of its own; a login and its token are shared."""
        client = cls.__new__(cls)
        client._begin(AsyncClient.from_settings(settings))  # noqa: SLF001 - its own
        return client

    @classmethod
    def from_env(cls, **options: Any) -> Self:
        """A client told by MBTOOLKIT_BASE_URL, MBTOOLKIT_TOKEN and MBTOOLKIT_LIST_ID; `options` go before them.

        Where there is no token, MBTOOLKIT_USER_NAME, MBTOOLKIT_PASSWORD, MBTOOLKIT_PRIVATE_TOKEN and
        MBTOOLKIT_TOKEN_URL are the login.

        Raises:
            SettingsError: there is neither a token nor a login, or one of them can't work.
        """
        return cls(**settings_from_env(options))

    @property
    def settings(self) -> Settings:
        """What the client was told."""
        return self._inner.settings

    def send(self, body: bytes, *, resend_is_safe: bool = True) -> Outcome:
        """Sends one body as it is and says what became of it; see `AsyncClient.send`."""
        return self._run(self._inner.send(body, resend_is_safe=resend_is_safe))

    def attempt(self, body: bytes) -> Outcome:
        """Makes one request of the single upsert; see `AsyncClient.attempt`."""
        return self._run(self._inner.attempt(body))

    def attempt_batch(self, body: bytes) -> Outcome:
        """Makes one request of the batch upsert; see `AsyncClient.attempt_batch`."""
        return self._run(self._inner.attempt_batch(body))

    def attempt_status(self, batch_id: str) -> Outcome:
        """Asks once how far a batch is; see `AsyncClient.attempt_status`.

        Raises:
            UsageError: the id is blank.
        """
        return self._run(self._inner.attempt_status(batch_id))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine on the client's own loop. Raises: what it raises; SettingsError if the client is closed."""
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._started())
        except BaseException:
            work.close()
            raise
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._closed:
                msg = "this client is closed; make a new one"
                raise SettingsError(msg)
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="mbtoolkit-client", daemon=True).start()
            return self._loop

    def close(self) -> None:
        """Closes the connections and ends the thread."""
        with self._lock:
            loop, self._loop, self._closed = self._loop, None, True
        if loop is not None:
            asyncio.run_coroutine_threadsafe(self._inner.aclose(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            while loop.is_running():
                threading.Event().wait(0.001)
            loop.close()

    def __enter__(self) -> Self:
        """The client."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the connections."""
        self.close()

    def __repr__(self) -> str:
        """Where it sends to; no token."""
        return _shown(self)
