"""Phone numbers as people write them."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit.cleaning import calling_code, split_phones
from mbtoolkit.cleaning.phones import read_phone
from mbtoolkit.errors import UsageError


@pytest.mark.parametrize(
    ("text", "code", "country", "phone"),
    [
        pytest.param("+44 7700 900123", None, None, (44, 7700900123), id="international"),
        pytest.param("0044 7700 900123", None, None, (44, 7700900123), id="00 in front"),
        pytest.param("'+447700900123", None, None, (44, 7700900123), id="a spreadsheet's mark of text"),
        pytest.param("'07700900123", None, "GB", (44, 7700900123), id="a spreadsheet's mark of text, local"),
        pytest.param("07700 900123", None, "GB", (44, 7700900123), id="local, with a country"),
        pytest.param("07700 900123", "44", None, (44, 7700900123), id="local, with a code"),
        pytest.param("7700900123", "44", None, (44, 7700900123), id="bare, with a code"),
        pytest.param("(919) 555-0117", None, "US", (1, 9195550117), id="brackets"),
        pytest.param("0171/3920012", None, "DE", (49, 1713920012), id="slash after the area"),
        pytest.param("+33.6.39.98.59.22", None, None, (33, 639985922), id="dots"),
        pytest.param("06.12.34.56.78", None, "FR", (33, 612345678), id="dots between pairs"),
        pytest.param("170.123.45.67", None, "DE", (49, 1701234567), id="dots, two digits last"),
        pytest.param("170.123.45.67", "49", None, (49, 1701234567), id="dots, with a code"),
        pytest.param("0171.3920012", None, "DE", (49, 1713920012), id="one dot after the area"),
        pytest.param("1.701.234.567", None, "DE", (49, 1701234567), id="dots between thousands"),
        pytest.param("+44 7700 900.123", None, None, (44, 7700900123), id="one dot, three digits last"),
        pytest.param("07700-900123", None, "GB", (44, 7700900123), id="hyphen"),
        pytest.param("1701234567.", None, "DE", (49, 1701234567), id="a dot at the end"),
        pytest.param("0011 44 7700 900123", None, "AU", (44, 7700900123), id="Australia's way abroad"),
        pytest.param("+44 7700 900123", "44", "NO", (44, 7700900123), id="code and number agree"),
        pytest.param("٠٧٧٠٠ ٩٠٠١٢٣", None, "GB", (44, 7700900123), id="digits of another script"),
    ],
)
def test_a_number_is_split_into_code_and_number(text, code, country, phone):
    assert read_phone(text, code, country) == (*phone, None)


@pytest.mark.parametrize(
    ("text", "code", "country", "rule"),
    [
        pytest.param("4.477009E+11", None, "GB", "number_as_float", id="scientific"),
        pytest.param("447700900123.0", None, "GB", "number_as_float", id="decimal"),
        pytest.param("1701234567.00", None, "DE", "number_as_float", id="decimal, two zeros"),
        pytest.param("1701234567,00", None, "DE", "number_as_float", id="decimal, comma"),
        pytest.param("1701234567.5", "49", None, "number_as_float", id="decimal, half"),
        pytest.param("1701234567.0000", None, "DE", "number_as_float", id="decimal, four zeros"),
        pytest.param("1701234567.123", None, "DE", "number_as_float", id="decimal, three digits"),
        pytest.param("+491701234567.00", None, None, "number_as_float", id="decimal, international"),
        pytest.param("00491701234567.25", None, None, "number_as_float", id="decimal behind 00"),
        pytest.param("+49 170 1234567.00", None, None, "number_as_float", id="decimal, spaces"),
        pytest.param("1.701.234.567,00", None, "DE", "number_as_float", id="decimal, points between thousands"),
        pytest.param("1,701,234,567.5", "49", None, "number_as_float", id="decimal, commas between thousands"),
        pytest.param("1 701 234 567,00", None, "DE", "number_as_float", id="decimal, spaces between thousands"),
        pytest.param("١٧٠١٢٣٤٥٦٧٫٠٠", None, "DE", "number_as_float", id="decimal of another script"),
        pytest.param("-1701234567", None, "DE", "out_of_range", id="negative"),
        pytest.param(" -1701234567", "49", None, "out_of_range", id="negative, with a code"),
        pytest.param("\u22121701234567", None, "DE", "out_of_range", id="negative, the minus of typesetters"),
        pytest.param("+44 7700 900123 ext. 12", None, None, "phone_extension", id="ext."),
        pytest.param("+44 7700 900123 x12", None, None, "phone_extension", id="x"),
        pytest.param("07700 900123 / 07700 900124", None, "GB", "phone_several", id="two, slash"),
        pytest.param("07700 900123 or 07700 900124", None, "GB", "phone_several", id="two, or"),
        pytest.param("O7700 9OO123", None, "GB", "phone_unreadable", id="letters for zeros"),
        pytest.param("call me", None, "GB", "phone_unreadable", id="words"),
        pytest.param("12", None, "GB", "phone_unreadable", id="too short"),
        pytest.param("+44 7700 900123 900123", None, None, "phone_unreadable", id="too long"),
        pytest.param("07700 900123", None, None, "country_code_missing", id="local, no country"),
        pytest.param("7700900123", None, None, "country_code_missing", id="bare, no country"),
        pytest.param("447700900123", None, "XX", "country_unknown", id="a country that is none"),
        pytest.param("07700 900123", None, " ", "country_code_missing", id="a blank country"),
        pytest.param("+44 7700 900123", "47", None, "country_code_disagrees", id="another code"),
        pytest.param("+39 06 1234 5678", None, None, "phone_unreadable", id="a zero that belongs to the number"),
    ],
)
def test_what_can_not_be_read_says_which_rule_it_breaks(text, code, country, rule):
    assert read_phone(text, code, country).rule == rule
    assert read_phone(text, code, country).number is None


@given(st.none() | st.text(), st.none() | st.text(max_size=4), st.none() | st.text(max_size=3))
def test_any_text_is_read_without_an_error(text, code, country):
    phone = read_phone(text, code, country)
    assert phone.rule is None or phone.number is None
    assert phone.code is None or 1 <= phone.code <= 999


@pytest.mark.slow
@given(st.lists(st.none() | st.sampled_from(["07700 900123", "+44 7700 900123", "x", "", " "]), max_size=8))
def test_a_column_is_read_as_its_cells_are(texts):
    frame = pl.DataFrame({"phone": texts}, schema={"phone": pl.String}).with_columns(country=pl.lit("gb "))
    read = split_phones(frame, "phone", country="country")
    assert read.select("mobile_country_code", "mobile_number").rows() == [
        read_phone(text, None, "GB")[:2] for text in texts
    ]
    assert read.height == len(texts)


@given(st.integers(10**8, 10**12), st.text("0123456789", min_size=1, max_size=8), st.sampled_from(".,"))
def test_no_fraction_is_ever_joined_to_a_number(whole, fraction, mark):
    for prefix in ("", "+", "00"):
        phone = read_phone(f"{prefix}{whole}{mark}{fraction}", "49")
        assert phone.number is None
        assert phone.rule is not None


def test_a_note_holds_the_text_as_found():
    read = split_phones(pl.DataFrame({"phone": ["call me "]}), "phone")
    assert read["note"].to_list() == ["phone_unreadable: call me "]


@pytest.mark.parametrize(("country", "code"), [("NO", 47), (" gb", 44), ("us", 1)])
def test_a_country_has_a_calling_code(country, code):
    assert calling_code(country) == code


@pytest.mark.parametrize("country", ["XX", "", "Norway", "47"])
def test_a_country_that_is_none_is_an_error_of_the_call(country):
    with pytest.raises(UsageError, match="ISO 3166"):
        calling_code(country)
