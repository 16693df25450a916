"""`Edits`: what is typed becomes cells by the rules, can be undone, and can be had as code."""

from __future__ import annotations

import os
from typing import Optional

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from mbtoolkit.errors import FrameError, UsageError
from mbtoolkit.recipes import (
    ApplySuggestions,
    CleanText,
    MergeDuplicates,
    NormalizeCountry,
    NormalizeDate,
    NormalizeEmail,
    NormalizeOptIn,
    NormalizePhone,
)
from mbtoolkit.schemas import STATUS_DTYPE, ContactSchema
from mbtoolkit.schemas.conform import conform
from mbtoolkit.sessions.editing import Edits, View
from mbtoolkit.sessions.editing.edits import Touched
from mbtoolkit.validation import validate_contacts

ISSUE = ["row", "column", "rule"]
EXAMPLES = 60 if os.environ.get("MBTOOLKIT_FULL") else 15


@pytest.fixture
def messy() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "contact_id": ["1", "two", None, "4"],
            "email": ["ann@example.com", "bob", "cy\u200bd@example.com", "ANN@example.com"],
            "mobile_country_code": [47, 47, None, None],
            "mobile_number": pl.Series([93454496, None, None, None], dtype=pl.Int64),
            "email_opt_in": ["yes", "no", "perhaps", None],
            "property:City": ["Oslo", "Bergen", None, " Hamar "],
            "note": ["a", "b", "c", "d"],
            "bought": [1.5, 2.5, 3.5, 4.5],
        }
    )


def after(edits: Edits, row: int, *columns: str):
    return edits.contacts.select(columns).row(row)


def run(code: str, contacts: pl.DataFrame) -> pl.DataFrame:
    names = {"contacts": contacts}
    exec(code, names)
    return names["contacts"]


def test_before_any_edit_the_contacts_are_the_conformed_frame(messy):
    edits = Edits(messy)
    assert edits.contacts.equals(conform(messy))
    assert edits.changes.is_empty()
    assert edits.issues.select(ISSUE).equals(validate_contacts(messy).issues.select(ISSUE))


@pytest.mark.parametrize(
    ("column", "text", "cell"),
    [
        pytest.param("contact_id", " 42 ", 42, id="number"),
        pytest.param("email", "new@example.com", "new@example.com", id="text"),
        pytest.param("email_opt_in", "Ja", True, id="consent in words"),
        pytest.param("mobile_country_code", "+46", 46, id="calling code"),
        pytest.param("property:City", " Voss ", " Voss ", id="spaces are kept"),
        pytest.param("note", "x\ny", "x\ny", id="a column that the toolkit does not know"),
        pytest.param("note", "\ud800", "\\ud800", id="half a character is written out"),
        pytest.param("note", " \u200b ", None, id="blank in such a column"),
        pytest.param("email", "", None, id="blank"),
    ],
)
def test_what_is_typed_is_converted_by_the_rules(messy, column, text, cell):
    edits = Edits(messy)
    edits.edit(0, column, text)
    assert after(edits, 0, column) == (cell,)


@pytest.mark.parametrize(
    ("column", "text", "note"),
    [
        pytest.param("contact_id", "abc", "not_an_integer: abc", id="letters"),
        pytest.param("email_opt_in", "maybe", "not_yes_or_no: maybe", id="no consent word"),
        pytest.param("mobile_number", "call me", "phone_unreadable: call me", id="no phone"),
        pytest.param("mobile_number", "93454496 / 93454497", "phone_several: 93454496 / 93454497", id="two phones"),
        pytest.param("email", "\ud800x", "not_unicode: \\ud800x", id="half a character"),
        pytest.param("mobile_number", "\ud800", "not_unicode: \\ud800", id="half a character as a phone"),
    ],
)
def test_what_can_not_be_converted_is_kept(messy, column, text, note):
    edits = Edits(messy)
    edits.edit(0, column, text)
    assert after(edits, 0, column, f"unread:{column}") == (None, note)
    issue = edits.issues.filter((pl.col("row") == 0) & (pl.col("column") == column))
    assert note.split(":")[0] in issue["rule"].to_list()
    shown = edits.texts(pl.Series([0]))[0, [shown.name for shown in edits.columns].index(column)]
    assert shown == note.split(": ", 1)[1]


def test_a_phone_with_its_country_code_fills_both_cells_in_one_step(messy):
    edits = Edits(messy)
    edits.edit(2, "mobile_number", "+46 70 174 06 05")
    assert after(edits, 2, "mobile_country_code", "mobile_number") == (46, 701740605)
    edits.undo()
    assert after(edits, 2, "mobile_country_code", "mobile_number") == (None, None)


def test_a_phone_with_another_country_code_replaces_the_old_one(messy):
    edits = Edits(messy)
    edits.edit(0, "mobile_number", "0046 70-174 06 05")
    assert after(edits, 0, "mobile_country_code", "mobile_number") == (46, 701740605)


