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
from mbtoolkit.filepush import FilePush, Source
from mbtoolkit.schemas import ContactSchema
from mbtoolkit.validation import Validation
from mbtoolkit.widgets.grid import ContactGrid
from mbtoolkit.widgets.lists import known_lists
from mbtoolkit.widgets.panel.check import CheckStep
from mbtoolkit.widgets.panel.columns import ColumnsStep
from mbtoolkit.widgets.panel.load import LoadStep
from mbtoolkit.widgets.panel.results import ResultsStep
from mbtoolkit.widgets.panel.review import ReviewStep
from mbtoolkit.widgets.panel.sending import PushStep
from mbtoolkit.widgets.panel.step import Step
from mbtoolkit.widgets.surface import Node, Surface, box, button, text

SECONDS_BETWEEN_UPDATES: Final = 0.2
"""More updates than five a second meet the notebook server's limit on messages, and the last ones are lost."""

SETTLE_SECONDS: Final = 0.5
"""The end of a push is drawn once more after this pause."""


class _Part(Surface):
    """One surface of the panel, which the panel fills."""

    def __init__(
        self,
        draw: Callable[[], Node],
        act: Callable[[str, str | bool | None], None],
        take_file: Callable[[str, bytes], None] | None = None,
    ) -> None:
        self._draw, self._do, self._take_file = draw, act, take_file
        super().__init__()

    def render(self) -> Node:
        return self._draw()

    def on_event(self, key: str, event: str, value: str | bool | None, *, pasted: bool) -> None:
        self._do(key, value)

    def on_file(self, key: str, name: str, content: bytes) -> None:
        if self._take_file is not None:
            self._take_file(name, content)

    def __repr__(self) -> str:
        """Nothing of the contacts."""
        return "<part of a PushPanel>"


class PushPanel(ipywidgets.VBox):
    """A table into the CRM, step by step: load, columns, check, review, push, results.

    Each step can be gone back to, and nothing is lost by it. A push runs in a thread of its own, so the notebook stays
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
        self._push = FilePush(client, schema=schema)
        self._load, self._check = LoadStep(self._push), CheckStep(self._push)
        self._review = ReviewStep(self._push, known_lists(list_ids))
        self._sending, self._result = PushStep(self._push), ResultsStep(self._push)
        columns = ColumnsStep(self._push)
        self._steps: list[Step] = [self._load, columns, self._check, self._review, self._sending, self._result]
        self._place = 0
        self._reached = 0
        self._focus = 0
        self._grid: ContactGrid | None = None
        self._drawn_at = 0.0
        self._top = _Part(self._draw_top, self._act, self._take_file)
        self._bottom = _Part(self._draw_bottom, self._act)
        if source is not None:
            self._give(source)
        super().__init__([self._top, self._bottom])
        self.add_class("mbt-push-panel")

    # What a cell reads

    @property
    def contacts(self) -> pl.DataFrame | None:
        """The contacts frame as mended so far; None before the columns were chosen."""
        return self._push.contacts

    @property
    def validation(self) -> Validation | None:
        """What the rules say of `contacts`; None before the columns were chosen."""
        return self._push.validation

    @property
    def results(self) -> pl.DataFrame | None:
        """The results frame of all rows; None before the first push is over."""
        return self._push.results

    @property
    def code(self) -> str:
        """The cell that does the same without clicking."""
        return self._push.code

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Waits for a push that is on its way; whether none is any more."""
        return self._push.wait(timeout_seconds)

    def cancel(self) -> None:
        """Ends a push that is on its way: no new requests; those on their way are waited for."""
        self._push.cancel()

    def __repr__(self) -> str:
        """Where it is; nothing of the contacts."""
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

    def _take_file(self, name: str, content: bytes) -> None:
        self._load.take_file(name, content)
        self._bottom.refresh()

    def _act(self, key: str, value: str | bool | None) -> None:
        if key == "next":
            self._go_on()
        elif key == "back" and self._place:
            self._go_to(self._place - 1)
        elif key.startswith("step:") and key[5:].isdigit() and int(key[5:]) <= self._reached:
            self._go_to(int(key[5:]))
        elif key == "again":
            self._push_again()
        else:
            self._step.act(key, value)
            if self._step is self._check and key.startswith("show:") and self._grid is not None:
                self._grid.show(rows="issues", rule=self._check.rule)
        self._redraw()

    def _go_on(self) -> None:
        """Does what the step is for, and goes to the next one; what keeps it from that is shown."""
        step = self._step
        if not step.is_ready:
            step.error = step.why_not()
            return
        step.error = None
        try:
            step.leave()
            if step is self._review:
                self._push.start(self._hear)
        except MbtoolkitError as error:
            step.error = str(error)
            return
        self._go_to(self._place + 1)

    def _go_to(self, place: int) -> None:
        self._place = place
        self._reached = max(self._reached, place)
        self._focus += 1
        self._show_grid()

    def _push_again(self) -> None:
        if self._grid is None or self._step is not self._result:
            return
        try:
            self._push.start_again(self._grid.contacts, self._hear)
        except MbtoolkitError as error:
            self._result.error = str(error)
            return
        self._go_to(self._steps.index(self._sending))

    def _hear(self) -> None:
        """The push moved on: draws it, at most so often, and its end once more after a pause."""
        now = time.monotonic()
        is_over = not self._push.is_pushing
        if not is_over and now - self._drawn_at < SECONDS_BETWEEN_UPDATES:
            return
        self._drawn_at = now
        self._redraw()
        if is_over:
            threading.Timer(SETTLE_SECONDS, self._redraw).start()

    def _redraw(self) -> None:
        self._top.refresh()
        self._bottom.refresh()

    # The grid

    def _show_grid(self) -> None:
        """Puts the grid where the step needs one."""
        grid = None
        if self._step is self._check and self._push.edits is not None:
            grid = self._contacts_grid()
        elif self._step is self._result and self._push.failed.height:
            grid = self._failed_grid()
        self._grid = grid
        self.children = [self._top, *([grid] if grid is not None else []), self._bottom]

    def _contacts_grid(self) -> ContactGrid:
        assert self._push.edits is not None
        grid = ContactGrid(self._push.edits)
        grid.show(rows="issues" if self._push.edits.issues.height else "all", rule=self._check.rule)
        grid.on_change(lambda _: self._redraw())
        return grid

    def _failed_grid(self) -> ContactGrid:
        return ContactGrid(self._push.failed, schema=self._push.schema, visible_rows=8)

    # What is seen

    def _draw_top(self) -> Node:
        steps = [self._tab(place, step) for place, step in enumerate(self._steps)]
        return box(
            box(*steps, tag="ol", class_="mbt-steps", aria_label="Steps"),
            text(
                self._step.title,
                "h3",
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
        can = place <= self._reached and not is_here
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
            failed = self._push.failed.height
            if failed:
                parts.append(button(f"Push these {failed:,} again", "again", is_main=True))
        else:
            is_main = step.is_ready
            parts.append(button(step.onward, "next", is_main=is_main, disabled=not is_main and step is self._sending))
            if not is_main:
                parts.append(text(step.why_not(), class_="mbt-note"))
        code = box(
            text("The same as code", "summary"),
            text(self._push.code, "pre", class_="mbt-code", tabindex="0", role="group", aria_label="The same as code"),
            tag="details",
            key="code",
        )
        return box(box(*parts, class_="mbt-bar"), code, class_="mbt-panel")
