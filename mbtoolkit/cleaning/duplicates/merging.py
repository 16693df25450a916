"""One row for each person: what clusters of rows become, and what went into what."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

import polars as pl

from mbtoolkit.cleaning.cells import differing
from mbtoolkit.contacts import IDENTIFIERS, OPT_INS, is_contact_column
from mbtoolkit.errors import FrameError, SourceWarning, UsageError
from mbtoolkit.schemas.conform import UNREAD_PREFIX, conform, is_unread_column, unread_column
from mbtoolkit.schemas.emails import email_identity, email_is_well_formed
from mbtoolkit.schemas.sharing import identifier_keys
from mbtoolkit.schemas.texts import has_text_form, text_form, unless_blank

Keep = Literal["first", "last", "newest", "most_complete"]
"""Which row of a cluster is preferred: its values stand, and only its gaps are filled from the others."""
Rule = Literal["first", "last", "newest", "most_complete", "commonest", "longest", "largest", "smallest"]
"""How the value of one column is chosen among the filled ones."""

_MOBILE: Final = IDENTIFIERS["mobile"]
_IDENTIFIERS: Final = (*_MOBILE, "email")
_SOUND: Final = "\0sound"
_ROW: Final = "\0row"
_CLUSTER: Final = "\0cluster"
_RANK: Final = "\0rank"


@dataclass(frozen=True, slots=True)
class Merged:
    """A contacts frame with one row for each person, and what became of the rows.

    Attributes:
        contacts: one row for each cluster, where its first row was; all other rows as they were, in their order.
        rows: one line for each row of the input: `row`, `into` (its position in `contacts`), `cluster` (null where it
            was left alone), `is_preferred` (whether it was the preferred row of its cluster).
        lost: one line for each value that is not in the merged row: `row`, `column`, `value` and `kept` (as text); an
            e-mail address that is only written in other letters, large for small, is not lost.
        left: clusters that were not merged: `cluster`, `rows` (their number), `reason`.
    """

    contacts: pl.DataFrame
    rows: pl.DataFrame
    lost: pl.DataFrame
    left: pl.DataFrame

    @property
    def headline(self) -> str:
        """The counts in one sentence: rows in = rows out + rows merged away."""
        out, given = self.contacts.height, self.rows.height
        count = self.left.height
        left = f"; {count:,} {'cluster' if count == 1 else 'clusters'} not merged" if count else ""
        merged = f"{given:,} rows in = {out:,} rows out + {given - out:,} merged into others"
        return f"{merged}; {self.lost.height:,} values lost{left}"

    def __repr__(self) -> str:
        """The counts; no cell of the table is in them."""
        reasons = self.left.group_by("reason", maintain_order=True).len().iter_rows()
        return "\n".join([self.headline, *(f"  {count:>7,} left: {reason}" for reason, count in reasons)])


def merge_duplicates(
    contacts: pl.DataFrame,
    clusters: pl.DataFrame,
    *,
    keep: Keep = "newest",
    date_column: str | None = None,
    rules: Mapping[str, Rule] | None = None,
) -> Merged:
    """One row for each cluster.

    The values of the preferred row stand; its blanks are filled from the next rows in order of preference, and so is
    what is no e-mail address. A mobile's country code and number stay together. Of consents the strictest stands,
    whatever the rules say: false over true over null; where an answer could not be read, none is taken from the other
    rows; and a yes that was given for another address or number than the merged row has is not taken along.

    Args:
        contacts: the frame in which the duplicates were found.
        clusters: what `find_duplicates` returned, or a part of it; `row` and `cluster` are read, and `joins` where it
            is there. A row that is not in it is left as it is.
        keep: which row is preferred: the `newest` by `date_column` (blank dates last), the `most_complete` (the most
            contact cells filled), the `first` or the `last`. The earlier row wins where two are equal.
        date_column: a column of dates or times, or of ISO 8601 text; needed for `newest`.
        rules: for single columns another choice: the value of the `first`, `last`, `newest` or `most_complete` row
            that has one, the `commonest`, `longest` (as text), `largest` or `smallest`.

    Returns:
        The merged frame in canonical types, and what became of each row. Clusters are left as they are, and listed,
        where one of their rows joins two other people, or where they hold two contact ids: the CRM knows these as two
        contacts, and it is for a person to say which is to go.

    Warns:
        SourceWarning: cells of the date column are filled and no dates; they count as blank.

    Raises:
        FrameError: `contacts` is no polars DataFrame; `clusters` lacks a column, names a row that `contacts` doesn't
            have, or one row twice; or the date column holds no dates.
        UsageError: an unknown choice, a rule for a column that isn't there or for a consent, or no date column for
            `newest`.
    """
    if not isinstance(contacts, pl.DataFrame):
        msg = f"merge_duplicates takes a polars DataFrame, not a {type(contacts).__name__}"
        raise FrameError(msg)
    frame, chosen = conform(contacts), dict(rules or {})
    _check_choices(frame, keep, date_column, chosen)
    _check_clusters(clusters, frame.height)
    _warn_of_no_dates(frame, date_column)
    together, left = _together(frame, clusters)
    members = _in_order(frame, together, keep, date_column)
    one = _one_row_each(frame, members, chosen, date_column)
    kept = frame.with_row_index(_ROW).with_columns(pl.col(_ROW).cast(pl.Int64)).join(members, on=_ROW, how="anti")
    both = pl.concat([kept, pl.DataFrame({name: one.get_column(name) for name in kept.columns})]).sort(_ROW)
    rows = _became(frame.height, members, both[_ROW])
    return Merged(both.drop(_ROW), rows, lost_values(frame, both.drop(_ROW), rows), left)


def _check_choices(frame: pl.DataFrame, keep: str, date_column: str | None, rules: dict[str, Rule]) -> None:
    if keep not in get_args(Keep):
        msg = f"keep is one of {', '.join(get_args(Keep))}; not {keep!r}"
        raise UsageError(msg)
    if date_column is None and (keep == "newest" or "newest" in rules.values()):
        msg = "the newest row is known by a date: date_column='...', or keep='most_complete', 'first' or 'last'"
        raise UsageError(msg)
    if date_column is not None and date_column not in frame.columns:
        msg = f"date_column {date_column!r} is not in the frame"
        raise UsageError(msg)
    for column, rule in rules.items():
        if column not in frame.columns:
            msg = f"a rule for {column!r}, which is not in the frame"
            raise UsageError(msg)
        if column in OPT_INS or is_unread_column(column):
            msg = f"{column} takes no rule: of consents the strictest stands, and what is unread stays with its row"
            raise UsageError(msg)
        if rule not in get_args(Rule):
            msg = f"the rule for {column!r} is one of {', '.join(get_args(Rule))}; not {rule!r}"
            raise UsageError(msg)
        if column in _MOBILE and (rules.get(_other(column), rule) != rule or rule not in get_args(Keep)):
            msg = f"{' and '.join(_MOBILE)} stay together and take one rule: {', '.join(get_args(Keep))}"
            raise UsageError(msg)
        if rule not in get_args(Keep) and not has_text_form(frame.schema[column]):
            msg = f"{column!r} holds cells that have no order; its rule is one of {', '.join(get_args(Keep))}"
            raise UsageError(msg)


def _check_clusters(clusters: pl.DataFrame, height: int) -> None:
    if not isinstance(clusters, pl.DataFrame) or not {"row", "cluster"} <= set(clusters.columns):
        msg = "clusters is the frame that find_duplicates returns: row, cluster and more"
        raise FrameError(msg)
    rows = clusters["row"]
    if rows.null_count() or clusters["cluster"].null_count() or not (rows.dtype.is_integer() or rows.is_empty()):
        msg = "each line of clusters has a row (its position in the frame) and a cluster"
        raise FrameError(msg)
    if len(rows) and (int(rows.min()) < 0 or int(rows.max()) >= height):  # type: ignore[arg-type]
        msg = f"clusters names rows that a frame of {height:,} rows doesn't have; find them in the same frame"
        raise FrameError(msg)
    if rows.is_duplicated().any():
        msg = "clusters names a row twice; each row can be of one person only"
        raise FrameError(msg)


def _other(column: str) -> str:
    return next(each for each in _MOBILE if each != column)


def _together(frame: pl.DataFrame, clusters: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows to be merged with their clusters, and the clusters that are not merged, with the reason."""
    joins = pl.col("joins").is_not_null() if "joins" in clusters.columns else pl.lit(value=False)
    contact_id = frame["contact_id"] if "contact_id" in frame.columns else pl.Series([None] * frame.height)
    named = clusters.select(pl.col("row").cast(pl.Int64).alias(_ROW), pl.col("cluster").alias(_CLUSTER), joins=joins)
    named = named.with_columns(contact_id.cast(pl.Int64).gather(named[_ROW]).alias("contact_id"))
    reason = (
        pl.when(pl.col("joins").any())
        .then(pl.lit("one of its rows joins two other people"))
        .when(pl.col("contact_id").drop_nulls().n_unique() > 1)
        .then(pl.lit("its rows have different contact ids"))
    )
    judged = named.group_by(_CLUSTER, maintain_order=True).agg(pl.len().cast(pl.Int64).alias("rows"), reason=reason)
    left = judged.filter(pl.col("reason").is_not_null()).select(pl.col(_CLUSTER).alias("cluster"), "rows", "reason")
    merged = judged.filter(pl.col("reason").is_null() & (pl.col("rows") > 1))
    return named.join(merged, on=_CLUSTER, how="semi").select(_ROW, _CLUSTER), left


