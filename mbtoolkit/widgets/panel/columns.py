"""The second step: what each column is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from mbtoolkit.contacts import BY_NAME, FIELDS, PROPERTY_NAME_PREFIX, is_property_column
from mbtoolkit.sessions.pushing import FilePushes
from mbtoolkit.widgets.panel.step import Step, Value, bar, datum, labelled, scrolling
from mbtoolkit.widgets.surface import Node, box, choice, entry, table, text, tick

_NOT_SENT: Final = ""
_LONGEST_CELL: Final = 40


class ColumnsStep(Step):
    """What each column is."""

    key = "columns"
    title = "Columns"

    def __init__(self, pushes: FilePushes) -> None:
        super().__init__(pushes)
        self.shows_values = False

    @property
    def is_open(self) -> bool:
        return self.pushes.current is not None

    @property
    def is_ready(self) -> bool:
        fields = set(self.push.mapping.values())
        return bool(fields & {"contact_id", "email", "mobile_number"}) and not self.push.mapped.twice

    def why_not(self) -> str:
        if self.push.mapped.twice:
            return f"{', '.join(map(target_label, self.push.mapped.twice))} stands twice; keep one."
        return "Say which column is the e-mail address, the mobile number or the contact id."

    def act(self, key: str, value: Value) -> None:
        kind, _, place = key.partition(":")
        columns = self.push.table.columns
        if key == "country" and isinstance(value, str):
            self.push.default_country = value.strip() or None
        elif key == "values" and isinstance(value, bool):
            self.shows_values = value
        elif kind == "column" and isinstance(value, str) and place.isdecimal() and int(place) < len(columns):
            self.push.map_column(columns[int(place)], value)

    def leave(self) -> None:
        self.push.check()

    def draw(self) -> Node:
        push = self.push
        lines = push.loaded.suggestions.select("source", "target", "reason", "tied_with").iter_rows()
        profiled = push.loaded.profile.iter_rows(named=True)
        twice = push.mapped.twice
        rows = [
            self._row(place, twice, told, *line) for place, (told, line) in enumerate(zip(profiled, lines, strict=True))
        ]
        caption = f"{push.source.name}: {push.table.height:,} rows, {push.table.width:,} columns"
        listed = table(caption, ("Column", "What is in it", "Is", "Why it is suggested"), rows)
        return box(
            *(text(note, "p", class_="mbt-note") for note in push.notes),
            tick("values", "Show the commonest values", value=self.shows_values),
            scrolling(listed, "Columns", "mbt-columns"),
            self._country(push.table.columns),
            class_="mbt-step",
        )

    def _country(self, columns: Iterable[str]) -> Node:
        offered = (Node("option", key=name, value=name, attributes={"label": name}) for name in columns)
        typed = entry(
            "country", self.push.default_country or "", id="country", list="countries", aria_describedby="hint-country"
        )
        hint = "Two letters such as NO, or the name of a column that holds them."
        label = "Country of phone numbers without a country code"
        return box(labelled(label, typed, "country", hint), box(*offered, tag="datalist", id="countries"))

    def _row(
        self,
        place: int,
        twice: list[str],
        told: dict[str, Any],
        column: str,
        suggested: str | None,
        reason: str,
        tied_with: list[str] | None,
    ) -> tuple[Node | str, ...]:
        target = self.push.mapping[column]
        is_twice = target in twice
        chosen = choice(
            f"column:{place}",
            target,
            _options(column, target, suggested),
            aria_label=f"What {column} is",
            aria_invalid="true" if is_twice else None,
            aria_describedby=f"why-{place}",
        )
        if is_twice:
            why = text(f"✖ {target_label(target)} stands twice; keep one.", class_="mbt-error", id=f"why-{place}")
        elif tied_with and not target:
            why = text(f"⚠ {reason}", class_="mbt-warning", id=f"why-{place}")
        else:
            why = text(reason, id=f"why-{place}")
        return text(column, "strong"), self._content(column, told), box(chosen, class_="mbt-field"), why

    def _content(self, column: str, told: dict[str, Any]) -> Node:
        """The first cells, how full the column is, and what its cells look like."""
        cells = " · ".join(map(_shortened, self.push.loaded.sample(column)))
        distinct = f", {told['distinct']:,} different" if told["distinct"] is not None else ""
        filled = box(
            bar(told["filled"] / max(told["rows"], 1), "done"),
            text(f"{told['filled']:,} filled{distinct}"),
            class_="mbt-filled",
        )
        values = self._counts(told["commonest"]) if self.shows_values else None
        return box(text(cells, "p", class_="mbt-soft"), filled, self._counts(told["patterns"]), values)

    def _counts(self, counts: list[dict[str, Any]] | None) -> Node | None:
        if not counts:
            return None
        lines = (box(datum(each["value"]), text(f" {each['rows']:,}", class_="mbt-soft"), tag="li") for each in counts)
        return box(*lines, tag="ul", class_="mbt-plain mbt-inline")


def _options(column: str, target: str, suggested: str | None) -> list[tuple[str, str]]:
    """The fields, and the properties that the column could be."""
    own = f"{PROPERTY_NAME_PREFIX}{column.strip()}" if column.strip() else None
    others = [each for each in dict.fromkeys((own, suggested, target)) if each and each not in BY_NAME]
    fields = [(field.name, field.label) for field in FIELDS]
    return [(_NOT_SENT, "Not sent"), *fields, *((each, target_label(each)) for each in others)]


def target_label(target: str) -> str:
    """A target as a person reads it."""
    if target in BY_NAME:
        return BY_NAME[target].label
    return f"Property “{target.partition(':')[2]}”" if is_property_column(target) else "Properties"


def _shortened(cell: str) -> str:
    return cell if len(cell) <= _LONGEST_CELL else f"{cell[: _LONGEST_CELL - 1]}…"
