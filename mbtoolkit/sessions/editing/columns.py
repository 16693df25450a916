"""The columns of a frame as a person sees them: their names, what may be typed into them, their cells as text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from mbtoolkit.cleaning.shown import shown_text
from mbtoolkit.contacts import (
    BY_NAME,
    PROPERTIES_COLUMN,
    is_contact_column,
    label_of,
)
from mbtoolkit.errors import FrameError
from mbtoolkit.schemas import RESULTS, UNREAD_PREFIX, is_unread_column, unread_column


@dataclass(frozen=True, slots=True)
class Column:
    """One column as it is shown.

    Attributes:
        name: its name in the frame.
        label: what a person calls it.
        is_number: whether it holds numbers.
        place: its position in the frame.
        unread_place: the position of the column that keeps what could not be converted for it; None where there is
            none.
        read_only: whether its cells may not be edited.
    """

    name: str
    label: str
    is_number: bool
    place: int
    unread_place: int | None
    read_only: bool

    def text(self, dtype: pl.DataType) -> pl.Expr:
        """The cells as a person sees them: text that could not be converted as it was typed, opt-ins as yes and no.

        Args:
            dtype: the column's, in the frame that the expression is for.
        """
        return shown_text(self.place, self.name, dtype, self.unread_place)


def shown_columns(frame: pl.DataFrame, read_only: Iterable[str]) -> tuple[Column, ...]:
    """Every column but those that keep unread text for another one.

    Args:
        frame: a conformed frame in which every editable contact column has its `unread:` column.
        read_only: names of columns that may not be edited.

    Raises:
        FrameError: `read_only` names a column that isn't there.
    """
    held = frozenset(read_only)
    missing = sorted(held - set(frame.columns))
    if missing:
        msg = f"read_only names {missing[0]!r}, which is no column of the contacts; take it out or correct the name"
        raise FrameError(msg)
    places = {name: place for place, name in enumerate(frame.columns)}
    return tuple(
        Column(
            name=name,
            label=label_of(name),
            is_number=dtype.is_numeric(),
            place=places[name],
            unread_place=places.get(unread_column(name)) if is_contact_column(name) else None,
            read_only=name in held or not may_be_edited(name, dtype),
        )
        for name, dtype in frame.schema.items()
        if not (is_unread_column(name) and name.removeprefix(UNREAD_PREFIX) in places)
    )


def may_be_edited(name: str, dtype: pl.DataType) -> bool:
    """Whether a column of a conformed frame can take what a person types.

    The toolkit's own columns, nested ones and those that hold no text can't; nor can one whose name polars would take
    for a pattern of names, because no recipe could name it.
    """
    if name == PROPERTIES_COLUMN or name in RESULTS or name.startswith(UNREAD_PREFIX):
        return False
    is_pattern = name == "*" or (name.startswith("^") and name.endswith("$"))
    return not is_pattern and (name in BY_NAME or dtype == pl.String)
