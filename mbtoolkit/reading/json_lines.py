"""JSON lines: one object on each line, a contact each."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

from mbtoolkit.contacts import PROPERTIES_COLUMN, PROPERTIES_WIRE, PROPERTY_ID_PREFIX, PROPERTY_NAME_PREFIX
from mbtoolkit.errors import SourceError
from mbtoolkit.reading.tables import MAX_LINE_CHARACTERS, MAX_SHEET_CELLS, Table, check_size
from mbtoolkit.reading.values import Cell, cell_of_text, frame_of_cells


class _Number(str):
    """A number as it is written, for no digit is to be lost."""

    __slots__ = ()


class _NotFinite(str):
    """NaN or Infinity, which JSON does not have and Python writes."""

    __slots__ = ()


_LINE: Final = re.compile(r"(\s*+)([^\n]*+)")
"""What is blank, and the line behind it."""
_DECODER: Final[dict[str, Any]] = {"parse_float": _Number, "parse_int": _Number, "parse_constant": _NotFinite}


def load_json_lines(text: str, name: str) -> Table:
    """The table in JSON lines; scalars become text as they stand there, `propertyFields` become property columns.

    Args:
        text: the whole of it.
        name: what to call it in errors.

    Raises:
        SourceError: a line is not a JSON object, or names a key twice; or the table is too large.
    """
    rows: list[dict[str, Cell]] = []
    columns: dict[str, None] = {}
    number = 1
    for found in _LINE.finditer(text):
        number += found[1].count("\n")
        line = found[2]
        if len(line) > MAX_LINE_CHARACTERS:
            msg = f"{name!r}, line {number:,}: more than {MAX_LINE_CHARACTERS:,} characters; write one contact a line"
            raise SourceError(msg)
        if line:
            rows.append({key: _cell(value) for key, value in _flat(_record(line, name, number)).items()})
            columns |= dict.fromkeys(rows[-1])
            check_size(len(columns), len(rows), name, MAX_SHEET_CELLS)
    frame, unread = frame_of_cells({column: [row.get(column, (None, None)) for row in rows] for column in columns})
    return Table(frame, unread=unread)


def _record(line: str, name: str, number: int) -> dict[str, Any]:
    """Raises:
    SourceError: the line is not a JSON object, or names a key twice.
    """

    def refuse(why: str) -> NoReturn:
        """Raises: SourceError, always."""
        msg = f"{name!r}, line {number:,}: {why}"
        raise SourceError(msg) from None

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if len(set(keys)) < len(keys):
            refuse("a key stands more than once; keep one")
        if any(cell_of_text(key)[1] for key in keys):
            refuse("a key holds half a character (a lone surrogate); write it anew")
        return dict(pairs)

    try:
        record = json.loads(line, object_pairs_hook=unique, **_DECODER)
    except json.JSONDecodeError as error:
        refuse(f"not JSON ({error.msg}); JSON lines hold one object on each line")
    except RecursionError:
        refuse("nested too deep to be a contact")
    if not isinstance(record, dict):
        refuse("no JSON object; write one object, with names and values, on each line")
    return record


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """The record with a key for each property; properties that are no such list stay as they are."""
    flat: dict[str, Any] = {}
    for key, value in record.items():
        properties = _properties(value) if key in (PROPERTIES_WIRE, PROPERTIES_COLUMN) else None
        if properties is None or set(properties) & (set(flat) | set(record)):
            flat[key] = value
        else:
            flat |= properties
    return flat


def _properties(entries: Any) -> dict[str, Any] | None:
    """{property column: value}; None where it is no list of properties, or one property stands there twice."""
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return None
    columns: dict[str, Any] = {}
    for entry in entries:
        held = {key.lower().replace("_", ""): value for key, value in entry.items()}
        column = _property_column(held.get("propertyid"), held.get("propertyname"))
        if column is None or column in columns:
            return None
        columns[column] = held.get("propertyvalue")
    return columns


def _property_column(property_id: Any, property_name: Any) -> str | None:
    """The column of a property; None where neither id nor name is a text."""
    if property_id and isinstance(property_id, str):
        return f"{PROPERTY_ID_PREFIX}{property_id}"
    if property_name and isinstance(property_name, str) and not property_id:
        return f"{PROPERTY_NAME_PREFIX}{property_name}"
    return None


def _cell(value: Any) -> Cell:
    """A value as text, with a note where that text must not be sent."""
    if value is None:
        return None, None
    if isinstance(value, _NotFinite):
        return str(value), f"not_finite: {value}"
    return cell_of_text(value if isinstance(value, str) else _as_json(value))


def _as_json(value: Any) -> str:
    """JSON text, numbers as they were written."""
    if isinstance(value, _Number | _NotFinite):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key, ensure_ascii=False)}: {_as_json(value[key])}" for key in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_as_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
