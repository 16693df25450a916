"""People who are in a table more than once: found, and made one row."""

from mbtoolkit.cleaning.duplicates.finding import DUPLICATES, find_duplicates
from mbtoolkit.cleaning.duplicates.merging import Keep, Merged, Rule, merge_duplicates

__all__ = ["DUPLICATES", "Keep", "Merged", "Rule", "find_duplicates", "merge_duplicates"]
