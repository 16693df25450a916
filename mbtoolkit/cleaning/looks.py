"""What the cells of columns look like, by a sample of each."""

from __future__ import annotations

from typing import Final

import polars as pl

from mbtoolkit.cleaning.phones import CALLING_CODE
from mbtoolkit.contacts import UUID_PATTERN
from mbtoolkit.schemas.conform import opt_in_words
from mbtoolkit.schemas.emails import email_is_well_formed
from mbtoolkit.schemas.texts import has_text_form, stripped, text_form

_SAMPLE: Final = 1_000
"""Filled cells of each column that are looked at."""
_SPARE: Final = 5
"""So many times more are taken, for some may be blank text."""
_DATE: Final = (
    r"^(?:[0-9]{4}[-./][0-9]{1,2}[-./][0-9]{1,2}(?:[T ].*)?|[0-9]{1,2}[-./][0-9]{1,2}[-./](?:[0-9]{4}|[0-9]{2})"
    r"|[0-9]{1,2}\.? \pL{3,}\.? [0-9]{4})$"
)
_PHONE: Final = r"^'?[+(]?[\d\s().\-/\x{2010}-\x{2013}\x{FF0B}]{6,30}$"


def looks_of(frame: pl.DataFrame) -> dict[str, dict[str, float]]:
    """For each column, the share of its sampled cells that look like each thing; empty where no cell is filled."""
    samples = [
        pl.DataFrame(
            {"place": place, "text": _sample(frame[column].alias("text"))},
            schema={"place": pl.Int64, "text": pl.String},
        )
        for place, column in enumerate(frame.columns)
    ]
    if not samples:
        return {}
    text = pl.col("text")
    date = text.str.contains(_DATE)
    digits = text.str.count_matches(r"\d")
    phone = text.str.contains(_PHONE) & digits.is_between(6, 15) & ~date
    looks = {
        "email": email_is_well_formed(text),
        "phone": phone,
        "international": phone & text.str.contains(r"^\(?(?:\+|\x{FF0B}|00)\s*[1-9]"),
        "calling": text.str.contains(CALLING_CODE),
        "whole": text.str.contains(r"^[1-9][0-9]{0,18}$"),
        "uuid": text.str.contains(UUID_PATTERN),
        "yes_no": opt_in_words(text).is_not_null(),
        "date": date,
    }
    found = pl.concat(samples).group_by("place").agg(look.mean().alias(name) for name, look in looks.items())
    by_place = {row.pop("place"): row for row in found.to_dicts()}
    return {column: by_place.get(place, {}) for place, column in enumerate(frame.columns)}


def _sample(column: pl.Series) -> pl.Series:
    """Filled cells as text, spread over the column."""
    if not has_text_form(column.dtype):
        return pl.Series(dtype=pl.String)
    filled = column.drop_nulls()
    sample = _texts(filled.gather_every(max(1, len(filled) // (_SAMPLE * _SPARE))))
    if not len(sample):
        sample = _texts(filled)
    return sample.gather_every(max(1, -(-len(sample) // _SAMPLE)))


def _texts(column: pl.Series) -> pl.Series:
    cells = column.alias("text").to_frame()
    return cells.select(stripped(text_form(pl.col("text"), column.dtype))).to_series().drop_nulls()
