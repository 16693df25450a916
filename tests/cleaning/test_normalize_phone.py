"""`normalize_phone` over Series and expressions."""

from __future__ import annotations

import datetime as dt
from itertools import product

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit.cleaning import mobiles, normalize_phone
from mbtoolkit.errors import UsageError
from tests.benchmarks.cleaning import examples_right


def phone(text, country=None):
    return normalize_phone(pl.Series("phone", [text], dtype=pl.String), country).to_list()[0]


@pytest.mark.parametrize(
    ("text", "country", "code", "number"),
    [
        pytest.param("+47 934 54 496", None, 47, 93454496, id="international"),
        pytest.param("(+47) 934 54 496", None, 47, 93454496, id="international in brackets"),
        pytest.param("004793454496", None, 47, 93454496, id="00"),
        pytest.param("011 47 934 54 496", "US", 47, 93454496, id="011 from the United States"),
        pytest.param("93454496", "no", 47, 93454496, id="local"),
        pytest.param("4793454496", "NO", 47, 93454496, id="the code without a plus"),
        pytest.param("47123456", "NO", 47, 47123456, id="a local number that begins as the code does"),
        pytest.param("07700 900123", "GB", 44, 7700900123, id="trunk zero"),
        pytest.param("+44 (0)7700 900123", None, 44, 7700900123, id="trunk zero in brackets"),
        pytest.param("+47 (0) 934 54 496", None, 47, 93454496, id="a trunk zero in brackets that nobody dials"),
        pytest.param("(0047) (0)934 54 496", "SE", 47, 93454496, id="the same behind 00 in brackets"),
        pytest.param("8 (912) 345-67-89", "RU", 7, 9123456789, id="trunk eight"),
        pytest.param("1-202-456-1111", "US", 1, 2024561111, id="trunk one"),
        pytest.param("011 15-2345-6789", "AR", 54, 91123456789, id="a prefix that stands for other digits"),
        pytest.param("tel:+44-7700-900123", None, 44, 7700900123, id="a link"),
        pytest.param("\u202a+44\u202f7700\u2009900\u00a0123\u202c", None, 44, 7700900123, id="spaces of every kind"),
        pytest.param("\uff0b\uff14\uff17\u300093454496", None, 47, 93454496, id="full-width"),
        pytest.param("٠٧٧٠٠ ٩٠٠١٢٣", "GB", 44, 7700900123, id="Arabic-Indic digits"),
    ],
)
def test_a_phone_becomes_a_code_and_a_number(text, country, code, number):
    assert phone(text, country) == {"mobile_country_code": code, "mobile_number": number, "issue": None}


@pytest.mark.parametrize(
    ("text", "country", "issue"),
    [
        pytest.param("4.477009E+11", "GB", "number_as_float: .*read the source as text", id="scientific"),
        pytest.param("07700 900123 ext 12", "GB", r"phone_extension: .*alone: \+44 7700900123$", id="extension"),
        pytest.param(
            "07700 900123 / +47 93454496",
            "GB",
            r"phone_several: .*keep one: \+44 7700900123 or \+47 93454496$",
            id="two, both offered",
        ),
        pytest.param(
            "07700 900123 / 900 124 00",
            None,
            "phone_several: .*: 07700 900123 or 900 124 00$",
            id="two, one that can't be read",
        ),
        pytest.param("93454496 el. 93454497", "NO", r"phone_several: .*: \+47 93454496 or", id="two, with a word"),
        pytest.param("93454496\n93454497", "NO", r"phone_several: .*: \+47 93454496 or", id="two, on two lines"),
        pytest.param("93454496 / 934 54 496", "NO", r"phone_several: .*keep one: \+47 93454496$", id="one, twice"),
        pytest.param("+39 (0)6 1234 5678", None, "phone_unreadable: .*zero that belongs", id="a zero that is dialled"),
        pytest.param("O7700 9OO123", "GB", "phone_unreadable: .*can't be read", id="letters for digits"),
        pytest.param("n/a", "GB", "phone_unreadable: .*can't be read", id="words"),
        pytest.param("+39 06 1234 5678", None, "phone_unreadable: .*zero that belongs", id="a zero of its own"),
        pytest.param("07700 900123", None, "country_code_missing: .*default_country", id="no country"),
    ],
)
def test_an_issue_says_what_is_wrong_and_how_to_mend_it(text, country, issue):
    found = phone(text, country)
    assert found["mobile_number"] is None
    assert found["mobile_country_code"] is None
    assert pl.Series([found["issue"]]).str.contains(f"^{issue}").all(), found["issue"]


