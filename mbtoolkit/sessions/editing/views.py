"""Which rows are looked at, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from mbtoolkit.cleaning.profiles import has_pattern, has_value
from mbtoolkit.errors import UsageError
from mbtoolkit.sessions.editing.columns import Column


@dataclass(frozen=True, slots=True)
class View:
    """A choice of rows.

    Attributes:
        rows: all of them, those with an issue, or those with a changed cell.
        rule: only rows that break this rule (its code); None for any.
        search: only rows that hold this text in a column that is shown; taken literally, in any case.
        sort: the column to sort by, blank cells last; None for the frame's order.
        descending: whether to sort from the largest.
        column: only rows whose cell of this column has the `value` or the `pattern`; None for any.
        value: the cell's whole text, as it is shown; "" for the cells in which nothing can be seen.
        pattern: what the cell looks like, as `mbtoolkit.cleaning.profile` lists it; "" as for `value`.

    Raises:
        UsageError: a column without a value or a pattern, or with both, or these without a column.
    """

    rows: Literal["all", "issues", "changed"] = "all"
    rule: str | None = None
    search: str = ""
    sort: str | None = None
    descending: bool = False
    column: str | None = None
    value: str | None = None
    pattern: str | None = None

    def __post_init__(self) -> None:
        """Refuses half a choice of cells."""
        wanted = (self.value is not None) + (self.pattern is not None)
        if wanted != (self.column is not None):
            msg = "to choose rows by a cell, give the column and one of value and pattern"
            raise UsageError(msg)


def rows_like(frame: pl.DataFrame, column: Column, view: View) -> pl.Expr:
    """Whether each row's cell of a column has the value, or the pattern, that a view asks for."""
    text = column.text(frame.schema[column.name])
    if view.value:
        return has_value(text, view.value)
    return has_pattern(text, view.pattern or "")


def rows_holding(frame: pl.DataFrame, columns: Sequence[Column], search: str) -> pl.Expr:
    """Whether each row holds a text, in any case, in one of the columns."""
    pattern = "(?i)" + pl.escape_regex(search)
    held = [column.text(frame.schema[column.name]).str.contains(pattern) for column in columns]
    return pl.any_horizontal(held) if held else pl.lit(value=False)


def sorted_rows(frame: pl.DataFrame, rows: pl.Series, column: Column, *, descending: bool) -> pl.Series:
    """Row ids in the order of a column's cells; text without regard to case, unread text after values, blanks last.

    Args:
        frame: the whole frame.
        rows: the row ids to put in order.
        column: the column to sort by.
        descending: whether the largest comes first.
    """
    dtype = frame.schema[column.name]
    text = column.text(dtype)
    has_order = dtype.is_numeric() or dtype.is_temporal() or dtype == pl.Boolean
    value = pl.nth(column.place) if has_order else text.str.to_lowercase()
    keys = frame.select(value.alias("value"), text.str.to_lowercase().alias("text"))[rows]
    numbered = keys.with_columns(rows.alias("row"))
    return numbered.sort("value", "text", descending=descending, nulls_last=True, maintain_order=True)["row"]
