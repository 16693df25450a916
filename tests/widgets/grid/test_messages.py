"""The widget without a browser: a page's messages are played to it, and what it says is recorded."""

from __future__ import annotations

import json

import comm
import pandera.polars as pa
import polars as pl
import pytest
from comm.base_comm import BaseComm
from hypothesis import given, settings
from hypothesis import strategies as st

from mbtoolkit import ContactSchema
from mbtoolkit.errors import FrameError, UsageError
from mbtoolkit.widgets.grid import ContactGrid

LOOK = {"rows": "all", "rule": None, "search": "", "sort": None, "descending": False, "start": 0, "count": 50}
CANARY = "canary.person@example.com"


class Wire(BaseComm):
    """A comm that goes nowhere and remembers everything."""

    def __init__(self, *arguments, **options):
        self.sent = []
        super().__init__(*arguments, **options)

    def publish_msg(self, msg_type, data=None, **others):  # noqa: ARG002 - the signature is comm's
        self.sent.append(data)


class Page:
    """Plays the page's part for a grid."""

    def __init__(self, grid: ContactGrid, view: str = "page-1"):
        self.grid, self.view, self.looks = grid, view, 0

    def heard(self):
        return [data["content"] for data in self.grid.comm.sent if data.get("method") == "custom"]

    def play(self, content):
        before = len(self.heard())
        data = {"method": "custom", "content": json.loads(json.dumps(content))}
        self.grid.comm.handle_msg({"content": {"data": data}, "buffers": []})
        return self.heard()[before:]

    def say(self, kind, **fields):
        return self.play({"kind": kind, "view": self.view, **fields})

    def look(self, **choice):
        self.looks += 1
        (answer,) = self.say("look", look=self.looks, **{**LOOK, **choice})
        return answer


@pytest.fixture
def wired(monkeypatch):
    monkeypatch.setattr(comm, "create_comm", Wire)


@pytest.fixture
def contacts() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "email": [CANARY, "bob", "cy\u200bd@example.com", None],
            "mobile_country_code": [47, None, None, None],
            "mobile_number": pl.Series([93454496, None, None, None], dtype=pl.Int64),
            "email_opt_in": ["yes", "no", "perhaps", None],
            "note": ["a", "b", "c", "d"],
            "bought": [1.5, 2.5, 3.5, None],
        }
    )


@pytest.fixture
def grid(wired, contacts) -> ContactGrid:
    return ContactGrid(contacts)


@pytest.fixture
def page(grid) -> Page:
    return Page(grid)


def test_nothing_of_a_contact_is_in_the_state_or_the_repr(grid, page):
    page.look()
    page.say("edit", row=1, column="email", text="another@example.com")
    for text in (json.dumps(grid.get_state(), default=str), repr(grid), json.dumps(grid._repr_mimebundle_())):
        assert "example.com" not in text.replace("name@example.com", "")
        assert "email_opt_in" not in text
    assert [data for data in grid.comm.sent if data.get("method") == "update"] == []


def test_opening_tells_the_columns_and_the_counts(page):
    (answer,) = page.say("open")
    assert answer["view"] == "page-1"
    assert [column["label"] for column in answer["columns"]][:2] == ["E-mail", "Country code"]
    assert [column["readOnly"] for column in answer["columns"]] == [False] * 5 + [True]
    assert answer["summary"]["height"] == 4
    assert {rule["rule"] for rule in answer["summary"]["rules"]} >= {"email_syntax", "no_identifier"}


def test_a_window_holds_texts_and_what_is_wrong_with_them(page):
    answer = page.look(start=1, count=2)
    assert (answer["start"], answer["total"], [row["id"] for row in answer["rows"]]) == (1, 4, [1, 2])
    assert answer["rows"][1]["cells"] == ["cy\u200bd@example.com", None, None, "perhaps", "c", "3.5"]
    marks = {(mark["column"], mark["rule"]): mark for mark in answer["rows"][1]["marks"]}
    assert marks[0, "email_invisible"]["suggestion"] == "cyd@example.com"
    assert marks[3, "not_yes_or_no"]["message"].startswith("E-mail opt-in is neither yes nor no")


