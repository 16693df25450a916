"""Repairs: plain functions from columns to columns that say what they could not read."""

from mbtoolkit.cleaning.phones import calling_code, split_phones

__all__ = ["calling_code", "split_phones"]
