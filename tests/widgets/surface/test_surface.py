"""A surface: content travels in messages only, nonsense does nothing, a fault is seen."""

from __future__ import annotations

import json

import comm
import pytest

from mbtoolkit.errors import UsageError
from mbtoolkit.widgets.surface import Surface, box, button, choice, entry, table, text, tick
from mbtoolkit.widgets.surface import surface as module
from tests.widgets.playing import Page, Wire

SECRET = "secret@example.com"


class Echo(Surface):
    """Shows what it heard; breaks where it is told to."""

    def __init__(self):
        self.heard = []
        self.files = []
        self.breaks = None
        super().__init__()

    def render(self):
        if self.breaks == "render":
            raise RuntimeError(SECRET)
        return box(entry("field", "text"), *(text(str(each)) for each in self.heard))

    def on_event(self, key, event, value, *, pasted):
        if key == "own":
            raise UsageError("say it otherwise")
        if key == "odd":
            raise RuntimeError(SECRET)
        if key == "interrupted":
            raise KeyboardInterrupt
        self.heard.append((key, event, value, pasted))
        if key == "half":
            raise RuntimeError(SECRET)
        if key == "half own":
            raise UsageError("say it otherwise")

    def on_file(self, key, name, content):
        self.files.append((key, name, content))


@pytest.fixture
def echo(monkeypatch):
    monkeypatch.setattr(comm, "create_comm", Wire)
    return Echo()


@pytest.fixture
def page(echo):
    return Page(echo)


def test_an_event_is_heard_and_answered_to_its_view(echo, page):
    page.type("field", "a")
    assert echo.heard == [("field", "input", "a", False)]
    assert (page.sent[-1]["view"], page.sent[-1]["seq"]) == ("v1", 1)
    assert "('field', 'input', 'a', False)" in page.text()


@pytest.mark.parametrize(
    "content",
    [
        None,
        5,
        "event",
        [],
        {},
        {"kind": 5},
        {"kind": "event"},
        {"kind": "event", "key": 5},
        {"kind": "event", "key": []},
        {"kind": "file", "key": "f"},
        {"kind": "file", "key": "f", "offset": "0"},
        {"kind": ["event"], "key": "field"},
        {"view": 5, "seq": "x"},
    ],
    ids=repr,
)
def test_a_message_of_nonsense_is_ignored(echo, page, content):
    page.say(content)
    page.say(content, [b"piece"])
    page.say(content, ["no bytes"])
    assert (echo.heard, echo.files) == ([], [])
    assert not page.has("fault")


def test_a_value_of_another_type_counts_as_none(echo, page):
    page.do("field", "input", {"a": 1})
    assert echo.heard == [("field", "input", None, False)]


def test_the_toolkits_own_error_is_shown_in_its_words_until_the_next_event(page):
    page.do("own", "click")
    assert page.text("fault") == "say it otherwise"
    assert page.find("fault")["a"]["role"] == "alert"
    page.type("field", "a")
    assert not page.has("fault")


def test_any_other_error_is_shown_by_its_kind_alone(page, caplog):
    page.do("odd", "click")
    assert page.text("fault").startswith("Something failed, and part of it may have been done: internal error (Runtime")
    assert "secret" not in page.text() + caplog.text
    assert "please report it" in caplog.text
    assert "in on_event" in caplog.text
    assert not [record for record in caplog.records if record.exc_info]


def test_what_an_event_did_before_it_failed_is_told(echo, page):
    echo.mark = lambda: len(echo.heard)
    page.do("odd", "click")
    assert page.text("fault").startswith("Nothing was changed: internal error (RuntimeError)")
    page.do("half", "click")
    assert page.text("fault").startswith("The change was made, but what follows it failed: internal error (Runtime")
    page.do("half own", "click")
    assert page.text("fault") == "The change was made, but what follows it failed: say it otherwise"
    page.do("own", "click")
    assert page.text("fault") == "say it otherwise"


def test_an_interrupt_in_an_event_is_told_and_goes_on_up(echo, page):
    with pytest.raises(KeyboardInterrupt):
        page.do("interrupted", "click")
    assert "KeyboardInterrupt" in page.text("fault")


def test_an_error_while_drawing_is_shown_too(echo, page):
    echo.breaks = "render"
    page.type("field", "a")
    assert "RuntimeError" in page.text("fault")
    echo.breaks = None
    page.type("field", "b")
    assert not page.has("fault")


def test_a_drawing_that_failed_once_is_forgotten_with_the_next_one(echo, page, caplog):
    echo.breaks = "render"
    echo.refresh()
    assert page.text("fault").startswith(
        "What you did is kept, but it can't be shown, and what is below is from before"
    )
    assert "internal error (RuntimeError)" in page.text("fault")
    assert page.has("field")
    echo.breaks = None
    echo.refresh()
    assert not page.has("fault")
    assert "in render" in caplog.text
    assert "secret" not in caplog.text


