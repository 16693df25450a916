"""`upsert_contacts`: a contacts frame in, a results frame out, every row accounted for."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

import polars as pl

from mbtoolkit.client import AsyncClient, Client
from mbtoolkit.client.limits import ACCOUNT_LIMITS, SMALLEST, Limits, limits_of
from mbtoolkit.contacts import OPT_INS, is_uuid
from mbtoolkit.errors import ConsentError, FrameError, SettingsError
from mbtoolkit.payloads import columns_to_clear
from mbtoolkit.runs import Conditions, Plan, begin, execute
from mbtoolkit.runs.assembling import numbered
from mbtoolkit.runs.progress import Progress
from mbtoolkit.runs.sending import Rows, SendOptions, options_of
from mbtoolkit.runs.sending.options import Via
from mbtoolkit.schemas import ContactSchema
from mbtoolkit.schemas.frames import ROW
from mbtoolkit.upserts.contact import list_of
from mbtoolkit.validation import validate_contacts, with_clear, with_disputes

BATCHES_SAVE_SECONDS: Final = 1800.0
"""The batch operation is taken where it saves so much: it says less of each row, and says it later."""

BATCH_SECONDS: Final = 60.0
"""How long the CRM is taken to work on a batch. Source: MainBrainer's public pages: it can take minutes."""

REQUESTS_PER_BATCH: Final = 2
"""At least: the batch itself, and a question how far it is."""

OPT_INS_UNASKED: Final = 100
"""How many opt-ins a run turns on without being told how many."""

_log = logging.getLogger("mbtoolkit")


def upsert_contacts(
    contacts: pl.DataFrame,
    client: Client | AsyncClient,
    *,
    list_id: str | None = None,
    clear: Iterable[str] = (),
    opt_ins_on: int | None = None,
    leave_out: Iterable[int] = (),
    schema: type[ContactSchema] = ContactSchema,
    limits: str | Limits | None = None,
    options: SendOptions | None = None,
    progress: bool | Callable[[Progress], None] = True,
    stop: threading.Event | None = None,
) -> pl.DataFrame:
    """Validates, encodes and sends contacts, many at a time, and says what became of every row.

    Invalid rows are not sent and stop nobody else. Rows that share an identifier are sent one after the other in the
    frame's order, so that the later row wins. Ctrl-C stops the sending and still returns the frame, as does an answer
    that every row would meet (401, no CRM at the address, no connection); a log line says so. An outage is waited out.

    What is sent, and what became of it, is written down as it happens: a run that died is gone on with by
    `Run.open(run_id).resume(client)`, in another process too; `list_runs()` has the ids.

    Args:
        contacts: a contacts frame, or a results frame (or part of one) to send again: its rows keep their `mb_row`, the
            other columns of results are made again. Rows of such a frame that have no `mb_row` of their own get numbers
            beyond the others', and a log line says so. An opt-in that was refused because another row said no stays
            refused until it is changed.
        client: where to send. Its settings are used, on connections of the run's own.
        list_id: uuid of the list for rows that name none; the client's by default.
        clear: columns in which a null cell is sent as an explicit null (see `build_payloads`).
        opt_ins_on: how many opt-ins (mobile and e-mail, in rows that can be sent) this run turns on. To be stated where
            there are more than 100; checked wherever it is stated.
        leave_out: positions of rows that are judged together with the others and not sent; they come back as
            `not_sent`, `left_out`.
        schema: the rules; a subclass of `ContactSchema` to add your own.
        limits: what the account may send: "freemium", "starter", "pro" or `Limits(...)`. No more requests are made than
            that, counted together with every other run of this user (any process, notebook or script) that keeps
            limits for the same token. When a day's requests are used up the run ends; the rows that are `not_sent` say
            when to send them again. None, the default, keeps the smallest account's limits ("freemium"), and none
            towards a sandbox on this machine. "unlimited" sends as fast as it can and pauses when the CRM answers 429.
        options: how rows are sent and recorded, where the usual way doesn't fit; see `SendOptions`.
        progress: a bar after the first second; False for none; or a function that takes a `Progress`.
        stop: an event that another thread may set (a Cancel button, say) to do what Ctrl-C does: no new requests, those
            on their way are waited for, the other rows come back as `not_sent`.

    Returns:
        A results frame: the same rows in the same order, the input's columns untouched, then `mb_row` (the row's
        position in the first frame it came from, which the run `mb_first_run_id` sent), `mb_status` and the other
        columns of `ResultsSchema`. A column `mb_row` of your own that doesn't number the rows is kept as
        `source:mb_row`.

    Warns:
        RecordWarning: the results are right, but the run's record is incomplete, as where the disk is full.

    Raises:
        FrameError: `contacts` is no polars DataFrame, `clear` names what can't be cleared, or `leave_out` a row that
            isn't there.
        SettingsError: `client`, `list_id`, or another argument that says how to send can't be used.
        UsageError: `schema` is no `ContactSchema`, or would alter the frame.
        ConsentError: more opt-ins would be turned on than was stated. Nothing was sent.
        JournalError: the run's record can't be written. Nothing was sent.
    """
    _check_call(contacts, client, list_id, opt_ins_on)
    options = options_of(options)
    conditions = Conditions(limits=limits_of(limits, client.settings.base_url), progress=progress, stop=stop)
    (frame, rows), clear = numbered(contacts), columns_to_clear(clear)
    validation = with_clear(with_disputes(validate_contacts(frame, schema=schema), contacts), clear)
    left_out = _positions(leave_out, contacts.height)
    _check_consent(validation.valid.filter(~pl.col(ROW).is_in(left_out.implode())), opt_ins_on)
    list_id = list_of(list_id, client.settings)
    plan = Plan.of(frame, rows, validation.valid, validation.issues, left_out, list_id=list_id, clear=clear)
    via: Via = "batch" if _by_batch(plan, conditions.limits, options) else "single"
    is_recorded = options.keep_record and plan.outgoing.height > 0
    options = replace(options, via=via, keep_record=is_recorded)
    run_id, journal = begin(plan, client.settings, options)
    return execute(plan, Rows(plan.outgoing.height), journal, client.settings, options, conditions, run_id)


