"""Frames of polars, pandas and Arrow."""

from __future__ import annotations

import datetime as dt
import io
import traceback
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from mbtoolkit import read_contacts, validate_contacts
from mbtoolkit.errors import SourceError, SourceWarning

MAIL = "ada@example.com"


def test_a_polars_frame_is_taken_as_it_is_and_a_lazy_one_collected():
    frame = pl.DataFrame({"email": [MAIL], "when": [dt.date(2024, 1, 1)], "photo": [b"\xff"]})
    assert read_contacts(frame).equals(frame)
    assert read_contacts(frame.lazy()).equals(frame)


def test_a_lazy_frame_that_fails_says_so_without_its_cells(tmp_path):
    failing = pl.LazyFrame({"email": [MAIL]}).select(pl.col("email").cast(pl.Int64))
    with pytest.raises(SourceError, match=r"LazyFrame fails when it is collected \(InvalidOperationError\)") as caught:
        read_contacts(failing)
    assert MAIL not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(SourceError, match="LazyFrame fails"):
        read_contacts(pl.scan_parquet(tmp_path / "nowhere.parquet"))
    with pytest.raises(SourceError, match="LazyFrame fails"):
        read_contacts(pl.LazyFrame({"email": [MAIL]}).select("no such column"))


def test_a_lazy_frame_is_read_by_the_same_rules():
    lazy = pl.LazyFrame({"E-mail": [f" {MAIL} "], "Mobile": ["934 54 496"]})
    found = read_contacts(lazy, mapping={"E-mail": "email", "Mobile": "mobile_number"}, default_country="NO")
    assert found.row(0, named=True) == {"email": MAIL, "mobile_country_code": 47, "mobile_number": 93454496}


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        pytest.param(pd.Series(["x", None]), ["x", None], id="text"),
        pytest.param(pd.Series(["x", None], dtype=object), ["x", None], id="objects of text"),
        pytest.param(pd.Series(["x", pd.NA], dtype="string"), ["x", None], id="pandas text with NA"),
        pytest.param(pd.Series(["x", float("nan")], dtype=object), ["x", None], id="NaN for missing"),
        pytest.param(pd.Series([1, 2]), ["1", "2"], id="integers"),
        pytest.param(pd.Series([1, None], dtype="Int64"), ["1", None], id="nullable integers"),
        pytest.param(pd.Series([1, None]), ["1.0", None], id="integers that pandas made floats"),
        pytest.param(pd.Series([1, "2", 3.5, True], dtype=object), ["1", "2", "3.5", "true"], id="a mixture"),
        pytest.param(pd.Series([Decimal("1.50"), None], dtype=object), ["1.50", None], id="decimals"),
        pytest.param(pd.Series([dt.date(2024, 1, 1), pd.NaT], dtype=object), ["2024-01-01", None], id="dates"),
        pytest.param(pd.Series(pd.to_datetime(["2024-01-01", None])), ["2024-01-01T00:00:00", None], id="timestamps"),
        pytest.param(
            pd.Series([pd.Timestamp(2024, 1, 1), np.int64(5)], dtype=object), ["2024-01-01T00:00:00", "5"], id="scalars"
        ),
        pytest.param(pd.Series(pd.Categorical(["x", None])), ["x", None], id="categories"),
        pytest.param(pd.Series([True, None], dtype="boolean"), ["true", None], id="nullable booleans"),
    ],
)
def test_a_pandas_column_becomes_text_by_the_stated_forms(column, texts):
    frame = pd.DataFrame({"email": [f"p{n}@example.com" for n in range(len(column))], "property:X": column})
    found = read_contacts(frame)
    assert found["property:X"].to_list() == texts
    assert validate_contacts(found).ok


