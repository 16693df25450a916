"""Which column becomes which field, and all that is wrong with a mapping in one text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit.contacts import FIELDS, canonical_name
from mbtoolkit.errors import MappingError
from mbtoolkit.reading.mapping import load_mapping, resolve_mapping

UUID = "9fc6ad7d-902a-4834-b161-a4911b883d44"


@pytest.mark.parametrize(
    "name", [name for field in FIELDS for name in (field.name, field.wire, field.wire.upper(), f" {field.name} ")]
)
def test_canonical_and_wire_names_map_themselves(name):
    resolved = (
        resolve_mapping([name, "email", "Note"], {}, set()) if canonical_name(name) != "email" else {name: "email"}
    )
    assert resolved[name] == canonical_name(name)
    assert "Note" not in resolved


@pytest.mark.parametrize(
    ("target", "canonical"),
    [
        ("property:City", "property:City"),
        ("property: City ", "property:City"),
        (f"property_id:{UUID}", f"property_id:{UUID}"),
        ("mobileNumber", "mobile_number"),
        ("EMAIL", "email"),
    ],
)
def test_targets_come_into_their_canonical_form(target, canonical):
    assert resolve_mapping(["A", "contact_id"], {"A": target}, set())["A"] == canonical


def test_what_the_caller_maps_goes_before_what_a_column_says_itself():
    assert resolve_mapping(["email", "Work"], {"Work": "email"}, set()) == {"Work": "email"}
    swapped = {"email": "property:Old address", "Work": "email"}
    assert resolve_mapping(["email", "Work"], swapped, set()) == swapped


def test_a_column_may_be_mapped_away_from_what_it_says_itself():
    resolved = resolve_mapping(["email", "contact_id"], {"contact_id": "property:Old id"}, set())
    assert resolved == {"contact_id": "property:Old id", "email": "email"}


@pytest.mark.parametrize(
    ("columns", "asked", "told"),
    [
        pytest.param(["a", "b"], {}, "no column is mapped to an identifier", id="no identifier"),
        pytest.param(["mobile_country_code"], {}, "no column is mapped to an identifier", id="a country code alone"),
        pytest.param(["a", "b"], {"a": "email", "b": "email"}, "'email' is the target of 'a' and 'b'", id="twice"),
        pytest.param(["email", "Email "], {}, "'email' is the target of 'email' and 'Email '", id="near duplicates"),
        pytest.param(["E-mail"], {"Email": "email"}, "no column 'Email' to map; did you mean 'E-mail'", id="near name"),
        pytest.param(["x"], {"Email": "email"}, "the columns are 'x'", id="no near name"),
        pytest.param(["a"], {"a": "emial"}, "no field .*; did you mean 'email'", id="no field"),
        pytest.param(["a", "email"], {"a": "property:"}, "which is no field", id="property without a name"),
        pytest.param(["a", "email"], {"a": "property_id:7"}, "which is no field", id="property id that is no uuid"),
    ],
)
def test_a_mapping_that_does_not_fit_says_why(columns, asked, told):
    with pytest.raises(MappingError, match=told):
        resolve_mapping(columns, asked, set())


def test_all_that_is_wrong_is_in_one_text():
    with pytest.raises(MappingError) as caught:
        resolve_mapping(["a", "b", "b2"], {"a": "emial", "x": "email", "b": "contact_id", "b2": "contactId"}, {"b"})
    for part in ("'emial'", "no column 'x'", "'contact_id' is the target", "'b' stands more than once"):
        assert part in str(caught.value)


@pytest.mark.parametrize("asked", [{"email": "email"}, {}], ids=["asked", "by itself"])
def test_a_header_that_stands_twice_is_not_mapped(asked):
    with pytest.raises(MappingError, match="'email' stands more than once"):
        resolve_mapping(["email", "email (2)"], asked, {"email"})


def test_a_mapping_may_stand_in_a_toml_file(tmp_path):
    path = tmp_path / "mapping.toml"
    path.write_text('"E-mail" = "email"\n# City is carried along\n', encoding="utf-8")
    assert load_mapping(path) == load_mapping(str(path)) == {"E-mail": "email"}
    assert load_mapping(None) == {}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(b"E-mail email", "is no TOML", id="no TOML"),
        pytest.param(b"\xff\xfe", "is no TOML", id="no text"),
        pytest.param(b"[mapping]\na = 'email'\n", "as text; not so: 'mapping'", id="a section"),
        pytest.param(b"a = 5\n", "as text; not so: 'a'", id="a number"),
    ],
)
def test_a_mapping_file_of_another_form_says_what_it_should_hold(tmp_path, content, told):
    path = tmp_path / "mapping.toml"
    path.write_bytes(content)
    with pytest.raises(MappingError, match=told):
        load_mapping(path)


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        ("no-such.toml", "can't be read"),
        ("", "can't be read"),
        ("a\0b", "path can be no file's"),
        ("a\ud800b", "path can be no file's"),
        (["email"], "not a list"),
        ({"a": 5}, "not so: 'a'"),
        (5, "not a int"),
    ],
    ids=["no file", "nothing", "NUL", "half a character", "a list", "a number as target", "a number"],
)
def test_what_is_no_mapping_is_an_error_of_the_call(mapping, told):
    with pytest.raises(MappingError, match=told):
        load_mapping(mapping)


@given(
    st.lists(st.text(max_size=8), unique=True, max_size=6), st.dictionaries(st.text(max_size=8), st.text(max_size=8))
)
def test_any_names_are_resolved_or_refused(columns, asked):
    try:
        resolved = resolve_mapping(columns, asked, set())
    except MappingError:
        return
    assert set(resolved) <= set(columns)
    assert len(set(resolved.values())) == len(resolved)
