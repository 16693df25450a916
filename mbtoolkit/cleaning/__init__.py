"""Repairs: plain functions from columns to columns that say what they could not read; and what columns are."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from mbtoolkit.cleaning.clusters import cluster_values, merge_values
from mbtoolkit.cleaning.columns import mapping_of, suggest_mapping
from mbtoolkit.cleaning.consent import normalize_opt_in
from mbtoolkit.cleaning.countries import normalize_country
from mbtoolkit.cleaning.dates import normalize_date
from mbtoolkit.cleaning.emails import normalize_email
from mbtoolkit.cleaning.mobiles import normalize_phone
from mbtoolkit.cleaning.names import normalize_name
from mbtoolkit.cleaning.numbers import normalize_number
from mbtoolkit.cleaning.phones import calling_code, split_phones
from mbtoolkit.cleaning.profiles import matching, profile
from mbtoolkit.cleaning.suggestions import Applied, apply_suggestions
from mbtoolkit.cleaning.texts import clean_text, fix_mojibake
from mbtoolkit.errors import UsageError

if TYPE_CHECKING:
    from mbtoolkit.cleaning.duplicates import find_duplicates as find_duplicates
    from mbtoolkit.cleaning.duplicates import merge_duplicates as merge_duplicates

__all__ = [
    "Applied",
    "apply_suggestions",
    "calling_code",
    "clean_text",
    "cluster_values",
    "find_duplicates",
    "fix_mojibake",
    "mapping_of",
    "matching",
    "merge_duplicates",
    "merge_values",
    "normalize_country",
    "normalize_date",
    "normalize_email",
    "normalize_name",
    "normalize_number",
    "normalize_opt_in",
    "normalize_phone",
    "profile",
    "split_phones",
    "suggest_mapping",
]

_DUPLICATES: Final = ("find_duplicates", "merge_duplicates")
"""They need numpy and rapidfuzz, which nothing else here does."""


def __getattr__(name: str) -> Any:
    """Loads what compares texts when it is first used."""
    if name not in _DUPLICATES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    try:
        return getattr(import_module("mbtoolkit.cleaning.duplicates"), name)
    except ModuleNotFoundError as error:
        msg = f'{name} needs two more packages: pip install "mbtoolkit[cleaning]"'
        raise UsageError(msg) from error
