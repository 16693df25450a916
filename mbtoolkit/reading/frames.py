"""Frames of other libraries as polars frames."""

from __future__ import annotations

from typing import Any

import polars as pl

from mbtoolkit.errors import SourceError
from mbtoolkit.reading.tables import Table
from mbtoolkit.reading.values import Cell, cell_of_value, frame_of_cells


def load_frame(source: Any) -> Table:
    """The table in a polars, pandas or Arrow frame.

    Raises:
        SourceError: it is no frame, or one that polars can't hold.
    """
    if isinstance(source, pl.DataFrame):
        return Table(source)
    if isinstance(source, pl.LazyFrame):
        return _from_lazy(source)
    if hasattr(source, "to_frame") and not hasattr(source, "columns"):
        msg = f"a {type(source).__name__} is one column, not a table: give {type(source).__name__}.to_frame()"
        raise SourceError(msg)
    if type(source).__module__.split(".")[0] == "pandas" and hasattr(source, "columns"):
        return _from_pandas(source)
    if hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__"):
        return _from_arrow(source)
    msg = (
        f"a {type(source).__name__} is no table: give a path, bytes, or a polars, pandas or Arrow frame "
        "(for a list of dicts: pl.DataFrame(rows, infer_schema_length=None))"
    )
    raise SourceError(msg)


def _from_lazy(source: pl.LazyFrame) -> Table:
    """Raises:
    SourceError: it fails when it is collected.
    """
    try:
        return Table(source.collect())
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        # The error's own text may quote cells; its class does not.
        msg = f"the LazyFrame fails when it is collected ({type(error).__name__}): .collect() it in a cell, and mend it"
        raise SourceError(msg) from None


def _from_arrow(source: Any) -> Table:
    """Raises:
    SourceError: polars can't hold it.
    """
    try:
        return Table(pl.DataFrame(source))
    except pl.exceptions.DuplicateError:
        msg = "two columns of the Arrow table have one name; rename one"
        raise SourceError(msg) from None
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError, TypeError) as error:
        msg = f"the Arrow table can't be held by polars ({type(error).__name__}): cast its columns to simpler types"
        raise SourceError(msg) from None


def _from_pandas(source: Any) -> Table:
    """A pandas frame; columns that mix types become text, for Arrow can't hold them.

    Raises:
        SourceError: two columns have one name.
    """
    names = [str(column) for column in source.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        msg = f"columns of the pandas frame have one name: {', '.join(map(repr, twice))}; rename all but one"
        raise SourceError(msg)
    columns = {name: source.iloc[:, place] for place, name in enumerate(names)}
    typed = {name: _typed(column) for name, column in columns.items()}
    mixed, unread = frame_of_cells({name: _cells(column) for name, column in columns.items() if typed[name] is None})
    frame = pl.DataFrame({name: mixed[name] if series is None else series for name, series in typed.items()})
    indexed = any(name is not None for name in source.index.names)
    notes = ["the index was left out; .reset_index() makes it a column"] if indexed else []
    return Table(frame, notes, unread=unread)


def _typed(column: Any) -> pl.Series | None:
    """A pandas column as it is; None where polars can't hold its type."""
    if column.dtype == object:
        return None
    try:
        typed: Any = pl.from_pandas(column)
    except (
        ImportError,
        NotImplementedError,
        TypeError,
        ValueError,
        pl.exceptions.PolarsError,
        pl.exceptions.PanicException,
    ):
        return None  # a type that Arrow does not know (periods, complex numbers), or text that is no Unicode
    return typed if isinstance(typed, pl.Series) else None


def _cells(column: Any) -> list[Cell]:
    """The cells of a column that mixes types; what pandas counts as missing is."""
    return [
        (None, None) if missing else cell_of_value(value) for value, missing in zip(column, column.isna(), strict=True)
    ]
