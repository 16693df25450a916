"""Phone numbers in the usual forms, read as whole columns; what isn't certain is left to the library.

This does what `read_phone` does, step by step as libphonenumber does it, for numbers of nothing but ASCII digits, one
plus and the usual marks between them. It only ever accepts: whatever would be refused, or takes more than these steps,
is not answered here.

Source: `parse` and `is_possible_number_with_reason` of libphonenumber.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import polars as pl

from mbtoolkit.cleaning.phone_plans import Plan, codes_by_head, plan_of_code, plan_of_region

_OPENING: Final = r"^(?:(?i:tel):)? *\(? *(?:\+[ (]*)?"
_USUAL: Final = (
    rf"{_OPENING}[0-9][0-9 ()-]*$"
    # Two points at least, for what stands behind a single one may be a fraction.
    rf"|{_OPENING}[0-9][0-9 ()-]*(?:\.[0-9 ()-]+)+\.[0-9 ().-]*$"
    # Fewer digits before a slash than a number has, for there may be two numbers.
    rf"|{_OPENING}(?:[0-9][ ()-]*){{1,5}}/[0-9 ()-]*$"
)
"""Forms that break no rule of form (see `read_phone`)."""
_LONGEST: Final = 60
"""Characters of a cell; libphonenumber refuses cells of more than 250."""
_NO_DIGIT: Final = "[^0-9]+"
_SHORTEST: Final = 4

_DIGITS, _ROW = pl.col("digits"), pl.col("row")
_NUMBERS: Final = {"row": pl.UInt32, "code": pl.Int32, "number": pl.Int64}


def read_usual(cells: pl.DataFrame) -> pl.DataFrame:
    """The numbers that can be read for certain.

    Args:
        cells: `text` (String, tidied), `given` (Int32, a calling code that the number must have, or null) and `region`
            (String, the region whose local form applies, or null).

    Returns:
        `row` (position in `cells`), `code` (Int32), `number` (Int64): some of the rows, in no order.
    """
    text = pl.col("text").str.strip_chars()
    usual = (
        cells.with_row_index("row")
        .filter(pl.col("text").str.contains(_USUAL) & (pl.col("text").str.len_bytes() <= _LONGEST))
        .select(
            "row",
            "given",
            "region",
            text.str.replace_all(_NO_DIGIT, "").alias("digits"),
            text.str.contains("+", literal=True).alias("plus"),
            text.str.starts_with("00").alias("zeros"),
        )
    )
    worldly = usual.filter(pl.col("plus"))
    # A country's own prefix for calls abroad comes first; without a country, 00 is what most of the world dials.
    homeless = usual.filter(~pl.col("plus") & pl.col("region").is_null() & pl.col("zeros"))
    homely = usual.filter(~pl.col("plus") & pl.col("region").is_not_null())
    abroad = [worldly.select("row", "digits"), homeless.select("row", _DIGITS.str.slice(2))]
    found = []
    for numbers, dialled in _by_plan(homely, "region", plan_of_region, _local):
        found.append(numbers)
        abroad.append(dialled)
    found += [numbers for numbers, _ in _by_plan(_headed(pl.concat(abroad)), "code", plan_of_code, _national)]
    read = pl.concat(found) if found else pl.DataFrame(schema=_NUMBERS)
    if cells["given"].null_count() == cells.height:
        return read
    given = cells["given"].gather(read["row"])
    return read.filter((given.is_null() | (given == read["code"])).fill_null(value=False))


Reading = tuple[pl.DataFrame, pl.DataFrame]
"""Numbers that were read, and digits that begin with a calling code (`row`, `digits`)."""


def _by_plan(
    rows: pl.DataFrame, key: str, plan_of: Callable[[Any], Plan | None], read: Callable[[pl.DataFrame, Plan], Reading]
) -> Iterator[Reading]:
    """What the rows of each plan are read as."""
    for (value,), group in rows.partition_by(key, as_dict=True, maintain_order=False).items():
        plan = plan_of(value)
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


def _local(rows: pl.DataFrame, plan: Plan) -> Reading:
    """Digits as dialled in one country."""
    dialled_abroad = _DIGITS.str.contains(plan.abroad)
    own = str(plan.code)
    marked = rows.with_columns(
        dialled_abroad.alias("abroad"), (_DIGITS.str.starts_with(own) & ~dialled_abroad).alias("own")
    )
    abroad = marked.filter(pl.col("abroad")).select("row", _DIGITS.str.replace(plan.abroad, ""))
    # What follows 00 is no calling code if it begins with a zero; the library knows what it is then.
    abroad = abroad.filter(~_DIGITS.str.starts_with("0"))
    local = marked.filter(~pl.col("abroad"))
    if not marked["own"].any():
        return _national(local.select("row", "digits"), plan)[0], abroad
    coded = local.filter(pl.col("own")).with_columns(whole=_DIGITS.str.contains(plan.national))
    # A calling code without a plus: only if the digits are no number with it, and are one without it.
    behind = coded.filter(~pl.col("whole")).select("row", _DIGITS.str.slice(len(own)))
    behind = behind.filter(_DIGITS.str.contains(plan.national) & ~_DIGITS.str.contains(plan.trunk))
    spokesman = plan_of_code(plan.code)
    plain = [local.filter(~pl.col("own")).select("row", "digits")]
    # Digits too long for a national number are left to the library even if its pattern takes them.
    plain.append(coded.filter(pl.col("whole") & _has_length(plan.lengths)).select("row", "digits"))
    read = [_national(pl.concat(plain), plan)[0]]
    if spokesman is not None:
        read.append(_national(behind, spokesman)[0])
    return pl.concat(read), abroad


def _national(rows: pl.DataFrame, plan: Plan) -> Reading:
    """Digits of one country, with or without its trunk prefix."""
    trunked = rows.filter(_DIGITS.str.contains(plan.trunk))
    if trunked.is_empty():
        return _possible(rows, plan), _nothing()
    plain = rows.filter(~_DIGITS.str.contains(plan.trunk))
    if plan.rewrites:
        return _possible(plain, plan), _nothing()
    stripped = _DIGITS.str.replace(plan.trunk, "")
    whole = _DIGITS.str.contains(plan.national)
    # A number that would be whole with its first digits and isn't without them keeps them.
    keeps = whole & ~stripped.str.contains(plan.national)
    decided = trunked.select(
        "row", pl.when(keeps).then(_DIGITS).otherwise(stripped).alias("digits"), keeps.alias("keeps")
    ).filter(pl.col("keeps") | _has_length(plan.lengths))
    return _possible(pl.concat([plain, decided.select("row", "digits")]), plan), _nothing()


def _possible(rows: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """The national numbers of a possible length; none that begins with a zero, which a whole number can't hold."""
    accepted = rows.filter(_has_length(plan.possible) & ~_DIGITS.str.starts_with("0"))
    return accepted.select(
        "row", pl.lit(plan.code, dtype=pl.Int32).alias("code"), _DIGITS.cast(pl.Int64).alias("number")
    )


def _has_length(lengths: tuple[int, ...]) -> pl.Expr:
    length = _DIGITS.str.len_bytes()
    return length.is_between(lengths[0], lengths[-1]) & length.is_in(lengths)


def _nothing() -> pl.DataFrame:
    return pl.DataFrame(schema={"row": pl.UInt32, "digits": pl.String})