def test_an_issue_of_the_whole_row_stands_in_no_column(page):
    row = page.look()["rows"][3]
    assert [(mark["column"], mark["rule"]) for mark in row["marks"]] == [(-1, "no_identifier")]
    assert row["marks"][0]["message"].startswith("The row has no contact_id")


def test_a_window_of_an_older_choice_of_rows_is_not_answered(page):
    page.look()
    page.look(search="bob")
    assert page.say("window", look=1, start=0, count=10) == []
    (answer,) = page.say("window", look=2, start=0, count=10)
    assert answer["total"] == 1


def test_a_page_that_the_kernel_does_not_know_is_told_so(page):
    assert page.say("window", look=1, start=0, count=10) == [{"kind": "lost", "view": "page-1"}]


def test_an_edit_is_answered_with_its_row_and_the_counts(page, grid):
    page.look()
    (answer,) = page.say("edit", row=1, column="email", text="bob@example.com")
    assert answer["kind"] == "changed"
    assert answer["rows"][0]["cells"][0] == "bob@example.com"
    assert answer["rows"][0]["changed"] == [0]
    assert answer["summary"]["changes"] == 1
    assert grid.changes.rows() == [(1, "email", "bob", "bob@example.com")]


def test_undo_says_where_the_change_was(page, grid):
    page.look(sort="note", descending=True)
    page.say("edit", row=1, column="note", text="z")
    (undone,) = page.say("undo")
    assert undone["at"] == {"position": 2, "row": 1, "column": "note"}
    assert grid.changes.is_empty()
    page.say("redo")
    assert grid.contacts["note"][1] == "z"
    assert page.say("redo")[0]["note"] == "Nothing to do again."


def test_undo_of_a_row_that_is_not_shown_says_so(page):
    page.look(search="bob")
    page.say("edit", row=3, column="note", text="z")
    assert page.say("undo")[0]["at"] == {"position": None, "row": 3, "column": "note"}


def test_a_block_goes_into_the_rows_of_the_view(page, grid):
    page.look(sort="note", descending=True)
    page.say("paste", look=1, row=2, column="email_opt_in", texts=[["yes", "one", "9"], ["no", "two", "9"]])
    assert grid.contacts["note"].to_list() == ["a", "two", "one", "d"]
    assert grid.contacts["email_opt_in"].to_list() == [True, False, True, None]
    assert "2 had no place or stand in columns that may not be edited" in page.heard()[-1]["note"]
    page.say("undo")
    assert grid.changes.is_empty()


def test_what_does_not_fit_into_the_table_is_said(page, grid):
    page.look()
    page.say("paste", look=1, row=3, column="note", texts=[["x"], ["y"]])
    assert grid.contacts["note"].to_list() == ["a", "b", "c", "x"]
    assert page.heard()[-1]["note"].startswith("1 cells filled. 1 had no place")


def test_a_block_for_rows_that_are_not_shown_any_more_goes_nowhere(page, grid):
    page.look()
    page.look(sort="note", descending=True)
    answers = page.say("paste", look=1, row=1, column="note", texts=[["x"], ["y"]])
    assert answers[-1]["kind"] == "error"
    assert grid.changes.is_empty()


def test_a_block_that_touches_many_rows_makes_the_pages_ask_anew(wired):
    grid = ContactGrid(pl.DataFrame({"contact_id": range(1, 1001), "note": ["x"] * 1000}))
    page = Page(grid)
    page.look()
    (answer,) = page.say("paste", look=1, row=0, column="note", texts=[["y"]] * 1000)
    assert answer["rows"] is None
    assert grid.contacts["note"].unique().to_list() == ["y"]


