"""The notebooks run top to bottom in a real kernel, and are committed without outputs."""

from __future__ import annotations

from pathlib import Path

import nbclient
import nbformat
import pytest
from traitlets.config import Config

pytestmark = pytest.mark.slow

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    assert not [cell for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")]
    assert "widgets" not in notebook.metadata


def execute(path, tmp_path, monkeypatch):
    for variable, folder in (("IPYTHONDIR", "ipython"), ("JUPYTER_CONFIG_DIR", "config"), ("JUPYTER_DATA_DIR", "data")):
        monkeypatch.setenv(variable, str(tmp_path / folder))
    notebook = nbformat.read(path, as_version=4)
    runner = nbclient.NotebookClient(
        notebook,
        timeout=180,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        store_widget_state=False,
        config=Config(KernelManager={"transport": "ipc", "ip": str(tmp_path / "kernel")}),  # ports may be taken
    )
    return runner.execute()


@pytest.fixture(scope="module")
def first_push(tmp_path_factory):
    with pytest.MonkeyPatch.context() as monkeypatch:
        path = next(path for path in NOTEBOOKS if path.stem == "01_first_push")
        yield execute(path, tmp_path_factory.mktemp("jupyter"), monkeypatch)


def outputs(notebook, kind):
    return [
        output["data"][kind]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if kind in output.get("data", {})
    ]


def test_the_first_push_runs_from_file_to_results(first_push):
    text = "\n".join(
        output["text"] for cell in first_push.cells for output in cell.get("outputs", []) if "text" in output
    )
    assert "opt-ins will be turned on" in text
    assert "of 5,000 contacts have an id now" in text


def test_a_run_of_more_than_a_second_shows_a_bar_in_a_notebook(first_push):
    views = outputs(first_push, "application/vnd.jupyter.widget-view+json")
    assert len(views) == 1


def test_a_validation_shows_its_summary_as_html(first_push):
    assert any("can be sent" in html and "<table>" in html for html in outputs(first_push, "text/html"))


def test_no_widget_state_is_saved(first_push):
    assert "widgets" not in first_push.metadata


@pytest.fixture(scope="module")
def file_push(tmp_path_factory):
    with pytest.MonkeyPatch.context() as monkeypatch:
        path = next(path for path in NOTEBOOKS if path.stem == "03_mend_and_push_a_file")
        yield execute(path, tmp_path_factory.mktemp("jupyter"), monkeypatch)


def test_a_file_is_mended_and_pushed_and_the_panel_shows_itself_without_a_cell_of_it(file_push):
    views = outputs(file_push, "application/vnd.jupyter.widget-view+json")
    assert len(views) == 2
    shown = [output["data"]["text/plain"] for cell in file_push.cells for output in cell.get("outputs", [])
             if "application/vnd.jupyter.widget-view+json" in output.get("data", {})]  # fmt: skip
    assert shown == ["<PushPanel: step 1 of 7, Load>", "ContactGrid(5 rows, 7 columns, 0 changes)"]
    tables = "\n".join(outputs(file_push, "text/html"))
    assert "email_syntax" in tables
    assert "no_identifier" in tables


def test_the_story_of_a_clean_up_runs_from_the_messy_file_to_the_next_one(tmp_path):
    with pytest.MonkeyPatch.context() as monkeypatch:
        path = next(path for path in NOTEBOOKS if path.stem == "04_clean_up")
        story = execute(path, tmp_path, monkeypatch)
    printed = "".join(output.get("text", "") for cell in story.cells for output in cell.get("outputs", []))
    assert "mended 40 cells in 40 rows" in printed
    tables = "\n".join(outputs(story, "text/html"))
    assert "5,000 rows in = 4,944 rows out + 56 merged into others" in tables
    assert "not mended: 1 of 1 cell" in tables
    assert "widgets" not in story.metadata


@pytest.fixture(scope="module")
def edited(tmp_path_factory):
    with pytest.MonkeyPatch.context() as monkeypatch:
        path = next(path for path in NOTEBOOKS if path.stem == "02_edit_one_contact")
        yield execute(path, tmp_path_factory.mktemp("jupyter"), monkeypatch)


def test_one_contact_is_edited_pushed_and_had_as_code(edited):
    printed = "".join(output.get("text", "") for cell in edited.cells for output in cell.get("outputs", []))
    assert '"mobileNumber":7700900456' in printed
    assert "upsert_contact({" in printed
    assert any("succeeded" in text for text in outputs(edited, "text/plain"))


def test_the_form_is_shown_and_nothing_of_the_contact_is_in_its_output(edited):
    (shown,) = (
        output
        for cell in edited.cells
        for output in cell.get("outputs", [])
        if "application/vnd.jupyter.widget-view+json" in output.get("data", {})
    )
    assert "grace" not in str(shown["data"])
    assert "widgets" not in edited.metadata
