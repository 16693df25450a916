"""Bodies: what is JSON, which types and ranges fit, and that the message names the field."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mbtoolkit.contacts import BY_WIRE, FIELDS, Kind
from mbtoolkit.sandbox import Behaviour
from mbtoolkit.sandbox.answers import Refusal
from mbtoolkit.sandbox.bodies import MAX_BODY_BYTES, expectation, read_contact, read_object

NOT_READABLE = {
    "empty": b"",
    "no JSON": b"email=ada@example.com",
    "half": b'{"email": "ada@example.com"',
    "array": b"[]",
    "text": b'"x"',
    "null": b"null",
    "number": b"1",
    "UTF-16": '{"email": "ada@example.com"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"email": "ada@example.com"}',
    "Latin-1": '{"email": "å@example.com"}'.encode("latin-1"),
    "NaN": b'{"email": "ada@example.com", "x": NaN}',
    "Infinity": b'{"email": "ada@example.com", "x": [-Infinity]}',
    "half a surrogate pair": b'{"email": "\\ud83d@example.com"}',
    "very deep": b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "very long number": b'{"x":' + b"9" * 5_000 + b"}",
    "comment": b'{"email": "ada@example.com"} // mine',
    "control character in a text": b'{"email": "ada\n@example.com"}',
}


@pytest.mark.parametrize("body", NOT_READABLE.values(), ids=NOT_READABLE)
def test_unreadable_body_is_a_400(sender, body):
    answer = sender.raw(body)
    assert answer.status_code == 400
    assert answer.json()["status"] == "Failed"
    assert sender.stored() == []


WRONG = {
    Kind.UUID: ["", "x", "9fc6ad7d902a4834b161a4911b883d44", "{9fc6ad7d-902a-4834-b161-a4911b883d44}", 1, True, [], {}],
    Kind.INT32: [0, -1, 2**31, 1.0, 1.5, "44", True, [], {}],
    Kind.INT64: [0, -1, 2**63, 10**30, 1.0, "1", False, [], {}],
    Kind.BOOLEAN: [0, 1, "true", "", 1.0, [], {}],
    Kind.TEXT: [0, True, 1.5, [], {}],
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field in FIELDS for value in WRONG[field.kind]], ids=str
)
def test_wrong_type_or_range_is_a_422_that_names_the_field(field, value):
    body = {"email": "ada@example.com"} | {field.wire: value}
    with pytest.raises(Refusal) as caught:
        read_contact(body, Behaviour())
    assert caught.value.status == 422
    assert f"{field.wire} must be {expectation(field)}" in caught.value.message


def test_all_problems_are_named_at_once(sender):
    answer = sender.upsert(contactId="1", email=5, propertyFields=[{"propertyName": 1}, "x", {"propertyId": "y"}])
    assert answer.status_code == 422
    for place in (
        "contactId",
        "email",
        "propertyFields[0].propertyName",
        "propertyFields[1]",
        "propertyFields[2].propertyId",
    ):
        assert f"{place} must be" in answer.json()["message"]


@pytest.mark.parametrize("entries", ["x", 1, {}, True, [[]]])
def test_property_fields_of_another_shape_are_refused(sender, entries):
    answer = sender.upsert(email="ada@example.com", propertyFields=entries)
    assert answer.status_code == 422
    assert "propertyFields" in answer.json()["message"]


def test_message_never_quotes_the_value(sender):
    answer = sender.upsert(email="ada@example.com", mobileNumber="canary-7700900123")
    assert "canary" not in answer.text


def test_largest_values_are_stored(sender):
    sender.id_of(mobileCountryCode=2**31 - 1, mobileNumber=2**63 - 1)
    (stored,) = sender.stored()
    assert (stored["mobile_country_code"], stored["mobile_number"]) == (2**31 - 1, 2**63 - 1)


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "😀", "\u202eabc", "'; DROP TABLE contacts; --", "=cmd", " x "])
def test_any_text_is_stored_as_it_came(sender, text):
    sender.id_of(email="ada@example.com", propertyFields=[{"propertyName": "Notes", "propertyValue": text}])
    assert sender.stored()[0]["property:Notes"] == text


def test_body_at_the_limit_is_read_and_one_byte_more_is_a_413(sender):
    head, tail = b'{"email": "ada@example.com", "x": "', b'"}'
    fits = head + b"x" * (MAX_BODY_BYTES - len(head) - len(tail)) + tail
    assert sender.raw(fits).status_code == 202
    assert sender.raw(fits + b" ").status_code == 413


def test_chunked_body_over_the_limit_is_a_413(sender):
    def blocks():
        for _ in range(2 * MAX_BODY_BYTES // 65_536):
            yield b" " * 65_536

    headers = {"Content-Type": "application/json"}
    assert sender.http.post("/contacts/insertupdate", content=blocks(), headers=headers).status_code == 413
    assert sender.upsert(email="ada@example.com").status_code == 202


def refused_with(work):
    """The status that a function refuses with; None where it does not."""
    try:
        work()
    except Refusal as refusal:
        return refusal.status
    return None


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_a_refusal(raw):
    assert refused_with(lambda: read_object(raw)) in (None, 400)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.sampled_from([*BY_WIRE, "propertyFields", "x"]), _JSON, max_size=5))
def test_any_object_is_read_or_refused_with_422(body):
    sent = json.dumps(body).encode()
    assert refused_with(lambda: read_contact(read_object(sent), Behaviour())) in (None, 400, 422)