def _by_batch(plan: Plan, limits: Limits | None, options: SendOptions) -> bool:
    """Whether rows go by the batch operation; logs it where that was left to the toolkit."""
    if options.via != "auto":
        return options.by_batch
    rows = plan.outgoing.frame
    if options.learn_contact_ids:
        rows = rows.filter(pl.col("contact_id").is_not_null())
    granted = limits or ACCOUNT_LIMITS[SMALLEST]
    request_seconds = granted.window_seconds / granted.requests
    one_by_one = rows.height * request_seconds
    if one_by_one < BATCHES_SAVE_SECONDS:
        return False
    # Rows of one contact go one after the other, each when the batch of the one before has been worked on.
    longest = rows.group_by("component").len().select(pl.col("len").max()).item()
    batches = max(math.ceil(rows.height / options.batch_size), longest)
    by_batch = batches * REQUESTS_PER_BATCH * request_seconds + longest * BATCH_SECONDS
    if one_by_one - by_batch < BATCHES_SAVE_SECONDS:
        return False
    _log.warning(
        "%s contacts go by the batch operation, %s at a time. That takes about %s if the CRM works on a batch for a "
        "minute%s; one by one it takes %s at %s requests in %s seconds%s. "
        'SendOptions(via="single") sends them one by one',
        f"{rows.height:,}",
        options.batch_size,
        _duration(by_batch),
        f" (up to {longest:,} rows of one contact go one after the other)" if longest > 1 else "",
        _duration(one_by_one),
        granted.requests,
        f"{granted.window_seconds:g}",
        ", the smallest account's" if limits is None else "",
    )
    return True


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 120:
        return "a minute" if minutes <= 1 else f"{minutes} minutes"
    return f"{seconds / 3600:.1f} hours"


def _check_call(contacts: object, client: object, list_id: object, opt_ins_on: object) -> None:
    """Raises:
    FrameError, SettingsError: see `upsert_contacts`.
    """
    if not isinstance(contacts, pl.DataFrame):
        msg = f"upsert_contacts takes a polars DataFrame, not a {type(contacts).__name__}; read_contacts(...) makes one"
        raise FrameError(msg)
    if not isinstance(client, Client | AsyncClient):
        msg = f"upsert_contacts takes a Client, not a {type(client).__name__}; Client.from_env() makes one"
        raise SettingsError(msg)
    if list_id is not None and not is_uuid(list_id):
        msg = f"list_id={list_id!r} is no uuid; copy it from the list's page in the CRM"
        raise SettingsError(msg)
    is_whole = isinstance(opt_ins_on, int) and not isinstance(opt_ins_on, bool) and opt_ins_on >= 0
    if opt_ins_on is not None and not is_whole:
        msg = f"opt_ins_on={opt_ins_on!r}: give the whole number of opt-ins that this run turns on, or None"
        raise SettingsError(msg)


def _positions(leave_out: object, height: int) -> pl.Series:
    """Raises:
    FrameError: they are no positions of rows.
    """
    try:
        positions = pl.Series(list(leave_out), dtype=pl.Int64)  # type: ignore[call-overload]
    except (TypeError, OverflowError):
        msg = "leave_out takes positions of rows as whole numbers, such as [0, 17]"
        raise FrameError(msg) from None
    beyond = positions.filter((positions < 0) | (positions >= height))
    if len(beyond) or positions.null_count():
        msg = f"leave_out names rows that are not among the {height:,} of the frame; positions begin with 0"
        raise FrameError(msg)
    return positions


def count_opt_ins(valid: pl.DataFrame) -> int:
    """How many opt-ins a frame of valid contacts turns on, mobile and e-mail together."""
    return sum(int(valid[column].sum() or 0) for column in OPT_INS if column in valid.columns)


def _check_consent(valid: pl.DataFrame, stated: int | None) -> None:
    """Raises:
    ConsentError: the opt-ins that would be turned on were not stated, or stated wrongly.
    """
    count = count_opt_ins(valid)
    if stated is None and count <= OPT_INS_UNASKED:
        return
    if stated != count:
        said = "that was not stated" if stated is None else f"{stated:,} were stated"
        msg = (
            f"{count:,} opt-ins would be turned on, and {said}. Nothing was sent. If these people did consent, "
            f"say opt_ins_on={count}; to leave consent as it is, drop the columns {' and '.join(OPT_INS)}"
        )
        raise ConsentError(msg)
