"""What a journal costs: commits, appends, the bytes of an event, freezing, and reading a long log again.

    python tests/benchmarks/journal.py [SECONDS]

In a folder under the current one, because /tmp may be memory. Each appender waits for its own event to be durable.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import threading
import time
from pathlib import Path
from uuid import uuid4

import polars as pl

from mbtoolkit.runs.journal import Journal


def appending(runs_dir, appenders, seconds):
    """Appends and commits in a second."""
    commits = [0]

    def count(word):
        commits[0] += word == "after"

    with Journal.create(runs_dir, str(uuid4()), {}, {}, on_commit=count) as journal:
        commits[0], appended = 0, [0] * appenders
        begin = time.perf_counter()

        def work(number):
            while time.perf_counter() - begin < seconds:
                journal.append("intent", range(1000)).result()
                appended[number] += 1

        threads = [threading.Thread(target=work, args=[number]) for number in range(appenders)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.perf_counter() - begin
    return sum(appended) / took, commits[0] / took


def batches(runs_dir, is_awaited):
    """Seconds for 1,000 events of 1,000 consecutive rows, and bytes of each on the disk."""
    run_id = str(uuid4())
    with Journal.create(runs_dir, run_id, {}, {}) as journal:
        begin = time.perf_counter()
        for batch in range(1_000):
            future = journal.append("intent", range(batch * 1_000, batch * 1_000 + 1_000))
            if is_awaited:
                future.result()
        future.result()
        took = time.perf_counter() - begin
    return took, (runs_dir / run_id / "events.sqlite").stat().st_size / 1_000


def long_log(runs_dir):
    """Seconds to write and to read 1,000,000 events, and how many megabytes more that took."""
    run_id = str(uuid4())
    begin = time.perf_counter()
    with Journal.create(runs_dir, run_id, {}, {}) as journal:
        for row in range(1_000_000):
            future = journal.append("outcome", range(row, row + 1))
            if row % 10_000 == 0:
                future.result()
    written = time.perf_counter() - begin
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    with Journal.open(runs_dir, run_id) as journal:
        assert sum(1 for _ in journal.events()) == 1_000_000
    read = time.perf_counter() - begin
    return written, read, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def freezing(runs_dir):
    """Seconds to begin and to thaw a run of 1,000,000 payloads, and megabytes on the disk."""
    numbers = pl.int_range(1_000_000, eager=True)
    body = pl.concat_str(pl.lit('{"email":"person'), "row", pl.lit('@example.com","email_opt_in":true}'))
    frame = numbers.to_frame("row").with_columns(body.alias("body"))
    run_id = str(uuid4())
    begin = time.perf_counter()
    with Journal.create(runs_dir, run_id, {}, {"payloads": frame}) as journal:
        made = time.perf_counter() - begin
        begin = time.perf_counter()
        journal.frame("payloads")
        return made, time.perf_counter() - begin, (runs_dir / run_id / "payloads.parquet").stat().st_size / 1e6


def main(seconds=5.0):
    with tempfile.TemporaryDirectory(dir=".") as folder:
        runs_dir = Path(folder)
        for appenders in (1, 10):
            print(
                "{} appenders: {:,.0f} appends/s, {:,.0f} commits/s".format(
                    appenders, *appending(runs_dir, appenders, seconds)
                )
            )
        for is_awaited in (True, False):
            how = "each awaited" if is_awaited else "the last awaited"
            took, size = batches(runs_dir, is_awaited)
            print(f"1,000 events of 1,000 rows, {how}: {took:.3f} s, {size:.0f} bytes an event")
        print(
            "1,000,000 events: {:.1f} s to write, {:.1f} s to read, {:.0f} MB more for it".format(*long_log(runs_dir))
        )
        print("1,000,000 payloads: {:.2f} s to begin, {:.2f} s to thaw, {:.0f} MB".format(*freezing(runs_dir)))


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
