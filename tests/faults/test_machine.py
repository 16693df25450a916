"""Pushes, crashes, resumes and reconciles in any order under any faults: the promises hold after every step."""

from __future__ import annotations

import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mbtoolkit import Client, Run, SendOptions, reconcile
from mbtoolkit.client import retries
from mbtoolkit.runs.sending import batches, breaker
from mbtoolkit.sandbox import Sandbox
from tests.faults.oracle import BATCH, IS_FULL, SINGLE, STATUS, VIAS, assert_kept, mark, push, table

QUICK = {
    (retries, "FIRST_WAIT_SECONDS"): 0.02,
    (retries, "UNSAID_PAUSE_SECONDS"): 0.05,
    (batches, "UNSAID_PAUSE_SECONDS"): 0.05,
    (breaker, "FIRST_PROBE_SECONDS"): 0.05,
    (breaker, "LONGEST_PROBE_SECONDS"): 0.1,
}
"""Waits of the toolkit's own, shortened: a machine takes hundreds of steps."""

WIRE_FAULTS: list[dict[str, Any]] = [
    {"kind": "reset"},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 503, "retry_after": "0.05"},
    {"kind": "truncate"},
    {"kind": "empty"},
    {"kind": "html"},
]
"""Each before or after the commit, but for the refusals below, which the CRM means."""

REFUSALS: list[dict[str, Any]] = [
    {"kind": "status", "status": 422},
    {"kind": "status", "status": 409},
    {"kind": "status", "status": 429, "retry_after": "0.05"},
    {"kind": "status", "status": 401},
    {"kind": "not_success"},
]
BATCH_FAULTS = ("batch_failed", "batch_partial", "batch_stuck", "batch_backwards", "batch_other_id")

paths = st.sampled_from([SINGLE, BATCH, STATUS, "/contacts"])
rows = st.integers(0, 14)


class Pushes(RuleBasedStateMachine):
    """One table, one record, one CRM; `model` says of each row what it was last said to be.

    Attributes:
        committed: faults that were committed, in all.
        ended: pushes and resumes that came back, in all.
    """

    committed = 0
    ended = 0

    def __init__(self) -> None:
        super().__init__()
        self.before = {place: getattr(*place) for place in QUICK}
        for (module, name), seconds in QUICK.items():
            setattr(module, name, seconds)
        self.folder = Path(tempfile.mkdtemp())
        self.crm = Sandbox(batch_delay_seconds=0.01).start()
        self.client: Client = self.crm.client(timeout_seconds=5.0, attempts=3, outage_seconds=1.0)
        self.results: pl.DataFrame | None = None
        self.model: dict[int, str] = {}

    @initialize(via=st.sampled_from(VIAS), size=st.integers(1, 20), workers=st.integers(1, 6))
    def has_a_table(self, via: str, size: int, workers: int) -> None:
        self.contacts = table(self.crm)
        self.how: dict[str, Any] = {"via": via, "batch_size": size, "max_concurrency": workers}

    @rule(
        fault=st.sampled_from(WIRE_FAULTS),
        phase=st.sampled_from(["before_commit", "after_commit"]),
        path=paths,
        times=st.integers(1, 3),
        after=st.integers(0, 6),
    )
    def script_a_fault(self, fault: dict[str, Any], phase: str, path: str, times: int, after: int) -> None:
        _fail(self.crm, fault, phase=phase, path=path, times=times, after=after)

    @rule(fault=st.sampled_from(REFUSALS), row=rows, times=st.integers(1, 2))
    def script_a_refusal(self, fault: dict[str, Any], row: int, times: int) -> None:
        _fail(self.crm, fault, match=mark(row), times=times)

    @rule(kind=st.sampled_from(BATCH_FAULTS), contacts=st.integers(0, 5))
    def script_a_batch_fault(self, kind: str, contacts: int) -> None:
        self.crm.fail(kind, contacts=contacts)  # type: ignore[arg-type]

    @rule()
    def mend(self) -> None:
        Pushes.committed += self.crm.faults()["committed"].sum()
        self.crm.clear_faults()

    @precondition(lambda self: self.results is None)
    @rule(requests=st.none() | st.integers(0, 12))
    def push(self, requests: int | None) -> None:
        with _ends_after(self.crm, requests) as stop:
            results = push(
                self.contacts, self.client, run_dir=self.folder, settle_seconds=0.3, stop=stop, **self.how
            )  # fmt: skip
        self._take(results)
        self.run_id = results["mb_run_id"][0]

    @precondition(lambda self: self.results is not None)
    @rule(requests=st.none() | st.integers(0, 12))
    def resume(self, requests: int | None) -> None:
        run = Run.open(self.run_id, self.folder)
        with _ends_after(self.crm, requests) as stop:
            self._take(run.resume(self.client, options=SendOptions(settle_seconds=0.3), progress=False, stop=stop))

    @precondition(lambda self: self.results is not None)
    @rule()
    def look(self) -> None:
        """The record says what the run said."""
        told = Run.open(self.run_id, self.folder).results
        assert told["mb_status"].cast(pl.String).to_list() == list(self.recorded)

    @precondition(lambda self: self.results is not None)
    @rule()
    def reconcile(self) -> None:
        """In a record of its own; the first one doesn't hear of it, so nothing is resumed afterwards."""
        results = reconcile(
            self.results, self.client, options=SendOptions(keep_record=False, settle_seconds=0.3), progress=False
        )
        assert_kept(self.crm, self.contacts, results)
        _assert_no_step_back(self.model, results)

    @invariant()
    def promises_are_kept(self) -> None:
        if self.results is not None:
            assert_kept(self.crm, self.contacts, self.results.select(*self.contacts.columns, "^mb_.*$"))

    def _take(self, results: pl.DataFrame) -> None:
        _assert_no_step_back(self.model, results)
        Pushes.ended += 1
        self.results, self.recorded = results, results["mb_status"].cast(pl.String).to_list()
        self.model = dict(enumerate(self.recorded))

    def teardown(self) -> None:
        Pushes.committed += self.crm.faults()["committed"].sum()
        self.client.close()
        self.crm.stop()
        shutil.rmtree(self.folder)
        for (module, name), seconds in self.before.items():
            setattr(module, name, seconds)


