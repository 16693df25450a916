"""What a client is told: where the CRM is, and who asks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from mbtoolkit.client.accounts import AccountKind, account_of
from mbtoolkit.client.addresses import DEFAULT_BASE_URL, checked_base_url
from mbtoolkit.client.login import Login
from mbtoolkit.client.secret import Secret, fits_header
from mbtoolkit.contacts import is_uuid
from mbtoolkit.errors import SettingsError

INSERT_UPDATE_PATH: Final = "/contacts/insertupdate"
BATCH_PATH: Final = "/contacts/batch"

BASE_URL_VARIABLE: Final = "MBTOOLKIT_BASE_URL"
TOKEN_VARIABLE: Final = "MBTOOLKIT_TOKEN"  # noqa: S105 - the variable's name
LIST_ID_VARIABLE: Final = "MBTOOLKIT_LIST_ID"
LOGIN_VARIABLES: Final = {
    name: f"MBTOOLKIT_{name.upper()}" for name in ("user_name", "password", "private_token", "token_url")
}
"""The environment's names for the parts of a login."""

_SECRETS: Final = ("token", "password", "private_token")
_NO_TOKEN: Final = Secret("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a client is told, checked. It names either a token or a login.

    Attributes:
        base_url: without a slash at the end; https, or http to this machine.
        token: the Bearer token; empty with a login.
        login: brings tokens, and is shared by every client with these settings; None where a token was given.
        list_id: the list for contacts that name none; None leaves them under "All contacts".
        timeout_seconds: for one attempt, from connecting to the last byte of the answer.
        attempts: how often one contact is sent at the most, where sending again is safe.
        outage_seconds: how long a run waits for a CRM that can't be reached any more, or is out of order.
        user_agent: what the CRM's logs call this client.
        transport: an httpx transport to use instead of the network's own.
    """

    base_url: str
    token: Secret = _NO_TOKEN
    login: Login | None = None
    list_id: str | None = None
    timeout_seconds: float = 30.0
    attempts: int = 4
    outage_seconds: float = 300.0
    user_agent: str = "mbtoolkit"
    transport: Any = None

    def __post_init__(self) -> None:
        """Raises: SettingsError, if one of them can't work."""
        object.__setattr__(self, "base_url", checked_base_url(self.base_url))
        problem = self._problem_of_who_asks()
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

    def _problem_of_who_asks(self) -> str | None:
        if self.login is None:
            return _token_problem(self.token)
        return "there is a token and a login; give one of them" if self.token.reveal() else None

    @property
    def identity(self) -> Secret:
        """What stands for the one who asks, as long as the client lives and beyond: the token, or the login's name.

        For what all runs of one account share on this machine. Each login brings another token; its name stays.
        """
        return Secret(f"{self.login.user_name} @ {self.base_url}") if self.login else self.token

    @property
    def account(self) -> str:
        """A fingerprint of whom the client speaks for; never the name or token itself."""
        return account_of(self.login.user_name if self.login else None, self.token)[1]

    @property
    def account_kind(self) -> AccountKind:
        """What `account` was made of: the user name of a login, a claim of the token, or the token itself."""
        return account_of(self.login.user_name if self.login else None, self.token)[0]

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
    """Base URL, who asks and list id from the environment, under the options given.

    A token goes before a login; what is given to the client goes before what the environment says.

    Args:
        options: what the caller said; secrets in it are made `Secret` in place, so that no frame above holds them.

    Raises:
        SettingsError: there is neither a token nor a login.
    """
    options.update({name: Secret.of(text) for name, text in options.items() if name in _SECRETS and text is not None})
    place = {
        "base_url": os.environ.get(BASE_URL_VARIABLE) or DEFAULT_BASE_URL,
        "list_id": os.environ.get(LIST_ID_VARIABLE) or None,
    }
    return place | _who_asks(options) | options


def _who_asks(options: dict[str, Any]) -> dict[str, Any]:
    """The token or the login that the environment adds to the options.

    Raises:
        SettingsError: there is neither.
    """
    if "token" in options:
        return {}
    login_is_given = not LOGIN_VARIABLES.keys().isdisjoint(options)
    if not login_is_given and os.environ.get(TOKEN_VARIABLE, "").strip():
        return {"token": Secret(os.environ[TOKEN_VARIABLE])}
    login: dict[str, Any] = {
        name: Secret(os.environ[variable]) if name in _SECRETS else os.environ[variable]
        for name, variable in LOGIN_VARIABLES.items()
        if os.environ.get(variable)
    }
    if not login and not login_is_given:
        msg = (
            f"there is no token: set the environment variable {TOKEN_VARIABLE} (or, to log in,"
            f" {', '.join(LOGIN_VARIABLES.values())}), or call Client(base_url, token)"
        )
        raise SettingsError(msg)
    return login


def _token_problem(token: Secret) -> str | None:
    """Why it can't be a token, if it can't; nothing is raised here, where the text can be seen."""
    text = token.reveal()
    if not isinstance(text, str):
        return f"the token is text, not a {type(text).__name__}"
    if not text:
        return f"the token is empty; set {TOKEN_VARIABLE}, or give it to the client"
    if text.lower().startswith("bearer"):
        return 'the token begins with "Bearer"; give the token alone, the client adds the word'
    if not fits_header(text):
        return "the token holds a space, a line end or another character that no token has; copy it once more"
    return None
