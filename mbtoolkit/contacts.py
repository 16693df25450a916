"""The domain in one table: what a contact is, and what each field is called where.

Everything else derives from `FIELDS`: the pandera schemas, the payloads, the sandbox's OpenAPI
page and its checks. A new field of the CRM is one more line here.

Source: the reference page "Contact Insert and Update", request body schema.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

INT32_MAX: Final = 2**31 - 1
INT64_MAX: Final = 2**63 - 1
MAX_PHONE_DIGITS: Final = 15
"""Digits of a country code and a number together (ITU-T E.164, section 6)."""
MAX_COUNTRY_CODE: Final = 999
"""Country codes have one to three digits (ITU-T E.164, section 6.2.1)."""


class Kind(Enum):
    """What a field holds, as the reference page types it."""

    UUID = "uuid"
    INT32 = "int32"
    INT64 = "int64"
    BOOLEAN = "boolean"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Field:
    """One of the standard fields of a contact.

    Attributes:
        name: the column of the contacts frame.
        wire: the key in the JSON body.
        kind: what it holds.
        label: what a person calls it.
        description: one sentence, for forms and for the OpenAPI page.
        least: the smallest number that can be right; None for 0.
        most: the largest; None for what the CRM can hold.
    """

    name: str
    wire: str
    kind: Kind
    label: str
    description: str
    least: int | None = None
    most: int | None = None

    @property
    def is_integer(self) -> bool:
        """Whether the field is sent as a JSON integer."""
        return self.kind in (Kind.INT32, Kind.INT64)

    @property
    def maximum(self) -> int | None:
        """The largest value the CRM can hold; None where that has no meaning."""
        return {Kind.INT32: INT32_MAX, Kind.INT64: INT64_MAX}.get(self.kind)


FIELDS: Final[tuple[Field, ...]] = (
    Field("list_id", "listId", Kind.UUID, "List", "The contact list to put the contact in."),
    Field("contact_id", "contactId", Kind.INT64, "Contact id", "The CRM's own id of a contact it has.", least=1),
    Field(
        "mobile_country_code",
        "mobileCountryCode",
        Kind.INT32,
        "Country code",
        "The calling code, such as 47.",
        least=1,
        most=MAX_COUNTRY_CODE,
    ),
    Field(
        "mobile_number", "mobileNumber", Kind.INT64, "Mobile number", "The number without its country code.", least=1
    ),
    Field("mobile_opt_in", "mobileOptIn", Kind.BOOLEAN, "Mobile opt-in", "Consent to text messages."),
    Field("email", "email", Kind.TEXT, "E-mail", "The e-mail address."),
    Field("email_opt_in", "emailOptIn", Kind.BOOLEAN, "E-mail opt-in", "Consent to e-mails."),
)
"""The standard fields, in the order in which they are sent; `propertyFields` comes after them."""

BY_NAME: Final[dict[str, Field]] = {field.name: field for field in FIELDS}
BY_WIRE: Final[dict[str, Field]] = {field.wire: field for field in FIELDS}

IDENTIFIERS: Final[dict[str, tuple[str, ...]]] = {
    "contact_id": ("contact_id",),
    "mobile": ("mobile_country_code", "mobile_number"),
    "email": ("email",),
}
"""What finds a contact: each identifier and the fields that have to be filled for it."""

OPT_INS: Final[tuple[str, ...]] = tuple(field.name for field in FIELDS if field.kind is Kind.BOOLEAN)
"""The fields that record consent: true, false, or null for "leave as it is"."""

CONSENT_TO: Final[dict[str, tuple[str, ...]]] = {
    opt_in: IDENTIFIERS[channel]
    for opt_in in OPT_INS
    for channel in (opt_in.removesuffix("_opt_in"),)
    if channel in IDENTIFIERS
}
"""For each opt-in, the fields that hold the address or number that it is about."""

PROPERTIES_WIRE: Final = "propertyFields"
PROPERTIES_COLUMN: Final = "property_fields"
"""The nested column that holds properties as List(Struct(property_id, property_name, property_value))."""

PROPERTY_NAME_PREFIX: Final = "property:"
PROPERTY_ID_PREFIX: Final = "property_id:"
PROPERTY_WIRE_KEYS: Final[dict[str, str]] = {
    "property_id": "propertyId",
    "property_name": "propertyName",
    "property_value": "propertyValue",
}

UUID_PATTERN: Final = r"^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$"
"""A uuid in the only form the CRM's samples show: five groups of hexadecimal digits, hyphens between."""

_UUID: Final = re.compile(UUID_PATTERN)


def is_uuid(text: object) -> bool:
    """Whether something is a text, and a uuid in the five-group form."""
    return isinstance(text, str) and _UUID.match(text) is not None and not text.endswith("\n")


@dataclass(frozen=True, slots=True)
class PropertyKey:
    """How a property is addressed on the wire: by its id or by its name, never by both.

    Attributes:
        wire: `propertyId` or `propertyName`.
        value: the id or the name.
    """

    wire: str
    value: str

    @property
    def is_sound(self) -> bool:
        """Whether the CRM could read it: a uuid for an id, something visible for a name."""
        return is_uuid(self.value) if self.wire == "propertyId" else bool(self.value.strip())

    @property
    def folded(self) -> PropertyKey:
        """The key that all spellings of it have in common: hexadecimal digits mean the same in either case."""
        return PropertyKey(self.wire, self.value.lower()) if self.wire == "propertyId" else self


def is_property_column(column: str) -> bool:
    """Whether a column of the contacts frame holds one property."""
    return column.startswith((PROPERTY_NAME_PREFIX, PROPERTY_ID_PREFIX))


def property_key(column: str) -> PropertyKey:
    """The key that a property column stands for.

    Args:
        column: `property:<name>` or `property_id:<uuid>`.

    Raises:
        ValueError: the column is neither.
    """
    if column.startswith(PROPERTY_ID_PREFIX):
        return PropertyKey("propertyId", column.removeprefix(PROPERTY_ID_PREFIX))
    if column.startswith(PROPERTY_NAME_PREFIX):
        return PropertyKey("propertyName", column.removeprefix(PROPERTY_NAME_PREFIX))
    msg = f"{column!r} is no property column: it would start with {PROPERTY_NAME_PREFIX!r} or {PROPERTY_ID_PREFIX!r}"
    raise ValueError(msg)


def is_contact_column(column: str) -> bool:
    """Whether a column of the contacts frame is ever sent (as against carried along)."""
    return column in BY_NAME or column == PROPERTIES_COLUMN or is_property_column(column)


def canonical_name(name: str) -> str | None:
    """The canonical column for a canonical or wire name, in any case; None if it is neither.

    Args:
        name: such as `mobile_number`, `mobileNumber`, `property:Shoe size` or `propertyFields`.
    """
    bare = name.strip()
    if is_property_column(bare):
        prefix, _, value = bare.partition(":")
        return f"{prefix}:{value.strip()}" if value.strip() else None
    return _CANONICAL.get(bare.lower())


_CANONICAL: Final[dict[str, str]] = {
    **{field.name: field.name for field in FIELDS},
    **{field.wire.lower(): field.name for field in FIELDS},
    PROPERTIES_COLUMN: PROPERTIES_COLUMN,
    PROPERTIES_WIRE.lower(): PROPERTIES_COLUMN,
}


def label_of(name: str) -> str:
    """What a person calls a column."""
    if name in BY_NAME:
        return BY_NAME[name].label
    return name.removeprefix(PROPERTY_NAME_PREFIX) if is_property_column(name) else name
