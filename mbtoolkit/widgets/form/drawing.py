"""What is seen of a form: its state as a tree of nodes."""

from __future__ import annotations

import json
from typing import Any, Final

from mbtoolkit.contacts import BY_NAME, FIELDS, IDENTIFIERS, OPT_INS
from mbtoolkit.sessions.drafting import CLEARING_IS_UNDOCUMENTED, Property, explain
from mbtoolkit.widgets.form.state import CLEARABLE, Push, State
from mbtoolkit.widgets.surface import Node, box, button, choice, entry, table, text, tick

ANOTHER_LIST: Final = "another"
_CODE, _NUMBER = IDENTIFIERS["mobile"]
_HINTS: Final = {
    "contact_id": "Recommended on every update.",
    _CODE: "Such as 47.",
    "email": "Such as name@example.com.",
    _NUMBER: "Or paste +47 934 54 496: it fills both.",
}
_PLACED: Final = ("list_id", "contact_id", _CODE, _NUMBER, "mobile_opt_in", "email", "email_opt_in")
"""The fields with a place of their own in the form; others come below them."""

_QUIET: Final = "mbt-button mbt-quiet"
_OPT_IN_CHOICES: Final = (("", "Leave as it is"), ("yes", "Yes"), ("no", "No"))
_CLEARED: Final = f"It is cleared: {CLEARING_IS_UNDOCUMENTED}."
_LONGEST_MESSAGE: Final = 500
"""Characters of the CRM's own text that are shown; `.last_result` has all of it."""

_ANSWERS: Final = {
    "unauthorized": "Not stored: the CRM does not accept the token. Make a client with one that is valid.",
    "wrong_address": "Not stored: there is no CRM at the client's address.",
    "no_connection": "Not sent: the CRM can't be reached.",
    "succeeded": "Stored.",
    "rejected": "Not stored: the CRM refused it.",
    "unknown": "No clear answer: it may or may not be stored. Pushing it again does no harm.",
    "not_sent": "Not stored.",
}
"""What became of a push in words: by its code, or else by its status."""


def draw_form(state: State) -> Node:
    """The form; without headings, whose level only the notebook around it could know."""
    return box(
        box(
            text("Contact", "p", id="title", class_="mbt-title"),
            button("Empty the form", "empty", disabled=state.is_busy, class_=_QUIET),
            class_="mbt-head",
        ),
        _left_out(state),
        box(
            box(_list(state), _field(state, "contact_id"), class_="mbt-grid"),
            box(
                _field(state, _CODE),
                box(_field(state, _NUMBER), _clearing(state, _NUMBER)),
                _opt_in(state, "mobile_opt_in"),
                class_="mbt-grid mbt-phone",
            ),
            box(
                box(_field(state, "email"), _clearing(state, "email")),
                _opt_in(state, "email_opt_in"),
                class_="mbt-grid mbt-mail",
            ),
            _other_fields(state),
            _properties(state),
            class_="mbt-fields",
        ),
        _whole(state),
        _preview(state),
        _push_bar(state),
        _answer(state),
        _history(state.pushes),
        tag="section",
        class_="mbt-form",
        aria_labelledby="title",
    )


def _other_fields(state: State) -> Node | None:
    names = [field.name for field in FIELDS if field.name not in _PLACED]
    inputs = [_opt_in(state, name) if name in OPT_INS else _field(state, name) for name in names]
    return box(*inputs, class_="mbt-grid") if inputs else None


def _left_out(state: State) -> Node | None:
    names = state.draft.left_out
    return text(f"Never sent: {', '.join(names)}.", "p", key="left-out", class_="mbt-note") if names else None


def _field(state: State, name: str) -> Node:
    known = BY_NAME[name]
    told = state.told(name)
    hint = "Blank: the client's own list." if name == "list_id" and state.default_list else _HINTS.get(name, "")
    typed = entry(
        f"field:{name}",
        state.draft.texts.get(name, ""),
        revision=state.revision,
        focus=state.focus_of(f"field:{name}"),
        id=f"in-{name}",
        inputmode="numeric" if name == "contact_id" else "tel" if name in (_CODE, _NUMBER) else None,
        **_marks(name, told),
    )
    label = text(known.label, "label", for_=f"in-{name}")
    return box(label, typed, _line(name, known.label, told, hint), class_="mbt-field", key=f"box:{name}")


