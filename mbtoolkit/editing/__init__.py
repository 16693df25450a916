"""Cells mended by hand: edits that can be undone, and had as code."""

from mbtoolkit.editing.columns import Column
from mbtoolkit.editing.edits import Edits
from mbtoolkit.editing.views import View

__all__ = ["Column", "Edits", "View"]
