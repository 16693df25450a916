"""The one stated text form of every dtype, and what counts as blank."""

from __future__ import annotations

from typing import Final

import polars as pl

_VISIBLE: Final = r"[^\s\x{200B}\x{2060}\x{FEFF}]"
"""Anything but white space (of every script) and the three spaces of no width."""

FORMULA: Final = r"^('*[=+\-@\t\r\n＝＋－＠])"
"""What a spreadsheet takes for a formula, or skips before one; behind apostrophes too. Source: OWASP, CSV Injection."""

GUARDED: Final = r"^'('*[=+\-@\t\r\n＝＋－＠])"
"""The same once a text file has an apostrophe in front of it."""

CUT: Final = r" \[cut: [0-9]{1,3}(?:,[0-9]{3})* characters\]$"
"""How a text ends that was too long for a sheet's cell."""


def stripped(column: pl.Expr) -> pl.Expr:
    """A String column without surrounding white space (of every kind); what is blank then is null."""
    return unless_blank(column.str.strip_chars())


def unless_blank(column: pl.Expr) -> pl.Expr:
    """A String column as it is, but null where nothing can be seen."""
    return pl.when(column.str.contains(_VISIBLE)).then(column)


def has_text_form(dtype: pl.DataType) -> bool:
    """Whether the cells of a dtype can be written as text: not so binary, nested and object ones."""
    simple = dtype in (pl.String, pl.Null, pl.Boolean) or dtype.is_numeric() or dtype.is_temporal()
    return simple or isinstance(dtype, pl.Categorical | pl.Enum)


def text_form(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """The cells as text, null where they are null.

    Dates and times are written as ISO 8601 has it, a whole second without a fraction; decimals with the scale that they
    have; floats with the fewest digits that give the same number; a cell without a text form as its type, `<List>`.

    Args:
        column: the cells.
        dtype: their dtype.
    """
    if dtype == pl.String:
        return column
    if isinstance(dtype, pl.Datetime):
        return column.dt.to_string("iso:strict").str.replace(r"\.0+(\D|$)", "$1")
    if dtype.is_temporal():
        return column.dt.to_string("iso")
    if has_text_form(dtype):
        return column.cast(pl.String)
    return pl.when(column.is_not_null()).then(pl.lit(f"<{type(dtype).__name__}>"))


def unbroken(text: str) -> str:
    """The text with U+FFFD for every half of a character (a lone surrogate), which no frame and no JSON can hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
