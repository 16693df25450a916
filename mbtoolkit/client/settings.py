"""What a client is told: where the CRM is, and who asks."""

from __future__ import annotations

import hashlib
import ipaddress
import os
from dataclasses import dataclass
from typing import Any, Final, NoReturn
from urllib.parse import quote, urlsplit

import httpx

from mbtoolkit.contacts import is_uuid
from mbtoolkit.errors import SettingsError

DEFAULT_BASE_URL: Final = "https://apicrm.mainbrainer.com"
INSERT_UPDATE_PATH: Final = "/contacts/insertupdate"
BATCH_PATH: Final = "/contacts/batch"

BASE_URL_VARIABLE: Final = "MBTOOLKIT_BASE_URL"
TOKEN_VARIABLE: Final = "MBTOOLKIT_TOKEN"  # noqa: S105 - the variable's name
LIST_ID_VARIABLE: Final = "MBTOOLKIT_LIST_ID"


class Secret:
    """A text that shows itself to nobody who did not ask: not in repr, str, format, logs or pickles."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def of(cls, text: str | Secret) -> Secret:
        """The secret, if it is one; else one that holds the text."""
        return text if isinstance(text, Secret) else cls(text)

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        """Says that there is a secret, and no more."""
        return "<secret>"

    def __reduce__(self) -> NoReturn:
        """Raises: TypeError, always: a pickle is a file that others read."""
        msg = "a secret is not pickled; make the client anew, for example with Client.from_env()"
        raise TypeError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a client is told, checked.

    Attributes:
        base_url: without a slash at the end; https, or http to this machine.
        token: the Bearer token.
        list_id: the list for contacts that name none; None leaves them under "All contacts".
        timeout_seconds: for one attempt, from connecting to the last byte of the answer.
        attempts: how often one contact is sent at the most, where sending again is safe.
        outage_seconds: how long a run waits for a CRM that can't be reached any more, or is out of order.
        user_agent: what the CRM's logs call this client.
        transport: an httpx transport to use instead of the network's own.
    """

    base_url: str
    token: Secret
    list_id: str | None = None
    timeout_seconds: float = 30.0
    attempts: int = 4
    outage_seconds: float = 300.0
    user_agent: str = "mbtoolkit"
    transport: Any = None

    def __post_init__(self) -> None:
        """Raises: SettingsError, if one of them can't work."""
        object.__setattr__(self, "base_url", checked_base_url(self.base_url))
        problem = _token_problem(self.token)
        if problem is not None:
            raise SettingsError(problem)
        if self.list_id is not None and not is_uuid(self.list_id):
            msg = f"list_id={self.list_id!r} is no uuid; copy it from the list's page in the CRM"
            raise SettingsError(msg)
        is_number = isinstance(self.timeout_seconds, int | float) and not isinstance(self.timeout_seconds, bool)
        if not is_number or not 0 < self.timeout_seconds <= 3600:
            msg = f"timeout_seconds={self.timeout_seconds!r}: give seconds, more than 0 and up to 3600"
            raise SettingsError(msg)
        is_number = isinstance(self.outage_seconds, int | float) and not isinstance(self.outage_seconds, bool)
        if not is_number or not 0 <= self.outage_seconds <= 86_400:
            msg = f"outage_seconds={self.outage_seconds!r}: give seconds, from 0 to 86,400"
            raise SettingsError(msg)
        if isinstance(self.attempts, bool) or not isinstance(self.attempts, int) or not 1 <= self.attempts <= 20:
            msg = f"attempts={self.attempts!r}: give a whole number from 1 to 20"
            raise SettingsError(msg)

    @property
    def account(self) -> str:
        """A fingerprint of whom the client speaks for."""
        return hashlib.sha256(self.token.reveal().encode()).hexdigest()[:32]

    @property
    def account_kind(self) -> str:
        """What the fingerprint is of."""
        return "token"

    @property
    def insert_update_url(self) -> str:
        """The address of the single upsert operation."""
        return self.base_url + INSERT_UPDATE_PATH

    @property
    def batch_url(self) -> str:
        """The address of the batch upsert operation."""
        return self.base_url + BATCH_PATH

    def status_url(self, batch_id: str) -> str:
        """The address of a batch's status. Dots are encoded too: a path of dots alone would lead elsewhere."""
        return f"{self.base_url}/contacts/{quote(batch_id, safe='', errors='replace').replace('.', '%2E')}/Status"


def settings_from_env(options: dict[str, Any]) -> dict[str, Any]:
    """Base URL, token and list id from the environment, under the options given.

    Args:
        options: what the caller said; a token in it is made a `Secret` in place, so that no frame above holds its text.

    Raises:
        SettingsError: there is no token.
    """
    options.update({name: Secret.of(text) for name, text in options.items() if name == "token"})
    if "token" not in options and not os.environ.get(TOKEN_VARIABLE, "").strip():
        msg = f"there is no token: set the environment variable {TOKEN_VARIABLE}, or call Client(base_url, token)"
        raise SettingsError(msg)
    return {
        "base_url": os.environ.get(BASE_URL_VARIABLE) or DEFAULT_BASE_URL,
        "token": Secret(os.environ.get(TOKEN_VARIABLE, "")),
        "list_id": os.environ.get(LIST_ID_VARIABLE) or None,
    } | options


def checked_base_url(base_url: str) -> str:
    """The base URL without a slash at its end.

    Raises:
        SettingsError: it is no address that a token may be sent to.
    """
    if not isinstance(base_url, str):
        msg = f"the base URL is text, not a {type(base_url).__name__}; the CRM's is {DEFAULT_BASE_URL}"
        raise SettingsError(msg)
    address = base_url.strip()
    if not address.isprintable() or " " in address:
        msg = "the base URL holds a space, a tab or another character that no address has; copy it once more"
        raise SettingsError(msg)
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
        httpx.URL(address)
    except (ValueError, httpx.InvalidURL) as error:
        msg = "the base URL can't be read as an address; the CRM's is " + DEFAULT_BASE_URL
        raise SettingsError(msg) from error
    if parts.username is not None or parts.password is not None:
        msg = "the base URL holds a user name or password; leave them out, the token says who asks"
        raise SettingsError(msg)
    if parts.scheme not in ("http", "https") or not host:
        msg = f"the base URL begins with https:// and a host; the CRM's is {DEFAULT_BASE_URL}"
        raise SettingsError(msg)
    if parts.query or parts.fragment:
        msg = "the base URL has no ? and no #; give the address up to the path of the operations"
        raise SettingsError(msg)
    if parts.scheme == "http" and not _is_loopback(host):
        msg = (
            f"http to {host!r} would show the token and the contacts on the way; use https (http only to this machine)"
        )
        raise SettingsError(msg)
    return address.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _token_problem(token: Secret) -> str | None:
    """Why it can't be a token, if it can't; nothing is raised here, where the text can be seen."""
    text = token.reveal()
    if not isinstance(text, str):
        return f"the token is text, not a {type(text).__name__}"
    if not text:
        return f"the token is empty; set {TOKEN_VARIABLE}, or give it to the client"
    if text.lower().startswith("bearer"):
        return 'the token begins with "Bearer"; give the token alone, the client adds the word'
    if not text.isascii() or any(char.isspace() or not char.isprintable() for char in text):
        return "the token holds a space, a line end or another character that no token has; copy it once more"
    return None
