"""Logging a failure without the data that caused it."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator

_log = logging.getLogger("mbtoolkit")


def log_failure(doing: str, error: BaseException) -> None:
    """Logs an exception that nobody else will see, with its traceback.

    The exceptions' own texts are left out: polars, pandera and a user's own checks quote cells in them. The exception
    itself is not attached to the record either, because error trackers read the local variables of its frames.

    Args:
        doing: what failed, such as "sending a contact".
        error: the exception.
    """
    _log.error("%s failed; please report it\n%s", doing, "".join(_lines(error, set())).rstrip())


def _lines(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None and id(earlier) not in seen:
        yield from _lines(earlier, seen)
        yield "\nwhich led to:\n\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{type(error).__module__}.{type(error).__qualname__}\n"
    for each in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        if id(each) not in seen:
            yield "\nin a group:\n\n"
            yield from _lines(each, seen)
