"""A batch: the contacts that one request brought, how far they have come, and how its status is told."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from mbtoolkit.sandbox.answers import Refusal
from mbtoolkit.sandbox.behaviour import BatchEnd, Behaviour
from mbtoolkit.sandbox.bodies import ContactBody
from mbtoolkit.sandbox.records import Effect

UNKNOWN_CONTACT_ID: Final = 9_000_000_000_000_000_001
"""An id that no contact of a sandbox ever gets by counting; what the fault `batch_foreign_ids` names."""


class State(Enum):
    """How far a batch is: its number and its word. No page lists the states; these are the sandbox's choice."""

    QUEUED = (0, "Queued")
    IN_PROGRESS = (1, "InProgress")
    COMPLETED = (2, "Completed")
    FAILED = (3, "Failed")

    @property
    def number(self) -> int:
        """What `status` holds, unless it holds the word."""
        return self.value[0]

    @property
    def word(self) -> str:
        """What `statusText` holds."""
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Item:
    """One contact of a batch.

    Attributes:
        payload: as it came, as compact JSON.
        contact: what it says; a refusal where it is broken and the batch was taken in all the same.
    """

    payload: str
    contact: ContactBody | Refusal


@dataclass(slots=True)
class Tally:
    """The contacts of a batch that came to one outcome: how many, and the ids of those whose id is known."""

    count: int = 0
    contact_ids: list[int] = field(default_factory=list)


def no_parts() -> dict[Effect, Tally]:
    """Nothing has become of any contact."""
    return {outcome: Tally() for outcome in Effect}


@dataclass(slots=True)
class Webhook:
    """The one call of a webhook.

    Attributes:
        at: when it was begun, in microseconds since 1970.
        status: the HTTP status answered, or None.
        error: the name of what went wrong where nothing was answered, or None.
    """

    at: int
    status: int | None = None
    error: str | None = None


@dataclass(slots=True)
class Batch:
    """One batch.

    Attributes:
        batch_id: a uuid.
        request: `seq` of the request that brought it.
        received_at: when, in microseconds since 1970.
        items: its contacts, until they have been worked on.
        count: how many it brought.
        webhook_url: who is told of its end, or None.
        end: what it comes to.
        quota: how many of its contacts are worked on before that end; None for all.
        is_due: set once its delay is over.
        state: how far it is.
        failure: why it failed, or None.
        ended_at: when it ended, or None.
        webhook: the call of its webhook, or None.
        parts: what became of its contacts so far.
    """

    batch_id: str
    request: int
    received_at: int
    items: list[Item]
    count: int
    webhook_url: str | None
    end: BatchEnd
    quota: int | None = None
    is_due: asyncio.Event = field(default_factory=asyncio.Event)
    state: State = State.QUEUED
    failure: str | None = None
    ended_at: int | None = None
    webhook: Webhook | None = None
    parts: dict[Effect, Tally] = field(default_factory=no_parts)

    def note(self, outcome: Effect, contact_id: int | None) -> None:
        """Counts what became of one contact."""
        part = self.parts[outcome]
        part.count += 1
        if contact_id is not None:
            part.contact_ids.append(contact_id)


def status_body(batch: Batch, behaviour: Behaviour) -> dict[str, Any]:
    """The bare object that the status operation answers with, and that a webhook is sent.

    Args:
        batch: what it tells of.
        behaviour: decides the form of `status`, the order of the ids and the spelling of the keys.

    Source: MainBrainer's public pages, as summed up in the API notes; the states are the sandbox's choice.
    """
    # Not sorted as the contacts were sent where no order is promised, and the same at each question.
    shuffle = random.Random(batch.batch_id).shuffle if behaviour.batch_order == "shuffled" else None  # noqa: S311
    processed = {}
    for outcome, part in batch.parts.items():
        contact_ids = list(part.contact_ids)
        if shuffle is not None:
            shuffle(contact_ids)
        processed[outcome.value] = {"count": part.count, "contactIds": contact_ids}
    body = {
        "id": batch.batch_id,
        "status": batch.state.number if behaviour.batch_status == "number" else batch.state.word,
        "statusText": batch.state.word,
        "statusFailedReason": batch.failure,
        "processedObj": processed,
    }
    return spelt(body, behaviour)


def spelt(body: dict[str, Any], behaviour: Behaviour) -> dict[str, Any]:
    """The same object with its keys, at every depth, as the setting spells them."""
    return _in_pascal_case(body) if behaviour.batch_keys == "pascal_case" else body


def _in_pascal_case(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: _in_pascal_case(held) for key, held in value.items()}
    return [_in_pascal_case(held) for held in value] if isinstance(value, list) else value
