"""One lock for state that several threads touch."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar


class _HasLock(Protocol):
    lock: threading.RLock


S = TypeVar("S", bound=_HasLock)
P = ParamSpec("P")
T = TypeVar("T")


def locked(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """A method that holds its object's lock while it runs, so that no other thread sees half of what it does.

    Args:
        method: of an object with an RLock as its `lock`; it may call other such methods.
    """

    @wraps(method)
    def held(self: S, /, *args: P.args, **options: P.kwargs) -> T:
        with self.lock:
            return method(self, *args, **options)

    return held
