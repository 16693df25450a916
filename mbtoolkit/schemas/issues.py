"""What is wrong with a contacts frame, as an issues frame: pandera's failed checks in the toolkit's words.

`ContactSchema` (or a subclass) runs once, and nothing is decided here that it did not find, so the two can't disagree.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import polars as pl
from pandera.api.checks import Check
from pandera.errors import SchemaError, SchemaErrorReason, SchemaErrors

from mbtoolkit.errors import FrameError
from mbtoolkit.schemas.conform import UNREAD_PREFIX, is_unread_column
from mbtoolkit.schemas.contacts import ContactSchema
from mbtoolkit.schemas.frames import ISSUES
from mbtoolkit.schemas.judging import without_cells
from mbtoolkit.schemas.rules import RULES, Rule, Severity
from mbtoolkit.schemas.texts import has_text_form, text_form


def find_issues(contacts: pl.DataFrame, conformed: pl.DataFrame, schema: type[ContactSchema]) -> pl.DataFrame:
    """Every problem of every row, found in one pass; nothing is suggested.

    Args:
        contacts: the frame as it was given: issues quote its cells.
        conformed: the same in canonical types (`conform`).
        schema: `ContactSchema` or a subclass.

    Returns:
        The issues frame, in the order of rows and then of columns.

    Raises:
        FrameError: `schema` asks for a column that is missing or of another type, or one of its checks raised.
    """
    order = {column: place for place, column in enumerate(conformed.columns)}
    parts = [_lines(contacts, conformed, failure) for failure in _failures(conformed, schema)]
    if not parts:
        return pl.DataFrame(schema=ISSUES)
    place = pl.col("column").replace_strict(order, default=-1, return_dtype=pl.Int32)
    ordered = pl.concat(parts).sort("row", place, "rule", maintain_order=True)
    return _as_issues(ordered)


def unread_issues(contacts: pl.DataFrame) -> pl.DataFrame:
    """The cells that reading could not convert, as an issues frame; no rule is run and nothing is suggested.

    Args:
        contacts: what `read_contacts` returned.
    """
    parts = [pl.DataFrame(schema=ISSUES)]
    for name in filter(is_unread_column, contacts.columns):
        notes = contacts.get_column(name)
        rows = notes.alias("note").is_not_null().arg_true().cast(pl.Int64)
        lines = _unread_lines(pl.DataFrame({"row": rows}), notes.gather(rows), name)
        parts.append(_as_issues(lines))
    return pl.concat(parts)


@dataclass(frozen=True, slots=True)
class _Failure:
    """One check that failed: where, and the positions of the rows."""

    column: str | None
    rule: Rule
    rows: pl.Series


def _failures(conformed: pl.DataFrame, schema: type[ContactSchema]) -> Iterator[_Failure]:
    try:
        _reporting(schema).validate_conformed(conformed, lazy=True)
    except SchemaErrors as errors:
        for error in errors.schema_errors:
            yield from _failure(error, conformed.height)


def _reporting(schema: type[ContactSchema]) -> Any:
    """The schema with every check made to fail instead of warn, and without pandera's own lists of failing cells."""
    reporting = copy.copy(schema.to_schema())
    reporting.checks = [_reporting_check(check) for check in reporting.checks]
    reporting.columns = {name: copy.copy(column) for name, column in reporting.columns.items()}
    for column in reporting.columns.values():
        column.checks = [_reporting_check(check) for check in column.checks]
    return reporting


def _reporting_check(check: Check) -> Check:
    reporting = copy.copy(check)
    # pandera copies the check once more before it runs it, so only an attribute gets through to the error.
    vars(reporting).update(raise_warning=False, n_failure_cases=1, severity=_severity(check))
    return reporting


def _severity(check: Check) -> Severity:
    return "warning" if check.raise_warning else "error"