@pytest.mark.parametrize(
    ("cell", "rule", "value"),
    [
        pytest.param(b"x", "unsupported_type", "<bytes>", id="bytes"),
        pytest.param(["x"], "unsupported_type", "<list>", id="a list"),
        pytest.param({"a": 1}, "unsupported_type", "<dict>", id="a dict"),
        pytest.param(object(), "unsupported_type", "<object>", id="an object"),
        pytest.param(1 + 2j, "unsupported_type", "<complex>", id="a complex number"),
        pytest.param(float("inf"), "not_finite", "inf", id="infinity"),
        pytest.param("half \ud800", "not_unicode", "half \\ud800", id="half a character"),
    ],
)
def test_an_object_without_a_text_form_refuses_its_row(cell, rule, value):
    frame = pd.DataFrame({"email": [MAIL, "b@example.com"], "property:X": pd.Series([cell, "x"], dtype=object)})
    validation = validate_contacts(read_contacts(frame))
    assert validation.issues.select("row", "column", "value", "rule").rows() == [(0, "property:X", value, rule)]
    assert validation.valid["property:X"].to_list() == ["x"]


def test_objects_that_are_only_carried_along_refuse_nothing():
    frame = pd.DataFrame({"email": [MAIL], "tags": pd.Series([["a"]], dtype=object)})
    found = read_contacts(frame)
    assert found.columns == ["email", "tags"]
    assert found["tags"].to_list() == ["['a']"]


def test_a_number_that_pandas_made_a_float_is_refused_with_the_reason():
    validation = validate_contacts(read_contacts(pd.DataFrame({"email": [MAIL, MAIL], "contact_id": [7, None]})))
    assert validation.issues.filter(pl.col("severity") == "error")["rule"].to_list() == ["number_as_float"]


@pytest.mark.parametrize("dtype", ["period[M]", "interval", "complex"])
def test_types_that_only_pandas_has_are_carried_along(dtype):
    column = {"period[M]": [pd.Period("2024-01")], "interval": [pd.Interval(0, 1)], "complex": [1j]}[dtype]
    assert read_contacts(pd.DataFrame({"email": [MAIL], "odd": column})).height == 1


def test_column_names_that_are_no_text_become_text():
    assert read_contacts(pd.DataFrame([[MAIL, "x"]]), mapping={"0": "email"}).columns == ["email", "1"]


def test_an_index_with_a_name_is_left_out_and_said():
    with pytest.warns(SourceWarning, match="reset_index"):
        read_contacts(pd.DataFrame({"email": [MAIL]}, index=pd.Index([5], name="customer")))


def test_an_arrow_table_is_taken_with_its_types():
    table = pa.table({"email": pa.array([MAIL]).dictionary_encode(), "contact_id": pa.array([7], pa.decimal128(18, 0))})
    for source in (table, table.to_batches()[0], table.to_reader()):
        assert read_contacts(source).rows() == [(MAIL, 7)]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        pytest.param(
            pd.DataFrame([[MAIL, "x"]], columns=["email", "email"]), "have one name: 'email'", id="pandas, twice"
        ),
        pytest.param(pa.table([[MAIL], ["x"]], names=["email", "email"]), "have one name", id="Arrow, twice"),
        pytest.param(
            pa.table({"email": pa.array([Decimal(1)], pa.decimal256(50, 2))}), "simpler types", id="Arrow, decimal256"
        ),
        pytest.param(pd.Series([MAIL], name="email"), "to_frame", id="pandas series"),
        pytest.param(pl.Series("email", [MAIL]), "to_frame", id="polars series"),
        pytest.param([{"email": MAIL}], "a list is no table", id="list of dicts"),
        pytest.param({"email": [MAIL]}, "a dict is no table", id="dict"),
        pytest.param(None, "NoneType is no table", id="nothing"),
        pytest.param(5, "int is no table", id="number"),
        pytest.param(io.StringIO("email\n"), "StringIO is no table", id="open file"),
        pytest.param(pl.DataFrame(), "no columns", id="no columns"),
        pytest.param(pd.DataFrame(), "no columns", id="no columns, pandas"),
    ],
)
def test_what_is_no_table_says_so(source, told):
    with pytest.raises(SourceError, match=told) as caught:
        read_contacts(source)
    assert MAIL not in str(caught.value)


def test_a_frame_without_rows_is_said():
    with pytest.warns(SourceWarning, match="no contact"):
        assert read_contacts(pl.DataFrame(schema={"email": pl.String})).is_empty()
