"""A table on its way into the CRM, step by step: loaded, mapped, checked, reviewed, pushed, and pushed again.

What a panel shows and a cell could do: each step calls the function of the same name, and `code` is the cell.
"""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from mbtoolkit.cleaning import mapping_of, suggest_mapping
from mbtoolkit.client import AsyncClient, Client
from mbtoolkit.contacts import OPT_INS
from mbtoolkit.editing import Edits
from mbtoolkit.errors import MbtoolkitError, UsageError
from mbtoolkit.progress import Progress
from mbtoolkit.reading import load_table, read_contacts
from mbtoolkit.results import update_results
from mbtoolkit.schemas import ContactSchema
from mbtoolkit.upserts import upsert_contacts
from mbtoolkit.validation import Validation, validate_contacts

SAMPLE_CELLS: Final = 3
PLANS: Final = {"Freemium": 10, "Starter": 15, "Pro": 20}
"""Requests a second that each plan grants. Source: api/README.md, "Limits": 100, 150 and 200 in 10 seconds."""

_log = logging.getLogger("mbtoolkit")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a table comes from.

    Attributes:
        data: a path, a file's bytes, or a frame.
        name: what to call it.
        sheet: as `read_contacts` takes it; likewise the others.
        separator: of a text file.
        encoding: of a text file.
    """

    data: Any
    name: str
    sheet: str | None = None
    separator: str | None = None
    encoding: str | None = None

    @property
    def options(self) -> dict[str, str]:
        """What `read_contacts` is told beside the source itself."""
        told = {"sheet": self.sheet, "separator": self.separator, "encoding": self.encoding}
        return {name: value for name, value in told.items() if value}

    @property
    def code(self) -> str:
        """The source as Python writes it."""
        if isinstance(self.data, str | Path):
            return repr(str(self.data))
        return repr(self.name) if isinstance(self.data, bytes) else "source"


@dataclass(frozen=True, slots=True)
class Review:
    """What a push would do.

    Attributes:
        rows: of the table.
        sendable: rows that would be sent; one request each.
        invalid: rows that a rule refuses.
        left_out: rows that could be sent and were left out.
        turned_on: opt-in -> rows that would turn it on.
        turned_off: likewise, off.
    """

    rows: int
    sendable: int
    invalid: int
    left_out: int
    turned_on: Mapping[str, int]
    turned_off: Mapping[str, int]

    @property
    def opt_ins_on(self) -> int:
        """Opt-ins that would be turned on."""
        return sum(self.turned_on.values())

    def seconds(self, plan: str) -> float:
        """How long the sending takes at the least under a plan's limit.

        Args:
            plan: one of `PLANS`.
        """
        return self.sendable / PLANS[plan]


@dataclass(slots=True)
class Pushing:
    """A push on its way, or done.

    Attributes:
        total: rows to send.
        stop: set to end it.
        progress: how far it is.
        began: `time.monotonic()` at its start.
        ended: likewise; None while it is on its way.
        fault: what went wrong, if the push as a whole did.
    """

    total: int
    stop: threading.Event = field(default_factory=threading.Event)
    progress: Progress | None = None
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None
    fault: str | None = None
    thread: threading.Thread | None = None

    @property
    def done(self) -> int:
        """Rows that are settled."""
        return self.progress.done if self.progress else 0

    @property
    def seconds(self) -> float:
        """Since its start."""
        return (self.ended or time.monotonic()) - self.began

    @property
    def rate(self) -> float:
        """Rows a second so far."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Until it is over, at the rate so far; None while that can't be said."""
        return (self.total - self.done) / self.rate if self.done and self.seconds > 1 else None


