"""The panel's step Clean, played: every click is a step of the recipe, is code, and can be undone."""

from __future__ import annotations

import json

import comm
import ipywidgets
import polars as pl
import pytest

from mbtoolkit import Recipe
from mbtoolkit.recipes import MergeValues, NormalizeName, NormalizeOptIn, NormalizePhone
from mbtoolkit.schemas.conform import NO_WORDS
from mbtoolkit.widgets import PushPanel
from tests.widgets.panel.hands import Hands
from tests.widgets.playing import Wire

SHOP = """\
E-post;Mobil;Nyhetsbrev;Navn;By
ann@@example.com;+47 934 54 496;ja;ANN BERG;Oslo
bo@example.com;934 54 497;nei;Bo Lund;oslo.
cy@example.com;;kanskje;Cy Dahl;Oslo
dee@example.com;+47 934 54 498;;Dee Eng;Bergen
dee@example.com;;nei;Dee Engen;Bergen
<dee@example.com>;;;Dee;bergen
"""
IN_CODE = pytest.mark.filterwarnings("ignore::mbtoolkit.errors.SourceWarning")


@pytest.fixture(autouse=True)
def wire(monkeypatch):
    monkeypatch.setattr(comm, "create_comm", Wire)


@pytest.fixture
def hands(client, tmp_path):
    path = tmp_path / "shop.csv"
    path.write_text(SHOP, encoding="utf-8")
    hands = Hands(PushPanel(client, path))
    hands.next()
    for place, target in ((2, "email_opt_in"), (3, "property:Name"), (4, "property:City")):
        hands.top.choose(f"column:{place}", target)
    hands.next()
    assert hands.title == "Clean"
    return hands


def seen(hands):
    return " ".join(hands.top.text().split())


def cells(hands, column):
    return hands.panel.contacts[column].to_list()


def steps(hands):
    """What the recipe lists."""
    return [node["c"][1]["x"] for node in hands.top.nodes() if "recipe:on:" in json.dumps(node.get("c", [{}])[0])
            and node["t"] == "label"]  # fmt: skip


def made(hands):
    return [step.do for step in hands.panel.recipe.steps]


def switch(hands, place, *, is_on):
    """Switches a step of the recipe."""
    key = next(key for key in hands.top.keys("recipe") if key.startswith(f"recipe:on:{place}:"))
    hands.top.choose(key, is_on)


def show(hands, part, column=None):
    hands.top.press(f"part:{part}")
    if column is not None:
        hands.top.choose("which", column)


def duplicates(hands):
    show(hands, "duplicates")
    hands.top.press("look")


@pytest.mark.slow
def test_columns_show_how_full_they_are_and_their_values_when_asked(hands):
    hands.go(1)
    shown = seen(hands)
    assert "3 filled, 3 different +99 999 99 999 2" in shown
    assert "Bergen 2" not in shown
    hands.top.choose("values", True)
    assert "Bergen 2" in seen(hands)


@pytest.mark.slow
def test_all_that_is_obvious_is_shown_before_and_after_and_mended_by_one_click(hands):
    assert hands.top.text("part:obvious") == "What is obvious (2)"
    rows = [node for node in hands.top.nodes() if node["t"] == "tr"]
    assert [[child.get("x") or child["c"][0].get("x") for child in row["c"]] for row in rows[:3]] == [
        ["Row", "Column", "Before", "After"],
        ["0", "E-mail", "ann@@example.com", "ann@example.com"],
        ["5", "E-mail", "<dee@example.com>", "dee@example.com"],
    ]
    hands.top.press("mend")
    assert hands.top.text("said") == "2 cells changed."
    assert cells(hands, "email")[0] == "ann@example.com"
    assert "No cell has a remedy that is obvious" in hands.top.text()
    assert made(hands) == ["read_contacts", "apply_suggestions"]


@pytest.mark.slow
def test_suggestions_that_are_others_by_now_are_looked_at_once_more(hands):
    seen = hands.top.find("mend")["v"]
    hands.panel._pushes.current.edits.edit(5, "email", "d@example.com")
    hands.top.do("mend", "click", seen)
    assert "another by now" in hands.told
    assert hands.top.text("part:obvious") == "What is obvious (1)"
    assert cells(hands, "email")[0] == "ann@@example.com"


