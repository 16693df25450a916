"""The answers of the CRM: one envelope for all of them, and the refusals that end in one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

SUCCESS: Final = "Success"
FAILED: Final = "Failed"
"""The outer `status` of an envelope. The reference page prints only "Success"; "Failed" is this sandbox's choice."""

JSON_TYPE: Final = "application/json; charset=utf-8"

encode: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
"""Compact JSON text of a value. Raises ValueError for NaN and infinity."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back, and what it means for the record.

    Attributes:
        status: the HTTP status.
        text: the body.
        headers: beside `Content-Type` and what HTTP itself needs.
        contact_id: the contact it is about, where there is one.
        batch_id: the batch it is about, where there is one.
        applied: whether something was committed; of a batch: whether it was taken in.
    """

    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)
    contact_id: int | None = None
    batch_id: str | None = None
    applied: bool = False


class Refusal(Exception):
    """The request is refused.

    Attributes:
        status: the HTTP status to refuse with.
        message: what is wrong, naming the field and what it should hold.
        invalid_properties: entries to echo in `invalidPropertiesList`.
        invalid_contact_ids: ids for `invalidContactIdList`.
        headers: what the status needs, such as `Allow`.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        invalid_properties: Sequence[Mapping[str, Any]] = (),
        invalid_contact_ids: Sequence[int] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.invalid_properties = invalid_properties
        self.invalid_contact_ids = invalid_contact_ids
        self.headers = headers or {}


def contact_envelope(
    word: str,
    message: str,
    *,
    inner_status: int,
    contact_id: int | None = None,
    invalid_properties: Sequence[Mapping[str, Any]] = (),
    invalid_contact_ids: Sequence[int] = (),
) -> str:
    """The envelope of the contact operations, as JSON text.

    Args:
        word: the outer `status`.
        message: for a person.
        inner_status: `data.status`. No page says what it counts; the sandbox gives the HTTP status.
        contact_id: sent as text, as documented.
        invalid_properties: entries echoed as they came.
        invalid_contact_ids: sent as texts.

    Source: reference page "Contact Insert and Update", response sample.
    """
    data = _contact_data(
        message,
        inner_status=inner_status,
        contact_id=contact_id,
        invalid_properties=invalid_properties,
        invalid_contact_ids=invalid_contact_ids,
    )
    return encode({"status": word, "message": message, "data": data})


def _contact_data(
    message: str,
    *,
    inner_status: int,
    contact_id: int | None = None,
    invalid_properties: Sequence[Mapping[str, Any]] = (),
    invalid_contact_ids: Sequence[int] = (),
) -> dict[str, Any]:
    return {
        "contactId": None if contact_id is None else str(contact_id),
        "status": inner_status,
        "message": message,
        "invalidPropertiesList": list(invalid_properties),
        "invalidContactIdList": [str(one) for one in invalid_contact_ids],
        "balance": {},
    }


def batch_envelope(batch_id: str, count: int, *, inner_status: int) -> dict[str, Any]:
    """The envelope of a batch that was taken in: the one of the contact operations with two keys more.

    Args:
        batch_id: a uuid.
        count: how many contacts it has. No page says what `data.processed` holds; the sandbox gives this, as a text.
        inner_status: as in `contact_envelope`.
    """
    message = "Batch taken in."
    data: dict[str, Any] = {
        **_contact_data(message, inner_status=inner_status),
        "batchId": batch_id,
        "processed": str(count),
    }
    return {"status": SUCCESS, "message": message, "data": data}


def stored(contact_id: int, invalid_properties: Sequence[Mapping[str, Any]] = ()) -> Answer:
    """The answer to an upsert that was committed: 202."""
    message = "Contact stored; some properties are not known." if invalid_properties else "Contact stored."
    text = contact_envelope(
        SUCCESS, message, inner_status=202, contact_id=contact_id, invalid_properties=invalid_properties
    )
    return Answer(202, text, contact_id=contact_id, applied=True)


def refused(refusal: Refusal, *, http_status: int | None = None) -> Answer:
    """The answer that a refusal ends in.

    Args:
        refusal: what is wrong.
        http_status: sent in place of the refusal's own status, which then only stands inside the envelope.
    """
    text = contact_envelope(
        FAILED,
        refusal.message,
        inner_status=refusal.status,
        invalid_properties=refusal.invalid_properties,
        invalid_contact_ids=refusal.invalid_contact_ids,
    )
    return Answer(http_status or refusal.status, text, headers=refusal.headers)


def data_answer(status: int, message: str, data: object) -> Answer:
    """An envelope with any data; for the sandbox's own operations."""
    return Answer(status, encode({"status": SUCCESS, "message": message, "data": data}))
