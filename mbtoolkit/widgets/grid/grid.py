"""`ContactGrid`: the widget. What an edit means stands in `mbtoolkit.sessions.editing`; here it only meets the page."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, Literal

import anywidget
import polars as pl
import traitlets

from mbtoolkit.errors import UsageError
from mbtoolkit.failures import log_failure
from mbtoolkit.recipes import MergeValues
from mbtoolkit.schemas import ContactSchema
from mbtoolkit.sessions.editing import Edits, View
from mbtoolkit.sessions.editing.edits import Touched
from mbtoolkit.widgets.faults import DONE, NOT_SHOWN, fault_of, outcome_of
from mbtoolkit.widgets.grid.answers import (
    columns_for_page,
    count_changed,
    counted,
    profile_for_page,
    repairs_for,
    rows_for_page,
    spellings_for_page,
    suggestions_for_page,
    summary_for_page,
)
from mbtoolkit.widgets.grid.messages import MAX_WINDOW, Message, is_name, read_message, view_of

_HERE: Final = Path(__file__).parent
_MAX_PAGES: Final = 32
"""Open pages whose choice of rows is remembered; one that was forgotten asks anew."""
_ASKING: Final = ("open", "look", "window", "profile", "spellings", "suggestions", "find")
"""The messages that change nothing."""

Listener = Callable[["ContactGrid"], object]


class ContactGrid(anywidget.AnyWidget):
    """A table of contacts with what is wrong in it, to mend by keyboard and mouse.

    The grid keeps no cell in the notebook: the page asks for the rows that it shows. Everything typed can be undone
    and had as code. Take the mended frame from `contacts`.

    Each column has a panel (Alt+Arrow down): how full it is, its commonest values and patterns, which choose rows by a
    click; spellings to merge; repairs. "Mend what is obvious" shows what all suggestions would change, then does it.

    Args:
        contacts: a contacts frame, a results frame, or the invalid rows of a validation; or `Edits` that were begun
            before, with their own schema and columns.
        schema: `ContactSchema` or a subclass with rules of your own.
        read_only: columns that may not be edited.
        visible_rows: rows that are seen without scrolling.

    Raises:
        FrameError: `contacts` is no polars DataFrame or is not what `schema` asks for, or `read_only` names a column
            that isn't there.
        UsageError: `schema` would alter the frame, or `visible_rows` is not from 1 to 100.
    """

    _esm = _HERE / "grid.js"
    _css = _HERE / "grid.css"
    visible_rows = traitlets.Int(14).tag(sync=True)

    def __init__(
        self,
        contacts: pl.DataFrame | Edits,
        *,
        schema: type[ContactSchema] = ContactSchema,
        read_only: Iterable[str] = (),
        visible_rows: int = 14,
    ) -> None:
        if not isinstance(visible_rows, int) or isinstance(visible_rows, bool) or not 1 <= visible_rows <= 100:
            msg = f"visible_rows is a number of rows from 1 to 100, not {visible_rows!r}"
            raise UsageError(msg)
        self._schema = schema
        self._read_only = tuple(read_only)
        if not isinstance(contacts, Edits):
            contacts = Edits(contacts, schema=schema, read_only=self._read_only)
        self._edits = contacts
        self._shown = View()
        self._pages: OrderedDict[str, tuple[int, pl.Series]] = OrderedDict()
        self._listeners: list[Listener] = []
        self._answers: dict[str, Callable[[Message], None]] = {
            "open": self._open,
            "look": self._look,
            "window": self._window,
            "edit": self._edit,
            "paste": self._paste,
            "suggest": self._suggest,
            "suggestions": self._suggestions,
            "mend": self._mend,
            "profile": self._profile,
            "spellings": self._spellings,
            "merge": self._merge,
            "repair": self._repair,
            "undo": self._undo,
            "redo": self._redo,
            "revalidate": self._revalidate,
            "find": self._find,
        }
        # Messages may come in another thread than the one that runs the cells.
        self._lock = contacts.lock
        super().__init__(visible_rows=visible_rows)
        self.on_msg(self._receive)

    @property
    def edits(self) -> Edits:
        """The edits themselves; after changing something through them, call `refresh`."""
        return self._edits

    @property
    def contacts(self) -> pl.DataFrame:
        """The edited frame in canonical types, same height and order; `unread:` columns where some text is unread."""
        with self._lock:
            return self._edits.contacts

    @property
    def changes(self) -> pl.DataFrame:
        """The cells that differ from the given frame: `row`, `column`, `before`, `after`, both as shown."""
        with self._lock:
            return self._edits.changes

    @property
    def issues(self) -> pl.DataFrame:
        """The issues frame of `contacts`."""
        with self._lock:
            return self._edits.revalidate()

    @property
    def code(self) -> str:
        """Python that makes the same changes to the given frame, under the name `contacts`."""
        with self._lock:
            return self._edits.code

    def on_change(self, listener: Listener) -> Callable[[], None]:
        """Calls a function after each change of cells or issues that was made on the page.

        Args:
            listener: takes the grid. What it raises is shown in the grid.

        Returns:
            A function that ends it.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def show(
        self,
        *,
        rows: Literal["all", "issues", "changed"] = "all",
        rule: str | None = None,
        search: str = "",
        column: str | None = None,
        value: str | None = None,
        pattern: str | None = None,
    ) -> None:
        """Chooses the rows that are shown, on every open page.

        Args:
            rows: all of them, those with an issue, or those with a changed cell.
            rule: only rows that break this rule (its code).
            search: only rows that hold this text.
            column: only rows whose cell of this column has the `value` or the `pattern`.
            value: the whole text of the cell, as it is shown; "" for a blank one.
            pattern: what the cell looks like, as `mbtoolkit.cleaning.profile` lists it; "" for a blank one.

        Raises:
            UsageError: `rows` is none of the three; there is no such column; or not one column with a value or a
                pattern.
        """
        if rows not in ("all", "issues", "changed"):
            msg = f"rows is 'all', 'issues' or 'changed', not {rows!r}"
            raise UsageError(msg)
        with self._lock:
            shown = View(rows=rows, rule=rule, search=search, column=column, value=value, pattern=pattern)
            self._edits.view(shown)
            self._shown = shown
            self.send({"kind": "show", "look": asdict(self._shown)})

    def refresh(self, contacts: pl.DataFrame | None = None) -> None:
        """Judges the frame anew and draws every open page again.

        Args:
            contacts: another frame to show, which ends all edits of the old one; None to go on with this one.

        Raises:
            FrameError: as the class.
        """
        with self._lock:
            if contacts is None:
                self._edits.revalidate()
            else:
                self._edits = Edits(contacts, schema=self._schema, read_only=self._read_only, lock=self._lock)
                self._shown = View()
            self._pages.clear()
            self.send({"kind": "reopen"})

    def __repr__(self) -> str:
        """The counts; no cell of the table is in it. Also of one that was refused half-way through its making."""
        edits = getattr(self, "_edits", None)
        if edits is None:
            return "<ContactGrid, not made>"
        return f"ContactGrid({edits.height:,} rows, {len(edits.columns)} columns, {edits.change_count:,} changes)"

    def _receive(self, _widget: object, content: object, _buffers: object) -> None:
        """Answers one message of a page; whatever goes wrong is logged, and that page shows it and what was done."""
        asked = content.get("view") if isinstance(content, dict) else None
        view = str(asked) if is_name(asked) else None
        with self._lock:
            before = self._mark()
            try:
                message = read_message(content)
                self._answers[message.kind](message)
            except BaseException as error:
                self._fail(view, content, error, is_changed=self._mark() != before)
                if not isinstance(error, Exception):
                    raise

    def _mark(self) -> object:
        """Another one after each change of a cell."""
        return self._edits, getattr(self._edits, "version", None)

    def _fail(self, view: str | None, content: object, error: BaseException, *, is_changed: bool) -> None:
        """Says what was done; where a cell was changed, every page draws again what is there now."""
        is_asking = not is_changed and isinstance(content, dict) and content.get("kind") in _ASKING
        outcome = NOT_SHOWN if is_asking else outcome_of(is_changed)
        text = fault_of(error, "a message of the grid's page", outcome)
        try:
            if is_changed:
                self.send({"kind": "reopen"})
            self._say(view, text, content)
        except Exception as failure:  # noqa: BLE001 - from a closed page, say: nobody reads it
            log_failure("an answer to the grid's page", failure)

    def _say(self, view: str | None, text: str, content: object = None) -> None:
        """Says what failed; `about` and `look` are those of the message, so that the page does not ask for it again."""
        asked = content if isinstance(content, dict) else {}
        about, look = asked.get("kind"), asked.get("look")
        named = {"about": about if is_name(about) else None, "look": look if isinstance(look, int) else None}
        self.send({"kind": "error", "view": view, "text": text, **named})

    def _open(self, message: Message) -> None:
        answer = {"columns": columns_for_page(self._edits), "look": asdict(self._shown)}
        self.send({"kind": "opened", "view": message.view, "summary": summary_for_page(self._edits), **answer})

    def _look(self, message: Message) -> None:
        """A page chooses rows: they are found now, and stay until it chooses again."""
        ids = self._edits.view(view_of(message))
        # Where that fails, the page keeps the rows that it has.
        self._send_window(message, ids, summary_for_page(self._edits))
        self._pages[message.view] = (message["look"], ids)
        self._pages.move_to_end(message.view)
        while len(self._pages) > _MAX_PAGES:
            self._pages.popitem(last=False)

    def _window(self, message: Message) -> None:
        held = self._pages.get(message.view)
        if held is None:
            self.send({"kind": "lost", "view": message.view})
        elif held[0] == message["look"]:
            self._send_window(message, held[1], None)

    def _send_window(self, message: Message, ids: pl.Series, summary: dict[str, Any] | None) -> None:
        part = ids.slice(message["start"], message["count"])
        answer = {"look": message["look"], "start": message["start"], "total": len(ids), "summary": summary}
        self.send({"kind": "rows", "view": message.view, "rows": rows_for_page(self._edits, part), **answer})

    def _edit(self, message: Message) -> None:
        self._changed(message, self._edits.edit(message["row"], message["column"], message["text"]))

    def _suggest(self, message: Message) -> None:
        touched = self._edits.apply_suggestion(message["row"], message["column"])
        self._changed(message, touched, note="The suggestion is in the cell.")

    def _suggestions(self, message: Message) -> None:
        self.send({"kind": "suggestions", "view": message.view, **suggestions_for_page(self._edits)})

    def _mend(self, message: Message) -> None:
        """Every suggestion goes into its cell, if they are as many as the page said."""
        if self._edits.suggestion_count != message["count"]:
            self._suggestions(message)
            msg = "the suggestions are others by now; look at them once more"
            raise UsageError(msg)
        self._changed_by(message, self._edits.apply_suggestions)

    def _profile(self, message: Message) -> None:
        profile = profile_for_page(self._edits, message["column"])
        answer = {"column": message["column"], "profile": profile}
        repairs = list(repairs_for(self._edits, message["column"]))
        self.send({"kind": "profile", "view": message.view, **answer, "repairs": repairs})

    def _spellings(self, message: Message) -> None:
        spellings = spellings_for_page(self._edits, message["column"])
        self.send({"kind": "spellings", "view": message.view, "column": message["column"], **spellings})

    def _merge(self, message: Message) -> None:
        """Each of the spellings becomes another one."""
        step = MergeValues(message["column"], dict(message["pairs"]))
        self._changed_by(message, lambda: self._edits.clean(step))

    def _repair(self, message: Message) -> None:
        """One of the repairs that were offered for a column."""
        step = repairs_for(self._edits, message["column"]).get(message["label"])
        if step is None:
            msg = "this repair is not offered for this column"
            raise UsageError(msg)
        self._changed_by(message, lambda: self._edits.clean(step))

    def _changed_by(self, message: Message, act: Callable[[], Touched]) -> None:
        """Makes a step over many cells, and says how many."""
        before = self._edits.contacts
        touched = act()
        count = count_changed(before, self._edits.contacts, touched.columns)
        note = f"{counted(count, 'cell')} changed." + (" Undo takes it back." if count else "")
        if touched.unread:
            note += f" {counted(touched.unread, 'cell')} could not be read; nothing was done there."
        self._changed(message, touched, note=note)

    def _undo(self, message: Message) -> None:
        touched = self._edits.undo()
        self._changed(message, touched, note="Undone." if touched.rows else "Nothing to undo.", go=True)

    def _redo(self, message: Message) -> None:
        touched = self._edits.redo()
        self._changed(message, touched, note="Done again." if touched.rows else "Nothing to do again.", go=True)

    def _paste(self, message: Message) -> None:
        """Puts a block into the rows of the page's view from a cell on, as far as there are cells to take it."""
        ids = self._ids(message)
        begin = ids.index_of(message["row"])
        names = [column.name for column in self._edits.columns]
        is_seen = message["look"] == self._pages[message.view][0]
        if not is_seen or begin is None or message["column"] not in names:
            msg = "the rows of this view changed before the paste came; choose the cell again"
            raise UsageError(msg)
        texts: list[list[str]] = message["texts"]
        first = names.index(message["column"])
        columns = self._edits.columns[first : first + len(texts[0])]
        places = [place for place, column in enumerate(columns) if not column.read_only]
        if not places:
            msg = "these columns may not be edited"
            raise UsageError(msg)
        rows = ids.slice(begin, len(texts)).to_list()
        block = [[line[place] for place in places] for line in texts[: len(rows)]]
        touched = self._edits.edit_block(rows, [columns[place].name for place in places], block)
        missed = len(texts) * len(texts[0]) - len(rows) * len(places)
        left = f" {missed:,} had no place or stand in columns that may not be edited." if missed else ""
        self._changed(message, touched, note=f"{len(rows) * len(places):,} cells filled.{left}")

    def _revalidate(self, message: Message) -> None:
        self._edits.revalidate()
        self.send({"kind": "stale", "summary": summary_for_page(self._edits)})
        self._tell(message.view)

    def _find(self, message: Message) -> None:
        ids = self._ids(message)
        found = self._edits.next_issue(ids, message["position"], message["column"], forward=message["forward"])
        if found is None:
            self.send({"kind": "note", "view": message.view, "text": "No row of this view has an issue."})
            return
        position, column = found
        self.send({"kind": "at", "view": message.view, "position": position, "column": column})

    def _ids(self, message: Message) -> pl.Series:
        """The rows that the page shows.

        Raises:
            UsageError: it has not asked for any yet.
        """
        if message.view not in self._pages:
            self.send({"kind": "lost", "view": message.view})
            msg = "the grid was drawn anew; try that again"
            raise UsageError(msg)
        return self._pages[message.view][1]

    def _changed(self, message: Message, touched: Touched, *, note: str = "", go: bool = False) -> None:
        """Tells every page what changed."""
        answer: dict[str, Any] = {"kind": "changed", "view": message.view, "note": note, "at": None}
        # A page shows what was typed at once: where that changed nothing, it gets the cell as it is.
        rows = touched.rows or ((message["row"],) if message.kind == "edit" else ())
        ids = pl.Series(rows[:MAX_WINDOW], dtype=pl.Int64)
        answer["rows"] = rows_for_page(self._edits, ids) if len(touched.rows) <= MAX_WINDOW else None
        answer["changed"] = bool(touched.rows)
        answer["columns"] = list(touched.columns)
        if go and touched.rows and message.view in self._pages:
            position = self._pages[message.view][1].index_of(touched.rows[0])
            answer["at"] = {"position": position, "row": touched.rows[0], "column": touched.columns[0]}
        self.send({**answer, "summary": summary_for_page(self._edits)})
        if touched.rows:
            self._tell(message.view)

    def _tell(self, view: str) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(self)
            except Exception as error:  # noqa: BLE001 - raised into a callback it would be seen by nobody
                self._say(view, fault_of(error, "what follows a change in the grid", DONE))
