"""How fast the grid is, in a real JupyterLab: `python tests/benchmarks/grid.py` prints a table; nothing is asserted."""

from __future__ import annotations

import statistics
import sys

import pytest

SETUP = """
import polars as pl
from time import perf_counter
from mbtoolkit.widgets.grid import ContactGrid

def people(n):
    return pl.DataFrame({
        "contact_id": [str(i + 1) if i % 97 else "n/a" for i in range(n)],
        "email": ["no address" if i % 50 == 3 else f"person{i}@example.com" for i in range(n)],
        "mobile_country_code": [47] * n,
        "mobile_number": [40000000 + i - (i % 31 == 5) for i in range(n)],
        "email_opt_in": ["yes" if i % 3 else "no" for i in range(n)],
        "property:City": ["Oslo", "oslo ", "Bergen", "Voss"] * (n // 4),
        "property:Street": [f"{chr(97 + i % 26)}gata {i} {chr(97 + i // 26 % 26)}" for i in range(n)],
    })

def milliseconds(act, times=21):
    taken = []
    for turn in range(times):
        begun = perf_counter()
        act(turn)
        taken.append((perf_counter() - begun) * 1000)
    return sorted(taken)[times // 2]

small, large = people(1_000), people(100_000)
ContactGrid(small)
"""

IN_KERNEL = """
edits = ContactGrid(large).edits
def judge(turn):
    edits.edit(1, "email", f"again{turn}@example.com")
    edits.revalidate()
print(milliseconds(lambda turn: edits.edit(turn, "email", f"new{turn}@example.com")))
print(milliseconds(judge, 9))
for column in ("email", "property:City", "property:Street"):
    print(milliseconds(lambda turn: edits.profile(column), 5), milliseconds(lambda turn: edits.spellings(column), 5))
"""

PROFILED = """async (column) => {
  const grid = [...document.querySelectorAll('.mbg')].at(-1);
  const panel = grid.querySelector('.mbg-panel');
  const begun = performance.now();
  grid.querySelector(`.mbg-more[aria-label="What is in ${column}"]`).click();
  while (!panel.querySelector('.mbg-facts')) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now() - begun;
}"""

CHOSEN = """async () => {
  const grid = [...document.querySelectorAll('.mbg')].at(-1);
  const begun = performance.now();
  const before = grid.querySelector('.mbg-shown').textContent;
  grid.querySelector('.mbg-facets button').click();
  while (grid.querySelector('.mbg-shown').textContent === before) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now() - begun;
}"""

FIRST_PAINT = """async () => {
  const panel = [...window.jupyterapp.shell.widgets('main')].find((each) => each.context && each.sessionContext);
  panel.content.activeCellIndex = %d;
  const begun = performance.now();
  window.jupyterapp.commands.execute('notebook:run-cell');
  const filled = () => document.querySelectorAll('.mbg-row[data-filled=yes]').length;
  const before = filled();
  while (filled() <= before) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now() - begun;
}"""

WATCH = """() => {
  window.pressed = null;
  const note = (event) => { if (event.key === window.awaited) window.pressed = performance.now(); };
  document.addEventListener('keydown', note, true);
}"""

REPAINTED = """async ([row, text]) => {
  const grid = [...document.querySelectorAll('.mbg')].at(-1);
  const cell = () => [...grid.querySelectorAll('.mbg-body > .mbg-row')]
    .find((each) => each.firstChild.textContent === row)?.children[2];
  // Only the kernel says that a cell is wrong; until it has answered, the page shows what was typed without a verdict.
  const isJudged = () => row !== '7' || cell().getAttribute('aria-invalid') === 'true';
  const answered = () => cell() && cell().textContent === text && isJudged();
  while (!answered() || window.pressed === null) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now() - window.pressed;
}"""


def _shown(book, key, row, text):
    """Milliseconds from a key to the frame in which the e-mail of a row is that text, as the kernel sent it."""
    book.page.evaluate("(key) => { window.pressed = null; window.awaited = key; }", key.split("+")[-1])
    book.page.keyboard.press(key)
    return book.page.evaluate(REPAINTED, [str(row), text])


@pytest.mark.browser
def test_print_the_measures(lab):
    book = lab.open(SETUP, "ContactGrid(small)", "ContactGrid(small)", "ContactGrid(large)", run=False)
    book.run(SETUP)
    book.page.evaluate(FIRST_PAINT % 1)  # the page side is loaded once for all grids
    small, large = (book.page.evaluate(FIRST_PAINT % place) for place in (2, 3))
    grid = book.page.locator(".mbg-grid").last
    grid.scroll_into_view_if_needed()
    book.page.evaluate(WATCH)
    book.page.locator(".mbg-body").last.locator(".mbg-row").nth(7).locator(":scope > :nth-child(3)").click()
    edits = []
    for turn in range(15):
        text = f"no address {turn}"
        book.page.keyboard.type(text)
        edits.append(_shown(book, "Enter", 7, text))
        book.page.keyboard.press("ArrowUp")
    jump = _shown(book, "Control+End", 99_999, "person99999@example.com")
    opened = {label: book.page.evaluate(PROFILED, label) for label in ("E-mail", "City", "Street")}
    chosen = book.page.evaluate(CHOSEN)
    edit, judge, *columns = book.run(IN_KERNEL).splitlines()
    rows = [
        ("run the cell to first rows painted, 1,000 rows", small),
        ("run the cell to first rows painted, 100,000 rows", large),
        ("Enter to the kernel's answer painted, 100,000 rows (median of 15)", statistics.median(edits)),
        ("the same, slowest", max(edits)),
        ("Ctrl+End to the last of 100,000 rows painted", jump),
        ("an edit in the kernel, 100,000 rows", float(edit)),
        ("an edit and rules across rows, 100,000 rows", float(judge)),
        *((f"the panel of {label} opened and painted, 100,000 rows", taken) for label, taken in opened.items()),
        ("a value chosen in it to its rows painted, 100,000 rows", chosen),
    ]
    for label, line in zip(opened, columns, strict=True):
        profile, spellings = line.split()
        rows.append((f"the profile of {label} in the kernel, 100,000 rows", float(profile)))
        rows.append(("its spellings in the kernel, 100,000 rows", float(spellings)))
    print()
    for what, taken in rows:
        print(f"{what:<70} {taken:8.1f} ms")


if __name__ == "__main__":
    options = ["-q", "-s", "-p", "tests.widgets.conftest", "-o", "python_files=grid.py"]
    sys.exit(pytest.main([__file__, *options]))
