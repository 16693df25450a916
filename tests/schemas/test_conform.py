"""`conform`: canonical types by declared rules, and no cell is lost."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit.contacts import BY_NAME
from mbtoolkit.schemas import DTYPES
from mbtoolkit.schemas.conform import NO_WORDS, PROPERTIES_DTYPE, YES_WORDS, conform

CELLS = st.one_of(st.none(), st.text(max_size=6), st.sampled_from(["1", "yes", "NO ", "+47", "1.0", "6.14E+10", " "]))


def converted(values, column: str, dtype=None):
    """The cell and its note, for a column of one cell."""
    frame = conform(pl.DataFrame({column: pl.Series([values], dtype=dtype)}))
    note = frame[f"unread:{column}"].item() if f"unread:{column}" in frame.columns else None
    return frame[column].item(), note


@pytest.mark.parametrize(
    ("value", "dtype", "text"),
    [
        pytest.param(" kept ", pl.String, " kept ", id="text, spaces and all"),
        pytest.param("a", pl.Categorical, "a", id="category"),
        pytest.param("a", pl.Enum(["a"]), "a", id="enum"),
        pytest.param(2**64 - 1, pl.UInt64, "18446744073709551615", id="beyond int64"),
        pytest.param(2**100, pl.Int128, str(2**100), id="beyond uint64"),
        pytest.param(Decimal("1.50"), pl.Decimal(9, 2), "1.50", id="decimal with its scale"),
        pytest.param(0.1, pl.Float32, "0.1", id="float32"),
        pytest.param(1e300, pl.Float64, "1e+300", id="large float"),
        pytest.param(True, pl.Boolean, "true", id="boolean"),
        pytest.param(dt.date(2024, 2, 29), pl.Date, "2024-02-29", id="date"),
        pytest.param(dt.time(1, 2, 3), pl.Time, "01:02:03", id="time"),
        pytest.param(dt.datetime(2024, 2, 29, 1, 2, 3), pl.Datetime, "2024-02-29T01:02:03", id="whole second"),
        pytest.param(dt.datetime(2024, 2, 29, 1, 2, 3, 500_000), pl.Datetime, "2024-02-29T01:02:03.500000", id="half"),
        pytest.param(
            dt.datetime(2024, 1, 1, tzinfo=dt.UTC), pl.Datetime("us", "UTC"), "2024-01-01T00:00:00+00:00", id="zone"
        ),
        pytest.param(dt.timedelta(days=1, seconds=1), pl.Duration, "P1DT1S", id="duration"),
    ],
)
def test_a_property_of_any_simple_type_has_one_text_form(value, dtype, text):
    assert converted(value, "property:X", dtype) == (text, None)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        pytest.param(b"\xff", pl.Binary, id="binary"),
        pytest.param([1], pl.List(pl.Int64), id="list"),
        pytest.param({"a": 1}, pl.Struct({"a": pl.Int64}), id="struct"),
        pytest.param([1, 2], pl.Array(pl.Int64, 2), id="array"),
        pytest.param(object(), pl.Object, id="object"),
    ],
)
@pytest.mark.parametrize("column", ["property:X", "email", "contact_id", "mobile_opt_in", "list_id"])
def test_a_type_without_a_text_form_is_refused_by_name(value, dtype, column):
    cell, note = converted(value, column, dtype)
    assert cell is None
    assert note == f"unsupported_type: <{dtype.__name__ if isinstance(dtype, type) else type(dtype).__name__}>"


@pytest.mark.parametrize("blank", ["", " ", "\t\r\n", "\u00a0", "\u3000", "\u200b", "\ufeff \u2060"], ids=ascii)
@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical], ids=["text", "category"])
@pytest.mark.parametrize("column", [*BY_NAME, "property:X"])
def test_blank_text_is_null_and_no_issue_in_every_column(blank, dtype, column):
    assert converted(blank, column, dtype) == (None, None)


def test_a_blank_value_in_nested_properties_is_null():
    frame = pl.DataFrame({"property_fields": [[{"property_name": "A", "property_value": " "}]]})
    assert conform(frame)["property_fields"].to_list() == [
        [{"property_id": None, "property_name": "A", "property_value": None}]
    ]


@pytest.mark.parametrize(
    ("value", "dtype", "number"),
    [
        pytest.param("42", pl.String, 42, id="text"),
        pytest.param(" 42 ", pl.String, 42, id="text with spaces"),
        pytest.param("42", pl.Categorical, 42, id="category"),
        pytest.param(42, pl.UInt64, 42, id="unsigned"),
        pytest.param(42, pl.Int128, 42, id="128 bits"),
        pytest.param(Decimal(42), pl.Decimal(18, 0), 42, id="decimal without a scale, as databases have it"),
        pytest.param("9223372036854775807", pl.String, 2**63 - 1, id="largest"),
    ],
)
def test_whole_numbers_are_read_from_any_type_that_holds_them(value, dtype, number):
    assert converted(value, "contact_id", dtype) == (number, None)


@pytest.mark.parametrize(
    ("value", "dtype", "note"),
    [
        pytest.param("abc", pl.String, "not_an_integer: abc", id="letters"),
        pytest.param("007", pl.String, "not_an_integer: 007", id="zeros in front"),
        pytest.param("1 000", pl.String, "not_an_integer: 1 000", id="a space inside"),
        pytest.param("\u0661", pl.String, "not_an_integer: \u0661", id="digits of another script"),
        pytest.param("42.0", pl.String, "number_as_float: 42.0", id="decimal text"),
        pytest.param("6.14E+10", pl.String, "number_as_float: 6.14E+10", id="scientific text"),
        pytest.param(42.0, pl.Float64, "number_as_float: 42.0", id="float"),
        pytest.param(float("nan"), pl.Float64, "not_finite: NaN", id="NaN"),
        pytest.param(float("inf"), pl.Float32, "not_finite: inf", id="infinity"),
        pytest.param(Decimal("1.5"), pl.Decimal(9, 1), "number_as_float: 1.5", id="decimal"),
        pytest.param("9223372036854775808", pl.String, "out_of_range: 9223372036854775808", id="beyond int64, text"),
        pytest.param(2**63, pl.UInt64, "out_of_range: 9223372036854775808", id="beyond int64, number"),
        pytest.param(True, pl.Boolean, "not_an_integer: true", id="boolean"),
        pytest.param(dt.date(2024, 1, 1), pl.Date, "not_an_integer: 2024-01-01", id="date"),
    ],
)
def test_what_is_no_whole_number_stays_as_found(value, dtype, note):
    assert converted(value, "contact_id", dtype) == (None, note)


@pytest.mark.parametrize("text", ["47", "+47", "0047", " +47 "])
def test_a_country_code_may_bear_what_people_write_before_it(text):
    assert converted(text, "mobile_country_code") == (47, None)


@pytest.mark.parametrize(
    ("value", "dtype", "said"),
    [
        *(pytest.param(f" {word.upper()}", pl.String, True, id=word) for word in YES_WORDS),
        *(pytest.param(word, pl.String, False, id=word) for word in NO_WORDS),
        pytest.param(1, pl.Int8, True, id="1"),
        pytest.param(0.0, pl.Float64, False, id="0.0"),
        pytest.param("yes", pl.Categorical, True, id="category"),
    ],
)
def test_listed_words_alone_are_consent(value, dtype, said):
    assert converted(value, "email_opt_in", dtype) == (said, None)


@pytest.mark.parametrize(
    ("value", "dtype", "found"),
    [
        pytest.param("maybe", pl.String, "maybe", id="another word"),
        pytest.param("yes!", pl.String, "yes!", id="nearly"),
        pytest.param(2, pl.Int64, "2", id="two"),
        pytest.param(-1, pl.Int64, "-1", id="minus one"),
        pytest.param(float("nan"), pl.Float64, "NaN", id="NaN"),
        pytest.param(dt.date(2024, 1, 1), pl.Date, "2024-01-01", id="date of consent"),
    ],
)
def test_nothing_else_is_consent(value, dtype, found):
    assert converted(value, "email_opt_in", dtype) == (None, f"not_yes_or_no: {found}")


@given(st.lists(st.tuples(*[CELLS] * 4), max_size=5))
def test_every_visible_cell_is_kept_as_a_value_or_as_a_note(rows):
    columns = ["contact_id", "email_opt_in", "email", "property:X"]
    found = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
    conformed = conform(found)
    for column in columns:
        notes = conformed[f"unread:{column}"] if f"unread:{column}" in conformed.columns else [None] * len(rows)
        for cell, value, note in zip(found[column], conformed[column], notes, strict=True):
            if cell is None or not cell.strip(" \t\n\v\f\r\x85\xa0\u2000\u2009\u2028\u2029\u3000\u200b\u2060\ufeff"):
                assert note is None
            elif value is None:
                assert note is None or note.endswith(f": {cell}")
                assert note is not None or not cell.strip()
            else:
                assert note is None


@given(st.lists(CELLS, min_size=1, max_size=5), st.sampled_from([*BY_NAME, "property:X"]))
def test_conforming_twice_changes_nothing(cells, column):
    once = conform(pl.DataFrame({column: pl.Series(cells, dtype=pl.String)}))
    assert conform(once).equals(once)
    if column in BY_NAME:
        assert once.schema[column] == DTYPES[BY_NAME[column].kind]


def test_other_columns_keep_order_type_and_content():
    frame = pl.DataFrame(
        {
            "^.*$": [1],
            "email": ["a@example.com"],
            "*": [b"\xff"],
            "": [[1]],
            "unread:mine": [5],
            "obj": pl.Series([object()], dtype=pl.Object),
        }
    )
    conformed = conform(frame)
    assert conformed.columns == frame.columns
    assert conformed.schema == frame.schema


@pytest.mark.parametrize(
    "frame", [pl.DataFrame(), pl.DataFrame({"email": []}), pl.DataFrame(schema={"contact_id": pl.String})]
)
def test_empty_frames_conform(frame):
    assert conform(frame).height == 0


def test_filling_in_the_cell_mends_it():
    frame = conform(pl.DataFrame({"contact_id": ["abc", "def"]}))
    mended = frame.with_columns(contact_id=pl.Series([7, None], dtype=pl.Int64))
    assert conform(mended)["unread:contact_id"].to_list() == [None, "not_an_integer: def"]


def test_a_cell_that_fails_again_replaces_the_old_note():
    frame = pl.DataFrame({"contact_id": ["x"], "unread:contact_id": ["not_an_integer: abc"]})
    assert conform(frame)["unread:contact_id"].item() == "not_an_integer: x"


@pytest.mark.parametrize("dtype", [pl.Null, pl.Categorical, pl.Binary])
def test_notes_of_another_type_become_text(dtype):
    cell = {pl.Null: None, pl.Categorical: "unread: x", pl.Binary: b"x"}[dtype]
    frame = conform(
        pl.DataFrame({"email": pl.Series([None], dtype=pl.String), "unread:email": pl.Series([cell], dtype=dtype)})
    )
    assert frame.schema["unread:email"] == pl.String
    assert frame["unread:email"].item() == {pl.Null: None, pl.Categorical: "unread: x", pl.Binary: "<Binary>"}[dtype]


UUID = "9fc6ad7d-902a-4834-b161-a4911b883d44"


@pytest.mark.parametrize(
    ("cell", "entries"),
    [
        pytest.param([{"property_name": "A", "property_value": "x"}], [(None, "A", "x")], id="name and value"),
        pytest.param([{"propertyId": UUID, "propertyValue": "x"}], [(UUID, None, "x")], id="wire names"),
        pytest.param([{"property_name": "A", "property_value": None}], [(None, "A", None)], id="null value"),
        pytest.param([], [], id="empty list"),
        pytest.param(None, None, id="null"),
    ],
)
def test_nested_properties_come_into_one_form(cell, entries):
    conformed = conform(pl.DataFrame({"property_fields": [cell]}))
    assert conformed.schema == {"property_fields": PROPERTIES_DTYPE}
    found = conformed["property_fields"].item()
    assert (None if found is None else [tuple(entry.values()) for entry in found]) == entries


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param("text", id="text"),
        pytest.param(["a"], id="list of text"),
        pytest.param([{"property_name": "A", "property_value": 5}], id="number as value"),
        pytest.param([{"property_name": "A", "property_value": "x", "more": "y"}], id="a field too many"),
        pytest.param({"property_name": "A"}, id="no list"),
    ],
)
def test_what_is_no_list_of_properties_is_refused(cell):
    conformed = conform(pl.DataFrame({"property_fields": [cell]}))
    assert conformed["property_fields"].item() is None
    assert conformed["unread:property_fields"].item().startswith("not_properties: ")
