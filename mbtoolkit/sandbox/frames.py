"""What a sandbox holds and recorded, as frames."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import polars as pl

from mbtoolkit.contacts import FIELDS, PROPERTY_NAME_PREFIX, Kind
from mbtoolkit.sandbox.batches import Batch
from mbtoolkit.sandbox.faults import ScriptedFault
from mbtoolkit.sandbox.records import Effect, Entry, Line
from mbtoolkit.sandbox.store import COLUMNS, Store

_MOMENT: Final = pl.Datetime("us", "UTC")

_DTYPES: Final[dict[Kind, pl.DataType]] = {
    Kind.UUID: pl.String(),
    Kind.TEXT: pl.String(),
    Kind.INT32: pl.Int32(),
    Kind.INT64: pl.Int64(),
    Kind.BOOLEAN: pl.Boolean(),
}

_REQUESTS_SCHEMA: Final[dict[str, pl.DataType]] = {
    "seq": pl.Int64(),
    "at": _MOMENT,
    "method": pl.String(),
    "path": pl.String(),
    "status": pl.Int32(),
    "contact_id": pl.Int64(),
    "batch_id": pl.String(),
    "applied": pl.Boolean(),
    "fault": pl.String(),
    "body": pl.String(),
    "answer": pl.String(),
    "duration_ms": pl.Float64(),
}

_CONTACT_OF_REQUEST: Final[dict[str, pl.DataType]] = {
    "seq": pl.Int64(),
    "at": _MOMENT,
    "request": pl.Int64(),
    "batch_id": pl.String(),
    "position": pl.Int64(),
    "contact_id": pl.Int64(),
}
_APPLIED_SCHEMA: Final = {**_CONTACT_OF_REQUEST, "outcome": pl.String(), "payload": pl.String()}
_SKIPPED_SCHEMA: Final = {**_CONTACT_OF_REQUEST, "reason": pl.String(), "payload": pl.String()}

_BATCHES_SCHEMA: Final[dict[str, pl.DataType]] = {
    "batch_id": pl.String(),
    "request": pl.Int64(),
    "received_at": _MOMENT,
    "ended_at": _MOMENT,
    "state": pl.String(),
    "failure": pl.String(),
    "contacts": pl.Int64(),
    "inserted": pl.Int64(),
    "updated": pl.Int64(),
    "skipped": pl.Int64(),
    "webhook_url": pl.String(),
    "webhook_at": _MOMENT,
    "webhook_status": pl.Int32(),
    "webhook_error": pl.String(),
}

_FAULTS_SCHEMA: Final[dict[str, pl.DataType]] = {
    "fault": pl.String(),
    "seen": pl.Int64(),
    "committed": pl.Int64(),
    "kind": pl.String(),
    "phase": pl.String(),
    "path": pl.String(),
    "match": pl.String(),
    "times": pl.Int64(),
    "after": pl.Int64(),
    "every": pl.Int64(),
}


def contacts_frame(store: Store) -> pl.DataFrame:
    """What is stored, one line per contact, by contact_id."""
    kinds = {field.name: _DTYPES[field.kind] for field in FIELDS}
    stored = {name: pl.Int64() if kinds[name] == pl.Boolean() else kinds[name] for name in ("contact_id", *COLUMNS)}
    schema = {**stored, "created_at": pl.Int64(), "updated_at": pl.Int64(), "upserts": pl.Int64()}
    contacts = pl.DataFrame(store.contacts(), schema=schema, orient="row").with_columns(
        *(pl.col(name).cast(dtype) for name, dtype in kinds.items()),
        pl.col("created_at", "updated_at").cast(_MOMENT),
    )
    values = pl.DataFrame(
        store.contact_properties(),
        schema={"contact_id": pl.Int64(), "key": pl.Int64(), "value": pl.String()},
        orient="row",
    )
    columns = []
    for found in store.properties:
        column = f"{PROPERTY_NAME_PREFIX}{found.name}"
        held = values.filter(pl.col("key") == found.key).select("contact_id", pl.col("value").alias(column))
        contacts = contacts.join(held, on="contact_id", how="left", maintain_order="left")
        columns.append(column)
    standard = [field.name for field in FIELDS]
    identified = ["contact_id", *(name for name in standard if name != "contact_id")]
    return contacts.select(*identified, *columns, "created_at", "updated_at", "upserts")


def requests_frame(entries: list[Entry]) -> pl.DataFrame:
    """The requests, in order."""
    return _frame([[getattr(entry, name) for name in _REQUESTS_SCHEMA] for entry in entries], _REQUESTS_SCHEMA)


def applied_frame(lines: list[Line]) -> pl.DataFrame:
    """The contacts that were applied, in order."""
    applied = [line for line in lines if line.outcome != Effect.SKIPPED.value]
    return _frame([[getattr(line, name) for name in _APPLIED_SCHEMA] for line in applied], _APPLIED_SCHEMA)


def skipped_frame(lines: list[Line]) -> pl.DataFrame:
    """The contacts of batches that were skipped, in order."""
    skipped = [line for line in lines if line.outcome == Effect.SKIPPED.value]
    return _frame([[getattr(line, name) for name in _SKIPPED_SCHEMA] for line in skipped], _SKIPPED_SCHEMA)


def batches_frame(batches: list[Batch]) -> pl.DataFrame:
    """The batches, in order."""
    return _frame([_batch_row(batch) for batch in batches], _BATCHES_SCHEMA)


def faults_frame(scripted: list[ScriptedFault]) -> pl.DataFrame:
    """The scripted faults, in order."""
    rows = []
    for one in scripted:
        line = {**asdict(one.fault), "fault": one.fault.name, "seen": one.seen, "committed": one.committed}
        rows.append([line[name] for name in _FAULTS_SCHEMA])
    return _frame(rows, _FAULTS_SCHEMA)


def _batch_row(batch: Batch) -> list[object]:
    webhook = batch.webhook
    return [
        batch.batch_id,
        batch.request,
        batch.received_at,
        batch.ended_at,
        batch.state.word,
        batch.failure,
        batch.count,
        *(batch.parts[outcome].count for outcome in Effect),
        batch.webhook_url,
        None if webhook is None else webhook.at,
        None if webhook is None else webhook.status,
        None if webhook is None else webhook.error,
    ]


def _frame(rows: list[list[Any]], schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """A frame whose moments come as microseconds since 1970."""
    moments = [name for name, dtype in schema.items() if dtype == _MOMENT]
    raw = {**schema, **dict.fromkeys(moments, pl.Int64())}
    return pl.DataFrame(rows, schema=raw, orient="row").with_columns(pl.col(moments).cast(_MOMENT))
