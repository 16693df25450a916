"""The grid as a person has it: in a real Jupyter, with keys, mouse, clipboard and both themes.

With MBTOOLKIT_SHOTS=<folder> a picture of each state is written there.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

MESSY = """
import polars as pl
from mbtoolkit.widgets.grid import ContactGrid
n = {rows}
contacts = pl.DataFrame({
    "contact_id": [str(i + 1) if i % 97 != 6 else "n/a" for i in range(n)],
    "email": [f"ann{i}.example.com" if i % 50 == 3 else f"per\\u200bson{i}@example.com" if i % 50 == 7
              else f"person{i}@example.com" for i in range(n)],
    "mobile_country_code": [47] * n,
    "mobile_number": [40000000 + i - (i % 31 == 5) for i in range(n)],
    "email_opt_in": ["yes" if i % 3 else None if i % 2 else "no" for i in range(n)],
    "property:City": ["Oslo", "Bergen", "A place with a very long name that no column could show as a whole"] * (n // 3)
        + ["Voss"] * (n % 3),
    "customer since": [2000 + i % 24 for i in range(n)],
})
"""
DIRTY = (
    MESSY
    + """
cities = ["Oslo", "oslo ", "OSLO", "Bergen", "bergen", "Newyork", "New York", "<b>x</b>", "\\u05e9 12", "Å", None]
contacts = contacts.with_columns(pl.Series("property:City", [cities[i % len(cities)] for i in range(n)]))
"""
)
GRID = "grid = ContactGrid(contacts)\ngrid"


def opened(lab, rows=300, grid=GRID, setup=MESSY, **window):
    """A notebook with the grid in it, scrolled to where it is seen whole."""
    book = lab.open(setup.replace("{rows}", str(rows)), grid, **window)
    table = book.output.get_by_role("grid")
    table.get_by_role("row").nth(1).wait_for()
    book.page.locator(".mbg-status").last.scroll_into_view_if_needed()
    return book, table


LOOKS = [("light", 1200), ("dark", 600), ("light", 600), ("dark", 1200)]
LOOKS = LOOKS if os.environ.get("MBTOOLKIT_FULL") else LOOKS[:2]


def cell(table, row, label):
    """The cell of a row id in the column of that label."""
    table.get_by_role("row").nth(1).wait_for()
    place = None
    while place is None:
        # The heads may be on their way anew.
        heads = [text.split("\n")[0] for text in table.get_by_role("columnheader").all_inner_texts()]
        place = heads.index(label) if label in heads else table.page.wait_for_timeout(50)
    rows = table.locator(".mbg-body > .mbg-row").filter(has=table.page.locator(f".mbg-number >> text=/^{row}$/"))
    return rows.locator(f":scope > :nth-child({place + 1})")


def active(table):
    return table.locator(".mbg-active")


def press(book, *keys):
    for key in keys:
        book.page.keyboard.press(key)


def settled(book):
    """Waits until nothing is on its way to the kernel or from it, rules across rows included."""
    book.page.wait_for_timeout(700)
    book.run("pass")


def shot(book, name):
    if "MBTOOLKIT_SHOTS" in os.environ:
        book.page.screenshot(path=Path(os.environ["MBTOOLKIT_SHOTS"]) / f"{name}.png")


def kernel(book, expression):
    return json.loads(book.run(f"import json; print(json.dumps({expression}))"))


def test_a_cell_is_mended_and_undone_by_keyboard_alone(lab):
    book, table = opened(lab)
    table.focus()
    press(book, "F8")
    expect(active(table)).to_have_text("ann3.example.com")
    expect(active(table)).to_have_attribute("aria-invalid", "true")
    expect(active(table)).to_have_accessible_description(
        "Error: E-mail is no e-mail address of the form name@example.com; correct it"
    )
    shot(book, "issue")
    press(book, "Enter", "Home")
    book.page.keyboard.type("mended.")
    shot(book, "editing")
    press(book, "Escape")
    assert kernel(book, "grid.changes.height") == 0
    book.page.keyboard.type("ann@example.com")
    press(book, "Enter")
    expect(cell(table, 3, "E-mail")).not_to_have_attribute("aria-invalid", "true")
    expect(active(table)).to_have_text("person4@example.com")
    expect(table).to_be_focused()
    expect(book.output.locator(".mbg-status")).to_contain_text("1 change")
    assert kernel(book, "grid.changes.rows()") == [[3, "email", "ann3.example.com", "ann@example.com"]]
    press(book, "Control+z")
    expect(cell(table, 3, "E-mail")).to_have_text("ann3.example.com")
    expect(active(table)).to_have_text("ann3.example.com")
    press(book, "Control+y")
    expect(cell(table, 3, "E-mail")).to_have_text("ann@example.com")
    press(book, "Delete")
    expect(cell(table, 3, "E-mail")).to_have_text("")
    assert kernel(book, "grid.contacts['email'][3]") is None


def test_a_suggestion_is_used_with_one_key(lab):
    book, table = opened(lab)
    table.focus()
    press(book, "F8", "F8", "F8", "F8", "F8")
    expect(active(table)).to_have_text("per\u200bson7@example.com")
    expect(book.output.locator(".mbg-bar")).to_contain_text("per‹U+200B›son7@example.com")
    expect(book.output.get_by_role("button", name="Use suggestion: person7@example.com")).to_be_visible()
    shot(book, "suggestion")
    press(book, "Alt+Enter")
    expect(cell(table, 7, "E-mail")).to_have_text("person7@example.com")
    assert len(book.cells()) == 2
    press(book, "Shift+F8")
    expect(active(table)).to_have_text("n/a")


def test_a_phone_fills_its_country_code_and_unread_text_stays(lab):
    book, table = opened(lab)
    cell(table, 1, "Mobile number").click()
    book.page.keyboard.type("+46 70 174 06 05")
    press(book, "Enter")
    expect(cell(table, 1, "Mobile number")).to_have_text("701740605")
    expect(cell(table, 1, "Country code")).to_have_text("46")
    cell(table, 2, "E-mail opt-in").dblclick()
    press(book, "Control+a")
    book.page.keyboard.type("perhaps")
    press(book, "Tab")
    expect(cell(table, 2, "E-mail opt-in")).to_have_attribute("aria-invalid", "true")
    expect(cell(table, 2, "E-mail opt-in")).to_contain_text("perhaps")
    assert kernel(book, "grid.contacts['unread:email_opt_in'][2]") == "not_yes_or_no: perhaps"


def test_the_last_of_100_000_rows_is_shown(lab):
    book, table = opened(lab, rows=100_000)
    expect(book.output.locator(".mbg-shown")).to_have_text("100,000 of 100,000 rows")
    expect(table).to_have_attribute("aria-rowcount", "100001")
    table.focus()
    press(book, "Control+End")
    expect(active(table)).to_have_text(str(2000 + 99_999 % 24))
    expect(cell(table, 99_999, "E-mail")).to_have_text("person99999@example.com")
    table.locator("..").evaluate("scroller => { scroller.scrollTop = 50000 * 30; }")
    expect(cell(table, 50_001, "Contact id")).to_have_text("50002")
    table.evaluate("""async (table) => {
        const root = table.closest('.mbg'), home = root.parentElement;
        root.remove();
        await new Promise((done) => setTimeout(done, 100));
        home.append(root);
    }""")
    expect(cell(table, 50_001, "Contact id")).to_be_visible()
    assert table.locator("..").evaluate("scroller => scroller.scrollTop") == 50_000 * 30
    drawn = table.get_by_role("row").count()
    assert drawn < 60
    shot(book, "middle")


def test_a_block_from_a_spreadsheet_is_pasted_copied_and_undone_as_one(lab):
    book, table = opened(lab)
    book.page.evaluate('navigator.clipboard.writeText("a@example.com\\t46\\nb@example.com\\t45\\n")')
    cell(table, 0, "E-mail").click()
    press(book, "Control+v")
    expect(cell(table, 1, "E-mail")).to_have_text("b@example.com")
    expect(cell(table, 0, "Country code")).to_have_text("46")
    expect(book.output.locator(".mbg-note")).to_have_text("4 cells filled.")
    press(book, "Shift+ArrowDown", "Shift+ArrowRight")
    expect(table.locator("[aria-selected=true]")).to_have_count(4)
    cell(table, 0, "E-mail").hover()
    book.page.mouse.down()
    cell(table, 2, "Mobile number").hover()
    book.page.mouse.up()
    expect(table.locator("[aria-selected=true]")).to_have_count(9)
    cell(table, 0, "E-mail").click()
    cell(table, 1, "Country code").click(modifiers=["Shift"])
    expect(table.locator("[aria-selected=true]")).to_have_count(4)
    shot(book, "block")
    press(book, "Control+c")
    assert book.page.evaluate("navigator.clipboard.readText()") == "a@example.com\t46\nb@example.com\t45"
    press(book, "Control+z")
    expect(cell(table, 1, "E-mail")).to_have_text("person1@example.com")
    assert kernel(book, "grid.changes.height") == 0


def test_single_keys_leave_the_notebook_alone_and_ctrl_s_saves(lab):
    book, table = opened(lab)
    before = book.cells()
    modified = book.path.stat().st_mtime_ns
    cell(table, 0, "Contact id").locator("..").get_by_role("rowheader").click()
    press(book, "a", "x", "b", "d", "d", "0", "0", "m", "y", "z", "v", "c", "Escape", "Shift+Enter", "Control+Enter")
    cell(table, 0, "customer since").click()
    press(book, "a", "x", "d", "d", "z", "Shift+m", "Alt+Enter")
    book.output.get_by_role("button", name="Next issue").focus()
    press(book, "a", "x", "d", "d")
    assert book.cells() == before
    assert kernel(book, "grid.changes.height") == 0
    table.focus()
    with book.page.expect_response(lambda answer: answer.request.method == "PUT" and "/api/contents" in answer.url):
        press(book, "Control+s")
    assert book.path.stat().st_mtime_ns > modified


HOSTILE = """
import polars as pl
from mbtoolkit.widgets.grid import ContactGrid
evil = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"
contacts = pl.DataFrame({"email": [evil, "a@example.com"], f"property:{evil}": [evil, "javascript:hacked=1"],
    evil: ["'\\"><svg onload=window.hacked=1>", "\\u202egnp.exe"], "=cmd()": ["=1+1", "@x"]})
"""


def test_hostile_cells_and_headers_stay_text(lab):
    book, table = opened(lab, setup=HOSTILE)
    evil = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"
    expect(cell(table, 0, "E-mail")).to_contain_text(evil)
    cell(table, 0, "E-mail").click()
    expect(book.output.locator(".mbg-value")).to_have_text(evil)
    press(book, "ArrowRight", "Enter", "End")
    book.page.keyboard.type(evil)
    press(book, "Enter")
    press(book, "Alt+ArrowDown")
    expect(book.output.get_by_role("region", name=f"What is in {evil}").get_by_role("list").first).to_contain_text(evil)
    book.output.locator(".mbg-facet").first.click()
    expect(book.output.locator(".mbg-chip")).to_contain_text(evil)
    settled(book)
    shot(book, "hostile")
    book.output.locator(".mbg-chip").click()
    assert book.output.locator(".mbg img, .mbg script, .mbg svg[onload]").count() == 0
    assert book.page.evaluate("window.hacked") is None
    cell(table, 0, "=cmd()").click()
    press(book, "Control+c")
    assert book.page.evaluate("navigator.clipboard.readText()") == "'=1+1"
    press(book, "ArrowDown", "Control+v")
    expect(cell(table, 1, "=cmd()")).to_have_text("=1+1")


def test_views_search_and_sorting(lab):
    book, table = opened(lab)
    shown = book.output.locator(".mbg-shown")
    choice = book.output.get_by_label("Rows to show")
    choice.select_option(label="Rows with issues")
    with_issues = kernel(book, "grid.issues['row'].n_unique()")
    expect(shown).to_have_text(f"{with_issues} of 300 rows")
    choice.select_option(label="email syntax (6)")
    expect(shown).to_have_text("6 of 300 rows")
    shot(book, "one-rule")
    table.focus()
    press(book, "F8")
    expect(active(table)).to_have_text("ann3.example.com")
    book.page.keyboard.type("mended@example.com")
    press(book, "Enter")
    settled(book)
    expect(shown).to_have_text("6 of 300 rows")
    expect(cell(table, 3, "E-mail")).to_have_text("mended@example.com")
    book.output.get_by_role("button", name="Update view").click()
    expect(shown).to_have_text("5 of 300 rows")
    choice.select_option(label="All rows")
    book.output.get_by_label("Search all columns").fill("PERSON29")
    expect(shown).to_have_text("11 of 300 rows")
    head = table.get_by_role("columnheader").filter(has_text="E-mail").first
    head.get_by_role("button").first.click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    press(book, "Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    expect(table.get_by_role("row").nth(1)).to_contain_text("person29@example.com")
    book.output.get_by_label("Search all columns").fill("nothing like that")
    expect(book.output.get_by_text("No row of this view holds that text.")).to_be_visible()
    shot(book, "nothing")


def test_a_column_is_looked_into_chosen_by_and_merged_by_keyboard(lab):
    book, table = opened(lab, setup=DIRTY)
    before = book.cells()
    shown, chips = book.output.locator(".mbg-shown"), book.output.get_by_role("group", name="Rows are chosen by")
    table.focus()
    press(book, "End", "ArrowLeft", "Alt+ArrowDown")
    panel = book.output.get_by_role("region", name="What is in City")
    expect(panel).to_be_focused()
    expect(panel).to_contain_text("91.0 %, 273 of 300 rows")
    expect(panel.get_by_role("button", name="oslo␣ 28", exact=True)).to_be_visible()
    expect(panel.get_by_role("checkbox", name="oslo␣ 28", exact=True)).to_be_checked()
    press(book, "Tab", "Tab", "Tab", "Enter")
    expect(shown).to_have_text("28 of 300 rows")
    expect(panel.get_by_role("button", name="OSLO 28", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(panel.get_by_role("button", name="OSLO 28", exact=True)).to_be_focused()
    expect(chips.get_by_role("button")).to_have_text("City is OSLO✕ – remove this filter")
    panel.get_by_role("checkbox", name="bergen 27").press(" ")
    panel.get_by_role("button", name="Merge 3 spellings").press("Enter")
    expect(book.output.locator(".mbg-note")).to_have_text("83 cells changed. Undo takes it back.")
    expect(panel.get_by_role("button", name="Oslo 84", exact=True)).to_be_visible()
    expect(panel.get_by_role("checkbox")).to_have_count(1)
    shot(book, "column")
    press(book, "Escape")
    expect(panel).to_be_hidden()
    expect(table).to_be_focused()
    assert kernel(book, "[grid.changes.height, sorted(set(grid.contacts['property:City'].drop_nulls()))[2:5]]") == [
        83,
        ["New York", "Oslo", "bergen"],
    ]
    press(book, "Control+z")
    expect(book.output.locator(".mbg-status")).to_contain_text("0 changes")
    press(book, "Alt+ArrowDown")
    panel.get_by_role("button", name="White space").press("Enter")
    expect(book.output.locator(".mbg-note")).to_have_text("28 cells changed. Undo takes it back.")
    expect(panel.get_by_role("button", name="White space")).to_be_focused()
    press(book, "Control+z")
    expect(book.output.locator(".mbg-status")).to_contain_text("0 changes")
    expect(panel.get_by_role("button", name="oslo␣ 28", exact=True)).to_be_visible()
    press(book, "Escape")
    chips.get_by_role("button").press("Enter")
    expect(shown).to_have_text("300 of 300 rows")
    table.get_by_role("button", name="What is in E-mail", exact=True).click()
    panel = book.output.get_by_role("region", name="What is in E-mail")
    panel.get_by_role("button", name="a999.a.a 4").click()
    expect(shown).to_have_text("4 of 300 rows")
    expect(chips).to_contain_text("E-mail looks like a999.a.a")
    expect(panel.get_by_role("checkbox")).to_have_count(0)
    book.run("grid.show(column='property:City', value='')")
    expect(shown).to_have_text("27 of 300 rows")
    expect(chips).to_contain_text("City is blank")
    assert book.cells() == before


def test_what_is_obvious_is_shown_before_it_is_mended(lab):
    book, table = opened(lab)
    mend = book.output.get_by_role("button", name="Mend what is obvious (6)")
    table.focus()
    mend.press("Enter")
    region = book.output.get_by_role("region", name="Mend what is obvious")
    expect(region.get_by_role("row")).to_have_count(7)
    expect(region.get_by_role("row").nth(1)).to_have_text("7E-mailper‹U+200B›son7@example.comperson7@example.com")
    press(book, "Escape")
    expect(region).to_be_hidden()
    assert kernel(book, "grid.changes.height") == 0
    mend.click()
    region.get_by_role("button", name="Mend 6 cells").press("Enter")
    expect(book.output.locator(".mbg-note")).to_have_text("6 cells changed. Undo takes it back.")
    expect(mend).to_be_hidden()
    expect(table).to_be_focused()
    expect(cell(table, 7, "E-mail")).to_have_text("person7@example.com")
    press(book, "Control+z")
    expect(mend).to_be_visible()
    expect(book.output.locator(".mbg-status")).to_contain_text("0 changes")
    settled(book)
    book.run("grid.edits._issues = grid.edits._issues.with_columns(suggestion=pl.lit(''))\ngrid.refresh()")
    cell(table, 3, "E-mail").click()
    book.output.get_by_role("button", name="Empty the cell").click()
    expect(cell(table, 3, "E-mail")).to_have_text("")
    assert kernel(book, "grid.changes.rows()") == [[3, "email", "ann3.example.com", None]]


def test_tab_goes_through_the_cells_and_escape_lets_it_out(lab):
    book, table = opened(lab, rows=2, grid=GRID.replace("(contacts)", "(contacts.select('contact_id', 'email'))"))
    table.focus()
    press(book, "Tab", "Tab")
    expect(active(table)).to_have_text("2")
    press(book, "Shift+Tab")
    expect(active(table)).to_have_text("person0@example.com")
    expect(table).to_be_focused()
    press(book, "Escape", "Tab")
    expect(table).not_to_be_focused()
    table.focus()
    press(book, "Control+End", "Tab")
    expect(table).not_to_be_focused()


def test_the_edits_are_there_after_a_reload_and_in_a_second_view(lab):
    book, table = opened(lab)
    cell(table, 3, "E-mail").click()
    book.page.keyboard.type("ann@example.com")
    press(book, "Enter")
    settled(book)
    book.save()
    book.reload()
    table = book.output.get_by_role("grid")
    expect(cell(table, 3, "E-mail")).to_have_text("ann@example.com")
    expect(book.output.locator(".mbg-status")).to_contain_text("1 change")
    cell(table, 0, "E-mail").click()
    press(book, "Control+z")
    expect(cell(table, 3, "E-mail")).to_have_text("ann3.example.com")


def test_two_views_of_one_grid_show_the_same_edits(lab):
    book, _ = opened(lab, rows=30, grid="grid = ContactGrid(contacts, visible_rows=4)\ndisplay(grid, grid)")
    tables = book.output.get_by_role("grid")
    expect(tables).to_have_count(2)
    cell(tables.nth(0), 1, "E-mail").click()
    book.page.keyboard.type("once@example.com")
    press(book, "Enter")
    expect(cell(tables.nth(1), 1, "E-mail")).to_have_text("once@example.com")
    book.run("grid.show(rule='email_syntax')")
    expect(book.output.locator(".mbg-shown")).to_have_text(["1 of 30 rows"] * 2)


def test_nothing_of_a_contact_is_in_the_saved_notebook(lab):
    setup = """
import polars as pl
from mbtoolkit.widgets.grid import ContactGrid
word = ''.join(map(chr, [99, 97, 110]))
contacts = pl.DataFrame({'email': [f'{word}{i}ary@example.com' for i in range(50)], f'{word}head': ['x'] * 50})
"""
    book, table = opened(lab, setup=setup)
    cell(table, 1, "E-mail").click()
    book.page.keyboard.type("can1ary.typed@example.com")
    press(book, "Enter", "Alt+ArrowDown")
    expect(book.output.get_by_role("region", name="What is in E-mail")).to_contain_text("can10ary")
    settled(book)
    saved = book.save()
    assert "widgets" in saved["metadata"]
    written = json.dumps(saved)
    assert "can1ary" not in written
    assert "canhead" not in written
    assert "ary@example.com" not in written.replace("{i}ary@example.com", "")
    print(f"saved notebook: {len(written):,} characters")


def test_an_error_in_the_kernel_is_shown_in_the_grid(lab):
    book, table = opened(lab)
    book.run("_ = grid.on_change(lambda changed: 1 / 0)")
    cell(table, 1, "E-mail").click()
    book.page.keyboard.type("x@example.com")
    press(book, "Enter")
    expect(book.output.locator(".mbg-note")).to_contain_text("ZeroDivisionError")


def type_into(book, table, row, text):
    cell(table, row, "E-mail").click()
    book.page.keyboard.type(text)
    press(book, "Enter")


def note(book):
    return book.output.locator(".mbg-note")


def test_where_a_change_fails_the_page_shows_what_became_of_it(lab):
    book, table = opened(lab)
    book.run("frame = grid.edits._frame; grid.edits._frame = None")
    type_into(book, table, 1, "x@example.com")
    expect(note(book)).to_contain_text("What was asked for can't be shown: internal error (")
    expect(note(book)).to_contain_text("Nothing was changed: internal error (AttributeError)")
    expect(cell(table, 1, "E-mail")).to_have_text("person1@example.com")
    book.run("grid.edits._frame = frame")
    type_into(book, table, 1, "x@example.com")
    expect(book.output.locator(".mbg-status")).to_contain_text("1 change")
    book.run(
        "from mbtoolkit.widgets.grid import grid as module\n"
        "whole = module.summary_for_page\n"
        "def once(edits):\n"
        "    if edits.change_count < 2: return whole(edits)\n"
        "    module.summary_for_page = whole\n"
        "    raise ValueError('a cell')\n"
        "module.summary_for_page = once"
    )
    type_into(book, table, 2, "y@example.com")
    expect(note(book)).to_contain_text("The change was made, but what follows it failed: internal error (ValueError)")
    expect(book.output.locator(".mbg-status")).to_contain_text("2 changes")
    expect(cell(table, 2, "E-mail")).to_have_text("y@example.com")


def test_a_kernel_that_answers_nothing_but_errors_is_not_asked_without_end(lab):
    book, table = opened(lab)
    book.run(
        "heard = []\n"
        "receive = grid._receive\n"
        "grid.on_msg(lambda _widget, content, _buffers: heard.append(content['kind']))\n"
        "grid._edits = None"
    )
    type_into(book, table, 1, "x@example.com")
    expect(note(book)).to_contain_text("Nothing was changed: internal error (AttributeError)")
    book.output.get_by_role("searchbox").fill("person2")
    book.page.wait_for_timeout(2000)  # far longer than an answer takes
    expect(note(book)).to_contain_text("What was asked for can't be shown: internal error (AttributeError)")
    expect(cell(table, 1, "E-mail")).to_have_text("person1@example.com")
    assert int(book.run("print(len(heard))")) < 8


def test_a_grid_whose_kernel_was_restarted_says_so_and_keeps_no_text_that_is_in_no_kernel(lab):
    book, table = opened(lab)
    book.page.evaluate(
        """async () => { const panel = [...window.jupyterapp.shell.widgets('main')].find((each) => each.sessionContext);
        await panel.sessionContext.session.kernel.restart(); }"""
    )
    gone = "The kernel was restarted or has ended, and this table with it. Rerun this cell."
    expect(note(book)).to_have_text(gone)
    type_into(book, table, 1, "x@example.com")
    expect(cell(table, 1, "E-mail")).to_have_text("person1@example.com")
    book.page.wait_for_timeout(2000)  # longer than the page waits before it says that the kernel is busy
    expect(note(book)).to_have_text(gone)


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_axe_core_finds_nothing_wrong(lab, theme, width):
    book, table = opened(lab, setup=DIRTY, theme=theme, width=width)
    assert book.violations(".mbg") == []
    table.focus()
    press(book, "F8", "F8", "F8", "F8", "F8")
    expect(book.output.get_by_role("button", name="Use suggestion")).to_be_visible()
    shot(book, f"{theme}-{width}")
    assert book.violations(".mbg") == []
    book.output.get_by_role("button", name="Keys").click()
    cell(table, 7, "E-mail").dblclick()
    book.output.get_by_label("Rows to show").scroll_into_view_if_needed()
    shot(book, f"{theme}-{width}-keys")
    assert book.violations(".mbg") == []
    press(book, "Escape", "End", "ArrowLeft", "Alt+ArrowDown")
    book.output.get_by_role("button", name="Merge 4 spellings").scroll_into_view_if_needed()
    book.output.get_by_role("button", name="Mend what is obvious").click()
    book.output.get_by_role("button", name="Mend 6 cells").wait_for()
    shot(book, f"{theme}-{width}-column")
    assert book.violations(".mbg") == []


def test_an_edit_made_while_a_cell_runs_comes_through(lab):
    book, table = opened(lab)
    cell(table, 1, "E-mail").click()
    book.page.evaluate(
        """() => { const panel = [...window.jupyterapp.shell.widgets('main')].find((each) => each.sessionContext);
        panel.sessionContext.session.kernel.requestExecute({code: 'import time; time.sleep(3)'}); }"""
    )
    book.page.keyboard.type("patient@example.com")
    press(book, "Enter")
    expect(cell(table, 1, "E-mail")).to_have_text("patient@example.com")
    status = book.output.locator(".mbg-status")
    expect(status).to_contain_text("1 change")
    expect(status).not_to_contain_text("Waiting")
    assert kernel(book, "grid.contacts['email'][1]") == "patient@example.com"
