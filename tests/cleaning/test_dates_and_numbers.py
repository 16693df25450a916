"""`normalize_date` and `normalize_number`."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit.cleaning import normalize_date, normalize_number
from mbtoolkit.errors import UsageError


def date_of(text, order="dmy", **options):
    return normalize_date(pl.Series([text]), order, **options).to_list()[0]


def number_of(text, decimal=","):
    return normalize_number(pl.Series([text]), decimal).to_list()[0]


@pytest.mark.parametrize(
    ("text", "order", "iso"),
    [
        ("31.3.2026", "dmy", "2026-03-31"),
        ("3/31/2026", "mdy", "2026-03-31"),
        ("2026/3/31", "ymd", "2026-03-31"),
        ("2026-03-31", "mdy", "2026-03-31"),
        ("20260331", "dmy", "2026-03-31"),
        ("31 - 03 - 2026", "dmy", "2026-03-31"),
        ("31.03.2026 13:45", "dmy", "2026-03-31"),
        ("2026-03-31T13:45:00.5+02:00", "dmy", "2026-03-31"),
        ("3/31/2026 1:45 PM", "mdy", "2026-03-31"),
        ("4. juli 2026", "mdy", "2026-07-04"),
        ("4 de julio de 2026", "dmy", "2026-07-04"),
        ("1er août 2026", "dmy", "2026-08-01"),
        ("July 4th, 2026", "dmy", "2026-07-04"),
        ("Sat, 4 Jul 2026", "dmy", "2026-07-04"),
        ("04-Mär-2026", "dmy", "2026-03-04"),
        ("29.02.2024", "dmy", "2024-02-29"),
        ("٣١.٠٣.٢٠٢٦", "dmy", None),
    ],
)
def test_a_date_becomes_its_iso_form(text, order, iso):
    found = date_of(text, order)
    assert found["date"] == iso
    assert (found["issue"] is None) == (iso is not None)


@pytest.mark.parametrize(
    ("text", "order", "rule"),
    [
        ("3/31/2026", "dmy", "date_order"),
        ("31/3/2026", "mdy", "date_order"),
        ("31.2.2026", "dmy", "date_impossible"),
        ("29.02.2026", "dmy", "date_impossible"),
        ("99/99/2026", "dmy", "date_impossible"),
        ("31.3.26", "dmy", "date_year"),
        ("4 juli 26", "dmy", "date_year"),
        ("46112", "dmy", "date_serial"),
        ("soon", "dmy", "not_a_date"),
        ("4 foo 2026", "dmy", "not_a_date"),
        ("2026", "dmy", "not_a_date"),
        ("31.3", "dmy", "not_a_date"),
    ],
)
def test_what_is_no_date_in_that_order_is_told(text, order, rule):
    found = date_of(text, order)
    assert found["date"] is None
    assert found["issue"].startswith(f"{rule}: ")


@pytest.mark.parametrize(
    ("text", "iso"), [("1.2.26", "2026-02-01"), ("1.2.27", "1927-02-01"), ("1 mai 99", "1999-05-01")]
)
def test_a_year_of_two_digits_needs_the_latest_year(text, iso):
    assert date_of(text, last_year=2026)["date"] == iso


@pytest.mark.slow
@given(st.dates(min_value=date(1000, 1, 1)))
def test_any_date_is_read_in_each_order(day):
    texts = {"dmy": f"{day.day}.{day.month}.{day.year}", "mdy": f"{day.month:02}/{day.day:02}/{day.year}"}
    for order, text in {**texts, "ymd": day.isoformat()}.items():
        assert date_of(text, order) == {"date": day.isoformat(), "issue": None}


@pytest.mark.slow
@given(st.lists(st.none() | st.text()), st.sampled_from(["dmy", "mdy", "ymd"]))
def test_every_cell_ends_as_a_date_or_an_issue_or_nothing(texts, order):
    column = pl.Series("when", texts, dtype=pl.String)
    read = normalize_date(column, order)
    fields = read.struct.unnest()
    assert (len(read), read.name) == (len(texts), "when")
    assert (fields["date"].is_null() != fields["issue"].is_null()).filter(read.is_not_null()).all()
    assert read.is_null().filter(column.is_null()).all()


def test_columns_of_dates_and_times_are_taken_as_they_are():
    assert normalize_date(pl.Series([date(2026, 3, 31), None]), "mdy").struct.field("date").to_list() == [
        "2026-03-31",
        None,
    ]
    assert normalize_date(pl.Series([datetime(2026, 3, 31, 1, 2)]), "mdy").struct.field("date").to_list() == [
        "2026-03-31"
    ]


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [
        ("1 234,50", ",", "1234.50"),
        ("1\u202f234\u00a0567,5", ",", "1234567.5"),
        ("1.234.567,5", ",", "1234567.5"),
        ("1.234", ",", "1234"),
        ("1.234", ".", "1.234"),
        ("1,234.5", ".", "1234.5"),
        ("1'234.5", ".", "1234.5"),
        ("12,34,567.00", ".", "1234567.00"),
        ("\u22127", ",", "-7"),
        ("+7", ",", "7"),
        ("007", ",", "7"),
        ("-0,0", ",", "0.0"),
        (",5", ",", "0.5"),
        ("\uff11\uff12", ",", "12"),
    ],
)
def test_a_number_becomes_its_canonical_form(text, decimal, number):
    assert number_of(text, decimal) == {"number": number, "issue": None}


@pytest.mark.parametrize(
    ("text", "decimal", "rule"),
    [
        ("1.23", ",", "number_decimal_mark"),
        ("1,23", ".", "number_decimal_mark"),
        ("1.2345,6", ",", "number_decimal_mark"),
        ("1.234 567", ",", "number_decimal_mark"),
        ("1,2,3", ",", "number_decimal_mark"),
        ("1.2E+10", ".", "number_as_float"),
        ("NaN", ",", "not_finite"),
        ("12 kr", ",", "not_a_number"),
        ("ten", ",", "not_a_number"),
        ("-", ",", "not_a_number"),
        ("1-2", ",", "not_a_number"),
    ],
)
def test_what_is_no_number_with_that_mark_is_told(text, decimal, rule):
    found = number_of(text, decimal)
    assert found["number"] is None
    assert found["issue"].startswith(f"{rule}: ")


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2), st.sampled_from([" ", ".", "'", ""]))
def test_any_amount_is_read(amount, group):
    text = f"{amount:,.2f}".replace(".", "|").replace(",", group).replace("|", ",")
    assert Decimal(number_of(text)["number"]) == amount


@given(st.lists(st.none() | st.text(alphabet="0123456789.,-+ e'") | st.text()), st.sampled_from([",", "."]))
def test_every_cell_ends_as_a_number_or_an_issue_or_nothing(texts, decimal):
    column = pl.Series("sum", texts, dtype=pl.String)
    read = normalize_number(column, decimal)
    fields = read.struct.unnest()
    assert (len(read), read.name) == (len(texts), "sum")
    assert (fields["number"].is_null() != fields["issue"].is_null()).filter(read.is_not_null()).all()
    assert fields["number"].drop_nulls().str.contains(r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$").all()


def test_columns_of_numbers_are_taken_as_they_are():
    assert normalize_number(pl.Series([1, -2, None]), ",").struct.field("number").to_list() == ["1", "-2", None]
    floats = normalize_number(pl.Series([1.5, 2.0, float("nan"), None]), ",").struct.unnest()
    assert floats["number"].to_list() == ["1.5", "2", None, None]
    assert floats["issue"][2].startswith("not_finite: ")


def test_the_order_and_the_mark_must_be_said():
    with pytest.raises(UsageError, match="'dmy', 'mdy', 'ymd'"):
        date_of("1.2.2026", "ydm")
    with pytest.raises(UsageError, match=r"neither ',' nor '\.'"):
        number_of("1", ";")


@pytest.mark.parametrize("year", [26, 0, -1, 20026])
def test_the_last_year_of_two_digits_has_four(year):
    with pytest.raises(UsageError, match="a year of four digits"):
        normalize_date(pl.Series(["1.2.26"]), "dmy", last_year=year)


def test_a_mark_that_stands_before_decimals_elsewhere_in_the_column_is_no_mark_between_thousands():
    doubtful = normalize_number(pl.Series(["1.234", "1.234,50", "12.5", "1.234.567"]), ",").struct.unnest()
    assert doubtful["number"].to_list() == [None, "1234.50", None, "1234567"]
    assert doubtful["issue"].str.starts_with("number_decimal_mark").to_list() == [True, None, True, None]
    german = normalize_number(pl.Series(["1.234", "1.234,50"]), ",").struct.field("number")
    assert german.to_list() == ["1234", "1234.50"]
