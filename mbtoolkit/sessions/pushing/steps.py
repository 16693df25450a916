"""The steps of a table's clean-up, taken along when its columns get other names or another table takes its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import takewhile

import polars as pl

from mbtoolkit.cleaning.shown import shown_texts
from mbtoolkit.errors import RecipeError
from mbtoolkit.recipes import (
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
    contacts: pl.DataFrame,
    recipe: Recipe,
    rows: Mapping[int, pl.Series],
    *,
    as_found: bool = False,
    known: Stages | None = None,
) -> tuple[Recipe, Cleaned, list[str], Stages]:
    """Does steps that were made for a table as it was read or cleaned before.

    Args:
        contacts: the table as it is read now.
        recipe: the steps, under the names that the columns have now.
        rows: what is known of the steps that were done to this table before (`Cleaned.rows_before`), by their position
            in `recipe`: what was done by hand is done to the same rows then, whatever they say and wherever they stand.
        as_found: whether a cell is mended by hand whatever it says by now.
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
        made = _in_place(step, cleaned, rows[place], as_found=as_found) if place in rows else step
        steps.append(made)
        missing = [name for name in made.needs if name not in cleaned.contacts.columns]
        if missing and made.is_on:
            notes.append(f"not done, as there is no column {missing[0]!r}: {made.label}")
        elif made.is_on:
            try:
                cleaned = cleaned.after(place, made)
            except RecipeError as error:
                notes.append(f"not done: {made.label}; {error.__cause__ or error}")
                # As it was, so that it finds its rows where it can be done again.
                steps[-1] = step
        if not notes:
            stages.append((made, cleaned))
    return Recipe(tuple(steps)), cleaned, notes, stages


def _common(known: Stages, recipe: Recipe) -> Stages:
    """The stages of the steps that the recipe begins with."""
    same = zip(known, recipe.steps, strict=False)
    return [stage for stage, _ in takewhile(lambda pair: pair[0][0] == pair[1], same)]


def rows_known(before: Recipe, cleaned: Cleaned, recipe: Recipe) -> dict[int, pl.Series]:
    """What is known of the steps of a recipe that were done as part of another one, as `done_again` takes it.

    Args:
        before: the other one.
        cleaned: what it made.
        recipe: the same with steps removed or switched.
    """
    known = [(before.steps[place], rows) for place, rows in cleaned.rows_before.items()]
    found: dict[int, pl.Series] = {}
    for place, step in enumerate(recipe.steps):
        number = next((number for number, (other, _) in enumerate(known) if other == step), None)
        if number is not None:
            found[place] = known[number][1]
            # In their order, as two steps may be equal.
            known = known[number + 1 :]
    return found


def as_done(recipe: Recipe, cleaned: Cleaned | None) -> Recipe:
    """A recipe with the steps switched off that could not be done, as it is run elsewhere.

    Args:
        recipe: the steps.
        cleaned: what they made; None: nothing was done yet.
    """
    if cleaned is None:
        return recipe
    done = cleaned.rows_before
    return Recipe(tuple(replace(step, is_on=step.is_on and place in done) for place, step in enumerate(recipe.steps)))


def _in_place(step: Step, cleaned: Cleaned, rows: pl.Series, *, as_found: bool) -> Step:
    """A step by hand with the places and the prints that its rows have now.

    Args:
        step: any.
        cleaned: what the steps before it made.
        rows: for each row that it was done to, the position in the given table of the row that stands for it.
        as_found: whether a cell is mended whatever it says by now.
    """
    frame, into = cleaned.contacts, cleaned.rows["into"]

    def now(row: int) -> int:
        return int(into[int(rows[row])])

    by_hand = step.rows if isinstance(step, MergeRows) else []
    by_hand = [cell.row for cell in step.cells] if isinstance(step, EditCells) else by_hand
    known = sorted({row for row in by_hand if 0 <= row < len(rows)})
    places = {row: now(row) for row in known}
    if len(known) < len(set(by_hand)) or len(set(places.values())) < len(known):
        # Rows that are one by now are for the step itself to refuse.
        return step
    prints = dict(zip(known, row_prints(frame, list(places.values())), strict=True))
    if isinstance(step, MergeRows):
        return replace(step, rows=[places[row] for row in step.rows], prints=[prints[row] for row in step.rows])
    if not isinstance(step, EditCells):
        return step
    cells = [replace(cell, row=places[cell.row], print=prints[cell.row]) for cell in step.cells]
    if as_found:
        names = {cell.column for cell in cells} & set(frame.columns)
        texts = {name: shown_texts(frame, name) for name in names}
        cells = [replace(cell, before=texts[cell.column][cell.row]) if cell.column in texts else cell for cell in cells]
    return replace(step, cells=cells)
