"""How fast the panel is in the kernel: `python tests/benchmarks/panel.py` prints a table; nothing is asserted."""

from __future__ import annotations

import itertools
import statistics
import time

import comm
import polars as pl

from mbtoolkit.sandbox import Sandbox
from mbtoolkit.widgets import PushPanel
from tests.widgets.playing import Page, Wire

ROWS = 100_000
TURNS = 9


def table(rows: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "contact_id": [str(n + 1) if n % 97 else "n/a" for n in range(rows)],
            "email": ["no address" if n % 50 == 3 else f"person{n}@example.com" for n in range(rows)],
            "mobile_country_code": [47] * rows,
            "mobile_number": [40_000_000 + n - (n % 31 == 5) for n in range(rows)],
            "email_opt_in": ["yes" if n % 3 else "no" for n in range(rows)],
            "property:City": ["Oslo", "Bergen"] * (rows // 2),
        }
    )


def milliseconds(act, turns=TURNS):
    taken = []
    for _ in range(turns):
        begun = time.perf_counter()
        act()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


def measures():
    numbers = itertools.count()
    with Sandbox() as crm, crm.client() as client:
        panel = PushPanel(client, table(ROWS))
        top, bottom = Page(panel._top), Page(panel._bottom)
        yield "Load, next: read, suggested, columns drawn", milliseconds(lambda: bottom.press("next"), 1)
        yield "Columns, next: contacts read, judged, counts drawn", milliseconds(lambda: bottom.press("next"), 1)
        grid = panel.grid

        def say(kind, **fields):
            said = {"method": "custom", "content": {"kind": kind, "view": "g", **fields}}
            grid.comm.handle_msg({"content": {"data": said}, "buffers": []})

        def edit():
            say("edit", row=1, column="email", text=f"new{next(numbers)}@example.com")

        yield "a cell mended: the grid's answer and all counts anew", milliseconds(edit)
        yield "rules across rows after an edit, and the counts", milliseconds(lambda: (edit(), say("revalidate")))
        yield "an event that changes nothing (a tick)", milliseconds(lambda: top.choose("out:x", False))
        yield "Check, next: review drawn", milliseconds(lambda: bottom.press("next"), 1)
        top.press("step:1")
        top.choose("column:5", "")
        yield "one column mapped anew: read again, edits made again", milliseconds(lambda: top.press("step:3"), 1)


if __name__ == "__main__":
    comm.create_comm = Wire
    print(f"{ROWS:,} rows, 6 columns")
    for what, taken in measures():
        print(f"{what:<60} {taken:8.1f} ms")