def _in_order(frame: pl.DataFrame, together: pl.DataFrame, keep: Keep, date_column: str | None) -> pl.DataFrame:
    """The rows to be merged: cluster by cluster, in each the preferred row first."""
    ranks = frame.select(_rank(frame, keep, date_column).alias(_RANK)).to_series().gather(together[_ROW])
    return together.with_columns(ranks).sort(_CLUSTER, _RANK, _ROW, nulls_last=True)


def _rank(frame: pl.DataFrame, keep: str, date_column: str | None) -> pl.Expr:
    """A number for each row, the smaller the more it is preferred."""
    if keep == "newest":
        return -_times(frame, str(date_column))
    if keep == "most_complete":
        cells = [pl.col(column).is_not_null() for column in frame.columns if is_contact_column(column)]
        return -pl.sum_horizontal(pl.lit(0), *(cell.cast(pl.Int64) for cell in cells))
    row = pl.int_range(pl.len(), dtype=pl.Int64)
    return row if keep == "first" else -row


def _times(frame: pl.DataFrame, column: str) -> pl.Expr:
    """Microseconds since 1970 for each row, null where no date can be read.

    Raises:
        FrameError: the column holds no dates.
    """
    dtype, cells = frame.schema[column], pl.nth(frame.columns.index(column))
    if dtype == pl.String:
        day = cells.str.extract(r"^\s*(\d{4}-\d{2}-\d{2})").str.to_date("%Y-%m-%d", strict=False).dt.epoch("us")
        time = cells.str.extract(r"^\s*\d{4}-\d{2}-\d{2}[T ](\d{2}:\d{2}(?::\d{2})?)")
        seconds = pl.concat_str(time, pl.lit(":00")).str.slice(0, 8).str.to_time("%H:%M:%S", strict=False)
        read = day + seconds.cast(pl.Int64).fill_null(0) // 1000
        if frame.select(read.is_null().all() & cells.is_not_null().any()).item():
            msg = f"date_column {column!r} holds text that is no ISO 8601 date (2025-01-31); make dates of it first"
            raise FrameError(msg)
        return read
    if dtype in (pl.Date, pl.Null) or isinstance(dtype, pl.Datetime):
        return cells.cast(pl.Datetime("us")).dt.epoch("us")
    msg = f"date_column {column!r} is of type {dtype}; it takes dates, times, or text such as 2025-01-31"
    raise FrameError(msg)


