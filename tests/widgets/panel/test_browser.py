"""The panel as a person has it: in a real Jupyter, from the file to the results, by mouse and by keyboard.

With MBTOOLKIT_SHOTS=<folder> a picture of each step is written there, in both themes and two widths.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import expect

from mbtoolkit import Recipe
from mbtoolkit.cli.demo import sample

pytestmark = pytest.mark.browser

CLIENT = """
from mbtoolkit import Client
from mbtoolkit.widgets import PushPanel
client = Client({base_url!r}, {token!r})
"""
EVIL = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"
BLOCK = """() => {
  const panel = [...window.jupyterapp.shell.widgets('main')].find((each) => each.context && each.sessionContext);
  const code = 'is_blocked = True\\nimport time\\ntime.sleep(2)\\nis_blocked = False';
  panel.sessionContext.session.kernel.requestExecute({code, store_history: false});
}"""
CUT = """(panel) => [...panel.querySelectorAll('.mbt-count > :last-child')].filter((count) => {
  const room = count.closest('.mbt-scroll') ?? panel;
  return count.getBoundingClientRect().right > room.getBoundingClientRect().right + 1;
}).map((count) => count.textContent)"""
"""Counts that are cut off at the side."""
LOOKS = [("JupyterLab Light", 1200), ("JupyterLab Dark", 600), ("JupyterLab Light", 600), ("JupyterLab Dark", 1200)]
LOOKS = LOOKS if {"MBTOOLKIT_FULL", "MBTOOLKIT_SHOTS"} & set(os.environ) else LOOKS[:2]


def setup(crm):
    return CLIENT.format(base_url=crm.base_url, token=crm.token)


def kernel(book, expression):
    return json.loads(book.run(f"import json; print(json.dumps({expression}))"))


class Hands:
    """A person before a panel in a browser."""

    def __init__(self, book, place=0):
        self.book = book
        self.page = book.page
        self.panel = book.page.locator(".mbt-push-panel").nth(place)

    def button(self, name):
        return self.panel.get_by_role("button", name=name, exact=True)

    def next(self, title):
        self.button("Next").click()
        self.is_at(title)

    def is_at(self, title):
        expect(self.panel.locator(".mbt-title")).to_have_text(title)

    def headline(self):
        return self.panel.get_by_role("status").filter(visible=True)

    def says(self, text, seconds=30):
        expect(self.panel).to_contain_text(text, timeout=seconds * 1000)

    def cell(self, row, column):
        heads = self.panel.locator(".mbg-head > .mbg-cell").all_inner_texts()
        number = next(n for n, text in enumerate(heads) if text.split("\n")[0] == column)
        rows = self.panel.locator(".mbg-body > .mbg-row")
        line = rows.filter(has=self.page.locator(f".mbg-number >> text=/^{row}$/"))
        return line.locator(f":scope > :nth-child({number + 1})")

    def mend(self, row, column, text):
        self.cell(row, column).click()
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")

    def look(self, name):
        """Both themes, wide and narrow: nothing is cut off, and axe-core finds nothing wrong.

        All four pairs of them with MBTOOLKIT_FULL=1.
        """
        for theme, width in LOOKS:
            self.page.set_viewport_size({"width": width, "height": 1700})
            self.page.evaluate("(theme) => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
            self.page.wait_for_function("(name) => document.body.dataset.jpThemeName === name", arg=theme)
            assert self.book.violations(".mbt-push-panel") == [], (name, theme, width)
            wide = "(panel) => [...panel.querySelectorAll('.mbt-surface')].map((s) => s.scrollWidth - s.clientWidth)"
            assert max(self.panel.evaluate(wide)) <= 0, (name, theme, width)
            assert self.panel.evaluate(CUT) == [], (name, theme, width)
            if "MBTOOLKIT_SHOTS" in os.environ:
                kind = theme.removeprefix("JupyterLab ").lower()
                self.page.wait_for_timeout(150)
                self.panel.screenshot(path=Path(os.environ["MBTOOLKIT_SHOTS"]) / f"{name}-{kind}-{width}.png")


def test_the_sample_goes_from_file_to_results_and_is_mended_on_the_way(lab, crm):
    book = lab.open(setup(crm), f"panel = PushPanel(client, {str(sample('contacts.csv'))!r})\npanel", height=1000)
    hands = Hands(book)
    hands.is_at("Load")
    hands.look("1-load")
    hands.next("Columns")
    hands.panel.get_by_label("Country of phone numbers").fill("Country")
    hands.look("2-columns")
    hands.next("Clean")
    hands.next("Check")
    hands.says("5,000 contacts: 4,856 will be sent, 144 can’t be.")
    hands.look("4-check")
    hands.panel.get_by_role("button", name="Show the rows of email syntax in the grid").click()
    expect(hands.panel.locator(".mbg-shown")).to_have_text("20 of 5,000 rows")
    expect(hands.panel.get_by_label("Rows to show").locator("option:checked")).to_have_text("email syntax (20)")
    hands.mend(374, "E-mail", "mended@example.com")
    hands.says("5,000 contacts: 4,857 will be sent, 143 can’t be.")
    hands.panel.get_by_role("checkbox", name="Leave these out: the rows of joins contacts").check()
    hands.says("6 left out")
    hands.next("Review")
    hands.says("Say that the people whose opt-ins")
    hands.panel.get_by_role("checkbox").check()
    hands.look("5-review")
    hands.button("Push").click()
    hands.is_at("Push")
    hands.says("Done: 4,851 of 4,851 rows settled", 60)
    hands.look("6-push")
    hands.button("Results").click()
    hands.is_at("Results")
    hands.look("7-results")
    counts = "dict(panel.results['mb_status'].cast(str).value_counts().rows())"
    stored = kernel(book, counts)["succeeded"]
    hands.says(f"{stored:,} of 5,000 rows are stored.")
    assert crm.requests().filter(pl.col("applied")).height == stored
    assert "mended@example.com" in crm.contacts()["email"].to_list()
    hands.cell(0, "E-mail").click()
    book.page.keyboard.type("also.mended@example.com")
    book.page.keyboard.press("Enter")
    hands.panel.get_by_text("The same as code").click()
    expect(hands.panel.locator(".mbt-code")).to_contain_text("also.mended@example.com")
    hands.button("4 Check").click()
    hands.is_at("Check")
    assert kernel(book, "panel.contacts['email'].to_list()").count("also.mended@example.com") == 1
    hands.button("7 Results").click()
    hands.is_at("Results")
    hands.panel.locator(".mbg-row[data-filled=yes]").first.wait_for()
    expect(hands.cell(0, "E-mail")).to_have_text("also.mended@example.com")


def test_the_sample_is_cleaned_by_clicks_and_by_keyboard(lab, crm, tmp_path):
    book = lab.open(setup(crm), f"panel = PushPanel(client, {str(sample('contacts.csv'))!r})\npanel", height=1400)
    hands = Hands(book)
    hands.next("Columns")
    hands.panel.get_by_label("Country of phone numbers").fill("Country")
    hands.next("Clean")
    hands.look("3-clean-obvious")
    hands.panel.get_by_role("button", name="Mend", exact=False).click()
    hands.says("cells changed.")
    expect(hands.panel.locator("[data-key=said]")).to_be_focused()
    hands.button("A column").click()
    hands.panel.get_by_label("Column", exact=True).select_option(label="City")
    hands.panel.get_by_label("Show values").check()
    hands.says("Commonest values")
    hands.look("3-clean-column")
    hands.button("White space and invisible characters tidied").focus()
    book.page.keyboard.press("Enter")
    hands.says("0 cells changed.")
    hands.button("Duplicates").click()
    hands.button("Look for duplicates").focus()
    book.page.keyboard.press("Enter")
    hands.says("groups of rows that may be one person each")
    expect(hands.button("Look again")).to_be_focused()
    hands.look("3-clean-duplicates")
    group = hands.panel.locator("[data-key=group]")
    other = group.locator("[data-key^='take:']:not([aria-pressed=true])").first
    chosen = other.inner_text()
    other.click()
    expect(group.locator("[aria-pressed=true]").filter(has_text=chosen)).to_have_count(1)
    hands.panel.get_by_role("button", name="Merge these", exact=False).click()
    hands.says("3 rows are one now.")
    hands.panel.get_by_label("File of the recipe").fill(str(tmp_path / "sample.toml"))
    hands.button("Save").click()
    hands.says("3 steps")
    hands.panel.get_by_role("button", name="Remove step 1", exact=False).click()
    hands.says("The step is undone.")
    hands.look("3-clean-recipe")
    assert kernel(book, "[step.do for step in panel.recipe.steps]") == ["read_contacts", "merge_rows"]
    assert Recipe.read(tmp_path / "sample.toml").steps[1].do == "apply_suggestions"
    hands.next("Check")
    hands.says("4,998 contacts: ")
    saved = json.dumps(book.save())
    assert chosen not in saved


def test_hostile_names_stay_text_and_the_keyboard_is_enough(lab, crm, tmp_path):
    path = tmp_path / "<img src=x onerror=hacked=1>.csv"
    word = "can1ary"
    lines = [
        f"E-post,Navn,{EVIL}",
        *(f"{word}{n}@example.com,{word},{EVIL}" for n in range(30)),
        f"{EVIL},Bo,</script>",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    book = lab.open(setup(crm), "panel = PushPanel(client)\npanel", height=1400)
    hands = Hands(book)
    with book.page.expect_file_chooser() as chooser:
        hands.panel.get_by_label("Or a file from this computer").click()
    chooser.value.set_files(path)
    hands.says("Chosen: <img src=x onerror=hacked=1>.csv")
    before = book.cells()

    def press(*keys):
        for key in keys:
            book.page.keyboard.press(key)

    def to(name):
        """Tabs to what bears this name."""
        for _ in range(40):
            press("Tab")
            name_of = "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"
            if book.page.evaluate(name_of) == name:
                return
        raise AssertionError(name)

    hands.panel.get_by_label("Path of a file").focus()
    to("Next")
    press("a", "x", "d", "d", "Enter")
    hands.is_at("Columns")
    expect(hands.panel.locator(".mbt-title")).to_be_focused()
    to(f"What {EVIL} is")
    press("P", "End")
    expect(hands.panel.get_by_label(f"What {EVIL} is")).to_have_value(f"property:{EVIL}")
    to("Next")
    press("Enter")
    hands.is_at("Clean")
    to("Next")
    press("Enter")
    hands.is_at("Check")
    to("Show the rows of email syntax in the grid")
    press("x", "d", "d", "Enter")
    expect(hands.panel.locator(".mbg-shown")).to_have_text("1 of 31 rows")
    hands.panel.get_by_role("grid").focus()
    expect(hands.panel.locator(".mbg-active")).to_have_attribute("aria-invalid", "true")
    book.page.keyboard.type(f"{word}.mended@example.com")
    press("Enter", "Escape")
    hands.says("31 contacts: 31 will be sent, 0 can’t be.")
    to("Next")
    press("Enter")
    hands.is_at("Review")
    to("Push")
    press("a", "b", "d", "d", "Space")
    hands.is_at("Push")
    hands.says("Done: 31 of 31")
    to("Results")
    press("Enter")
    hands.is_at("Results")
    hands.says("31 of 31 rows are stored.")
    assert book.cells() == before
    assert book.page.evaluate("window.hacked") is None
    assert hands.panel.locator(".mbt-surface :is(img, script)").count() == 0
    assert f"{word}.mended@example.com" in crm.contacts()["email"].to_list()
    saved = book.save()
    assert "widgets" in saved["metadata"]
    written = json.dumps(saved)
    assert word not in written
    assert "onerror" not in written
    print(f"saved notebook: {len(written):,} characters")


def test_a_push_goes_on_through_reload_and_a_busy_kernel_and_is_cancelled(lab, crm):
    crm.fail("delay", seconds=0.25, times=None)
    people = "import polars as pl\npeople = pl.DataFrame({'email': [f'p{n}@example.com' for n in range(2000)]})\n"
    book = lab.open(setup(crm), f"{people}panel = PushPanel(client, people)\npanel", "panel", height=1400)
    hands = Hands(book)
    for title in ("Columns", "Clean", "Check", "Review"):
        hands.next(title)
    hands.button("Push").click()
    hands.is_at("Push")
    progress = hands.panel.get_by_role("progressbar")

    def done():
        return int(progress.get_attribute("aria-valuenow"))

    hands.says("rows a second")
    book.page.evaluate(BLOCK)
    book.page.wait_for_timeout(700)
    first = done()
    book.page.wait_for_timeout(1000)
    assert done() > first
    assert kernel(book, "is_blocked") is False
    book.save()
    book.reload()
    again = Hands(book)
    again.is_at("Push")
    again.says("rows a second")
    copy = Hands(book, 1)
    copy.is_at("Push")
    copy.button("Cancel").click()
    again.says("Stopped: ")
    stored = kernel(book, "panel.wait() and panel.results.filter(pl.col('mb_status') == 'succeeded').height")
    assert 0 < stored < 2000
    assert crm.contacts().height == stored
    assert (
        again.panel.locator("[data-key=headline]").inner_text()
        == copy.panel.locator("[data-key=headline]").inner_text()
    )
    copy.button("Results").click()
    again.says(f"{stored:,} of 2,000 rows are stored.")
    again.says(f"Push these {2000 - stored:,} again")
    book.run("panel._pushes.current.loaded = None")
    again.button("2 Columns").click()
    again.says("internal error (AttributeError)")
