"""How every function for one column takes it: a Series gives a Series, an expression gives an expression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import polars as pl

from mbtoolkit.errors import UsageError
from mbtoolkit.schemas.texts import has_text_form, text_form

Column = TypeVar("Column", pl.Series, pl.Expr)
"""A column of cells: a Series, or an expression that gives one."""

Cells = pl.Series | pl.Expr
_MANY: Final = 10_000
"""Rows from which it pays to look for equal ones first."""
_TEXTS: Final = (pl.String, pl.Categorical, pl.Enum, pl.Null)


def answered(column: Column, answer: Callable[..., pl.Series], dtype: Any, *beside: Any) -> Column:
    """What a function answers for the cells of a column, under the column's name.

    Args:
        column: the cells.
        answer: takes a Series of the cells and one for each of `beside`; returns one as long, of `dtype`.
        dtype: of what is returned.
        beside: further columns, of the same kind.

    Raises:
        UsageError: the column is neither a Series nor an expression, or one beside it doesn't fit it.
    """
    if isinstance(column, pl.Expr):
        others: list[pl.Expr] = [pl.lit(other) if isinstance(other, pl.Series) else other for other in beside]

        def answer_all(cells: Any) -> pl.Series:
            return answer(cells[0], *(_as_long(other, cells[0]) for other in cells[1:])).alias(cells[0].name)

        # A Series beside an expression holds for the whole column, so that no part of it may be read by itself.
        whole = any(isinstance(other, pl.Series) for other in beside)
        return pl.map_batches([column, *others], answer_all, return_dtype=dtype, is_elementwise=not whole)
    if not isinstance(column, pl.Series):
        msg = f"a column is a polars Series or an expression such as pl.col('phone'), not {type(column).__name__}"
        raise UsageError(msg)
    if any(isinstance(other, pl.Expr) for other in beside):
        msg = "an expression goes with an expression: give both columns as pl.col(...), or both as Series"
        raise UsageError(msg)
    return answer(column, *(_as_long(other, column) for other in beside)).alias(column.name)


def _as_long(other: pl.Series, column: pl.Series) -> pl.Series:
    """The other column, repeated if it has one cell only.

    Raises:
        UsageError: it is of another length.
    """
    if len(other) == len(column):
        return other
    if len(other) == 1:
        return other.new_from_index(0, len(column))
    msg = f"the columns differ in length: {len(column):,} and {len(other):,} rows"
    raise UsageError(msg)


def as_written(column: pl.Series) -> pl.Series:
    """The cells of a column of texts or whole numbers, as text.

    Raises:
        UsageError: the column is of another kind; floats may have lost digits already.
    """
    dtype = column.dtype
    if isinstance(dtype, _TEXTS) or dtype in _TEXTS or dtype.is_integer():
        return column.cast(pl.String)
    if dtype.is_float() or dtype.is_decimal():
        msg = (
            f"column {column.name!r} holds decimal numbers ({dtype}), so digits and leading zeros may be gone; read "
            f"the column as text (pl.read_csv: schema_overrides={{{column.name!r}: pl.String}}; pandas: dtype=str)"
        )
        raise UsageError(msg)
    msg = f"column {column.name!r} is of type {dtype}; give it as text"
    raise UsageError(msg)


def as_text(column: pl.Series) -> pl.Series:
    """The cells of a column of any kind that has a text form, as text.

    Raises:
        UsageError: the column is nested, binary or holds objects.
    """
    if not has_text_form(column.dtype):
        msg = f"column {column.name!r} is of type {column.dtype}, which has no text form; give it as text"
        raise UsageError(msg)
    return column.alias("text").to_frame().select(text_form(pl.col("text"), column.dtype)).to_series()


def each_once(texts: pl.Series, answer: Callable[[str], Any], dtype: Any) -> pl.Series:
    """What a Python function answers for each cell, asked once for each distinct text; null stays null.

    Args:
        texts: String column.
        answer: from a text to a value of `dtype`.
        dtype: of the answers.
    """
    distinct = texts.unique().drop_nulls()
    answers = pl.Series([answer(text) for text in distinct.to_list()], dtype=dtype)
    return texts.replace_strict(distinct, answers, default=None, return_dtype=dtype)


def rows_once(cells: pl.DataFrame, key: str, answer: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
    """What a function answers for each row, asked once for equal rows if that saves most of the work.

    Args:
        cells: columns of text.
        key: the one of them that tells most rows apart.
        answer: from some of the rows, in any order, to as many.
    """
    if cells.height < _MANY or cells.select(pl.col(key).approx_n_unique()).item() > cells.height / 2:
        return answer(cells)
    distinct = cells.unique(maintain_order=True)
    answers = answer(distinct).to_struct("\0answer")
    told = distinct.with_columns(answers)
    joined = cells.join(told, on=cells.columns, how="left", nulls_equal=True, maintain_order="left")
    return joined.get_column("\0answer").struct.unnest()


def differing(before: pl.Series, after: pl.Series) -> pl.Series:
    """Whether each cell of a column is another one than in a column of the same type.

    Args:
        before: the cells.
        after: as many; null is only the same as null.
    """
    if before.dtype == pl.Object:
        # polars does not compare objects.
        return pl.Series([one != other for one, other in zip(before, after, strict=True)], dtype=pl.Boolean)
    # Under a name that polars can't take for a pattern.
    return before.alias("cell").ne_missing(after)