class FilePush:
    """The state of it: what was loaded, chosen, mended and pushed. Steps can be gone back to; nothing is lost.

    Args:
        client: where to push to; its settings are used.
        schema: the rules; a subclass of `ContactSchema` to add your own.
    """

    def __init__(self, client: Client | AsyncClient, *, schema: type[ContactSchema] = ContactSchema) -> None:
        self.client = client
        self.schema = schema
        self.source: Source | None = None
        self.table: pl.DataFrame | None = None
        self.notes: list[str] = []
        self.read_notes: list[str] = []
        self.suggestions: pl.DataFrame | None = None
        self.mapping: dict[str, str] = {}
        self.default_country: str | None = None
        self.edits: Edits | None = None
        self.list_id: str | None = None
        self.left_out_rules: set[str] = set()
        self.pushing: Pushing | None = None
        self.results: pl.DataFrame | None = None
        self._read_with: tuple[Any, ...] | None = None
        self._validated: tuple[pl.DataFrame, Validation] | None = None

    # Load and map

    def load(self, source: Source) -> None:
        """Loads a table and suggests what its columns are. What was chosen for columns that are still there stays.

        Raises:
            SourceError: it can't be read as a table.
        """
        table, notes = load_table(source.data, **source.options)
        suggestions = suggest_mapping(table)
        same = self.table is not None and self.table.columns == table.columns
        self.source, self.table, self.suggestions = source, table, suggestions
        self.notes = notes
        if not same:
            self.mapping = mapping_of(suggestions)

    def map_column(self, column: str, target: str | None) -> None:
        """Says what a column is; None carries it along, never sent.

        Raises:
            UsageError: there is no such column.
        """
        if self.table is None or column not in self.table.columns:
            msg = f"there is no column {column!r} in what was loaded"
            raise UsageError(msg)
        if target:
            self.mapping[column] = target
        else:
            self.mapping.pop(column, None)

    def sample(self, column: str) -> list[str]:
        """The first few different cells of a column, as text."""
        if self.table is None:
            return []
        cells = self.table.get_column(column).cast(pl.String, strict=False).drop_nulls()
        return [each for each in cells.head(200).unique(maintain_order=True).to_list() if each.strip()][:SAMPLE_CELLS]

    # Check and mend

    def check(self) -> None:
        """Reads the contacts by the mapping, unless that was done already; edits made before are made again.

        Raises:
            SourceError, MappingError, UsageError: the table can't be read with these choices.
        """
        assert self.source is not None, "load comes first"
        asked = (self.source, tuple(sorted(self.mapping.items())), self.default_country)
        if asked == self._read_with and self.edits is not None:
            return
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            contacts = read_contacts(
                self.source.data,
                mapping=self.mapping,
                default_country=self.default_country or None,
                **self.source.options,
            )
        self.read_notes = [str(each.message) for each in said]
        before = self.edits.changes if self.edits is not None else None
        self.edits, self._read_with = Edits(contacts, schema=self.schema), asked
        self.results = None
        if before is not None:
            self._edit_again(before)

    def _edit_again(self, changes: pl.DataFrame) -> None:
        """Makes edits anew on a table that was read in another way, where their cells are still there."""
        assert self.edits is not None
        editable = {column.name for column in self.edits.columns if not column.read_only}
        for row, column, after in changes.select("row", "column", "after").iter_rows():
            if column in editable and row < self.edits.height:
                self.edits.edit(row, column, after or "")
        self.edits.revalidate()

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
        if self._validated is None or not self._validated[0].equals(contacts):
            self._validated = (contacts, validate_contacts(contacts, schema=self.schema))
        return self._validated[1]

    def leave_out(self, rule: str, *, is_out: bool = True) -> None:
        """Leaves the rows that break a rule out of the push, or takes them in again."""
        (self.left_out_rules.add if is_out else self.left_out_rules.discard)(rule)

    @property
    def left_out_rows(self) -> list[int]:
        """Positions of the rows that are left out."""
        validation = self.validation
        if validation is None or not self.left_out_rules:
            return []
        broken = validation.issues.filter(pl.col("rule").is_in(list(self.left_out_rules)))
        return broken["row"].unique().sort().to_list()

    # Review and push

    @property
    def review(self) -> Review:
        """What a push would do now."""
        validation = self.validation
        assert validation is not None, "check comes first"
        out = self.left_out_rows
        sendable = validation.valid.filter(~pl.col("mb_row").is_in(out))
        counts = {
            wanted: {name: int((sendable[name] == wanted).sum()) for name in OPT_INS if name in sendable.columns}
            for wanted in (True, False)
        }
        return Review(
            rows=validation.valid.height + validation.invalid.height,
            sendable=sendable.height,
            invalid=validation.invalid.height,
            left_out=validation.valid.height - sendable.height,
            turned_on=counts[True],
            turned_off=counts[False],
        )

    def start(self, heard: Callable[[], None]) -> Pushing:
        """Pushes in a thread; returns at once.

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
        review, left_out = self.review, self.left_out_rows
        return self._begin(contacts, left_out, review.opt_ins_on, review.sendable, heard)

    def start_again(self, contacts: pl.DataFrame, heard: Callable[[], None]) -> Pushing:
        """Pushes the rows that did not succeed once more, in a thread.

        Args:
            contacts: these rows, mended; `mb_row` says which they are.
            heard: as in `start`.

        Raises:
            UsageError: nothing was pushed yet, or a push is on its way.
        """
        if self.results is None or self.is_pushing:
            msg = "there is nothing to push again, or a push is on its way"
            raise UsageError(msg)
        whole = update_results(self.results, contacts)
        failed = set(contacts["mb_row"].to_list())
        positions = whole["mb_row"].to_list()
        left_out = [place for place, row in enumerate(positions) if row not in failed]
        valid = validate_contacts(whole.drop("mb_row"), schema=self.schema).valid.filter(
            ~pl.col("mb_row").is_in(left_out)
        )
        on = sum(int(valid[name].sum() or 0) for name in OPT_INS if name in valid.columns)
        return self._begin(whole, left_out, on, valid.height, heard)

    def _begin(
        self, contacts: pl.DataFrame, left_out: list[int], opt_ins_on: int, total: int, heard: Callable[[], None]
    ) -> Pushing:
        pushing = Pushing(total)

        def hear(progress: Progress) -> None:
            pushing.progress = progress
            heard()

        def work() -> None:
            try:
                results = upsert_contacts(
                    contacts,
                    self.client,
                    list_id=self.list_id,
                    opt_ins_on=opt_ins_on,
                    leave_out=left_out,
                    schema=self.schema,
                    progress=hear,
                    stop=pushing.stop,
                )
                self._take(results)
            except MbtoolkitError as error:
                pushing.fault = str(error)
            except Exception as error:  # noqa: BLE001 - a thread's exception is seen by nobody
                _log.exception("a fault while pushing; please report it")
                pushing.fault = f"The push failed ({type(error).__name__}); the log says more. Please report it."
            finally:
                pushing.ended = time.monotonic()
                heard()

        pushing.thread = threading.Thread(target=work, name="mbtoolkit-push", daemon=True)
        self.pushing = pushing
        pushing.thread.start()
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
    def failed(self) -> pl.DataFrame:
        """The rows of the results that are not stored and can be pushed again."""
        if self.results is None:
            return pl.DataFrame()
        return self.results.filter(~pl.col("mb_status").is_in(["succeeded", "accepted", "unchanged"]))

    # The same as a cell

    @property
    def code(self) -> str:
        """The cell that does the same without clicking."""
        if self.source is None:
            return "from mbtoolkit import read_contacts\n\ncontacts = read_contacts(...)"
        lines = ["from mbtoolkit import read_contacts, upsert_contacts", "", *self._reading()]
        if self.edits is not None and self.edits.change_count:
            lines += ["", self.edits.code]
        options = self._options()
        call = "results = upsert_contacts(contacts, client"
        return "\n".join([*lines, "", f"{call}{''.join(f', {option}' for option in options)})"])

    def _reading(self) -> list[str]:
        assert self.source is not None
        options = [f"{name}={value!r}" for name, value in self.source.options.items()]
        options += [f"default_country={self.default_country!r}"] if self.default_country else []
        tail = "".join(f", {option}" for option in options)
        mapping = [f"    {column!r}: {target!r}," for column, target in self.mapping.items()]
        return ["mapping = {", *mapping, "}", f"contacts = read_contacts({self.source.code}, mapping=mapping{tail})"]

    def _options(self) -> list[str]:
        options = [f"list_id={self.list_id!r}"] if self.list_id else []
        if self.edits is None:
            return options
        options += [f"opt_ins_on={on}"] if (on := self.review.opt_ins_on) else []
        return options + ([f"leave_out={out!r}"] if (out := self.left_out_rows) else [])
