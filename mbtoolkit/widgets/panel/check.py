"""The fourth step: what is wrong, rule by rule."""

from __future__ import annotations

import polars as pl

from mbtoolkit.contacts import label_of
from mbtoolkit.sessions.pushing import FilePushes
from mbtoolkit.widgets.panel.step import Step, Value, bar, scrolling
from mbtoolkit.widgets.surface import Node, box, button, table, text, tick


class CheckStep(Step):
    """What is wrong, rule by rule, with the grid to mend it."""

    key = "check"
    title = "Check"

    def __init__(self, pushes: FilePushes) -> None:
        super().__init__(pushes)
        self.rule: str | None = None

    @property
    def is_open(self) -> bool:
        return self.pushes.current is not None and self.push.edits is not None

    @property
    def is_ready(self) -> bool:
        validation = self.push.validation
        return validation is not None and validation.valid.height > 0

    def why_not(self) -> str:
        return "No row can be sent yet: mend some in the grid."

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
            validation.issues.group_by("rule", "severity")
            .agg(
                pl.col("row").n_unique().alias("rows"),
                pl.col("message").mode().sort().first(),
                pl.col("column").drop_nulls().unique(maintain_order=True).alias("columns"),
            )
            .sort("severity", "rows", "rule", descending=[False, True, False])
        )
        most = max(counts["rows"].to_list(), default=0)
        rows = [self._row(*line, most=most) for line in counts.iter_rows()]
        parts = [text(note, "p", class_="mbt-note") for note in self.push.read_notes]
        parts.append(text(self._headline(), "p", role="status", class_="mbt-strong", key="headline"))
        if rows:
            heads = ("Rule", "Rows", "What to do", "In the grid", "In the push")
            listed = table(f"Rules that are broken: {len(rows):,}", heads, rows)
            parts.append(scrolling(listed, "Rules that are broken", "mbt-rules"))
        else:
            parts.append(text("Nothing is wrong.", "p"))
        return box(*parts, class_="mbt-step")

    def _headline(self) -> str:
        review = self.push.review
        told = [f"{review.rows:,} contacts: {review.sendable:,} will be sent", f"{review.invalid:,} can’t be"]
        told += [f"{review.left_out:,} left out"] if review.left_out else []
        told += [f"{review.stored:,} stored already"] if review.stored else []
        return f"{', '.join(told)}."

    def _row(
        self, rule: str, severity: str, rows: int, message: str, columns: list[str], *, most: int
    ) -> tuple[Node | str, ...]:
        sign = text("✖ " if severity == "error" else "⚠ ", aria_hidden="true")
        words = rule.replace("_", " ")
        name = box(sign, text(words), text(f" ({severity})", class_="mbt-hidden"), class_=f"mbt-{severity} mbt-rule")
        count = box(bar(rows / most, severity), text(f"{rows:,}"), class_="mbt-count")
        is_shown = self.rule == rule
        shown = button(
            "Show",
            f"show:{'' if is_shown else rule}",
            class_="mbt-button mbt-quiet",
            aria_pressed="true" if is_shown else "false",
            aria_label=f"Show the rows of {words} in the grid",
        )
        is_out = rule in self.push.left_out_rules
        out = (
            tick(f"out:{rule}", "Leave these out", value=is_out, aria_label=f"Leave these out: the rows of {words}")
            if severity == "warning"
            else text("Not sent", class_="mbt-soft")
        )
        subject = ", ".join(map(label_of, columns))
        told = f"{subject} {message}" if subject else f"{message[:1].upper()}{message[1:]}"
        return name, count, text(told), shown, out
