"""How far the cells of a sheet go, counted in the workbook's own XML before anything is loaded.

What loads a workbook asks for the memory of every place between the first cell and the last one, so a single cell at
XFD1048576 asks for 550 GB, and the process is gone. The cells are counted here by patterns over the unpacked XML, in
pieces, which takes a fraction of the time of loading. A workbook that is written in any way that the patterns don't
cover is not counted (`NotCountedError`); it is loaded in a process of its own instead.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as ET

from mbtoolkit.errors import SourceError
from mbtoolkit.reading.tables import MAX_COLUMNS, MAX_SHEET_CELLS, MAX_UNPACKED_BYTES

MAX_PART_BYTES: Final = 16 * 1024**2
"""The largest part beside sheets and texts (names, relations, styles) that is counted."""
MAX_ROWS: Final = 1_048_576
"""The rows of a sheet, as Excel has them."""
MAX_CELL_BYTES: Final = 1024**2
"""The longest cell, markup included; Excel's own holds 32,767 characters."""

DAMAGED: Final = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    OSError,
    RuntimeError,
    EOFError,
    ValueError,
    struct.error,
    ET.ParseError,
)
"""What the reading of a damaged or encrypted zip archive raises."""

_PIECE: Final = 1024**2
_LONGEST_MARK: Final = 64
_END: Final = b"PK\x05\x06"
_END_64: Final = b"PK\x06\x07"
_MAIN: Final = "xl/workbook.xml"
_TEXTS: Final = "xl/sharedStrings.xml"
_OTHER_FORMATS: Final = {"xl/workbook.bin", "content.xml"}

_DECLARED_TEXTS: Final = re.compile(rb'\buniqueCount\s*=\s*["\'][0-9]{8,}')
_ODD_TAG: Final = re.compile(rb"<c[>/\t\r\n]")
_ODD_PREFIX: Final = re.compile(rb":c[\s/>]")
"""What a cell begins with that is not written as all common programs write it, or what may be one."""
_ERROR_CELL: Final = re.compile(rb'<c r="([A-Z]+[0-9]+)"[^>]*\bt="e"')


class NotCountedError(Exception):
    """The workbook is written in a way that is not counted here."""


@dataclass(frozen=True, slots=True)
class _Places:
    """Finds cells at certain places.

    Attributes:
        named: where an attribute `r` names such a place, in whatever way it is written.
        cell: such a cell, written as all common programs write it.
        filled: one that holds something.
    """

    named: re.Pattern[bytes]
    cell: re.Pattern[bytes]
    filled: re.Pattern[bytes]

    @classmethod
    def of(cls, loose: bytes, strict: bytes) -> _Places:
        """Those that fit a pattern; `loose` fits whatever could be taken for one."""
        cell = rb'<c r="(' + strict + rb')"'
        filled = cell + rb'(?!(?: [a-z]{1,2}="[^"<>]*+")*+(?:/>|></c>))'
        named = rb"r(?<![\w:.-]r)\s*=\s*[\"'](?:" + loose + rb")"
        return cls(re.compile(named), re.compile(cell), re.compile(filled))

    def within(self, piece: bytes) -> set[bytes]:
        """The places that hold something.

        Raises:
            NotCountedError: not all are written in the common way.
        """
        named = len(self.named.findall(piece))
        if not named:
            return set()
        if named != len(self.cell.findall(piece)):
            raise NotCountedError
        return set(self.filled.findall(piece))


_FAR: Final = _Places.of(rb"[A-Za-z]{2}|[A-Za-z][0-9]{7}", rb"[A-Z]{2,3}[0-9]{1,7}|[A-Z][0-9]{7}")
"""Beyond column Z or below row 999,999; with what is nearer alone no sheet is too large."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What stands in a workbook.

    Attributes:
        name: what to call it in errors.
        archive: its parts.
        sheets: {name: part}, in order.
        longest: the bytes of the longest text that its sheets share.
        limit: what a part of it may unpack to.
    """

    name: str
    archive: zipfile.ZipFile
    sheets: dict[str, str]
    longest: int
    limit: int


