"""A push in its thread, and everything else that may be done meanwhile."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import ClassVar

import polars as pl
import pytest

from mbtoolkit import Recipe, Run
from mbtoolkit.errors import MbtoolkitError, UsageError
from mbtoolkit.recipes import CleanText
from mbtoolkit.sessions.pushing import FilePush, FilePushes, Pushing, Source
from tests.sessions.test_pushing import heard, of_frame

CANARY = "canary.person@example.com"
ROWS = 60


def table(rows=ROWS):
    names = [f"person{row}" for row in range(rows)]
    return pl.DataFrame({"email": [f"{name}@example.com" for name in names], "City": [" Oslo "] * rows})


READS = {
    "code": lambda push: push.code,
    "contacts": lambda push: push.contacts.height,
    "failed rows": lambda push: push.failed_rows,
    "left out rows": lambda push: push.left_out_rows,
    "mark": lambda push: push.mark,
    "profile": lambda push: push.loaded.profile,
    "review": lambda push: push.review,
    "sample": lambda push: push.loaded.sample("City"),
    "stored rows": lambda push: push.stored_rows,
    "twice": lambda push: push.mapped.twice,
    "validation": lambda push: push.validation.issues,
    "whole recipe": lambda push: push.whole_recipe,
}


def switch_last(push):
    push.change_recipe(lambda recipe: recipe.disable(len(recipe) - 1) if len(recipe) else recipe)


def map_otherwise(push):
    push.map_column("City", "" if push.mapping["City"] else "property:City")
    push.check()


def look_for_duplicates(push):
    with push.lock:  # calls of which each needs the one before
        push.find_duplicates(by_identifiers=True)
        assert push.cleaning.standing.is_empty()
        push.merge_duplicates()


WRITES = {
    "add steps": lambda push: push.add_steps(CleanText("property:City")),
    "change the recipe": switch_last,
    "edit": lambda push: push.edits.edit(0, "property:City", "Voss"),
    "find and merge duplicates": look_for_duplicates,
    "leave out": lambda push: push.leave_out("no_such_rule", is_out="no_such_rule" not in push.left_out_rules),
    "map": map_otherwise,
    "merge rows": lambda push: push.merge_rows([0, 1]),
    "settle": lambda push: push.settle(),
    "start": lambda push: push.start(heard),
    "use a recipe": lambda push: push.use_recipe(push.whole_recipe),
    "failed": lambda push: push.failed().carry(),
}


class Hammer(threading.Thread):
    """Does all of some acts again and again until a push is over, and once after that."""

    def __init__(self, push, acts):
        super().__init__(daemon=True)
        self.push, self.acts, self.odd = push, acts, {}

    def run(self):
        is_last = False
        while not is_last:
            is_last = not self.push.is_pushing
            for name, act in self.acts.items():
                if name == "start" and not self.push.is_pushing:
                    continue
                if name == "failed" and self.push.results is None:
                    continue
                try:
                    act(self.push)
                except UsageError:
                    pass  # refused in words, such as merging rows that are on their way
                except Exception as error:
                    self.odd[name] = error


@pytest.mark.slow
def test_whatever_is_done_while_a_push_runs_and_ends_every_row_is_sent_once_and_accounted_for(client, crm):
    crm.fail("delay", seconds=0.02, times=None)
    push = of_frame(client, table())
    push.map_column("City", "property:City")
    push.check()
    push.start(heard)
    hammers = [Hammer(push, READS), Hammer(push, WRITES), Hammer(push, dict(reversed(WRITES.items())))]
    for each in hammers:
        each.start()
    for each in hammers:
        each.join(120)
        assert not each.is_alive()
        assert each.odd == {}
    assert push.wait(60)
    assert push.results["mb_status"].to_list() == ["succeeded"] * ROWS
    assert push.results["mb_row"].to_list() == list(range(ROWS))
    assert crm.contacts().height == ROWS
    assert push.pushing.fault is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused(CleanText):
    """A step that lets another thread go on in the middle of it."""

    inside: ClassVar[threading.Event] = threading.Event()
    seen: ClassVar[threading.Event] = threading.Event()

    def run(self, frame):
        Paused.inside.set()
        Paused.seen.wait(0.3)  # not for ever: a thread that waits for the step is what is wanted
        return CleanText.run(self, frame)


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_half_of_a_recipe_is_never_seen(client, read):
    push = of_frame(client, table(4))
    push.map_column("City", "property:City")
    push.check()
    Paused.inside.clear()
    Paused.seen.clear()
    odd = []

    def look():
        assert Paused.inside.wait(10)
        try:
            read(push)
        except Exception as error:
            odd.append(error)
        Paused.seen.set()

    looking = threading.Thread(target=look)
    looking.start()
    push.use_recipe(Recipe().then(Paused("property:City")))
    looking.join(10)
    assert odd == []


def test_what_a_thread_sees_without_asking_is_never_none(client):
    push = of_frame(client, table(4))
    push.map_column("City", "property:City")
    push.check()
    Paused.inside.clear()
    Paused.seen.clear()
    edits = push.edits
    found = []

    def look():
        assert Paused.inside.wait(10)
        found.append(push.edits)
        Paused.seen.set()

    looking = threading.Thread(target=look)
    looking.start()
    push.use_recipe(Recipe().then(Paused("property:City")))
    looking.join(10)
    assert found == [edits]
    assert push.edits is not edits


@pytest.mark.slow
def test_pushes_begun_by_many_threads_at_once_are_one(client, crm):
    crm.fail("delay", seconds=0.2, times=None)
    push = of_frame(client, table(20))
    gate, begun = threading.Barrier(6), []

    def begin():
        gate.wait()
        try:
            begun.append(push.start(heard))
        except UsageError:
            begun.append(None)

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert push.wait(30)
    assert len([each for each in begun if each is not None]) == 1
    assert crm.requests().height == 20


class OddError(Exception):
    """Something that nobody foresaw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken(CleanText):
    """A step that fails in a way that is none of the toolkit's own."""

    def run(self, frame):
        raise OddError(frame["email"][0])


