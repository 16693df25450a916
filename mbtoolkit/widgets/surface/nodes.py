"""What a form looks like, as plain data: a tree of nodes that the page draws.

A node's text and attributes are data to the page; it makes text and attributes of them, never HTML.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from mbtoolkit.schemas.texts import unbroken

Attribute = str | int | bool | None

SHORT: Final = 16
"""Characters up to which a table's cell stands in one line."""


@dataclass(frozen=True, slots=True)
class Node:
    """One element.

    Attributes:
        tag: the HTML element's name; the page makes only those that it knows.
        key: names the element from one tree to the next, and in the events that come back.
        text: what stands in it, where it has no children.
        attributes: HTML attributes; `id` and what refers to ids is unique within one widget. None leaves one out.
        children: the elements in it.
        value: of an input; drawn where nobody is typing, or where `revision` is another than before. What was typed
            and is still on its way to the kernel is never overwritten.
        revision: counts how often the value was changed by the program instead of the person.
        focus: asks for the focus each time it is another number than before, and not 0. It is given to the view in
            which somebody did something; where the kernel draws of its own accord, only if nobody is typing.
        width: in percent of the room there is.
        events: what the kernel is told of: `input`, `change`, `click`.
    """

    tag: str
    key: str | None = None
    text: str | None = None
    attributes: dict[str, Attribute] = field(default_factory=dict)
    children: tuple[Node, ...] | None = None
    value: str | bool | None = None
    revision: int = 0
    focus: int | None = None
    width: float | None = None
    events: tuple[str, ...] = ()

    def wire(self) -> dict[str, Any]:
        """The node as the page reads it."""
        attributes = {name: _whole(value) for name, value in self.attributes.items() if value is not None}
        parts: dict[str, Any] = {
            "t": self.tag,
            "k": self.key,
            "x": _whole(self.text),
            "a": attributes or None,
            "c": None if self.children is None else [child.wire() for child in self.children],
            "v": _whole(self.value),
            "r": self.revision if self.value is not None else None,
            "f": self.focus,
            "w": self.width,
            "on": list(self.events) or None,
        }
        return {name: part for name, part in parts.items() if part is not None}

    def find(self, key: str) -> Node | None:
        """The first node with this key, itself included."""
        if self.key == key:
            return self
        return next((found for child in self.children or () if (found := child.find(key))), None)

    def texts(self) -> Iterable[str]:
        """Every text in it, in order."""
        if self.text is not None:
            yield self.text
        for child in self.children or ():
            yield from child.texts()


def _whole(value: Attribute) -> Attribute:
    """A message holds no half of a character, which a page may send all the same."""
    return unbroken(value) if isinstance(value, str) else value


def box(*children: Node | None, tag: str = "div", key: str | None = None, **attributes: Attribute) -> Node:
    """An element with children; None among them is left out. `class_` and `for_` stand for the HTML names."""
    kept = tuple(child for child in children if child is not None)
    return Node(tag, key=key, children=kept, attributes=named(attributes))


def text(
    content: str, tag: str = "span", key: str | None = None, focus: int | None = None, **attributes: Attribute
) -> Node:
    """An element with a text."""
    return Node(tag, key=key, text=content, focus=focus, attributes=named(attributes))


def button(
    label: str,
    key: str,
    *,
    is_main: bool = False,
    disabled: bool = False,
    focus: int | None = None,
    stamp: int | None = None,
    **attributes: Attribute,
) -> Node:
    """A button; a click comes back under its key.

    Args:
        label: what stands on it.
        key: names it.
        is_main: whether it is the step that matters; a double click on it counts once.
        disabled: whether it can't be pressed.
        focus: see `Node`.
        stamp: comes back with the click as text, so that a click on what was drawn before can be told from a new one.
        attributes: of the button.
    """
    style = "mbt-button mbt-main" if is_main else "mbt-button"
    chosen = {"type": "button", "class": style, "disabled": disabled or None, **named(attributes)}
    value = None if stamp is None else str(stamp)
    return Node(
        "button", key=key, text=label, attributes=chosen, focus=focus, value=value, revision=stamp or 0,
        events=("click",),
    )  # fmt: skip


def choice(
    key: str, value: str, options: Iterable[tuple[str, str]], *, revision: int = 0, **attributes: Attribute
) -> Node:
    """A select; a change comes back with the chosen option's value.

    Args:
        key: names it.
        value: the chosen option.
        options: value and label of each.
        revision: see `Node`.
        attributes: of the select.
    """
    made = tuple(
        Node("option", key=each, text=label, attributes={"label": label}, value=each) for each, label in options
    )
    return Node(
        "select", key=key, children=made, value=value, revision=revision, attributes=named(attributes),
        events=("change",),
    )  # fmt: skip


def entry(
    key: str,
    value: str,
    *,
    revision: int = 0,
    focus: int | None = None,
    events: tuple[str, ...] = ("input", "change"),
    **attributes: Attribute,
) -> Node:
    """A line of text to type into."""
    chosen = {"type": "text", "autocomplete": "off", "spellcheck": "false", **named(attributes)}
    return Node("input", key=key, value=value, revision=revision, focus=focus, attributes=chosen, events=events)


def tick(key: str, label: str, *, value: bool, disabled: bool = False, **attributes: Attribute) -> Node:
    """A checkbox in its label."""
    chosen = {"type": "checkbox", "disabled": disabled or None, **named(attributes)}
    ticked = Node("input", key=key, value=value, attributes=chosen, events=("change",))
    return box(ticked, text(label), tag="label", class_="mbt-tick")


def table(caption: str, heads: Iterable[str], rows: Iterable[Iterable[Node | str]]) -> Node:
    """A table with a caption and a line of heads."""
    head = box(*(text(each, "th", scope="col") for each in heads), tag="tr")
    lines = (
        box(
            *(
                text(cell, "td", class_="mbt-short" if len(cell) <= SHORT else None)
                if isinstance(cell, str)
                else box(cell, tag="td")
                for cell in row
            ),
            tag="tr",
        )
        for row in rows
    )
    parts = (text(caption, "caption"), box(head, tag="thead"), box(*lines, tag="tbody"))
    return box(*parts, tag="table", class_="mbt-table")


def named(attributes: dict[str, Attribute]) -> dict[str, Attribute]:
    """Keyword names as HTML has them: `class_` is `class`, `aria_label` is `aria-label`."""
    return {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
