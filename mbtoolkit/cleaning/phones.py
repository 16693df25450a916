"""Phone numbers as people write them, split into a country code and a national number.

What a number is, in every country, is libphonenumber's knowledge (the `phonenumbers` package); each distinct text is
parsed once.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import phonenumbers
import polars as pl
from phonenumbers import NumberParseException, PhoneNumber, ValidationResult

from mbtoolkit.errors import UsageError
from mbtoolkit.schemas.conform import unread_note

_SCIENTIFIC: Final = re.compile(r"^[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d+$")
_LAST_GROUP: Final = re.compile(r"(?P<whole>.*\d.*)(?P<mark>[.,\u066b\uff0e\uff0c])(?P<group>\d+)", re.DOTALL)
"""What stands before the last point or comma (Arabic and full-width ones too), and the digits after it."""
_LONG_WHOLE: Final = re.compile(r"(?:\+|00|(?!00))\d{9,}")
"""More digits in one piece than a calling code and an area code have together."""
_NEGATIVE: Final = re.compile(r"[-\u2010-\u2015\u2212\ufe63\uff0d]\d")
_EXTENSION: Final = re.compile(r"(?i)(?:ext(?:n|ension)?\.?|x|#|;ext=|int\.?|anexo|доб\.?)\s*\.?:?\s*\d{1,7}\s*$")
_SEVERAL: Final = re.compile(r"(?i)\s*(?:[/;|,]|\bor\b|\band\b|&)\s*")
_LETTER: Final = re.compile(r"[^\W\d_]")
_DIGITS: Final = re.compile(r"^[1-9][0-9]{0,14}$")
CALLING_CODE: Final = r"^\s*(?:\+|00)?\s*[1-9][0-9]{0,2}\s*$"
"""A calling code as people write it in a column of its own: `47`, `+47`, `0047`."""
_SHORTEST: Final = 6
"""Digits that each part of a cell must have for the cell to count as several numbers."""


class Phone(NamedTuple):
    """What became of one text: a code and a number, or the rule that it breaks."""

    code: int | None = None
    number: int | None = None
    rule: str | None = None


def calling_code(country: str) -> int:
    """The calling code of a country, such as 47 for `NO`.

    Args:
        country: ISO 3166-1 alpha-2 code, in either case.

    Raises:
        UsageError: no such country, or one without a calling code.
    """
    code = int(phonenumbers.country_code_for_region(country.strip().upper()))
    if code == 0:
        msg = f"{country!r} is no two-letter country code (ISO 3166-1), such as NO, SE or GB"
        raise UsageError(msg)
    return code


def split_phones(
    frame: pl.DataFrame, number: str, *, code: str | None = None, country: str | None = None
) -> pl.DataFrame:
    """Each distinct text parsed once, for a column of phones.

    Args:
        frame: holds the columns named by the other arguments.
        number: String column of phones, in international or local form.
        code: column of country calling codes as text (`47`, `+47`, `0047`), if there is one.
        country: column of two-letter country codes, used for local numbers without a calling code, if there is one.

    Returns:
        Same height and order: `mobile_country_code` (Int32), `mobile_number` (Int64), `note` (String, null where all
        is well: `<rule>: <text as found>`).
    """
    nothing = pl.lit(None, dtype=pl.String)
    keys = frame.select(
        pl.col(number).alias("text"),
        (pl.col(code).str.replace(r"^\s*(?:\+|00)", "").str.strip_chars() if code else nothing).alias("code"),
        (pl.col(country).str.strip_chars().str.to_uppercase() if country else nothing).alias("country"),
    )
    distinct = keys.unique(maintain_order=True)
    parsed = [read_phone(text, code, country) for text, code, country in distinct.iter_rows()]
    columns = {"mobile_country_code": pl.Int32, "mobile_number": pl.Int64, "rule": pl.String}
    answers = distinct.hstack(pl.DataFrame(parsed, schema=columns, orient="row"))
    joined = keys.join(answers, on=["text", "code", "country"], how="left", nulls_equal=True, maintain_order="left")
    note = pl.when(pl.col("rule").is_not_null()).then(unread_note(pl.col("rule"), pl.col("text")))
    return joined.select("mobile_country_code", "mobile_number", note.alias("note"))


def read_phone(text: str | None, code: str | None = None, country: str | None = None) -> Phone:
    """One phone number as a person wrote it.

    Args:
        text: the number; None gives nothing.
        code: calling code as digits, where a column of its own holds it.
        country: ISO 3166-1 alpha-2, for numbers in local form.

    Returns:
        The code and the number, or the rule that the text breaks (with the code, where one was given).

    Points and commas may group the digits (`06.12.34.56.78`, `170.123.45.67`, `0171.3920012`), or a program may have
    written a number as a decimal (`1701234567.00`, `1.701.234.567,5`), whose digits must not be joined to it. It is a
    decimal if its last point or comma is the only one of its kind, and what follows is one or two digits or nothing but
    zeros, or more than eight digits stand before it in one piece. Texts that could be either are refused.
    """
    given = int(code) if code and _DIGITS.match(code) and len(code) <= 3 else None
    if text is None or not text.strip():
        return Phone(code=given)
    wrong = _wrong_form(text)
    if wrong:
        return Phone(code=given, rule=wrong)
    region = _region(given, country)
    international = re.sub(r"^\s*00", "+", text.strip())
    if region is None and not international.startswith(("+", "\uff0b")):
        return _without_country(international, given, country)
    # A country's own prefix for calls abroad comes first (0011 in Australia); 00 is what most of the world dials.
    found = _parsed(text, region) or _parsed(international, region)
    return _judged(found, given) if found else Phone(code=given, rule="phone_unreadable")


def _parsed(text: str, region: str | None) -> PhoneNumber | None:
    """The number, if a number of that length can exist."""
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return None
    possible = phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE
    return number if possible else None


def _wrong_form(text: str) -> str | None:
    """The rule that a text breaks by its form alone."""
    bare = text.strip()
    if _SCIENTIFIC.match(bare):
        return "number_as_float"
    if _NEGATIVE.match(bare):
        return "out_of_range"
    parts = [part for part in _SEVERAL.split(text) if sum(char.isdigit() for char in part) >= _SHORTEST]
    if len(parts) > 1:
        return "phone_several"
    if _is_decimal(bare):
        return "number_as_float"
    if _EXTENSION.search(text):
        return "phone_extension"
    return "phone_unreadable" if _LETTER.search(text) else None


def _is_decimal(text: str) -> bool:
    """Whether the digits after the last point or comma are a fraction (see `read_phone`)."""
    found = _LAST_GROUP.fullmatch(text)
    if found is None or text.count(found["mark"]) > 1:
        return False
    group = found["group"]
    return len(group) <= 2 or not any(map(int, group)) or _LONG_WHOLE.fullmatch(found["whole"]) is not None


def _region(code: int | None, country: str | None) -> str | None:
    """The region whose local form applies: the country's, unless a calling code says otherwise."""
    known = country if country and phonenumbers.country_code_for_region(country) else None
    if code is None or (known and phonenumbers.country_code_for_region(known) == code):
        return known
    region = str(phonenumbers.region_code_for_country_code(code))
    return None if region in {"ZZ", "001"} else region


def _without_country(text: str, given: int | None, country: str | None) -> Phone:
    """A number of no known country: without a code it may be anybody's, with one its digits are taken as they are."""
    if given is None:
        return Phone(rule="country_unknown" if country and country.strip() else "country_code_missing")
    digits = re.sub(r"[\s().-]", "", text)
    return Phone(given, int(digits)) if _DIGITS.match(digits) else Phone(given, rule="phone_unreadable")


def _judged(parsed: PhoneNumber, given: int | None) -> Phone:
    """The parsed number, if it can exist and agrees with the given code."""
    if parsed.extension:
        return Phone(code=given, rule="phone_extension")
    if parsed.italian_leading_zero:
        return Phone(code=given, rule="phone_unreadable")
    if given is not None and parsed.country_code != given:
        return Phone(code=given, rule="country_code_disagrees")
    return Phone(parsed.country_code, parsed.national_number)
