"""The part of the clean-up that lists its steps, with a switch for each."""

from __future__ import annotations

from dataclasses import replace

from mbtoolkit.errors import UsageError
from mbtoolkit.recipes import Recipe, Step
from mbtoolkit.recipes.cleaned import told_counts
from mbtoolkit.recipes.step import counted
from mbtoolkit.sessions.pushing import FilePush, FilePushes
from mbtoolkit.widgets.panel.mending import CleanPart
from mbtoolkit.widgets.panel.step import Value, check_stamp, labelled, scrolling
from mbtoolkit.widgets.surface import Node, box, button, entry, table, text, tick


class RecipePart(CleanPart):
    """The steps so far: switched, removed, saved, and those of another table taken over."""

    name = "Recipe"

    def __init__(self, pushes: FilePushes) -> None:
        super().__init__(pushes)
        self._path = "recipe.toml"
        self._replaced: tuple[FilePush, Recipe] | None = None
        self._listed: list[Step] = []
        self._number = 0

    def act(self, key: str, value: Value) -> str:
        """Changes the recipe, writes it or reads another."""
        kind, _, rest = key.partition(":")
        told, _, number = rest.partition(":")
        place = int(told) if told.isdecimal() else -1
        if kind == "on" and isinstance(value, bool):
            check_stamp(number, self._list_number())
            self.push.change_recipe(lambda recipe: (recipe.enable if value else recipe.disable)(place))
            return f"Step {place + 1} is {'on' if value else 'off'} now."
        if kind == "remove":
            check_stamp(value, self._list_number())
            self.push.change_recipe(lambda recipe: recipe.without(place))
            return "The step is undone."
        if key == "path" and isinstance(value, str):
            self._path = value.strip().strip("\"'")
        elif key == "save":
            recipe = self.push.whole_recipe
            recipe.write(self._named())
            return f"Written: {self._path} ({counted(len(recipe), 'step')})."
        elif key == "use":
            return self._use(Recipe.read(self._named()))
        elif key == "back" and (before := self._before_that()) is not None:
            said = self._use(before)
            self._replaced = None
            return said
        return ""

    def _before_that(self) -> Recipe | None:
        """The steps that a saved recipe took the place of, in this table."""
        return self._replaced[1] if self._replaced is not None and self._replaced[0] is self.push else None

    def _list_number(self, by_hand: list[tuple[Step, int]] | None = None) -> int:
        """Another number each time other steps are listed, whether they are on or off.

        Args:
            by_hand: the steps of `edits`, where they are known.
        """
        made = (step for step, _ in (self.edits.steps if by_hand is None else by_hand))
        listed = [replace(step, is_on=True) for step in (*self.push.recipe.steps, *made)]
        if listed != self._listed:
            self._listed = listed
            self._number += 1
        return self._number

    def _named(self) -> str:
        if not self._path:
            msg = "give the path of a recipe, such as shop.toml"
            raise UsageError(msg)
        return self._path

    def _use(self, recipe: Recipe) -> str:
        before = self.push.whole_recipe
        self.push.use_recipe(recipe)
        self._replaced = self.push, before
        return f"The recipe is done: {counted(len(self.push.recipe), 'step')} after reading."

    def draw(self) -> Node:
        """The list, and what to save it as."""
        by_hand = self.edits.steps
        number = self._list_number(by_hand)
        rows = [self._row(place, number, *line) for place, line in enumerate(self._steps(by_hand))]
        if rows:
            caption = "In this order; a step that is removed is undone"
            listed = scrolling(table(caption, ("Step", "Changed", "Undo"), rows), "Steps", "mbt-recipe")
        else:
            listed = text("Nothing was cleaned yet. Each click, and each cell mended in a grid, is a step here.", "p",
                          class_="mbt-soft")  # fmt: skip
        return box(text("Recipe", "p", class_="mbt-subtitle"), listed, self._file(), class_="mbt-step")

    def _steps(self, by_hand: list[tuple[Step, int]]) -> list[tuple[Step, str, str]]:
        """Each step with what it changed, and what is to be said of it."""
        assert self.push.cleaned is not None, "check comes first"
        told = {
            place: (told_counts(*counts) or "nothing", note or "")
            for place, _, *counts, note in self.push.cleaned.report.iter_rows()
        }
        done = [
            (step, *told.get(place, ("not done" if step.is_on else "", "")))
            for place, step in enumerate(self.push.recipe.steps)
        ]
        return done + [(step, counted(cells, "cell"), "") for step, cells in by_hand]

    def _row(self, place: int, number: int, step: Step, changed: str, note: str) -> tuple[Node, ...]:
        switch = tick(f"recipe:on:{place}:{number}", step.label, value=step.is_on)
        remove = button(
            "Remove",
            f"recipe:remove:{place}",
            class_="mbt-button mbt-quiet",
            aria_label=f"Remove step {place + 1}: {step.label}",
            stamp=number,
        )
        noted = text(note, "p", class_="mbt-hint") if note else None
        return box(switch), box(text(changed), noted), remove

    def _file(self) -> Node:
        typed = entry("recipe:path", self._path, id="recipe-path", aria_describedby="hint-recipe-path")
        hint = ".toml or .json, where the kernel runs. Cells mended by hand, and their texts before, are in it."
        back = button("Back to the steps before", "recipe:back") if self._before_that() is not None else None
        return box(
            labelled("File of the recipe", typed, "recipe-path", hint),
            box(
                button("Save", "recipe:save"),
                button("Use a saved one instead", "recipe:use"),
                back,
                class_="mbt-bar mbt-low",
            ),
            class_="mbt-write",
        )
