"""People who are in a table more than once: found, and made one row."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mbtoolkit.cleaning.duplicates.merging import Keep, Merged, Rule, merge_duplicates

if TYPE_CHECKING:
    from mbtoolkit.cleaning.duplicates.finding import DUPLICATES, find_duplicates

__all__ = ["DUPLICATES", "Keep", "Merged", "Rule", "find_duplicates", "merge_duplicates"]


def __getattr__(name: str) -> Any:
    """Loads what compares texts, and needs more packages, when it is first used."""
    if name not in ("DUPLICATES", "find_duplicates"):
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module("mbtoolkit.cleaning.duplicates.finding"), name)
