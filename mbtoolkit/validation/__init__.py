"""Judging contacts: which rows can be sent, and what is wrong with the others."""

from mbtoolkit.validation.consent import with_clear, with_disputes
from mbtoolkit.validation.validating import Validation, validate_contacts

__all__ = ["Validation", "validate_contacts", "with_clear", "with_disputes"]
