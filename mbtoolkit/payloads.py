"""Encodes a contacts frame into JSON request bodies, as whole columns.

Each column becomes one piece of JSON text, `,"email":"a@example.com"`, or null where it is to be left out; the pieces
of a row are then joined. Strings are escaped by polars' own JSON encoder.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import polars as pl

from mbtoolkit.contacts import (
    BY_NAME,
    FIELDS,
    OPT_INS,
    PROPERTIES_COLUMN,
    PROPERTIES_WIRE,
    PROPERTY_WIRE_KEYS,
    PropertyKey,
    is_property_column,
    is_uuid,
    property_key,
)
from mbtoolkit.errors import FrameError
from mbtoolkit.schemas.conform import DTYPES, PROPERTIES_DTYPE, is_unread_column
from mbtoolkit.schemas.frames import ROW

SLICE_ROWS: Final = 50_000
"""Rows encoded at a time: more is no faster, and costs memory."""

_CLEARABLE: Final = ("email", "mobile_country_code", "mobile_number")
"""What can be cleared beside properties: the list and the id are addresses, and consent is never wiped."""


def build_payloads(frame: pl.DataFrame, *, list_id: str | None = None, clear: Iterable[str] = ()) -> pl.DataFrame:
    """The JSON body of each row, exactly as it is sent.

    Null cells are left out, so that the CRM keeps what it has. Rows are encoded as they are, valid or not:
    `validate_contacts(frame).valid` has the ones that may be sent.

    Args:
        frame: a contacts frame in canonical types; columns that are no contact columns are ignored, except `mb_row`.
        list_id: uuid of the list for rows that name none.
        clear: columns in which a null cell is sent as an explicit null, which asks the CRM to empty the field (what it
            does with that is not documented). Property columns, `email`, `mobile_country_code` and `mobile_number`. A
            column that the frame lacks counts as null in every row.

    Returns:
        Same height and order: `mb_row` (Int64; the frame's own if it has one, or the position), `payload` (String).

    Raises:
        FrameError: a contact column is not in its canonical type, holds text that could not be read, or `clear` or
            `list_id` names something that can't be.

    Source: the reference page "Contact Insert and Update", request body.
    """
    _check(frame, list_id)
    pieces = _pieces(frame, list_id, _checked_clear(clear, frame))
    body = pl.concat_str([*pieces, pl.lit("")], ignore_nulls=True).str.slice(1)
    payload = pl.concat_str(pl.lit("{"), body, pl.lit("}")).alias("payload")
    row = pl.col(ROW).cast(pl.Int64) if ROW in frame.columns else pl.int_range(pl.len(), dtype=pl.Int64).alias(ROW)
    numbered = frame.with_columns(row)
    encoded = [part.select(ROW, payload) for part in numbered.iter_slices(SLICE_ROWS)]
    return pl.concat(encoded) if encoded else pl.DataFrame(schema={ROW: pl.Int64, "payload": pl.String})


def _check(frame: pl.DataFrame, list_id: str | None) -> None:
    """Raises:
    FrameError: see `build_payloads`.
    """
    if not isinstance(frame, pl.DataFrame):
        msg = f"build_payloads takes a polars DataFrame, not a {type(frame).__name__}"
        raise FrameError(msg)
    if list_id is not None and not is_uuid(list_id):
        msg = "list_id is no uuid: write 8-4-4-4-12 hexadecimal digits with hyphens, as the CRM shows it"
        raise FrameError(msg)
    for column, dtype in frame.schema.items():
        wanted = _wanted(column)
        if wanted is not None and dtype not in (wanted, pl.Null):
            msg = f"column {column!r} is {dtype}, not {wanted}: validate_contacts(frame).valid has the canonical types"
            raise FrameError(msg)
        if is_unread_column(column) and frame[column].null_count() < frame.height:
            rows = frame.height - frame[column].null_count()
            msg = f"column {column!r} holds {rows:,} texts that could not be read: send validate_contacts(frame).valid"
            raise FrameError(msg)
    if ROW in frame.columns and not frame.schema[ROW].is_integer():
        msg = f"column {ROW!r} is {frame.schema[ROW]}, not whole numbers: rename it, or drop it to number the rows anew"
        raise FrameError(msg)
    if ROW in frame.columns and frame[ROW].cast(pl.Int64, strict=False).null_count():
        msg = f"column {ROW!r} lacks a number in some rows, or has one beyond int64: drop it to number the rows anew"
        raise FrameError(msg)


def _wanted(column: str) -> pl.DataType | None:
    """The canonical dtype of a column that is sent; None for one that isn't."""
    if column in BY_NAME:
        return DTYPES[BY_NAME[column].kind]
    if column == PROPERTIES_COLUMN:
        return PROPERTIES_DTYPE
    return pl.String() if is_property_column(column) else None


def columns_to_clear(clear: Iterable[str]) -> tuple[str, ...]:
    """The columns to clear, taken once from whatever names them.

    Raises:
        FrameError: it is no collection of columns that may be emptied.
    """
    if isinstance(clear, str | bytes) or not isinstance(clear, Iterable):
        msg = "clear takes a collection of columns, such as clear=['property:City']"
        raise FrameError(msg)
    columns = tuple(clear)
    for column in columns:
        _check_clearable(column)
    return columns


def _checked_clear(clear: Iterable[str], frame: pl.DataFrame) -> frozenset[str]:
    """The columns to clear.

    Raises:
        FrameError: it is no collection of columns that may be emptied, or the frame fills in one of them elsewhere.
    """
    columns = columns_to_clear(clear)
    cleared = {column: property_key(column).folded for column in columns if is_property_column(column)}
    spelt = {property_key(column).folded: column for column in frame.columns if is_property_column(column)}
    nested = _nested_keys(frame) if cleared else set()
    for column, key in cleared.items():
        if key in nested or spelt.setdefault(key, column) != column:
            place = PROPERTIES_COLUMN if key in nested else spelt[key]
            msg = f"{column!r} can't be cleared: {place!r} gives the same property; keep one of the two"
            raise FrameError(msg)
    return frozenset(columns)


def _nested_keys(frame: pl.DataFrame) -> set[PropertyKey]:
    """The properties that the nested column gives a value to in any row."""
    if frame.schema.get(PROPERTIES_COLUMN) != PROPERTIES_DTYPE:
        return set()
    entries = frame[PROPERTIES_COLUMN].explode().struct.unnest().filter(pl.col("property_value").is_not_null())
    return {
        PropertyKey(PROPERTY_WIRE_KEYS[field], text).folded
        for field in ("property_id", "property_name")
        for text in entries[field].drop_nulls().unique()
    }


def _check_clearable(column: object) -> None:
    """Raises:
    FrameError: it is no column that may be emptied.
    """
    if not isinstance(column, str) or not (column in _CLEARABLE or is_property_column(column)):
        msg = f"{column!r} can't be cleared: only {', '.join(_CLEARABLE)} and property columns can"
        raise FrameError(msg)
    if is_property_column(column) and not property_key(column).is_sound:
        msg = f"{column!r} can't be cleared: it names no property; use property:<name> or property_id:<uuid>"
        raise FrameError(msg)


def _pieces(frame: pl.DataFrame, list_id: str | None, clear: frozenset[str]) -> list[pl.Expr]:
    """One expression of JSON text for each field, with a leading comma; null where the field is left out."""
    pieces = []
    for field in FIELDS:
        key = f',"{field.wire}":'
        value = _encoded(field.name) if field.name in frame.columns else pl.lit(None, dtype=pl.String)
        if field.name == "list_id" and list_id is not None:
            value = value.fill_null(f'"{list_id}"')
        elif field.name in clear:
            value = value.fill_null("null")
        elif field.name not in frame.columns:
            continue
        pieces.append(pl.concat_str(pl.lit(key), value))
    return [*pieces, *_property_piece(frame, clear)]


def _encoded(column: str) -> pl.Expr:
    """A column's cells as JSON, null where they are null."""
    if column in BY_NAME and BY_NAME[column].is_integer:
        return pl.col(column).cast(pl.String)
    if column in OPT_INS:
        return pl.col(column).cast(pl.Boolean).cast(pl.String)
    return json_string(pl.col(column).cast(pl.String))


def json_string(text: pl.Expr) -> pl.Expr:
    """Each text as a JSON string, quotes included; null stays null."""
    whole = pl.struct(text.alias("v")).struct.json_encode()
    return pl.when(text.is_not_null()).then(whole.str.slice(len('{"v":')).str.head(-1))


def _property_piece(frame: pl.DataFrame, clear: frozenset[str]) -> list[pl.Expr]:
    """`,"propertyFields":[...]`, or null where no property is filled; no expression where there are no properties."""
    columns = [column for column in frame.columns if is_property_column(column)]
    columns += sorted(column for column in clear if is_property_column(column) and column not in frame.columns)
    entries = [_entry(column, present=column in frame.columns, cleared=column in clear) for column in columns]
    if frame.schema.get(PROPERTIES_COLUMN, pl.Null) != pl.Null:
        entries.append(_nested_entries())
    if not entries:
        return []
    listed = pl.concat_str([*entries, pl.lit("")], ignore_nulls=True)
    text = pl.concat_str(pl.lit(f',"{PROPERTIES_WIRE}":['), listed.str.slice(1), pl.lit("]"))
    return [pl.when(listed != "").then(text)]


def _entry(column: str, *, present: bool, cleared: bool) -> pl.Expr:
    value = _encoded(column) if present else pl.lit(None, dtype=pl.String)
    if cleared:
        value = value.fill_null("null")
    return pl.concat_str(pl.lit(_entry_start(property_key(column))), value, pl.lit("}"))


def _entry_start(key: PropertyKey) -> str:
    name = pl.select(json_string(pl.lit(key.value))).item()
    return f',{{"{key.wire}":{name},"propertyValue":'


def _nested_entries() -> pl.Expr:
    """The entries of the nested column, as they are, nulls left out."""
    entry = pl.element().struct
    parts = [
        pl.concat_str(pl.lit(f',"{wire}":'), json_string(entry.field(name).cast(pl.String)))
        for name, wire in PROPERTY_WIRE_KEYS.items()
    ]
    valued = entry.field("property_value").is_not_null()
    body = pl.concat_str([*parts, pl.lit("")], ignore_nulls=True).str.slice(1)
    text = pl.when(valued).then(pl.concat_str(pl.lit(",{"), body, pl.lit("}")))
    return pl.col(PROPERTIES_COLUMN).list.eval(text).list.drop_nulls().list.join("")
