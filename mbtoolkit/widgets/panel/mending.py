"""Parts of the clean-up that mend cells: all that is obvious at once, and one column at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

import polars as pl

from mbtoolkit.contacts import label_of
from mbtoolkit.errors import UsageError
from mbtoolkit.recipes import MergeValues, NormalizePhone, Step, holds_phones, offered_steps
from mbtoolkit.recipes.step import counted
from mbtoolkit.schemas import unread_column
from mbtoolkit.sessions.editing import Edits
from mbtoolkit.sessions.editing.edits import Touched
from mbtoolkit.sessions.pushing import FilePush, FilePushes
from mbtoolkit.widgets.panel.step import (
    LONGEST_DATUM,
    Value,
    bar,
    check_stamp,
    datum,
    labelled,
    scrolling,
    shortened,
    stamp_of,
)
from mbtoolkit.widgets.surface import Node, box, button, choice, entry, table, text, tick

SHOWN: Final = 100
"""Suggestions, and values that are spelt in several ways, that are shown at once."""
_LISTED: Final = 8
"""Values, and patterns, of a column that are listed."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What is in a column.

    Attributes:
        cells: the column's cells, and those that could not be read where there are some.
        profile: a line of the frame of `Edits.profile`.
        spellings: the frame of `Edits.spellings`.
    """

    cells: list[pl.Series]
    profile: dict[str, Any]
    spellings: pl.DataFrame


class CleanPart:
    """A part of the clean-up: what is seen, and what an event does."""

    name: ClassVar[str]

    def __init__(self, pushes: FilePushes) -> None:
        self.pushes = pushes

    @property
    def push(self) -> FilePush:
        """The table that is cleaned."""
        assert self.pushes.current is not None, "load comes first"
        return self.pushes.current

    @property
    def edits(self) -> Edits:
        """Its contacts, to mend."""
        assert self.push.edits is not None, "check comes first"
        return self.push.edits

    def title(self) -> str:
        """What stands on its tab."""
        return self.name

    def draw(self) -> Node:
        """What is seen."""
        return box()

    def act(self, key: str, value: Value) -> str:
        """Takes up an event, and says what it did.

        Raises:
            MbtoolkitError: it can't be done.
        """
        del key, value
        return ""


class ObviousPart(CleanPart):
    """Every suggestion of the issues, before and after."""

    name = "What is obvious"

    def title(self) -> str:
        """With how many cells there are."""
        return f"{self.name} ({self.edits.suggestion_count:,})"

    def act(self, key: str, value: Value) -> str:
        """Mends all of them, if they are those that were seen."""
        if key != "mend":
            return ""
        check_stamp(value, self._stamp(self.edits.suggestions))
        return _told(self.edits, self.edits.apply_suggestions())

    def _stamp(self, found: pl.DataFrame) -> int:
        return stamp_of("suggestions", id(self.push), found.height, found.hash_rows().sum())

    def draw(self) -> Node:
        """The cells before and after, and the button."""
        found = self.edits.suggestions
        if found.is_empty():
            return text(
                "No cell has a remedy that is obvious. What is wrong beyond that, the step Check shows.",
                "p",
                class_="mbt-soft",
            )
        rows = [
            (f"{row:,}", label_of(column), datum(before), datum(after))
            for row, column, before, after in found.head(SHOWN).iter_rows()
        ]
        caption = "Before and after" + (f": the first {SHOWN} of {found.height:,}" if found.height > SHOWN else "")
        listed = table(caption, ("Row", "Column", "Before", "After"), rows)
        mend = button(f"Mend {counted(found.height, 'cell')}", "mend", is_main=True, stamp=self._stamp(found))
        return box(box(mend, class_="mbt-bar"), scrolling(listed, "What would be mended", "mbt-pairs"))


class ColumnPart(CleanPart):
    """One column: what is in it, repairs, spellings of one value."""

    name = "A column"

    def __init__(self, pushes: FilePushes) -> None:
        super().__init__(pushes)
        self._column: str | None = None
        self._country = ""
        self._shows_values = False
        self._unticked: set[str] = set()
        self._typed: dict[str, str] = {}
        self._of: FilePush | None = None
        self._read: _Read | None = None

    def _turn(self) -> None:
        """Forgets what was chosen for another table."""
        if self._of is not self.push:
            self._of, self._column, self._unticked, self._typed = self.push, None, set(), {}

    @property
    def column(self) -> str:
        """The one that is looked at; the first that can be repaired, where none is chosen."""
        names = self._names()
        if self._column in names:
            return str(self._column)
        preferred = [name for name in names if name.startswith("property:")]
        return (preferred or names)[0]

    def _names(self) -> list[str]:
        return [column.name for column in self.edits.columns if not column.read_only]

    def act(self, key: str, value: Value) -> str:
        """Chooses a column, repairs it, or merges spellings."""
        self._turn()
        kind, _, rest = key.partition(":")
        if key == "which" and isinstance(value, str) and value in self._names():
            self._column, self._unticked, self._typed = value, set(), {}
        elif key == "values" and isinstance(value, bool):
            self._shows_values = value
        elif key == "country" and isinstance(value, str):
            self._country = value.strip()
        elif kind == "repair" or key == "by_country":
            check_stamp(value, stamp_of("repair", id(self.push), self.column))
            return self._repair(rest) if kind == "repair" else self._read_by_country()
        elif kind == "spelt" and isinstance(value, bool):
            (self._unticked.discard if value else self._unticked.add)(rest)
        elif kind == "as" and isinstance(value, str):
            self._typed[rest] = value
        elif key == "merge":
            check_stamp(value, self._stamp())
            return self._merge()
        return ""

    def _stamp(self) -> int:
        """Of the spellings; what was ticked and typed is not in it, for a click may come right after that."""
        return stamp_of("spellings", id(self.push), self.column, [part["value"].to_list() for part in self._clusters()])

    def _repair(self, label: str) -> str:
        step = dict(offered_steps(self.edits.contacts, self.column)).get(label)
        return "" if step is None else self._do(step)

    def _read_by_country(self) -> str:
        if not self._country:
            msg = "say the country: two letters such as NO, or the name of a column that holds them"
            raise UsageError(msg)
        names = self.edits.contacts.columns
        called = [name for name in names if label_of(name).casefold() == self._country.casefold()]
        is_named = len(called) == 1 and self._country not in names
        return self._do(NormalizePhone(self.column, called[0] if is_named else self._country))

    def _do(self, step: Step) -> str:
        return _told(self.edits, self.edits.clean(step))

    def _merge(self) -> str:
        pairs = {
            value: new
            for part in self._clusters()
            if part["suggestion"][0] not in self._unticked
            for value in part["value"]
            if (new := self._spelling(part)) and new != value
        }
        if not pairs:
            msg = "tick the values whose spellings are to be merged"
            raise UsageError(msg)
        said = self._do(MergeValues(self.column, pairs))
        self._unticked, self._typed = set(), {}
        return said

    def _spelling(self, part: pl.DataFrame) -> str:
        """What a value is to be, as typed."""
        suggested: str = part["suggestion"][0]
        return self._typed.get(suggested, suggested).strip()

    def _clusters(self) -> list[pl.DataFrame]:
        shown = self._reading().spellings.filter(pl.col("cluster") < SHOWN)
        return shown.partition_by("cluster", maintain_order=True)

    def _reading(self) -> _Read:
        """What is in the column; looked at anew where its cells are others than before."""
        column, contacts = self.column, self.edits.contacts
        cells = [contacts.get_column(name) for name in (column, unread_column(column)) if name in contacts.columns]
        if self._read is None or not _are_equal(self._read.cells, cells):
            line = self.edits.profile(column, show_values=True, top=_LISTED).columns.row(0, named=True)
            self._read = _Read(cells, line, self.edits.spellings(column))
        return self._read

    def draw(self) -> Node:
        """The column's profile, its repairs and spellings."""
        self._turn()
        column = self.column
        options = [(name, label_of(name)) for name in self._names()]
        chosen = box(
            labelled("Column", choice("which", column, options, id="which"), "which"),
            box(tick("values", "Show values", value=self._shows_values), class_="mbt-beside"),
            class_="mbt-grid mbt-mail",
        )
        parts = [self._drawn_profile(), self._drawn_repairs(column), self._drawn_spellings()]
        return box(chosen, *parts, class_="mbt-step", key=f"column:{column}")

    def _drawn_profile(self) -> Node:
        line = self._reading().profile
        lengths = "" if line["longest"] is None else f", {line['shortest']:,} to {line['longest']:,} characters"
        distinct = "" if line["distinct"] is None else f", {counted(line['distinct'], 'value')}"
        told = f"{line['filled']:,} of {line['rows']:,} filled{distinct}{lengths}"
        lists = [self._counts("Patterns: a for letters, 9 for a digit", line["patterns"], line["rows"])]
        if self._shows_values:
            lists.append(self._counts("Commonest values", line["commonest"], line["rows"]))
        return box(text(told, "p"), box(*lists, class_="mbt-lists"), key="profile")

    def _counts(self, caption: str, counts: list[dict[str, Any]] | None, rows: int) -> Node:
        lines = [
            (
                datum(each["value"]),
                box(bar(each["rows"] / max(rows, 1), "done"), text(f"{each['rows']:,}"), class_="mbt-count"),
            )
            for each in counts or []
        ]
        return scrolling(table(caption, ("What", "Rows"), lines), caption)

    def _drawn_repairs(self, column: str) -> Node:
        offers = offered_steps(self.edits.contacts, column)
        stamp = stamp_of("repair", id(self.push), column)
        buttons = [button(label, f"repair:{label}", class_="mbt-button mbt-quiet", stamp=stamp) for label, _ in offers]
        parts: list[Node] = [text("Repairs", "p", class_="mbt-subtitle")]
        if buttons:
            parts.append(box(*buttons, class_="mbt-bar"))
        if holds_phones(column):
            typed = entry("country", self._country, id="clean-country", aria_describedby="hint-clean-country")
            hint = "Two letters such as NO, or the name of a column that holds them."
            parts.append(
                box(
                    labelled("Country of numbers without a country code", typed, "clean-country", hint),
                    button("Read them", "by_country", class_="mbt-button mbt-low", stamp=stamp),
                    class_="mbt-write",
                )
            )
        elif not buttons:
            parts.append(text("There is none to offer for this column.", "p", class_="mbt-soft"))
        return box(*parts, class_="mbt-step", key="repairs")

    def _drawn_spellings(self) -> Node | None:
        clusters = self._clusters()
        if not clusters:
            return None
        rows = [self._cluster(part) for part in clusters]
        several = sum(part["suggestion"][0] not in self._unticked and bool(self._spelling(part)) for part in clusters)
        label = f"Merge the spellings of {counted(several, 'value')}"
        of_all = self._reading().spellings["cluster"].n_unique()
        caption = "Values that are spelt in several ways"
        caption += f": the first {SHOWN} of {of_all:,}; the others come once these are merged" if of_all > SHOWN else ""
        listed = table(caption, ("Merge", "Spellings and their rows", "Becomes"), rows)
        return box(
            text("Spellings", "p", class_="mbt-subtitle"),
            scrolling(listed, "Spellings"),
            box(button(label, "merge", disabled=not several, stamp=self._stamp()), class_="mbt-bar"),
            class_="mbt-step",
            key="spellings",
        )

    def _cluster(self, part: pl.DataFrame) -> tuple[Node, ...]:
        suggested: str = part["suggestion"][0]
        spellings = (
            box(datum(value), text(f" {rows:,}", class_="mbt-soft"), tag="li")
            for value, rows in part.select("value", "rows").iter_rows()
        )
        called = shortened(suggested, LONGEST_DATUM)
        name = f"Merge into {called}"
        is_in = suggested not in self._unticked
        typed = entry(f"as:{suggested}", self._typed.get(suggested, suggested), aria_label=f"Spelling for {called}")
        return (
            tick(f"spelt:{suggested}", "", value=is_in, aria_label=name),
            box(*spellings, tag="ul", class_="mbt-plain"),
            box(typed, class_="mbt-field"),
        )


def _are_equal(before: list[pl.Series], now: list[pl.Series]) -> bool:
    return [cells.name for cells in before] == [cells.name for cells in now] and all(
        was.dtype == cells.dtype and was.equals(cells) for was, cells in zip(before, now, strict=True)
    )


def _told(edits: Edits, touched: Touched) -> str:
    """What a click did."""
    cells = edits.steps[-1][1] if touched.rows else 0
    unread = f" {counted(touched.unread, 'cell')} could not be read; nothing was done there." if touched.unread else ""
    return f"{counted(cells, 'cell')} changed.{unread}"
