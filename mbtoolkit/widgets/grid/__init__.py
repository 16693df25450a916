"""`ContactGrid`: a table of contacts to mend, cell by cell, in a notebook."""

from mbtoolkit.widgets.grid.grid import ContactGrid

__all__ = ["ContactGrid"]