def test_a_suggestion_is_used(page, grid):
    page.look()
    page.say("suggest", row=2, column="email")
    assert grid.contacts["email"][2] == "cyd@example.com"
    (answer,) = page.say("suggest", row=2, column="email")
    assert answer == {
        "kind": "error",
        "view": "page-1",
        "text": "there is no suggestion for this cell; type what it should hold",
        "about": "suggest",
        "look": None,
    }


def test_what_is_in_a_column_is_told_when_asked(page):
    (answer,) = page.say("profile", column="email_opt_in")
    assert (answer["column"], answer["profile"]["filled"], answer["profile"]["distinct"]) == ("email_opt_in", 3, 3)
    assert {"value": "perhaps", "rows": 1} in answer["profile"]["commonest"]
    assert answer["profile"]["patterns"] == [{"value": "a", "rows": 3}]


def test_rows_are_chosen_by_a_cell_on_the_page_and_as_code(page, grid):
    assert page.look(column="email", pattern="a.a@a.a")["total"] == 1
    assert page.look(column="email", value="")["rows"][0]["id"] == 3
    assert page.look(column="email", value="", search="c")["total"] == 0
    grid.show(column="email", value="bob")
    look = page.heard()[-1]["look"]
    assert (look["column"], look["value"], look["pattern"]) == ("email", "bob", None)
    assert page.say("open")[0]["look"] == look
    for choice in ({"column": "nothing", "value": "x"}, {"column": "email"}, {"pattern": "a"}):
        with pytest.raises(UsageError):
            grid.show(**choice)
    assert page.say("open")[0]["look"] == look


def test_spellings_are_merged_in_one_step(wired):
    cities = ["Oslo", "Oslo", "oslo ", "OSLO", "Newyork", "New York", "New York", None]
    grid = ContactGrid(pl.DataFrame({"contact_id": range(1, 9), "property:City": cities}))
    page = Page(grid)
    (answer,) = page.say("spellings", column="property:City")
    assert [[each["value"] for each in cluster] for cluster in answer["clusters"]] == [
        ["Oslo", "OSLO", "oslo "],
        ["New York", "Newyork"],
    ]
    assert answer["more"] == 0
    (answer,) = page.say("merge", column="property:City", pairs=[["oslo ", "Oslo"], ["Newyork", "New York"]])
    assert "merge_values" in grid.code
    assert answer["note"] == "2 cells changed. Undo takes it back."
    merged = ["Oslo", "Oslo", "Oslo", "OSLO", "New York", "New York", "New York", None]
    assert grid.contacts["property:City"].to_list() == merged
    page.say("undo")
    assert grid.changes.is_empty()


def test_a_repair_is_one_step_and_says_what_it_could_not_read(wired):
    bought = ["31.3.2026", "1.4.2026", "soon", None]
    grid = ContactGrid(
        pl.DataFrame({"contact_id": range(1, 5), "property:Bought": bought, "held": bought}), read_only=["held"]
    )
    page = Page(grid)
    labels = page.say("profile", column="property:Bought")[0]["repairs"]
    label = next(each for each in labels if "day first" in each)
    (answer,) = page.say("repair", column="property:Bought", label=label)
    assert answer["note"] == ("2 cells changed. Undo takes it back. 1 cell could not be read; nothing was done there.")
    assert grid.contacts["property:Bought"].to_list() == ["2026-03-31", "2026-04-01", "soon", None]
    assert "normalize_date" in grid.code
    page.say("undo")
    assert grid.changes.is_empty()
    assert page.say("profile", column="held")[0]["repairs"] == []
    for column, asked in (("held", label), ("property:Bought", "rm -rf"), ("nothing", label)):
        assert page.say("repair", column=column, label=asked)[0]["kind"] == "error"
    assert grid.changes.is_empty()