def _failure(error: SchemaError, height: int) -> Iterator[_Failure]:
    """What one of pandera's errors says; nothing for a warning about a frame without rows.

    Raises:
        FrameError: the error is about the frame as a whole: a column that is missing or of another type, a check that
            raised, a check that fails although there are no rows.
    """
    severity: Severity = getattr(error.check, "severity", "error")
    output = error.check_output
    if not isinstance(output, pl.DataFrame) or output.width != 1 or (height == 0 and severity == "error"):
        msg = f"the contacts are not what the schema asks for: {without_cells(error)}{_found(error)}"
        raise FrameError(msg) from None
    if output.height == height:
        rows = output.to_series().not_().arg_true().cast(pl.Int64)
    else:
        # One answer for the whole frame, which says of no row that it may be sent.
        rows = pl.int_range(height, dtype=pl.Int64, eager=True)
    rule = _rule(error, severity)
    yield _Failure(error.column_name or rule.column or getattr(error.check, "title", None), rule, rows)


def _found(error: SchemaError) -> str:
    """What was found, where that is a type or a column's name."""
    return f" (found: {error.failure_cases})" if error.reason_code in _ABOUT_COLUMNS else ""


_ABOUT_COLUMNS: Final = (
    SchemaErrorReason.WRONG_DATATYPE,
    SchemaErrorReason.COLUMN_NOT_IN_DATAFRAME,
    SchemaErrorReason.COLUMN_NOT_IN_SCHEMA,
    SchemaErrorReason.COLUMN_NOT_ORDERED,
)


def _rule(error: SchemaError, severity: Severity) -> Rule:
    """The toolkit's own rule of that name, or one with the words of the check."""
    name = str(getattr(error.check, "name", None) or error.check)
    own = RULES.get(name)
    if own is not None:
        return replace(own, severity=severity)
    return Rule(name, f"must satisfy {getattr(error.check, 'error', None) or name}", severity)


def _as_issues(lines: pl.DataFrame) -> pl.DataFrame:
    """The columns of the issues frame, with no suggestions."""
    unsuggested = lines.with_columns(suggestion=pl.lit(None, dtype=pl.String))
    return unsuggested.select(pl.col(name).cast(dtype) for name, dtype in ISSUES.items())


def _lines(found: pl.DataFrame, conformed: pl.DataFrame, failure: _Failure) -> pl.DataFrame:
    """The issues of one failed check."""
    lines = pl.DataFrame({"row": failure.rows})
    if failure.column is not None and is_unread_column(failure.column):
        return _unread_lines(lines, conformed[failure.column].gather(failure.rows), failure.column)
    return lines.with_columns(
        pl.lit(failure.column, dtype=pl.String).alias("column"),
        _text(found, failure.column, failure.rows).alias("value"),
        pl.lit(failure.rule.code).alias("rule"),
        pl.lit(failure.rule.severity).alias("severity"),
        pl.lit(failure.rule.message).alias("message"),
    )


def _unread_lines(lines: pl.DataFrame, notes: pl.Series, column: str) -> pl.DataFrame:
    """The issues of cells that could not be converted: rule and text stand in the note."""
    known = {rule.code: rule.message for rule in RULES.values()}
    pattern = f"^({'|'.join(known)}): "
    code = pl.col("note").str.extract(pattern).fill_null("unread")
    return lines.with_columns(notes.alias("note")).select(
        "row",
        pl.lit(column.removeprefix(UNREAD_PREFIX)).alias("column"),
        pl.col("note").str.replace(pattern, "").alias("value"),
        code.alias("rule"),
        pl.lit("error").alias("severity"),
        code.replace_strict(known, return_dtype=pl.String).alias("message"),
    )


def _text(found: pl.DataFrame, column: str | None, rows: pl.Series) -> pl.Series:
    """The cells as found, as text; null for a row's issue and for what has no text form."""
    if column is None or column not in found.columns or not has_text_form(found.schema[column]):
        return pl.Series(dtype=pl.String).extend_constant(None, len(rows))
    cells = found[column].gather(rows).to_frame()
    return cells.select(text_form(pl.first(), found.schema[column])).to_series()
