"""What an answer means. Pure functions: bytes and numbers in, an `Outcome` out; nothing here moves a byte.

The CRM can't be asked afterwards what it stored, so every way in which a request can end is put into one of five kinds,
and what is not clear is never taken for success.
"""

from __future__ import annotations

import email.utils
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from mbtoolkit import errors
from mbtoolkit.client.batches import BatchStatus, read_batch_status, same_batch
from mbtoolkit.client.objects import (
    batch_id_in,
    contact_id_in,
    first_text,
    list_in,
    object_in,
    read_object,
    readable,
    text_in,
)

Kind = Literal["stored", "accepted", "read", "rejected", "later", "unknown", "not_sent", "stop"]
"""What became of one attempt.

stored: the CRM says that the contact is stored. accepted: the batch operation took it in; what comes of it isn't known.
read: the status of a batch was read; `Outcome.batch` has it. rejected: the CRM refuses this contact, or this batch.
later: refused for now (429, 503 with Retry-After). unknown: no clear answer. not_sent: nothing left this machine. stop:
refused, and so would every other contact be.
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
_UNKNOWN_BATCH: Final = (404, 422)
"""How the status operation says that there is no such batch; no page says which."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer as it came.

    Attributes:
        status: the status code.
        body: all of it; not shown, for it may hold a token.
        retry_after: the header's text, if there was one.
    """

    status: int
    body: bytes = field(repr=False)
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one contact, or of one request.

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
        batch_id: the id of the batch that was taken in or asked for.
        batch: how far that batch is, where it was asked for and told.
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
    batch_id: str | None = None
    batch: BatchStatus | None = None


def judge(answer: Answer, now: float | None = None) -> Outcome:
    """What a whole answer to the single upsert means.

    Args:
        answer: status, headers and the complete body. Its content type is not looked at: what has the documented shape
            is the CRM's, whatever it is called on the way, and a page of HTML has not.
        now: seconds since 1970, for a Retry-After that is a date.

    Source: reference page "Contact Insert and Update", responses.
    """
    return _judge(answer, now, _judge_stored)


def judge_batch(answer: Answer, now: float | None = None) -> Outcome:
    """What a whole answer to the batch upsert means; "accepted" says that the batch was taken in.

    Args:
        answer: status, headers and the complete body.
        now: seconds since 1970, for a Retry-After that is a date.

    Source: MainBrainer's public pages, batch upsert.
    """
    return _judge(answer, now, _judge_taken_in)


def judge_status(answer: Answer, batch_id: str, now: float | None = None) -> Outcome:
    """What a whole answer to the batch status means; "read" says that it was read.

    Args:
        answer: status, headers and the complete body.
        batch_id: the batch that was asked for.
        now: seconds since 1970, for a Retry-After that is a date.

    Source: MainBrainer's public pages, batch status.
    """
    if 200 <= answer.status < 300:
        return _judge_told(answer, batch_id)
    outcome = _judge(answer, now, _judge_stored)
    if answer.status in _UNKNOWN_BATCH:
        return replace(outcome, kind="rejected", code="unknown_batch", batch_id=batch_id)
    return replace(outcome, batch_id=batch_id)


def _judge(answer: Answer, now: float | None, judge_success: Callable[[int, _Envelope], Outcome]) -> Outcome:
    """What an answer with an envelope means; what a success means is the operation's own."""
    status = answer.status
    envelope = _Envelope.read(answer.body)
    if 200 <= status < 300:
        return _judge_success(status, envelope, judge_success)
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


def _judge_success(
    status: int, envelope: _Envelope | None, judge_success: Callable[[int, _Envelope], Outcome]
) -> Outcome:
    if envelope is None or envelope.status is None:
        return Outcome(
            "unknown", status, "unreadable_answer", f"the CRM answered {status}, but with no readable envelope"
        )
    if envelope.status.casefold() != "success":
        text = _with_ids(envelope.text or f"the CRM answered {status}, but with status {envelope.status!r}", envelope)
        return Outcome("rejected", status, "refused_in_success", text, invalid_properties=envelope.invalid_properties)
    return judge_success(status, envelope)


def _judge_stored(status: int, envelope: _Envelope) -> Outcome:
    if not envelope.has_data:
        return _unread(status, f"the CRM answered {status} and {envelope.status!r}, but without the data of a contact")
    contradiction = envelope.inner_failure or ("refused contact ids" if envelope.invalid_contact_ids else None)
    if contradiction is not None:
        return _contradictory(status, envelope, contradiction)
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


