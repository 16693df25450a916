"""`FilePush`: one table on its way, and what is chosen for its push."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import polars as pl

from mbtoolkit.cleaning.duplicates.merging import Keep
from mbtoolkit.client import AsyncClient, Client
from mbtoolkit.errors import UsageError
from mbtoolkit.recipes import Cleaned, Recipe, Step
from mbtoolkit.recipes.step import counted
from mbtoolkit.schemas import ContactSchema
from mbtoolkit.schemas.frames import ROW
from mbtoolkit.sessions.editing import Edits
from mbtoolkit.sessions.editing.code import recipe_code
from mbtoolkit.sessions.editing.locking import locked
from mbtoolkit.sessions.pushing.cleaned import Checked, CleanUp
from mbtoolkit.sessions.pushing.code import push_code, reading_code
from mbtoolkit.sessions.pushing.duplicates import Duplicates
from mbtoolkit.sessions.pushing.loaded import Loaded, Mapped
from mbtoolkit.sessions.pushing.parts import Part
from mbtoolkit.sessions.pushing.review import Review, failed_rows, results_since, review_of, stored_rows
from mbtoolkit.sessions.pushing.sending import Pushing
from mbtoolkit.sessions.pushing.sources import Source
from mbtoolkit.upserts import upsert_contacts
from mbtoolkit.validation import Validation, with_disputes

_NO_ROWS: Final = pl.Series(dtype=pl.Int64)


class FilePush:
    """One table on its way: what was chosen, edited and pushed. Steps can be gone back to; nothing is lost.

    Every method may be called from any thread, also while a push runs. `loaded`, `mapped` and `checked` are values,
    each made from the one before: a change makes a new value first and then puts it in the old one's place.

    Args:
        client: where to push to; its settings are used.
        source: the table.
        schema: the rules; a subclass of `ContactSchema` to add your own.
        lock: held while something is read or changed; one of its own by default.

    Attributes:
        lock: the same. Hold it to read several things that belong together.
        loaded: the table as it was loaded.
        mapped: what is chosen of its columns.
        checked: the contacts, cleaned and edited; None before `check`.
        list_id: the list for rows that name none.
        limits: what the account may send, as `upsert_contacts(limits=...)` takes it; None for its default.
        left_out_rules: rows that break one of these are left out.
        sends_stored: whether rows that are stored already are sent once more.
        consented: how many opt-ins the push may turn on; None: none.
        pushing: the latest push.
        results: the results frame, over all pushes; None before the first is over.

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
        self.loaded = Loaded.of(source)
        self.mapped = Mapped.of(self.loaded)
        self.checked: Checked | None = None
        self.list_id: str | None = None
        self.limits: str | None = None
        self.left_out_rules: set[str] = set()
        self.sends_stored = False
        self.consented: int | None = None
        self.pushing: Pushing | None = None
        self.results: pl.DataFrame | None = None
        self._pushed_rows: pl.DataFrame | None = None
        self._disputed: tuple[Validation, Validation] | None = None

    @property
    @locked
    def mark(self) -> tuple[object, ...]:
        """Equal as long as nothing that a person chose, edited or began is changed."""
        edits, duplicates = self.edits, self.duplicates
        return (
            *(tuple(self.mapping.items()), self.default_country, self.recipe, edits, edits and edits.version),
            *(duplicates, duplicates and len(duplicates.apart), self.list_id, self.limits),
            *(frozenset(self.left_out_rules), self.sends_stored, self.consented, self.pushing),
        )

    # Without the lock, as each reads one value.

    @property
    def table(self) -> pl.DataFrame:
        """The cells under the source's own headers."""
        return self.loaded.table

    @property
    def notes(self) -> list[str]:
        """What was assumed while loading, and what was not taken over from a recipe or another table."""
        return list(self.mapped.notes)

    @property
    def mapping(self) -> dict[str, str]:
        """What each column is; an empty target for those that are not sent."""
        return dict(self.mapped.mapping)

    @property
    def default_country(self) -> str | None:
        """As `read_contacts` takes it."""
        return self.mapped.default_country

    @default_country.setter
    @locked
    def default_country(self, country: str | None) -> None:
        self.mapped = replace(self.mapped, default_country=country)

    @property
    def edits(self) -> Edits | None:
        """The contacts, to edit; None before `check`."""
        checked = self.checked
        return checked.edits if checked is not None else None

    @property
    def cleaned(self) -> Cleaned | None:
        """What `recipe` made of the contacts; None before `check`."""
        checked = self.checked
        return checked.clean_up.cleaned if checked is not None else None

    @property
    def recipe(self) -> Recipe:
        """The steps of the clean-up; what is edited in `edits` comes after them."""
        checked = self.checked
        return checked.clean_up.recipe if checked is not None else self.mapped.recipe

    @property
    def duplicates(self) -> Duplicates | None:
        """The rows that may be about one person; None before `find_duplicates`, and after other columns."""
        checked = self.checked
        return checked.duplicates if checked is not None else None

    @property
    def read_notes(self) -> list[str]:
        """What was assumed while reading contacts, and which steps could not be done."""
        checked = self.checked
        return [*checked.clean_up.notes, *checked.clean_up.not_done] if checked is not None else []

    # Map

    @locked
    def map_column(self, column: str, target: str) -> None:
        """Says what a column is; an empty target carries it along, never sent.

        Raises:
            UsageError: there is no such column.
        """
        self.mapped = self.mapped.with_column(column, target)

    @locked
    def follow(self, before: FilePush) -> None:
        """Takes over what does not depend on the rows, and says what was not taken over; `check` does the clean-up.

        Args:
            before: another table.
        """
        self.list_id = before.list_id
        if self.table.columns == before.table.columns:
            made = before.checked.made if before.checked is not None else before.mapped.recipe
            named_by = before.checked.clean_up.mapped.mapping if before.checked is not None else before.mapped.named_by
            self.mapped = replace(
                before.mapped, loaded=self.loaded, notes=self.mapped.notes, recipe=made, named_by=named_by
            )
        elif steps := len(before.whole_recipe) - 1:
            note = (
                f"the clean-up of {before.source.name} is not taken over, because the columns are others "
                f"({counted(steps, 'step')})"
            )
            self.mapped = replace(self.mapped, notes=(*self.mapped.notes, note))

    # Check and clean

    @locked
    def check(self) -> None:
        """Reads the contacts by the mapping, unless that was done already, and does the clean-up that was made before.

        Raises:
            MappingError, UsageError: the table can't be read with these choices, or has changed since it was loaded.
        """
        checked = self.checked
        if checked is None or checked.clean_up.mapped.choice != self.mapped.choice:
            self.checked = self._read(self.mapped, checked.settled if checked is not None else None)

    def _read(self, mapped: Mapped, before: CleanUp | None) -> Checked:
        if self.source.key != self.loaded.key:
            msg = f"{self.source.name} has changed since it was loaded: go back to the first step and load it again"
            raise UsageError(msg)
        return self._checked(CleanUp.of(mapped, self.source, before))

    def _checked(self, clean_up: CleanUp) -> Checked:
        """The contacts of a clean-up, to be put in the place of those so far.

        Raises:
            UsageError: rows that were pushed would be merged or parted.
        """
        is_pushed = self.results is not None or self.is_pushing
        if is_pushed and self._pushed_rows is not None and not clean_up.cleaned.rows.equals(self._pushed_rows):
            msg = "rows were pushed already, so none can be merged or parted any more: load the table again for that"
            raise UsageError(msg)
        return Checked.of(clean_up, self.schema, self.lock)

    def _clean(self, clean_up: CleanUp) -> None:
        """Puts another clean-up of the same contacts in the place of the one so far."""
        before = self.cleaning
        self.checked = replace(
            self._checked(clean_up), duplicates=before.duplicates, compared_after=before.compared_after
        )

    @property
    def cleaning(self) -> Checked:
        """The contacts that were read, for what needs them.

        Raises:
            UsageError: `check` was not called.
        """
        checked = self.checked
        if checked is None:
            msg = "the contacts were not read: call check() first"
            raise UsageError(msg)
        return checked

    @locked
    def settle(self) -> None:
        """Puts what was edited in `edits` into the recipe, as its last steps."""
        if self.checked is not None and self.checked.edits.recipe.steps:
            self._clean(self.checked.settled)

    @locked
    def add_steps(self, *steps: Step) -> None:
        """Does further steps, after all edits so far.

        Raises:
            RecipeError, UsageError: one can't be done, or would merge rows that were pushed; nothing is changed then.
        """
        self._clean(self.cleaning.settled.then(*steps))

    @locked
    def change_recipe(self, change: Callable[[Recipe], Recipe]) -> None:
        """Does the recipe again from the table as it was read, with a step removed or switched.

        Args:
            change: makes the new recipe of the one so far, which holds all edits.

        Raises:
            RecipeError, UsageError: as `add_steps`.
        """
        self._clean(self.cleaning.settled.changed(change))

    @locked
    def find_duplicates(self, *, by_identifiers: bool = False) -> None:
        """Looks for rows that are about one person; `duplicates` holds what is found.

        Args:
            by_identifiers: whether contact ids, mobiles and e-mail addresses alone are compared; by default also
                columns named like names, addresses and birthdays.
        """
        self.checked = self.cleaning.with_duplicates([] if by_identifiers else None)

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
        self._clean(self.cleaning.merging(keep, date_column))

    @locked
    def merge_rows(self, rows: Sequence[int], choices: Mapping[str, int] | None = None) -> None:
        """Makes one row of several.

        Args:
            rows: their positions in `contacts`.
            choices: {column: which of the rows its value is taken from, 0 for the first}.

        Raises:
            RecipeError, UsageError: they can't be merged like this; nothing is changed then.
        """
        self._clean(self.cleaning.merging_rows(rows, choices or {}))

    @property
    @locked
    def whole_recipe(self) -> Recipe:
        """The clean-up from the table as it came to the contacts as they are, to be saved and run on the next table.

        Steps that could not be done here are switched off in it.
        """
        mapping, country = self._read_with.choice
        steps = self.checked.done.steps if self.checked is not None else self.mapped.recipe.steps
        return Recipe().read_contacts(mapping, default_country=country).then(*steps)

    @property
    def _read_with(self) -> Mapped:
        """What the contacts were read with; before that what is chosen now."""
        return self.checked.clean_up.mapped if self.checked is not None else self.mapped

    @locked
    def use_recipe(self, recipe: Recipe) -> None:
        """Takes up a recipe that was made for another table: its mapping, and its steps in the place of all so far.

        Args:
            recipe: one that begins with `read_contacts`, as `whole_recipe` does, or has none.

        Raises:
            RecipeError: it has steps before `read_contacts`, which a panel can't do.
            MappingError, RecipeError, UsageError: as `check`; all is as it was then.
        """
        mapped = self.mapped.with_recipe(recipe)
        self.checked, self.mapped = self._read(mapped, None), mapped

    @property
    @locked
    def contacts(self) -> pl.DataFrame | None:
        """The contacts frame, edited; None before `check`."""
        return self.edits.contacts if self.edits is not None else None

    @property
    @locked
    def validation(self) -> Validation | None:
        """What the rules say of `contacts`; None before `check`."""
        if self.checked is None:
            return None
        found = self.checked.edits.validation
        if self._disputed is None or self._disputed[0] is not found:
            self._disputed = found, with_disputes(found, self.checked.edits.contacts)
        return self._disputed[1]

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
        return stored_rows(self.results, self.contacts)

    @property
    @locked
    def review(self) -> Review:
        """What a push would do now."""
        return self._review(_NO_ROWS if self.sends_stored else self.stored_rows)

    def _review(self, stored: pl.Series) -> Review:
        cleaned, validation = self.cleaning.clean_up.cleaned, self.validation
        assert validation is not None
        merged = cleaned.given.height - cleaned.contacts.height
        return review_of(validation, self.left_out_rows, stored, merged)

    @locked
    def start(self, notify: Callable[[], None]) -> Pushing:
        """Pushes in a thread; returns at once. Rows that are stored are left alone, unless `sends_stored`.

        Args:
            notify: called from the thread, at most ten times a second and once more at the end.

        Raises:
            UsageError: a push is on its way already.
        """
        checked = self.cleaning
        if self.is_pushing:
            msg = "a push is on its way: wait for it, or cancel it"
            raise UsageError(msg)
        stored = _NO_ROWS if self.sends_stored else self.stored_rows
        leave_out = pl.concat([self.left_out_rows, stored]).unique()
        review = self._review(stored)
        send = partial(
            upsert_contacts,
            checked.edits.contacts,
            self.client,
            list_id=self.list_id,
            opt_ins_on=(self.consented or 0) if review.opt_ins_on else 0,
            leave_out=leave_out,
            schema=self.schema,
            limits=self.limits,
        )
        before = self.pushing, self._pushed_rows
        pushing = self.pushing = Pushing(review.sendable)
        self._pushed_rows = checked.clean_up.cleaned.rows
        try:
            pushing.begin(lambda hear, stop: send(progress=hear, stop=stop), self._take, notify)
        except BaseException:  # there is no room for another thread, say: nothing was sent
            self.pushing, self._pushed_rows = before
            raise
        return pushing

    @locked
    def _take(self, results: pl.DataFrame) -> None:
        """Takes a push's results in; rows that it left out keep what they had from the push before."""
        self.results = results_since(self.results, results)

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
        return failed_rows(self.results) if self.results is not None else _NO_ROWS

    @locked
    def failed(self) -> Part:
        """The rows that are not stored, as edited so far, with their results; to be edited further.

        Raises:
            UsageError: nothing was pushed yet.
        """
        edits = self.cleaning.edits
        if self.results is None:
            msg = "nothing was pushed: call start() first"
            raise UsageError(msg)
        rows = self.failed_rows
        told = self.results[rows].select(ROW, "mb_status", "mb_message")
        return Part(edits, rows, told, self.schema)

    # The same as a cell

    @property
    @locked
    def code(self) -> str:
        """The cell that does the same without clicking, on a CRM that none of it was pushed to."""
        checked, cleaning = self.checked, None
        if checked is not None and (self.recipe.steps or checked.edits.can_undo):
            cleaning = recipe_code(checked.done) if self.recipe.steps else checked.edits.code
        reading = reading_code(self.source, *self._read_with.choice)
        return push_code(reading, cleaning, self.left_out_rules, self._options())

    def _options(self) -> dict[str, str]:
        options = {"list_id": repr(self.list_id)} if self.list_id else {}
        if self.edits is not None and (on := self._review(_NO_ROWS).opt_ins_on):
            options["opt_ins_on"] = str(on)
        if self.limits:
            options["limits"] = repr(self.limits)
        return options if self.schema is ContactSchema else {**options, "schema": self.schema.__name__}
