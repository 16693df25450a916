"""kill -9 at random moments of a push, again and again, until nothing is left to do; and what the record says then."""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
from oracle import Figures, judge, people

from mbtoolkit import list_runs
from mbtoolkit.sandbox import Behaviour, Sandbox

TRIES = 8
"""Resumes that are left in peace, after the last kill."""

PATIENCE_SECONDS = 300.0
"""For one process to come to its next death; it is killed then whatever it does."""

OPERATIONS = {"single": "/contacts/insertupdate", "batch": "/contacts/batch"}


@dataclass(frozen=True, slots=True)
class Storm:
    """A push that is killed.

    Attributes:
        rows: of the frame.
        kills: how many.
        via: the operation.
        batch_size: contacts in one batch.
        seed: of the moments.
        first: the number of the first person.
    """

    rows: int
    kills: int
    via: str
    batch_size: int = 20
    seed: int = 0
    first: int = 0


@dataclass(frozen=True, slots=True)
class Survived:
    """What came of a storm.

    Attributes:
        figures: the report against the record.
        kills: that struck a process at work.
        processes: that were begun.
        requests: that the CRM received.
        faults: how often each fault was committed, by name.
        seconds: all in all.
    """

    figures: Figures
    kills: int
    processes: int
    requests: int
    faults: dict[str, int]
    seconds: float


def script(crm, via):
    """Faults of every kind, again and again; the first of them only counts the operation's requests."""
    path = OPERATIONS[via]
    crm.fail("delay", seconds=0.0, path=path, after=10**9)
    often = 97 if via == "single" else 11
    for number, (kind, settings) in enumerate(
        [
            ("reset", {"phase": "after_commit"}),
            ("status", {"status": 500, "phase": "after_commit"}),
            ("status", {"status": 429, "retry_after": "0.05"}),
            ("delay", {"seconds": 0.05}),
            ("reset", {"phase": "before_commit"}),
            ("truncate", {}),
        ]
    ):
        crm.fail(kind, path=path, times=None, after=2 + number, every=often + 2 * number, **settings)
    if via == "batch":  # what a batch leaves open is found out by the single operation
        crm.fail("reset", phase="after_commit", path=OPERATIONS["single"], times=None, every=53)


@contextmanager
def crm_for(storm):
    """A CRM that remembers all of it."""
    with Sandbox(
        behaviour=Behaviour(unknown_contact_id="created"),
        batch_delay_seconds=0.02,
        max_requests_kept=10 * storm.rows + 10_000,
        max_upserts_kept=10 * storm.rows + 10_000,
    ) as crm:
        script(crm, storm.via)
        yield crm


def survive(storm, nursery, folder):
    """Pushes, kills, resumes until nothing is left; holds what is reported then against the CRM's record.

    Args:
        storm: what is pushed, and how often it is killed.
        nursery: makes the processes.
        folder: for files; a new one.
    """
    began = time.monotonic()
    chance = random.Random(storm.seed)
    folder = Path(folder)
    folder.mkdir()
    people(storm.rows, storm.first).write_parquet(folder / "people.parquet")
    with crm_for(storm) as crm:
        pushing = _Pushing(storm, crm, nursery, folder)
        requests = storm.rows // (1 if storm.via == "single" else storm.batch_size)
        kills = 0
        while kills < storm.kills:
            kills += pushing.killed_after(chance.uniform(0.3, 1.2) * requests / (storm.kills + 1), chance)
            if pushing.is_over:
                break
        results = pushing.to_its_end()
        crm.wait_for_batches()
        spoilt = crm.faults()[1:]
        return Survived(
            figures=judge(results, crm.applied()),
            kills=kills,
            processes=pushing.processes,
            requests=crm.requests().height,
            faults={f"{each['fault']} {each['path']}": each["committed"] for each in spoilt.iter_rows(named=True)},
            seconds=time.monotonic() - began,
        )


class _Pushing:
    """One push, by as many processes as it takes."""

    def __init__(self, storm, crm, nursery, folder):
        self._storm, self._crm, self._nursery, self._folder = storm, crm, nursery, folder
        self.processes = 0
        self.is_over = False

    def start(self):
        """A process that goes on with the run, or begins it."""
        self.processes += 1
        place = {"crm": [self._crm.base_url, self._crm.token], "run_dir": self._folder / "runs"}
        results = self._folder / "results.parquet"
        begun = list_runs(self._folder / "runs").filter(pl.col("state") != "half_made")
        run_id = next(iter(begun["run_id"]), None)
        if run_id is not None:
            return self._nursery.start("resume", run_id=run_id, results=results, **place)
        options = {"via": self._storm.via, "batch_size": self._storm.batch_size}
        contacts = self._folder / "people.parquet"
        return self._nursery.start("push", contacts=contacts, results=results, options=options, **place)

    def killed_after(self, requests, chance):
        """Whether a process was killed: in its first moments, or after so many requests and a moment more."""
        before = self._seen()
        child = self.start()
        if chance.random() < 0.2:
            time.sleep(chance.uniform(0, 0.5))
        else:
            until = time.monotonic() + PATIENCE_SECONDS
            while self._seen() - before < requests and not self._has_ended() and time.monotonic() < until:
                time.sleep(0.002)
            time.sleep(chance.uniform(0, 0.05))
        child.kill()
        code = child.wait()
        assert code in (0, -9), child.said
        self.is_over = code == 0
        return code == -9

    def to_its_end(self):
        """The results, once nothing is left that could still be settled."""
        for _ in range(TRIES):
            child = self.start()
            assert child.wait() == 0, child.said
            results = pl.read_parquet(self._folder / "results.parquet")
            open_ = pl.col("mb_status").is_in(["accepted", "not_sent"]) & pl.col("mb_code").ne_missing("held")
            if results.filter(open_).is_empty():
                break
        return results

    def _seen(self):
        return self._crm.faults()["seen"][0]

    def _has_ended(self):
        return (self._folder / "results.parquet").exists()


def halves(rows, kills, seed=0):
    """A storm by each operation, together of so many rows and kills."""
    single = Storm(rows // 2, kills // 2, "single", seed=seed)
    return [single, replace(single, rows=rows - rows // 2, kills=kills - kills // 2, via="batch")]