def test_a_local_phone_takes_the_country_code_of_its_row(messy):
    edits = Edits(messy)
    edits.edit(1, "mobile_number", "934 54 496")
    assert after(edits, 1, "mobile_country_code", "mobile_number") == (47, 93454496)


def test_a_phone_that_waited_for_its_country_code_is_read_when_that_is_typed(messy):
    edits = Edits(messy)
    edits.edit(2, "mobile_number", "934 54 496")
    assert after(edits, 2, "unread:mobile_number") == ("country_code_missing: 934 54 496",)
    edits.edit(2, "mobile_country_code", "47")
    assert after(edits, 2, "mobile_country_code", "mobile_number") == (47, 93454496)
    assert "unread:mobile_number" not in edits.contacts.columns


def test_a_country_code_that_may_not_be_edited_is_not_filled_by_a_phone(messy):
    edits = Edits(messy, read_only=["mobile_country_code"])
    edits.edit(0, "mobile_number", "+46 70 174 06 05")
    assert after(edits, 0, "mobile_country_code", "mobile_number") == (47, None)


@pytest.mark.slow
def test_filling_or_emptying_an_unread_cell_takes_its_note_away(messy):
    edits = Edits(messy)
    edits.edit(1, "contact_id", "2")
    edits.edit(2, "email_opt_in", "")
    assert not [name for name in edits.contacts.columns if name.startswith("unread:")]


@pytest.mark.slow
def test_the_row_is_judged_at_once(messy):
    edits = Edits(messy)
    edits.edit(1, "email", "bob@example.com")
    assert edits.issues.filter((pl.col("row") == 1) & (pl.col("column") == "email")).is_empty()
    edits.edit(0, "email", "ann@")
    assert "email_syntax" in edits.issues.filter(pl.col("row") == 0)["rule"].to_list()


@pytest.mark.slow
def test_rules_across_rows_stand_until_the_frame_is_judged_anew(messy):
    edits = Edits(messy)
    twice = edits.issues.filter(pl.col("rule") == "duplicate_identifier")["row"].to_list()
    assert twice == [0, 3]
    edits.edit(3, "email", "dora@example.com")
    assert edits.issues.filter(pl.col("rule") == "duplicate_identifier")["row"].to_list() == [0, 3]
    assert "duplicate_identifier" not in edits.revalidate()["rule"].to_list()


def test_a_suggestion_mends_the_cell(messy):
    edits = Edits(messy)
    assert edits.suggestion(2, "email") == "cyd@example.com"
    edits.apply_suggestion(2, "email")
    assert after(edits, 2, "email") == ("cyd@example.com",)
    with pytest.raises(UsageError, match="no suggestion"):
        edits.apply_suggestion(2, "email")


def test_all_suggestions_are_one_step(messy):
    edits = Edits(
        messy.with_columns(
            email=pl.Series(["a\u200b@example.com", "bob", "cy\u200bd@example.com", "d@example.com"]),
            mobile_country_code=pl.Series([47, None, None, None]),
        )
    )
    assert edits.suggestion_count == 2
    assert edits.suggestions.rows() == [
        (0, "email", "a\u200b@example.com", "a@example.com"),
        (2, "email", "cy\u200bd@example.com", "cyd@example.com"),
    ]
    assert edits.apply_suggestions() == Touched((0, 2), ("email",))
    assert edits.contacts["email"].to_list() == ["a@example.com", "bob", "cyd@example.com", "d@example.com"]
    assert (edits.suggestion_count, edits.apply_suggestions()) == (0, Touched())
    edits.undo()
    assert edits.changes.is_empty()
    assert not edits.can_undo


def test_suggestions_for_columns_that_may_not_be_edited_are_left_alone(messy):
    edits = Edits(messy, read_only=["email", "mobile_country_code"])
    assert edits.issues["suggestion"].null_count() < edits.issues.height
    assert (edits.suggestion_count, edits.suggestions.height) == (0, 0)
    assert edits.apply_suggestions() == Touched()


@pytest.mark.parametrize("read_only", [[], ["email"]])
def test_the_code_mends_what_was_mended_and_no_column_that_was_held(messy, read_only):
    edits = Edits(messy, read_only=read_only)
    assert edits.apply_suggestions().rows
    assert run(edits.code, messy).equals(edits.contacts)
    assert ("apply_suggestions" in edits.code) == (not read_only)


def test_an_empty_suggestion_empties_the_cell(messy):
    edits = Edits(messy)
    assert edits.suggestions.filter(pl.col("row") == 1).rows() == [(1, "mobile_country_code", "47", "")]
    edits.apply_suggestions()
    assert edits.contacts["mobile_country_code"].to_list() == [47, None, None, None]


def test_a_cell_with_two_suggestions_gets_the_one_that_is_told(messy, monkeypatch):
    edits = Edits(messy)
    suggested, count = edits.issues.filter(pl.col("suggestion").is_not_null()), edits.suggestion_count
    other = suggested.with_columns(suggestion=pl.lit("other@example.com"))
    monkeypatch.setattr(edits, "_issues", pl.concat([edits.issues, other]))
    assert edits.suggestion_count == edits.suggestions.height == count
    told = edits.suggestion(2, "email")
    edits.apply_suggestions()
    assert edits.contacts["email"][2] == told == "cyd@example.com"


