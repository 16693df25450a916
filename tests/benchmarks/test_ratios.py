"""Both sides of each comparison give the same answers; how fast they are is printed by `ratios.py`, never asserted."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from mbtoolkit import build_payloads, validate_contacts

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


def test_both_ways_of_sending_are_answered(ratios):
    frame = ratios.contacts(40, bad_every=10**9)
    with ratios.answering_server() as base_url:
        assert ratios.bare_posts(base_url, ratios.dicts_and_orjson(frame)) == 40
        assert (ratios.whole_run(base_url, frame)["mb_status"] == "succeeded").all()


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
