"""What an answer means. Pure functions: bytes and numbers in, an `Outcome` out; nothing here moves a byte.

The CRM can't be asked afterwards what it stored, so every way in which a request can end is put into one of five kinds,
and what is not clear is never taken for success.
"""

from __future__ import annotations

import email.utils
import json
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from mbtoolkit import errors

Kind = Literal["stored", "rejected", "later", "unknown", "not_sent", "stop"]
"""What became of one attempt.

stored: the CRM says so. rejected: the CRM refuses this contact. later: refused for now (429, 503 with Retry-After).
unknown: no clear answer. not_sent: nothing left this machine. stop: refused, and so would every other contact be.
"""

LONGEST_PAUSE_SECONDS: Final = 900.0
"""A Retry-After is believed up to here."""

CODES: Final[dict[int, str]] = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "wrong_address",
    405: "wrong_address",
    406: "bad_request",
    408: "timeout",
    409: "conflict",
    413: "too_large",
    422: "unprocessable",
    429: "rate_limited",
    503: "unavailable",
}
_STOPPING: Final = frozenset({401, 403, 404, 405})


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer as it came.

    Attributes:
        status: the status code.
        body: all of it.
        retry_after: the header's text, if there was one.
    """

    status: int
    body: bytes
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one contact.

    Attributes:
        kind: see `Kind`.
        http_status: of the last answer; None where none came.
        code: a stable word for the reason; None for a plain success.
        message: the CRM's own text, or what went wrong on the way.
        contact_id: the CRM's id, where it was said.
        invalid_properties: names (or ids) of properties that the CRM did not take.
        retry_after_seconds: how long the CRM asks to wait, where it says so.
        attempts: how often it was sent.
        stops_run: whether every other contact would meet the same, so that a run ends here.
    """

    kind: Kind
    http_status: int | None = None
    code: str | None = None
    message: str | None = None
    contact_id: int | None = None
    invalid_properties: tuple[str, ...] = ()
    retry_after_seconds: float | None = None
    attempts: int = 0
    stops_run: bool = False


def judge(answer: Answer, now: float | None = None) -> Outcome:
    """What a whole answer means.

    Args:
        answer: status, headers and the complete body.
        now: seconds since 1970, for a Retry-After that is a date.

    Source: reference page "Contact Insert and Update", responses.
    """
    status = answer.status
    envelope = _Envelope.read(answer.body)
    if 200 <= status < 300:
        return _judge_success(status, envelope)
    text = envelope.text if envelope else None
    code = CODES.get(status, f"http_{status}")
    if 300 <= status < 400:
        hint = f"the CRM's address answers with a redirect ({status}), which is never followed; check the base URL"
        return Outcome("stop", status, "wrong_address", hint)
    if status in _STOPPING:
        return Outcome("stop", status, code, text or f"the CRM answered {status}")
    pause = read_retry_after(answer.retry_after, now)
    if status == 429 or (status == 503 and pause is not None):
        return Outcome("later", status, code, text or "too many requests", retry_after_seconds=pause)
    if status == 408 or status >= 500 or status < 200:
        return Outcome("unknown", status, code, text or f"the CRM answered {status} without saying whether it stored")
    said = _with_ids(text or f"the CRM answered {status}", envelope)
    return Outcome("rejected", status, code, said, invalid_properties=envelope.invalid_properties if envelope else ())


def _judge_success(status: int, envelope: _Envelope | None) -> Outcome:
    if envelope is None or envelope.status is None:
        return Outcome(
            "unknown", status, "unreadable_answer", f"the CRM answered {status}, but with no readable envelope"
        )
    if envelope.status.casefold() != "success":
        text = _with_ids(envelope.text or f"the CRM answered {status}, but with status {envelope.status!r}", envelope)
        return Outcome("rejected", status, "refused_in_success", text, invalid_properties=envelope.invalid_properties)
    if envelope.contradiction is not None:
        text = f"the CRM answered {status} and {envelope.status!r}, but {envelope.contradiction} inside"
        return Outcome("unknown", status, "contradictory_answer", _with_ids(text, envelope))
    code, message = None, envelope.text
    if envelope.invalid_properties:
        code = "invalid_properties"
        message = (
            f"stored, but without the properties {', '.join(envelope.invalid_properties)}: the CRM does not know them"
        )
    elif envelope.contact_id is None:
        code = "id_missing"
        message = "stored, but the answer held no contact id"
    return Outcome("stored", status, code, message, envelope.contact_id, envelope.invalid_properties)