class TestColumns:
    def test_a_profile_is_over_the_cells_as_they_are_seen(self, messy):
        line = Edits(messy).profile("email_opt_in", show_values=True).columns.row(0, named=True)
        assert (line["type"], line["rows"], line["filled"], line["distinct"]) == ("Boolean", 4, 3, 3)
        assert {each["value"] for each in line["commonest"]} == {"yes", "no", "perhaps"}
        assert Edits(messy).profile("contact_id").columns["patterns"].to_list() == [
            [{"value": "9", "rows": 2}, {"value": "a", "rows": 1}]
        ]

    def test_values_are_masked_until_asked_for(self, messy):
        assert "ann" not in repr(Edits(messy).profile("email").columns.to_dicts()).lower()

    @pytest.mark.parametrize("name", ["^.*$", "*", ""])
    def test_a_name_that_polars_takes_for_a_pattern(self, name):
        edits = Edits(pl.DataFrame({"note": ["x", "y"], name: ["a", None]}))
        assert edits.profile(name, show_values=True).columns["commonest"].to_list() == [[{"value": "a", "rows": 1}]]
        assert edits.view(View(column=name, value="a")).to_list() == [0]
        assert edits.spellings(name).is_empty()

    def test_spellings_are_those_of_text_that_says_nothing_of_who_it_is(self):
        spelt = ["Oslo", "oslo", "Oslo", "Bergen"]
        frame = pl.DataFrame({"email": spelt, "property:City": spelt, "held": spelt, "number": [1, 1, 2, 3]})
        edits = Edits(frame, read_only=["held"])
        assert edits.spellings("property:City").rows() == [("Oslo", 2, 0, "Oslo"), ("oslo", 1, 0, "Oslo")]
        assert [edits.spellings(name).height for name in ("email", "held", "number")] == [0, 0, 0]

    def test_a_column_that_is_not_there(self, messy):
        edits = Edits(messy)
        for ask in (edits.profile, edits.spellings, lambda name: edits.view(View(column=name, value="x"))):
            with pytest.raises(UsageError, match="no column 'nothing'"):
                ask("nothing")


@pytest.mark.slow
def test_a_block_is_one_step(messy):
    edits = Edits(messy)
    touched = edits.edit_block(
        [3, 1], ["email", "mobile_number"], [["d@example.com", "+46701740605"], ["b@example.com", ""]]
    )
    assert touched.rows == (1, 3)
    assert after(edits, 3, "email", "mobile_country_code", "mobile_number") == ("d@example.com", 46, 701740605)
    assert after(edits, 1, "email") == ("b@example.com",)
    edits.undo()
    assert edits.contacts.equals(conform(messy))
    assert not edits.can_undo
    edits.redo()
    assert after(edits, 3, "email") == ("d@example.com",)


def test_an_edit_that_changes_nothing_is_no_step(messy):
    edits = Edits(messy)
    assert edits.edit(0, "email", "ann@example.com") == Touched()
    assert edits.edit(1, "contact_id", "two") == Touched()
    assert not edits.can_undo


def test_a_new_edit_ends_what_could_be_redone(messy):
    edits = Edits(messy)
    edits.edit(0, "note", "x")
    edits.undo()
    assert edits.can_redo
    edits.edit(0, "note", "y")
    assert not edits.can_redo
    assert edits.redo() == Touched()


def test_changes_are_net_and_as_shown(messy):
    edits = Edits(messy)
    edits.edit(0, "note", "x")
    edits.edit(0, "note", "a")
    edits.edit(0, "email_opt_in", "no")
    edits.edit(1, "contact_id", "2")
    assert edits.changes.rows() == [(0, "email_opt_in", "yes", "no"), (1, "contact_id", "two", "2")]
    assert edits.change_count == 2


def test_an_own_column_whose_name_begins_like_those_of_results_is_edited(messy):
    edits = Edits(messy.with_columns(pl.lit("x").alias("mb_note")))
    edits.edit(0, "mb_note", "y")
    assert edits.contacts["mb_note"][0] == "y"


@pytest.mark.parametrize(
    ("column", "match"),
    [
        pytest.param("bought", "may not be edited", id="holds no text"),
        pytest.param("note", "may not be edited", id="named as read-only"),
        pytest.param("mb_row", "may not be edited", id="the toolkit's own"),
        pytest.param("^.*$", "may not be edited", id="a name that polars takes for a pattern"),
        pytest.param("nothing", "no column", id="not there"),
        pytest.param("unread:contact_id", "no column", id="kept for another column"),
    ],
)
def test_columns_that_may_not_be_edited(messy, column, match):
    frame = messy.with_columns(pl.lit(7).alias("mb_row"), pl.lit("x").alias("^.*$"))
    edits = Edits(frame, read_only=["note"])
    with pytest.raises(UsageError, match=match):
        edits.edit(0, column, "x")
    assert edits.contacts.equals(conform(frame))


