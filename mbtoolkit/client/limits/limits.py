"""What an account may send with one token."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from mbtoolkit.client.addresses import is_loopback
from mbtoolkit.errors import SettingsError

MAX_REQUESTS: Final = 100_000
MAX_WINDOW_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an account may send with one token.

    Attributes:
        requests: how many in one window.
        window_seconds: how long a window is, up to an hour.
        per_day: how many in one day; None for any number.
        time_zone: the account's, such as "Europe/Oslo": its midnight ends the day. None for this machine's, which is
            wrong for a server that lives in UTC.
        margin: how much longer than a window a request counts, as a share of it: room for clocks that run unevenly.
        state_dir: the folder for what must be remembered; None for MBTOOLKIT_STATE_DIR, or else the user's state folder
            ($XDG_STATE_HOME/mbtoolkit, ~/.local/state/mbtoolkit).

    Raises:
        SettingsError: one of these can't work.
    """

    requests: int
    window_seconds: float = 10.0
    per_day: int | None = None
    time_zone: str | None = None
    margin: float = 0.005
    state_dir: Path | str | None = None

    def __post_init__(self) -> None:
        """Raises: SettingsError, if one of them can't work."""
        for name, (is_usable, wanted) in _USABLE.items():
            value = getattr(self, name)
            if not is_usable(value):
                msg = f"{name}={value!r}: give {wanted}"
                raise SettingsError(msg)

    @property
    def hold_seconds(self) -> float:
        """How long a request counts after its answer."""
        return self.window_seconds * (1 + self.margin)

    def day(self, wall: float) -> str:
        """The account's day at a moment, such as "2025-06-01".

        Args:
            wall: seconds since 1970.
        """
        return self._local(wall).date().isoformat()

    def next_midnight(self, wall: float) -> float:
        """When the day after it begins, in seconds since 1970.

        Args:
            wall: a moment of the day, in seconds since 1970.
        """
        after: date = self._local(wall).date() + timedelta(days=1)
        if self.time_zone is None:
            return time.mktime((after.year, after.month, after.day, 0, 0, 0, 0, 0, -1))
        return datetime(after.year, after.month, after.day, tzinfo=ZoneInfo(self.time_zone)).timestamp()

    def clock_face(self, wall: float) -> str:
        """A moment as the account's clock shows it, such as "2025-06-02 00:00 CEST"."""
        return f"{self._local(wall):%Y-%m-%d %H:%M %Z}"

    def _local(self, wall: float) -> datetime:
        zone = None if self.time_zone is None else ZoneInfo(self.time_zone)
        return datetime.fromtimestamp(wall, UTC).astimezone(zone)


def _is_count(value: object, most: float) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _is_number(value: object, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _is_zone(value: object) -> bool:
    if value is None:
        return True
    try:
        ZoneInfo(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OSError, LookupError):
        return False
    return True


_USABLE: Final[dict[str, tuple[Any, str]]] = {
    "requests": (lambda value: _is_count(value, MAX_REQUESTS), f"a whole number from 1 to {MAX_REQUESTS:,}"),
    "window_seconds": (
        lambda value: _is_number(value, 0.01, MAX_WINDOW_SECONDS),
        f"seconds, from 0.01 to {MAX_WINDOW_SECONDS:g}",
    ),
    "per_day": (lambda value: value is None or _is_count(value, 2**53), "a whole number above 0, or None"),
    "time_zone": (_is_zone, 'the name of a time zone, such as "Europe/Oslo", or None for this machine\'s'),
    "margin": (lambda value: _is_number(value, 0, 1), "a share from 0 to 1"),
    "state_dir": (lambda value: value is None or isinstance(value, Path | str), "the path of a folder, or None"),
}
"""What each attribute may be, as a check and in words."""

SMALLEST: Final = "freemium"
"""The account with the smallest limits: kept where none are stated."""

ACCOUNT_LIMITS: Final[dict[str, Limits]] = {
    SMALLEST: Limits(requests=100, per_day=250_000),
    "starter": Limits(requests=150, per_day=500_000),
    "pro": Limits(requests=200, per_day=1_000_000),
}
"""Source: MainBrainer's public pages on limits: requests in 10 s and in a day, for each token; a batch is one."""


UNLIMITED: Final = "unlimited"
"""The name for no limits at all."""


def limits_of(limits: str | Limits | None, base_url: str) -> Limits | None:
    """The limits to keep towards a CRM; None for no limits.

    Args:
        limits: `Limits`, a name of `ACCOUNT_LIMITS`, "unlimited", or None where none are stated: then the smallest
            account's limits are kept, and none towards this machine's loopback, where only a sandbox can be.
        base_url: of the CRM.

    Raises:
        SettingsError: it is none of these.
    """
    if isinstance(limits, Limits):
        return limits
    if limits is None:
        return None if is_loopback(urlsplit(base_url).hostname or "") else ACCOUNT_LIMITS[SMALLEST]
    if limits == UNLIMITED:
        return None
    if not isinstance(limits, str) or limits not in ACCOUNT_LIMITS:
        names = ", ".join(map(repr, [*ACCOUNT_LIMITS, UNLIMITED]))
        msg = f"limits={limits!r}: give {names}, Limits(requests=..., per_day=...), or None for the default"
        raise SettingsError(msg)
    return ACCOUNT_LIMITS[limits]
