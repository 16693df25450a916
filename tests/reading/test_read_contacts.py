"""`read_contacts`: from a source to the canonical frame, every cell a value or a note."""

from __future__ import annotations

import contextlib
import gzip
import os
import threading
import warnings

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit import SourceWarning, UsageError, read_contacts, validate_contacts
from mbtoolkit.errors import MappingError, SourceError
from mbtoolkit.reading.sources import unpack
from mbtoolkit.reading.tables import MAX_SOURCE_BYTES


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
    with pytest.warns(SourceWarning, match=r"'email' is carried along as 'email \(source\)'"):
        found = read_contacts(b"email,Work\na@example.com,b@example.com\n", mapping={"Work": "email"})
    assert found.rows(named=True) == [{"email (source)": "a@example.com", "email": "b@example.com"}]


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)


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


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path):
    path = tmp_path / "growing.csv"
    path.write_bytes(b"email\n" + b"a@example.com\n" * 4_000_000)
    done = threading.Event()

    def touch() -> None:
        tick = 0
        while not done.is_set():
            tick += 1
            os.utime(path, ns=(tick, tick))

    toucher = threading.Thread(target=touch)
    toucher.start()
    try:
        with pytest.raises(SourceError, match="changed while it was read"):
            read_contacts(path)
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
        read_contacts(data)


# --- the sample -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample_answers():
    from mbtoolkit.demo import sample

    return pl.read_csv(sample("known_answers.csv"), infer_schema=False)


def test_the_sample_gives_its_known_answers_in_every_row(sample_answers):
    from mbtoolkit.demo import sample

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
