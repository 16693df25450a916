"""A contact while it is written: from whatever it was filled with, judged, told in words, given as code."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit import ContactSchema, read_contacts, upsert_contacts
from mbtoolkit.contacts import BY_NAME
from mbtoolkit.errors import FrameError, UsageError
from mbtoolkit.sandbox.behaviour import Behaviour
from mbtoolkit.sandbox.bodies import read_contact, read_object
from mbtoolkit.sessions.drafting import Draft, Property, check_draft, draft_of, explain, split_phone, upsert_code

LIST = "9fc6ad7d-902a-4834-b161-a4911b883d44"
PROPERTY = "8e8b8450-dc1b-4360-8109-7067337b42cb"


def checked(**texts):
    return check_draft(Draft(texts))


def with_properties(*properties, **texts):
    return check_draft(Draft({"email": "a@example.com", **texts}, tuple(properties)))


# From what there is


def test_a_draft_of_nothing_is_empty():
    assert draft_of(None) == Draft()
    assert draft_of({}) == Draft()


def test_a_dict_may_have_canonical_or_wire_names():
    draft = draft_of(
        {
            "mobileCountryCode": 47,
            "mobile_number": 93454496,
            "emailOptIn": True,
            "mobileOptIn": False,
            "EMAIL": None,
            "propertyFields": [
                {"propertyName": "City", "propertyValue": "Oslo"},
                {"propertyId": PROPERTY, "propertyValue": "43"},
            ],
            "property:Shoe size": 43,
        }
    )
    assert draft.texts == {
        "mobile_country_code": "47",
        "mobile_number": "93454496",
        "email_opt_in": "yes",
        "mobile_opt_in": "no",
        "email": "",
    }
    assert draft.properties == (
        Property("Shoe size", "43"),
        Property("City", "Oslo"),
        Property(f"property_id:{PROPERTY}", "43"),
    )


def test_a_frame_row_leaves_out_what_is_carried_along_and_says_so():
    draft = draft_of(pl.DataFrame({"email": ["a@example.com"], "note": ["x"], "mb_run_id": ["y"], "mb_note": ["z"]}))
    assert draft.left_out == ("note", "mb_note")
    assert draft.texts == {"email": "a@example.com"}


def test_a_results_row_brings_the_id_that_the_crm_gave(client):
    results = upsert_contacts(pl.DataFrame({"email": ["a@example.com"], "contact_id": [None]}), client, progress=False)
    assert draft_of(results).texts["contact_id"] == str(results["mb_contact_id"].item())
    assert draft_of(results.row(0, named=True)) == draft_of(results)
    assert draft_of({"contact_id": 5, "mb_contact_id": 7}).texts["contact_id"] == "5"


def test_what_could_not_be_read_comes_back_where_it_was_found(tmp_path):
    file = tmp_path / "people.csv"
    file.write_text("email,mobile_number,email_opt_in\na@example.com,93454496 / 93454497,perhaps\n", encoding="utf-8")
    draft = draft_of(read_contacts(file))
    assert draft.texts["mobile_number"] == "93454496 / 93454497"
    assert draft.texts["email_opt_in"] == "perhaps"
    assert {"mobile_number", "email_opt_in"} <= set(check_draft(draft).messages)


def test_a_cell_that_was_filled_since_wins_over_the_text_that_could_not_be_read():
    draft = draft_of({"contact_id": 7, "unread:contact_id": "not_an_integer: seven"})
    assert draft.texts == {"contact_id": "7"}


def test_the_unread_text_of_a_property_fills_its_own_row():
    draft = draft_of({"property:Score": None, "unread:property:Score": "not_finite: NaN"})
    assert draft.properties == (Property("Score", "NaN"),)


def test_a_note_without_a_rule_comes_back_whole():
    assert draft_of({"unread:email": "a: b"}).texts == {"email": "a: b"}
    assert draft_of({"unread:email": None, "unread:property_fields": "x"}).left_out == ("unread:property_fields",)


def test_values_have_the_text_form_that_a_table_gives_them():
    values = {
        "property:Day": dt.date(2024, 2, 29),
        "property:At": dt.datetime(2024, 2, 29, 12, 30),
        "property:Price": Decimal("1.50"),
        "property:Ratio": 0.1,
        "property:Is member": True,
    }
    frame = pl.DataFrame({name: [value] for name, value in values.items()} | {"email": ["a@example.com"]})
    payload = check_draft(draft_of({"email": "a@example.com", **values})).payload
    sent = check_draft(draft_of(frame)).payload
    assert payload == sent
    told = {each["propertyName"]: each["propertyValue"] for each in json.loads(payload)["propertyFields"]}
    assert told == {
        "Day": "2024-02-29",
        "At": "2024-02-29T12:30:00",
        "Price": "1.50",
        "Ratio": "0.1",
        "Is member": "true",
    }


@pytest.mark.parametrize(
    "value", [b"x", [1], {"a": 1}, pytest.param(object(), id="an object"), float("nan"), float("inf")], ids=repr
)
def test_a_value_without_a_text_form_is_left_out_and_named(value):
    assert draft_of({"property:Odd": value, 5: "x"}).left_out == ("property:Odd", "5")
    assert draft_of({"property_fields": value}).left_out == (("property_fields",) if value != [] else ())


def test_the_words_for_yes_and_no_are_those_of_the_rules():
    assert draft_of({"email_opt_in": " JA ", "mobile_opt_in": 0}).texts == {
        "email_opt_in": "yes",
        "mobile_opt_in": "no",
    }


@pytest.mark.parametrize(
    "contact",
    [
        pl.DataFrame({"email": ["a", "b"]}),
        pl.DataFrame({"email": []}),
        ("a@example.com",),
        "a@example.com",
        5,
        pl.LazyFrame({"email": ["a"]}),
        pl.Series(["a"]),
    ],
    ids=["two rows", "no row", "tuple", "text", "number", "lazy", "series"],
)
def test_what_is_no_contact_is_refused_without_quoting_it(contact):
    with pytest.raises(UsageError, match="a form holds one contact") as caught:
        draft_of(contact)
    assert "a@example.com" not in str(caught.value)


# Phones


@pytest.mark.parametrize("typed", ["+47 934 54 496", "0047 93454496", "004793454496", "+4793454496", "＋47 93454496"])
def test_an_international_number_fills_code_and_number(typed):
    split = split_phone(Draft({"mobile_number": typed}))
    assert (split.texts["mobile_country_code"], split.texts["mobile_number"]) == ("47", "93454496")
    assert split_phone(Draft({"mobile_country_code": typed})).texts == split.texts


def test_a_local_number_takes_the_code_beside_it():
    split = split_phone(Draft({"mobile_country_code": "+44", "mobile_number": "07700 900123"}))
    assert split.texts == {"mobile_country_code": "44", "mobile_number": "7700900123"}


def test_digits_stay_as_they_are_typed():
    draft = Draft({"mobile_country_code": "47", "mobile_number": "4793454496"})
    assert split_phone(draft) is draft


def test_a_pasted_number_brings_its_own_code_a_typed_one_must_agree():
    draft = Draft({"mobile_country_code": "46", "mobile_number": "+47 934 54 496"})
    assert split_phone(draft, pasted=True).texts["mobile_country_code"] == "47"
    assert split_phone(draft) is draft
    assert "another country code" in check_draft(draft).messages["mobile_number"]


@pytest.mark.parametrize(
    ("texts", "where", "words"),
    [
        ({"mobile_number": "+47 934"}, "mobile_number", "can't be read as a phone number"),
        ({"mobile_number": "93454496"}, "mobile_number", "has no country code"),
        ({"mobile_number": "093454496"}, "mobile_number", "has no country code"),
        ({"mobile_country_code": "47"}, "mobile_country_code", "stands without a number"),
        ({"mobile_country_code": "4x", "mobile_number": "93454496"}, "mobile_country_code", "no whole number"),
        ({"mobile_country_code": "47", "mobile_number": "9.3454496E7"}, "mobile_number", "scientific"),
        ({"mobile_country_code": "47", "mobile_number": "93454496 ext 5"}, "mobile_number", "extension"),
        ({"mobile_country_code": "47", "mobile_number": "-5"}, "mobile_number", "out of range"),
        ({}, None, "a contact id, a mobile number or an e-mail is needed"),
        ({"email": "a@"}, "email", "no e-mail address"),
        ({"contact_id": "0"}, "contact_id", "out of range"),
        ({"list_id": "x", "contact_id": "1"}, "list_id", "no uuid"),
        ({"email": "a@example.com", "email_opt_in": "perhaps"}, "email_opt_in", "neither yes nor no"),
        ({"email": "a\ud800@example.com"}, "email", "lone surrogate"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(texts, where, words):
    result = checked(**texts)
    assert words in result.messages[where]
    assert result.payload is None
    assert list(result.messages) == [where]


def test_a_warning_keeps_nothing_back():
    result = checked(email="a@еxample.com")
    assert result.warnings["email"]
    assert result.ok


# Properties and clearing


def test_a_property_needs_a_sound_name_that_stands_once():
    result = with_properties(
        Property("", "Oslo"),
        Property("City", "Oslo"),
        Property(" City ", "Bergen"),
        Property("property_id:x", "1"),
        Property(f"property_id:{PROPERTY}", "1"),
        Property(f"property_id:{PROPERTY.upper()}", "2"),
        Property("a\ud800", "1"),
        Property("", ""),
        Property("", "", is_cleared=True),
    )
    assert list(result.messages) == [f"property {place}" for place in (0, 2, 3, 5, 6, 8)]
    assert result.payload is None


def test_a_blank_value_leaves_the_property_as_it_is():
    result = with_properties(Property("City", "  "), Property("Shoe size", "43"))
    assert json.loads(result.payload)["propertyFields"] == [{"propertyName": "Shoe size", "propertyValue": "43"}]


def test_a_check_of_ones_own_is_told_at_the_propertys_row():
    class Sized(ContactSchema):
        shoe_size: pl.String | None = pa.Field(alias="property:Shoe size", str_matches=r"^[0-9]{2}$", nullable=True)

    draft = Draft({"email": "a@example.com"}, (Property("City", "Oslo"), Property("Shoe size", "big")))
    assert list(check_draft(draft, schema=Sized).messages) == ["property 1"]


def test_a_schema_that_asks_for_a_column_that_no_form_has_is_refused():
    class Noted(ContactSchema):
        note: pl.String

    with pytest.raises(FrameError):
        check_draft(Draft({"email": "a@example.com"}), schema=Noted)


def test_clearing_is_an_explicit_null_and_never_beside_a_value():
    draft = Draft(
        {"contact_id": "5", "email": ""},
        (Property("City", is_cleared=True), Property("Shoe size", "43", is_cleared=True)),
        frozenset({"email", "mobile_country_code", "mobile_number"}),
    )
    result = check_draft(draft)
    assert json.loads(result.payload) == {
        "contactId": 5,
        "mobileCountryCode": None,
        "mobileNumber": None,
        "email": None,
        "propertyFields": [
            {"propertyName": "Shoe size", "propertyValue": "43"},
            {"propertyName": "City", "propertyValue": None},
        ],
    }
    told = " ".join(explain(result))
    assert "Cleared: mobile number, e-mail, City" in told
    assert "not documented" in told


# Words and code


def test_what_it_means_is_said_in_words():
    assert explain(checked(email="a@example.com")) == [
        "A contact with this e-mail is updated if the CRM has one; else it is a new contact.",
        "No list is named; a new contact goes under All contacts.",
        "Set: e-mail.",
        "Mobile opt-in and E-mail opt-in stay as they are.",
    ]
    draft = Draft({"contact_id": "5", "email_opt_in": "yes", "mobile_opt_in": "no"}, (Property("City", "Oslo"),))
    assert explain(check_draft(draft), lists={LIST: "Friends"}, list_id=LIST) == [
        "Contact 5 is updated.",
        "It goes into the list Friends.",
        "Consent to text messages is turned off.",
        "Consent to e-mails is turned on.",
        "Set: City.",
    ]
    assert "No list is named." in explain(checked(contact_id="5"))
    one_left = " ".join(explain(checked(contact_id="5", email_opt_in="no", list_id=LIST)))
    assert "Mobile opt-in stays as it is." in one_left
    assert LIST in one_left


def test_the_code_of_what_cannot_be_sent_sends_nothing():
    code = upsert_code(checked(email="a@example.com", mobile_number="x"))
    assert code.startswith("#")
    assert "\n" not in code


def run(code, client):
    exec(code, {"client": client})


@pytest.mark.parametrize("name", ['"); raise SystemExit #', "a\nb", "{}", "'''", "\\"], ids=repr)
def test_the_code_stores_the_same_contact_whatever_it_holds(crm, client, name):
    draft = Draft(
        {"email": "a@example.com", "mobile_country_code": "47", "mobile_number": "93454496", "email_opt_in": "yes"},
        (Property(name, name), Property("City", is_cleared=True)),
    )
    result = check_draft(draft)
    run(upsert_code(result), client)
    assert crm.requests()["body"].to_list() == [result.payload]


# Whatever is typed

anything = st.text(st.characters(exclude_categories=()), max_size=30)
plausible = st.sampled_from(["", "a@example.com", "47", "93454496", "+47 934 54 496", "yes", "no", "5", LIST, "0", " "])
typed = st.one_of(anything, plausible)


@pytest.mark.slow
@given(
    texts=st.dictionaries(st.sampled_from(list(BY_NAME)), typed),
    properties=st.lists(st.builds(Property, typed, typed, st.booleans()), max_size=4).map(tuple),
    cleared=st.frozensets(st.sampled_from(["email", "mobile_number", "mobile_country_code"])),
)
def test_whatever_is_typed_is_judged_and_what_may_be_sent_can_be_read(texts, properties, cleared):
    result = check_draft(Draft(texts, properties, cleared), list_id=LIST)
    assert result.ok == (not result.messages)
    assert upsert_code(result)
    if result.payload is None:
        return
    read = read_contact(read_object(result.payload.encode()), Behaviour())
    assert {name: read.values[name] for name in result.contact if name in BY_NAME} == {
        name: value for name, value in result.contact.items() if name in BY_NAME
    }
    assert all(each.has_value for each in read.properties)
    assert " ".join(explain(result))


names = [*BY_NAME, "property:City", "property_fields", "unread:email", "unread:property:City", "mb_contact_id", "note"]
values = st.one_of(
    anything, st.none(), st.booleans(), st.integers(), st.floats(), st.binary(max_size=5), st.lists(anything)
)


@pytest.mark.slow
@given(row=st.dictionaries(st.sampled_from(names), values))
def test_whatever_stands_in_a_row_becomes_a_draft(row):
    checked = check_draft(draft_of(row))
    assert checked.ok == (not checked.messages)
