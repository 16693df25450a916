"""The fifth step: how far the push is."""

from __future__ import annotations

from mbtoolkit.widgets.panel.step import Step, Value, bar, duration
from mbtoolkit.widgets.surface import Node, box, button, text


class PushStep(Step):
    """How far the push is."""

    key = "push"
    title = "Push"
    onward = "Results"

    @property
    def is_ready(self) -> bool:
        return self.push.results is not None and not self.push.is_pushing

    def why_not(self) -> str:
        return ""

    def act(self, key: str, value: Value) -> None:
        if key == "cancel":
            self.push.cancel()

    def draw(self) -> Node:
        pushing = self.push.pushing
        if pushing is None:
            return box(text("Nothing was pushed yet.", "p"), class_="mbt-step")
        total, done = max(pushing.total, 1), pushing.done
        counts = pushing.progress.counts if pushing.progress else {}
        words = ", ".join(f"{count:,} {status.replace('_', ' ')}" for status, count in counts.items() if count)
        shown = bar(done / total, "done", is_thick=True)
        settled = f"{done:,} of {total:,} rows"
        parts = [
            text(self._headline(), "p", class_="mbt-strong", role="status", key="headline"),
            box(
                shown,
                role="progressbar",
                aria_label="Rows settled",
                aria_valuemin=0,
                aria_valuemax=total,
                aria_valuenow=done,
                aria_valuetext=settled,
            ),
            text(self._pace(), "p", class_="mbt-note", key="pace"),
            text(words, "p", key="words"),
        ]
        if self.push.is_pushing:
            is_stopping = pushing.stop.is_set()
            label = "Stopping: waiting for what is on its way …" if is_stopping else "Cancel"
            parts.append(box(button(label, "cancel", disabled=is_stopping), class_="mbt-bar"))
        if pushing.fault:
            parts.append(text(pushing.fault, "p", role="alert", class_="mbt-fault"))
        return box(*parts, class_="mbt-step")

    def _headline(self) -> str:
        pushing = self.push.pushing
        assert pushing is not None
        if self.push.is_pushing:
            return f"Pushing: {pushing.done:,} of {pushing.total:,} rows."
        verb = "Stopped" if pushing.stop.is_set() else "Done"
        return f"{verb}: {pushing.done:,} of {pushing.total:,} rows settled in {duration(pushing.seconds)}."

    def _pace(self) -> str:
        pushing = self.push.pushing
        assert pushing is not None
        told = [f"{pushing.rate:,.0f} rows a second"] if pushing.done else []
        pause = pushing.progress.pause_seconds if pushing.progress else 0
        told += [f"paused {pause:.0f} s: the CRM's limit"] if pause > 0 else []
        left = pushing.seconds_left
        told += [f"about {duration(left)} left"] if self.push.is_pushing and left is not None else []
        return "; ".join(told)
