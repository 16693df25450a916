"""Logging in: who asks for tokens, the token that is good now, and one renewal for everyone who needs it.

A `Login` is shared by all clients of an account, in whatever threads and event loops they run: a run has a client of
its own in a thread of its own, and must not log in again while the token is good. So its state is behind a lock that is
held for a moment only, and who waits for a renewal waits for a future of `concurrent.futures`, as any loop can.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from math import inf
from typing import Final, Literal, get_args

from mbtoolkit.client.addresses import checked_token_url
from mbtoolkit.client.answers import Answer, Outcome
from mbtoolkit.client.forking import after_fork
from mbtoolkit.client.grants import Grant, read_grant
from mbtoolkit.client.secret import Secret
from mbtoolkit.errors import SettingsError

Validity = Literal["Default", "ShortLive", "LongLive"]
"""How long a token is to hold; only the first is documented with a number (120 minutes)."""

MARGIN_SECONDS: Final = 60.0
MARGIN_SHARE: Final = 0.1
"""A token is renewed when less than both of these, seconds and share of its lifetime, is left."""

WAITS_SECONDS: Final = (0.5, 1.0, 2.0)
"""Waits between the tries of one renewal; so there are four."""

_LOOK_SECONDS: Final = 1.0
"""How often one who waits looks whether the one who asks is still there."""

Ask = Callable[[], Awaitable[Answer | Outcome]]
"""Makes one request of the token operation."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A token and its moments, on the login's clock; `inf` where nothing is known."""

    token: Secret
    renew_at: float
    expires_at: float


@dataclass(frozen=True, slots=True, eq=False)
class _Renewal:
    """A renewal that somebody makes. Its future holds what became of it; None where it was given up."""

    loop: asyncio.AbstractEventLoop
    heard: Future[Secret | Outcome | None] = field(default_factory=Future)

    def __post_init__(self) -> None:
        """Marks the future as running: one who is cancelled while waiting must not cancel it for the others."""
        self.heard.set_running_or_notify_cancel()

    @property
    def is_alive(self) -> bool:
        """Whether it can still end. A client that is closed takes its loop, and whoever asks on it, along."""
        return self.heard.done() or self.loop.is_running()

    async def wait(self) -> Secret | Outcome | None:
        """What became of it; None where it was given up."""
        mine = asyncio.wrap_future(self.heard)
        try:
            while not mine.done() and self.is_alive:
                await asyncio.wait([mine], timeout=_LOOK_SECONDS)
            return mine.result() if mine.done() else None
        finally:
            mine.cancel()


