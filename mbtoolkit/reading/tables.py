"""A table as it comes out of a source, before anything in it is mapped or converted."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from mbtoolkit.contacts import is_uuid
from mbtoolkit.errors import SourceError
from mbtoolkit.schemas.emails import email_is_well_formed
from mbtoolkit.schemas.texts import stripped

MAX_SOURCE_BYTES: Final = 2 * 1024**3
"""The largest file that is read."""
MAX_UNPACKED_BYTES: Final = 1024**3
"""What a compressed file, or a sheet of a workbook, may unpack to; more is taken for a decompression bomb."""
MAX_LINE_CHARACTERS: Final = 4 * 1024**2
"""The longest line of a text, and the longest record in it."""
MAX_COLUMNS: Final = 16_384
"""The columns of a table in a file; a sheet of Excel has as many."""
MAX_CELLS: Final = 100_000_000
"""The cells of a table in a text or parquet file, blank ones included."""
MAX_SHEET_CELLS: Final = 30_000_000
"""The cells of a sheet or of JSON lines, blank ones included; while they are loaded each takes up to 200 bytes."""

_MOST_NAMES: Final = 30
_LONGEST_NAME: Final = 60
_PHONE: Final = re.compile(r"\+?(?:[\s().-]*[0-9]){7,}")
_DATE: Final = re.compile(r"[0-9]{4}[-./][0-9]{2}[-./][0-9]{2}\b.*|[0-9]{2}[-./][0-9]{2}[-./][0-9]{4}\b.*")


def quoted(columns: list[str]) -> str:
    """The names of columns, for an error text: no longer and no more of them than a person reads."""
    names = [repr(name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "...") for name in columns]
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")


def is_data(column: str) -> bool:
    """Whether a column's name looks like a cell of somebody's: an e-mail address, a phone number, an id."""
    name = column.strip()
    return "@" in name or is_uuid(name) or bool(_PHONE.fullmatch(name) and not _DATE.fullmatch(name))


def check_size(columns: int, rows: int, source: str, most: int = MAX_CELLS) -> None:
    """Refuses a table that is too large, before it is loaded.

    Args:
        columns: how many it has.
        rows: how many it has.
        source: what to call it in an error.
        most: the most cells.

    Raises:
        SourceError: it is.
    """
    if columns > MAX_COLUMNS:
        msg = (
            f"{source!r} has {columns:,} columns, and {MAX_COLUMNS:,} are read at most: "
            "keep the columns that the contacts need, and write it again"
        )
        raise SourceError(msg)
    if columns * rows > most:
        msg = (
            f"{source!r} has {rows:,} rows of {columns:,} columns, and {most:,} cells are read at most: "
            "split it, or keep the columns that the contacts need"
        )
        raise SourceError(msg)


@dataclass(slots=True)
class Table:
    """A table as loaded.

    Attributes:
        frame: the cells; text throughout where the source was text or a sheet.
        notes: what was assumed, one sentence each.
        repeated: headers that stood more than once, which can't be mapped.
        unread: for a column, which of its cells could not be taken over as they were: `<rule>: <text>`, or null.
    """

    frame: pl.DataFrame = field(repr=False)
    notes: list[str] = field(default_factory=list)
    repeated: set[str] = field(default_factory=set)
    unread: dict[str, pl.Series] = field(default_factory=dict, repr=False)


def headed(rows: pl.DataFrame, header: list[str], source: str) -> Table:
    """The table under its headers: trimmed, a name for each blank one, a number behind each repeated one.

    Args:
        rows: the cells below the headers, as text.
        header: the headers as found, as many as `rows` has columns.
        source: what to call the source in an error.

    Raises:
        SourceError: there is no line of headers; what stands there is a contact.
    """
    above = pl.DataFrame({"header": header}, schema={"header": pl.String})
    if above.select(email_is_well_formed(stripped(pl.col("header"))).any()).item():
        msg = f"{source!r} begins with a contact, not with headers: put a line with the columns' names on top"
        raise SourceError(msg)
    names: dict[str, None] = {}
    repeated: set[str] = set()
    for place, raw in enumerate(header, start=1):
        name = raw.strip() or f"column {place}"
        if name in names:
            repeated.add(name)
            name = f"{name} ({place})"
        while name in names:
            name += "'"
        names[name] = None
    notes = [f"the header {name!r} stands more than once" for name in sorted(repeated)]
    return Table(rows.rename(dict(zip(rows.columns, names, strict=True))), notes, repeated)


def without_blank_rows(table: Table) -> Table:
    """Lines with nothing in any cell are no contacts; how many there were is said."""
    if not table.frame.width:
        return table
    filled = table.frame.filter(~pl.all_horizontal(stripped(pl.all()).is_null()))
    gone = table.frame.height - filled.height
    if gone:
        table.notes.append(f"{gone:,} blank line{'s' if gone > 1 else ''} left out")
    table.frame = filled
    return table