def test_all_suggestions_are_shown_and_then_used(page, grid):
    page.look()
    assert page.say("open")[0]["summary"]["suggestions"] == 1
    (answer,) = page.say("suggestions")
    assert answer["cells"] == [
        {"row": 2, "label": "E-mail", "before": "cy\u200bd@example.com", "after": "cyd@example.com"}
    ]
    assert answer["total"] == 1
    (answer,) = page.say("mend", count=1)
    assert (answer["note"], answer["summary"]["suggestions"]) == ("1 cell changed. Undo takes it back.", 0)
    page.say("undo")
    assert grid.changes.is_empty()


def test_other_suggestions_than_those_that_were_shown_are_not_used(page, grid):
    page.look()
    grid.edits.edit(1, "email", "b\u200b@example.com")
    answers = page.say("mend", count=1)
    assert [answer["kind"] for answer in answers] == ["suggestions", "error"]
    assert answers[0]["total"] == 2
    assert grid.contacts["email"][2] == "cy\u200bd@example.com"


def test_of_very_many_suggestions_the_first_are_shown(wired):
    page = Page(ContactGrid(pl.DataFrame({"email": [f"a{row}\u200b@example.com" for row in range(300)]})))
    (answer,) = page.say("suggestions")
    assert (len(answer["cells"]), answer["total"]) == (200, 300)


def test_the_next_issue_is_named_by_its_place_in_the_view(page):
    page.look(search="@")
    (answer,) = page.say("find", position=0, column="email", forward=True)
    assert (answer["position"], answer["column"]) == (1, "email")
    page.look(search="nothing of the sort")
    assert page.say("find", position=-1, column=None, forward=True)[0]["kind"] == "note"


def test_rules_across_rows_run_when_the_page_asks(page):
    page.look()
    (answer,) = page.say("edit", row=1, column="email", text=CANARY)
    assert "duplicate_identifier" not in {rule["rule"] for rule in answer["summary"]["rules"]}
    (answer,) = page.say("revalidate")
    assert answer["kind"] == "stale"
    assert "duplicate_identifier" in {rule["rule"] for rule in answer["summary"]["rules"]}


def test_issues_are_those_of_the_whole_frame_without_asking(page, grid):
    page.say("edit", row=1, column="email", text=CANARY)
    assert "duplicate_identifier" in grid.issues["rule"].to_list()


def test_two_pages_look_at_rows_of_their_own(page, grid):
    other = Page(grid, "page-2")
    assert page.look(search="bob")["total"] == 1
    assert other.look()["total"] == 4
    assert page.say("window", look=1, start=0, count=5)[0]["total"] == 1


@pytest.mark.slow
def test_pages_that_were_left_are_forgotten(grid):
    for number in range(100):
        Page(grid, f"page-{number}").look()
    assert len(grid._pages) == 32


def test_listeners_are_called_and_what_they_raise_is_shown(page, grid):
    seen = []
    stop = grid.on_change(lambda changed: seen.append(changed.changes.height))
    page.say("edit", row=0, column="note", text="z")
    assert seen == [1]
    stop()
    grid.on_change(lambda changed: changed.contacts.height / 0)
    answers = page.say("edit", row=0, column="note", text="y")
    assert [answer["kind"] for answer in answers] == ["changed", "error"]
    assert "ZeroDivisionError" in answers[1]["text"]
    assert grid.contacts["note"][0] == "y"


def test_show_chooses_rows_for_open_and_for_later_pages(page, grid):
    grid.show(rule="email_syntax")
    assert page.heard()[-1]["look"]["rule"] == "email_syntax"
    assert page.say("open")[0]["look"]["rule"] == "email_syntax"
    with pytest.raises(UsageError, match="'all', 'issues' or 'changed'"):
        grid.show(rows="some")


def test_refresh_takes_another_frame(page, grid, contacts):
    page.say("edit", row=0, column="note", text="z")
    grid.refresh(contacts.head(2))
    assert page.heard()[-1] == {"kind": "reopen"}
    assert grid.contacts.height == 2
    assert grid.changes.is_empty()


