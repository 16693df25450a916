"""`ContactForm`: one contact, seen, edited and pushed."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import polars as pl

from mbtoolkit.client import AsyncClient, Client
from mbtoolkit.contacts import BY_NAME, IDENTIFIERS
from mbtoolkit.errors import UsageError
from mbtoolkit.runs import SendOptions
from mbtoolkit.schemas import ContactSchema
from mbtoolkit.schemas.frames import RESULTS, ROW
from mbtoolkit.sessions.drafting import Draft, Property, check_draft, draft_of, split_phone, upsert_code
from mbtoolkit.upserts import upsert_contacts
from mbtoolkit.widgets.faults import NOT_DONE
from mbtoolkit.widgets.form.drawing import ANOTHER_LIST, draw_form
from mbtoolkit.widgets.form.state import CLEARABLE, Push, State
from mbtoolkit.widgets.lists import known_lists
from mbtoolkit.widgets.surface import Node, Surface

_MOBILE: Final = IDENTIFIERS["mobile"]
_MAYBE_STORED: Final = "The push failed, and the contact may or may not be stored. Pushing it again does no harm"
_ANSWERED: Final = "The push was answered (see History), but showing the answer failed"


class ContactForm(Surface):
    """A form for one contact: each input judged as one types, a preview of what would be sent, and a push.

    Nothing of the contact is in the widget's state, its repr or the saved notebook.

    Args:
        client: where to push to; its settings are used.
        contact: what the form begins with: a dict of canonical or wire names, a named row of a frame or of a results
            frame, or a frame of one row.
        properties: names of properties to offer.
        list_ids: lists to choose from: {name: uuid}, or uuids. Any other uuid can be typed.
        schema: the rules; a subclass of `ContactSchema` to add your own.

    Raises:
        UsageError: an argument is not what it should be, or `schema` asks for columns that a form does not have.
    """

    def __init__(
        self,
        client: Client | AsyncClient,
        contact: Mapping[str, Any] | pl.DataFrame | None = None,
        *,
        properties: Sequence[str] = (),
        list_ids: Mapping[str, str] | Sequence[str] = (),
        schema: type[ContactSchema] = ContactSchema,
    ) -> None:
        if not isinstance(client, Client | AsyncClient):
            msg = f"ContactForm takes a Client, not a {type(client).__name__}; Client.from_env() makes one"
            raise UsageError(msg)
        self._client = client
        self._schema = schema
        self._changing = threading.RLock()
        self._pushing: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._numbers = itertools.count()
        draft = Draft()
        self._state = State(
            lists=known_lists(list_ids),
            offered=_names(properties),
            default_list=client.settings.list_id,
            draft=draft,
            checked=check_draft(draft, schema=schema),
        )
        self._take_up(draft_of(contact))
        super().__init__()

    # What a cell reads and calls

    @property
    def contact(self) -> dict[str, Any]:
        """The contact as `upsert_contact` takes it: canonical values, without the fields that stay as they are."""
        return dict(self._state.checked.contact)

    @property
    def payload(self) -> str | None:
        """The JSON exactly as it would be sent; None while something is invalid."""
        return self._state.checked.payload

    @property
    def issues(self) -> pl.DataFrame:
        """The issues frame of the contact; `row` is 0. What is wrong with a property's name stands only in the form."""
        return self._state.checked.validation.issues

    @property
    def last_result(self) -> dict[str, Any] | None:
        """The last push's row of the results frame; None before the first."""
        pushes = self._state.pushes
        return pushes[-1].outcome if pushes else None

    @property
    def results(self) -> pl.DataFrame:
        """A results frame with one row for each push of this form, the first one first; `mb_row` counts the pushes."""
        pushes = self._state.pushes
        if not pushes:
            return pl.DataFrame(schema={**ContactSchema.empty().schema, **RESULTS})
        rows = pl.concat([push.results for push in pushes], how="diagonal")
        counted = rows.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias(ROW))
        return counted.select(pl.exclude(list(RESULTS)), *RESULTS)

    @property
    def code(self) -> str:
        """The Python call that does the same as the push."""
        return upsert_code(self._state.checked)

    def fill(self, contact: Mapping[str, Any] | pl.DataFrame | None) -> None:
        """Puts another contact into the form; the history stays.

        Args:
            contact: as in the class; None empties the form.

        Raises:
            UsageError: `contact` is not what it should be.
        """
        with self._changing:
            self._take_up(draft_of(contact))
        self.refresh()

    def push(self) -> None:
        """Pushes the contact and waits for the answer, which is then in `.last_result`. Nothing is asked.

        Raises:
            UsageError: something in the form is invalid, or a push is on its way.
        """
        if not self._begin():
            msg = "the form can't be pushed: something in it is invalid (form.issues), or a push is on its way"
            raise UsageError(msg)
        self.refresh()
        self.wait()
        if self._failure is not None:
            # Without the frames of the push's thread, whose variables hold the contact.
            raise self._failure.with_traceback(None)

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Waits for a push that is on its way; whether none is any more."""
        with self._changing:
            pushing = self._pushing
        if pushing is not None:
            pushing.join(timeout_seconds)
        return not self._state.is_busy

    def __repr__(self) -> str:
        """Says what it is; nothing of the contact. Also of one that was refused half-way through its making."""
        if not hasattr(self, "_state"):
            return "<ContactForm, not made>"
        pushes = len(self._state.pushes)
        judged = "valid" if self._state.checked.ok else "invalid"
        return f"<ContactForm: {judged}, {pushes} push{'es' if pushes != 1 else ''}>"

    # What the page says

    def render(self) -> Node:
        """The form as it is now."""
        return draw_form(self._state)

    def mark(self) -> object:
        """Every change makes another state."""
        return self._state

    def on_event(self, key: str, event: str, value: str | bool | None, *, pasted: bool) -> None:
        """Takes up what a person typed, chose or pressed."""
        kind, _, rest = key.partition(":")
        with self._changing:
            if event == "click":
                self._press(kind, rest, value)
            elif isinstance(value, bool):
                self._tick(kind, rest, is_on=value)
            elif isinstance(value, str):
                self._write(kind, rest, value, is_whole=event == "change", pasted=pasted)

    def _press(self, kind: str, rest: str, value: str | bool | None) -> None:
        """A button; a click on Push counts only if no push was begun since the button was drawn."""
        state = self._state
        is_new = value == str(state.begun)
        if kind == "add":
            number = next(self._numbers)
            draft = replace(state.draft, properties=(*state.draft.properties, Property()))
            self._edit(draft, rows=(*state.rows, number), focus=f"name:{number}")
        elif kind == "remove" and (place := state.place_of(rest)) is not None:
            kept = (*state.draft.properties[:place], *state.draft.properties[place + 1 :])
            rows = (*state.rows[:place], *state.rows[place + 1 :])
            self._edit(replace(state.draft, properties=kept), rows=rows, focus="add")
        elif kind == "empty" and not state.is_busy:
            self._take_up(Draft(), focus="field:contact_id")
        elif kind == "push" and is_new and state.can_push:
            if state.checked.opt_ins_on:
                self._state = state.changed(is_asking=True, focus="confirm")
            else:
                self._begin()
        elif kind == "confirm" and is_new and state.is_asking and self._begin():
            self._state = self._state.changed(focus="push")
        elif kind == "back":
            self._state = state.changed(is_asking=False, focus="push")

    def _tick(self, kind: str, rest: str, *, is_on: bool) -> None:
        draft = self._state.draft
        place = self._state.place_of(rest)
        if kind == "clear" and rest in CLEARABLE:
            fields = _cleared_with(rest)
            texts = {**draft.texts, **dict.fromkeys(fields, "")} if is_on else draft.texts
            cleared = draft.cleared | fields if is_on else draft.cleared - fields
            self._edit(replace(draft, texts=texts, cleared=cleared), by_program=is_on)
        elif kind == "emptied" and place is not None:
            value = "" if is_on else draft.properties[place].value
            self._edit(_with_property(draft, place, is_cleared=is_on, value=value), by_program=is_on)

    def _write(self, kind: str, rest: str, typed: str, *, is_whole: bool, pasted: bool) -> None:
        draft = self._state.draft
        place = self._state.place_of(rest)
        if kind == "field" and rest in BY_NAME:
            self._write_field(rest, typed, is_whole=is_whole, pasted=pasted)
        elif kind == "list":
            is_typing = typed == ANOTHER_LIST
            focus = "field:list_id" if is_typing else None
            self._edit(draft.with_text("list_id", "" if is_typing else typed), is_typing_list=is_typing, focus=focus)
        elif kind == "name" and place is not None:
            self._edit(_with_property(draft, place, name=typed))
        elif kind == "value" and place is not None:
            is_cleared = draft.properties[place].is_cleared and not typed.strip()
            self._edit(_with_property(draft, place, value=typed, is_cleared=is_cleared))

    def _write_field(self, name: str, typed: str, *, is_whole: bool, pasted: bool) -> None:
        draft = self._state.draft.with_text(name, typed)
        if typed.strip():
            draft = replace(draft, cleared=draft.cleared - _cleared_with(name))
        if name in _MOBILE and (is_whole or pasted):
            apart = split_phone(draft, pasted=pasted)
            self._edit(apart, by_program=apart != draft)
        else:
            self._edit(draft)

    # State

    def _take_up(self, draft: Draft, *, focus: str | None = None) -> None:
        """Another contact: nothing of the one before stays but the history."""
        listed = draft.texts.get("list_id", "")
        self._edit(
            draft,
            by_program=True,
            rows=tuple(next(self._numbers) for _ in draft.properties),
            is_typing_list=bool(listed) and listed not in self._state.lists,
            filled=self._state.filled + 1,
            refused=frozenset(),
            answer=None,
            focus=focus,
        )

    def _edit(self, draft: Draft, *, by_program: bool = False, **changes: Any) -> None:
        """Another draft, judged; a question that was open is asked anew.

        Args:
            draft: the draft.
            by_program: whether texts were changed that the person did not type.
            changes: what else changes in the state.
        """
        checked = check_draft(draft, list_id=self._client.settings.list_id, schema=self._schema)
        revision = self._state.revision + by_program
        self._state = self._state.changed(
            draft=draft, checked=checked, revision=revision, is_asking=False, **changes
        )  # fmt: skip

    # Pushing

    def _begin(self) -> bool:
        """Starts a push; False if there is nothing to push or one is on its way."""
        with self._changing:
            state = self._state
            if not state.can_push:
                return False
            self._failure = None
            pushing = threading.Thread(target=self._carry_out, args=(state,), name="mbtoolkit-form", daemon=True)
            self._state = state.changed(is_asking=False, is_busy=True, begun=state.begun + 1, answer=None)
            try:
                pushing.start()
            except BaseException:  # there is no room for another thread, say: nothing was sent
                self._state = state
                raise
            self._pushing = pushing
        return True

    def _carry_out(self, sent: State) -> None:
        """Pushes, and takes the answer in; whatever goes wrong, the form is no longer busy and says what was done."""
        try:
            push = self._upsert(sent)
        except BaseException as error:  # noqa: BLE001 - a thread's exception is seen by nobody
            self._failure = error
            self.tell_fault(error, "a push of the form", NOT_DONE if isinstance(error, UsageError) else _MAYBE_STORED)
            push = None
        with self._changing:
            pushes = self._state.pushes if push is None else (*self._state.pushes, push)
            self._state = self._state.changed(is_busy=False, pushes=pushes)
            try:
                if push is not None:
                    self._take_answer(push, sent)
            except Exception as error:  # noqa: BLE001 - likewise
                self.tell_fault(error, "showing the answer to a push", _ANSWERED)
        self.refresh()

    def _upsert(self, sent: State) -> Push:
        results = upsert_contacts(
            sent.checked.validation.valid.drop(ROW),
            self._client,
            clear=sent.checked.clear,
            schema=self._schema,
            opt_ins_on=len(sent.checked.opt_ins_on),
            # The form itself remembers, while it lives; people leave no trace on disk.
            options=SendOptions(keep_record=False),
            progress=False,
        )
        return Push(datetime.now().astimezone(), sent.checked.payload or "", results)

    def _take_answer(self, push: Push, sent: State) -> None:
        """Takes the answer into the form, if it still holds the same contact."""
        if self._state.filled != sent.filled:
            return
        refused = frozenset(push.outcome["mb_invalid_properties"] or ())
        has_said = bool(refused) or push.outcome["mb_status"] == "succeeded"
        self._state = self._state.changed(answer=push, refused=refused if has_said else self._state.refused)
        found, draft = push.outcome["mb_contact_id"], self._state.draft
        if found is not None and not draft.texts.get("contact_id", "").strip():
            self._edit(draft.with_text("contact_id", str(found)), by_program=True)


def _with_property(draft: Draft, place: int, **changes: Any) -> Draft:
    properties = list(draft.properties)
    properties[place] = replace(properties[place], **changes)
    return replace(draft, properties=tuple(properties))


def _cleared_with(name: str) -> frozenset[str]:
    """The fields that are cleared together."""
    return frozenset(_MOBILE if name in _MOBILE else (name,))


def _names(properties: Sequence[str]) -> tuple[str, ...]:
    """Raises:
    UsageError: it is no collection of names.
    """
    names = () if isinstance(properties, str) else tuple(properties)
    if isinstance(properties, str) or not all(isinstance(name, str) for name in names):
        msg = "properties takes the names of properties, such as properties=['City', 'Shoe size']"
        raise UsageError(msg)
    return names
