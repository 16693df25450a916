"""`normalize_date`: a column of dates as people write them."""

from __future__ import annotations

from typing import Final, Literal

import polars as pl

from mbtoolkit.cleaning.cells import Column, answered, as_text
from mbtoolkit.errors import UsageError
from mbtoolkit.schemas.texts import stripped

Order = Literal["dmy", "mdy", "ymd"]
DATE: Final = pl.Struct({"date": pl.String, "issue": pl.String})
_MONTHS: Final = (
    "january januar januari janvier enero jan ene",
    "february februar februari fevrier febrero feb fev febr",
    "march mars marts marz maerz marzo mar mrz",
    "april avril abril apr avr abr",
    "may mai maj mayo",
    "june juni juin junio jun",
    "july juli juillet julio jul",
    "august augusti aout agosto aug ago",
    "september septembre septiembre setiembre sep sept",
    "october oktober octobre octubre oct okt",
    "november novembre noviembre nov",
    "december desember dezember decembre diciembre dec des dez dic",
)
"""English, Norwegian, Swedish, Danish, German, Spanish and French, without accents."""
_MONTH_NUMBERS: Final = {word: number for number, words in enumerate(_MONTHS, 1) for word in words.split()}
_ISSUES: Final = {
    "date_serial": "looks like a spreadsheet's day number; read the sheet's column as dates",
    "date_year": "has a year of two digits; write it in full, or give last_year=...",
    "date_order": "is no date in the order {order!r}, but would be in another; correct it, or choose the other order",
    "date_impossible": "is a day that does not exist; correct it",
    "not_a_date": "is no date; write it as 2026-03-31",
}
_TIME: Final = (
    r"[T ,]+[0-9]{1,2}[:.][0-9]{2}(?:[:.][0-9]{2}(?:[.,][0-9]+)?)?(?: ?[aApP]\.?[mM]\.?)?"
    r" ?(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2})?$"
)
_SEPARATOR: Final = r"(?: ?[./-] ?| )"
_PLACES: Final[dict[Order, tuple[str, str, str]]] = {
    "dmy": ("day", "month", "year"),
    "mdy": ("month", "day", "year"),
    "ymd": ("year", "month", "day"),
}

_TEXT = pl.col("text")


def normalize_date(column: Column, order: Order, *, last_year: int | None = None) -> Column:
    """The date in each cell as ISO 8601 has it (`2026-03-31`); a time behind it is left out.

    Args:
        column: dates as text, in numbers (`31.3.2026`, `31/03/2026`) or with the month's name in English, Norwegian,
            Swedish, Danish, German, Spanish or French; or a column of dates or times.
        order: of day, month and year in numbers: `dmy`, `mdy` or `ymd`. It is never guessed; a year of four digits in
            front is understood in any case.
        last_year: the latest year that two digits can mean (2026: `26` is 2026 and `27` is 1927); by default a year of
            two digits is an issue.

    Returns:
        Under the same name and of the same height: `date` (String), `issue` (String). Null where the cell is null
        or blank.

    Raises:
        UsageError: another order, a `last_year` that is no year of four digits, or the column has no text form.

    Example:
        >>> normalize_date(pl.Series(["31.3.2026", "4 juli 2026", "31/31/2026"]), "dmy").struct.field("date").to_list()
        ['2026-03-31', '2026-07-04', None]
    """
    if order not in _PLACES:
        msg = f"order={order!r} is none of {', '.join(map(repr, _PLACES))}"
        raise UsageError(msg)
    if last_year is not None and not 1000 <= last_year <= 9999:
        msg = f"last_year is a year of four digits, such as 2026, not {last_year!r}"
        raise UsageError(msg)
    return answered(column, lambda cells: _dates(cells, order, last_year), DATE)


def _dates(column: pl.Series, order: Order, last_year: int | None) -> pl.Series:
    texts = as_text(column).alias("text").to_frame().select(stripped(_TEXT))
    filled = texts.with_columns(plain=_numbered(texts["text"]))
    read = filled.with_columns(_parts(pl.col("plain"), order)).with_columns(_full_year(last_year).alias("year"))
    date, swapped = _iso("year", "month", "day"), _iso("year", "day", "month")
    issue = (
        pl.when(_TEXT.str.contains(r"^[0-9]{5}(?:\.[0-9]+)?$"))
        .then(_said("date_serial"))
        .when(pl.col("day").is_null())
        .then(_said("not_a_date"))
        .when(pl.col("year").is_null())
        .then(_said("date_year"))
        .when(swapped.is_not_null())
        .then(_said("date_order", order))
        .otherwise(_said("date_impossible"))
    )
    answer = pl.struct(date.alias("date"), pl.when(date.is_null()).then(issue).alias("issue"))
    return read.select(pl.when(_TEXT.is_not_null()).then(answer)).to_series()


