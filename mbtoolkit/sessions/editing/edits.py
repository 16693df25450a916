"""`Edits`: a contacts frame while a person mends it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import polars as pl

from mbtoolkit.cleaning.cells import differing
from mbtoolkit.cleaning.clusters import VALUES, cluster_values
from mbtoolkit.cleaning.profiles import Profile, profile_texts
from mbtoolkit.cleaning.shown import empty_unread
from mbtoolkit.cleaning.targets import names_people
from mbtoolkit.contacts import BY_NAME, IDENTIFIERS, is_contact_column
from mbtoolkit.errors import FrameError, UsageError
from mbtoolkit.recipes import ApplySuggestions, Cell, EditCells, Recipe, Step, row_prints
from mbtoolkit.schemas import UNREAD_PREFIX, ContactSchema, is_unread_column, unread_column
from mbtoolkit.schemas.conform import conform
from mbtoolkit.sessions.editing.code import edits_code, recipe_code
from mbtoolkit.sessions.editing.columns import Column, may_be_edited, shown_columns
from mbtoolkit.sessions.editing.locking import locked
from mbtoolkit.sessions.editing.typed import Draft, draft_cells
from mbtoolkit.sessions.editing.views import View, rows_holding, rows_like, sorted_rows
from mbtoolkit.validation import Validation, validate_contacts
from mbtoolkit.validation.validating import validate_conformed

ACROSS_ROWS: Final = ("duplicate_identifier", "consent_conflict", "joins_contacts", "field_uniqueness")
"""The rules that compare rows: what they say of an edited row stands until `revalidate`."""


class Touched(NamedTuple):
    """What a step changed: the rows, in order, and the shown columns; both empty where it changed nothing.

    `unread` counts the cells that a repair could not read; they stay as they are.
    """

    rows: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()
    unread: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class _Patch:
    """Cells of one column, before and after."""

    column: str
    rows: list[int]
    before: list[Any]
    after: list[Any]


@dataclass(frozen=True, slots=True, repr=False)
class _Done:
    """One step to undo.

    Attributes:
        patches: what it changed.
        cause: the step of a recipe that did it; None where cells were mended by hand.
    """

    patches: list[_Patch]
    cause: Step | None = None


class Edits:
    """A contacts frame that is being mended: edits, their undoing, its issues, and the same as code.

    A row's id is its position in the given frame; no edit adds, removes or moves a row. What is typed is converted by
    the rules that a table is read by, and the row is judged at once; rules that compare rows are run anew by
    `revalidate`. Text that can't be converted is kept, and stands in an `unread:` column of `contacts`.

    Args:
        contacts: a contacts frame, a results frame, or the invalid rows of a validation; the columns that the toolkit
            added (`mb_...`) are carried along.
        schema: `ContactSchema` or a subclass with rules of your own.
        read_only: columns that may not be edited.
        lock: held while something is changed; one of its own by default. Hold it to read several things that belong
            together while another thread may edit.

    Attributes:
        lock: the same.
        version: counts the changes, undoing included.

    Raises:
        FrameError: `contacts` is no polars DataFrame or is not what `schema` asks for, or `read_only` names a column
            that isn't there.
        UsageError: `schema` would alter the frame.
    """

    def __init__(
        self,
        contacts: pl.DataFrame,
        *,
        schema: type[ContactSchema] = ContactSchema,
        read_only: Iterable[str] = (),
        lock: threading.RLock | None = None,
    ) -> None:
        if not isinstance(contacts, pl.DataFrame):
            msg = (
                f"edits are made to a polars DataFrame, not to a {type(contacts).__name__}; "
                "read_contacts(...) makes one from files, pandas and Arrow, and .collect() from a LazyFrame"
            )
            raise FrameError(msg)
        self.lock = lock or threading.RLock()
        self.version = 0
        self._schema = schema
        self._conformed = conform(contacts)
        self._conforming = not _same_cells(contacts, self._conformed)
        self._base = _with_room_for_unread(self._conformed)
        self._frame = self._base
        self._columns = shown_columns(self._base, read_only)
        self._by_name = {column.name: column for column in self._columns}
        self._changed: dict[str, set[int]] = {}
        self._done: list[_Done] = []
        self._undone: list[_Done] = []
        self._steps: list[tuple[Step, int]] | None = None
        self._validation: tuple[int, Validation] | None = None
        self._issues = self.validation.issues
        self._is_judged = True

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns as they are shown, in the frame's order."""
        return self._columns

    @property
    def height(self) -> int:
        """How many rows there are; no edit changes it."""
        return self._frame.height

    @property
    @locked
    def contacts(self) -> pl.DataFrame:
        """The edited frame in canonical types, same height and order; `unread:` columns where some text is unread."""
        return self._frame.drop(empty_unread(self._frame))

    @property
    @locked
    def issues(self) -> pl.DataFrame:
        """The issues frame as it is known now, in the order of rows; `revalidate` makes it whole."""
        return self._issues.sort("row", maintain_order=True)

    @property
    @locked
    def validation(self) -> Validation:
        """What all rules say of `contacts`; worked out once for each version."""
        if self._validation is None or self._validation[0] != self.version:
            self._validation = self.version, validate_conformed(self.contacts, schema=self._schema)
        return self._validation[1]

    @property
    @locked
    def changes(self) -> pl.DataFrame:
        """The cells that differ from the given frame: `row`, `column`, `before`, `after`, both as shown."""
        parts = [
            self._changes_of(column, sorted(rows)) for column in self._columns if (rows := self._changed_rows(column))
        ]
        schema = {"row": pl.Int64, "column": pl.String, "before": pl.String, "after": pl.String}
        return pl.concat([pl.DataFrame(schema=schema), *parts]).sort("row", maintain_order=True)

    @property
    def change_count(self) -> int:
        """How many cells differ from the given frame."""
        return sum(len(self._changed_rows(column)) for column in self._columns)

    @property
    @locked
    def code(self) -> str:
        """Python that makes the same changes to the given frame, under the name `contacts`."""
        contacts = self.contacts
        if any(done.cause is not None for done in self._done):
            return recipe_code(self.recipe, conforming=self._conforming)
        changed = {
            name: dict(zip(rows, self._frame.get_column(name).gather(rows), strict=True))
            for name in contacts.columns
            if (rows := sorted(self._changed.get(name, set())))
        }
        dropped = [name for name in self._conformed.columns if name not in contacts.columns]
        return edits_code(
            changed,
            self._frame.schema,
            conforming=self._conforming,
            given=self._conformed.columns,
            dropped=dropped,
        )

    @property
    def recipe(self) -> Recipe:
        """The steps that were made and not undone; cells that were mended by hand one after the other are one step."""
        return Recipe(tuple(step for step, _ in self.steps))

    @property
    @locked
    def steps(self) -> list[tuple[Step, int]]:
        """The steps of `recipe`, each with the number of shown cells that it changed."""
        if self._steps is None:
            self._steps = self._steps_made()
        return list(self._steps)

    def _steps_made(self) -> list[tuple[Step, int]]:
        made: list[tuple[Step, int]] = []
        frame, by_hand = self._base, self._base
        for number, done in enumerate(self._done):
            frame = _patched(frame, done.patches)
            is_last = number + 1 == len(self._done)
            if done.cause is not None:
                made.append((done.cause, _count(done.patches)))
                by_hand = frame
            elif is_last or self._done[number + 1].cause is not None:
                cells = self._cells_mended(by_hand, frame)
                made += [(EditCells(cells), len(cells))] if cells else []
        return made

    def _cells_mended(self, before: pl.DataFrame, after: pl.DataFrame) -> list[Cell]:
        """The shown cells that differ between two states of the frame."""
        found: list[tuple[int, str, str | None, str | None]] = []
        for column in self._columns:
            names = [column.name, unread_column(column.name)]
            differs = [
                differing(before.get_column(name), after.get_column(name)).alias(str(place))
                for place, name in enumerate(names)
                if name in after.columns
            ]
            rows = pl.DataFrame(differs).select(pl.any_horizontal(pl.all())).to_series().arg_true()
            texts = [
                frame[rows].select(column.text(frame.schema[column.name])).to_series() for frame in (before, after)
            ]
            found += [(row, column.name, was, now) for row, was, now in zip(rows, *texts, strict=True)]
        code, number = IDENTIFIERS["mobile"]
        coded = {row for row, name, *_ in found if name == code and after.get_column(code)[row] is not None}
        # A number that was only tried anew with the code that was entered is tried so again.
        found = [each for each in found if each[1] != number or each[0] not in coded or each[2] != each[3]]
        found.sort(key=lambda each: each[0])
        rows_found = list(dict.fromkeys(row for row, *_ in found))
        prints = dict(zip(rows_found, row_prints(before, rows_found), strict=True))
        return [Cell(row, prints[row], name, was, now) for row, name, was, now in found]

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone step to make again."""
        return bool(self._undone)

    def __repr__(self) -> str:
        """The counts; no cell of the table is in it. Also of one that was refused half-way through its making."""
        if not hasattr(self, "_is_judged"):
            return "<Edits, not made>"
        return f"<Edits: {self.height:,} rows, {self.change_count:,} changes, {self._issues.height:,} issues>"

    def edit(self, row: int, column: str, text: str) -> Touched:
        """Puts what a person typed into a cell; one step to undo.

        A phone number with its country code (`+47 934 54 496`), typed into `mobile_number`, fills both cells.

        Args:
            row: the row's id.
            column: the column's name.
            text: as typed; blank empties the cell.

        Returns:
            What changed.

        Raises:
            UsageError: there is no such row or column, or it may not be edited; a check of the schema raised.
        """
        return self.edit_block([row], [column], [[text]])

    @locked
    def edit_block(self, rows: Sequence[int], columns: Sequence[str], texts: Sequence[Sequence[str]]) -> Touched:
        """Puts a block of texts into cells, as pasted from a spreadsheet; one step to undo.

        Args:
            rows: the ids of the rows, each once.
            columns: the names of the columns, each once.
            texts: for each row, one text for each column; blank empties the cell.

        Returns:
            What changed.

        Raises:
            UsageError: as `edit`; or the texts are not as many as the cells.
        """
        self._check_cells(rows, columns)
        if len(texts) != len(rows) or any(len(line) != len(columns) for line in texts):
            msg = f"a block of {len(rows)} rows and {len(columns)} columns takes one text for each cell"
            raise UsageError(msg)
        by_column = {
            name: dict(zip(rows, (line[place] for line in texts), strict=True)) for place, name in enumerate(columns)
        }
        editable = [column.name for column in self._columns if not column.read_only]
        return self._make(draft_cells(self._frame, by_column, editable))

    def suggestion(self, row: int, column: str) -> str | None:
        """A text that would mend the cell; None where none is known.

        Args:
            row: the row's id.
            column: the column's name.
        """
        about = (pl.col("row") == row) & (pl.col("column") == column) & pl.col("suggestion").is_not_null()
        found: pl.Series = self._issues.filter(about)["suggestion"]
        return str(found[0]) if len(found) else None

    @locked
    def apply_suggestion(self, row: int, column: str) -> Touched:
        """Puts the suggestion into the cell; one step to undo.

        Args:
            row: the row's id.
            column: the column's name.

        Returns:
            What changed.

        Raises:
            UsageError: as `edit`; or there is no suggestion for the cell.
        """
        self._check_cells([row], [column])
        text = self.suggestion(row, column)
        if text is None:
            msg = "there is no suggestion for this cell; type what it should hold"
            raise UsageError(msg)
        return self.edit(row, column, text)

    @property
    def suggestions(self) -> pl.DataFrame:
        """The cells that `apply_suggestions` would mend: `row`, `column`, `before`, `after`, both as shown."""
        editable = [column for column in self._columns if not column.read_only]
        parts = [self._suggestions_for(column) for column in editable]
        schema = {"row": pl.Int64, "column": pl.String, "before": pl.String, "after": pl.String}
        return pl.concat([pl.DataFrame(schema=schema), *parts]).sort("row", maintain_order=True)

    @property
    def suggestion_count(self) -> int:
        """How many cells `apply_suggestions` would mend."""
        editable = [column.name for column in self._columns if not column.read_only]
        suggested = pl.col("suggestion").is_not_null() & pl.col("column").is_in(editable)
        return self._issues.lazy().filter(suggested).select("row", "column").unique().collect().height

    @locked
    def apply_suggestions(self) -> Touched:
        """Puts every suggestion into its cell, as if it were typed there; one step to undo.

        Where a cell has several, it gets the one that `suggestion` tells; "" empties it. Columns that may not be edited
        stay as they are.

        Returns:
            What changed.

        Raises:
            UsageError: a check of the schema raised.
        """
        by_column: dict[str, dict[int, str]] = {}
        for row, column, text in self.suggestions.select("row", "column", "after").iter_rows():
            by_column.setdefault(column, {})[row] = text
        editable = [column.name for column in self._columns if not column.read_only]
        step = ApplySuggestions() if self._takes_every_suggestion(editable) else None
        return self._make(draft_cells(self._frame, by_column, editable), step)

    @locked
    def clean(self, step: Step) -> Touched:
        """Does a step of a recipe to the cells, such as `recipes.CleanText("property:City")`; one step to undo.

        Args:
            step: one that keeps every row where it is.

        Returns:
            What changed.

        Raises:
            UsageError: the step is none, merges rows, needs a column that isn't there, or would change one that may not
                be edited.
        """
        if not isinstance(step, Step) or not step.keeps_rows:
            msg = "clean takes a step of mbtoolkit.recipes that keeps every row where it is"
            raise UsageError(msg)
        self._check_cells([], [name for name in step.needs if name in step.changes])
        missing = [name for name in step.needs if name not in self._frame.columns]
        if missing:
            msg = f"there is no column {missing[0]!r}"
            raise UsageError(msg)
        if not step.is_on:
            return Touched()
        outcome = step.run(self._frame)
        made = _with_room_for_unread(outcome.frame)
        changed = {
            name: rows
            for name in self._frame.columns
            if len(rows := differing(self._frame.get_column(name), made.get_column(name)).arg_true())
        }
        editable = {column.name for column in self._columns if not column.read_only}
        held = [name for name in changed if name.removeprefix(UNREAD_PREFIX) not in editable]
        if held:
            msg = f"the step would change the column {held[0].removeprefix(UNREAD_PREFIX)!r}, which may not be edited"
            raise UsageError(msg)
        patches = [
            _Patch(
                name, rows.to_list(), *(frame.get_column(name).gather(rows).to_list() for frame in (self._frame, made))
            )
            for name, rows in changed.items()
        ]
        return self._make_step(patches, step)._replace(unread=outcome.unread)

    @locked
    def undo(self) -> Touched:
        """Takes the last step back.

        Returns:
            What changed; nothing where there is no step to take back.
        """
        if not self._done:
            return Touched()
        step = self._done[-1]
        self._write({patch.column: dict(zip(patch.rows, patch.before, strict=True)) for patch in step.patches})
        self._undone.append(self._done.pop())
        self._steps = None
        return _touched(step.patches)

    @locked
    def redo(self) -> Touched:
        """Makes the last undone step again.

        Returns:
            What changed; nothing where there is no undone step.
        """
        if not self._undone:
            return Touched()
        step = self._undone[-1]
        self._write({patch.column: dict(zip(patch.rows, patch.after, strict=True)) for patch in step.patches})
        self._done.append(self._undone.pop())
        self._steps = None
        return _touched(step.patches)

    @locked
    def revalidate(self) -> pl.DataFrame:
        """Judges the whole frame anew, rules across rows included, if anything changed since that was done.

        Returns:
            The issues frame.

        Raises:
            FrameError: a check of the schema raised.
        """
        if not self._is_judged:
            self._issues = self.validation.issues
            self._is_judged = True
        return self.issues

    def view(self, view: View | None = None) -> pl.Series:
        """The ids of the rows that a view shows, in its order, as things stand now.

        Args:
            view: which rows; all of them by default.

        Returns:
            Int64 ids. They don't change with later edits: ask anew for that.

        Raises:
            UsageError: the view sorts or chooses by a column that isn't there.
        """
        view = view or View()
        if view.sort is not None and view.sort not in self._by_name:
            msg = f"there is no column {view.sort!r} to sort by"
            raise UsageError(msg)
        if view.column is not None:
            self._shown_column(view.column)
        wanted = self._frame.select(pl.all_horizontal(self._conditions(view)).alias("wanted")).to_series()
        rows = wanted.arg_true().cast(pl.Int64).alias("row")
        if view.sort is None:
            return rows.reverse() if view.descending else rows
        return sorted_rows(self._frame, rows, self._by_name[view.sort], descending=view.descending)

    def profile(self, column: str, *, show_values: bool = False, top: int = 5) -> Profile:
        """What is in one column, as `mbtoolkit.cleaning.profile` has it, over the cells as a person sees them.

        Args:
            column: the column's name.
            show_values: whether the commonest values are shown as they are; they are masked until asked for.
            top: how many values and patterns are listed.

        Raises:
            UsageError: there is no such column, or `top` is less than 1.
        """
        shown = self._shown_column(column)
        dtype = self._frame.schema[column]
        texts = self._frame.select(shown.text(dtype)).to_series().alias(column)
        return profile_texts([texts], [dtype], show_values=show_values, top=top)

    def spellings(self, column: str) -> pl.DataFrame:
        """The values of a column that are spelt in more than one way, as `mbtoolkit.cleaning.cluster_values` has it.

        Args:
            column: the column's name. Cells that say who a contact is (an address, a person's name), or may not be
                edited, have none: what only looks alike is another person there.

        Returns:
            `value`, `rows`, `cluster`, `suggestion`, a line for each spelling.

        Raises:
            UsageError: there is no such column.
        """
        shown = self._shown_column(column)
        is_of_people = column in BY_NAME or names_people(column)
        if shown.read_only or is_of_people or self._frame.schema[column] != pl.String:
            return pl.DataFrame(schema=VALUES)
        return cluster_values(self._frame.get_column(column))

    def texts(self, rows: pl.Series) -> pl.DataFrame:
        """The cells of some rows as a person sees them: one String column for each shown column, in their order.

        Args:
            rows: the ids.
        """
        shown = [
            column.text(self._frame.schema[column.name]).alias(str(place)) for place, column in enumerate(self._columns)
        ]
        return self._frame[rows].select(shown)

    def issues_of(self, rows: pl.Series) -> pl.DataFrame:
        """The issues of some rows.

        Args:
            rows: the ids.
        """
        return self._issues.filter(pl.col("row").is_in(rows.implode()))

    def changed_rows(self, column: str) -> set[int]:
        """The ids of the rows whose cell differs from the given frame.

        Args:
            column: the name of a shown column.
        """
        return self._changed_rows(self._by_name[column])

    def counts(self) -> pl.DataFrame:
        """How many rows break each rule: `rule`, `severity`, `rows`, errors first."""
        counted = self._issues.group_by("rule", "severity").agg(pl.col("row").n_unique().alias("rows"))
        return counted.sort("severity", "rows", "rule", descending=[False, True, False])

    def rows_by_severity(self) -> dict[str, int]:
        """How many rows have an error, and how many a warning: severity -> rows."""
        counted = self._issues.group_by(pl.col("severity").cast(pl.String)).agg(pl.col("row").n_unique())
        return dict(counted.iter_rows())

    def next_issue(
        self, rows: pl.Series, position: int, column: str | None, *, forward: bool = True
    ) -> tuple[int, str | None] | None:
        """Where the next issue stands, from a cell on; after the last comes the first.

        Args:
            rows: the ids of the view's rows, in its order.
            position: the place in `rows` to start from; -1 to start before the first.
            column: the column to start from; None for the row as a whole, which comes before its cells.
            forward: whether to look down; up otherwise.

        Returns:
            The position in `rows` and the column (None: the row as a whole); None where no row has an issue.
        """
        places = {shown.name: place for place, shown in enumerate(self._columns)}
        numbered = pl.DataFrame({"row": rows, "position": pl.int_range(len(rows), dtype=pl.Int64, eager=True)})
        place = pl.col("column").replace_strict(places, default=-1, return_dtype=pl.Int64).alias("place")
        found = self._issues.join(numbered, on="row").select("position", place).unique().sort("position", "place")
        if found.is_empty():
            return None
        here = places.get(column, -1) if column is not None else -1
        later, same = pl.col("position") > position, pl.col("position") == position
        if forward:
            onward = found.filter(later | (same & (pl.col("place") > here)))
            at, where = (onward if onward.height else found).row(0)
        else:
            onward = found.filter((later | (same & (pl.col("place") >= here))).not_())
            at, where = (onward if onward.height else found).row(-1)
        return at, None if where < 0 else self._columns[where].name

    def _conditions(self, view: View) -> list[pl.Expr]:
        """Raises nothing; each condition is one mask over the whole frame."""
        conditions = [pl.repeat(value=True, n=pl.len())]
        if view.rows == "issues":
            conditions.append(_is_among(self._issues["row"].unique()))
        if view.rows == "changed":
            ids = set().union(*(self._changed_rows(column) for column in self._columns)) if self._changed else set()
            conditions.append(_is_among(pl.Series(sorted(ids), dtype=pl.Int64)))
        if view.rule is not None:
            conditions.append(_is_among(self._issues.filter(pl.col("rule") == view.rule)["row"].unique()))
        if view.search:
            conditions.append(rows_holding(self._frame, self._columns, view.search).fill_null(value=False))
        if view.column is not None:
            conditions.append(rows_like(self._frame, self._by_name[view.column], view))
        return conditions

    def _shown_column(self, name: str) -> Column:
        """Raises:
        UsageError: there is no such column.
        """
        if name not in self._by_name:
            msg = f"there is no column {name!r}"
            raise UsageError(msg)
        return self._by_name[name]

    def _check_cells(self, rows: Sequence[int], columns: Sequence[str]) -> None:
        """Raises:
        UsageError: a row or column that isn't there, stands twice, or may not be edited.
        """
        for row in rows:
            if not isinstance(row, int) or isinstance(row, bool) or not 0 <= row < self.height:
                msg = f"there is no row {row!r}: the ids go from 0 to {self.height - 1}"
                raise UsageError(msg)
        for name in columns:
            if name not in self._by_name:
                msg = f"there is no column {name!r} to edit"
                raise UsageError(msg)
            if self._by_name[name].read_only:
                msg = f"the column {name!r} may not be edited"
                raise UsageError(msg)
        if len(set(rows)) != len(rows) or len(set(columns)) != len(columns):
            msg = "a block names each row and each column once"
            raise UsageError(msg)

    def _make(self, draft: Draft, cause: Step | None = None) -> Touched:
        """A new step, if it changes anything."""
        patches = []
        for name, cells in draft.items():
            old = self._frame.get_column(name).gather(list(cells)).to_list()
            differing = [(row, was, now) for (row, now), was in zip(cells.items(), old, strict=True) if was != now]
            if differing:
                rows, before, after = (list(each) for each in zip(*differing, strict=True))
                patches.append(_Patch(name, rows, before, after))
        return self._make_step(patches, cause)

    def _make_step(self, patches: list[_Patch], cause: Step | None = None) -> Touched:
        """A new step of these patches, if there are any."""
        if not patches:
            return Touched()
        self._write({patch.column: dict(zip(patch.rows, patch.after, strict=True)) for patch in patches})
        self._done.append(_Done(patches, cause))
        self._steps = None
        self._undone.clear()
        return _touched(patches)

    def _write(self, draft: Draft) -> None:
        """Puts cells into the frame and judges their rows; nothing is changed if judging raises."""
        frame = self._frame.with_columns(
            self._frame.get_column(name).clone().scatter(list(cells), _cells(cells, self._frame.schema[name]))
            for name, cells in draft.items()
        )
        rows = pl.Series(sorted({row for cells in draft.values() for row in cells}), dtype=pl.Int64)
        given = {name: self._base.get_column(name).gather(list(cells)).to_list() for name, cells in draft.items()}
        self._issues = self._issues_with(frame, rows)
        self._frame = frame
        self._is_judged = False
        self.version += 1
        for name, cells in draft.items():
            changed = self._changed.setdefault(name, set())
            for (row, now), was in zip(cells.items(), given[name], strict=True):
                (changed.discard if was == now else changed.add)(row)

    def _issues_with(self, frame: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
        """The known issues, with those of some rows found anew; what rules across rows said of them stands."""
        across = pl.col("rule").is_in(ACROSS_ROWS)
        part = frame[rows]
        fresh = validate_conformed(part.drop(empty_unread(part)), schema=self._schema).issues.filter(~across)
        fresh = fresh.with_columns(rows.gather(fresh["row"]).alias("row"))
        standing = self._issues.filter(across | pl.col("row").is_in(rows.implode()).not_())
        return pl.concat([standing, fresh], rechunk=True)

    def _takes_every_suggestion(self, editable: list[str]) -> bool:
        """Whether the step of a recipe does the same: it edits any column, and knows the toolkit's own schema only."""
        # One cell of a mobile is mended with the other.
        held = {column.name for column in self._columns} - set(editable)
        if not held.isdisjoint(IDENTIFIERS["mobile"]):
            return False
        suggested = self._issues.filter(pl.col("suggestion").is_not_null())
        once = suggested.select("row", "column", "suggestion").unique().sort(pl.all())
        if self._schema is not ContactSchema:
            usual = validate_contacts(self.contacts).issues.filter(pl.col("suggestion").is_not_null())
            if not usual.select("row", "column", "suggestion").unique().sort(pl.all()).equals(once):
                return False
        is_twice = once.select("row", "column").is_duplicated().any()
        return bool(suggested["column"].is_in(editable).all()) and not is_twice

    def _suggestions_for(self, column: Column) -> pl.DataFrame:
        about = (pl.col("column") == column.name) & pl.col("suggestion").is_not_null()
        found = self._issues.filter(about).unique("row", keep="first", maintain_order=True).sort("row")
        text = column.text(self._frame.schema[column.name])
        return found.select(
            "row",
            "column",
            self._frame[found["row"]].select(text).to_series().alias("before"),
            pl.col("suggestion").alias("after"),
        )

    def _changed_rows(self, column: Column) -> set[int]:
        changed = self._changed.get(column.name, set())
        return changed | self._changed.get(unread_column(column.name), set())

    def _changes_of(self, column: Column, rows: list[int]) -> pl.DataFrame:
        text = column.text(self._frame.schema[column.name])
        return pl.DataFrame(
            {
                "row": pl.Series(rows, dtype=pl.Int64),
                "column": pl.Series([column.name] * len(rows), dtype=pl.String),
                "before": self._base[rows].select(text).to_series(),
                "after": self._frame[rows].select(text).to_series(),
            }
        )