@pytest.mark.parametrize("row", [-1, 4, True, "0", 1.0])
def test_rows_that_are_not_there(messy, row):
    with pytest.raises(UsageError, match="no row"):
        Edits(messy).edit(row, "note", "x")


@pytest.mark.parametrize("texts", [[["a"]], [["a", "b"], ["c"]], []])
def test_a_block_needs_a_text_for_each_cell(messy, texts):
    with pytest.raises(UsageError, match="one text for each cell"):
        Edits(messy).edit_block([0, 1], ["note", "email"], texts)


def test_a_block_names_a_cell_once(messy):
    with pytest.raises(UsageError, match="once"):
        Edits(messy).edit_block([0, 0], ["note"], [["a"], ["b"]])


@pytest.mark.parametrize("frame", [None, {"email": []}, pl.LazyFrame({"email": []})], ids=["none", "dict", "lazy"])
def test_only_a_frame_can_be_edited(frame):
    with pytest.raises(FrameError, match="polars DataFrame"):
        Edits(frame)


def test_read_only_columns_have_to_be_there(messy):
    with pytest.raises(FrameError, match="'emial'"):
        Edits(messy, read_only=["emial"])


def test_a_check_that_raises_leaves_everything_as_it_was():
    class Strange(ContactSchema):
        @pa.check("email", name="strange")
        def _strange(cls, data) -> pl.LazyFrame:
            if data.lazyframe.collect()["email"].str.contains("boom").any():
                raise RuntimeError("no")
            return data.lazyframe.select(pl.lit(value=True))

    edits = Edits(pl.DataFrame({"email": ["a@example.com"]}), schema=Strange)
    with pytest.raises(UsageError, match="strange"):
        edits.edit(0, "email", "boom@example.com")
    assert edits.contacts["email"].to_list() == ["a@example.com"]
    assert not edits.can_undo
    assert edits.changes.is_empty()


def test_rules_of_ones_own_judge_edits_too():
    class Shoes(ContactSchema):
        shoe: Optional[pl.String] = pa.Field(alias="property:Shoe", str_matches=r"^[0-9]{2}$", nullable=True)

    edits = Edits(pl.DataFrame({"contact_id": [1], "property:Shoe": ["42"]}), schema=Shoes)
    edits.edit(0, "property:Shoe", "big")
    assert edits.issues["column"].to_list() == ["property:Shoe"]


def test_the_invalid_rows_of_a_validation_can_be_mended(messy):
    invalid = validate_contacts(messy).invalid
    edits = Edits(invalid)
    assert "mb_row" in [column.name for column in edits.columns]
    place = invalid["contact_id"].is_null().arg_true()[0]
    edits.edit(place, "contact_id", "2")
    assert edits.contacts["mb_row"].equals(invalid["mb_row"])
    assert run(edits.code, invalid).equals(edits.contacts)


def test_a_results_frame_is_shown_with_what_became_of_each_row_and_can_be_mended():
    told = {
        "mb_row": pl.Series([4], dtype=pl.Int64),
        "mb_status": pl.Series(["rejected"], dtype=STATUS_DTYPE),
        "mb_message": ["no such property"],
        "mb_invalid_properties": [["City", "Shoe size"]],
    }
    results = pl.DataFrame({"contact_id": [1], "property:City": ["Oslo"], **told})
    edits = Edits(results)
    assert edits.texts(pl.Series([0])).row(0) == ("1", "Oslo", "4", "rejected", "no such property", "City; Shoe size")
    assert [column.read_only for column in edits.columns] == [False, False, True, True, True, True]
    edits.edit(0, "property:City", "")
    assert edits.contacts.drop("property:City").equals(results.drop("property:City"))
    assert run(edits.code, results).equals(edits.contacts)


def test_nothing_of_a_contact_is_in_the_repr(messy):
    edits = Edits(messy)
    edits.edit(0, "email", "secret@example.com")
    assert "example" not in repr(edits)
    assert "1 changes" in repr(edits)