def _warn_of_no_dates(frame: pl.DataFrame, column: str | None) -> None:
    if column is None or frame.schema[column] != pl.String:
        return
    filled = unless_blank(pl.nth(frame.columns.index(column))).is_not_null()
    unread = int(frame.select((filled & _times(frame, column).is_null()).sum()).item())
    if unread:
        msg = (
            f"date_column {column!r}: {unread:,} cells hold text that is no ISO 8601 date (2025-01-31) and count as "
            "blank, so that their rows are the oldest; normalize_date makes dates of them"
        )
        warnings.warn(msg, SourceWarning, stacklevel=3)


def _one_row_each(
    frame: pl.DataFrame, members: pl.DataFrame, rules: dict[str, Rule], date_column: str | None
) -> pl.DataFrame:
    """The merged rows, each with the position of the first row of its cluster."""
    cells = frame[members[_ROW]].hstack(members)
    orders = {rule for rule in rules.values() if rule in get_args(Keep)}
    ranks = [
        frame.select(_rank(frame, rule, date_column).alias(_RANK + rule)).to_series().gather(members[_ROW])
        for rule in sorted(orders)
    ]
    sound = email_is_well_formed(pl.col("email")) if "email" in frame.columns else pl.lit(value=False)
    cells = cells.with_columns(*ranks, sound.alias(_SOUND))
    named = [column for column in _IDENTIFIERS if column in frame.columns]
    becomes = cells.group_by(_CLUSTER, maintain_order=True).agg(
        _value(column, rules, frame.schema).alias(column) for column in named
    )
    cells = own_consents(cells, cells.select(_CLUSTER).join(becomes, on=_CLUSTER, how="left", maintain_order="left"))
    values = [_value(column, rules, frame.schema).alias(column) for column in frame.columns]
    return cells.group_by(_CLUSTER, maintain_order=True).agg(pl.col(_ROW).min(), *values).drop(_CLUSTER)


