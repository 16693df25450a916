"""The repairs that a column can be offered, one click each."""

from __future__ import annotations

from importlib.util import find_spec

import polars as pl

from mbtoolkit.contacts import BY_NAME, is_contact_column
from mbtoolkit.recipes.columns import (
    CleanText,
    FixMojibake,
    NormalizeCountry,
    NormalizeDate,
    NormalizeEmail,
    NormalizeName,
    NormalizeNumber,
)
from mbtoolkit.recipes.step import Step


def offered_steps(column: str, dtype: pl.DataType) -> list[tuple[str, Step]]:
    """The steps that make sense for a column, each with what to write on its button.

    Args:
        column: its name.
        dtype: its dtype, in a contacts frame.
    """
    if column == "email":
        return [
            ("Usual form", NormalizeEmail(column)),
            ("Usual form, and typing errors in large providers’ names mended", NormalizeEmail(column, fix_typos=True)),
        ]
    if column in BY_NAME or dtype != pl.String or (column.startswith("property") and not is_contact_column(column)):
        return []
    mojibake: list[tuple[str, Step]] = (
        [("Wrong encoding mended (BjÃ¸rn)", FixMojibake(column))] if find_spec("ftfy") else []
    )
    return [
        ("White space and invisible characters tidied", CleanText(column)),
        *mojibake,
        ("Capitals of names (O’Neil, van der Berg)", NormalizeName(column)),
        ("Countries as two letters (NO)", NormalizeCountry(column)),
        ("Dates, day first (31.3.2026), as 2026-03-31", NormalizeDate(column, "dmy")),
        ("Dates, month first (3/31/2026), as 2026-03-31", NormalizeDate(column, "mdy")),
        ("Numbers with a comma (1 234,50) as 1234.50", NormalizeNumber(column, ",")),
        ("Numbers with a point (1,234.50) as 1234.50", NormalizeNumber(column, ".")),
    ]
