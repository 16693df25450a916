"""What is lost, doubled and sent again when a push is killed (kill -9) at random moments under faults, and resumed.

    python tests/benchmarks/survival.py [--rows 100000] [--kills 20] [--seed 0]

Half of the rows go by the single operation, half by the batch operation, against a sandbox that cuts connections before
and after the commit, answers 500 after it or 429, delays, and cuts answers off. Its record is the judge.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "survival"))

from killing import halves, survive
from nursery import Nursery


def lines(storm, survived):
    """The figures by name."""
    figures = survived.figures
    return {
        "rows": storm.rows,
        "kills": survived.kills,
        "processes": survived.processes,
        "requests received": survived.requests,
        "faults committed": sum(survived.faults.values()),
        "rows lost outside the list of unknowns": figures.lost,
        "rows said not to be stored, and stored": figures.denied,
        "rows without an identifier applied twice": figures.doubled,
        "contacts that an earlier row overruled": figures.overruled,
        "rows listed as unknown": figures.unknown,
        "rows left unsent": figures.unsent,
        "rows sent again": f"{figures.sent_again / storm.rows:.2%}",
        "applications beyond a row's first": f"{figures.applied_again / storm.rows:.2%}",
        "seconds": round(survived.seconds),
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
    columns = [lines(*each) for each in came]
    for name in columns[0]:
        print(f"{name:<42}" + "".join(f"{column[name]:>12}" for column in columns))
    for storm, survived in came:
        print(f"\nfaults of the {storm.via} half:")
        for name, count in survived.faults.items():
            print(f"  {count:>8,}  {name}")
    return any(survived.figures.faults for _, survived in came)


if __name__ == "__main__":
    sys.exit(main())
