"""JSON objects as the CRM writes them: keys in any case, texts that may be broken, ids as text or number."""

from __future__ import annotations

import json
import re
from typing import Any, Final

LONGEST_ID: Final = 200
"""Characters of a batch's id; the documented ones are uuids."""

LONGEST_NUMBER: Final = 2**63 - 1
"""The CRM's numbers are int64."""

_HALF_CHARACTER: Final = re.compile("[\ud800-\udfff]")


def read_object(body: bytes) -> dict[str, Any] | None:
    """The object in a body, its keys (at every depth) in lower case; None where there is none that could be read."""
    try:
        found = json.loads(body, object_pairs_hook=_folded)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _folded(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object by its keys without regard to case.

    Raises:
        ValueError: one key says two things, so that it says nothing.
    """
    folded: dict[str, Any] = {}
    for key, value in pairs:
        if folded.setdefault(key.casefold(), value) != value:
            msg = "one key with two values"
            raise ValueError(msg)
    return folded


def object_in(value: Any) -> dict[str, Any]:
    """The value, if it is an object; else an empty one."""
    return value if isinstance(value, dict) else {}


def list_in(value: Any) -> list[Any]:
    """The value, if it is a list; else an empty one."""
    return value if isinstance(value, list) else []


def readable(text: str) -> str:
    """The text with every half character, which nothing could write down, as U+FFFD."""
    return _HALF_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", text)


def text_in(value: Any) -> str | None:
    """The value, if it is text."""
    return readable(value) if isinstance(value, str) else None


def first_text(*candidates: Any) -> str | None:
    """The first of the values that is text and not blank."""
    return next((text for text in map(text_in, candidates) if text and text.strip()), None)


def natural_number(value: Any) -> int | None:
    """The value as a number from 0 to int64's end, which the CRM may send as text; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    if isinstance(value, int):
        return value if 0 <= value <= LONGEST_NUMBER else None
    text = value.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        return None
    return natural_number(int(text))


def contact_id_in(value: Any) -> int | None:
    """A contact's id; None for what is no positive int64."""
    return natural_number(value) or None


def batch_id_in(value: Any) -> str | None:
    """A batch's id, which may be text or a number; None for one that is blank, or that nobody could ask for again."""
    if isinstance(value, int) and not isinstance(value, bool):
        number = natural_number(value)
        return None if number is None else str(number)
    text = value.strip() if isinstance(value, str) else ""
    return text if text.isprintable() and 0 < len(text) <= LONGEST_ID else None
