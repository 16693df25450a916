"""What each option of a run may be."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from mbtoolkit.errors import SettingsError
from mbtoolkit.runs.sending import MAX_BATCH_SIZE

MAX_CONCURRENCY: Final = 100


def check_options(options: Mapping[str, object]) -> None:
    """Refuses what can't work.

    Args:
        options: by the names of the arguments of `upsert_contacts`; those of them that the caller takes.

    Raises:
        SettingsError: one of them can't work.
    """
    for name, value in options.items():
        is_usable, wanted = OPTIONS[name]
        if not is_usable(value):
            msg = f"{name}={value!r}: give {wanted}"
            raise SettingsError(msg)


def _is_whole(value: object, least: int, most: float) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


OPTIONS: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "opt_ins_on": (
        lambda value: value is None or _is_whole(value, 0, math.inf),
        "the whole number of opt-ins that this run turns on, or None",
    ),
    "max_concurrency": (
        lambda value: _is_whole(value, 1, MAX_CONCURRENCY),
        f"a whole number from 1 to {MAX_CONCURRENCY}",
    ),
    "progress": (
        lambda value: isinstance(value, bool) or callable(value),
        "True, False or a function that takes a Progress",
    ),
    "via": (lambda value: value in ("auto", "single", "batch"), "'auto', 'single' or 'batch'"),
    "batch_size": (lambda value: _is_whole(value, 1, MAX_BATCH_SIZE), f"a whole number from 1 to {MAX_BATCH_SIZE:,}"),
    "contact_ids": (lambda value: value in ("when known", "always"), "'when known' or 'always'"),
    "settle_seconds": (
        lambda value: isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf,
        "seconds, 0 or more",
    ),
    "run_dir": (
        lambda value: value is None or value is False or isinstance(value, str | Path),
        "the path of a folder, None for the usual one, or False for no record",
    ),
    "stop": (lambda value: value is None or isinstance(value, threading.Event), "a threading.Event, or None"),
}
"""What each option may be, as a check and in words."""
