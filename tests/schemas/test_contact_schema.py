"""`ContactSchema` as any pandera model, and in agreement with `validate_contacts` whatever the frame."""

from __future__ import annotations

import datetime as dt
import traceback
import warnings
from decimal import Decimal
from typing import Optional

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandera.config import ValidationDepth, config_context
from pandera.errors import SchemaError, SchemaErrors, SchemaWarning
from pandera.typing.polars import DataFrame

from mbtoolkit import ContactSchema, validate_contacts
from mbtoolkit.contacts import BY_NAME
from mbtoolkit.errors import FrameError, UsageError
from mbtoolkit.schemas import DTYPES

CANARY = "canary.person@example"
UUID = "9fc6ad7d-902a-4834-b161-a4911b883d44"


class ShopContacts(ContactSchema):
    """What a user would write: columns and checks of their own."""

    email: pl.String = pa.Field(nullable=False)
    shoe_size: Optional[pl.String] = pa.Field(alias="property:Shoe size", str_matches=r"^[0-9]{2}$", nullable=True)
    city: Optional[pl.String] = pa.Field(alias="property:City", nullable=True)
    customer: Optional[pl.Int64] = pa.Field(unique=True, nullable=True, ge=0)

    @pa.check("property:City", name="<b>city</b>", raise_warning=True)
    def _is_capitalised(cls, data):
        return data.lazyframe.select(pl.col(data.key).str.contains(r"^\p{Lu}"))

    @pa.dataframe_check(name="not both opt-ins")
    def _not_both(cls, data):
        if not {"mobile_opt_in", "email_opt_in"} <= set(data.lazyframe.collect_schema().names()):
            return True
        both = pl.col("mobile_opt_in") & pl.col("email_opt_in")
        return data.lazyframe.select(~both)


