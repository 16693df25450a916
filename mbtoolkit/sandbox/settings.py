"""Everything that a sandbox can be told when it is made."""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from mbtoolkit.sandbox.behaviour import Behaviour
from mbtoolkit.sandbox.limits import Plan
from mbtoolkit.sandbox.store import MEMORY
from mbtoolkit.sandbox.tokens import Credentials

REQUESTS_KEPT: Final = 100_000
"""How many requests the record keeps by default: some 100 MB with bodies of ordinary size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a sandbox is.

    Attributes:
        db: ":memory:" or a file.
        token: what the CRM operations take.
        page_key: opens the page, and nothing else.
        credentials: what the token operation takes.
        plan: the limits; None for none.
        behaviour: what the documentation leaves open.
        lists: name -> uuid; None for the default ones in a new store.
        properties: the same for properties.
        faults: whether faults can be scripted over HTTP.
        max_requests_kept: how many requests the record keeps.
    """

    db: str | os.PathLike[str] = MEMORY
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    page_key: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    credentials: Credentials = field(default_factory=Credentials)
    plan: Plan | None = None
    behaviour: Behaviour = field(default_factory=Behaviour)
    lists: Mapping[str, str] | None = None
    properties: Mapping[str, str] | None = None
    faults: bool = True
    max_requests_kept: int = REQUESTS_KEPT

    def __post_init__(self) -> None:
        """Refuses a token that no header could hold, and a record that keeps nothing.

        Raises:
            ValueError: the token is empty, or has spaces, control or non-ASCII characters; or nothing would be kept.
        """
        if self.max_requests_kept < 1:
            msg = f"max_requests_kept is {self.max_requests_kept}; it is at least 1"
            raise ValueError(msg)
        if not (self.token.isascii() and self.token.isprintable() and self.token.strip() and " " not in self.token):
            msg = "the token must be printable ASCII without spaces"
            raise ValueError(msg)


def loopback_address(host: str) -> str:
    """The address to bind for a host name.

    Args:
        host: "localhost" (meaning 127.0.0.1) or a loopback address.

    Raises:
        ValueError: other machines could reach that address.
    """
    if host.lower() == "localhost":
        return "127.0.0.1"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        msg = (
            f"the sandbox can't bind {host!r}: it holds personal data and takes scripted faults, so it listens on"
            " loopback only; use 127.0.0.1, ::1 or localhost"
        )
        raise ValueError(msg)
    return str(address)
