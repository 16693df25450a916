"""A table on its way into the CRM, step by step: loaded, mapped, checked, reviewed, pushed, and pushed again.

What a panel shows and a cell could do: each step calls the function of the same name, and `code` is the cell.
"""

from mbtoolkit.sessions.pushing.file_push import FilePush
from mbtoolkit.sessions.pushing.file_pushes import FilePushes
from mbtoolkit.sessions.pushing.parts import Part
from mbtoolkit.sessions.pushing.review import Review
from mbtoolkit.sessions.pushing.sending import Pushing
from mbtoolkit.sessions.pushing.sources import Source

__all__ = ["FilePush", "FilePushes", "Part", "Pushing", "Review", "Source"]
