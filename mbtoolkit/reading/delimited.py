"""Text files of separated values: what encoding and separator they have, and their cells as text."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

import polars as pl

from mbtoolkit.errors import SourceError
from mbtoolkit.reading.tables import MAX_LINE_CHARACTERS, Table, check_size, headed, without_blank_rows

SEPARATORS: Final = (",", ";", "\t", "|")
_BEYOND_ASCII: Final = bytes(range(128, 256))
_STRAY_FOR_EACH_LETTER: Final = 10
"""With more stray bytes for each letter of UTF-8 such letters may be chance: in Windows-1252, `ß»` looks like one."""
_TOLD_SEPARATOR: Final = re.compile(r"sep=([^\r\n])(?=[\r\n])", re.IGNORECASE)
"""The line that Excel understands, and that some programs write above the headers for it."""
_C1: Final = re.compile(r"[\x80-\x9f]")
_WINDOWS: Final = {
    chr(byte): text for byte in range(0x80, 0xA0) if (text := bytes([byte]).decode("cp1252", errors="ignore"))
}
"""What Windows-1252 has where Latin-1 has control characters; five bytes are neither's."""
_LINE: Final = re.compile(r"[^\r\n]*+(?:\r\n|\r|\n)|[^\r\n]++")
_LIKE_ZLIB: Final = ("x\x01", "x^")
"""What polars takes for the beginning of packed data, and unpacks."""
_ENDLESS: Final = "endless record"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_SAMPLE_CHARACTERS: Final = 200_000
_SAMPLE_RECORDS: Final = 50


def decode(data: bytes, name: str, encoding: str | None) -> tuple[str, list[str]]:
    """The text in the bytes, and what was assumed to get it.

    Without an encoding: a byte-order mark decides; then UTF-16 by its zero bytes; then UTF-8 if it is that; then
    Windows-1252, which holds all of Latin-1's letters, unless it is UTF-8 but for a few bytes.

    Raises:
        SourceError: the bytes are not text in that encoding, there is no such encoding, or a few bytes are not of the
            encoding that all the others are of.
    """
    chosen, note = (encoding, None) if encoding is not None else _detect_encoding(data, name)
    try:
        text = data.decode(chosen)
    except UnicodeError as error:
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        line = data[:start].count(b"\n") + 1
        msg = f"{name!r} is not {chosen} text: byte {start:,} (line {line:,}) does not fit; try encoding='latin-1'"
        # The error's own text quotes the bytes.
        raise SourceError(msg) from None
    except (LookupError, TypeError, ValueError) as error:
        msg = f"there is no encoding {chosen!r}: try utf-8, utf-16, latin-1 or cp1252"
        raise SourceError(msg) from error
    notes = [note] if note else []
    if codecs.lookup(chosen).name == "iso8859-1" and _C1.search(text):
        plain, text = text, _C1.sub(lambda found: _WINDOWS.get(found[0], found[0]), text)
        if encoding is not None and text != plain:
            notes.append("control characters of Latin-1 read as the letters and marks of Windows-1252")
        if left := _C1.search(text):
            line = text.count("\n", 0, left.start()) + 1
            notes.append(
                f"some bytes (the first in line {line:,}) are no character of Windows-1252; "
                "if names look wrong there, give the file's encoding=..."
            )
    return text.lstrip("\ufeff"), notes


def _detect_encoding(data: bytes, name: str) -> tuple[str, str | None]:
    """The encoding, and what to say of it where it was assumed.

    Raises:
        SourceError: it is UTF-8 but for a few bytes.
    """
    if data.startswith(b"\xef\xbb\xbf"):
        return "utf-8", None
    if data.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "utf-32", "read as UTF-32"
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16", "read as UTF-16"
    sample = data[:10_000]
    if sample.count(0) > len(sample) // 5:
        little = sample[1::2].count(0) >= sample[::2].count(0)
        return ("utf-16-le" if little else "utf-16-be"), "read as UTF-16 without a byte-order mark"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        _check_no_utf8(data, name, data[: error.start].count(b"\n") + 1)
        return "latin-1", "not UTF-8, so read as Latin-1 (Windows-1252)"
    return "utf-8", None


def _check_no_utf8(data: bytes, name: str, line: int) -> None:
    """Text of another encoding holds almost nothing that is UTF-8 by chance, beyond ASCII.

    Args:
        data: what is not all UTF-8.
        name: what to call it in errors.
        line: where the first byte stands that is not.

    Raises:
        SourceError: so much is UTF-8 that reading it as another encoding would spoil it.
    """
    valid = data.decode("utf-8", errors="ignore")
    stray = len(data) - len(valid.encode())
    letters = len(valid) - len(data.translate(None, delete=_BEYOND_ASCII))
    if letters * _STRAY_FOR_EACH_LETTER >= stray:
        count = f"{stray:,} bytes" if stray > 1 else "a byte"
        msg = (
            f"{name!r} is UTF-8, but for {count} (the first in line {line:,}): mend that line where the table comes "
            f"from, or say encoding='cp1252' if every letter in it is meant so"
        )
        raise SourceError(msg)