def _fail(crm: Sandbox, fault: dict[str, Any], **more: Any) -> None:
    """Scripts one of the faults above."""
    settings = fault | more
    crm.fail(settings.pop("kind"), **settings)


def _assert_no_step_back(model: dict[int, str], results: pl.DataFrame) -> None:
    """What is settled stays, and doubt never turns into "nothing was stored"."""
    for row, status in enumerate(results["mb_status"]):
        before = model.get(row)
        if before in ("succeeded", "rejected", "invalid"):
            assert status == before, f"row {row} was {before} and is {status}"
        if before in ("unknown", "accepted"):
            assert status != "not_sent", f"row {row} was {before} and is {status}"
        if before == "unknown":
            assert status in ("unknown", "succeeded"), f"row {row} was unknown and is {status}"


class _ends_after:  # noqa: N801 - used as a function
    """An event that is set once the CRM has had so many requests more; never where that is None."""

    def __init__(self, crm: Sandbox, requests: int | None) -> None:
        self._crm, self._requests = crm, requests
        self._is_over, self._stop = threading.Event(), threading.Event()

    def __enter__(self) -> threading.Event:
        self._thread = threading.Thread(target=self._watch, args=(self._crm.requests().height,))
        self._thread.start()
        return self._stop

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self, begin: int) -> None:
        while self._requests is not None and not self._is_over.wait(0.002):
            if self._crm.requests().height >= begin + self._requests:
                self._stop.set()
                return


@pytest.mark.slow
def test_promises_hold_in_any_order_under_any_faults():
    Pushes.committed = Pushes.ended = 0
    run_state_machine_as_test(
        Pushes,
        settings=settings(
            max_examples=200 if IS_FULL else 12,
            stateful_step_count=30 if IS_FULL else 10,
            deadline=None,
            derandomize=not IS_FULL,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Pushes.ended > 0
    assert Pushes.committed > 0, "no fault was committed"
