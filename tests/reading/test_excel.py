"""Excel workbooks: numbers, dates, sheets, and what only looks like a workbook."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import zipfile

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit import read_contacts
from mbtoolkit.errors import MappingError, SourceError, SourceWarning
from tests.reading.workbooks import workbook


def read_cells(*cells):
    """What becomes of a column's cells, as text of a property."""
    rows = [["email", "property:X"], *([f"p{place}@example.com", cell] for place, cell in enumerate(cells))]
    return read_contacts(workbook(rows))["property:X"].to_list()


@pytest.mark.parametrize(
    ("cells", "texts"),
    [
        pytest.param([5, 123456789012], ["5", "123456789012"], id="whole numbers"),
        pytest.param([1.5, 1 / 3], ["1.5", "0.3333333333333333"], id="decimals, every digit"),
        pytest.param([-3, 0], ["-3", "0"], id="negative"),
        pytest.param([True, False], ["true", "false"], id="booleans"),
        pytest.param([dt.date(2024, 2, 29), None], ["2024-02-29", None], id="dates"),
        pytest.param(
            [dt.datetime(2024, 2, 29, 13, 5), dt.date(2024, 3, 1)],
            ["2024-02-29T13:05:00", "2024-03-01T00:00:00"],
            id="dates with times",
        ),
        pytest.param([dt.time(1, 2, 3)], ["01:02:03"], id="times"),
        pytest.param([dt.date(2024, 2, 29), "unknown"], ["2024-02-29", "unknown"], id="dates among text"),
        pytest.param([5, "five"], ["5", "five"], id="numbers among text"),
        pytest.param(
            [1 / 3, "1/3", "0.333333333"], ["0.3333333333333333", "1/3", "0.333333333"], id="decimals among text"
        ),
        pytest.param(["0412345678", "<b>"], ["0412345678", "<b>"], id="text"),
    ],
)
def test_cells_have_one_stated_text_form(cells, texts):
    assert read_cells(*cells) == texts


def test_decimal_points_and_commas_in_one_column_are_said():
    mixed = workbook([["email", "Sum"], ["a@example.com", 1.234], ["b@example.com", "1.234,50"]])
    with pytest.warns(SourceWarning, match=r"points and commas are mixed in 'Sum'"):
        read_contacts(mixed)
    read_contacts(workbook([["email", "Sum"], ["a@example.com", 1.234], ["b@example.com", "n/a"]]))


@pytest.mark.parametrize(
    ("cell", "number", "note"),
    [
        pytest.param(123456789012345, 123456789012345, None, id="15 digits"),
        pytest.param(1234567890123456789, None, "number_as_float: 1.234567890123457e+18", id="more than Excel keeps"),
        pytest.param(4.5, None, "number_as_float: 4.5", id="decimal"),
        pytest.param("1234567890123456789", 1234567890123456789, None, id="19 digits as text"),
    ],
)
def test_an_id_is_taken_only_with_all_its_digits(cell, number, note):
    found = read_contacts(workbook([["email", "contact_id"], ["ada@example.com", cell]]))
    assert found["contact_id"].item() == number
    assert ("unread:contact_id" in found.columns) == (note is not None)
    assert note is None or found["unread:contact_id"].item() == note


@pytest.mark.parametrize(
    ("cell", "number", "note"),
    [
        pytest.param(123456789012345, 123456789012345, None, id="15 digits"),
        pytest.param(1234567890123456, None, "number_as_float: 1234567890123456.0", id="16 digits"),
        pytest.param(1234567890123456789, None, "number_as_float: 1.234567890123457e+18", id="19 digits"),
        pytest.param("1234567890123456789", 1234567890123456789, None, id="19 digits as text"),
        pytest.param("1234567890123457024", 1234567890123457024, None, id="text that a double holds"),
    ],
)
def test_an_id_among_text_is_taken_only_with_all_its_digits(cell, number, note):
    rows = [["email", "contact_id"], ["a@example.com", cell], ["b@example.com", "unknown"]]
    found = read_contacts(workbook(rows))
    assert found["contact_id"].to_list() == [number, None]
    assert found["unread:contact_id"].to_list() == [note, "not_an_integer: unknown"]


