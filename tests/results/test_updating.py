"""The results of a later push, put into those of an earlier one."""

from __future__ import annotations

import polars as pl
import pytest

from mbtoolkit import FrameError, update_results, upsert_contacts
from mbtoolkit.schemas.frames import RESULTS


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


def test_results_of_several_frames_in_one_are_numbered_anew(client, people):
    twice = pl.concat([upsert_contacts(people.head(2), client), upsert_contacts(people.tail(2), client)])
    assert upsert_contacts(twice, client)["mb_row"].to_list() == [0, 1, 2, 3]
