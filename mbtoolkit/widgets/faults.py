"""What a widget says of an exception in one of its callbacks, where nobody else would see it."""

from __future__ import annotations

from mbtoolkit.errors import MbtoolkitError
from mbtoolkit.failures import log_failure

DONE = "The change was made, but what follows it failed"
NOT_DONE = "Nothing was changed"
UNSURE = "Something failed, and part of it may have been done"
NOT_SHOWN = "What was asked for can't be shown"


def fault_of(error: BaseException, doing: str, outcome: str) -> str:
    """The sentences that a person reads; anything but the toolkit's own errors goes into the log too.

    Args:
        error: the exception.
        doing: what failed, for the log.
        outcome: what was done, such as `DONE`; the toolkit's own errors speak for themselves, unless more was done
            than they say.
    """
    if isinstance(error, MbtoolkitError):
        return str(error) if outcome in (NOT_DONE, UNSURE, NOT_SHOWN) else f"{outcome}: {error}"
    log_failure(doing, error)
    return f"{outcome}: internal error ({type(error).__name__}). The log has the details; please report it."


def outcome_of(is_changed: bool | None) -> str:
    """What was done, by whether anything is another than before; None where that is not known."""
    return UNSURE if is_changed is None else DONE if is_changed else NOT_DONE
