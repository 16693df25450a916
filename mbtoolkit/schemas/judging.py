"""How `ContactSchema` judges a frame: a pandera schema that conforms first, never alters, and quotes no cells."""

from __future__ import annotations

import copy
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import pandera.polars as pa
import polars as pl
from pandera.api.checks import Check
from pandera.api.polars.types import PolarsData, PolarsFrame
from pandera.backends.polars.container import DataFrameSchemaBackend
from pandera.config import ValidationDepth, config_context
from pandera.errors import FailureCaseMetadata, SchemaError, SchemaErrors

from mbtoolkit.errors import FrameError, UsageError
from mbtoolkit.schemas.conform import conform
from mbtoolkit.schemas.emails import unusual_emails
from mbtoolkit.schemas.sharing import shared_identifiers
from mbtoolkit.schemas.texts import text_form


@dataclass(frozen=True, slots=True)
class Known:
    """What is found out once about a frame under validation, for all the rules that ask.

    Attributes:
        unusual: what `unusual_emails` says of its e-mail column; None where it has none.
        shared: what `shared_identifiers` says of it.
    """

    unusual: pl.Series | None
    shared: pl.DataFrame

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Known:
        """What is to be known about a conformed frame."""
        unusual = unusual_emails(frame["email"]) if "email" in frame.columns else None
        return cls(unusual, shared_identifiers(frame, unusual))


known: ContextVar[Known | None] = ContextVar("known", default=None)
"""What is known about the whole frame under validation; None while pandera hands the rules a part of one."""


class _Backend(DataFrameSchemaBackend):
    """pandera's backend for polars, which can't list failing cells that have no text form (binary, object)."""

    def failure_cases_metadata(self, schema_name: str, schema_errors: list[SchemaError]) -> FailureCaseMetadata:
        """The failing cells of all errors as one frame of text."""
        typed = [error.failure_cases for error in schema_errors]
        for error, cells in zip(schema_errors, typed, strict=True):
            error.failure_cases = _as_one_text(cells) if isinstance(cells, pl.DataFrame) else str(cells)
        found: FailureCaseMetadata = super().failure_cases_metadata(schema_name, schema_errors)
        for error, cells in zip(schema_errors, typed, strict=True):
            error.failure_cases = cells
        return found


def _as_one_text(cells: pl.DataFrame) -> pl.DataFrame:
    """A frame of one text column: the cells of the only column, or each row as a JSON object of texts."""
    texts = cells.select(
        text_form(pl.nth(place), dtype).alias(name) for place, (name, dtype) in enumerate(cells.schema.items())
    )
    if not texts.width:
        return pl.DataFrame({"row": [""] * cells.height}, schema={"row": pl.String})
    return texts if texts.width == 1 else texts.select(pl.struct(pl.all()).struct.json_encode().alias("row"))


class ContactFrameSchema(pa.DataFrameSchema):
    """A pandera schema that conforms the frame before it checks it, and whose error texts quote no cells."""

    @classmethod
    def get_backend(cls, check_obj: Any | None = None, check_type: type | None = None) -> Any:
        """The backend (pandera looks backends up by exact class)."""
        # Registers pandera's backends for columns and checks, as a look-up of its own schemas does.
        pa.DataFrameSchema.get_backend(check_obj, check_type)
        return _Backend()

    def validate(
        self,
        check_obj: PolarsFrame,
        head: int | None = None,
        tail: int | None = None,
        sample: int | None = None,
        random_state: int | None = None,
        lazy: bool = False,
        inplace: bool = False,
    ) -> PolarsFrame:
        """The conformed frame, if it keeps every rule.

        Raises:
            pandera.errors.SchemaError, SchemaErrors: it does not. The error's text names rules and columns; the cells
                are in its `failure_cases`.
            FrameError: a LazyFrame, which pandera would pass unchecked.
        """
        if not isinstance(check_obj, pl.DataFrame):
            msg = f"a contacts frame is a polars DataFrame, not a {type(check_obj).__name__}; call .collect() first"
            raise FrameError(msg)
        options = {"head": head, "tail": tail, "sample": sample, "random_state": random_state}
        return self.validate_conformed(conform(check_obj), lazy=lazy, inplace=inplace, **options)

    def validate_conformed(self, conformed: pl.DataFrame, **options: Any) -> pl.DataFrame:
        """The same for a frame that `conform` has been through already.

        Raises:
            pandera.errors.SchemaError, SchemaErrors: a rule is broken.
        """
        # pandera would hand the rules a part of the frame; what the whole shares would not fit it.
        whole = all(options.get(part) is None for part in ("head", "tail", "sample"))
        token = known.set(Known.of(conformed) if whole else None)
        try:
            # Whatever pandera's environment variables say: contacts are never passed unchecked.
            with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
                super().validate(conformed, **options)
        except SchemaErrors as error:
            for each in error.schema_errors:
                each.args = (without_cells(each),)
            error.message = {"failures": [each.args[0] for each in error.schema_errors]}
            error.args = (error.message,)
            raise error from None
        except SchemaError as error:
            error.args = (without_cells(error),)
            raise error from None
        finally:
            known.reset(token)
        return conformed


