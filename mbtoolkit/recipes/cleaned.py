"""What a recipe made of a table, step by step."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import polars as pl

from mbtoolkit.cleaning.cells import differing
from mbtoolkit.cleaning.shown import empty_unread, shown_texts
from mbtoolkit.contacts import is_contact_column
from mbtoolkit.errors import MbtoolkitError, RecipeError, UsageError
from mbtoolkit.recipes.contacts import ReadContacts
from mbtoolkit.recipes.step import LOST, Step, StepResult, counted
from mbtoolkit.schemas.conform import is_unread_column, unread_column
from mbtoolkit.schemas.frames import ISSUES

Schema = Mapping[str, Any]

REPORT: Final[dict[str, pl.DataType]] = {
    "step": pl.Int64(),
    "what": pl.String(),
    "cells": pl.Int64(),
    "rows": pl.Int64(),
    "merged": pl.Int64(),
    "lost": pl.Int64(),
    "issues": pl.Int64(),
    "note": pl.String(),
}
CHANGES: Final[dict[str, pl.DataType]] = {
    "row": pl.Int64(),
    "column": pl.String(),
    "before": pl.String(),
    "after": pl.String(),
}


@dataclass(frozen=True, slots=True, repr=False)
class Done:
    """One step that was done.

    Attributes:
        place: its position in the recipe.
        step: the step.
        before: the frame that it was done to.
        outcome: what came of it.
        rows: for each row of `before`, the position in the given table of the row that stands for it.
    """

    place: int
    step: Step
    before: pl.DataFrame
    outcome: StepResult
    rows: pl.Series
    counts: tuple[int | None, int | None] = (None, None)
    """How many cells it changed, and in how many rows; None where the columns have other names after it."""

    @classmethod
    def of(cls, place: int, step: Step, frame: pl.DataFrame, rows: pl.Series) -> Done:
        """Does a step.

        Args:
            place: its position in the recipe.
            step: the step.
            frame: what it is done to.
            rows: for each row of `frame`, the position in the given table of the row that stands for it.

        Raises:
            RecipeError: it can't be done to this frame.
        """
        missing = [name for name in step.needs if name not in frame.columns]
        if missing:
            msg = f"step {place} ({step.do}) needs the column {missing[0]!r}, which isn't there"
            raise RecipeError(msg)
        try:
            done = cls(place, step, frame, step.run(frame), rows)
        except MbtoolkitError as error:
            msg = f"step {place} ({step.do}): {error}"
            raise RecipeError(msg) from error
        return done if step.do == "read_contacts" else replace(done, counts=done._counted())

    @property
    def merged(self) -> int:
        """How many rows went into others."""
        return self.before.height - self.outcome.frame.height

    def rows_after(self) -> pl.Series:
        """For each row after it, the position in the given table of the row that stands for it."""
        return self.rows.gather(self._standing())

    def changes(self) -> pl.DataFrame:
        """The cells that it changed: `row`, `column`, `before`, `after`; of rows that were merged, the merged ones."""
        before, after = self._pair()
        parts = [pl.DataFrame(schema=CHANGES)]
        for name in self._columns(before, after):
            rows = _differing(before, after, name)
            if not rows.is_empty():
                told = (self.rows_after().gather(rows), pl.lit(name), before[rows], after[rows])
                parts.append(_changed(*told, name))
        return pl.concat(parts).sort("row", maintain_order=True)

    def _counted(self) -> tuple[int, int]:
        before, after = self._pair()
        found = [_differing(before, after, name) for name in self._columns(before, after)]
        rows = pl.concat(found).n_unique() if found else 0
        return sum(map(len, found)), rows

    def _standing(self) -> pl.Series:
        """For each row after it, the row before it that stands in its place."""
        if self.outcome.into is None:
            return pl.int_range(self.before.height, dtype=pl.Int64, eager=True)
        pairs = pl.DataFrame({"into": self.outcome.into}).with_row_index("row")
        return pairs.group_by("into").agg(pl.col("row").min().cast(pl.Int64)).sort("into")["row"]

    def _pair(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The frame before and after it, row by row."""
        before = self.before if self.outcome.into is None else self.before[self._standing()]
        return before, self.outcome.frame

    def _columns(self, before: pl.DataFrame, after: pl.DataFrame) -> list[str]:
        """The columns that can be compared: none where the step named them anew."""
        if self.step.do == "read_contacts":
            return []
        return [name for name in after.columns if name in before.columns and not is_unread_column(name)]