def load_delimited(text: str, name: str, suffix: str, separator: str | None) -> Table:
    """The table in a text of separated values; every cell is text, an empty one null.

    Args:
        text: the whole of it.
        name: what to call it in errors.
        suffix: the file's ending, which says what separator is usual.
        separator: one character; None detects it.

    Raises:
        SourceError: no rows of equal width come out of it.
    """
    check_size(1, text.count("\n"), name)
    notes = []
    told = _TOLD_SEPARATOR.match(text)
    if told:
        text = text[told.end() :]  # the line's end stays, so that lines count as they do in the file
        separator = told[1] if separator is None else separator
        notes.append(f"its first line says that the separator is {_shown(told[1])}")
    _check_separator(separator)
    if max(map(len, text[:MAX_LINE_CHARACTERS].splitlines()), default=0) >= MAX_LINE_CHARACTERS:
        msg = f"{name!r} has no line end in its first {MAX_LINE_CHARACTERS:,} characters, so it is no table"
        raise SourceError(msg)
    if "\n" not in text and "\r" in text:
        text = text.replace("\r", "\n")
        notes.append("lines end with a carriage return alone (old Macintosh)")
    chosen = separator or _detect_separator(text)
    if separator is None and chosen != ("\t" if suffix in (".tsv", ".tab") else ","):
        notes.append(f"the separator is {_shown(chosen)}")
    header = _header(text, name, chosen)
    _check_shape(text, name, chosen)
    table = headed(_below_headers(text, chosen, len(header)), header, name)
    table.notes[:0] = notes + _doubtful_quotes(text, chosen)
    return without_blank_rows(table)


def _doubtful_quotes(text: str, separator: str) -> list[str]:
    """What to report of lines on which two cells that aren't quoted hold a quote each, in one sentence.

    What stands between such quotes may have been one cell (`x"y, z"`), and then all cells behind it have moved.
    """
    if '"' not in text:
        return []
    end = re.escape(separator) + r"\r\n"
    others = re.compile(rf'(?:(?:"[^"]*+(?:""[^"]*+)*+"|[^{end}"]*+)[{end}])*+')
    cell = re.compile(rf'[^{end}"]++"[^{end}]*+')
    line, place, lines = 1, 0, Counter[int]()
    while found := cell.match(text, others.match(text, place).end()):  # type: ignore[union-attr] # it fits nothing too
        line += text.count("\n", place, found.start())
        place = found.end()
        lines[line] += found[0].count('"') % 2
    doubtful = [line for line, quotes in lines.items() if quotes > 1]
    if not doubtful:
        return []
    note = (
        f"quotes inside cells that aren't quoted may have moved the cells behind them on {_counted_lines(doubtful)}; "
        "compare those rows with the file; quote all of a cell that holds the separator, and double the quotes in it"
    )
    return [note]


def _counted_lines(lines: list[int]) -> str:
    """Such as `2 lines (3, 7)`."""
    shown = ", ".join(f"{line:,}" for line in lines[:5]) + (", ..." if len(lines) > 5 else "")
    return f"{len(lines):,} line{'s' if len(lines) > 1 else ''} ({shown})"


def _shown(separator: str) -> str:
    return "a tab" if separator == "\t" else repr(separator)


def _check_separator(separator: str | None) -> None:
    """Raises:
    SourceError: it is not one ASCII character that can separate cells.
    """
    if separator is None:
        return
    if not isinstance(separator, str) or len(separator) != 1 or separator in '"\r\n' or not separator.isascii():
        msg = f"separator={separator!r}: give one ASCII character, such as ',', ';', '|' or a tab"
        raise SourceError(msg)


class _Records(Iterator[list[str]]):
    """The records of a text, by the csv module.

    Attributes:
        line_num: the number of the line that was read last.

    Raises:
        csv.Error: quotes that don't fit; or one record goes on and on.
    """

    def __init__(self, text: str, separator: str) -> None:
        self._held = 0
        self._reader = csv.reader(self._lines(text), delimiter=separator, strict=True)

    def _lines(self, text: str) -> Iterator[str]:
        # Not io.StringIO, which takes four bytes for each character.
        for found in _LINE.finditer(text):
            line = found[0]
            self._held += len(line)
            if self._held > MAX_LINE_CHARACTERS:
                raise csv.Error(_ENDLESS)
            yield line

    def __next__(self) -> list[str]:
        record = next(self._reader)
        self._held = 0
        return record

    @property
    def line_num(self) -> int:
        return self._reader.line_num


