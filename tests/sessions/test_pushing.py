"""A table on its way into the CRM, step by step, without a widget."""

from __future__ import annotations

import threading

import pandera.polars as pa
import polars as pl
import pytest

from mbtoolkit import ContactSchema, Recipe, read_contacts
from mbtoolkit.client.limits import ACCOUNT_LIMITS
from mbtoolkit.errors import MappingError, RecipeError, SourceError, UsageError
from mbtoolkit.recipes import (
    ApplySuggestions,
    MergeDuplicates,
    MergeValues,
    NormalizeDate,
    NormalizeName,
    NormalizePhone,
)
from mbtoolkit.sessions.pushing import FilePush, FilePushes, Source
from mbtoolkit.sessions.pushing.duplicates import date_columns
from tests.runs.failing_disk import REASON, fail_writing
from tests.widgets.panel.hands import TABLE

SOURCE_WARNING = pytest.mark.filterwarnings("ignore::mbtoolkit.errors.SourceWarning")


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "people.csv"
    made.write_text(TABLE, encoding="utf-8")
    return made


@pytest.fixture
def push(client, path):
    return FilePush(client, Source(str(path), path.name))


@pytest.fixture
def checked(push):
    push.map_column("Nyhetsbrev", "email_opt_in")
    push.map_column("Navn", "property:First name")
    push.check()
    return push


def heard():
    """Nothing to draw."""


def of_frame(client, frame, **options):
    made = FilePush(client, Source(frame, "table"), **options)
    made.check()
    return made


def run(push):
    push.consented = push.review.opt_ins_on
    push.start(heard)
    assert push.wait(30)
    return push.results


def statuses(push):
    return push.results["mb_status"].to_list()


# Map


def test_columns_are_suggested_and_what_was_assumed_is_said(push):
    assert push.mapping["E-post"] == "email"
    assert push.mapping["Mobil"] == "mobile_number"
    assert push.loaded.sample("Navn") == ["Ann", "Bo", "Cy"]
    assert any("separator" in note for note in push.notes)


def test_any_cells_and_names_have_a_sample(client):
    frame = pl.DataFrame({"email": ["a@example.com"], "*": [[1]], "^.*$": [b"x"], "n": [None]})
    push = FilePush(client, Source(frame, "table"))
    assert [push.loaded.sample(name) for name in frame.columns] == [["a@example.com"], ["<List>"], ["<Binary>"], []]


def test_a_column_that_is_not_sent_is_not_sent_though_it_bears_a_field_s_name(client, crm):
    frame = pl.DataFrame({"email": ["a@example.com"], "mobile_opt_in": ["yes"], "email_opt_in": ["perhaps"]})
    push = FilePush(client, Source(frame, "table"))
    assert push.mapping["email_opt_in"] == ""
    push.map_column("mobile_opt_in", "")
    push.check()
    assert push.review.turned_on == {}
    assert run(push)["mb_status"].to_list() == ["succeeded"]
    assert crm.contacts().select("mobile_opt_in", "email_opt_in").row(0) == (False, False)


def test_one_target_twice_is_told(push):
    push.map_column("Navn", "email")
    assert push.mapped.twice == ["email"]
    with pytest.raises(MappingError, match="keep one"):
        push.check()


def test_a_mapping_that_can_not_be_read_with_is_said(push, client):
    for column in push.table.columns:
        push.map_column(column, "")
    with pytest.raises(MappingError):
        push.check()
    with pytest.raises(SourceError):
        FilePush(client, Source("nowhere.csv", "nowhere.csv"))
    with pytest.raises(UsageError, match="no column"):
        push.map_column("Phone", "mobile_number")


def test_what_needs_contacts_says_that_they_are_not_read(push):
    asks = (
        lambda: push.review,
        lambda: push.start(heard),
        lambda: push.merge_rows([0, 1]),
        push.add_steps,
        lambda: push.change_recipe(lambda recipe: recipe),
        push.find_duplicates,
        push.failed,
    )
    for ask in asks:
        with pytest.raises(UsageError, match=r"call check\(\) first"):
            ask()
    push.check()
    with pytest.raises(UsageError, match=r"call find_duplicates\(\) first"):
        push.merge_duplicates()
    with pytest.raises(UsageError, match=r"call start\(\) first"):
        push.failed()


