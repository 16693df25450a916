"""The ground of the other browser tests: cells run, the kernel answers, a saved notebook holds the widgets' state."""

from __future__ import annotations

import pytest


@pytest.mark.browser
def test_a_notebook_runs_in_a_real_jupyter(lab):
    book = lab.open("answer = 6 * 7", "import ipywidgets; ipywidgets.Button(description='Press')")
    assert book.run("print(answer)") == "42"
    book.output.get_by_role("button", name="Press").wait_for()
    assert len(book.cells()) == 2
    assert "widgets" in book.save()["metadata"]
    book.reload()
    assert book.run("print(answer)") == "42"
