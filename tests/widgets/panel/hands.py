"""A person before a panel, its pages played, and a small table for it."""

from __future__ import annotations

from tests.widgets.playing import Page

TABLE = """\
E-post;Mobil;Nyhetsbrev;Navn
ann@example.com;+47 934 54 496;ja;Ann
bo@example;+47 934 54 497;nei;Bo
cy@example.com;;kanskje;Cy
dee@example.com;+47 934 54 498;;Dee
dee@example.com;+47 934 54 498;;Dee again
"""


class Hands:
    """A person before a panel: its upper and lower part, and the grid between them."""

    def __init__(self, panel):
        self.panel = panel
        self.top, self.bottom = Page(panel._top), Page(panel._bottom)

    def next(self, times=1):
        for _ in range(times):
            self.bottom.press("next")

    def go(self, place):
        self.top.press(f"step:{place}")

    @property
    def title(self):
        return next(node["x"] for node in self.top.nodes() if "mbt-title" in node.get("a", {}).get("class", ""))

    @property
    def told(self):
        return self.top.text("told")

    def grid(self, kind, **fields):
        data = {"method": "custom", "content": {"kind": kind, "view": "g", **fields}}
        self.panel.grid.comm.handle_msg({"content": {"data": data}, "buffers": []})

    def mend(self, row, column, text):
        self.grid("edit", row=row, column=column, text=text)

    def push(self):
        if self.top.has("consented"):
            self.top.choose("consented", True)
        self.next()
        assert self.panel.wait(30)

    def is_open(self, place):
        return not self.top.is_off(f"step:{place}")
