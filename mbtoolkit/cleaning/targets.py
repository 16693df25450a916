"""What names are given to each field and property: ideas (see `headers`) that make up a name, and what it is worth."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from mbtoolkit.cleaning.headers import Header, read_header
from mbtoolkit.contacts import PROPERTY_NAME_PREFIX

LEAST_WORTH: Final = 0.3
"""Below this confidence nothing is suggested."""
_NEAR_MISS: Final = 0.9
"""What a near miss leaves of a name's worth."""


class Target(NamedTuple):
    """A field or a property, and what it is called.

    Attributes:
        name: the canonical column.
        noun: what it is, with its article.
        called: sets of ideas that name it, and how sure that makes it.
        beside: ideas that may stand beside them.
        look: what its cells look like; None where that could be anything.
        unknown: what each word that says nothing known leaves of a name's worth.
    """

    name: str
    noun: str
    called: dict[frozenset[str], float]
    beside: frozenset[str]
    look: str | None = None
    unknown: float = 0.8


def _called(*names: str, sure: float = 0.94) -> dict[frozenset[str], float]:
    return {frozenset(name.split()): sure for name in names}


_WEIGHTS: Final = {"work": 0.7, "company": 0.7, "home": 0.8, "second": 0.85, "landline": 0.5}
"""What an idea beside the name of a field leaves of its worth: it may not be the one to write to."""
_BESIDE: Final = {
    "work": "at work",
    "company": "a company's",
    "home": "at home",
    "second": "not the first one",
    "landline": "a landline",
}

FIELD_TARGETS: Final = (
    Target(
        "email",
        "an e-mail address",
        _called("email"),
        frozenset({"address", "contact", "customer", "work", "company", "home", "second"}),
        "email",
    ),
    Target(
        "mobile_number",
        "a phone number",
        _called("mobile", "sms number")
        | _called("phone", sure=0.84)
        | _called("contact number", "whatsapp", sure=0.74)
        | _called("landline", sure=0.42),
        frozenset({"number", "phone", "contact", "customer", "work", "company", "home", "second", "landline"}),
        "phone",
    ),
    Target(
        "mobile_country_code",
        "a country's calling code",
        _called("calling", "phone code", "mobile code", "phone country code", "mobile country code")
        | _called("country code", "phone country", "mobile country", sure=0.74),
        frozenset({"phone", "mobile", "number", "country", "code"}),
        "calling",
    ),
    Target(
        "contact_id",
        "the CRM's own id of a contact",
        _called("contact id", "crm id"),
        frozenset({"contact", "crm", "number"}),
        "whole",
        unknown=0.0,
    ),
    Target(
        "list_id",
        "the id of a contact list",
        _called("list id") | _called("list", sure=0.84),
        frozenset({"crm", "contact"}),
        "uuid",
        unknown=0.0,
    ),
    Target(
        "mobile_opt_in",
        "consent to text messages",
        _called("sms", "mobile consent", "mobile marketing"),
        frozenset({"consent", "marketing", "newsletter", "mobile", "phone", "contact", "customer"}),
        "yes_no",
        unknown=0.5,
    ),
    Target(
        "email_opt_in",
        "consent to e-mails",
        _called("newsletter", "email consent", "email marketing"),
        frozenset({"consent", "marketing", "email", "contact", "customer"}),
        "yes_no",
        unknown=0.5,
    ),
)

PROPERTY_TARGETS: Final = tuple(
    Target(
        PROPERTY_NAME_PREFIX + label,
        f"{label!r}, a property worth keeping",
        _called(*names, sure=0.9),
        frozenset({"customer", "contact", *beside}),
        look,
        unknown=0.5,
    )
    for label, names, beside, look in (
        ("First name", ("first name",), (), None),
        ("Last name", ("last name",), (), None),
        ("Middle name", ("middle name",), (), None),
        ("Name", ("name",), ("full",), None),
        ("City", ("city",), ("home", "name", "address"), None),
        ("Postal code", ("postal",), ("code", "number", "address", "home"), None),
        ("Address", ("address", "street"), ("street", "home", "postal"), None),
        ("Region", ("region",), ("name",), None),
        ("Birthday", ("birth",), ("date", "day"), "date"),
        ("Gender", ("gender",), (), None),
        ("Language", ("language",), ("code",), None),
        ("Company", ("company",), ("name",), None),
        ("Job title", ("job",), ("title", "work"), None),
        ("Title", ("title",), (), None),
        ("Salutation", ("salutation",), (), None),
        ("Website", ("web",), ("company", "address"), None),
        ("Loyalty tier", ("loyalty tier", "loyalty", "tier"), (), None),
    )
)

