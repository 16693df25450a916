"""Everything that a sandbox can be told when it is made."""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from mbtoolkit.sandbox.behaviour import Behaviour
from mbtoolkit.sandbox.bodies import MAX_BATCH_BYTES
from mbtoolkit.sandbox.limits import RequestLimits
from mbtoolkit.sandbox.store import MEMORY
from mbtoolkit.sandbox.tokens import Credentials

REQUESTS_KEPT: Final = 100_000
"""How many requests the record keeps by default: some 100 MB with bodies of ordinary size."""

UPSERTS_KEPT: Final = 250_000
"""Of how many contacts the record keeps by default what became of them: some 150 MB with contacts of ordinary size."""

BATCH_DELAY_SECONDS: Final = 0.05
"""How long a batch waits by default before it is worked on. The CRM's can take minutes."""

MAX_DELAY_SECONDS: Final = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a sandbox is.

    Attributes:
        db: ":memory:" or a file.
        token: what the CRM operations take.
        page_key: opens the page, and nothing else.
        credentials: what the token operation takes.
        limits: the limits; None for none.
        behaviour: what the documentation leaves open.
        lists: name -> uuid; None for the default ones in a new store.
        properties: the same for properties.
        faults: whether faults can be scripted over HTTP.
        max_requests_kept: how many requests the record keeps.
        max_upserts_kept: of how many contacts the record keeps what became of them.
        batch_delay_seconds: how long a batch waits before it is worked on.
        max_batch_bytes: the largest body of a batch; beyond it 413.
    """

    db: str | os.PathLike[str] = MEMORY
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    page_key: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    credentials: Credentials = field(default_factory=Credentials)
    limits: RequestLimits | None = None
    behaviour: Behaviour = field(default_factory=Behaviour)
    lists: Mapping[str, str] | None = None
    properties: Mapping[str, str] | None = None
    faults: bool = True
    max_requests_kept: int = REQUESTS_KEPT
    max_upserts_kept: int = UPSERTS_KEPT
    batch_delay_seconds: float = BATCH_DELAY_SECONDS
    max_batch_bytes: int = MAX_BATCH_BYTES

    def __post_init__(self) -> None:
        """Refuses a token that no header could hold, a record that keeps nothing, and a delay or a size that is none.

        Raises:
            ValueError: the token is empty, or has spaces, control or non-ASCII characters; or a number is too small.
        """
        for name in ("max_requests_kept", "max_upserts_kept", "max_batch_bytes"):
            if getattr(self, name) < 1:
                msg = f"{name} is {getattr(self, name)}; it is at least 1"
                raise ValueError(msg)
        if not 0 <= self.batch_delay_seconds <= MAX_DELAY_SECONDS:
            msg = f"batch_delay_seconds is {self.batch_delay_seconds}; it is from 0 to {MAX_DELAY_SECONDS:g}"
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
