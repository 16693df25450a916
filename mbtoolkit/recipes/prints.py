"""What tells a row from others in whatever order they stand: a print of all that it says."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import polars as pl

from mbtoolkit.cleaning.shown import shown_texts
from mbtoolkit.contacts import is_contact_column

_BETWEEN: Final = "\x1e"
_WITHIN: Final = "\x1f"


def row_prints(frame: pl.DataFrame, rows: Sequence[int]) -> list[str]:
    """A print of each of some rows: 16 hexadecimal digits, the same for rows whose contact cells read the same.

    Args:
        frame: a contacts frame; of a frame without any contact column all columns count.
        rows: positions.
    """
    return list(prints_of(frame, pl.Series(rows, dtype=pl.Int64)))


def prints_of(frame: pl.DataFrame, rows: pl.Series) -> pl.Series:
    """`row_prints` as a Series.

    Args:
        frame: as above.
        rows: Int64.
    """
    part = frame[rows]
    named = sorted(filter(is_contact_column, part.columns)) or sorted(part.columns)
    told = [shown_texts(part, name).alias(str(place)) for place, name in enumerate(named)]
    # Cells that are blank are left out, so that a column more in the next file doesn't matter.
    parts = (pl.concat_str(pl.lit(name + _WITHIN), pl.col(str(place))) for place, name in enumerate(named))
    if not told:
        return pl.Series([""] * part.height, dtype=pl.String)
    whole = pl.DataFrame(told).select(pl.concat_str(*parts, separator=_BETWEEN, ignore_nulls=True)).to_series()
    # Not polars' own hash, which is another one in another version.
    return pl.Series([hashlib.sha256((text or "").encode()).hexdigest()[:16] for text in whole], dtype=pl.String)


def placed_rows(frame: pl.DataFrame, rows: Sequence[int], prints: Sequence[str]) -> list[int | None]:
    """Where rows stand by now: at their place, or anywhere else if that is the only row with their print.

    Args:
        frame: the frame to look in.
        rows: where they stood.
        prints: one for each.

    Returns:
        For each the position; None where there is none, or more than one elsewhere.
    """
    near = [row for row in rows if 0 <= row < frame.height]
    at_home = dict(zip(near, prints_of(frame, pl.Series(near, dtype=pl.Int64)), strict=True))
    placed: list[int | None] = [
        row if at_home.get(row) == each else None for row, each in zip(rows, prints, strict=True)
    ]
    if None not in placed:
        return placed
    everywhere: dict[str, list[int]] = {}
    wanted = {each for each, place in zip(prints, placed, strict=True) if place is None}
    for row, each in enumerate(prints_of(frame, pl.int_range(frame.height, dtype=pl.Int64, eager=True))):
        if each in wanted:
            everywhere.setdefault(each, []).append(row)
    taken = {row for row in placed if row is not None}
    for place, each in enumerate(prints):
        found = [row for row in everywhere.get(each, []) if row not in taken]
        if placed[place] is None and len(found) == 1:
            placed[place] = found[0]
            taken.add(found[0])
    return placed
