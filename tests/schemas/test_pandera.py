"""What the schemas need of pandera beyond its documented interface; a version that differs in it fails here first."""

from __future__ import annotations

import copy
import inspect

import pandera.polars as pa
import polars as pl
import pytest
from pandera.api.checks import Check
from pandera.backends.polars.container import DataFrameSchemaBackend
from pandera.config import ValidationDepth, config_context
from pandera.errors import SchemaError, SchemaErrors

FRAME = pl.DataFrame({"email": ["a", None, "b"], "n": [1, 2, 2]})


@pytest.fixture
def model():
    """Made anew for each test, for pandera takes the names of its checks away with the first schema."""

    class Model(pa.DataFrameModel):
        email: str = pa.Field(nullable=True, str_length={"min_value": 2})

        class Config:
            strict = False

        @pa.dataframe_check(name="several")
        def _differs(cls, data: pa.PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(pl.col("n").is_unique())

    return Model


def errors_of(schema: pa.DataFrameSchema, frame: pl.DataFrame = FRAME) -> list[SchemaError]:
    with pytest.raises(SchemaErrors) as raised:
        schema.validate(frame, lazy=True)
    return raised.value.schema_errors


def test_a_model_makes_its_schema_by_a_hook_and_keeps_its_checks_in_another(model):
    asked = []

    class Hooked(model):
        @classmethod
        def build_schema_(cls, **kwargs):
            asked.append(kwargs)
            return super().build_schema_(**kwargs)

    assert isinstance(Hooked.to_schema(), pa.DataFrameSchema)
    assert asked[0]["strict"] is False
    (info,) = model._collect_check_infos("__dataframe_check_config__")
    assert isinstance(info.check_kwargs, dict)
    assert "name" not in info.check_kwargs  # which is why ContactSchema hands out copies


def test_a_schema_finds_its_backend_by_a_hook_that_may_hand_out_another():
    assert list(inspect.signature(pa.DataFrameSchema.get_backend).parameters) == ["check_obj", "check_type"]
    assert isinstance(pa.DataFrameSchema.get_backend(FRAME), DataFrameSchemaBackend)
    assert list(inspect.signature(DataFrameSchemaBackend.failure_cases_metadata).parameters) == [
        "self", "schema_name", "schema_errors",
    ]  # fmt: skip


def test_an_error_tells_its_check_its_column_and_an_answer_for_each_row(model):
    by_column = {error.column_name: error for error in errors_of(model.to_schema())}
    assert by_column["email"].check_output.to_series().to_list() == [False, True, False]
    whole = by_column[None]
    assert whole.check.name == "several"
    assert whole.check_output.to_series().to_list() == [True, False, False]
    assert isinstance(whole.failure_cases, pl.DataFrame)


def test_what_is_set_on_a_copied_check_gets_through_to_the_error(model):
    schema = copy.copy(model.to_schema())
    marked = copy.copy(schema.checks[0])
    assert marked.raise_warning is False
    vars(marked).update(severity="warning", n_failure_cases=1)
    schema.checks = [marked]
    assert [error.check.severity for error in errors_of(schema) if error.column_name is None] == ["warning"]


def test_a_check_that_raises_is_an_error_that_begins_with_the_class_of_its_exception():
    def breaks(data):
        raise ZeroDivisionError("a@example.com")

    (error,) = errors_of(pa.DataFrameSchema({}, checks=[Check(breaks, name="breaks")]))
    assert error.reason_code.name == "CHECK_ERROR"
    assert str(error.failure_cases).split("(", 1)[0] == "ZeroDivisionError"


def test_validation_is_turned_on_whatever_the_environment_says(model):
    with config_context(validation_enabled=False):
        model.to_schema().validate(FRAME, lazy=True)
        with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            assert errors_of(model.to_schema())


def test_why_the_schemas_do_some_things_themselves(model):
    model.to_schema().validate(FRAME.lazy(), lazy=True)  # a LazyFrame passes unchecked
    once = pa.DataFrameSchema({"email": pa.Column(str, unique=True, nullable=True)})
    blanks = pl.DataFrame({"email": [None, None]}, schema={"email": pl.String})
    assert errors_of(once, blanks)  # blanks are taken for equal values
    with pytest.raises(SchemaError, match="secret@example"):
        pa.DataFrameSchema({"email": pa.Column(str, Check.str_length(max_value=3))}).validate(
            pl.DataFrame({"email": ["secret@example.com"]})
        )  # the text quotes cells