# Several tables


def test_a_table_that_is_loaded_again_is_as_it_was_left(client, path):
    pushes = FilePushes(client)
    pushes.load(Source(str(path), path.name))
    first = pushes.current
    first.check()
    first.edits.edit(1, "email", "bo@example.com")
    other = pl.DataFrame({"email": ["x@example.com"]})
    pushes.load(Source(other, "another"))
    assert pushes.current is not first
    assert any("the clean-up of people.csv is not taken over" in note for note in pushes.current.notes)
    with pytest.raises(SourceError):
        pushes.load(Source("nowhere.csv", "nowhere.csv"))
    assert pushes.current.table is other
    pushes.load(Source(str(path), path.name))
    assert pushes.current is first
    assert first.contacts["email"][1] == "bo@example.com"


@pytest.mark.slow
def test_a_file_that_changed_is_another_table_with_the_same_choices(client, path):
    pushes = FilePushes(client)
    pushes.load(Source(str(path), path.name))
    first = pushes.current
    first.map_column("Navn", "")
    first.default_country = "NO"
    first.check()
    first.edits.edit(0, "email", "ann.mended@example.com")
    first.map_column("Navn", "property:Name")
    path.write_text(TABLE.replace("ann@example.com", "zoe@example.com", 1), encoding="utf-8")
    with pytest.raises(UsageError, match="has changed since it was loaded"):
        first.check()
    pushes.load(Source(str(path), path.name))
    again = pushes.current
    assert again.mapping == first.mapping
    assert again.default_country == "NO"
    again.check()
    assert again.contacts["email"][0] == "zoe@example.com"


@pytest.mark.slow
def test_nothing_else_is_loaded_while_a_push_is_on_its_way(client, crm, people):
    crm.fail("delay", seconds=0.3, times=None)
    pushes = FilePushes(client)
    pushes.load(Source(people, "people"))
    pushes.current.check()
    pushes.current.start(heard)
    with pytest.raises(UsageError, match="on its way"):
        pushes.load(Source(people.head(1), "one"))
    assert pushes.current.wait(30)


# Check and review


@pytest.mark.slow
def test_the_review_counts_what_a_push_would_do(checked):
    review = checked.review
    assert (review.rows, review.sendable, review.invalid, review.left_out, review.stored) == (5, 3, 2, 0, 0)
    assert review.turned_on == {"email_opt_in": 1}
    assert review.turned_off == {"email_opt_in": 0}
    assert review.seconds(ACCOUNT_LIMITS["freemium"]) == pytest.approx(0.3)


@pytest.mark.slow
def test_rows_of_a_rule_can_be_left_out_and_taken_in_again(checked, crm, capfd):
    checked.leave_out("duplicate_identifier")
    assert checked.left_out_rows.to_list() == [3, 4]
    assert checked.review.sendable == 1
    results = run(checked)
    assert results["mb_status"].to_list() == ["succeeded", "invalid", "invalid", "not_sent", "not_sent"]
    assert checked.failed_rows.to_list() == [1, 2]
    assert crm.contacts().height == 1
    checked.leave_out("duplicate_identifier", is_out=False)
    assert checked.left_out_rows.to_list() == []
    assert checked.review.sendable == 2
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_edits_are_made_again_when_columns_are_mapped_in_another_way(checked):
    checked.edits.edit(1, "email", "bo@example.com")
    checked.edits.edit(2, "property:First name", "Cyrus")
    checked.edits.edit(2, "mobile_number", "+46 70 174 06 05")
    checked.edits.edit(0, "email_opt_in", "")
    mended = checked.contacts
    checked.map_column("Navn", "")
    checked.map_column("Nyhetsbrev", "")
    checked.map_column("Mobil", "")
    checked.check()
    assert checked.contacts["email"][1] == "bo@example.com"
    assert checked.contacts["Navn"][2] == "Cyrus"
    before = checked.edits
    checked.check()
    assert checked.edits is before
    checked.map_column("Mobil", "mobile_number")
    checked.map_column("Nyhetsbrev", "email_opt_in")
    checked.map_column("Navn", "property:First name")
    checked.check()
    assert checked.contacts.equals(mended)


