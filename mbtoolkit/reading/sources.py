"""Loads a table from wherever it is, every column of a text file as text, so that nothing is guessed away.

What had to be assumed (an encoding, a separator, a sheet) is said in notes; the caller decides how to say it.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
import zlib
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import polars as pl

from mbtoolkit.errors import SourceError
from mbtoolkit.reading.delimited import decode, load_delimited
from mbtoolkit.reading.excel import ENDINGS, load_excel
from mbtoolkit.reading.exports import restored
from mbtoolkit.reading.frames import load_frame
from mbtoolkit.reading.json_lines import load_json_lines
from mbtoolkit.reading.tables import MAX_SOURCE_BYTES, MAX_UNPACKED_BYTES, Table, check_size

_UNPACK: Final = "unpack it, and give the path of one file in it"
_EXPORT: Final = "export the table as CSV or .xlsx where it comes from"
_OTHERS: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"\x1f\x8b", "packed with gzip twice: unpack it once"),
    (4, b"1AY&SY", f"packed with bzip2: {_UNPACK}"),
    (0, b"\xfd7zXZ\x00", f"packed with xz: {_UNPACK}"),
    (0, b"\x28\xb5\x2f\xfd", f"packed with zstd: {_UNPACK}"),
    (0, b"7z\xbc\xaf\x27\x1c", f"a 7z archive: {_UNPACK}"),
    (0, b"Rar!\x1a\x07", f"a rar archive: {_UNPACK}"),
    (257, b"ustar\x00", f"a tar archive: {_UNPACK}"),
    (257, b"ustar  \x00", f"a tar archive: {_UNPACK}"),
    (0, b"%PDF-", f"a PDF document: {_EXPORT}"),
    (0, b"{\\rtf", f"a text document (RTF): {_EXPORT}"),
    (0, b"\x89PNG\r\n", f"a picture (PNG): {_EXPORT}"),
    (0, b"\xff\xd8\xff", f"a picture (JPEG): {_EXPORT}"),
    (0, b"SQLite format 3\x00", "a SQLite database: read a table of it, and give the frame"),
    (0, b"ARROW1\x00\x00", "an Arrow file: give pl.read_ipc(...)"),
)
"""Where bytes tell what a file is, the bytes, and what to say of it."""

_MARKUP: Final = re.compile(
    r"\s*(?:(?P<page><!--|<\?xml\b|<!doctype\b|<(?:html|head|body|table|meta)\b)|begin:vcard\b)", re.IGNORECASE
)
_PAGE: Final = (
    "HTML or XML, whatever its name ends in: open it in a spreadsheet program, look at it, and save it as .xlsx or CSV"
)
_CARDS: Final = f"a file of contact cards (vCard): {_EXPORT}"


def load(
    source: Any, *, sheet: str | int | None = None, separator: str | None = None, encoding: str | None = None
) -> Table:
    """The table in a file, in bytes, or in another library's frame.

    Args:
        source: a path; bytes; a polars, pandas or Arrow frame.
        sheet: name or 0-based position of an Excel sheet; None takes the first.
        separator: of a text file; None detects it.
        encoding: of a text file, as Python names it; None detects it.

    Raises:
        SourceError: it can't be read; the text says why and how to mend it.
    """
    try:
        table = _load(source, sheet, separator, encoding)
    except SourceError as error:
        # The frames below, and what was raised there first, hold the whole text; tools that print variables show it.
        error.__cause__ = error.__context__ = None
        raise error.with_traceback(None) from None
    if not table.frame.width:
        msg = "the source has no columns: it needs at least one with an identifier (contact_id, mobile or email)"
        raise SourceError(msg)
    if not table.frame.height:
        table.notes.append("it has headers and no contact below them")
    return table


def _load(source: Any, sheet: str | int | None, separator: str | None, encoding: str | None) -> Table:
    if isinstance(source, str | os.PathLike):
        path = _path(source)
        return _load_bytes(_read(path), path.name, path.suffix.lower(), sheet, separator, encoding)
    if isinstance(source, bytes | bytearray | memoryview):
        return _load_bytes(bytes(source), "the given bytes", "", sheet, separator, encoding)
    return restored(load_frame(source))


def _path(source: str | os.PathLike[str]) -> Path:
    """The path of a file that is there.

    Raises:
        SourceError: there is no file that could be opened.
    """
    text = os.fspath(source)
    if not isinstance(text, str) or not text.strip() or any(char in text for char in "\n\r\0"):
        # Not quoted: it may be the table itself.
        msg = "that is no path of a file; for a table in a text, give its bytes: read_contacts(text.encode())"
        raise SourceError(msg)
    if "://" in text:
        msg = f"an address (at {urlsplit(text).hostname}) is no file: download it first, then give the path"
        raise SourceError(msg)
    path = Path(text)
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise SourceError(_why_missing(path, error)) from error
    except ValueError as error:
        msg = "that is no path of a file: it holds a character that no path has"
        raise SourceError(msg) from error
    if stat.S_ISDIR(mode):
        msg = f"{path.name or text!r} is a folder: give the path of one file in it"
        raise SourceError(msg)
    if not stat.S_ISREG(mode):
        msg = f"{path.name!r} is a pipe or a device, which can't be read twice: write it into a file first"
        raise SourceError(msg)
    return path


def _why_missing(path: Path, error: OSError) -> str:
    if not isinstance(error, FileNotFoundError):
        return f"{path.name[:100]!r} can't be read: {error.strerror}"
    if not path.parent.is_dir():
        return f"there is no file {path.name!r}; there is no folder {path.parent.name!r} either"
    try:
        near = sorted(each.name for each in path.parent.iterdir() if not each.name.startswith("."))[:5]
    except OSError:
        near = []
    return f"there is no file {path.name!r}" + (f"; in its folder are {', '.join(near)}" if near else "")


def _read(path: Path) -> bytes:
    """Raises:
    SourceError: no permission, a fault of the disk, too much, or the file changed meanwhile.
    """
    try:
        before = path.stat()
        if before.st_size > MAX_SOURCE_BYTES:
            msg = (
                f"{path.name!r} has {before.st_size:,} bytes, and {MAX_SOURCE_BYTES:,} are read at the most: "
                "split it, or read it with polars and give the frame"
            )
            raise SourceError(msg)
        data = path.read_bytes()
        after = path.stat()
    except OSError as error:
        msg = f"{path.name!r} can't be read: {error.strerror}"
        raise SourceError(msg) from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        msg = f"{path.name!r} changed while it was read: wait until it is complete, or copy it first"
        raise SourceError(msg)
    return data


def _load_bytes(
    data: bytes, name: str, suffix: str, sheet: str | int | None, separator: str | None, encoding: str | None
) -> Table:
    notes: list[str] = []
    if data[:2] == b"\x1f\x8b":
        data = unpack(data, name)
        suffix = Path(name).with_suffix("").suffix.lower()
        notes.append("unpacked (gzip)")
    _check_known(data, name)
    kind = _format(data, suffix)
    if sheet is not None and kind != "excel":
        msg = f"{name!r} is no Excel workbook, so it has no sheet {sheet!r}: leave sheet=... out"
        raise SourceError(msg)
    if kind == "parquet":
        table = _load_parquet(data, name)
    elif kind == "excel":
        table = load_excel(data, name, sheet)
        if suffix not in ENDINGS:
            table.notes.append(f"it is an Excel workbook, whatever its name ends in ({suffix})")
    else:
        table = _load_text(data, name, suffix, separator, encoding)
    table.notes[:0] = notes
    return restored(table, is_text=kind == "text")


def _load_text(data: bytes, name: str, suffix: str, separator: str | None, encoding: str | None) -> Table:
    """Raises:
    SourceError: it is a JSON array, a page or cards, or can't be read.
    """
    text, said = decode(data, name, encoding)
    found = _MARKUP.match(text)
    if found:
        what = _PAGE if found["page"] else _CARDS
        msg = f"{name!r} is {what}"
        raise SourceError(msg)
    start = text[:1000].lstrip()[:1]
    if start == "[" and suffix in ("", ".json", ".jsonl", ".ndjson") and separator is None:
        msg = f"{name!r} is a JSON array: write one object on each line, or give pl.read_json(...)"
        raise SourceError(msg)
    is_json = suffix in (".jsonl", ".ndjson") or start == "{"
    table = load_json_lines(text, name) if is_json else load_delimited(text, name, suffix, separator)
    table.notes[:0] = said
    return table


def _check_known(data: bytes, name: str) -> None:
    """Raises:
    SourceError: it is a file of a kind that is known and holds no table that could be read here.
    """
    for place, mark, what in _OTHERS:
        if data[place : place + len(mark)] == mark:
            msg = f"{name!r} is {what}"
            raise SourceError(msg)


def _format(data: bytes, suffix: str) -> Literal["text", "excel", "parquet"]:
    """What the bytes are, by their first ones and then by the name's ending."""
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0"):
        return "excel"
    return "parquet" if data[:4] == b"PAR1" or suffix == ".parquet" else "text"


def unpack(data: bytes, name: str, limit: int = MAX_UNPACKED_BYTES) -> bytes:
    """The content of gzip data.

    Raises:
        SourceError: it is broken, or unpacks to more than `limit` bytes.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            content = packed.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        msg = f"{name!r} begins like gzip, but is broken or cut off: fetch it again"
        raise SourceError(msg) from error
    if len(content) > limit:
        msg = f"{name!r} unpacks to more than {limit:,} bytes: unpack it yourself, and look at what it holds"
        raise SourceError(msg)
    return content


def _load_parquet(data: bytes, name: str) -> Table:
    """Raises:
    SourceError: it is cut off, damaged, no parquet, or too large.
    """
    try:
        lazy = pl.scan_parquet(io.BytesIO(data))
        columns = len(lazy.collect_schema())
        if columns:
            check_size(columns, lazy.select(pl.len()).collect().item(), name)
        return Table(pl.read_parquet(io.BytesIO(data)))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        msg = f"{name!r} is no whole parquet file (cut off or damaged): write or fetch it again"
        raise SourceError(msg) from error