def _said(rule: str, order: str = "") -> pl.Expr:
    return pl.lit(f"{rule}: {_ISSUES[rule].format(order=order)}")


def _numbered(texts: pl.Series) -> pl.Series:
    """The texts without a time; a month's name becomes its number, in the order of the text: day or year in front."""
    plain = texts.str.normalize("NFKC").str.replace_all(r"\s+", " ").str.replace(_TIME, "").alias("plain")
    rows = plain.str.contains(r"\pL").fill_null(value=False).arg_true()
    if rows.is_empty():
        return plain
    named = plain.gather(rows).to_frame("text")
    bare = _TEXT.str.to_lowercase().str.normalize("NFD").str.replace_all(r"\pM", "")
    name, year = r"([a-z]+)\.?", r"([0-9]{4}|[0-9]{2})"
    day = r"([0-9]{1,2})(?:\.|st|nd|rd|th|er)?"
    forms = {
        rf"^(?:[a-z]+\.?,? )?{day}[ -]?(?:de )?{name}(?: ?,? ?(?:del? )?|-){year}$": (1, 2, 3),
        rf"^(?:[a-z]+\.?,? )?{name} {day},? {year}$": (2, 1, 3),
        rf"^([0-9]{{4}})[ -]{name}[ -]([0-9]{{1,2}})$": (3, 2, 1),
    }
    found = pl.coalesce(
        pl.concat_str(
            # A year of two digits stays one; the day in front says what the order is.
            bare.str.extract(form, places[0]),
            pl.lit("d"),
            bare.str.extract(form, places[1]).replace_strict(_MONTH_NUMBERS, default=None, return_dtype=pl.Int64),
            pl.lit("m"),
            bare.str.extract(form, places[2]),
        )
        for form, places in forms.items()
    )
    return plain.scatter(rows, named.select(pl.coalesce(found, _TEXT)).to_series())


def _parts(text: pl.Expr, order: Order) -> list[pl.Expr]:
    """Day, month and year as numbers and the year's digits; null where a text is no three numbers."""
    year = "([0-9]{4}|[0-9]{2})" if order != "ymd" else "([0-9]{2})"
    small = "([0-9]{1,2})"
    groups = {"year": year, "day": small, "month": small}
    by_order = "^" + _SEPARATOR.join(groups[place] for place in _PLACES[order]) + r"\.?$"
    year_first = (
        rf"^([0-9]{{4}}){_SEPARATOR}([0-9]{{1,2}}){_SEPARATOR}([0-9]{{1,2}})\.?$|^([0-9]{{4}})([0-9]{{2}})([0-9]{{2}})$"
    )
    with_name = r"^([0-9]{1,2})d([0-9]{1,2})m([0-9]{2,4})$"
    parts = []
    for name in ("day", "month", "year"):
        first, named = _PLACES["ymd"].index(name) + 1, _PLACES["dmy"].index(name) + 1
        found = pl.coalesce(
            text.str.extract(year_first, first),
            text.str.extract(year_first, first + 3),
            text.str.extract(with_name, named),
            text.str.extract(by_order, _PLACES[order].index(name) + 1),
        )
        parts.append(found.alias(name))
    return parts


def _full_year(last_year: int | None) -> pl.Expr:
    """The year in full; null where it has two digits and nothing says which century."""
    year = pl.col("year")
    if last_year is None:
        return pl.when(year.str.len_bytes() == 4).then(year)
    short = year.cast(pl.Int64, strict=False) + last_year // 100 * 100
    return (
        pl.when(year.str.len_bytes() == 4)
        .then(year)
        .otherwise(pl.when(short > last_year).then(short - 100).otherwise(short).cast(pl.String))
    )


def _iso(year: str, month: str, day: str) -> pl.Expr:
    """The date, if there is such a day."""
    parts = [pl.col(year), pl.col(month).str.zfill(2), pl.col(day).str.zfill(2)]
    return pl.concat_str(parts, separator="-").str.to_date("%Y-%m-%d", strict=False).dt.to_string("iso")