def _list(state: State) -> Node:
    if not state.lists:
        return _field(state, "list_id")
    default = state.default_list
    nothing = f"{state.lists.get(default, default)} (the client's own)" if default else "No list (All contacts)"
    options = [("", nothing), *state.lists.items(), (ANOTHER_LIST, "Another list …")]
    chosen = ANOTHER_LIST if state.is_typing_list else state.draft.texts.get("list_id", "")
    selected = choice("list", chosen, options, revision=state.revision, id="in-list")
    typed = _field(state, "list_id") if state.is_typing_list else None
    label = text("List", "label", for_="in-list")
    return box(box(label, selected, class_="mbt-field"), typed, class_="mbt-lists", key="lists")


def _opt_in(state: State, name: str) -> Node:
    known = BY_NAME[name]
    value = state.draft.texts.get(name, "")
    told = state.told(name)
    options = _OPT_IN_CHOICES if value in dict(_OPT_IN_CHOICES) else ((value, value), *_OPT_IN_CHOICES)
    chosen = choice(
        f"field:{name}", value, options, revision=state.revision, id=f"in-{name}", **_marks(name, told)
    )  # fmt: skip
    label = text(known.label, "label", for_=f"in-{name}")
    return box(label, chosen, _line(name, known.label, told, known.description), class_="mbt-field", key=f"box:{name}")


def _clearing(state: State, name: str) -> Node:
    is_on = name in state.draft.cleared
    note = text(_CLEARED if is_on else "", "p", id=f"clearing-{name}", class_="mbt-note", aria_live="polite")
    switch = tick(f"clear:{name}", CLEARABLE[name], value=is_on, aria_describedby=f"clearing-{name}")
    return box(switch, note, class_="mbt-clear", key=f"clearing:{name}")


def _properties(state: State) -> Node:
    offered = (Node("option", key=name, value=name, attributes={"label": name}) for name in state.offered)
    rows = zip(state.rows, state.draft.properties, strict=True)
    return box(
        text("Properties", "legend"),
        box(*offered, tag="datalist", id="offered"),
        *(_property(state, place, number, typed) for place, (number, typed) in enumerate(rows)),
        button("Add a property", "add", focus=state.focus_of("add"), class_=_QUIET),
        tag="fieldset",
        class_="mbt-properties",
    )


def _property(state: State, place: int, number: int, typed: Property) -> Node:
    about = f"property-{number}"
    told = state.told(f"property {place}", typed.name)
    name = entry(
        f"name:{number}", typed.name, revision=state.revision, focus=state.focus_of(f"name:{number}"),
        id=f"in-name-{number}", list="offered", **_marks(about, told),
    )  # fmt: skip
    value = entry(
        f"value:{number}", typed.value, revision=state.revision, id=f"in-value-{number}", **_marks(about, told)
    )  # fmt: skip
    beside = box(
        tick(f"emptied:{number}", "Clear in the CRM", value=typed.is_cleared, aria_describedby=f"told-{about}"),
        button("Remove", f"remove:{number}", aria_label=f"Remove property {place + 1}", class_=_QUIET),
        class_="mbt-beside",
    )
    return box(
        box(text("Property", "label", for_=f"in-name-{number}"), name, class_="mbt-field"),
        box(text("Value", "label", for_=f"in-value-{number}"), value, class_="mbt-field"),
        beside,
        _line(about, "The property", told, _CLEARED if typed.is_cleared else ""),
        class_="mbt-property",
        key=f"property:{number}",
    )


def _whole(state: State) -> Node:
    """What is wrong with the contact as a whole; there from the start, so that it is read out when it changes."""
    shown = {f"property {place}" for place in range(len(state.rows))} | set(BY_NAME)
    told = [_sentence(where, message) for where, message in state.checked.messages.items() if where not in shown]
    return text(" ".join(told), "p", role="status", class_="mbt-message mbt-error" if told else "mbt-message mbt-empty")


def _preview(state: State) -> Node:
    checked = state.checked
    if checked.payload is None:
        told = [text("Nothing would be sent yet: mend what is marked above.", "p")]
    else:
        sentences = explain(checked, lists=state.lists, list_id=state.default_list)
        pretty = json.dumps(json.loads(checked.payload), indent=2, ensure_ascii=False)
        name = "The JSON that would be sent"
        told = [
            box(*(text(each, "li") for each in sentences), tag="ul"),
            text(pretty, "pre", class_="mbt-json", tabindex="0", role="group", aria_label=name),
        ]
    return box(
        text("What would be sent", "p", id="preview", class_="mbt-subtitle"),
        *told,
        tag="section",
        class_="mbt-preview",
        key="preview",
        aria_labelledby="preview",
    )