@pytest.mark.slow
def test_a_column_shows_its_patterns_and_values_when_asked(hands):
    show(hands, "column", "property:City")
    assert "6 of 6 filled, 4 values, 4 to 6 characters" in hands.top.text("profile")
    assert "Oslo" not in hands.top.text("profile")
    hands.top.choose("values", True)
    assert "Oslo 2" in hands.top.text("profile")


@pytest.mark.slow
def test_a_repair_is_one_click(hands):
    show(hands, "column", "property:Name")
    hands.top.press("repair:Capitals of names (O’Neil, van der Berg)")
    assert hands.top.text("said") == "1 cell changed."
    assert cells(hands, "property:Name")[0] == "Ann Berg"
    assert hands.panel.recipe.steps[-1] == NormalizeName("property:Name")


@pytest.mark.slow
def test_cells_that_a_repair_can_not_read_are_told(hands):
    show(hands, "column", "property:City")
    hands.top.press("repair:Countries as two letters (NO)")
    assert "could not be read; nothing was done there" in hands.top.text("said")
    assert cells(hands, "property:City")[0] == "Oslo"


@pytest.mark.slow
def test_numbers_get_a_country_by_a_click_or_by_what_is_typed(hands):
    show(hands, "column", "mobile_number")
    hands.top.press("by_country")
    assert "say the country" in hands.told
    hands.top.type("country", "NO")
    hands.top.press("by_country")
    assert cells(hands, "mobile_number")[1] == 93454497
    assert hands.panel.recipe.steps[-1] == NormalizePhone("mobile_number", "NO")
    hands.top.press("recipe:remove:0")
    assert cells(hands, "mobile_number")[1] is None
    hands.top.press("repair:Numbers without a country code are of NO (+47)")
    assert cells(hands, "mobile_number")[1] == 93454497
    hands.top.type("country", "Norway")
    hands.top.press("by_country")
    assert "Norway" in hands.told


def test_other_columns_of_phones_can_be_given_a_country_too(client):
    hands = Hands(PushPanel(client, pl.DataFrame({"email": ["a@example.com"], "Work phone": ["934 54 496"]})))
    hands.next()
    hands.top.choose("column:1", "property:Work phone")
    hands.next()
    show(hands, "column", "property:Work phone")
    hands.top.type("country", "NO")
    hands.top.press("by_country")
    assert cells(hands, "property:Work phone") == ["+47 93454496"]


@pytest.mark.slow
def test_an_unread_word_of_consent_counts_once_a_person_says_what_it_is(hands):
    show(hands, "column", "email_opt_in")
    hands.top.press("repair:“kanskje” is a no")
    assert cells(hands, "email_opt_in") == [True, False, False, None, False, None]
    assert hands.panel.recipe.steps[-1] == NormalizeOptIn("email_opt_in", no=[*NO_WORDS, "kanskje"])


@pytest.mark.slow
def test_spellings_are_merged_as_ticked_and_typed(hands):
    show(hands, "column", "property:City")
    assert hands.top.text("merge") == "Merge the spellings of 2 values"
    hands.top.choose("spelt:Bergen", False)
    assert hands.top.text("merge") == "Merge the spellings of 1 value"
    hands.top.type("as:Oslo", "Oslo ")
    hands.top.press("merge")
    assert cells(hands, "property:City") == ["Oslo", "Oslo", "Oslo", "Bergen", "Bergen", "bergen"]
    assert hands.panel.recipe.steps[-1] == MergeValues("property:City", {"oslo.": "Oslo"})
    hands.top.type("as:Bergen", "Bjørgvin")
    hands.top.press("merge")
    assert cells(hands, "property:City")[3:] == ["Bjørgvin"] * 3
    assert not hands.top.has("merge")


@pytest.mark.slow
def test_no_spelling_is_offered_for_people_and_none_is_merged_unticked(hands):
    show(hands, "column", "property:Name")
    assert not hands.top.has("merge")
    show(hands, "column", "property:City")
    for name in ("Oslo", "Bergen"):
        hands.top.choose(f"spelt:{name}", False)
    assert hands.top.is_off("merge")
    hands.top.press("merge")
    assert "tick the values" in hands.told


# Duplicates