# Clean


@pytest.mark.slow
def test_steps_come_after_what_was_mended_so_far_and_each_can_be_taken_back(checked):
    checked.edits.edit(0, "property:First name", "ann")
    checked.add_steps(NormalizeName("property:First name"))
    assert checked.contacts["property:First name"].to_list() == ["Ann", "Bo", "Cy", "Dee", "Dee again"]
    assert [step.do for step in checked.recipe.steps] == ["edit_cells", "normalize_name"]
    assert checked.cleaned.report["cells"].to_list() == [1, 1]
    checked.change_recipe(lambda recipe: recipe.without(1))
    assert checked.contacts["property:First name"][0] == "ann"
    checked.change_recipe(lambda recipe: recipe.disable(0))
    assert checked.contacts["property:First name"][0] == "Ann"
    checked.change_recipe(lambda recipe: recipe.enable(0))
    assert checked.contacts["property:First name"][0] == "ann"


@pytest.mark.slow
def test_a_step_that_can_not_be_done_leaves_everything_as_it_was(checked):
    checked.edits.edit(1, "email", "bo@example.com")
    before = checked.contacts
    with pytest.raises(RecipeError, match="normalize_date"):
        checked.add_steps(NormalizeDate("property:First name", "dym"))
    assert checked.contacts.equals(before)
    assert checked.recipe.steps == ()
    assert [step.do for step in checked.whole_recipe.steps] == ["read_contacts", "edit_cells"]
    assert checked.edits.can_undo


@pytest.mark.slow
def test_merged_rows_are_one_contact_in_review_and_results(checked, crm):
    checked.add_steps(MergeDuplicates(columns=[]))
    assert checked.cleaned.rows["into"].to_list() == [0, 1, 2, 3, 3]
    assert (checked.review.rows, checked.review.merged, checked.review.sendable) == (4, 1, 2)
    assert run(checked).height == 4
    with pytest.raises(UsageError, match="rows were pushed already"):
        checked.change_recipe(lambda recipe: recipe.without(0))
    assert len(checked.recipe) == 1
    checked.add_steps(NormalizeName("property:First name"))
    assert checked.results.height == checked.contacts.height


@pytest.mark.slow
def test_steps_follow_their_columns_to_other_names(checked):
    checked.add_steps(MergeValues("property:First name", {"Dee again": "Dee"}), MergeDuplicates(columns=[]))
    checked.edits.edit(0, "property:First name", "Anna")
    checked.map_column("Navn", "property:Name")
    checked.check()
    assert checked.contacts["property:Name"].to_list() == ["Anna", "Bo", "Cy", "Dee"]
    checked.map_column("Navn", "")
    checked.check()
    assert checked.contacts["Navn"].to_list() == ["Anna", "Bo", "Cy", "Dee"]


@pytest.mark.slow
def test_a_step_whose_column_is_gone_is_said_and_done_again_when_it_is_back(checked):
    checked.add_steps(NormalizePhone("mobile_country_code"))
    checked.map_column("Mobil", "")
    checked.check()
    assert any("not done, as there is no column 'mobile_country_code'" in note for note in checked.read_notes)
    checked.map_column("Mobil", "mobile_number")
    checked.check()
    assert not any("not done" in note for note in checked.read_notes)


