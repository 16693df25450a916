"""The second step: what each column is."""

from __future__ import annotations

from typing import Final

from mbtoolkit.contacts import BY_NAME, FIELDS, PROPERTY_NAME_PREFIX, is_property_column
from mbtoolkit.widgets.panel.step import Step, Value, labelled, scrolling
from mbtoolkit.widgets.surface import Node, box, choice, entry, table, text

_NOT_SENT: Final = ""
_AS_PROPERTY: Final = "property"


class ColumnsStep(Step):
    """What each column is."""

    key = "columns"
    title = "Columns"

    @property
    def is_ready(self) -> bool:
        fields = set(self.push.mapping.values())
        return bool(fields & {"contact_id", "email", "mobile_number"})

    def why_not(self) -> str:
        return "Say which column is the e-mail address, the mobile number or the contact id."

    def act(self, key: str, value: Value) -> None:
        kind, _, place = key.partition(":")
        columns = self.push.table.columns if self.push.table is not None else []
        if key == "country" and isinstance(value, str):
            self.push.default_country = value.strip() or None
        elif kind == "column" and isinstance(value, str) and place.isdigit() and int(place) < len(columns):
            column = columns[int(place)]
            self.push.map_column(column, f"{PROPERTY_NAME_PREFIX}{column.strip()}" if value == _AS_PROPERTY else value)
        self.error = None

    def leave(self) -> None:
        self.push.check()

    def draw(self) -> Node:
        push = self.push
        assert push.table is not None
        rows = [self._row(place, column, reason) for place, (column, reason) in enumerate(self._reasons())]
        caption = f"{push.table.height:,} rows, {push.table.width:,} columns"
        listed = table(caption, ("Column", "First cells", "Is", "Why it is suggested"), rows)
        return box(
            *(text(note, "p", class_="mbt-note") for note in push.notes),
            scrolling(listed, "Columns", is_tall=True),
            self._country(push.table.columns),
            class_="mbt-step",
        )

    def _country(self, columns: list[str]) -> Node:
        offered = (Node("option", key=name, value=name, attributes={"label": name}) for name in columns)
        typed = entry(
            "country", self.push.default_country or "", id="country", list="countries", aria_describedby="hint-country"
        )
        hint = "Two letters such as NO, or the name of a column that holds them."
        label = "Country of phone numbers without a country code"
        return box(labelled(label, typed, "country", hint), box(*offered, tag="datalist", id="countries"))

    def _reasons(self) -> list[tuple[str, str]]:
        assert self.push.suggestions is not None
        return list(self.push.suggestions.select("source", "reason").iter_rows())

    def _row(self, place: int, column: str, reason: str) -> tuple[Node | str, ...]:
        target = self.push.mapping.get(column, _NOT_SENT)
        twice = target and list(self.push.mapping.values()).count(target) > 1
        chosen = choice(f"column:{place}", target, self._options(column, target), aria_label=f"What {column} is",
                        aria_invalid="true" if twice else None)  # fmt: skip
        why = (
            text(f"✖ {_target_label(target)} stands twice; keep one.", class_="mbt-error")
            if twice
            else text(reason or "")
        )
        cells = text(" · ".join(each[:40] for each in self.push.sample(column)), class_="mbt-soft")
        return text(column, "strong"), cells, chosen, why

    def _options(self, column: str, target: str) -> list[tuple[str, str]]:
        options = [(_NOT_SENT, "Not sent"), *((field.name, field.label) for field in FIELDS)]
        if is_property_column(target):
            return [*options, (target, _target_label(target))]
        return [*options, (_AS_PROPERTY, f"Property “{column.strip()}”")]


def _target_label(target: str) -> str:
    if target in BY_NAME:
        return BY_NAME[target].label
    return f"Property “{target.partition(':')[2]}”"
