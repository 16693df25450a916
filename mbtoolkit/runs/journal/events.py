"""What the log is made of: a word, the rows it is about, and a JSON text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import index
from typing import TypeAlias, overload

from mbtoolkit.errors import JournalError

RowsLike: TypeAlias = Sequence[int] | range
"""Positions of rows, ascending or not."""


@dataclass(frozen=True, slots=True)
class RowSpans(Sequence[int]):
    """Positions of rows in their order, kept as spans of neighbours: a batch of 1,000 costs what one row costs.

    Attributes:
        spans: each a range that goes up or down by one.
    """

    spans: tuple[range, ...]

    @classmethod
    def of(cls, rows: RowsLike) -> RowSpans:
        """The same positions, in the same order.

        Raises:
            JournalError: one of them is no whole number, or is negative.
        """
        if isinstance(rows, RowSpans):
            return rows
        if isinstance(rows, range) and (len(rows) < 2 or abs(rows.step) == 1):
            spans = [_span(rows[0], rows[-1])] if rows else []
        else:
            spans = list(_spans(rows))
        if any(min(span[0], span[-1]) < 0 for span in spans):
            message = "Rows are counted from 0; a negative position can't be kept in the journal."
            raise JournalError(message)
        return cls(tuple(spans))

    @classmethod
    def from_text(cls, text: str) -> RowSpans:
        """The rows that `to_text` wrote.

        Raises:
            ValueError: it is no such text.
        """
        return cls(tuple(_span_of(part) for part in text.split(",")) if text else ())

    def to_text(self) -> str:
        """The rows as text, such as `0-999,1003,7-5`."""
        return ",".join(f"{span[0]}-{span[-1]}" if len(span) > 1 else str(span[0]) for span in self.spans)

    def __len__(self) -> int:
        return sum(map(len, self.spans))

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(self.spans)

    def __contains__(self, row: object) -> bool:
        return any(row in span for span in self.spans)

    @overload
    def __getitem__(self, at: int) -> int: ...
    @overload
    def __getitem__(self, at: slice) -> RowSpans: ...
    def __getitem__(self, at: int | slice) -> int | RowSpans:
        if isinstance(at, slice):
            return RowSpans.of(tuple(self)[at])
        place = at if at >= 0 else at + len(self)
        if place >= 0:
            for span in self.spans:
                if place < len(span):
                    return span[place]
                place -= len(span)
        message = "no such row"
        raise IndexError(message)


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the log.

    Attributes:
        kind: a word.
        rows: the positions it is about.
        data: JSON text.
    """

    kind: str
    rows: RowSpans
    data: str = field(repr=False)


def _span(first: int, last: int) -> range:
    return range(first, last + 1) if first <= last else range(first, last - 1, -1)


def _span_of(text: str) -> range:
    first, dash, last = text.partition("-")
    return _span(int(first), int(last if dash else first))


def _spans(rows: Iterable[int]) -> Iterator[range]:
    """Neighbours taken together, as long as they go one way."""
    try:
        positions = map(index, rows)
        first = last = next(positions)
        step = 0
        for row in positions:
            if abs(row - last) == 1 and step in {0, row - last}:
                last, step = row, row - last
                continue
            yield _span(first, last)
            first = last = row
            step = 0
    except StopIteration:
        return
    except TypeError:
        message = "Rows are positions, whole numbers from 0 on; something else can't be kept in the journal."
        raise JournalError(message) from None
    yield _span(first, last)
