"""Milliseconds from a key press to the message at the field, in a real JupyterLab, and the kernel's own share of it.

pytest -q -s tests/benchmarks/form.py
"""

from __future__ import annotations

import statistics

import pytest

from tests.widgets.conftest import jupyter, lab  # noqa: F401 - fixtures

REPEATS = 30
SETUP = """
from mbtoolkit.sandbox import Sandbox
from mbtoolkit.widgets import ContactForm
crm = Sandbox().start()
form = ContactForm(crm.client(), properties=list(crm.properties), list_ids=crm.lists)
"""
WATCH = """() => {
  const input = document.querySelector('[data-key="field:email"]');
  const line = document.getElementById(input.getAttribute('aria-describedby'));
  window.times = [];
  let pressed = 0;
  window.addEventListener('keydown', () => { pressed = performance.now(); }, true);
  new MutationObserver(() => {
    if (!pressed) return;
    const begun = pressed;
    pressed = 0;
    const there = performance.now() - begun;
    requestAnimationFrame(() => window.times.push([there, performance.now() - begun]));
  }).observe(line, {childList: true, subtree: true, characterData: true});
}"""
IN_THE_KERNEL = f"""
import time
from statistics import median
times = []
for place in range({REPEATS}):
    message = {{"kind": "event", "event": "input", "key": "field:email", "value": "ada@" + "example.com" * (place % 2)}}
    begun = time.perf_counter()
    form._hear(form, message, [])
    times.append((time.perf_counter() - begun) * 1000)
print(f"{{median(times):.1f}} {{max(times):.1f}}")
"""


@pytest.mark.browser
def test_from_a_key_press_to_the_message(lab):  # noqa: F811 - the fixture
    book = lab.open(SETUP, "form")
    email = book.output.get_by_label("E-mail", exact=True)
    email.fill("ada@example.co")
    book.page.wait_for_timeout(500)
    book.page.evaluate(WATCH)
    email.focus()
    book.page.keyboard.press("End")
    for place in range(REPEATS):
        book.page.keyboard.press("Backspace" if place % 2 else "@")
        book.page.wait_for_function(f"window.times.length > {place}")
        book.page.wait_for_timeout(50)
    there, drawn = zip(*book.page.evaluate("window.times"), strict=True)
    median, most = book.run(IN_THE_KERNEL).split()
    print(f"\nkey press to message in the page: median {statistics.median(there):.0f} ms, most {max(there):.0f} ms")
    print(f"key press to the frame that shows it: median {statistics.median(drawn):.0f} ms, most {max(drawn):.0f} ms")
    print(f"of it in the kernel (judging, drawing, sending): median {median} ms, most {most} ms")