def _changed(rows: pl.Series, column: pl.Expr, before: pl.DataFrame, after: pl.DataFrame, name: str) -> pl.DataFrame:
    texts = [shown_texts(before, name).alias("before"), shown_texts(after, name).alias("after")]
    return pl.DataFrame([rows.alias("row"), *texts]).select("row", column.alias("column"), "before", "after")


def _differing(before: pl.DataFrame, after: pl.DataFrame, name: str) -> pl.Series:
    """The rows whose cell is another one, as it is shown."""
    beside = unread_column(name) if is_contact_column(name) else None
    same_type = before.schema[name] == after.schema[name]
    if same_type and (beside is None or (beside not in before.columns and beside not in after.columns)):
        differs = differing(before.get_column(name), after.get_column(name))
    else:
        differs = shown_texts(before, name).ne_missing(shown_texts(after, name))
    return differs.arg_true().cast(pl.Int64)


class Cleaned:
    """What a recipe made of a table.

    Attributes:
        contacts: the table after all steps.
        report: a line for each step that was done: `step` (its position in the recipe), `what`, `cells` and `rows`
            (how many it changed), `merged` (rows that went into others), `lost` (values of theirs that are in no
            row any more), `issues` (cells that it could not read), `note`. Null counts are of a step that gives the
            columns other names.
        rows: for each row of the given table, `row`, where it went: `into`, a position in `contacts`.
        lost: the values of merged rows that are in no row any more: `step`, `row` (position in the given table),
            `column`, `value` and `kept`, what stands there instead.
        issues: the cells that a step could not read and left as they were, and those in which it suspects a slip (of
            severity `warning`): an issues frame, `row` being the position in the given table, with `step`. A later step
            may have mended them: see `left`.
    """

    def __init__(self, given: pl.DataFrame, done: Sequence[Done] = ()) -> None:
        self._given = given
        self._done = tuple(done)
        frame = self._done[-1].outcome.frame if self._done else given
        self.contacts = frame.drop(empty_unread(frame))
        self.rows = _rows(given.height, self._done)
        self.issues = _in_given(self._done, lambda outcome: outcome.issues, ISSUES)
        self.lost = _in_given(self._done, lambda outcome: outcome.lost, LOST)
        self.report = pl.DataFrame([_line(each) for each in self._done], schema=REPORT, orient="row")

    def after(self, place: int, step: Step) -> Cleaned:
        """What one more step makes of it.

        Args:
            place: the step's position in the recipe.
            step: the step.

        Raises:
            RecipeError: it can't be done to this table.
        """
        rows = pl.int_range(self._given.height, dtype=pl.Int64, eager=True)
        last = self._done[-1] if self._done else None
        frame, rows = (last.outcome.frame, last.rows_after()) if last is not None else (self._given, rows)
        return Cleaned(self._given, (*self._done, Done.of(place, step, frame, rows)))

    def changes(self, step: int | None = None) -> pl.DataFrame:
        """The cells that were changed: `row` (position in the given table), `column`, `before`, `after`, as texts.

        Args:
            step: of one step, by its position in the recipe; None: of all, with `step` in front.

        Raises:
            UsageError: no such step was done.
        """
        if step is None:
            parts = [
                each.changes().select(pl.lit(each.place, dtype=pl.Int64).alias("step"), *CHANGES) for each in self._done
            ]
            return pl.concat([pl.DataFrame(schema={"step": pl.Int64, **CHANGES}), *parts])
        found = next((each for each in self._done if each.place == step), None)
        if found is None:
            msg = f"step {step!r} was not done; those that were: {', '.join(str(each.place) for each in self._done)}"
            raise UsageError(msg)
        return found.changes()

    @property
    def given(self) -> pl.DataFrame:
        """The table that was given, as it was."""
        return self._given

    @property
    def rows_before(self) -> dict[int, pl.Series]:
        """For each step that was done, by its position: of each row before it, where it stands in the given table."""
        return {each.place: each.rows for each in self._done}

    @property
    def headline(self) -> str:
        """The counts in one sentence: rows in = rows out + rows merged."""
        cells, given, out = int(self.report["cells"].sum()), self._given.height, self.contacts.height
        told = f"{counted(len(self._done), 'step')} changed {counted(cells, 'cell')}; "
        told += f"{counted(given, 'row')} in = {counted(out, 'row')} out + {given - out:,} merged into others"
        told += f"; {counted(self.lost.height, 'value')} lost" if self.lost.height else ""
        left = self.left.filter(pl.col("severity") == "error").select("row", "column").unique().height
        verb = "stands" if left == 1 else "stand"
        return told + (f"; {counted(left, 'cell')} could not be read and {verb} as found" if left else "")

    @property
    def left(self) -> pl.DataFrame:
        """The lines of `issues` whose cells stand in `contacts` as they were found, with `into`, their row there."""
        into = self.rows["into"].gather(self.issues["row"]).alias("into")
        lines = self.issues.with_columns(into, self._names_now())
        parts = [pl.DataFrame(schema={**self.issues.schema, "into": pl.Int64})]
        for name in lines["column"].unique(maintain_order=True).drop_nulls():
            if name in self.contacts.columns:
                found = lines.filter(pl.col("column") == name)
                now = shown_texts(self.contacts, name).gather(found["into"])
                parts.append(found.filter(now.eq_missing(found["value"])))
        return pl.concat(parts).sort("step", "row", maintain_order=True)

    def _names_now(self) -> pl.Expr:
        """The columns of issues under the names that they have since the table was read as contacts."""
        name = pl.col("column")
        for each in self._done:
            if isinstance(each.step, ReadContacts):
                targets = {old: new for old, new in each.step.mapping.items() if new}
                name = pl.when(pl.col("step") < each.place).then(name.replace(targets)).otherwise(name)
        return name.alias("column")

    def __repr__(self) -> str:
        """The counts; no cell of the table is in them."""
        lines = [self.headline]
        for place, what, *counts, note in self.report.iter_rows():
            told = told_counts(*counts)
            lines.append(f"  {place}  {what}{': ' if told else ''}{told}" + (f" ({note})" if note else ""))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        heads = ("Step", "What", "Changed", "Note")
        head = "".join(f"<th scope='col' style='text-align:left'>{each}</th>" for each in heads)
        lines = [
            (str(place), what, told_counts(*counts), note or "")
            for place, what, *counts, note in self.report.iter_rows()
        ]
        body = "".join(
            "<tr>" + "".join(f"<td style='text-align:left'>{html.escape(cell)}</td>" for cell in line) + "</tr>"
            for line in lines
        )
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if lines else ""
        return f"<div><p><strong>{html.escape(self.headline)}</strong></p>{table}</div>"


