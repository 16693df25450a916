"""The repairs that a column is offered: what its cells are about, and what else stands in their rows."""

from __future__ import annotations

import polars as pl
import pytest

from mbtoolkit import read_contacts
from mbtoolkit.recipes import NormalizeOptIn, NormalizePhone, offered_steps
from mbtoolkit.schemas.conform import NO_WORDS, YES_WORDS
from mbtoolkit.sessions.editing import Edits

SHOP = pl.DataFrame(
    {
        "Mobile": ["934 54 496", "+47 934 54 497", "070-174 06 05", "+46 70 174 06 06", "+47 934 54 498"],
        "Country": ["NO", "NO", "SE", "SE", None],
        "News": ["Kanskje", " kanskje", "ja", "vet ikke", None],
        "Work phone": ["934 54 499", None, None, None, None],
        "City": ["Oslo"] * 5,
    }
)


@pytest.fixture
def contacts():
    return read_contacts(
        SHOP,
        mapping={"Mobile": "mobile_number", "News": "email_opt_in", "City": "property:City"}
        | dict.fromkeys(["Work phone", "Country"], ""),
    )


def offers(contacts, column):
    return dict(offered_steps(contacts, column))


def test_numbers_in_local_form_are_offered_the_countries_of_the_table(contacts):
    found = offers(contacts, "mobile_number")
    assert list(found.values()) == [
        NormalizePhone("mobile_number", "Country"),
        NormalizePhone("mobile_number", "NO"),
        NormalizePhone("mobile_number", "SE"),
    ]
    by_column = found["Numbers without a country code: as Country says"].run(contacts).frame
    assert by_column["mobile_number"].to_list() == [93454496, 93454497, 701740605, 701740606, 93454498]
    assert by_column["mobile_country_code"].to_list() == [47, 47, 46, 46, 47]
    assert offers(by_column, "mobile_number") == {}


def test_a_column_of_other_phones_is_offered_countries_too(contacts):
    assert NormalizePhone("Work phone", "NO") in offers(contacts, "Work phone").values()


def test_unread_words_of_consent_are_offered_both_ways_and_no_more_than_that(contacts):
    found = offers(contacts, "email_opt_in")
    assert list(found) == ["“kanskje” is a no", "“kanskje” is a yes", "“vet ikke” is a no", "“vet ikke” is a yes"]
    assert found["“kanskje” is a no"] == NormalizeOptIn("email_opt_in", no=[*NO_WORDS, "kanskje"])
    assert found["“kanskje” is a yes"] == NormalizeOptIn("email_opt_in", yes=[*YES_WORDS, "kanskje"])
    edits = Edits(contacts)
    edits.clean(found["“kanskje” is a no"])
    assert edits.contacts["email_opt_in"].to_list() == [False, False, True, None, None]
    assert list(offers(edits.contacts, "email_opt_in")) == ["“vet ikke” is a no", "“vet ikke” is a yes"]


def test_what_needs_no_repair_is_offered_none(contacts):
    assert offers(contacts, "mobile_country_code") == {}
    assert offers(contacts, "unread:mobile_number") == {}
    named = read_contacts(pl.DataFrame({"contact_id": ["n/a"], "email": ["a@example.com"]}))
    assert offers(named, "contact_id") == {}
    assert [label for label in offers(contacts, "property:City") if "country code" in label] == []


@pytest.mark.slow
def test_every_offer_can_be_done(contacts):
    for column in contacts.columns:
        for step in offers(contacts, column).values():
            assert step.run(contacts).frame.height == contacts.height


def test_without_a_country_in_the_table_none_is_offered():
    contacts = read_contacts(pl.DataFrame({"mobile_number": ["934 54 496"], "Country": ["Norway"]}))
    assert offers(contacts, "mobile_number") == {}
