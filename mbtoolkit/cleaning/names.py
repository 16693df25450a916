"""`normalize_name`: people's names in the case that people write them in."""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from mbtoolkit.cleaning.cells import Column, answered, as_text, each_once
from mbtoolkit.cleaning.texts import cleaned

_SMALL: Final = frozenset(
    [
        *("af", "av", "bin", "bint", "da", "das", "de", "del", "della", "den", "der", "des", "di", "do", "dos", "e"),
        *("ibn", "te", "ten", "ter", "van", "vom", "von", "y", "zu", "zum", "zur"),
    ]
)
"""Words within a name that begin small."""
_SMALL_IN_FRONT: Final = frozenset(
    ["af", "av", "das", "de", "den", "der", "dos", "ter", "van", "vom", "von", "zu", "zum", "zur"]
)
"""Those that begin small in front of a family name too."""
_ARTICLES: Final = frozenset(["la", "las", "le", "los"])
"""Small behind `de`."""
_NUMERALS: Final = frozenset(["ii", "iii", "iv", "vi", "vii", "viii"])
_MIXED: Final = r"\p{Lu}.*\p{Ll}|\p{Ll}.*\p{Lu}|\p{Lt}"
_OTHER_SCRIPT: Final = r"[\pL&&[^\p{Latin}]]|[\x{130}\x{131}]"
"""Letters of other scripts; and the Turkish i with and without its dot, which change otherwise than elsewhere."""
_PART: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_WITH_APOSTROPHE: Final = re.compile(r"^([^\W\d_])(['\u2019])([^\W\d_]{2,})$")
_VOWEL: Final = re.compile(r"[aeiouyæøåäöüéèêáíóú]")


def normalize_name(column: Column) -> Column:
    """Names that are written all in capitals or all small, with the capitals that they have (`O'Neil`, `van der Berg`).

    Names in mixed case, and in other scripts than the Latin one, stay as they are but for white space and invisible
    characters. `Mac...` is not guessed (`Macdonald`), for it may be a name like Macey.

    Args:
        column: names, as text.

    Returns:
        String column under the same name and of the same height; null where nothing could be seen.

    Raises:
        UsageError: the column has no text form.

    Example:
        >>> normalize_name(pl.Series(["ANNE-MARIE O'NEIL", "jan van der berg", "McDonald"])).to_list()
        ["Anne-Marie O'Neil", 'Jan van der Berg', 'McDonald']
    """
    return answered(column, _names, pl.String)


def _names(column: pl.Series) -> pl.Series:
    texts = cleaned(as_text(column))
    text = pl.col("text")
    monotone = text.str.contains(r"\pL\pM*\P{L}*\pL") & ~text.str.contains(_MIXED) & ~text.str.contains(_OTHER_SCRIPT)
    rows = texts.to_frame("text").select(monotone.fill_null(value=False)).to_series().arg_true()
    return texts.scatter(rows, each_once(texts.gather(rows), _cased, pl.String)) if len(rows) else texts


def _cased(name: str) -> str:
    """A name with the capitals that it has."""
    words = name.split(" ")
    cased = []
    for place, word in enumerate(words):
        small = word.lower()
        is_last = place == len(words) - 1
        if _is_small(words, place) and not is_last:
            cased.append(small)
        elif small in _NUMERALS and place:
            cased.append(small.upper())
        elif len(word) == 2 and word.isupper() and not _VOWEL.search(small):
            # Initials, as in JP Morgan.
            cased.append(word)
        else:
            cased.append(_PART.sub(lambda part: _part(part.group()), small))
    return " ".join(cased)


def _is_small(words: list[str], place: int) -> bool:
    small = words[place].lower()
    if place == 0:
        return small in _SMALL_IN_FRONT
    return small in _SMALL or (small in _ARTICLES and words[place - 1].lower() == "de")


def _part(small: str) -> str:
    """One part of a word, between hyphens and points."""
    apostrophe = _WITH_APOSTROPHE.match(small)
    if apostrophe:
        return apostrophe[1].upper() + apostrophe[2] + apostrophe[3].capitalize()
    if small.startswith("mc") and len(small) > 3:
        return "Mc" + small[2:].capitalize()
    return small[:1].title() + small[1:]