class TestViews:
    def test_all_rows(self, messy):
        assert Edits(messy).view().to_list() == [0, 1, 2, 3]

    @pytest.mark.parametrize(
        ("search", "rows"),
        [
            pytest.param("oslo", [0], id="any case"),
            pytest.param("ann@", [0, 3], id="several"),
            pytest.param("PERHAPS", [2], id="unread text"),
            pytest.param("not_yes", [], id="but not the rule's code"),
            pytest.param("3.5", [2], id="a number"),
            pytest.param(".*", [], id="taken literally"),
            pytest.param("yes", [0], id="consent as it is shown"),
        ],
    )
    def test_search(self, messy, search, rows):
        assert Edits(messy).view(View(search=search)).to_list() == rows

    def test_rows_with_issues_and_rows_of_one_rule(self, messy):
        edits = Edits(messy)
        assert edits.view(View(rows="issues")).to_list() == [0, 1, 2, 3]
        assert edits.view(View(rule="email_syntax")).to_list() == [1]

    @pytest.mark.parametrize(
        ("choice", "rows"),
        [
            pytest.param({"column": "email", "value": "ANN@example.com"}, [3], id="a value in its own case"),
            pytest.param({"column": "email", "value": "ANN"}, [], id="not a part of it"),
            pytest.param({"column": "email", "pattern": "a@a.a"}, [0, 3], id="a pattern"),
            pytest.param({"column": "email_opt_in", "value": "perhaps"}, [2], id="unread text"),
            pytest.param({"column": "email_opt_in", "value": "no"}, [1], id="consent as it is shown"),
            pytest.param({"column": "contact_id", "value": ""}, [2], id="a blank cell by value"),
            pytest.param({"column": "contact_id", "pattern": ""}, [2], id="and by pattern"),
            pytest.param({"column": "bought", "value": "3.5"}, [2], id="a number"),
            pytest.param({"column": "email", "pattern": "a@a.a", "rule": "email_case"}, [], id="with a rule"),
            pytest.param({"column": "email", "pattern": "a@a.a", "search": "oslo"}, [0], id="and a search"),
            pytest.param(
                {"column": "email", "pattern": "a@a.a", "sort": "note", "descending": True}, [3, 0], id="sorted"
            ),
        ],
    )
    def test_rows_by_a_cell(self, messy, choice, rows):
        assert Edits(messy).view(View(**choice)).to_list() == rows

    @pytest.mark.parametrize("choice", [{"column": "a"}, {"value": "x"}, {"column": "a", "value": "x", "pattern": "a"}])
    def test_half_a_choice_of_cells_is_refused(self, choice):
        with pytest.raises(UsageError, match="one of value and pattern"):
            View(**choice)

    def test_changed_rows(self, messy):
        edits = Edits(messy)
        assert edits.view(View(rows="changed")).to_list() == []
        edits.edit(1, "contact_id", "zwei")
        assert edits.view(View(rows="changed")).to_list() == [1]

    def test_a_mended_row_stays_until_the_view_is_asked_for_anew(self, messy):
        edits = Edits(messy)
        rows = edits.view(View(rule="email_syntax"))
        edits.edit(1, "email", "bob@example.com")
        assert rows.to_list() == [1]
        assert edits.view(View(rule="email_syntax")).to_list() == []

    @pytest.mark.parametrize(
        ("column", "descending", "rows"),
        [
            pytest.param("contact_id", False, [0, 3, 1, 2], id="numbers by size, unread text after them, blanks last"),
            pytest.param("contact_id", True, [3, 0, 1, 2], id="from the largest, blanks last"),
            pytest.param("property:City", False, [3, 1, 0, 2], id="text"),
            pytest.param("email", False, [0, 3, 1, 2], id="text in any case, ties in the frame's order"),
            pytest.param("bought", True, [3, 2, 1, 0], id="a column that the toolkit does not know"),
        ],
    )
    def test_sorted(self, messy, column, descending, rows):
        assert Edits(messy).view(View(sort=column, descending=descending)).to_list() == rows

    def test_sorting_by_a_column_that_is_not_there(self, messy):
        with pytest.raises(UsageError, match="no column"):
            Edits(messy).view(View(sort="nothing"))

    def test_the_next_issue_goes_round(self, messy):
        edits = Edits(messy)
        rows = edits.view()
        seen, at = [], (-1, None)
        for _ in range(edits.issues.height + 1):
            at = edits.next_issue(rows, *at)
            seen.append(at)
        cells = edits.issues.select("row", "column").unique().height
        assert len(set(seen)) == cells
        assert seen[cells] == seen[0]
        back = edits.next_issue(rows, *seen[1], forward=False)
        assert back == seen[0]
        assert edits.next_issue(rows, *seen[0], forward=False) == seen[cells - 1]

    def test_no_next_issue_where_there_is_none(self):
        edits = Edits(pl.DataFrame({"contact_id": [1]}))
        assert edits.next_issue(edits.view(), -1, None) is None

    def test_an_issue_of_the_whole_row_stands_before_its_cells(self):
        edits = Edits(pl.DataFrame({"property:City": ["Oslo"]}))
        assert edits.next_issue(edits.view(), -1, None) == (0, None)

    def test_nested_properties_are_shown_and_can_be_searched(self):
        nested = [[{"property_name": "City", "property_value": "Oslo"}], None]
        edits = Edits(pl.DataFrame({"contact_id": [1, 2], "property_fields": nested}))
        assert edits.texts(pl.Series([0, 1]))["1"].to_list() == ["City: Oslo", None]
        assert edits.view(View(search="oslo")).to_list() == [0]


