"""`clean_text` and `fix_mojibake`: columns of any text."""

from __future__ import annotations

from typing import Final

import polars as pl

from mbtoolkit.cleaning.cells import Column, answered, as_text, each_once
from mbtoolkit.cleaning.garbled import CONTROLS, NOTHING, WINDOWS, looks_garbled, reader
from mbtoolkit.schemas.texts import unless_blank

MENDED: Final = pl.Struct({"text": pl.String, "issue": pl.String})
_READ: Final = pl.Struct({"text": pl.String, "issue": pl.String})

_UNSEEN: Final = (
    rf"[[\p{{Cc}}\p{{Zl}}\p{{Zp}}]--[{NOTHING}]]|[\x{{AD}}\x{{61C}}\x{{180E}}\x{{200B}}\x{{200E}}\x{{200F}}\x{{202A}}-\x{{202E}}"
    r"\x{2060}-\x{206F}\x{FEFF}\x{115F}\x{1160}\x{3164}\x{FFA0}]"
)
"""What nobody sees and nothing needs. Joiners stay: Persian, the scripts of India and emoji are written with them."""
_BREAKS: Final = r"\s*[\r\n\x{2028}\x{2029}]\s*"
_WINDOWS: Final = {code: char for code, char in WINDOWS.items() if char}
MOJIBAKE_ISSUES: Final = {
    "lost": "mojibake_lost: holds characters that were lost when the text was read with a wrong encoding; read the "
    "source again (read_contacts: encoding=...) or type it again",
    "doubtful": "mojibake_doubtful: looks as if it was read with a wrong encoding; read the source again "
    "(read_contacts: encoding=...) or type it again",
}

_TEXT = pl.col("text")


def clean_text(column: Column, *, keep_lines: bool = False) -> Column:
    r"""The cells with single spaces, without what nobody sees, in Unicode's usual form (NFC).

    Controls beyond ASCII are Windows-1252's characters that were read as Latin-1 (`O\x92Neil` becomes `O’Neil`); the
    five that are nothing there stay, for a letter may be lost in them: `fix_mojibake` reports them.

    Args:
        column: of anything that has a text form.
        keep_lines: line breaks stay (as `\n`); by default they become spaces.

    Returns:
        String column under the same name and of the same height; null where nothing could be seen.

    Raises:
        UsageError: the column has no text form.

    Example:
        >>> clean_text(pl.Series(["  Ada\u00a0\u200bLovelace ", " "])).to_list()
        ['Ada Lovelace', None]
    """
    return answered(column, lambda cells: cleaned(as_text(cells), keep_lines=keep_lines), pl.String)


def cleaned(texts: pl.Series, *, keep_lines: bool = False) -> pl.Series:
    """What `clean_text` answers for a String column."""
    if texts.str.contains(CONTROLS).any():
        texts = texts.str.replace_many(list(_WINDOWS), list(_WINDOWS.values()))
    lines = _TEXT.str.replace_all(_BREAKS, "\u2028" if keep_lines else " ")
    spaced = lines.str.replace_all(r"[[\s\x{1C}-\x{1F}]--\x{2028}]+", " ")
    seen = spaced.str.replace_all(_UNSEEN.replace(r"\p{Zl}", "") if keep_lines else _UNSEEN, "")
    if keep_lines:
        seen = seen.str.replace_all("\u2028", "\n", literal=True)
    # Spaces stood on both sides of what was removed.
    single = seen.str.replace_all(" {2,}", " ").str.strip_chars().str.normalize("NFC")
    return texts.alias("text").to_frame().select(unless_blank(single)).to_series()


def fix_mojibake(column: Column) -> Column:
    """The cells as they were before somebody read UTF-8 as another encoding (`BjÃ¸rn` becomes `Bjørn`).

    Only cells that look broken are touched; what they were is the `ftfy` package's judgement, or is plain from all
    their signs being bytes of one encoding that make UTF-8. A cell that looks broken and may have been several things,
    or is none that is known, stays as it is and is an issue.

    Args:
        column: text.

    Returns:
        Under the same name and of the same height: `text` (String), `issue` (String, where characters are lost for
        good, or the text looks broken and stays). Null where the cell is null.

    Raises:
        UsageError: `ftfy` is not installed (`pip install mbtoolkit[cleaning]`), or the column has no text form.

    Example:
        >>> fix_mojibake(pl.Series(["BjÃ¸rn"])).struct.field("text").to_list()
        ['Bjørn']
    """
    read = reader()

    def fixed(cells: pl.Series) -> pl.Series:
        texts = as_text(cells)
        rows = texts.str.contains(looks_garbled()).fill_null(value=False).arg_true()
        again = each_once(texts.gather(rows), read, _READ)
        told = texts.to_frame("text").with_columns(
            text=texts.scatter(rows, again.struct.field("text")),
            issue=pl.repeat(None, len(texts), dtype=pl.String, eager=True).scatter(
                rows, again.struct.field("issue").replace_strict(MOJIBAKE_ISSUES, default=None, return_dtype=pl.String)
            ),
        )
        return told.select(pl.when(_TEXT.is_not_null()).then(pl.struct("text", "issue"))).to_series()

    return answered(column, fixed, MENDED)