def test_phones_and_consent_come_from_numbers_too():
    rows = [["Mobile", "email_opt_in"], [4793454496, 1], [93454496, "no"]]
    found = read_contacts(workbook(rows), mapping={"Mobile": "mobile_number"}, default_country="NO")
    assert found.rows() == [(47, 93454496, True), (47, 93454496, False)]


def test_a_cell_with_an_error_is_said_with_its_place():
    rows = [["email", "property:X"], ["a@example.com", 5], ["b@example.com", float("nan")]]
    with pytest.warns(SourceWarning, match=r"1 cell with an error .*B3"):
        assert read_contacts(workbook(rows))["property:X"].to_list() == ["5", None]


def test_headers_that_are_blank_or_numbers_have_names():
    found = read_contacts(workbook([["email", None, 5, " x "], ["a@example.com", "p", "q", "r"]]))
    assert found.columns == ["email", "column 2", "5", "x"]


def test_a_header_that_stands_twice_can_not_be_mapped():
    with pytest.raises(MappingError, match="'email' stands more than once"):
        read_contacts(workbook([["email", "email"], ["a@example.com", "b@example.com"]]))


def test_blank_rows_are_left_out_and_said():
    with pytest.warns(SourceWarning, match="2 blank lines"):
        found = read_contacts(
            workbook([["email", "x"], ["a@example.com", "1"], [" ", ""], [None, None], ["b@b.no", "2"]])
        )
    assert found.height == 2


def test_the_first_sheet_is_taken_and_said():
    data = workbook([["email"], ["a@example.com"]], sheets=("One", "Two"))
    with pytest.warns(SourceWarning, match="first of 2 sheets, 'One'"):
        read_contacts(data)
    assert read_contacts(data, sheet="Two").height == read_contacts(data, sheet=1).height == 1


@pytest.mark.parametrize("sheet", ["Three", 2, -1, 1.5])
def test_a_sheet_that_is_not_there_is_named_with_those_that_are(sheet):
    data = workbook([["email"], ["a@example.com"]], sheets=("One", "Two"))
    with pytest.raises(SourceError, match="it has 'One', 'Two'"):
        read_contacts(data, sheet=sheet)


def zipped(names_and_texts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in names_and_texts.items():
            archive.writestr(name, text)
    return file.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param(workbook([["Ann Berg", "+4793454496"], ["Bo", "x"]]), "looks like data", id="a person on top"),
        pytest.param(workbook([]), "sheet 'People' is empty", id="empty sheet"),
        pytest.param(
            workbook([["email"], ["a@example.com"]])[:-40], "can't be read as an Excel workbook", id="cut off"
        ),
        pytest.param(b"PK\x03\x04nonsense", "can't be read as an Excel workbook", id="no zip"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1nonsense", "can't be read as an Excel workbook", id="no xls"),
        pytest.param(zipped({"contacts.csv": b"email\n"}), "is a zip archive, not a workbook", id="a zipped text"),
        pytest.param(workbook([["ada@example.com"], ["b@example.com"]]), "begins with a contact", id="no headers"),
    ],
)
def test_what_is_no_workbook_says_how_to_mend_it(data, told):
    with pytest.raises((SourceError, MappingError), match=told):
        read_contacts(data)


@given(st.binary(max_size=40), st.integers(0, 4000), st.integers(1, 255))
def test_a_damaged_workbook_is_read_or_refused(junk, place, flip):
    data = bytearray(workbook([["email"], ["a@example.com"]]))
    data[place % len(data)] ^= flip
    with contextlib.suppress(SourceError, MappingError):
        assert isinstance(read_contacts(bytes(data) + junk), pl.DataFrame)
