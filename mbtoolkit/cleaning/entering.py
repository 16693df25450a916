"""Texts put into cells, converted by the same rules as a table that is read."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import polars as pl

from mbtoolkit.cleaning.phones import read_phones
from mbtoolkit.cleaning.shown import NOTED_RULE
from mbtoolkit.contacts import is_contact_column
from mbtoolkit.errors import FrameError
from mbtoolkit.schemas.conform import conform, unread_column, unread_note
from mbtoolkit.schemas.texts import unless_blank

CODE: Final = "mobile_country_code"
NUMBER: Final = "mobile_number"
_ABROAD: Final = r"^\s*(?:\+|00|\x{FF0B})"
"""How a number begins that brings its own country code."""

Entered = dict[str, pl.DataFrame]
"""New cells: column of the frame -> `row`, `value`; no row twice."""


def enter_texts(
    frame: pl.DataFrame, column: str, rows: pl.Series, texts: pl.Series, *, alone: bool = False
) -> pl.DataFrame:
    """A frame with texts put into cells of one column.

    A text is converted by the rules that a table is read by; what can't be converted is kept in the column's `unread:`
    column. A phone number that is no plain digits is read as people write it, and fills its row's country code too
    where it brings one; one that waits unread for its country code is read when that is entered.

    Args:
        frame: a contacts frame, or any other; its contact columns are brought into their canonical types.
        column: one of its columns.
        rows: positions of the cells, each once.
        texts: as many; null or blank empties the cell.
        alone: whether these cells alone are changed: a number does not fill in its country code, nor the other way
            round.

    Raises:
        FrameError: there is no such column or row, or a row stands twice, or the column holds no text and is none of a
            contact.
    """
    conformed = conform(frame)
    _check(conformed, column, rows, texts)
    editable = [column] if alone else conformed.columns
    for name, cells in entered_texts(conformed, column, rows, texts, editable).items():
        conformed = _with_cells(conformed, name, cells)
    return conformed


def _check(frame: pl.DataFrame, column: str, rows: pl.Series, texts: pl.Series) -> None:
    if column not in frame.columns:
        msg = f"there is no column {column!r} to put texts into"
        raise FrameError(msg)
    if len(rows) != len(texts) or rows.is_duplicated().any() or rows.null_count():
        msg = "each row takes one text: rows and texts are of the same length, and no row stands twice"
        raise FrameError(msg)
    if not rows.is_between(0, frame.height - 1).all():
        msg = f"there is no such row: they go from 0 to {frame.height - 1:,}"
        raise FrameError(msg)
    if not is_contact_column(column) and frame.schema[column] != pl.String:
        msg = f"the column {column!r} holds {frame.schema[column]}, not text; make it text first"
        raise FrameError(msg)


def _with_cells(frame: pl.DataFrame, name: str, cells: pl.DataFrame) -> pl.DataFrame:
    if name not in frame.columns:
        if cells["value"].null_count() == cells.height:
            return frame
        frame = frame.with_columns(pl.lit(None, dtype=pl.String).alias(name))
    changed = frame.get_column(name).clone().scatter(cells["row"], cells["value"])
    return frame.with_columns(changed.alias(name))


def entered_texts(
    frame: pl.DataFrame, column: str, rows: pl.Series, texts: pl.Series, editable: Collection[str]
) -> Entered:
    """The cells that texts make, those of `unread:` columns and of the country code included.

    Args:
        frame: a conformed frame.
        column: a column of it.
        rows: positions of the cells, each once.
        texts: as many; null or blank empties the cell.
        editable: the columns that may be changed; a number that would change a country code is kept unread where that
            may not be.
    """
    conformed = conform(pl.DataFrame({column: texts.cast(pl.String)}).with_columns(unless_blank(pl.first())))
    entered = {column: _cells(rows, conformed.get_column(column))}
    if not is_contact_column(column):
        return entered
    unread = unread_column(column)
    notes = conformed.get_column(unread) if unread in conformed.columns else pl.Series([None], dtype=pl.String)
    entered[unread] = _cells(rows, notes if len(notes) == len(rows) else notes.new_from_index(0, len(rows)))
    if column in (CODE, NUMBER) and NUMBER in editable and {CODE, NUMBER} <= set(frame.columns):
        phones = _typed(entered, texts) if column == NUMBER else _waiting(frame, entered)
        for name, cells in _mobiles(frame, entered, phones, may_fill_code=CODE in editable).items():
            entered[name] = _over(entered.get(name), cells)
    return entered


def _cells(rows: pl.Series, values: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({"row": rows.cast(pl.Int64), "value": values})


def _over(old: pl.DataFrame | None, new: pl.DataFrame) -> pl.DataFrame:
    """The cells of both; where both have one, the new one."""
    return new if old is None else pl.concat([old.join(new, on="row", how="anti"), new])


def _typed(entered: Entered, texts: pl.Series) -> pl.DataFrame:
    """The entered numbers that are to be read as people write them: `row`, `text`."""
    is_open = entered[unread_column(NUMBER)]["value"].is_not_null()
    return pl.DataFrame({"row": entered[NUMBER]["row"], "text": texts.cast(pl.String)}).filter(is_open)


def _waiting(frame: pl.DataFrame, entered: Entered) -> pl.DataFrame:
    """The numbers that wait unread for a country code that is entered now: `row`, `text`."""
    coded = entered[CODE].filter(pl.col("value").is_not_null())["row"]
    if unread_column(NUMBER) not in frame.columns:
        return pl.DataFrame(schema={"row": pl.Int64, "text": pl.String})
    notes = frame.get_column(unread_column(NUMBER)).gather(coded).str.replace(NOTED_RULE, "")
    return pl.DataFrame({"row": coded, "text": notes}).drop_nulls()


def _mobiles(frame: pl.DataFrame, entered: Entered, phones: pl.DataFrame, *, may_fill_code: bool) -> Entered:
    """The cells of numbers that are read as people write them."""
    if phones.is_empty():
        return {}
    held = frame.get_column(CODE).gather(phones["row"])
    if CODE in entered:
        fresh = entered[CODE]
        held = phones.join(fresh, on="row", how="left", maintain_order="left")["value"]
    is_abroad = phones["text"].str.contains(_ABROAD)
    code = held.cast(pl.String).zip_with(~is_abroad, pl.Series([None], dtype=pl.String))
    nothing = pl.Series("country", [None], dtype=pl.String).new_from_index(0, phones.height)
    read = read_phones(pl.DataFrame([phones["text"], code.alias("code"), nothing]))
    is_read = pl.col("rule").is_null()
    told = pl.concat([phones, read], how="horizontal").with_columns(
        held.alias("held"),
        pl.when(is_read).then("mobile_country_code").otherwise(held).alias(CODE),
        pl.when(is_read).then("mobile_number").alias(NUMBER),
        pl.when(~is_read).then(unread_note(pl.col("rule"), pl.col("text"))).alias("note"),
    )
    changes_code = pl.col(CODE).ne_missing(pl.col("held"))
    if not may_fill_code:
        told = told.filter(~changes_code)
    coded = told.filter(changes_code)
    return {
        NUMBER: _cells(told["row"], told[NUMBER]),
        unread_column(NUMBER): _cells(told["row"], told["note"]),
        CODE: _cells(coded["row"], coded[CODE]),
        unread_column(CODE): _cells(coded["row"], coded["note"].clear().extend_constant(None, coded.height)),
    }
