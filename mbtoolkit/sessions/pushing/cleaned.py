"""The contacts of a table and the steps that clean them, as values: each is made from the one before."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from mbtoolkit.cleaning.duplicates.merging import Keep
from mbtoolkit.errors import UsageError
from mbtoolkit.recipes import Cleaned, MergeRows, Recipe, Step, row_prints
from mbtoolkit.schemas import ContactSchema
from mbtoolkit.sessions.editing import Edits
from mbtoolkit.sessions.pushing.duplicates import Cluster, Duplicates
from mbtoolkit.sessions.pushing.loaded import Mapped
from mbtoolkit.sessions.pushing.sources import Source
from mbtoolkit.sessions.pushing.steps import Stages, as_done, done_again, renamed, rows_known


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class CleanUp:
    """What a recipe made of the contacts.

    Attributes:
        mapped: what the contacts were read with.
        notes: what was assumed while they were read.
        recipe: the steps.
        cleaned: what they made of the contacts.
        stages: likewise, after each of the first steps.
        not_done: which steps could not be done, and why.
    """

    mapped: Mapped
    notes: tuple[str, ...]
    recipe: Recipe
    cleaned: Cleaned
    stages: Stages
    not_done: tuple[str, ...] = ()

    @classmethod
    def of(cls, mapped: Mapped, source: Source, before: CleanUp | None) -> CleanUp:
        """Reads the contacts, and cleans them.

        Args:
            mapped: what to read them with.
            source: where they come from, to be named.
            before: the clean-up to do again; None: the steps of `mapped`.

        Raises:
            MappingError, UsageError: the table can't be read with these choices.
        """
        contacts, notes = mapped.contacts(source)
        recipe = mapped.recipe if before is None else before.recipe
        names = mapped.names_since(mapped.named_by if before is None else before.mapped.mapping)
        recipe = Recipe(tuple(renamed(step, names) for step in recipe.steps)) if names else recipe
        rows = {} if before is None else before.cleaned.rows_before
        again, cleaned, not_done, stages = done_again(contacts, recipe, rows, as_found=True)
        return cls(
            mapped=mapped,
            notes=tuple(notes),
            recipe=again,
            cleaned=cleaned,
            stages=stages,
            not_done=tuple(not_done),
        )

    def then(self, *steps: Step) -> CleanUp:
        """The same with further steps.

        Raises:
            RecipeError: one can't be done.
        """
        cleaned, recipe, stages = self.cleaned, self.recipe.then(*steps), self.stages
        for place, step in enumerate(recipe.steps[len(self.recipe) :], len(self.recipe)):
            cleaned = cleaned.after(place, step) if step.is_on else cleaned
            stages = [*stages, (step, cleaned)] if len(stages) == place else stages
        return replace(self, recipe=recipe, cleaned=cleaned, stages=stages)

    def merged(self, step: Step) -> CleanUp:
        """The same with a step that merges rows.

        Raises:
            RecipeError, UsageError: it can't be done, or merges nothing.
        """
        made = self.then(step)
        if made.cleaned.contacts.height == self.cleaned.contacts.height:
            note = made.cleaned.report["note"][-1]
            msg = f"nothing was merged: {note or 'no two rows are about one person'}"
            raise UsageError(msg)
        return made

    def changed(self, change: Callable[[Recipe], Recipe]) -> CleanUp:
        """What another recipe makes of the same contacts.

        Args:
            change: makes it of the recipe so far.

        Raises:
            RecipeError: there is no such step.
        """
        recipe = change(self.recipe)
        rows = rows_known(self.recipe, self.cleaned, recipe)
        again, cleaned, not_done, stages = done_again(self.cleaned.given, recipe, rows, known=self.stages)
        return replace(self, recipe=again, cleaned=cleaned, stages=stages, not_done=tuple(not_done))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Checked:
    """Contacts that were read and cleaned, while a person edits them.

    Attributes:
        clean_up: what they were made by.
        edits: the contacts, to edit; what is edited there comes after the steps of `clean_up`.
        duplicates: the rows that may be about one person; None before `find_duplicates`.
        compared_after: the steps that had changed what was compared then.
    """

    clean_up: CleanUp
    edits: Edits
    duplicates: Duplicates | None = None
    compared_after: tuple[Step, ...] = ()

    @classmethod
    def of(cls, clean_up: CleanUp, schema: type[ContactSchema], lock: threading.RLock) -> Checked:
        """The contacts of a clean-up, to edit.

        Args:
            clean_up: what they were made by.
            schema: the rules.
            lock: held while something is edited.
        """
        return cls(clean_up=clean_up, edits=Edits(clean_up.cleaned.contacts, schema=schema, lock=lock))

    @property
    def into(self) -> pl.Series:
        """For each row of the table as it was read, its position in the contacts."""
        into: pl.Series = self.clean_up.cleaned.rows["into"]
        return into

    @property
    def made(self) -> Recipe:
        """The recipe, and what was edited in `edits` as its last steps."""
        return self.clean_up.recipe.then(*self.edits.recipe.steps)

    @property
    def done(self) -> Recipe:
        """The same with the steps switched off that could not be done."""
        return as_done(self.clean_up.recipe, self.clean_up.cleaned).then(*self.edits.recipe.steps)

    @property
    def settled(self) -> CleanUp:
        """The clean-up with what was edited in `edits` as its last steps."""
        steps = self.edits.recipe.steps
        return self.clean_up.then(*steps) if steps else self.clean_up

    @property
    def _mends(self) -> tuple[Step, ...]:
        """The steps that change what is compared."""
        return tuple(step for step in self.made.steps if step.is_on and step.keeps_rows)

    @property
    def are_duplicates_outdated(self) -> bool:
        """Whether cells were changed since `find_duplicates` compared them."""
        return self.duplicates is not None and self.compared_after != self._mends

    def with_duplicates(self, columns: list[str] | None) -> Checked:
        """The same with the rows that may be about one person.

        Args:
            columns: what is compared, as `mbtoolkit.cleaning.find_duplicates` takes it.
        """
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            duplicates = Duplicates(self.edits.contacts, self.into, columns)
        notes = dict.fromkeys([*self.clean_up.notes, *(str(each.message) for each in caught)])
        clean_up = replace(self.clean_up, notes=tuple(notes))
        return replace(self, clean_up=clean_up, duplicates=duplicates, compared_after=self._mends)

    @property
    def found(self) -> Duplicates:
        """The duplicates.

        Raises:
            UsageError: they were not looked for.
        """
        if self.duplicates is None:
            msg = "duplicates were not looked for: call find_duplicates() first"
            raise UsageError(msg)
        return self.duplicates

    @property
    def standing(self) -> pl.DataFrame:
        """What was found and is not merged, as `Duplicates.standing` has it."""
        return self.found.standing(self.edits.contacts, self.into)

    def cluster(self, number: int) -> Cluster:
        """One of the clusters that stand."""
        return self.found.cluster(self.standing, number, self.into)

    def merging(self, keep: Keep, date_column: str | None) -> CleanUp:
        """The clean-up with all merged that was found and needs no answer.

        Raises:
            RecipeError, UsageError: no rows can be merged like this, or others than those that were found would be.
        """
        found, settled = self.standing.filter(pl.col("question").is_null()), self.settled
        step = self.found.merging(settled.cleaned.contacts, self.into, keep, date_column)
        made = settled.merged(step)
        if not _are_merged(found, self.into, made.cleaned.rows["into"]):
            msg = "nothing was merged: the rows that are alike have changed since they were found; look again"
            raise UsageError(msg)
        return made

    def merging_rows(self, rows: Sequence[int], choices: Mapping[str, int]) -> CleanUp:
        """The clean-up with one row made of several.

        Args:
            rows: their positions in the contacts.
            choices: {column: which of the rows its value is taken from, 0 for the first}.

        Raises:
            RecipeError, UsageError: they can't be merged like this.
        """
        settled = self.settled
        return settled.merged(MergeRows(list(rows), row_prints(settled.cleaned.contacts, rows), dict(choices)))


def _are_merged(found: pl.DataFrame, before: pl.Series, after: pl.Series) -> bool:
    """Whether exactly the rows of each cluster became one.

    Args:
        found: `row` and `cluster`.
        before: for each row of the table as it was read, its position among the contacts before.
        after: likewise, after.
    """
    into = pl.DataFrame({"row": before, "into": after}).unique().filter(pl.len().over("into") > 1)
    pairs = into.join(found.select("row", "cluster"), on="row", how="full", coalesce=True)
    both = pairs.select("into", "cluster").unique()
    is_whole = sum(both.null_count().row(0)) == 0
    return is_whole and not both["into"].is_duplicated().any() and not both["cluster"].is_duplicated().any()