COUNTRIES = ["NO", "SE", "DK", "DE", "GB", "US", "FR", "ES", "IN", "FI", "NL", "AT", "CH", "IT", "PL", "AU", "JP", None]
MARKS = [".", "/", "-", "\u2013", "\u2011", ". ", " / ", " - "]
TIMES = ["", " 08", " 08:30", "T08:30:00", " 8.30", ", 0830", " 08:30:00.000", " 8:30 pm", "T08:30Z", " 08:30+01:00"]
DAYS = st.dates(dt.date(1800, 1, 1), dt.date(2199, 12, 31))
ORDERS = ["dmy", "mdy", "ymd"]


def written(day, order, mark, *, is_padded, is_short):
    """A date in numbers."""
    width = 2 if is_padded else 1
    year = f"{day.year % 100:02}" if is_short else str(day.year)
    parts = {"d": f"{day.day:0{width}}", "m": f"{day.month:0{width}}", "y": year}
    return mark.join(parts[part] for part in order)


@pytest.mark.parametrize("text", ["31.12.1984", "10/12/82", "2012-01-02 08", "12/1984", "2012-01", "(31.12.1984)"])
@pytest.mark.parametrize("country", COUNTRIES)
def test_a_date_is_no_phone_number(text, country):
    found = phone(text, country)
    assert (found["mobile_country_code"], found["mobile_number"]) == (None, None)
    assert found["issue"].startswith("phone_date: is a date, not a phone number; empty the cell")


@given(day=DAYS, country=st.sampled_from(COUNTRIES), is_padded=st.booleans(), is_short=st.booleans())
def test_no_date_in_any_form_is_a_phone_number(day, country, is_padded, is_short):
    texts = pl.Series(
        [
            written(day, order, mark, is_padded=is_padded, is_short=is_short) + time
            for mark, order, time in product(MARKS, ORDERS, TIMES)
        ]
    )
    read = normalize_phone(texts, country).struct.unnest()
    assert texts.filter(read["mobile_number"].is_not_null() | read["issue"].is_null()).to_list() == []


@pytest.mark.slow
@given(day=DAYS, order=st.sampled_from(ORDERS), is_padded=st.booleans(), spaces=st.sampled_from([" ", "  "]))
def test_a_date_with_spaces_and_a_whole_year_is_no_phone_number(day, order, is_padded, spaces):
    text = written(day, order, spaces, is_padded=is_padded, is_short=False)
    read = normalize_phone(pl.Series([text] * len(COUNTRIES)), pl.Series(COUNTRIES)).struct.unnest()
    assert read["mobile_number"].null_count() == len(COUNTRIES), text


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("31121984", "NO", 31121984),
        ("31 12 19 84", "NO", 31121984),
        ("20.12.34", "NC", 201234),
        ("32 10 00", "GL", 321000),
        ("31 10 00", "GL", 311000),
        ("01 12 05 08 30", "FR", 112050830),
        ("06.12.11.10.09", "FR", 612111009),
        ("+47 31 12 19 84", None, 31121984),
        ("2012-3456", "DK", 20123456),
        ("020-1984-1212", "GB", 2019841212),
    ],
)
def test_a_number_that_is_a_little_like_a_date_is_read(text, country, number):
    assert phone(text, country)["mobile_number"] == number


@pytest.mark.slow
def test_every_example_of_libphonenumber_is_read_as_before():
    right, zeros, refused, wrong = examples_right()
    assert (right, wrong, refused) == (5392, 0, 4)
    assert zeros > 0


