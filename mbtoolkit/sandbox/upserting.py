"""The upsert: which contact a request means, what becomes of it, and when it is refused."""

from __future__ import annotations

from collections.abc import Container
from typing import Any, Final, NamedTuple

from mbtoolkit.contacts import IDENTIFIERS, OPT_INS
from mbtoolkit.sandbox.answers import Refusal
from mbtoolkit.sandbox.behaviour import Behaviour
from mbtoolkit.sandbox.bodies import ContactBody, PropertyEntry, Value
from mbtoolkit.sandbox.records import Effect
from mbtoolkit.sandbox.store import Property, Store, StoredContact

MOBILE: Final = IDENTIFIERS["mobile"]


class Upserted(NamedTuple):
    """What was committed.

    Attributes:
        contact_id: the contact.
        outcome: whether it was there before.
        invalid_properties: the entries that were not stored, as they came.
    """

    contact_id: int
    outcome: Effect
    invalid_properties: list[dict[str, Any]]


def upsert(
    contact: ContactBody, store: Store, behaviour: Behaviour, *, not_again: Container[int] = frozenset()
) -> Upserted:
    """Creates or updates one contact, and commits.

    Args:
        contact: what the request says; types are checked already.
        store: where it goes.
        behaviour: decides what the documentation leaves open.
        not_again: contacts that are refused because they came before.

    Raises:
        Refusal: 422 or 409; nothing was changed.
    """
    with store.transaction():
        return _upsert(contact, store, behaviour, not_again)


def check_alone(values: dict[str, Value], store: Store, behaviour: Behaviour) -> None:
    """Refuses what is wrong whatever contacts are stored.

    Raises:
        Refusal: 422.
    """
    _check_identified(values)
    check_list(values.get("list_id"), store, behaviour)


def check_list(list_id: Value, store: Store, behaviour: Behaviour) -> None:
    """Refuses a list that is not known.

    Raises:
        Refusal: 422.
    """
    if list_id is not None and behaviour.unknown_list == "refused" and list_id not in store.list_ids:
        raise Refusal(422, "listId is not the id of a known list.")


def given_id(values: dict[str, Value]) -> int | None:
    """The contactId that a request gives, or None."""
    given = values.get("contact_id")
    return given if isinstance(given, int) else None


def _upsert(contact: ContactBody, store: Store, behaviour: Behaviour, not_again: Container[int]) -> Upserted:
    values = contact.values
    check_alone(values, store, behaviour)
    owners = _owners(values, store, behaviour)
    target = _target(values, owners, store, behaviour)
    if target is not None and target.contact_id in not_again:
        raise Refusal(409, "The contact came before in the same batch.", invalid_contact_ids=[target.contact_id])
    merged = _merged(values, target, behaviour)
    contact_id = given_id(values) if target is None else target.contact_id
    if behaviour.crossed_identifiers == "conflict":
        _check_crossing(contact_id, values, merged, owners, store)
    known, unknown = _resolve(contact.properties, store, behaviour)
    if contact_id is None:
        contact_id = store.next_contact_id()
    if target is None:
        store.insert(contact_id, merged)
    else:
        store.update(contact_id, merged)
    if contact.clears_properties:
        store.clear_properties(contact_id)
    for found, entry in known:
        if entry.has_value:
            store.put_property(contact_id, found, entry.value)
    outcome = Effect.INSERTED if target is None else Effect.UPDATED
    return Upserted(contact_id, outcome, [entry.echo for entry in unknown])


def _check_identified(values: dict[str, Value]) -> None:
    """Refuses a contact that nothing identifies.

    Raises:
        Refusal: 422.
    """
    if values.get("contact_id") or values.get("email"):
        return
    code, number = (values.get(column) for column in MOBILE)
    if code and number:
        return
    if code or number:
        missing = "mobileNumber" if code else "mobileCountryCode"
        raise Refusal(422, f"{missing} is missing: mobileCountryCode and mobileNumber identify a contact together.")
    raise Refusal(422, "An identifier is missing: contactId, mobileCountryCode with mobileNumber, or email.")