@pytest.mark.slow
@SOURCE_WARNING
def test_the_clean_up_runs_on_the_next_file_as_a_recipe_and_in_a_panel(checked, client, tmp_path):
    checked.edits.edit(1, "email", "bo@example.com")
    checked.add_steps(ApplySuggestions(), MergeDuplicates(columns=[]))
    checked.whole_recipe.write(tmp_path / "clean.toml")
    rows = TABLE.splitlines(keepends=True)
    (tmp_path / "next.csv").write_text("".join([rows[0], rows[3], rows[2]]), encoding="utf-8")

    recipe = Recipe.read(tmp_path / "clean.toml")
    by_recipe = recipe.run(tmp_path / "next.csv").contacts
    push = FilePush(client, Source(str(tmp_path / "next.csv"), "next.csv"))
    push.use_recipe(recipe)

    assert by_recipe["email"].to_list() == ["cy@example.com", "bo@example.com"]
    assert push.contacts.equals(by_recipe)
    assert push.whole_recipe == recipe
    with pytest.raises(RecipeError, match="1 steps before read_contacts"):
        push.use_recipe(Recipe().clean_text("Navn").read_contacts({"E-post": "email"}))


def test_a_recipe_of_other_columns_says_what_does_not_fit(push):
    push.use_recipe(Recipe().read_contacts({"E-post": "email", "Telefon": "mobile_number"}).clean_text("property:City"))
    assert push.mapping == {"E-post": "email", "Mobil": "", "Nyhetsbrev": "", "Navn": ""}
    assert any("not here: 'Telefon'" in note for note in push.notes)
    assert any("does not name: 'Mobil', 'Nyhetsbrev', 'Navn'" in note for note in push.notes)
    assert any("no column 'property:City'" in note for note in push.read_notes)


@pytest.mark.slow
def test_a_recipe_that_would_merge_what_was_pushed_is_refused_and_all_stays_as_it_was(checked, crm):
    checked.edits.edit(1, "email", "bo@example.com")
    run(checked)
    before = checked.contacts
    for recipe, told in [
        (Recipe().merge_duplicates(columns=[]), "rows were pushed already"),
        (Recipe().read_contacts({"E-post": "nonsense"}), "no field"),
    ]:
        with pytest.raises((MappingError, UsageError), match=told):
            checked.use_recipe(recipe)
        assert checked.contacts.equals(before)
        assert checked.mapping["Navn"] == "property:First name"
    assert checked.results.height == checked.contacts.height


@pytest.mark.slow
@SOURCE_WARNING
def test_a_step_that_could_not_be_done_is_off_in_code_and_recipe(checked, client, path):
    checked.add_steps(NormalizePhone("mobile_country_code"), NormalizeName("property:First name"))
    checked.map_column("Mobil", "")
    checked.check()
    namespace = {"client": client}
    exec(checked.code, namespace)
    assert namespace["contacts"].equals(checked.contacts)
    assert checked.whole_recipe.run(path).contacts.equals(checked.contacts)


@pytest.mark.slow
def test_what_was_mended_by_hand_stays_with_its_row_when_a_step_before_it_is_taken_back(checked):
    checked.add_steps(MergeValues("property:First name", {"Dee": "Di", "Cy": "Si"}))
    checked.edits.edit(2, "email_opt_in", "no")
    checked.edits.edit(3, "property:First name", "Diane")
    checked.change_recipe(lambda recipe: recipe.without(0))
    assert checked.contacts["email_opt_in"].to_list() == [True, False, False, None, None]
    # It no longer says what was mended.
    assert checked.contacts["property:First name"].to_list() == ["Ann", "Bo", "Cy", "Dee", "Dee again"]


@pytest.fixture
def doubled(client):
    emails = ["a@example.com", "a@example.com", "b@example.com", "c@example.com"]
    phones = [f"+47 934 54 49{place}" for place in range(4)]
    return of_frame(client, pl.DataFrame({"email": emails, "Mobile": phones, "Name": ["Ann", "Ann", "Bo", "Cy"]}))


@pytest.mark.slow
def test_what_was_mended_by_hand_after_a_merge_stays_with_its_row_without_it(doubled):
    doubled.map_column("Name", "property:Name")
    doubled.check()
    doubled.add_steps(MergeDuplicates(columns=[]))
    doubled.edits.edit(1, "property:Name", "Bob")
    doubled.change_recipe(lambda recipe: recipe.without(0))
    assert doubled.contacts["property:Name"].to_list() == ["Ann", "Ann", "Bob", "Cy"]


