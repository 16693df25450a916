"""What all steps of the panel share."""

from __future__ import annotations

import re
import zlib
from typing import ClassVar, Final

from mbtoolkit.errors import UsageError
from mbtoolkit.sessions.pushing import FilePush, FilePushes
from mbtoolkit.widgets.surface import Node, box, text

Value = str | bool | None

LONGEST_DATUM: Final = 120
"""Characters of a cell that are shown."""
_FILLERS: Final = "\u034f\u115f\u1160\u3164\uffa0"
"""Letters and marks without a shape."""
_AT_ENDS: Final = re.compile(r"^ +| +$| {2,}")


class Step:
    """One step: what is seen, and what an event does."""

    key: ClassVar[str]
    title: ClassVar[str]
    onward: ClassVar[str] = "Next"

    def __init__(self, pushes: FilePushes) -> None:
        self.pushes = pushes
        self.error: str | None = None

    @property
    def push(self) -> FilePush:
        """The table that is on its way; there is one in every step after the first."""
        assert self.pushes.current is not None, "load comes first"
        return self.pushes.current

    @property
    def is_open(self) -> bool:
        """Whether this step can be looked at, as things are."""
        return True

    @property
    def is_ready(self) -> bool:
        """Whether the next step can be gone to."""
        return True

    def why_not(self) -> str:
        """What is still missing, where the next step can't be gone to."""
        return ""

    def draw(self) -> Node:
        """What is seen above the grid."""
        return box()

    def act(self, key: str, value: Value) -> None:
        """Takes up an event."""

    def leave(self) -> None:
        """Does what the next step needs.

        Raises:
            MbtoolkitError: it can't be done with what was chosen.
        """

    def told(self) -> Node:
        """The error, where there is one; there from the start, so that it is read out when it comes."""
        return text(self.error or "", "p", role="alert", class_="mbt-fault" if self.error else "mbt-none", key="told")


def labelled(label: str, made: Node, name: str, hint: str = "") -> Node:
    """An input under its label, with a hint under it."""
    parts = [text(label, "label", for_=name), made]
    parts += [text(hint, "p", id=f"hint-{name}", class_="mbt-hint")] if hint else []
    return box(*parts, class_="mbt-field")


def bar(share: float, kind: str, *, is_thick: bool = False) -> Node:
    """A bar that fills a share of its ground; for the eye only, the number stands beside it.

    Args:
        share: 0 to 1.
        kind: `error`, `warning` or `done`.
        is_thick: for one that stands alone.
    """
    filled = Node("span", key="bar", width=100 * share, attributes={"class": f"mbt-bar-{kind}"})
    style = "mbt-bar-ground mbt-thick" if is_thick else "mbt-bar-ground"
    return box(filled, class_=style, aria_hidden="true")


def stamp_of(*drawn: object) -> int:
    """The stamp of a button for what is drawn beside it: another one where that is another, whatever the button's key.

    Args:
        drawn: what the button is for; not what a person may have changed a moment before pressing it.
    """
    return zlib.crc32(repr(drawn).encode(errors="backslashreplace"))


def check_stamp(value: Value, stamp: int) -> None:
    """Finds out whether a click was made on what is there now.

    Raises:
        UsageError: it was made on what was drawn before.
    """
    if value != str(stamp):
        msg = "nothing was done: what was shown is another by now; look at it once more"
        raise UsageError(msg)


def scrolling(shown: Node, label: str, style: str = "") -> Node:
    """Something wide or long in a room of its own, which scrolls by keyboard too.

    Args:
        shown: what is in it.
        label: its name.
        style: a class that says how its rows are stacked where there is little room.
    """
    return box(shown, class_=f"mbt-scroll {style}".strip(), tabindex="0", role="group", aria_label=label)


def datum(value: str | None) -> Node:
    """A cell's text with all that can't be seen in it written out: spaces at its ends, and what has no shape."""
    if not value:
        return text("empty", "em", class_="mbt-soft")
    return text(visible(value), "bdi")


def visible(value: str) -> str:
    """The same as a text: cut where it is long, with what can't be seen in it written out."""
    cut = shortened(value, LONGEST_DATUM)
    spaced = _AT_ENDS.sub(lambda spaces: "␣" * len(spaces[0]), cut)
    return "".join(char if _is_seen(char) else f"‹U+{ord(char):04X}›" for char in spaced)


def shortened(value: str, longest: int) -> str:
    """A text, cut where it is longer than so many characters."""
    return value if len(value) <= longest else f"{value[:longest]}…"


def _is_seen(char: str) -> bool:
    return char == " " or (char.isprintable() and not char.isspace() and char not in _FILLERS)


def duration(seconds: float | None) -> str:
    """A time as people say it."""
    if seconds is None:
        return "?"
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