@pytest.mark.slow
def test_rows_of_one_person_stand_side_by_side_with_a_choice_for_each_field(hands):
    hands.top.press("mend")
    duplicates(hands)
    assert hands.top.text("part:duplicates") == "Duplicates (1)"
    assert "Row 3 Row 4 Row 5 Becomes" in hands.top.text("group")
    assert "same email as row 3" in hands.top.text("group")
    place = hands.panel.contacts.columns.index("property:Name")
    assert hands.top.find(f"take:{place}:3")["a"]["aria-pressed"] == "true"
    hands.top.press(f"take:{place}:4")
    assert hands.top.find(f"take:{place}:4")["a"]["aria-pressed"] == "true"
    assert hands.top.find(f"take:{place}:3")["a"]["aria-pressed"] == "false"
    assert not any(f"take:{hands.panel.contacts.columns.index('email_opt_in')}:" in str(node.get("k"))
                   for node in hands.top.nodes())  # fmt: skip
    hands.top.choose("in:5", False)
    hands.top.press("merge")
    assert hands.top.text("said") == "2 rows are one now."
    assert hands.panel.contacts.select("email", "mobile_number", "email_opt_in", "property:Name").rows()[3:] == [
        ("dee@example.com", 93454498, False, "Dee Engen"),
        ("dee@example.com", None, None, "Dee"),
    ]
    hands.top.press("merge")
    assert hands.panel.contacts.height == 4
    assert hands.top.text("part:duplicates") == "Duplicates (0)"
    assert "There are no rows to merge." in hands.top.text()
    assert made(hands) == ["read_contacts", "apply_suggestions", "merge_rows", "merge_rows"]


@pytest.mark.slow
def test_a_merge_needs_two_rows(hands):
    hands.top.press("mend")
    duplicates(hands)
    for row in (4, 5):
        hands.top.choose(f"in:{row}", False)
    assert hands.top.is_off("merge")
    assert "Tick two rows or more" in hands.top.text("group")
    hands.top.press("merge")
    assert hands.panel.contacts.height == 6
    assert hands.told


@pytest.mark.slow
def test_who_is_not_the_same_person_is_left_alone_by_all_merging(hands):
    hands.top.press("mend")
    duplicates(hands)
    hands.top.press("apart")
    assert "left as they are" in hands.top.text("said")
    assert hands.top.text("part:duplicates") == "Duplicates (0)"
    hands.top.do("merge_all", "click")
    assert "nothing was done" in hands.told
    assert hands.panel.contacts.height == 6
    hands.top.press("look")
    hands.top.press("merge_all")
    assert hands.top.text("said") == "2 rows merged into others."
    assert hands.panel.contacts.height == 4


@pytest.mark.slow
def test_two_contact_ids_must_be_chosen_between(client):
    frame = pl.DataFrame(
        {"contact_id": [11, 12, None, None], "email": ["a@example.com"] * 2 + ["b@example.com"] * 2, "City": ["O"] * 4}
    )
    hands = Hands(PushPanel(client, frame))
    hands.next(2)
    duplicates(hands)
    assert "2 groups of rows that may be one person each (4 rows); 1 of them must be looked at" in hands.top.text()
    assert hands.top.text("merge_all") == "Merge 1 group"
    assert hands.top.is_off("merge")
    assert "different contact ids" in hands.top.text("group")
    hands.top.press("take:0:1")
    assert "different contact ids: choose" in hands.top.text("group")
    hands.top.press("merge")
    assert hands.panel.contacts["contact_id"].to_list() == [12, None, None]
    hands.top.press("merge_all")
    assert hands.panel.contacts.height == 2


@pytest.mark.slow
def test_the_newest_row_is_preferred_by_a_column_of_dates(client):
    frame = pl.DataFrame(
        {"email": ["a@example.com"] * 2, "Town": ["Oslo", "Bergen"], "changed": ["2025-01-01", "2026-01-01"]}
    )
    hands = Hands(PushPanel(client, frame))
    hands.next()
    hands.top.choose("column:1", "property:Town")
    hands.next()
    duplicates(hands)
    hands.top.choose("keep", "newest:changed")
    hands.top.press("merge_all")
    assert hands.panel.contacts["property:Town"].to_list() == ["Bergen"]


