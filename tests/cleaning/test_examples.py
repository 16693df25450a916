"""The examples in the docstrings run."""

from __future__ import annotations

import doctest
import importlib.util
import sys

import polars as pl
import pytest

from mbtoolkit import cleaning

WITH_FTFY = pytest.mark.skipif(importlib.util.find_spec("ftfy") is None, reason="ftfy is not installed")
NAMES = (
    *("clean_text", "normalize_country", "normalize_date", "normalize_email", "normalize_name", "normalize_number"),
    *("normalize_opt_in", "normalize_phone"),
    pytest.param("fix_mojibake", marks=WITH_FTFY),
)


@pytest.mark.parametrize("name", NAMES)
def test_the_example_runs(name):
    function = getattr(cleaning, name)
    known = {**vars(sys.modules[function.__module__]), "pl": pl}
    tests = doctest.DocTestFinder().find(function, name, globs=known)
    results = [doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test) for test in tests]
    assert sum(result.attempted for result in results) >= 1
    assert sum(result.failed for result in results) == 0
