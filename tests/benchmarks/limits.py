"""429s, and the share of the allowed rate that is used, in 60 s of steady load on a CRM that keeps the freemium plan.

    python tests/benchmarks/limits.py [SECONDS]

Four loads, one after the other: a sliding and a fixed window, one process and three on one token. The share is a window
against the time from a request to the hundredth after it, as the CRM saw them: 100 % would be a request in the very
moment in which it is allowed. What is granted in all that time is flattered by the bursts at its start and end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from mbtoolkit.client.limits import ACCOUNT_LIMITS
from mbtoolkit.sandbox import Behaviour, Sandbox

PUSHER = Path(__file__).parent.parent / "limits" / "pusher.py"
LIMITS = ACCOUNT_LIMITS["freemium"]


def load(window, processes, seconds):
    """What the CRM saw of some processes that always have something to send."""
    with (
        tempfile.TemporaryDirectory() as state,
        Sandbox(limits="freemium", behaviour=Behaviour(limit_window=window)) as crm,
    ):
        words = [crm.base_url, 100_000, LIMITS.requests, LIMITS.window_seconds, state]
        pushers = [
            subprocess.Popen(
                [sys.executable, PUSHER, *map(str, words), f"p{number}"],
                stdout=subprocess.DEVNULL,
                env={**os.environ, "MBTOOLKIT_TOKEN": crm.token},
            )
            for number in range(processes)
        ]
        while crm.requests().is_empty():
            time.sleep(0.05)
        time.sleep(seconds)
        requests = crm.requests()
        for pusher in pushers:
            pusher.kill()
            pusher.wait()
        return requests


def main(seconds=60.0):
    print("window   processes  requests  429s  share of the rate  of all that the plan grants")
    for window in ("sliding", "fixed"):
        for processes in (1, 3):
            requests = load(window, processes, seconds)
            times = requests["at"].dt.epoch("us") / 1e6
            requests = requests.filter(times <= times[0] + seconds)
            apart = (times - times.shift(LIMITS.requests)).drop_nulls().mean()
            refused = requests.filter(pl.col("status") == 429).height
            granted = LIMITS.requests / LIMITS.window_seconds * seconds
            share, of_all = LIMITS.window_seconds / apart, requests.height / granted
            print(f"{window:<7}  {processes:>9}  {requests.height:>8}  {refused:>4}  {share:>17.1%}  {of_all:>28.1%}")


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
