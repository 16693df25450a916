"""What the kernel says to the page: plain values for JSON, made from `Edits`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import polars as pl

from mbtoolkit.recipes import Step, offered_steps
from mbtoolkit.schemas import unread_column
from mbtoolkit.sessions.editing import Column, Edits

_SAMPLE: Final = 500
"""Rows whose cells decide how wide a column is."""
MAX_SHOWN: Final = 200
"""Suggestions, and values that are spelt in several ways, that the page shows at once."""
_LISTED: Final = 10
"""Values, and patterns, of a column that are listed."""
_WIDEST: Final = 40
"""Characters that a column shows at most, before it is cut short."""


def columns_for_page(edits: Edits) -> list[dict[str, Any]]:
    """How each column is shown: name, label, whether it holds numbers, may be edited, its width in characters."""
    sample = edits.texts(pl.int_range(min(edits.height, _SAMPLE), dtype=pl.Int64, eager=True))
    return [
        {
            "name": column.name,
            "label": column.label,
            "isNumber": column.is_number,
            "readOnly": column.read_only,
            "chars": _width(column, sample.to_series(place)),
        }
        for place, column in enumerate(edits.columns)
    ]


def _width(column: Column, texts: pl.Series) -> int:
    usual = texts.str.len_chars().quantile(0.95) if texts.null_count() < len(texts) else 0
    return min(max(int(usual or 0), len(column.label) + 2, len(column.name) * 4 // 5, 6), _WIDEST)


def rows_for_page(edits: Edits, ids: pl.Series) -> list[dict[str, Any]]:
    """The rows with what is wrong in them and which of their cells were changed.

    Args:
        edits: the frame that is mended.
        ids: the rows' ids.
    """
    marks = _marks(edits, ids)
    changed = [edits.changed_rows(column.name) for column in edits.columns]
    return [
        {
            "id": row,
            "cells": list(cells),
            "marks": marks.get(row, []),
            "changed": [place for place, rows in enumerate(changed) if row in rows],
        }
        for row, cells in zip(ids, edits.texts(ids).iter_rows(), strict=True)
    ]


def _marks(edits: Edits, ids: pl.Series) -> dict[int, list[dict[str, Any]]]:
    """For each row its issues; column -1 stands for the row as a whole, and for columns that are not shown."""
    places = {column.name: place for place, column in enumerate(edits.columns)}
    wanted = edits.issues_of(ids).select("row", "column", "rule", "severity", "message", "suggestion")
    marks: dict[int, list[dict[str, Any]]] = {}
    for row, column, rule, severity, message, suggestion in wanted.sort("severity", maintain_order=True).iter_rows():
        place = places.get(column, -1)
        subject = edits.columns[place].label if place >= 0 else column
        text = f"{subject} {message}" if subject else message[:1].upper() + message[1:]
        mark = {"column": place, "rule": rule, "severity": severity, "message": text, "suggestion": suggestion}
        marks.setdefault(row, []).append(mark)
    return marks


def profile_for_page(edits: Edits, column: str) -> dict[str, Any]:
    """What is in a column: `type`, `rows`, `filled`, `distinct`, `shortest`, `longest`, `commonest`, `patterns`.

    Raises:
        UsageError: there is no such column.
    """
    return edits.profile(column, show_values=True, top=_LISTED).columns.row(0, named=True)


def repairs_for(edits: Edits, column: str) -> dict[str, Step]:
    """The repairs that a column is offered, by what stands on their buttons; none where it may not be edited."""
    is_open = any(each.name == column and not each.read_only for each in edits.columns)
    return dict(offered_steps(edits.contacts, column)) if is_open else {}


def spellings_for_page(edits: Edits, column: str) -> dict[str, Any]:
    """The values of a column that have several spellings, those of the most rows first, and how many more there are.

    Raises:
        UsageError: there is no such column.
    """
    found = edits.spellings(column)
    seen = found.filter(pl.col("cluster") < MAX_SHOWN)
    clusters = [part.select("value", "rows").to_dicts() for part in seen.partition_by("cluster")]
    return {"clusters": clusters, "more": found["cluster"].n_unique() - len(clusters)}


def suggestions_for_page(edits: Edits) -> dict[str, Any]:
    """The first cells that have a suggestion, before and after, and how many there are."""
    found = edits.suggestions
    labels = {column.name: column.label for column in edits.columns}
    rows = [
        {"row": row, "label": labels[column], "before": before, "after": after}
        for row, column, before, after in found.head(MAX_SHOWN).iter_rows()
    ]
    return {"cells": rows, "total": found.height}


def counted(count: int, thing: str) -> str:
    """Such as `1 cell` and `2,000 cells`."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def count_changed(before: pl.DataFrame, after: pl.DataFrame, columns: Iterable[str]) -> int:
    """How many cells of some columns differ between two frames of the same rows, unread text included."""
    count = 0
    for name in columns:
        parts = [each for each in (name, unread_column(name)) if each in before.columns or each in after.columns]
        kept = [_cells(before, each).ne_missing(_cells(after, each)) for each in parts]
        count += int(pl.select(pl.any_horizontal(kept).sum()).item())
    return count


def summary_for_page(edits: Edits) -> dict[str, Any]:
    """The counts that the page always shows."""
    by_severity = edits.rows_by_severity()
    return {
        "height": edits.height,
        "errors": by_severity.get("error", 0),
        "warnings": by_severity.get("warning", 0),
        "changes": edits.change_count,
        "suggestions": edits.suggestion_count,
        "canUndo": edits.can_undo,
        "canRedo": edits.can_redo,
        "rules": edits.counts().cast({"severity": pl.String}).to_dicts(),
    }


def _cells(frame: pl.DataFrame, name: str) -> pl.Series:
    """The cells of a column, all null where the frame has none of that name."""
    return frame.get_column(name) if name in frame.columns else pl.Series(name, [None] * frame.height)
