"""What is logged of an exception: where it came from, and nothing that it says."""

from __future__ import annotations

import polars as pl
import pytest

from mbtoolkit.failures import log_failure

CANARY = "canary.person@example.com"


def refuse(cell):
    raise ValueError(cell)


def by_cause():
    try:
        refuse(CANARY)
    except ValueError as error:
        raise RuntimeError(CANARY) from error


def by_polars():
    pl.Series([CANARY]).cast(pl.Int64)


def by_group():
    try:
        refuse(CANARY)
    except ValueError as error:
        raise ExceptionGroup(CANARY, [error]) from None


def in_a_circle():
    try:
        refuse(CANARY)
    except ValueError as error:
        error.__cause__ = error
        raise


@pytest.mark.parametrize(
    ("work", "told"),
    [
        (by_cause, ["in refuse", "builtins.ValueError", "which led to", "raise RuntimeError", "builtins.RuntimeError"]),
        (by_polars, ["in by_polars", "polars.exceptions.InvalidOperationError"]),
        (by_group, ["in by_group", "builtins.ExceptionGroup", "in a group", "in refuse", "builtins.ValueError"]),
        (in_a_circle, ["in in_a_circle", "in refuse", "builtins.ValueError"]),
    ],
)
def test_the_log_has_the_traceback_and_no_cell(caplog, work, told):
    with pytest.raises(Exception, match=CANARY) as caught:
        work()
    log_failure("reading a cell", caught.value)
    (record,) = caplog.records
    assert record.getMessage().startswith("reading a cell failed; please report it\n")
    places = [record.getMessage().find(each) for each in told]
    assert -1 not in places
    assert places == sorted(places)
    assert CANARY not in caplog.text
    assert record.exc_info is None