def test_a_page_that_can_not_be_reached_raises_in_no_thread(echo, page, caplog):
    send, echo.send = echo.send, None
    echo.refresh()
    page.type("field", "a")
    echo.send = send
    assert echo.heard == [("field", "input", "a", False)]
    assert "sending what is drawn failed" in caplog.text


def test_half_a_character_is_drawn_as_a_mark_and_breaks_no_message(echo, page):
    page.type("field", "a\ud800b")
    assert echo.heard[0][2] == "a\ud800b"
    echo.render = lambda: box(entry("field", "a\ud800b", title="\udc00"), text("\ud83d"))
    echo.refresh()
    assert page.value("field") == "a\ufffdb"


def test_the_saved_state_holds_the_widgets_code_and_nothing_of_its_content(echo, page):
    page.type("field", "secret@example.com")
    state = json.dumps(echo.get_state(), default=str)
    assert "secret" not in state
    assert all(data.get("method") != "update" for data in echo.comm.sent)


def send(page, key, pieces, *, name="a.csv", offsets=None):
    sent = 0
    for place, piece in enumerate(pieces):
        offset = offsets[place] if offsets else sent
        sent += len(piece)
        page.say(
            {
                "kind": "file",
                "key": key,
                "name": name,
                "offset": offset,
                "last": place == len(pieces) - 1,
                "view": page.view,
            },
            [memoryview(piece)],
        )


def test_a_file_comes_in_pieces_and_each_is_asked_for(echo, page):
    send(page, "f", [b"ab", b"cd", b"e"], name="C:\\fakepath\\people.csv")
    assert echo.files == [("f", "people.csv", b"abcde")]
    assert [content["kind"] for content in page.sent].count("more") == 2


def test_an_empty_file_arrives(echo, page):
    send(page, "f", [b""])
    assert echo.files == [("f", "a.csv", b"")]


def test_pieces_out_of_order_make_no_file(echo, page):
    send(page, "f", [b"ab", b"cd"], offsets=[0, 3])
    assert page.text("fault") == "The file did not arrive whole, so none of it was taken up: choose it again."
    assert page.sent[-2]["kind"] == "enough"
    send(page, "f", [b"cd"], offsets=[2])
    assert echo.files == []
    send(page, "f", [b"ab", b"cd"])
    assert echo.files == [("f", "a.csv", b"abcd")]
    assert not page.has("fault")


def test_files_of_two_views_do_not_mix(echo, page):
    other = Page(echo, "v2")
    common = {"kind": "file", "key": "f", "name": "a.csv"}
    page.say({**common, "offset": 0, "last": False, "view": "v1"}, [b"one "])
    other.say({**common, "offset": 0, "last": False, "view": "v2"}, [b"two "])
    page.say({**common, "offset": 4, "last": True, "view": "v1"}, [b"first"])
    other.say({**common, "offset": 4, "last": True, "view": "v2"}, [b"second"])
    assert [content for _, _, content in echo.files] == [b"one first", b"two second"]


def test_a_file_that_is_too_large_ends_with_a_word_about_a_path(echo, page, monkeypatch):
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 3)
    send(page, "f", [b"abcd", b"e"])
    assert echo.files == []
    assert "enough" in [content["kind"] for content in page.sent]
    page.say({"kind": "file", "key": "f", "offset": 0, "last": False, "view": "v1"}, [b"abcd"])
    assert "give its path" in page.text("fault")


def test_nodes_are_plain_data():
    tree = box(
        text("Head", "h3"),
        None,
        entry("e", "typed", revision=2, aria_label="Name", for_="x"),
        tick("t", "On", value=True),
        button("Go", "g", is_main=True, disabled=True, stamp=3),
        choice("c", "b", [("a", "A"), ("b", "B")]),
        table("Counts", ("Rule", "Rows"), [("r", text("1"))]),
    )
    wire = json.loads(json.dumps(tree.wire()))
    assert [child["t"] for child in wire["c"]] == ["h3", "input", "label", "button", "select", "table"]
    assert wire["c"][1]["a"] == {
        "type": "text",
        "autocomplete": "off",
        "spellcheck": "false",
        "aria-label": "Name",
        "for": "x",
    }
    assert (wire["c"][3]["v"], wire["c"][3]["r"], wire["c"][3]["on"]) == ("3", 3, ["click"])
    assert tree.find("c").value == "b"
    assert tree.find("nowhere") is None
    assert "Counts" in list(tree.texts())