@pytest.mark.slow
def test_groups_are_gone_through_in_both_directions(client):
    emails = [f"{letter}@example.com" for letter in "aabbcc"]
    hands = Hands(PushPanel(client, pl.DataFrame({"email": emails, "n": range(6)})))
    hands.next(2)
    duplicates(hands)
    for key, seen in (("after", 2), ("after", 3), ("after", 1), ("before", 3)):
        hands.top.press(key)
        assert f"Group {seen} of 3" in hands.top.text("group")


@pytest.mark.slow
def test_a_yes_for_another_address_is_not_taken_and_that_is_said(client):
    frame = pl.DataFrame(
        {
            "email": ["kim@example.com", "lee@example.com"],
            "mobile_country_code": ["47"] * 2,
            "mobile_number": ["93454496"] * 2,
            "email_opt_in": ["yes", None],
        }
    )
    hands = Hands(PushPanel(client, frame))
    hands.next(2)
    duplicates(hands)
    assert "given for another address" not in hands.top.text("group")
    hands.top.press(f"take:{hands.panel.contacts.columns.index('email')}:1")
    assert "empty: the yes was given for another address or number" in hands.top.text("group")
    hands.top.press("merge")
    assert hands.panel.contacts.select("email", "email_opt_in").rows() == [("lee@example.com", None)]


# The recipe


@pytest.mark.slow
def test_steps_are_listed_with_what_they_changed_switched_and_removed(hands):
    assert "Nothing was cleaned yet" in hands.top.text("recipe")
    hands.next()
    hands.mend(3, "property:City", "Voss")
    hands.bottom.press("back")
    hands.top.press("mend")
    duplicates(hands)
    hands.top.press("merge_all")
    assert steps(hands) == [
        "1 cell mended by hand",
        "What is obvious mended",
        "Duplicates merged; the most complete row is preferred",
    ]
    listed = hands.top.text("recipe")
    assert "1 cell in 1 row" in listed
    assert "2 cells in 2 rows" in listed
    assert "2 rows merged into others" in listed
    switch(hands, 1, is_on=False)
    assert hands.top.text("said") == "Step 2 is off now."
    assert cells(hands, "email")[0] == "ann@@example.com"
    assert hands.panel.contacts.height == 5
    switch(hands, 1, is_on=True)
    assert hands.panel.contacts.height == 4
    hands.top.press("recipe:remove:2")
    assert hands.top.text("said") == "The step is undone."
    assert hands.panel.contacts.height == 6
    assert cells(hands, "property:City")[3] == "Voss"
    hands.top.press("recipe:remove:0")
    assert cells(hands, "property:City")[3] == "Bergen"
    assert steps(hands) == ["What is obvious mended"]


@pytest.mark.slow
def test_the_grid_keeps_its_undo_while_nothing_in_the_recipe_is_changed(hands):
    hands.next()
    hands.mend(3, "property:City", "Voss")
    grid = hands.panel.grid
    hands.bottom.press("back")
    show(hands, "column", "property:Name")
    hands.top.press("repair:Capitals of names (O’Neil, van der Berg)")
    hands.next()
    assert hands.panel.grid is grid
    hands.grid("undo")
    hands.grid("undo")
    assert not hands.panel.recipe.steps[1:]
    hands.bottom.press("back")
    assert steps(hands) == []


@pytest.mark.slow
def test_a_recipe_is_saved_used_on_the_next_file_and_taken_back(hands, client, tmp_path):
    hands.top.press("mend")
    duplicates(hands)
    hands.top.press("merge_all")
    saved = tmp_path / "shop.toml"
    hands.top.type("recipe:path", f'"{saved}"')
    hands.top.press("recipe:save")
    assert "3 steps" in hands.top.text("said")
    assert Recipe.read(saved) == hands.panel.recipe
    frame = pl.read_csv(SHOP.encode(), separator=";", infer_schema=False)
    other = Hands(PushPanel(client, frame.head(5)))
    other.next(2)
    show(other, "column", "By")
    other.top.press("repair:Capitals of names (O’Neil, van der Berg)")
    before = other.panel.contacts
    other.top.type("recipe:path", str(saved))
    other.top.press("recipe:use")
    assert made(other) == ["read_contacts", "apply_suggestions", "merge_duplicates"]
    assert cells(other, "property:City") == ["Oslo", "oslo.", "Oslo", "Bergen"]
    other.top.press("recipe:back")
    assert other.panel.contacts.equals(before)
    assert not other.top.has("recipe:back")