def _detect_separator(text: str) -> str:
    """The separator that cuts the headers and most of the first records into as many cells, the more the better."""
    best, most = ",", 1
    for candidate in SEPARATORS:
        records = _Records(text[:_SAMPLE_CHARACTERS], candidate)
        try:
            widths = [len(record) for record, _ in zip(records, range(_SAMPLE_RECORDS), strict=False) if record]
        except csv.Error:
            continue
        if widths and widths[0] > most and widths.count(widths[0]) > 0.8 * len(widths):
            best, most = candidate, widths[0]
    return best


def _check_shape(text: str, name: str, separator: str) -> None:
    """Raises:
    SourceError: quotes that don't close, or lines with more or fewer cells than the header.
    """
    try:
        widths = Counter(map(len, _Records(text, separator)))
    except csv.Error as error:
        msg = f"{name!r}, near line {_line_of_error(text, separator):,}: {_why_no_record(str(error))}"
        raise SourceError(msg) from error
    widths.pop(0, None)
    check_size(max(widths, default=0), widths.total(), name)
    if len(widths) <= 1:
        return
    reader = _Records(text, separator)
    width = len(next(record for record in reader if record))
    odd = [reader.line_num for record in reader if record and len(record) != width]
    lines = ", ".join(f"{line:,}" for line in odd[:5]) + (", ..." if len(odd) > 5 else "")
    count = f"{len(odd):,} lines have" if len(odd) > 1 else "1 line has"
    msg = (
        f"{name!r}: {count} more or fewer cells than the first line's {width} (line{'s' if len(odd) > 1 else ''} "
        f"{lines}); quote cells that hold the separator, take out lines above the headers, or say separator=..."
    )
    raise SourceError(msg)


def _why_no_record(error: str) -> str:
    """What the csv module's error means, and how to mend it."""
    if "field limit" in error:
        most = f"{csv.field_size_limit():,}"
        return f"a cell has more than {most} characters; close a quote that was left open, or shorten the cell"
    if error == _ENDLESS:
        most = f"{MAX_LINE_CHARACTERS:,}"
        return f"a line has more than {most} characters; close a quote that was left open, or shorten the cell"
    what = "a quote is opened and never closed" if "end of data" in error else error
    return f"{what}; write a quote inside a quoted cell twice"


def _line_of_error(text: str, separator: str) -> int:
    """The line on which the record begins that can't be parsed."""
    reader = _Records(text, separator)
    begun = 1
    try:
        for _ in reader:
            begun = reader.line_num + 1
    except csv.Error:
        pass
    return begun


def _header(text: str, name: str, separator: str) -> list[str]:
    """The first line that is not blank.

    Raises:
        SourceError: all lines are blank, or that line is not of text.
    """
    records = _Records(text, separator)
    try:
        header = next((record for record in records if any(map(str.strip, record))), None)
    except csv.Error:
        return []  # the check of the whole says what is wrong, and where
    if header is None:
        msg = f"{name!r} is empty: it needs a line of headers, and a line for each contact"
        raise SourceError(msg)
    if any(map(_CONTROL.search, header)):
        msg = (
            f"{name!r} is no table of text, for its first line holds control characters: save it as CSV or .xlsx, or "
            "say encoding=... or separator=... if it is text"
        )
        raise SourceError(msg)
    return header


def _below_headers(text: str, separator: str, width: int) -> pl.DataFrame:
    """The cells below the first line that is not blank."""
    frame = _cells(text, separator, [f"c{place}" for place in range(width)])
    blank = pl.all_horizontal(pl.all().fill_null("").str.strip_chars() == "")
    lead = int(frame.select(blank.arg_min()).item() or 0)
    return frame.slice(lead + 1)


def _cells(text: str, separator: str, names: list[str]) -> pl.DataFrame:
    """All cells, headers included; polars reads them, or the csv module what polars refuses or reads in another way."""
    if text.startswith(_LIKE_ZLIB) or ("\r" in text and "\r" in text.replace("\r\n", "")):
        return _cells_by_csv(text, separator, names)
    try:
        return pl.read_csv(
            text.encode(),
            separator=separator,
            infer_schema=False,
            has_header=False,
            new_columns=names,
            raise_if_empty=False,
        )
    except pl.exceptions.PolarsError:
        return _cells_by_csv(text, separator, names)


def _cells_by_csv(text: str, separator: str, names: list[str]) -> pl.DataFrame:
    cells = [record for record in _Records(text, separator) if record]
    frame = pl.DataFrame(cells, schema=dict.fromkeys(names, pl.String), orient="row")
    return frame.with_columns(pl.when(pl.all() != "").then(pl.all()))
