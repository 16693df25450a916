"""When the next request may go."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mbtoolkit.client.limits import History, Later, Limits
from mbtoolkit.client.limits.clock import Moment, Timer

sys.path.insert(0, str(Path(__file__).parent))
from simulation import Server, World, share_of_rate

EXAMPLES = 300 if os.environ.get("MBTOOLKIT_FULL") else 15
LIMITS = Limits(requests=3, window_seconds=10, per_day=100, time_zone="UTC", margin=0)
NOON = 1_750_000_000.0 // 86_400 * 86_400 + 43_200


def at(seconds, *, wall=None):
    return Moment(NOON + (seconds if wall is None else wall), 1000 + seconds)


def worlds(**fixed):
    servers = st.builds(
        Server,
        requests=st.integers(1, 30),
        window_seconds=st.just(10.0),
        kind=st.sampled_from(["sliding", "fixed"]),
        phase=st.floats(0, 10),
        speed=st.floats(0.997, 1.003),
    )
    return servers.flatmap(
        lambda server: st.builds(
            World,
            limits=st.just(Limits(requests=server.requests, time_zone="UTC")),
            server=st.just(server),
            **{
                "senders": st.integers(1, 40),
                "latency": st.tuples(st.floats(0, 0.2), st.floats(0.2, 4.0)),
                "seed": st.integers(0, 2**32),
            }
            | fixed,
        )
    )


@pytest.mark.slow
@settings(max_examples=EXAMPLES)
@given(world=worlds())
def test_no_request_is_ever_refused_however_long_the_way(world):
    world.lease_seconds = 30.0
    world.run(120)
    assert world.server.counted
    assert world.server.refused == []


@pytest.mark.slow
@settings(max_examples=EXAMPLES)
@given(world=worlds(latency=st.tuples(st.floats(0, 0.05), st.floats(0.05, 0.18)), senders=st.integers(31, 40)))
def test_more_than_95_percent_of_the_rate_is_used(world):
    world.run(120)
    assert world.server.refused == []
    assert share_of_rate(world.sent, world.limits) > 0.95


@pytest.mark.slow
@settings(max_examples=EXAMPLES)
@given(world=worlds(latency=st.tuples(st.floats(0, 0.2), st.floats(0.2, 1.5)), crash=st.floats(0.01, 0.5)))
def test_processes_that_die_with_a_request_on_its_way_cost_no_429_and_block_nothing_for_ever(world):
    world.run(300)
    assert world.server.refused == []
    assert world.sent[-1] > 300 - world.lease_seconds - 2 * world.limits.hold_seconds


@pytest.mark.slow
@settings(max_examples=EXAMPLES)
@given(world=worlds(clock_set=st.dictionaries(st.floats(0, 100), st.floats(-1e5, 1e5), max_size=5)))
def test_a_clock_that_is_set_costs_no_429_and_no_long_wait(world):
    world.lease_seconds = 30.0
    world.run(120)
    assert world.server.refused == []
    assert world.longest_wait <= world.limits.hold_seconds + 1e-3


@pytest.mark.parametrize("kind", ["sliding", "fixed"])
def test_the_simulated_crm_refuses_one_who_counts_from_the_sending(kind):
    class Careless(History):
        def answer(self, number, limits, now):
            pass

    server = Server(10, 10.0, kind, phase=9.7)
    World(Limits(requests=10), server, 20, (0.0, 1.0), lease_seconds=0, history=Careless()).run(120)
    assert server.refused


def test_the_simulated_crm_refuses_one_who_leaves_no_room_for_its_clock():
    def refused(margin):
        server = Server(10, 10.0, "sliding", speed=0.997)
        World(Limits(requests=10, margin=margin), server, 20, (0.0, 0.001)).run(120)
        return len(server.refused)

    assert refused(margin=0)
    assert not refused(margin=Limits(requests=10).margin)


def test_a_request_counts_until_a_window_after_its_answer():
    history = History()
    assert [history.ask(number, LIMITS, at(0), 30) for number in range(3)] == [None] * 3
    assert history.ask(3, LIMITS, at(1), 30) == Later(10, "window")
    history.answer(1, LIMITS, at(2))
    assert history.ask(3, LIMITS, at(3), 30) == Later(9, "window")
    assert history.ask(3, LIMITS, at(12), 30) is None


def test_a_request_that_never_left_gives_its_slot_back():
    history = History()
    for number in range(3):
        assert history.ask(number, LIMITS, at(0), 30) is None
    history.give_back(0)
    assert history.days == {"2025-06-15": 2}
    assert history.ask(3, LIMITS, at(0), 30) is None


def test_an_answer_to_a_request_that_nobody_remembers_counts():
    history = History()
    history.answer(7, LIMITS, at(0))
    assert history.days == {"2025-06-15": 1}
    assert len(history.slots) == 1


class TestAfterA429:
    def test_all_wait_as_long_as_it_says(self):
        history = History()
        history.refuse(LIMITS, at(0), 4.0)
        assert history.ask(0, LIMITS, at(1), 30) == Later(3, "pause")
        assert history.ask(0, LIMITS, at(4), 30) is None

    def test_all_wait_for_a_window_where_it_says_nothing(self):
        history = History()
        history.refuse(LIMITS, at(0), None)
        assert history.ask(0, LIMITS, at(0), 30) == Later(10, "pause")

    def test_a_shorter_pause_does_not_end_a_longer_one(self):
        history = History()
        history.refuse(LIMITS, at(0), 20.0)
        history.refuse(LIMITS, at(1), 1.0)
        assert history.ask(0, LIMITS, at(5), 30) == Later(15, "pause")

    def test_a_window_has_room_for_fewer_and_then_for_more_again(self):
        plan = replace(LIMITS, requests=100)
        history = History()
        for number in range(5):  # the five that were on their way
            history.answer(number, plan, at(0))
            history.refuse(plan, at(0), 1.0)
        assert history.has_room_for(plan, at(9)) == 75
        assert history.has_room_for(plan, at(10)) == 80
        assert history.has_room_for(plan, at(1000)) == 100
        history.refuse(plan, at(20), 1.0)
        assert history.has_room_for(plan, at(21)) == 63

    @pytest.mark.slow
    def test_a_plan_that_was_stated_twice_too_large_draws_few(self):
        server = Server(50, 10.0, "sliding")
        world = World(Limits(requests=100), server, 10, (0.01, 0.05))
        world.run(600)
        assert len(server.refused) < 0.05 * len(world.sent)
        assert len(server.counted) > 0.6 * 50 * 60

    def test_a_pause_of_hours_is_the_days_and_says_nothing_of_the_window(self):
        history = History()
        history.refuse(LIMITS, at(0), 900.0)
        assert history.has_room_for(LIMITS, at(0)) == 3


class TestTheDay:
    def test_ends_at_midnight_of_the_accounts_time_zone(self):
        oslo = replace(LIMITS, requests=100, per_day=2, time_zone="Europe/Oslo")
        history = History()
        assert [history.ask(number, oslo, at(0), 30) for number in range(2)] == [None, None]
        until = 10 * 3600 + 5  # 12:00 UTC is 14:00 in Oslo, in summer
        assert history.ask(2, oslo, at(60), 30) == Later(until - 60, "day")
        assert history.ask(2, oslo, at(until - 1), 30) == Later(1, "day")
        assert history.ask(2, oslo, at(until), 30) is None

    def test_near_midnight_a_request_counts_in_both_days(self):
        plan = replace(LIMITS, requests=100, per_day=2)
        history = History()
        midnight = 43_200
        assert [history.ask(number, plan, at(midnight - 2), 30) for number in range(2)] == [None, None]
        assert history.days == {"2025-06-15": 2, "2025-06-16": 2}
        assert history.ask(2, plan, at(midnight + 10), 30) == Later(86_400 - 10 + 5, "day")

    def test_a_request_answered_on_the_next_day_counts_there_too(self):
        history = History()
        history.ask(0, LIMITS, at(43_190), 30)
        history.answer(0, LIMITS, at(43_210))
        assert history.days == {"2025-06-15": 1, "2025-06-16": 1}

    def test_what_was_counted_by_a_clock_that_ran_ahead_counts_today(self):
        history = History(days={"2025-06-15": 1, "2025-06-20": 99})
        assert history.ask(0, LIMITS, at(0), 30) == Later(43_205, "day")
        assert history.days == {"2025-06-15": 100}

    def test_a_clock_set_ahead_for_a_while_forgets_nothing(self):
        history = History()
        history.ask(0, LIMITS, at(0), 30)
        history.ask(1, LIMITS, at(20, wall=86_400 * 30), 30)
        history.ask(2, LIMITS, at(40), 30)
        assert history.days == {"2025-06-15": 3}

    def test_old_days_are_forgotten(self):
        history = History()
        for day in range(30):
            history.ask(day, LIMITS, at(86_400 * day), 30)
        assert len(history.days) == 8


class TestTheClocks:
    def test_after_a_restart_of_the_machine_the_wall_clock_is_believed(self):
        timer = Timer(Moment(NOON, 90_000), 10)
        assert timer.left(Moment(NOON + 4, 30)) == 6

    def test_where_the_wall_clock_went_back_the_steady_one_is_believed(self):
        timer = Timer(Moment(NOON, 1000), 10)
        assert timer.left(Moment(NOON - 3600, 1004)) == 6

    def test_where_the_wall_clock_went_ahead_the_steady_one_is_believed(self):
        timer = Timer(Moment(NOON, 1000), 10)
        assert timer.left(Moment(NOON + 3600, 1004)) == 6

    def test_where_neither_can_be_right_it_begins_anew(self):
        history = History()
        history.answer(0, replace(LIMITS, requests=1), Moment(NOON, 90_000))
        after = Moment(NOON - 3600, 30)
        assert history.ask(1, replace(LIMITS, requests=1), after, 30) == Later(10, "window")
        assert history.ask(1, replace(LIMITS, requests=1), Moment(NOON - 3590, 40), 30) is None


def test_the_share_in_use_is_the_larger_of_window_and_day():
    history = History()
    assert history.share(LIMITS, at(0)) == 0
    history.ask(0, LIMITS, at(0), 30)
    assert history.share(LIMITS, at(0)) == pytest.approx(1 / 3)
    history.days = {"2025-06-15": 50}
    assert history.share(LIMITS, at(0)) == 0.5
    assert history.share(replace(LIMITS, per_day=None), at(0)) == pytest.approx(1 / 3)


def test_a_history_is_the_same_after_a_file():
    history = History()
    for number in range(3):
        history.ask(number, LIMITS, at(0), 30)
    history.answer(1, LIMITS, at(1))
    history.refuse(LIMITS, at(2), 5.0)
    assert History.from_text(history.to_text()) == history
    assert History.from_text(History().to_text()) == History()


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"version": 2}', '{"version": 1, "slots": [[1]], "days": {}}', "[" * 9]
)
def test_what_is_no_history_is_a_value_error(text):
    with pytest.raises(ValueError):
        History.from_text(text)
