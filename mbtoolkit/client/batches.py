"""How far a batch is, as its status operation tells it. Pure: an object in, a `BatchStatus` out, or None.

The words and numbers of a batch's state are not documented, so only a word that can mean one thing is believed; and
what is counted says nothing of single contacts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from mbtoolkit.client.objects import batch_id_in, contact_id_in, first_text, natural_number

State = Literal["running", "done", "failed", "unclear"]
"""How far a batch is.

running: not at its end. done: at its end, and the CRM says that it went well. failed: at its end, and it did not go
well; a part of it may have been stored. unclear: the CRM says something that could mean any of these.
"""

_WORDS: Final[dict[State, tuple[str, ...]]] = {
    "running": (
        *("accepted", "active", "created", "executing", "importing", "inprocess", "inprogress", "inqueue", "new"),
        *("notstarted", "open", "pending", "processing", "progressing", "queued", "enqueued", "received", "running"),
        *("scheduled", "started", "starting", "submitted", "uploaded", "uploading", "waiting", "working"),
    ),
    "done": (
        *("complete", "completed", "done", "finished", "processed", "success", "succeeded", "successful"),
        *("successfullycompleted", "completedsuccessfully", "successfullyprocessed", "processedsuccessfully"),
    ),
    "failed": (
        *("abort", "aborted", "cancel", "canceled", "cancelled", "error", "errored", "exception", "fail", "failed"),
        *("failure", "fault", "faulted", "rejected", "timedout", "unsuccessful"),
    ),
}
_STATE_OF: Final[dict[str, State]] = {word: state for state, words in _WORDS.items() for word in words}


@dataclass(frozen=True, slots=True)
class BatchCount:
    """The contacts of a batch that came to one outcome.

    Attributes:
        count: how many the CRM says there are.
        contact_ids: ids that it names, in its order, which means nothing; there may be fewer than `count`.
    """

    count: int = 0
    contact_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """How far a batch is.

    Attributes:
        batch_id: as the CRM writes it.
        state: see `State`.
        reason: why it failed, in the CRM's words, where it says so.
        inserted: contacts that were new.
        updated: contacts that were there.
        skipped: contacts that were not stored; why is never said.
    """

    batch_id: str
    state: State
    reason: str | None = None
    inserted: BatchCount = BatchCount()
    updated: BatchCount = BatchCount()
    skipped: BatchCount = BatchCount()

    @property
    def total(self) -> int:
        """How many contacts the three parts count."""
        return self.inserted.count + self.updated.count + self.skipped.count


def read_batch_status(found: dict[str, Any]) -> BatchStatus | None:
    """The status in an object; None where it can't be read.

    Args:
        found: the object, its keys in lower case.

    Source: MainBrainer's public pages, batch status.
    """
    batch_id = batch_id_in(found.get("id"))
    processed = found.get("processedobj")
    if batch_id is None or not isinstance(processed, dict | None):
        return None
    parts = [_part(processed.get(name) if processed else None) for name in ("inserted", "updated", "skipped")]
    read = [part for part in parts if part is not None]
    if len(read) < len(parts):
        return None
    reason = first_text(found.get("statusfailedreason"))
    return BatchStatus(batch_id, _state(found.get("status"), found.get("statustext"), reason), reason, *read)


def same_batch(one: str, other: str) -> bool:
    """Whether two ids are one: a uuid may be written in capitals."""
    return one.strip().casefold() == other.strip().casefold()


def _state(status: Any, text: Any, reason: str | None) -> State:
    """The state; "unclear" where its two words disagree. A number alone says nothing: no page lists what it counts."""
    if reason is not None:
        return "failed"
    said = {_STATE_OF[word] for word in map(_plain, (status, text)) if word in _STATE_OF}
    return said.pop() if len(said) == 1 else "unclear"


def _plain(word: Any) -> str:
    """A word without regard to case, spaces and punctuation."""
    return "".join(filter(str.isalnum, word.casefold())) if isinstance(word, str) else ""


def _part(value: Any) -> BatchCount | None:
    """One part; None where its count is broken. Ids that can't be read are left out: the count tells of them."""
    if value is None:
        return BatchCount()
    if not isinstance(value, dict):
        return None
    ids = value.get("contactids")
    if not isinstance(ids, list | None):
        return None
    named = tuple(number for number in map(contact_id_in, ids or ()) if number is not None)
    said = value.get("count")
    count = len(ids or ()) if said is None else natural_number(said)
    return None if count is None else BatchCount(count, named)
