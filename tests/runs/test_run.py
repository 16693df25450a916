"""A run's record: listed, looked at, gone on with, closed and removed."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import polars as pl
import pytest

from mbtoolkit import Client, Run, SendOptions, list_runs, upsert_contacts
from mbtoolkit.errors import FrameError, JournalError, SettingsError
from mbtoolkit.runs import RUNS
from mbtoolkit.runs import run as runs_module
from mbtoolkit.runs.journal import Journal
from mbtoolkit.sandbox import Sandbox
from mbtoolkit.schemas.frames import RESULTS


def statuses(results):
    return results["mb_status"].to_list()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs"


def stopped(people, client, folder, *, after=4):
    """A push that is ended after some rows; its results."""
    stop = threading.Event()

    def hear(progress):
        if progress.done >= after:
            stop.set()

    return upsert_contacts(
        people, client, options=SendOptions(run_dir=folder, max_concurrency=1), progress=hear, stop=stop
    )


@pytest.fixture
def half(crm, client, people, folder):
    """A run of which the CRM refused the token after four rows; its results."""
    crm.fail("status", status=401, after=4, times=1)
    results = upsert_contacts(people, client, options=SendOptions(run_dir=folder, max_concurrency=1), progress=False)
    assert statuses(results) == ["succeeded"] * 4 + ["not_sent"] * 6
    return results


def run_of(results, folder):
    return Run.open(results["mb_run_id"][0], folder)


def test_a_finished_run_is_on_record_with_its_results(client, people, folder):
    results = upsert_contacts(people, client, options=SendOptions(run_dir=folder))
    run = run_of(results, folder)
    assert run.status.state == "done"
    assert run.status.counts == {"succeeded": 10}
    assert not run.status.can_be_resumed
    assert run.results.equals(results)
    listed = list_runs(folder)
    assert dict(listed.schema) == RUNS
    assert listed.select("run_id", "state", "rows", "succeeded", "not_sent").rows() == [(run.run_id, "done", 10, 10, 0)]
    assert listed["began_at"][0] <= listed["ended_at"][0]


def test_the_newest_run_comes_first(client, people, folder):
    ids = [
        upsert_contacts(people.head(1), client, options=SendOptions(run_dir=folder))["mb_run_id"][0] for _ in range(3)
    ]
    assert list_runs(folder)["run_id"].to_list() == ids[::-1]


def test_no_runs_are_an_empty_frame(folder):
    assert list_runs(folder).is_empty()
    assert dict(list_runs(folder).schema) == RUNS


def test_without_a_record_nothing_is_written(client, people, folder, monkeypatch):
    monkeypatch.setenv("MBTOOLKIT_STATE_DIR", str(folder))
    upsert_contacts(people, client, options=SendOptions(keep_record=False))
    assert not folder.exists()


def test_the_usual_place_is_the_state_folder(client, people, folder, monkeypatch):
    monkeypatch.setenv("MBTOOLKIT_STATE_DIR", str(folder))
    upsert_contacts(people, client)
    assert list_runs().height == 1
    assert [path.name for path in folder.iterdir()] == ["runs"]


def test_a_record_is_readable_by_its_user_only(client, people, folder):
    results = upsert_contacts(people, client, options=SendOptions(run_dir=folder))
    place = folder / results["mb_run_id"][0]
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()} == {0o600}


def test_a_record_that_can_not_be_made_lets_nothing_be_sent(crm, client, people, folder):
    folder.write_text("a file, no folder")
    with pytest.raises(JournalError, match="can't be made"):
        upsert_contacts(people, client, options=SendOptions(run_dir=folder))
    assert crm.requests().is_empty()


def test_a_home_that_nobody_has_is_refused_and_nothing_is_sent(crm, client, people):
    with pytest.raises(JournalError, match=r"~nobody-of-that-name/runs.*no such home.*without a ~"):
        upsert_contacts(people, client, options=SendOptions(run_dir="~nobody-of-that-name/runs"))
    assert crm.requests().is_empty()


def test_an_empty_home_is_the_one_that_the_system_knows(monkeypatch):
    monkeypatch.setenv("HOME", "")
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    assert runs_module.runs_dir("~/a/b") == home / "a" / "b"


def test_a_resumed_run_sends_only_what_is_not_settled(crm, client, half, folder):
    run = run_of(half, folder)
    assert run.status.state == "stopped"
    assert run.status.can_be_resumed
    before = crm.requests().height
    results = run.resume(client)
    assert statuses(results) == ["succeeded"] * 10
    assert crm.requests().height == before + 6
    assert crm.applied().height == 10
    assert run.status.state == "done"
    assert set(results["mb_run_id"]) == {run.run_id}
    assert results.columns == half.columns


def test_a_resumed_run_with_nothing_left_sends_nothing(crm, client, people, folder):
    results = upsert_contacts(people, client, options=SendOptions(run_dir=folder))
    before = crm.requests().height
    assert run_of(results, folder).resume(client).equals(results)
    assert crm.requests().height == before


def test_invalid_and_left_out_rows_stay_what_they_are(crm, client, people, folder):
    broken = people.with_columns(pl.when(pl.col("note") == "row 2").then(pl.lit("?")).otherwise("email").alias("email"))
    crm.fail("status", status=401, after=4, times=1)
    results = upsert_contacts(
        broken, client, options=SendOptions(run_dir=folder, max_concurrency=1), leave_out=[3], progress=False
    )
    again = run_of(results, folder).resume(client)
    assert statuses(again) == ["succeeded"] * 2 + ["invalid", "not_sent"] + ["succeeded"] * 6
    assert again["mb_code"].to_list()[2:4] == ["email_syntax", "left_out"]
    assert run_of(results, folder).status.state == "done"


def test_batches_that_were_taken_in_are_followed_to_their_end(people, folder):
    with Sandbox(batch_delay_seconds=600) as crm, crm.client() as client:
        first = upsert_contacts(
            people, client, options=SendOptions(via="batch", batch_size=5, settle_seconds=0, run_dir=folder)
        )
        assert statuses(first) == ["accepted"] * 10
        assert first["mb_batch_id"].n_unique() == 2
        run = run_of(first, folder)
        assert run.status.state == "stopped"
        crm.release_batches()
        results = run.resume(client)
        assert statuses(results) == ["succeeded"] * 10
        assert results["mb_batch_id"].to_list() == first["mb_batch_id"].to_list()
        assert crm.applied().height == 10


def test_doubt_of_an_earlier_run_is_kept(crm, people, folder):
    """The row may have been applied the first time; that the CRM refuses it now doesn't say that it was not."""
    crm.fail("reset", phase="after_commit", match="person3@example.com", times=None)
    with crm.client(attempts=1, timeout_seconds=5) as client:
        first = upsert_contacts(people, client, options=SendOptions(run_dir=folder))
        assert statuses(first) == ["succeeded"] * 3 + ["unknown"] + ["succeeded"] * 6
        crm.clear_faults()
        crm.fail("status", status=422, match="person3@example.com")
        again = run_of(first, folder).resume(client)
        assert statuses(again)[3] == "unknown"
        assert statuses(run_of(first, folder).resume(client)) == ["succeeded"] * 10


