"""The third step: what is wrong, rule by rule."""

from __future__ import annotations

import polars as pl

from mbtoolkit.filepush import FilePush
from mbtoolkit.widgets.panel.step import Step, Value, bar, scrolling
from mbtoolkit.widgets.surface import Node, box, button, table, text, tick


class CheckStep(Step):
    """What is wrong, rule by rule, with the grid to mend it."""

    key = "check"
    title = "Check"

    def __init__(self, push: FilePush) -> None:
        super().__init__(push)
        self.rule: str | None = None

    @property
    def is_ready(self) -> bool:
        return self.push.review.sendable > 0

    def why_not(self) -> str:
        return "No row can be sent yet: mend some below."

    def act(self, key: str, value: Value) -> None:
        kind, _, rule = key.partition(":")
        if kind == "out" and isinstance(value, bool):
            self.push.leave_out(rule, is_out=value)
        elif kind == "show":
            self.rule = rule or None

    def draw(self) -> Node:
        validation = self.push.validation
        assert validation is not None
        counts = (
            validation.counts.group_by("rule", "severity", maintain_order=True)
            .agg(pl.col("rows").sum(), pl.col("message").first())
            .sort("severity", "rows", descending=[False, True])
        )
        most = max(counts["rows"].to_list(), default=0)
        rows = [self._row(*line, most=most) for line in counts.iter_rows()]
        review = self.push.review
        headline = f"{review.rows:,} contacts: {review.sendable:,} will be sent, {review.invalid:,} can't be"
        headline += f", {review.left_out:,} left out." if review.left_out else "."
        parts = [text(note, "p", class_="mbt-note") for note in self.push.read_notes]
        parts += [text(headline, "p", role="status", class_="mbt-strong", key="headline")]
        if rows:
            listed = table("Issues by rule", ("Rule", "Rows", "What to do", "", ""), rows)
            note = "Rows that can't be sent are left out by themselves; they stay in the results."
            parts += [scrolling(listed, "Issues by rule"), text(note, "p", class_="mbt-note")]
        else:
            parts.append(text("Nothing is wrong.", "p"))
        return box(*parts, class_="mbt-step")

    def _row(self, rule: str, severity: str, rows: int, message: str, *, most: int) -> tuple[Node | str, ...]:
        sign = text("✖ " if severity == "error" else "⚠ ", aria_hidden="true")
        name = box(sign, text(rule), text(f" ({severity})", class_="mbt-hidden"), class_=f"mbt-{severity}")
        count = box(bar(rows / most, severity), text(f"{rows:,}"), class_="mbt-count")
        is_shown = self.rule == rule
        shown = button(
            "Shown" if is_shown else "Show",
            f"show:{'' if is_shown else rule}",
            class_="mbt-button mbt-quiet",
            aria_pressed="true" if is_shown else "false",
            aria_label=f"Show the rows of {rule}",
        )
        is_out = rule in self.push.left_out_rules
        out = tick(f"out:{rule}", "Leave these out", value=is_out) if severity == "warning" else text("")
        return name, count, text(message), shown, out