def told_counts(cells: int | None, rows: int | None, merged: int, lost: int, issues: int) -> str:
    """The counts of one line of a report, in words; "" where there is nothing to tell."""
    beside = [f"{counted(merged, 'row')} merged into others"] if merged else []
    beside += [f"{counted(lost, 'value')} lost"] if lost else []
    beside += [f"{counted(issues, 'cell')} could not be read"] if issues else []
    if cells is None or rows is None or (not cells and merged):
        return "; ".join(beside)
    return "; ".join([f"{counted(cells, 'cell')} in {counted(rows, 'row')}", *beside])


def _line(done: Done) -> tuple[object, ...]:
    note = "; ".join(done.outcome.notes) or None
    outcome = done.outcome
    return (done.place, done.step.label, *done.counts, done.merged, outcome.lost.height, outcome.unread, note)


def _rows(height: int, done: Sequence[Done]) -> pl.DataFrame:
    """Where each row of the given table went."""
    into = pl.int_range(height, dtype=pl.Int64, eager=True)
    for each in done:
        if each.outcome.into is not None:
            into = each.outcome.into.cast(pl.Int64).gather(into)
    return pl.DataFrame({"row": pl.int_range(height, dtype=pl.Int64, eager=True), "into": into})


def _in_given(done: Sequence[Done], told: Callable[[StepResult], pl.DataFrame], schema: Schema) -> pl.DataFrame:
    """What the steps tell of rows, each with its step, and with the row's position in the given table."""
    parts = [pl.DataFrame(schema={"step": pl.Int64(), **schema})]
    for each in done:
        lines = told(each.outcome)
        step = pl.lit(each.place, dtype=pl.Int64).alias("step")
        parts.append(lines.with_columns(row=each.rows.gather(lines["row"])).select(step, *schema))
    return pl.concat(parts)
