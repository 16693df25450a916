"""What one column says again is no more evidence: a full name beside first and last name, and its like."""

from __future__ import annotations

import warnings

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mbtoolkit.cleaning import find_duplicates, merge_duplicates
from mbtoolkit.errors import SourceWarning
from tests.cleaning.people import misspelt, names

PEOPLE, DOUBLES = 1_500, 60
COLUMNS = ["First name", "Last name", "Birthday", "City", "Street"]
FIRST, LAST, BIRTH = pl.col("First name"), pl.col("Last name"), pl.col("Birthday")


def crowd(blank):
    """People of 20 first and 20 last names, some of them twice with slips, and who is who; some birthdays are blank."""
    random = np.random.default_rng(5)
    cells = {
        "First name": names(20, 2, 1)[random.integers(0, 20, PEOPLE)],
        "Last name": names(20, 3, 2)[random.integers(0, 20, PEOPLE)],
        "Birthday": (np.datetime64("1950-01-01") + random.integers(0, 20_000, PEOPLE)).astype(str).astype(object),
        "City": names(8, 3, 3)[random.integers(0, 8, PEOPLE)],
        "Street": names(24, 3, 4)[random.integers(0, 24, PEOPLE)]
        + " "
        + random.integers(1, 90, PEOPLE).astype(str).astype(object),
    }
    again = random.choice(PEOPLE, DOUBLES, replace=False)
    frame = {}
    for name, values in cells.items():
        both = np.concatenate([values, values[again]])
        for place in PEOPLE + np.flatnonzero(random.random(DOUBLES) < 0.2):
            both[place] = misspelt(random, both[place])
        if name == "Birthday":
            both[random.random(len(both)) < blank] = None
        frame[name] = pl.Series(both.tolist(), dtype=pl.String)
    row = pl.int_range(pl.len())
    return pl.DataFrame(frame).with_columns(email=pl.format("p{}@example.com", row)), [*range(PEOPLE), *again]


@pytest.fixture(scope="module")
def table():
    return crowd(0.0)


@pytest.fixture(scope="module")
def gaps():
    return crowd(0.5)


