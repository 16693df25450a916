"""Recipes: steps recorded, run, told about, undone."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from mbtoolkit import Recipe
from mbtoolkit.errors import FrameError, RecipeError, SourceWarning, UsageError
from mbtoolkit.recipes import Cell, CleanText, MergeValues, NormalizeDate, row_prints
from mbtoolkit.schemas.conform import conform


@pytest.fixture
def shop() -> pl.DataFrame:
    """A table as it comes."""
    return pl.DataFrame(
        {
            "E-mail": ["Ann <ann@EXAMPLE.com>", "bo@@example.com", None, "cy@example.com", "CY@example.com"],
            "Phone": ["934 54 496", "07700 900123", "x", None, None],
            "Country": ["Norge", "U.K.", "Atlantis", None, None],
            "City": ["Oslo", "oslo ", "OSLO.", "Bergen", None],
            "News": ["ja", "JA-takk", "?", None, "nei"],
        }
    )


@pytest.fixture
def recipe() -> Recipe:
    """What mends most of it."""
    return (
        Recipe()
        .normalize_country("Country")
        .normalize_email("E-mail")
        .clean_text("City")
        .merge_values("City", {"oslo": "Oslo", "OSLO.": "Oslo"})
        .normalize_opt_in("News", yes=["ja", "ja-takk"], no=["nei"])
        .read_contacts(
            {"E-mail": "email", "Phone": "mobile_number", "City": "property:City", "News": "email_opt_in"},
            default_country="Country",
        )
        .merge_duplicates(columns=[])
    )


@pytest.mark.slow
def test_the_steps_are_done_in_their_order(shop, recipe):
    contacts = recipe.run(shop).contacts

    assert contacts.select("email", "mobile_country_code", "mobile_number", "property:City", "email_opt_in").rows() == [
        ("ann@example.com", 47, 93454496, "Oslo", True),
        ("bo@@example.com", 44, 7700900123, "Oslo", True),
        (None, None, None, "Oslo", None),
        ("cy@example.com", None, None, "Bergen", False),
    ]
    assert contacts["unread:mobile_number"].to_list() == [None, None, "phone_unreadable: x", None]


@pytest.mark.slow
def test_each_step_tells_what_it_changed(shop, recipe):
    cleaned = recipe.run(shop)

    assert cleaned.report.select("step", "cells", "rows", "merged", "issues").rows() == [
        (0, 2, 2, 0, 1),
        (1, 1, 1, 0, 1),
        (2, 1, 1, 0, 0),
        (3, 2, 2, 0, 0),
        (4, 3, 3, 0, 1),
        (5, None, None, 0, 2),
        (6, 1, 1, 1, 0),
    ]
    assert cleaned.changes(3).rows() == [(1, "City", "oslo", "Oslo"), (2, "City", "OSLO.", "Oslo")]
    assert cleaned.changes(6).rows() == [(3, "email_opt_in", None, "no")]
    assert cleaned.changes().height == 10
    with pytest.raises(UsageError, match="was not done"):
        cleaned.changes(7)


@pytest.mark.slow
def test_what_a_step_can_not_read_stays_and_is_an_issue(shop, recipe):
    cleaned = recipe.run(shop)

    assert cleaned.issues.select("step", "row", "column", "value", "rule").rows() == [
        (0, 2, "Country", "Atlantis", "country_unknown"),
        (1, 1, "E-mail", "bo@@example.com", "email_syntax"),
        (4, 2, "News", "?", "not_yes_or_no"),
        (5, 2, "mobile_number", "x", "phone_unreadable"),
        (5, 2, "email_opt_in", "?", "not_yes_or_no"),
    ]
    assert cleaned.contacts["Country"].to_list()[2] == "Atlantis"
    assert cleaned.left.select("step", "column", "value", "into").rows() == [
        (0, "Country", "Atlantis", 2),
        (1, "email", "bo@@example.com", 1),
        (4, "email_opt_in", "?", 2),
        (5, "email_opt_in", "?", 2),
        (5, "mobile_number", "x", 2),
    ]
    assert "4 cells could not be read and stand as found" in cleaned.headline


@pytest.mark.parametrize("add", [Recipe.clean_text, Recipe.normalize_name])
def test_a_letter_of_an_unknown_encoding_is_an_issue_and_stays(add):
    cleaned = add(Recipe(), "name").run(pl.DataFrame({"name": ["O\x92NEIL", "Ren\x8ee", "\x81va", " Ann "]}))
    assert cleaned.contacts["name"].to_list()[1:] == ["Ren\x8ee", "\x81va", "Ann"]
    assert "’" in cleaned.contacts["name"][0]
    assert cleaned.issues.select("row", "rule").rows() == [(1, "mojibake_doubtful"), (2, "mojibake_doubtful")]


def test_what_a_later_step_mends_is_no_longer_counted_as_unread():
    table = pl.DataFrame({"e": ["a@@example.com", "b@home@example.com", "c@gmial.com"]})
    cleaned = Recipe().normalize_email("e").read_contacts({"e": "email"}).apply_suggestions().run(table)

    assert cleaned.issues.select("row", "rule", "severity", "suggestion").rows() == [
        (0, "email_syntax", "error", "a@example.com"),
        (1, "email_syntax", "error", None),
        (2, "suspected_slip", "warning", "c@gmail.com"),
    ]
    assert cleaned.left.select("row", "column").rows() == [(1, "email"), (2, "email")]
    assert cleaned.headline.endswith("1 cell could not be read and stands as found")


def test_an_issue_is_found_under_the_name_that_its_column_had_then():
    table = pl.DataFrame({"email": ["old"], "E-post": ["a@home@example.com"]})
    recipe = Recipe().normalize_email("E-post").read_contacts({"email": "property:Old", "E-post": "email"})
    cleaned = recipe.normalize_email("email").run(table)

    assert cleaned.left.select("step", "column", "value").rows() == [
        (0, "email", "a@home@example.com"),
        (2, "email", "a@home@example.com"),
    ]


def test_values_that_are_lost_in_a_merge_are_told():
    table = pl.DataFrame(
        {
            "email": ["a@example.com", "x@example.com", "A@example.com", None],
            "contact_id": ["1", "2", None, "1"],
            "Note": ["n", "m", None, "p"],
        }
    )
    cleaned = Recipe().read_contacts({}).merge_duplicates(columns=[], keep="first").run(table)

    assert cleaned.lost.rows() == [(1, 3, "Note", "p", "n")]
    assert cleaned.report["lost"].to_list() == [0, 1]
    assert "4 rows in = 2 rows out + 2 merged into others; 1 value lost" in cleaned.headline
    assert "2 rows merged into others; 1 value lost" in repr(cleaned)


def test_what_was_assumed_of_a_file_is_said(tmp_path):
    path = tmp_path / "shop.csv"
    path.write_text("email;City\na@example.com;Oslo\n", encoding="utf-8")
    with pytest.warns(SourceWarning, match=r"shop\.csv: the separator is ';'"):
        Recipe().read_contacts({}).run(path)


@pytest.mark.slow
def test_no_row_gets_lost(shop, recipe):
    cleaned = recipe.run(shop)

    assert cleaned.rows["into"].to_list() == [0, 1, 2, 3, 3]
    assert "5 rows in = 4 rows out + 1 merged into others" in cleaned.headline


def test_changes_after_a_merge_name_rows_of_the_given_table():
    table = pl.DataFrame({"email": ["a@example.com", "A@example.com", "b@example.com"], "City": ["x", "x", " y "]})
    cleaned = Recipe().read_contacts({}).merge_duplicates(columns=[]).clean_text("City").run(table)

    assert cleaned.changes(2).rows() == [(2, "City", " y ", "y")]


@pytest.mark.slow
def test_the_given_table_stays_as_it_is(shop, recipe):
    before = shop.clone()
    recipe.run(shop)

    assert_frame_equal(shop, before)


@pytest.mark.slow
def test_a_recipe_runs_on_a_file(tmp_path, shop, recipe):
    shop.write_csv(tmp_path / "shop.csv")

    assert_frame_equal(recipe.run(tmp_path / "shop.csv").contacts, recipe.run(shop).contacts)


def test_removing_a_step_undoes_it(shop, recipe):
    assert recipe.without(3).run(shop).contacts["property:City"].to_list() == ["Oslo", "oslo", "OSLO.", "Bergen"]
    assert len(recipe.without(3)) == 6
    assert len(recipe) == 7


@pytest.mark.slow
def test_a_step_that_is_off_is_not_done(shop, recipe):
    switched = recipe.disable(3)

    assert switched.run(shop).contacts["property:City"].to_list() == ["Oslo", "oslo", "OSLO.", "Bergen"]
    assert 3 not in switched.run(shop).report["step"]
    assert switched.enable(3) == recipe


@pytest.mark.parametrize("place", [7, -1, "0"])
def test_only_steps_that_are_there_can_be_removed(recipe, place):
    with pytest.raises(UsageError, match="there is no step"):
        recipe.without(place)


def test_a_recipe_that_does_not_fit_says_every_column_that_is_missing_before_it_runs(shop, recipe):
    other = shop.rename({"Country": "Land", "News": "Newss"})

    with pytest.raises(RecipeError) as error:
        recipe.run(other)
    told = str(error.value)
    assert "step 0 (normalize_country) needs the column 'Country', which isn't there" in told
    assert "step 4 (normalize_opt_in) needs the column 'News', which isn't there (did you mean 'Newss'?)" in told
    assert told.count("'News', which") == 1
    assert not any(cell in told for cell in ("ann@", "Norge", "Bergen"))


def test_a_column_that_an_earlier_step_names_counts_as_there(shop):
    recipe = Recipe().read_contacts({"E-mail": "email", "City": "property:City"}).clean_text("property:City")
    recipe.check(shop)
    assert "property:City" in recipe.run(shop).contacts.columns


def test_a_choice_that_can_not_be_is_found_before_anything_is_done(shop):
    with pytest.raises(RecipeError, match=r"step 1 \(normalize_date\)"):
        Recipe().clean_text("City").then(NormalizeDate("City", "dym")).check(shop)


def test_columns_of_other_types_are_written_as_text():
    table = pl.DataFrame({"born": [dt.date(2001, 2, 3), None], "n": [1.5, 2.0]})

    contacts = Recipe().normalize_date("born", order="dmy").normalize_number("n", decimal=".").run(table).contacts

    assert contacts.rows() == [("2001-02-03", "1.5"), (None, "2.0")]


class TestContactColumns:
    def test_numbers_in_local_form_are_read_with_the_country_that_is_said(self):
        table = pl.DataFrame({"email": ["a@example.com"] * 3, "Tel": ["934 54 496", "+46 70 174 06 05", "call me"]})
        read = Recipe().read_contacts({"Tel": "mobile_number"})

        cleaned = read.normalize_phone("mobile_number", default_country="NO").run(table)

        assert cleaned.contacts.select("mobile_country_code", "mobile_number").rows() == [
            (47, 93454496),
            (46, 701740605),
            (None, None),
        ]
        assert cleaned.left.select("row", "rule").unique().rows() == [(2, "phone_unreadable")]

    def test_a_row_with_a_country_code_keeps_it(self):
        contacts = pl.DataFrame(
            {"mobile_country_code": [46], "mobile_number": [None], "unread:mobile_number": ["phone_unreadable: 93"]}
        )

        cleaned = Recipe().normalize_phone("mobile_number", default_country="NO").run(contacts)

        assert cleaned.contacts["mobile_country_code"].to_list() == [46]

    def test_words_of_ones_own_are_consent_and_answers_that_are_there_stay(self):
        table = pl.DataFrame(
            {"email": ["a@example.com", "b@example.com", "c@example.com"], "ok": ["yes", "JA-takk", "?"]}
        )
        read = Recipe().read_contacts({"ok": "email_opt_in"})

        cleaned = read.normalize_opt_in("email_opt_in", yes=["ja-takk"], no=["nei-takk"]).run(table)

        assert cleaned.contacts["email_opt_in"].to_list() == [True, True, None]
        assert cleaned.left.select("row", "value").unique().rows() == [(2, "?")]


class TestCellsMendedByHand:
    @pytest.fixture
    def contacts(self):
        return pl.DataFrame(
            {"email": ["ann@example", "bo@example.com", "bo@example.com"], "property:City": ["Oslo", None, "Bergen"]}
        )

    @pytest.fixture
    def mend(self, contacts):
        (told,) = row_prints(contacts, [0])
        return Recipe().edit_cells([Cell(0, told, "email", "ann@example", "ann@example.com")])

    def test_a_cell_is_mended(self, contacts, mend):
        assert mend.run(contacts).contacts["email"].to_list() == ["ann@example.com", "bo@example.com", "bo@example.com"]

    def test_in_the_next_file_the_same_row_is_mended_wherever_it_stands(self, contacts, mend):
        cleaned = mend.run(contacts.reverse())

        assert cleaned.contacts["email"].to_list()[2] == "ann@example.com"
        assert cleaned.report["note"].to_list() == [None]

    @pytest.mark.parametrize(
        "other",
        [
            pytest.param({"property:City": "Bergen"}, id="another person with the same slip"),
            pytest.param({"email": "eve@example"}, id="another cell in its place"),
        ],
    )
    def test_any_other_row_is_left_alone_and_that_is_said(self, contacts, mend, other):
        changed = contacts.with_columns(
            pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
            for name, value in other.items()
        )
        cleaned = mend.run(changed)

        assert_frame_equal(cleaned.contacts, changed)
        assert "not mended: 1 of 1 cell" in cleaned.report["note"][0]

    def test_of_two_rows_that_read_alike_none_is_chosen(self, contacts, mend):
        doubled = pl.concat([contacts[1:2], contacts[:1], contacts[:1]])

        assert_frame_equal(mend.run(doubled).contacts, doubled)

    def test_one_cell_is_mended_once(self, contacts):
        (told,) = row_prints(contacts, [0])
        twice = [Cell(0, told, "email", "ann@example", text) for text in ("a@example.com", "b@example.com")]

        with pytest.raises(RecipeError, match="twice"):
            Recipe().edit_cells(twice).run(contacts)


class TestRowsMergedByHand:
    @pytest.fixture
    def contacts(self):
        return pl.DataFrame(
            {
                "contact_id": [1, 2, 3],
                "email": ["ann@example.com", "bo@example.com", "ann.lee@example.com"],
                "email_opt_in": [True, True, False],
                "property:City": ["Oslo", "Bergen", "Ås"],
                "property:Name": [None, "Bo", "Ann Lee"],
            }
        )

    def merged(self, contacts, **choices):
        rows = [0, 2]
        return Recipe().merge_rows(rows, row_prints(contacts, rows), choices=choices).run(contacts)

    def test_each_value_is_taken_from_the_row_that_was_chosen(self, contacts):
        cleaned = self.merged(contacts, contact_id=1, email=0, **{"property:City": 1})

        assert cleaned.contacts.row(0) == (3, "ann@example.com", False, "Ås", "Ann Lee")
        assert cleaned.rows["into"].to_list() == [0, 1, 0]

    def test_of_consents_the_strictest_stands_whatever_is_chosen(self, contacts):
        with pytest.raises(RecipeError, match="strictest"):
            self.merged(contacts, contact_id=0, email_opt_in=0)

    def test_two_contact_ids_need_a_choice(self, contacts):
        cleaned = self.merged(contacts, email=0)

        assert_frame_equal(cleaned.contacts, contacts, check_dtypes=False)
        assert "different contact ids" in cleaned.report["note"][0]

    def test_in_a_file_without_these_rows_nothing_is_merged_and_that_is_said(self, contacts):
        rows = [0, 2]
        merge = Recipe().merge_rows(rows, row_prints(contacts, rows), choices={"contact_id": 0})

        cleaned = merge.run(contacts[:2])

        assert cleaned.contacts.height == 2
        assert "nothing was merged" in cleaned.report["note"][0]

    def test_a_mobile_stays_whole(self):
        contacts = pl.DataFrame(
            {"mobile_country_code": [47, 44], "mobile_number": [93454496, 7700900123], "email": ["a@example.com"] * 2}
        )

        cleaned = self.merge_two(contacts, mobile_number=1)

        assert cleaned.contacts.row(0) == (44, 7700900123, "a@example.com")

    def merge_two(self, contacts, **choices):
        return Recipe().merge_rows([0, 1], row_prints(contacts, [0, 1]), choices=choices).run(contacts)


def test_rows_set_apart_are_not_merged():
    contacts = pl.DataFrame({"email": ["a@example.com", "A@example.com", "b@example.com", "b@example.com"]})
    apart = row_prints(contacts, [0, 1])

    assert Recipe().merge_duplicates(columns=[], apart=apart).run(contacts).contacts.height == 3


@pytest.mark.slow
def test_nothing_of_a_contact_is_in_a_repr(shop, recipe):
    cleaned = recipe.run(shop)
    told = repr(recipe) + recipe._repr_html_() + repr(cleaned) + cleaned._repr_html_()

    assert not any(cell in told for cell in ("ann@", "93454496", "Bergen", "JA-takk"))


def test_a_column_named_like_html_is_shown_as_text():
    table = pl.DataFrame({"<b>x</b>": [" a "]})
    recipe = Recipe().clean_text("<b>x</b>")

    assert "<b>x" not in recipe._repr_html_() + recipe.run(table)._repr_html_()


@pytest.mark.slow
def test_an_empty_table_is_cleaned_too(shop, recipe):
    assert recipe.run(shop.clear()).contacts.height == 0


@pytest.mark.slow
@given(st.lists(st.sampled_from([" a ", "A", "å", "\u200b", "", None, "2.0"]), max_size=8))
def test_a_recipe_done_twice_changes_nothing_more(cells):
    table = pl.DataFrame({"x": pl.Series(cells, dtype=pl.String)})
    recipe = Recipe().clean_text("x").merge_values("x", {"A": "a"})

    once = recipe.run(table).contacts
    assert_frame_equal(recipe.run(once).contacts, once)
    assert recipe.run(once).report["cells"].sum() == 0


def test_the_methods_add_the_steps_of_their_names():
    assert Recipe().clean_text("a", "b", keep_lines=True).steps == (
        CleanText("a", keep_lines=True),
        CleanText("b", keep_lines=True),
    )
    spellings = pl.DataFrame({"value": ["oslo", "Oslo"], "suggestion": ["Oslo", "Oslo"]})
    assert Recipe().merge_values("City", spellings).steps == (MergeValues("City", {"oslo": "Oslo"}),)


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param(pl.Series([["a"], None]), id="list"),
        pytest.param(pl.Series([{"a": 1}, {"a": 2}]), id="struct"),
        pytest.param(pl.Series([b"a", None]), id="binary"),
    ],
)
def test_a_column_without_a_text_form_is_refused_and_not_overwritten(cells):
    with pytest.raises(RecipeError, match="has no text form"):
        Recipe().clean_text("tags").run(pl.DataFrame({"tags": cells}))


@pytest.mark.parametrize("name", ["^a$", "^.*$", "*", "", "a.b", "'\"\n", "row", "cluster"])
def test_any_name_of_a_column_is_a_name(name):
    table = pl.DataFrame({name: [" a ", "b", None], "a": ["x", "y", "z"], "email": ["c@example.com"] * 2 + [None]})

    cleaned = Recipe().clean_text(name).merge_duplicates(columns=[], rules={name: "longest"}).run(table)

    assert cleaned.contacts.get_column(name).to_list() == ["a", None]
    assert cleaned.contacts.columns == table.columns
    assert cleaned.changes(0).rows() == [(0, name, " a ", "a")]


def test_one_text_is_not_taken_for_a_list_of_letters():
    for call in (
        lambda: Recipe().normalize_opt_in("ok", yes="ja"),
        lambda: Recipe().normalize_opt_in("ok", no="nei"),
        lambda: Recipe().merge_duplicates(columns="City"),
        lambda: Recipe().apply_suggestions(rules="email_syntax"),
    ):
        with pytest.raises(UsageError, match="takes a list"):
            call()


def test_a_rule_that_is_none_is_said():
    contacts = pl.DataFrame({"email": ["a@@example.com"]})

    with pytest.raises(RecipeError, match="did you mean 'email_syntax'"):
        Recipe().apply_suggestions(rules=["email_sintax"]).run(contacts)


@pytest.mark.parametrize(
    ("spellings", "told"),
    [
        pytest.param({"value": ["a", "a"], "suggestion": ["x", "y"]}, "two suggestions", id="two suggestions"),
        pytest.param({"value": ["a", None], "suggestion": ["x", "y"]}, "without a value", id="no value"),
        pytest.param({"value": [1], "suggestion": [2]}, "no text", id="numbers"),
        pytest.param({"city": ["a"]}, "cluster_values", id="another frame"),
    ],
)
def test_spellings_that_can_not_be_are_refused(spellings, told):
    with pytest.raises(FrameError, match=told):
        Recipe().merge_values("City", pl.DataFrame(spellings))


def test_rows_that_hung_together_by_a_row_set_apart_alone_are_not_merged():
    contacts = pl.DataFrame(
        {
            "email": ["a@example.com", "a@example.com", None],
            "mobile_country_code": [None, 47, 47],
            "mobile_number": [None, 93454496, 93454496],
            "property:City": ["Oslo", "Hamar", "Bergen"],
        }
    )
    apart = row_prints(contacts, [1])

    assert Recipe().merge_duplicates(columns=[], apart=apart).run(contacts).contacts.height == 3


def test_a_mobile_that_was_mended_by_hand_is_the_same_again_whatever_waited_unread():
    contacts = conform(pl.DataFrame({"mobile_country_code": [None], "mobile_number": ["+46 70 174 06 05"]}))
    (told,) = row_prints(contacts, [0])
    cells = [
        Cell(0, told, "mobile_country_code", None, "47"),
        Cell(0, told, "mobile_number", "+46 70 174 06 05", "93454496"),
    ]

    mended = Recipe().edit_cells(cells).run(contacts).contacts

    assert mended.select("mobile_country_code", "mobile_number").row(0) == (47, 93454496)
