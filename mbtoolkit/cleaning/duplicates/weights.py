"""How surely two rows are one person: agreement in each column, weighed as Fellegi and Sunter have it.

In each column two values are equal, close, near or different (or one is blank, which says nothing). A level weighs
log2(m / u): m is how often it is seen in two rows of one person, u how often in rows of two. For equal values u is the
value's own share of the column, so that a rare name says more than a common one; for the other levels it is counted in
pairs of rows drawn at random. m, and how many pairs there are of one person, are found by expectation maximisation, in
which only pairs that are sure by then count. A score is the probability that follows; nothing is learnt from answers.

Columns that go together (a city and its postal codes, the last name and the address of a household) would count twice.
So each pair of columns is held against chance: what more of their values meet in the frame than would if they were
independent, less what the people who are there twice explain, is taken off where both agree.

A column that says again what others say (a full name beside its parts) counts with what it says beyond them, or
instead of them (see `repeats`).

Two people can share a household: what its members have in common (last name, address, city, postal code) weighs at
most as much as would make it an even chance, so that something of the person's own has to speak for it as well.

Source: I. P. Fellegi, A. B. Sunter, "A Theory for Record Linkage", Journal of the American Statistical Association 64
(1969), for the weights; W. E. Winkler, "String Comparator Metrics and Enhanced Decision Rules in the Fellegi-Sunter
Model of Record Linkage" (1990), for levels of agreement.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cpdist

from mbtoolkit.cleaning.duplicates.blocks import Flags, Pairs
from mbtoolkit.cleaning.duplicates.columns import PARTS, Compared

Numbers = NDArray[np.float64]
Levels = NDArray[np.int8]

BLANK: Final = -1
DIFFERENT, NEAR, CLOSE, EQUAL = range(4)
_LEVELS: Final = 4

_CLOSE_TEXT, _NEAR_TEXT = 0.92, 0.82
"""Jaro-Winkler similarity of two texts."""
_CLOSE_DIGITS, _NEAR_DIGITS = 1, 2
"""Digits that are wrong, missing, too many, or two neighbours in the wrong order."""
_SHORTEST_NEAR: Final = 6
"""Digits that a number must have for two wrong ones to leave anything of it."""

_M: Final = np.array([0.08, 0.04, 0.13, 0.75])
"""What is expected of two rows of one person before anything is known: different, near, close, equal."""
_M_WORTH: Final = 10.0
"""Pairs of one person that this expectation is worth."""
_DUPLICATES: Final = 0.1
"""Rows that are expected to have a double."""
_ROUNDS: Final = 12
_SAMPLE: Final = 100_000
"""Pairs that probabilities are learnt from."""
_ROWS_TRIED: Final = 5_000
"""Rows by which it is told how much the columns tell."""
_HOPELESS: Final = -10.0
"""Logarithm of the odds (base 2) below which no pair is looked at, whatever its values turn out to be like."""
_LEAST: Final = 1e-4
"""How often a level is seen by chance, at least: fewer can't be counted in a sample."""
_CERTAIN: Final = 52.0
"""Logarithm of odds (base 2) from which a probability can't be told from 1."""
_SURE: Final = 0.9
"""Pairs less probable than this teach nothing: those that agree by chance are many, and would pass for doubles."""
_LEAST_BITS: Final = 0.5
"""What two columns have in common less than this is chance."""
_SLACK: Final = 2.0
"""How much more than expected people who are there twice may explain."""