COLUMNS = ["contact_id", "email", "mobile_country_code", "mobile_number", "email_opt_in", "property:City", "note"]
TEXTS = st.one_of(
    st.sampled_from(
        ["", " ", "7", "007", "1.5", "yes", "maybe", "a@example.com", "+47 934 54 496", "934 54 496", "47"]
    ),
    st.text(max_size=4),
)
EDIT = st.tuples(st.just("edit"), st.integers(0, 3), st.sampled_from(COLUMNS), TEXTS)
STEPS = st.lists(st.one_of(EDIT, st.just(("undo",)), st.just(("redo",)), st.just(("revalidate",))), max_size=12)


def start() -> pl.DataFrame:
    cells = {"contact_id": ["1", "x"], "email_opt_in": ["yes", "?"], "note": ["a", None], "email": [None, "b"]}
    frame = pl.DataFrame({name: [*values, None, None] for name, values in cells.items()})
    empty = [
        pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in {
            "mobile_country_code": pl.Int32,
            "mobile_number": pl.Int64,
            "property:City": pl.String,
        }.items()
    ]
    return frame.with_columns(empty)


def cells_of(frame: pl.DataFrame):
    names = [*COLUMNS, *(f"unread:{name}" for name in COLUMNS[:-1])]
    return {name: frame[name].to_list() if name in frame.columns else [None] * frame.height for name in names}


@pytest.mark.slow
@given(STEPS)
@settings(max_examples=EXAMPLES)
def test_any_order_of_edits_undo_and_redo_ends_where_a_list_of_snapshots_does(steps):
    edits = Edits(start())
    snapshots, at = [cells_of(edits.contacts)], 0
    for kind, *arguments in steps:
        if kind == "edit":
            if edits.edit(*arguments).rows:
                snapshots[at + 1 :] = [cells_of(edits.contacts)]
                at += 1
        elif kind == "revalidate":
            edits.revalidate()
        else:
            getattr(edits, kind)()
            at = max(at - 1, 0) if kind == "undo" else min(at + 1, len(snapshots) - 1)
        assert cells_of(edits.contacts) == snapshots[at]
        assert edits.can_undo == (at > 0)
        assert edits.can_redo == (at < len(snapshots) - 1)


@pytest.mark.slow
@given(STEPS)
@settings(max_examples=EXAMPLES)
def test_the_code_makes_the_same_frame_and_the_issues_are_those_of_a_validation(steps):
    edits = Edits(start())
    for kind, *arguments in steps:
        getattr(edits, kind)(*arguments)
    assert run(edits.code, start()).equals(edits.contacts)
    assert edits.contacts.height == 4
    known = validate_contacts(edits.contacts).issues
    assert edits.revalidate().sort("row", "column", "rule").equals(known.sort("row", "column", "rule"))


@pytest.mark.slow
@given(STEPS)
@settings(max_examples=EXAMPLES)
def test_a_row_is_judged_after_an_edit_as_a_validation_judges_it(steps):
    across = pl.col("rule").is_in(["duplicate_identifier", "consent_conflict", "joins_contacts"])
    edits = Edits(start())
    for kind, *arguments in steps:
        getattr(edits, kind)(*arguments)
    known = validate_contacts(edits.contacts).issues.filter(~across).sort("row", "column", "rule")
    assert edits.issues.filter(~across).sort("row", "column", "rule").equals(known)


@pytest.mark.slow
@given(STEPS)
@settings(max_examples=EXAMPLES)
def test_typing_the_changes_into_the_given_frame_gives_the_same_values(steps):
    edits = Edits(start())
    for kind, *arguments in steps:
        getattr(edits, kind)(*arguments)
    again = Edits(start())
    for row, column, _, text in edits.changes.iter_rows():
        again.edit(row, column, text or "")
    columns = [name for name in COLUMNS if not name.startswith("mobile")]
    assert again.contacts.select(columns).equals(edits.contacts.select(columns))


@pytest.mark.slow
@given(STEPS, st.sampled_from(COLUMNS))
@settings(max_examples=EXAMPLES)
def test_the_rows_of_what_a_profile_counts_are_as_many_and_all_of_them(steps, column):
    edits = Edits(start())
    for kind, *arguments in steps:
        getattr(edits, kind)(*arguments)
    line = edits.profile(column, show_values=True, top=9).columns.row(0, named=True)
    blank = edits.view(View(column=column, value="")).to_list()
    for kind, counts in (("value", line["commonest"]), ("pattern", line["patterns"])):
        found = [edits.view(View(column=column, **{kind: each["value"]})).to_list() for each in counts]
        assert [len(rows) for rows in found] == [each["rows"] for each in counts]
        assert sorted([row for rows in found for row in rows] + blank) == list(range(4))


