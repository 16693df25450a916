"""A process that writes a run and may die of it: for the tests that kill it.

Called with: what runs_dir run_id [number]. It prints a line for each thing that it was told is durable.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import resource
import signal
import struct
import sys
import threading
from pathlib import Path

import polars as pl

from mbtoolkit.errors import JournalError
from mbtoolkit.runs.journal import Journal, run_ids

FRAMES = {
    "payloads": pl.DataFrame({"body": ['{"email": "ann@example.com"}', None]}),
    "rows": pl.DataFrame({"row": [0, 1]}),
}
HEAD = {"host": "crm.example.com"}
STEPS = 5
POINTS = 2 * (2 + 1 + 1 + 2 * STEPS + 2)
"""How often the script below comes to a point at which it may die: frames, log, head, steps, and steps when resumed."""


def say(text):
    print(text, flush=True)


class Death:
    """Kills this process at a point."""

    def __init__(self, at):
        self.left = at

    def __call__(self, _word):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def script(runs_dir, run_id, number):
    """Steps that wait for each other, with a death at a point; 0 for none."""
    death = Death(int(number))
    journal = Journal.create(runs_dir, run_id, HEAD, FRAMES, on_commit=death)
    say("created")
    for step in range(STEPS):
        journal.append("intent", range(step * 10, step * 10 + 10), f'{{"step": {step}}}').result()
        say("event")
        journal.note(step=step).result()
        say("fact")
    journal.close()
    journal = Journal.open(runs_dir, run_id, on_commit=death)
    journal.append("outcome", [7]).result()
    say("event")
    journal.note(step=STEPS).result()
    say("fact")
    journal.close()
    say(f"points {-death.left}")


def storm(runs_dir, run_id):
    """Four threads that append until somebody asks them to stop."""
    journal = Journal.open(runs_dir, run_id)
    printing = threading.Lock()
    is_cancelled = threading.Event()

    def work(thread):
        number = 0
        while not is_cancelled.is_set():
            if journal.append("sent", [thread, number]).exception():
                os._exit(1)
            with printing:
                say(f"{thread} {number}")
            number += 1

    threads = [threading.Thread(target=work, args=[thread], daemon=True) for thread in range(4)]
    for thread in threads:
        thread.start()
    while not journal.facts().get("cancel"):
        is_cancelled.wait(0.01)
    is_cancelled.set()
    for thread in threads:
        thread.join()
    journal.close()
    say("cancelled")


def hold(runs_dir, run_id):
    """Has the run until a line comes in."""
    try:
        journal = Journal.open(runs_dir, run_id)
    except JournalError as error:
        say(f"refused {error}")
        return
    say("held")
    sys.stdin.readline()
    journal.close()


def log(runs_dir, run_id, number):
    """Writes some events, each in a commit of its own, and dies without closing."""
    journal = Journal.open(runs_dir, run_id)
    for row in range(int(number)):
        journal.append("sent", [row], '"' + "x" * 500 + '"').result()
    os.kill(os.getpid(), signal.SIGKILL)


def full(runs_dir, run_id, number):
    """Writes until no file may grow beyond so many bytes, then goes on when there is room again."""
    journal = Journal.open(runs_dir, run_id)
    ends = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(number), ends[1]))
    kept = 0
    try:
        while True:
            journal.append("sent", [kept], '"' + "x" * 2_000 + '"').result()
            kept += 1
    except JournalError as error:
        say(f"kept {kept}")
        say(f"refused {error}")
    resource.setrlimit(resource.RLIMIT_FSIZE, ends)
    for future in (journal.append("later", [0]), journal.note(later=True)):
        say(f"later {type(future.exception()).__name__}")
    journal.close()
    say(f"after {type(journal.append('late', [0]).exception()).__name__}")


def no_room(runs_dir, run_id, number):
    """Begins a run where no file may grow beyond so many bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(number), resource.RLIM_INFINITY))
    try:
        Journal.create(runs_dir, run_id, HEAD, FRAMES)
    except JournalError as error:
        say(f"refused {error}")


FCNTL = {"x86_64": 72, "aarch64": 25}
"""The number of the system call that locks files, by machine."""


def forbid_locks():
    """From now on the kernel answers this process as it does on a disk without locks: by a seccomp filter."""
    load, equal, answer = 0x20, 0x15, 0x06
    lines = [
        (load, 0, 0, 0),  # the system call's number
        (equal, 0, 3, FCNTL[platform.machine()]),
        (load, 0, 0, 24),  # what it is to do
        (equal, 2, 0, fcntl.F_SETLK),
        (equal, 1, 0, fcntl.F_SETLKW),
        (answer, 0, 0, 0x7FFF0000),  # as always
        (answer, 0, 0, 0x00050000 | errno.ENOLCK),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in lines))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(lines), ctypes.addressof(code)))
    kernel = ctypes.CDLL(None)
    assert kernel.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
    assert kernel.prctl(22, 2, program, 0, 0) == 0  # PR_SET_SECCOMP


def no_locks(runs_dir, run_id):
    """Begins a run, or opens it where it is there, on a disk without locks."""
    forbid_locks()
    try:
        (Journal.open if run_ids(runs_dir) else lambda *run: Journal.create(*run, HEAD, FRAMES))(runs_dir, run_id)
    except JournalError as error:
        say(f"refused {error}")


def fork(runs_dir, run_id):
    """Writes from a process that was forked off the writer's."""
    journal = Journal.open(runs_dir, run_id)
    child = os.fork()
    if not child:
        say(f"child {type(journal.append('forked', [0]).exception()).__name__}")
        journal.close()
        os._exit(0)
    os.waitpid(child, 0)
    journal.append("parent", [0]).result()
    journal.close()
    say("parent")


def order(words):
    """Calls one of the functions above: its name, the folder of the runs, and what else it takes."""
    what, runs_dir, *rest = words
    globals()[what](Path(runs_dir), *rest)


if __name__ == "__main__":
    order(words=sys.argv[1:])
