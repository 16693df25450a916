"""The ground of the other browser tests: cells run, the kernel answers, a saved notebook holds the widgets' state."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect


@pytest.mark.browser
def test_a_notebook_runs_in_a_real_jupyter(lab):
    book = lab.open("answer = 6 * 7", "import ipywidgets; ipywidgets.Button(description='Press')")
    assert book.run("print(answer)") == "42"
    book.output.get_by_role("button", name="Press").wait_for()
    assert len(book.cells()) == 2
    assert "widgets" in book.save()["metadata"]
    book.reload()
    assert book.run("print(answer)") == "42"


DEAF = """
import polars as pl
from mbtoolkit import Client
from mbtoolkit.widgets import ContactForm, ContactGrid

def deaf_at_first(widget, method):
    class Deaf(widget):
        heard = False
        def hear(self, *message):
            if self.heard:
                getattr(super(), method)(*message)
            self.heard = True
    setattr(Deaf, method, Deaf.hear)
    return Deaf
"""


@pytest.mark.browser
def test_a_widget_whose_first_message_is_lost_asks_again(lab):
    book = lab.open(
        DEAF,
        "deaf_at_first(ContactForm, '_hear')(Client('http://127.0.0.1:9', 'token'))",
        "deaf_at_first(ContactGrid, '_receive')(pl.DataFrame({'email': ['ann@example.com']}))",
    )
    expect(book.output.get_by_label("E-mail", exact=True)).to_be_visible()
    expect(book.output.get_by_text("ann@example.com").first).to_be_visible()
