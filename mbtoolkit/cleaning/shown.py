"""The cells of a column as a person sees them."""

from __future__ import annotations

from typing import Final

import polars as pl

from mbtoolkit.contacts import BY_NAME, is_contact_column
from mbtoolkit.schemas.conform import PROPERTIES_DTYPE, UNREAD_PREFIX, is_unread_column, unread_column
from mbtoolkit.schemas.rules import RULES
from mbtoolkit.schemas.texts import text_form

NOTED_RULE: Final = f"^(?:{'|'.join(RULES)}): "
"""What stands before the text in an `unread:` cell; a pattern for polars and for Python."""


def shown_texts(frame: pl.DataFrame, column: str) -> pl.Series:
    """The cells of a column as texts; for a contact column what could not be converted, as it was typed.

    Args:
        frame: a conformed frame.
        column: one of its columns.

    Returns:
        String, as long as the frame, under the name `text` (polars takes some columns' names for patterns); null for an
        empty cell.
    """
    place = frame.get_column_index(column)
    beside = unread_column(column)
    unread = frame.get_column_index(beside) if is_contact_column(column) and beside in frame.columns else None
    return frame.select(shown_text(place, column, frame.schema[column], unread).alias("text")).to_series()


def shown_text(place: int, name: str, dtype: pl.DataType, unread_place: int | None) -> pl.Expr:
    """The cells of one column as texts: opt-ins as yes and no, lists in one line, unread text as it was typed.

    Args:
        place: the column's position in the frame.
        name: its name, which says whether it is a contact's field.
        dtype: its dtype.
        unread_place: the position of the column that keeps what could not be converted for it; None: there is none.
    """
    value = _value_text(pl.nth(place), name, dtype)
    if unread_place is None:
        return value
    return pl.coalesce(value, pl.nth(unread_place).str.replace(NOTED_RULE, ""))


def _value_text(cells: pl.Expr, name: str, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Boolean and name in BY_NAME:
        return pl.when(cells).then(pl.lit("yes")).when(cells.not_()).then(pl.lit("no"))
    if dtype == PROPERTIES_DTYPE:
        entry = pl.element().struct
        key = pl.coalesce(entry.field("property_name"), entry.field("property_id"), pl.lit("?"))
        shown = pl.concat_str(key, pl.lit(": "), entry.field("property_value").fill_null("(blank)"))
        return cells.list.eval(shown).list.join("; ")
    if dtype == pl.List(pl.String):
        return cells.list.join("; ")
    return text_form(cells, dtype)


def empty_unread(frame: pl.DataFrame) -> list[str]:
    """The `unread:` columns that hold nothing and belong to a column of the frame."""
    return [
        name
        for name in frame.columns
        if is_unread_column(name)
        and name.removeprefix(UNREAD_PREFIX) in frame.columns
        and frame.get_column(name).null_count() == frame.height
    ]
