"""Repairs: plain functions from columns to columns that say what they could not read; and what columns are."""

from mbtoolkit.cleaning.clusters import cluster_values, merge_values
from mbtoolkit.cleaning.columns import mapping_of, suggest_mapping
from mbtoolkit.cleaning.duplicates import find_duplicates, merge_duplicates
from mbtoolkit.cleaning.phones import calling_code, split_phones

__all__ = [
    "calling_code",
    "cluster_values",
    "find_duplicates",
    "mapping_of",
    "merge_duplicates",
    "merge_values",
    "split_phones",
    "suggest_mapping",
]
