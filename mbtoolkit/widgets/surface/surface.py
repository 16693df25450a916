"""A widget whose content never enters its saved state: the kernel describes it, the page draws it.

ipywidgets keeps what a field holds in a trait, and a trait is saved with the notebook. A contact must not be: so the
content of a `Surface` travels in messages only, and the saved notebook holds the widget's code and nothing else.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

import anywidget

from mbtoolkit.failures import log_failure
from mbtoolkit.widgets.faults import fault_of, outcome_of
from mbtoolkit.widgets.surface.nodes import Node, box, text

MAX_FILE_BYTES: Final = 200_000_000
"""The largest file that is taken up from the page; a path has no such limit."""

_NOT_SHOWN: Final = "What you did is kept, but it can't be shown, and what is below is from before"
_BYTES: Final = (bytes, bytearray, memoryview)


class Surface(anywidget.AnyWidget):
    """A form drawn from a tree of nodes. Subclasses say what is drawn and what an event does.

    Args:
        lock: held while an event is worked on and while something is drawn; one of its own by default. Surfaces that
            draw the same state share one.
    """

    _esm: ClassVar[Path] = Path(__file__).with_name("surface.js")
    _css: ClassVar[Path] = Path(__file__).with_name("surface.css")

    def __init__(self, lock: threading.RLock | None = None) -> None:
        self._drawing = lock or threading.RLock()
        self._fault: str | None = None
        self._drawn: Node | None = None
        self._pieces: dict[tuple[str, str], bytearray] = {}
        super().__init__()
        self.on_msg(self._hear)

    def render(self) -> Node:
        """What is to be seen now."""
        return box()

    def mark(self) -> object:
        """Equal as long as nothing is changed that a person would miss; None where that can't be said.

        Where an event fails, it decides whether the person reads that nothing was changed.
        """
        return None

    def on_event(self, key: str, event: str, value: str | bool | None, *, pasted: bool) -> None:
        """Does what an event asks for.

        Args:
            key: of the node that it happened at.
            event: `input`, `change` or `click`.
            value: what the input holds; None for what is no input.
            pasted: whether the text was pasted.
        """

    def on_file(self, key: str, name: str, content: bytes) -> None:
        """Takes up a file that a person chose.

        Args:
            key: of the input.
            name: the file's own name, without a folder.
            content: all of it.
        """

    def on_piece(self, key: str, name: str, received: int, size: int) -> None:
        """Hears how much of a file has come.

        Args:
            key: of the input.
            name: as in `on_file`.
            received: bytes so far.
            size: bytes of the whole file, as the page says; 0 where no more will come.
        """

    def refresh(self, view: str | None = None, sequence: int | None = None) -> None:
        """Draws anew; may be called from any thread. What goes wrong is shown and logged, never raised.

        Args:
            view: the view whose event this answers, if it answers one.
            sequence: that event's number.
        """
        with self._drawing:
            try:
                self._draw_now(view, sequence)
            except Exception as error:  # noqa: BLE001 - from a closed page, say: nobody waits for it
                log_failure("sending what is drawn", error)

    def tell_fault(self, error: BaseException, doing: str, outcome: str) -> None:
        """An error for the next drawing, until the next event.

        Args:
            error: what was raised.
            doing: as `fault_of` takes it.
            outcome: likewise.
        """
        self._fault = fault_of(error, doing, outcome)

    def _draw_now(self, view: str | None, sequence: int | None) -> None:
        try:
            drawn = self.render()
            self._send_tree(drawn, self._fault, view, sequence)
        except Exception as error:  # noqa: BLE001 - nothing else shows what is raised in a callback
            # Of this drawing alone: the next one may succeed. The buttons of the one before are the way out.
            fault = fault_of(error, "drawing a widget", _NOT_SHOWN)
            self._send_tree(self._drawn, self._fault or fault, view, sequence)
        else:
            self._drawn = drawn

    def _send_tree(self, drawn: Node | None, fault: str | None, view: str | None, sequence: int | None) -> None:
        told = text(fault, "p", role="alert", class_="mbt-fault", key="fault") if fault else None
        tree = box(told, drawn, class_="mbt-root", key="root").wire()
        self.send({"kind": "tree", "tree": tree, "view": view, "seq": sequence})

    def _hear(self, _widget: Any, message: Any, buffers: list[Any]) -> None:
        """Takes one message of the page; nonsense is ignored, a fault is shown."""
        if not isinstance(message, Mapping):
            return
        view, sequence = message.get("view"), message.get("seq")
        with self._drawing:
            before = self.mark()
            try:
                self._act(message, buffers)
            except BaseException as error:
                is_changed = None if before is None else self.mark() != before
                self.tell_fault(error, "an event of a widget", outcome_of(is_changed))
                if not isinstance(error, Exception):
                    raise
            finally:
                self.refresh(view if isinstance(view, str) else None, sequence if isinstance(sequence, int) else None)

    def _act(self, message: Mapping[str, Any], buffers: list[Any]) -> None:
        key = message.get("key")
        if message.get("kind") == "event" and isinstance(key, str):
            value = message.get("value")
            self._fault = None
            said = value if isinstance(value, str | bool) else None
            self.on_event(key, str(message.get("event")), said, pasted=message.get("pasted") is True)
        elif message.get("kind") == "file" and isinstance(key, str) and buffers and isinstance(buffers[0], _BYTES):
            self._fault = None
            self._take_piece(key, message, bytes(buffers[0]))

    def _take_piece(self, key: str, message: Mapping[str, Any], piece: bytes) -> None:
        """Takes up the next piece of a file; one that does not follow the piece before is dropped with its file."""
        view, offset = str(message.get("view")), message.get("offset")
        if not isinstance(offset, int):
            return
        name = str(message.get("name", "")).replace("\\", "/").rpartition("/")[2]
        held = bytearray() if offset == 0 else self._pieces.pop((view, key), bytearray())
        if len(held) != offset:
            self.on_piece(key, name, 0, 0)
            self.send({"kind": "enough", "key": key, "view": view})
            self._fault = "The file did not arrive whole, so none of it was taken up: choose it again."
            return
        held += piece
        said = message.get("size")
        size = said if isinstance(said, int) else len(held)
        if max(len(held), size) > MAX_FILE_BYTES:
            self.send({"kind": "enough", "key": key, "view": view})
            self._fault = (
                f"The file is larger than {MAX_FILE_BYTES:,} bytes: put it where the kernel runs and give its path."
            )
        elif message.get("last") is True:
            self.on_piece(key, name, size, size)
            self.on_file(key, name, bytes(held))
        else:
            self.on_piece(key, name, len(held), size)
            self._pieces[view, key] = held
            self.send({"kind": "more", "key": key, "view": view})
