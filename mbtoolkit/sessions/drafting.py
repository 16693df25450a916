"""One contact while a person writes it: text for each field, judged by the rules, shown as what would be sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import polars as pl

from mbtoolkit.cleaning.phones import read_phone
from mbtoolkit.contacts import (
    BY_NAME,
    IDENTIFIERS,
    MAX_COUNTRY_CODE,
    OPT_INS,
    PROPERTIES_COLUMN,
    PROPERTY_ID_PREFIX,
    PROPERTY_NAME_PREFIX,
    PropertyKey,
    canonical_name,
    is_contact_column,
    is_property_column,
    property_key,
)
from mbtoolkit.errors import UsageError
from mbtoolkit.payloads import build_payloads
from mbtoolkit.schemas import RESULTS, ContactSchema
from mbtoolkit.schemas.conform import NO_WORDS, UNREAD_PREFIX, YES_WORDS, is_unread_column, unread_column
from mbtoolkit.schemas.rules import RULES
from mbtoolkit.schemas.texts import has_text_form, text_form, unbroken
from mbtoolkit.validation import Validation, validate_contacts, with_clear

CODE, NUMBER = IDENTIFIERS["mobile"]
CLEARING_IS_UNDOCUMENTED: Final = "an explicit null is sent; what the CRM does with it is not documented"
"""What is not known about clearing a value."""
MAX_CODE_DIGITS: Final = len(str(MAX_COUNTRY_CODE))

_PLAIN: Final = re.compile(r"[1-9][0-9]*")
"""A number as the CRM takes it."""
_CODE_PREFIX: Final = re.compile(r"^\s*(?:\+|\uff0b|00)")
_ISSUE: Final = ("column", "severity", "rule", "message")
_IN_A_FORM: Final = {
    "country_code_missing": "has no country code; fill it in, or write the number as +47 934 54 496",
    "country_code_disagrees": "begins with another country code than the one beside it; correct one of them",
    "phone_date": "is a date, not a phone number; write the number as +47 934 54 496",
    "phone_unreadable": "can't be read as a phone number; write it as +47 934 54 496",
    "not_yes_or_no": "is neither yes nor no; choose one, or leave it as it is",
    "number_missing": "stands without a number; add the number, or empty the country code",
    "number_as_float": "is a decimal or scientific number, so digits may be missing; write them all",
    "opt_in_without_address": (
        "says yes, and there is no address or number for it here; fill it in, or the contact id, or leave this as it is"
    ),
    "opt_in_by_contact_id": (
        "says yes, and there is no address or number for it here; it turns on consent for whatever address or number "
        "the CRM has for this contact id: check that the yes was given for that one"
    ),
    "opt_in_beside_clear": "says yes to what is cleared here; fill that in, don't clear it, or leave this as it is",
    "opt_out_without_address": (
        "says no, and there is no address or number for it here; it turns off consent for whatever contact the other "
        "fields find: check that the no is theirs"
    ),
    "no_identifier": "a contact id, a mobile number or an e-mail is needed, so that the CRM can tell who it is",
}
"""Messages that speak of columns and rows, as a person says it who sees neither."""


@dataclass(frozen=True, slots=True, repr=False)
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


@dataclass(frozen=True, slots=True, repr=False)
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


@dataclass(frozen=True, slots=True, repr=False)
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
        UsageError: `contact` is something else, or a frame of more or fewer rows than one.
    """
    texts: dict[str, str] = {}
    properties: dict[str, Property] = {}
    nested: list[Property] = []
    notes: dict[str, Any] = {}
    left_out: list[str] = []
    given = _given(contact)
    for name, value in given.items():
        column = (canonical_name(name) or name) if isinstance(name, str) else str(name)
        written = _text(value)
        if is_unread_column(column):
            notes[column] = value
        elif column == PROPERTIES_COLUMN and _is_nested(value):
            nested += _nested(value or ())
        elif written is None or not is_contact_column(column):
            left_out += [] if column in RESULTS else [column]
        elif column in BY_NAME:
            texts[column] = _opt_in_word(written) if column in OPT_INS else written
        else:
            properties[column] = Property(column.removeprefix(PROPERTY_NAME_PREFIX), written)
    _take_unread(notes, texts, properties, left_out)
    if not texts.get("contact_id", "").strip() and given.get("mb_contact_id") is not None:
        texts["contact_id"] = str(given["mb_contact_id"])
    return Draft(texts, (*properties.values(), *nested), left_out=tuple(left_out))


