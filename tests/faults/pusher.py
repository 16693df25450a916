"""A process that pushes a frame and leaves its results on disk, for faults that strike a whole process.

Arguments: the CRM's address, a parquet file, the folder of records, `via`. The token is in the environment.
"""

from __future__ import annotations

import os
import sys

import polars as pl

from mbtoolkit import Client, SendOptions, upsert_contacts


def main(base_url: str, source: str, run_dir: str, via: str) -> None:
    """Pushes it."""
    with Client(base_url, os.environ["MBTOOLKIT_TOKEN"], timeout_seconds=20) as client:
        results = upsert_contacts(
            pl.read_parquet(source),
            client,
            options=SendOptions(run_dir=run_dir, via=via, max_concurrency=2, batch_size=2),
            progress=False,
        )
    results.write_parquet(f"{source}.results")


if __name__ == "__main__":
    main(*sys.argv[1:])
