"""Reads request bodies: bytes to a JSON object to checked fields. It knows types and ranges, and no stored contact.

What a typical .NET JSON service does decides where the reference page is silent: unknown keys are ignored, the last
of several equal keys counts, `NaN` and `Infinity` are no JSON. Two things are stricter than such a service, so that a
client that relies on leniency is found out: keys are matched exactly, and `1.0` is no integer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Never

from mbtoolkit.contacts import BY_WIRE, PROPERTIES_WIRE, PROPERTY_WIRE_KEYS, Field, Kind, is_uuid
from mbtoolkit.sandbox.answers import Refusal
from mbtoolkit.sandbox.behaviour import Behaviour

Value = str | int | bool | None

MAX_BODY_BYTES: Final = 1024 * 1024
"""The largest body that is read, in bytes; beyond it 413. Not documented; a single contact is far smaller."""

MAX_BATCH_BYTES: Final = 10 * 1024 * 1024
"""The largest body of a batch by default, in bytes. Not documented; a thousand contacts of ordinary size are 1 MB."""

MAX_BATCH_CONTACTS: Final = 1_000
"""Contacts in one batch. Source: MainBrainer's public page on the batch operation (100 or fewer are advised)."""

BATCH_WIRE_KEYS: Final = ("listId", "createUpdateContacts", "webHookUrl")

_JSON_NAMES: Final[dict[type, str]] = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number with a fraction",
    type(None): "null",
}


@dataclass(frozen=True, slots=True)
class PropertyEntry:
    """One entry of `propertyFields`.

    Attributes:
        property_id: uuid in lower case, or None.
        property_name: as it came, or None.
        value: the new value; None clears it.
        has_value: whether a value was given at all.
        echo: the entry as it came, for `invalidPropertiesList`.
    """

    property_id: str | None
    property_name: str | None
    value: str | None
    has_value: bool
    echo: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ContactBody:
    """What one request says about one contact.

    Attributes:
        values: by column name, only the fields that were given; None clears.
        properties: the entries, in the order given.
        clears_properties: whether `propertyFields` was an explicit null that clears.
    """

    values: dict[str, Value]
    properties: tuple[PropertyEntry, ...] = ()
    clears_properties: bool = False


@dataclass(frozen=True, slots=True)
class BatchBody:
    """What one request says about a batch. Its contacts are not read yet.

    Attributes:
        list_id: uuid in lower case, or None.
        contacts: whatever stands in the array.
        webhook_url: as it came, or None.
    """

    list_id: str | None
    contacts: list[Any]
    webhook_url: str | None


