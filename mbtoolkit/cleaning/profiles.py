"""What is in each column of a table: how full it is, what is common in it, and what its cells look like.

A pattern says what a cell looks like without saying what it is: each run of letters is an `a`, each digit a `9` (their
number matters in phones and postal codes), and all else stands for itself; what can't be seen, and any space other than
the plain one, is a `�`. So `Storgata 5 B` is `a 9 a`, `+44 7700 900123` is `+99 9999 999999`.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from mbtoolkit.errors import FrameError, UsageError
from mbtoolkit.schemas.emails import INVISIBLE
from mbtoolkit.schemas.texts import has_text_form, text_form, unless_blank

COUNTED: Final = pl.List(pl.Struct({"value": pl.String, "rows": pl.Int64}))
PROFILE: Final[dict[str, pl.DataType]] = {
    "column": pl.String(),
    "type": pl.String(),
    "rows": pl.Int64(),
    "filled": pl.Int64(),
    "distinct": pl.Int64(),
    "shortest": pl.Int64(),
    "longest": pl.Int64(),
    "commonest": COUNTED,
    "patterns": COUNTED,
}
"""The frame that a profile holds: one line for each column."""

MASKED: Final = "•••"
"""Stands for a value that was not asked for."""

_LONGEST_PATTERN: Final = 60
_LONGEST_SHOWN: Final = 40
_NO_MATCH: Final = object()
_BAR: Final = "background:var(--jp-brand-color1,#1976d2)"
_TRACK: Final = "background:var(--jp-layout-color3,#bdbdbd)"
_EDGE: Final = "border-bottom:1px solid var(--jp-border-color2,#bdbdbd)"
_CELL: Final = f"text-align:left;vertical-align:top;padding:4px 10px;color:var(--jp-ui-font-color1,inherit);{_EDGE}"


@dataclass(frozen=True, slots=True)
class Profile:
    """What is in each column of a table.

    Attributes:
        columns: one line for each column: `column`, `type`, `rows`, `filled` (cells in which something can be seen),
            `distinct` (different values among them), `shortest` and `longest` (characters), `commonest` and `patterns`
            (the values and patterns of the most rows, as a list of `value` and `rows`).
        shows_values: whether the values themselves are in it. They are masked where not, but for yes and no.
    """

    columns: pl.DataFrame
    shows_values: bool

    def __repr__(self) -> str:
        """One line for each column; values only if they were asked for."""
        lines = []
        for line in self.columns.iter_rows(named=True):
            patterns = ", ".join(f"{_printable(each['value'])} ({each['rows']:,})" for each in line["patterns"])
            share = _percent(line["filled"], line["rows"])
            told = f"{_printable(line['column'])}: {share} filled, {_number(line['distinct'])} distinct; {patterns}"
            if self.shows_values and line["commonest"]:
                values = (f"{_printable(each['value'])} ({each['rows']:,})" for each in line["commonest"])
                told += f"; commonest: {', '.join(values)}"
            lines.append(told)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        heads = ("Column", "Filled", "Distinct", "Characters", "Commonest values", "Patterns")
        head = "".join(f"<th scope='col' style='{_CELL}'>{each}</th>" for each in heads)
        body = "".join(f"<tr>{_line(line)}</tr>" for line in self.columns.iter_rows(named=True))
        note = "" if self.shows_values else "<p>Values are masked; profile(..., show_values=True) shows them.</p>"
        return f"<div><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}</div>"


def profile(frame: pl.DataFrame, *, show_values: bool = False, top: int = 5) -> Profile:
    """What is in each column: how full it is, how many values, how long, the commonest ones and what they look like.

    Args:
        frame: any table.
        show_values: whether the commonest values are shown as they are. They can be names and addresses of people, and
            an output is saved with its notebook, so they are masked until asked for.
        top: how many values and patterns of each column are listed.

    Raises:
        FrameError: `frame` is no polars DataFrame.
        UsageError: `top` is less than 1.
    """
    _check_frame(frame, "profile")
    texts = [_text_of(frame[name]) for name in frame.columns]
    return profile_texts(texts, frame.dtypes, show_values=show_values, top=top)


def profile_texts(
    texts: Iterable[pl.Series], dtypes: Iterable[pl.DataType], *, show_values: bool = False, top: int = 5
) -> Profile:
    """The profile of columns whose cells are text already, as a person sees them.

    Args:
        texts: for each column, its name and its cells as text, or its cells where they have no text form.
        dtypes: the columns' own dtypes.
        show_values: as `profile`.
        top: as `profile`.

    Raises:
        UsageError: `top` is less than 1.
    """
    if top < 1:
        msg = f"top is how many values are listed, at least 1; not {top!r}"
        raise UsageError(msg)
    lines = [_profiled(each, dtype, top, show_values=show_values) for each, dtype in zip(texts, dtypes, strict=True)]
    return Profile(pl.DataFrame(lines, schema=PROFILE, orient="row"), show_values)


def matching(frame: pl.DataFrame, column: str, *, pattern: str | None = None, value: Any = _NO_MATCH) -> pl.DataFrame:
    """The rows whose cell has a pattern, or a value.

    Args:
        frame: any table.
        column: one of its columns.
        pattern: as `profile` lists it; "" finds the cells in which nothing can be seen.
        value: as `profile` lists it (a text), or of the column's own type.

    Raises:
        FrameError: `frame` is no polars DataFrame, or the column is not in it or has no text form.
        UsageError: neither a pattern nor a value, or both.
    """
    _check_frame(frame, "matching")
    if (pattern is None) == (value is _NO_MATCH):
        msg = "say what to look for, by one of pattern='...' and value=..."
        raise UsageError(msg)
    if column not in frame.columns:
        msg = f"the frame has no column {column!r}"
        raise FrameError(msg)
    dtype = frame.schema[column]
    if not has_text_form(dtype):
        msg = f"the cells of {column!r} ({dtype}) have no text to match"
        raise FrameError(msg)
    cells = pl.nth(frame.columns.index(column))
    text = text_form(cells, dtype)
    if pattern is not None:
        return frame.filter(has_pattern(text, pattern))
    return frame.filter(has_value(text, value) if isinstance(value, str) else cells.eq_missing(value))


def has_pattern(text: pl.Expr, pattern: str) -> pl.Expr:
    """Whether each text has a pattern; "" stands for nothing that can be seen."""
    shown = unless_blank(text)
    return pattern_of(shown).eq(pattern).fill_null(value=False) if pattern else shown.is_null()


def has_value(text: pl.Expr, value: str) -> pl.Expr:
    """Whether each text is a value; one in which nothing can be seen is none."""
    return unless_blank(text).eq(value).fill_null(value=False)


def pattern_of(text: pl.Expr) -> pl.Expr:
    """What each text looks like, as this module has it; at most 60 characters, the rest is a `…`."""
    seen = text.str.replace_all(INVISIBLE, "�").str.replace_all(r"[^\S ]|\p{Cc}", "�")
    plain = seen.str.replace_all(r"[\p{L}\p{M}]+", "a").str.replace_all(r"\p{N}", "9")
    cut = pl.concat_str(plain.str.slice(0, _LONGEST_PATTERN), pl.lit("…"))
    return pl.when(plain.str.len_chars() > _LONGEST_PATTERN).then(cut).otherwise(plain)


def _check_frame(frame: pl.DataFrame, function: str) -> None:
    if not isinstance(frame, pl.DataFrame):
        msg = f"{function} takes a polars DataFrame, not a {type(frame).__name__}; .collect() a LazyFrame first"
        raise FrameError(msg)


def _text_of(cells: pl.Series) -> pl.Series:
    """The cells as text, under their name, where they have a text form."""
    if not has_text_form(cells.dtype):
        return cells
    return cells.to_frame().select(text_form(pl.first(), cells.dtype)).to_series().alias(cells.name)


def _profiled(cells: pl.Series, dtype: pl.DataType, top: int, *, show_values: bool) -> dict[str, Any]:
    """The line of one column; each of its values is looked at once."""
    line: dict[str, Any] = {"column": cells.name, "type": str(dtype), "rows": len(cells)}
    if cells.dtype != pl.String:
        return line | {"filled": len(cells) - cells.null_count(), "commonest": [], "patterns": []}
    text = cells.to_frame().select(unless_blank(pl.first()).alias("value")).to_series()
    counts = text.drop_nulls().value_counts(name="rows").with_columns(pl.col("rows").cast(pl.Int64))
    lengths = counts["value"].str.len_chars()
    patterns = counts.group_by(pattern_of(pl.col("value"))).agg(pl.col("rows").sum())
    commonest = _most(counts, top)
    is_masked = not show_values and dtype != pl.Boolean
    return line | {
        "filled": int(counts["rows"].sum()),
        "distinct": counts.height,
        "shortest": lengths.min(),
        "longest": lengths.max(),
        "commonest": [each | {"value": MASKED} for each in commonest] if is_masked else commonest,
        "patterns": _most(patterns, top),
    }


def _most(counts: pl.DataFrame, top: int) -> list[dict[str, Any]]:
    return counts.select("value", "rows").sort("rows", "value", descending=[True, False]).head(top).to_dicts()


def _line(line: dict[str, Any]) -> str:
    rows, filled = line["rows"], line["filled"]
    kind = f"<div style='font-size:85%;color:var(--jp-ui-font-color2,inherit)'>{_shown(line['type'])}</div>"
    lengths = {_number(line["shortest"]): None, _number(line["longest"]): None}
    cells = (
        f"{_bar(filled, rows)}{_percent(filled, rows)}",
        _number(line["distinct"]),
        "–".join(lengths),
        _bars(line["commonest"], filled),
        _bars(line["patterns"], filled),
    )
    name = f"<th scope='row' style='{_CELL}'>{_shown(line['column'])}{kind}</th>"
    return name + "".join(f"<td style='{_CELL}'>{cell}</td>" for cell in cells)


def _bars(counted: Iterable[dict[str, Any]], filled: int) -> str:
    """A bar for each value, as long as its share of the filled cells."""
    return "".join(
        f"<div style='white-space:nowrap'>{_bar(each['rows'], filled)}<bdi><code>{_shown(each['value'])}</code></bdi> "
        f"{each['rows']:,}</div>"
        for each in counted
    )


def _bar(part: int, whole: int) -> str:
    """A bar that is filled as a share is; for the eye only, as the number stands beside it."""
    width = 100 * part / whole if whole else 0.0
    return (
        f"<span aria-hidden='true' style='display:inline-block;width:48px;height:8px;margin-right:6px;{_TRACK}'>"
        f"<span style='display:block;height:8px;width:{width:.1f}%;{_BAR}'></span></span>"
    )


def _shown(text: str) -> str:
    cut = text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
    return html.escape(_printable(cut))


def _printable(text: str) -> str:
    """A text with every character that a terminal would obey or hide written out, as Python writes it."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def _number(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _percent(part: int, whole: int) -> str:
    """A share, which is 0 % or 100 % only if nothing or all is meant."""
    share = 100 * part / whole if whole else 0.0
    return f"{min(99.9, max(0.1, share)):.1f} %" if 0 < part < whole else f"{share:.0f} %"
