"""Which column of a table is probably what, by its name and by what its cells look like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from mbtoolkit.cleaning.headers import Header, read_header
from mbtoolkit.cleaning.looks import looks_of
from mbtoolkit.cleaning.targets import (
    FIELD_TARGETS,
    LEAST_WORTH,
    NO_FIELDS,
    PROPERTY_TARGETS,
    Target,
    in_context,
    named_like,
    worth_of,
)
from mbtoolkit.contacts import OPT_INS, PROPERTIES_COLUMN, canonical_name, is_property_column
from mbtoolkit.errors import FrameError
from mbtoolkit.schemas.conform import is_unread_column

SUGGESTIONS: Final[dict[str, pl.DataType]] = {
    "source": pl.String(),
    "target": pl.String(),
    "confidence": pl.Float64(),
    "reason": pl.String(),
    "tied_with": pl.List(pl.String()),
}
"""The frame that `suggest_mapping` returns."""

_TIE: Final = 0.05
"""Columns whose confidence differs by less are equally good."""
_ENOUGH: Final = 0.9
"""With this share of its cells of the right form, a column is as good as any: the rest are slips."""
_NO_CELLS: Final = 0.8
"""What a name is worth where there is no cell to hold it against."""
_NEEDS_CELLS: Final = frozenset({"list_id", *OPT_INS})
"""Suggested only if the name says so and the cells bear it out."""

_BY_CELLS: Final = {"email": ("email", 0.6), "international": ("mobile_number", 0.5)}
"""What cells alone suggest, and how sure that makes it."""

_PLURALS: Final = {
    "email": "e-mail addresses",
    "international": "phone numbers with a calling code",
    "uuid": "uuids (a list_id only if the name says so)",
    "date": "dates",
    "yes_no": "answers of yes or no (consent is never guessed from cells)",
}
"""What cells may look like where the name says nothing, the most telling first."""

_LEFT: Final = "carried along, never sent"
_HIDDEN: Final = frozenset({"refusal", "secret", "fax", "somebody", "about", "landline"})
"""Ideas in a name that outweigh what the cells look like."""


_NO_CHANNEL: Final = ("consent", "marketing")
"""Ideas of which it is said that they don't tell the channel."""


@dataclass(slots=True)
class _Guess:
    """What a column is taken for: a target (None: nothing), how surely, and why."""

    target: str | None
    confidence: float
    reason: str


def suggest_mapping(frame: pl.DataFrame) -> pl.DataFrame:
    """What each column of a table probably is, to be looked over and handed to `read_contacts`.

    Names are read in English, Norwegian, Swedish, Danish, German, Spanish, French, and Hindi in Latin letters; cells by
    a sample. Consent is suggested only where the name speaks of it, for one channel, and the cells say yes or no.

    Args:
        frame: the table as it came, with all text as text where it was text.

    Returns:
        A line for each column, in its order: `source`; `target` (a field, `property:<name>`, or null where nothing
        fits); `confidence` from 0 to 1 (0 where there is no target); `reason`, in which no cell is quoted; and
        `tied_with`, the columns that fit the same target as well, so that none of them has it (null: no tie).

    Raises:
        FrameError: `frame` is no polars DataFrame.
    """
    if not isinstance(frame, pl.DataFrame):
        msg = (
            f"suggest_mapping takes a polars DataFrame, not a {type(frame).__name__}; pl.read_csv(..., "
            "infer_schema=False), pl.read_excel or pl.from_pandas makes one, and .collect() from a LazyFrame"
        )
        raise FrameError(msg)
    shares = looks_of(frame)
    headers = in_context({column: read_header(column) for column in frame.columns})
    guesses = {column: _guess(column, headers[column], shares[column]) for column in frame.columns}
    tied = _one_each(guesses)
    rows = [
        (column, guess.target, guess.confidence if guess.target else 0.0, guess.reason, tied.get(column))
        for column, guess in guesses.items()
    ]
    return pl.DataFrame(rows, schema=SUGGESTIONS, orient="row")


def mapping_of(suggested: pl.DataFrame, *, at_least: float = 0.5) -> dict[str, str]:
    """The suggestions that are taken, as `read_contacts(mapping=...)` takes them.

    What you know better goes on top: `mapping_of(suggested) | {"Epost": "email"}`.

    Args:
        suggested: what `suggest_mapping` returned.
        at_least: the confidence, from 0 to 1, below which a suggestion is left out.

    Raises:
        FrameError: a column of the suggestions is missing.
    """
    wanted = ("source", "target", "confidence")
    if not isinstance(suggested, pl.DataFrame) or not set(wanted) <= set(suggested.columns):
        msg = "mapping_of takes the frame that suggest_mapping returns: source, target, confidence"
        raise FrameError(msg)
    taken = suggested.filter(pl.col("target").is_not_null() & (pl.col("confidence") >= at_least))
    return dict(taken.select("source", "target").iter_rows())