_PEOPLE: Final = ("First name", "Last name", "Middle name", "Name")

NO_FIELDS: Final[tuple[tuple[str, str], ...]] = (
    ("refusal", "speaks of a refusal, and a yes there must not be read as consent"),
    ("secret", "named like a national number, a passport or an account, which nobody should send by accident"),
    ("country", "names a country: no field, but it can serve as default_country if it holds codes such as NO or SE"),
    ("consent date", "speaks of when consent was given, not of whether"),
    ("consent about", "speaks of something about consent, not of whether it was given"),
    ("fax", "named like a fax number, which is no mobile"),
    ("somebody", "speaks of somebody else than the contact"),
    ("sms email", "speaks of text messages and e-mails, and consent is recorded for each alone"),
    ("customer id", "an id of another system, not the CRM's own id of a contact"),
    ("customer number", "an id of another system, not the CRM's own id of a contact"),
    ("consent", "speaks of consent, but does not say whether to e-mails or to text messages"),
    ("marketing", "speaks of marketing, but does not say whether consent to e-mails or to text messages"),
    ("id", "an id, but not named like the CRM's own id of a contact"),
)
"""Ideas that make a column no field, and what to say of it; the first that fits is said."""


def field_named(name: str) -> str | None:
    """The field that a name speaks of, in any of the languages; None where it speaks of none or of several.

    Args:
        name: such as `Tlf` or `mobile`.
    """
    header = read_header(name)
    named = sorted(((worth_of(target, header), target.name) for target in FIELD_TARGETS), reverse=True)
    return named[0][1] if named[0][0] >= LEAST_WORTH and named[0][0] > named[1][0] else None


def names_people(name: str) -> bool:
    """Whether a column is named like people's names, of which two that are spelt alike may both be right.

    Args:
        name: of a column, with or without `property:`.
    """
    header = read_header(name.removeprefix(PROPERTY_NAME_PREFIX))
    worth = {target.name: worth_of(target, header) for target in PROPERTY_TARGETS}
    best = max(worth, key=lambda target: worth[target])
    return worth[best] >= LEAST_WORTH and best.removeprefix(PROPERTY_NAME_PREFIX) in _PEOPLE


def in_context(headers: dict[str, Header]) -> dict[str, Header]:
    """A bare `Name` beside a first name is a last name, and beside a last name a first name."""
    bare, first, last = (frozenset(each.split()) for each in ("name", "first name", "last name"))
    there = {header.ideas for header in headers.values()}
    meant = last if first in there and last not in there else first if last in there and first not in there else bare
    return {
        column: Header(meant, header.unknown, header.is_near) if header.ideas == bare else header
        for column, header in headers.items()
    }


def worth_of(target: Target, header: Header) -> float:
    """How surely a name speaks of a target, from 0 to 1: all that it says must be said of the target."""
    best = 0.0
    for ideas, sure in target.called.items():
        if ideas <= header.ideas and header.ideas - ideas <= target.beside:
            weight = math.prod(_WEIGHTS.get(idea, 1.0) for idea in header.ideas - ideas)
            best = max(best, sure * weight)
    return best * target.unknown**header.unknown * (_NEAR_MISS if header.is_near else 1.0)


def named_like(target: Target, canonical: str | None, header: Header) -> str:
    """How the name speaks of the target."""
    if canonical is not None:
        return f"bears the name of the field {canonical}"
    beside = [word for idea, word in _BESIDE.items() if idea in header.ideas & target.beside]
    beside += ["among words that are not known"] if header.unknown else []
    return f"named {'almost ' if header.is_near else ''}like {target.noun}" + (
        f" ({', '.join(beside)})" if beside else ""
    )
