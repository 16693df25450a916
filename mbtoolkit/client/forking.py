"""What a forked process makes again: locks that a thread of its parent may hold, loops whose threads stayed there."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forked(Protocol):
    """Something that knows what to make again."""

    def begin_again(self) -> None:
        """Is called in the child, where no other thread runs yet."""


_known: weakref.WeakSet[Forked] = weakref.WeakSet()


def after_fork(thing: Forked) -> None:
    """From now on, `thing.begin_again()` is called in each child, as long as the thing lives."""
    _known.add(thing)


def _begin_again() -> None:
    for thing in list(_known):
        thing.begin_again()


if hasattr(os, "register_at_fork"):  # not on Windows, which knows no fork
    os.register_at_fork(after_in_child=_begin_again)
