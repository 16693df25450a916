"""Pairs of rows that are probably one person, by what they hold in the compared columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from mbtoolkit.cleaning.duplicates.blocks import Blocks, Pairs, Rows
from mbtoolkit.cleaning.duplicates.columns import Compared
from mbtoolkit.cleaning.duplicates.weights import Levels, Numbers, Weights, odds_of, probability

_SAMPLE: Final = 100_000
"""Pairs that weights are learnt from, more or less."""
_LARGE_SAMPLE: Final = 500_000
"""As many where the pairs that are drawn are some of many more, of which fewer are of one person."""
_MIX: Final = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))
_MOST: Final = 5_000_000
"""Pairs that wait for a closer look at most: 80 MB."""
_CHUNK: Final = 1_000_000
"""Pairs that are looked at closely at once."""
_NO_ROWS: Final[Rows] = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Links:
    """Pairs of rows that are probably one person.

    Attributes:
        pairs: the rows, the smaller first.
        levels: how far each pair agrees in each column.
        scores: how probable it is that they are one person.
        cut_rows: rows that were not compared with all that they might have been.
        limit: rows of a block above which it is cut.
        cut_depth: columns in which the rows of such a block agree.
    """

    pairs: Pairs
    levels: Levels
    scores: Numbers
    cut_rows: int
    limit: int
    cut_depth: int


def find_links(weights: Weights, threshold: float, *, most: int = _MOST) -> Links:
    """The pairs that reach a threshold.

    Args:
        weights: knows the compared columns, and learns here what they weigh.
        threshold: probability from 0 to 1.
        most: pairs that wait for a closer look at most; of more than that only some are learnt from.
    """
    firsts, copies = _copies(weights.columns)
    blocks = Blocks([replace(column, codes=column.codes[firsts]) for column in weights.columns])
    found: list[tuple[Pairs, Levels, Numbers]] = []
    drawn, worth = _drawn(weights, firsts, copies, blocks, most)
    _learn(weights, drawn, worth)
    for pairs in [drawn] if worth == 1 else _hopeful(weights, firsts, copies, blocks, odds_of(threshold), most):
        found += _judged(weights, pairs, threshold)
    pairs, levels, scores = _joined(found, len(weights.columns))
    return Links(pairs, levels, scores, blocks.cut_rows, blocks.limit, blocks.depth)


def _copies(columns: Sequence[Compared]) -> tuple[Rows, Pairs]:
    """The first row of each that differ in any column, and the others with the first that they are the same as."""
    codes = np.column_stack([column.codes for column in columns])
    filled = np.flatnonzero((codes >= 0).any(axis=1))
    _, first, inverse = np.unique(codes[filled], axis=0, return_index=True, return_inverse=True)
    first_of = filled[first[inverse.reshape(-1)]]
    is_copy = first_of != filled
    return np.sort(filled[first]), (first_of[is_copy], filled[is_copy])


def _drawn(weights: Weights, firsts: Rows, copies: Pairs, blocks: Blocks, most: int) -> tuple[Pairs, int]:
    """Pairs that deserve a closer look: all of them, or by chance one of so many that they can be held at once.

    What is learnt from some columns' blocks alone would be wrong of the others: in blocks of one first name, no slip in
    a first name is seen.

    Returns:
        The pairs, no pair twice, and how many each stands for.
    """
    worth = 1
    batch, height = [copies], len(copies[0])
    for left, right in blocks.pairs():
        pairs = _some((firsts[left], firsts[right]), worth)
        keep = weights.hopeful(pairs)
        batch.append((pairs[0][keep], pairs[1][keep]))
        height += len(batch[-1][0])
        while height > most:
            drawn = _distinct(batch)
            if len(drawn[0]) > most // 2:
                worth *= 2
                drawn = _some(drawn, worth)
            batch, height = [drawn], len(drawn[0])
    return _distinct(batch), worth


def _some(pairs: Pairs, worth: int) -> Pairs:
    """One of so many pairs, the same ones each time."""
    if worth == 1:
        return pairs
    mixed = pairs[0].astype(np.uint64) * _MIX[0] ^ pairs[1].astype(np.uint64) * _MIX[1]
    keep = (mixed >> np.uint64(32)) % np.uint64(worth) == 0
    return pairs[0][keep], pairs[1][keep]


def _hopeful(weights: Weights, firsts: Rows, copies: Pairs, blocks: Blocks, least: float, most: int) -> Iterator[Pairs]:
    """The pairs that could reach some odds, no pair twice in a batch."""
    batch, height = [copies], len(copies[0])
    for left, right in blocks.pairs():
        pairs = firsts[left], firsts[right]
        keep = weights.hopeful(pairs, least)
        batch.append((pairs[0][keep], pairs[1][keep]))
        height += len(batch[-1][0])
        if height > most:
            yield _distinct(batch)
            batch, height = [], 0
    yield _distinct(batch)


def _distinct(batch: list[Pairs]) -> Pairs:
    if not batch:
        return _NO_ROWS, _NO_ROWS
    both = (np.concatenate([left for left, _ in batch]) << 32) | np.concatenate([right for _, right in batch])
    # numpy's own unique goes by hashes here, and takes eight times as long.
    both.sort()
    both = both[np.append(True, both[1:] != both[:-1])[: len(both)]]
    return both >> 32, both & 0xFFFFFFFF


def _learn(weights: Weights, pairs: Pairs, worth: int) -> None:
    step = max(1, len(pairs[0]) // (_SAMPLE if worth == 1 else _LARGE_SAMPLE))
    sample = pairs[0][::step], pairs[1][::step]
    weights.learn(sample, weights.levels(sample), step * worth)


def _judged(weights: Weights, pairs: Pairs, threshold: float) -> Iterator[tuple[Pairs, Levels, Numbers]]:
    least = odds_of(threshold)
    for start in range(0, len(pairs[0]), _CHUNK):
        left, right = pairs[0][start : start + _CHUNK], pairs[1][start : start + _CHUNK]
        hopeful = weights.hopeful((left, right), least)
        chunk = left[hopeful], right[hopeful]
        levels = weights.levels(chunk)
        odds = weights.odds(chunk, levels)
        keep = odds >= least
        yield (chunk[0][keep], chunk[1][keep]), levels[keep], probability(odds[keep])


def _joined(found: list[tuple[Pairs, Levels, Numbers]], width: int) -> tuple[Pairs, Levels, Numbers]:
    left = np.concatenate([pairs[0] for pairs, _, _ in found] or [_NO_ROWS])
    right = np.concatenate([pairs[1] for pairs, _, _ in found] or [_NO_ROWS])
    levels = np.concatenate([each for _, each, _ in found] or [np.empty((0, width), dtype=np.int8)])
    scores = np.concatenate([each for _, _, each in found] or [np.empty(0)])
    once = np.unique((left << 32) | right, return_index=True)[1]
    return (left[once], right[once]), levels[once], scores[once]