@pytest.mark.slow
def test_what_is_wrong_with_a_recipe_is_told_and_changes_nothing(hands, tmp_path):
    hands.top.press("mend")
    before = hands.panel.contacts
    for path, words in (("", "give the path"), (str(tmp_path / "no.toml"), "no.toml"), ("shop.doc", ".toml or .json")):
        hands.top.type("recipe:path", path)
        hands.top.press("recipe:use")
        assert words in hands.told
        assert hands.panel.contacts.equals(before)
    Recipe().read_contacts({"Telefon": "mobile_number"}).write(tmp_path / "other.toml")
    hands.top.type("recipe:path", str(tmp_path / "other.toml"))
    hands.top.press("recipe:use")
    assert hands.told
    assert hands.panel.contacts.equals(before)
    listed = hands.top.find("recipe:remove:0")["v"]
    hands.top.do("recipe:remove:7", "click", listed)
    assert "there is no step 7" in hands.told


# All of it


@pytest.mark.slow
@IN_CODE
def test_every_click_is_code(hands, client):
    hands.top.press("mend")
    show(hands, "column", "property:City")
    hands.top.press("merge")
    show(hands, "column", "email_opt_in")
    hands.top.press("repair:“kanskje” is a no")
    duplicates(hands)
    hands.top.press("merge")
    hands.next()
    hands.mend(0, "property:City", "Voss")
    names = {"client": client}
    exec(hands.panel.code, names)
    assert names["contacts"].equals(hands.panel.contacts)
    assert hands.panel.recipe.run(hands.panel._pushes.current.table).contacts.equals(hands.panel.contacts)


@pytest.mark.slow
def test_rows_that_were_merged_are_said_in_the_review_and_pushed_once(hands, crm):
    hands.top.press("mend")
    duplicates(hands)
    hands.top.press("merge_all")
    show(hands, "column", "mobile_number")
    hands.top.press("repair:Numbers without a country code are of NO (+47)")
    show(hands, "column", "email_opt_in")
    hands.top.press("repair:“kanskje” is a no")
    hands.next(2)
    assert "Merged into others 2" in hands.top.text()
    hands.push()
    hands.next()
    assert hands.panel.results.height == 4
    assert crm.contacts().height == 4
    hands.go(2)
    show(hands, "duplicates")
    hands.top.press("recipe:remove:1")
    assert "pushed already" in hands.told


@pytest.mark.slow
def test_any_event_breaks_nothing_and_no_cell_is_saved(hands, caplog):
    keys = ["mend", "part:x", "part:column", "part:duplicates", "part:obvious", "which", "values", "country",
            "repair:x", "by_country", "spelt:x", "as:x", "merge", "compare", "look", "keep", "take:x", "take:99:1",
            "take:1:²", "in:x", "in:99", "apart", "after", "merge_all", "recipe:on:x", "recipe:on:9", "recipe:remove:x",
            "recipe:use", "recipe:save:x", "recipe:back", "recipe:", "recipe", ""]  # fmt: skip
    hands.top.type("recipe:path", "nowhere.toml")
    for part in ("obvious", "column", "duplicates"):
        for key in keys:
            for value in (None, True, "\ud800"):
                show(hands, part)
                hands.top.do(key, "change", value)
                assert not hands.top.has("fault"), (part, key, value)
    assert not caplog.records
    state = json.dumps(ipywidgets.Widget.get_manager_state())
    assert "example.com" not in state
    assert "Oslo" not in state


# What was drawn before, and what is there by now


@pytest.mark.slow
def test_a_click_on_what_was_drawn_before_does_nothing(hands):
    hands.top.press("mend")
    show(hands, "column", "property:City")
    spellings = hands.top.find("merge")["v"]
    repair = hands.top.find("repair:Capitals of names (O’Neil, van der Berg)")["v"]
    duplicates(hands)
    group, every = hands.top.find("merge")["v"], hands.top.find("merge_all")["v"]
    before = hands.panel.contacts
    hands.top.do("merge", "click", spellings)
    assert "another by now" in hands.told
    show(hands, "column", "property:Name")
    for key, stamp in (
        ("merge", spellings),
        ("merge", group),
        ("repair:Capitals of names (O’Neil, van der Berg)", repair),
        ("by_country", None),
    ):
        hands.top.do(key, "click", stamp)
        assert "another by now" in hands.told
    assert hands.panel.contacts.equals(before)
    show(hands, "duplicates")
    hands.top.choose("in:5", False)
    hands.top.press("merge")
    for key, stamp in (("merge", group), ("apart", group), ("take:1:4", group), ("merge_all", every)):
        hands.top.do(key, "click", stamp)
        assert "another by now" in hands.told
    assert hands.panel.contacts.height == 5