@pytest.mark.slow
def test_what_was_mended_by_hand_stays_with_its_row_when_another_mapping_merges_other_rows(doubled):
    doubled.map_column("Name", "property:Name")
    doubled.check()
    doubled.add_steps(MergeDuplicates(columns=[]))
    doubled.edits.edit(1, "property:Name", "Bob")
    doubled.map_column("email", "")
    doubled.check()
    assert doubled.contacts["property:Name"].to_list() == ["Ann", "Ann", "Bob", "Cy"]


def test_a_step_for_a_column_that_is_not_there_is_refused(checked):
    with pytest.raises(RecipeError, match="needs the column 'Shoe size'"):
        checked.add_steps(NormalizeName("Shoe size"))


@pytest.mark.slow
@SOURCE_WARNING
def test_the_code_cleans_too(checked, client):
    checked.edits.edit(1, "email", "bo@example.com")
    checked.add_steps(MergeDuplicates(columns=[]))
    checked.edits.edit(2, "email_opt_in", "no")
    namespace = {"client": client}
    exec(checked.code, namespace)
    assert namespace["contacts"].equals(checked.contacts)
    assert namespace["results"]["mb_status"].to_list() == run(checked)["mb_status"].to_list()


DOUBLES = """\
Id;E-post;Mobil;Nyhetsbrev;Fornavn;Etternavn;Endret
;ann@example.com;+47 934 54 496;ja;Ann;Berg;2026-01-01
;ANN@example.com;;nei;Ann K.;;2026-05-01
11;bo@example.com;;;Bo;Lund;2026-02-01
12;bo@example.com;;;Bo;Lunde;2026-03-01
;cy@example.com;+47 934 54 497;;Cy;Dahl;2026-02-01
;dee@example.com;+47 934 54 498;;Dee;Eng;2026-02-01
;cy@example.com;+47 934 54 498;;Eva;Foss;2026-02-01
"""


@pytest.fixture
def doubles(client, tmp_path):
    path = tmp_path / "doubles.csv"
    path.write_text(DOUBLES, encoding="utf-8")
    push = FilePush(client, Source(str(path), path.name))
    for column, target in (
        ("Id", "contact_id"),
        ("Nyhetsbrev", "email_opt_in"),
        ("Fornavn", "property:First name"),
        ("Etternavn", "property:Last name"),
    ):
        push.map_column(column, target)
    push.check()
    return push


def clusters(push):
    return [push.cleaning.cluster(number) for number in push.cleaning.standing["cluster"].unique(maintain_order=True)]


def test_duplicates_stand_with_why_and_with_what_has_to_be_answered(doubles):
    doubles.find_duplicates(by_identifiers=True)
    first, second, third = clusters(doubles)
    assert (first.rows, second.rows, third.rows) == ([0, 1], [2, 3], [4, 5, 6])
    assert first.question is None
    assert "different contact ids" in second.question
    assert "joins two other people" in third.question
    assert set(first.scores) == {1.0}
    assert date_columns(doubles.contacts) == ["Endret"]


@pytest.mark.slow
def test_rows_are_merged_one_by_one_and_what_stands_follows_also_back(doubles):
    doubles.find_duplicates(by_identifiers=True)
    doubles.merge_rows([0, 1], {"property:First name": 1})
    assert doubles.contacts.select("email", "email_opt_in", "property:First name").row(0) == (
        "ann@example.com", False, "Ann K.",
    )  # fmt: skip
    assert [each.rows for each in clusters(doubles)] == [[1, 2], [3, 4, 5]]
    assert clusters(doubles)[0].reasons == ["same email as row 2", "same email as row 1"]
    assert clusters(doubles)[1].reasons[2].startswith("joins rows 3 and 4, two other people")
    with pytest.raises(UsageError, match="nothing was merged: its rows have different contact ids"):
        doubles.merge_rows([1, 2])
    doubles.merge_rows([1, 2], {"contact_id": 1})
    assert doubles.contacts["contact_id"].to_list() == [None, 12, None, None, None]
    assert [each.rows for each in clusters(doubles)] == [[2, 3, 4]]
    doubles.change_recipe(lambda recipe: recipe.without(0))
    assert [each.rows for each in clusters(doubles)] == [[0, 1], [3, 4, 5]]
    assert [step.do for step in doubles.recipe.steps] == ["merge_rows"]


