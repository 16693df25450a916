"""Rows of one person are found: by what identifies them, and by what they are called and where they live."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit.cleaning import find_duplicates, mapping_of, suggest_mapping
from mbtoolkit.cleaning.duplicates import DUPLICATES
from mbtoolkit.cleaning.duplicates.blocks import Blocks
from mbtoolkit.cleaning.duplicates.columns import compared_columns, people_columns
from mbtoolkit.cleaning.duplicates.links import find_links
from mbtoolkit.cleaning.duplicates.weights import Weights
from mbtoolkit.cleaning.joining import first_of_each
from mbtoolkit.cleaning.plain import plain_text
from mbtoolkit.errors import FrameError, SourceWarning, UsageError
from mbtoolkit.reading import read_contacts
from tests.cleaning.people import people

DATA = Path(__file__).resolve().parents[2] / "data"
PEOPLE = 4_000
NAMES = ["property:First name", "property:Last name"]


@pytest.fixture(scope="module")
def crowd():
    return people(PEOPLE, seed=11)


def pairs_of(rows, clusters):
    """Pairs of rows in one cluster."""
    frame = pl.DataFrame({"row": rows, "cluster": clusters})
    both = frame.join(frame, on="cluster").filter(pl.col("row") < pl.col("row_right"))
    return set(both.select("row", "row_right").iter_rows())


def judged(found, person):
    true = pairs_of(np.arange(len(person)), person)
    said = pairs_of(found["row"], found["cluster"])
    return len(said & true) / max(1, len(said)), len(said & true) / len(true)


@pytest.mark.parametrize(
    ("identifier", "cells"),
    [
        ("email", {"email": ["ann@example.com", "bo@example.com", " Ann@Example.com\u200b"]}),
        ("mobile", {"mobile_country_code": [44, 44, "+44"], "mobile_number": [7700900100, 7700900101, "7700900100"]}),
        ("contact_id", {"contact_id": ["7", "8", "7"]}),
    ],
    ids=["email", "mobile", "contact_id"],
)
def test_rows_with_one_identifier_are_one_person(identifier, cells):
    found = find_duplicates(
        pl.DataFrame({name: pl.Series(each, strict=False, dtype=pl.String) for name, each in cells.items()})
    )
    assert found.schema == pl.Schema(DUPLICATES)
    assert found.select("row", "cluster", "score", "reason").rows() == [
        (0, 0, 1.0, f"same {identifier} as row 2"),
        (2, 0, 1.0, f"same {identifier} as row 0"),
    ]


def test_the_same_number_in_another_country_is_another_mobile():
    frame = pl.DataFrame({"mobile_country_code": [44, 47], "mobile_number": [40000000, 40000000]})
    assert find_duplicates(frame).is_empty()


def test_a_row_that_joins_two_other_people_says_so():
    frame = pl.DataFrame(
        {
            "email": ["ann@example.com", "bo@example.com", "ann@example.com"],
            "mobile_country_code": [44, 44, 44],
            "mobile_number": [7700900100, 7700900101, 7700900101],
        }
    )
    found = find_duplicates(frame)
    assert found["cluster"].to_list() == [0, 0, 0]
    assert found["joins"].to_list() == [None, None, [0, 1]]
    assert found["reason"][2] == ("joins rows 0 and 1, two other people: same email as row 0, same mobile as row 1")


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [1, 2, 0], [2, 1, 0]])
def test_it_is_found_wherever_it_stands_and_though_it_is_there_twice(order):
    rows = [("ann@example.com", 7700900100), ("bo@example.com", 7700900101), ("ann@example.com", 7700900101)]
    rows = [rows[place] for place in order]
    rows.append(("ann@example.com", 7700900101))
    frame = pl.DataFrame(rows, schema=["email", "mobile_number"], orient="row").with_columns(mobile_country_code=44)
    joins = find_duplicates(frame)["joins"]
    assert {row for row, both in enumerate(joins) if both is not None} == {order.index(2), 3}


def test_two_halves_of_one_contact_are_no_two_people():
    frame = pl.DataFrame(
        {
            "email": ["ann@example.com", None, "ann@example.com"],
            "mobile_country_code": [None, 44, 44],
            "mobile_number": [None, 7700900101, 7700900101],
        }
    )
    found = find_duplicates(frame)
    assert found["cluster"].to_list() == [0, 0, 0]
    assert found["joins"].null_count() == 3


def test_rows_that_share_more_than_one_identifier_join_nobody():
    frame = pl.DataFrame(
        {
            "email": ["ann@example.com"] * 3,
            "mobile_country_code": 44,
            "mobile_number": [7700900100, 7700900100, 7700900101],
        }
    )
    found = find_duplicates(frame)
    assert found["cluster"].to_list() == [0, 0, 0]
    assert found["joins"].null_count() == 3
    assert found["reason"][1] == "same mobile and email as row 0"


@pytest.mark.slow
def test_two_halves_with_other_names_are_two_people(crowd):
    frame = crowd[0].head(300).with_columns(mobile_country_code=pl.lit(44, dtype=pl.Int32))
    halves = [
        frame[10].with_columns(mobile_number=pl.lit(None, dtype=pl.Int64)),
        frame[200].with_columns(email=pl.lit(None, dtype=pl.String)),
        frame[10].with_columns(mobile_number=pl.lit(frame["mobile_number"][200])),
    ]
    found = find_duplicates(pl.concat([frame.filter(~pl.int_range(pl.len()).is_in([10, 200])), *halves]))
    assert found.filter(pl.col("joins").is_not_null())["row"].to_list() == [300]


@pytest.mark.slow
def test_two_rows_that_are_one_person_by_name_are_not_joined_by_a_third(crowd):
    frame = crowd[0].filter(pl.int_range(pl.len()) != 0)
    ann = crowd[0].filter(pl.all_horizontal(pl.all().is_not_null()))[7]
    other = ann.with_columns(email=pl.lit("other@example.com"), mobile_number=pl.lit(7_000_000_001))
    third = ann.with_columns(mobile_number=pl.lit(7_000_000_001))
    found = find_duplicates(pl.concat([frame, other, third]))
    assert found.filter(pl.col("row") >= frame.height)["cluster"].n_unique() == 1
    assert found["joins"].null_count() == found.height


@pytest.mark.slow
def test_doubles_with_slips_are_found_and_families_are_not(crowd):
    frame, person = crowd
    precision, recall = judged(find_duplicates(frame), person)
    assert precision > 0.95
    assert recall > 0.8


@pytest.mark.slow
def test_a_lower_threshold_finds_more(crowd):
    frame, _ = crowd
    found = [find_duplicates(frame, threshold=threshold) for threshold in (0.3, 0.9, 0.999)]
    assert found[0].height > found[1].height > found[2].height
    for each, threshold in zip(found, (0.3, 0.9, 0.999), strict=True):
        assert each["score"].min() >= threshold


@pytest.mark.slow
def test_another_address_and_number_speak_against_nobody():
    frame, _ = people(800, seed=9)
    found = find_duplicates(frame)
    assert found.height > 50
    assert found.equals(find_duplicates(frame.drop("email", "mobile_number")))


@pytest.mark.slow
def test_people_are_not_one_because_a_country_has_few_names():
    raw = pl.read_csv(DATA / "contacts.csv", infer_schema=False)
    contacts = read_contacts(raw, mapping=mapping_of(suggest_mapping(raw)))
    found = find_duplicates(contacts)
    assert found.filter(pl.col("score") < 1).height < 0.01 * contacts.height
    assert found.group_by("cluster").len()["len"].max() <= 4


@pytest.mark.slow
def test_where_doubles_are_few_families_are_not_taken_for_what_doubles_look_like():
    frame, person = people(8_000, doubles=0.005, seed=1)
    precision, recall = judged(find_duplicates(frame), person)
    assert precision > 0.85
    assert recall > 0.85


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_where_nobody_is_there_twice_hardly_anybody_is_found(seed):
    frame, _ = people(5_000, doubles=0, seed=seed)
    assert find_duplicates(frame).height <= 10


@pytest.mark.slow
def test_copies_are_found(crowd):
    whole = crowd[0].filter(pl.all_horizontal(pl.all().is_not_null())).head(40)
    again = whole.with_columns(
        pl.concat_str(pl.lit("again."), "email").alias("email"), pl.col("mobile_number") + 200_000_000
    )
    found = find_duplicates(pl.concat([crowd[0], again]))
    copies = found.filter(pl.col("row") >= PEOPLE)
    assert copies.height == 40
    assert copies["reason"].str.contains("First name, Last name, Address, Postal code, City, Birthday equal").all()


@pytest.mark.slow
def test_the_answer_is_the_same_each_time(crowd):
    assert find_duplicates(crowd[0]).equals(find_duplicates(crowd[0]))


@pytest.mark.slow
def test_a_reason_names_columns_and_quotes_no_cell(crowd):
    frame, _ = crowd
    reasons = find_duplicates(frame)["reason"].str.join(" ").item()
    assert "First name" in reasons
    assert " equal" in reasons
    cells = {cell for column in NAMES for cell in frame[column].drop_nulls().unique() if len(cell) > 4}
    assert not [cell for cell in cells if cell in reasons]


def test_columns_can_be_chosen(crowd):
    frame, _ = crowd
    assert find_duplicates(frame, columns=[]).is_empty()
    with pytest.warns(SourceWarning, match="First name, Last name can hardly tell 4,000 people apart"):
        by_names = find_duplicates(frame, columns=NAMES)
    assert by_names["reason"].str.contains("Birthday").sum() == 0


@pytest.mark.slow
def test_first_and_last_name_may_stand_in_each_others_place(crowd):
    frame, _ = crowd
    row = frame.filter(pl.all_horizontal(pl.all().is_not_null()))[5]
    swapped = row.with_columns(
        pl.col(NAMES[1]).alias(NAMES[0]),
        pl.col(NAMES[0]).alias(NAMES[1]),
        email=pl.lit("else@example.com"),
        mobile_number=pl.lit(7_000_000_000),
    )
    found = find_duplicates(pl.concat([frame, swapped]))
    reason = found.filter(pl.col("row") == frame.height)["reason"].item()
    assert "First name, Last name" in reason
    assert "close" in reason


def test_columns_of_people_are_known_by_their_names():
    frame = pl.DataFrame(
        schema=[
            *("email", "property:Fornavn", "property:Etternavn", "Geburtsdatum", "property:Company name", "Ort"),
            *("property:Shoe size", "unread:email", "property:Adresse", "email_opt_in", "Kundenummer"),
        ],
        orient="row",
    )
    assert people_columns(frame) == [
        "property:Fornavn",
        "property:Etternavn",
        "Geburtsdatum",
        "Ort",
        "property:Adresse",
    ]


def test_text_is_compared_without_case_accents_and_punctuation():
    frame = pl.DataFrame({"text": ["  BJØRN-Ærlig ", "O'Brien", "Çelik, Åse", "?!", None, "Иван"]})
    plain = frame.select(plain_text(pl.col("text"))).to_series().to_list()
    assert plain == ["bjorn aerlig", "obrien", "celik ase", None, None, "иван"]


@pytest.mark.slow
def test_dates_may_be_dates(crowd):
    frame, person = crowd
    typed = frame.with_columns(pl.col("property:Birthday").str.to_date("%Y-%m-%d", strict=False))
    _, recall = judged(find_duplicates(typed), person)
    assert recall > 0.75


def test_a_block_that_is_too_large_is_cut_and_said():
    rows = 700
    frame = pl.DataFrame(
        {
            "property:First name": ["Ann"] * rows + ["Bo"],
            "property:Last name": ["Berg"] * rows + ["Dahl"],
            "property:City": ["Oslo"] * rows + ["Bergen"],
            "property:Postal code": ["0150"] * rows + ["5003"],
            "property:Address": [f"Street {n}" for n in range(rows + 1)],
        }
    )
    with pytest.warns(SourceWarning, match="700 rows agree in 4 columns at once with more than 500 others"):
        find_duplicates(frame)


@pytest.mark.slow
def test_what_is_learnt_does_not_depend_on_how_many_pairs_are_held_at_once(crowd):
    frame, person = crowd
    columns = people_columns(frame)

    def linked(**options):
        weights = Weights(compared_columns(frame, columns))
        links = find_links(weights, 0.9, **options)
        return weights.prior, set(zip(*(rows.tolist() for rows in links.pairs), strict=True))

    true = pairs_of(np.arange(len(person)), person)
    prior, all_at_once = linked()
    for most in (100_000, 20_000, 5_000):
        other, found = linked(most=most)
        assert other == pytest.approx(prior, abs=1)
        assert len(found & true) > 0.93 * len(all_at_once & true)
        assert len(found - true) < 0.05 * len(found)


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "is_told"), [(20_000, True), (300, False)])
def test_columns_that_tell_too_little_of_so_many_people_are_told(rows, is_told):
    random = np.random.default_rng(2)
    first, last, city = (random.integers(0, values, rows).astype(str) for values in (50, 100, 5))
    frame = pl.DataFrame({"First name": first, "Last name": last, "City": city}).with_columns(pl.all() + "a")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        find_duplicates(frame)
    told = [str(each.message) for each in said if "can hardly tell" in str(each.message)]
    assert len(told) == is_told
    if is_told:
        assert told[0].startswith("First name, Last name, City can hardly tell 20,000 people apart")
        day = pl.lit(np.datetime64("1950-01-01")) + pl.duration(days=pl.int_range(pl.len()) % 19_997)
        with warnings.catch_warnings():
            warnings.simplefilter("error", SourceWarning)
            find_duplicates(frame.with_columns(Birthday=day))


@pytest.mark.slow
def test_people_who_can_be_told_apart_are_no_reason_for_a_warning(crowd):
    with warnings.catch_warnings():
        warnings.simplefilter("error", SourceWarning)
        assert find_duplicates(crowd[0]).height > 0


def test_blocks_never_give_more_pairs_than_their_limit_allows():
    random = np.random.default_rng(3)
    rows, limit = 3_000, 20
    frame = pl.DataFrame(
        {name: random.integers(0, values, rows).astype(str) for name, values in zip("abc", (3, 40, 900), strict=True)}
    )
    blocks = Blocks(compared_columns(frame, frame.columns), limit=limit)
    pairs = [pair for chunk in blocks.pairs() for pair in zip(*chunk, strict=True)]
    assert all(left < right for left, right in pairs)
    assert len(pairs) <= rows * limit * 7
    rare = frame.with_row_index().join(frame.with_row_index(), on="c").filter(pl.col("index") < pl.col("index_right"))
    assert set(rare.select("index", "index_right").iter_rows()) <= set(pairs)


def test_all_rows_the_same_are_linked_in_one_go():
    same = pl.DataFrame({"property:First name": ["Ann"] * 5_000, "property:Birthday": ["1990-01-31"] * 5_000})
    others = pl.DataFrame(
        {
            "property:First name": [f"Name{n}" for n in range(50)],
            "property:Birthday": [f"19{50 + n % 50}-02-{n % 28 + 1:02}" for n in range(50)],
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = find_duplicates(pl.concat([same, others]), threshold=0.001)
    assert found.filter(pl.col("cluster") == 0).height in (0, 5_000)


@pytest.mark.parametrize("frame", [pl.DataFrame(), pl.DataFrame({"property:Name": ["Ann"]}), people(50)[0].clear()])
def test_frames_with_nothing_to_compare_have_no_duplicates(frame):
    found = find_duplicates(frame)
    assert found.is_empty()
    assert found.schema == pl.Schema(DUPLICATES)


NAME = st.sampled_from(["Ann", "ann ", "Anne", "Bo", "", "Ø", "?", None, "李"])


@pytest.mark.slow
@given(
    st.lists(st.tuples(NAME, NAME, st.sampled_from(["a@example.com", "b@example.com", "n/a", None]), NAME), max_size=25)
)
def test_every_row_has_at_most_one_line_and_its_cluster_is_its_first_row(rows):
    columns = {"property:First name": pl.String, "property:Last name": pl.String, "email": pl.String, "City": pl.String}
    found = find_duplicates(pl.DataFrame(rows, schema=columns, orient="row"), threshold=0.2)
    assert found["row"].is_unique().all()
    assert found["row"].is_sorted()
    sizes = found.group_by("cluster").agg(pl.col("row").min(), pl.len())
    assert (sizes["cluster"] == sizes["row"]).all()
    assert (sizes["len"] > 1).all()
    assert found["reason"].null_count() == 0
    assert found["score"].is_between(0.2, 1.0).all()


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=40))
def test_rows_that_hang_together_have_one_first_row(pairs):
    first = first_of_each(pairs)
    reached = {row: {row} for pair in pairs for row in pair}
    for left, right in pairs * len(pairs):
        reached[left] |= reached[right]
        reached[right] |= reached[left]
    assert first == {row: min(together) for row, together in reached.items()}


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"contacts": pl.LazyFrame()}, FrameError, "LazyFrame"),
        ({"columns": ["property:Nmae"]}, FrameError, "property:Nmae"),
        ({"columns": ["nested"]}, FrameError, "nested"),
        ({"threshold": 0}, UsageError, "threshold"),
        ({"threshold": 1.5}, UsageError, "threshold"),
    ],
)
def test_a_call_that_cannot_work_is_refused(arguments, error, said):
    frame = pl.DataFrame({"email": ["a@example.com"], "nested": [[1]]})
    with pytest.raises(error, match=said):
        find_duplicates(**{"contacts": frame} | arguments)


def test_one_column_is_not_taken_for_its_letters():
    with pytest.raises(UsageError, match=r"columns=\['City'\]"):
        find_duplicates(pl.DataFrame({"City": ["Oslo", "Oslo"]}), columns="City")
