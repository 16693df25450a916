"""`ContactForm`: one contact, seen, edited and pushed."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import polars as pl

from mbtoolkit.client import AsyncClient, Client
from mbtoolkit.contacts import BY_NAME, IDENTIFIERS, Field, is_uuid
from mbtoolkit.drafting import (
    CLEARING_IS_UNDOCUMENTED,
    CheckedDraft,
    Draft,
    Property,
    check_draft,
    draft_of,
    explain,
    split_phone,
    upsert_code,
)
from mbtoolkit.errors import MbtoolkitError, UsageError
from mbtoolkit.schemas import ContactSchema
from mbtoolkit.upserts import upsert_contacts
from mbtoolkit.widgets.surface import Node, Surface, box, button, choice, entry, table, text, tick

_log = logging.getLogger("mbtoolkit")

_CODE, _NUMBER = IDENTIFIERS["mobile"]
_ANOTHER_LIST: Final = "another"
_HINTS: Final = {
    "list_id": "A list's id, as the CRM's page of the list shows it.",
    "contact_id": "Recommended on every update.",
    _CODE: "Such as 47.",
    _NUMBER: "Or paste +47 934 54 496: it fills both.",
    "email": "",
}
_QUIET: Final = "mbt-button mbt-quiet"
_OPT_IN_CHOICES: Final = (("", "Leave as it is"), ("yes", "Yes"), ("no", "No"))
_STATUS_WORDS: Final = {
    "succeeded": "Stored",
    "invalid": "Not sent: a rule refused it",
    "rejected": "The CRM refused it",
    "unknown": "No clear answer: it may or may not be stored",
    "not_sent": "Not sent",
}


@dataclass(frozen=True, slots=True)
class _Push:
    """One push: when, what, and its results frame of one row."""

    at: datetime
    payload: str
    results: pl.DataFrame

    @property
    def outcome(self) -> dict[str, Any]:
        return self.results.row(0, named=True)


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
        UsageError: `client` is none, `list_ids` holds what is no uuid, or `contact` is more than one row.
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
        self._lists = _lists(list_ids)
        self._offered = tuple(properties)
        self._schema = schema
        self._pushes: list[_Push] = []
        self._pushing: threading.Thread | None = None
        self._is_asking = False
        self._focus = 0
        self._focused: str | None = None
        self._fill(draft_of(contact))
        super().__init__()

    # What a cell reads and calls

    @property
    def contact(self) -> dict[str, Any]:
        """The contact as `upsert_contact` takes it: canonical values, without the fields that stay as they are."""
        return dict(self._checked.contact)

    @property
    def payload(self) -> str | None:
        """The JSON exactly as it would be sent; None while something is invalid."""
        return self._checked.payload

    @property
    def issues(self) -> pl.DataFrame:
        """The issues frame of the contact; `row` is 0."""
        return self._checked.validation.issues

    @property
    def last_result(self) -> dict[str, Any] | None:
        """The last push's row of the results frame; None before the first."""
        return self._pushes[-1].outcome if self._pushes else None

    @property
    def results(self) -> pl.DataFrame:
        """A results frame with one row for each push of this form, the first one first; `mb_row` counts the pushes."""
        if not self._pushes:
            return upsert_contacts(ContactSchema.empty(), self._client, progress=False)
        rows = pl.concat([push.results for push in self._pushes], how="diagonal")
        ours = [name for name in rows.columns if name.startswith("mb_")]
        counted = rows.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("mb_row"))
        return counted.select(pl.exclude(ours), *ours)

    @property
    def code(self) -> str:
        """The Python call that does the same as the push."""
        return upsert_code(self._checked, list_id=self._default_list())

    def fill(self, contact: Mapping[str, Any] | pl.DataFrame | None) -> None:
        """Puts another contact into the form; the history stays.

        Args:
            contact: as in the class; None empties the form.

        Raises:
            UsageError: a frame of more or fewer rows than one.
        """
        self._fill(draft_of(contact))
        self.refresh()

    def push(self) -> None:
        """Pushes the contact and waits for the answer, which is then in `.last_result`.

        Raises:
            UsageError: something in the form is invalid, or a push is on its way.
        """
        if not self._begin():
            msg = "the form can't be pushed: something in it is invalid, or a push is on its way"
            raise UsageError(msg)
        self.wait()

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Waits for a push that is on its way; whether none is any more."""
        pushing = self._pushing
        if pushing is not None:
            pushing.join(timeout_seconds)
            return not pushing.is_alive()
        return True

    def __repr__(self) -> str:
        """Says what it is; nothing of the contact."""
        pushes = len(self._pushes)
        return (
            f"<ContactForm: {'valid' if self._checked.ok else 'invalid'}, {pushes} push{'es' if pushes != 1 else ''}>"
        )

    # What the page says

    def on_event(self, key: str, event: str, value: str | bool | None, *, pasted: bool) -> None:
        """Takes up what a person typed, chose or pressed."""
        kind, _, rest = key.partition(":")
        if kind == "field" and rest in BY_NAME and isinstance(value, str):
            self._type(rest, value, is_whole=pasted or event == "change")
        elif kind == "list" and isinstance(value, str):
            self._choose_list(value)
        elif kind == "clear" and isinstance(value, bool):
            self._clear(rest, is_on=value)
        elif kind in ("name", "value", "emptied", "remove") and rest.isdigit():
            self._change_property(kind, int(rest), value)
        elif event == "click":
            self._press(key)

    def _press(self, key: str) -> None:
        if key == "add":
            self._update(replace(self._draft, properties=(*self._draft.properties, Property())))
            self._ask_focus(f"name:{len(self._draft.properties) - 1}")
        elif key == "empty" and self._pushing is None:
            self._fill(Draft())
            self._ask_focus("field:contact_id")
        elif key == "push":
            if self._checked.opt_ins_on and not self._is_asking:
                self._is_asking = True
                self._ask_focus("confirm")
            else:
                self._begin()
        elif key == "confirm" and self._is_asking:
            self._begin()
        elif key == "back":
            self._is_asking = False
            self._ask_focus("push")

    def _ask_focus(self, key: str) -> None:
        self._focus += 1
        self._focused = key

    def _focus_of(self, key: str) -> int | None:
        return self._focus if key == self._focused else None

    # State

    def _fill(self, draft: Draft) -> None:
        self._revision = getattr(self, "_revision", 0) + 1
        listed = draft.texts.get("list_id", "")
        self._is_typing_list = bool(listed) and listed not in self._lists
        self._answered: dict[str | None, str] = {}
        self._is_asking = False
        self._draft = draft
        self._checked = self._check()

    def _update(self, draft: Draft) -> None:
        self._is_asking = False
        self._draft = draft
        self._checked = self._check()

    def _check(self) -> CheckedDraft:
        return check_draft(self._draft, list_id=self._default_list(), schema=self._schema)

    def _default_list(self) -> str | None:
        return None if self._draft.texts.get("list_id") else self._client.settings.list_id

    def _type(self, name: str, typed: str, *, is_whole: bool) -> None:
        self._answered.pop(name, None)
        draft = self._draft.with_text(name, typed)
        if typed.strip():
            draft = replace(draft, cleared=draft.cleared - _cleared_with(name))
        if is_whole and name == _NUMBER:
            taken_apart = split_phone(draft)
            self._revision += taken_apart != draft
            draft = taken_apart
        self._update(draft)

    def _choose_list(self, value: str) -> None:
        self._is_typing_list = value == _ANOTHER_LIST
        self._update(self._draft.with_text("list_id", "" if self._is_typing_list else value))
        if self._is_typing_list:
            self._ask_focus("field:list_id")

    def _clear(self, name: str, *, is_on: bool) -> None:
        fields = _cleared_with(name)
        draft = self._draft
        if is_on:
            self._revision += 1
            texts = {**draft.texts, **dict.fromkeys(fields, "")}
            draft = replace(draft, texts=texts, cleared=draft.cleared | fields)
        else:
            draft = replace(draft, cleared=draft.cleared - fields)
        self._update(draft)

    def _change_property(self, kind: str, place: int, value: str | bool | None) -> None:
        properties = list(self._draft.properties)
        if place >= len(properties):
            return
        self._answered.pop(f"property {place}", None)
        if kind == "remove":
            del properties[place]
            self._revision += 1
            self._ask_focus("add")
        elif kind == "emptied" and isinstance(value, bool):
            self._revision += value
            properties[place] = replace(
                properties[place], is_cleared=value, value="" if value else properties[place].value
            )
        elif kind == "name" and isinstance(value, str):
            properties[place] = replace(properties[place], name=value)
        elif kind == "value" and isinstance(value, str):
            properties[place] = replace(properties[place], value=value, is_cleared=False)
        self._update(replace(self._draft, properties=tuple(properties)))

    # Pushing

    def _begin(self) -> bool:
        """Starts a push; False if there is nothing to push or one is on its way."""
        if self._checked.payload is None or self._pushing is not None:
            return False
        self._is_asking = False
        self._answered = {}
        checked, list_id = self._checked, self._default_list()
        self._pushing = threading.Thread(
            target=self._carry_out, args=(checked, list_id), name="mbtoolkit-form", daemon=True
        )
        self._pushing.start()
        return True

    def _carry_out(self, checked: CheckedDraft, list_id: str | None) -> None:
        try:
            results = upsert_contacts(
                checked.validation.valid.drop("mb_row"),
                self._client,
                list_id=list_id,
                clear=checked.clear,
                schema=self._schema,
                opt_ins_on=len(checked.opt_ins_on),
                progress=False,
            )
            self._hear_answer(_Push(datetime.now().astimezone(), checked.payload or "", results))
        except MbtoolkitError as error:
            self._fault = str(error)
        except Exception as error:  # noqa: BLE001 - a thread's exception is seen by nobody
            _log.exception("a fault while pushing one contact; please report it")
            self._fault = f"The push failed ({type(error).__name__}); the notebook's log says more. Please report it."
        finally:
            self._pushing = None
            self._ask_focus("push")
            self.refresh()

    def _hear_answer(self, push: _Push) -> None:
        """Takes the answer into the form: the contact's id, and which properties were refused."""
        self._pushes.append(push)
        found = push.outcome["mb_contact_id"]
        if found is not None and not self._draft.texts.get("contact_id", "").strip():
            self._revision += 1
            self._update(self._draft.with_text("contact_id", str(found)))
        refused = set(push.outcome["mb_invalid_properties"] or ())
        for place, each in enumerate(self._draft.properties):
            if each.name.strip().removeprefix("property_id:") in refused:
                self._answered[f"property {place}"] = "is not known to the CRM, so it was not stored"

    # What is seen

    def render(self) -> Node:
        """The form as it is now."""
        is_busy = self._pushing is not None
        return box(
            box(
                text("Contact", "h3", class_="mbt-title"),
                button("Empty the form", "empty", disabled=is_busy, class_=_QUIET),
                class_="mbt-head",
            ),
            self._left_out(),
            box(
                box(self._list(), self._field("contact_id"), class_="mbt-grid"),
                box(
                    self._field(_CODE), self._field(_NUMBER), self._opt_in("mobile_opt_in"), class_="mbt-grid mbt-phone"
                ),
                self._clear_tick(_NUMBER, "Clear the mobile number in the CRM"),
                box(self._field("email"), self._opt_in("email_opt_in"), class_="mbt-grid mbt-mail"),
                self._clear_tick("email", "Clear the e-mail address in the CRM"),
                self._properties(),
                class_="mbt-fields",
            ),
            self._whole(),
            self._preview(),
            self._push_bar(is_busy=is_busy),
            self._last(),
            self._history(),
            class_="mbt-form",
        )

    def _left_out(self) -> Node | None:
        if not self._draft.left_out:
            return None
        return text(f"Never sent: {', '.join(self._draft.left_out)}.", "p", class_="mbt-note")

    def _message(self, where: str) -> tuple[str, str] | None:
        """What stands at a field: `error` or `warning`, and the message."""
        checked = self._checked
        if where in checked.messages:
            return "error", _sentence(where, checked.messages[where])
        if where in self._answered:
            return "error", _sentence(where, self._answered[where])
        return ("warning", _sentence(where, checked.warnings[where])) if where in checked.warnings else None

    def _field(self, name: str) -> Node:
        known: Field = BY_NAME[name]
        told = self._message(name)
        typed = entry(
            f"field:{name}",
            self._draft.texts.get(name, ""),
            revision=self._revision,
            focus=self._focus_of(f"field:{name}"),
            id=f"in-{name}",
            inputmode="numeric" if known.is_integer else "email" if name == "email" else None,
            aria_invalid="true" if told and told[0] == "error" else None,
            aria_describedby=f"told-{name}",
        )
        label = text(known.label, "label", for_=f"in-{name}")
        return box(label, typed, _told(name, told, _HINTS.get(name, "")), class_="mbt-field", key=f"box:{name}")

    def _list(self) -> Node:
        if not self._lists:
            return self._field("list_id")
        chosen = _ANOTHER_LIST if self._is_typing_list else self._draft.texts.get("list_id", "")
        default = self._client.settings.list_id
        none = (
            f"{self._lists.get(default, 'The client’s list')} (the client’s)" if default else "No list (All contacts)"
        )
        options = [("", none), *((each, name) for each, name in self._lists.items()), (_ANOTHER_LIST, "Another list …")]
        label = text("List", "label", for_="in-list")
        selected = choice("list", chosen, options, revision=self._revision, id="in-list")
        typed = self._field("list_id") if self._is_typing_list else None
        return box(box(label, selected, class_="mbt-field"), typed, key="lists")

    def _opt_in(self, name: str) -> Node:
        known = BY_NAME[name]
        value = self._draft.texts.get(name, "")
        options = _OPT_IN_CHOICES if value in ("", "yes", "no") else ((value, value), *_OPT_IN_CHOICES)
        label = text(known.label, "label", for_=f"in-{name}")
        told = self._message(name)
        chosen = choice(
            f"field:{name}",
            value,
            options,
            revision=self._revision,
            id=f"in-{name}",
            aria_invalid="true" if told else None,
            aria_describedby=f"told-{name}",
        )
        return box(label, chosen, _told(name, told, known.description), class_="mbt-field", key=f"box:{name}")

    def _clear_tick(self, name: str, label: str) -> Node:
        is_on = name in self._draft.cleared
        note = text(f"It is cleared: {CLEARING_IS_UNDOCUMENTED}.", "p", class_="mbt-note") if is_on else None
        return box(tick(f"clear:{name}", label, value=is_on), note, class_="mbt-clear", key=f"clearing:{name}")

    def _properties(self) -> Node:
        rows = [self._property(place, each) for place, each in enumerate(self._draft.properties)]
        offered = box(
            *(Node("option", key=name, value=name, attributes={"label": name}) for name in self._offered),
            tag="datalist",
            id="offered",
        )
        return box(
            text("Properties", "legend"),
            offered,
            *rows,
            button("Add a property", "add", focus=self._focus_of("add"), class_=_QUIET),
            tag="fieldset",
            class_="mbt-properties",
        )

    def _property(self, place: int, typed: Property) -> Node:
        where = f"property {place}"
        told = self._message(where)
        about = f"told-property-{place}"
        invalid = "true" if told and told[0] == "error" else None
        common: dict[str, Any] = {"aria_invalid": invalid, "aria_describedby": about}
        return box(
            box(
                text("Property", "label", for_=f"in-name-{place}"),
                entry(f"name:{place}", typed.name, revision=self._revision, focus=self._focus_of(f"name:{place}"),
                      id=f"in-name-{place}", list="offered", **common),
                class_="mbt-field",
            ),
            box(
                text("Value", "label", for_=f"in-value-{place}"),
                entry(f"value:{place}", typed.value, revision=self._revision, id=f"in-value-{place}", **common),
                class_="mbt-field",
            ),
            box(
                tick(f"emptied:{place}", "Clear in the CRM", value=typed.is_cleared),
                button("Remove", f"remove:{place}", aria_label=f"Remove property {place + 1}", class_=_QUIET),
                class_="mbt-beside",
            ),
            _told(f"property-{place}", told, f"It is cleared: {CLEARING_IS_UNDOCUMENTED}." if typed.is_cleared else ""),
            class_="mbt-property",
            key=f"property:{place}",
        )  # fmt: skip

    def _whole(self) -> Node:
        """What is wrong with the contact as a whole; there from the start, so that it is read out when it changes."""
        shown = {f"property {place}" for place in range(len(self._draft.properties))} | set(BY_NAME)
        told = [_sentence(where, text) for where, text in self._checked.messages.items() if where not in shown]
        return text(" ".join(told), "p", role="status", class_="mbt-message mbt-error" if told else "mbt-none")

    def _preview(self) -> Node:
        if self._checked.payload is None:
            told = [text("Nothing would be sent yet: mend what is marked above.", "p")]
        else:
            sentences = explain(self._checked, lists=self._lists, list_id=self._default_list())
            pretty = json.dumps(json.loads(self._checked.payload), indent=2, ensure_ascii=False)
            told = [
                box(*(text(each, "li") for each in sentences), tag="ul"),
                text(
                    pretty,
                    "pre",
                    class_="mbt-json",
                    tabindex="0",
                    aria_label="The JSON that would be sent",
                    role="group",
                ),
            ]
        return box(text("What would be sent", "h4"), *told, tag="section", class_="mbt-preview", key="preview")

    def _push_bar(self, *, is_busy: bool) -> Node:
        can = self._checked.ok and not is_busy
        if self._is_asking and can:
            names = " and ".join(BY_NAME[name].label.lower() for name in self._checked.opt_ins_on)
            return box(
                text(f"This turns on the {names}. Did this person consent?", "p", id="asked"),
                button("Yes, push", "confirm", is_main=True, focus=self._focus_of("confirm"), aria_describedby="asked"),
                button("Back", "back"),
                role="group",
                aria_labelledby="asked",
                class_="mbt-bar mbt-asking",
                key="asking",
            )
        label = "Pushing …" if is_busy else "Push"
        return box(
            button(label, "push", is_main=True, disabled=not can, focus=self._focus_of("push")),
            text("Something above is invalid." if not self._checked.ok else "", class_="mbt-note"),
            class_="mbt-bar",
            key="bar",
        )

    def _last(self) -> Node:
        """The last push's answer; there from the start, so that it is read out when it changes."""
        if not self._pushes:
            return box(role="status", key="last")
        outcome = self._pushes[-1].outcome
        status = outcome["mb_status"]
        words = [f"{_STATUS_WORDS.get(status, status)}."]
        words += [f"Contact id {outcome['mb_contact_id']}."] if outcome["mb_contact_id"] is not None else []
        words += [f"HTTP {outcome['mb_http_status']}."] if outcome["mb_http_status"] is not None else []
        words += [f"“{outcome['mb_message']}”"] if outcome["mb_message"] else []
        words += (
            [f"Not stored: {', '.join(outcome['mb_invalid_properties'])}."] if outcome["mb_invalid_properties"] else []
        )
        style = "mbt-good" if status == "succeeded" and not outcome["mb_invalid_properties"] else "mbt-bad"
        mark = text("✓" if style == "mbt-good" else "!", class_="mbt-icon", aria_hidden="true")
        return box(mark, text(" ".join(words)), role="status", class_=f"mbt-answer {style}", key="last")

    def _history(self) -> Node | None:
        if not self._pushes:
            return None
        rows = [
            (
                push.at.strftime("%H:%M:%S"),
                str(push.outcome["mb_status"]),
                str(push.outcome["mb_contact_id"] or ""),
                push.outcome["mb_message"] or "",
                text(push.payload, "code"),
            )
            for push in reversed(self._pushes)
        ]
        heads = ("Time", "Status", "Contact id", "Message", "Payload")
        caption = f"{len(rows)} push{'es' if len(rows) != 1 else ''} of this form, the last one first"
        shown = box(table(caption, heads, rows), class_="mbt-scroll", tabindex="0", role="group",
                    aria_label="Pushes of this form")  # fmt: skip
        return box(text("History", "summary"), shown, tag="details", class_="mbt-history", key="history")