@pytest.mark.slow
@given(st.lists(st.sampled_from(["a@example.com", "a\u200b@example.com", " a@example.com", "b", None]), min_size=1))
@settings(max_examples=EXAMPLES)
def test_applying_all_suggestions_is_typing_each_of_them(emails):
    frame = pl.DataFrame({"email": pl.Series(emails, dtype=pl.String)})
    edits, by_hand = Edits(frame), Edits(frame)
    told = edits.suggestions
    edits.apply_suggestions()
    for row, column, _, text in told.iter_rows():
        by_hand.edit(row, column, text)
    assert edits.contacts.equals(by_hand.contacts)
    assert edits.issues.sort(ISSUE).equals(by_hand.issues.sort(ISSUE))
    assert len(told) == told.select("row", "column").n_unique()


def test_a_frame_without_rows_has_nothing_to_edit():
    edits = Edits(pl.DataFrame(schema={"email": pl.String}))
    assert edits.view().to_list() == []
    with pytest.raises(UsageError, match="no row"):
        edits.edit(0, "email", "x")


def test_code_of_no_edits_says_so():
    edits = Edits(pl.DataFrame({"email": ["a@example.com"]}))
    assert edits.code == "# nothing was changed"


@pytest.mark.parametrize("text", ["it's", 'say "x"', "back\\slash", "line\nend", "{brace}", "\u202e", "'); boom('"])
def test_code_quotes_any_text(text):
    frame = pl.DataFrame({'property:it\'s "x"': ["a", "b"]})
    edits = Edits(frame)
    edits.edit(1, 'property:it\'s "x"', text)
    assert run(edits.code, frame).equals(edits.contacts)


class TestSteps:
    """Repairs of whole columns amid cells that are mended by hand."""

    def test_a_repair_is_one_step_to_undo(self, messy):
        edits = Edits(messy)
        touched = edits.clean(CleanText("property:City"))
        assert touched == Touched((3,), ("property:City",))
        assert edits.contacts["property:City"].to_list() == ["Oslo", "Bergen", None, "Hamar"]
        edits.undo()
        assert edits.changes.is_empty()
        edits.redo()
        assert edits.change_count == 1

    @pytest.mark.slow
    def test_cells_that_can_not_be_read_are_counted(self, messy):
        assert Edits(messy).clean(NormalizeOptIn("email_opt_in", yes=["perhaps"])) == Touched((2,), ("email_opt_in",))
        assert Edits(messy).clean(NormalizeOptIn("email_opt_in")) == Touched(unread=1)
        assert Edits(messy).clean(NormalizeCountry("property:City")) == Touched(unread=3)

    def test_only_steps_that_keep_rows_and_columns_fit(self, messy):
        with pytest.raises(UsageError, match="keeps every row"):
            Edits(messy).clean(MergeDuplicates())
        with pytest.raises(UsageError, match="there is no column"):
            Edits(messy).clean(CleanText("property:Town"))
        with pytest.raises(UsageError, match="may not be edited"):
            Edits(messy, read_only=["note"]).clean(CleanText("note"))

    @pytest.mark.slow
    def test_the_recipe_has_each_repair_and_all_between_two_as_one_step(self, messy):
        edits = Edits(messy)
        edits.edit(0, "note", "x")
        edits.edit(0, "note", "y")
        edits.clean(CleanText("property:City"))
        edits.edit(1, "email", "bob@example.com")
        edits.apply_suggestions()
        edits.edit(1, "note", "z")
        edits.undo()
        assert [step.do for step in edits.recipe.steps] == [
            "edit_cells", "clean_text", "edit_cells", "apply_suggestions",
        ]  # fmt: skip
        assert [count for _, count in edits.steps] == [1, 1, 1, 2]
        (cell,) = edits.recipe.steps[0].cells
        assert (cell.row, cell.column, cell.before, cell.after) == (0, "note", "a", "y")

    @pytest.mark.slow
    @settings(max_examples=EXAMPLES)
    @given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(COLUMNS), TEXTS), max_size=4))
    def test_recipe_and_code_make_the_same_frame(self, made):
        edits = Edits(start())
        for place, (row, column, text) in enumerate(made):
            edits.edit(row, column, text)
            if place == 1:
                edits.clean(CleanText("property:City"))
            if place == 2:
                edits.apply_suggestions()
        assert_frame_equal(edits.recipe.run(conform(start())).contacts, edits.contacts, check_column_order=False)
        assert_frame_equal(run(edits.code, start()), edits.contacts, check_column_order=False)


@pytest.mark.slow
def test_a_step_that_empties_what_was_unread_is_done(messy):
    edits = Edits(messy)
    edits.clean(ApplySuggestions())

    assert after(edits, 2, "email") == ("cyd@example.com",)
    assert run(edits.code, messy).equals(edits.contacts)


@pytest.mark.slow
def test_a_step_that_would_change_a_column_that_may_not_be_edited_is_refused(messy):
    edits = Edits(messy, read_only=["email"])

    with pytest.raises(UsageError, match="'email', which may not be edited"):
        edits.clean(ApplySuggestions())
    assert edits.contacts.equals(conform(messy))


def test_a_step_that_is_off_does_nothing(messy):
    assert Edits(messy).clean(CleanText("property:City", is_on=False)) == Touched()


