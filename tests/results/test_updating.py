"""The results of a later push, put into those of an earlier one."""

from __future__ import annotations

import polars as pl
import pytest

from mbtoolkit import update_results, upsert_contacts
from mbtoolkit.errors import FrameError
from mbtoolkit.schemas.frames import RESULTS


@pytest.mark.slow
def test_later_rows_take_the_place_of_the_earlier_ones(client, people):
    broken = people.with_columns(
        pl.when(pl.col("note") == "row 3").then(pl.lit("no")).otherwise("email").alias("email")
    )
    results = upsert_contacts(broken.drop("mobile_country_code", "mobile_number"), client)
    mended = results.filter(pl.col("mb_status") == "invalid").with_columns(
        email=pl.lit("mended@example.com"), extra=pl.lit(1)
    )
    whole = update_results(results, upsert_contacts(mended, client))
    assert whole["mb_status"].to_list() == ["succeeded"] * 10
    assert whole["note"].to_list() == people["note"].to_list()
    assert whole["email"][3] == "mended@example.com"
    assert whole["extra"].to_list() == [None] * 3 + [1] + [None] * 6
    assert [name for name in whole.columns if name.startswith("mb_")] == whole.columns[-len(RESULTS) :] == list(RESULTS)


def test_rows_that_are_not_there_or_there_twice_are_refused(client, people):
    results = upsert_contacts(people, client)
    with pytest.raises(FrameError, match="not among the results"):
        update_results(results.head(5), results)
    with pytest.raises(FrameError, match="several rows"):
        update_results(pl.concat([results, results]), results)
    with pytest.raises(FrameError, match="no results frame"):
        update_results(people, results)


@pytest.mark.slow
def test_results_of_several_frames_in_one_are_numbered_anew(client, people):
    twice = pl.concat([upsert_contacts(people.head(2), client), upsert_contacts(people.tail(2), client)])
    assert upsert_contacts(twice, client)["mb_row"].to_list() == [0, 1, 2, 3]


@pytest.mark.slow
def test_an_own_column_whose_name_begins_like_those_of_results_stays_in_its_place(client, people):
    named = people.with_columns(mb_note=pl.lit("mine"), last=pl.lit("z"))
    results = upsert_contacts(named, client)
    later = upsert_contacts(results.head(2).with_columns(mb_extra=pl.lit(1)), client)
    whole = update_results(results, later)
    assert whole.columns == [*named.columns, "mb_extra", *RESULTS]
    assert whole["mb_note"].to_list() == ["mine"] * 10


def test_columns_of_two_types_become_text(client, people):
    results = upsert_contacts(people.with_columns(tags=pl.lit(["a", "b"]), number=pl.lit(1), day=pl.lit(True)), client)
    later = results.tail(3).with_columns(tags=pl.lit("c"), number=pl.lit(1.5), day=pl.lit("x"), mb_attempts=pl.lit(9))
    whole = update_results(results, later)
    assert whole["tags"].to_list() == ["a; b"] * 7 + ["c"] * 3
    assert whole["number"].to_list() == [1.0] * 7 + [1.5] * 3
    assert whole["day"].to_list() == ["true"] * 7 + ["x"] * 3
    assert whole["mb_attempts"].to_list() == [1] * 7 + [9] * 3


@pytest.mark.slow
def test_results_of_an_earlier_version_are_matched_by_their_numbers(client, people):
    results = upsert_contacts(people, client).drop("mb_first_run_id")
    later = upsert_contacts(results[[5, 2]], client)
    assert later["mb_first_run_id"].to_list() == ["unknown"] * 2
    assert update_results(results, later)["mb_first_run_id"].null_count() == 8
