"""One contact while a person writes it: text for each field, judged by the rules, shown as what would be sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import polars as pl

from mbtoolkit.cleaning.phones import read_phone
from mbtoolkit.contacts import (
    BY_NAME,
    IDENTIFIERS,
    OPT_INS,
    PROPERTIES_COLUMN,
    PROPERTY_ID_PREFIX,
    PROPERTY_NAME_PREFIX,
    canonical_name,
    is_property_column,
    property_key,
)
from mbtoolkit.errors import UsageError
from mbtoolkit.payloads import build_payloads
from mbtoolkit.schemas import ContactSchema
from mbtoolkit.schemas.conform import conform, is_unread_column
from mbtoolkit.validation import Validation, validate_contacts

CODE, NUMBER = IDENTIFIERS["mobile"]
CLEARING_IS_UNDOCUMENTED: Final = "an explicit null is sent; what the CRM does with it is not documented"
_NO_PROPERTY_NAME: Final = "has a value and no name; write the property's name, or remove it"
_PROPERTY_TWICE: Final = "is named above already; keep one of the two"


@dataclass(frozen=True, slots=True)
class Property:
    """One property as typed.

    Attributes:
        name: the property's name, or `property_id:<uuid>`.
        value: its text; blank leaves the property as it is.
        is_cleared: whether the CRM is asked to empty it.
    """

    name: str = ""
    value: str = ""
    is_cleared: bool = False

    @property
    def column(self) -> str:
        """The column of the contacts frame that it fills."""
        bare = self.name.strip()
        return bare if bare.startswith(PROPERTY_ID_PREFIX) else f"{PROPERTY_NAME_PREFIX}{bare}"

    @property
    def says_something(self) -> bool:
        """Whether anything would be sent for it."""
        return bool(self.value.strip()) or self.is_cleared


@dataclass(frozen=True, slots=True)
class Draft:
    """A contact as typed.

    Attributes:
        texts: the text of each standard field, by its canonical name; blank leaves the field as it is.
        properties: its properties.
        cleared: standard fields that the CRM is asked to empty.
        left_out: names that were handed in and are never sent.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    properties: tuple[Property, ...] = ()
    cleared: frozenset[str] = frozenset()
    left_out: tuple[str, ...] = ()

    def with_text(self, name: str, text: str) -> Draft:
        """The draft with another text in one field."""
        return replace(self, texts={**self.texts, name: text})


@dataclass(frozen=True, slots=True)
class CheckedDraft:
    """What the rules say of a draft, and what would be sent.

    Attributes:
        contact: canonical values, as `upsert_contact` takes them; fields that stay as they are left out.
        validation: of the contact as a frame of one row.
        messages: what is wrong, by field or by `property <place>`; under None what concerns the whole contact.
        warnings: likewise, what keeps nothing from being sent.
        clear: the columns that are cleared.
        payload: the JSON exactly as it would be sent; None while something is wrong.
    """

    contact: dict[str, Any]
    validation: Validation
    messages: dict[str | None, str]
    warnings: dict[str | None, str]
    clear: tuple[str, ...]
    payload: str | None

    @property
    def ok(self) -> bool:
        """Whether it can be sent."""
        return self.payload is not None

    @property
    def opt_ins_on(self) -> tuple[str, ...]:
        """The opt-ins that would be turned on."""
        return tuple(name for name in OPT_INS if self.contact.get(name) is True)


