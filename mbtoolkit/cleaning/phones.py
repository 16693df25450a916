"""Phone numbers as people write them, split into a country code and a national number.

What a number is, in every country, is libphonenumber's knowledge (the `phonenumbers` package); each distinct text is
parsed once.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, NamedTuple

import phonenumbers
import polars as pl
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, ValidationResult

from mbtoolkit.cleaning.cells import rows_once
from mbtoolkit.cleaning.phone_columns import DATE, EXTENSION, LEAST_ROWS, read_usual
from mbtoolkit.errors import UsageError
from mbtoolkit.schemas.conform import unread_note

_SCIENTIFIC: Final = re.compile(r"^[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d+$")
_LAST_GROUP: Final = re.compile(r"(?P<whole>.*\d.*)(?P<mark>[.,\u066b\uff0e\uff0c])(?P<group>\d+)", re.DOTALL)
"""What stands before the last point or comma (Arabic and full-width ones too), and the digits after it."""
_LONG_WHOLE: Final = re.compile(r"(?:\+|00|(?!00))\d{9,}")
"""More digits in one piece than a calling code and an area code have together."""
_NEGATIVE: Final = re.compile(r"[-\u2010-\u2015\u2212\ufe63\uff0d]\d")
_DATE: Final = re.compile(DATE)
_EXTENSION: Final = re.compile(EXTENSION)
_SEVERAL: Final = re.compile(r"(?i)\s*(?:[/;|,&\n]|\b(?:or|and|eller|el|og|och|oder|und|ou|et)\b\.?)\s*")
"""What stands between two numbers."""
_OWN_TRUNK: Final = re.compile(r"^(\s*\(?(?:\+|00)\s*\d{1,3}\)?[\s.-]*)\(0\)")
"""A trunk zero in brackets behind the calling code, as people write it for countries too that dial none."""
_KINDS: Final = (
    "tlf|tel|telefon|telefono|tel\u00e9fono|t\u00e9l\u00e9phone|telephone|phone|mob|mobil|mobile|mobiltlf|cell|handy"
    "|movil|m\u00f3vil|portable|sms|whatsapp"
)
_NUMBER_ALONE: Final = r"[+(]*[0-9][0-9\s()+./-]*"
_WORD_FIRST: Final = rf"(?i)^\s*\(?(?:{_KINDS})\b\.?\)?\s*[:.]?\s*({_NUMBER_ALONE})$"
_WORD_LAST: Final = rf"(?i)^\s*({_NUMBER_ALONE}?)\s*\(?\b(?:{_KINDS})\.?\)?\s*$"
"""A number with the word for what kind of number it is, before or behind it."""
_LETTER: Final = re.compile(r"[^\W\d_]")
_DIGITS: Final = re.compile(r"^[1-9][0-9]{0,14}$")
CALLING_CODE: Final = r"^\s*(?:\+|00)?\s*[1-9][0-9]{0,2}\s*$"
"""A calling code as people write it in a column of its own: `47`, `+47`, `0047`."""
_SHORTEST: Final = 6
"""Digits that each part of a cell must have for the cell to count as several numbers."""


_TEXT_MARK: Final = "^\\s*['\u2019]"
"""What a spreadsheet puts before digits that are to stay text; some programs export it."""
_LETTERS_O: Final = r"^[0-9Oo\s()+./\x{2010}-\x{2015}-]*[Oo][0-9Oo\s()+./\x{2010}-\x{2015}-]*$"
_O_ALONE: Final = r"^[^0-9]*[Oo][^0-9Oo]|[^0-9Oo][Oo]+[^0-9]*$"
"""A letter O that stands by itself before or after the digits, which may be a word."""
_PLUS: Final = re.compile(r"[\s(]*\+")
_SCHEME: Final = re.compile(r"(?i)^\s*tel:")
"""How a number begins as a link (RFC 3966)."""
_PARSED: Final = {"mobile_country_code": pl.Int32, "mobile_number": pl.Int64, "rule": pl.String}
_COLUMNS: Final = {**_PARSED, "own_zero": pl.Boolean}


class _Tidy(dict[int, str | None]):
    """What stands for each character beyond ASCII: found out when it is first met."""

    def __missing__(self, code: int) -> str | None:
        char = chr(code)
        kind = unicodedata.category(char)
        tidied: str | None = char
        if kind == "Nd":
            tidied = str(unicodedata.digit(char))
        elif char.isspace():
            tidied = " "
        elif char == "\uff0b":
            tidied = "+"
        elif kind == "Cf":
            tidied = None
        self[code] = tidied
        return tidied


_TIDY: Final = _Tidy()


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
        is well: `<rule>: <text as found>`). A number with an extension, with the letter O for a zero, or with a
        word for its kind (`tlf.`) is refused, but has its country code.
    """
    nothing = pl.lit(None, dtype=pl.String)
    cells = frame.select(
        pl.col(number).alias("text"),
        (pl.col(code).str.replace(r"^\s*(?:\+|00)", "").str.strip_chars() if code else nothing).alias("code"),
        (pl.col(country).str.strip_chars().str.to_uppercase() if country else nothing).alias("country"),
    )
    note = pl.when(pl.col("rule").is_not_null()).then(unread_note(pl.col("rule"), pl.col("text")))
    return (
        rows_once(cells, "text", lambda part: _with_codes(read_phones(part), part))
        .with_columns(cells["text"])
        .select("mobile_country_code", "mobile_number", note.alias("note"))
    )


