"""What a whole run costs, frame to results frame, to a server that only answers; and what its journal adds.

    python tests/benchmarks/runs.py                    # 1,000,000 rows, some minutes
    python tests/benchmarks/runs.py --rows 100000

Each run is in a process of its own, those with and without a journal in turn; what is printed are medians, and the
highest peak of memory. The journals lie under the current folder, because /tmp may be memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl
import ratios

from mbtoolkit import Client, SendOptions, upsert_contacts

CLEAN = 10**9
"""No row of the frames is bad: bad rows would make a run look faster than it is."""


def megabytes() -> float:
    """The peak of this process's memory so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 if sys.platform != "darwin" else peak / 1024**2


def contacts(rows: int, *, with_ids: bool = False) -> pl.DataFrame:
    """Contacts that are all sent, with an id of their own each where that is asked for."""
    frame = ratios.contacts(rows, bad_every=CLEAN)
    return frame.with_columns(contact_id=pl.int_range(1, rows + 1, dtype=pl.Int64)) if with_ids else frame


def opt_ins(frame: pl.DataFrame) -> int:
    return int(frame["mobile_opt_in"].sum() + frame["email_opt_in"].sum())


def one_run(base_url: str, rows: int, batch_size: int, with_ids: bool, run_dir: str) -> dict[str, float]:
    """One run in this process.

    Args:
        base_url: of the server.
        rows: of the frame.
        batch_size: contacts a batch; 0 for the single operation.
        with_ids: whether every contact bears an id.
        run_dir: of the journal; "" for none.
    """
    frame = contacts(rows, with_ids=with_ids)
    before = megabytes()
    with Client(base_url, "token") as client:
        began, cpu = time.perf_counter(), time.process_time()
        options = SendOptions(
            via="batch" if batch_size else "single",
            batch_size=batch_size or 100,
            keep_record=bool(run_dir),
            run_dir=run_dir or None,
        )
        results = upsert_contacts(frame, client, options=options, opt_ins_on=opt_ins(frame), progress=False)
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
    assert (results["mb_status"] == "succeeded").all()
    assert not with_ids or not batch_size or results["mb_contact_id"].equals(frame["contact_id"])
    return {
        "seconds": seconds, "cpu_seconds": cpu_seconds, "frame": frame.estimated_size("mb"), "before": before,
        "peak": megabytes(),
    }  # fmt: skip


def in_a_process(
    base_url: str, rows: int, batch_size: int, *, has_journal: bool, with_ids: bool = False
) -> dict[str, float]:
    """`one_run` in a fresh process."""
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".runs-") as folder:
        told = [base_url, str(rows), str(batch_size), str(int(with_ids)), folder if has_journal else ""]
        command = [sys.executable, __file__, "--one", *told]
        return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def by_batches(base_url: str, rows: int, batch_size: int, rounds: int, *, with_ids: bool = False) -> None:
    """Prints what runs cost with and without a journal."""
    found = {has: [] for has in (True, False)}
    for _ in range(rounds):
        for has_journal, runs in found.items():
            runs.append(in_a_process(base_url, rows, batch_size, has_journal=has_journal, with_ids=with_ids))
    medians = {has: statistics.median(run["seconds"] for run in runs) for has, runs in found.items()}
    for has_journal, runs in found.items():
        cpu = statistics.median(run["cpu_seconds"] for run in runs)
        peak, before = max(run["peak"] for run in runs), runs[0]["before"]
        print(
            f"batches of {batch_size:>5,}, {rows:,} rows{' with ids' if with_ids else ''}, "
            f"{'journal' if has_journal else 'no journal':<10} "
            f"{rows / medians[has_journal]:>9,.0f} contacts/s {medians[has_journal]:>8.2f} s, {cpu:>6.2f} s of CPU; "
            f"peak {peak:>6,.0f} MB ({before:,.0f} MB of it before, with the frame's {runs[0]['frame']:,.0f} MB)",
            flush=True,
        )
    print(f"    the journal takes {1 - medians[False] / medians[True]:.1%} of the time")


def one_by_one(base_url: str, rows: int, rounds: int) -> None:
    """Prints what the single operation costs beside bare posts of bodies made beforehand."""
    bodies = ratios.dicts_and_orjson(contacts(rows))
    found: dict[str, list[float]] = {"journal": [], "no journal": [], "bare httpx posts": []}
    for _ in range(rounds):
        found["journal"].append(in_a_process(base_url, rows, 0, has_journal=True)["seconds"])
        found["no journal"].append(in_a_process(base_url, rows, 0, has_journal=False)["seconds"])
        found["bare httpx posts"].append(ratios.seconds(lambda: ratios.bare_posts(base_url, bodies)))
    bare = statistics.median(found["bare httpx posts"])
    for name, times in found.items():
        took = statistics.median(times)
        print(f"one by one, {rows:,} rows, {name:<17} {rows / took:>9,.0f} contacts/s, {took / bare:.3f} of bare posts")


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        base_url, rows, batch_size, with_ids, run_dir = sys.argv[2:]
        print(json.dumps(one_run(base_url, int(rows), int(batch_size), with_ids == "1", run_dir)))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--singles", type=int, default=20_000, help="rows of the runs by the single operation")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with ratios.answering_server() as base_url:
        for batch_size in (1_000, 100):
            by_batches(base_url, options.rows, batch_size, options.rounds)
        by_batches(base_url, options.rows, 1_000, options.rounds, with_ids=True)
        one_by_one(base_url, options.singles, options.rounds)
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