@pytest.mark.slow
def test_all_that_needs_no_answer_is_merged_and_who_is_several_people_left_alone(doubles):
    doubles.find_duplicates(by_identifiers=True)
    doubles.merge_duplicates("newest", "Endret")
    assert doubles.contacts["property:First name"].to_list()[0] == "Ann K."
    assert [len(each.rows) for each in clusters(doubles)] == [2, 3]
    doubles.change_recipe(lambda recipe: recipe.without(0))
    doubles.duplicates.apart.add(0)
    assert [each.rows for each in clusters(doubles)] == [[2, 3], [4, 5, 6]]
    with pytest.raises(UsageError, match="nothing was merged"):
        doubles.merge_duplicates()
    assert not doubles.recipe.steps
    assert doubles.contacts.height == 7


@pytest.mark.slow
@SOURCE_WARNING
def test_merged_duplicates_are_in_the_code(doubles, client):
    doubles.edits.edit(4, "property:First name", "Cyril")
    doubles.find_duplicates()
    doubles.merge_duplicates()
    names = {"client": client}
    exec(doubles.code, names)
    assert names["contacts"].equals(doubles.contacts)


@pytest.mark.slow
def test_rows_that_were_pushed_are_merged_no_more(doubles):
    doubles.start(heard)
    assert doubles.wait(30)
    doubles.find_duplicates()
    with pytest.raises(UsageError, match="pushed already"):
        doubles.merge_rows([0, 1])


@pytest.mark.slow
def test_duplicates_are_looked_for_anew_when_columns_are_others(doubles):
    doubles.find_duplicates()
    doubles.map_column("Etternavn", "")
    doubles.check()
    assert doubles.duplicates is None


def test_a_recipe_that_does_not_fit_leaves_all_as_it_was(checked):
    checked.edits.edit(1, "email", "bo@example.com")
    before = (checked.contacts, dict(checked.mapping), list(checked.notes))
    broken = Recipe().read_contacts({"Navn": "property:First name"})
    with pytest.raises(MappingError):
        checked.use_recipe(broken)
    assert (checked.contacts.equals(before[0]), checked.mapping, checked.notes) == (True, *before[1:])
    checked.check()
    assert checked.contacts["email"][1] == "bo@example.com"


def test_the_profile_is_of_the_columns_as_they_came(push):
    line = push.loaded.profile.row(by_predicate=pl.col("column") == "Mobil", named=True)
    assert (line["filled"], line["distinct"], line["patterns"][0]["value"]) == (4, 3, "+99 999 99 999")


def test_what_a_rule_of_your_own_says_counts(client):
    class Strict(ContactSchema):
        """Takes nobody."""

        @pa.dataframe_check
        def nobody(cls, data):
            return data.lazyframe.select(pl.col("email") != "a@example.com")

    push = of_frame(client, pl.DataFrame({"email": ["a@example.com", "b@example.com"]}), schema=Strict)
    assert push.review.sendable == 1
    assert "schema=Strict" in push.code


# Push


@pytest.mark.slow
def test_mended_rows_are_pushed_and_the_rest_keeps_what_it_had(checked, crm):
    checked.edits.edit(1, "email", "bo@example.com")
    run(checked)
    assert statuses(checked) == ["succeeded", "succeeded", "invalid", "succeeded", "succeeded"]
    part = checked.failed()
    assert part.edits.contacts["mb_status"].to_list() == ["invalid"]
    part.edits.edit(0, "email_opt_in", "no")
    part.carry()
    assert checked.contacts["email_opt_in"][2] is False
    sent_before = crm.requests().height
    assert checked.review.sendable == 1
    run(checked)
    assert set(statuses(checked)) == {"succeeded"}
    assert crm.requests().height == sent_before + 1
    assert checked.failed_rows.is_empty()


