"""JSON lines: numbers keep their digits, properties become columns, and a bad line is named."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit import read_contacts, validate_contacts
from mbtoolkit.errors import SourceError

UUID = "9fc6ad7d-902a-4834-b161-a4911b883d44"


def read(*lines: str | dict) -> pl.DataFrame:
    return read_contacts("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines).encode())


def test_wire_names_map_themselves():
    found = read({"email": "a@example.com", "contactId": 7, "emailOptIn": False, "listId": UUID})
    assert found.rows(named=True) == [
        {"email": "a@example.com", "contact_id": 7, "email_opt_in": False, "list_id": UUID}
    ]


def test_numbers_keep_every_digit():
    found = read(
        '{"contactId": 9223372036854775807, "a": 1.10, "b": 1E5, "c": {"d": [1.0, NaN]}, "e": 12345678901234567890}'
    )
    assert found.row(0) == (2**63 - 1, "1.10", "1E5", '{"d": [1.0, NaN]}', "12345678901234567890")


def test_lines_may_have_other_keys_and_other_types():
    found = read(
        {"email": "a@example.com", "x": 1}, "", {"email": "b@example.com", "y": [True]}, {"x": "one", "email": None}
    )
    assert found.rows() == [("a@example.com", "1", None), ("b@example.com", None, "[true]"), (None, "one", None)]


def test_properties_become_columns():
    entries = [{"propertyName": "City", "propertyValue": "Oslo"}, {"propertyId": UUID, "propertyValue": 5}]
    found = read({"email": "a@example.com", "propertyFields": entries})
    assert found.row(0, named=True) == {"email": "a@example.com", "property:City": "Oslo", f"property_id:{UUID}": "5"}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("text", id="text"),
        pytest.param({"propertyName": "City"}, id="an object"),
        pytest.param(["City"], id="a list of text"),
        pytest.param([{"propertyValue": "x"}], id="neither name nor id"),
        pytest.param([{"propertyName": ["A"], "propertyValue": "x"}], id="a list for a name"),
        pytest.param([{"propertyName": "A", "propertyValue": "x"}] * 2, id="one property twice"),
        pytest.param([{"propertyName": "City", "propertyValue": "x"}], id="a property that has a column too"),
    ],
)
def test_properties_of_another_form_refuse_their_row_alone(value):
    found = read(
        {"email": "a@example.com", "propertyFields": value, "property:City": "Oslo"},
        {"email": "b@example.com", "propertyFields": [{"propertyName": "Town", "propertyValue": "x"}]},
    )
    validation = validate_contacts(found)
    assert validation.issues.select("row", "column", "rule").rows() == [(0, "property_fields", "not_properties")]
    assert validation.valid["email"].to_list() == ["b@example.com"]


@pytest.mark.parametrize(
    ("text", "rule", "shown"),
    [
        pytest.param('"\\ud800"', "not_unicode", "\\ud800", id="lone surrogate"),
        pytest.param("NaN", "not_finite", "NaN", id="NaN"),
        pytest.param("-Infinity", "not_finite", "-Infinity", id="infinity"),
    ],
)
def test_a_value_that_can_not_be_sent_refuses_its_row_where_it_is_mapped(text, rule, shown):
    found = read(f'{{"email": "a@example.com", "property:X": {text}, "note": {text}}}', {"email": "b@example.com"})
    validation = validate_contacts(found)
    assert validation.issues.select("row", "column", "value", "rule").rows() == [(0, "property:X", shown, rule)]
    assert found["note"].to_list() == [shown, None]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param('{"email": "a@example.com"}\n{bad', "line 2: not JSON", id="broken line"),
        pytest.param('{"email": "a@example.com"}\n[1]', "line 2: no JSON object", id="another kind of line"),
        pytest.param('{"email": "a", "email": "b"}', "line 1: a key stands more than once", id="one key twice"),
        pytest.param('{"\\ud800": "x", "email": "a"}', "line 1: a key holds half a character", id="half a key"),
        pytest.param('{"x": ' + "[" * 100_000 + "]" * 100_000 + "}", "line 1: nested too deep", id="nested deep"),
        pytest.param('[{"email": "a@example.com"}]', "is a JSON array", id="an array"),
        pytest.param('{\n"email": "a@example.com"\n}', "one object on each line", id="over many lines"),
        pytest.param("{}", "no columns", id="empty objects"),
    ],
)
def test_a_line_that_is_no_contact_is_named(text, told):
    with pytest.raises(SourceError, match=told) as caught:
        read(text)
    assert "a@example.com" not in str(caught.value)


scalars = st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"))


@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), scalars), min_size=1, max_size=5))
def test_any_scalar_survives(records):
    found = read(*({"email": "a@example.com"} | record for record in records))
    for row, record in zip(found.rows(named=True), records, strict=True):
        for key, value in record.items():
            text = json.dumps(value) if isinstance(value, bool | int) else value
            assert row[key] == text
