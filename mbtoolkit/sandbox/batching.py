"""The batch operation: takes batches in, works on them later, and tells how far they are."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import random
import sqlite3
import time
import uuid
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Final

from mbtoolkit.sandbox import webhooks
from mbtoolkit.sandbox.answers import Answer, Refusal, batch_envelope, encode
from mbtoolkit.sandbox.batches import UNKNOWN_CONTACT_ID, Batch, Item, State, Tally, no_parts, spelt, status_body
from mbtoolkit.sandbox.behaviour import Behaviour
from mbtoolkit.sandbox.bodies import ContactBody, json_name, read_batch, read_contact
from mbtoolkit.sandbox.faults import Fault
from mbtoolkit.sandbox.records import Effect, Entry, UpsertLog
from mbtoolkit.sandbox.store import Store
from mbtoolkit.sandbox.upserting import Upserted, check_alone, check_list, given_id, upsert

BATCHES_KEPT: Final = 10_000
"""How many batches are remembered; the oldest that have ended are forgotten first."""

CONTACTS_AT_A_TIME: Final = 20
"""Contacts applied before other requests get their turn: a millisecond or two of work."""

PROBLEMS_TOLD: Final = 3
"""How many broken contacts the message of a refused batch names."""

_as_text: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Unlike `encode` it takes infinity, which is what JSON's `1e999` is read as."""

_log: Final = logging.getLogger("mbtoolkit")

_CODES: Final = {"status_400": 400, "status_406": 406, "status_422": 422}


