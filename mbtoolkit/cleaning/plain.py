"""Texts as they are compared: what differs by accident taken out."""

from __future__ import annotations

from typing import Final

import polars as pl

_LETTERS: Final = {"ø": "o", "æ": "ae", "å": "a", "ß": "ss", "ð": "d", "þ": "th", "ł": "l", "đ": "d"}
"""Letters that have no plain one inside."""


def plain_text(text: pl.Expr) -> pl.Expr:
    """A text without case, accents, punctuation and double spaces; null where nothing is left."""
    bare = text.str.to_lowercase().str.normalize("NFKD").str.replace_all(r"\p{M}", "")
    plain = bare.str.replace_many(list(_LETTERS), list(_LETTERS.values()))
    spaced = plain.str.replace_all(r"['’`´]", "").str.replace_all(r"[^\p{L}\p{N}]+", " ").str.strip_chars()
    return pl.when(spaced != "").then(spaced)
