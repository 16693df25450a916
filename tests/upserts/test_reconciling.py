"""`reconcile`: what is open in a results frame is settled where that is safe, and nothing else is touched."""

from __future__ import annotations

import polars as pl
import pytest

from mbtoolkit import SendOptions, reconcile, upsert_contacts
from mbtoolkit.errors import FrameError, SettingsError
from mbtoolkit.sandbox import Behaviour, Sandbox


def statuses(results):
    return results["mb_status"].to_list()


@pytest.fixture
def once(crm):
    """A client that makes one attempt."""
    with crm.client(attempts=1, timeout_seconds=60.0) as client:
        yield client


def test_unknown_rows_are_sent_again_and_the_others_are_not(crm, once, people):
    crm.fail("reset", phase="after_commit", match="person3@example.com")
    crm.fail("status", status=422, match="person5@example.com")
    first = upsert_contacts(people, once)
    assert statuses(first) == ["succeeded"] * 3 + ["unknown", "succeeded", "rejected"] + ["succeeded"] * 4
    before = crm.requests().height
    again = reconcile(first, once)
    assert statuses(again) == ["succeeded"] * 5 + ["rejected"] + ["succeeded"] * 4
    assert crm.requests().height == before + 1
    untouched = [row for row in range(10) if row != 3]
    assert again[untouched].equals(first[untouched])
    assert again.columns == first.columns


@pytest.mark.slow
def test_rows_that_are_not_safe_stay_unknown_and_say_why(crm, once):
    twins = pl.DataFrame({"email": ["a@example.com", "a@example.com"], "property:City": ["X", "Y"]})
    crm.fail("reset", phase="after_commit", match='"X"')
    first = upsert_contacts(twins, once)
    again = reconcile(first, once)
    assert statuses(again) == ["unknown", "not_sent"]
    assert "other rows have the same identifiers" in again["mb_message"][0]
    assert reconcile(again, once)["mb_message"][0] == again["mb_message"][0]
    assert crm.applied().height == 1


@pytest.mark.slow
def test_accepted_rows_are_settled_by_their_batch(people):
    with Sandbox(batch_delay_seconds=600) as crm, crm.client() as client:
        first = upsert_contacts(people, client, options=SendOptions(via="batch", settle_seconds=0))
        assert statuses(first) == ["accepted"] * 10
        assert statuses(reconcile(first, client, options=SendOptions(settle_seconds=0))) == ["accepted"] * 10
        crm.release_batches()
        again = reconcile(first, client)
        assert statuses(again) == ["succeeded"] * 10
        assert crm.applied().height == 10


def test_a_part_of_a_batch_is_settled_row_by_row(people):
    """The counts speak of rows that the frame no longer has."""
    with Sandbox(batch_delay_seconds=600, behaviour=Behaviour(broken_item="skipped")) as crm, crm.client() as client:
        lists = [None] * 9 + ["00000000-0000-4000-8000-00000000dead"]
        first = upsert_contacts(
            people.with_columns(pl.Series("list_id", lists)), client, options=SendOptions(via="batch", settle_seconds=0)
        )
        crm.release_batches()
        crm.wait_for_batches()
        again = reconcile(first.tail(3), client)
        assert statuses(again)[:2] == ["succeeded"] * 2
        assert statuses(again)[2] in {"unknown", "rejected"}


def test_doubt_that_does_not_clear_stays(crm, once, people):
    crm.fail("status", phase="after_commit", match="person3@example.com", times=None)
    first = upsert_contacts(people, once)
    assert statuses(reconcile(first, once))[3] == "unknown"


def test_a_clean_refusal_after_doubt_is_still_doubt(crm, once, people):
    crm.fail("reset", phase="after_commit", match="person3@example.com")
    first = upsert_contacts(people, once)
    crm.fail("status", status=422, match="person3@example.com")
    assert statuses(reconcile(first, once))[3] == "unknown"


def test_invalid_and_unsent_rows_are_left_alone(crm, once, people):
    broken = people.with_columns(pl.when(pl.col("note") == "row 2").then(pl.lit("?")).otherwise("email").alias("email"))
    first = upsert_contacts(broken, once, leave_out=[4])
    before = crm.requests().height
    assert reconcile(first, once).equals(first)
    assert crm.requests().height == before


def test_where_nothing_is_open_nothing_is_written_down(once, people, tmp_path):
    results = upsert_contacts(people, once, options=SendOptions(keep_record=False))
    assert reconcile(results, once, options=SendOptions(run_dir=tmp_path / "runs")).equals(results)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda frame: frame.drop("mb_status"), FrameError),
        (lambda _: "no frame", FrameError),
        (lambda frame: pl.concat([frame, frame]), FrameError),
    ],
    ids=["no results", "no frame", "rows twice"],
)
def test_a_wrong_frame_is_an_error(once, people, spoil, error):
    results = upsert_contacts(people, once)
    with pytest.raises(error):
        reconcile(spoil(results), once)


def test_a_wrong_client_is_an_error(once, people):
    with pytest.raises(SettingsError, match="takes a Client"):
        reconcile(upsert_contacts(people, once), "no client")