class Weights:
    """The weights of a frame's columns, learnt from the frame itself.

    Attributes:
        columns: what rows are compared by.
        prior: logarithm (base 2) of the odds that two rows are one person, before they are looked at.
    """

    __slots__ = ("_expected", "_m", "_meetings", "_rarities", "_together", "_total", "_u", "columns", "prior")

    def __init__(self, columns: Sequence[Compared]) -> None:
        self.columns = columns
        rows = len(columns[0].codes)
        self._total = max(1.0, rows * (rows - 1) / 2)
        self._expected = _DUPLICATES * rows / self._total
        self.prior = float(np.log2(self._expected))
        self._m = np.tile(_M, (len(columns), 1))
        self._u = _chances(columns, self._total)
        self._rarities = [np.log2(column.shares) for column in columns]
        self._meetings = {
            (one, other): _meetings(columns[one], columns[other]) for one, other in combinations(range(len(columns)), 2)
        }
        self._together = self._go_together()

    def hopeful(self, pairs: Pairs, least: float = _HOPELESS) -> Flags:
        """Which pairs could be of one person, if all values that differ were as alike as can be.

        Args:
            pairs: the rows.
            least: logarithm (base 2) of the odds that they must be able to reach.
        """
        weights = np.zeros((2, len(pairs[0])))
        equal: list[Flags] = []
        silent = _silent(self.columns, pairs)
        for place, column in enumerate(self.columns):
            left, right = column.codes[pairs[0]], column.codes[pairs[1]]
            best = self._weights(place)[:EQUAL].max()
            is_blank = (left < 0) | (right < 0)
            if place in silent:
                is_blank |= silent[place]
            is_equal = (left == right) & ~is_blank
            weight = np.where(is_equal, self._equal(place, left), best)
            weight[is_blank] = 0.0
            weights[int(column.is_shared)] += weight - self._counted(place, equal, is_equal)
            equal.append(is_equal)
        return self._odds(weights) >= least

    def levels(self, pairs: Pairs) -> Levels:
        """How far each pair agrees in each column: one line for each pair."""
        levels = np.full((len(pairs[0]), len(self.columns)), BLANK, dtype=np.int8)
        for place, column in enumerate(self.columns):
            levels[:, place] = _column_levels(column, pairs)
        _mark_swapped(self.columns, pairs, levels)
        for place, flags in _silent(self.columns, pairs).items():
            levels[flags, place] = BLANK
        return levels

    def odds(self, pairs: Pairs, levels: Levels) -> Numbers:
        """Logarithm (base 2) of the odds that the rows of each pair are one person."""
        weights = np.zeros((2, len(levels)))
        is_equal = levels == EQUAL
        before: list[Flags] = []
        for place, column in enumerate(self.columns):
            level = levels[:, place]
            weight = np.append(self._weights(place)[:EQUAL], [0.0, 0.0])[level]
            equal = np.flatnonzero(is_equal[:, place])
            weight[equal] = self._equal(place, column.codes[pairs[0][equal]])
            weights[int(column.is_shared)] += weight - self._counted(place, before, is_equal[:, place])
            before.append(is_equal[:, place])
        return self._odds(weights)

    def recognised(self, least: float) -> tuple[float, float]:
        """Of what share of the rows a double would be known: a copy, and a copy with a slip in one column.

        That is how much the columns tell, whether anybody is there twice or not; so it is held against as many doubles
        as are expected before anything is known.

        Args:
            least: logarithm (base 2) of the odds that a pair must reach.
        """
        rows = len(self.columns[0].codes)
        some = np.arange(0, rows, max(1, rows // _ROWS_TRIED))
        same = np.column_stack([np.where(column.codes[some] >= 0, EQUAL, BLANK) for column in self.columns])
        for place, flags in _silent(self.columns, (some, some)).items():
            same[flags, place] = BLANK
        lacking = self.prior - float(np.log2(self._expected))
        copies = self.odds((some, some), same.astype(np.int8)) - lacking >= least
        slips, tried = 0, 0
        for place in range(len(self.columns)):
            filled = same[:, place] == EQUAL
            slipped = same[filled].astype(np.int8)
            slipped[:, place] = CLOSE
            slips += int((self.odds((some[filled], some[filled]), slipped) - lacking >= least).sum())
            tried += len(slipped)
        return float(copies.mean()), slips / max(1, tried)

    def learn(self, pairs: Pairs, levels: Levels, worth: float) -> None:
        """Finds m and the prior by expectation maximisation.

        Args:
            pairs: a sample of the pairs that could be of one person; the others are taken not to be.
            levels: how far they agree.
            worth: how many pairs each of the sample stands for.
        """
        for _ in range(_ROUNDS):
            chance = probability(self.odds(pairs, levels))
            chance[chance < _SURE] = 0.0
            found = float(chance.sum()) * worth
            self.prior = float(np.log2((found + 1.0) / self._total))
            for place in range(len(self.columns)):
                level = levels[:, place]
                filled = level >= 0
                seen = np.bincount(level[filled], weights=chance[filled], minlength=_LEVELS)
                self._m[place] = (seen + _M_WORTH * _M) / (seen.sum() + _M_WORTH)
            self._together = self._go_together()

    def _odds(self, weights: Numbers) -> Numbers:
        """The odds for what a pair's own columns weigh (first line) and those that a household shares (second)."""
        own, shared = weights
        if all(column.is_shared for column in self.columns):
            return np.asarray(self.prior + shared)
        return np.asarray(self.prior + own + np.minimum(shared, max(0.0, -self.prior)))

    def _counted(self, place: int, before: Sequence[Flags], is_equal: Flags) -> Numbers:
        """What the agreement of a column has weighed already, with that of the columns before it."""
        counted = np.zeros(len(is_equal))
        for other, bits in self._together[place]:
            both = before[other] & is_equal
            counted[both] = np.maximum(counted[both], bits)
        return counted

    def _go_together(self) -> list[list[tuple[int, float]]]:
        """For each column those before it that it goes together with, and what that takes off (bits)."""
        together: list[list[tuple[int, float]]] = [[] for _ in self.columns]
        # Too few at first would make doubles look like columns that go together, and then find even fewer.
        share = max(2.0**self.prior, self._expected)
        for (one, other), (pairs, both, alone) in self._meetings.items():
            m = self._m[[one, other], EQUAL]
            by_chance = np.maximum(alone / pairs - share * m, 1 / pairs).prod() * pairs
            bits = np.log2(max(both - _SLACK * share * pairs * m.prod(), by_chance) / by_chance)
            if bits > _LEAST_BITS:
                together[other].append((one, float(bits)))
        return together

    def _weights(self, place: int) -> Numbers:
        return np.asarray(np.log2(self._m[place] / self._u[place]))

    def _equal(self, place: int, codes: NDArray[np.int32]) -> Numbers:
        """What values of a column weigh if two rows have them."""
        return np.asarray(np.log2(self._m[place, EQUAL]) - self._rarities[place][codes])


def _silent(columns: Sequence[Compared], pairs: Pairs) -> dict[int, Flags]:
    """By place of a column: for each pair whether it is not to count, as others say the same."""
    silent: dict[int, Flags] = {}
    nobody = np.zeros(len(pairs[0]), dtype=np.bool_)
    for place, column in enumerate(columns):
        if column.is_accounted is None:
            continue
        left, right = pairs
        is_whole = ~(column.is_accounted[left] & column.is_accounted[right])
        is_whole &= (column.codes[left] >= 0) & (column.codes[right] >= 0)
        silent[place] = silent.get(place, nobody) | ~is_whole
        for other in column.instead_of:
            silent[other] = silent.get(other, nobody) | is_whole
    return silent


def odds_of(chance: float) -> float:
    """The logarithm (base 2) of the odds for a probability above 0."""
    return float(np.log2(chance) - np.log2(1 - chance)) if chance < 1 else _CERTAIN


def _meetings(one: Compared, other: Compared) -> tuple[float, float, Numbers]:
    """Pairs of rows with values in both columns; those that agree in both; and those that agree in each."""
    filled = (one.codes >= 0) & (other.codes >= 0)
    first, second = one.codes[filled].astype(np.int64), other.codes[filled]
    both = np.unique(first * len(other.values) + second, return_counts=True)[1]
    alone = [_pairs_in(np.bincount(codes)) for codes in (first, second)]
    return max(1.0, _pairs_in(np.array([len(first)]))), _pairs_in(both), np.array(alone)


def _pairs_in(counts: NDArray[np.int64]) -> float:
    counts = counts.astype(np.float64)
    return float((counts * (counts - 1)).sum() / 2)


def probability(odds: Numbers) -> Numbers:
    """Probabilities for logarithms (base 2) of odds."""
    chance: Numbers = 1.0 / (1.0 + np.exp2(-np.clip(odds, -500.0, 500.0)))
    return chance


def _chances(columns: Sequence[Compared], total: float) -> Numbers:
    """u: how often each level is seen in pairs of rows drawn at random, by column."""
    rows = len(columns[0].codes)
    drawn = np.random.default_rng(0).integers(0, rows, (2, min(_SAMPLE, int(total) * 2)))
    left, right = drawn[:, drawn[0] != drawn[1]]
    chances = np.empty((len(columns), _LEVELS))
    for place, column in enumerate(columns):
        level = _column_levels(column, (left, right))
        seen = np.bincount(level[level >= 0], minlength=_LEVELS) + 0.5
        chances[place] = np.maximum(seen / seen.sum(), _LEAST)
    return chances


def _column_levels(column: Compared, pairs: Pairs) -> Levels:
    left, right = column.codes[pairs[0]], column.codes[pairs[1]]
    levels = np.where(left == right, EQUAL, DIFFERENT).astype(np.int8)
    levels[(left < 0) | (right < 0)] = BLANK
    unequal = np.flatnonzero(levels == DIFFERENT)
    if not len(unequal):
        return levels
    one, other = column.values[left[unequal]], column.values[right[unequal]]
    if column.is_digits:
        apart = cpdist(one, other, scorer=OSA.distance, score_cutoff=_NEAR_DIGITS, dtype=np.int32, workers=-1)
        close = apart <= _CLOSE_DIGITS
        near = (apart <= _NEAR_DIGITS) & (column.lengths[left[unequal]] >= _SHORTEST_NEAR)
    else:
        scorer = JaroWinkler.similarity
        alike = cpdist(one, other, scorer=scorer, score_cutoff=_NEAR_TEXT, dtype=np.float32, workers=-1)
        close, near = alike >= _CLOSE_TEXT, alike >= _NEAR_TEXT
    levels[unequal] = np.where(close, CLOSE, np.where(near, NEAR, DIFFERENT))
    return levels


def _mark_swapped(columns: Sequence[Compared], pairs: Pairs, levels: Levels) -> None:
    """Takes a first and a last name that stand in each other's place for close."""
    places = {column.part: place for place, column in enumerate(columns) if column.part}
    if len(places) < len(PARTS):
        return
    first, last = (columns[places[part]] for part in PARTS)
    both = np.flatnonzero(np.all((levels[:, list(places.values())] == DIFFERENT), axis=1))
    left, right = pairs[0][both], pairs[1][both]
    is_swapped = (first.values[first.codes[left]] == last.values[last.codes[right]]) & (
        last.values[last.codes[left]] == first.values[first.codes[right]]
    )
    for place in places.values():
        levels[both[is_swapped], place] = CLOSE
