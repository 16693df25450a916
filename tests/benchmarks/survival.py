"""What is lost, doubled and sent again when a push is killed (kill -9) at random moments under faults, and resumed.

    python tests/benchmarks/survival.py [--rows 100000] [--kills 20] [--seed 0]

Half of the rows go by the single operation, half by the batch operation, against a sandbox that cuts connections before
and after the commit, answers 500 after it, 429s, delays and cuts answers off. The record of what it applied is the judge.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "survival"))

from killing import halves, survive
from nursery import Nursery

LINES = {
    "rows": lambda storm, survived: storm.rows,
    "kills": lambda storm, survived: survived.kills,
    "processes": lambda storm, survived: survived.processes,
    "requests received": lambda storm, survived: survived.requests,
    "faults committed": lambda storm, survived: sum(survived.faults.values()),
    "rows lost outside the list of unknowns": lambda storm, survived: survived.figures.lost,
    "rows said not to be stored, and stored": lambda storm, survived: survived.figures.denied,
    "rows without an identifier applied twice": lambda storm, survived: survived.figures.doubled,
    "contacts that an earlier row overruled": lambda storm, survived: survived.figures.overruled,
    "rows listed as unknown": lambda storm, survived: survived.figures.unknown,
    "rows left unsent": lambda storm, survived: survived.figures.unsent,
    "rows sent again": lambda storm, survived: f"{survived.figures.sent_again / storm.rows:.2%}",
    "applications beyond a row's first": lambda storm, survived: f"{survived.figures.applied_again / storm.rows:.2%}",
    "seconds": lambda storm, survived: round(survived.seconds),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parsed = parser.parse_args()
    storms = halves(parsed.rows, parsed.kills, parsed.seed)
    with tempfile.TemporaryDirectory() as folder, Nursery(Path(folder) / "said") as nursery:
        came = [(storm, survive(storm, nursery, Path(folder) / storm.via)) for storm in storms]
    print(f"{'':<42}" + "".join(f"{storm.via:>12}" for storm in storms))
    for name, line in LINES.items():
        print(f"{name:<42}" + "".join(f"{line(*each):>12}" for each in came))
    for storm, survived in came:
        print(f"\nfaults of the {storm.via} half:")
        for name, count in survived.faults.items():
            print(f"  {count:>8,}  {name}")
    return any(survived.figures.faults for _, survived in came)


if __name__ == "__main__":
    sys.exit(main())
