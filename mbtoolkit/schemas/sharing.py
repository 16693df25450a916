"""Which rows of a contacts frame are about the same contact."""

from __future__ import annotations

import polars as pl

from mbtoolkit.contacts import MAX_COUNTRY_CODE, MAX_PHONE_DIGITS, OPT_INS


def identifier_keys(columns: list[str]) -> dict[str, pl.Expr]:
    """One comparable key for each identifier that a frame can have; null where the row has none.

    Args:
        columns: the frame's columns.

    Returns:
        identifier -> expression: contact_id as it is, mobile as one Int64, email in lower case and in one Unicode form.
    """
    keys: dict[str, pl.Expr] = {}
    if "contact_id" in columns:
        keys["contact_id"] = pl.col("contact_id")
    if {"mobile_country_code", "mobile_number"} <= set(columns):
        code, number = pl.col("mobile_country_code").cast(pl.Int64), pl.col("mobile_number")
        sound = code.is_between(1, MAX_COUNTRY_CODE) & number.is_between(1, 10**MAX_PHONE_DIGITS - 1)
        keys["mobile"] = pl.when(sound).then(code * 10**MAX_PHONE_DIGITS + number)
    if "email" in columns:
        keys["email"] = pl.col("email").str.to_lowercase().str.normalize("NFC")
    return keys


def shared_identifiers(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows that share an identifier with another row.

    Args:
        frame: a conformed contacts frame.

    Returns:
        One line a row and shared identifier: `row` (UInt32, position in `frame`), `identifier` (`contact_id`, `mobile`
        or `email`), `group` (UInt32: rows with the same value of the same identifier have the same number), and the
        frame's opt-in columns.
    """
    opt_ins = [column for column in OPT_INS if column in frame.columns]
    found = [
        _rows_sharing(frame, identifier, key, opt_ins) for identifier, key in identifier_keys(frame.columns).items()
    ]
    if not found:
        return pl.DataFrame(schema={"row": pl.UInt32, "identifier": pl.String, "group": pl.UInt32})
    return pl.concat(found)


def _rows_sharing(frame: pl.DataFrame, identifier: str, key: pl.Expr, opt_ins: list[str]) -> pl.DataFrame:
    keyed = frame.select(key.alias("key"), *opt_ins).with_row_index("row")
    filled = keyed.filter(pl.col("key").is_not_null())
    if filled["key"].n_unique() == filled.height:
        shared = filled.clear()
    else:
        shared = filled.filter(pl.col("key").is_duplicated())
    group = pl.col("row").min().over("key").alias("group")
    return shared.select("row", pl.lit(identifier).alias("identifier"), group, *opt_ins)
