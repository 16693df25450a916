"""Processes that push and may die of it, made by the dozen.

A real process that begins with `import polars` takes a second. So one process does the imports, and a copy of it (a
fork) does each order: a process of its own all the same, which can be killed, that begins in some milliseconds. polars
has its threads in a pool, which a copy would lack: with one thread it needs none.

Run as a script it is the nursery's own process: orders come as JSON lines, and how each child ended goes back.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

LINGER_SECONDS = 0.1
"""Between coming to the point of its death and dying: what must wait for the disk is still waiting then."""


class Child:
    """A process at work.

    Attributes:
        pid: to kill it by; it stays this child's until `wait` returned.
    """

    def __init__(self, nursery, pid, said):
        self.pid = pid
        self._nursery = nursery
        self._said = said

    def kill(self, number=signal.SIGKILL):
        os.kill(self.pid, number)

    def wait(self):
        """Its exit code, -9 for a killed one; what it printed is in `said` then."""
        return self._nursery.ask(wait=self.pid)["code"]

    @property
    def said(self):
        return self._said.read_text()


class Nursery:
    """Makes children, as many as are asked for.

    Args:
        folder: for what they print.
        warnings: what Python does with them, as for its `-W`.
    """

    def __init__(self, folder, warnings="ignore"):
        self._folder = Path(folder)
        self._folder.mkdir(exist_ok=True)
        self._count = 0
        self._process = subprocess.Popen(
            [sys.executable, "-W", warnings, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
            | {"POLARS_MAX_THREADS": "1"},
        )

    def start(self, do, **order):
        """A child that calls a function.

        Args:
            do: the function's name in this module, or "module:name".
            **order: its arguments.
        """
        self._count += 1
        said = self._folder / f"said-{self._count}.txt"
        said.touch()
        return Child(self, self.ask(do=do, said=str(said), order=order)["pid"], said)

    def ask(self, **order):
        self._process.stdin.write(json.dumps(order, default=str) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()


def push(*, crm, contacts, run_dir, results=None, die_at=0, options=None):
    """Pushes a file of contacts.

    Args:
        crm: base_url and token.
        contacts: a parquet file.
        run_dir: of the runs' records.
        results: a parquet file for the results.
        die_at: the point at which to die, counted from 1; there are two around each durable step.
        options: of `upsert_contacts`.
    """
    import polars as pl

    from mbtoolkit import Client, upsert_contacts

    _be_mortal(die_at)
    with Client(*crm, timeout_seconds=60.0) as client:
        frame = upsert_contacts(
            pl.read_parquet(contacts), client, progress=False, **_options({"run_dir": run_dir} | (options or {}))
        )
    _write(frame, results)


def resume(*, crm, run_id, run_dir, results=None, die_at=0, options=None):
    """Goes on with a run; the arguments are those of `push`."""
    from mbtoolkit import Client, Run

    _be_mortal(die_at)
    with Client(*crm, timeout_seconds=60.0) as client:
        frame = Run.open(run_id, run_dir).resume(client, progress=False, **_options(options or {}))
    _write(frame, results)


def on_a_full_disk(*, room_bytes, **order):
    """Pushes while no file may become larger than so much; the results go to a file when the disk has room again."""
    least, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    results = order.pop("results")
    resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, most))
    import polars as pl

    from mbtoolkit import Client, upsert_contacts

    with Client(*order["crm"], timeout_seconds=60.0) as client:
        contacts = pl.read_parquet(order["contacts"])
        options = {"run_dir": order["run_dir"]} | (order.get("options") or {})
        frame = upsert_contacts(contacts, client, progress=False, **_options(options))
    resource.setrlimit(resource.RLIMIT_FSIZE, (least, most))
    _write(frame, results)


def shell(*, words, folder, environment, errors):
    """`mbtoolkit` in a shell; it ends as any Python does.

    Args:
        words: after `mbtoolkit`.
        folder: to work in.
        environment: all of it.
        errors: a file for what it complains of.
    """
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv[:] = ["mbtoolkit", *words]
    from mbtoolkit.cli import main

    sys.exit(main())


def _options(options):
    """The arguments of `upsert_contacts` for options by name, those of `SendOptions` among them."""
    from mbtoolkit import Limits, SendOptions

    how = {name: value for name, value in options.items() if name in SendOptions.__dataclass_fields__}
    told = {name: value for name, value in options.items() if name not in how}
    limits = options.get("limits")
    told |= {"limits": Limits(**limits)} if isinstance(limits, dict) else {}
    return told | ({"options": SendOptions(**how)} if how else {})


def _write(frame, path):
    if path is not None:
        frame.write_parquet(f"{path}.part")
        Path(f"{path}.part").replace(path)


class _Death:
    """Kills this process at a point."""

    def __init__(self, at):
        self._left = at

    def __call__(self, _word):
        self._left -= 1
        if self._left == 0:
            time.sleep(LINGER_SECONDS)
            os.kill(os.getpid(), signal.SIGKILL)


def _be_mortal(at):
    """Gives the journals that runs are written in a death at a point: nobody hands `on_commit` through to them."""
    if not at:
        return
    from mbtoolkit.runs import run
    from mbtoolkit.runs.journal import Journal

    death = _Death(at)

    class Mortal(Journal):
        @classmethod
        def create(cls, *place, **options):
            return super().create(*place, on_commit=death, **options)

        @classmethod
        def open(cls, *place, **options):
            return super().open(*place, on_commit=death, **options)

    run.Journal = Mortal


def _do(line):
    """What a copy does; it never returns, but may leave by a `SystemExit`."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        place = os.open(line["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(place, 1)
        os.dup2(place, 2)
        os.close(0)
        module, _, name = line["do"].rpartition(":")
        getattr(importlib.import_module(module or __name__), name)(**line["order"])
        code = 0
    except SystemExit:
        raise
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _serve():
    import pandera.polars  # noqa: F401  whatever a push imports, once and for all

    import mbtoolkit.cli.shell
    import mbtoolkit.recipes
    import mbtoolkit.results
    import mbtoolkit.runs.run
    import mbtoolkit.upserts  # noqa: F401

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for text in sys.stdin:
        line = json.loads(text)
        if "wait" in line:
            _, status = os.waitpid(line["wait"], 0)
            answer = {"code": os.waitstatus_to_exitcode(status)}
        else:
            pid = os.fork()
            if pid == 0:
                _do(line)
            answer = {"pid": pid}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _serve()