def _given(contact: Any) -> Mapping[Any, Any]:
    """Names and values.

    Raises:
        UsageError: see `draft_of`.
    """
    if contact is None:
        return {}
    if isinstance(contact, Mapping):
        return contact
    how = "give a dict, frame[[n]] or frame.row(n, named=True)"
    if not isinstance(contact, pl.DataFrame):
        msg = f"a form holds one contact, and a {type(contact).__name__} is none: {how}"
        raise UsageError(msg)
    if contact.height != 1:
        msg = f"a form holds one contact, and this frame has {contact.height:,} rows: {how}"
        raise UsageError(msg)
    return contact.row(0, named=True)


def _take_unread(
    notes: Mapping[str, Any], texts: dict[str, str], properties: dict[str, Property], left_out: list[str]
) -> None:
    """Puts each text that could not be read back where it was found, unless something stands there by now."""
    for unread, note in notes.items():
        column = unread.removeprefix(UNREAD_PREFIX)
        rule, _, rest = str(note or "").partition(": ")
        found = rest if rule in RULES else str(note or "")
        if column in BY_NAME:
            texts[column] = texts.get(column) or found
        elif column == PROPERTIES_COLUMN:
            left_out += [unread] if found else []
        elif not (column in properties and properties[column].value):
            properties[column] = Property(column.removeprefix(PROPERTY_NAME_PREFIX), found)


def _is_nested(value: Any) -> bool:
    return value is None or (isinstance(value, list | tuple) and all(isinstance(each, Mapping) for each in value))


def _nested(entries: Iterable[Mapping[str, Any]]) -> Iterable[Property]:
    for entry in entries:
        by_wire = {str(name).replace("_", "").lower(): _text(value) or "" for name, value in entry.items()}
        found = by_wire.get("propertyid")
        name = f"{PROPERTY_ID_PREFIX}{found}" if found else by_wire.get("propertyname", "")
        yield Property(name, by_wire.get("propertyvalue", ""))


def _text(value: Any) -> str | None:
    """A value as a table's cell would be written; None for what has no text form."""
    if value is None or isinstance(value, str):
        return value or ""
    cell = pl.Series("cell", [value], strict=False)
    if not has_text_form(cell.dtype) or (cell.dtype.is_float() and not cell.is_finite().all()):
        return None
    return cell.to_frame().select(text_form(pl.col("cell"), cell.dtype)).item() or ""


def _opt_in_word(written: str) -> str:
    word = written.strip().lower()
    return "yes" if word in YES_WORDS else "no" if word in NO_WORDS else written.strip()


def split_phone(draft: Draft, *, pasted: bool = False) -> Draft:
    """The draft with an international number, such as +47 934 54 496, taken apart into country code and number.

    A whole number that stands in the country code's place is taken apart too.

    Args:
        draft: as typed.
        pasted: whether the number was just pasted, so that its own country code replaces another one.
    """
    typed, code = draft.texts.get(NUMBER, ""), _CODE_PREFIX.sub("", draft.texts.get(CODE, "")).strip()
    if not typed.strip() and len(code) > MAX_CODE_DIGITS:
        typed, code = draft.texts[CODE], ""
    if not typed.strip() or _PLAIN.fullmatch(typed.strip()):
        return draft
    own = pasted and _CODE_PREFIX.match(typed) is not None
    phone = read_phone(typed, None if own else code or None)
    if phone.rule is not None:
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

    Raises:
        FrameError: `schema` asks for columns that a form does not have, or a check of it raised.
    """
    whole = split_phone(draft)
    cells = _standard_cells(whole)
    messages: dict[str | None, str] = {}
    places: dict[PropertyKey, str] = {}
    for place, each in enumerate(whole.properties):
        wrong = _wrong_name(each, f"property {place}", places)
        if wrong:
            messages[f"property {place}"] = wrong
        elif each.value.strip():
            cells |= _cell(each.column, each.value)
    frame = pl.DataFrame({name: [text] for name, text in cells.items()} or {"email": [None]})
    clear = _cleared(whole, cells)
    validation = with_clear(validate_contacts(frame.cast(pl.String), schema=schema), clear)
    told = _told(validation, places)
    payload = None
    if validation.ok and not messages:
        payload = build_payloads(validation.valid, list_id=list_id, clear=clear)["payload"].item()
    return CheckedDraft(_contact(validation), validation, told["error"] | messages, told["warning"], clear, payload)


def _standard_cells(draft: Draft) -> dict[str, str | None]:
    """The standard fields that are filled; a phone that can't be read as it is read from a file."""
    cells: dict[str, str | None] = {}
    for name in BY_NAME:
        typed = draft.texts.get(name, "").strip()
        if not typed:
            continue
        rule = None
        if name == NUMBER and not _PLAIN.fullmatch(typed):
            rule = read_phone(typed, _CODE_PREFIX.sub("", draft.texts.get(CODE, "")).strip() or None).rule
        cells |= _cell(name, typed, rule)
    return cells


