"""The notebooks run top to bottom in a real kernel, and show what they showed when they were saved.

Run as a script, it runs them all and saves what they show: `python tests/test_notebooks.py`.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

import nbclient
import nbformat
import pytest
from traitlets.config import Config

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
VIEW = "application/vnd.jupyter.widget-view+json"
CHANGES_EACH_TIME = [
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<run id>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:<port>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?"), "<time>"),
    (re.compile(r"\b\d+(\.\d+)? ?(ms|s|seconds)\b"), "<seconds>"),
    (re.compile(re.escape(tempfile.gettempdir()) + r"/\w+"), "<folder>"),
]


def execute(path):
    """The notebook with the outputs of a run in a kernel with settings of its own."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        for variable in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "MBTOOLKIT_STATE_DIR"):
            patch.setenv(variable, str(Path(folder, variable.lower())))
        runner = nbclient.NotebookClient(
            notebook,
            timeout=180,
            kernel_name="python3",
            resources={"metadata": {"path": str(path.parent)}},
            store_widget_state=False,
            config=Config(KernelManager={"transport": "ipc", "ip": str(Path(folder, "kernel"))}),  # ports may be taken
        )
        return runner.execute()


def to_save(notebook):
    """A run notebook as it is saved: without what only a live kernel can show, and without the times of its cells."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        kept = []
        for output in cell.get("outputs", []):
            is_widget = output.get("data", {}).pop(VIEW, None) is not None
            if not (is_widget and output["output_type"] == "display_data"):  # a progress bar
                kept.append(output)
        if "outputs" in cell:
            cell.outputs = [masked(output) for output in kept]
    return notebook


def masked(value):
    """An output without what changes from run to run."""
    if isinstance(value, str):
        for pattern, stand_in in CHANGES_EACH_TIME:
            value = pattern.sub(stand_in, value)
        return value
    if isinstance(value, list):
        return [masked(each) for each in value]
    if isinstance(value, dict):
        return type(value)({name: masked(each) for name, each in value.items()})
    return value


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def run(request):
    """A notebook's path and its run."""
    return request.param, execute(request.param)


def outputs(notebook, kind):
    return [
        output["data"][kind]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if kind in output.get("data", {})
    ]


def test_a_notebook_shows_what_it_was_saved_with(run):
    path, notebook = run
    widgets = [VIEW in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any(widgets), "this notebook shows no widget, and no progress bar"
    saved, shown = nbformat.read(path, as_version=4), to_save(notebook)
    for before, now in zip(saved.cells, shown.cells, strict=True):
        again = "run `python tests/test_notebooks.py` and look at the changes"
        assert before.get("outputs") == now.get("outputs"), f"{path.name}: {before.source[:60]!r} is stale; {again}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_saved_notebook_holds_no_widget_state_and_nothing_of_this_machine(path):
    notebook = nbformat.read(path, as_version=4)
    assert "widgets" not in notebook.metadata
    assert not outputs(notebook, VIEW)
    assert [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"] == [
        *range(1, 1 + sum(cell.cell_type == "code" for cell in notebook.cells))
    ]
    text = path.read_text(encoding="utf-8")
    assert str(ROOT) not in text
    assert str(Path.home()) not in text
    assert tempfile.gettempdir() not in text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_pictures_stand_in_for_the_widgets_of_a_saved_notebook(path):
    notebook = nbformat.read(path, as_version=4)
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", "\n".join(cell.source for cell in notebook.cells))
    widgets = [
        text for text in outputs(notebook, "text/plain") if re.match(r"<PushPanel|<ContactForm|ContactGrid\(", text)
    ]
    assert len(pictures) == len(widgets)
    assert all((path.parent / picture).is_file() for picture in pictures)


def test_the_form_in_a_notebook_saves_nothing_of_the_contact():
    notebook = nbformat.read(ROOT / "notebooks" / "02_edit_one_contact.ipynb", as_version=4)
    (form,) = (text for text in outputs(notebook, "text/plain") if text.startswith("<ContactForm"))
    assert "grace" not in form


def save() -> None:
    """Runs all notebooks, and saves them with what they show."""
    for path in NOTEBOOKS:
        nbformat.write(to_save(execute(path)), path)


if __name__ == "__main__":
    sys.exit(save())
