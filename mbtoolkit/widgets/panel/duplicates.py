"""The part of the clean-up that shows rows that may be one person, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from mbtoolkit.cleaning.shown import shown_texts
from mbtoolkit.contacts import IDENTIFIERS, OPT_INS, label_of
from mbtoolkit.recipes import MergeRows, row_prints
from mbtoolkit.recipes.step import counted
from mbtoolkit.sessions.pushing import FilePushes
from mbtoolkit.sessions.pushing.duplicates import Cluster, date_columns
from mbtoolkit.widgets.panel.mending import CleanPart
from mbtoolkit.widgets.panel.step import Value, check_stamp, datum, labelled, scrolling, stamp_of, visible
from mbtoolkit.widgets.surface import Node, box, button, choice, table, text, tick

_PREFERRED: Final = (
    ("most_complete", "The most complete row is preferred"),
    ("first", "The first row is preferred"),
    ("last", "The last row is preferred"),
)
_NEWEST: Final = "newest:"
_MOST_ROWS: Final = 12
"""Rows of one group that are shown side by side."""


class DuplicatesPart(CleanPart):
    """Rows that may be one person: merged group by group, or all at once."""

    name = "Duplicates"

    def __init__(self, pushes: FilePushes) -> None:
        super().__init__(pushes)
        self._by_identifiers = False
        self._keep = _PREFERRED[0][0]
        self._place = 0
        self._group: tuple[object, int] | None = None
        self._choices: dict[str, int] = {}
        self._left_out: set[int] = set()

    def title(self) -> str:
        """With how many groups there are, once they were looked for."""
        if self.push.duplicates is None:
            return self.name
        return f"{self.name} ({self.push.cleaning.standing['cluster'].n_unique():,})"

    def act(self, key: str, value: Value) -> str:
        """Looks for groups, goes through them, chooses cells, merges."""
        kind, _, rest = key.partition(":")
        if key == "compare":
            self._by_identifiers = value == "identifiers"
        elif key == "look":
            self.push.find_duplicates(by_identifiers=self._by_identifiers)
            self._place, self._group = 0, None
        elif key == "keep" and isinstance(value, str) and value in dict(self._kept()):
            self._keep = value
        elif kind == "merge_all":
            check_stamp(value, self._stamp_of_all(self.push.cleaning.standing) if self.push.duplicates else 0)
            return self._merge_all()
        elif self.push.duplicates is not None:
            return self._act_on_groups(kind, rest, value)
        return ""

    def _act_on_groups(self, kind: str, rest: str, value: Value) -> str:
        standing = self.push.cleaning.standing
        cluster = self._shown(standing)
        if kind in ("take", "apart", "merge"):
            check_stamp(value, self._stamp(cluster) if cluster is not None else 0)
        if cluster is None:
            return ""
        if kind in ("before", "after"):
            self._place += 1 if kind == "after" else -1
        elif kind == "in" and rest.isdecimal() and int(rest) in cluster.rows and isinstance(value, bool):
            (self._left_out.discard if value else self._left_out.add)(int(rest))
        elif kind == "take":
            self._take(cluster, rest)
        elif kind == "apart" and self.push.duplicates is not None:
            self.push.duplicates.apart.add(cluster.number)
            return f"The {len(cluster.rows)} rows are left as they are."
        elif kind == "merge":
            rows = self._picked(cluster)
            self.push.merge_rows(rows, self._chosen(rows))
            self._group = None
            return f"{len(rows)} rows are one now."
        return ""

    def _merge_all(self) -> str:
        before = self.edits.height
        keep, _, column = self._kept_now(self._kept()).partition(":")
        self.push.merge_duplicates(keep, column or None)  # type: ignore[arg-type]
        self._place, self._group = 0, None
        return f"{counted(before - self.edits.height, 'row')} merged into others."

    def _take(self, cluster: Cluster, rest: str) -> None:
        place, _, row = rest.partition(":")
        names = [column.name for column in self.edits.columns]
        if place.isdecimal() and row.isdecimal() and int(place) < len(names) and int(row) in cluster.rows:
            self._choices[_chosen_by(names[int(place)])] = int(row)

    def _kept(self) -> list[tuple[str, str]]:
        newest = [
            (f"{_NEWEST}{name}", f"The newest row by {label_of(name)} is preferred")
            for name in date_columns(self.edits.contacts)
        ]
        return [*_PREFERRED, *newest]

    def _kept_now(self, offered: list[tuple[str, str]]) -> str:
        """What was chosen, where this table has it too."""
        return self._keep if self._keep in dict(offered) else _PREFERRED[0][0]

    def _stamp(self, cluster: Cluster) -> int:
        """Of a group; what was ticked in it is not in it, for a click may come right after that."""
        return stamp_of("group", id(self.push), cluster.rows, row_prints(self.edits.contacts, cluster.rows))

    def _stamp_of_all(self, standing: pl.DataFrame) -> int:
        return stamp_of("groups", id(self.push), standing.select("row", "cluster").hash_rows().sum(), standing.height)

    def _shown(self, standing: pl.DataFrame) -> Cluster | None:
        """The group that is looked at; what was chosen for another is forgotten."""
        numbers = standing["cluster"].unique(maintain_order=True)
        if numbers.is_empty():
            return None
        self._place %= len(numbers)
        cluster = self.push.cleaning.cluster(numbers[self._place])
        group = (self.push.edits, cluster.number)
        if self._group != group:
            self._group, self._choices, self._left_out = group, {}, set()
        return cluster

    def _picked(self, cluster: Cluster) -> list[int]:
        return [row for row in cluster.rows if row not in self._left_out]

    def _chosen(self, rows: Sequence[int]) -> dict[str, int]:
        return {name: rows.index(row) for name, row in self._choices.items() if row in rows}

    def draw(self) -> Node:
        """What to compare, and the groups that were found."""
        options = [
            ("", "Identifiers, names, addresses and birthdays"),
            ("identifiers", "Identifiers: contact ids, mobiles, e-mails"),
        ]
        compared = choice("compare", "identifiers" if self._by_identifiers else "", options, id="compare")
        again = self.push.duplicates is not None
        look = button("Look again" if again else "Look for duplicates", "look", class_="mbt-button mbt-low")
        asked = box(labelled("What to compare", compared, "compare"), look, class_="mbt-write")
        if not again:
            return box(asked, class_="mbt-step")
        standing = self.push.cleaning.standing
        cluster = self._shown(standing)
        if cluster is None:
            return box(asked, text("There are no rows to merge.", "p", class_="mbt-soft"), class_="mbt-step")
        return box(asked, self._all(standing), self._side_by_side(standing, cluster), class_="mbt-step")

    def _all(self, standing: pl.DataFrame) -> Node:
        asked = standing.filter(pl.col("question").is_not_null())["cluster"].n_unique()
        groups = standing["cluster"].n_unique()
        told = f"{counted(groups, 'group')} of rows that may be one person each ({standing.height:,} rows)"
        told += f"; {asked:,} of them must be looked at" if asked else ""
        offered = self._kept()
        kept = choice("keep", self._kept_now(offered), offered, id="keep")
        merge = button(
            f"Merge {counted(groups - asked, 'group')}",
            "merge_all",
            class_="mbt-button mbt-low",
            disabled=groups == asked,
            stamp=self._stamp_of_all(standing),
        )
        label = "Of each group" if not asked else "Of each group that needs no look"
        old = "⚠ Cells were changed since: look again for what is alike now."
        return box(
            text(f"{told}.", "p"),
            text(old, "p", class_="mbt-warning", key="old") if self.push.cleaning.are_duplicates_outdated else None,
            box(labelled(label, kept, "keep"), merge, class_="mbt-write"),
            class_="mbt-step",
        )

    def _side_by_side(self, standing: pl.DataFrame, cluster: Cluster) -> Node:
        groups = standing["cluster"].n_unique()
        way = box(
            text(f"Group {self._place + 1:,} of {groups:,}", class_="mbt-subtitle"),
            button("Previous", "before", class_="mbt-button mbt-quiet", disabled=groups == 1),
            button("Next group", "after", class_="mbt-button mbt-quiet", disabled=groups == 1),
            class_="mbt-bar",
        )
        rows, stamp = self._picked(cluster), self._stamp(cluster)
        merged, note = self._merged(rows)
        question = note or cluster.question
        warned = text(f"⚠ {question[:1].upper()}{question[1:]}.", "p", class_="mbt-warning") if question else None
        acts = box(
            button(
                f"Merge these {len(rows)} rows",
                "merge",
                is_main=not question,
                disabled=merged is None,
                stamp=stamp,
            ),
            button("Not the same person", "apart", stamp=stamp),
            class_="mbt-bar",
        )
        return box(way, warned, self._table(cluster, stamp, rows, merged), acts, class_="mbt-step", key="group")

    def _merged(self, rows: list[int]) -> tuple[pl.DataFrame | None, str | None]:
        """The row that would come of these rows, as it is shown; or why there is none."""
        if len(rows) < 2:
            return None, "tick two rows or more"
        contacts = self.edits.contacts[rows]
        places = list(range(len(rows)))
        outcome = MergeRows(places, row_prints(contacts, places), self._chosen(rows)).run(contacts)
        return (outcome.frame, None) if outcome.frame.height == 1 else (None, "; ".join(outcome.notes))

    def _table(self, cluster: Cluster, stamp: int, picked: list[int], merged: pl.DataFrame | None) -> Node:
        shown = cluster.rows[:_MOST_ROWS]
        cells = self.edits.texts(pl.Series(shown, dtype=pl.Int64))
        becomes = self._becomes(merged)
        heads = ["Field", *(f"Row {row:,}" for row in shown), "Becomes"]
        ticks = [tick(f"in:{row}", "Merge it", value=row in picked, aria_label=f"Merge row {row:,}") for row in shown]
        why = [text(f"{score * 100:.0f} %: {reason}", class_="mbt-soft") for score, reason in self._why(cluster)]
        lines: list[Sequence[Node | str]] = [["Merge", *ticks, ""], ["Why", *why, ""]]
        for place, column in enumerate(self.edits.columns):
            texts = cells.to_series(place).to_list()
            if any(texts) or becomes.get(column.name):
                made = self._cells(place, column.name, shown, texts, becomes, picked, stamp)
                last = datum(becomes.get(column.name)) if merged is not None else text("")
                if merged is not None and column.name in OPT_INS and "yes" in texts and not becomes.get(column.name):
                    last = text("empty: the yes was given for another address or number", class_="mbt-warning")
                lines.append([text(column.label, "strong"), *made, last])
        more = len(cluster.rows) - len(shown)
        caption = "Choose a cell to take its value" + (f"; {more:,} more rows are merged too" if more else "")
        return scrolling(table(caption, heads, lines), "Rows side by side", "mbt-beside-rows")

    def _why(self, cluster: Cluster) -> list[tuple[float, str]]:
        return list(zip(cluster.scores, cluster.reasons, strict=True))[:_MOST_ROWS]

    def _becomes(self, merged: pl.DataFrame | None) -> dict[str, str | None]:
        if merged is None:
            return {}
        return {
            column.name: shown_texts(merged, column.name).item()
            for column in self.edits.columns
            if column.name in merged.columns
        }

    def _cells(
        self,
        place: int,
        column: str,
        rows: list[int],
        texts: list[str | None],
        becomes: dict[str, str | None],
        picked: list[int],
        stamp: int,
    ) -> list[Node]:
        """The cells of one field: buttons where there is a choice."""
        if len(set(texts)) == 1 or column in OPT_INS:
            return [datum(each) if each else text("") for each in texts]
        found = (row for row, each in zip(rows, texts, strict=True) if row in picked and each == becomes.get(column))
        taken = self._choices.get(_chosen_by(column), next(found, None) if becomes else None)
        return [
            button(
                visible(each) if each else "empty",
                f"take:{place}:{row}",
                stamp=stamp,
                class_="mbt-button mbt-cell",
                aria_pressed="true" if row == taken else "false",
                aria_label=f"{label_of(column)} of row {row:,}: {visible(each) if each else 'empty'}",
                disabled=row not in picked,
            )
            for row, each in zip(rows, texts, strict=True)
        ]


def _chosen_by(column: str) -> str:
    """The column under which a choice is kept: a mobile's country code and number go together."""
    return "mobile_number" if column in IDENTIFIERS["mobile"] else column