def _judge_taken_in(status: int, envelope: _Envelope) -> Outcome:
    """A batch: refused contact ids contradict nothing here, for they may be some of its contacts' only."""
    if envelope.inner_failure is not None:
        return replace(_contradictory(status, envelope, envelope.inner_failure), batch_id=envelope.batch_id)
    if envelope.batch_id is None:
        text = "the batch was taken in, but the answer held no batch id: what becomes of it can't be asked"
        return Outcome("unknown", status, "batch_id_missing", text)
    code = "invalid_properties" if envelope.invalid_properties else None
    text = _with_ids(envelope.text or "the batch was taken in", envelope)
    return Outcome(
        "accepted", status, code, text, invalid_properties=envelope.invalid_properties, batch_id=envelope.batch_id
    )


def _judge_told(answer: Answer, batch_id: str) -> Outcome:
    """A 2xx of the status operation: a bare object, or an envelope that says no."""
    found = read_object(answer.body) or {}
    told = read_batch_status(found)
    if told is None:
        refusal = _refusal_of_status(answer, found)
        return replace(refusal or _unread(answer.status, "the batch's status can't be read"), batch_id=batch_id)
    if not same_batch(told.batch_id, batch_id):
        return replace(_unread(answer.status, "the CRM told the status of another batch"), batch_id=batch_id)
    return Outcome("read", answer.status, None, told.reason, batch_id=batch_id, batch=told)


def _refusal_of_status(answer: Answer, found: dict[str, Any]) -> Outcome | None:
    """What an envelope in the place of a batch's status means, if it is a refusal."""
    envelope = _Envelope.read(answer.body)
    if envelope is None or not isinstance(found.get("data"), dict) or "id" in found:
        return None
    outcome = _judge_success(answer.status, envelope, _judge_stored)
    if outcome.kind != "rejected":
        return None
    return replace(outcome, code="unknown_batch") if envelope.inner_status in _UNKNOWN_BATCH else outcome


def _unread(status: int, message: str) -> Outcome:
    return Outcome("unknown", status, "unreadable_answer", message)


def _contradictory(status: int, envelope: _Envelope, contradiction: str) -> Outcome:
    text = f"the CRM answered {status} and {envelope.status!r}, but {contradiction} inside"
    return Outcome("unknown", status, "contradictory_answer", _with_ids(text, envelope))


def _with_ids(text: str, envelope: _Envelope | None) -> str:
    if envelope and envelope.invalid_contact_ids:
        return f"{text} (contact ids: {', '.join(envelope.invalid_contact_ids)})"
    return text


@dataclass(frozen=True, slots=True)
class _Envelope:
    """The CRM's envelope, its keys read in any case.

    Attributes:
        status: the outer status; None where there is none, or one that is no word.
        has_data: whether there is an object `data`, as the reference page shows it. Other services say "success" too.
        inner_status: the number inside `data`; None where there is none.
        batch_id: as text, whatever it is sent as; None where it is blank.
    """

    status: str | None
    has_data: bool
    inner_status: int | None
    text: str | None
    contact_id: int | None
    batch_id: str | None
    invalid_properties: tuple[str, ...]
    invalid_contact_ids: tuple[str, ...]

    @classmethod
    def read(cls, body: bytes) -> _Envelope | None:
        """The envelope in a body; None if there is none that could be read, or one that says a thing twice."""
        outer = read_object(body)
        if outer is None:
            return None
        data = object_in(outer.get("data"))
        return cls(
            status=text_in(outer.get("status")),
            has_data=isinstance(outer.get("data"), dict),
            inner_status=_inner_status(data.get("status")),
            text=first_text(outer.get("message"), data.get("message")),
            contact_id=contact_id_in(data.get("contactid")),
            batch_id=batch_id_in(data.get("batchid")),
            invalid_properties=tuple(_property_name(each) for each in list_in(data.get("invalidpropertieslist"))),
            invalid_contact_ids=tuple(readable(str(each)) for each in list_in(data.get("invalidcontactidlist"))),
        )

    @property
    def inner_failure(self) -> str | None:
        """What inside a success says that it is none."""
        return f"status {self.inner_status}" if self.inner_status is not None and self.inner_status >= 400 else None


def _inner_status(value: Any) -> int | None:
    text = str(value).strip()
    return int(text) if re.fullmatch(r"-?[0-9]{1,9}", text, re.ASCII) else None


def _property_name(entry: Any) -> str:
    held = object_in(entry)
    return first_text(held.get("propertyname"), held.get("propertyid"), entry) or "(no name)"


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
    "login_refused": errors.UnauthorizedError,
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
