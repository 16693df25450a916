"""Addresses that a secret may be sent to: https, or this machine."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import SplitResult, urlsplit

import httpx

from mbtoolkit.errors import SettingsError

DEFAULT_BASE_URL: Final = "https://apicrm.mainbrainer.com"
_CRMS_OWN: Final = f"the CRM's is {DEFAULT_BASE_URL}"


def checked_base_url(base_url: str) -> str:
    """The base URL without a slash at its end.

    Raises:
        SettingsError: it is no address that a token may be sent to.
    """
    return _checked(base_url, "the base URL", _CRMS_OWN).rstrip("/")


def checked_token_url(token_url: str) -> str:
    """The address of the token operation, with its path, as it is.

    Raises:
        SettingsError: it is no address that a password may be sent to.
    """
    return _checked(token_url, "token_url", "it is the whole address of the token operation, such as https://.../token")


def _checked(given: str, name: str, right: str) -> str:
    """The address.

    Args:
        given: the address.
        name: what the errors call it.
        right: what would be right.

    Raises:
        SettingsError: no secret may be sent to it.
    """
    if not isinstance(given, str):
        msg = f"{name} is text, not a {type(given).__name__}; {right}"
        raise SettingsError(msg)
    address = given.strip()
    if not address.isprintable() or " " in address:
        msg = f"{name} holds a space, a tab or another character that no address has; copy it once more"
        raise SettingsError(msg)
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
        httpx.URL(address)
    except (ValueError, httpx.InvalidURL) as error:
        msg = f"{name} can't be read as an address; {right}"
        raise SettingsError(msg) from error
    problem = _problem(parts, host)
    if problem is not None:
        msg = f"{name} {problem}"
        raise SettingsError(msg)
    if parts.scheme not in ("http", "https") or not host:
        msg = f"{name} begins with https:// and a host; {right}"
        raise SettingsError(msg)
    if parts.scheme == "http" and not is_loopback(host):
        msg = (
            f"http to {host!r} would show the token and the contacts on the way; use https (http only to this machine)"
        )
        raise SettingsError(msg)
    return address


def _problem(parts: SplitResult, host: str | None) -> str | None:
    if parts.username is not None or parts.password is not None:
        return "holds a user name or password; leave them out, the token says who asks"
    if host and (parts.query or parts.fragment):
        return "has no ? and no #; give the address up to the path of the operations"
    return None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
