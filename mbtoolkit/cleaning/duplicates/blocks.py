"""Pairs of rows that are worth comparing: those that agree in a column, or in several where one is not enough."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mbtoolkit.cleaning.duplicates.columns import Compared

Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]
Pairs = tuple[Rows, Rows]
Key = tuple[int, ...]

_DEEPEST: Final = 4
"""Columns that rows are asked to agree in at most: a block that is too large even then is cut."""
_SMALLEST_LIMIT: Final = 50
_LARGEST_LIMIT: Final = 500
_ROWS_TIMES_LIMIT: Final = 500_000
"""Small frames are compared more thoroughly, as that costs little."""
_NEIGHBOURS: Final = 8
"""Rows after it that each row of a block that is too large is compared with all the same."""
_CHUNK: Final = 1_000_000
"""Pairs that are held at once, more or less."""


class Blocks:
    """Rows in blocks that agree in a column.

    A block that is too large is split by a second column, a third and a fourth, so that its rows are compared with
    those that agree in more. What is too large then is cut: each row meets only its neighbours in the order of the
    values. So there are never more pairs than `limit` times rows for each key that is tried.

    Attributes:
        limit: rows of the largest block in which each row is compared with each.
        depth: columns that rows are asked to agree in at most.
        cut_rows: rows of blocks that were cut; known when all pairs have been seen.
    """

    __slots__ = ("_columns", "_order", "_rows", "cut_rows", "depth", "limit")

    def __init__(self, columns: Sequence[Compared], limit: int | None = None) -> None:
        self._columns = columns
        self._rows = len(columns[0].codes) if columns else 0
        usual = int(np.clip(_ROWS_TIMES_LIMIT // max(1, self._rows), _SMALLEST_LIMIT, _LARGEST_LIMIT))
        self.limit = usual if limit is None else limit
        self.depth = min(_DEEPEST, len(columns))
        self.cut_rows = 0
        # The most telling column first, so that neighbours in a large block are as near as may be.
        by_distinct = sorted(columns, key=lambda column: len(column.values))
        self._order = np.lexsort([column.codes for column in by_distinct]) if columns else np.empty(0, dtype=np.int64)

    def pairs(self) -> Iterator[Pairs]:
        """Pairs of different rows, in chunks; a pair that agrees in several columns may come more than once."""
        large: dict[Key, Flags] = {(): np.ones(self._rows, dtype=np.bool_)}
        for depth in range(1, self.depth + 1):
            split: dict[Key, Flags] = {}
            for key in combinations(range(len(self._columns)), depth):
                parents = list(combinations(key, depth - 1))
                if any(parent not in large for parent in parents):
                    continue
                rows = self._order[np.logical_and.reduce([large[parent] for parent in parents])[self._order]]
                rows, ends = self._blocks(key, rows)
                reach = ends - np.arange(len(rows)) - 1
                is_large = _sizes(ends) > self.limit
                yield from _pairs_within(rows, np.where(is_large, np.minimum(reach, _NEIGHBOURS), reach))
                if is_large.any():
                    split[key] = np.zeros(self._rows, dtype=np.bool_)
                    split[key][rows[is_large]] = True
            large = split
        self.cut_rows = int(np.logical_or.reduce(list(large.values())).sum()) if large else 0

    def _blocks(self, key: Key, rows: Rows) -> Pairs:
        """The rows that have a value in each column of a key, block by block, and for each the end of its block."""
        code = np.zeros(len(rows), dtype=np.int64)
        for place in key:
            column = self._columns[place]
            codes = column.codes[rows]
            filled = codes >= 0
            rows, code, codes = rows[filled], code[filled], codes[filled]
            code = np.unique(code * len(column.values) + codes, return_inverse=True)[1]
        sort = np.argsort(code, kind="stable")
        code = code[sort]
        return rows[sort], np.searchsorted(code, code, side="right")


def _sizes(ends: Rows) -> Rows:
    """For each row the size of its block."""
    starts = np.searchsorted(ends, ends, side="left")
    return ends - starts


def _pairs_within(rows: Rows, reach: Rows) -> Iterator[Pairs]:
    """Each row with the next ones, as many as it reaches."""
    place = np.flatnonzero(reach > 0)
    counts = reach[place]
    for chunk in np.array_split(place, max(1, int(counts.sum()) // _CHUNK)) if len(place) else ():
        each = reach[chunk]
        left = np.repeat(chunk, each)
        first = np.repeat(np.cumsum(each) - each, each)
        right = left + 1 + np.arange(len(left)) - first
        one, other = rows[left], rows[right]
        yield np.minimum(one, other), np.maximum(one, other)
