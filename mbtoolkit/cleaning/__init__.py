"""Repairs: plain functions from columns to columns that say what they could not read; and what columns are."""

from mbtoolkit.cleaning.clusters import cluster_values, merge_values
from mbtoolkit.cleaning.columns import mapping_of, suggest_mapping
from mbtoolkit.cleaning.duplicates import find_duplicates, merge_duplicates
from mbtoolkit.cleaning.phones import calling_code, split_phones
from mbtoolkit.cleaning.profiles import matching, profile

__all__ = [
    "calling_code",
    "cluster_values",
    "find_duplicates",
    "mapping_of",
    "matching",
    "merge_duplicates",
    "merge_values",
    "profile",
    "split_phones",
    "suggest_mapping",
]