def test_rows_without_an_identifier_of_their_own_are_not_sent_again_after_doubt(crm, client, folder):
    twins = pl.DataFrame(
        {"email": ["a@example.com", "a@example.com", "b@example.com"], "property:City": ["X", "Y", "Z"]}
    )
    crm.fail("reset", phase="after_commit", match='"X"')
    first = upsert_contacts(twins, client, options=SendOptions(run_dir=folder))
    assert statuses(first) == ["unknown", "not_sent", "succeeded"]
    crm.clear_faults()
    again = run_of(first, folder).resume(client)
    assert statuses(again) == ["unknown", "not_sent", "succeeded"]
    assert again["mb_code"][1] == "held"
    assert crm.applied().height == 2


def test_another_crm_is_refused(half, folder):
    with Sandbox() as other, other.client() as client, pytest.raises(SettingsError, match="this client to"):
        run_of(half, folder).resume(client)


def test_another_token_is_refused_unless_it_is_said_to_be_of_the_same_account(crm, client, half, folder):
    crm_token = Client(crm.base_url, crm.token + "x")
    with crm_token as other, pytest.raises(SettingsError, match="same_account=True") as caught:
        run_of(half, folder).resume(other)
    assert crm.token not in str(caught.value)
    assert statuses(run_of(half, folder).resume(client, same_account=True)) == ["succeeded"] * 10


def test_other_contacts_are_refused(client, people, half, folder):
    run = run_of(half, folder)
    with pytest.raises(FrameError, match="not the frame"):
        run.resume(client, contacts=people.with_columns(note=pl.lit("changed")))
    with pytest.raises(FrameError, match="not the frame"):
        run.resume(client, contacts=people.with_columns(more=pl.lit(1)))
    assert statuses(run.resume(client, contacts=people)) == ["succeeded"] * 10


def test_two_at_once_are_refused(client, half, folder):
    with Journal.open(folder, half["mb_run_id"][0]), pytest.raises(JournalError, match="process"):
        run_of(half, folder).resume(client)
    assert statuses(run_of(half, folder).resume(client)) == ["succeeded"] * 10


def test_a_cancelled_run_is_closed_for_good(client, half, folder):
    run = run_of(half, folder)
    run.cancel()
    assert run.status.state == "cancelled"
    with pytest.raises(JournalError, match="was cancelled"):
        run.resume(client)
    assert statuses(run.results) == statuses(half)