def test_refresh_shows_what_was_edited_from_a_cell(page, grid):
    grid.edits.edit(1, "email", CANARY)
    grid.refresh()
    assert page.look()["rows"][1]["cells"][0] == CANARY
    assert "duplicate_identifier" in {rule["rule"] for rule in page.say("open")[0]["summary"]["rules"]}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="nothing"),
        pytest.param([], id="a list"),
        pytest.param({}, id="no kind"),
        pytest.param({"kind": "open"}, id="no view"),
        pytest.param({"kind": "open", "view": "x" * 65}, id="a long view"),
        pytest.param({"kind": ["open"], "view": "a"}, id="a list as kind"),
        pytest.param({"kind": "_edit", "view": "a"}, id="a method's name"),
        pytest.param({"kind": "edit", "view": "a", "row": "1", "column": "note", "text": "x"}, id="a row as text"),
        pytest.param({"kind": "edit", "view": "a", "row": True, "column": "note", "text": "x"}, id="true as row"),
        pytest.param({"kind": "edit", "view": "a", "row": 1, "column": "note", "text": 5}, id="a number as text"),
        pytest.param({"kind": "edit", "view": "a", "row": 1, "column": "note"}, id="no text"),
        pytest.param({"kind": "edit", "view": "a", "row": 99, "column": "note", "text": "x"}, id="no such row"),
        pytest.param({"kind": "edit", "view": "a", "row": 1, "column": "nothing", "text": "x"}, id="no such column"),
        pytest.param({"kind": "edit", "view": "a", "row": 1, "column": "bought", "text": "x"}, id="read-only"),
        pytest.param(
            {"kind": "paste", "view": "a", "look": 1, "row": 1, "column": "note", "texts": [["x"]]}, id="no view yet"
        ),
        pytest.param(
            {"kind": "paste", "view": "a", "look": 1, "row": 1, "column": "note", "texts": [["x"], []]}, id="ragged"
        ),
        pytest.param(
            {"kind": "paste", "view": "a", "look": 1, "row": 1, "column": "note", "texts": [[1]]}, id="numbers"
        ),
        pytest.param({"kind": "window", "view": "a", "look": 1, "start": 0, "count": 501}, id="a huge window"),
        pytest.param({"kind": "window", "view": "a", "look": 1, "start": -1, "count": 5}, id="before the first"),
        pytest.param({"kind": "look", "view": "a", "look": 1, **LOOK, "rows": "some"}, id="no such choice"),
        pytest.param({"kind": "look", "view": "a", "look": 1, **LOOK, "sort": "nothing"}, id="no such sorting"),
        pytest.param({"kind": "look", "view": "a", "look": 1, **LOOK, "column": "note"}, id="a column alone"),
        pytest.param({"kind": "look", "view": "a", "look": 1, **LOOK, "column": "x", "value": "x"}, id="no such cells"),
        pytest.param({"kind": "look", "view": "a", "look": 1, **LOOK, "column": "note", "value": 1}, id="a number"),
        pytest.param({"kind": "look", "view": "a", "look": 1, **LOOK, "column": "note", "value": "\ud800"}, id="half"),
        pytest.param({"kind": "profile", "view": "a", "column": "nothing"}, id="what is in no column"),
        pytest.param({"kind": "profile", "view": "a", "column": None}, id="what is in none"),
        pytest.param({"kind": "spellings", "view": "a", "column": "nothing"}, id="spellings in no column"),
        pytest.param({"kind": "merge", "view": "a", "column": "note", "pairs": []}, id="nothing to merge"),
        pytest.param({"kind": "merge", "view": "a", "column": "note", "pairs": [["a"]]}, id="half a pair"),
        pytest.param({"kind": "merge", "view": "a", "column": "note", "pairs": [["a", 1]]}, id="into a number"),
        pytest.param({"kind": "merge", "view": "a", "column": "note", "pairs": [["a", "b"], ["a", "c"]]}, id="both"),
        pytest.param({"kind": "merge", "view": "a", "column": "bought", "pairs": [["1.5", "2"]]}, id="held"),
        pytest.param({"kind": "mend", "view": "a", "count": True}, id="true as a count"),
    ],
)
def test_nonsense_is_answered_with_an_error_and_changes_nothing(page, grid, contacts, content):
    before = grid.contacts
    answers = page.play(content)
    assert answers[-1]["kind"] == "error"
    assert grid.contacts.equals(before)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)
