"""The body of one contact given as a mapping."""

from __future__ import annotations

import json

import pytest

from mbtoolkit.client.bodies import contact_body
from mbtoolkit.errors import InvalidContactError

LIST_ID = "9fc6ad7d-902a-4834-b161-a4911b883d44"


def test_canonical_and_wire_names_make_the_same_body():
    canonical = {"mobile_country_code": 44, "mobile_number": 7700900123, "mobile_opt_in": False, "email": None}
    wire = {"mobileCountryCode": 44, "mobileNumber": 7700900123, "mobileOptIn": False}
    assert contact_body(canonical) == contact_body(wire)
    assert json.loads(contact_body(wire)) == wire


def test_properties_are_gathered():
    body = json.loads(
        contact_body(
            {
                "email": "a@example.com",
                "property:City": "Zürich",
                f"property_id:{LIST_ID}": "x",
                "property:Blank": None,
                "property_fields": [{"property_name": "Shoe", "property_value": "42"}],
            },
            LIST_ID,
        )
    )
    assert body == {
        "email": "a@example.com",
        "listId": LIST_ID,
        "propertyFields": [
            {"propertyName": "City", "propertyValue": "Zürich"},
            {"propertyId": LIST_ID, "propertyValue": "x"},
            {"propertyName": "Shoe", "propertyValue": "42"},
        ],
    }


@pytest.mark.parametrize(
    ("contact", "told"),
    [
        ({}, "no contact_id"),
        ({"mobile_number": 7700900123}, "no contact_id"),
        ({"e-mail": "a@example.com"}, "'e-mail' is no field"),
        ({"contact_id": "12"}, "contact_id is a whole number"),
        ({"contact_id": True}, "contact_id is a whole number"),
        ({"contact_id": 0}, "contact_id is a whole number"),
        ({"contact_id": 2**63}, "contact_id is a whole number"),
        ({"contact_id": float("nan")}, "contact_id is a whole number"),
        ({"contact_id": 1, "email_opt_in": "yes"}, "email_opt_in is True"),
        ({"contact_id": 1, "list_id": "x"}, "list_id is a uuid"),
        ({"email": " "}, "email is text"),
        ({"email": "a@example.com", "property:Shoe": 42}, "property's value is text"),
    ],
    ids=str,
)
def test_what_cannot_be_sent_is_refused_by_name_and_without_the_value(contact, told):
    with pytest.raises(InvalidContactError, match=told):
        contact_body(contact)
