"""A widget whose content never enters its saved state: the kernel describes it, the page draws it.

ipywidgets keeps what a field holds in a trait, and a trait is saved with the notebook. A contact must not be: so the
content of a `Surface` travels in messages only, and the saved notebook holds the widget's code and nothing else.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

import anywidget

from mbtoolkit.errors import MbtoolkitError
from mbtoolkit.widgets.surface.nodes import Node, box, text

MAX_FILE_BYTES: Final = 200_000_000
"""The largest file that is taken up from the page; a path has no such limit."""

_BYTES: Final = (bytes, bytearray, memoryview)

_log = logging.getLogger("mbtoolkit")


class Surface(anywidget.AnyWidget):
    """A form drawn from a tree of nodes. Subclasses say what is drawn and what an event does."""

    _esm: ClassVar[Path] = Path(__file__).with_name("surface.js")
    _css: ClassVar[Path] = Path(__file__).with_name("surface.css")

    def __init__(self) -> None:
        self._drawing = threading.RLock()
        self._fault: str | None = None
        self._pieces: dict[tuple[str, str], bytearray] = {}
        super().__init__()
        self.on_msg(self._hear)

    def render(self) -> Node:
        """What is to be seen now.

        Raises:
            NotImplementedError: a subclass says it.
        """
        raise NotImplementedError

    def on_event(self, key: str, event: str, value: str | bool | None, *, pasted: bool) -> None:
        """Does what an event asks for.

        Args:
            key: of the node that it happened at.
            event: `input`, `change` or `click`.
            value: what the input holds; None for what is no input.
            pasted: whether the text was pasted.

        Raises:
            NotImplementedError: a subclass says what.
        """
        raise NotImplementedError

    def on_file(self, key: str, name: str, content: bytes) -> None:
        """Takes up a file that a person chose.

        Args:
            key: of the input.
            name: the file's own name, without a folder.
            content: all of it.

        Raises:
            NotImplementedError: a subclass says how.
        """
        raise NotImplementedError

    def refresh(self, view: str | None = None, sequence: int | None = None) -> None:
        """Draws anew; may be called from any thread.

        Args:
            view: the view whose event this answers, if it answers one.
            sequence: that event's number.
        """
        with self._drawing:
            drawn = self._drawn()
            told = text(self._fault, "p", role="alert", class_="mbt-fault", key="fault") if self._fault else None
            tree = box(told, drawn, class_="mbt-root", key="root").wire()
            self.send({"kind": "tree", "tree": tree, "view": view, "seq": sequence})

    def tell_fault(self, error: Exception) -> None:
        """An error for the next drawing: the toolkit's own in its words; any other by its kind, and in the log."""
        if isinstance(error, MbtoolkitError):
            self._fault = str(error)
            return
        _log.error("a fault in a widget; please report it", exc_info=error)
        self._fault = f"The widget failed ({type(error).__name__}); the notebook's log says more. Please report it."

    def _drawn(self) -> Node | None:
        try:
            return self.render()
        except Exception as error:  # noqa: BLE001 - nothing else shows what is raised in a callback
            self.tell_fault(error)
            return None

    def _hear(self, _widget: Any, message: Any, buffers: list[Any]) -> None:
        """Takes one message of the page; nonsense is ignored, a fault is shown."""
        if not isinstance(message, Mapping):
            return
        view, sequence = message.get("view"), message.get("seq")
        try:
            self._act(message, buffers)
        except Exception as error:  # noqa: BLE001 - nothing else shows what is raised in a callback
            self.tell_fault(error)
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
        held = bytearray() if offset == 0 else self._pieces.pop((view, key), bytearray())
        if len(held) != offset:
            return
        held += piece
        if len(held) > MAX_FILE_BYTES:
            self.send({"kind": "enough", "key": key, "view": view})
            self._fault = (
                f"The file is larger than {MAX_FILE_BYTES:,} bytes: put it where the kernel runs and give its path."
            )
        elif message.get("last") is True:
            name = str(message.get("name", "")).replace("\\", "/").rpartition("/")[2]
            self.on_file(key, name, bytes(held))
        else:
            self._pieces[view, key] = held
            self.send({"kind": "more", "key": key, "view": view})
