"""Text that was read with a wrong encoding: what it was, or that nobody can tell.

Most of it is UTF-8 that was read as an encoding of one byte a character, so that a letter became two or three signs.
The `ftfy` package knows what such text looks like in ten encodings. Beside it a text is tried here: where its signs are
bytes of an encoding which, all of them, make UTF-8 of letters of one alphabet, that is what it was.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable
from functools import cache
from itertools import product
from typing import Any, Final, NamedTuple

import polars as pl

from mbtoolkit.errors import UsageError

_ENCODINGS: Final = (
    *(
        "cp1252",
        "latin-1",
        "iso8859-15",
        "cp1250",
        "iso8859-2",
        "cp1257",
        "cp1254",
        "cp1258",
        "iso8859-4",
        "iso8859-10",
    ),
    *("cp1251", "cp1253", "iso8859-5", "iso8859-7", "koi8-r", "koi8-u", "cp866", "cp1255", "cp1256", "mac-roman"),
    *("mac-latin2", "mac-turkish", "cp437", "cp850", "cp852", "cp857", "cp858", "cp860", "cp861", "cp863", "cp865"),
    "cp775",
)
"""Encodings of one byte a character that people's files are read with."""
_C1: Final = re.compile(r"[\x80-\x9f]")
CONTROLS: Final = r"[\x{80}-\x{9F}]"
"""Controls beyond ASCII."""
NOTHING: Final = r"\x{81}\x{8D}\x{8F}\x{90}\x{9D}"
"""Those of them that are nothing in Windows-1252."""
WINDOWS: Final = {chr(code): bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0)}
"""What the controls beyond ASCII are in Windows-1252: "" for the five that are nothing there."""
_TRANSLATE: Final = str.maketrans({code: char for code, char in WINDOWS.items() if char})
_ODD_IN_WORDS: Final = re.compile(
    # A capital behind a small letter, and marks within a word, are letters of another encoding.
    r"(?:[^\W\d_](?<![A-ZÀ-ÖØ-Þ])[ŠŒŽŸ])|[^\W\d_][€‚ƒ„…†‡ˆ‰‹“”•–—˜™›][^\W\d_]"
)
_FIRST_PAIR: Final = re.compile(r"[^\x00-\x7f]{2}")
_LETTER: Final = r"[[\p{Latin}\p{Greek}\p{Cyrillic}\p{Common}]--[\x00-\x7f]]"
_SIGN: Final = r"[[\p{Latin}\p{Greek}\p{Cyrillic}\p{Common}]--[\x00-\x7fА-яЁёΆ-ώ]]"
"""What text in an alphabet of its own is not made of alone."""
_LOST: Final = "\ufffd"
_FEWEST_LETTERS: Final = 2

_LATIN: Final = "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u017f\u01a0\u01a1\u01af\u01b0\u0218-\u021b\u1e80-\u1ef9"
_MARKS: Final = "\u2010-\u2015\u2018-\u201e\u2026\u20ac\u00a1\u00aa\u00ab\u00ba\u00bb\u00bf\u00b4\u2116"
_READABLE: Final = re.compile(
    rf"[\x00-\x7f{_MARKS}{_LATIN}]*|[\x00-\x7f{_MARKS}\u0400-\u045f]*|[\x00-\x7f{_MARKS}\u0386-\u03ce]*"
)
"""What is expected of a text that was garbled: letters of one alphabet, and what stands between words."""
_OTHER_ALPHABET: Final = re.compile(r"(?:[\u0386-\u03ce\u0400-\u045f].*){3}", re.DOTALL)
_LEADS: Final = (0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xC8, 0xCE, 0xCF, 0xD0, 0xD1, 0xE1, 0xE2)
"""The first bytes of all of these in UTF-8."""
_DRAWN: Final = re.compile(
    r"[^\W\d_][\u2500-\u259f\u221a\u2202\u2206\u2211\u222b\u2248\u2260\u2264\u2265]|[\u2500-\u259f\u221a\u2248][^\W\d_]"
)
"""Lines, blocks and signs of mathematics within a word."""


class Read(NamedTuple):
    """What became of a text: what it was, and which issue is left (`lost`, `doubtful` or None)."""

    text: str
    issue: str | None


