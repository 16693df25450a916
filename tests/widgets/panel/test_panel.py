"""`PushPanel`, its pages played: each step, back and forth, with nothing lost; nothing of the contacts is saved."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace

import comm
import ipywidgets
import polars as pl
import pytest

from mbtoolkit.errors import UsageError
from mbtoolkit.recipes import CleanText
from mbtoolkit.widgets import PushPanel
from mbtoolkit.widgets.surface import surface as surface_module
from tests.widgets.panel.hands import TABLE, Hands
from tests.widgets.playing import Wire

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def wire(monkeypatch):
    monkeypatch.setattr(comm, "create_comm", Wire)


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "people.csv"
    made.write_text(TABLE, encoding="utf-8")
    return made


@pytest.fixture
def hands(client, path):
    return Hands(PushPanel(client, path))


def at_check(hands):
    hands.next()
    hands.top.choose("column:2", "email_opt_in")
    hands.top.choose("column:3", "property:First name")
    hands.next(2)
    assert hands.title == "Check"
    return hands


def statuses(panel):
    return panel.results["mb_status"].to_list()


def until(is_so, seconds=60):
    begun = time.monotonic()
    while not is_so():
        assert time.monotonic() - begun < seconds
        time.sleep(0.02)


def test_only_a_client_and_known_lists_make_a_panel(client):
    with pytest.raises(UsageError, match="takes a Client"):
        PushPanel("token")
    with pytest.raises(UsageError, match="no uuid"):
        PushPanel(client, list_ids=["vip"])


# Load


@pytest.mark.slow
def test_a_wrong_path_is_told_at_the_step_and_loses_nothing(hands):
    at_check(hands)
    hands.mend(1, "email", "bo@example.com")
    hands.go(0)
    hands.top.type("path", "nowhere.csv")
    hands.next()
    assert hands.title == "Load"
    assert "nowhere.csv" in hands.told
    assert hands.panel.contacts["email"][1] == "bo@example.com"
    hands.go(3)
    assert "nowhere.csv" in hands.told
    hands.top.type("path", "")
    hands.next()
    assert hands.told == "Give a path, or choose a file."


def test_a_path_may_be_copied_with_its_quotes(client, path):
    hands = Hands(PushPanel(client))
    assert hands.bottom.text().startswith("Next Give a path")
    assert not any(hands.is_open(place) for place in range(1, 7))
    hands.top.type("path", f' "{path}" ')
    hands.next()
    assert hands.title == "Columns"


def test_a_file_comes_through_the_browser_and_its_parts_are_told(client, monkeypatch):
    hands = Hands(PushPanel(client))
    content = TABLE.encode()
    part = {"kind": "file", "key": "file", "name": "C:\\fakepath\\people.csv", "size": len(content), "view": "v1"}
    hands.top.say({**part, "offset": 0, "last": False}, [content[:50]])
    assert "Receiving people.csv" in hands.top.text("chosen")
    hands.top.say({**part, "offset": 50, "last": True}, [content[50:]])
    assert hands.top.text("chosen") == "Chosen: people.csv"
    hands.next()
    assert "people.csv: 5 rows" in hands.top.text()
    assert "# the file that was chosen in the browser" in hands.panel.code
    monkeypatch.setattr(surface_module, "MAX_FILE_BYTES", 60)
    hands.go(0)
    hands.top.say({**part, "offset": 0, "last": False}, [content[:50]])
    assert "larger than 60 bytes" in hands.top.text("fault")
    assert hands.top.sent[-2]["kind"] == "enough"
    assert hands.top.text("chosen") == "Chosen: people.csv"


def test_a_table_is_taken_as_it_is_and_a_path_goes_before_it(client, path, people):
    hands = Hands(PushPanel(client, people))
    assert hands.top.text("chosen") == "Chosen: the given table"
    hands.top.type("path", str(path))
    assert "Not used" in hands.top.text("chosen")
    hands.next()
    assert "people.csv: 5 rows" in hands.top.text()
    hands.go(0)
    hands.top.type("path", "")
    hands.next(2)
    assert hands.panel.contacts.height == 10


@pytest.mark.slow
def test_going_on_by_the_steps_takes_up_what_was_changed_on_the_way(hands, client):
    at_check(hands)
    hands.go(1)
    hands.top.choose("column:3", "")
    hands.go(4)
    assert hands.title == "Review"
    assert "Navn" in hands.panel.contacts.columns
    hands.go(1)
    hands.top.choose("column:3", "email")
    hands.go(4)
    assert hands.title == "Columns"
    assert hands.told == "E-mail stands twice; keep one."
    hands.go(0)
    hands.top.type("separator", ",")
    hands.go(3)
    assert hands.title == "Columns"
    assert hands.told


# Columns


def test_columns_show_their_cells_a_suggestion_and_why(hands):
    hands.next()
    assert hands.top.value("column:0") == "email"
    shown = hands.top.text()
    assert "ann@example.com · bo@example · cy@example.com" in shown
    assert "named like an e-mail address" in shown
    assert not any(node.get("x") == "" and node["t"] == "strong" for node in hands.top.nodes())


def test_a_target_that_stands_twice_is_told_at_both_and_keeps_from_going_on(hands):
    hands.next()
    hands.top.choose("column:3", "email")
    wrong = [node["k"] for node in hands.top.nodes() if node.get("a", {}).get("aria-invalid") == "true"]
    assert wrong == ["column:0", "column:3"]
    assert "E-mail stands twice" in hands.bottom.text()
    hands.top.choose("column:3", "")
    hands.top.choose("column:0", "")
    hands.top.choose("column:1", "")
    assert "Say which column is" in hands.bottom.text()
    hands.next()
    assert hands.told.startswith("Say which column is")


def test_columns_that_fit_equally_well_are_marked(client):
    frame = pl.DataFrame({"E-mail": ["a@example.com"], "Epost": ["b@example.com"], "Mobile": ["+47 934 54 496"]})
    hands = Hands(PushPanel(client, frame))
    hands.next()
    assert hands.top.text().count("⚠") == 2
    hands.top.choose("column:0", "email")
    assert hands.top.text().count("⚠") == 1


@pytest.mark.slow
def test_a_country_that_is_none_is_told(hands):
    hands.next()
    hands.top.type("country", "Norway")
    hands.next()
    assert hands.title == "Columns"
    assert "default_country" in hands.told
    hands.top.type("country", "NO")
    hands.next(2)
    assert hands.title == "Check"


def test_every_target_of_a_column_can_be_chosen_and_is_offered(client):
    frame = pl.DataFrame({"email": ["a@example.com"], "property_fields": [None], "First name": ["A"]})
    hands = Hands(PushPanel(client, frame))
    hands.next()
    for place in range(frame.width):
        offered = [node["v"] for node in hands.top.find(f"column:{place}")["c"]]
        assert hands.top.value(f"column:{place}") in offered
        assert len(offered) == len(set(offered))


# Check


@pytest.mark.slow
def test_the_counts_follow_the_edits_also_from_another_thread(hands):
    at_check(hands)
    assert hands.top.text("headline") == "5 contacts: 3 will be sent, 2 can’t be."
    hands.mend(1, "email", "bo@example.com")
    assert hands.top.text("headline") == "5 contacts: 4 will be sent, 1 can’t be."
    assert hands.panel.validation.valid.height == 4
    thread = threading.Thread(target=hands.mend, args=(2, "email_opt_in", "yes"))
    thread.start()
    thread.join()
    assert hands.top.text("headline") == "5 contacts: 5 will be sent, 0 can’t be."
    assert "email syntax" not in hands.top.text()


def test_a_row_that_breaks_a_rule_in_two_cells_counts_once(client):
    frame = pl.DataFrame({"email": ["a@example.com"] * 2, "contact_id": ["1", "1"]})
    hands = Hands(PushPanel(client, frame))
    hands.next(3)
    row = next(node for node in hands.top.nodes() if node["t"] == "tr" and "duplicate" in json.dumps(node))
    assert json.dumps(row).count('"2"') == 1


@pytest.mark.slow
def test_rows_of_a_rule_are_shown_in_the_grid_and_left_out(hands):
    at_check(hands)
    hands.top.press("show:duplicate_identifier")
    said = [data["content"] for data in hands.panel.grid.comm.sent if "content" in data]
    looks = [content["look"] for content in said if content["kind"] == "show"]
    assert looks[-1]["rule"] == "duplicate_identifier"
    assert hands.top.find("show:")["a"]["aria-pressed"] == "true"
    hands.top.choose("out:duplicate_identifier", True)
    assert hands.top.text("headline") == "5 contacts: 1 will be sent, 2 can’t be, 2 left out."
    assert "duplicate_identifier" in hands.panel.code
    assert not hands.top.has("out:email_syntax")
    hands.top.choose("out:duplicate_identifier", False)
    assert "leave_out" not in hands.panel.code


@pytest.mark.slow
def test_edits_stay_where_columns_are_mapped_anew(hands):
    at_check(hands)
    grid = hands.panel.grid
    hands.mend(3, "property:First name", "Deirdre")
    hands.bottom.press("back")
    hands.bottom.press("back")
    hands.next(2)
    assert hands.panel.grid is grid
    hands.bottom.press("back")
    hands.bottom.press("back")
    hands.top.choose("column:3", "")
    hands.next(2)
    assert hands.panel.grid is not grid
    assert hands.panel.contacts["Navn"][3] == "Deirdre"


def test_a_table_in_which_nothing_can_be_sent_ends_at_the_check(client):
    hands = Hands(PushPanel(client, pl.DataFrame({"email": ["nobody"]})))
    hands.next()
    hands.top.choose("column:0", "email")
    hands.next(3)
    assert hands.title == "Check"
    assert hands.told == "No row can be sent yet: mend some in the grid."


# Review


@pytest.mark.slow
def test_the_review_says_what_will_be_sent_and_asks_for_consent(hands, crm):
    at_check(hands)
    hands.next()
    shown = hands.top.text()
    assert "Will be sent, one request each 3" in shown
    assert "E-mail opt-in turned on 1" in shown
    assert "No limit (sandbox)" in shown
    assert "did consent" in hands.bottom.text()
    hands.next()
    assert hands.title == "Review"
    assert crm.requests().is_empty()
    assert "sends as fast as it can" in shown
    hands.top.choose("limits", "pro")
    assert "stays within this limit, so it takes at least 1 s" in hands.top.text()
    assert "limits='pro'" in hands.panel.code
    hands.push()
    hands.next()
    assert hands.title == "Results"
    assert crm.contacts()["email_opt_in"].sum() == 1


@pytest.mark.slow
def test_consent_is_asked_for_anew_when_the_count_changes(hands):
    at_check(hands)
    hands.next()
    hands.top.choose("consented", True)
    hands.bottom.press("back")
    hands.mend(2, "email_opt_in", "yes")
    hands.next()
    assert hands.top.value("consented") is False
    assert "did consent" in hands.bottom.text()


@pytest.mark.slow
def test_a_list_is_chosen_or_typed(client, crm, path):
    hands = Hands(PushPanel(client, path, list_ids=crm.lists))
    hands.next(3)
    hands.next()
    name, list_id = next(iter(crm.lists.items()))
    assert name in hands.top.text("lists")
    hands.top.choose("list", "another")
    hands.top.type("list_id", "vip")
    assert "no uuid" in hands.bottom.text()
    hands.top.type("list_id", list_id)
    assert f"list_id={list_id!r}" in hands.panel.code
    hands.push()
    assert set(crm.contacts()["list_id"]) == {list_id} or crm.requests()["body"].str.contains(list_id).all()


# Push and results


@pytest.mark.slow
def test_the_push_shows_its_pace_and_cancel_ends_it_cleanly(client, crm):
    crm.fail("delay", seconds=0.15, times=None)
    hands = Hands(PushPanel(client, pl.DataFrame({"email": [f"p{n}@example.com" for n in range(200)]})))
    hands.next(5)
    assert hands.title == "Push"
    begun = time.monotonic()
    until(lambda: "rows a second" in hands.top.text("pace") and "left" in hands.top.text("pace"))
    assert hands.bottom.is_off("next")
    assert not hands.is_open(6)
    trees = [content for content in hands.top.sent if content["kind"] == "tree"]
    hands.top.press("cancel")
    assert hands.panel.wait(30)
    until(lambda: hands.top.text("headline").startswith("Stopped"))
    assert len(trees) <= 8 + 5 * (time.monotonic() - begun)
    assert not hands.top.has("cancel")
    hands.next()
    stored = statuses(hands.panel).count("succeeded")
    assert 0 < stored < 200
    assert crm.contacts().height == stored
    assert f"{stored} of 200 rows are stored." in hands.top.text("headline")
    assert f"Push these {200 - stored} again" in hands.bottom.text()


@pytest.mark.slow
def test_a_pause_that_the_crm_asks_for_is_shown(client, crm):
    crm.fail("status", status=429, retry_after="1", times=1)
    hands = Hands(PushPanel(client, pl.DataFrame({"email": ["a@example.com"]})))
    hands.next(5)
    until(lambda: "the CRM’s limit" in hands.top.text("pace"))
    assert hands.panel.wait(30)
    assert statuses(hands.panel) == ["succeeded"]


@pytest.mark.slow
def test_failed_rows_are_mended_in_the_results_and_pushed_again(hands, crm):
    at_check(hands)
    hands.next()
    hands.push()
    hands.next()
    assert statuses(hands.panel) == ["succeeded", "invalid", "invalid", "succeeded", "succeeded"]
    assert "email syntax" in hands.top.text()
    hands.mend(0, "email", "bo@example.com")
    hands.go(3)
    assert hands.panel.grid.contacts["email"][1] == "bo@example.com"
    hands.go(6)
    assert hands.panel.grid.contacts["email"].to_list() == ["bo@example.com", "cy@example.com"]
    hands.mend(1, "email_opt_in", "yes")
    sent_before = crm.requests().height
    hands.bottom.press("again")
    assert hands.title == "Review"
    assert "Will be sent, one request each 2" in hands.top.text()
    assert "left alone 3" in hands.top.text()
    hands.push()
    hands.next()
    assert set(statuses(hands.panel)) == {"succeeded"}
    assert crm.requests().height == sent_before + 2
    assert hands.panel.grid is None
    assert not hands.bottom.has("again")
    hands.go(4)
    assert "All rows that could be sent are stored." in hands.bottom.text()
    hands.next()
    assert hands.title == "Review"
    hands.top.choose("which", "all")
    assert "Will be sent, one request each 5" in hands.top.text()


def test_a_push_that_fails_as_a_whole_is_told_and_leaves_the_way_back(client, crm, people):
    hands = Hands(PushPanel(client, people))
    hands.next(3)
    hands.next()
    hands.panel._pushes.current.list_id = "11111111-2222-3333-4444-555555555555"
    hands.panel._pushes.current.schema = int
    hands.next()
    assert hands.panel.wait(10)
    hands.panel._redraw()
    assert "The push ended with an error." in hands.top.text()
    assert hands.bottom.has("back")


@pytest.mark.slow
def test_results_are_written_where_one_says(hands, tmp_path):
    at_check(hands)
    hands.next()
    hands.push()
    hands.next()
    hands.top.type("out_path", str(tmp_path / "results.parquet"))
    hands.top.press("export")
    assert "Written" in hands.top.text("said")
    assert pl.read_parquet(tmp_path / "results.parquet").height == 5
    hands.top.type("out_path", str(tmp_path / "results.doc"))
    hands.top.press("export")
    assert ".xlsx" in hands.told


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::mbtoolkit.errors.SourceWarning")
def test_the_code_does_the_same_as_the_clicks(hands, crm, client):
    at_check(hands)
    hands.mend(1, "email", "bo@example.com")
    hands.next()
    hands.push()
    hands.next()
    hands.mend(0, "email_opt_in", "no")
    hands.bottom.press("again")
    hands.push()
    clicked = crm.contacts().drop("upserts", strict=False)
    namespace = {"client": client}
    exec(hands.panel.code, namespace)
    told = ["mb_row", "mb_status", "mb_contact_id"]
    assert namespace["contacts"].equals(hands.panel.contacts)
    assert namespace["results"].select(told).equals(hands.panel.results.select(told))
    same = ["contact_id", "email", "email_opt_in", "property:First name"]
    assert crm.contacts().select(same).equals(clicked.select(same))


# All of it


@pytest.mark.slow
def test_two_panels_know_nothing_of_each_other(client, path, people):
    one, other = Hands(PushPanel(client, path)), Hands(PushPanel(client, people))
    at_check(one)
    other.next(3)
    other.next()
    other.push()
    assert one.panel.results is None
    assert other.panel.results.height == 10
    assert one.title == "Check"


def test_a_fault_is_shown_in_the_panel_and_not_raised(hands, caplog):
    hands.next()
    push = hands.panel._pushes.current
    push.loaded = replace(push.loaded, suggestions=None)
    hands.top.choose("column:0", "")
    assert hands.top.text("fault").startswith("What you did is kept, but it can't be shown, and what is below is from")
    assert "internal error (AttributeError)" in hands.top.text("fault")
    assert hands.top.has("column:0")
    assert "drawing a widget failed" in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("step", ["Clean", "Check", "Review"])
def test_a_push_may_end_at_any_moment_of_what_is_clicked_meanwhile(client, crm, caplog, step):
    crm.fail("delay", seconds=0.02, times=None)
    people = pl.DataFrame({"email": [f"person{row}@example.com" for row in range(60)], "City": [" Oslo "] * 60})
    hands = Hands(PushPanel(client, people))
    hands.next(4)
    push = hands.panel._pushes.current
    recipe = push.whole_recipe.then(CleanText("property:City"))
    hands.next()
    hands.go({"Clean": 2, "Check": 3, "Review": 4}[step])
    is_last = False
    while not is_last:
        is_last = not push.is_pushing
        push.use_recipe(recipe)
        hands.top.do("show:", "click")
        hands.bottom.do("nothing", "click")
    assert hands.panel.wait(30)
    for page in (hands.top, hands.bottom):
        assert not [each for each in page.sent if "mbt-fault" in str(each)]
    assert not caplog.records
    assert statuses(hands.panel) == ["succeeded"] * 60


@pytest.mark.slow
def test_an_event_that_fails_says_what_was_done_and_the_other_part_is_drawn_too(hands, monkeypatch, caplog):
    at_check(hands)
    hands.go(1)
    push = hands.panel._pushes.current
    hands.top.choose("column:3", "")
    source, push.source = push.source, None  # going on reads it again
    drawn = len(hands.top.sent)
    hands.next()
    assert hands.bottom.text("fault").startswith("Nothing was changed: internal error (AttributeError)")
    assert len(hands.top.sent) > drawn
    assert hands.title == "Columns"
    push.source = source
    hands.next()
    assert hands.title == "Clean"
    assert not hands.bottom.has("fault")
    with monkeypatch.context() as patch:
        patch.setattr(hands.panel, "_show_grid", None)
        hands.next()
    assert hands.bottom.text("fault").startswith(
        "The change was made, but what follows it failed: internal error (Type"
    )
    assert hands.title == "Check"
    assert caplog.text.count("an event of a widget failed") == 2
    hands.go(2)
    hands.go(3)
    assert hands.panel.grid is not None


@pytest.mark.slow
def test_any_event_at_any_step_breaks_nothing(hands, caplog):
    keys = ["next", "back", "again", "cancel", "export", "show:", "show:x", "out:x", "step:9", "step:x",
            "column:99", "column:²", "country", "limits", "which", "list", "consented", "path", "nonsense", "",
            "step:3"]  # fmt: skip
    for place in range(7):
        for key in keys:
            for value in (None, True, "x", EVIL):
                for page in (hands.top, hands.bottom):
                    page.do(key, "change", value)
                assert not hands.top.has("fault"), (place, key, value)
        hands.top.do("step:0", "click")
        hands.top.type("path", hands.panel._load.texts["path"])
    assert not caplog.records


@pytest.mark.slow
def test_hostile_names_and_cells_are_sent_as_text(client, tmp_path):
    frame = pl.DataFrame({"email": [EVIL, "a@example.com"], EVIL: [EVIL, "</script>"]})
    path = tmp_path / "<img src=x>.csv"
    frame.write_csv(path)
    hands = Hands(PushPanel(client, path))
    hands.next()
    hands.top.choose("column:1", f"property:{EVIL}")
    assert any(node.get("x") == EVIL for node in hands.top.nodes())
    hands.next(3)
    hands.push()
    hands.next()
    assert {node["t"] for page in (hands.top, hands.bottom) for node in page.nodes()} <= {
        "div", "ol", "li", "button", "p", "table", "caption", "thead", "tbody", "tr", "th", "td", "span",
        "label", "input", "details", "summary", "pre",
    }  # fmt: skip


@pytest.mark.slow
def test_nothing_of_the_contacts_or_the_token_is_in_the_saved_state(client, crm):
    canary = "can1ary"
    frame = pl.DataFrame(
        {
            "email": [f"{canary}{n}@example.com" for n in range(3)] + [f"{canary}@", f"{canary}x"],
            f"{canary}head": ["x"] * 5,
        }
    )
    hands = Hands(PushPanel(client, frame))
    hands.next(3)
    hands.mend(3, "email", f"{canary}.typed@example.com")
    hands.next()
    hands.push()
    hands.next()
    state = json.dumps(ipywidgets.Widget.get_manager_state())
    assert hands.panel.model_id in state
    shown = repr(hands.panel) + json.dumps(hands.panel._repr_mimebundle_()) + repr(hands.panel.children)
    for each in (canary, crm.token):
        assert each not in state
        assert each not in shown


def test_a_panel_shows_where_it_is(hands):
    assert repr(hands.panel) == "<PushPanel: step 1 of 7, Load>"
    assert hands.panel.code == "# nothing was loaded yet"
    assert (hands.panel.contacts, hands.panel.validation, hands.panel.results) == (None, None, None)
    assert hands.panel.wait()
    hands.panel.cancel()
    at_check(hands)
    assert repr(hands.panel) == "<PushPanel: step 4 of 7, Check>"
    assert hands.panel.contacts.height == hands.panel.validation.valid.height + 2 == 5


@pytest.mark.slow
def test_a_second_page_finds_the_panel_where_it_is(hands):
    at_check(hands)
    again = Hands(hands.panel)
    assert again.title == "Check"
    assert not again.bottom.is_off("next")
    focus = [node["f"] for node in again.top.nodes() if "f" in node]
    assert len(focus) == 1


@pytest.mark.slow
def test_results_say_that_the_record_of_the_push_is_incomplete(hands):
    at_check(hands)
    hands.next(2)
    hands.push()
    pushing = hands.panel._pushes.current.pushing
    assert pushing.record_error is None
    pushing.progress = replace(pushing.progress, record_error="The disk is full.")
    hands.next()
    assert hands.title == "Results"
    assert "record of this push is incomplete" in hands.top.text("record")
    assert "The disk is full." in hands.top.text("record")
