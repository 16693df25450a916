"""Where a table comes from."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Where a table comes from.

    Attributes:
        data: a path, a file's bytes, or a frame.
        name: what to call it.
        sheet: as `read_contacts` takes it; likewise the others.
        separator: of a text file.
        encoding: of a text file.
    """

    data: Any = field(repr=False)
    name: str
    sheet: str | None = None
    separator: str | None = None
    encoding: str | None = None

    @property
    def options(self) -> dict[str, str]:
        """What `read_contacts` is told beside the source itself."""
        told = {"sheet": self.sheet, "separator": self.separator, "encoding": self.encoding}
        return {name: value for name, value in told.items() if value}

    @property
    def key(self) -> Hashable:
        """Equal for sources that give the same table: the same file as it was, or the same object, read in one way."""
        options = tuple(self.options.items())
        if not isinstance(self.data, str | Path):
            # By identity: comparing all cells would cost as much as reading them.
            return id(self.data), options
        path = Path(self.data)
        written = (path.stat().st_mtime_ns, path.stat().st_size) if path.is_file() else None
        return str(path), written, options

    @property
    def code(self) -> str:
        """The source as Python writes it."""
        if isinstance(self.data, str | Path):
            return repr(str(self.data))
        return repr(self.name) if isinstance(self.data, bytes) else "source"
