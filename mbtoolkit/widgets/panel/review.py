"""The fifth step: what a push will do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mbtoolkit.client.limits import ACCOUNT_LIMITS, SMALLEST, UNLIMITED, limits_of
from mbtoolkit.contacts import BY_NAME, is_uuid
from mbtoolkit.sessions.pushing import FilePushes, Review
from mbtoolkit.widgets.panel.step import Step, Value, duration, labelled
from mbtoolkit.widgets.surface import Node, box, choice, entry, table, tick

_CHOICES: Final = (*ACCOUNT_LIMITS, UNLIMITED)


class ReviewStep(Step):
    """What a push will do, and what has to be said before."""

    key = "review"
    title = "Review"
    onward = "Push"

    def __init__(self, pushes: FilePushes, lists: Mapping[str, str]) -> None:
        super().__init__(pushes)
        self.lists = lists
        self.is_typing_list = False
        self.typed_list = ""

    @property
    def is_open(self) -> bool:
        return self.pushes.current is not None and self.push.edits is not None

    @property
    def is_ready(self) -> bool:
        return not self.why_not()

    def why_not(self) -> str:
        review = self.push.review
        if self.push.is_pushing:
            return "A push is on its way; the step Push shows it."
        if not review.sendable:
            is_stored = review.stored > 0
            return "All rows that could be sent are stored." if is_stored else "There is no row to send."
        if self.push.list_id is not None and not is_uuid(self.push.list_id):
            return "The list’s id is no uuid; copy it from the list’s page in the CRM."
        if self._is_consent_missing(review.opt_ins_on):
            return "Say that the people whose opt-ins are turned on did consent."
        return ""

    def _is_consent_missing(self, count: int) -> bool:
        return count not in (0, self.push.consented)

    def act(self, key: str, value: Value) -> None:
        if key == "limits" and (value in _CHOICES or not value):
            self.push.limits = str(value) if value else None
        elif key == "consented" and isinstance(value, bool):
            self.push.consented = self.push.review.opt_ins_on if value else None
        elif key == "which":
            self.push.sends_stored = value == "all"
        elif key == "list" and isinstance(value, str):
            self.is_typing_list = value == "another"
            self.push.list_id = (self.typed_list or None) if self.is_typing_list else value or None
        elif key == "list_id" and isinstance(value, str):
            self.typed_list = value.strip()
            self.push.list_id = self.typed_list or None

    def draw(self) -> Node:
        review = self.push.review
        facts = [
            ("Rows in the table", f"{review.rows + review.merged:,}"),
            *([("Merged into others", f"{review.merged:,}")] if review.merged else []),
            ("Will be sent, one request each", f"{review.sendable:,}"),
            ("Can’t be sent: a rule refuses them", f"{review.invalid:,}"),
            ("Left out", f"{review.left_out:,}"),
        ]
        if self.push.results is not None:
            facts.append(("Stored already and not changed since: left alone", f"{review.stored:,}"))
        for name, on in review.turned_on.items():
            facts.append((f"{BY_NAME[name].label} turned on", f"{on:,}"))
            facts.append((f"{BY_NAME[name].label} turned off", f"{review.turned_off[name]:,}"))
        return box(
            table("What a push will do", ("What", "Count"), facts),
            box(self._which(), self._limits(review), self._list(), class_="mbt-thirds"),
            self._consent(review.opt_ins_on),
            class_="mbt-step",
        )

    def _which(self) -> Node | None:
        if self.push.results is None:
            return None
        options = [("open", "Rows that are not stored, or were changed since"), ("all", "All rows once more")]
        chosen = choice("which", "all" if self.push.sends_stored else "open", options, id="which")
        return labelled("Rows to push", chosen, "which")

    def _limits(self, review: Review) -> Node:
        base_url = self.push.client.settings.base_url
        default = "No limit (sandbox)" if limits_of(None, base_url) is None else f"Default ({SMALLEST.capitalize()})"
        known = [(name, f"{name.capitalize()}: {limits.requests} in 10 s") for name, limits in ACCOUNT_LIMITS.items()]
        options = [("", default), *known, (UNLIMITED, "No limit")]
        chosen = choice("limits", self.push.limits or "", options, id="limits", aria_describedby="hint-limits")
        limits = limits_of(self.push.limits, base_url)
        hint = "The push sends as fast as it can and pauses when the CRM asks it to."
        if limits is not None:
            hint = f"The push stays within this limit, so it takes at least {duration(review.seconds(limits))}."
        return labelled("Account limits", chosen, "limits", hint)

    def _consent(self, count: int) -> Node | None:
        if not count:
            return None
        label = f"These {count:,} opt-ins were given by the people themselves; turn them on."
        return tick("consented", label, value=not self._is_consent_missing(count))

    def _list(self) -> Node:
        default = self.push.client.settings.list_id
        none = f"{self.lists.get(default, default)} (the client’s)" if default else "No list (All contacts)"
        options = [("", none), *self.lists.items(), ("another", "Another list …")]
        chosen = "another" if self.is_typing_list else self.push.list_id or ""
        typed = None
        if self.is_typing_list:
            entered = entry("list_id", self.typed_list, id="list_id", aria_describedby="hint-list_id")
            typed = labelled("Id of the list", entered, "list_id", "A uuid.")
        selected = choice("list", chosen, options, id="list")
        return box(labelled("List for rows that name none", selected, "list"), typed, key="lists")