def own_consents(rows: pl.DataFrame, becomes: pl.DataFrame) -> pl.DataFrame:
    """The rows, with each yes taken back that was given for another address or number than they are merged into.

    A yes in a row without an address is one for the contact that its `contact_id` names, and for nobody else.

    Args:
        rows: conformed.
        becomes: as many rows: the identifiers that each of them is merged into.
    """
    keys, merged = identifier_keys(rows), identifier_keys(becomes)
    nobody = pl.Series([None] * rows.height, dtype=pl.Int64)
    is_known = keys.get("contact_id", nobody).is_not_null()
    taken_back = []
    for consent, kind in (("email_opt_in", "email"), ("mobile_opt_in", "mobile")):
        if consent in rows.columns and kind in keys and kind in merged:
            is_own = keys[kind].eq_missing(merged[kind]) | (keys[kind].is_null() & is_known)
            taken_back.append(pl.select(pl.when(pl.lit(is_own) | ~rows[consent]).then(rows[consent]).alias(consent)))
    return rows.with_columns(each.to_series() for each in taken_back)


def _value(column: str, rules: dict[str, Rule], schema: pl.Schema) -> pl.Expr:
    """The value of a merged row, from the rows of its cluster in order of preference."""
    # By its place, as polars takes some names for patterns.
    cells, columns = pl.nth(list(schema).index(column)), schema.keys()
    if is_unread_column(column):
        base = column.removeprefix(UNREAD_PREFIX)
        note = cells.drop_nulls().first()
        return pl.when(_value(base, rules, schema).is_null()).then(note) if base in columns else note
    if column in OPT_INS:
        strictest, unread = cells.min(), unread_column(column)
        if unread not in columns:
            return strictest
        return pl.when(pl.col(unread).is_null().all() | strictest.not_()).then(strictest)
    if column in _MOBILE and set(_MOBILE) <= set(columns):
        rule = rules.get(column) or rules.get(_other(column))
        whole = pl.all_horizontal(pl.col(each).is_not_null() for each in _MOBILE)
        pair = pl.struct(_MOBILE)
        return pl.coalesce(_chosen(pair, whole, rule, schema[column]), pair.first()).struct.field(column)
    chosen = _chosen(cells, cells.is_not_null(), rules.get(column), schema[column])
    if column == "email":
        # What is no address is kept only where there is none.
        is_sound = pl.col(_SOUND).fill_null(value=False)
        return pl.coalesce(_chosen(cells, is_sound, rules.get(column), schema[column]), chosen)
    return chosen


