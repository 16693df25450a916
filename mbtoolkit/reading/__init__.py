"""From a file or a frame, however messy, to the contacts frame."""

from mbtoolkit.reading.contacts import load_table, read_contacts

__all__ = ["load_table", "read_contacts"]