@pytest.mark.parametrize("rows", [1, 200])
def test_a_date_is_refused_alone_and_in_a_column(rows):
    texts = ["31.12.1984", "93454496", "10/12/82", "2012-01-02T08:30:00"] * rows
    rules = normalize_phone(pl.Series(texts), "NO").struct.field("issue").str.extract("^([a-z_]+)").to_list()
    assert rules == ["phone_date", None, "phone_date", "phone_date"] * rows


def test_null_and_blank_stay_null_and_no_row_is_lost():
    read = normalize_phone(pl.Series("phone", [None, " ", "+47 93454496", "\u200b"]))
    assert read.name == "phone"
    assert read.is_null().to_list() == [True, True, False, True]
    assert normalize_phone(pl.Series("phone", [], dtype=pl.String)).dtype == mobiles.PHONE


def test_the_country_may_stand_in_another_column():
    frame = pl.DataFrame({"phone": ["93454496", "07700 900123", "0701234567"], "country": ["NO", " gb", "Sverige"]})
    read = frame.lazy().select(normalize_phone(pl.col("phone"), pl.col("country"))).collect().unnest("phone")
    assert read["mobile_country_code"].to_list() == [47, 44, None]
    assert read["issue"][2].startswith("country_unknown: ")
    assert read.equals(normalize_phone(frame["phone"], frame["country"]).struct.unnest())
    assert read.equals(frame.select(normalize_phone(pl.col("phone"), frame["country"])).unnest("phone"))


def test_an_expression_gives_what_a_series_gives_in_a_stream_too():
    frame = pl.DataFrame({"phone": ["93454496", "x", None, "+44 7700 900123"] * 50_000, "group": [1, 2, 3, 4] * 50_000})
    series = normalize_phone(frame["phone"], "NO")
    expression = normalize_phone(pl.col("phone"), "NO")
    assert (
        frame.lazy().collect_schema() | {"phone": mobiles.PHONE}
        == frame.lazy().with_columns(expression).collect_schema()
    )
    assert frame.lazy().select(expression).collect(engine="streaming")["phone"].equals(series)
    assert frame.select(expression.over("group"))["phone"].equals(series)


def test_whole_numbers_are_taken_as_they_are():
    read = normalize_phone(pl.Series([93454496, 4793454496, -1, None]), "NO")
    assert read.struct.field("mobile_number").to_list() == [93454496, 93454496, None, None]
    assert read.struct.field("issue")[2].startswith("out_of_range: ")


@pytest.mark.parametrize(
    ("column", "country", "match"),
    [
        pytest.param(
            pl.Series("tel", [4.7e9]), None, "'tel' holds decimal numbers.*read the column as text", id="floats"
        ),
        pytest.param(pl.Series([["1"]]), None, "give it as text", id="lists"),
        pytest.param("phone", None, "pl.col", id="a name"),
        pytest.param(pl.Series(["1"]), "Norway", "ISO 3166", id="no country code"),
        pytest.param(pl.Series(["1"]), pl.col("country"), "both as Series", id="a Series and an expression"),
        pytest.param(pl.Series(["1"] * 3), pl.Series(["NO"] * 2), "differ in length", id="lengths"),
    ],
)
def test_a_call_that_can_not_be_right_is_an_error(column, country, match):
    with pytest.raises(UsageError, match=match):
        normalize_phone(column, country)


def test_floats_are_refused_in_an_expression_too():
    with pytest.raises(UsageError, match="read the column as text"):
        pl.DataFrame({"tel": [4.7e9]}).select(normalize_phone(pl.col("tel")))


def test_cells_that_stand_often_are_read_as_each_by_itself():
    texts = [
        "07700 900123",
        "+47 934 54 496",
        "07700 900123 ext 4",
        "call me",
        None,
        "",
        "+44 7700 900123 / 7700900124",
    ]
    countries = ["GB", "NO", None]
    cells = pl.DataFrame(
        [(text, country) for text in texts for country in countries], schema=["phone", "country"], orient="row"
    )
    many = pl.concat([cells] * 600).sample(fraction=1, shuffle=True, seed=1)
    read = normalize_phone(many["phone"], many["country"])
    alone = dict(zip(cells.rows(), normalize_phone(cells["phone"], cells["country"]), strict=True))
    assert many.height > 10_000
    assert read.to_list() == [alone[row] for row in many.iter_rows()]