def _chosen(cells: pl.Expr, is_filled: pl.Expr, rule: Rule | None, dtype: pl.DataType) -> pl.Expr:
    """The chosen one of the filled cells."""
    filled = cells.filter(is_filled)
    if rule is None:
        return filled.first()
    if rule in get_args(Keep):
        rank = pl.col(_RANK + rule).filter(is_filled)
        return filled.sort_by(rank, nulls_last=True, maintain_order=True).first()
    if rule == "commonest":
        return filled.mode(maintain_order=True).first()
    if rule == "longest":
        length = text_form(filled, dtype).str.len_chars()
        return filled.sort_by(length, descending=True, maintain_order=True).first()
    return filled.sort(descending=rule == "largest").first()


def _became(height: int, members: pl.DataFrame, kept: pl.Series) -> pl.DataFrame:
    """What became of each row of the input."""
    clusters = members.select(
        pl.col(_ROW).alias("row"),
        pl.col(_CLUSTER).alias("cluster"),
        pl.col(_ROW).min().over(_CLUSTER).alias("stands_at"),
        (pl.int_range(pl.len()).over(_CLUSTER) == 0).alias("is_preferred"),
    )
    into = kept.alias("stands_at").to_frame().select("stands_at", pl.int_range(pl.len(), dtype=pl.Int64).alias("into"))
    rows = pl.select(pl.int_range(height, dtype=pl.Int64).alias("row"))
    return (
        rows.join(clusters, on="row", how="left", maintain_order="left")
        .with_columns(pl.coalesce("stands_at", "row").alias("stands_at"), pl.col("is_preferred").fill_null(value=False))
        .join(into, on="stands_at", how="left", maintain_order="left")
        .select("row", "into", "cluster", "is_preferred")
    )


def lost_values(frame: pl.DataFrame, merged: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Each value of a row that is not in what it was merged into: `row`, `column`, `value`, `kept`.

    An e-mail address that is only written in other letters, large for small, is not lost.

    Args:
        frame: before.
        merged: after.
        rows: what became of each row, as `Merged.rows` has it.
    """
    went = rows.filter(pl.col("cluster").is_not_null())
    before, after = frame[went["row"]], merged[went["into"]]
    schema = pl.Schema({"row": pl.Int64, "column": pl.String, "value": pl.String, "kept": pl.String})
    lost = [pl.DataFrame(schema=schema)]
    for column, dtype in frame.schema.items():
        pair = pl.DataFrame([went["row"], before[column].alias("value"), after[column].alias("kept")])
        differ = differing(before[column], after[column]) & pair.select(pl.col("value").is_not_null()).to_series()
        if column == "email":
            # Written otherwise it is the same address.
            plain = pair.cast({"value": pl.String, "kept": pl.String})
            differ &= email_identity(plain["value"]).ne_missing(email_identity(plain["kept"]))
        texts = (text_form(pl.col(name), dtype).alias(name) for name in ("value", "kept"))
        lost.append(pair.filter(differ).select("row", pl.lit(column).alias("column"), *texts).cast(schema))
    return pl.concat(lost).sort("row", maintain_order=True)
