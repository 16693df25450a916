"""The third step: clean-up, each click a step of a recipe."""

from __future__ import annotations

from typing import Final

from mbtoolkit.errors import MbtoolkitError
from mbtoolkit.sessions.pushing import FilePushes
from mbtoolkit.widgets.panel.duplicates import DuplicatesPart
from mbtoolkit.widgets.panel.mending import CleanPart, ColumnPart, ObviousPart
from mbtoolkit.widgets.panel.recipe import RecipePart
from mbtoolkit.widgets.panel.step import Step, Value
from mbtoolkit.widgets.surface import Node, box, button, text


class CleanStep(Step):
    """What is obvious, a column at a time, duplicates; and below it all the steps so far."""

    key = "clean"
    title = "Clean"

    def __init__(self, pushes: FilePushes) -> None:
        super().__init__(pushes)
        self.parts: Final[dict[str, CleanPart]] = {
            "obvious": ObviousPart(pushes),
            "column": ColumnPart(pushes),
            "duplicates": DuplicatesPart(pushes),
        }
        self.recipe = RecipePart(pushes)
        self.shown = "obvious"
        self.said = ""
        self._pressed = ""
        self._focus = 0

    @property
    def is_open(self) -> bool:
        return self.pushes.current is not None and self.push.edits is not None

    def act(self, key: str, value: Value) -> None:
        kind, _, rest = key.partition(":")
        self.said, self._pressed = "", key
        if kind == "part" and rest in self.parts:
            self.shown = rest
            return
        part = self.recipe if kind == "recipe" else self.parts[self.shown]
        try:
            self.said = part.act(rest if kind == "recipe" else key, value)
        except MbtoolkitError as error:
            self.error = str(error)

    def draw(self) -> Node:
        push = self.push
        tabs = [
            button(
                part.title(),
                f"part:{name}",
                class_="mbt-tab mbt-chosen" if name == self.shown else "mbt-tab",
                aria_pressed="true" if name == self.shown else "false",
            )
            for name, part in self.parts.items()
        ]
        shown = box(self.parts[self.shown].draw(), key=f"part-{self.shown}", class_="mbt-part")
        recipe = box(self.recipe.draw(), key="recipe", class_="mbt-part")
        if self.said and not any(_can_be_pressed(part.find(self._pressed)) for part in (shown, recipe)):
            self._focus += 1
        self._pressed = ""
        return box(
            *(text(note, "p", class_="mbt-note") for note in push.read_notes),
            box(*tabs, class_="mbt-bar", role="group", aria_label="What to clean"),
            text(self.said, "p", role="status", class_="mbt-strong", key="said", tabindex="-1",
                 focus=self._focus or None),
            shown,
            recipe,
            class_="mbt-step",
        )  # fmt: skip


def _can_be_pressed(node: Node | None) -> bool:
    """Whether what was pressed is there still, so that the focus stays on it."""
    return node is not None and not node.attributes.get("disabled")
