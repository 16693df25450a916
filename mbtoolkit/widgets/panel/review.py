"""The fourth step: what a push will do."""

from __future__ import annotations

from collections.abc import Mapping

from mbtoolkit.contacts import BY_NAME, is_uuid
from mbtoolkit.filepush import PLANS, FilePush
from mbtoolkit.widgets.panel.step import Step, Value, duration, labelled
from mbtoolkit.widgets.surface import Node, box, choice, entry, table, tick


class ReviewStep(Step):
    """What a push will do, and what has to be said before."""

    key = "review"
    title = "Review"
    onward = "Push"

    def __init__(self, push: FilePush, lists: Mapping[str, str]) -> None:
        super().__init__(push)
        self.lists = lists
        self.plan = next(iter(PLANS))
        self.consented: int | None = None
        self.is_typing_list = False
        self.typed_list = ""

    @property
    def is_ready(self) -> bool:
        review, list_id = self.push.review, self.push.list_id
        is_consented = review.opt_ins_on in (0, self.consented)
        return review.sendable > 0 and is_consented and (list_id is None or is_uuid(list_id))

    def why_not(self) -> str:
        if self.push.list_id is not None and not is_uuid(self.push.list_id):
            return "The list's id is no uuid; copy it from the list's page in the CRM."
        return "Say that the people whose opt-ins are turned on did consent."

    def act(self, key: str, value: Value) -> None:
        if key == "plan" and value in PLANS:
            self.plan = str(value)
        elif key == "consented" and isinstance(value, bool):
            self.consented = self.push.review.opt_ins_on if value else None
        elif key == "list" and isinstance(value, str):
            self.is_typing_list = value == "another"
            self.push.list_id = (self.typed_list or None) if self.is_typing_list else value or None
        elif key == "list_id" and isinstance(value, str):
            self.typed_list = value.strip()
            self.push.list_id = self.typed_list or None

    def draw(self) -> Node:
        review = self.push.review
        facts = [
            ("Rows in the table", f"{review.rows:,}"),
            ("Will be sent, one request each", f"{review.sendable:,}"),
            ("Can't be sent: a rule refuses them", f"{review.invalid:,}"),
            ("Left out", f"{review.left_out:,}"),
        ]
        for name, on in review.turned_on.items():
            facts.append((f"{BY_NAME[name].label} turned on", f"{on:,}"))
            facts.append((f"{BY_NAME[name].label} turned off", f"{review.turned_off.get(name, 0):,}"))
        return box(
            table("What a push will do", ("What", "Count"), facts),
            box(self._plan(review.seconds(self.plan)), self._list(), class_="mbt-thirds"),
            self._consent(review.opt_ins_on),
            class_="mbt-step",
        )

    def _plan(self, seconds: float) -> Node:
        plans = [(name, f"{name} ({rate} requests a second)") for name, rate in PLANS.items()]
        chosen = choice("plan", self.plan, plans, id="plan", aria_describedby="hint-plan")
        return labelled("Plan of the account", chosen, "plan", f"It takes at least {duration(seconds)}.")

    def _consent(self, count: int) -> Node | None:
        if not count:
            return None
        label = f"These {count:,} opt-ins were given by the people themselves; turn them on."
        return tick("consented", label, value=self.consented == count)

    def _list(self) -> Node:
        default = self.push.client.settings.list_id
        none = f"{self.lists.get(default, default)} (the client’s)" if default else "No list (All contacts)"
        options = [("", none), *self.lists.items(), ("another", "Another list …")]
        chosen = "another" if self.is_typing_list else self.push.list_id or ""
        typed = None
        if self.is_typing_list:
            typed = labelled("Id of the list", entry("list_id", self.typed_list, id="list_id"), "list_id", "A uuid.")
        selected = choice("list", chosen, options, id="list")
        return box(labelled("List for rows that name none", selected, "list"), typed, key="lists")
