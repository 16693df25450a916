"""What the page may say to the kernel, checked field by field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mbtoolkit.errors import UsageError
from mbtoolkit.sessions.editing import View

MAX_WINDOW: Final = 500
"""Rows in one answer."""
MAX_BLOCK: Final = 100_000
"""Cells in one pasted block."""
MAX_MERGED: Final = 10_000
"""Spellings that are merged at once."""
MAX_TEXT: Final = 1_000_000
"""Characters in one typed or pasted cell."""


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """A message of a known kind, all of whose fields have the right types.

    Attributes:
        kind: what the page wants.
        view: which of the pages that show the widget asks.
        fields: the rest.
    """

    kind: str
    view: str
    fields: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]


def read_message(content: object) -> Message:
    """The message, if it is one.

    Args:
        content: whatever came from the page.

    Raises:
        UsageError: it is of no known kind, or a field is missing or of another type.
    """
    if isinstance(content, dict):
        kind, view = content.get("kind"), content.get("view")
        form = _FORMS.get(kind) if isinstance(kind, str) else None
        if form is not None and is_name(view) and all(check(content.get(name)) for name, check in form.items()):
            return Message(str(kind), str(view), {name: content.get(name) for name in form})
    msg = "the page sent something that this grid does not know; reload the page, and run the cell again if that is all"
    raise UsageError(msg)


def view_of(message: Message) -> View:
    """The choice of rows that a `look` message asks for.

    Raises:
        UsageError: half a choice of cells, as `View`.
    """
    names = ("rows", "rule", "search", "sort", "descending", "column", "value", "pattern")
    return View(**{name: message[name] for name in names})


def is_name(value: object) -> bool:
    """Whether a value is a short text."""
    return isinstance(value, str) and 0 < len(value) <= 64


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT


def _is_text_or_none(value: object) -> bool:
    return value is None or _is_text(value)


def _is_natural(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _is_count(value: object) -> bool:
    return _is_natural(value) and 0 < value <= MAX_WINDOW  # type: ignore[operator]


def _is_truth(value: object) -> bool:
    return isinstance(value, bool)


def _is_block(value: object) -> bool:
    if not isinstance(value, list) or not value or not all(isinstance(line, list) and line for line in value):
        return False
    width = len(value[0])
    return len(value) * width <= MAX_BLOCK and all(len(line) == width and all(map(_is_text, line)) for line in value)


def _is_whole(value: object) -> bool:
    """Whether a value is a text of whole characters, as every cell of a frame is."""
    return _is_text(value) and re.search("[\ud800-\udfff]", str(value)) is None


def _is_whole_or_none(value: object) -> bool:
    return value is None or _is_whole(value)


def _is_merging(value: object) -> bool:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_MERGED:
        return False
    if not all(isinstance(pair, list) and len(pair) == 2 and all(map(_is_whole, pair)) for pair in value):
        return False
    return len({old for old, _ in value}) == len(value)


_CELL: Final[dict[str, Callable[[object], bool]]] = {"row": _is_natural, "column": _is_text}
_WINDOW: Final[dict[str, Callable[[object], bool]]] = {"look": _is_natural, "start": _is_natural, "count": _is_count}

_FORMS: Final[dict[str, dict[str, Callable[[object], bool]]]] = {
    "open": {},
    "look": {
        **_WINDOW,
        "rows": lambda value: value in ("all", "issues", "changed"),
        "rule": _is_text_or_none,
        "search": _is_text,
        "sort": _is_text_or_none,
        "descending": _is_truth,
        "column": _is_whole_or_none,
        "value": _is_whole_or_none,
        "pattern": _is_whole_or_none,
    },
    "window": _WINDOW,
    "edit": {**_CELL, "text": _is_text},
    "paste": {**_CELL, "look": _is_natural, "texts": _is_block},
    "suggest": _CELL,
    "suggestions": {},
    "mend": {"count": _is_natural},
    "profile": {"column": _is_whole},
    "spellings": {"column": _is_whole},
    "merge": {"column": _is_whole, "pairs": _is_merging},
    "repair": {"column": _is_whole, "label": _is_whole},
    "undo": {},
    "redo": {},
    "revalidate": {},
    "find": {
        "position": lambda value: value == -1 or _is_natural(value),
        "column": _is_text_or_none,
        "forward": _is_truth,
    },
}
"""The fields of each kind of message. `row` is a stable id; `look` numbers the page's choices of rows."""
