"""A process that pushes people within limits, and prints how many: for tests with several of them, and the benchmark.

Called with: base_url rows requests window_seconds state_dir name. The token is in MBTOOLKIT_TOKEN.
"""

from __future__ import annotations

import sys

import polars as pl

from mbtoolkit import Client, Limits, SendOptions, upsert_contacts


def main(base_url, rows, requests, window_seconds, state_dir, name, timeout_seconds):
    people = pl.DataFrame({"email": [f"{name}-{number}@example.com" for number in range(int(rows))]})
    limits = Limits(requests=int(requests), window_seconds=float(window_seconds), state_dir=state_dir)
    print("ready", flush=True)
    with Client.from_env(base_url=base_url, timeout_seconds=float(timeout_seconds)) as client:
        results = upsert_contacts(people, client, options=SendOptions(via="single"), limits=limits, progress=False)
    print((results["mb_status"] == "succeeded").sum(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