def number_alone(text: pl.Expr, rule: pl.Expr) -> pl.Expr:
    """What is probably the number in a text that breaks a rule; null where that can't be told.

    Args:
        text: as found.
        rule: the rule that it breaks.
    """
    has_o = text.str.contains(_LETTERS_O) & ~text.str.contains(_O_ALONE)
    zeros = pl.when(has_o).then(text.str.replace_all("[Oo]", "0"))
    labelled = pl.coalesce(text.str.extract(_WORD_FIRST), text.str.extract(_WORD_LAST))
    return (
        pl.when(rule == "phone_extension")
        .then(text.str.replace(EXTENSION, ""))
        .when(rule == "phone_unreadable")
        .then(pl.coalesce(zeros, labelled))
        .when(rule == "not_an_integer")
        .then(pl.coalesce(zeros, text))
    )


def _with_codes(read: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """The answers with the country code that a refused text has all the same, so that its country isn't forgotten."""
    alone = cells.select(number_alone(pl.col("text"), pl.lit(read["rule"]))).to_series()
    rows = (alone.is_not_null() & read["mobile_country_code"].is_null()).arg_true()
    if rows.is_empty():
        return read
    found = read_phones(cells.with_columns(alone.alias("text"))[rows])
    codes = read["mobile_country_code"].clone().scatter(rows, found["mobile_country_code"])
    return read.with_columns(codes.alias("mobile_country_code"))


def read_phones(cells: pl.DataFrame, *, least_rows: int = LEAST_ROWS) -> pl.DataFrame:
    """`read_phone` for each row.

    Most numbers are written in one of a few ways, which are read as whole columns; each other text is read once.

    Args:
        cells: String columns `text`, `code` (digits) and `country` (upper case), each with nulls where there is none.
        least_rows: of a country, to read them as a column.

    Returns:
        Same height and order: `mobile_country_code` (Int32), `mobile_number` (Int64), `rule` (String, null where all is
        well), `own_zero` (Boolean: refused for a zero of its own; null where that was not asked).
    """
    cells = cells.with_columns(pl.col("text").str.replace(_TEXT_MARK, ""))
    homes = _homes(cells)
    usual = read_usual(
        homes.with_columns(_tidied_column(cells["text"]), cells["country"]), least_rows=least_rows
    ).rename({"code": "mobile_country_code", "number": "mobile_number"})
    told = pl.repeat(value=False, n=cells.height, dtype=pl.Boolean, eager=True).scatter(usual["row"], values=True)
    empty = pl.DataFrame(
        [pl.repeat(None, cells.height, dtype=dtype, eager=True).alias(name) for name, dtype in _COLUMNS.items()]
    )
    read = empty.with_columns(empty[name].scatter(usual["row"], usual[name]) for name in _COLUMNS)
    left = (~told & (cells["text"].is_not_null() | homes["given"].is_not_null())).arg_true()
    if left.is_empty():
        return read
    answers = _read_each(cells[left])
    return read.with_columns(read[name].scatter(left, answers[name]) for name in _PARSED)


def _homes(cells: pl.DataFrame) -> pl.DataFrame:
    """For each row the calling code that is given as a number, and the region whose local form applies."""
    pairs = cells.select("code", "country")
    distinct = pairs.unique()
    rows = [(given := _given(code), _region(given, country)) for code, country in distinct.iter_rows()]
    homes = pl.DataFrame(rows, schema={"given": pl.Int32, "region": pl.String}, orient="row")
    if distinct.height == 1:
        return pl.DataFrame(
            [homes["given"].new_from_index(0, cells.height), homes["region"].new_from_index(0, cells.height)]
        )
    joined = pairs.join(
        distinct.hstack(homes), on=["code", "country"], how="left", nulls_equal=True, maintain_order="left"
    )
    return joined.select("given", "region")


def _tidied_column(texts: pl.Series) -> pl.Series:
    """The texts tidied, where anything beyond ASCII is in them."""
    rows = texts.str.contains(r"[^\x20-\x7e]").arg_true()
    if rows.is_empty():
        return texts
    odd = texts.gather(rows).to_list()
    return texts.clone().scatter(rows, pl.Series([_tidied(text) for text in odd], dtype=pl.String))


def _read_each(cells: pl.DataFrame) -> pl.DataFrame:
    """Each distinct row read by itself."""
    distinct = cells.unique(maintain_order=True)
    parsed = [read_phone(text, code, country) for text, code, country in distinct.iter_rows()]
    answers = distinct.hstack(pl.DataFrame(parsed, schema=_PARSED, orient="row"))
    keys = ["text", "code", "country"]
    return cells.join(answers, on=keys, how="left", nulls_equal=True, maintain_order="left").select(*_PARSED)


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
    zeros, or more than eight digits stand before it in one piece.
    Texts that could be either are refused. So are dates, unless the country writes its numbers so.
    """
    given = _given(code)
    text = _SCHEME.sub("", re.sub(_TEXT_MARK, "", _tidied(text or "")))
    if not text.strip():
        return Phone(code=given)
    region = _region(given, country)
    wrong = "phone_date" if _DATE.search(text) and not _is_usual_in(region, text) else _wrong_form(text)
    if wrong:
        return Phone(code=given, rule=wrong)
    international = _abroad(text)
    if region is None and not _PLUS.match(international):
        return _without_country(international, given, country)
    # A country's own prefix for calls abroad comes first (0011 in Australia); 00 is what most of the world dials.
    found = _parsed(text, region) or _parsed(international, region)
    if found is None and (bare := _OWN_TRUNK.sub(r"\1", international)) != international:
        found = _parsed(bare, region)
    return _judged(found, given) if found else Phone(code=given, rule="phone_unreadable")


def _given(code: str | None) -> int | None:
    """A calling code that a column of its own holds."""
    return int(code) if code and _DIGITS.match(code) and len(code) <= 3 else None


def _tidied(text: str) -> str:
    """The text with ASCII digits and plain spaces, and without what nobody sees."""
    return text if text.isascii() else text.translate(_TIDY)


def _parsed(text: str, region: str | None) -> PhoneNumber | None:
    """The number, if a number of that length can exist."""
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return None
    possible = phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE
    return number if possible else None


def _is_usual_in(region: str | None, text: str) -> bool:
    """Whether a region's numbers are usually written like this text (`20.12.34` in New Caledonia)."""
    found = _parsed(text, region) if region else None
    return found is not None and phonenumbers.format_number(found, PhoneNumberFormat.NATIONAL) == text.strip()


def _wrong_form(text: str) -> str | None:
    """The rule that a text breaks by its form alone."""
    bare = text.strip()
    if _SCIENTIFIC.match(bare):
        return "number_as_float"
    if _NEGATIVE.match(bare):
        return "out_of_range"
    if len(numbers_in(text)) > 1:
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


def numbers_in(text: str) -> list[str]:
    """The parts of a cell that may each be a number."""
    return [part for part in _SEVERAL.split(text) if sum(char.isdigit() for char in part) >= _SHORTEST]


def has_own_zero(text: str, country: str | None = None) -> bool:
    """Whether a text is a number that begins with a zero of its own, behind the calling code.

    Args:
        text: as read by `read_phone`.
        country: ISO 3166-1 alpha-2, for numbers in local form.
    """
    bare = _SCHEME.sub("", _tidied(text))
    found = None if _wrong_form(bare) else _parsed(bare, country) or _parsed(_abroad(bare), country)
    return found is not None and bool(found.italian_leading_zero)


def _abroad(text: str) -> str:
    """The text with a plus for 00, which is what most of the world dials."""
    return re.sub(r"^\s*00", "+", text.strip())


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