def draft_of(contact: Mapping[str, Any] | pl.DataFrame | None) -> Draft:
    """A draft of a contact that is there already.

    Args:
        contact: canonical or wire names and their values: a dict, a named row of a frame or of a results frame, or a
            frame of one row. What could not be read (`unread:` columns) comes back as it was found. None is empty.

    Raises:
        UsageError: a frame of more or fewer rows than one.
    """
    if isinstance(contact, pl.DataFrame):
        if contact.height != 1:
            rows = f"{contact.height:,} rows"
            msg = f"a form holds one contact, and this frame has {rows}: give frame[[n]] or frame.row(n, named=True)"
            raise UsageError(msg)
        contact = contact.row(0, named=True)
    given = dict(contact or {})
    learnt = given.get("mb_contact_id")
    if learnt is not None and given.get("contact_id") is None:
        given["contact_id"] = learnt
    texts: dict[str, str] = {}
    properties: list[Property] = []
    left_out: list[str] = []
    for name, value in given.items():
        canonical = canonical_name(name)
        if canonical in BY_NAME:
            texts[canonical] = _text(value) or texts.get(canonical, "")
        elif canonical == PROPERTIES_COLUMN:
            properties += _nested(value or ())
        elif canonical is not None and is_property_column(canonical):
            properties.append(Property(canonical.removeprefix(PROPERTY_NAME_PREFIX), _text(value)))
        elif is_unread_column(name):
            _take_unread(name, value, texts, properties)
        elif not name.startswith("mb_"):
            left_out.append(name)
    return Draft(texts, tuple(properties), left_out=tuple(left_out))


def _take_unread(name: str, note: str | None, texts: dict[str, str], properties: list[Property]) -> None:
    """Puts the text that could not be read back where it was found."""
    column = name.partition(":")[2]
    if note is None:
        return
    found = note.partition(": ")[2]
    if column in BY_NAME:
        texts[column] = found
    elif is_property_column(column):
        properties.append(Property(column.removeprefix(PROPERTY_NAME_PREFIX), found))


def _nested(entries: Iterable[Mapping[str, str | None]]) -> Iterable[Property]:
    for entry in entries:
        by_wire = {name.replace("_", "").lower(): value for name, value in entry.items()}
        found = by_wire.get("propertyid")
        name = f"{PROPERTY_ID_PREFIX}{found}" if found else by_wire.get("propertyname") or ""
        yield Property(name, by_wire.get("propertyvalue") or "")


def _text(value: Any) -> str:
    if value is None:
        return ""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def split_phone(draft: Draft) -> Draft:
    """The draft with an international number, such as +47 934 54 496, taken apart into country code and number."""
    typed = draft.texts.get(NUMBER, "")
    code = draft.texts.get(CODE, "").strip().removeprefix("+")
    phone = read_phone(typed, code or None)
    if typed.strip().isdigit() or phone.rule is not None or phone.number is None:
        return draft
    return replace(draft, texts={**draft.texts, CODE: str(phone.code), NUMBER: str(phone.number)})


def check_draft(
    draft: Draft, *, list_id: str | None = None, schema: type[ContactSchema] = ContactSchema
) -> CheckedDraft:
    """Judges a draft by the rules for contacts, and encodes it.

    Args:
        draft: as typed.
        list_id: of the list, where the draft names none.
        schema: the rules.
    """
    whole = split_phone(draft)
    filled = {name: text.strip() for name, text in whole.texts.items() if text.strip()}
    if CODE in filled:
        filled[CODE] = filled[CODE].removeprefix("+")
    messages: dict[str | None, str] = {}
    places: dict[str, str] = {}
    for place, each in enumerate(whole.properties):
        _place(each, f"property {place}", places, messages)
        if each.value.strip() and each.name.strip():
            filled.setdefault(each.column, each.value)
    frame = pl.DataFrame({name: [text] for name, text in filled.items()} or {"email": [None]})
    validation = validate_contacts(conform(frame.cast(pl.String)), schema=schema)
    told = _told(validation, places)
    clear = _cleared(whole, filled)
    payload = None
    if validation.ok and not messages:
        payload = build_payloads(validation.valid, list_id=list_id, clear=clear)["payload"].item()
    contact = _contact(validation)
    return CheckedDraft(contact, validation, told["error"] | messages, told["warning"], clear, payload)


