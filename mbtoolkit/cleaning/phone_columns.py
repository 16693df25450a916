"""Phone numbers in the usual forms, read as whole columns; what isn't certain is left to the library.

This does what `read_phone` does, step by step as libphonenumber does it, for numbers of nothing but ASCII digits, one
plus and the usual marks between them, and refuses by their form what no library is needed for. Whatever takes more than
these steps is not answered here.

Source: `parse` and `is_possible_number_with_reason` of libphonenumber.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import polars as pl

from mbtoolkit.cleaning.phone_plans import NumberingPlan, codes_by_head, plan_of_code, plan_of_region

EXTENSION: Final = r"(?i)(?:ext(?:n|ension)?\.?|x|#|;ext=|int\.?|anexo|доб\.?)\s*\.?:?\s*\d{1,7}\s*$"
"""What follows a number that is answered by a person with a telephone of their own."""

_DAY, _MONTH = "(?:0?[1-9]|[12][0-9]|3[01])", "(?:0?[1-9]|1[0-2])"
_YEAR, _SHORT_YEAR = "(?:1[89]|2[01])[0-9]{2}", "[0-9]{2}"
_DASH: Final = "[-\u2010-\u2015\u2212\ufe63\uff0d]"
_TIME: Final = (
    r"(?:[T ,]+[0-9]{1,2}(?:[ :.h]?[0-9]{2}){0,2}(?:[.,][0-9]+)?"
    r"(?: ?[apAP]\.?[mM]\.?)?(?:Z| ?[+-][0-9]{2}:?[0-9]{2})?)?"
)


def _dates_with(mark: str, *years: str) -> Iterator[str]:
    """Patterns of a day, a month and a year in any usual order, and of a month and a year, with a mark between them."""
    for year in years:
        for parts in ((_DAY, _MONTH, year), (_MONTH, _DAY, year), (year, _MONTH, _DAY)):
            yield mark.join(parts)


DATE: Final = (
    r"^[ '\"(\[]*(?:"
    + "|".join(
        [
            *(each for mark in (r" ?\. ?", " ?/ ?", f" ?{_DASH} ?") for each in _dates_with(mark, _YEAR, _SHORT_YEAR)),
            *(mark.join(parts) for mark in (r"\.", "/", _DASH) for parts in ((_MONTH, _YEAR), (_YEAR, _MONTH))),
            # Two digits each with spaces between are as often a number of six digits.
            *_dates_with(" +", _YEAR),
        ]
    )
    + rf")\.?{_TIME}[ '\")\],;.]*$"
)
"""A date in numbers, alone or with a time, in ASCII digits."""

_OPENING: Final = r"^(?:(?i:tel):)? *\(? *(?:\+[ (]*)?"
_USUAL: Final = (
    rf"{_OPENING}[0-9][0-9 ()-]*$"
    # Two points at least, for what stands behind a single one may be a fraction.
    rf"|{_OPENING}[0-9][0-9 ()-]*(?:\.[0-9 ()-]+)+\.[0-9 ().-]*$"
    # Fewer digits before a slash than a number has, for there may be two numbers.
    rf"|{_OPENING}(?:[0-9][ ()-]*){{1,5}}/[0-9 ()-]*$"
)
"""Forms that break no rule of form (see `read_phone`)."""
_OTHER_RULES: Final = (
    r"(?i)[.,\x{66b}\x{ff0e}\x{ff0c}]\d|^\s*[+-]?\d+e[+-]?\d+\s*$|^\s*tel:"
    r"|^\s*[-\x{2010}-\x{2015}\x{2212}\x{fe63}\x{ff0d}]|\pC|[\x{130}\x{131}]"
)
"""Signs that more may be wrong with a form than letters and extensions (or what the two kinds of pattern differ in)."""
_BETWEEN_NUMBERS: Final = "(?i)[/;|,&]|or|and|el|og|och|oder|und|ou|et"
_DIGITS_OF_TWO: Final = r"(?:\pN\PN*){12}"
_LONGEST: Final = 60
"""Characters of a cell; libphonenumber refuses cells of more than 250."""
_SHORTEST: Final = 4
"""Digits of a number with its calling code."""
LEAST_ROWS: Final = 64
"""Rows of one country from which on it pays to read them together."""

_TEXT, _DIGITS = pl.col("text"), pl.col("digits")
_NUMBERS: Final = {"row": pl.UInt32, "code": pl.Int32, "number": pl.Int64, "own_zero": pl.Boolean}
_ROWS: Final = {"row": pl.UInt32, "digits": pl.String}
_ANSWERS: Final = {**_NUMBERS, "rule": pl.String}


def read_usual(cells: pl.DataFrame, *, least_rows: int = LEAST_ROWS) -> pl.DataFrame:
    """What can be told for certain of the cells.

    Args:
        cells: `text` (String, tidied), `given` (Int32, a calling code that the number must have, or null), `country`
            (String, as found) and `region` (String, the region whose local form applies, or null).
        least_rows: of a country; fewer are left to the library.

    Returns:
        For some of the rows, in no order: `row` (position in `cells`), `code` (Int32), `number` (Int64), `own_zero`
        (Boolean, whether it is refused for a zero of its own), `rule` (String, null where all is well).
    """
    usual = _in_usual_form(cells)
    plus, zeros, homeless = pl.col("plus"), pl.col("zeros"), pl.col("region").is_null()
    local = usual.filter(~plus & ~homeless)
    readings = list(_by_plan(local, "region", plan_of_region, _local, least_rows))
    numbers = [reading.numbers for reading in readings]
    refused = pl.concat([reading.refused for reading in readings] or [pl.DataFrame(schema=_ROWS)])
    # A country's own way to dial abroad comes first; then 00, which is what most of the world dials.
    second = refused.join(local.filter(zeros).select("row"), on="row", how="semi")
    hopeless = [refused.join(second.select("row"), on="row", how="anti")]
    abroad = pl.concat(
        [
            usual.filter(plus).select("row", "digits"),
            pl.concat([usual.filter(~plus & homeless & zeros).select("row", "digits"), second]).with_columns(
                _DIGITS.str.slice(2)
            ),
        ]
    )
    dialled = pl.concat([reading.abroad for reading in readings] or [pl.DataFrame(schema=_ROWS)])
    for rows, is_final in ((abroad, True), (dialled, False)):
        for reading in _by_plan(_headed(rows), "code", plan_of_code, _national, least_rows):
            numbers.append(reading.numbers)
            hopeless += [reading.refused] if is_final else []
    told = [_agreeing(cells, numbers), _unreadable(hopeless), _refused_by_form(cells), _without_country(cells, usual)]
    answers = pl.concat(told)
    given = cells["given"].gather(answers["row"])
    return answers.with_columns(pl.when(pl.col("rule").is_null()).then("code").otherwise(given).alias("code"))


class Reading(NamedTuple):
    """What became of the rows of one plan; those that are in none of the three are for the library.

    Attributes:
        numbers: what was read (`row`, `code`, `number`, `own_zero`).
        refused: rows that can be no number of that plan.
        abroad: rows whose digits begin with a calling code.
    """

    numbers: pl.DataFrame
    refused: pl.DataFrame
    abroad: pl.DataFrame


def _in_usual_form(cells: pl.DataFrame) -> pl.DataFrame:
    """The rows that break no rule of form, as digits: `plus`, `zeros` and `link` say how the text begins."""
    text = _TEXT.str.strip_chars()
    return (
        cells.with_row_index("row")
        .filter(_TEXT.str.contains(_USUAL) & (_TEXT.str.len_bytes() <= _LONGEST))
        .filter(~_TEXT.str.contains(DATE))
        # A zero in brackets may be none of the number's digits.
        .filter(~_TEXT.str.contains("(0)", literal=True))
        .select(
            "row",
            "region",
            text.str.replace_all("[^0-9]+", "").alias("digits"),
            text.str.contains("+", literal=True).alias("plus"),
            text.str.starts_with("00").alias("zeros"),
            text.str.contains("^[tT]").alias("link"),
        )
    )


def _refused_by_form(cells: pl.DataFrame) -> pl.DataFrame:
    """The rows with letters or an extension, and no sign of anything else."""
    several = _TEXT.str.contains(_BETWEEN_NUMBERS) & _TEXT.str.contains(_DIGITS_OF_TWO)
    wordy = (
        cells.with_row_index("row")
        .filter(_TEXT.str.contains(r"[\pL#]"))
        .filter(~_TEXT.str.contains(_OTHER_RULES) & ~several & ~_TEXT.str.contains(DATE))
    )
    extended = _TEXT.str.contains(EXTENSION)
    rule = pl.when(extended).then(pl.lit("phone_extension")).otherwise(pl.lit("phone_unreadable"))
    told = wordy.filter(extended | _TEXT.str.contains(r"\pL"))
    return _answers(told.select("row", rule=rule))


def _without_country(cells: pl.DataFrame, usual: pl.DataFrame) -> pl.DataFrame:
    """The rows in local form, of which nobody knows in which country."""
    rows = usual.filter(~pl.col("plus") & ~pl.col("zeros") & pl.col("region").is_null())
    rows = rows.with_columns(cells["given"].gather(rows["row"]), cells["country"].gather(rows["row"]))
    is_unknown = pl.col("country").str.contains(r"\S").fill_null(value=False)
    rule = pl.when(is_unknown).then(pl.lit("country_unknown")).otherwise(pl.lit("country_code_missing"))
    return _answers(rows.filter(pl.col("given").is_null() & ~pl.col("link")).select("row", rule=rule))


def _unreadable(rows: list[pl.DataFrame]) -> pl.DataFrame:
    return _answers(pl.concat(rows).select("row", rule=pl.lit("phone_unreadable")))


def _agreeing(cells: pl.DataFrame, numbers: list[pl.DataFrame]) -> pl.DataFrame:
    """The numbers, refused if they begin with a zero of their own or with another calling code than is given."""
    read = pl.concat(numbers) if numbers else pl.DataFrame(schema=_NUMBERS)
    given = cells["given"].gather(read["row"])
    zero = pl.col("own_zero")
    rule = (
        pl.when(zero)
        .then(pl.lit("phone_unreadable"))
        .when(given.is_not_null() & (given != pl.col("code")))
        .then(pl.lit("country_code_disagrees"))
    )
    judged = read.with_columns(rule=rule)
    return _answers(judged.with_columns(pl.when(pl.col("rule").is_null()).then("number")))


def _answers(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with every column of the answer."""
    answers = {name: pl.lit(None, dtype=dtype) for name, dtype in _ANSWERS.items()} | {"own_zero": pl.lit(value=False)}
    return rows.select(name if name in rows.columns else value.alias(name) for name, value in answers.items())


