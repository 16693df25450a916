"""The step Clean under any clicks in any order: nothing breaks, rows add up, all of it is code and can be undone."""

from __future__ import annotations

import os
import warnings

import comm
import polars as pl
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mbtoolkit import Recipe
from mbtoolkit.sandbox import Sandbox
from mbtoolkit.widgets import PushPanel
from tests.widgets.panel.hands import Hands
from tests.widgets.playing import Page, Wire

EMAILS = ("ann@example.com", "ann@@example.com", "<bo@example.com>", "bo@example.com", "cy@example.com", "bo", "", None)
MOBILES = ("+47 934 54 496", "934 54 497", "+46 70 174 06 05", "n/a", None)
WORDS = ("ja", "nei", "kanskje", "x:y", None)
NAMES = ("ANN BERG", "Ann Berg", "Bo  Lund", "bo lund", "Cy Dahl", None)
CITIES = ("Oslo", "oslo.", "OSLO ", "a:b", "A:B", "São/Paulo", "עיר", None)
TARGETS = (
    ("email",),
    ("mobile_number", ""),
    ("email_opt_in", "", "property:News"),
    ("property:Name", "", "property:Full name"),
    ("property:City", "", "property:Full name", "email_opt_in"),
)
ROWS = st.tuples(*map(st.sampled_from, (EMAILS, MOBILES, WORDS, NAMES, CITIES)))
HEADERS = ("E-post", "Mobil", "Nyhetsbrev", "Navn", "By: i/dag")
TEXTS = st.sampled_from(["cy@example.com", "Voss", "ja", "+47 934 54 499", "", "  x  "])
NUMBERS = st.integers(0, 60)
EXAMPLES = 60 if os.environ.get("MBTOOLKIT_FULL") else 5


def frame(rows):
    return pl.DataFrame(rows, schema=dict.fromkeys(HEADERS, pl.String), orient="row")


