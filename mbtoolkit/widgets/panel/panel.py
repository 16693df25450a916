"""The panel: the steps above, the grid in the middle, the way on below."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import ipywidgets
import polars as pl

from mbtoolkit.client import AsyncClient, Client
from mbtoolkit.errors import MbtoolkitError, UsageError
from mbtoolkit.recipes import Recipe
from mbtoolkit.schemas import ContactSchema
from mbtoolkit.sessions.pushing import FilePushes, Part, Source
from mbtoolkit.validation import Validation
from mbtoolkit.widgets.grid import ContactGrid
from mbtoolkit.widgets.lists import known_lists
from mbtoolkit.widgets.panel.check import CheckStep
from mbtoolkit.widgets.panel.clean import CleanStep
from mbtoolkit.widgets.panel.columns import ColumnsStep
from mbtoolkit.widgets.panel.load import LoadStep
from mbtoolkit.widgets.panel.results import ResultsStep
from mbtoolkit.widgets.panel.review import ReviewStep
from mbtoolkit.widgets.panel.sending import PushStep
from mbtoolkit.widgets.panel.step import Step, Value
from mbtoolkit.widgets.surface import Node, Surface, box, button, text

SECONDS_BETWEEN_UPDATES: Final = 0.2
"""More updates than five a second meet the notebook server's limit on messages, and the last ones are lost."""

SETTLE_SECONDS: Final = 0.5
"""The end of a push is drawn once more after this pause."""


class _Part(Surface):
    """One surface of the panel, which the panel fills."""

    def __init__(
        self,
        lock: threading.RLock,
        mark: Callable[[], object],
        draw: Callable[[], Node],
        act: Callable[[str, Value], None],
        take_file: Callable[[str, bytes], None] | None = None,
        receive: Callable[[str, int, int], None] | None = None,
    ) -> None:
        self._mark, self._draw, self._do, self._take_file, self._receive = mark, draw, act, take_file, receive
        super().__init__(lock)

    def render(self) -> Node:
        return self._draw()

    def mark(self) -> object:
        return self._mark()

    def on_event(self, key: str, event: str, value: str | bool | None, *, pasted: bool) -> None:
        self._do(key, value)

    def on_file(self, key: str, name: str, content: bytes) -> None:
        if self._take_file is not None:
            self._take_file(name, content)

    def on_piece(self, key: str, name: str, received: int, size: int) -> None:
        if self._receive is not None:
            self._receive(name, received, size)

    def __repr__(self) -> str:
        """Nothing of the contacts."""
        return "<part of a PushPanel>"