def _cell(column: str, typed: str, rule: str | None = None) -> dict[str, str | None]:
    """A cell of the contacts frame, or, where a rule is broken already, the text beside it."""
    whole = unbroken(typed)
    broken = rule if whole == typed else "not_unicode"
    return {column: whole} if broken is None else {column: None, unread_column(column): f"{broken}: {whole}"}


def _wrong_name(typed: Property, place: str, places: dict[PropertyKey, str]) -> str | None:
    """What is wrong with a property's name; notes which input the property belongs to."""
    if not typed.says_something:
        return None
    if not typed.name.strip():
        return "has a value and no name; write the property's name, or remove it"
    if unbroken(typed.name) != typed.name:
        return RULES["not_unicode"].message
    key = property_key(typed.column)
    if places.setdefault(key.folded, place) != place:
        return "is named above already; keep one of the two"
    return None if key.is_sound else "is named by an id that is no uuid; correct it"


def _told(validation: Validation, places: Mapping[PropertyKey, str]) -> dict[str, dict[str | None, str]]:
    """The issues' messages by severity and field."""
    told: dict[str, dict[str | None, str]] = {"error": {}, "warning": {}}
    for column, severity, rule, message in validation.issues.select(_ISSUE).iter_rows():
        is_property = column is not None and is_property_column(column)
        where = places.get(property_key(column).folded, column) if is_property else column
        told[severity].setdefault(where, _IN_A_FORM.get(rule, message))
    return told


def _cleared(draft: Draft, filled: Mapping[str, str | None]) -> tuple[str, ...]:
    fields = [name for name in BY_NAME if name in draft.cleared]
    columns = [each.column for each in draft.properties if each.is_cleared and each.name.strip()]
    return tuple(column for column in dict.fromkeys([*fields, *columns]) if column not in filled)


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
    sentences = [_who(contact), _where(contact, list_id, lists or {})]
    for name in OPT_INS:
        if name in contact:
            consent = BY_NAME[name].description.removesuffix(".")
            sentences.append(f"{consent} is turned {'on' if contact[name] else 'off'}.")
    values = [_label(name) for name in contact if name not in ("list_id", "contact_id", CODE, *OPT_INS)]
    if values:
        sentences.append(f"Set: {', '.join(values)}.")
    cleared = [_label(name) for name in checked.clear if name != CODE]
    if cleared:
        sentences.append(f"Cleared: {', '.join(cleared)}; {CLEARING_IS_UNDOCUMENTED}.")
    left = [BY_NAME[name].label for name in OPT_INS if name not in contact]
    if left:
        sentences.append(f"{' and '.join(left)} {'stays as it is' if len(left) == 1 else 'stay as they are'}.")
    return sentences


def _who(contact: Mapping[str, Any]) -> str:
    if "contact_id" in contact:
        return f"Contact {contact['contact_id']} is updated."
    by = [
        name
        for name, fields in (("mobile number", IDENTIFIERS["mobile"]), ("e-mail", ("email",)))
        if set(fields) <= set(contact)
    ]
    return f"A contact with this {' or '.join(by)} is updated if the CRM has one; else it is a new contact."


def _where(contact: Mapping[str, Any], list_id: str | None, lists: Mapping[str, str]) -> str:
    named = contact.get("list_id") or list_id
    if named is not None:
        return f"It goes into the list {lists.get(named, named)}."
    return (
        "No list is named." if "contact_id" in contact else "No list is named; a new contact goes under All contacts."
    )


def _label(column: str) -> str:
    return BY_NAME[column].label.lower() if column in BY_NAME else property_key(column).value


def upsert_code(checked: CheckedDraft) -> str:
    """The Python call that sends the same contact; a comment while it can't be sent."""
    if not checked.ok:
        return "# There is nothing to send yet: something in the form is invalid (form.issues)."
    lines = [f"    {name!r}: {value!r}," for name, value in checked.contact.items()]
    clear = f", clear={list(checked.clear)!r}" if checked.clear else ""
    return "\n".join(["from mbtoolkit import upsert_contact", "", "upsert_contact({", *lines, f"}}, client{clear})"])
