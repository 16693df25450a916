"""`mbtoolkit` in a shell: a process of its own for each command, without the second that its imports take.

Where the start of Python itself counts (its options, its encoding, a terminal), `subprocess` starts one.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

from tests.survival.nursery import Nursery


def run(*words, env=None, cwd=".", timeout=120):
    """Runs a command to its end.

    Args:
        words: after `mbtoolkit`.
        env: added to the environment.
        cwd: the folder to work in.
        timeout: in seconds; what takes longer is killed.

    Returns:
        What `subprocess.run` returns, with the output as text.
    """
    folder, nursery = _nursery()
    with tempfile.NamedTemporaryFile(dir=folder) as errors:
        order = {
            "folder": str(Path(cwd).resolve()),
            "environment": {**os.environ, **(env or {})},
            "errors": errors.name,
        }
        child = nursery.start("shell", words=[str(word) for word in words], **order)
        timer = threading.Timer(timeout, child.kill)
        timer.start()
        code = child.wait()
        timer.cancel()
        complaints = Path(errors.name).read_text(errors="replace")
    return subprocess.CompletedProcess(["mbtoolkit", *words], code, child.said, complaints)


@functools.cache
def _nursery():
    folder = tempfile.mkdtemp()
    nursery = Nursery(folder, warnings="error::ResourceWarning")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(nursery.close)
    return folder, nursery
