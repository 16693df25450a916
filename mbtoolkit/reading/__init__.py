"""From a file or a frame, however messy, to the contacts frame."""

from mbtoolkit.reading.contacts import read_contacts
from mbtoolkit.reading.mapping import write_mapping

__all__ = ["read_contacts", "write_mapping"]