def judging_schema(plain: pa.DataFrameSchema, options: dict[str, Any]) -> ContactFrameSchema:
    """A schema that judges by the columns and checks of a plain one.

    Args:
        plain: what pandera makes of a model.
        options: the model's `Config`.

    Raises:
        UsageError: it would alter the frame, so that what is judged would not be what is sent.
    """
    altering = [name for name in ("coerce", "drop_invalid_rows", "add_missing_columns") if options.get(name)]
    altering += ["strict='filter'"] if options.get("strict") == "filter" else []
    altering += [f"on_missing_columns={options['on_missing_columns']!r}"] if options.get("on_missing_columns") else []
    for column in plain.columns.values():
        marks = {"coerce": column.coerce, "drop_invalid_rows": column.drop_invalid_rows}
        altering += [f"{mark} of {column.name!r}" for mark, is_set in marks.items() if is_set]
        altering += [f"default of {column.name!r}"] if column.default is not None else []
    if altering:
        msg = (
            f"a ContactSchema judges a frame and changes nothing in it; take out {', '.join(altering)} "
            "and change the frame before it is validated"
        )
        raise UsageError(msg)
    checks = [_silent(check) for check in plain.checks] + [_once(columns) for columns in _unique_sets(plain.unique)]
    for column in plain.columns.values():
        column.checks = [_silent(check) for check in column.checks] + ([_once()] if column.unique else [])
        column.unique = False
    return ContactFrameSchema(plain.columns, checks=checks, **options | {"unique": None})


def _unique_sets(unique: Any) -> list[list[str]]:
    """The sets of columns that a model's `Config.unique` names: one column, some, or lists of them."""
    listed = [unique] if isinstance(unique, str) else list(unique or [])
    return [listed] if listed and all(isinstance(each, str) for each in listed) else [list(each) for each in listed]


def _once(columns: list[str] | None = None) -> Check:
    """A check in place of pandera's own for `unique`, which names no rows and takes blanks for equal values.

    Args:
        columns: what is to be unique together; the column that has the check by default.
    """

    def is_once(data: PolarsData) -> pl.LazyFrame | bool:
        there = data.lazyframe.collect_schema().names()
        names = [name for name in columns or [str(data.key)] if name in there]
        if not names:
            return True
        is_blank = pl.any_horizontal(pl.col(name).is_null() for name in names)
        return data.lazyframe.select((is_blank | pl.struct(names).is_unique()).alias("passes"))

    return Check(is_once, name="field_uniqueness", title=", ".join(columns or []) or None)


def _silent(check: Check) -> Check:
    """The check; where it only warns, without the examples of cells that pandera would put in the warning."""
    if not check.raise_warning:
        return check
    silent = copy.copy(check)
    silent.n_failure_cases = 0
    return silent


def without_cells(error: SchemaError) -> str:
    """What a schema error says, less the cells that pandera quotes in it."""
    check = getattr(error.check, "name", None) or str(error.check)
    where = f"column {error.column_name!r}" if error.column_name else "the frame"
    if error.reason_code is not None and error.reason_code.name == "CHECK_ERROR":
        # The exception's text may quote cells; its class does not.
        return f"{where}: the check {check!r} raised {str(error.failure_cases).split('(', 1)[0]}"
    count = error.failure_cases.height if isinstance(error.failure_cases, pl.DataFrame) else 0
    return f"{where} fails {check!r}" + (f" in {count} row{'s' if count > 1 else ''}" if count else "")
