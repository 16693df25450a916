"""`upsert_contacts`: a contacts frame in, a results frame out, every row accounted for."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import polars as pl

from mbtoolkit.client import AsyncClient, Client, Outcome, Settings, error_of
from mbtoolkit.contacts import OPT_INS, is_uuid
from mbtoolkit.errors import ConsentError, FrameError, InvalidContactError, SettingsError
from mbtoolkit.limits import Budget, Limits, limits_of
from mbtoolkit.payloads import build_payloads
from mbtoolkit.progress import Progress, reporter
from mbtoolkit.reporting import LEFT_OUT, first_rows, results_frame, with_disputes
from mbtoolkit.schemas import ContactSchema, shared_identifiers
from mbtoolkit.schemas.frames import RESULTS
from mbtoolkit.sending import LIMIT_REACHED, STATUS_OF, Run, interruptible
from mbtoolkit.single import frame_of_contact
from mbtoolkit.validation import validate_contacts

MAX_CONCURRENCY: Final = 100
OPT_INS_UNASKED: Final = 100
"""How many opt-ins a run turns on without being told how many."""

ROW: Final = "mb_row"
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
    max_concurrency: int = 10,
    limits: str | Limits | None = None,
    progress: bool | Callable[[Progress], None] = True,
    stop: threading.Event | None = None,
) -> pl.DataFrame:
    """Validates, encodes and sends contacts, many at a time, and says what became of every row.

    Invalid rows are not sent and stop nobody else. Rows that share an identifier are sent one after the other in the
    frame's order, so that the later row wins. Ctrl-C stops the sending and still returns the frame, as does an answer
    that every row would meet (401, no CRM at the address, no connection); a log line says so.

    Args:
        contacts: a contacts frame, or a results frame (or part of one) to send again; its `mb_` columns are made anew.
            An opt-in that was refused because another row said no stays refused until it is changed.
        client: where to send. Its settings are used, on connections of the run's own.
        list_id: uuid of the list for rows that name none; the client's by default.
        clear: columns in which a null cell is sent as an explicit null (see `build_payloads`).
        opt_ins_on: how many opt-ins (mobile and e-mail, in rows that can be sent) this run turns on. To be stated where
            there are more than 100; checked wherever it is stated.
        leave_out: positions of rows that are judged together with the others and not sent; they come back as
            `not_sent`, `left_out`.
        schema: the rules; a subclass of `ContactSchema` to add your own.
        max_concurrency: requests on their way at once, 1 to 100.
        limits: the account's plan, "freemium", "starter" or "pro", or `Limits(...)`: no more requests are made than it
            grants, counted together with every other run of this user (any process, notebook or script) that states
            limits for the same token. A day's requests used up end the run; the rows that are `not_sent` say when to
            send them again. None, the default, sends as fast as it can and pauses when the CRM refuses (429), for the
            toolkit can't know the plan.
        progress: a bar after the first second; False for none; or a function that takes a `Progress`.
        stop: an event that another thread may set (a Cancel button, say) to do what Ctrl-C does: no new requests, those
            on their way are waited for, the other rows come back as `not_sent`.

    Returns:
        A results frame: the same rows in the same order, the input's columns untouched, then `mb_row` (the row's
        position in the first frame it came from), `mb_status` and the other columns of `ResultsSchema`.

    Raises:
        FrameError: `contacts` is no polars DataFrame, `clear` names what can't be cleared, or `leave_out` a row that
            isn't there.
        SettingsError: `client`, `list_id`, `opt_ins_on`, `max_concurrency`, `limits`, `progress` or `stop` can't be
            used.
        UsageError: `schema` is no `ContactSchema`, or would alter the frame.
        ConsentError: more opt-ins would be turned on than was stated. Nothing was sent.
    """
    options = {"opt_ins_on": opt_ins_on, "max_concurrency": max_concurrency, "progress": progress, "stop": stop}
    _check_call(contacts, client, list_id, options)
    stated = limits_of(limits)
    frame = contacts.drop(RESULTS, strict=False)
    validation = with_disputes(validate_contacts(frame, schema=schema), contacts)
    is_left_out = validation.valid[ROW].is_in(_positions(leave_out, contacts.height).implode())
    sent = validation.valid.filter(~is_left_out)
    _check_consent(sent, opt_ins_on)
    payloads = build_payloads(sent, list_id=_list_of(list_id, client.settings), clear=clear)
    budget = None if stated is None else Budget(stated, client.settings)
    run = Run(payloads["payload"].to_list(), chains(sent), stop or threading.Event(), budget)
    with interruptible(run):
        if run.bodies:
            run.send(client.settings, max_concurrency, reporter(progress, len(run.bodies)))
        _say_if_stopped(run)
        final = iter(run.final())
        outcomes = [LEFT_OUT if is_out else next(final) for is_out in is_left_out]
        return results_frame(frame, first_rows(contacts), validation, outcomes)


def upsert_contact(
    contact: Mapping[str, Any],
    client: Client,
    *,
    list_id: str | None = None,
    clear: Iterable[str] = (),
    schema: type[ContactSchema] = ContactSchema,
) -> Outcome:
    """Validates one contact by the same rules as a frame, and sends it.

    Args:
        contact: canonical or wire names, `property:<name>`, `property_id:<uuid>`, `property_fields` (a list of dicts);
            None leaves a field as it is.
        client: where to send.
        list_id: uuid of the list, where the contact names none; the client's by default.
        clear: fields to be emptied by an explicit null (see `build_payloads`).
        schema: the rules; a subclass of `ContactSchema` to add your own.

    Returns:
        The outcome: `contact_id`, `message`, `invalid_properties`, `http_status`, `attempts`.

    Raises:
        InvalidContactError: the rules refuse it, a name in it is no field, or two names mean one; `.issues` says what
            is wrong where a rule does.
        SettingsError: `client` is no `Client`.
        UsageError: `clear`, `list_id` or `schema` can't be used, or `schema` asks for a column that the contact lacks.
        CrmError: it is not known to be stored; the subclass says why.
    """
    if not isinstance(client, Client):
        other = "; with an AsyncClient, await upsert_contact_async(...)" if isinstance(client, AsyncClient) else ""
        msg = f"upsert_contact takes a Client, not a {type(client).__name__}{other}"
        raise SettingsError(msg)
    return _stored(client.send(_body(contact, client.settings, list_id, clear, schema)))


async def upsert_contact_async(
    contact: Mapping[str, Any],
    client: AsyncClient,
    *,
    list_id: str | None = None,
    clear: Iterable[str] = (),
    schema: type[ContactSchema] = ContactSchema,
) -> Outcome:
    """`upsert_contact` for an `AsyncClient`: the same arguments, outcome and errors, with `await`.

    Raises:
        UsageError, CrmError: see `upsert_contact`.
    """
    if not isinstance(client, AsyncClient):
        other = "; with a Client, upsert_contact(...)" if isinstance(client, Client) else ""
        msg = f"upsert_contact_async takes an AsyncClient, not a {type(client).__name__}{other}"
        raise SettingsError(msg)
    return _stored(await client.send(_body(contact, client.settings, list_id, clear, schema)))


def _body(
    contact: Mapping[str, Any],
    settings: Settings,
    list_id: str | None,
    clear: Iterable[str],
    schema: type[ContactSchema],
) -> bytes:
    """The body of one contact that keeps the rules.

    Raises:
        UsageError: see `upsert_contact`.
    """
    validation = validate_contacts(frame_of_contact(contact), schema=schema)
    if not validation.ok:
        errors = validation.issues.filter(pl.col("severity") == "error").select("column", "message")
        told = "; ".join(f"{column or ''} {text}".strip() for column, text in errors.iter_rows())
        raise InvalidContactError(told, validation.issues)
    payloads = build_payloads(validation.valid, list_id=_list_of(list_id, settings), clear=clear)
    body: str = payloads["payload"].item()
    return body.encode()


def _stored(outcome: Outcome) -> Outcome:
    """Raises:
    CrmError: it is not known to be stored.
    """
    if outcome.kind != "stored":
        raise error_of(outcome)
    return outcome


def _list_of(list_id: str | None, settings: Settings) -> str | None:
    return settings.list_id if list_id is None else list_id


def _check_call(contacts: object, client: object, list_id: object, options: Mapping[str, object]) -> None:
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
    for name, (is_usable, wanted) in _OPTIONS.items():
        if not is_usable(options[name]):
            msg = f"{name}={options[name]!r}: give {wanted}"
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


def _is_whole(value: object, least: int, most: float) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


_OPTIONS: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "opt_ins_on": (
        lambda value: value is None or _is_whole(value, 0, math.inf),
        "the whole number of opt-ins that this run turns on, or None",
    ),
    "max_concurrency": (
        lambda value: _is_whole(value, 1, MAX_CONCURRENCY),
        f"a whole number from 1 to {MAX_CONCURRENCY}",
    ),
    "progress": (
        lambda value: isinstance(value, bool) or callable(value),
        "True, False or a function that takes a Progress",
    ),
    "stop": (lambda value: value is None or isinstance(value, threading.Event), "a threading.Event, or None"),
}
"""What each option may be, as a check and in words."""


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


def chains(valid: pl.DataFrame) -> Iterator[Sequence[int]]:
    """The positions of all rows, those that share an identifier (directly or through others) together, in order."""
    shared = shared_identifiers(valid).select("row", "component").unique().sort("row")
    joined = dict(shared.group_by("component", maintain_order=True).agg("row").iter_rows())
    behind = set(shared["row"]) - joined.keys()
    for row in range(valid.height):
        if row not in behind:
            yield joined.get(row, (row,))


def _say_if_stopped(run: Run) -> None:
    """A log line, which Python shows by default, where a run ended early."""
    left = sum(1 for outcome in run.final() if STATUS_OF[outcome.kind] == "not_sent")
    if run.stopped_by is not None:
        why = f"{run.stopped_by.http_status or ''} {run.stopped_by.code}".strip()
        if run.stopped_by.code == LIMIT_REACHED:
            why = f"{run.stopped_by.message}"
        _log.warning("the run stopped (%s); %s rows were not sent", why, f"{left:,}")
    elif left and run.was_cancelled:
        _log.warning("the run was interrupted; %s rows were not sent", f"{left:,}")
