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


def messy_table(rows: int) -> pl.DataFrame:
    """With suggestions, spellings, repairs and duplicates; 10 columns."""
    return pl.DataFrame(
        {
            "email": [
                f"<person{n}@example.com>" if n % 50 == 3 else f"person{n - (n % 200 == 7)}@example.com"
                for n in range(rows)
            ],
            "mobile_country_code": [47] * rows,
            "mobile_number": [40_000_000 + n - (n % 200 == 7) for n in range(rows)],
            "email_opt_in": ["yes" if n % 3 else ("kanskje" if n % 7 == 0 else "no") for n in range(rows)],
            "property:City": [("Oslo", "Bergen", "oslo.", "Voss")[n % 4] for n in range(rows)],
            "property:Name": [f"person {n % 5000} lastname{n // 10}" for n in range(rows)],
            "Country": ["NO"] * rows,
            "note": [f"note {n}" for n in range(rows)],
            "changed": ["2026-01-01"] * rows,
            "n": [str(n) for n in range(rows)],
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
        yield "Columns, next: contacts read, suggestions drawn", milliseconds(lambda: bottom.press("next"), 1)
        yield "Clean, next: judged, counts drawn", milliseconds(lambda: bottom.press("next"), 1)
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


def clean_measures():
    with Sandbox() as crm, crm.client() as client:
        panel = PushPanel(client, messy_table(ROWS))
        top, bottom = Page(panel._top), Page(panel._bottom)
        bottom.press("next")
        yield "Columns, next: contacts read, suggestions drawn", milliseconds(lambda: bottom.press("next"), 1)
        yield "what is obvious, drawn anew", milliseconds(lambda: top.press("part:obvious"))
        yield "all that is obvious mended", milliseconds(lambda: top.press("mend"), 1)
        top.press("part:column")
        for name in ("property:City", "property:Name"):
            yield f"{name} chosen: profile, spellings, repairs", milliseconds(lambda n=name: top.choose("which", n), 1)
            yield f"{name} drawn anew", milliseconds(lambda: top.press("part:column"))
        yield "a repair: capitals of 100,000 names", milliseconds(lambda: top.press(top.keys("repair")[2]), 1)
        top.choose("which", "property:City")
        yield "spellings merged: 25,000 cells", milliseconds(lambda: top.press("merge"), 1)
        top.press("part:duplicates")
        yield "duplicates looked for", milliseconds(lambda: top.press("look"), 1)
        yield "a group drawn anew", milliseconds(lambda: top.press("part:duplicates"))
        yield "the next group", milliseconds(lambda: top.press("after"))
        yield "a group merged: all done so far settled", milliseconds(lambda: top.press("merge"), 1)
        yield "another group merged", milliseconds(lambda: top.press("merge"), 1)
        yield "all groups merged", milliseconds(lambda: top.press("merge_all"), 1)

        def switch(place, *, is_on):
            key = next(key for key in top.keys("recipe") if key.startswith(f"recipe:on:{place}:"))
            top.choose(key, is_on)

        yield "the first step switched off", milliseconds(lambda: switch(0, is_on=False), 1)
        yield "and on", milliseconds(lambda: switch(0, is_on=True), 1)
        yield "the last step switched off", milliseconds(lambda: switch(5, is_on=False), 1)
        yield "and removed", milliseconds(lambda: top.press("recipe:remove:5"), 1)
        yield "a letter typed into the recipe's path", milliseconds(lambda: top.type("recipe:path", "x"))


def printed(title, measured):
    print(title)
    for what, taken in measured:
        print(f"{what:<60} {taken:8.1f} ms", flush=True)


if __name__ == "__main__":
    comm.create_comm = Wire
    printed(f"{ROWS:,} rows, 6 columns", measures())
    printed(f"The step Clean: {ROWS:,} rows, 10 columns", clean_measures())
