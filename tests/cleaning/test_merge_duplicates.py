"""Each cluster becomes one row, every row and value is accounted for, and nobody's consent grows."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit import Recipe, validate_contacts
from mbtoolkit.cleaning import find_duplicates, merge_duplicates
from mbtoolkit.contacts import OPT_INS
from mbtoolkit.errors import FrameError, SourceWarning, UsageError
from mbtoolkit.recipes import row_prints
from tests.cleaning.people import people

ANN = pl.DataFrame(
    {
        "email": ["ann@example.com", "bo@example.com", "ann@example.com", None, "ann@example.com"],
        "mobile_country_code": [44, 44, None, 44, 47],
        "mobile_number": [7700900100, 7700900101, 7700900102, 7700900100, None],
        "email_opt_in": [True, True, None, None, True],
        "mobile_opt_in": [None, True, True, False, True],
        "property:Name": ["Ann", "Bo", "Ann Berg", None, "Ann"],
        "seen": ["2024-05-01", "2024-01-01", "2025-02-03T10:00:00", None, "2025-02-03"],
        "note": ["a", "b", "c", "d", None],
    }
)


def clusters(frame, *, columns=()):
    return find_duplicates(frame, columns=columns)


def one(merged):
    return merged.contacts.row(0, named=True)


def test_the_newest_row_stands_and_its_gaps_are_filled_by_the_next():
    merged = merge_duplicates(ANN, clusters(ANN), date_column="seen")
    assert merged.contacts.height == 2
    ann = one(merged)
    assert (ann["property:Name"], ann["email"], ann["note"]) == ("Ann Berg", "ann@example.com", "c")
    assert merged.rows["is_preferred"].to_list() == [False, False, True, False, False]


@pytest.mark.parametrize(
    ("keep", "preferred"), [("first", 0), ("last", 4), ("most_complete", 0), ("newest", 2)], ids=str
)
def test_the_preferred_row_is_the_one_that_was_asked_for(keep, preferred):
    merged = merge_duplicates(ANN, clusters(ANN), keep=keep, date_column="seen")
    assert merged.rows.filter("is_preferred")["row"].to_list() == [preferred]


def test_code_and_number_of_a_mobile_are_of_one_row():
    merged = merge_duplicates(ANN, clusters(ANN), keep="last")
    assert (one(merged)["mobile_country_code"], one(merged)["mobile_number"]) == (44, 7700900100)


def test_what_is_half_a_mobile_stays_so_where_there_is_no_whole_one():
    frame = ANN[[2, 4]]
    merged = merge_duplicates(frame, clusters(frame), keep="first")
    assert (one(merged)["mobile_country_code"], one(merged)["mobile_number"]) == (None, 7700900102)


def test_the_strictest_consent_stands_whichever_row_does():
    for keep in ("first", "last", "most_complete"):
        ann = one(merge_duplicates(ANN, clusters(ANN), keep=keep))
        assert ann["email_opt_in"] is True
        assert ann["mobile_opt_in"] is False


KIM_AND_LEE = pl.DataFrame(
    {
        "contact_id": pl.Series([None, None], dtype=pl.Int64),
        "email": ["kim@example.com", "lee@example.com"],
        "mobile_country_code": [47, 47],
        "mobile_number": [93454496, 93454496],
        "email_opt_in": [True, None],
        "mobile_opt_in": [None, True],
    }
)


@pytest.mark.parametrize("kim", ["kim@example.com", None], ids=["another address", "no address"])
def test_a_yes_for_one_address_is_none_for_another(kim):
    frame = KIM_AND_LEE.with_columns(email=pl.Series([kim, "lee@example.com"]))
    merged = merge_duplicates(frame, clusters(frame), keep="last")
    assert (one(merged)["email"], one(merged)["email_opt_in"]) == ("lee@example.com", None)
    assert one(merged)["mobile_opt_in"] is True
    assert (0, "email_opt_in", "true", None) in merged.lost.rows()


def test_a_no_counts_whatever_address_stands():
    frame = KIM_AND_LEE.with_columns(email_opt_in=pl.Series([False, True]))
    assert one(merge_duplicates(frame, clusters(frame), keep="last"))["email_opt_in"] is False


def test_a_yes_stands_where_the_address_is_written_otherwise_or_the_contact_is_known_by_its_id():
    frame = KIM_AND_LEE.with_columns(email=pl.Series(["LEE@example.com", "lee@example.com"]))
    assert one(merge_duplicates(frame, clusters(frame), keep="last"))["email_opt_in"] is True
    frame = KIM_AND_LEE.with_columns(email=pl.Series([None, "lee@example.com"]), contact_id=pl.Series([7, 7]))
    assert one(merge_duplicates(frame, clusters(frame), keep="last"))["email_opt_in"] is True


@pytest.mark.parametrize(("choices", "consent"), [({"email": 1}, None), ({"email": 0}, True), ({}, True)], ids=str)
def test_rows_merged_by_hand_keep_to_that_too(choices, consent):
    merged = Recipe().merge_rows([0, 1], row_prints(KIM_AND_LEE, [0, 1]), choices=choices).run(KIM_AND_LEE)
    assert merged.contacts["email_opt_in"].to_list() == [consent]
    assert merged.lost.height == (2 if choices == {"email": 1} else 1)


def test_what_is_no_address_gives_way_to_one_that_is():
    frame = pl.DataFrame({"contact_id": [1, 1, 1], "email": ["none", "lee@example.com", "kim@example.com"]})
    merged = merge_duplicates(frame, clusters(frame), keep="first")
    assert one(merged)["email"] == "lee@example.com"
    assert (0, "email", "none", "lee@example.com") in merged.lost.rows()
    assert one(merge_duplicates(frame, clusters(frame), keep="first", rules={"email": "last"}))["email"] == (
        "kim@example.com"
    )
    assert (
        one(merge_duplicates(frame[[0, 0]], pl.DataFrame({"row": [0, 1], "cluster": [0, 0]}), keep="first"))["email"]
        == "none"
    )


def test_where_an_answer_was_not_read_no_consent_is_taken_from_the_others():
    frame = pl.DataFrame(
        {"email": ["ann@example.com"] * 2, "email_opt_in": ["yes", "perhaps"], "mobile_opt_in": ["no", "perhaps"]}
    )
    merged = merge_duplicates(frame, clusters(frame), keep="first")
    assert one(merged)["email_opt_in"] is None
    assert one(merged)["unread:email_opt_in"] == "not_yes_or_no: perhaps"
    assert one(merged)["mobile_opt_in"] is False
    assert one(merged)["unread:mobile_opt_in"] is None
    assert validate_contacts(merged.contacts).invalid.height == 1


def test_what_was_not_read_stays_only_where_no_other_row_fills_it():
    frame = pl.DataFrame({"email": ["ann@example.com"] * 2, "contact_id": ["1e5", "7"]})
    merged = merge_duplicates(frame, clusters(frame), keep="first")
    assert (one(merged)["contact_id"], one(merged)["unread:contact_id"]) == (7, None)


def test_a_rule_chooses_for_one_column():
    frame = pl.DataFrame(
        {
            "email": ["ann@example.com"] * 4,
            "property:Name": ["Ann", "Ann B", "Ann", None],
            "points": [3, 9, 1, None],
            "seen": ["2024-01-01", "2023-01-01", None, "2025-01-01"],
            "note": ["x", "y", "z", None],
        }
    )
    found = clusters(frame)
    rules = {"property:Name": "commonest", "points": "largest", "note": "newest"}
    ann = one(merge_duplicates(frame, found, keep="last", date_column="seen", rules=rules))
    assert (ann["property:Name"], ann["points"], ann["note"], ann["seen"]) == ("Ann", 9, "x", "2025-01-01")
    rules = {"property:Name": "longest", "points": "smallest", "note": "last"}
    ann = one(merge_duplicates(frame, found, keep="first", rules=rules))
    assert (ann["property:Name"], ann["points"], ann["note"]) == ("Ann B", 1, "z")


def test_each_value_that_is_gone_is_listed():
    merged = merge_duplicates(ANN, clusters(ANN), date_column="seen")
    lost = merged.lost.filter(pl.col("column").is_in(["property:Name", "mobile_opt_in"]))
    assert lost.rows() == [
        (0, "property:Name", "Ann", "Ann Berg"),
        (2, "mobile_opt_in", "true", "false"),
        (4, "mobile_opt_in", "true", "false"),
        (4, "property:Name", "Ann", "Ann Berg"),
    ]


def test_a_cluster_whose_row_joins_two_other_people_is_left():
    frame = pl.DataFrame(
        {
            "email": ["ann@example.com", "bo@example.com", "ann@example.com"],
            "mobile_country_code": 44,
            "mobile_number": [7700900100, 7700900101, 7700900101],
        }
    )
    merged = merge_duplicates(frame, clusters(frame), keep="first")
    assert merged.contacts.height == 3
    assert merged.left.rows() == [(0, 3, "one of its rows joins two other people")]
    assert "3 rows in = 3 rows out + 0 merged into others" in merged.headline
    looked_at = clusters(frame).drop("joins")
    assert merge_duplicates(frame, looked_at, keep="first").contacts.height == 1


def test_a_cluster_with_two_contact_ids_is_left():
    frame = pl.DataFrame({"email": ["ann@example.com"] * 3, "contact_id": [7, 8, None]})
    merged = merge_duplicates(frame, clusters(frame), keep="first")
    assert merged.contacts.equals(frame)
    assert merged.left["reason"].to_list() == ["its rows have different contact ids"]


def test_a_repr_holds_no_cell():
    merged = merge_duplicates(ANN, clusters(ANN), keep="first")
    assert repr(merged).startswith("5 rows in = 2 rows out + 3 merged into others; ")
    assert "ann" not in repr(merged).lower()


@pytest.mark.slow
def test_other_rows_and_columns_stay_as_they_are_and_in_order():
    frame, _ = people(2_000, seed=4)
    frame = frame.with_columns(
        pl.int_range(pl.len()).alias("place"),
        pl.concat_list(pl.lit("tag"), pl.col("email")).alias("tags"),
        pl.lit("12.5").cast(pl.Decimal(10, 2)).alias("amount"),
    )
    found = find_duplicates(frame)
    merged = merge_duplicates(frame, found, keep="first")
    assert merged.contacts.schema == frame.schema
    assert merged.contacts["place"].is_sorted()
    alone = pl.col("place").is_in(found["row"].implode()).not_()
    assert merged.contacts.filter(alone).equals(frame.filter(alone))
    assert merged.rows.group_by("into").len().height == merged.contacts.height


@pytest.mark.slow
def test_two_doubles_in_a_frame_of_many_are_still_the_same_contact_to_the_crm():
    frame, _ = people(1_500, seed=9)
    frame = pl.concat([frame, frame.sample(300, seed=1)])
    merged = merge_duplicates(frame, find_duplicates(frame), keep="most_complete")
    assert find_duplicates(merged.contacts, columns=[]).is_empty()


ROW = st.tuples(
    st.sampled_from(["ann@example.com", "bo@example.com", "ANN@example.com", None]),
    st.sampled_from([None, 44, 47]),
    st.sampled_from([None, 7700900100, 7700900101]),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, "Ann", "Bo", ""]),
    st.integers(0, 4),
)
COLUMNS = ["email", "mobile_country_code", "mobile_number", "email_opt_in", "mobile_opt_in", "property:Name", "group"]
TYPES = dict(zip(COLUMNS, [pl.String, pl.Int32, pl.Int64, pl.Boolean, pl.Boolean, pl.String, pl.Int64], strict=True))


def address(row, consent):
    """What a consent of a row is for."""
    if consent == "mobile_opt_in":
        mobile = (row["mobile_country_code"], row["mobile_number"])
        return mobile if None not in mobile else None
    return row["email"].strip().lower() if row["email"] and "@" in row["email"] else None


@pytest.mark.slow
@given(st.lists(ROW, max_size=20), st.sampled_from(["first", "last", "most_complete"]))
def test_rows_in_are_rows_out_and_rows_merged_and_consent_never_grows(rows, keep):
    frame = pl.DataFrame(rows, schema=TYPES, orient="row")
    named = frame.select(pl.int_range(pl.len()).alias("row"), pl.col("group").alias("cluster"))
    merged = merge_duplicates(frame, named.filter(pl.col("cluster") > 0), keep=keep)
    assert merged.rows["row"].to_list() == list(range(frame.height))
    assert merged.rows["into"].unique().sort().to_list() == list(range(merged.contacts.height))
    went = frame.hstack(merged.rows.select("into"))
    for into, row in enumerate(merged.contacts.iter_rows(named=True)):
        came = went.filter(pl.col("into") == into)
        for consent in OPT_INS:
            yes = any(each[consent] and address(each, consent) == address(row, consent) for each in came.to_dicts())
            assert row[consent] == (False if came[consent].min() is False else True if yes else None)
        mobile = (row["mobile_country_code"], row["mobile_number"])
        assert mobile in set(came.select("mobile_country_code", "mobile_number").iter_rows())
        for column in ("email", "property:Name"):
            assert row[column] in came[column].to_list() or not any(came[column].fill_null(""))
            filled = came[column].drop_nulls().replace("", None).drop_nulls()
            gone = merged.lost.filter(
                pl.col("row").is_in(merged.rows.filter(pl.col("into") == into)["row"].implode())
                & (pl.col("column") == column)
            )
            same = str.lower if column == "email" else str
            assert sorted(gone["value"]) == sorted(value for value in filled if same(value) != same(row[column]))


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({}, UsageError, "date_column"),
        ({"keep": "best"}, UsageError, "keep is one of"),
        ({"date_column": "saw"}, UsageError, "'saw' is not in the frame"),
        ({"date_column": "property:Name"}, FrameError, "no ISO 8601 date"),
        ({"date_column": "mobile_number"}, FrameError, "Int64"),
        ({"keep": "first", "rules": {"email_opt_in": "last"}}, UsageError, "strictest"),
        ({"keep": "first", "rules": {"nme": "last"}}, UsageError, "'nme', which is not in the frame"),
        ({"keep": "first", "rules": {"note": "prettiest"}}, UsageError, "one of first, last"),
        ({"keep": "first", "rules": {"note": "newest"}}, UsageError, "date_column"),
        ({"keep": "first", "rules": {"mobile_number": "largest"}}, UsageError, "stay together"),
        (
            {"keep": "first", "rules": {"mobile_number": "last", "mobile_country_code": "first"}},
            UsageError,
            "stay together",
        ),
        ({"keep": "first", "clusters": pl.DataFrame({"row": [9], "cluster": [0]})}, FrameError, "doesn't have"),
        ({"keep": "first", "clusters": pl.DataFrame({"row": [1, 1], "cluster": [0, 1]})}, FrameError, "twice"),
        ({"keep": "first", "clusters": pl.DataFrame({"row": [1]})}, FrameError, "row, cluster"),
        ({"keep": "first", "clusters": pl.DataFrame({"row": [None], "cluster": [0]})}, FrameError, "each line"),
        ({"contacts": ANN.lazy(), "keep": "first"}, FrameError, "LazyFrame"),
    ],
)
def test_a_call_that_cannot_work_is_refused(arguments, error, said):
    with pytest.raises(error, match=said):
        merge_duplicates(**{"contacts": ANN, "clusters": clusters(ANN)} | arguments)


@pytest.mark.parametrize(
    ("cells", "rule", "kept"),
    [
        pytest.param(pl.Series([dt.timedelta(1), dt.timedelta(10)]), "longest", dt.timedelta(10), id="durations"),
        pytest.param(pl.Series([{1}, {2}], dtype=pl.Object), "first", {1}, id="objects"),
    ],
)
def test_columns_of_rare_types_are_merged(cells, rule, kept):
    contacts = pl.DataFrame({"email": ["a@example.com"] * 2, "x": cells})

    merged = merge_duplicates(contacts, find_duplicates(contacts), keep="first", rules={"x": rule})

    assert merged.contacts["x"].to_list() == [kept]
    assert merged.lost["column"].to_list() == ["x"]


def test_dates_that_can_not_be_read_are_said():
    dates = ["2020-01-01", "31.12.2025", None, " "]
    contacts = pl.DataFrame({"email": ["a@example.com"] * 4, "Changed": dates})

    with pytest.warns(SourceWarning, match="1 cells hold text that is no ISO 8601 date"):
        merge_duplicates(contacts, find_duplicates(contacts), date_column="Changed")
    told = Recipe().merge_duplicates(keep="newest", date_column="Changed", columns=[]).run(contacts).report["note"]
    assert "31.12" not in told[0]
    assert "no ISO 8601 date" in told[0]
