"""The sixth step: how far the push is."""

from __future__ import annotations

from mbtoolkit.runs.progress import Progress
from mbtoolkit.sessions.pushing import Pushing
from mbtoolkit.widgets.panel.step import Step, Value, bar, duration
from mbtoolkit.widgets.surface import Node, box, button, text


class PushStep(Step):
    """How far the push is."""

    key = "push"
    title = "Push"
    onward = "Results"

    @property
    def is_open(self) -> bool:
        return self.pushes.current is not None and self.push.pushing is not None

    @property
    def is_ready(self) -> bool:
        return self.push.results is not None and not self.push.is_pushing

    def act(self, key: str, value: Value) -> None:
        if key == "cancel":
            self.push.cancel()

    def draw(self) -> Node:
        pushing = self.push.pushing
        assert pushing is not None
        counts = pushing.progress.counts if pushing.progress else {}
        words = ", ".join(f"{count:,} {status.replace('_', ' ')}" for status, count in counts.items() if count)
        settled = f"{pushing.done:,} of {pushing.total:,} rows"
        parts = [
            text(_headline(pushing), "p", class_="mbt-strong", role="status", key="headline"),
            box(
                bar(pushing.done / max(pushing.total, 1), "done", is_thick=True),
                role="progressbar",
                aria_label="Rows settled",
                aria_valuemin=0,
                aria_valuemax=pushing.total,
                aria_valuenow=pushing.done,
                aria_valuetext=settled,
            ),
            text("; ".join([settled, *_pace(pushing)]), "p", key="pace"),
            text(words, "p", class_="mbt-note", key="words"),
        ]
        if pushing.ended is None:
            is_stopping = pushing.stop.is_set()
            label = "Stopping: waiting for what is on its way …" if is_stopping else "Cancel"
            parts.append(box(button(label, "cancel", disabled=is_stopping), class_="mbt-bar"))
        if pushing.fault:
            parts.append(text(pushing.fault, "p", role="alert", class_="mbt-fault", key="fault"))
        return box(*parts, class_="mbt-step")


def _headline(pushing: Pushing) -> str:
    """Read out when it changes, and so without a number that changes all the time."""
    if pushing.ended is None:
        return f"Pushing {pushing.total:,} rows …"
    if pushing.fault:
        return "The push ended with an error."
    verb = "Stopped" if pushing.stop.is_set() else "Done"
    return f"{verb}: {pushing.done:,} of {pushing.total:,} rows settled in {duration(pushing.seconds)}."


def _pace(pushing: Pushing) -> list[str]:
    """How fast it is, and how long it will take."""
    progress, left = pushing.progress, pushing.seconds_left
    told = [f"{pushing.rate:,.0f} rows a second"] if pushing.done else []
    if progress is not None:
        told += [f"paused until {progress.pause_ends}: {_why(progress)}"] if progress.pause_ends else []
        told += [f"{progress.queued:,} in the CRM’s queue"] if progress.queued else []
        told += [f"{progress.limit_used:.0%} of the limit in use"] if progress.limit_used is not None else []
    return told + ([f"about {duration(left)} left"] if pushing.ended is None and left is not None else [])


def _why(progress: Progress) -> str:
    """Why it pauses."""
    return (progress.reason or "the CRM asked for it").replace("'", "’")