def passes(frame: pl.DataFrame, schema=ContactSchema) -> bool:
    """Whether pandera's own way lets a frame through; no warning of it may stop the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SchemaWarning)
        try:
            schema.validate(frame, lazy=True)
        except SchemaErrors:
            return False
    return True


def rules(frame: pl.DataFrame, schema=ContactSchema) -> list[tuple[int, str, str]]:
    return validate_contacts(frame, schema=schema).issues.select("row", "column", "rule").rows()


# --- the two ways agree ---------------------------------------------------------------------------

TEXTS = st.one_of(
    st.none(),
    st.text(max_size=4),
    st.sampled_from(["", " ", "1", "0", "47", "+47", "93454496", "1.0", "yes", "no", "maybe", UUID, "a@example.com"]),
    st.sampled_from(["A@example.com", "b@example.com", "a\u200b@example.com", "e\u0301@example.com", "Oslo", "42"]),
)
INTEGERS = st.one_of(st.none(), st.integers(-2, 3), st.sampled_from([47, 93454496, 2**31, 2**63 - 1, 10**15]))
SERIES = st.one_of(
    st.tuples(st.just(pl.String), st.lists(TEXTS, min_size=3, max_size=3)),
    st.tuples(st.just(pl.Categorical), st.lists(TEXTS, min_size=3, max_size=3)),
    st.tuples(st.just(pl.Int64), st.lists(INTEGERS, min_size=3, max_size=3)),
    st.tuples(st.just(pl.Int128), st.lists(INTEGERS, min_size=3, max_size=3)),
    st.tuples(st.just(pl.Float64), st.lists(st.one_of(st.none(), st.floats(), st.just(1.0)), min_size=3, max_size=3)),
    st.tuples(st.just(pl.Boolean), st.lists(st.sampled_from([None, True, False]), min_size=3, max_size=3)),
    st.tuples(st.just(pl.Date), st.just([dt.date(2024, 1, 1), None, None])),
    st.tuples(st.just(pl.Duration), st.just([dt.timedelta(1), None, None])),
    st.tuples(st.just(pl.Decimal(9, 1)), st.just([Decimal("1.5"), Decimal(1), None])),
    st.tuples(st.just(pl.Binary), st.just([b"\xff", None, None])),
    st.tuples(st.just(pl.Object), st.just([object(), None, None])),
    st.tuples(st.just(pl.List(pl.Int64)), st.just([[1], [], None])),
    st.tuples(st.just(pl.Null), st.just([None, None, None])),
)
COLUMNS = st.sampled_from(
    [
        *BY_NAME,
        "property:City",
        "property:Shoe size",
        "property:",
        f"property_id:{UUID}",
        "property:a\nb",
        "note",
        "^.*$",
        "property_fields",
        "unread:email",
        "unread:note",
        "mb_row",
    ]
)
FRAMES = st.dictionaries(COLUMNS, SERIES, max_size=5).map(
    lambda columns: pl.DataFrame(
        {name: pl.Series(values, dtype=dtype, strict=False) for name, (dtype, values) in columns.items()}
    )
)


@pytest.mark.slow
@settings(max_examples=80)
@given(FRAMES)
def test_validate_contacts_accepts_all_rows_exactly_when_pandera_accepts_the_frame(frame):
    validation = validate_contacts(frame)
    assert validation.ok == passes(frame)
    assert validation.valid.height + validation.invalid.height == frame.height


@pytest.mark.slow
@settings(max_examples=100)
@given(FRAMES)
def test_they_agree_on_a_subclass_too(frame):
    try:
        ok = validate_contacts(frame, schema=ShopContacts).ok
    except FrameError:
        ok = False
    assert ok == passes(frame, ShopContacts)


@pytest.mark.slow
@settings(max_examples=100)
@given(FRAMES)
def test_valid_rows_stay_valid_on_their_own(frame):
    valid = validate_contacts(frame.drop(pl.selectors.by_dtype(pl.Object))).valid  # polars can't compare objects
    again = validate_contacts(valid)
    assert again.ok
    comparable = [name for name, dtype in valid.schema.items() if dtype != pl.Object and name != "mb_row"]
    assert again.valid.select(pl.nth(list(map(again.valid.columns.index, comparable)))).equals(
        valid.select(pl.nth(list(map(valid.columns.index, comparable))))
    )


# --- as a pandera model ---------------------------------------------------------------------------


def test_validate_returns_the_conformed_frame():
    found = ContactSchema.validate(pl.DataFrame({"email": ["a@example.com"], "contact_id": ["7"], "note": [b"x"]}))
    assert found.rows() == [("a@example.com", 7, b"x")]
    assert found.schema["contact_id"] == pl.Int64


def test_calling_the_model_and_annotating_with_it_validate_too():
    @pa.check_types
    def take(contacts: DataFrame[ContactSchema]) -> int:
        return contacts.height

    assert ContactSchema(pl.DataFrame({"email": ["a@example.com"]})).height == 1
    with pytest.raises(SchemaError):
        take(pl.DataFrame({"email": ["no address"]}))


def test_an_empty_frame_of_the_model_has_the_canonical_types():
    assert dict(ContactSchema.empty().schema) == {name: DTYPES[field.kind] for name, field in BY_NAME.items()}
    assert ContactSchema.validate(ContactSchema.empty()).is_empty()


def test_a_lazy_frame_is_refused_rather_than_passed_unchecked():
    with pytest.raises(FrameError, match=r"\.collect\(\)"):
        ContactSchema.validate(pl.LazyFrame({"email": ["no address"]}))


@pytest.mark.parametrize(
    "options", [{"head": 1}, {"tail": 1}, {"sample": 1, "random_state": 1}], ids=["head", "tail", "sample"]
)
def test_a_part_of_the_frame_can_be_validated(options):
    frame = pl.DataFrame({"email": ["a@example.com"] * 3})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SchemaWarning)
        assert ContactSchema.validate(frame, **options).height == 3


@pytest.mark.parametrize(
    "config",
    [{"validation_enabled": False}, {"validation_depth": ValidationDepth.SCHEMA_ONLY}],
    ids=["switched off", "schema only"],
)
def test_settings_of_pandera_do_not_let_contacts_through_unchecked(config):
    frame = pl.DataFrame({"email": ["no address"]})
    with config_context(**config):
        assert not passes(frame)
        assert not validate_contacts(frame).ok


def test_the_failing_cells_are_listed_for_frames_with_cells_that_have_no_text():
    frame = pl.DataFrame(
        {
            "email": pl.Series(["a@example.com", None], dtype=pl.String),
            "photo": [b"\xff", b"\xfe"],
            "object": pl.Series([object(), object()], dtype=pl.Object),
            "age": [dt.timedelta(1)] * 2,
        }
    )
    with pytest.raises(SchemaErrors) as caught:
        ContactSchema.validate(frame, lazy=True)
    found = caught.value.failure_cases
    assert found.select("check", "index").rows() == [("no_identifier", 1)]
    assert '"photo":"<Binary>"' in found["failure_case"].item()
    assert caught.value.schema_errors[0].failure_cases["photo"].to_list() == [b"\xfe"]


# --- no cells in error texts ----------------------------------------------------------------------

BROKEN = {
    "cell": pl.DataFrame({"email": [CANARY]}),
    "row": pl.DataFrame({"note": [CANARY]}),
    "unread": pl.DataFrame({"contact_id": [CANARY]}),
    "duplicate": pl.DataFrame({"email": [f"{CANARY}.com"] * 2, "customer": [1, 1], "property:City": [CANARY] * 2}),
    "null": pl.DataFrame({"email": pl.Series([None], dtype=pl.String), "note": [CANARY]}),
}


@pytest.mark.parametrize("frame", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("lazy", [True, False], ids=["lazy", "eager"])
def test_no_error_text_quotes_a_cell(frame, lazy, recwarn):
    warnings.simplefilter("always")
    with pytest.raises((SchemaError, SchemaErrors)) as caught:
        ShopContacts.validate(frame, lazy=lazy)
    said = [str(caught.value), repr(caught.value), *traceback.format_exception(caught.value)]
    said += [str(each) for each in getattr(caught.value, "schema_errors", [])]
    said += [str(each.message) for each in recwarn]
    assert CANARY not in "".join(said)


# --- subclasses -----------------------------------------------------------------------------------

PERSON = {"email": ["a@example.com", "b@example.com"]}


def test_a_column_of_ones_own_is_judged():
    frame = pl.DataFrame(PERSON | {"property:Shoe size": ["42", "large"]})
    assert rules(frame, ShopContacts) == [(1, "property:Shoe size", "str_matches")]
    assert "str_matches" in validate_contacts(frame, schema=ShopContacts).issues["message"].item()


def test_a_property_column_of_ones_own_does_not_take_the_rules_from_the_others():
    frame = pl.DataFrame(PERSON | {"property:Shoe size": ["42", None], "property:": ["x", None]})
    assert rules(frame, ShopContacts) == [(0, "property:", "property_key")]


def test_rules_keep_their_codes_in_a_subclass():
    checks = {check.name for column in ShopContacts.to_schema().columns.values() for check in column.checks}
    assert {check.name for column in ContactSchema.to_schema().columns.values() for check in column.checks} <= checks
    assert rules(pl.DataFrame({"email": ["no address"]}), ShopContacts) == [(0, "email", "email_syntax")]


def test_nullable_false_wants_a_value_in_every_row():
    frame = pl.DataFrame({"email": ["a@example.com", " "], "contact_id": [1, 2]})
    assert rules(frame) == []
    assert rules(frame, ShopContacts) == [(1, "email", "not_nullable")]
    assert "fill it in" in validate_contacts(frame, schema=ShopContacts).issues["message"].item()


def test_unique_true_names_all_rows_that_share_a_value():
    frame = pl.DataFrame(PERSON | {"customer": [5, 5]})
    assert rules(frame, ShopContacts) == [(0, "customer", "field_uniqueness"), (1, "customer", "field_uniqueness")]


def test_unique_true_leaves_blanks_alone():
    blank = pl.Series([None, None], dtype=pl.Int64)
    assert rules(pl.DataFrame(PERSON | {"customer": blank}), ShopContacts) == []


@pytest.mark.parametrize(
    ("unique", "found"),
    [
        (["property:City"], [(0, "property:City", "field_uniqueness"), (1, "property:City", "field_uniqueness")]),
        ("property:City", [(0, "property:City", "field_uniqueness"), (1, "property:City", "field_uniqueness")]),
        (["property:City", "note"], []),
        ([["property:City"], ["note"]], [(row, "property:City", "field_uniqueness") for row in (0, 1)]),
        (["no such column"], []),
    ],
    ids=str,
)
def test_unique_of_a_models_config_names_the_rows(unique, found):
    class Unique(ContactSchema):
        Config = type("Config", (), {"strict": False, "unique": unique})

    frame = pl.DataFrame(
        {
            "email": [f"{name}@example.com" for name in "abcd"],
            "property:City": ["Oslo", "Oslo", None, None],
            "note": ["1", "2", "3", "4"],
        }
    )
    assert rules(frame, Unique) == found
    assert passes(frame, Unique) == (not found)


def test_a_check_that_only_warns_keeps_no_row_back():
    frame = pl.DataFrame(PERSON | {"property:City": ["Oslo", "oslo"]})
    validation = validate_contacts(frame, schema=ShopContacts)
    assert validation.ok
    assert validation.issues.select("row", "rule", "severity").rows() == [(1, "<b>city</b>", "warning")]
    with pytest.warns(SchemaWarning):
        ShopContacts.validate(frame)


def test_checks_of_one_name_keep_their_own_severity():
    class Twins(ContactSchema):
        @pa.check("email", name="twin", raise_warning=True)
        def _one(cls, data):
            return data.lazyframe.select(pl.col("email") != "a@example.com")

        @pa.check("email", name="twin")
        def _other(cls, data):
            return data.lazyframe.select(pl.col("email") != "b@example.com")

    validation = validate_contacts(pl.DataFrame(PERSON), schema=Twins)
    assert validation.issues.select("row", "severity").rows() == [(0, "warning"), (1, "error")]
    assert validation.valid["email"].to_list() == ["a@example.com"]


def test_a_check_over_whole_rows_is_judged():
    phones = {"mobile_country_code": [44, 44], "mobile_number": [7700900123, 7700900124]}
    frame = pl.DataFrame(PERSON | phones | {"mobile_opt_in": [True, False], "email_opt_in": [True, True]})
    assert rules(frame, ShopContacts) == [(0, None, "not both opt-ins")]


class Wholesale(ContactSchema):
    """Checks that give one answer for the whole frame."""

    @pa.dataframe_check(name="three rows")
    def _three_rows(cls, data):
        return data.lazyframe.collect().height >= 3

    @pa.check("email", name="three addresses")
    def _three_addresses(cls, data):
        return data.lazyframe.select(pl.len() >= 3)


def test_a_check_that_fails_for_the_whole_frame_refuses_every_row():
    frame = pl.DataFrame(PERSON)
    validation = validate_contacts(frame, schema=Wholesale)
    assert validation.valid.is_empty()
    assert validation.issues["row"].to_list() == [0, 0, 1, 1]
    assert not passes(frame, Wholesale)


def test_a_check_that_fails_although_there_are_no_rows_is_an_error_of_the_call():
    with pytest.raises(FrameError, match="three addresses"):
        validate_contacts(pl.DataFrame(schema={"email": pl.String}), schema=Wholesale)


def test_a_check_that_raises_is_named_and_its_text_not_quoted():
    class Raising(ContactSchema):
        @pa.check("email", name="mine")
        def _raises(cls, data):
            raise RuntimeError(data.lazyframe.collect().item())

    frame = pl.DataFrame({"email": [f"{CANARY}.com"]})
    with pytest.raises(FrameError, match="'email': the check 'mine' raised RuntimeError") as caught:
        validate_contacts(frame, schema=Raising)
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(SchemaErrors, match="mine") as errors:
        Raising.validate(frame, lazy=True)
    assert CANARY not in str(errors.value)


class Needing(ContactSchema):
    """Wants a column, of a type."""

    age: pl.Int64


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        pytest.param(pl.DataFrame(PERSON), "age", id="missing"),
        pytest.param(pl.DataFrame(PERSON | {"age": ["x", "y"]}), "String", id="another type"),
    ],
)
def test_a_frame_of_another_form_is_an_error_of_the_call(frame, words):
    with pytest.raises(FrameError, match=words):
        validate_contacts(frame, schema=Needing)
    assert not passes(frame, Needing)


def test_a_strict_schema_refuses_columns_that_it_does_not_know():
    class Strict(ContactSchema):
        class Config:
            strict = True

    assert validate_contacts(pl.DataFrame(PERSON), schema=Strict).ok
    with pytest.raises(FrameError, match="note"):
        validate_contacts(pl.DataFrame(PERSON | {"note": ["x", "y"]}), schema=Strict)


class _Coercing(ContactSchema):
    class Config:
        coerce = True


class _Dropping(ContactSchema):
    class Config:
        drop_invalid_rows = True


class _Filtering(ContactSchema):
    class Config:
        strict = "filter"


class _Adding(ContactSchema):
    class Config:
        add_missing_columns = True


class _Consenting(ContactSchema):
    email_opt_in: Optional[pl.Boolean] = pa.Field(nullable=True, default=True)


class _CoercingOne(ContactSchema):
    age: Optional[pl.Int64] = pa.Field(coerce=True)


@pytest.mark.parametrize("schema", [_Coercing, _Dropping, _Filtering, _Adding, _Consenting, _CoercingOne])
def test_a_schema_that_would_alter_the_frame_is_refused(schema):
    frame = pl.DataFrame({"email": ["no address"]})
    with pytest.raises(UsageError, match="changes nothing"):
        validate_contacts(frame, schema=schema)
    with pytest.raises(UsageError, match="changes nothing"):
        schema.validate(frame)
