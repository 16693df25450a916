"""`Recipe`: the steps that clean a table, to be run on the next one too."""

from __future__ import annotations

import difflib
import html
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import polars as pl

from mbtoolkit.cleaning.clusters import spellings
from mbtoolkit.errors import FrameError, MbtoolkitError, RecipeError, SourceWarning, UsageError
from mbtoolkit.reading import load_table
from mbtoolkit.recipes.cells import Cell, EditCells
from mbtoolkit.recipes.cleaned import Cleaned
from mbtoolkit.recipes.columns import (
    CleanText,
    FixMojibake,
    MergeValues,
    NormalizeCountry,
    NormalizeDate,
    NormalizeEmail,
    NormalizeName,
    NormalizeNumber,
    NormalizeOptIn,
    NormalizePhone,
)
from mbtoolkit.recipes.contacts import ReadContacts
from mbtoolkit.recipes.files import read_steps, write_steps
from mbtoolkit.recipes.mending import ApplySuggestions
from mbtoolkit.recipes.people import MergeDuplicates, MergeRows
from mbtoolkit.recipes.step import Step, counted
from mbtoolkit.schemas.conform import NO_WORDS, YES_WORDS


@dataclass(frozen=True, slots=True, repr=False)
class Recipe:
    """The steps that clean a table, in their order. A recipe is never altered: each method returns another one.

        recipe = Recipe().normalize_country("Country").read_contacts({"E-mail": "email"}).apply_suggestions()
        cleaned = recipe.run("contacts.csv")

    Each step is named after the function that it calls. It is plain data: `code` shows the recipe as Python, `write`
    saves it as TOML or JSON, and a file that is read back can do nothing but these steps.

    Attributes:
        steps: the steps.
    """

    steps: tuple[Step, ...] = ()

    # Steps

    def then(self, *steps: Step) -> Recipe:
        """With further steps at the end."""
        return Recipe((*self.steps, *steps))

    def without(self, place: int) -> Recipe:
        """Without one step, which undoes it.

        Args:
            place: its position, from 0, as the recipe and its report show it; a call for several columns made several
                steps.

        Raises:
            UsageError: there is no such step.
        """
        self._check_place(place)
        return Recipe(tuple(step for number, step in enumerate(self.steps) if number != place))

    def disable(self, place: int | None = None) -> Recipe:
        """With one step switched off: it stays in the recipe and does nothing.

        Args:
            place: its position, from 0; None for the last one.

        Raises:
            UsageError: there is no such step.
        """
        return self._switched(place, is_on=False)

    def enable(self, place: int | None = None) -> Recipe:
        """With one step switched on again.

        Args:
            place: as for `disable`.

        Raises:
            UsageError: there is no such step.
        """
        return self._switched(place, is_on=True)

    def _switched(self, place: int | None, *, is_on: bool) -> Recipe:
        place = len(self.steps) - 1 if place is None else place
        self._check_place(place)
        steps = list(self.steps)
        steps[place] = replace(steps[place], is_on=is_on)
        return Recipe(tuple(steps))

    def _check_place(self, place: int) -> None:
        if not isinstance(place, int) or not 0 <= place < len(self.steps):
            msg = f"there is no step {place!r}: the recipe has {len(self.steps)}, counted from 0"
            raise UsageError(msg)

    def clean_text(self, *columns: str, keep_lines: bool = False) -> Recipe:
        """Tidies white space and invisible characters; see `mbtoolkit.cleaning.clean_text`."""
        return self.then(*(CleanText(column, keep_lines=keep_lines) for column in columns))

    def fix_mojibake(self, *columns: str) -> Recipe:
        """Mends text that was read in a wrong encoding; see `mbtoolkit.cleaning.fix_mojibake`."""
        return self.then(*map(FixMojibake, columns))

    def normalize_name(self, *columns: str) -> Recipe:
        """Gives names their capitals; see `mbtoolkit.cleaning.normalize_name`."""
        return self.then(*map(NormalizeName, columns))

    def normalize_date(
        self, *columns: str, order: Literal["dmy", "mdy", "ymd"], last_year: int | None = None
    ) -> Recipe:
        """Writes dates as `2026-03-31`; see `mbtoolkit.cleaning.normalize_date`."""
        return self.then(*(NormalizeDate(column, order, last_year) for column in columns))

    def normalize_number(self, *columns: str, decimal: Literal[",", "."]) -> Recipe:
        """Writes numbers as `1234.50`; see `mbtoolkit.cleaning.normalize_number`."""
        return self.then(*(NormalizeNumber(column, decimal) for column in columns))

    def normalize_country(self, *columns: str) -> Recipe:
        """Writes countries as two letters; see `mbtoolkit.cleaning.normalize_country`."""
        return self.then(*map(NormalizeCountry, columns))

    def normalize_email(self, *columns: str, fix_typos: bool = False) -> Recipe:
        """Brings e-mail addresses into their usual form; see `mbtoolkit.cleaning.normalize_email`."""
        return self.then(*(NormalizeEmail(column, fix_typos=fix_typos) for column in columns))

    def normalize_phone(self, *columns: str, default_country: str | None = None) -> Recipe:
        """Writes phone numbers as `+47 93454496`; see `mbtoolkit.cleaning.normalize_phone`.

        Args:
            columns: their names. In a contacts frame, `mobile_number` fills the country code too; a row that has one
                keeps it.
            default_country: of numbers in local form: a two-letter code, or the name of a column that holds one.
        """
        return self.then(*(NormalizePhone(column, default_country) for column in columns))

    def normalize_opt_in(self, *columns: str, yes: Sequence[str] = YES_WORDS, no: Sequence[str] = NO_WORDS) -> Recipe:
        """Writes consent as `yes` and `no`; only the listed words count: `mbtoolkit.cleaning.normalize_opt_in`.

        Args:
            columns: their names.
            yes: all words that give consent.
            no: all words that refuse it.

        Raises:
            UsageError: `yes` or `no` is no list.
        """
        words = _listed(yes, "yes"), _listed(no, "no")
        return self.then(*(NormalizeOptIn(column, *words) for column in columns))

    def merge_values(self, column: str, values: Mapping[str, str] | pl.DataFrame) -> Recipe:
        """Gives each value one spelling; see `mbtoolkit.cleaning.merge_values`.

        Args:
            column: its name.
            values: {spelling: the one that replaces it}, or what `cluster_values` returned, looked over.

        Raises:
            FrameError: the frame has no value or suggestion, or two suggestions for one value.
            UsageError: `values` is neither.
        """
        if isinstance(values, pl.DataFrame):
            pairs = spellings(values)
            values = dict(pairs.filter(pl.col("value") != pl.col("suggestion")).iter_rows())
        if not isinstance(values, Mapping):
            msg = "merge_values takes {spelling: the one that replaces it}, or the frame that cluster_values returns"
            raise UsageError(msg)
        return self.then(MergeValues(column, dict(values)))

    def read_contacts(self, mapping: Mapping[str, str] | None = None, *, default_country: str | None = None) -> Recipe:
        """Makes a contacts frame of the table; the steps after it see its columns. See `mbtoolkit.read_contacts`."""
        return self.then(ReadContacts(dict(mapping or {}), default_country))

    def apply_suggestions(self, *, rules: Sequence[str] | None = None) -> Recipe:
        """Mends what is obvious; see `mbtoolkit.apply_suggestions`.

        Args:
            rules: the codes of the rules whose suggestions are taken; all by default.

        Raises:
            UsageError: `rules` is no list.
        """
        return self.then(ApplySuggestions(None if rules is None else _listed(rules, "rules")))

    def merge_duplicates(
        self,
        *,
        keep: Literal["first", "last", "newest", "most_complete"] = "most_complete",
        date_column: str | None = None,
        rules: Mapping[str, Any] | None = None,
        columns: Sequence[str] | None = None,
        threshold: float = 0.9,
        apart: Sequence[str] = (),
    ) -> Recipe:
        """Makes one row of those of one person; see `find_duplicates` and `merge_duplicates` in `mbtoolkit.cleaning`.

        Args:
            keep: which row is preferred.
            date_column: for `newest`.
            rules: for single columns another choice.
            columns: what is compared.
            threshold: the probability from which two rows are one person.
            apart: prints (`row_prints`) of rows that are left as they are.

        Raises:
            UsageError: `columns` or `apart` is no list.
        """
        given = None if columns is None else _listed(columns, "columns")
        held = _listed(apart, "apart")
        return self.then(MergeDuplicates(keep, date_column, dict(rules or {}), given, threshold, held))

    def merge_rows(
        self, rows: Sequence[int], prints: Sequence[str], *, choices: Mapping[str, int] | None = None
    ) -> Recipe:
        """Merges rows that a person found to be about one contact.

        Args:
            rows: their positions.
            prints: what `row_prints` says of them.
            choices: {column: which of the rows its value is taken from, 0 for the first}.
        """
        return self.then(MergeRows(list(rows), list(prints), dict(choices or {})))

    def edit_cells(self, cells: Iterable[Cell | Mapping[str, Any]]) -> Recipe:
        """Mends cells by hand, each in a row that reads exactly as it did; `Edits.recipe` makes such steps.

        Args:
            cells: `Cell`, or the same as a dict.
        """
        return self.then(EditCells([each if isinstance(each, Cell) else Cell(**each) for each in cells]))

    # Running

    def check(self, table: pl.DataFrame) -> None:
        """Finds out whether the steps fit a table, without doing them.

        Args:
            table: the table, or any with the same columns.

        Raises:
            RecipeError: columns are missing, or a step can't be done to columns like these; it names every such step.
            FrameError: `table` is no polars DataFrame.
        """
        if not isinstance(table, pl.DataFrame):
            msg = f"a recipe is checked against a polars DataFrame, not a {type(table).__name__}"
            raise FrameError(msg)
        wrong, frame = [], table.clear()
        for place, step in self._on():
            missing = [name for name in step.needs if name not in frame.columns]
            wrong += [f"step {place} ({step.do}) needs the column {_missed(name, frame.columns)}" for name in missing]
            # As if it were there, so that it is missed once only.
            frame = frame.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in missing)
            try:
                frame = _quietly(step, frame)
            except MbtoolkitError as error:
                wrong.append(f"step {place} ({step.do}): {error}")
        if wrong:
            msg = f"the recipe does not fit this table: {'; '.join(wrong)}"
            raise RecipeError(msg)

    def run(
        self, source: Any, *, sheet: str | int | None = None, separator: str | None = None, encoding: str | None = None
    ) -> Cleaned:
        """Does the steps that are on, one after the other, to a table; the table itself stays as it is.

        Args:
            source: a polars DataFrame, or whatever else `read_contacts` takes, a file's path first of all.
            sheet: as `read_contacts` takes it; likewise the others.
            separator: of a text file.
            encoding: of a text file.

        Returns:
            The cleaned table, and for each step what it changed.

        Raises:
            RecipeError: a step does not fit the table; nothing was done.
            SourceError: the source can't be read as a table.

        Warns:
            SourceWarning: an encoding, a separator or the like was assumed; it says which.
        """
        if isinstance(source, pl.DataFrame):
            table = source
        else:
            table, notes = load_table(source, sheet=sheet, separator=separator, encoding=encoding)
            if notes:
                name = Path(source).name if isinstance(source, str | os.PathLike) else "the source"
                warnings.warn(f"{name}: {'; '.join(notes)}", SourceWarning, stacklevel=2)
        self.check(table)
        cleaned = Cleaned(table)
        for place, step in self._on():
            cleaned = cleaned.after(place, step)
        return cleaned

    def _on(self) -> Iterator[tuple[int, Step]]:
        return ((place, step) for place, step in enumerate(self.steps) if step.is_on)

    # Showing and saving

    @property
    def code(self) -> str:
        """The recipe as Python that makes it, under the name `recipe`."""
        calls = [f"    {step.code}" for step in self.steps]
        made = ["recipe = (", "    Recipe()", *calls, ")"] if calls else ["recipe = Recipe()"]
        return "\n".join(["from mbtoolkit import Recipe", "", *made])

    def write(self, path: str | os.PathLike[str]) -> None:
        """Saves it as TOML or JSON, by the path's ending. Cells mended by hand are in it, as texts.

        Args:
            path: such as `shop.toml`; a file that is there is replaced.

        Raises:
            RecipeError: another ending, or the file can't be written.
        """
        write_steps(self.steps, path)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Recipe:
        """A recipe that `write` saved.

        Args:
            path: of a TOML or JSON file.

        Raises:
            RecipeError: the file can't be read, or holds something else; it says which step and which part of it.
        """
        try:
            return cls(read_steps(path))
        except RecipeError as error:
            # The frames below hold the file's cells; tools that print the variables of a failed call show them.
            error.__cause__ = error.__context__ = None
            raise error.with_traceback(None) from None

    def __len__(self) -> int:
        """How many steps it has, those that are off included."""
        return len(self.steps)

    def __repr__(self) -> str:
        """The steps by their labels; no cell is in it."""
        lines = [f"  {place}  {step!r}" for place, step in enumerate(self.steps)]
        return "\n".join([f"<Recipe: {counted(len(self.steps), 'step')}>", *lines])

    def _repr_html_(self) -> str:
        lines = "".join(
            f"<li value='{place}'>{'' if step.is_on else 'off: '}{html.escape(step.label)}</li>"
            for place, step in enumerate(self.steps)
        )
        return (
            f"<div><p><strong>Recipe: {counted(len(self.steps), 'step')}</strong></p><ol start='0'>{lines}</ol></div>"
        )


def _listed(texts: Sequence[str], name: str) -> list[str]:
    """Texts as a list; one text by itself would be taken for its letters.

    Raises:
        UsageError: they are one text.
    """
    if isinstance(texts, str):
        msg = f"{name}= takes a list, such as {name}=[{texts!r}], not one text"
        raise UsageError(msg)
    return list(texts)


def _missed(name: str, columns: list[str]) -> str:
    near = difflib.get_close_matches(name, columns, n=1)
    return f"{name!r}, which isn't there" + (f" (did you mean {near[0]!r}?)" if near else "")


def _quietly(step: Step, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame after a step, without what is warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return step.run(frame).frame
