"""Forms whose content is never saved with the notebook."""

from mbtoolkit.widgets.surface.nodes import Attribute, Node, box, button, choice, entry, table, text, tick
from mbtoolkit.widgets.surface.surface import MAX_FILE_BYTES, Surface

__all__ = [
    "MAX_FILE_BYTES",
    "Attribute",
    "Node",
    "Surface",
    "box",
    "button",
    "choice",
    "entry",
    "table",
    "text",
    "tick",
]
