"""The first step: a path, a file from the reader's computer, or a frame."""

from __future__ import annotations

from pathlib import Path

from mbtoolkit.filepush import FilePush, Source
from mbtoolkit.widgets.panel.step import Step, Value, labelled
from mbtoolkit.widgets.surface import MAX_FILE_BYTES, Node, box, entry, text


class LoadStep(Step):
    """A path, an uploaded file, or the frame that the panel was made with."""

    key = "load"
    title = "Load"

    def __init__(self, push: FilePush) -> None:
        super().__init__(push)
        self.given: Source | None = None
        self.texts = {"path": "", "sheet": "", "separator": "", "encoding": ""}
        self._loaded: tuple[object, ...] | None = None

    @property
    def is_ready(self) -> bool:
        return bool(self.texts["path"].strip()) or self.given is not None

    def why_not(self) -> str:
        return "Give a path, or choose a file."

    def _source(self) -> Source:
        separator = {"\\t": "\t", "tab": "\t"}.get(self.texts["separator"], self.texts["separator"])
        options = {"sheet": self.texts["sheet"], "separator": separator, "encoding": self.texts["encoding"]}
        path = self.texts["path"].strip()
        if path:
            return Source(path, Path(path).name, **options)
        assert self.given is not None
        return Source(self.given.data, self.given.name, **options)

    def take_file(self, name: str, content: bytes) -> None:
        """Takes up an uploaded file."""
        self.given = Source(content, name)
        self.texts["path"] = ""
        self.revision += 1
        self.error = None

    def act(self, key: str, value: Value) -> None:
        if key in self.texts and isinstance(value, str):
            self.texts[key] = value
            self.error = None

    def leave(self) -> None:
        source = self._source()
        options = tuple(sorted(source.options.items()))
        # Frames and bytes by identity: comparing their cells would cost as much as loading them.
        marks = (source.data if isinstance(source.data, str) else id(source.data), options, _stamp(source))
        if marks != self._loaded:
            self.push.load(source)
            self._loaded = marks

    def draw(self) -> Node:
        limit = f"{MAX_FILE_BYTES // 1_000_000} MB"
        chosen = text(f"Chosen: {self.given.name}.", "p", class_="mbt-note", key="chosen") if self.given else None
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
                text(f"Up to {limit}; it goes through the browser.", "p", id="hint-file", class_="mbt-hint"),
                class_="mbt-field",
            ),
            chosen,
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

    def _option(self, label: str, name: str, hint: str) -> Node:
        typed = entry(name, self.texts[name], revision=self.revision, id=name, aria_describedby=f"hint-{name}")
        return labelled(label, typed, name, hint)


def _stamp(source: Source) -> float | None:
    """When a file was last written, so that a changed one is loaded anew."""
    if not isinstance(source.data, str):
        return None
    path = Path(source.data)
    return path.stat().st_mtime if path.is_file() else None