@pytest.mark.slow
def test_a_click_right_after_a_tick_or_a_word_counts(hands):
    show(hands, "column", "property:City")
    stamp = hands.top.find("merge")["v"]
    hands.top.type("as:Oslo", "OSLO")
    hands.top.choose("spelt:Bergen", False)
    hands.top.do("merge", "click", stamp)
    assert cells(hands, "property:City") == ["OSLO", "OSLO", "OSLO", "Bergen", "Bergen", "bergen"]


@pytest.mark.slow
def test_a_double_click_removes_one_step_and_a_late_tick_switches_no_other(hands):
    hands.top.press("mend")
    show(hands, "column", "property:City")
    hands.top.press("merge")
    stamp = hands.top.find("recipe:remove:0")["v"]
    late = next(key for key in hands.top.keys("recipe") if key.startswith("recipe:on:0:"))
    for _ in range(2):
        hands.top.do("recipe:remove:0", "click", stamp)
    assert "another by now" in hands.told
    hands.top.choose(late, False)
    assert made(hands) == ["read_contacts", "merge_values"]
    assert hands.panel.recipe.steps[1].is_on


@pytest.mark.slow
def test_all_merging_merges_what_was_shown_or_nothing(hands):
    duplicates(hands)
    assert "look again" not in hands.top.text("part-duplicates")
    show(hands, "obvious")
    hands.top.press("mend")
    show(hands, "duplicates")
    assert "Cells were changed since: look again" in hands.top.text("old")
    hands.top.press("merge_all")
    assert "the rows that are alike have changed" in hands.told
    assert hands.panel.contacts.height == 6
    hands.top.press("look")
    assert not hands.top.has("old")
    hands.top.press("merge_all")
    assert hands.panel.contacts.height == 4


@pytest.mark.slow
def test_what_was_chosen_for_one_table_is_not_done_to_another(hands, tmp_path):
    Recipe().merge_duplicates().write(tmp_path / "merge.toml")
    hands.top.type("recipe:path", str(tmp_path / "merge.toml"))
    hands.top.press("recipe:use")
    assert hands.top.has("recipe:back")
    (tmp_path / "other.csv").write_text("email,changed\na@example.com,2026-01-01\na@example.com,2026-02-01\n", "utf-8")
    (tmp_path / "third.csv").write_text("email\na@example.com\na@example.com\n", "utf-8")
    for name, keep in (("other.csv", "newest:changed"), ("third.csv", "most_complete")):
        hands.go(0)
        hands.top.type("path", str(tmp_path / name))
        hands.next(2)
        assert hands.title == "Clean"
        assert not hands.top.has("recipe:back")
        duplicates(hands)
        if keep.startswith("newest"):
            hands.top.choose("keep", keep)
        assert hands.top.value("keep") == keep
        hands.top.press("merge_all")
        assert hands.panel.contacts.height == 1


@pytest.mark.slow
def test_the_focus_goes_to_what_was_done_where_the_button_is_gone(hands):
    hands.top.press("mend")
    first = hands.top.find("said").get("f")
    assert first
    show(hands, "column", "property:City")
    hands.top.press("repair:White space and invisible characters tidied")
    assert hands.top.find("said").get("f") == first
    hands.top.press("merge")
    assert hands.top.find("said").get("f") == first + 1
    hands.top.press("recipe:remove:1")
    assert hands.top.find("said").get("f") == first + 2