def outlined(data: bytes, name: str, limit: int = MAX_UNPACKED_BYTES) -> Outline:
    """The sheets of a workbook.

    Args:
        data: the workbook's bytes.
        name: what to call it in errors.
        limit: what a part of it may unpack to, in bytes.

    Raises:
        NotCountedError: it is another format, or written in an uncommon way.
        SourceError: it is another kind of zip archive, or unpacks to too much.
        Exception: one of `DAMAGED`.
    """
    archive = zipfile.ZipFile(io.BytesIO(data))
    parts = list(map(_normal, archive.namelist()))
    if not any(each.startswith("xl/") or each == "content.xml" for each in parts):
        msg = f"{name!r} is a zip archive, not a workbook: unpack it and give the path of one file in it"
        raise SourceError(msg)
    # Where two parts have one name, or there are two ends, two readers may take two different ones for the real one.
    twice = len(set(parts)) < len(parts) or data.count(_END) != 1 or _END_64 in data
    if twice or not _OTHER_FORMATS.isdisjoint(parts):
        raise NotCountedError
    root = _parsed(archive, "_rels/.rels")
    mains = [each.get("Target") for each in root if each.get("Type", "").endswith("/relationships/officeDocument")]
    if mains not in ([_MAIN], [f"/{_MAIN}"]):
        raise NotCountedError
    _small(archive, "xl/styles.xml")
    return Outline(name, archive, _sheets(archive), _longest_text(archive, name, limit), limit)


