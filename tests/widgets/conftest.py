"""A real Jupyter in a real browser, for tests of what a person sees and types.

`lab` starts JupyterLab once (Notebook with MBTOOLKIT_JUPYTER=notebook) on a free port of this machine, in folders of
its own. `lab.open(code, ...)` makes a notebook of these cells, runs them and gives the page as a `Book`.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, Page

from tests import browsing

browser = browsing.browser

KIND = os.environ.get("MBTOOLKIT_JUPYTER", "lab")
TOKEN = "of-this-test-run"
START_SECONDS = 60.0
PROJECT = Path(__file__).parent.parent.parent

_FIND_PANEL = """
const widgets = [...window.jupyterapp.shell.widgets('main')];
const panel = widgets.find((each) => each.context && each.sessionContext);
"""


class Book:
    """One open notebook.

    Attributes:
        page: the browser's page, for Playwright's own locators.
        path: the notebook's file.
    """

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.path = path

    @property
    def output(self) -> Locator:
        """The outputs of all cells; find things in here, for the code cells hold the same words."""
        return self.page.locator(".jp-OutputArea-output")

    def run_all(self) -> None:
        """Runs every cell and waits until the kernel is idle."""
        self.page.evaluate(
            f"""async () => {{ {_FIND_PANEL}
            await panel.sessionContext.ready;
            await window.jupyterapp.commands.execute('notebook:run-all-cells');
            }}"""
        )

    def run(self, code: str) -> str:
        """Runs code in the notebook's kernel, apart from its cells; returns what it printed.

        Raises:
            AssertionError: the code raised.
        """
        answer = self.page.evaluate(
            f"""async (code) => {{ {_FIND_PANEL}
            await panel.sessionContext.ready;
            const future = panel.sessionContext.session.kernel.requestExecute({{code, store_history: false}});
            let text = '', error = null;
            future.onIOPub = (message) => {{
              if (message.header.msg_type === 'stream') text += message.content.text;
              if (message.header.msg_type === 'error') error = message.content.traceback.join('\\n');
            }};
            await future.done;
            return {{text, error}};
            }}""",
            code,
        )
        assert answer["error"] is None, answer["error"]
        return str(answer["text"]).strip()

    def cells(self) -> list[str]:
        """The notebook's cells as they are now."""
        return self.page.evaluate(
            f"() => {{ {_FIND_PANEL} return panel.context.model.toJSON().cells.map((cell) => cell.source) }}"
        )

    def save(self) -> dict[str, Any]:
        """Saves the notebook as a person does, with the state of its widgets, and returns what the file holds."""
        self.page.evaluate(f"async () => {{ {_FIND_PANEL} await panel.context.save(); }}")
        return json.loads(self.path.read_text(encoding="utf-8"))

    def violations(self, selector: str) -> list[str]:
        """What axe-core finds wrong inside a part of the page, one line each; nothing where all is well."""
        import axe_playwright_python

        script = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
        self.page.evaluate(script)
        found = self.page.evaluate(
            "async (selector) => (await axe.run(selector, {resultTypes: ['violations']})).violations", selector
        )
        return [f"{each['id']}: {each['help']}: {[node['html'][:300] for node in each['nodes'][:3]]}" for each in found]

    def reload(self) -> None:
        """Loads the page anew; the kernel goes on."""
        self.page.reload()
        ready(self.page)


def ready(page: Page) -> None:
    """Waits until the page's notebook has a kernel."""
    page.wait_for_function("window.jupyterapp && window.jupyterapp.restored", timeout=60_000)
    page.evaluate("async () => { await window.jupyterapp.restored; }")
    page.wait_for_function(f"() => {{ {_FIND_PANEL} return panel && panel.context.isReady }}", timeout=60_000)
    page.evaluate(f"async () => {{ {_FIND_PANEL} await panel.sessionContext.ready; await panel.revealed; }}")


