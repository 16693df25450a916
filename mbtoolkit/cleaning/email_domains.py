"""Domains and words that say something of an e-mail address: likely typing errors, roles, throw-away providers."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Final

_PROVIDERS: Final = (
    *("gmail.com", "googlemail.com", "icloud.com", "protonmail.com", "outlook.com"),
    *("hotmail.com", "hotmail.co.uk", "hotmail.fr", "hotmail.de", "hotmail.es", "hotmail.no", "hotmail.se"),
    *("yahoo.com", "yahoo.co.uk", "yahoo.co.in", "yahoo.fr", "yahoo.de", "yahoo.es", "yahoo.no", "yahoo.se"),
)
"""Where many people have their mail, with names long enough that a slip of the finger makes no other name of them."""
_REAL: Final = frozenset({"ymail.com", "mail.com", "email.com", "gmx.com", "hotmail.co"})
"""Domains that are one slip away from those, and exist."""
_COM: Final = ("con", "cmo", "ocm", "vom", "xom", "comm", "coom", "c0m", "cpm", "cim")
"""No top-level domains; what is typed for .com."""
_COM_OF_PROVIDERS: Final = ("co", "cm", "om")
"""Top-level domains that exist, but not for these providers."""
_ROWS_OF_KEYS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_BESIDE: Final = {
    key: row[max(0, place - 1) : place] + row[place + 1 : place + 2]
    for row in _ROWS_OF_KEYS
    for place, key in enumerate(row)
}
"""The keys beside each."""

COM_TYPED_WRONG: Final = rf"\.(?:{'|'.join(_COM)})$"

ROLES: Final = (
    *("abuse", "accounting", "accounts", "admin", "administration", "billing", "booking", "bookings", "careers"),
    *("contact", "contacto", "customerservice", "enquiries", "faktura", "firmapost", "hei", "hej"),
    *("hello", "help", "helpdesk", "hostmaster", "hr", "info", "invoice", "invoices", "jobs", "kontakt", "kontor"),
    *("kundendienst", "kundenservice", "kundeservice", "kundservice", "marketing", "newsletter", "noreply"),
    *("no-reply", "office", "orders", "post", "postmaster", "presse", "press", "reception", "regnskap", "resepsjon"),
    *("rechnung", "root", "sales", "salg", "security", "service", "services", "support", "team", "ventas", "webmaster"),
)
"""Words before the @ that stand for an office, not for a person."""

THROW_AWAY: Final = (
    *("10minutemail.com", "discard.email", "dispostable.com", "fakeinbox.com", "getnada.com", "grr.la"),
    *("guerrillamail.com", "guerrillamail.net", "maildrop.cc", "mailinator.com", "mailnesia.com", "mintemail.com"),
    *("mohmal.com", "sharklasers.com", "spam4.me", "temp-mail.org", "tempmail.com", "throwawaymail.com"),
    *("trashmail.com", "trashmail.de", "yopmail.com", "yopmail.fr"),
)
"""A small selection; there are thousands, and new ones each week."""


@functools.cache
def typing_errors() -> dict[str, str]:
    """Domains that are a slip of the finger away from a large provider's, and that provider's."""
    slips: dict[str, str] = {}
    for provider in _PROVIDERS:
        name, _, rest = provider.partition(".")
        domains = [f"{slip}.{rest}" for slip in _slips(name)]
        if rest == "com":
            domains += [f"{name}.{end}" for end in (*_COM, *_COM_OF_PROVIDERS)]
        for domain in domains:
            slips.setdefault(domain, provider)
    return {domain: provider for domain, provider in slips.items() if domain not in (*_REAL, *_PROVIDERS)}


def _slips(name: str) -> Iterator[str]:
    """The word with one letter twice, left out, in the wrong place, or from the key beside it.

    The first letter is seldom typed wrong, and another one is often another name.
    """
    for place in range(1, len(name)):
        before, letter, after = name[:place], name[place], name[place + 1 :]
        yield before + after
        yield before + letter + letter + after
        yield before[:-1] + letter + before[-1] + after
        for key in _BESIDE.get(letter, ""):
            yield before + key + after
