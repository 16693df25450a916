"""One contact given as a mapping: a frame of one row, in which nothing that was given is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from mbtoolkit.contacts import PROPERTIES_COLUMN, PROPERTY_WIRE_KEYS, canonical_name
from mbtoolkit.errors import InvalidContactError
from mbtoolkit.reading.values import cell_of_text, cell_of_value
from mbtoolkit.schemas.conform import PROPERTIES_DTYPE, unread_column

_ENTRY_NAMES: Final = {wire: name for name, wire in PROPERTY_WIRE_KEYS.items()} | {
    name: name for name in PROPERTY_WIRE_KEYS
}


def frame_of_contact(contact: Mapping[str, Any]) -> pl.DataFrame:
    """A contacts frame of one row; values that can't be sent stand in `unread:` columns, as in any frame.

    Args:
        contact: canonical or wire names in any case, `property:<name>`, `property_id:<uuid>`, and `property_fields` (a
            list of dicts of texts).

    Raises:
        InvalidContactError: it is no mapping, a name in it is no field, or two names mean one field.
    """
    if not isinstance(contact, Mapping):
        msg = f"a contact is a mapping such as {{'email': ...}}, not a {type(contact).__name__}"
        raise InvalidContactError(msg)
    columns: dict[str, pl.Series] = {}
    for column, name in _canonical_names(contact).items():
        value, note = _cell(column, contact[name])
        dtype = PROPERTIES_DTYPE if column == PROPERTIES_COLUMN else pl.String()
        columns[column] = pl.Series([value if note is None else None], dtype=dtype)
        if note is not None:
            columns[unread_column(column)] = pl.Series([note], dtype=pl.String)
    return pl.DataFrame(columns or {"email": pl.Series([None], dtype=pl.String)})


def _canonical_names(contact: Mapping[Any, Any]) -> dict[str, Any]:
    """The name that the contact uses for each column.

    Raises:
        InvalidContactError: a name is no field, or two names mean one field.
    """
    names: dict[str, list[Any]] = {}
    for name in contact:
        is_text = isinstance(name, str) and cell_of_text(name)[1] is None
        names.setdefault((canonical_name(name) if is_text else None) or "", []).append(name)
    unknown = names.pop("", [])
    if unknown:
        msg = f"no field of a contact: {', '.join(map(repr, unknown))}"
        raise InvalidContactError(msg)
    twice = [given for given in names.values() if len(given) > 1]
    if twice:
        msg = f"{' and '.join(map(repr, twice[0]))} mean one field; give it once"
        raise InvalidContactError(msg)
    return {column: given[0] for column, given in names.items()}


def _cell(column: str, value: Any) -> tuple[Any, str | None]:
    """What stands in the cell, and the note that refuses it where it can't be sent."""
    if value is None:
        return None, None
    try:
        return _properties(value) if column == PROPERTIES_COLUMN else cell_of_value(value)
    except ValueError:  # a number that Python itself does not write down: of thousands of digits, or a signalling NaN
        return None, f"unsupported_type: <{type(value).__name__}>"


def _properties(entries: Any) -> tuple[list[dict[str, str | None]] | None, str | None]:
    """The entries by canonical names; a note for what is no list of mappings of texts."""
    is_list = isinstance(entries, Sequence) and not isinstance(entries, str | bytes)
    if not is_list or not all(_is_entry(entry) for entry in entries):
        return None, f"not_properties: <{type(entries).__name__}>"
    if any(cell_of_text(text)[1] for entry in entries for text in entry.values() if text is not None):
        return None, "not_unicode: <half a character>"
    return [{_ENTRY_NAMES[name]: text for name, text in entry.items()} for entry in entries], None


def _is_entry(entry: Any) -> bool:
    """Whether something is a mapping of the names of an entry, each once, to texts or None."""
    if not isinstance(entry, Mapping) or not set(entry) <= _ENTRY_NAMES.keys():
        return False
    once = len({_ENTRY_NAMES[name] for name in entry}) == len(entry)
    return once and all(text is None or isinstance(text, str) for text in entry.values())