@pytest.mark.slow
def test_cancelling_ends_a_run_on_its_way(crm, client, people, folder):
    crm.fail("delay", seconds=0.5, times=None)
    found = []
    thread = threading.Thread(
        target=lambda: found.append(
            upsert_contacts(people, client, options=SendOptions(run_dir=folder, max_concurrency=1))
        )
    )
    thread.start()
    while list_runs(folder)["state"].to_list() != ["sending"]:
        time.sleep(0.02)
    run = Run.open(list_runs(folder)["run_id"][0], folder)
    assert run.status.state == "sending"
    run.cancel()
    thread.join()
    assert "not_sent" in statuses(found[0])
    assert run.status.state == "cancelled"


def test_a_purged_run_is_gone(client, half, folder):
    run = run_of(half, folder)
    with Journal.open(folder, run.run_id), pytest.raises(JournalError):
        run.purge()
    run.purge()
    assert list(folder.iterdir()) == []
    with pytest.raises(JournalError, match="not there"):
        Run.open(run.run_id, folder)


@pytest.mark.slow
def test_a_run_in_the_middle_shows_what_is_known(crm, client, people, folder):
    crm.fail("silence", after=4, seconds=20, times=None)
    thread = threading.Thread(target=lambda: stopped(people, client, folder, after=4), daemon=True)
    thread.start()
    while list_runs(folder)["succeeded"].sum() < 4:
        time.sleep(0.02)
    run = Run.open(list_runs(folder)["run_id"][0], folder)
    assert statuses(run.results)[:4] == ["succeeded"] * 4
    assert set(statuses(run.results)[5:]) == {"not_sent"}
    assert run.status.state == "sending"
    thread.join()
    assert statuses(run.results)[4] == "unknown"


@pytest.mark.slow
def test_old_runs_that_left_nothing_to_do_are_removed(client, people, half, folder, monkeypatch):
    done = upsert_contacts(people, client, options=SendOptions(run_dir=folder))
    monkeypatch.setattr(runs_module, "KEPT_DAYS", -1)
    last = upsert_contacts(people, client, options=SendOptions(run_dir=folder))
    assert set(list_runs(folder)["run_id"]) == {half["mb_run_id"][0], last["mb_run_id"][0]}
    assert done["mb_run_id"][0] not in set(list_runs(folder)["run_id"])


def test_columns_that_can_not_be_kept_are_in_the_results_all_the_same(client, people, folder):
    odd = people.with_columns(pl.Series("thing", [object()] * 10, dtype=pl.Object))
    results = upsert_contacts(odd, client, options=SendOptions(run_dir=folder))
    assert results.columns == [*odd.columns, *RESULTS]
    assert run_of(results, folder).results.columns == [*people.columns, *RESULTS]


def test_a_run_is_resumed_as_it_was_begun_unless_other_options_say_so(people, folder):
    with Sandbox() as crm, crm.client() as client:
        crm.fail("status", status=401, times=1)
        how = SendOptions(via="batch", batch_size=5, max_concurrency=1, learn_contact_ids=False, run_dir=folder)
        run = run_of(upsert_contacts(people, client, options=how, progress=False), folder)
        assert run.options == SendOptions(via="batch", batch_size=5, max_concurrency=1)
        with pytest.raises(SettingsError, match="SendOptions"):
            run.resume(client, options={"batch_size": 2})
        before = crm.requests().height
        results = run.resume(client, options=SendOptions(batch_size=2))
        sent = crm.requests()[before:]
    assert statuses(results) == ["succeeded"] * 10
    assert sent.filter(pl.col("path") == "/contacts/batch").height == 5


@pytest.mark.slow
def test_a_process_that_dies_leaves_a_run_that_is_gone_on_with(crm, people, folder, tmp_path):
    people.write_parquet(tmp_path / "people.parquet")
    crm.fail("silence", match="person5@example.com", seconds=600)
    script = f"""
import os, polars as pl
from mbtoolkit import Client, SendOptions, upsert_contacts
with Client({crm.base_url!r}, os.environ["MBTOOLKIT_TOKEN"]) as client:
    upsert_contacts(
        pl.read_parquet({str(tmp_path / "people.parquet")!r}), client,
        options=SendOptions(run_dir={str(folder)!r}, max_concurrency=1),
    )
"""
    with subprocess.Popen([sys.executable, "-c", script], env={"MBTOOLKIT_TOKEN": crm.token}) as process:
        while list_runs(folder).select("succeeded", "unknown").sum().row(0) != (5, 1):
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    crm.clear_faults()
    run = Run.open(list_runs(folder)["run_id"][0], folder)
    assert run.status.state == "died"
    assert statuses(run.results) == ["succeeded"] * 5 + ["unknown"] + ["not_sent"] * 4
    with crm.client() as client:
        assert statuses(run.resume(client)) == ["succeeded"] * 10
    assert crm.contacts().height == 10