def _with_ids(text: str, envelope: _Envelope | None) -> str:
    if envelope and envelope.invalid_contact_ids:
        return f"{text} (contact ids: {', '.join(envelope.invalid_contact_ids)})"
    return text


@dataclass(frozen=True, slots=True)
class _Envelope:
    """The CRM's envelope, its keys read in any case.

    Attributes:
        status: the outer status; None where there is none, or one that is no word.
        inner_status: the number inside `data`; None where there is none.
    """

    status: str | None
    inner_status: int | None
    text: str | None
    contact_id: int | None
    invalid_properties: tuple[str, ...]
    invalid_contact_ids: tuple[str, ...]

    @classmethod
    def read(cls, body: bytes) -> _Envelope | None:
        """The envelope in a body; None if there is none that could be read, or one that says a thing twice."""
        try:
            outer = json.loads(body, object_pairs_hook=_folded)
        except (ValueError, RecursionError):
            return None
        if not isinstance(outer, dict):
            return None
        held = outer.get("data")
        data: dict[str, Any] = held if isinstance(held, dict) else {}
        return cls(
            status=_text(outer.get("status")),
            inner_status=_inner_status(data.get("status")),
            text=_first_text(outer.get("message"), data.get("message")),
            contact_id=_contact_id(data.get("contactid")),
            invalid_properties=tuple(_property_name(each) for each in _list(data.get("invalidpropertieslist"))),
            invalid_contact_ids=tuple(_readable(str(each)) for each in _list(data.get("invalidcontactidlist"))),
        )

    @property
    def contradiction(self) -> str | None:
        """What inside a success says that it is none."""
        if self.inner_status is not None and self.inner_status >= 400:
            return f"status {self.inner_status}"
        return "refused contact ids" if self.invalid_contact_ids else None


def _folded(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object by its keys without regard to case.

    Raises:
        ValueError: one key says two things, so that it says nothing.
    """
    folded: dict[str, Any] = {}
    for key, value in pairs:
        if folded.setdefault(key.casefold(), value) != value:
            msg = "one key with two values"
            raise ValueError(msg)
    return folded


_HALF_CHARACTER: Final = re.compile("[\ud800-\udfff]")


def _readable(text: str) -> str:
    """The text with every half character, which nothing could write down, as U+FFFD."""
    return _HALF_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", text)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return _readable(value) if isinstance(value, str) else None


def _first_text(*candidates: Any) -> str | None:
    return next((text for text in map(_text, candidates) if text and text.strip()), None)


def _inner_status(value: Any) -> int | None:
    text = str(value).strip()
    return int(text) if re.fullmatch(r"-?[0-9]{1,9}", text, re.ASCII) else None


def _contact_id(value: Any) -> int | None:
    """The id, which the CRM sends as text; None for what is no positive int64."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        return None
    number = int(text)
    return number if 0 < number < 2**63 else None


def _property_name(entry: Any) -> str:
    held = entry if isinstance(entry, dict) else {}
    return _first_text(held.get("propertyname"), held.get("propertyid"), entry) or "(no name)"


def read_retry_after(text: str | None, now: float | None = None) -> float | None:
    """Seconds to wait, from 0 to `LONGEST_PAUSE_SECONDS`; None where the header says nothing that can be read.

    Args:
        text: the header: seconds (whole or not), or an HTTP date.
        now: seconds since 1970; the clock's by default.

    Source: RFC 9110, section 10.2.3.
    """
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = email.utils.parsedate_to_datetime(text)
        except (ValueError, TypeError):
            return None
        seconds = moment.timestamp() - (time.time() if now is None else now)
    if not math.isfinite(seconds):
        return None
    return min(max(seconds, 0.0), LONGEST_PAUSE_SECONDS)


_BY_CODE: Final[Mapping[str | None, type[errors.CrmError]]] = {
    "bad_request": errors.BadRequestError,
    "unauthorized": errors.UnauthorizedError,
    "conflict": errors.ConflictError,
    "unprocessable": errors.UnprocessableError,
    "rate_limited": errors.RateLimitedError,
    "wrong_address": errors.WrongAddressError,
}


def error_of(outcome: Outcome) -> errors.CrmError:
    """The typed error for an outcome that is not `stored`; its text is the CRM's own."""
    if outcome.kind == "unknown":
        kind: type[errors.CrmError] = errors.OutcomeUnknownError
    elif outcome.kind == "not_sent":
        kind = errors.NotSentError
    else:
        kind = _BY_CODE.get(outcome.code, errors.RefusedError)
    status = f"{outcome.http_status} " if outcome.http_status else ""
    return kind(f"{status}{outcome.code}: {outcome.message}", outcome)
