"""`normalize_phone`: a column of phone numbers as people write them."""

from __future__ import annotations

from typing import Final

import polars as pl

from mbtoolkit.cleaning.cells import Cells, Column, answered, as_written, rows_once
from mbtoolkit.cleaning.phone_columns import EXTENSION
from mbtoolkit.cleaning.phones import (
    Phone,
    calling_code,
    has_own_zero,
    numbers_in,
    read_phone,
    read_phones,
)
from mbtoolkit.schemas.rules import RULES

PHONE: Final = pl.Struct({"mobile_country_code": pl.Int32, "mobile_number": pl.Int64, "issue": pl.String})
_OWN_WORDS: Final = {
    "country_code_missing": "has no country code; write it as +47 934 54 496, or give default_country",
}
_OWN_ZERO: Final = (
    "begins with a zero that belongs to the number, as of a fixed line in Italy, which a whole number can't hold; "
    "give a number without one"
)


def normalize_phone(column: Column, default_country: str | Cells | None = None) -> Column:
    """The country code and the number of each cell, or what is wrong with it.

    What counts as a number is libphonenumber's knowledge of every country: of a possible length there, its trunk prefix
    taken off. A Series of a million cells takes about half a second.

    Args:
        column: phones as text or whole numbers, in international form (`+47 934 54 496`, `0047...`, and `011...` where
            the country dials that) or in local form; digits of every script.
        default_country: the country of numbers in local form: an ISO 3166-1 alpha-2 code, or a column of them, of
            the same kind as `column`.

    Returns:
        Under the same name and of the same height: `mobile_country_code` (Int32), `mobile_number` (Int64), `issue`
        (String, `<rule>: <what is wrong and how to mend it>`; null where all is well). Null where the cell is null or
        blank.

    Raises:
        UsageError: the column holds floats, whose digits may be gone, or no text at all; or no such country.

    Example:
        >>> phones = pl.Series(["07700 900123", "+47 934 54 496", "call me"])
        >>> normalize_phone(phones, "GB").struct.field("mobile_number").to_list()
        [7700900123, 93454496, None]
    """
    country: Cells
    if isinstance(default_country, str) or default_country is None:
        if default_country is not None:
            calling_code(default_country)
        country = pl.Series([default_country], dtype=pl.String)
        return answered(column, lambda cells: _phones(cells, country.new_from_index(0, len(cells))), PHONE)
    return answered(column, _phones, PHONE, default_country)


def _phones(column: pl.Series, countries: pl.Series) -> pl.Series:
    cells = pl.DataFrame([as_written(column).alias("text"), as_written(countries).alias("country")]).select(
        "text",
        pl.lit(None, dtype=pl.String).alias("code"),
        pl.col("country").str.strip_chars().str.to_uppercase(),
    )
    phones = rows_once(cells, "text", _read)
    answer = pl.struct("mobile_country_code", "mobile_number", "issue")
    something = pl.col("mobile_number").is_not_null() | pl.col("issue").is_not_null()
    return phones.select(pl.when(something).then(answer)).to_series()


def _read(cells: pl.DataFrame) -> pl.DataFrame:
    """The phones, with what is wrong with those that break a rule."""
    read = read_phones(cells)
    return read.with_columns(_issues(cells, read).alias("issue")).select(
        "mobile_country_code", "mobile_number", "issue"
    )


def _issues(cells: pl.DataFrame, read: pl.DataFrame) -> pl.Series:
    """What to say of the cells that break a rule."""
    rules = read["rule"]
    if rules.null_count() == len(rules):
        return rules
    says = {rule: f"{rule}: {_OWN_WORDS.get(rule, RULES[rule].message)}" for rule in rules.unique().drop_nulls()}
    issues = rules.replace_strict(says, default=None, return_dtype=pl.String)
    issues = issues.scatter(read["own_zero"].arg_true(), f"phone_unreadable: {_OWN_ZERO}")
    extended = (rules == "phone_extension").arg_true()
    issues = issues.scatter(extended, _alone(cells[extended], issues[extended]))
    is_open = (rules == "phone_unreadable") & read["own_zero"].is_null() & cells["text"].str.contains(r"\p{Nd}")
    rows = ((rules == "phone_several") | is_open).arg_true()
    broken = pl.DataFrame([cells["text"], cells["country"], issues.alias("issue")])[rows]
    distinct = broken.unique(maintain_order=True)
    said = distinct.with_columns(said=pl.Series([_said(*row) for row in distinct.iter_rows()], dtype=pl.String))
    joined = broken.join(said, on=broken.columns, how="left", nulls_equal=True, maintain_order="left")
    return issues.scatter(rows, joined["said"])


def _alone(cells: pl.DataFrame, issues: pl.Series) -> pl.Series:
    """The issues of numbers with an extension, with the number that would be right."""
    text = pl.col("text").str.replace(EXTENSION, "")
    phones = read_phones(cells.with_columns(text)).with_columns(issues.alias("issue"))
    alone = pl.format("{}: +{} {}", "issue", "mobile_country_code", "mobile_number")
    return phones.select(pl.when(pl.col("mobile_number").is_null()).then("issue").otherwise(alone)).to_series()


def _said(text: str, country: str | None, issue: str) -> str:
    """The issue of one text, with the numbers that are in it, or with the reason why there is none."""
    if not issue.startswith("phone_several"):
        return f"phone_unreadable: {_OWN_ZERO}" if has_own_zero(text, country) else issue
    phones = ((part, read_phone(part, None, country)) for part in numbers_in(text))
    return f"{issue}: {' or '.join(dict.fromkeys(_shown(part, phone) for part, phone in phones))}"


def _shown(text: str, phone: Phone) -> str:
    """A number as one would write it, or the text if it can't be read."""
    return text.strip() if phone.number is None else f"+{phone.code} {phone.number}"
