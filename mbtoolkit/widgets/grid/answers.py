"""What the kernel says to the page: plain values for JSON, made from `Edits`."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from mbtoolkit.editing import Column, Edits

_SAMPLE: Final = 500
"""Rows whose cells decide how wide a column is."""
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


def summary_for_page(edits: Edits) -> dict[str, Any]:
    """The counts that the page always shows."""
    by_severity = edits.rows_by_severity()
    return {
        "height": edits.height,
        "errors": by_severity.get("error", 0),
        "warnings": by_severity.get("warning", 0),
        "changes": edits.change_count,
        "canUndo": edits.can_undo,
        "canRedo": edits.can_redo,
        "rules": edits.counts().cast({"severity": pl.String}).to_dicts(),
    }