class PushPanel(ipywidgets.VBox):
    """A table into the CRM, step by step: load, columns, clean, check, review, push, results.

    Each step can be gone back to, and nothing is lost. A push runs in a thread of its own, so the notebook stays
    usable; the panel shown again in another cell is where it was. Nothing of the contacts is in the saved notebook.

    Args:
        client: where to push to; its settings are used.
        source: a path, a file's bytes, or a frame (polars, pandas, Arrow); None to choose a file in the panel.
        list_ids: lists to choose from: {name: uuid}, or uuids. Any other uuid can be typed.
        schema: the rules; a subclass of `ContactSchema` to add your own.

    Raises:
        UsageError: `client` is none, or `list_ids` holds what is no uuid.
    """

    def __init__(
        self,
        client: Client | AsyncClient,
        source: Any = None,
        *,
        list_ids: Mapping[str, str] | Sequence[str] = (),
        schema: type[ContactSchema] = ContactSchema,
    ) -> None:
        if not isinstance(client, Client | AsyncClient):
            msg = f"PushPanel takes a Client, not a {type(client).__name__}; Client.from_env() makes one"
            raise UsageError(msg)
        self._pushes = FilePushes(client, schema=schema)
        self._load, self._check = LoadStep(self._pushes), CheckStep(self._pushes)
        self._review = ReviewStep(self._pushes, known_lists(list_ids))
        self._sending, self._result = PushStep(self._pushes), ResultsStep(self._pushes)
        columns, clean = ColumnsStep(self._pushes), CleanStep(self._pushes)
        self._steps: list[Step] = [
            self._load, columns, clean, self._check, self._review, self._sending, self._result,
        ]  # fmt: skip
        self._place = 0
        self._focus = 0
        self._grid: ContactGrid | None = None
        self._all: ContactGrid | None = None
        self._failed: ContactGrid | None = None
        self._part: Part | None = None
        self._drawn_at = 0.0
        # One lock for all that is drawn and done here: the push's thread draws too.
        lock = self._pushes.lock
        self._top = _Part(lock, self._mark, self._draw_top, self._act_above, self._take_file, self._load.receive)
        self._bottom = _Part(lock, self._mark, self._draw_bottom, self._act_below)
        if source is not None:
            self._give(source)
        # In a box of its own, so that what stands below it is not made anew with it.
        self._middle = ipywidgets.VBox()
        super().__init__([self._top, self._middle, self._bottom])
        self.add_class("mbt-push-panel")

    # What a cell reads

    @property
    def contacts(self) -> pl.DataFrame | None:
        """The contacts frame as mended so far; None before the columns were chosen."""
        push = self._pushes.current
        return push.contacts if push is not None else None

    @property
    def validation(self) -> Validation | None:
        """What the rules say of `contacts`; None before the columns were chosen."""
        push = self._pushes.current
        return push.validation if push is not None else None

    @property
    def results(self) -> pl.DataFrame | None:
        """The results frame of all rows; None before the first push is over."""
        push = self._pushes.current
        return push.results if push is not None else None

    @property
    def code(self) -> str:
        """The cell that does the same without clicking."""
        push = self._pushes.current
        return push.code if push is not None else "# nothing was loaded yet"

    @property
    def recipe(self) -> Recipe:
        """The clean-up so far, from the table as it came: to be saved, and run on the next table."""
        push = self._pushes.current
        return push.whole_recipe if push is not None else Recipe()

    @property
    def grid(self) -> ContactGrid | None:
        """The grid that the step shows, to mend cells by code too (`grid.edits`, then `grid.refresh()`), if it does."""
        return self._grid

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Waits for a push that is on its way; whether none is any more."""
        push = self._pushes.current
        return push is None or push.wait(timeout_seconds)

    def cancel(self) -> None:
        """Ends a push that is on its way: no new requests; those on their way are waited for."""
        if self._pushes.current is not None:
            self._pushes.current.cancel()

    def __repr__(self) -> str:
        """Where it is; nothing of the contacts. Also of one that was refused half-way through its making."""
        if not hasattr(self, "_place"):
            return "<PushPanel, not made>"
        return f"<PushPanel: step {self._place + 1} of {len(self._steps)}, {self._step.title}>"

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        """The widget's view, and in words where it is; the default would write all that is inside it."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {"text/plain": repr(self), "application/vnd.jupyter.widget-view+json": view}

    # Steps

    @property
    def _step(self) -> Step:
        return self._steps[self._place]

    def _give(self, source: Any) -> None:
        if isinstance(source, str | Path):
            self._load.texts["path"] = str(source)
        else:
            self._load.given = Source(source, "the given bytes" if isinstance(source, bytes) else "the given table")

    def _mark(self) -> object:
        push = self._pushes.current
        return self._place, push, push and push.mark, self._load.given

    def _take_file(self, name: str, content: bytes) -> None:
        self._load.take_file(name, content)
        self._bottom.refresh()

    def _act_above(self, key: str, value: Value) -> None:
        """What was done in the upper part, which draws itself anew afterwards."""
        try:
            self._act(key, value)
        finally:
            self._bottom.refresh()

    def _act_below(self, key: str, value: Value) -> None:
        try:
            self._act(key, value)
        finally:
            self._top.refresh()

    def _act(self, key: str, value: Value) -> None:
        self._step.error = None
        kind, _, place = key.partition(":")
        if key == "next":
            self._go_on()
        elif key == "back" and self._place:
            self._enter(self._place - 1)
        elif key == "again" and self._step is self._result:
            if self._part is not None:
                self._part.carry()  # what could not be carried when it was typed
            self._enter(self._steps.index(self._review))
        elif kind == "step" and place.isdecimal() and int(place) < len(self._steps):
            self._go_to(int(place))
        else:
            self._step.act(key, value)
            if kind == "show" and self._step is self._check and self._grid is not None:
                self._grid.show(rows="all" if self._check.rule else "issues", rule=self._check.rule)

    def _go_on(self) -> None:
        """Does what the step is for, and goes to the next one."""
        if self._step is self._result or not self._settles(self._step):
            return
        if self._step is self._review:
            self._review.push.start(self._hear)
        self._enter(self._place + 1)

    def _settles(self, step: Step) -> bool:
        """Whether a step is done and the next one can follow; what keeps it from that is shown in it."""
        step.error = None
        if not step.is_ready:
            step.error = step.why_not()
            return False
        try:
            step.leave()
        except MbtoolkitError as error:
            step.error = str(error)
        return step.error is None

    def _go_to(self, place: int) -> None:
        """Goes to any step that is open. What was changed in the steps before it is taken up on the way."""
        for between in range(self._place, min(place, self._steps.index(self._check))):
            if not self._settles(self._steps[between]):
                self._enter(between)
                return
        if self._steps[place].is_open:
            self._enter(place)
        else:
            # Another table was loaded on the way: it has not come so far yet.
            self._enter(next(number for number, step in reversed(list(enumerate(self._steps))) if step.is_open))

    def _enter(self, place: int) -> None:
        self._place = place
        self._focus += 1
        self._show_grid()

    def _hear(self) -> None:
        """The push moved on: draws it, at most so often, and its end once more after a pause."""
        now = time.monotonic()
        push = self._pushes.current
        if push is not None and push.is_pushing:
            is_due = self._step is self._sending and now - self._drawn_at >= SECONDS_BETWEEN_UPDATES
            # The push does not wait for what a person does meanwhile: that draws the progress too.
            if is_due and self._pushes.lock.acquire(blocking=False):
                try:
                    self._drawn_at = now
                    self._top.refresh()
                finally:
                    self._pushes.lock.release()
            return
        self._redraw()
        again = threading.Timer(SETTLE_SECONDS, self._redraw)
        again.daemon = True
        again.start()

    def _redraw(self) -> None:
        self._top.refresh()
        self._bottom.refresh()

    # The grid

    def _show_grid(self) -> None:
        """Puts the grid where the step needs one."""
        self._grid = None
        if self._step is self._check:
            self._grid = self._contacts_grid()
        elif self._step is self._result and len(self._result.push.failed_rows):
            self._grid = self._failed_grid()
        self._middle.children = [self._grid] if self._grid is not None else []

    def _contacts_grid(self) -> ContactGrid:
        """The grid of all contacts, as it was left; another one for other contacts."""
        edits = self._check.push.edits
        assert edits is not None
        edits.revalidate()
        if self._all is not None and self._all.edits is edits:
            return self._all
        if self._all is not None:
            self._all.close()
        self._all = ContactGrid(edits)
        self._check.rule = None
        self._all.show(rows="issues" if edits.issues.height else "all")
        self._all.on_change(lambda _: self._redraw())
        return self._all

    def _failed_grid(self) -> ContactGrid:
        """A grid of the rows that are not stored, as they were mended so far."""
        part = self._part = self._result.push.failed()
        if self._failed is not None:
            self._failed.close()
        self._failed = ContactGrid(part.edits, visible_rows=8)

        def carry(_: ContactGrid) -> None:
            part.carry()
            self._bottom.refresh()

        self._failed.on_change(carry)
        return self._failed

    # What is seen

    def _draw_top(self) -> Node:
        steps = [self._tab(place, step) for place, step in enumerate(self._steps)]
        return box(
            box(*steps, tag="ol", class_="mbt-steps", aria_label="Steps"),
            text(
                self._step.title,
                "p",  # no heading: which level would follow the notebook's own can't be known
                class_="mbt-title",
                focus=self._focus or None,
                tabindex="-1",
                key=f"title:{self._place}",
            ),
            self._step.told(),
            self._step.draw(),
            class_="mbt-panel",
            key=self._step.key,
        )

    def _tab(self, place: int, step: Step) -> Node:
        is_here = place == self._place
        label = f"{place + 1} {step.title}"
        can = step.is_open and not is_here
        return box(
            button(label, f"step:{place}", disabled=not can, class_="mbt-tab mbt-here" if is_here else "mbt-tab",
                   aria_current="step" if is_here else None),
            tag="li",
        )  # fmt: skip

    def _draw_bottom(self) -> Node:
        step = self._step
        parts: list[Node] = []
        if self._place:
            parts.append(button("Back", "back"))
        if step is self._result:
            failed = len(step.push.failed_rows)
            if failed:
                parts.append(button(f"Push these {failed:,} again", "again", is_main=True))
        else:
            is_main = step.is_ready
            parts.append(button(step.onward, "next", is_main=is_main, disabled=not is_main and step is self._sending))
            if not is_main:
                parts.append(text(step.why_not(), class_="mbt-note"))
        code = box(
            text("The same as code", "summary"),
            text(self.code, "pre", class_="mbt-code", tabindex="0", role="group", aria_label="The same as code"),
            tag="details",
            key="code",
        )
        return box(box(*parts, class_="mbt-bar"), code, class_="mbt-panel")