def _told(name: str, told: tuple[str, str] | None, hint: str) -> Node:
    """The line under an input: the message with its sign, or the hint."""
    if told is None:
        return text(hint, "p", id=f"told-{name}", class_="mbt-hint")
    severity, message = told
    sign = text("⚠ " if severity == "warning" else "✖ ", aria_hidden="true")
    word = text("Warning: " if severity == "warning" else "Error: ", class_="mbt-hidden")
    return box(sign, word, text(message), tag="p", id=f"told-{name}", class_=f"mbt-message mbt-{severity}")


def _sentence(where: str | None, message: str) -> str:
    """A message about a field, or about the whole contact, as a sentence."""
    if where is None:
        return f"{message[:1].upper()}{message[1:]}."
    begun = BY_NAME[where].label if where in BY_NAME else "The property" if where.startswith("property") else where
    return f"{begun} {message}."


def _cleared_with(name: str) -> frozenset[str]:
    """The fields that are cleared together."""
    return frozenset(IDENTIFIERS["mobile"]) if name in IDENTIFIERS["mobile"] else frozenset({name})


def _lists(list_ids: Mapping[str, str] | Sequence[str]) -> dict[str, str]:
    """Uuid -> name.

    Raises:
        UsageError: one of them is no uuid.
    """
    named = dict(list_ids) if isinstance(list_ids, Mapping) else {each: each for each in list_ids}
    for name, each in named.items():
        if not isinstance(each, str) or not is_uuid(each):
            msg = f"list_ids[{name!r}] is no uuid; copy it from the list's page in the CRM, or give crm.lists"
            raise UsageError(msg)
    return {each: name for name, each in named.items()}
