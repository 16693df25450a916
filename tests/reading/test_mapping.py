"""Which column becomes which field, and all that is wrong with a mapping in one text."""

from __future__ import annotations

import tomllib
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit import read_contacts, suggest_mapping, validate_contacts, write_mapping
from mbtoolkit.contacts import FIELDS, OPT_INS, canonical_name
from mbtoolkit.errors import FrameError, MappingError, SourceWarning
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
        pytest.param(["x"], {"Email": "email"}, "columns that the mapping does not name: 'x'", id="no near name"),
        pytest.param(["a"], {"a": "emial"}, "no field; did you mean 'email'", id="no field"),
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


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("mobile", "mobile_number"),
        ("Tlf", "mobile_number"),
        ("mobil", "mobile_number"),
        ("phone_number", "mobile_number"),
        ("e-post", "email"),
        ("mobile_numbr", "mobile_number"),
        ("mobileNumbr", "mobile_number"),
        ("contactID2", "contactId"),
        ("newsletter", "email_opt_in"),
        ("mobile_optin", "mobile_opt_in"),
        ("email_optin", "email_opt_in"),
    ],
)
def test_a_target_that_is_no_field_is_told_what_was_meant(target, meant):
    with pytest.raises(MappingError, match=f"which is no field; did you mean '{meant}'\\?"):
        resolve_mapping(["a", "email"], {"a": target}, set())


@pytest.mark.parametrize(
    "target", ["mobile", "mobil", "mobile in", "mobileIn", "mobileOpIn", "emailIn", "email in", "emailO"]
)
def test_consent_is_offered_only_where_the_target_speaks_of_it(target):
    with pytest.raises(MappingError) as caught:
        resolve_mapping(["a"], {"a": target}, set())
    assert not any(f"mean {name!r}" in str(caught.value) for name in (*OPT_INS, "mobileOptIn", "emailOptIn"))


def test_the_columns_and_the_fields_are_listed_once():
    asked = {"x": "email", "y": "contact_id", "v": "nothing", "w": "nothing else"}
    with pytest.raises(MappingError) as caught:
        resolve_mapping(["alpha", "beta", "v", "w"], asked, set())
    text = str(caught.value)
    assert text.count("'alpha'") == text.count("property_id:<uuid>") == 1
    assert text.count("there is no column") == text.count("which is no field") == 2


def test_a_mapping_that_no_longer_fits_says_which_columns_are_gone_and_which_are_new():
    asked = {"E-mail": "email", "Town": "property:City", "Note": ""}
    with pytest.raises(MappingError) as caught:
        resolve_mapping(["Epost", "Note", "Town"], asked, set())
    assert str(caught.value) == "there is no column 'E-mail' to map; columns that the mapping does not name: 'Epost'"


def test_a_column_with_an_empty_target_is_carried_along_whatever_it_is_called():
    asked = {"E-mail": "email", "mobile_number": "", "email": " "}
    assert resolve_mapping(["E-mail", "mobile_number", "email"], asked, set()) == {"E-mail": "email"}


TABLE = pl.DataFrame({"E-mail": ["ann@example.com"], "Newsletter": ["yes"], "Note": ["x"]})


def test_what_has_an_empty_target_is_not_sent_though_it_bears_a_field_s_name():
    people = pl.DataFrame({"contact_id": ["1"], "email": ["a@example.com"], "email_opt_in": ["yes"]})
    with pytest.warns(SourceWarning, match="'email_opt_in' is carried along as 'source:email_opt_in'"):
        contacts = read_contacts(people, mapping={"email": "", "email_opt_in": ""})
    assert contacts.columns == ["contact_id", "source:email", "source:email_opt_in"]
    assert validate_contacts(contacts).valid.height == 1


def test_suggestions_are_saved_and_used_again(tmp_path):
    path = tmp_path / "mapping.toml"
    write_mapping(suggest_mapping(TABLE), path)
    assert path.read_text(encoding="utf-8") == '"E-mail" = "email"\n"Newsletter" = "email_opt_in"\n"Note" = ""\n'
    assert read_contacts(TABLE, mapping=path).columns == ["email", "email_opt_in", "Note"]


def test_new_and_missing_columns_of_the_next_file_are_said(tmp_path):
    path = tmp_path / "mapping.toml"
    write_mapping(suggest_mapping(TABLE), path)
    later = TABLE.rename({"Note": "SMS consent"})
    with pytest.warns(SourceWarning) as caught:
        contacts = read_contacts(later, mapping=path)
    assert "new columns, which the mapping does not name, are carried along: 'SMS consent'" in str(caught[0].message)
    assert "columns to carry along that are not there any more: 'Note'" in str(caught[0].message)
    assert contacts.columns == ["email", "email_opt_in", "SMS consent"]


def test_a_mapping_without_such_lines_says_nothing_of_other_columns():
    assert read_contacts(TABLE, mapping={"E-mail": "email"}).columns == ["email", "Newsletter", "Note"]


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=12), max_size=5))
def test_any_mapping_that_is_written_is_read_as_it_was(tmp_path_factory, mapping):
    path = tmp_path_factory.mktemp("mapping") / "mapping.toml"
    write_mapping(mapping, path)
    assert load_mapping(path) == mapping


@pytest.mark.parametrize(
    "header",
    [
        'say "e-mail"',
        "a\\b",
        "tab\there",
        "line\r\nbreak",
        "a.b",
        "",
        " ",
        "#",
        "\x7f\x00\x1b",
        "é 電話 👋🏽",
        "=",
        "'",
    ],
)
def test_headers_with_any_characters_are_written(tmp_path, header):
    path = tmp_path / "mapping.toml"
    write_mapping({header: "email"}, path)
    assert tomllib.loads(path.read_text(encoding="utf-8")) == {header: "email"}


def test_half_a_character_is_refused_and_the_file_stays(tmp_path):
    path = tmp_path / "mapping.toml"
    write_mapping({"a": "email"}, path)
    with pytest.raises(MappingError, match="lone surrogate"):
        write_mapping({"a\ud800": "email"}, path)
    assert load_mapping(path) == {"a": "email"}


@pytest.mark.parametrize(
    ("mapping", "path", "error", "told"),
    [
        pytest.param(
            {"a": "email"}, "no-such-folder/mapping.toml", MappingError, "can't be written: No such", id="folder"
        ),
        pytest.param({"a": "email"}, "a\0b", MappingError, "path can be no file's", id="NUL"),
        pytest.param({"a": "email"}, 5.5, MappingError, "needs the path of a file", id="no path"),
        pytest.param({"a": 5}, Path("m.toml"), MappingError, "as text; not so: 'a'", id="a number as target"),
        pytest.param(pl.DataFrame({"a": [1]}), Path("m.toml"), FrameError, "suggest_mapping returns", id="a frame"),
    ],
)
def test_what_can_not_be_written_is_an_error_of_the_call(tmp_path, monkeypatch, mapping, path, error, told):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=told):
        write_mapping(mapping, path)
    assert not list(tmp_path.iterdir())