class Lab:
    """A running Jupyter and a browser."""

    def __init__(self, browser: Browser, base_url: str, root: Path) -> None:
        self.browser = browser
        self.base_url = base_url
        self.root = root

    def open(self, *code: str, width: int = 1200, height: int = 1000, theme: str = "light", run: bool = True) -> Book:
        """A notebook of these cells in a window of its own; run, unless told not to.

        Args:
            code: the cells.
            width: of the window, in pixels.
            height: likewise.
            theme: `light` or `dark`.
            run: whether the cells are run.
        """
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in code])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = self.root / f"book{len(list(self.root.iterdir()))}.ipynb"
        nbformat.write(notebook, path)
        context = self.browser.new_context(viewport={"width": width, "height": height}, color_scheme="light")
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        where = "lab/tree" if KIND == "lab" else "notebooks"
        page.goto(f"{self.base_url}/{where}/{path.name}?token={TOKEN}&reset")
        ready(page)
        name = "JupyterLab Dark" if theme == "dark" else "JupyterLab Light"
        page.evaluate(
            f"async () => {{ await window.jupyterapp.commands.execute('apputils:change-theme', {{theme: '{name}'}}); }}"
        )
        page.wait_for_function(f"document.body.dataset.jpThemeName === '{name}'")
        if KIND == "lab":
            page.evaluate(
                "async () => { const app = window.jupyterapp;"
                " app.shell.collapseLeft(); if (app.shell.collapseRight) app.shell.collapseRight(); }"
            )
        book = Book(page, path)
        if run:
            book.run_all()
        return book


def _free_port() -> int:
    """A port below those that the system hands out: what other tests start meanwhile does not get it."""
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _page(folder: Path) -> None:
    """JupyterLab doesn't look at each loading whether it must be built anew: a second of work that no widget sees."""
    folder.mkdir(parents=True)
    (folder / "page_config.json").write_text(json.dumps({"buildCheck": False}), encoding="utf-8")


def _settings(folder: Path) -> None:
    """JupyterLab's settings: no question about news, and widgets' state saved with the notebook (the harder case)."""
    chosen = {
        "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        "@jupyter-widgets/jupyterlab-manager/plugin": {"saveState": True},
        "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
        "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    }
    for name, values in chosen.items():
        target = folder / f"{name}.jupyterlab-settings"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(values), encoding="utf-8")


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a running Jupyter, and the folder that it shows.

    Its kernels listen on files: a port that was free when a kernel was sent for may be another test's when it comes.
    """
    place = tmp_path_factory.mktemp("jupyter")
    root = place / "notebooks"
    root.mkdir()
    _settings(place / "settings")
    _page(place / "config" / "labconfig")
    short = Path(tempfile.mkdtemp(prefix="mbtoolkit-"))  # the path of a socket has 107 bytes at most
    variables = {
        "IPYTHONDIR": "ipython", "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data",
        "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }  # fmt: skip
    environment = {**os.environ, **{name: str(place / folder) for name, folder in variables.items()}}
    environment["JUPYTER_RUNTIME_DIR"] = str(short)
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")]))
    port = _free_port()
    expose = "LabApp" if KIND == "lab" else "JupyterNotebookApp"
    command = [
        sys.executable, "-m", "jupyter", KIND, "--no-browser", "--allow-root", f"--ServerApp.root_dir={root}",
        "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0",
        "--ServerApp.tornado_settings={'compress_response': False}",
        "--KernelManager.transport=ipc", f"--IdentityProvider.token={TOKEN}", f"--{expose}.expose_app_in_browser=True",
    ]  # fmt: skip
    base_url = f"http://127.0.0.1:{port}"
    with (place / "log.txt").open("wb") as log:
        server = subprocess.Popen(
            command, env=environment, cwd=root, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            _wait(base_url, server, place / "log.txt")
            yield base_url, root
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()
            shutil.rmtree(short, ignore_errors=True)


def _wait(base_url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < START_SECONDS and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{base_url}/api/status?token={TOKEN}", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    pytest.fail(f"Jupyter did not start:\n{log.read_text(encoding='utf-8', errors='replace')}")


@pytest.fixture
def lab(jupyter: tuple[str, Path], browser: Browser) -> Iterator[Lab]:
    """Jupyter in a browser; the windows and kernels of a test end with it."""
    base_url, root = jupyter
    yield Lab(browser, base_url, root)
    for context in browser.contexts:
        context.close()
    headers = {"Authorization": f"token {TOKEN}"}
    sessions = urllib.request.Request(f"{base_url}/api/sessions", headers=headers)
    with urllib.request.urlopen(sessions, timeout=10) as answer:
        for session in json.load(answer):
            ended = urllib.request.Request(f"{base_url}/api/sessions/{session['id']}", headers=headers, method="DELETE")
            urllib.request.urlopen(ended, timeout=10).close()
