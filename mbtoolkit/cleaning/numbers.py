"""`normalize_number`: a column of amounts and measures as people write them."""

from __future__ import annotations

from typing import Final, Literal

import polars as pl

from mbtoolkit.cleaning.cells import Column, answered, as_text
from mbtoolkit.errors import UsageError
from mbtoolkit.schemas.texts import stripped

NUMBER: Final = pl.Struct({"number": pl.String, "issue": pl.String})
_ISSUES: Final = {
    "not_finite": "is not a finite number (NaN or infinity); give a number or leave it empty",
    "number_as_float": "is in scientific form, so digits may be gone; read the source as text",
    "number_decimal_mark": "has marks that don't fit decimal={decimal!r}; correct the number, or choose the other mark",
    "not_a_number": "is no number; write digits only, without a currency or a unit",
}

_TEXT = pl.col("text")


def normalize_number(column: Column, decimal: Literal[",", "."]) -> Column:
    """The number in each cell as a machine writes it: digits, a minus in front, a point before decimals.

    Args:
        column: numbers as text, grouped in threes or not, by spaces, apostrophes or the mark that isn't the decimal one
            (as in India also: 12,34,567); or a column of numbers.
        decimal: the mark before decimals, `,` or `.`. It is never guessed, for `1.234` may be either; where other cells
            have decimals behind the other mark (`12.5`), such a cell is an issue.

    Returns:
        Under the same name and of the same height: `number` (String; decimals as many as written), `issue` (String).
        Null where the cell is null or blank.

    Raises:
        UsageError: another decimal mark, or the column has no text form.

    Example:
        >>> normalize_number(pl.Series(["1 234,50", "-7", "12 kr"]), ",").struct.field("number").to_list()
        ['1234.50', '-7', None]
    """
    if decimal not in {",", "."}:
        msg = f"decimal={decimal!r} is neither ',' nor '.'"
        raise UsageError(msg)
    return answered(column, lambda cells: _numbers(cells, decimal), NUMBER)


def _numbers(column: pl.Series, decimal: str) -> pl.Series:
    mark = "." if column.dtype.is_numeric() else decimal
    group = r"\." if mark == "," else ","
    space = rf"(?:[ '\x{{2019}}_]|{group})"
    tidied = _TEXT.str.normalize("NFKC").str.replace_all(r"\s", " ").str.replace(r"^[\x{2212}\x{2013}]", "-")
    texts = as_text(column).alias("text").to_frame().select(stripped(_TEXT)).with_columns(tidied.alias("plain"))
    plain = pl.col("plain")
    # One kind of mark between the groups of one number.
    threes = "|".join(rf"[0-9]{{1,3}}(?:{each}[0-9]{{3}})+" for each in (" ", r"['\x{2019}]", "_", group))
    india = rf"[0-9]{{1,2}}(?:{group}[0-9]{{2}})+{group}[0-9]{{3}}"
    form = rf"^[+-]? ?(?:[0-9]+|{threes}|{india})(?:\{mark}[0-9]+)?$|^[+-]?\{mark}[0-9]+$"
    digits = plain.str.replace_all(space, "").str.replace(mark, ".", literal=True).str.replace("+", "", literal=True)
    # Neither a zero in front nor a minus before nothing but zeros.
    number = digits.str.replace(r"^(-?)0+([0-9])", "$1$2").str.replace(r"^(-?)\.", "${1}0.")
    number = number.str.replace(r"^-(0(?:\.0*)?)$", "$1")
    if column.dtype.is_float():
        number = number.str.replace(r"\.0$", "")
    fits = plain.str.contains(form)
    if column.dtype == pl.String and texts.select(plain.str.contains(_other_mark(mark)).any()).item():
        # Where the other mark stands before decimals in some cells, one before three digits may do so too.
        fits &= ~plain.str.contains(rf"^[+-]? ?[0-9]{{1,3}}{group}[0-9]{{3}}$")
    answer = pl.struct(
        pl.when(fits).then(number).alias("number"), pl.when(~fits).then(_issue(plain, decimal)).alias("issue")
    )
    return texts.select(pl.when(_TEXT.is_not_null()).then(answer)).to_series()


def _other_mark(mark: str) -> str:
    """A number whose decimals stand behind the mark that isn't the decimal one."""
    other = r"\." if mark == "," else ","
    return rf"^[+-]? ?[0-9]+{other}(?:[0-9]{{1,2}}|[0-9]{{4,}})$"


def _issue(text: pl.Expr, decimal: str) -> pl.Expr:
    said = {rule: pl.lit(f"{rule}: {message.format(decimal=decimal)}") for rule, message in _ISSUES.items()}
    return (
        pl.when(text.str.contains(r"(?i)^[+-]?(?:nan|inf|infinity)$"))
        .then(said["not_finite"])
        .when(text.str.contains(r"^[+-]?[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+$"))
        .then(said["number_as_float"])
        .when(text.str.contains(r"^[+-]?[0-9.,' ]+$"))
        .then(said["number_decimal_mark"])
        .otherwise(said["not_a_number"])
    )