def _place(typed: Property, place: str, places: dict[str, str], messages: dict[str | None, str]) -> None:
    """Notes which input a property's column belongs to; a name that is missing or stands twice is told there."""
    if not typed.says_something:
        return
    if not typed.name.strip():
        messages[place] = _NO_PROPERTY_NAME
    elif places.setdefault(typed.column, place) != place:
        messages[place] = _PROPERTY_TWICE
    elif not property_key(typed.column).is_sound:
        messages[place] = "names a property by an id that is no uuid"


def _told(validation: Validation, places: Mapping[str, str]) -> dict[str, dict[str | None, str]]:
    """The issues' messages by severity and field."""
    told: dict[str, dict[str | None, str]] = {"error": {}, "warning": {}}
    for column, severity, message in validation.issues.select("column", "severity", "message").iter_rows():
        where = places.get(column, column)
        told[severity].setdefault(where, message)
    return told


def _cleared(draft: Draft, filled: Mapping[str, str]) -> tuple[str, ...]:
    fields = [name for name in BY_NAME if name in draft.cleared and name not in filled]
    columns = [each.column for each in draft.properties if each.is_cleared and each.name.strip()]
    return (*fields, *(column for column in dict.fromkeys(columns) if column not in filled))


def _contact(validation: Validation) -> dict[str, Any]:
    rows = validation.valid if validation.ok else validation.invalid
    row = rows.row(0, named=True) if rows.height else {}
    sent = (name for name in row if name in BY_NAME or is_property_column(name))
    return {name: row[name] for name in sent if row[name] is not None}


def explain(checked: CheckedDraft, *, lists: Mapping[str, str] | None = None, list_id: str | None = None) -> list[str]:
    """What would be sent, in sentences.

    Args:
        checked: a draft that can be sent.
        lists: uuid -> name of the lists that are known.
        list_id: of the list, where the draft names none.
    """
    contact = checked.contact
    sentences = [_who(contact), _where(contact.get("list_id") or list_id, lists or {})]
    for name in OPT_INS:
        if name in contact:
            consent = BY_NAME[name].description.removesuffix(".")
            sentences.append(f"{consent} is turned {'on' if contact[name] else 'off'}.")
    values = [_label(name) for name in contact if name not in ("list_id", "contact_id", CODE, *OPT_INS)]
    if values:
        sentences.append(f"Set: {', '.join(values)}.")
    if checked.clear:
        sentences.append(f"Cleared: {', '.join(map(_label, checked.clear))}; {CLEARING_IS_UNDOCUMENTED}.")
    left = [BY_NAME[name].label for name in OPT_INS if name not in contact]
    sentences.append(
        f"{' and '.join(left)} stay as they are." if len(left) > 1 else f"{left[0]} stays as it is." if left else ""
    )
    return [sentence for sentence in sentences if sentence]


def _who(contact: Mapping[str, Any]) -> str:
    if "contact_id" in contact:
        return f"Contact {contact['contact_id']} is updated."
    by = [
        name
        for name, fields in (("mobile number", IDENTIFIERS["mobile"]), ("e-mail", ("email",)))
        if set(fields) <= set(contact)
    ]
    return f"A contact with this {' or '.join(by)} is updated if the CRM has one; else it is a new contact."


def _where(list_id: str | None, lists: Mapping[str, str]) -> str:
    if list_id is None:
        return "It is named in no list; a new contact goes under All contacts."
    return f"It goes into the list {lists.get(list_id, list_id)}."


def _label(column: str) -> str:
    return BY_NAME[column].label.lower() if column in BY_NAME else property_key(column).value


def upsert_code(checked: CheckedDraft, *, list_id: str | None = None) -> str:
    """The Python call that sends the same contact."""
    lines = [f"    {name!r}: {value!r}," for name, value in checked.contact.items()]
    options = [f"list_id={list_id!r}"] if list_id else []
    options += [f"clear={list(checked.clear)!r}"] if checked.clear else []
    tail = "".join(f", {option}" for option in options)
    return "\n".join(["from mbtoolkit import upsert_contact", "", "upsert_contact({", *lines, f"}}, client{tail})"])
