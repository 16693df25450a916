"""A profile says what is in a table without saying whom it is about, and each thing that it says can be looked up."""

from __future__ import annotations

import datetime as dt
from html.parser import HTMLParser

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit.cleaning import matching, profile
from mbtoolkit.cleaning.profiles import MASKED, PROFILE, pattern_of
from mbtoolkit.errors import FrameError, UsageError

PEOPLE = pl.DataFrame(
    {
        "name": ["Ann Berg", "Bo", "Ann Berg", None, "  ", "Çelik-Åse"],
        "phone": ["+44 7700 900123", "07700 900124", "07700 900125", "", None, "07700 900126"],
        "opted": [True, False, True, True, None, True],
        "born": [dt.date(1990, 1, 31), None, dt.date(1990, 1, 31), None, None, dt.date(2000, 2, 1)],
        "tags": [["a"], [], None, ["b"], ["a"], ["a"]],
    }
)


def line(column, **options):
    return profile(PEOPLE, **options).columns.row(by_predicate=pl.col("column") == column, named=True)


def test_each_column_has_a_line():
    columns = profile(PEOPLE).columns
    assert columns.schema == pl.Schema(PROFILE)
    assert columns["column"].to_list() == PEOPLE.columns
    assert columns["rows"].to_list() == [6] * 5


def test_a_line_counts_what_can_be_seen():
    name = line("name")
    assert (name["filled"], name["distinct"], name["shortest"], name["longest"]) == (4, 3, 2, 9)
    assert (line("opted")["filled"], line("tags")["filled"], line("tags")["distinct"]) == (5, 5, None)


def test_patterns_say_what_cells_look_like():
    assert line("phone")["patterns"] == [
        {"value": "99999 999999", "rows": 3},
        {"value": "+99 9999 999999", "rows": 1},
    ]
    assert line("born")["patterns"] == [{"value": "9999-99-99", "rows": 3}]
    assert line("name")["patterns"] == [
        {"value": "a a", "rows": 2},
        {"value": "a", "rows": 1},
        {"value": "a-a", "rows": 1},
    ]


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("Storgata 5 B", "a 9 a"),
        ("ann@example.com", "a@a.a"),
        ("李小龍", "a"),
        ("a\u0301b", "a"),
        ("Ann\u200bBerg\u00a0X", "a�a�a"),
        ("٣٤", "99"),
        ("-" * 70, "-" * 60 + "…"),
    ],
)
def test_a_pattern(text, pattern):
    assert pl.select(pattern_of(pl.lit(text))).item() == pattern


def test_values_are_masked_until_asked_for():
    said = profile(PEOPLE)
    assert line("name")["commonest"] == [{"value": MASKED, "rows": rows} for rows in (2, 1, 1)]
    assert line("opted")["commonest"] == [{"value": "true", "rows": 4}, {"value": "false", "rows": 1}]
    for text in (repr(said), said._repr_html_(), str(said.columns.to_dicts())):
        assert "Ann" not in text
        assert "900123" not in text
        assert "1990" not in text
    assert line("name", show_values=True)["commonest"][0] == {"value": "Ann Berg", "rows": 2}
    assert "Ann Berg" in profile(PEOPLE, show_values=True)._repr_html_()
    assert "Ann Berg" in repr(profile(PEOPLE, show_values=True))


def test_the_number_of_values_can_be_chosen():
    assert len(line("name", top=1)["commonest"]) == len(line("name", top=1)["patterns"]) == 1


class Tags(HTMLParser):
    """Every tag and attribute of a text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_what_is_in_a_cell_or_a_name_is_never_html():
    wild = ["<script>alert(1)</script>", "'\"><img src=x onerror=alert(1)>", "&amp;", "\x1b[31m", "\u202eabc"]
    frame = pl.DataFrame(dict.fromkeys(wild, wild))
    said = profile(frame, show_values=True, top=10)
    page = said._repr_html_()
    tags = Tags(page)
    assert tags.tags == {"div", "table", "thead", "tbody", "tr", "th", "td", "span", "code", "bdi"}
    assert tags.attributes == {"style", "scope", "aria-hidden"}
    assert "\x1b" not in page + repr(said)
    assert "\u202e" not in page + repr(said)


def test_it_is_shown_in_the_colours_of_the_page():
    page = profile(PEOPLE)._repr_html_()
    assert "var(--jp-ui-font-color1" in page
    assert "color:#" not in page.replace("border-bottom", "").replace("background-color", "")


def test_a_share_is_all_or_nothing_only_if_it_is():
    frame = pl.DataFrame({"a": [None] + ["x"] * 4_999, "b": ["x"] + [None] * 4_999, "c": ["x"] * 5_000})
    assert [line.split(": ")[1].split(" filled")[0] for line in repr(profile(frame)).splitlines()] == [
        "99.9 %",
        "0.1 %",
        "100 %",
    ]


def test_rows_with_a_pattern_or_a_value_are_found():
    assert matching(PEOPLE, "phone", pattern="99999 999999").height == 3
    assert matching(PEOPLE, "phone", pattern="").height == 2
    assert matching(PEOPLE, "name", value="Ann Berg").equals(PEOPLE[[0, 2]])
    assert matching(PEOPLE, "born", value="1990-01-31").height == 2
    assert matching(PEOPLE, "born", value=dt.date(1990, 1, 31)).height == 2
    assert matching(PEOPLE, "born", value=None).height == 3
    assert matching(PEOPLE, "opted", value=False).height == 1


CELLS = st.one_of(st.none(), st.text(max_size=8), st.sampled_from(["Ann 1", "Bo 22", "bo 33"]))


@pytest.mark.slow
@given(st.lists(CELLS, max_size=30))
def test_all_that_a_profile_lists_can_be_looked_up(cells):
    frame = pl.DataFrame({"text": cells}, schema={"text": pl.String})
    found = profile(frame, show_values=True, top=100).columns.row(0, named=True)
    assert sum(each["rows"] for each in found["patterns"]) == found["filled"]
    for each in found["patterns"]:
        assert matching(frame, "text", pattern=each["value"]).height == each["rows"]
    for each in found["commonest"]:
        assert matching(frame, "text", value=each["value"]).height == each["rows"]
    assert matching(frame, "text", pattern="").height == frame.height - found["filled"]


@pytest.mark.parametrize("frame", [pl.DataFrame(), PEOPLE.clear(), PEOPLE.select(pl.lit(None).alias("nothing"))])
def test_frames_without_cells_have_a_profile(frame):
    said = profile(frame)
    assert said.columns.height == frame.width
    assert said._repr_html_().startswith("<div>")
    assert len(repr(said).splitlines()) == frame.width


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: profile(PEOPLE.lazy()), FrameError, "LazyFrame"),
        (lambda: profile(PEOPLE, top=0), UsageError, "top"),
        (lambda: matching(PEOPLE.lazy(), "name", value="x"), FrameError, "LazyFrame"),
        (lambda: matching(PEOPLE, "nme", value="x"), FrameError, "'nme'"),
        (lambda: matching(PEOPLE, "tags", value="x"), FrameError, "'tags'"),
        (lambda: matching(PEOPLE, "name"), UsageError, "pattern"),
        (lambda: matching(PEOPLE, "name", pattern="a", value="x"), UsageError, "pattern"),
    ],
)
def test_a_call_that_cannot_work_is_refused(call, error, said):
    with pytest.raises(error, match=said):
        call()