def test_cells_to_choose_from_show_what_can_not_be_seen_and_are_cut(client):
    long = "x" * 5000
    names = ["Ann", "Ann  B", "An\u200bn", long] + [None] * 9 + ["Bo"]
    frame = pl.DataFrame({"email": ["a@example.com"] * 14, "Name": names, "Late": [None] * 13 + ["late"]})
    hands = Hands(PushPanel(client, frame))
    hands.next(2)
    duplicates(hands)
    shown = [node["x"] for node in hands.top.nodes() if str(node.get("k", "")).startswith("take:1:")]
    assert shown[:5] == ["Ann", "Ann␣␣B", "An‹U+200B›n", f"{'x' * 120}…", "empty"]
    assert "Late" in hands.top.text("group")
    assert "2 more rows are merged too" in hands.top.text("group")
    assert long not in json.dumps(hands.top.tree)


@pytest.mark.slow
def test_what_could_not_be_done_is_off_in_the_code_and_said_only_as_long(hands, client, tmp_path):
    Recipe().clean_text("Nowhere").normalize_name("Navn").write(tmp_path / "other.toml")
    hands.top.type("recipe:path", str(tmp_path / "other.toml"))
    hands.top.press("recipe:use")
    assert "no column 'Nowhere'" in hands.top.text()
    assert [step.is_on for step in hands.panel.recipe.steps] == [True, False, False]
    assert hands.panel.recipe.run(hands.panel._pushes.current.table).contacts.equals(hands.panel.contacts)
    hands.top.press("recipe:remove:0")
    assert "no column 'Nowhere'" not in hands.top.text()
    assert "no column 'Navn'" in hands.top.text()


@pytest.mark.slow
def test_the_spellings_that_are_not_listed_are_said(client):
    cities = [f"{spelt}{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(130) for spelt in ("Town ", "town ")]
    hands = Hands(PushPanel(client, pl.DataFrame({"email": ["a@example.com"] * 260, "City": cities})))
    hands.next()
    hands.top.choose("column:1", "property:City")
    hands.next()
    show(hands, "column", "property:City")
    assert hands.top.text("merge") == "Merge the spellings of 100 values"
    assert "the first 100 of 130" in hands.top.text("spellings")
    hands.top.press("merge")
    assert hands.top.text("merge") == "Merge the spellings of 30 values"
    hands.top.type(f"as:{hands.top.keys('as')[0].removeprefix('as:')}", " ")
    assert hands.top.text("merge") == "Merge the spellings of 29 values"


def test_names_that_polars_takes_for_patterns_can_be_looked_at(client):
    frame = pl.DataFrame({"e:mail": ["a@example.com"] * 2, "^x$": ["1", "2"], "*": ["3", "4"], "": ["5", "6"]})
    hands = Hands(PushPanel(client, frame))
    hands.next()
    assert "3 · 4" in seen(hands)
    assert "property:" not in [node["k"] for node in hands.top.find("column:3")["c"]]
    hands.top.choose("column:0", "email")
    hands.next()
    assert hands.title == "Clean"


# Rows that were pushed


@pytest.mark.slow
def test_no_recipe_merges_rows_that_were_pushed_or_are_on_their_way(hands, crm, tmp_path):
    Recipe().merge_duplicates().write(tmp_path / "merge.toml")
    crm.fail("delay", seconds=0.3, times=None)
    hands.next(2)
    hands.top.choose("consented", True)
    hands.next()
    hands.go(2)
    duplicates(hands)
    hands.top.press("merge_all")
    assert "pushed already" in hands.told
    assert hands.panel.wait(30)
    hands.top.type("recipe:path", str(tmp_path / "merge.toml"))
    hands.top.press("recipe:use")
    assert "pushed already" in hands.told
    assert hands.panel.contacts.height == hands.panel.results.height == 6
    hands.go(6)
    assert hands.title == "Results"


@pytest.mark.slow
def test_a_column_of_countries_is_named_as_it_is_shown(client):
    frame = pl.DataFrame(
        {"email": ["a@example.com", "b@example.com"], "Mobil": ["934 54 496", "070-174 06 05"], "Land": ["NO", "SE"]}
    )
    hands = Hands(PushPanel(client, frame))
    hands.next()
    hands.top.choose("column:2", "property:Land")
    hands.next()
    show(hands, "column", "mobile_number")
    hands.top.type("country", "land")
    hands.top.press("by_country")
    assert cells(hands, "mobile_country_code") == [47, 46]
    assert hands.panel.recipe.steps[-1] == NormalizePhone("mobile_number", "property:Land")