def _owners(values: dict[str, Value], store: Store, behaviour: Behaviour) -> list[int]:
    """Who has the mobile and the e-mail of the request, in match order."""
    code, number = (values.get(column) for column in MOBILE)
    email = values.get("email")
    by_mobile = store.id_by_mobile(code, number) if isinstance(code, int) and isinstance(number, int) else None
    by_email = store.id_by_email(email) if isinstance(email, str) and email else None
    found = (by_mobile, by_email) if behaviour.match_order == "mobile_first" else (by_email, by_mobile)
    return [owner for owner in found if owner is not None]


def _target(values: dict[str, Value], owners: list[int], store: Store, behaviour: Behaviour) -> StoredContact | None:
    """The contact to update, or None for a new one.

    Raises:
        Refusal: 422 or 409; the contactId does not exist.
    """
    contact_id = given_id(values)
    if contact_id is None:
        return store.find(owners[0]) if owners else None
    found = store.find(contact_id)
    if found is None and behaviour.unknown_contact_id != "created":
        status = 422 if behaviour.unknown_contact_id == "refused" else 409
        raise Refusal(status, "contactId is not the id of a contact.", invalid_contact_ids=[contact_id])
    return found


def _merged(values: dict[str, Value], target: StoredContact | None, behaviour: Behaviour) -> dict[str, Value]:
    """All fields as they will be stored: what was left out keeps its value."""
    if target is not None:
        return target.values | values
    opt_in = False if behaviour.opt_in_on_create == "false" else None
    return dict.fromkeys(OPT_INS, opt_in) | values


def _check_crossing(
    contact_id: int | None, values: dict[str, Value], merged: dict[str, Value], owners: list[int], store: Store
) -> None:
    """Refuses identifiers that belong to somebody else.

    Raises:
        Refusal: 409.
    """
    taken = {*owners, _owner_of_joined_mobile(values, merged, store), contact_id} - {None, contact_id}
    if taken:
        raise Refusal(409, "The identifiers belong to different contacts.")


def _owner_of_joined_mobile(values: dict[str, Value], merged: dict[str, Value], store: Store) -> int | None:
    """Who has the mobile that a country code or a number alone makes with the stored other half."""
    if (MOBILE[0] in values) == (MOBILE[1] in values):
        return None
    code, number = (merged.get(column) for column in MOBILE)
    return store.id_by_mobile(code, number) if isinstance(code, int) and isinstance(number, int) else None


def _resolve(
    entries: tuple[PropertyEntry, ...], store: Store, behaviour: Behaviour
) -> tuple[list[tuple[Property, PropertyEntry]], list[PropertyEntry]]:
    """The entries whose property is known (or now created), and the others.

    Raises:
        Refusal: 422; a property is not known, and the sandbox refuses such requests.
    """
    unknown = [entry for entry in entries if _known(entry, store) is None]
    if unknown and behaviour.unknown_property == "refused":
        message = "propertyFields holds a property that is not known."
        raise Refusal(422, message, invalid_properties=[entry.echo for entry in unknown])
    known = []
    listed = []
    for entry in entries:
        found = _known(entry, store)
        if found is None and behaviour.unknown_property == "created" and _can_be_created(entry, store):
            found = store.create_property(entry.property_id, entry.property_name)
        if found is None:
            listed.append(entry)
        else:
            known.append((found, entry))
    return known, listed


def _known(entry: PropertyEntry, store: Store) -> Property | None:
    """The property that an entry means; None where it is not known, or its id and its name disagree."""
    if entry.property_id is None:
        return store.property_by_name(entry.property_name) if entry.property_name else None
    found = store.property_by_id(entry.property_id)
    if found is None or not entry.property_name:
        return found
    return found if store.property_by_name(entry.property_name) == found else None


def _can_be_created(entry: PropertyEntry, store: Store) -> bool:
    """Whether neither the id nor the name is taken, and there is one of them."""
    if entry.property_id is not None and store.property_by_id(entry.property_id) is not None:
        return False
    name = (entry.property_name or "").strip() or entry.property_id
    return bool(name) and store.property_by_name(str(name)) is None
