"""`read_contacts`: load, map, convert."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from mbtoolkit.cleaning.phones import CALLING_CODE, calling_code, split_phones
from mbtoolkit.cleaning.shown import NOTED_RULE
from mbtoolkit.contacts import is_contact_column, is_property_column
from mbtoolkit.errors import MappingError, SourceWarning
from mbtoolkit.reading.exports import is_export
from mbtoolkit.reading.mapping import load_mapping, resolve_mapping, unfit
from mbtoolkit.reading.sources import load
from mbtoolkit.reading.tables import Table, quoted
from mbtoolkit.schemas.conform import conform, is_unread_column, unread_column
from mbtoolkit.schemas.frames import ROW
from mbtoolkit.schemas.texts import stripped, text_form

_CODE, _NUMBER = "mobile_country_code", "mobile_number"


def read_contacts(
    source: Any,
    *,
    mapping: Mapping[str, str] | str | os.PathLike[str] | None = None,
    sheet: str | int | None = None,
    separator: str | None = None,
    encoding: str | None = None,
    default_country: str | None = None,
) -> pl.DataFrame:
    """A contacts frame from a file or another frame.

    Text files are read as text and then converted by declared rules, so that nothing is guessed away. What can't be
    converted becomes null in its column and stays, as found, in a column `unread:<column>` beside it;
    `validate_contacts` lists it, and the row is not sent until it is mended. A column of the source that bears a name
    which is needed for something else is carried along as `source:<column>`. A file that `write_results` wrote comes
    back with its row numbers (`mb_row`), so that its rows can be pushed again and put in by `update_results`, in
    whatever order; the mapping is no more needed for it.

    Args:
        source: path of a CSV or TSV file (any separator; UTF-8, UTF-16, Latin-1; gzip), an Excel workbook, a parquet
            or JSON lines file; or their bytes; or a polars, pandas or Arrow frame.
        mapping: {source column: field, `property:<name>` or `property_id:<uuid>`}, or the path of a TOML file with
            such lines (`suggest_mapping` makes suggestions, `write_mapping` saves them). Columns that bear canonical
            or wire names map themselves, unless another column is mapped there; all others, and those with an empty
            target, are carried along.
        sheet: name or 0-based position of the Excel sheet; the first by default.
        separator: of a text file; detected by default.
        encoding: of a text file, as Python names it; detected by default.
        default_country: for phone numbers in local form: a two-letter country code, or the name of the source column
            that holds one for each row.

    Returns:
        One row for each row of the source, in its order: canonical columns in canonical types, then as above.

    Raises:
        SourceError: the source can't be read as a table.
        MappingError: columns and fields don't fit together, or nothing is mapped to an identifier.
        UsageError: `default_country` is neither a country nor a column.

    Warns:
        SourceWarning: an encoding, a separator or the like was assumed; it says which. Or the mapping names the columns
            to carry along, and the source has others.
    """
    table = load(source, sheet=sheet, separator=separator, encoding=encoding)
    contacts, notes = contacts_of(table, source, mapping, default_country)
    for note in notes:
        warnings.warn(note, SourceWarning, stacklevel=2)
    return contacts


def contacts_of(
    table: Table, source: Any, mapping: Mapping[str, str] | str | os.PathLike[str] | None, default_country: str | None
) -> tuple[pl.DataFrame, list[str]]:
    """What `read_contacts` makes of a table that was loaded already.

    Args:
        table: as `reading.sources.load` returns it.
        source: where it was loaded from, to be named.
        mapping: as `read_contacts` takes it.
        default_country: likewise.

    Returns:
        The contacts, and what was assumed: one sentence, or none.

    Raises:
        MappingError, UsageError: as `read_contacts`.
    """
    asked = load_mapping(mapping)
    resolved = resolve_mapping(table.frame.columns, asked, table.repeated)
    country = _country(table.frame, default_country)
    earlier = _earlier_notes(table.frame, resolved)
    displaced = _displaced(table.frame, resolved, earlier)
    kept = [notes for notes in earlier if notes.name not in displaced or notes.null_count() < len(notes)]
    mapped = table.frame.rename(displaced | resolved).with_columns(kept)
    contacts = conform(_with_phones(_tidy(_with_unread(mapped, table, resolved)), country))
    notes = [
        *table.notes,
        *unfit(table.frame.columns, asked, resolved),
        *(f"{old!r} is carried along as {new!r}" for old, new in displaced.items()),
        *_alike(list(resolved.values())),
        *_unknown_countries(contacts, table.frame, default_country),
    ]
    name = Path(source).name if isinstance(source, str | os.PathLike) else "the source"
    return contacts, [f"{name}: {'; '.join(notes)}"] if notes else []


def _earlier_notes(frame: pl.DataFrame, resolved: Mapping[str, str]) -> list[pl.Series]:
    """The notes of an earlier reading, as `unread:` columns; null where a cell there is anything else."""
    notes = []
    for column in frame.columns:
        if is_unread_column(column) and column not in resolved:
            text = _as_text(frame, column)
            notes.append(pl.select(pl.when(text.str.contains(NOTED_RULE)).then(text).alias(column)).to_series())
    return notes


def load_table(
    source: Any, *, sheet: str | int | None = None, separator: str | None = None, encoding: str | None = None
) -> tuple[pl.DataFrame, list[str]]:
    """The table in a source before anything in it is mapped, to look at and to choose a mapping by.

    Args:
        source: as `read_contacts` takes it; likewise the others.
        sheet: of an Excel workbook.
        separator: of a text file.
        encoding: of a text file.

    Returns:
        The cells under the source's own headers (text throughout where the source is text), and what was assumed, one
        sentence each.

    Raises:
        SourceError: the source can't be read as a table.
    """
    table = load(source, sheet=sheet, separator=separator, encoding=encoding)
    return table.frame, table.notes


def _displaced(frame: pl.DataFrame, resolved: Mapping[str, str], earlier: list[pl.Series]) -> dict[str, str]:
    """New names for columns that are carried along, and bear a name that the contacts frame has a use for.

    Args:
        frame: the source's cells.
        resolved: the source's columns that are mapped, and where to.
        earlier: the columns that would hold the notes of an earlier reading; one that would lose text is displaced.
    """
    taken = set(resolved.values()) - set(resolved)
    # What is not mapped is never sent, whatever it is called.
    taken |= {column for column in frame.columns if is_contact_column(column) and column not in resolved}
    if ROW in frame.columns and not is_export(frame.columns) and not frame.schema[ROW].is_integer():
        taken.add(ROW)
    taken |= {notes.name for notes in earlier if notes.null_count() > _as_text(frame, notes.name).null_count()}
    names: dict[str, str] = {}
    for column in frame.columns:
        if column in taken:
            names[column] = f"source:{column}"
            while names[column] in frame.columns:
                names[column] += "'"
    return names


def _alike(names: list[str]) -> list[str]:
    """What to say of properties whose names differ in nothing but case or white space."""
    folded: dict[str, list[str]] = {}
    for name in filter(is_property_column, names):
        folded.setdefault(" ".join(name.casefold().split()), []).append(name)
    return [
        f"{' and '.join(map(repr, each))} differ in case or space alone; the CRM may take them for one property"
        for each in folded.values()
        if len(each) > 1
    ]


def _unknown_countries(contacts: pl.DataFrame, source: pl.DataFrame, default_country: str | None) -> list[str]:
    """What to say where the column of countries holds something else, and a number in local form needs it."""
    note = unread_column(_NUMBER)
    if default_country not in source.columns or note not in contacts.columns:
        return []
    rows = int(contacts[note].str.starts_with("country_unknown: ").sum())
    count = f"{rows:,} number{'s' if rows > 1 else ''} in local form"
    said = f"{default_country!r} holds no two-letter country code (NO, SE, GB) for {count}; write it there"
    return [said] if rows else []


def _with_unread(mapped: pl.DataFrame, table: Table, resolved: Mapping[str, str]) -> pl.DataFrame:
    """The cells; what must not be sent becomes null where it is mapped, with its note beside it."""
    for column, notes in table.unread.items():
        if column in resolved:
            target, beside = resolved[column], unread_column(resolved[column])
            kept = pl.select(pl.when(notes.is_null()).then(mapped[target]).alias(target)).to_series()
            found = notes.zip_with(notes.is_not_null(), mapped[beside]) if beside in mapped.columns else notes
            mapped = mapped.with_columns(kept, found.alias(beside))
    return mapped


def _tidy(mapped: pl.DataFrame) -> pl.DataFrame:
    """Text of contact columns without white space around it."""
    texts = (pl.String, pl.Categorical, pl.Enum)
    tidied = [name for name, dtype in mapped.schema.items() if is_contact_column(name) and isinstance(dtype, texts)]
    return mapped.with_columns(stripped(pl.col(name).cast(pl.String)) for name in tidied)


def _country(frame: pl.DataFrame, default_country: str | None) -> pl.Series | None:
    """A country code for each row, or None.

    Raises:
        UsageError: it is neither a country nor a column.
    """
    if default_country is None:
        return None
    if isinstance(default_country, str) and default_country in frame.columns:
        return _as_text(frame, default_country)
    if not isinstance(default_country, str) or len(default_country.strip()) != 2:
        msg = (
            f"default_country={default_country!r} is neither a two-letter country code (NO, SE, GB) "
            f"nor a column of the source ({quoted(frame.columns)})"
        )
        del frame  # tools that print the variables of a failed call would show it
        raise MappingError(msg)
    calling_code(default_country)
    return pl.Series([default_country.strip().upper()]).new_from_index(0, frame.height)


def _as_text(frame: pl.DataFrame, column: str) -> pl.Series:
    place = frame.get_column_index(column)
    return frame.select(text_form(pl.nth(place), frame.schema[column])).to_series()


def _with_phones(frame: pl.DataFrame, country: pl.Series | None) -> pl.DataFrame:
    """The frame with phones as people write them split into code and number; numeric columns are numbers already."""
    if _NUMBER not in frame.columns:
        return frame
    whole = frame.schema[_NUMBER].is_integer() or frame.schema[_NUMBER].is_decimal()
    if not (frame.schema[_NUMBER] == pl.String or (whole and country is not None)):
        return frame
    parts = [_as_text(frame, _NUMBER)]
    if _CODE in frame.columns:
        parts.append(_as_text(frame, _CODE))
    if country is not None:
        parts.append(country.alias("country"))
    cells = pl.DataFrame(parts)
    phones = split_phones(
        cells,
        _NUMBER,
        code=_CODE if _CODE in cells.columns else None,
        country="country" if country is not None else None,
    )
    return _merge_phones(frame, phones)


def _merge_phones(frame: pl.DataFrame, phones: pl.DataFrame) -> pl.DataFrame:
    """Puts code and number in place; a code that could not be read stays as found, for `conform` to report."""
    columns = [phones[_NUMBER]]
    note = unread_column(_NUMBER)
    if phones["note"].null_count() < phones.height:
        notes = phones["note"]
        # A table that was read before may bear notes already; they hold until the cell is filled.
        columns.append((notes if note not in frame.columns else notes.fill_null(frame[note])).alias(note))
    if _CODE in frame.columns:
        found = _as_text(frame, _CODE)
        unread = found.is_not_null() & ~found.str.contains(CALLING_CODE)
        code = pl.when(unread).then(found).otherwise(phones[_CODE].cast(pl.String))
        return frame.with_columns(code.alias(_CODE), *columns)
    merged = frame.with_columns(*columns)
    return merged.insert_column(frame.get_column_index(_NUMBER), phones[_CODE])
