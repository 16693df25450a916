"""The JSON body of one contact given as a mapping."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mbtoolkit.contacts import (
    BY_NAME,
    BY_WIRE,
    IDENTIFIERS,
    PROPERTIES_COLUMN,
    PROPERTIES_WIRE,
    PROPERTY_WIRE_KEYS,
    Field,
    Kind,
    is_property_column,
    is_uuid,
    property_key,
)
from mbtoolkit.errors import InvalidContactError


def contact_body(contact: Mapping[str, Any], list_id: str | None = None) -> bytes:
    """The body of one contact; None values are left out.

    Args:
        contact: canonical names (`mobile_number`), wire names (`mobileNumber`), `property:<name>`,
            `property_id:<uuid>`, and `property_fields` (a list of dicts).
        list_id: used where the contact names no list.

    Raises:
        InvalidContactError: a name that is no field, a value of another type than the reference page says, or no
            identifier. The text holds no values.
    """
    body: dict[str, Any] = {}
    properties: list[dict[str, Any]] = []
    wrong: list[str] = []
    for name, value in contact.items():
        field = BY_NAME.get(name) or BY_WIRE.get(name)
        if value is None:
            continue
        if field is not None:
            body[field.wire] = value
            wrong += _wrong(field, value)
        elif is_property_column(name):
            key = property_key(name)
            properties.append({key.wire: key.value, "propertyValue": value})
        elif name in (PROPERTIES_COLUMN, PROPERTIES_WIRE):
            properties += [_wire_entry(entry) for entry in value]
        else:
            wrong.append(f"{name!r} is no field of a contact")
    wrong += ["a property's value is text" for entry in properties if not isinstance(entry.get("propertyValue"), str)]
    if not has_identifier(body):
        wrong.append("it has no contact_id, no mobile (country code and number) and no email")
    if wrong:
        msg = f"the contact can't be sent: {'; '.join(wrong)}"
        raise InvalidContactError(msg)
    if list_id is not None:
        body.setdefault("listId", list_id)
    if properties:
        body[PROPERTIES_WIRE] = properties
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def has_identifier(body: Mapping[str, Any]) -> bool:
    """Whether a body names its contact, by wire names."""
    wire = {identifier: [BY_NAME[name].wire for name in fields] for identifier, fields in IDENTIFIERS.items()}
    return any(all(body.get(key) is not None for key in keys) for keys in wire.values())


def _wire_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    renamed = {PROPERTY_WIRE_KEYS.get(key, key): value for key, value in entry.items()}
    return {key: value for key, value in renamed.items() if value is not None}


def _wrong(field: Field, value: Any) -> list[str]:
    """What is wrong with a value's type or range, if anything."""
    if field.is_integer:
        whole = isinstance(value, int) and not isinstance(value, bool)
        fits = whole and 0 < value <= (field.maximum or 0)
        return [] if fits else [f"{field.name} is a whole number from 1 to {field.maximum}"]
    if field.kind is Kind.BOOLEAN:
        return [] if isinstance(value, bool) else [f"{field.name} is True, False or None"]
    if field.kind is Kind.UUID:
        return [] if isinstance(value, str) and is_uuid(value) else [f"{field.name} is a uuid, as text"]
    return [] if isinstance(value, str) and value.strip() else [f"{field.name} is text, and not blank"]
