"""What an answer of the token operation means. Pure: an answer in, a `Grant` or the reason for none out."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from mbtoolkit.client.answers import Answer, Outcome
from mbtoolkit.client.objects import first_text, object_in, read_object
from mbtoolkit.client.secret import Secret, fits_header

SHORTEST_LIFETIME_SECONDS: Final = 1.0
LONGEST_LIFETIME_SECONDS: Final = 10 * 366 * 86_400.0
"""A lifetime outside of these is not believed: the token then holds until the CRM refuses it."""

_WHAT_TO_CHECK: Final = (
    "check user_name, password and private_token (or MBTOOLKIT_USER_NAME, MBTOOLKIT_PASSWORD and"
    " MBTOOLKIT_PRIVATE_TOKEN)"
)
_WHERE_TO_CHECK: Final = "check token_url (or MBTOOLKIT_TOKEN_URL)"

_TIMESTAMP: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:[.,](\d{1,20}))?\s*(Z|[+-]\d\d(?::?\d\d)?)?", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Grant:
    """A token that was granted.

    Attributes:
        token: the Bearer token.
        lifetime_seconds: how long it holds from its issue; None where the answer says nothing that can be believed.
    """

    token: Secret
    lifetime_seconds: float | None


def read_grant(heard: Answer | Outcome, secrets: tuple[Secret, ...] = ()) -> Grant | Outcome:
    """The grant in an answer; else why there is none.

    A refusal is a "stop" with the code "login_refused" (or "wrong_address"): asking again would be refused again.
    Anything else is "not_sent" with the code "login_failed".

    Args:
        heard: the token operation's answer, or what went wrong on the way.
        secrets: texts that are cut out of the CRM's own words.

    Source: MainBrainer's public pages, token.
    """
    if isinstance(heard, Outcome):
        return _failed(heard.http_status, heard.message or "no answer")
    found = read_object(heard.body) or {}
    text = _without(secrets, first_text(found.get("message"), object_in(found.get("data")).get("message")))
    if 200 <= heard.status < 300:
        return _read_success(heard.status, found, text)
    if heard.status in (404, 405) or 300 <= heard.status < 400:
        what = "a redirect, which is never followed" if heard.status < 400 else text or "no token operation there"
        message = f"the token operation's address answers {heard.status}: {what}; {_WHERE_TO_CHECK}"
        return Outcome("stop", heard.status, "wrong_address", message)
    if 400 <= heard.status < 500 and heard.status not in (408, 429):
        return _refused(heard.status, text)
    return _failed(heard.status, text or f"the token operation answered {heard.status}")


def _read_success(status: int, found: dict[str, Any], text: str | None) -> Grant | Outcome:
    token = found.get("access_token")
    if isinstance(token, str) and fits_header(token):
        return Grant(Secret(token), _lifetime(found))
    word = found.get("status")
    if isinstance(word, str) and word.casefold() != "success":
        return _refused(status, text)
    return _failed(status, f"the token operation answered {status}, but with no token that could be read")


def _refused(status: int, text: str | None) -> Outcome:
    said = f": {text.rstrip('. ')}" if text else ""
    message = f"the CRM refused the login{said}; {_WHAT_TO_CHECK}"
    return Outcome("stop", status, "login_refused", message)


def _failed(status: int | None, message: str) -> Outcome:
    return Outcome("not_sent", status, "login_failed", f"logging in failed: {message}")


def _without(secrets: tuple[Secret, ...], text: str | None) -> str | None:
    for secret in secrets:
        text = text and text.replace(secret.reveal(), "<secret>")
    return text


def _lifetime(found: dict[str, Any]) -> float | None:
    """Seconds that the token holds: by its two moments, which need no clock of ours; else by `expires_in`, minutes."""
    told = _between(found.get("issued"), found.get("expires"))
    return told if told is not None else _believed(_minutes(found.get("expires_in")) * 60)


def _believed(seconds: float) -> float | None:
    return seconds if SHORTEST_LIFETIME_SECONDS <= seconds <= LONGEST_LIFETIME_SECONDS else None


def _minutes(value: Any) -> float:
    """The number; one that can't be read is not a number, which compares to nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan


def _between(begin: Any, end: Any) -> float | None:
    """Seconds between two timestamps; None where one is none, or only one of them has an offset."""
    issued, expires = _moment(begin), _moment(end)
    if issued is None or expires is None or issued[1] != expires[1]:
        return None
    return _believed((expires[0] - issued[0]).total_seconds())


def _moment(value: Any) -> tuple[datetime, bool] | None:
    """A timestamp, and whether it says its offset; of its fraction (the CRM prints seven digits) six are kept."""
    match = _TIMESTAMP.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    day, time_of_day, fraction, offset = match.groups()
    shown = "+00:00" if offset is None or offset in "Zz" else _whole_offset(offset)
    try:
        moment = datetime.fromisoformat(f"{day}T{time_of_day}.{(fraction or '')[:6]:0<6}{shown}")
        return moment.astimezone(UTC), offset is not None
    except (ValueError, OverflowError):
        return None


def _whole_offset(offset: str) -> str:
    digits = offset[1:].replace(":", "").ljust(4, "0")
    return f"{offset[0]}{digits[:2]}:{digits[2:]}"
