"""The first step: a path, a file from the reader's computer, or a frame."""

from __future__ import annotations

from pathlib import Path

from mbtoolkit.sessions.pushing import FilePushes, Source
from mbtoolkit.widgets.panel.step import Step, Value, labelled
from mbtoolkit.widgets.surface import MAX_FILE_BYTES, Node, box, entry, text

_MB = 1_000_000


class LoadStep(Step):
    """A path, an uploaded file, or the frame that the panel was made with."""

    key = "load"
    title = "Load"

    def __init__(self, pushes: FilePushes) -> None:
        super().__init__(pushes)
        self.given: Source | None = None
        self.texts = {"path": "", "sheet": "", "separator": "", "encoding": ""}
        self.revision = 0
        self._receiving = ""

    @property
    def is_ready(self) -> bool:
        return bool(self._path) or self.given is not None

    def why_not(self) -> str:
        return "Give a path, or choose a file."

    @property
    def _path(self) -> str:
        """The path as it is meant: without the quotes that come along when it is copied, and with `~` spelled out."""
        path = self.texts["path"].strip().strip("\"'")
        return str(Path(path).expanduser()) if path.startswith("~") else path

    def _source(self) -> Source:
        separator = {"\\t": "\t", "tab": "\t"}.get(self.texts["separator"].strip(), self.texts["separator"])
        options = {"sheet": self.texts["sheet"], "separator": separator, "encoding": self.texts["encoding"].strip()}
        if self._path:
            return Source(self._path, Path(self._path).name, **options)
        assert self.given is not None
        return Source(self.given.data, self.given.name, **options)

    def receive(self, name: str, received: int, size: int) -> None:
        """A part of a file has come."""
        self._receiving = f"Receiving {name}: {received // _MB:,} of {size // _MB:,} MB …" if received < size else ""

    def take_file(self, name: str, content: bytes) -> None:
        """Takes up an uploaded file."""
        self.given = Source(content, name)
        self.texts["path"] = ""
        self.revision += 1
        self.error = None

    def act(self, key: str, value: Value) -> None:
        if key in self.texts and isinstance(value, str):
            self.texts[key] = value

    def leave(self) -> None:
        self.pushes.load(self._source())

    def draw(self) -> Node:
        return box(
            labelled(
                "Path of a file where the kernel runs",
                entry("path", self.texts["path"], revision=self.revision, id="path", aria_describedby="hint-path"),
                "path",
                "CSV, TSV, Excel, parquet or JSON lines. A path has no limit of size.",
            ),
            box(
                text("Or a file from this computer", "label", for_="file"),
                Node(
                    "input", key="file", events=("change",),
                    attributes={"type": "file", "id": "file", "aria-describedby": "hint-file"},
                ),
                text(f"Up to {MAX_FILE_BYTES // _MB} MB; it goes through the browser.", "p", id="hint-file",
                     class_="mbt-hint"),
                class_="mbt-field",
            ),
            text(self._chosen(), "p", role="status", key="chosen"),
            box(
                text("If it is read wrongly", "summary"),
                box(
                    self._option("Sheet", "sheet", "Name of an Excel sheet."),
                    self._option("Separator", "separator", "Such as ; or tab."),
                    self._option("Encoding", "encoding", "Such as cp1252."),
                    class_="mbt-thirds",
                ),
                tag="details",
                key="options",
            ),
            class_="mbt-step",
        )  # fmt: skip

    def _chosen(self) -> str:
        if self._receiving:
            return self._receiving
        if self.given is None:
            return ""
        return f"Not used, because there is a path: {self.given.name}" if self._path else f"Chosen: {self.given.name}"

    def _option(self, label: str, name: str, hint: str) -> Node:
        typed = entry(name, self.texts[name], revision=self.revision, id=name, aria_describedby=f"hint-{name}")
        return labelled(label, typed, name, hint)
