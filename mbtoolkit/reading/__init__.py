"""From a file or a frame, however messy, to the contacts frame."""

from mbtoolkit.reading.contacts import read_contacts

__all__ = ["read_contacts"]