class Clicks(RuleBasedStateMachine):
    """A person who clicks on whatever is there, on one of two pages, and now and then on what was there before."""

    def __init__(self):
        super().__init__()
        self.old = {}

    @initialize(rows=st.lists(ROWS, min_size=1, max_size=8))
    def load(self, rows):
        self.table = frame(rows)
        self.hands = Hands(PushPanel(self.client, self.table))
        self.other = Page(self.hands.panel._top, "v2")
        self.hands.next()
        self.map([0] * len(TARGETS))

    def map(self, chosen):
        for place, targets in enumerate(TARGETS):
            self.hands.top.choose(f"column:{place}", targets[chosen[place] % len(targets)])
        self.hands.next()
        if self.hands.title != "Clean":
            for place, targets in enumerate(TARGETS):
                self.hands.top.choose(f"column:{place}", targets[0])
            self.hands.next()
        assert self.hands.title == "Clean", self.hands.told

    @property
    def push(self):
        return self.hands.panel._pushes.current

    def press(self, number, kinds):
        """Presses one of the buttons of these kinds that can be pressed."""
        top = self.hands.top
        found = [
            node["k"]
            for node in top.nodes()
            if node["t"] == "button" and node.get("k", "").startswith(kinds) and not top.is_off(node["k"])
        ]
        if found:
            key = found[number % len(found)]
            self.old[key] = top.find(key).get("v")
            top.press(key)

    @rule(name=st.sampled_from(["obvious", "column", "duplicates"]))
    def show(self, name):
        self.hands.top.press(f"part:{name}")

    @rule()
    def mend(self):
        self.hands.top.press("part:obvious")
        self.press(0, ("mend",))

    @rule(column=NUMBERS, number=NUMBERS)
    def repair(self, column, number):
        self.hands.top.press("part:column")
        names = [node["k"] for node in self.hands.top.find("which")["c"]]
        self.hands.top.choose("which", names[column % len(names)])
        self.press(number, ("repair:", "by_country", "merge"))

    @rule(number=NUMBERS, is_in=st.booleans(), text=st.sampled_from(["Oslo", "O:slo", " "]))
    def spell(self, number, is_in, text):
        keys = self.hands.top.keys("spelt")
        if keys:
            self.hands.top.choose(keys[number % len(keys)], is_in)
            self.hands.top.type(self.hands.top.keys("as")[0], text)

    @rule(by=st.sampled_from(["", "identifiers"]))
    def look(self, by):
        self.hands.top.press("part:duplicates")
        self.hands.top.choose("compare", by)
        self.hands.top.press("look")

    @rule(number=NUMBERS)
    def choose(self, number):
        self.press(number, ("take:", "before", "after"))

    @rule(number=NUMBERS)
    def merge(self, number):
        self.hands.top.press("part:duplicates")
        shown = [n["x"] for n in self.hands.top.nodes() if n.get("k") == "merge"]
        before = self.push.contacts.height
        self.press(number, ("merge", "apart", "merge_all"))
        if shown and "rows are one now" in self.hands.top.text("said"):
            assert self.push.contacts.height == before - int(shown[0].split()[2]) + 1

    @rule(number=NUMBERS)
    def remove(self, number):
        self.press(number, ("recipe:remove:",))

    @rule(number=NUMBERS, is_on=st.booleans())
    def switch(self, number, is_on):
        keys = [key for key in self.hands.top.keys("recipe") if key.startswith("recipe:on:")]
        if keys:
            self.hands.top.choose(keys[number % len(keys)], is_on)

    @precondition(lambda self: self.old)
    @rule(number=NUMBERS)
    def press_what_was_there_before(self, number):
        before = self.push.contacts
        key = sorted(self.old)[number % len(self.old)]
        is_there = self.other.has(key) and self.other.find(key).get("v") == self.old[key]
        self.other.do(key, "click", self.old[key])
        if not is_there and not key.startswith(("before", "after")):
            assert self.push.contacts.equals(before)

    @rule(number=NUMBERS)
    def press_twice(self, number):
        self.old.clear()
        self.press(number, ("merge", "recipe:remove:", "mend", "apart"))
        for key, stamp in list(self.old.items()):
            before, steps = self.push.contacts, self.hands.panel.recipe
            if not self.other.has(key) or self.other.find(key).get("v") != stamp:
                self.other.do(key, "click", stamp)
                assert self.push.contacts.equals(before)
                assert self.hands.panel.recipe == steps

    @rule(row=NUMBERS, column=NUMBERS, text=TEXTS)
    def edit(self, row, column, text):
        self.hands.go(3)
        edits = self.hands.panel.grid.edits
        names = [each.name for each in edits.columns if not each.read_only]
        self.hands.mend(row % edits.height, names[column % len(names)], text)
        self.hands.go(2)

    @rule(kind=st.sampled_from(["undo", "redo"]))
    def undo(self, kind):
        self.hands.go(3)
        self.hands.grid(kind)
        self.hands.go(2)

    @rule(chosen=st.tuples(*[st.integers(0, 3)] * len(TARGETS)))
    def map_otherwise(self, chosen):
        self.hands.go(1)
        self.map(chosen)

    @rule()
    def save_and_use(self):
        path = str(self.folder / "saved.toml")
        before = self.push.contacts
        self.hands.top.type("recipe:path", path)
        self.hands.top.press("recipe:save")
        self.hands.top.press("recipe:use")
        assert Recipe.read(path).steps[0].do == "read_contacts"
        assert not self.hands.told
        assert self.push.contacts.equals(before)

    @rule()
    def back(self):
        self.press(0, ("recipe:back",))

    @invariant()
    def nothing_is_broken(self):
        if not hasattr(self, "hands"):
            return
        assert not self.hands.top.has("fault")
        assert not self.hands.bottom.has("fault")
        assert self.hands.title == "Clean"

    @invariant()
    def rows_add_up_and_all_is_code(self):
        if not hasattr(self, "hands"):
            return
        panel, push = self.hands.panel, self.push
        into = push.cleaned.rows["into"]
        assert into.len() == self.table.height
        assert into.n_unique() == panel.contacts.height
        assert panel.recipe.run(self.table).contacts.equals(panel.contacts)
        names = {"client": self.client, "source": self.table}
        exec(panel.code.partition("\n\nresults = ")[0], names)
        assert names["contacts"].equals(panel.contacts)

    def teardown(self):
        if not hasattr(self, "hands"):
            return
        while self.hands.top.has("recipe:remove:0"):
            left = len(self.hands.panel.recipe)
            self.hands.top.press("recipe:remove:0")
            assert len(self.hands.panel.recipe) < left, self.hands.told
        assert self.push.contacts.equals(self.push.cleaned.given)
        self.nothing_is_broken()
        self.hands.panel.close()


@pytest.mark.slow
def test_any_clicks_in_any_order(monkeypatch, tmp_path):
    monkeypatch.setattr(comm, "create_comm", Wire)
    with Sandbox() as crm, crm.client() as client, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Clicks.client, Clicks.folder = client, tmp_path
        run_state_machine_as_test(
            Clicks,
            settings=settings(
                max_examples=EXAMPLES, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