class Batches:
    """All batches of a sandbox. Everything in it runs on one event loop's thread.

    They live as long as the sandbox runs: one that is stopped forgets the batches, also those it has not worked on.
    """

    def __init__(
        self, store: Store, log: UpsertLog, behaviour: Behaviour, delay_seconds: float, *, kept: int = BATCHES_KEPT
    ) -> None:
        """Starts empty.

        Args:
            store: where contacts go.
            log: where it is noted what became of each contact.
            behaviour: what the documentation leaves open.
            delay_seconds: how long a batch waits before it is worked on.
            kept: how many batches are remembered.
        """
        self._store = store
        self._log = log
        self._behaviour = behaviour
        self._delay_seconds = delay_seconds
        self._kept = kept
        self._batches: dict[str, Batch] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        self._random = random.Random(0)  # noqa: S311  repeatable disorder, no secret
        self.received = 0

    def take_in(self, body: dict[str, Any], entry: Entry, fault: Fault | None) -> Answer:
        """Takes a batch in; it is worked on later.

        Args:
            body: the JSON object.
            entry: the request that brings it.
            fault: one that may decide what becomes of it.

        Raises:
            Refusal: 422, or the status set for refused batches; nothing was taken in.
        """
        try:
            batch = self._read(body, entry)
        except Refusal as refusal:
            refusal.status = _CODES[self._behaviour.batch_refusals]
            raise
        delay_seconds = self._delay_of(fault)
        if fault is not None:
            _decide(batch, fault)
        self._remember(batch)
        asyncio.get_running_loop().call_later(delay_seconds, batch.is_due.set)
        task = asyncio.create_task(self._work(batch))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        status = 202 if self._behaviour.batch_success == "status_202" else 200
        envelope = spelt(batch_envelope(batch.batch_id, batch.count, inner_status=status), self._behaviour)
        return Answer(status, encode(envelope), batch_id=batch.batch_id, applied=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("the sandbox failed on a batch, which stays as it is", exc_info=error)

    def status(self, batch_id: str, fault: Fault | None) -> Answer:
        """Tells how far a batch is.

        Args:
            batch_id: as the path has it.
            fault: one that may spoil what is told.

        Raises:
            Refusal: 422 or 404; there is no such batch.
        """
        batch = self._batches.get(batch_id)
        if batch is None:
            raise Refusal(422 if self._behaviour.unknown_batch == "refused" else 404, "There is no batch of this id.")
        told = batch if fault is None else _spoilt(batch, fault)
        return Answer(200, encode(status_body(told, self._behaviour)), batch_id=batch_id)

    def all(self) -> list[Batch]:
        """The batches that are remembered, oldest first."""
        return list(self._batches.values())

    def last(self, count: int) -> list[Batch]:
        """The newest batches, newest first."""
        return list(itertools.islice(reversed(self._batches.values()), count))

    def release(self) -> int:
        """Ends the delay of every batch that still waits. Returns how many there were."""
        waiting = [batch for batch in self._batches.values() if not batch.is_due.is_set()]
        for batch in waiting:
            batch.is_due.set()
        return len(waiting)

    async def settle(self) -> None:
        """Waits until every batch has ended and its webhook was called; stuck ones are not waited for."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Drops what has not been worked on."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _read(self, body: dict[str, Any], entry: Entry) -> Batch:
        """The batch that a body describes.

        Raises:
            Refusal: 422.
        """
        found = read_batch(body)
        if found.webhook_url is not None and not webhooks.is_callable(found.webhook_url):
            message = (
                "webHookUrl must be an address of this machine (http://127.0.0.1:..., localhost or [::1]):"
                " the sandbox calls nobody else."
            )
            raise Refusal(422, message)
        check_list(found.list_id, self._store, self._behaviour)
        items = [self._read_item(one, found.list_id) for one in found.contacts]
        if self._behaviour.broken_item == "refuses_batch":
            _check_sound(items)
        return Batch(
            batch_id=str(uuid.uuid4()),
            request=entry.seq,
            received_at=entry.at,
            items=items,
            count=len(items),
            webhook_url=found.webhook_url,
            end=self._behaviour.batch_end,
            quota=None if self._behaviour.batch_end == "completed" else 0,
        )

    def _read_item(self, found: Any, list_id: str | None) -> Item:
        """One contact, with the batch's list where that counts; broken ones as a refusal."""
        contact: ContactBody | Refusal
        try:
            if not isinstance(found, dict):
                raise Refusal(422, f"must be an object, not {json_name(found)}.")
            contact = read_contact(found, self._behaviour)
            if list_id is not None and (self._behaviour.batch_list == "batch_wins" or "list_id" not in contact.values):
                contact.values["list_id"] = list_id
            check_alone(contact.values, self._store, self._behaviour)
        except Refusal as refusal:
            contact = refusal
        return Item(_payload(found), contact)

    def _delay_of(self, fault: Fault | None) -> float:
        if fault is not None and fault.kind == "batch_late":
            return fault.seconds or 0.0
        spread = self._random.uniform(0, 2) if self._behaviour.batch_order == "shuffled" else 1.0
        return self._delay_seconds * spread

    def _remember(self, batch: Batch) -> None:
        self.received += 1
        self._batches[batch.batch_id] = batch
        if len(self._batches) > self._kept:
            oldest = next((one for one in self._batches.values() if one.ended_at is not None), None)
            if oldest is not None:
                del self._batches[oldest.batch_id]

    async def _work(self, batch: Batch) -> None:
        """Everything that becomes of a batch, from its delay to its webhook."""
        await batch.is_due.wait()
        async with self._turn if self._behaviour.batch_order == "arrival" else nullcontext():
            await self._apply(batch)
        if batch.ended_at is None or batch.webhook_url is None or self._behaviour.webhook == "never":
            return
        batch.webhook = await webhooks.call(batch.webhook_url, status_body(batch, self._behaviour))

    async def _apply(self, batch: Batch) -> None:
        batch.state = State.IN_PROGRESS
        earlier: set[int] = set()
        items = batch.items if batch.quota is None else batch.items[: batch.quota]
        batch.items = []
        try:
            for position, item in enumerate(items):
                self._apply_item(batch, position, item, earlier)
                if position % CONTACTS_AT_A_TIME == CONTACTS_AT_A_TIME - 1:
                    await asyncio.sleep(0)
        except sqlite3.Error as error:
            # The disk is full, say: what was committed stays, and the rest is lost with the batch.
            batch.end, batch.failure = "failed", f"The store failed: {error}"
        if batch.end == "stuck":
            return
        batch.state = State.COMPLETED if batch.end == "completed" else State.FAILED
        if batch.end == "failed":
            batch.failure = batch.failure or "The sandbox was told to fail."
        batch.ended_at = time.time_ns() // 1000

    def _apply_item(self, batch: Batch, position: int, item: Item, earlier: set[int]) -> None:
        """Applies or skips one contact, and notes which."""
        done = self._try(item.contact, earlier)
        reason: str | None = None
        contact_id: int | None
        if isinstance(done, Refusal):
            outcome, contact_id, reason = Effect.SKIPPED, _id_of(item, done), done.message
        else:
            outcome, contact_id = done.outcome, done.contact_id
            earlier.add(done.contact_id)
        batch.note(outcome, contact_id)
        self._log.note(batch.request, contact_id, outcome, item.payload, batch.batch_id, position, reason)

    def _try(self, contact: ContactBody | Refusal, earlier: set[int]) -> Upserted | Refusal:
        if isinstance(contact, Refusal):
            return contact
        not_again = earlier if self._behaviour.same_contact_twice == "second_skipped" else frozenset()
        try:
            return upsert(contact, self._store, self._behaviour, not_again=not_again)
        except Refusal as refusal:
            return refusal


def _payload(found: Any) -> str:
    """A contact of a batch as text, for the record.

    Raises:
        Refusal: 422; it is nested so deeply that it can't be written.
    """
    try:
        return _as_text(found)
    except RecursionError:
        raise Refusal(422, "A contact is nested too deeply.") from None


def _check_sound(items: list[Item]) -> None:
    """Refuses a batch with a broken contact.

    Raises:
        Refusal: 422; the message names the first ones.
    """
    broken = [(position, item.contact) for position, item in enumerate(items) if isinstance(item.contact, Refusal)]
    if not broken:
        return
    told = " ".join(f"createUpdateContacts[{position}]: {one.message}" for position, one in broken[:PROBLEMS_TOLD])
    more = len(broken) - PROBLEMS_TOLD
    raise Refusal(422, told if more <= 0 else f"{told} {more} more contacts are broken.")


def _decide(batch: Batch, fault: Fault) -> None:
    """Lets a fault decide what a batch comes to."""
    if fault.kind in ("batch_failed", "batch_stuck"):
        batch.end = "failed" if fault.kind == "batch_failed" else "stuck"
        batch.quota = fault.contacts or 0
    elif fault.kind == "batch_partial":
        batch.end = "completed"
        batch.quota = batch.count // 2 if fault.contacts is None else fault.contacts


def _spoilt(batch: Batch, fault: Fault) -> Batch:
    """What a fault makes of a batch for one answer; the batch itself stays as it is."""
    match fault.kind:
        case "batch_other_id":
            return replace(batch, batch_id=str(uuid.uuid4()))
        case "batch_backwards":
            return replace(batch, state=State.QUEUED, failure=None, parts=no_parts())
        case "batch_foreign_ids":
            foreign = {
                outcome: Tally(part.count, [UNKNOWN_CONTACT_ID, *part.contact_ids[1:]] if part.contact_ids else [])
                for outcome, part in batch.parts.items()
            }
            return replace(batch, parts=foreign)
        case _:
            return batch


def _id_of(item: Item, refusal: Refusal) -> int | None:
    """The id of a skipped contact, as far as it is known."""
    if refusal.invalid_contact_ids:
        return refusal.invalid_contact_ids[0]
    return None if isinstance(item.contact, Refusal) else given_id(item.contact.values)
