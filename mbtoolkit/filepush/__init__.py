"""A table on its way into the CRM, step by step: loaded, mapped, checked, reviewed, pushed, and pushed again.

What a panel shows and a cell could do: each step calls the function of the same name, and `code` is the cell.
"""

from mbtoolkit.filepush.parts import Part
from mbtoolkit.filepush.pushing import Pushing
from mbtoolkit.filepush.review import Review
from mbtoolkit.filepush.sources import Source
from mbtoolkit.filepush.table import FilePush, FilePushes

__all__ = ["FilePush", "FilePushes", "Part", "Pushing", "Review", "Source"]
