"""The steps of a table's clean-up, taken along when its columns get other names or another table takes its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import takewhile

import polars as pl

from mbtoolkit.cleaning.shown import shown_texts
from mbtoolkit.errors import RecipeError
from mbtoolkit.recipes import (
    Cell,
    Cleaned,
    ColumnStep,
    EditCells,
    MergeDuplicates,
    MergeRows,
    NormalizePhone,
    Recipe,
    Step,
    row_prints,
)


def renamed(step: Step, names: Mapping[str, str]) -> Step:
    """A step for columns that have other names now.

    Args:
        step: any.
        names: {old name: new name}; a column that is not in it keeps its name.
    """

    def new(name: str) -> str:
        return names.get(name, name)

    if isinstance(step, NormalizePhone) and step.default_country is not None:
        return replace(step, column=new(step.column), default_country=new(step.default_country))
    if isinstance(step, ColumnStep):
        return replace(step, column=new(step.column))
    if isinstance(step, EditCells):
        return replace(step, cells=[replace(cell, column=new(cell.column)) for cell in step.cells])
    if isinstance(step, MergeRows):
        return replace(step, choices={new(name): place for name, place in step.choices.items()})
    if isinstance(step, MergeDuplicates):
        return replace(
            step,
            date_column=None if step.date_column is None else new(step.date_column),
            rules={new(name): rule for name, rule in step.rules.items()},
            columns=None if step.columns is None else [new(name) for name in step.columns],
        )
    return step


Stages = list[tuple[Step, Cleaned]]
"""The first steps of a recipe, each with what it and those before it made of a table."""


def done_again(
    contacts: pl.DataFrame, recipe: Recipe, *, same_rows: bool, known: Stages | None = None
) -> tuple[Recipe, Cleaned, list[str], Stages]:
    """Does steps that were made for a table as it was read before.

    Args:
        contacts: the table as it is read now.
        recipe: the steps, under the names that the columns have now.
        same_rows: whether it is the same table, so that cells mended by hand are known by their place.
        known: what the first steps made of these very contacts; where the recipe begins with them they are not done
            once more.

    Returns:
        The recipe as it was done, what came of it, what is to be said of steps that could not be done, and the stages
        up to the first of those.
    """
    stages = _common(known or [], recipe)
    cleaned = stages[-1][1] if stages else Cleaned(contacts)
    notes, steps = [], [step for step, _ in stages]
    for place, step in enumerate(recipe.steps[len(stages) :], len(stages)):
        made = _in_place(step, cleaned.contacts) if same_rows else step
        steps.append(made)
        missing = [name for name in made.needs if name not in cleaned.contacts.columns]
        if missing and made.is_on:
            notes.append(f"not done, as there is no column {missing[0]!r}: {made.label}")
        elif made.is_on:
            try:
                cleaned = cleaned.after(place, made)
            except RecipeError as error:
                notes.append(f"not done: {made.label}; {error.__cause__ or error}")
        if not notes:
            stages.append((made, cleaned))
    return Recipe(tuple(steps)), cleaned, notes, stages


def _common(known: Stages, recipe: Recipe) -> Stages:
    """The stages of the steps that the recipe begins with."""
    same = zip(known, recipe.steps, strict=False)
    return [stage for stage, _ in takewhile(lambda pair: pair[0][0] == pair[1], same)]


def _in_place(step: Step, frame: pl.DataFrame) -> Step:
    """A step by hand with the prints that its rows have now."""
    if isinstance(step, MergeRows) and max(step.rows, default=0) < frame.height:
        return replace(step, prints=row_prints(frame, step.rows))
    if not isinstance(step, EditCells) or max((cell.row for cell in step.cells), default=0) >= frame.height:
        return step
    rows = sorted({cell.row for cell in step.cells})
    prints = dict(zip(rows, row_prints(frame, rows), strict=True))
    texts = {name: shown_texts(frame, name) for name in {cell.column for cell in step.cells} & set(frame.columns)}
    return replace(step, cells=[_as_found(cell, prints[cell.row], texts) for cell in step.cells])


def _as_found(cell: Cell, print_: str, texts: Mapping[str, pl.Series]) -> Cell:
    before = texts[cell.column][cell.row] if cell.column in texts else cell.before
    return replace(cell, print=print_, before=before)
