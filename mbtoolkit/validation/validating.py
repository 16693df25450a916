"""Judges a contacts frame: which rows can be sent, and everything that is wrong with the others.

The rules are `ContactSchema`'s (or a subclass's), which runs once. What it finds is listed with suggestions.
"""

from __future__ import annotations

import html
from dataclasses import dataclass

import polars as pl

from mbtoolkit.cleaning.suggestions import suggested_texts
from mbtoolkit.errors import FrameError, UsageError
from mbtoolkit.schemas import ContactSchema
from mbtoolkit.schemas.conform import conform, is_unread_column
from mbtoolkit.schemas.frames import ISSUES, ROW
from mbtoolkit.schemas.issues import find_issues


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
    if not isinstance(contacts, pl.DataFrame):
        msg = (
            f"validate_contacts takes a polars DataFrame, not a {type(contacts).__name__}; "
            "read_contacts(...) makes one from files, pandas and Arrow, and .collect() from a LazyFrame"
        )
        raise FrameError(msg)
    return validate_conformed(conform(contacts), contacts, schema=schema)


def validate_conformed(
    conformed: pl.DataFrame, given: pl.DataFrame | None = None, *, schema: type[ContactSchema] = ContactSchema
) -> Validation:
    """What `validate_contacts` finds, of a frame that is in canonical types already.

    Args:
        conformed: what `conform` returns.
        given: the frame as it was before, to quote cells from; the same by default.
        schema: as `validate_contacts` takes it.

    Raises:
        FrameError, UsageError: as `validate_contacts`.
    """
    if not (isinstance(schema, type) and issubclass(schema, ContactSchema)):
        msg = "schema takes ContactSchema or a subclass of it (the class itself): schema=ContactSchema"
        raise UsageError(msg)
    found = find_issues(conformed if given is None else given, conformed, schema)
    suggested = found.with_columns(suggested_texts(found, conformed)) if found.height else found
    issues = suggested.select(pl.col(name).cast(dtype) for name, dtype in ISSUES.items())
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
