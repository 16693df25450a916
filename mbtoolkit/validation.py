"""Judges a contacts frame: which rows can be sent, and everything that is wrong with the others.

The rules are `ContactSchema`'s (or a subclass's). This module runs that schema once and turns what it found into the
issues frame; it has no rules of its own, so it can't disagree with `ContactSchema.validate`.
"""

from __future__ import annotations

import copy
import html
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import polars as pl
from pandera.api.checks import Check
from pandera.errors import SchemaError, SchemaErrorReason, SchemaErrors

from mbtoolkit.cleaning.suggestions import suggested_texts
from mbtoolkit.errors import FrameError, UsageError
from mbtoolkit.schemas import ContactSchema
from mbtoolkit.schemas.conform import UNREAD_PREFIX, conform, is_unread_column
from mbtoolkit.schemas.frames import ISSUES
from mbtoolkit.schemas.judging import without_cells
from mbtoolkit.schemas.rules import RULES, Rule, Severity
from mbtoolkit.schemas.texts import has_text_form, text_form

ROW: Final = "mb_row"


@dataclass(frozen=True, slots=True, repr=False)
class Validation:
    """What became of a contacts frame under the rules.

    Attributes:
        valid: the rows that can be sent, in canonical types, in the input's order, with `mb_row` (Int64, position in
            the input) at the end.
        invalid: the other rows, likewise; what could not be converted stands in `unread:<column>` columns.
        issues: the issues frame; `row` is the position in the input. Warnings are listed, but keep no row back.
    """

    valid: pl.DataFrame
    invalid: pl.DataFrame
    issues: pl.DataFrame

    @property
    def ok(self) -> bool:
        """Whether every row can be sent."""
        return self.invalid.is_empty()

    @property
    def counts(self) -> pl.DataFrame:
        """How often each rule was broken: `rule`, `severity`, `rows`, `column`, `first_row`, `message`."""
        return (
            self.issues.group_by("rule", "severity", "message", "column")
            .agg(pl.col("row").n_unique().alias("rows"), pl.col("row").min().alias("first_row"))
            .sort("severity", pl.col("rows"), "rule", "column", descending=[False, True, False, False])
            .select("rule", "severity", "rows", "column", "first_row", "message")
        )

    @property
    def headline(self) -> str:
        """The counts in one sentence."""
        total = self.valid.height + self.invalid.height
        warned = self.issues.filter(pl.col("severity") == "warning")["row"].n_unique()
        noun = "contact" if total == 1 else "contacts"
        return (
            f"{total:,} {noun}: {self.valid.height:,} can be sent, {self.invalid.height:,} can't; "
            f"{warned:,} with a warning"
        )

    def __repr__(self) -> str:
        """The summary as text; no cell of the table is in it."""
        lines = [self.headline]
        for rule, severity, rows, column, first_row, message in self.counts.iter_rows():
            lines.append(f"  {rows:>7,}  {severity:<7}  {_printable(rule)}  (first in row {first_row})")
            lines.append(f"           {_printable(f'{column} {message}' if column else message)}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        heads = ("Rows", "Severity", "Rule", "Column", "First row", "What to do")
        rows = [
            (f"{rows:,}", severity, rule, column or "", str(first_row), message)
            for rule, severity, rows, column, first_row, message in self.counts.iter_rows()
        ]
        head = "".join(f"<th scope='col' style='text-align:left'>{each}</th>" for each in heads)
        body = "".join(
            "<tr>" + "".join(f"<td style='text-align:left'>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in rows
        )
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if rows else ""
        return f"<div><p><strong>{html.escape(self.headline)}</strong></p>{table}</div>"


def _printable(text: str) -> str:
    """A text with every character that a terminal would obey or hide written out, as Python writes it."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def validate_contacts(contacts: pl.DataFrame, *, schema: type[ContactSchema] = ContactSchema) -> Validation:
    """Every problem of every row, found in one pass.

    Args:
        contacts: a contacts frame; any subset of the canonical columns, other columns are carried along.
        schema: `ContactSchema` or a subclass with columns and checks of your own.

    Returns:
        The rows that can be sent, the others, and the issues frame.

    Raises:
        FrameError: `contacts` is no polars DataFrame, or lacks a column (or has it in a type) that `schema` asks for,
            or a check of `schema` raised.
        UsageError: `schema` is no `ContactSchema`, or would alter the frame.
    """
    if not (isinstance(schema, type) and issubclass(schema, ContactSchema)):
        msg = "schema takes ContactSchema or a subclass of it (the class itself): schema=ContactSchema"
        raise UsageError(msg)
    if not isinstance(contacts, pl.DataFrame):
        msg = (
            f"validate_contacts takes a polars DataFrame, not a {type(contacts).__name__}; "
            "read_contacts(...) makes one from files, pandas and Arrow, and .collect() from a LazyFrame"
        )
        raise FrameError(msg)
    conformed = conform(contacts)
    issues = _issues(contacts, conformed, list(_failures(conformed, schema)))
    refused = issues.filter(pl.col("severity") == "error")["row"].unique()
    rows = pl.int_range(pl.len(), dtype=pl.Int64)
    numbered = conformed.drop(ROW, strict=False).with_columns(rows.alias(ROW))
    is_refused = pl.repeat(value=False, n=conformed.height, dtype=pl.Boolean, eager=True).scatter(refused, values=True)
    unread = [column for column in conformed.columns if is_unread_column(column)]
    return Validation(
        valid=numbered.filter(~is_refused).drop(unread),
        invalid=numbered.filter(is_refused),
        issues=issues,
    )


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
        told = lines.with_columns(suggestion=pl.lit(None, dtype=pl.String))
        parts.append(told.select(pl.col(each).cast(dtype) for each, dtype in ISSUES.items()))
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


def _issues(found: pl.DataFrame, conformed: pl.DataFrame, failures: list[_Failure]) -> pl.DataFrame:
    """The issues frame, in the order of rows and then of columns."""
    order = {column: place for place, column in enumerate(conformed.columns)}
    parts = [_lines(found, conformed, failure) for failure in failures]
    if not parts:
        return pl.DataFrame(schema=ISSUES)
    issues = pl.concat(parts)
    place = pl.col("column").replace_strict(order, default=-1, return_dtype=pl.Int32)
    ordered = issues.sort("row", place, "rule", maintain_order=True)
    suggested = ordered.with_columns(suggested_texts(ordered, conformed))
    return suggested.select(pl.col(name).cast(dtype) for name, dtype in ISSUES.items())


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