KINDS = ["open", "look", "window", "edit", "paste", "suggest", "undo", "redo", "revalidate", "find"]
KINDS += ["profile", "spellings", "merge", "suggestions", "mend", "repair"]
FIELDS = ["row", "column", "text", "texts", "look", "start", "count", "rows", "rule", "search", "sort", "forward"]
FIELDS += ["value", "pattern", "pairs", "count", "label"]


@pytest.mark.slow
@given(st.lists(st.tuples(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(FIELDS), JSON)), max_size=8))
@settings(max_examples=60)
def test_no_message_breaks_the_grid(messages):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comm, "create_comm", Wire)
        grid = ContactGrid(pl.DataFrame({"email": ["a@example.com", "b"], "note": ["x", None]}))
    page = Page(grid)
    for kind, fields in messages:
        page.say(kind, **fields)
        json.dumps(page.heard())
    assert grid.contacts.height == 2
    assert not [answer for answer in page.heard() if "internal error" in str(answer.get("text"))]


def test_an_error_that_nobody_foresaw_is_shown_by_its_class(page, grid):
    grid._edits = None
    (answer,) = page.say("undo")
    assert "AttributeError" in answer["text"]


BROKEN = []


class Fickle(ContactSchema):
    """A check that raises while something is in `BROKEN`, with a cell in its text."""

    @pa.check("email")
    def _fickle(cls, data):  # noqa: ARG002 - the signature is pandera's
        if BROKEN:
            raise RuntimeError(CANARY)
        return True


CHANGING = {
    "edit": {"row": 1, "column": "email", "text": CANARY},
    "suggest": {"row": 2, "column": "email"},
    "merge": {"column": "note", "pairs": [["a", "b"]]},
}


@pytest.mark.parametrize("kind", ["edit", "suggest", "mend", "merge", "undo", "paste"])
def test_where_the_answer_to_a_change_fails_the_page_says_that_it_was_made(wired, contacts, kind, caplog):
    grid = ContactGrid(contacts.with_columns(note=pl.Series(["a", "A", "b", "c"])))
    page = Page(grid)
    page.look()
    if kind == "undo":
        page.say("edit", row=0, column="note", text="other")
    fields = {
        "paste": {"row": 0, "column": "note", "look": 1, "texts": [["x"]]},
        "mend": {"count": grid.edits.suggestion_count},
    }.get(kind, CHANGING.get(kind, {}))
    before = grid.edits.version
    grid.edits.rows_by_severity = None  # every answer counts the rows
    answers = page.say(kind, **fields)
    assert grid.edits.version == before + 1
    assert [answer["kind"] for answer in answers] == ["reopen", "error"]
    assert answers[1]["text"].startswith("The change was made, but what follows it failed: internal error (TypeError)")
    assert "Traceback" not in answers[1]["text"]
    assert "summary_for_page" in caplog.text
    assert CANARY not in caplog.text
    del grid.edits.rows_by_severity
    assert page.say("open")[0]["kind"] == "opened"
    assert page.look()["total"] == 4