@pytest.mark.slow
def test_edits_of_a_part_are_made_and_undone_in_the_whole(checked):
    run(checked)
    part = checked.failed()
    part.edits.edit(0, "email", "bo@example.com")
    part.edits.edit(1, "mobile_number", "+46 70 174 06 05")
    part.carry()
    assert checked.contacts["email"][1] == "bo@example.com"
    assert checked.contacts.select("mobile_country_code", "mobile_number").row(2) == (46, 701740605)
    part.edits.undo()
    part.edits.undo()
    part.carry()
    assert checked.edits.changes.is_empty()
    again = checked.failed()
    assert again.edits.contacts["email"].to_list() == ["bo@example", "cy@example.com"]


@pytest.mark.slow
def test_a_row_that_was_changed_after_its_push_is_pushed_again_and_no_other(checked, crm):
    run(checked)
    assert checked.review.sendable == 0
    assert checked.review.stored == 3
    checked.edits.edit(0, "property:First name", "Anna")
    assert checked.review.sendable == 1
    sent_before = crm.requests().height
    run(checked)
    assert crm.requests().height == sent_before + 1
    checked.sends_stored = True
    assert checked.review.sendable == 3


@pytest.mark.slow
def test_a_column_that_is_mapped_after_a_push_makes_its_rows_due_and_loses_no_result(checked):
    checked.map_column("Navn", "")
    checked.check()
    ids = run(checked)["mb_contact_id"].to_list()
    checked.map_column("Navn", "property:First name")
    checked.check()
    assert checked.results["mb_contact_id"].to_list() == ids
    assert checked.review.sendable == 3
    run(checked)
    assert checked.results["property:First name"].to_list() == ["Ann", "Bo", "Cy", "Dee", "Dee again"]
    assert checked.results["mb_contact_id"].to_list() == ids


@pytest.mark.slow
def test_opt_ins_are_turned_on_only_as_many_as_was_consented_to(checked, crm):
    pushing = checked.start(heard)
    assert checked.wait(30)
    assert "1 opt-ins would be turned on" in pushing.fault
    assert crm.requests().is_empty()
    checked.consented = 2
    pushing = checked.start(heard)
    assert checked.wait(30)
    assert "2 were stated" in pushing.fault
    assert crm.requests().is_empty()


@pytest.mark.slow
def test_a_refused_yes_is_not_pushed_by_pushing_again(client, crm):
    push = of_frame(client, pl.DataFrame({"email": ["a@example.com"] * 2, "email_opt_in": ["yes", "no"]}))
    assert run(push)["mb_status"].to_list() == ["invalid", "succeeded"]
    assert push.review.sendable == 0
    push.sends_stored = True
    assert run(push)["mb_status"].to_list() == ["invalid", "succeeded"]
    assert crm.contacts()["email_opt_in"].to_list() == [False]
    part = of_frame(client, push.results.head(1))
    assert part.review.sendable == 0


def test_a_push_on_its_way_can_be_cancelled_and_no_other_begun(client, crm):
    crm.fail("delay", seconds=0.2, times=None)
    push = of_frame(client, pl.DataFrame({"email": [f"p{n}@example.com" for n in range(100)]}))
    moved = threading.Event()
    pushing = push.start(moved.set)
    with pytest.raises(UsageError, match="on its way"):
        push.start(heard)
    assert moved.wait(10)
    push.cancel()
    assert push.wait(30)
    assert "not_sent" in statuses(push)
    assert push.results.height == 100
    assert pushing.ended is not None
    assert crm.contacts().height == statuses(push).count("succeeded")
    assert push.review.sendable == statuses(push).count("not_sent")


def test_what_goes_wrong_with_a_push_is_kept_and_not_raised(client):
    push = of_frame(client, pl.DataFrame({"email": ["a@example.com"]}))
    push.list_id = "no uuid"
    pushing = push.start(heard)
    assert push.wait(30)
    assert "no uuid" in pushing.fault
    assert push.results is None


# Code


