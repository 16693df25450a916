"""Repairs: plain functions from columns to columns that say what they could not read; and what columns are."""

from mbtoolkit.cleaning.columns import mapping_of, suggest_mapping
from mbtoolkit.cleaning.consent import normalize_opt_in
from mbtoolkit.cleaning.countries import normalize_country
from mbtoolkit.cleaning.dates import normalize_date
from mbtoolkit.cleaning.emails import normalize_email
from mbtoolkit.cleaning.mobiles import normalize_phone
from mbtoolkit.cleaning.names import normalize_name
from mbtoolkit.cleaning.numbers import normalize_number
from mbtoolkit.cleaning.phones import calling_code, split_phones
from mbtoolkit.cleaning.texts import clean_text, fix_mojibake

__all__ = [
    "calling_code",
    "clean_text",
    "fix_mojibake",
    "mapping_of",
    "normalize_country",
    "normalize_date",
    "normalize_email",
    "normalize_name",
    "normalize_number",
    "normalize_opt_in",
    "normalize_phone",
    "split_phones",
    "suggest_mapping",
]
