"""What all tests share: a CRM of their own, on a real socket."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator

if "PYTEST_XDIST_WORKER" in os.environ and "MBTOOLKIT_FULL" not in os.environ:
    os.environ.setdefault("POLARS_MAX_THREADS", "1")  # workers share the cores: more threads cost a quarter of the time

import polars as pl
import pytest
from hypothesis import HealthCheck, settings

from mbtoolkit.client import Client
from mbtoolkit.sandbox import Sandbox

# A runner in the background may ignore these, and what it starts would inherit that.
for _number, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)

MOST_WORKERS = 4
"""More of them would make the tests of limits wait for each other's processes."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A worker more than there are cores, as many tests wait, where all files run; none for a part of them, a debugger,
    or an open screen."""
    is_whole = config.args_source == pytest.Config.ArgsSource.TESTPATHS and not (
        config.option.keyword or config.option.collectonly
    )
    if not is_whole or config.option.capture == "no" or config.option.usepdb:
        return 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores + 1, MOST_WORKERS) if cores > 1 else 0


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where workers share the files, the long ones come first: none is left to one worker while the others are done."""
    if not hasattr(config, "workerinput"):
        return
    long = Counter(item.path for item in items if item.get_closest_marker("browser") or item.get_closest_marker("slow"))
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (-long[item.path], -tests[item.path]))


settings.register_profile("quick", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=30)
settings.register_profile("full", settings.get_profile("quick"), max_examples=300)
settings.load_profile("full" if "MBTOOLKIT_FULL" in os.environ else "quick")


@pytest.fixture(autouse=True, scope="session")
def _state_of_its_own(tmp_path_factory) -> Iterator[None]:
    """No test, and no process that one starts, remembers anything in the folder of the person who runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MBTOOLKIT_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture
def crm() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def client(crm: Sandbox) -> Iterator[Client]:
    with crm.client(timeout_seconds=60.0) as made:  # no busy machine may look like a fault
        yield made


@pytest.fixture
def people() -> pl.DataFrame:
    """Ten clean contacts, each with an e-mail and a mobile of its own."""
    return pl.DataFrame(
        {
            "email": [f"person{n}@example.com" for n in range(10)],
            "mobile_country_code": [44] * 10,
            "mobile_number": [7700900100 + n for n in range(10)],
            "property:City": ["Oslo", "Bergen"] * 5,
            "note": [f"row {n}" for n in range(10)],
        }
    )


@pytest.fixture
def ordinary_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A user who may not do everything, even where root runs the tests; tests may be somebody else's meanwhile."""
    if os.geteuid() != 0:
        yield os.geteuid()
        return
    nobody = 65534
    for folder in (tmp_path_factory.getbasetemp(), *tmp_path_factory.getbasetemp().parents):
        if folder.stat().st_uid == 0 and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)  # and not back: another worker may be in there
    os.setresuid(nobody, nobody, 0)
    try:
        yield nobody
    finally:
        os.setresuid(0, 0, 0)
