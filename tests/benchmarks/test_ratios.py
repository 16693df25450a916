"""Both sides of each comparison give the same answers; how fast they are is printed by `ratios.py`, never asserted."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from mbtoolkit import Client, SendOptions, build_payloads, upsert_contacts, validate_contacts

SCRIPT = Path(__file__).with_name("ratios.py")


@pytest.fixture(scope="module")
def ratios():
    spec = importlib.util.spec_from_file_location("ratios", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["ratios"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def frame(ratios):
    return ratios.contacts(1000)


def test_validation_agrees_with_plain_masks(ratios, frame, benchmark):
    validation = benchmark(validate_contacts, frame)
    valid, invalid, issues = ratios.plain_masks(frame)
    assert validation.valid.drop("mb_row").equals(valid)
    assert validation.invalid.height == invalid.height == 20
    assert validation.issues["row"].to_list() == issues["row"].to_list()


@pytest.mark.parametrize("model", ["Contact", "ContactByPattern"])
def test_validation_agrees_with_pydantic(ratios, frame, model):
    refused = ratios.with_pydantic(frame, getattr(ratios, model))
    assert {place for place, _ in refused} == set(validate_contacts(frame).issues["row"])


def test_encoding_agrees_with_dicts_and_orjson(ratios, frame, benchmark):
    ours = benchmark(build_payloads, frame)["payload"].to_list()
    assert list(map(orjson.loads, ours)) == list(map(orjson.loads, ratios.dicts_and_orjson(frame)))


@pytest.mark.slow
def test_both_ways_of_sending_are_answered(ratios):
    frame = ratios.contacts(40, bad_every=10**9)
    with ratios.answering_server() as base_url:
        assert ratios.bare_posts(base_url, ratios.dicts_and_orjson(frame)) == 40
        assert (ratios.whole_run(base_url, frame)["mb_status"] == "succeeded").all()


@pytest.mark.slow
def test_the_small_setting_prints_every_comparison():
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--small", "--rounds", "1"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.count("\n") == 7
    assert "import polars" in done.stdout


@pytest.mark.slow
def test_whole_runs_are_stored_row_by_row_and_all_of_them_printed(tmp_path):
    done = subprocess.run(
        [sys.executable, str(SCRIPT.with_name("runs.py")), "--rows", "2500", "--singles", "30", "--rounds", "1"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        cwd=tmp_path,
    )
    assert done.stdout.count("contacts/s") == 9
    assert done.stdout.count("the journal takes") == 3
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("naming", [[], ["--ids"]], ids=["counts", "ids"])
def test_the_server_that_only_answers_settles_batches_by_their_size(ratios, naming):
    frame = ratios.contacts(230, bad_every=10**9)
    opt_ins = int(frame["mobile_opt_in"].sum() + frame["email_opt_in"].sum())
    with ratios.answering_server(*naming) as base_url, Client(base_url, "token") as client:
        results = upsert_contacts(
            frame,
            client,
            options=SendOptions(via="batch", batch_size=100, keep_record=False),
            opt_ins_on=opt_ins,
            progress=False,
        )
        body = b'{"createUpdateContacts":[{"email":"a@example.com"},{"email":"b@example.com"}]}'
        first, second = client.attempt_batch(body), client.attempt_batch(body)
        told = client.attempt_status(second.batch_id).batch
    assert results["mb_batch_id"].rle().struct["len"].to_list() == [100, 100, 30]
    assert (results["mb_status"] == "succeeded").all()
    assert (results["mb_attempts"] == 1).all()
    assert first.batch_id != second.batch_id
    assert (told.state, told.inserted.count) == ("done", 2)
    assert told.inserted.contact_ids == ((1, 2) if naming else ())