def read_object(raw: bytes) -> dict[str, Any]:
    """The JSON object that a body holds.

    Args:
        raw: the body, UTF-8 without a byte order mark.

    Raises:
        Refusal: 400; it is no UTF-8, no JSON, no object, or it holds half a surrogate pair.
    """
    try:
        text = raw.decode("utf-8")
        found = json.loads(text, parse_constant=_no_constant)
        if "\\u" in text:
            json.dumps(found, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError:
        raise Refusal(400, "The body is not UTF-8.") from None
    except UnicodeEncodeError:
        raise Refusal(400, "The body holds half of a surrogate pair.") from None
    except (ValueError, RecursionError):
        raise Refusal(400, "The body is not JSON.") from None
    if not isinstance(found, dict):
        raise Refusal(400, f"The body must be a JSON object, not {json_name(found)}.")
    return found


def json_name(value: object) -> str:
    """What a JSON value is called, for messages."""
    return _JSON_NAMES[type(value)]


def read_contact(body: dict[str, Any], behaviour: Behaviour) -> ContactBody:
    """The checked fields of one contact.

    Args:
        body: the JSON object.
        behaviour: says what null and the empty string do.

    Raises:
        Refusal: 422; the message names every field that does not fit and what it should hold.
    """
    problems: list[str] = []
    values: dict[str, Value] = {}
    for key, value in body.items():
        field = BY_WIRE.get(key)
        if field is None:
            continue
        if value is not None and not _FITS[field.kind](value):
            problems.append(f"{key} must be {expectation(field)}, not {_found(field, value)}.")
        elif (given := _as_given(key, value, behaviour, problems)) is not _LEFT_OUT:
            values[field.name] = given
    if (list_id := values.get("list_id")) is not None:
        values["list_id"] = str(list_id).lower()
    entries = body.get(PROPERTIES_WIRE)
    properties = () if entries is None else _read_properties(entries, behaviour, problems)
    if problems:
        raise Refusal(422, " ".join(problems))
    clears = entries is None and PROPERTIES_WIRE in body and behaviour.explicit_null == "clears"
    return ContactBody(values, properties, clears)


def read_batch(body: dict[str, Any]) -> BatchBody:
    """The checked frame of a batch; its contacts are left as they are.

    Args:
        body: the JSON object.

    Raises:
        Refusal: 422; the message names every field that does not fit and what it should hold.
    """
    problems: list[str] = []
    list_id, contacts, webhook_url = (body.get(key) for key in BATCH_WIRE_KEYS)
    if list_id is not None and not is_uuid(list_id):
        problems.append(f"listId must be {_EXPECTATIONS[Kind.UUID]}, not {json_name(list_id)}.")
    if not isinstance(contacts, list):
        problems.append(f"createUpdateContacts must be an array of objects, not {json_name(contacts)}.")
    elif not 1 <= len(contacts) <= MAX_BATCH_CONTACTS:
        problems.append(f"createUpdateContacts must hold 1 to {MAX_BATCH_CONTACTS} contacts, not {len(contacts)}.")
    if webhook_url is not None and not isinstance(webhook_url, str):
        problems.append(f"webHookUrl must be a string, not {json_name(webhook_url)}.")
    if problems:
        raise Refusal(422, " ".join(problems))
    return BatchBody(None if list_id is None else str(list_id).lower(), list(contacts or ()), webhook_url)


def expectation(field: Field) -> str:
    """What a field has to hold, in words."""
    if field.is_integer:
        return f"an integer from 1 to {field.maximum}"
    return _EXPECTATIONS[field.kind]


class _Missing(Enum):
    """Stands for a field that counts as left out."""

    LEFT_OUT = "left out"


_LEFT_OUT: Final = _Missing.LEFT_OUT

_EXPECTATIONS: Final[dict[Kind, str]] = {
    Kind.UUID: "a uuid (8-4-4-4-12 hexadecimal digits)",
    Kind.BOOLEAN: "true or false",
    Kind.TEXT: "a string",
}


def _no_constant(name: str) -> Never:
    """Refuses the literals that Python reads and JSON does not have.

    Raises:
        ValueError: always.
    """
    msg = f"{name} is no JSON"
    raise ValueError(msg)


def _integer_up_to(kind: Kind) -> Callable[[object], bool]:
    maximum = {field.kind: field.maximum for field in BY_WIRE.values()}.get(kind) or 0
    return lambda value: type(value) is int and 0 < value <= maximum


def _is_text(value: object) -> bool:
    return type(value) is str


_FITS: Final[dict[Kind, Callable[[object], bool]]] = {
    Kind.UUID: lambda value: isinstance(value, str) and is_uuid(value),
    Kind.INT32: _integer_up_to(Kind.INT32),
    Kind.INT64: _integer_up_to(Kind.INT64),
    Kind.BOOLEAN: lambda value: type(value) is bool,
    Kind.TEXT: _is_text,
}


def _found(field: Field, value: object) -> str:
    return "an integer out of that range" if field.is_integer and type(value) is int else json_name(value)


def _as_given(key: str, value: Value, behaviour: Behaviour, problems: list[str]) -> Value | _Missing:
    """The value, or `_LEFT_OUT` where null or an empty string counts as left out."""
    if value is None and behaviour.explicit_null == "ignored":
        return _LEFT_OUT
    if value == "" and type(value) is str and behaviour.empty_string != "stored":
        if behaviour.empty_string == "refused":
            problems.append(f"{key} must not be empty.")
        return _LEFT_OUT
    return value


def _read_properties(entries: object, behaviour: Behaviour, problems: list[str]) -> tuple[PropertyEntry, ...]:
    if not isinstance(entries, list):
        problems.append(f"{PROPERTIES_WIRE} must be an array of objects, not {json_name(entries)}.")
        return ()
    return tuple(
        entry
        for index, found in enumerate(entries)
        if (entry := _read_property(f"{PROPERTIES_WIRE}[{index}]", found, behaviour, problems)) is not None
    )


def _read_property(place: str, found: object, behaviour: Behaviour, problems: list[str]) -> PropertyEntry | None:
    if not isinstance(found, dict):
        problems.append(f"{place} must be an object, not {json_name(found)}.")
        return None
    echo = {key: found.get(key) for key in PROPERTY_WIRE_KEYS.values()}
    for key, value in echo.items():
        if value is not None and not _is_text(value):
            problems.append(f"{place}.{key} must be a string, not {json_name(value)}.")
            return None
    id_key, name_key, value_key = PROPERTY_WIRE_KEYS.values()
    property_id = echo[id_key]
    if property_id is not None and not is_uuid(property_id):
        problems.append(f"{place}.{id_key} must be {_EXPECTATIONS[Kind.UUID]}.")
        return None
    value = _as_given(f"{place}.{value_key}", echo[value_key], behaviour, problems) if value_key in found else _LEFT_OUT
    has_value = value is not _LEFT_OUT
    return PropertyEntry(
        property_id=None if property_id is None else property_id.lower(),
        property_name=echo[name_key],
        value=str(value) if has_value and value is not None else None,
        has_value=has_value,
        echo=echo,
    )
