"""Spellings that are probably one value ("Oslo", "oslo ", "OSLO."), and the same spelling for all of them."""

from __future__ import annotations

from typing import Final

import polars as pl

from mbtoolkit.cleaning.joining import first_of_each
from mbtoolkit.cleaning.plain import plain_text
from mbtoolkit.errors import FrameError
from mbtoolkit.schemas.texts import unless_blank

VALUES: Final[dict[str, pl.DataType]] = {
    "value": pl.String(),
    "rows": pl.Int64(),
    "cluster": pl.Int64(),
    "suggestion": pl.String(),
}
"""The frame that `cluster_values` returns."""

_SHORTEST: Final = 4
"""Letters that a value must have for its pairs of letters to tell it from others."""


def cluster_values(column: pl.Series) -> pl.DataFrame:
    """The values of a column that are spelt in more than one way, with a spelling for each.

    Two values are one if they have the same fingerprint: the same words, in any order, without case, accents and
    punctuation; or the same pairs of neighbouring letters, which overlooks spaces and doubled syllables (`New York`,
    `Newyork`). In a value with digits the order, and whatever stands between them, counts: `1.5` is not `15`, nor
    `2024-01-02` the second of January the other way round.

    Args:
        column: texts.

    Returns:
        A line for each spelling of a value that has several: `value`, `rows` (how many have it), `cluster` (0 for the
        one of the most rows) and `suggestion` (the commonest spelling without space around it; of equally common ones
        the tidiest). Look it over, drop or change what is wrong, and hand it to `merge_values`.

    Raises:
        FrameError: `column` is no polars Series of text.
    """
    _check_text(column, "cluster_values")
    spelt = (
        column.cast(pl.String)
        .alias("value")
        .drop_nulls()
        .value_counts(name="rows")
        .select("value", pl.col("rows").cast(pl.Int64), *_keys(pl.col("value")))
        .sort("value")
        .with_row_index("place")
    )
    first = first_of_each(
        pair
        for key in ("fingerprint", "pairs")
        for pair in spelt.filter(pl.col(key).is_not_null() & pl.len().over(key).gt(1))
        .select("place", pl.col("place").min().over(key).alias("first"))
        .iter_rows()
    )
    placed = pl.DataFrame(
        {"place": list(first), "first": list(first.values())}, schema={"place": pl.UInt32, "first": pl.UInt32}
    )
    several = spelt.join(placed, on="place")
    if several.is_empty():
        return pl.DataFrame(schema=VALUES)
    value = pl.col("value")
    bare = value == value.str.strip_chars()
    tidy = (value != value.str.to_lowercase()).cast(pl.Int8) + (value != value.str.to_uppercase()).cast(pl.Int8)
    ordered = several.with_columns(bare=bare, tidy=tidy, all=pl.col("rows").sum().over("first")).sort(
        ["all", "first", "bare", "rows", "tidy", "value"], descending=[True, False, True, True, True, False]
    )
    return ordered.select(
        "value",
        "rows",
        (pl.col("first").rle_id().cast(pl.Int64)).alias("cluster"),
        value.first().over("first").alias("suggestion"),
    )


def merge_values(column: pl.Series, clusters: pl.DataFrame) -> pl.Series:
    """The column with each spelling replaced by the one that is suggested for it; all else stays as it is.

    Args:
        column: texts.
        clusters: what `cluster_values` returned, or a part of it, with other suggestions where you know better.

    Raises:
        FrameError: `column` is no polars Series of text; or `clusters` has no value or suggestion, or two suggestions
            for one value.
    """
    _check_text(column, "merge_values")
    pairs = spellings(clusters)
    # Under a name that polars can't take for a pattern.
    return column.cast(pl.String).alias("").replace(pairs["value"], pairs["suggestion"]).alias(column.name)


def spellings(clusters: pl.DataFrame) -> pl.DataFrame:
    """The `value` and `suggestion` of what `cluster_values` returned, each pair once.

    Raises:
        FrameError: it has no value or suggestion, or two suggestions for one value, or they are no text.
    """
    if not isinstance(clusters, pl.DataFrame) or not {"value", "suggestion"} <= set(clusters.columns):
        msg = "clusters is the frame that cluster_values returns: value, suggestion and more"
        raise FrameError(msg)
    pairs = clusters.select("value", "suggestion").unique(maintain_order=True)
    if pairs["value"].is_duplicated().any():
        msg = "clusters has two suggestions for one value; keep one"
        raise FrameError(msg)
    if pairs["value"].null_count() or pairs["suggestion"].null_count():
        msg = "clusters has a line without a value or without a suggestion; drop it, for a blank cell stays blank"
        raise FrameError(msg)
    if not all(_is_text(dtype) for dtype in pairs.dtypes):
        msg = "clusters has values or suggestions that are no text; cast them to pl.String"
        raise FrameError(msg)
    return pairs.cast(pl.String)


def _check_text(column: pl.Series, function: str) -> None:
    if not isinstance(column, pl.Series):
        msg = f"{function} takes a column, a polars Series such as frame['City'], not a {type(column).__name__}"
        raise FrameError(msg)
    if not _is_text(column.dtype):
        msg = f"{function} takes a column of text, not of {column.dtype}; column.cast(pl.String) makes it one"
        raise FrameError(msg)


def _is_text(dtype: pl.DataType) -> bool:
    return dtype in (pl.String, pl.Null) or isinstance(dtype, pl.Categorical | pl.Enum)


def _keys(value: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """The fingerprint of each value, and its pairs of letters where they tell enough."""
    has_digits = value.str.contains(r"\d")
    plain = plain_text(value)
    words = plain.str.split(" ").list.unique().list.sort().list.join(" ")
    as_written = value.str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars(" ").str.strip_chars_end(" .,;:")
    letters = plain.str.replace_all(" ", "")
    neighbours = letters.str.split("").list.eval(pl.element() + pl.element().shift(-1)).list.drop_nulls()
    pairs = neighbours.list.unique().list.sort().list.join("")
    fingerprint = pl.when(has_digits).then(unless_blank(as_written)).otherwise(words)
    tells = ~has_digits & (letters.str.len_chars() >= _SHORTEST)
    return fingerprint.alias("fingerprint"), pl.when(tells).then(pairs).alias("pairs")
