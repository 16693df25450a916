"""Single Python values as text cells, for sources that hold a mixture of types in one column."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from typing import Any

import polars as pl

Cell = tuple[str | None, str | None]
"""A text, and a note `<rule>: <text>` where the text must not be sent."""


def cell_of_text(text: str) -> Cell:
    """A text; half characters, which no UTF-8 can hold, are written out and noted."""
    if not any("\ud800" <= char <= "\udfff" for char in text):
        return text, None
    written = text.encode(errors="backslashreplace").decode()
    return written, f"not_unicode: {written}"


def cell_of_value(value: Any) -> Cell:
    """A value of any Python type: numbers and dates have a text form, other objects are noted."""
    if isinstance(value, str):
        return cell_of_text(value)
    if isinstance(value, bool):
        return ("true" if value else "false"), None
    if isinstance(value, float | Decimal) and not math.isfinite(value):
        return str(value), f"not_finite: {value}"
    if isinstance(value, int | float | Decimal):
        return str(value), None
    if isinstance(value, date | time):
        return value.isoformat(), None
    if hasattr(value, "item") and hasattr(value, "dtype") and getattr(value, "ndim", 1) == 0:
        return cell_of_value(value.item())
    return _shown(value), f"unsupported_type: <{type(value).__name__}>"


def _shown(value: Any) -> str:
    return str(value).encode(errors="backslashreplace").decode()


def frame_of_cells(columns: Mapping[str, Sequence[Cell]]) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
    """The texts of each column, and the notes of those columns that have any."""
    texts = {name: pl.Series([text for text, _ in cells], dtype=pl.String) for name, cells in columns.items()}
    notes = {name: pl.Series([note for _, note in cells], dtype=pl.String) for name, cells in columns.items()}
    return pl.DataFrame(texts), {name: each for name, each in notes.items() if each.null_count() < len(each)}
