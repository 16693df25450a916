"""What the status of a batch says of its rows. Pure: counts and ids in, a verdict for each row out.

A batch tells how many contacts it stored and skipped, and ids; not which row is which. So a row is settled where its
own id is named, or where the counts leave only one answer. Everything else stays open: those rows go once more, one by
one, if that is safe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mbtoolkit.client import BatchStatus


@dataclass(slots=True)
class Settled:
    """What became of the rows of one batch, by their place in it.

    Attributes:
        stored: the CRM's counts or ids say so.
        skipped: the CRM's ids say that it was not stored.
        open: can't be said.
        skips: how many of the open ones were skipped; None where the counts don't say.
    """

    stored: list[int] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    open: list[int] = field(default_factory=list)
    skips: int | None = None


def is_over(status: BatchStatus, size: int | None) -> bool:
    """Whether a batch has ended: it says so, or its counts speak of every contact.

    Args:
        status: as the CRM tells it.
        size: how many contacts it has; None where that is not known.
    """
    return status.state in ("done", "failed") or (size is not None and status.total >= size)


def settle(contact_ids: Sequence[int | None], status: BatchStatus, size: int | None) -> Settled:
    """What the status of a batch that has ended says of some of its rows, or of all.

    Args:
        contact_ids: the ids that the rows bear, None for those that bear none.
        status: as the CRM tells it.
        size: how many contacts the batch has, these rows or more; None where that is not known.
    """
    stored_ids = {*status.inserted.contact_ids, *status.updated.contact_ids}
    skipped_ids = set(status.skipped.contact_ids)
    found = Settled()
    for place, contact_id in enumerate(contact_ids):
        is_stored, is_skipped = contact_id in stored_ids, contact_id in skipped_ids
        if contact_id is None or is_stored == is_skipped:
            found.open.append(place)
        else:
            (found.stored if is_stored else found.skipped).append(place)
    adds_up = status.state != "failed" and status.total == size
    if not adds_up or (size != len(contact_ids) and status.skipped.count):
        return found  # who else was in the batch may be among the skipped
    found.skips = max(0, status.skipped.count - len(found.skipped))
    names_all = len(stored_ids) >= status.inserted.count + status.updated.count
    is_odd = names_all and any(contact_ids[place] is not None for place in found.open)
    if found.skips == 0 and not is_odd:
        found.stored, found.open = sorted(found.stored + found.open), []
    return found


class Polling:
    """When to ask for the status of a batch: as late as earlier batches let one hope, then more and more seldom.

    Args:
        first_seconds: before the first question, while no batch has told how long they take.
        longest_seconds: between two questions.
    """

    def __init__(self, first_seconds: float = 0.25, longest_seconds: float = 30.0) -> None:
        self._usual = first_seconds
        self._longest = longest_seconds

    def wait_seconds(self, asked: int, age_seconds: float) -> float:
        """How long to wait before the next question.

        Args:
            asked: how often the batch was asked for.
            age_seconds: how long ago it was taken in.
        """
        if asked == 0:
            return max(0.05, self._usual * 0.9 - age_seconds)
        return min(max(0.1, age_seconds * 0.6), self._longest)

    def learn(self, seconds: float) -> None:
        """Takes how long a batch took."""
        self._usual += (seconds - self._usual) * 0.3
