"""The forms in which cells are written into files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from mbtoolkit.schemas.texts import FORMULA, text_form

XLSX_MAX_TEXT: Final = 32_767
"""UTF-16 units that a cell holds. Source: Microsoft, "Excel specifications and limits"."""

_CUT: Final = " [cut: {:,} characters]"


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Every column as text."""
    return pl.DataFrame({column.name: _text(column) for column in frame})


def without_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    """Every column as text, with an apostrophe before what a spreadsheet would take for a formula; numbers are none."""
    cells = pl.first()
    guarded = cells.str.replace(FORMULA, "'$1")
    return pl.DataFrame(
        {
            column.name: _text(column) if column.dtype.is_numeric() else _evaluated(_text(column), guarded)
            for column in frame
        }
    )


def for_parquet(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame, with the columns that parquet can't hold as text."""
    return pl.DataFrame({column.name: _text(column) if _beyond_parquet(column.dtype) else column for column in frame})


def fitting(text: str) -> str:
    """The text, or as much of it as a cell holds and how long it was."""
    if len(text) * 2 <= XLSX_MAX_TEXT:
        return text
    units = text.encode("utf-16-le")
    if len(units) <= 2 * XLSX_MAX_TEXT:
        return text
    mark = _CUT.format(len(text))
    return units[: 2 * (XLSX_MAX_TEXT - len(mark))].decode("utf-16-le", errors="ignore") + mark


def _evaluated(column: pl.Series, expression: pl.Expr) -> pl.Series:
    """An expression of `pl.first()` for one column: names such as `*` and `^a$` would mean several to `pl.col`."""
    return column.to_frame().select(expression.alias(column.name)).to_series()


def _text(column: pl.Series) -> pl.Series:
    """A column as text, null where it is null."""
    cells, dtype = pl.first(), column.dtype
    if dtype == pl.List(pl.String):
        text = cells.list.join("; ", ignore_nulls=True)
    elif dtype.is_nested() and not any(leaf in (pl.Binary, pl.Object) for leaf in _leaves(dtype)):
        text = pl.struct(cells.alias("v")).struct.json_encode().str.slice(len('{"v":')).str.head(-1)
        text = pl.when(cells.is_not_null()).then(text)
    else:
        text = text_form(cells, dtype)
    return _evaluated(column, text)


def _leaves(dtype: pl.DataType) -> Iterator[pl.DataType]:
    """The types that a nested one is made of; a struct without fields is one."""
    if isinstance(dtype, pl.List | pl.Array):
        yield from _leaves(dtype.inner)  # type: ignore[arg-type]
    elif isinstance(dtype, pl.Struct) and dtype.fields:
        for each in dtype.fields:
            yield from _leaves(each.dtype)  # type: ignore[arg-type]
    else:
        yield dtype


def _beyond_parquet(dtype: pl.DataType) -> bool:
    return any(leaf == pl.Object or isinstance(leaf, pl.Struct) for leaf in _leaves(dtype))
