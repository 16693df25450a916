"""`reconcile`: settles what a run left open, from its results frame."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import polars as pl

from mbtoolkit.client import AsyncClient, Client, Outcome
from mbtoolkit.client.answers import Kind
from mbtoolkit.client.limits import Limits, limits_of
from mbtoolkit.errors import FrameError, JournalError, SettingsError
from mbtoolkit.payloads import columns_to_clear
from mbtoolkit.results import update_results
from mbtoolkit.results.frames import row_numbers
from mbtoolkit.runs.assembling import numbered
from mbtoolkit.runs.executing import Conditions, execute
from mbtoolkit.runs.journal import look
from mbtoolkit.runs.plan import Plan
from mbtoolkit.runs.progress import Progress
from mbtoolkit.runs.run import begin, runs_dir
from mbtoolkit.runs.sending import KEPT, Recorder, Rows, SendOptions, options_of
from mbtoolkit.schemas import ContactSchema
from mbtoolkit.schemas.frames import FIRST_RUN, RESULTS
from mbtoolkit.validation import validate_contacts, with_clear

_OPEN: Final = ("accepted", "unknown")
_NEEDED: Final = tuple(name for name in RESULTS if name != FIRST_RUN)  # results of earlier versions lack it
_KEPT: Final = Outcome("not_sent", code=KEPT, message="not part of this run")
_SETTLED: Final[dict[str, Kind]] = {"succeeded": "stored", "rejected": "rejected"}
_OVERTAKEN: Final = "a later row of the same contact is stored, so it is not sent again"
_UNSAFE: Final = "other rows have the same identifiers, so it is not sent again: look it up in the CRM"


def reconcile(
    results: pl.DataFrame,
    client: Client | AsyncClient,
    *,
    list_id: str | None = None,
    clear: Iterable[str] = (),
    schema: type[ContactSchema] = ContactSchema,
    limits: str | Limits | None = None,
    options: SendOptions | None = None,
    progress: bool | Callable[[Progress], None] = True,
    stop: threading.Event | None = None,
) -> pl.DataFrame:
    """Settles the rows of a results frame that are `accepted` or `unknown`, as far as that is safe.

    The CRM is asked for the batches of accepted rows; unknown rows are sent again one by one, if a contact id or an
    identifier that no other row of the frame has makes that harmless. The others stay `unknown`, and `mb_message` says
    why. Rows with another status are neither sent nor changed.

    Args:
        results: a results frame; better the whole one than a part, for only then are shared identifiers seen.
        client: where to send, as in the run before.
        list_id: as in the run before.
        clear: as in the run before.
        schema: as in the run before.
        limits: see `upsert_contacts`.
        options: see `upsert_contacts`; rows are sent one by one, whatever its `via`.
        progress: see `upsert_contacts`.
        stop: see `upsert_contacts`.

    Returns:
        The results frame, same height and order, with what is known now.

    Warns:
        RecordWarning: the results are right, but the run's record is incomplete, as where the disk is full.

    Raises:
        FrameError: it is no results frame, or two rows have one `mb_row`.
        SettingsError: `client`, `limits` or another argument that says how to send can't be used.
        JournalError: the run's record can't be written; nothing was sent.
    """
    _check(results, client)
    options = replace(options_of(options), via="single")
    conditions = Conditions(limits=limits_of(limits, client.settings.base_url), progress=progress, stop=stop)
    was_open = results["mb_status"].cast(pl.String).is_in(_OPEN)
    if not was_open.any():
        return results
    (contacts, numbers), clear = numbered(results), columns_to_clear(clear)
    validation = with_clear(validate_contacts(contacts, schema=schema), clear)
    plan = Plan.of(
        contacts,
        numbers,
        validation.valid,
        validation.issues,
        pl.Series([], dtype=pl.Int64),
        list_id=client.settings.list_id if list_id is None else list_id,
        clear=clear,
    )
    sizes = _sizes(results, options.run_dir)
    run_id, journal = begin(plan, client.settings, options)
    with ExitStack() as ends:
        if journal is not None:
            ends.callback(journal.close)
        rows = _known(plan, results, sizes, Recorder(Rows(plan.outgoing.height), journal))
        again = execute(plan, rows, journal, client.settings, options, conditions, run_id)
    return update_results(results, again.filter(was_open & (again["mb_status"].cast(pl.String) != "invalid")))


def _sizes(results: pl.DataFrame, run_dir: str | Path | None) -> dict[str, int]:
    """How many contacts the batches of accepted rows have, as the records of their runs say; others are left out."""
    accepted = results.filter(pl.col("mb_status").cast(pl.String) == "accepted")
    sizes: dict[str, int] = {}
    for run_id in accepted["mb_run_id"].drop_nulls().unique():
        with suppress(JournalError):  # no record: then only what names a row settles it
            for event in look(runs_dir(run_dir), run_id).events():
                if event.kind == "accepted":
                    told = json.loads(event.data)
                    sizes |= {told["batch_id"]: told["size"]} if told["size"] else {}
    return sizes


def _known(plan: Plan, results: pl.DataFrame, sizes: Mapping[str, int], recorder: Recorder) -> Rows:
    """What the frame says of the rows of the plan, told to the recorder."""
    before = results.select(_NEEDED)[plan.positions.cast(pl.Int64)].with_row_index("row")
    accepted = before.filter((pl.col("mb_status") == "accepted") & pl.col("mb_batch_id").is_not_null())
    for (batch_id,), part in accepted.group_by("mb_batch_id", maintain_order=True):
        recorder.accept(part["row"].to_list(), str(batch_id), sizes.get(str(batch_id)))
    others = before.join(accepted, on="row", how="anti", maintain_order="left")
    is_open = pl.col("mb_status").cast(pl.String).is_in(_OPEN)
    for (status,), part in others.filter(~is_open).group_by("mb_status", maintain_order=True):
        recorder.end(part["row"].to_list(), replace(_KEPT, kind=_SETTLED.get(str(status), "not_sent")))
    for line in others.filter(is_open).iter_rows(named=True):
        _doubt(plan, line["row"], line, recorder)
    _hold_overtaken(plan, recorder)
    return recorder.rows


def _hold_overtaken(plan: Plan, recorder: Recorder) -> None:
    """Keeps rows as they are that a later row of the same contact has overtaken: sent again, the earlier would win."""
    rows, successor = recorder.rows, plan.outgoing.successor
    for row, doubt in list(rows.doubts.items()):
        behind = successor.get(row)
        while behind is not None:
            ended = rows.outcome(behind)
            if ended is not None and ended.kind == "stored" and rows.final[row] < 0:
                recorder.end([row], replace(doubt, message=f"{doubt.message or ''}; {_OVERTAKEN}".lstrip("; ")))
            behind = successor.get(behind)


def _doubt(plan: Plan, row: int, line: dict[str, Any], recorder: Recorder) -> None:
    told = Outcome("unknown", line["mb_http_status"], line["mb_code"], line["mb_message"], batch_id=line["mb_batch_id"])
    recorder.doubt([row], told)
    if not plan.outgoing.is_safe(row):
        message = told.message or ""
        if _UNSAFE not in message:
            message = f"{message}{'; ' if message else ''}{_UNSAFE}"
        recorder.end([row], replace(told, message=message))


def _check(results: object, client: object) -> None:
    """Raises:
    FrameError, SettingsError: see `reconcile`.
    """
    if not isinstance(results, pl.DataFrame) or not set(_NEEDED) <= set(results.columns):
        msg = (
            "reconcile takes a results frame, such as upsert_contacts returns: a polars DataFrame with its mb_ columns"
        )
        raise FrameError(msg)
    row_numbers(results, "results")
    if not isinstance(client, Client | AsyncClient):
        msg = f"reconcile takes a Client, not a {type(client).__name__}; Client.from_env() makes one"
        raise SettingsError(msg)