@pytest.mark.parametrize("recipe", [Recipe().then(Broken("property:City")), Recipe().read_contacts({"email": "email"})])
def test_a_recipe_that_fails_leaves_all_as_it_was(client, tmp_path, recipe):
    path = tmp_path / "people.csv"
    table(4).write_csv(path)
    push = FilePush(client, Source(str(path), path.name))
    push.map_column("City", "property:City")
    push.check()
    push.edits.edit(0, "property:City", "Voss")
    before, mark = push.contacts, push.mark
    if recipe.steps[0].do == "read_contacts":
        path.unlink()  # it can't be read again
    with pytest.raises((OddError, MbtoolkitError)):
        push.use_recipe(recipe)
    assert push.mark == mark
    assert push.contacts.equals(before)
    assert push.review.sendable == 4


@pytest.mark.slow
def test_a_display_that_fails_costs_no_results_and_is_logged(client, caplog):
    def show():
        raise OddError(CANARY)

    push = of_frame(client, table(4))
    push.start(show)
    assert push.wait(30)
    assert push.results["mb_status"].to_list() == ["succeeded"] * 4
    assert push.pushing.fault is None
    assert "showing a push failed" in caplog.text
    assert "in show" in caplog.text
    assert CANARY not in caplog.text


@pytest.mark.slow
def test_results_that_can_not_be_added_to_those_before_are_not_lost(client, crm):
    push = of_frame(client, table(4))
    push.start(heard)
    assert push.wait(30)
    before = push.results = push.results.with_columns(mb_row=pl.lit(0, dtype=pl.Int64))
    push.sends_stored = True
    push.start(heard)
    assert push.wait(30)
    assert crm.requests().height == 8
    assert push.results is before
    run_id = push.pushing.results["mb_run_id"][0]
    assert push.pushing.results["mb_status"].to_list() == ["succeeded"] * 4
    assert push.pushing.fault.startswith("The push is over, but its results can't be added to those before")
    assert f"Run.open({run_id!r}).results has them" in push.pushing.fault
    assert Run.open(run_id).results["mb_status"].to_list() == ["succeeded"] * 4


@pytest.mark.parametrize("kind", [OddError, asyncio.CancelledError])
def test_a_push_that_fails_in_a_way_that_nobody_foresaw_says_that_rows_may_be_sent(caplog, kind):
    def send(hear, stop):
        raise kind(CANARY)

    pushing, ended = Pushing(3), []
    pushing.begin(send, lambda _: None, lambda: ended.append(pushing.ended))
    pushing.thread.join(10)
    assert ended == [pushing.ended]
    assert f"internal error ({kind.__name__})" in pushing.fault
    assert "Rows may have been sent: then list_runs() shows the run" in pushing.fault
    assert "in send" in caplog.text
    assert CANARY not in caplog.text + pushing.fault


@pytest.mark.slow
def test_where_no_thread_can_be_made_nothing_is_on_its_way(client, monkeypatch):
    push = of_frame(client, table(4))

    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError):
            push.start(heard)
    assert not push.is_pushing
    assert push.pushing is None
    push.start(heard)
    assert push.wait(30)
    assert push.results.height == 4


def test_another_table_is_loaded_by_one_thread_at_a_time(client):
    pushes = FilePushes(client)
    sources = [Source(table(50), f"table {number}") for number in range(4)]
    gate = threading.Barrier(4)

    def load(source):
        gate.wait()
        pushes.load(source)

    threads = [threading.Thread(target=load, args=(source,)) for source in sources]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(pushes._loaded) == 4
    assert pushes.current in pushes._loaded.values()
