"""`FilePush`: one table on its way; `FilePushes`: all that were loaded."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable
from typing import Final

import polars as pl

from mbtoolkit.cleaning import mapping_of, suggest_mapping
from mbtoolkit.client import AsyncClient, Client
from mbtoolkit.contacts import is_contact_column
from mbtoolkit.editing import Edits
from mbtoolkit.errors import UsageError
from mbtoolkit.filepush.parts import MADE, Part, edit_all
from mbtoolkit.filepush.pushing import Pushing
from mbtoolkit.filepush.recipe import push_code, reading_code
from mbtoolkit.filepush.review import STORED, Review, changed_rows, review_of
from mbtoolkit.filepush.sources import Source
from mbtoolkit.reading import load_table, read_contacts
from mbtoolkit.reporting import with_disputes
from mbtoolkit.results import update_results
from mbtoolkit.schemas import ContactSchema
from mbtoolkit.schemas.texts import text_form
from mbtoolkit.upserts import upsert_contacts
from mbtoolkit.validation import Validation, validate_contacts

SAMPLE_CELLS: Final = 3
_SAMPLE_ROWS: Final = 200
_NO_ROWS: Final = pl.Series(dtype=pl.Int64)


class FilePush:
    """One table on its way: what was chosen, mended and pushed. Steps can be gone back to; nothing is lost.

    Args:
        client: where to push to; its settings are used.
        source: the table.
        schema: the rules; a subclass of `ContactSchema` to add your own.

    Attributes:
        table: the cells under the source's own headers.
        notes: what was assumed while loading.
        read_notes: what was assumed while reading contacts.
        suggestions: the frame of `suggest_mapping`.
        mapping: what each column is; an empty target for those that are not sent.
        default_country: as `read_contacts` takes it.
        edits: the contacts, to mend; None before `check`.
        list_id: the list for rows that name none.
        plan: whose limit is kept, as `upsert_contacts(limits=...)` takes it; None for none.
        left_out_rules: rows that break one of these are left out.
        sends_stored: whether rows that are stored already are sent once more.
        consented: how many opt-ins the push may turn on; None: none.
        pushing: the latest push.
        results: what became of every row, over all pushes; None before the first is over.

    Raises:
        SourceError: the source can't be read as a table.
    """

    def __init__(
        self, client: Client | AsyncClient, source: Source, *, schema: type[ContactSchema] = ContactSchema
    ) -> None:
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
        self.edits: Edits | None = None
        self.list_id: str | None = None
        self.plan: str | None = None
        self.left_out_rules: set[str] = set()
        self.sends_stored = False
        self.consented: int | None = None
        self.pushing: Pushing | None = None
        self.results: pl.DataFrame | None = None
        self._read_with: tuple[dict[str, str], str | None] | None = None
        self._unplaced = pl.DataFrame(schema=MADE)
        self._validated: tuple[pl.DataFrame, Validation] | None = None

    # Map

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
    def twice(self) -> list[str]:
        """Targets that more than one column has."""
        targets = [target for target in self.mapping.values() if target]
        return sorted({target for target in targets if targets.count(target) > 1})

    def sample(self, column: str) -> list[str]:
        """The first few different cells of a column, as text."""
        cells = self.table.get_column(column).drop_nulls().head(_SAMPLE_ROWS)
        texts = cells.to_frame().select(text_form(pl.first(), cells.dtype)).to_series()
        return [text for text in texts.unique(maintain_order=True) if text.strip()][:SAMPLE_CELLS]

    # Check and mend

    def check(self) -> None:
        """Reads the contacts by the mapping, unless that was done already; edits made before are made again.

        Raises:
            MappingError, SourceError, UsageError: the table can't be read with these choices, or is another by now.
        """
        asked = (dict(self.mapping), self.default_country)
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
        edits, made = Edits(contacts, schema=self.schema), self._made()
        names = _names(self.mapping)
        self._unplaced = edit_all(edits, made.with_columns(pl.col("column").replace(names)))
        self._unplaced = self._unplaced.with_columns(pl.col("column").replace(_turned(names)))
        edits.revalidate()
        self.edits, self._read_with = edits, asked
        self.read_notes = [str(each.message) for each in said]

    def _made(self) -> pl.DataFrame:
        """All edits so far, under the names that the source has for its columns."""
        if self.edits is None or self._read_with is None:
            return self._unplaced
        names = _turned(_names(self._read_with[0]))
        made = self.edits.changes.select("row", pl.col("column").replace(names), text="after")
        cells = ["row", "column"]
        return pl.concat([made, self._unplaced.join(made, on=cells, how="anti")])

    @property
    def contacts(self) -> pl.DataFrame | None:
        """The contacts frame, mended; None before `check`."""
        return self.edits.contacts if self.edits is not None else None

    @property
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

    def leave_out(self, rule: str, *, is_out: bool = True) -> None:
        """Leaves the rows that break a rule out of the push, or takes them in again."""
        (self.left_out_rules.add if is_out else self.left_out_rules.discard)(rule)

    @property
    def left_out_rows(self) -> pl.Series:
        """Positions of the rows that are left out."""
        if not self.left_out_rules or self.validation is None:
            return _NO_ROWS
        issues = self.validation.issues
        return issues.filter(issues["rule"].is_in(list(self.left_out_rules)))["row"].unique().sort()

    # Review and push

    @property
    def stored_rows(self) -> pl.Series:
        """Positions of the rows that are stored, and not changed since."""
        if self.results is None or self.contacts is None:
            return _NO_ROWS
        is_stored = self.results["mb_status"].is_in(STORED)
        return (is_stored & ~changed_rows(self.results, self.contacts)).arg_true().cast(pl.Int64)

    @property
    def review(self) -> Review:
        """What a push would do now."""
        return self._review(_NO_ROWS if self.sends_stored else self.stored_rows)

    def _review(self, stored: pl.Series) -> Review:
        validation = self.validation
        assert validation is not None, "check comes first"
        return review_of(validation, self.left_out_rows, stored)

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
        stored = _NO_ROWS if self.sends_stored else self.stored_rows
        leave_out = pl.concat([self.left_out_rows, stored]).unique()
        review = self._review(stored)
        list_id, consented = self.list_id, (self.consented or 0) if review.opt_ins_on else 0
        pushing = self.pushing = Pushing(review.sendable)
        pushing.begin(
            lambda hear, stop: upsert_contacts(
                contacts,
                self.client,
                list_id=list_id,
                opt_ins_on=consented,
                leave_out=leave_out,
                schema=self.schema,
                limits=self.plan,
                progress=hear,
                stop=stop,
            ),
            self._take,
            heard,
        )
        return pushing

    def _take(self, results: pl.DataFrame) -> None:
        """Takes a push's results in; rows that it left out keep what they had from the push before."""
        if self.results is None:
            self.results = results
        else:
            told = results.filter(pl.col("mb_code").ne_missing("left_out"))
            self.results = update_results(self.results, told)

    @property
    def is_pushing(self) -> bool:
        """Whether a push is on its way."""
        return self.pushing is not None and self.pushing.ended is None

    def cancel(self) -> None:
        """Ends the push: no new requests; those on their way are waited for."""
        if self.pushing is not None:
            self.pushing.stop.set()

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Waits for a push that is on its way; whether none is any more."""
        if self.pushing is not None and self.pushing.thread is not None:
            self.pushing.thread.join(timeout_seconds)
        return not self.is_pushing

    @property
    def failed_rows(self) -> pl.Series:
        """Positions of the rows that were to be stored and are not."""
        if self.results is None:
            return _NO_ROWS
        is_settled = self.results["mb_status"].is_in(STORED) | self.results["mb_code"].eq_missing("left_out")
        return (~is_settled).arg_true().cast(pl.Int64)

    def failed(self) -> Part:
        """The rows that are not stored, as mended so far, with what became of them; to be mended further."""
        assert self.edits is not None, "check comes first"
        assert self.results is not None, "a push comes first"
        rows = self.failed_rows
        told = self.results[rows].select("mb_row", "mb_status", "mb_message")
        return Part(self.edits, rows, told, self.schema)

    # The same as a cell

    @property
    def code(self) -> str:
        """The cell that does the same without clicking, on a CRM that none of it was pushed to."""
        edits = self.edits.code if self.edits is not None and self.edits.change_count else None
        reading = reading_code(self.source, self.mapping, self.default_country)
        return push_code(reading, edits, self.left_out_rules, self._options())

    def _options(self) -> dict[str, str]:
        options = {"list_id": repr(self.list_id)} if self.list_id else {}
        if self.edits is not None and (on := self._review(_NO_ROWS).opt_ins_on):
            options["opt_ins_on"] = str(on)
        if self.plan:
            options["limits"] = repr(self.plan)
        return options if self.schema is ContactSchema else {**options, "schema": self.schema.__name__}


def _names(mapping: dict[str, str]) -> dict[str, str]:
    """What each column of the source is called among the contacts."""
    taken = set(mapping.values())
    return {
        column: target or (f"source:{column}" if column in taken or is_contact_column(column) else column)
        for column, target in mapping.items()
    }


def _turned(names: dict[str, str]) -> dict[str, str]:
    return {name: column for column, name in names.items()}


class FilePushes:
    """Every table that was loaded; one that is loaded again is as it was left.

    Args:
        client: where to push to; its settings are used.
        schema: the rules.
    """

    def __init__(self, client: Client | AsyncClient, *, schema: type[ContactSchema] = ContactSchema) -> None:
        self.client = client
        self.schema = schema
        self.current: FilePush | None = None
        self._loaded: dict[Hashable, FilePush] = {}

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
            push = FilePush(self.client, source, schema=self.schema)
            if self.current is not None:
                _follow(push, self.current)
        self.current = self._loaded[key] = push


def _follow(push: FilePush, before: FilePush) -> None:
    """Takes over what does not depend on the rows, and says what was not taken over."""
    push.list_id = before.list_id
    if push.table.columns == before.table.columns:
        push.mapping, push.default_country = dict(before.mapping), before.default_country
    if before.edits is not None and before.edits.change_count:
        push.notes.append(
            f"{before.edits.change_count:,} cells that were mended in {before.source.name} are not mended in here"
        )
