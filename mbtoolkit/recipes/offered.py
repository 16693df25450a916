"""The repairs that a column can be offered, one click each."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

import phonenumbers
import polars as pl

from mbtoolkit.cleaning.entering import CODE, NUMBER
from mbtoolkit.cleaning.headers import read_header
from mbtoolkit.cleaning.shown import shown_texts
from mbtoolkit.contacts import BY_NAME, OPT_INS, PROPERTY_NAME_PREFIX, is_contact_column, label_of
from mbtoolkit.recipes.columns import (
    CleanText,
    FixMojibake,
    NormalizeCountry,
    NormalizeDate,
    NormalizeEmail,
    NormalizeName,
    NormalizeNumber,
    NormalizeOptIn,
    NormalizePhone,
)
from mbtoolkit.recipes.step import Step
from mbtoolkit.schemas.conform import NO_WORDS, YES_WORDS, is_unread_column
from mbtoolkit.schemas.texts import unless_blank

Offers = list[tuple[str, Step]]

_COUNTRIES: Final = 3
"""Countries that are offered for phone numbers in local form: those of the most rows."""
_WORDS: Final = 5
"""Unread words of consent that are offered to be a yes or a no."""
_LONGEST_WORD: Final = 30
_COUNTRY: Final = r"^\s*[A-Za-z]{2}\s*$"


def offered_steps(contacts: pl.DataFrame, column: str) -> Offers:
    """The steps that make sense for a column, each with what to write on its button.

    Args:
        contacts: a contacts frame.
        column: the name of one of its columns.
    """
    if column == "email":
        return _for_emails(column)
    if column == NUMBER:
        return _for_phones(contacts, column) if _has_unread(contacts, column) else []
    if column in OPT_INS:
        return _for_consent(contacts, column)
    is_other_field = column in BY_NAME or (column.startswith("property") and not is_contact_column(column))
    if is_other_field or is_unread_column(column) or contacts.schema[column] != pl.String:
        return []
    ideas = read_header(column.removeprefix(PROPERTY_NAME_PREFIX)).ideas
    mojibake: Offers = [("Wrong encoding mended (BjÃ¸rn)", FixMojibake(column))] if find_spec("ftfy") else []
    return [
        *(_for_emails(column) if "email" in ideas else []),
        *(_for_phones(contacts, column) if holds_phones(column) else []),
        ("White space and invisible characters tidied", CleanText(column)),
        *mojibake,
        ("Capitals of names (O’Neil, van der Berg)", NormalizeName(column)),
        ("Countries as two letters (NO)", NormalizeCountry(column)),
        ("Dates, day first (31.3.2026), as 2026-03-31", NormalizeDate(column, "dmy")),
        ("Dates, month first (3/31/2026), as 2026-03-31", NormalizeDate(column, "mdy")),
        ("Numbers with a comma (1 234,50) as 1234.50", NormalizeNumber(column, ",")),
        ("Numbers with a point (1,234.50) as 1234.50", NormalizeNumber(column, ".")),
    ]


def holds_phones(column: str) -> bool:
    """Whether a column is for phone numbers, by its name.

    Args:
        column: of a contacts frame.
    """
    if is_unread_column(column) or (column in BY_NAME and column != NUMBER):
        return False
    return column == NUMBER or bool(read_header(column.removeprefix(PROPERTY_NAME_PREFIX)).ideas & {"phone", "mobile"})


def _for_emails(column: str) -> Offers:
    return [
        ("Usual form", NormalizeEmail(column)),
        ("Usual form, and typing errors in large providers’ names mended", NormalizeEmail(column, fix_typos=True)),
    ]


def _for_phones(contacts: pl.DataFrame, column: str) -> Offers:
    """Countries for the numbers in local form: by a column that holds them, and those of most of the other numbers."""
    by_column: Offers = [
        (f"Numbers without a country code: as {label_of(name)} says", NormalizePhone(column, name))
        for name in contacts.columns
        if _holds_countries(contacts, name)
    ]
    return by_column + [
        (f"Numbers without a country code are of {region} (+{code})", NormalizePhone(column, region))
        for code, region in _regions(contacts)
    ]


def _holds_countries(contacts: pl.DataFrame, name: str) -> bool:
    ideas = read_header(name.removeprefix(PROPERTY_NAME_PREFIX)).ideas
    if name in BY_NAME or contacts.schema[name] != pl.String or not {"country"} <= ideas <= {"country", "code"}:
        return False
    # Under another name, for polars takes names such as `^x$` for patterns of names.
    return bool(contacts.get_column(name).alias("country").str.contains(_COUNTRY).any())


def _regions(contacts: pl.DataFrame) -> list[tuple[int, str]]:
    """The calling codes of the most rows, each with the country that it is of first of all."""
    if CODE not in contacts.columns:
        return []
    counts = contacts.get_column(CODE).drop_nulls().value_counts().sort("count", CODE, descending=[True, False])
    named = ((code, phonenumbers.region_code_for_country_code(code)) for code in counts[CODE].head(_COUNTRIES))
    return [(code, region) for code, region in named if len(region) == 2 and region.isalpha()]


def _for_consent(contacts: pl.DataFrame, column: str) -> Offers:
    """Each unread word as a yes and as a no, those of the most rows first."""
    texts = shown_texts(contacts, column).filter(contacts.get_column(column).is_null()).alias("word")
    words = texts.to_frame().select(unless_blank(pl.col("word").str.strip_chars().str.to_lowercase()))
    counts = words.drop_nulls().filter(pl.col("word").str.len_chars() <= _LONGEST_WORD).to_series().value_counts()
    offers: Offers = []
    for word in counts.sort("count", "word", descending=[True, False])["word"].head(_WORDS):
        offers.append((f"“{word}” is a no", NormalizeOptIn(column, no=[*NO_WORDS, word])))
        offers.append((f"“{word}” is a yes", NormalizeOptIn(column, yes=[*YES_WORDS, word])))
    return offers


def _has_unread(contacts: pl.DataFrame, column: str) -> bool:
    return bool((contacts.get_column(column).is_null() & shown_texts(contacts, column).is_not_null()).any())
