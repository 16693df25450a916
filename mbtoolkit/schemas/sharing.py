"""Which rows of a contacts frame are about the same contact."""

from __future__ import annotations

import polars as pl

from mbtoolkit.contacts import MAX_COUNTRY_CODE, MAX_PHONE_DIGITS, OPT_INS
from mbtoolkit.schemas.emails import email_identity, unusual_emails

SHARED = {"row": pl.UInt32, "identifier": pl.String, "group": pl.UInt32, "component": pl.UInt32}


def identifier_keys(frame: pl.DataFrame, unusual: pl.Series | None = None) -> dict[str, pl.Series]:
    """One comparable key for each identifier that a frame can have; null where a row has none.

    Args:
        frame: a conformed contacts frame.
        unusual: what `unusual_emails` says of its e-mail column, where that is known already.

    Returns:
        identifier -> keys: contact_id as it is, mobile as one Int64, email as `email_identity` has it, so that a row
        whose address has to be mended first is known for the same contact.
    """
    keys: dict[str, pl.Series] = {}
    if "contact_id" in frame.columns:
        keys["contact_id"] = frame["contact_id"]
    if {"mobile_country_code", "mobile_number"} <= set(frame.columns):
        code, number = pl.col("mobile_country_code").cast(pl.Int64), pl.col("mobile_number")
        sound = code.is_between(1, MAX_COUNTRY_CODE) & number.is_between(1, 10**MAX_PHONE_DIGITS - 1)
        keys["mobile"] = frame.select(pl.when(sound).then(code * 10**MAX_PHONE_DIGITS + number)).to_series()
    if "email" in frame.columns:
        emails = frame["email"]
        rows = unusual_emails(emails) if unusual is None else unusual
        # "unknown" and its like stand in for an address in many rows, and make nobody the same person.
        read = pl.when(pl.first().str.contains("@", literal=True)).then(pl.first())
        known = email_identity(emails.gather(rows)).to_frame().select(read)
        keys["email"] = emails.str.to_lowercase().scatter(rows, known.to_series())
    return keys


def shared_identifiers(
    frame: pl.DataFrame, unusual: pl.Series | None = None, *, keys: dict[str, pl.Series] | None = None
) -> pl.DataFrame:
    """The rows that share an identifier with another row.

    Args:
        frame: a conformed contacts frame.
        unusual: what `unusual_emails` says of its e-mail column, where that is known already.
        keys: what `identifier_keys` says of it, where that is known already.

    Returns:
        One line a row and shared identifier: `row` (UInt32, position in `frame`), `identifier` (`contact_id`, `mobile`
        or `email`), `group` (UInt32: the first row with the same value of the same identifier), `component` (UInt32:
        the first of all rows that hang together with it, directly or through others), and the frame's opt-in columns.
    """
    opt_ins = [column for column in OPT_INS if column in frame.columns]
    known = identifier_keys(frame, unusual) if keys is None else keys
    found = [_rows_sharing(frame, identifier, key, opt_ins) for identifier, key in known.items()]
    if not found:
        return pl.DataFrame(schema=SHARED)
    shared = pl.concat(found)
    return shared.with_columns(pl.col("group").replace(_first_groups(shared)).alias("component"))


def _rows_sharing(frame: pl.DataFrame, identifier: str, key: pl.Series, opt_ins: list[str]) -> pl.DataFrame:
    keyed = frame.select(key.alias("key"), *opt_ins).with_row_index("row")
    has_null = key.null_count() > 0
    if key.n_unique() - has_null == len(key) - key.null_count():
        shared = keyed.clear()
    else:
        # Texts are compared among the few with one hash only: comparing all of them takes three times as long.
        candidates = (key.hash().is_duplicated() & key.is_not_null()).arg_true()
        shared = keyed[candidates].filter(pl.col("key").is_duplicated())
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