def test_the_recipe_keeps_the_country_code_of_a_number_that_was_mended_by_hand():
    given = conform(pl.DataFrame({"mobile_country_code": [None], "mobile_number": ["+46 70 174 06 05"]}))
    edits = Edits(given)
    edits.edit(0, "mobile_number", "+47 934 54 496")

    assert edits.recipe.run(given).contacts.equals(edits.contacts)


STATES = {
    "contact_id": ["1", "#3", "4.0", "two", None],
    "mobile_country_code": ["47", "+47", "Norge", "no", "0", None],
    "mobile_number": ["93454496", "934 54 496", "+47 934 54 496", "+46 70 174 06 05", "x", "93454496 / 93454496", None],
    "email": ["a@example.com", "b@@example.com", "ann@example,com", "cy\u200bd@example.com", "x", None],
    "email_opt_in": ["yes", "maybe", None],
    "property:City": ["Oslo", " oslo ", "31.3.2026", None],
    "note": ["Oslo", " a ", None],
}
STEPS = [
    CleanText("property:City"),
    NormalizeDate("property:City", "dmy"),
    NormalizeEmail("email"),
    NormalizePhone("mobile_number", "NO"),
    NormalizeOptIn("email_opt_in"),
    ApplySuggestions(),
]
actions = st.one_of(
    st.sampled_from(sorted(STATES)).flatmap(
        lambda name: st.tuples(
            st.just("edit"),
            st.integers(0, 1),
            st.just(name),
            st.sampled_from(STATES[name]).map(lambda text: text or ""),
        )
    ),
    st.sampled_from(STEPS).map(lambda step: ("clean", step)),
    st.sampled_from([("apply_suggestions",), ("undo",), ("redo",)]),
)


@pytest.mark.slow
@settings(max_examples=EXAMPLES)
@given(
    st.fixed_dictionaries(
        {name: st.lists(st.sampled_from(texts), min_size=2, max_size=2) for name, texts in STATES.items()}
    ),
    st.lists(actions, max_size=6),
)
def test_whatever_is_done_can_be_undone_and_had_as_code_and_as_a_recipe(cells, done):
    given_ = pl.DataFrame(cells, schema=dict.fromkeys(STATES, pl.String))
    edits = Edits(given_)
    states, at = [edits.contacts], 0
    for name, *arguments in done:
        may_redo = edits.can_redo
        touched = getattr(edits, name)(*arguments)
        if name == "undo":
            at = max(0, at - 1)
        elif name == "redo":
            at += may_redo
        elif touched.rows:
            at += 1
            states[at:] = [edits.contacts]
        assert edits.contacts.equals(states[at])
    order = sorted(edits.contacts.columns)
    assert run(edits.code, given_).select(order).equals(edits.contacts.select(order))
    assert edits.recipe.run(conform(given_)).contacts.select(order).equals(edits.contacts.select(order))


def test_the_code_mends_no_more_than_a_schema_of_ones_own_suggested():
    class Lenient(ContactSchema):
        @pa.check("email", name="email_syntax")
        def _email_syntax(cls, data) -> pl.LazyFrame:
            return data.lazyframe.select(pl.col(data.key).str.contains("@").fill_null(value=True))

    given_ = pl.DataFrame({"contact_id": ["#1", "2"], "email": ["ann@example.com", "bo@@example.com"]})
    edits = Edits(given_, schema=Lenient)
    edits.apply_suggestions()

    assert edits.contacts.select("contact_id", "email").rows() == [(1, "ann@example.com"), (2, "bo@@example.com")]
    assert run(edits.code, given_).equals(edits.contacts)


def test_the_recipe_leaves_a_number_unread_that_the_code_entered_beside_it_does_not_fit():
    given_ = pl.DataFrame(
        {"mobile_country_code": [None], "mobile_number": [None], "unread:mobile_number": ["country_code_missing: 1"]}
    )
    edits = Edits(given_)
    edits.edit(0, "mobile_country_code", "47")

    assert edits.contacts["mobile_number"].to_list() == [None]
    assert edits.recipe.run(conform(given_)).contacts.equals(edits.contacts)


@pytest.mark.slow
@pytest.mark.parametrize(
    "cells",
    [
        pytest.param(pl.Series("^a$", ["x", "y"]), id="a name like a pattern"),
        pytest.param(pl.Series("o", [{1}, {2}], dtype=pl.Object), id="objects"),
        pytest.param(pl.Series("l", [[1], None]), id="lists"),
    ],
)
def test_odd_columns_beside_are_no_hindrance(cells):
    given_ = pl.DataFrame([cells, pl.Series("email", ["a@@example.com", "b"]), pl.Series("a", ["", "z"])])
    edits = Edits(given_)
    edits.edit(1, "email", "b@example.com")
    edits.clean(ApplySuggestions())

    assert edits.contacts["email"].to_list() == ["a@example.com", "b@example.com"]
    assert run(edits.code, given_)["email"].to_list() == edits.contacts["email"].to_list()
