"""The budget as a run uses it."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace

import pytest

from mbtoolkit.client import Outcome, Secret, Settings
from mbtoolkit.client.limits import Budget, Limits

SETTINGS = Settings(base_url="http://localhost:1", token=Secret("a-token"))
STORED = Outcome("stored", 202)


@pytest.fixture
def budgets(tmp_path):
    """Makes budgets, and closes them at the end."""
    made = []

    def make(**limits):
        made.append(Budget(Limits(**{"requests": 5, "window_seconds": 60.0, "state_dir": tmp_path} | limits), SETTINGS))
        return made[-1]

    yield make
    for budget in made:
        budget.close()


async def go_on(later):
    return later is None


async def attempt():
    return STORED


def test_a_run_that_was_stopped_while_others_went_first_asks_for_nothing(budgets):
    budget = budgets()

    async def is_over(_):
        return False

    assert asyncio.run(budget.within(attempt, is_over)) is None
    assert budget.share == 0


def test_those_who_wait_are_told_once_for_all(budgets):
    """Only the first in the queue asks; the others wait for it, not for the file."""
    told = []

    async def tell(later):
        told.append(later)
        return len(told) < 12

    async def work():
        return await asyncio.gather(*(budget.within(attempt, tell) for _ in range(10)))

    budget = budgets()
    outcomes = asyncio.run(work())
    assert outcomes.count(STORED) == 5
    assert [later is not None for later in told[:11]] == [False] * 6 + [True] * 5


def test_two_budgets_of_one_token_are_one(budgets):
    one, other = budgets(), budgets()

    async def work():
        return [await budget.within(attempt, go_on) for budget in [one] * 3 + [other] * 3]

    assert asyncio.run(work()) == [STORED] * 5 + [None]


def test_a_request_that_is_cancelled_on_its_way_counts_on(budgets):
    budget, other = budgets(requests=1), budgets(requests=1)

    async def work():
        is_on_its_way = asyncio.Event()

        async def hang():
            is_on_its_way.set()
            await asyncio.sleep(60)

        task = asyncio.create_task(budget.within(hang, go_on))
        await is_on_its_way.wait()
        task.cancel()
        await asyncio.wait([task])
        return await other.within(attempt, go_on)

    assert asyncio.run(work()) is None


@pytest.mark.parametrize(
    ("outcome", "is_free"),
    [
        (Outcome("not_sent", code="no_connection"), True),
        (Outcome("unknown", code="connection_lost"), False),
        (Outcome("rejected", 422), False),
        (Outcome("later", 503, retry_after_seconds=1.0), False),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_only_what_never_left_gives_its_slot_back(budgets, outcome, is_free):
    budget = budgets(requests=1)

    async def end():
        return replace(outcome)

    async def work():
        await budget.within(end, go_on)
        return await budget.within(attempt, go_on)

    assert (asyncio.run(work()) == STORED) is is_free


@pytest.mark.slow
def test_a_file_that_fails_in_the_middle_costs_a_window_and_not_the_run(budgets, tmp_path, caplog):
    budget = budgets(window_seconds=0.5)
    waited = []

    async def wait(later):
        if later is not None:
            waited.append(later.reason)
            await asyncio.sleep(later.seconds)
        return True

    async def work():
        await budget.within(attempt, wait)
        (file,) = (tmp_path / "limits").glob("*.sqlite")
        spoiler = sqlite3.connect(file)
        spoiler.execute("DROP TABLE history")
        spoiler.close()
        return await budget.within(attempt, wait)

    assert asyncio.run(work()) == STORED
    assert waited == ["pause"]
    assert "this run counts for itself" in caplog.text


def test_what_fails_after_the_answer_costs_no_result_and_is_logged(tmp_path, caplog):
    """Nobody waits for it: the slot stays taken, and the log says so."""
    budget = Budget(Limits(requests=5, window_seconds=60.0, state_dir=tmp_path), SETTINGS)

    async def attempt_and_break():
        budget.limits = None
        return STORED

    assert asyncio.run(budget.within(attempt_and_break, go_on)) == STORED
    budget.close()
    assert "keeping the request budget failed" in caplog.text
    assert "AttributeError" in caplog.text
