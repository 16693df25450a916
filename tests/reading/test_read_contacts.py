"""`read_contacts`: from a source to the canonical frame, every cell a value or a note."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import os
import socket
import threading
import time
import warnings

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit import read_contacts, validate_contacts
from mbtoolkit.errors import MappingError, SourceError, SourceWarning, UsageError
from mbtoolkit.reading.sources import unpack
from mbtoolkit.reading.tables import MAX_SOURCE_BYTES
from tests.reading.workbooks import workbook


def test_mapped_columns_are_canonical_and_others_carried_along(tmp_path):
    path = tmp_path / "shop.csv"
    path.write_text("No,E-mail,Mobile,Consent,Town\n1, ada@example.com ,+44 7700 900123,Yes,Oslo\n", encoding="utf-8")
    mapping = {"E-mail": "email", "Mobile": "mobileNumber", "Consent": "email_opt_in", "Town": "property: Town"}
    found = read_contacts(path, mapping=mapping)
    assert found.schema == {
        "No": pl.String,
        "email": pl.String,
        "mobile_country_code": pl.Int32,
        "mobile_number": pl.Int64,
        "email_opt_in": pl.Boolean,
        "property:Town": pl.String,
    }
    assert found.rows() == [("1", "ada@example.com", 44, 7700900123, True, "Oslo")]


def test_a_column_that_gives_way_to_another_is_carried_along_and_said():
    with pytest.warns(SourceWarning, match="'email' is carried along as 'source:email'"):
        found = read_contacts(b"email,Work\na@example.com,b@example.com\n", mapping={"Work": "email"})
    assert found.rows(named=True) == [{"source:email": "a@example.com", "email": "b@example.com"}]


def test_a_property_that_gives_way_to_another_is_carried_along_and_not_sent():
    data = b"email,property:X,source:property:X,New\na@example.com,old,older,new\n"
    with pytest.warns(SourceWarning, match="'property:X' is carried along as \"source:property:X'\""):
        found = read_contacts(data, mapping={"New": "property:X"})
    assert found.row(0, named=True) == {
        "email": "a@example.com",
        "source:property:X'": "old",
        "source:property:X": "older",
        "property:X": "new",
    }


ODD_NAMES = ["^email$", "*", "^.*$", "^mobile_number$", "", "[a]", "\\*", "a|b"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_column_may_have_any_name_and_keeps_its_cells(name):
    columns = {"mobile_number": ["+4793454496", "call me"], name: ["keep", "me"], "contact_id": ["x", "7"]}
    found = read_contacts(pl.DataFrame(columns))
    assert found[name].to_list() == ["keep", "me"]
    assert found["mobile_number"].to_list() == [93454496, None]
    assert found.columns[:4] == ["mobile_country_code", "mobile_number", name, "contact_id"]
    mapped = read_contacts(pl.DataFrame(columns), mapping={name: "property:X"}, default_country="NO")
    assert mapped["property:X"].to_list() == ["keep", "me"]
    assert read_contacts(pl.DataFrame(columns), default_country=name).height == 2
    mixed = read_contacts(pd.DataFrame({"email": ["a", "b"], name: [b"x", "y"]}), mapping={name: "property:X"})
    assert mixed["property:X"].to_list() == [None, "y"]


def test_odd_names_stand_in_files_too():
    found = read_contacts(b"mobile_number,^email$,*,^.*$\n+4793454496,keep,these,cells\n")
    assert found.row(0) == (47, 93454496, "keep", "these", "cells")


@pytest.mark.parametrize("target", ["email", "property:X"])
def test_a_column_that_only_bears_the_name_of_notes_is_carried_along_with_its_text(target):
    name = f"unread:{target}"
    data = f"email,property:X,{name}\na@example.com,x,my text\n,,more\n".encode()
    with pytest.warns(SourceWarning, match=f"'{name}' is carried along as 'source:{name}'"):
        found = read_contacts(data)
    assert found.columns == ["email", "property:X", f"source:{name}"]
    assert found[f"source:{name}"].to_list() == ["my text", "more"]


def test_notes_among_other_text_still_hold():
    data = b"email,mobile_number,unread:mobile_number\na@example.com,,phone_unreadable: call me\nb@example.com,,mine\n"
    with pytest.warns(SourceWarning, match="is carried along"):
        found = read_contacts(data)
    assert found["source:unread:mobile_number"].to_list() == ["phone_unreadable: call me", "mine"]
    issues = validate_contacts(found).issues
    assert issues.select("row", "rule", "value").rows() == [(0, "phone_unreadable", "call me")]


def test_a_column_that_bears_the_name_of_notes_may_be_mapped():
    frame = pd.DataFrame(
        {"email": ["a@example.com", "b@example.com"], "unread:property:A": ["x", "y"], "a": [b"x", "z"]}
    )
    found = read_contacts(frame, mapping={"unread:property:A": "property:B", "a": "property:A"})
    assert found.row(0, named=True) == {
        "email": "a@example.com",
        "property:B": "x",
        "property:A": None,
        "unread:property:A": "unsupported_type: <bytes>",
    }
    assert found.row(1) == ("b@example.com", "y", "z", None)


def test_an_object_beside_an_earlier_note_is_noted_too():
    notes = [None, "not_an_integer: seven"]
    frame = pd.DataFrame({"email": ["a@b.no", "c@d.no"], "contact_id": [b"x", None], "unread:contact_id": notes})
    assert read_contacts(frame)["unread:contact_id"].to_list() == ["unsupported_type: <bytes>", notes[1]]


def test_rows_that_were_refused_can_be_read_again():
    first = validate_contacts(phones("email,mobile_number\na@example.com,call me\nb@b@example.com,\n")).invalid
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert first.height == 2
        assert read_contacts(first).equals(first)


@pytest.mark.parametrize(
    ("columns", "mapping"),
    [
        pytest.param(["City", "city"], {"City": "property:City", "city": "property:city"}, id="case"),
        pytest.param(["property:City", "property:city"], {}, id="case, by themselves"),
        pytest.param(["property:New  town", "property:New town"], {}, id="spaces"),
    ],
)
def test_properties_that_differ_in_case_alone_are_kept_apart_and_said(columns, mapping):
    with pytest.warns(SourceWarning, match=r"'property:.*' and 'property:.*' differ in case or space alone"):
        found = read_contacts(f"email,{','.join(columns)}\na@example.com,A,B\n".encode(), mapping=mapping)
    assert found.row(0) == ("a@example.com", "A", "B")


def test_headers_that_differ_in_case_or_space_are_carried_along_apart():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = read_contacts(b"email,City,city \na@example.com,A,B\n")
    assert found.row(0, named=True) == {"email": "a@example.com", "City": "A", "city": "B"}
    with pytest.warns(SourceWarning, match="'City' stands more than once"):
        found = read_contacts(b"email,City, City \na@example.com,A,B\n")
    assert found.row(0, named=True) == {"email": "a@example.com", "City": "A", "City (3)": "B"}
    frame = pl.DataFrame({"email": ["a@example.com"], "City": ["A"], "City ": ["B"]})
    assert read_contacts(frame).equals(frame)
    with pytest.raises(MappingError, match="'property:City' is the target of 'City' and 'City '"):
        read_contacts(frame, mapping={"City": "property:City", "City ": "property:City"})


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)


@pytest.mark.slow
@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS), min_size=1, max_size=4))
def test_no_visible_cell_vanishes(rows):
    columns = ["contact_id", "mobile_number", "email_opt_in", "property:X"]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SourceWarning)
        found = read_contacts(frame, default_country="GB")
    for column in columns:
        notes = found[f"unread:{column}"] if f"unread:{column}" in found.columns else [None] * len(rows)
        for cell, value, note in zip(frame[column], found[column], notes, strict=True):
            if any(char.isalnum() for char in cell):
                assert (value is None) != (note is None)
                assert note is None or cell.strip() in note


# --- phones ---------------------------------------------------------------------------------------


def phones(text: str, **options) -> pl.DataFrame:
    return read_contacts(text.encode(), **options)


def test_a_default_country_reads_local_numbers_and_leaves_others_alone():
    found = phones("mobile_number\n07700 900123\n+1 919 555 0117\n", default_country="gb")
    assert found.rows() == [(44, 7700900123), (1, 9195550117)]


def test_a_column_may_hold_each_rows_country():
    found = phones("Land,mobile_number\nGB,07700 900123\nus,(919) 555-0117\n", default_country="Land")
    assert found.select("mobile_country_code", "mobile_number").rows() == [(44, 7700900123), (1, 9195550117)]


def test_a_country_that_is_none_is_the_reason_and_is_said():
    data = "Land,mobile_number\nNorway,93454496\nXX,93454496\nNorway,+4793454496\n,93454496\nNO,93454496\n"
    with pytest.warns(
        SourceWarning, match="'Land' holds no two-letter country code .* for 2 numbers in local"
    ) as caught:
        found = phones(data, default_country="Land")
    assert "Norway" not in str(caught[0].message)
    issues = validate_contacts(found).issues.filter(pl.col("severity") == "error")
    assert issues.select("row", "rule", "value").rows() == [
        (0, "country_unknown", "93454496"),
        (1, "country_unknown", "93454496"),
        (3, "country_code_missing", "93454496"),
    ]


@pytest.mark.parametrize(
    ("cells", "numbers", "notes"),
    [
        pytest.param(
            ["1701234567.00", "1701234567.5", "-1701234567"],
            None,
            ["number_as_float: 1701234567.00", "number_as_float: 1701234567.5", "out_of_range: -1701234567"],
            id="text",
        ),
        pytest.param(pl.Series([1701234567.0, float("nan"), 1e20]), None, None, id="floats"),
        pytest.param(
            pl.Series(["1701234567", "1701234568"]).cast(pl.Decimal(20, 0)),
            [1701234567, 1701234568],
            None,
            id="whole decimals",
        ),
        pytest.param(
            pl.Series(["1701234567.00"]).cast(pl.Decimal(20, 2)),
            None,
            ["number_as_float: 1701234567.00"],
            id="decimals",
        ),
        pytest.param(pl.Series([-1701234567]), None, ["out_of_range: -1701234567"], id="negative integer"),
    ],
)
@pytest.mark.parametrize("with_code", [False, True], ids=["a country", "a column of codes"])
def test_no_fraction_and_no_sign_becomes_another_number(cells, numbers, notes, with_code):
    frame = pl.DataFrame({"mobile_number": cells})
    if with_code:
        frame = frame.with_columns(mobile_country_code=pl.lit("49"))
    found = read_contacts(frame, default_country="DE")
    assert found["mobile_number"].to_list() == (numbers or [None] * frame.height)
    refused = validate_contacts(found).issues.filter(pl.col("severity") == "error")
    assert refused["row"].n_unique() == (0 if numbers else frame.height)
    if notes:
        assert found["unread:mobile_number"].to_list() == notes


def test_a_float_column_of_mobiles_is_refused_with_the_reason():
    found = read_contacts(pl.DataFrame({"mobile_number": [4793454496.0, None], "email": ["a@b.no", "c@d.no"]}))
    assert found["mobile_number"].to_list() == [None, None]
    issues = validate_contacts(found).issues
    assert issues.select("row", "rule", "value").rows() == [(0, "number_as_float", "4793454496.0")]


def test_a_number_without_any_country_stays_visible():
    found = phones("mobile_number,email\n07700 900123,a@example.com\n7700900123,b@example.com\n")
    issues = validate_contacts(found).issues
    assert issues.select("row", "value", "rule").rows() == [
        (0, "07700 900123", "country_code_missing"),
        (1, "7700900123", "country_code_missing"),
    ]


def test_a_column_of_codes_is_read_as_people_write_them():
    found = phones("mobile_country_code,mobile_number\n+44,7700900123\n0044,07700 900124\n44,\n,+44 7700 900125\n")
    assert found.rows() == [(44, 7700900123), (44, 7700900124), (44, None), (44, 7700900125)]


@pytest.mark.parametrize(
    ("code", "rule"),
    [("abc", "not_an_integer"), ("47.0", "number_as_float"), ("1234", "out_of_range"), ("NO", "not_an_integer")],
)
def test_a_code_that_is_none_stays_visible_whatever_the_number_says(code, rule):
    found = phones(f"mobile_country_code,mobile_number\n{code},+44 7700 900123\n")
    issues = validate_contacts(found).issues
    assert ("mobile_country_code", code, rule) in issues.select("column", "value", "rule").rows()


def test_whole_numbers_in_a_frame_are_taken_as_they_are_or_by_country():
    frame = pl.DataFrame({"mobile_number": [7700900123, 447700900123], "email": ["a@example.com", "b@example.com"]})
    assert read_contacts(frame)["mobile_number"].to_list() == [7700900123, 447700900123]
    assert (
        read_contacts(frame, default_country="GB").select("mobile_country_code", "mobile_number").rows()
        == [(44, 7700900123)] * 2
    )


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.String])
def test_phones_may_be_categories(dtype):
    frame = pl.DataFrame({"mobile_number": pl.Series(["+44 7700 900123"], dtype=dtype)})
    assert read_contacts(frame).rows() == [(44, 7700900123)]


def test_notes_of_an_earlier_reading_hold_until_the_cell_is_filled(tmp_path):
    first = phones("email,mobile_number\na@example.com,call me\nb@example.com,+44 7700 900123\n")
    path = tmp_path / "first.parquet"
    first.write_parquet(path)
    again = read_contacts(path)
    assert again.equals(first)
    again.write_csv(tmp_path / "again.csv")
    third = read_contacts(tmp_path / "again.csv", default_country="GB")
    assert third["unread:mobile_number"].to_list() == ["phone_unreadable: call me", None]


@pytest.mark.parametrize(
    ("country", "error"),
    [("XX", UsageError), ("Norway", MappingError), (47, MappingError), ("", MappingError)],
    ids=["no such code", "a name", "a number", "nothing"],
)
def test_a_default_country_that_is_none_is_an_error_of_the_call(country, error):
    with pytest.raises(error, match="two-letter country code"):
        phones("mobile_number\n1\n", default_country=country)


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "told"),
    [
        pytest.param("https://me:secret@example.com/a.csv?key=secret", "address .at example.com.", id="address"),
        pytest.param("", "no path", id="empty"),
        pytest.param("email\nada@example.com\n", "no path .*text.encode", id="the text itself"),
        pytest.param("a\x00b", "no path", id="NUL"),
        pytest.param("a\ud800b", "no path", id="half a character"),
        pytest.param(b"x" * 0, "is empty", id="no bytes"),
        pytest.param("n" * 5000, "can't be read", id="endless name"),
    ],
)
def test_what_is_no_file_says_so_and_shows_no_secret(source, told):
    with pytest.raises(SourceError, match=told) as caught:
        read_contacts(source)
    assert "secret" not in str(caught.value)
    assert "ada@" not in str(caught.value)


def test_a_missing_file_names_what_is_in_its_folder(tmp_path):
    (tmp_path / "people.csv").write_text("email\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"no file 'poeple.csv'; in its folder are people.csv"):
        read_contacts(tmp_path / "poeple.csv")
    with pytest.raises(SourceError, match="no folder 'nowhere'"):
        read_contacts(tmp_path / "nowhere" / "people.csv")
    with pytest.raises(SourceError, match="is a folder"):
        read_contacts(tmp_path)


def test_a_file_that_can_not_be_opened_says_why(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("email\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"'more.csv' can't be read: Not a directory"):
        read_contacts(path / "more.csv")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "door"))
        with pytest.raises(SourceError, match="'door' is a pipe or a device"):
            read_contacts(tmp_path / "door")


@pytest.fixture
def locked(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("email\n", encoding="utf-8")
    path.chmod(0)
    tmp_path.chmod(0o755)
    return path


def test_a_file_without_permission_says_so(locked, ordinary_user):
    with pytest.raises(SourceError, match="can't be read: Permission denied"):
        read_contacts(locked)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param(gzip.compress(gzip.compress(b"email\n")), "gzip twice", id="gzip twice"),
        pytest.param(bz2.compress(b"email\n"), "bzip2", id="bzip2"),
        pytest.param(lzma.compress(b"email\n"), "packed with xz", id="xz"),
        pytest.param(b"7z\xbc\xaf\x27\x1c\x00", "7z archive", id="7z"),
        pytest.param(b"people.csv".ljust(257, b"\0") + b"ustar\x0000" + b"\0" * 248, "tar archive", id="tar"),
        pytest.param(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "PDF document", id="PDF"),
        pytest.param(b"{\\rtf1\\ansi email}", "text document", id="RTF"),
        pytest.param(b"\x89PNG\r\n\x1a\n\x00\x00", "picture", id="PNG"),
        pytest.param(b"SQLite format 3\x00" + b"\0" * 84, "SQLite database", id="SQLite"),
        pytest.param(b"<html><body><table><tr><td>ada@example.com", "HTML or XML", id="HTML"),
        pytest.param("\ufeff\n<!DOCTYPE html>\n<p>ada@example.com".encode(), "HTML or XML", id="HTML with a mark"),
        pytest.param("<html><p>ada@example.com".encode("utf-16"), "HTML or XML", id="HTML, UTF-16"),
        pytest.param(b'<?xml version="1.0"?><Workbook>ada@example.com', "HTML or XML", id="XML"),
        pytest.param(b"BEGIN:VCARD\r\nEMAIL:ada@example.com\r\nEND:VCARD\r\n", "vCard", id="contact cards"),
        pytest.param(b"\x01\x02ada@example.com,\x03\n", "control characters", id="bytes of another kind"),
    ],
)
def test_a_file_of_another_kind_is_named_and_not_quoted(data, told, tmp_path):
    path = tmp_path / "people.xls"
    path.write_bytes(data)
    with pytest.raises(SourceError, match=told) as caught:
        read_contacts(path)
    assert "ada@" not in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("header", "mapping"),
    [
        pytest.param("Ann Berg,+4793454496", None, id="a phone"),
        pytest.param("Ann Berg,934 54 496", {"E-mail": "email"}, id="a phone in local form"),
        pytest.param("Ann Berg,Ann <ann@example.com>", None, id="an e-mail"),
        pytest.param("Ann Berg,9fc6ad7d-902a-4834-b161-a4911b883d44", None, id="an id"),
    ],
)
def test_a_first_line_that_is_a_person_is_not_quoted(header, mapping):
    with pytest.raises(MappingError, match="the first line looks like data, not like column names") as caught:
        read_contacts(f"{header}\nBo Dahl,x\n".encode(), mapping=mapping)
    assert not any(part in str(caught.value) for part in ("Ann", "4496", "example", "9fc6"))


@pytest.mark.parametrize("name", ["2024-01-31", "31.01.2024", "2024", "Kurs 2024-01-31 09:00"])
def test_headers_that_are_dates_are_names(name):
    with pytest.raises(MappingError, match=f"the columns are '{name}', 'x'"):
        read_contacts(f"{name},x\n1,2\n".encode())
    assert read_contacts(f"{name},email\n1,a@example.com\n".encode()).columns == [name, "email"]


def test_endless_names_and_columns_are_cut_short_in_an_error():
    with pytest.raises(MappingError, match=r"x\.\.\.'.* and 70 more; say") as caught:
        read_contacts(",".join(f"{place}{'x' * 5000}" for place in range(100)).encode())
    assert len(str(caught.value)) < 3000


def test_a_workbook_called_csv_is_read_and_said(tmp_path):
    path = tmp_path / "people.csv"
    path.write_bytes(workbook([["email", "contact_id"], ["a@example.com", 7]]))
    with pytest.warns(SourceWarning, match=r"people.csv: it is an Excel workbook, whatever its name ends in \(.csv\)"):
        assert read_contacts(path).rows() == [("a@example.com", 7)]


def test_an_address_with_two_at_signs_is_kept_and_refused():
    found = read_contacts(b"email\na@b@example.com\n")
    assert found["email"].to_list() == ["a@b@example.com"]
    assert validate_contacts(found).issues.select("column", "rule", "value").rows() == [
        ("email", "email_syntax", "a@b@example.com")
    ]


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path):
    path = tmp_path / "growing.csv"
    path.write_bytes(bytes(50_000_000))  # no table, so that reading it in peace is refused too, and soon
    done = threading.Event()

    def touch() -> None:
        tick = 0
        while not done.is_set():
            tick += 1
            os.utime(path, ns=(tick, tick))

    def refusal() -> str:
        with pytest.raises(SourceError) as caught:
            read_contacts(path)
        return str(caught.value)

    toucher = threading.Thread(target=touch)
    toucher.start()
    try:
        until = time.monotonic() + 60
        while "changed while it was read" not in refusal():  # a busy machine may read it between two touches
            assert time.monotonic() < until
    finally:
        done.set()
        toucher.join()


def test_a_file_beyond_all_measure_is_refused_unread(tmp_path):
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(MAX_SOURCE_BYTES + 1)
    with pytest.raises(SourceError, match="are read at the most"):
        read_contacts(path)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(gzip.compress(b"email\n" * 100)[:-9], id="cut off"),
        pytest.param(gzip.compress(b"email\n" * 100)[:15] + b"nonsense", id="damaged"),
    ],
)
def test_a_broken_gzip_is_refused(data):
    with pytest.raises(SourceError, match="broken or cut off"):
        read_contacts(data)


def test_a_gzip_bomb_is_refused_before_it_is_unpacked_whole():
    with pytest.raises(SourceError, match="unpacks to more than 1,000 bytes"):
        unpack(gzip.compress(bytes(10_000)), "bomb", limit=1_000)


def test_a_damaged_parquet_is_refused(tmp_path):
    path = tmp_path / "people.parquet"
    pl.DataFrame({"email": ["a@example.com"]}).write_parquet(path)
    data = path.read_bytes()
    assert read_contacts(data).height == 1
    for broken in (data[:-10], data[:4] + b"nonsense", b"PAR1", data[:-4] + b"PAR2"):
        with pytest.raises(SourceError, match="no whole parquet file"):
            read_contacts(broken)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    with warnings.catch_warnings(), contextlib.suppress(UsageError):
        warnings.simplefilter("ignore", SourceWarning)
        assert isinstance(read_contacts(data), pl.DataFrame)


# --- the sample -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample_answers():
    from mbtoolkit.cli.demo import sample

    return pl.read_csv(sample("known_answers.csv"), infer_schema=False)


@pytest.mark.slow
def test_the_sample_gives_its_known_answers_in_every_row(sample_answers):
    from mbtoolkit.cli.demo import sample

    contacts = read_contacts(sample("contacts.csv"), mapping=sample("mapping.toml"), default_country="Country")
    validation = validate_contacts(contacts)
    rows = pl.concat([validation.valid, validation.invalid], how="diagonal").sort("mb_row")
    assert rows.height == sample_answers.height
    told = validation.issues.group_by("row", "severity").agg(pl.col("rule").unique().sort().str.join(" "))
    for severity, column in (("error", "errors"), ("warning", "warnings")):
        lines = told.filter(pl.col("severity") == severity)
        found = rows.select(pl.col("mb_row")).join(lines, left_on="mb_row", right_on="row", how="left")["rule"]
        assert found.to_list() == sample_answers[column].to_list()
    # A malformed address counts as not read.
    mailable = ~sample_answers["errors"].fill_null("").str.contains("email_")
    email = pl.when(mailable).then(pl.col("email"))
    for column in ("mobile_country_code", "mobile_number", "email", "mobile_opt_in", "email_opt_in"):
        value = email if column == "email" else pl.col(column)
        assert rows.select(value.cast(pl.String)).to_series().to_list() == sample_answers[column].to_list(), column


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "contacts.csv")
    with pytest.raises(SourceError, match="pipe or a device"):
        read_contacts(tmp_path / "contacts.csv")


def test_a_folder_without_a_name_is_told_as_it_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match=r"'\.' is a folder"):
        read_contacts(".")
