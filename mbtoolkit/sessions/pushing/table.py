"""`FilePush`: one table on its way; `FilePushes`: all that were loaded."""

from __future__ import annotations

import copy
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Final

import polars as pl

from mbtoolkit.cleaning import mapping_of, profile, suggest_mapping
from mbtoolkit.cleaning.duplicates.merging import Keep
from mbtoolkit.client import AsyncClient, Client
from mbtoolkit.contacts import is_contact_column
from mbtoolkit.errors import RecipeError, UsageError
from mbtoolkit.reading import load_table, read_contacts
from mbtoolkit.recipes import Cleaned, MergeRows, ReadContacts, Recipe, Step, row_prints
from mbtoolkit.recipes.step import counted
from mbtoolkit.results import update_results
from mbtoolkit.schemas import ContactSchema
from mbtoolkit.schemas.frames import FIRST_RUN, ROW
from mbtoolkit.schemas.texts import text_form
from mbtoolkit.sessions.editing import Edits
from mbtoolkit.sessions.editing.code import recipe_code
from mbtoolkit.sessions.editing.locking import locked
from mbtoolkit.sessions.pushing.duplicates import Cluster, Duplicates
from mbtoolkit.sessions.pushing.parts import Part
from mbtoolkit.sessions.pushing.pushing import Pushing
from mbtoolkit.sessions.pushing.recipe import push_code, reading_code
from mbtoolkit.sessions.pushing.review import STORED, Review, changed_rows, review_of
from mbtoolkit.sessions.pushing.sources import Source
from mbtoolkit.sessions.pushing.steps import Stages, as_done, done_again, renamed, rows_known
from mbtoolkit.upserts import upsert_contacts
from mbtoolkit.validation import Validation, validate_contacts, with_disputes

SAMPLE_CELLS: Final = 3
PROFILED: Final = 3
"""Values, and patterns, of a column that its profile lists."""
_SAMPLE_ROWS: Final = 200
_NO_ROWS: Final = pl.Series(dtype=pl.Int64)
_HELD: Final = (
    *("mapping", "default_country", "notes", "read_notes", "recipe", "edits", "cleaned", "duplicates"),
    *("_read_with", "_named_by", "_not_done", "_stages"),
)
"""What `use_recipe` changes."""


