"""A disk that is full in the middle of a push, and a folder that can't be written: what is not noted is not sent."""

from __future__ import annotations

import os

import polars as pl
import pytest
from oracle import judge, people

from mbtoolkit import Run, SendOptions, list_runs, upsert_contacts
from mbtoolkit.errors import JournalError
from mbtoolkit.sandbox import Behaviour, Sandbox

pytestmark = pytest.mark.slow

IS_FULL = bool(os.environ.get("MBTOOLKIT_FULL"))
ROOMS = [70_000, 90_000, 120_000, 200_000] if IS_FULL else [90_000]


@pytest.fixture
def crm():
    with Sandbox(behaviour=Behaviour(unknown_contact_id="created"), batch_delay_seconds=0.02) as made:
        yield made


@pytest.mark.parametrize("room_bytes", ROOMS)
@pytest.mark.parametrize("via", ["single", "batch"])
def test_a_full_disk_stops_the_sending_before_an_intent_is_lost(nursery, crm, tmp_path, run_dir, via, room_bytes):
    contacts = people(1_500)
    contacts.write_parquet(tmp_path / "people.parquet")
    crm.fail("reset", phase="after_commit", times=None, after=3, every=7)
    child = nursery.start(
        "on_a_full_disk",
        room_bytes=room_bytes,
        crm=[crm.base_url, crm.token],
        contacts=tmp_path / "people.parquet",
        run_dir=run_dir,
        results=tmp_path / "results.parquet",
        options={"via": via, "batch_size": 5},
    )
    assert child.wait() == 0, child.said
    crm.clear_faults()
    crm.wait_for_batches()
    results = pl.read_parquet(tmp_path / "results.parquet")
    assert "can't be written any more" in child.said
    assert 0 < crm.applied().height < 1_500
    assert judge(results, crm.applied()).faults == {}

    (run_id,) = list_runs(run_dir)["run_id"]
    assert list_runs(run_dir)["state"].to_list() == ["died"]
    with crm.client() as client:
        resumed = Run.open(run_id, run_dir).resume(client, progress=False)
    crm.wait_for_batches()
    figures = judge(resumed, crm.applied())
    assert (figures.faults, figures.unsent) == ({}, 0), figures


def test_a_disk_that_is_full_from_the_beginning_lets_nothing_be_sent(nursery, crm, tmp_path, run_dir):
    people(1_500).write_parquet(tmp_path / "people.parquet")
    child = nursery.start(
        "on_a_full_disk",
        room_bytes=5_000,
        crm=[crm.base_url, crm.token],
        contacts=tmp_path / "people.parquet",
        run_dir=run_dir,
        results=tmp_path / "results.parquet",
    )
    assert child.wait() == 1
    assert "JournalError" in child.said
    assert "disk" in child.said
    assert crm.requests().is_empty()
    assert list_runs(run_dir).is_empty()


@pytest.fixture
def closed_folder(tmp_path):
    folder = tmp_path / "somebody else's"
    folder.mkdir(mode=0o555)
    tmp_path.chmod(0o755)
    return folder


def test_a_folder_that_can_not_be_written_lets_nothing_be_sent_and_says_what_to_do(crm, closed_folder, ordinary_user):
    with crm.client() as client, pytest.raises(JournalError, match="whose files these are") as caught:
        upsert_contacts(people(20), client, options=SendOptions(run_dir=closed_folder))
    assert str(closed_folder) in str(caught.value)
    assert crm.requests().is_empty()
