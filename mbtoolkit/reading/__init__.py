"""From a file or a frame, however messy, to the contacts frame."""

from mbtoolkit.reading.contacts import load_table, read_contacts
from mbtoolkit.reading.mapping import write_mapping

__all__ = ["load_table", "read_contacts", "write_mapping"]