def reader() -> Callable[[str], Read]:
    """What reads one text again.

    Raises:
        UsageError: `ftfy` is not installed.
    """
    try:
        ftfy: Any = importlib.import_module("ftfy")
        is_bad: Any = importlib.import_module("ftfy.badness").is_bad
    except ImportError:
        msg = "fix_mojibake needs the package ftfy: pip install 'mbtoolkit[cleaning]'"
        raise UsageError(msg) from None

    def read(text: str) -> Read:
        fixed = _read_again(text, ftfy.fix_encoding)
        if fixed is not None and fixed != text and not is_bad(fixed) and not _DRAWN.search(fixed):
            return Read(fixed, "lost" if _LOST in fixed else None)
        if _LOST in text:
            return Read(text, "lost")
        is_odd = fixed is None or is_bad(text) or _DRAWN.search(text) is not None
        return Read(text, "doubtful" if is_odd else None)

    return read


def _read_again(text: str, fix_encoding: Callable[[str], str]) -> str | None:
    """What a text was; itself where it looks as it should, None where several things may be meant."""
    first = _FIRST_PAIR.search(text)
    encodings = _pairs().get(first[0], ()) if first else ()
    found = {read for encoding in encodings if (read := _as_utf8(text, encoding)) is not None}
    if len(found) == 1:
        return None if _has_space_for_byte(text) else found.pop()
    if found:
        return None
    fixed = fix_encoding(text)
    if not _C1.search(text) or fixed not in (text, as_windows(text)):
        return fixed
    mapped = as_windows(text)
    return None if _is_odd(mapped) else mapped


def _has_space_for_byte(text: str) -> bool:
    """Whether one of its signs is a space that doesn't break lines, which people put behind letters too."""
    return "\u00a0" in text


def has_doubtful_controls(texts: pl.Series) -> pl.Series:
    """Whether a text holds controls beyond ASCII that are hardly Windows-1252's characters.

    Args:
        texts: String column.
    """
    rows = texts.str.contains(CONTROLS).fill_null(value=False).arg_true()
    odd = [_is_odd(as_windows(text)) for text in texts.gather(rows)]
    return pl.repeat(value=False, n=len(texts), dtype=pl.Boolean, eager=True).scatter(rows, odd)


def _is_odd(mapped: str) -> bool:
    return bool(_C1.search(mapped) or _ODD_IN_WORDS.search(mapped))


def as_windows(text: str) -> str:
    """The text with Windows-1252's characters for the controls beyond ASCII, where it has some."""
    return text.translate(_TRANSLATE)


def _as_utf8(text: str, encoding: str) -> str | None:
    """What a text was if it was UTF-8 read as an encoding; None where it was not, or was none of Latin letters."""
    table = _bytes_of(encoding)
    try:
        read = bytes(table[char] for char in text).decode()
    except (KeyError, UnicodeDecodeError):
        return None
    is_readable = _READABLE.fullmatch(read) and not read.isascii()
    return read if is_readable and (_OTHER_ALPHABET.search(read) or _is_word(text, read)) else None


def _is_word(text: str, read: str) -> bool:
    """Whether letters of ASCII stand beside those that were garbled, and in the same case."""
    plain = [char for char in text if char.isascii() and char.isalpha()]
    beyond = [char for char in read if not char.isascii() and char.isalpha()]
    is_loud = len(plain) >= _FEWEST_LETTERS and all(map(str.isupper, plain))
    return bool(plain) and not (is_loud and any(map(str.islower, beyond)))


@cache
def _bytes_of(encoding: str) -> dict[str, int]:
    """The byte of each character; bytes that an encoding doesn't have are controls."""
    return {_char(byte, encoding): byte for byte in range(256)}


def _char(byte: int, encoding: str) -> str:
    return bytes([byte]).decode(encoding, "ignore") or chr(byte)


@cache
def _pairs() -> dict[str, list[str]]:
    """The encodings as which the first two bytes of a letter in UTF-8 are read as each pair of characters."""
    pairs: dict[str, list[str]] = {}
    for encoding in _ENCODINGS:
        for lead, follow in product(_LEADS, range(0x80, 0xC0)):
            pairs.setdefault(_char(lead, encoding) + _char(follow, encoding), []).append(encoding)
    return pairs


@cache
def looks_garbled() -> str:
    """A pattern of what may have been read with a wrong encoding; all other text looks as it should."""
    follows: dict[str, set[str]] = {}
    for pair in _pairs():
        follows.setdefault(pair[0], set()).add(pair[1])
    by_follow: dict[str, list[str]] = {}
    for lead, some in follows.items():
        by_follow.setdefault(_class(some), []).append(lead)
    pairs = [_class(leads) + some for some, leads in by_follow.items()]
    return "|".join([*pairs, f"{_SIGN}{_LETTER}", f"{_LETTER}{_SIGN}", r"[ÂÃ] ", r"[\x{80}-\x{9F}\x{FFFD}]"])


def _class(chars: Iterable[str]) -> str:
    return "[" + "".join(rf"\x{{{ord(char):X}}}" for char in sorted(chars)) + "]"