def counted(outline: Outline, sheet: str, most: int = MAX_SHEET_CELLS) -> list[str]:
    """Finds out that a sheet is not too large to be loaded.

    Args:
        outline: of the workbook.
        sheet: the sheet's name.
        most: the most cells.

    Returns:
        What is to be said of its cells, in sentences: which of them hold one of Excel's errors.

    Raises:
        NotCountedError: its cells are written in an uncommon way.
        SourceError: it is too large.
        Exception: one of `DAMAGED`.
    """
    cells = texts = 0
    columns, rows = 26, MAX_ROWS
    errors, first = 0, b""
    for piece in _pieces(outline, sheet):
        if _is_odd(piece):
            raise NotCountedError
        cells += piece.count(b"<c ")
        texts += piece.count(b't="s"')
        for column, row in map(_place, _FAR.within(piece)):
            columns, rows = max(columns, column), max(rows, row)
        if b't="e"' in piece:
            found = _ERROR_CELL.findall(piece)
            errors, first = errors + len(found), first or b"".join(found[:1])
        if cells > most:
            msg = (
                f"{outline.name!r}: the sheet {sheet!r} has more than {most:,} cells, blank ones included: "
                "copy the table alone into a new sheet"
            )
            raise SourceError(msg)
    if columns * rows > most:
        rows = max(_lowest_row(outline, sheet, most // columns), most // columns)
    if columns > MAX_COLUMNS or columns * rows > most:
        msg = (
            f"{outline.name!r}: the sheet {sheet!r} goes on to column {_letters(columns)} and row {rows:,}: "
            f"{columns * rows:,} cells, and {most:,} are read at most; delete what stands far right of the "
            "table or below it (Ctrl+End goes there), or copy the table alone into a new sheet"
        )
        raise SourceError(msg)
    if outline.longest * texts > outline.limit:
        raise NotCountedError  # how often the longest text is used shows only when the sheet is loaded
    if not errors:
        return []
    count = f"{errors:,} cells" if errors > 1 else "1 cell"
    return [f"{count} with an error of Excel's (such as #N/A; the first is {first.decode()}) read as blank"]


def _normal(part: str) -> str:
    """The name of a part as what loads workbooks compares it."""
    return part.replace("\\", "/").lower()


def _part(archive: zipfile.ZipFile, part: str) -> str | None:
    """A part by the name that the archive has it under; None where there is none."""
    return next((each for each in archive.namelist() if _normal(each) == _normal(part)), None)


def _is_odd(piece: bytes) -> bool:
    """Whether a cell may stand there that is written in another way, or does not say where it is."""
    if piece.count(b"<c ") != piece.count(b'<c r="') or _ODD_TAG.search(piece):
        return True
    return b":c" in piece and _ODD_PREFIX.search(piece) is not None


def _lowest_row(outline: Outline, sheet: str, most: int) -> int:
    """The lowest row in which a cell holds something, if that is below `most`; else `most`."""
    digits = len(str(most))
    low = _Places.of(rb"[A-Za-z]+[0-9]{%d}" % digits, rb"[A-Z]{1,3}[0-9]{%d,7}" % digits)
    return max((_place(cell)[1] for piece in _pieces(outline, sheet) for cell in low.within(piece)), default=most)


def _place(cell: bytes) -> tuple[int, int]:
    """Column and row of a cell such as `AB12`, from 1."""
    letters = cell.rstrip(b"0123456789")
    column = 0
    for letter in letters:
        column = column * 26 + letter - 64
    return column, int(cell[len(letters) :])


def _letters(column: int) -> str:
    """What a sheet calls a column, counted from 1."""
    letters = ""
    while column:
        column, place = divmod(column - 1, 26)
        letters = chr(65 + place) + letters
    return letters


def _sheets(archive: zipfile.ZipFile) -> dict[str, str]:
    """{name of each sheet: its part}."""
    relations = {each.get("Id"): each.get("Target", "") for each in _parsed(archive, "xl/_rels/workbook.xml.rels")}
    sheets = {}
    for each in _parsed(archive, _MAIN).iter():
        if each.tag.endswith("}sheet"):
            ids = [value for key, value in each.attrib.items() if key.endswith("}id")]
            target = relations.get(ids[0]) if len(ids) == 1 else None
            if not target:
                raise NotCountedError
            name = each.get("name", "")
            if name in sheets:
                raise NotCountedError
            sheets[name] = target[1:] if target.startswith("/") else f"xl/{target}"
    return sheets


def _longest_text(archive: zipfile.ZipFile, name: str, limit: int) -> int:
    """The bytes of the longest text that sheets share, markup included.

    Raises:
        NotCountedError: there are more than a sheet has cells, or more are declared.
        SourceError: they unpack to too much.
    """
    part = _part(archive, _TEXTS)
    if part is None:
        return 0
    longest = texts = 0
    for piece in _unpacked(archive, part, b"<si", b"</si>", name, limit):
        if not texts and _DECLARED_TEXTS.search(piece):
            raise NotCountedError
        texts += piece.count(b"<si") + piece.count(b":si")
        longest = max(longest, *map(len, piece.split(b"</si>")))
        if texts > MAX_SHEET_CELLS:
            raise NotCountedError
    return longest


def _parsed(archive: zipfile.ZipFile, part: str) -> ET.Element:
    """A small part of the workbook.

    Raises:
        NotCountedError: it is not there, too large, or declares entities.
    """
    text = _small(archive, part)
    if not text or b"<!" in text or b"\0" in text:
        raise NotCountedError
    return ET.fromstring(text)  # noqa: S314 - it declares no entities


def _small(archive: zipfile.ZipFile, part: str) -> bytes:
    """The content of a small part; nothing where there is none.

    Raises:
        NotCountedError: it is too large.
    """
    found = _part(archive, part)
    if found is None:
        return b""
    with archive.open(found) as file:
        content = file.read(MAX_PART_BYTES + 1)
    if len(content) > MAX_PART_BYTES:
        raise NotCountedError
    return content


def _pieces(outline: Outline, sheet: str) -> Iterator[bytes]:
    """The XML of a sheet in pieces, each of which ends before a cell."""
    part = _part(outline.archive, outline.sheets[sheet])
    if part is None:
        raise NotCountedError
    return _unpacked(outline.archive, part, b"<c ", b"</row>", outline.name, outline.limit)


def _unpacked(archive: zipfile.ZipFile, part: str, mark: bytes, end: bytes, name: str, limit: int) -> Iterator[bytes]:
    """The content of a part in pieces, each of which ends before a mark.

    Args:
        archive: where the part is.
        part: its name.
        mark: what a piece ends before.
        end: what stands behind each mark, sooner or later.
        name: what to call the workbook in errors.
        limit: what it may unpack to, in bytes.

    Raises:
        SourceError: it is too large, or so is what stands behind one mark.
    """
    held = b""
    size = 0
    with archive.open(part) as file:
        while read := file.read(_PIECE):
            size += len(read)
            held += read
            if size > limit:
                msg = f"{name!r} unpacks to more than {limit:,} bytes: copy the table alone into a new one"
                raise SourceError(msg)
            cut = held.rfind(mark)
            if cut <= 0 and len(held) > MAX_CELL_BYTES + _PIECE:
                if cut == 0 and not 0 <= held.find(end) <= MAX_CELL_BYTES:
                    msg = f"{name!r} holds a cell with more than {MAX_CELL_BYTES:,} bytes: shorten it"
                    raise SourceError(msg)
                cut = len(held) - _LONGEST_MARK
            if cut > 0:
                yield held[:cut]
                held = held[cut:]
    yield held
