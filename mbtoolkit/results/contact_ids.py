"""Takes the CRM's ids from results back to the contacts."""

from __future__ import annotations

from typing import Final

import polars as pl

from mbtoolkit.errors import FrameError
from mbtoolkit.results.frames import told_by
from mbtoolkit.schemas.conform import conform, unread_column
from mbtoolkit.schemas.frames import FIRST_RUN, ROW, UNKNOWN_RUN

_ID: Final = "contact_id"
_LEARNT: Final = "mb_contact_id"


def with_contact_ids(contacts: pl.DataFrame, results: pl.DataFrame) -> pl.DataFrame:
    """The contacts with the ids that the CRM gave them, so that the next push is an update.

    Args:
        contacts: the frame that was sent, or the one that the sent rows were taken from. It may be a results frame
            itself; ids are taken from `results` alone.
        results: what came back for all of it or a part of it; rows are matched by `mb_row`, which in a frame without
            that column is the row's position.

    Returns:
        `contacts`, with `contact_id` (Int64) filled in where `results` has one. A cell of `contact_id` that is no such
        number is kept, as found, in `unread:contact_id`, so that the rules say of it what they said before. All other
        columns are untouched.

    Raises:
        FrameError: `contacts` is no frame, or its `mb_row` doesn't say which row is which; or `results` is no results
            frame, has two ids for one row, or holds rows that `contacts` doesn't.
    """
    told = told_by(results)
    rows = _rows(contacts)
    _check_origin(contacts, results)
    missing = told.height - int(told[ROW].is_in(rows.implode()).sum())
    if missing:
        msg = f"{missing:,} of the results' rows are not among the contacts: give the frame that was sent"
        raise FrameError(msg)
    learnt = rows.to_frame().join(_learnt(told, results), on=ROW, how="left", maintain_order="left")[_LEARNT]
    nothing = pl.lit(None, dtype=pl.Int64).alias(_ID)
    whole = contacts if _ID in contacts.columns else contacts.with_columns(nothing)
    had = conform(whole.select(name for name in (_ID, unread_column(_ID)) if name in whole.columns))
    # Once more, for what could not be read no longer counts where there is an id by now.
    filled = conform(had.with_columns(pl.coalesce(learnt, pl.col(_ID)).alias(_ID)))
    return whole.with_columns(filled.get_columns())


def _check_origin(contacts: pl.DataFrame, results: pl.DataFrame) -> None:
    """Raises:
    FrameError: rows of the results were numbered by a push of something else than these contacts.
    """
    told = _origins(results)
    own = _origins(contacts) if ROW in contacts.columns else set()
    if (len(told) > 1 and not own) or (own and not told <= own):
        msg = (
            "the results' rows are numbered by several pushes or by another one than the contacts, so it can't be said "
            f"which is which; give those of one push: results.filter(pl.col({FIRST_RUN!r}) == ...)"
        )
        raise FrameError(msg)


def _origins(frame: pl.DataFrame) -> set[str]:
    """The runs that numbered the rows, as far as they are known."""
    found = frame[FIRST_RUN].drop_nulls().cast(pl.String).unique().to_list() if FIRST_RUN in frame.columns else []
    return set(found) - {UNKNOWN_RUN}


def _rows(contacts: pl.DataFrame) -> pl.Series:
    """`mb_row` of each contact.

    Raises:
        FrameError: not a frame, or some rows have no number of their own.
    """
    if not isinstance(contacts, pl.DataFrame):
        msg = f"with_contact_ids takes a polars DataFrame of contacts, not a {type(contacts).__name__}"
        raise FrameError(msg)
    if ROW not in contacts.columns:
        return pl.int_range(contacts.height, dtype=pl.Int64, eager=True).alias(ROW)
    rows = contacts[ROW]
    if not rows.dtype.is_integer():
        msg = f"column {ROW!r} of the contacts is {rows.dtype}, not whole numbers: rename it, or cast it to pl.Int64"
        raise FrameError(msg)
    rows = rows.cast(pl.Int64, strict=False)
    if rows.null_count() or rows.n_unique() < len(rows):
        msg = f"column {ROW!r} of the contacts is empty or the same in several rows: drop it before they are sent"
        raise FrameError(msg)
    return rows


def _learnt(told: pl.DataFrame, results: pl.DataFrame) -> pl.DataFrame:
    """The id of each row that got one; the last, where the results of several runs stand in one frame.

    Raises:
        FrameError: one run has several ids for a row, so its numbers don't say which row is which.
    """
    run = results["mb_run_id"] if "mb_run_id" in results.columns else pl.int_range(told.height, eager=True)
    ids = told.select(ROW, _LEARNT).with_columns(run.alias("run")).filter(pl.col(_LEARNT).is_not_null())
    if ids.n_unique() > ids.n_unique(subset=[ROW, "run"]):
        msg = f"a run gave several ids to rows of one {ROW}: drop {ROW} from contacts of several frames, then send them"
        raise FrameError(msg)
    return ids.select(ROW, _LEARNT).unique(ROW, keep="last", maintain_order=True)
