"""What a form is at one moment, as a value: the draft, what the rules say of it, and its pushes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import polars as pl

from mbtoolkit.contacts import PROPERTY_ID_PREFIX
from mbtoolkit.sessions.drafting import CheckedDraft, Draft

CLEARABLE: Final = {
    "mobile_number": "Clear the mobile number in the CRM",
    "email": "Clear the e-mail address in the CRM",
}
"""The standard fields that have a switch for clearing them, and what stands beside it."""


@dataclass(frozen=True, slots=True, repr=False)
class Push:
    """One push.

    Attributes:
        at: when it was answered.
        payload: what was sent.
        results: its results frame, of one row.
    """

    at: datetime
    payload: str
    results: pl.DataFrame

    @property
    def outcome(self) -> dict[str, Any]:
        """The row of the results frame."""
        return self.results.row(0, named=True)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class State:
    """A form at one moment.

    Attributes:
        lists: uuid -> name of the lists to choose from.
        offered: names of properties to offer.
        default_list: the client's own list.
        draft: what is typed.
        checked: what the rules say of it.
        rows: a number for each property of the draft, which no other one ever has.
        is_typing_list: whether a list is typed instead of chosen.
        revision: counts how often the program changed a text.
        focused: what the focus was asked for last, and how often it was asked for.
        filled: counts the contacts that were put into the form.
        is_asking: whether the question about consent is open.
        is_busy: whether a push is on its way.
        begun: counts the pushes that were begun.
        pushes: those that were answered.
        answer: the last one, if it was about the contact that is in the form.
        refused: names or ids of properties that it did not store.
    """

    lists: Mapping[str, str]
    offered: tuple[str, ...]
    default_list: str | None
    draft: Draft
    checked: CheckedDraft
    rows: tuple[int, ...] = ()
    is_typing_list: bool = False
    revision: int = 0
    focused: tuple[str, int] = ("", 0)
    filled: int = 0
    is_asking: bool = False
    is_busy: bool = False
    begun: int = 0
    pushes: tuple[Push, ...] = ()
    answer: Push | None = None
    refused: frozenset[str] = frozenset()

    @property
    def can_push(self) -> bool:
        """Whether a push may begin."""
        return self.checked.ok and not self.is_busy

    def changed(self, *, focus: str | None = None, **changes: Any) -> State:
        """The state with other values; `focus` asks for the focus of what has that key."""
        if focus is not None:
            changes["focused"] = (focus, self.focused[1] + 1)
        return replace(self, **changes)

    def focus_of(self, key: str) -> int | None:
        """The number of the request for the focus, if it was for this key."""
        return self.focused[1] if self.focused[0] == key else None

    def place_of(self, number: str) -> int | None:
        """The place of the property with this number; None for a number that none has."""
        return next((place for place, row in enumerate(self.rows) if str(row) == number), None)

    def told(self, where: str, name: str | None = None) -> tuple[str, str] | None:
        """What stands at an input: `error` or `warning`, and the message.

        Args:
            where: the field, or `property <place>`.
            name: of the property, where it is one.
        """
        if where in self.checked.messages:
            return "error", self.checked.messages[where]
        if name and name.strip().removeprefix(PROPERTY_ID_PREFIX) in self.refused:
            return "error", "is not known to the CRM, so it was not stored"
        return ("warning", self.checked.warnings[where]) if where in self.checked.warnings else None