def judged(found, person):
    """Precision and recall of the pairs."""
    who = pl.DataFrame({"row": np.arange(len(person)), "person": person}).join(found, on="row", how="left")

    def pairs(*keys):
        sizes = who.drop_nulls(list(keys)).group_by(*keys).len()["len"].cast(pl.Int64)
        return int((sizes * (sizes - 1) // 2).sum())

    right = pairs("cluster", "person")
    return right / max(1, pairs("cluster")), right / pairs("person")


AGAIN = {
    "Name": pl.format("{} {}", FIRST, LAST),
    "Full name": pl.format("{}   {}", FIRST.str.to_uppercase(), LAST.str.to_uppercase()),
    "File as": pl.format("{}, {}", LAST, FIRST),
    "Name, shortened": pl.format("{}. {}", FIRST.str.slice(0, 1), LAST),
    "Initials": pl.concat_str(FIRST.str.slice(0, 1), LAST.str.slice(0, 1)),
    "Initials, with points": pl.format("{}.{}.", FIRST.str.slice(0, 1), LAST.str.slice(0, 1)),
    "Name, joined": pl.concat_str(LAST.str.to_lowercase(), FIRST.str.to_lowercase()),
    "Last name again": LAST,
    "Birth year": BIRTH.str.slice(0, 4),
    "Birthday again": BIRTH,
    "Address": pl.format("{}, {}", "Street", "City"),
}


@pytest.fixture(scope="module")
def found_without(table, gaps):
    """What is found in each table without a further column."""
    return [(frame, find_duplicates(frame, columns=COLUMNS)) for frame, _ in (table, gaps)]


@pytest.mark.slow
@pytest.mark.parametrize("name", AGAIN)
def test_a_column_that_says_again_what_others_say_changes_nothing(found_without, name):
    (whole, found_whole), (gaps, found_gaps) = found_without
    again = whole.with_columns(AGAIN[name].alias(name))
    assert find_duplicates(again, columns=[*COLUMNS, name]).equals(found_whole)
    again = gaps.with_columns(AGAIN[name].alias(name))
    assert find_duplicates(again, columns=[name, *COLUMNS])["row", "cluster"].equals(found_gaps["row", "cluster"])


@pytest.mark.slow
def test_many_such_columns_together_change_nothing(gaps):
    frame, _ = gaps
    again = frame.with_columns(each.alias(name) for name, each in AGAIN.items())
    assert find_duplicates(again, columns=again.drop("email").columns)["row", "cluster"].equals(
        find_duplicates(frame, columns=COLUMNS)["row", "cluster"]
    )


@pytest.mark.slow
@pytest.mark.parametrize("columns", [COLUMNS[:4], COLUMNS], ids=["without a street", "with a street"])
def test_no_person_is_lost_by_merging_for_a_name_that_stands_twice(gaps, columns):
    frame, person = gaps
    contacts = frame.select(
        "email", AGAIN["Name"].alias("property:Name"), *(pl.col(each).alias(f"property:{each}") for each in columns)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SourceWarning)
        found = find_duplicates(contacts)
    precision, _ = judged(found, person)
    assert precision > 0.98
    assert merge_duplicates(contacts, found, keep="first").contacts.height >= PEOPLE


@pytest.mark.slow
def test_a_differing_birthday_stays_decisive():
    frame = crowd(0.0)[0].head(PEOPLE).with_columns(AGAIN["Name"].alias("Name"))
    found = find_duplicates(frame, columns=["Name", *COLUMNS[:4]])
    assert found.height <= 4


@pytest.mark.slow
def test_a_title_in_a_full_name_is_all_that_it_says_of_its_own(table):
    frame, person = table
    titled = frame.with_columns(pl.format("Dr {} {}", FIRST, LAST).alias("Name"))
    without = judged(find_duplicates(frame, columns=COLUMNS), person)
    assert judged(find_duplicates(titled, columns=[*COLUMNS, "Name"]), person) == pytest.approx(without, abs=0.02)


@pytest.mark.slow
def test_a_full_name_counts_where_its_parts_are_blank(table):
    frame, person = table
    is_whole = pl.int_range(pl.len()) % 2 == 0
    half = frame.with_columns(
        AGAIN["Name"].alias("Name"),
        pl.when(is_whole).then(FIRST).alias("First name"),
        pl.when(is_whole).then(LAST).alias("Last name"),
    )
    precision, recall = judged(find_duplicates(half, columns=[*COLUMNS, "Name"]), person)
    assert precision > 0.98
    assert recall > 0.9
    assert judged(find_duplicates(half, columns=COLUMNS), person)[1] < recall


@pytest.mark.slow
def test_a_phone_beside_its_parts_says_nothing_more(table):
    frame, _ = table
    number = (pl.int_range(pl.len()) % 700 + 7_700_900_000).cast(pl.String)
    parts = frame.with_columns(Code=pl.lit("44"), Number=number, Phone=pl.format("+44 {}", number))
    found = find_duplicates(parts, columns=[*COLUMNS, "Number"])
    assert find_duplicates(parts, columns=[*COLUMNS, "Number", "Phone"])["row", "cluster"].equals(
        found["row", "cluster"]
    )


WORD = st.sampled_from(["Ann", "Bo", "Øyvind", "Anne-Marie", "Berg", "van Dyk", "O'Neil", "李", None])


@pytest.mark.slow
@given(st.lists(st.tuples(WORD, WORD, st.sampled_from(["Oslo", "Bergen", None])), min_size=2, max_size=30), st.data())
@settings(max_examples=50)
def test_a_name_made_of_its_parts_never_links_what_they_do_not(rows, data):
    columns = ["First name", "Last name", "City"]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
    order = data.draw(st.permutations([FIRST, LAST]))
    mark = data.draw(st.sampled_from([" ", ", ", "  "]))
    named = frame.with_columns(pl.concat_str(order, separator=mark, ignore_nulls=True).alias("Name"))
    threshold = data.draw(st.sampled_from([0.2, 0.9]))
    found = find_duplicates(named, columns=[*columns, "Name"], threshold=threshold)
    assert found["row", "cluster"].equals(
        find_duplicates(frame, columns=columns, threshold=threshold)["row", "cluster"]
    )