def _patched(frame: pl.DataFrame, patches: list[_Patch]) -> pl.DataFrame:
    """The frame with the cells of a step in it."""
    return frame.with_columns(
        frame.get_column(patch.column)
        .clone()
        .scatter(patch.rows, pl.Series(patch.after, dtype=frame.schema[patch.column]))
        for patch in patches
    )


def _touched(patches: list[_Patch]) -> Touched:
    rows = sorted({row for patch in patches for row in patch.rows})
    names = [
        patch.column.removeprefix(UNREAD_PREFIX) if is_unread_column(patch.column) else patch.column
        for patch in patches
    ]
    return Touched(tuple(rows), tuple(dict.fromkeys(names)))


def _count(patches: list[_Patch]) -> int:
    """How many cells, as they are shown, patches change."""
    rows: dict[str, set[int]] = {}
    for patch in patches:
        rows.setdefault(patch.column.removeprefix(UNREAD_PREFIX), set()).update(patch.rows)
    return sum(map(len, rows.values()))


def _cells(cells: Mapping[int, Any], dtype: pl.DataType) -> pl.Series:
    return pl.Series(list(cells.values()), dtype=dtype)


def _is_among(rows: pl.Series) -> pl.Expr:
    return pl.int_range(pl.len(), dtype=pl.Int64).is_in(rows.implode())


def _with_room_for_unread(conformed: pl.DataFrame) -> pl.DataFrame:
    """The frame with an `unread:` column for every contact column that can be edited."""
    missing = [
        unread_column(name)
        for name, dtype in conformed.schema.items()
        if is_contact_column(name) and may_be_edited(name, dtype) and unread_column(name) not in conformed.columns
    ]
    return conformed.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in missing)


def _same_cells(given: pl.DataFrame, conformed: pl.DataFrame) -> bool:
    """Whether conforming changed nothing: same columns, dtypes and cells where a column is the toolkit's."""
    if given.columns != conformed.columns or given.schema != conformed.schema:
        return False
    own = [name for name in given.columns if is_contact_column(name) or is_unread_column(name)]
    return all(given.get_column(name).equals(conformed.get_column(name)) for name in own)