def _guess(column: str, header: Header, shares: dict[str, float]) -> _Guess:
    """What one column is taken for, as if it were the only one."""
    canonical = canonical_name(column)
    if is_unread_column(column):
        return _Guess(None, 0.0, f"what an earlier reading could not convert; {_LEFT}")
    if canonical is not None and (is_property_column(canonical) or canonical == PROPERTIES_COLUMN):
        return _Guess(canonical, 1.0, "bears the name of what it is")
    guesses = sorted(_by_name(canonical, header, shares), key=lambda guess: -guess.confidence)
    if not header.ideas & _HIDDEN:
        guesses += _by_cells(shares)
    best = max(guesses, key=lambda guess: guess.confidence, default=None)
    if best is not None and best.confidence >= LEAST_WORTH:
        return best
    return _Guess(None, 0.0, _why_none(header, guesses, shares))


def _by_name(canonical: str | None, header: Header, shares: dict[str, float]) -> Iterator[_Guess]:
    """What the name speaks of, each held against the cells."""
    for target in (*FIELD_TARGETS, *PROPERTY_TARGETS):
        worth = worth_of(target, header) if canonical is None else float(canonical == target.name)
        if worth >= LEAST_WORTH:
            yield _judged(target, worth, named_like(target, canonical, header), shares)


def _judged(target: Target, worth: float, named: str, shares: dict[str, float]) -> _Guess:
    """What a name speaks of, held against the cells."""
    if target.look is None:
        return _Guess(target.name, round(worth, 2), named)
    if not shares:
        worth = 0.0 if target.name in _NEEDS_CELLS else worth * _NO_CELLS
        return _Guess(target.name, round(worth, 2), f"{named}; no cell is filled")
    share = shares[target.look]
    is_consent = target.name in OPT_INS
    worth = 0.0 if is_consent and share < _ENOUGH else worth * min(1.0, share / _ENOUGH)
    how = "say yes or no" if is_consent else "look like one"
    joint = ";" if worth >= LEAST_WORTH else ", but only"
    return _Guess(target.name, round(worth, 2), f"{named}{joint} {_percent(share)} of the cells {how}")


def _by_cells(shares: dict[str, float]) -> Iterator[_Guess]:
    """What the cells alone suggest: an e-mail address, a phone number; never consent."""
    for look, (target, sure) in _BY_CELLS.items():
        share = shares.get(look, 0.0)
        reason = f"{_percent(share)} of the cells look like {_PLURALS[look]}; the name does not say so"
        yield _Guess(target, round(sure * min(1.0, share / _ENOUGH), 2), reason)


def _why_none(header: Header, guesses: list[_Guess], shares: dict[str, float]) -> str:
    """Why a column is taken for nothing: what its name speaks of, or what its cells look like."""
    for ideas, why in NO_FIELDS:
        if set(ideas.split()) <= header.ideas and not (ideas in _NO_CHANNEL and _names_consent(header)):
            return f"{why}; {_LEFT}"
    named = next((guess.reason for guess in guesses if guess.reason.startswith(("named", "bears"))), None)
    if named is not None:
        return f"{named}; {_LEFT}"
    for look, plural in _PLURALS.items():
        if shares.get(look, 0.0) >= 0.5:
            return f"not named like a field; {_percent(shares[look])} of the cells look like {plural}; {_LEFT}"
    return f"not named like a field; {_LEFT}"


def _names_consent(header: Header) -> bool:
    """Whether the name speaks of consent for one channel."""
    return any(worth_of(target, header) >= LEAST_WORTH for target in FIELD_TARGETS if target.name in OPT_INS)


def _percent(share: float) -> str:
    return f"{int(share * 100)} %" if share > 0.99 else f"{share * 100:.0f} %"


def _one_each(guesses: dict[str, _Guess]) -> dict[str, list[str]]:
    """Leaves each target to the one column that fits it best, or to none where several fit as well.

    Returns:
        For each column of a tie, the others.
    """
    tied: dict[str, list[str]] = {}
    for target in {guess.target: None for guess in guesses.values() if guess.target is not None}:
        rivals = {column: guess for column, guess in guesses.items() if guess.target == target}
        best = max(guess.confidence for guess in rivals.values())
        equal = [column for column, guess in rivals.items() if round(best - guess.confidence, 2) < _TIE]
        for column, guess in rivals.items():
            if column not in equal:
                guess.target, guess.reason = None, f"{guess.reason}; another column fits {target} better"
            elif len(equal) > 1:
                guess.target, guess.reason = None, f"{guess.reason}; another column fits {target} as well: choose one"
                tied[column] = [other for other in equal if other != column]
    return tied