def _push_bar(state: State) -> Node:
    if state.is_asking:
        names = " and ".join(BY_NAME[name].label.lower() for name in state.checked.opt_ins_on)
        confirm = button(
            "Yes, push", "confirm", is_main=True, stamp=state.begun, focus=state.focus_of("confirm"),
            aria_describedby="asked",
        )  # fmt: skip
        return box(
            text(f"This turns on the {names}. Did this person consent?", "p", id="asked"),
            confirm,
            button("Back", "back"),
            role="group",
            aria_labelledby="asked",
            class_="mbt-bar mbt-asking",
            key="asking",
        )
    busy = "true" if state.is_busy else None
    push = button(
        "Pushing …" if state.is_busy else "Push", "push", is_main=True, stamp=state.begun,
        disabled=not state.checked.ok, focus=state.focus_of("push"), aria_disabled=busy,
    )  # fmt: skip
    note = "" if state.checked.ok else "Something above is missing or invalid."
    return box(push, text(note, class_="mbt-note"), class_="mbt-bar", key="bar")


def _answer(state: State) -> Node:
    """The last push's answer; there from the start, so that it is read out when it changes."""
    if state.answer is None:
        return box(role="status", key="answer")
    outcome = state.answer.outcome
    is_good = outcome["mb_status"] == "succeeded" and not outcome["mb_invalid_properties"]
    mark = text("✓" if is_good else "!", class_="mbt-icon", aria_hidden="true")
    style = f"mbt-answer {'mbt-good' if is_good else 'mbt-bad'}"
    return box(mark, text(" ".join(_answer_words(outcome))), role="status", class_=style, key="answer")


def _answer_words(outcome: dict[str, Any]) -> list[str]:
    status = outcome["mb_status"]
    words = [_ANSWERS.get(outcome["mb_code"]) or _ANSWERS.get(status, status)]
    if outcome["mb_contact_id"] is not None:
        words.append(f"Contact id {outcome['mb_contact_id']}.")
    if outcome["mb_http_status"] is not None:
        words.append(f"HTTP {outcome['mb_http_status']}.")
    if outcome["mb_message"]:
        words.append(f"“{_shortened(outcome['mb_message'])}”")
    return words if status == "succeeded" else [*words, "What you typed is kept."]


def _shortened(message: str) -> str:
    return message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]} …"


def _history(pushes: tuple[Push, ...]) -> Node | None:
    if not pushes:
        return None
    caption = f"{len(pushes)} push{'es' if len(pushes) != 1 else ''} of this form, the last one first"
    heads = ("Time", "Status", "Contact id", "Message", "Payload")
    lines = table(caption, heads, map(_history_line, reversed(pushes)))
    shown = box(lines, class_="mbt-scroll", tabindex="0", role="group", aria_label="Pushes of this form")
    return box(text("History", "summary"), shown, tag="details", class_="mbt-history", key="history")


def _history_line(push: Push) -> tuple[Node | str, ...]:
    outcome = push.outcome
    found = str(outcome["mb_contact_id"] or "")
    message = _shortened(outcome["mb_message"] or "")
    return push.at.strftime("%H:%M:%S"), str(outcome["mb_status"]), found, message, text(push.payload, "code")


def _marks(about: str, told: tuple[str, str] | None) -> dict[str, Any]:
    """What an input says of the line under it."""
    return {"aria_invalid": "true" if told and told[0] == "error" else None, "aria_describedby": f"told-{about}"}


def _line(about: str, label: str, told: tuple[str, str] | None, hint: str) -> Node:
    """The line under an input, read out when it changes: the message with its sign, or the hint."""
    common: dict[str, Any] = {"id": f"told-{about}", "aria_live": "polite"}
    if told is None:
        return text(hint, "p", class_="mbt-hint", **common)
    severity, message = told
    sign = text("⚠ " if severity == "warning" else "✖ ", aria_hidden="true")
    word = text("Warning: " if severity == "warning" else "Error: ", class_="mbt-hidden")
    return box(sign, word, text(f"{label} {message}."), tag="p", class_=f"mbt-message mbt-{severity}", **common)


def _sentence(where: str | None, message: str) -> str:
    """A message about the whole contact, or about a column that has no input, as a sentence."""
    return f"{message[:1].upper()}{message[1:]}." if where is None else f"{where} {message}."
