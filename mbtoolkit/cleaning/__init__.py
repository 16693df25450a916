"""Repairs: plain functions from columns to columns that say what they could not read; and what columns are."""

from mbtoolkit.cleaning.columns import mapping_of, suggest_mapping
from mbtoolkit.cleaning.consent import normalize_opt_in
from mbtoolkit.cleaning.emails import normalize_email
from mbtoolkit.cleaning.mobiles import normalize_phone
from mbtoolkit.cleaning.phones import calling_code, split_phones

__all__ = [
    "calling_code",
    "mapping_of",
    "normalize_email",
    "normalize_opt_in",
    "normalize_phone",
    "split_phones",
    "suggest_mapping",
]
