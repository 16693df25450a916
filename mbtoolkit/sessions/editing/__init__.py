"""Cells mended by hand: edits that can be undone, and had as code."""

from mbtoolkit.sessions.editing.columns import Column
from mbtoolkit.sessions.editing.edits import Edits
from mbtoolkit.sessions.editing.views import View

__all__ = ["Column", "Edits", "View"]