@pytest.mark.slow
@SOURCE_WARNING
def test_the_code_does_the_same(checked, crm, client):
    checked.edits.edit(1, "email", "bo@example.com")
    checked.leave_out("duplicate_identifier")
    namespace = {"client": client}
    exec(checked.code, namespace)
    by_code = crm.contacts()
    results = run(checked)
    assert namespace["contacts"].equals(checked.contacts)
    told = ["mb_row", "mb_status", "mb_contact_id", "mb_code"]
    assert namespace["results"].select(told).equals(results.select(told))
    assert crm.contacts().height == by_code.height
    assert checked.code.count("opt_ins_on=1") == 1


@pytest.mark.slow
@SOURCE_WARNING
def test_bytes_and_frames_come_in_too(client, path):
    push = FilePush(client, Source(path.read_bytes(), "upload.csv"))
    push.check()
    assert push.contacts.equals(read_contacts(path, mapping=push.mapping))
    assert "read_contacts('upload.csv'" in push.code


@pytest.mark.slow
def test_a_step_that_the_new_mapping_makes_impossible_is_said_and_holds_nobody_up(doubles, client):
    doubles.find_duplicates()
    doubles.merge_duplicates("newest", "Endret")
    doubles.merge_rows([1, 2], {"contact_id": 1, "property:First name": 1})
    doubles.map_column("Nyhetsbrev", "")
    doubles.map_column("Fornavn", "email_opt_in")
    doubles.map_column("Endret", "mobile_opt_in")
    doubles.check()
    assert len([note for note in doubles.read_notes if note.startswith("not done: ")]) == 2
    assert doubles.contacts.height == 7
    assert doubles.whole_recipe.run(doubles.table).contacts.equals(doubles.contacts)
    for column, target in (("Fornavn", "property:First name"), ("Endret", ""), ("Nyhetsbrev", "email_opt_in")):
        doubles.map_column(column, target)
    doubles.check()
    assert doubles.contacts.height == 5
    assert not any("not done" in note for note in doubles.read_notes)


@pytest.mark.slow
@SOURCE_WARNING
def test_the_code_and_the_recipe_are_of_the_contacts_also_before_another_mapping_is_read(checked, client):
    checked.edits.edit(1, "property:First name", "Boo")
    checked.map_column("Navn", "property:Name")
    namespace = {"client": client}
    exec(checked.code, namespace)
    assert namespace["contacts"].equals(checked.contacts)
    assert checked.whole_recipe.run(checked.table).contacts.equals(checked.contacts)


class Noted(NormalizeName):
    """Says how often it was done."""

    times = 0

    def run(self, frame):
        Noted.times += 1
        return super(NormalizeName, self).run(frame)


@pytest.mark.slow
def test_what_comes_before_a_step_that_is_switched_is_not_done_again(doubles):
    doubles.add_steps(Noted("property:First name"), MergeDuplicates(columns=[]))
    doubles.edits.edit(0, "property:First name", "Anna")
    before = Noted.times
    doubles.change_recipe(lambda recipe: recipe.disable(2))
    doubles.change_recipe(lambda recipe: recipe.without(2))
    doubles.change_recipe(lambda recipe: recipe.disable(1))
    assert doubles.contacts.height == 7
    doubles.change_recipe(lambda recipe: recipe.enable(1))
    assert doubles.contacts.height == 6
    assert Noted.times == before
    doubles.change_recipe(lambda recipe: recipe.disable(0))
    doubles.change_recipe(lambda recipe: recipe.enable(0))
    assert Noted.times == before + 1
    assert doubles.whole_recipe.run(doubles.table).contacts.equals(doubles.contacts)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::mbtoolkit.errors.RecordWarning")
def test_a_push_whose_record_is_incomplete_says_so_beside_its_results(checked, tmp_path, monkeypatch):
    monkeypatch.setenv("MBTOOLKIT_STATE_DIR", str(tmp_path / "state"))
    is_full = threading.Event()

    def fill():
        if not is_full.is_set():
            fail_writing(tmp_path / "state" / "runs")
            is_full.set()

    checked.consented = checked.review.opt_ins_on
    pushing = checked.start(fill)
    assert checked.wait(30)
    assert "succeeded" in statuses(checked)
    assert REASON in pushing.record_error
    assert pushing.fault is None