class Login:
    """Credentials, and the token that they brought. It shows neither.

    Args:
        user_name: of the account.
        password: of the account.
        private_token: of the account, from the CRM's own pages.
        token_url: the whole address of the token operation; https, or http to this machine. No page prints the CRM's.
        validity: how long a token is to hold.
        clock: seconds, on a clock that never jumps, so that setting the computer's clock does not matter.
        waits_seconds: between the tries of one renewal.

    Raises:
        SettingsError: one of these can't work.
    """

    def __init__(
        self,
        user_name: str,
        password: str | Secret,
        private_token: str | Secret,
        token_url: str,
        *,
        validity: Validity = "Default",
        clock: Callable[[], float] = time.monotonic,
        waits_seconds: tuple[float, ...] = WAITS_SECONDS,
    ) -> None:
        password, private_token = Secret.of(password), Secret.of(private_token)  # before anything can raise
        _check(user_name, password, private_token, validity)
        self.user_name = user_name
        self.token_url = checked_token_url(token_url)
        self.validity = validity
        self._password = password
        self._private_token = private_token
        self._clock = clock
        self._waits_seconds = waits_seconds
        self._held: _Held | None = None
        self.begin_again()
        after_fork(self)

    def begin_again(self) -> None:
        """Forgets the renewal that is under way, which a fork leaves in the parent; the token stays."""
        self._lock = threading.RLock()  # the end of a renewal whose loop is gone may come from within, by the collector
        self._renewal: _Renewal | None = None

    def body(self) -> bytes:
        """The JSON body of the token operation. Source: MainBrainer's public pages, token."""
        return json.dumps(
            {
                "userName": self.user_name,
                "password": self._password.reveal(),
                "privateToken": self._private_token.reveal(),
                "validity": self.validity,
            }
        ).encode()

    async def token(self, ask: Ask, refused: Secret | None = None) -> Secret | Outcome:
        """A token that is good, renewed where that is due; else why there is none.

        However many need a new one at once, in whatever thread: one of them asks, and the others wait for it. If that
        one is cancelled, another asks.

        Args:
            ask: makes one request of the token operation.
            refused: the token that the CRM answered with 401; None for one who has not tried.
        """
        while True:
            found = self._good_or_due(refused)
            if isinstance(found, Secret):
                return found
            renewal, is_mine = found
            heard = await (self._renew(renewal, ask) if is_mine else renewal.wait())
            if isinstance(heard, Outcome):
                return self._unexpired() or heard
            if heard is not None:
                return heard

    def _good_or_due(self, refused: Secret | None) -> Secret | tuple[_Renewal, bool]:
        """The token, if it is good; else the renewal to wait for, or (True) to make."""
        with self._lock:
            now = self._clock()
            if self._held is not None and self._held.token is refused:
                self._held = None
            going = self._renewal if self._renewal is not None and self._renewal.is_alive else None
            good_until = -inf if self._held is None else self._held.expires_at if going else self._held.renew_at
            if self._held is not None and now < good_until:
                return self._held.token
            if going is not None:
                return going, False
            self._renewal = _Renewal(asyncio.get_running_loop())
            return self._renewal, True

    def _unexpired(self) -> Secret | None:
        """The token, where it was to be renewed ahead of time and is still good."""
        with self._lock:
            return self._held.token if self._held is not None and self._clock() < self._held.expires_at else None

    async def _renew(self, renewal: _Renewal, ask: Ask) -> Secret | Outcome:
        heard: _Held | Outcome | None = None
        try:
            heard = await self._asked(ask)
            return heard.token if isinstance(heard, _Held) else heard
        finally:
            self._end(renewal, heard)

    def _end(self, renewal: _Renewal, heard: _Held | Outcome | None) -> None:
        """Keeps what a renewal brought, and tells everyone who waits for it; None where it was given up."""
        with self._lock:
            if self._renewal is renewal:
                self._renewal = None
                self._held = heard if isinstance(heard, _Held) else self._later(heard)
        renewal.heard.set_result(heard.token if isinstance(heard, _Held) else heard)

    def _later(self, heard: Outcome | None) -> _Held | None:
        """The token as it was; one that could not be renewed ahead of time is tried again halfway to its end."""
        held = self._held
        if held is None or heard is None or held.expires_at == inf:
            return held
        now = self._clock()
        return _Held(held.token, now + (held.expires_at - now) / 2, held.expires_at)

    async def _asked(self, ask: Ask) -> _Held | Outcome:
        """Asks for a token, again where that may help."""
        waits = iter(self._waits_seconds)
        while True:
            asked_at = self._clock()
            heard = read_grant(await ask(), (self._password, self._private_token))
            if isinstance(heard, Grant):
                return _held(heard, asked_at)
            wait_seconds = next(waits, None)
            if heard.kind == "stop" or wait_seconds is None:
                return heard
            await asyncio.sleep(wait_seconds)

    def __repr__(self) -> str:
        """Where it logs in; not who, and with what. Also of one that was refused half-way through its making."""
        token_url = getattr(self, "token_url", None)
        return f"<Login at {token_url}>" if token_url else "<Login, not made>"


def login_of(
    user_name: str | None,
    password: Secret | None,
    private_token: Secret | None,
    token_url: str | None,
    validity: Validity = "Default",
) -> Login | None:
    """The login that a client was told; None where it was told none.

    Raises:
        SettingsError: a part of it is missing, or can't work.
    """
    given = {"user_name": user_name, "password": password, "private_token": private_token, "token_url": token_url}
    missing = [name for name, value in given.items() if value is None]
    if len(missing) == len(given):
        return None
    if user_name is None or password is None or private_token is None or token_url is None:
        variables = ", ".join(f"MBTOOLKIT_{name.upper()}" for name in missing)
        msg = f"a login needs {', '.join(given)}; missing: {', '.join(missing)} (in the environment: {variables})"
        raise SettingsError(msg)
    return Login(user_name, password, private_token, token_url, validity=validity)


def _held(grant: Grant, asked_at: float) -> _Held:
    """The token with its moments, counted from when it was asked for: it can't have been issued earlier."""
    if grant.lifetime_seconds is None:
        return _Held(grant.token, inf, inf)
    expires_at = asked_at + grant.lifetime_seconds
    margin_seconds = min(MARGIN_SECONDS, MARGIN_SHARE * grant.lifetime_seconds)
    return _Held(grant.token, expires_at - margin_seconds, expires_at)


def _check(user_name: str, password: Secret, private_token: Secret, validity: str) -> None:
    """Raises: SettingsError, if one of them can't work; no secret is quoted."""
    texts = {"user_name": Secret.of(user_name), "password": password, "private_token": private_token}
    for name, secret in texts.items():
        problem = _problem(secret)
        if problem is not None:
            msg = f"{name} {problem}; give it to the client, or set MBTOOLKIT_{name.upper()}"
            raise SettingsError(msg)
    if validity not in get_args(Validity):
        msg = f"validity={validity!r}: it is one of {', '.join(get_args(Validity))}"
        raise SettingsError(msg)


def _problem(secret: Secret) -> str | None:
    text = secret.reveal()
    if not isinstance(text, str):
        return f"is text, not a {type(text).__name__}"
    return None if text.strip() else "is empty"