class FilePush:
    """One table on its way: what was chosen, mended and pushed. Steps can be gone back to; nothing is lost.

    Every method may be called from any thread, also while a push runs.

    Args:
        client: where to push to; its settings are used.
        source: the table.
        schema: the rules; a subclass of `ContactSchema` to add your own.
        lock: held while something is read or changed; one of its own by default.

    Attributes:
        lock: the same. Hold it to read several things that belong together.
        table: the cells under the source's own headers.
        notes: what was assumed while loading.
        read_notes: what was assumed while reading contacts.
        suggestions: the frame of `suggest_mapping`.
        mapping: what each column is; an empty target for those that are not sent.
        default_country: as `read_contacts` takes it.
        recipe: the steps of the clean-up that are done; what is mended in `edits` comes after them.
        cleaned: what they made of the contacts; None before `check`.
        edits: the contacts, to mend; None before `check`.
        duplicates: the rows that may be about one person; None before `find_duplicates`, and after other columns.
        list_id: the list for rows that name none.
        limits: what the account may send, as `upsert_contacts(limits=...)` takes it; None for its default.
        left_out_rules: rows that break one of these are left out.
        sends_stored: whether rows that are stored already are sent once more.
        consented: how many opt-ins the push may turn on; None: none.
        pushing: the latest push.
        results: what became of every row, over all pushes; None before the first is over.

    Raises:
        SourceError: the source can't be read as a table.
    """

    def __init__(
        self,
        client: Client | AsyncClient,
        source: Source,
        *,
        schema: type[ContactSchema] = ContactSchema,
        lock: threading.RLock | None = None,
    ) -> None:
        self.lock = lock or threading.RLock()
        self.client = client
        self.schema = schema
        self.source = source
        self._key = source.key
        self.table, self.notes = load_table(source.data, **source.options)
        self.read_notes: list[str] = []
        self.suggestions = suggest_mapping(self.table)
        suggested = mapping_of(self.suggestions)
        self.mapping = {column: suggested.get(column, "") for column in self.table.columns}
        self.default_country: str | None = None
        self.recipe = Recipe()
        self.cleaned: Cleaned | None = None
        self.edits: Edits | None = None
        self.duplicates: Duplicates | None = None
        self.list_id: str | None = None
        self.limits: str | None = None
        self.left_out_rules: set[str] = set()
        self.sends_stored = False
        self.consented: int | None = None
        self.pushing: Pushing | None = None
        self.results: pl.DataFrame | None = None
        self._read_with: tuple[dict[str, str], str | None] | None = None
        self._named_by: dict[str, str] | None = None
        self._not_done: list[str] = []
        self._stages: Stages = []
        self._pushed_rows: pl.DataFrame | None = None
        self._compared_after: tuple[Step, ...] = ()
        self._validated: tuple[pl.DataFrame, Validation] | None = None
        self._profile: pl.DataFrame | None = None
        self._samples: dict[str, list[str]] = {}

    @property
    @locked
    def mark(self) -> tuple[object, ...]:
        """Equal as long as nothing that a person chose, mended or began is changed."""
        edits, duplicates = self.edits, self.duplicates
        return (
            *(tuple(self.mapping.items()), self.default_country, self.recipe, edits, edits and edits.version),
            *(duplicates, duplicates and len(duplicates.apart), self.list_id, self.limits),
            *(frozenset(self.left_out_rules), self.sends_stored, self.consented, self.pushing),
        )

    # Map

    @property
    @locked
    def profile(self) -> pl.DataFrame:
        """What is in each column of `table`: the frame of `mbtoolkit.cleaning.profile`, values included."""
        if self._profile is None:
            self._profile = profile(self.table, show_values=True, top=PROFILED).columns
        return self._profile

    @locked
    def map_column(self, column: str, target: str) -> None:
        """Says what a column is; an empty target carries it along, never sent.

        Raises:
            UsageError: there is no such column.
        """
        if column not in self.mapping:
            msg = f"there is no column {column!r} in what was loaded"
            raise UsageError(msg)
        self.mapping[column] = target

    @property
    @locked
    def twice(self) -> list[str]:
        """Targets that more than one column has."""
        return sorted(target for target, times in Counter(self.mapping.values()).items() if target and times > 1)

    @locked
    def sample(self, column: str) -> list[str]:
        """The first few different cells of a column, as text."""
        if column not in self._samples:
            self._samples[column] = self._sampled(column)
        return self._samples[column]

    def _sampled(self, column: str) -> list[str]:
        # Under another name, for polars takes names such as `^x$` for patterns of names.
        cells = self.table.get_column(column).alias("cells").drop_nulls().head(_SAMPLE_ROWS)
        texts = cells.to_frame().select(text_form(pl.first(), cells.dtype)).to_series()
        return [text for text in texts.unique(maintain_order=True) if text.strip()][:SAMPLE_CELLS]

    # Check and mend

    @locked
    def check(self) -> None:
        """Reads the contacts by the mapping, unless that was done already, and does the clean-up that was made before.

        Raises:
            MappingError, SourceError, UsageError: the table can't be read with these choices, or is another by now.
        """
        asked = dict(self.mapping), self.default_country
        if asked == self._read_with:
            return
        if self.source.key != self._key:
            msg = f"{self.source.name} has changed since it was loaded: go back to the first step and load it again"
            raise UsageError(msg)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            contacts = read_contacts(
                self.source.data,
                mapping=self.mapping,
                default_country=self.default_country or None,
                **self.source.options,
            )
        self.settle()
        recipe = self._named_now(self.recipe)
        rows = self.cleaned.rows_before if self.cleaned is not None and self._read_with is not None else {}
        again, cleaned, notes, stages = done_again(contacts, recipe, rows, as_found=True)
        self._take_cleaned(again, cleaned, stages)
        self.duplicates = None
        self._read_with, self._named_by = asked, asked[0]
        self.read_notes, self._not_done = [str(each.message) for each in said], []
        self._say_not_done(notes)

    @property
    def _made(self) -> Recipe:
        """The recipe, and what was mended in `edits` as its last steps."""
        return self.recipe.then(*self.edits.recipe.steps) if self.edits is not None else self.recipe

    def _named_now(self, recipe: Recipe) -> Recipe:
        """A recipe for the names that the columns have under the mapping as it is chosen now."""
        if self._named_by is None or self._named_by == self.mapping:
            return recipe
        new = _names(self.mapping)
        names = {name: new[column] for column, name in _names(self._named_by).items() if column in new}
        return Recipe(tuple(renamed(step, names) for step in recipe.steps))

    def _say_not_done(self, notes: list[str]) -> None:
        """Says which steps could not be done; what was said of that before holds no longer."""
        self.read_notes = [note for note in self.read_notes if note not in self._not_done] + notes
        self._not_done = notes

    def _take_cleaned(self, recipe: Recipe, cleaned: Cleaned, stages: Stages) -> None:
        """Takes up what steps made of the contacts.

        Raises:
            UsageError: rows that were pushed would be merged or parted.
        """
        is_pushed = self.results is not None or self.is_pushing
        if is_pushed and self._pushed_rows is not None and not cleaned.rows.equals(self._pushed_rows):
            msg = "rows were pushed already, so none can be merged or parted any more: load the table again for that"
            raise UsageError(msg)
        edits = Edits(cleaned.contacts, schema=self.schema, lock=self.lock)
        self.recipe, self.cleaned, self.edits, self._stages = recipe, cleaned, edits, stages

    # Clean

    @locked
    def settle(self) -> None:
        """Puts what was mended in `edits` into the recipe, as its last steps."""
        if self.edits is None or self.cleaned is None:
            return
        made = self.edits.recipe.steps
        if made:
            self._add(*made)

    @locked
    def add_steps(self, *steps: Step) -> None:
        """Does further steps, after all that was mended so far.

        Raises:
            RecipeError, UsageError: one can't be done, or would merge rows that were pushed; nothing is changed then.
        """
        self.settle()
        self._add(*steps)

    def _add(self, *steps: Step) -> None:
        assert self.cleaned is not None, "check comes first"
        cleaned, recipe, stages = self.cleaned, self.recipe.then(*steps), self._stages
        for place, step in enumerate(recipe.steps[len(self.recipe) :], len(self.recipe)):
            cleaned = cleaned.after(place, step) if step.is_on else cleaned
            stages = [*stages, (step, cleaned)] if len(stages) == place else stages
        self._take_cleaned(recipe, cleaned, stages)

    @locked
    def change_recipe(self, change: Callable[[Recipe], Recipe]) -> None:
        """Does the recipe anew from the table as it was read, with a step removed or switched.

        Args:
            change: makes the new recipe of the one so far, in which all is that was mended.

        Raises:
            RecipeError, UsageError: as `add_steps`.
        """
        self.settle()
        assert self.cleaned is not None, "check comes first"
        recipe = change(self.recipe)
        rows = rows_known(self.recipe, self.cleaned, recipe)
        again, cleaned, notes, stages = done_again(self.cleaned.given, recipe, rows, known=self._stages)
        self._take_cleaned(again, cleaned, stages)
        self._say_not_done(notes)

    @locked
    def find_duplicates(self, *, by_identifiers: bool = False) -> None:
        """Looks for rows that are about one person; `duplicates` holds what is found.

        Args:
            by_identifiers: whether contact ids, mobiles and e-mail addresses alone are compared; by default also
                columns named like names, addresses and birthdays.
        """
        contacts = self.contacts
        assert contacts is not None, "check comes first"
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            self.duplicates = Duplicates(contacts, self._into, [] if by_identifiers else None)
        self._compared_after = self._mends
        notes = [str(each.message) for each in said]
        self.read_notes += [note for note in notes if note not in self.read_notes]

    @property
    def _mends(self) -> tuple[Step, ...]:
        """The steps that change what is compared."""
        return tuple(step for step in self._made.steps if step.is_on and step.keeps_rows)

    @property
    @locked
    def are_duplicates_outdated(self) -> bool:
        """Whether cells were changed since `find_duplicates` compared them."""
        return self.duplicates is not None and self._compared_after != self._mends

    @property
    @locked
    def standing_duplicates(self) -> pl.DataFrame:
        """What was found and is not merged by now, as `Duplicates.standing` has it."""
        contacts = self.contacts
        assert contacts is not None, "check comes first"
        assert self.duplicates is not None, "find_duplicates comes first"
        return self.duplicates.standing(contacts, self._into)

    @locked
    def duplicates_at(self, number: int) -> Cluster:
        """One of the clusters that stand.

        Args:
            number: of a cluster of `standing_duplicates`.
        """
        assert self.duplicates is not None, "find_duplicates comes first"
        return self.duplicates.cluster(self.standing_duplicates, number, self._into)

    @locked
    def merge_duplicates(self, keep: Keep = "most_complete", date_column: str | None = None) -> None:
        """Merges all that was found and needs no answer.

        Args:
            keep: which row is preferred, as `mbtoolkit.cleaning.merge_duplicates` takes it.
            date_column: likewise.

        Raises:
            RecipeError, UsageError: no rows can be merged like this, or others than those that were found would be,
                because cells were changed since; nothing is changed then.
        """
        assert self.duplicates is not None, "find_duplicates comes first"
        self.settle()
        assert self.contacts is not None, "check comes first"
        assert self.cleaned is not None, "check comes first"
        step = self.duplicates.merging(self.contacts, self._into, keep, date_column)
        cleaned = self._merged_by(step)
        found = self.standing_duplicates.filter(pl.col("question").is_null())
        if not _are_merged(found, self.cleaned.rows["into"], cleaned.rows["into"]):
            msg = "nothing was merged: other rows are alike by now than those that were found; look again"
            raise UsageError(msg)
        self._take_merged(step, cleaned)

    @locked
    def merge_rows(self, rows: Sequence[int], choices: Mapping[str, int] | None = None) -> None:
        """Makes one row of several.

        Args:
            rows: their positions in `contacts`.
            choices: {column: which of the rows its value is taken from, 0 for the first}.

        Raises:
            RecipeError, UsageError: they can't be merged like this; nothing is changed then.
        """
        self.settle()
        assert self.contacts is not None, "check comes first"
        step = MergeRows(list(rows), row_prints(self.contacts, rows), dict(choices or {}))
        self._take_merged(step, self._merged_by(step))

    def _take_merged(self, step: Step, cleaned: Cleaned) -> None:
        is_known = len(self._stages) == len(self.recipe)
        stages = [*self._stages, (step, cleaned)] if is_known else self._stages
        self._take_cleaned(self.recipe.then(step), cleaned, stages)

    def _merged_by(self, step: Step) -> Cleaned:
        """What a step makes of the contacts.

        Raises:
            RecipeError, UsageError: it can't be done, or merges nothing.
        """
        assert self.cleaned is not None, "check comes first"
        cleaned = self.cleaned.after(len(self.recipe), step)
        if cleaned.contacts.height == self.cleaned.contacts.height:
            note = cleaned.report["note"][-1]
            msg = f"nothing was merged: {note or 'no two rows are about one person'}"
            raise UsageError(msg)
        return cleaned

    @property
    def _into(self) -> pl.Series:
        """For each row of the table as it was read, its position in `contacts`."""
        assert self.cleaned is not None, "check comes first"
        into: pl.Series = self.cleaned.rows["into"]
        return into

    @locked
    def follow(self, before: FilePush) -> None:
        """Takes over the clean-up of a table with the same columns; `check` does it."""
        self.recipe, self._named_by = before._made, before._named_by

    @property
    @locked
    def whole_recipe(self) -> Recipe:
        """The clean-up from the table as it came to the contacts as they are, to be saved and run on the next table.

        Steps that could not be done here are switched off in it.
        """
        mapping, country = self._chosen
        return Recipe().read_contacts(mapping, default_country=country).then(*self._done.steps)

    @property
    def _chosen(self) -> tuple[dict[str, str], str | None]:
        """The mapping, and the country, that the contacts were read with; before that what is chosen now."""
        return self._read_with or (self.mapping, self.default_country)

    @property
    def _done(self) -> Recipe:
        """All that was made; what could not be done is switched off."""
        return as_done(self.recipe, self.cleaned).then(*self._made.steps[len(self.recipe) :])

    @locked
    def use_recipe(self, recipe: Recipe) -> None:
        """Takes up a recipe that was made for another table: its mapping, and its steps in the place of all so far.

        Args:
            recipe: one that begins with `read_contacts`, as `whole_recipe` does, or has none.

        Raises:
            RecipeError: it has steps before `read_contacts`, which a panel can't do.
            MappingError, RecipeError, UsageError: as `check`; all is as it was then.
        """
        reading = [place for place, step in enumerate(recipe.steps) if isinstance(step, ReadContacts)]
        if reading not in ([], [0]):
            msg = (
                f"the recipe has {reading[0]} steps before read_contacts, which work on the table as it came; "
                "run it in a cell, Recipe.read(path).run(source), and give the panel what comes of it"
            )
            raise RecipeError(msg)
        # On a copy, so that nothing of it is seen before it is all done, and nothing is changed where it fails.
        made = copy.copy(self)
        made._use(recipe.steps[len(reading) :], recipe.steps[0] if reading else None)  # noqa: SLF001 - a copy of itself
        vars(self).update({name: getattr(made, name) for name in _HELD})

    def _use(self, steps: tuple[Step, ...], first: Step | None) -> None:
        if isinstance(first, ReadContacts):
            gone = [column for column, target in first.mapping.items() if target and column not in self.mapping]
            new = [column for column in self.mapping if column not in first.mapping]
            self.mapping = {column: first.mapping.get(column, "") for column in self.mapping}
            self.default_country = first.default_country
            told = [f"the recipe names columns that are not here: {', '.join(map(repr, gone))}"] if gone else []
            told += [f"columns that the recipe does not name: {', '.join(map(repr, new))}"] if new else []
            self.notes = [*self.notes, *told]
        self.recipe, self.edits = Recipe(steps), None
        self._read_with = self._named_by = None
        self.check()

    @property
    @locked
    def contacts(self) -> pl.DataFrame | None:
        """The contacts frame, mended; None before `check`."""
        return self.edits.contacts if self.edits is not None else None

    @property
    @locked
    def validation(self) -> Validation | None:
        """What the rules say of `contacts`; None before `check`."""
        contacts = self.contacts
        if contacts is None:
            return None
        held = self._validated
        if held is None or not held[0].equals(contacts):
            judged = with_disputes(validate_contacts(contacts, schema=self.schema), contacts)
            held = self._validated = (contacts, judged)
        return held[1]

    @locked
    def leave_out(self, rule: str, *, is_out: bool = True) -> None:
        """Leaves the rows that break a rule out of the push, or takes them in again."""
        (self.left_out_rules.add if is_out else self.left_out_rules.discard)(rule)

    @property
    @locked
    def left_out_rows(self) -> pl.Series:
        """Positions of the rows that are left out."""
        if not self.left_out_rules or self.validation is None:
            return _NO_ROWS
        issues = self.validation.issues
        return issues.filter(issues["rule"].is_in(list(self.left_out_rules)))["row"].unique().sort()

    # Review and push

    @property
    @locked
    def stored_rows(self) -> pl.Series:
        """Positions of the rows that are stored, and not changed since."""
        if self.results is None or self.contacts is None:
            return _NO_ROWS
        is_stored = self.results["mb_status"].is_in(STORED)
        return (is_stored & ~changed_rows(self.results, self.contacts)).arg_true().cast(pl.Int64)

    @property
    @locked
    def review(self) -> Review:
        """What a push would do now."""
        return self._review(_NO_ROWS if self.sends_stored else self.stored_rows)

    def _review(self, stored: pl.Series) -> Review:
        validation = self.validation
        assert validation is not None, "check comes first"
        merged = self.cleaned.given.height - self.cleaned.contacts.height if self.cleaned is not None else 0
        return review_of(validation, self.left_out_rows, stored, merged)

    @locked
    def start(self, heard: Callable[[], None]) -> Pushing:
        """Pushes in a thread; returns at once. Rows that are stored are left alone, unless `sends_stored`.

        Args:
            heard: called from the thread, at most ten times a second and once more at the end.

        Raises:
            UsageError: a push is on its way already.
        """
        contacts = self.contacts
        assert contacts is not None, "check comes first"
        if self.is_pushing:
            msg = "a push is on its way: wait for it, or cancel it"
            raise UsageError(msg)
        assert self.cleaned is not None, "check comes first"
        stored = _NO_ROWS if self.sends_stored else self.stored_rows
        leave_out = pl.concat([self.left_out_rows, stored]).unique()
        review = self._review(stored)
        send = partial(
            upsert_contacts,
            contacts,
            self.client,
            list_id=self.list_id,
            opt_ins_on=(self.consented or 0) if review.opt_ins_on else 0,
            leave_out=leave_out,
            schema=self.schema,
            limits=self.limits,
        )
        before = self.pushing, self._pushed_rows
        pushing = self.pushing = Pushing(review.sendable)
        self._pushed_rows = self.cleaned.rows
        try:
            pushing.begin(lambda hear, stop: send(progress=hear, stop=stop), self._take, heard)
        except BaseException:  # there is no room for another thread, say: nothing was sent
            self.pushing, self._pushed_rows = before
            raise
        return pushing

    @locked
    def _take(self, results: pl.DataFrame) -> None:
        """Takes a push's results in; rows that it left out keep what they had from the push before."""
        if self.results is None:
            self.results = results
        else:
            # All contacts are pushed again, in the same places: rows are those of the first push.
            numbers = self.results.select(ROW, FIRST_RUN)
            told = results.with_columns(numbers.get_columns()).filter(pl.col("mb_code").ne_missing("left_out"))
            self.results = update_results(self.results, told)

    # Without the lock: a display asks while something else is worked on, and a push takes the lock to end.

    @property
    def is_pushing(self) -> bool:
        """Whether a push is on its way."""
        pushing = self.pushing
        return pushing is not None and pushing.ended is None

    def cancel(self) -> None:
        """Ends the push: no new requests; those on their way are waited for."""
        pushing = self.pushing
        if pushing is not None:
            pushing.stop.set()

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Waits for a push that is on its way; whether none is any more. Don't hold `lock` meanwhile."""
        pushing = self.pushing
        if pushing is not None and pushing.thread is not None:
            pushing.thread.join(timeout_seconds)
        return not self.is_pushing

    @property
    @locked
    def failed_rows(self) -> pl.Series:
        """Positions of the rows that were to be stored and are not."""
        if self.results is None:
            return _NO_ROWS
        is_settled = self.results["mb_status"].is_in(STORED) | self.results["mb_code"].eq_missing("left_out")
        return (~is_settled).arg_true().cast(pl.Int64)

    @locked
    def failed(self) -> Part:
        """The rows that are not stored, as mended so far, with what became of them; to be mended further."""
        assert self.edits is not None, "check comes first"
        assert self.results is not None, "a push comes first"
        rows = self.failed_rows
        told = self.results[rows].select(ROW, "mb_status", "mb_message")
        return Part(self.edits, rows, told, self.schema)

    # The same as a cell

    @property
    @locked
    def code(self) -> str:
        """The cell that does the same without clicking, on a CRM that none of it was pushed to."""
        edits = self._cleaning_code()
        reading = reading_code(self.source, *self._chosen)
        return push_code(reading, edits, self.left_out_rules, self._options())

    def _cleaning_code(self) -> str | None:
        """The lines that clean and mend the contacts."""
        if self.edits is None or not (self.recipe.steps or self.edits.can_undo):
            return None
        if not self.recipe.steps:
            return self.edits.code
        return recipe_code(self._done)

    def _options(self) -> dict[str, str]:
        options = {"list_id": repr(self.list_id)} if self.list_id else {}
        if self.edits is not None and (on := self._review(_NO_ROWS).opt_ins_on):
            options["opt_ins_on"] = str(on)
        if self.limits:
            options["limits"] = repr(self.limits)
        return options if self.schema is ContactSchema else {**options, "schema": self.schema.__name__}


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


