"""The page's side of a form, played: what it would send, and what it was sent to draw."""

from __future__ import annotations

import json

from comm.base_comm import BaseComm


class Wire(BaseComm):
    """A comm that goes nowhere and remembers everything that was sent through it."""

    def __init__(self, *args, **options):
        self.sent = []
        super().__init__(*args, **options)

    def publish_msg(self, msg_type, data=None, **others):  # noqa: ARG002 - the signature is comm's
        json.dumps(data, ensure_ascii=False).encode()
        self.sent.append(data or {})


class Page:
    """One view of a widget: plays a person's hands, and finds what is drawn."""

    def __init__(self, widget, view="v1"):
        self.widget = widget
        self.view = view
        self.sequence = 0
        self.say({"kind": "ready", "view": view})

    def say(self, content, buffers=()):
        """One custom message, as it comes."""
        data = {"method": "custom", "content": content}
        self.widget.comm.handle_msg({"content": {"data": data}, "buffers": list(buffers)})

    def do(self, key, event, value=None, *, pasted=False):
        self.sequence += 1
        self.say(
            {
                "kind": "event",
                "key": key,
                "event": event,
                "value": value,
                "pasted": pasted,
                "view": self.view,
                "seq": self.sequence,
            }
        )

    def type(self, key, value):
        self.do(key, "input", value)

    def leave(self, key, value):
        self.do(key, "change", value)

    def paste(self, key, value):
        self.do(key, "input", value, pasted=True)

    def choose(self, key, value):
        self.do(key, "change", value)

    def press(self, key):
        self.do(key, "click", self.find(key).get("v"))

    @property
    def sent(self):
        """The custom messages that the page got."""
        return [data["content"] for data in self.widget.comm.sent if data.get("method") == "custom"]

    @property
    def tree(self):
        return [content["tree"] for content in self.sent if content["kind"] == "tree"][-1]

    def nodes(self):
        pending = [self.tree]
        while pending:
            node = pending.pop()
            yield node
            pending += reversed(node.get("c", []))

    def find(self, key):
        """The node with this key; an AssertionError where there is none."""
        found = [node for node in self.nodes() if node.get("k") == key]
        assert found, key
        return found[0]

    def has(self, key):
        return any(node.get("k") == key for node in self.nodes())

    def value(self, key):
        return self.find(key)["v"]

    def is_off(self, key):
        attributes = self.find(key)["a"]
        return bool(attributes.get("disabled")) or attributes.get("aria-disabled") == "true"

    def text(self, key="root"):
        """All the text under a node."""
        return " ".join(_texts(self.find(key)))

    def told(self, name):
        """The line under an input."""
        line = next(node for node in self.nodes() if node.get("a", {}).get("id") == f"told-{name}")
        return "".join(_texts(line))

    def keys(self, kind):
        """The keys of one kind, in order."""
        return [node["k"] for node in self.nodes() if str(node.get("k", "")).startswith(f"{kind}:")]


def _texts(node):
    if "x" in node:
        yield node["x"]
    for child in node.get("c", []):
        yield from _texts(child)