def _by_plan(
    rows: pl.DataFrame,
    key: str,
    plan_of: Callable[[Any], NumberingPlan | None],
    read: Callable[[pl.DataFrame, NumberingPlan], Reading],
    least_rows: int,
) -> Iterator[Reading]:
    """What the rows of each plan are read as."""
    for (value,), group in rows.partition_by(key, as_dict=True, maintain_order=False).items():
        plan = plan_of(value) if group.height >= least_rows else None
        if plan is not None:
            yield read(group.select("row", "digits"), plan)


def _headed(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that begin with a calling code: `row`, `code` and the `digits` behind it."""
    head = rows.select(_DIGITS.str.slice(0, 3).cast(pl.UInt32, strict=False)).to_series()
    long_enough = rows["digits"].str.len_bytes() >= _SHORTEST
    code = codes_by_head().gather(head.zip_with(long_enough & head.is_not_null(), pl.Series([0], dtype=pl.UInt32)))
    width = pl.when(pl.col("code") < 10).then(1).when(pl.col("code") < 100).then(2).otherwise(3)
    coded = rows.with_columns(code.alias("code")).filter(pl.col("code").is_not_null())
    return coded.with_columns(_DIGITS.str.slice(width))


def _local(rows: pl.DataFrame, plan: NumberingPlan) -> Reading:
    """Digits as dialled in one country."""
    is_abroad, own = _DIGITS.str.contains(plan.abroad), str(plan.code)
    marked = rows.with_columns(abroad=is_abroad, own=_DIGITS.str.starts_with(own) & ~is_abroad)
    dialled = marked.filter(pl.col("abroad")).select("row", _DIGITS.str.replace(plan.abroad, ""))
    # What follows is no calling code if it begins with a zero; the library knows what it is then.
    dialled = dialled.filter(~_DIGITS.str.starts_with("0"))
    local = _national(marked.filter(~pl.col("abroad") & ~pl.col("own")).select("row", "digits"), plan)
    coded = marked.filter(pl.col("own")).select("row", "digits")
    numbers = [local.numbers, *_with_own_code(coded, plan)] if coded.height else [local.numbers]
    return Reading(pl.concat(numbers), local.refused, dialled)


def _with_own_code(rows: pl.DataFrame, plan: NumberingPlan) -> Iterator[pl.DataFrame]:
    """Numbers whose first digits are the calling code, or happen to look like it."""
    own = str(plan.code)
    marked = rows.with_columns(whole=_DIGITS.str.contains(plan.national))
    # Digits too long for a national number are left to the library even if its pattern takes them.
    whole = marked.filter(pl.col("whole") & _has_length(plan.lengths)).select("row", "digits")
    yield _national(whole, plan).numbers
    # A calling code without a plus: only if the digits are no number with it, and are one without it.
    behind = marked.filter(~pl.col("whole")).select("row", _DIGITS.str.slice(len(own)))
    behind = behind.filter(_DIGITS.str.contains(plan.national) & ~_DIGITS.str.contains(plan.trunk))
    spokesman = plan_of_code(plan.code)
    if spokesman is not None:
        yield _national(behind, spokesman).numbers


def _national(rows: pl.DataFrame, plan: NumberingPlan) -> Reading:
    """Digits of one country, with or without its trunk prefix."""
    marked = rows.with_columns(trunked=_DIGITS.str.contains(plan.trunk))
    plain = marked.filter(~pl.col("trunked")).select("row", "digits")
    if plan.rewrites or plain.height == rows.height:
        return _possible(plain, plan)
    stripped = _DIGITS.str.replace(plan.trunk, "")
    # A number that would be whole with its first digits and isn't without them keeps them.
    keeps = _DIGITS.str.contains(plan.national) & ~stripped.str.contains(plan.national)
    trunked = marked.filter(pl.col("trunked")).select("row", "digits", stripped.alias("stripped"), keeps.alias("keeps"))
    decided = trunked.filter(pl.col("keeps") | _has_length(plan.lengths, pl.col("stripped"))).select(
        "row", pl.when("keeps").then("digits").otherwise("stripped").alias("digits")
    )
    read = _possible(pl.concat([plain, decided]), plan)
    either = _has_length(plan.possible) | _has_length(plan.possible, pl.col("stripped"))
    neither = trunked.filter(~either).select("row", "digits")
    # Those that were decided were refused already, as what they were decided to be.
    before = read.refused.join(trunked.select("row"), on="row", how="anti")
    return read._replace(refused=pl.concat([before, neither]))


def _possible(rows: pl.DataFrame, plan: NumberingPlan) -> Reading:
    """The national numbers of a possible length; a whole number can't hold a zero of their own."""
    marked = rows.with_columns(fits=_has_length(plan.possible), own_zero=_DIGITS.str.starts_with("0"))
    accepted = marked.filter(pl.col("fits")).select(
        "row",
        pl.lit(plan.code, dtype=pl.Int32).alias("code"),
        _DIGITS.cast(pl.Int64).alias("number"),
        "own_zero",
    )
    return Reading(accepted, marked.filter(~pl.col("fits")).select("row", "digits"), pl.DataFrame(schema=_ROWS))


def _has_length(lengths: tuple[int, ...], digits: pl.Expr = _DIGITS) -> pl.Expr:
    length = digits.str.len_bytes()
    if len(lengths) == lengths[-1] - lengths[0] + 1:
        return length.is_between(lengths[0], lengths[-1])
    return length.is_in(lengths)