def _names(mapping: dict[str, str]) -> dict[str, str]:
    """What each column of the source is called among the contacts."""
    taken = set(mapping.values())
    return {
        column: target or (f"source:{column}" if column in taken or is_contact_column(column) else column)
        for column, target in mapping.items()
    }


class FilePushes:
    """Every table that was loaded; one that is loaded again is as it was left.

    Args:
        client: where to push to; its settings are used.
        schema: the rules.

    Attributes:
        current: the one that is worked on.
        lock: of all of them.
    """

    def __init__(self, client: Client | AsyncClient, *, schema: type[ContactSchema] = ContactSchema) -> None:
        self.lock = threading.RLock()
        self.client = client
        self.schema = schema
        self.current: FilePush | None = None
        self._loaded: dict[Hashable, FilePush] = {}

    @locked
    def load(self, source: Source) -> None:
        """Loads a table, or goes back to it. What was chosen for a table with the same columns is chosen for it too.

        Raises:
            SourceError: it can't be read as a table.
            UsageError: a push of another table is on its way.
        """
        key = source.key
        push = self._loaded.get(key)
        if push is not None and push is self.current:
            return
        if self.current is not None and self.current.is_pushing:
            msg = "a push is on its way: wait for it, or cancel it, before something else is loaded"
            raise UsageError(msg)
        if push is None:
            push = FilePush(self.client, source, schema=self.schema, lock=self.lock)
            if self.current is not None:
                _follow(push, self.current)
        self.current = self._loaded[key] = push


def _follow(push: FilePush, before: FilePush) -> None:
    """Takes over what does not depend on the rows, and says what was not taken over."""
    push.list_id = before.list_id
    recipe = before.whole_recipe
    if push.table.columns == before.table.columns:
        push.mapping, push.default_country = dict(before.mapping), before.default_country
        push.follow(before)
    elif len(recipe) > 1:
        push.notes.append(
            f"the clean-up of {before.source.name} is not taken over, because the columns are others "
            f"({counted(len(recipe) - 1, 'step')})"
        )