def test_where_a_change_fails_the_page_says_that_nothing_was_changed(wired, contacts, caplog):
    grid = ContactGrid(contacts)
    page = Page(grid)
    page.look()
    cells = grid.edits._frame
    grid.edits._frame = None
    (answer,) = page.say("edit", row=1, column="email", text="bob@example.com")
    assert answer["text"].startswith("Nothing was changed: internal error (AttributeError)")
    assert (answer["about"], answer["look"]) == ("edit", None)
    assert "edit_block" in caplog.text
    grid.edits._frame = cells
    assert page.say("edit", row=1, column="email", text="bob@example.com")[0]["kind"] == "changed"


def test_what_a_users_own_check_quotes_is_in_no_log_and_the_row_is_as_it_was(wired, contacts, caplog):
    grid = ContactGrid(contacts, schema=Fickle)
    page = Page(grid)
    page.look()
    BROKEN.append(True)
    try:
        (answer,) = page.say("edit", row=1, column="email", text="bob@example.com")
    finally:
        BROKEN.clear()
    assert answer["kind"] == "error"
    assert grid.contacts["email"][1] == "bob"
    assert CANARY not in caplog.text
    assert page.say("edit", row=1, column="email", text="bob@example.com")[0]["kind"] == "changed"


def test_what_follows_a_change_and_fails_is_logged_without_a_cell(page, grid, caplog):
    def fail(changed):
        raise ValueError(changed.contacts["email"][0])

    page.look()
    grid.on_change(fail)
    changed, error = page.say("edit", row=1, column="email", text="bob@example.com")
    assert changed["kind"] == "changed"
    assert error["text"].startswith("The change was made, but what follows it failed: internal error (ValueError)")
    assert "in fail" in caplog.text
    assert CANARY not in caplog.text
    assert not [record for record in caplog.records if record.exc_info]


def test_an_edit_that_changes_nothing_answers_with_the_cell_as_it_is(page):
    page.look()
    (answer,) = page.say("edit", row=1, column="email_opt_in", text="No")
    assert not answer["changed"]
    assert [(row["id"], row["cells"][3]) for row in answer["rows"]] == [(1, "no")]
    assert answer["rows"][0]["marks"]


def test_a_choice_of_rows_that_fails_leaves_the_page_the_rows_that_it_has(page, grid):
    page.look()
    grid.edits.rows_by_severity = None
    (answer,) = page.say("look", look=2, **LOOK)
    assert (answer["about"], answer["look"]) == ("look", 2)
    assert answer["text"].startswith("What was asked for can't be shown: internal error (TypeError)")
    del grid.edits.rows_by_severity
    assert page.say("window", look=1, start=0, count=5)[0]["kind"] == "rows"


def test_a_page_that_can_not_be_reached_breaks_nothing(page, grid, caplog):
    page.look()
    send, grid.send = grid.send, None
    page.say("edit", row=1, column="email", text="bob@example.com")
    grid.send = send
    assert grid.contacts["email"][1] == "bob@example.com"
    assert "an answer to the grid's page failed" in caplog.text


@pytest.mark.parametrize("rows", [0, 101, 1.5, True, "14"])
def test_visible_rows_is_a_number_of_rows(contacts, rows):
    with pytest.raises(UsageError, match="1 to 100"):
        ContactGrid(contacts, visible_rows=rows)


def test_only_frames_are_shown():
    with pytest.raises(FrameError, match="polars DataFrame"):
        ContactGrid([{"email": "a@example.com"}])


def test_a_frame_without_rows_or_with_a_hostile_header_is_shown(wired):
    for frame in (pl.DataFrame(schema={"email": pl.String}), pl.DataFrame({"^.*$": ["x"], "*": [1], "": [None]})):
        page = Page(ContactGrid(frame))
        assert page.say("open")[0]["summary"]["height"] == frame.height
        assert page.look()["total"] == frame.height


def test_the_page_side_is_in_the_package_and_asks_no_other_host(grid):
    assert "export default" in str(grid._esm)
    for text in (str(grid._esm), str(grid._css)):
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "@import"):
            assert word not in text
