"""Which rows of a contacts frame are about the same contact."""

from __future__ import annotations

import polars as pl

from mbtoolkit.contacts import MAX_COUNTRY_CODE, MAX_PHONE_DIGITS, OPT_INS
from mbtoolkit.schemas.emails import visible_email

_PLAIN = r"^[\x21-\x7e]*$"
"""An address that reads as it is written."""

SHARED = {"row": pl.UInt32, "identifier": pl.String, "group": pl.UInt32, "component": pl.UInt32}


def identifier_keys(columns: list[str]) -> dict[str, pl.Expr]:
    """One comparable key for each identifier that a frame can have; null where the row has none.

    Args:
        columns: the frame's columns.

    Returns:
        identifier -> expression: contact_id as it is, mobile as one Int64, email as it reads and in lower case, so that
        a row whose address has to be mended first is known for the same contact.
    """
    keys: dict[str, pl.Expr] = {}
    if "contact_id" in columns:
        keys["contact_id"] = pl.col("contact_id")
    if {"mobile_country_code", "mobile_number"} <= set(columns):
        code, number = pl.col("mobile_country_code").cast(pl.Int64), pl.col("mobile_number")
        sound = code.is_between(1, MAX_COUNTRY_CODE) & number.is_between(1, 10**MAX_PHONE_DIGITS - 1)
        keys["mobile"] = pl.when(sound).then(code * 10**MAX_PHONE_DIGITS + number)
    if "email" in columns:
        keys["email"] = pl.col("email").map_batches(_email_keys, return_dtype=pl.String)
    return keys


def _email_keys(emails: pl.Series) -> pl.Series:
    """Each address as it reads, in lower case; only those that are not plain ASCII cost more than that."""
    lower = emails.str.to_lowercase()
    odd = emails.str.contains(_PLAIN).not_().arg_true()
    if odd.is_empty():
        return lower
    read = emails.gather(odd).to_frame().select(visible_email(pl.first()).str.to_lowercase()).to_series()
    return lower.scatter(odd, read)


def shared_identifiers(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows that share an identifier with another row.

    Args:
        frame: a conformed contacts frame.

    Returns:
        One line a row and shared identifier: `row` (UInt32, position in `frame`), `identifier` (`contact_id`, `mobile`
        or `email`), `group` (UInt32: the first row with the same value of the same identifier), `component` (UInt32:
        the first of all rows that hang together with it, directly or through others), and the frame's opt-in columns.
    """
    opt_ins = [column for column in OPT_INS if column in frame.columns]
    found = [
        _rows_sharing(frame, identifier, key, opt_ins) for identifier, key in identifier_keys(frame.columns).items()
    ]
    if not found:
        return pl.DataFrame(schema=SHARED)
    shared = pl.concat(found)
    return shared.with_columns(pl.col("group").replace(_first_groups(shared)).alias("component"))


def _rows_sharing(frame: pl.DataFrame, identifier: str, key: pl.Expr, opt_ins: list[str]) -> pl.DataFrame:
    keyed = frame.select(key.alias("key"), *opt_ins).with_row_index("row")
    filled = keyed.filter(pl.col("key").is_not_null())
    if filled["key"].n_unique() == filled.height:
        shared = filled.clear()
    else:
        shared = filled.filter(pl.col("key").is_duplicated())
    group = pl.col("row").min().over("key").alias("group")
    return shared.select("row", pl.lit(identifier).alias("identifier"), group, *opt_ins)


def _first_groups(shared: pl.DataFrame) -> dict[int, int]:
    """For each group that a row joins with an earlier one: the first group that it hangs together with (union-find).

    A group bears the number of its first row, so groups of one number are of one contact whatever their identifier, and
    only rows with groups of two numbers join anything.
    """
    least = pl.col("group").min().over("row").alias("least")
    joined = shared.select("group", least).filter(pl.col("group") != pl.col("least")).unique()
    parent: dict[int, int] = {}

    def root(group: int) -> int:
        top = group
        while parent.setdefault(top, top) != top:
            top = parent[top]
        while parent[group] != top:
            parent[group], group = top, parent[group]
        return top

    for group, least_group in joined.iter_rows():
        one, other = root(group), root(least_group)
        parent[max(one, other)] = min(one, other)
    return {group: root(group) for group in parent}
