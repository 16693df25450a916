"""The last step: what became of the rows."""

from __future__ import annotations

from typing import Final

import polars as pl

from mbtoolkit.errors import MbtoolkitError
from mbtoolkit.results import summarize, write_results
from mbtoolkit.sessions.pushing import FilePushes, Pushing
from mbtoolkit.widgets.panel.step import Step, Value, bar, labelled, scrolling
from mbtoolkit.widgets.surface import Node, box, button, entry, table, text

_STATUS_WORDS: Final = {
    "succeeded": "Stored",
    "accepted": "Accepted, not settled yet",
    "unchanged": "Nothing to send",
    "invalid": "Not sent: a rule refused it",
    "rejected": "The CRM refused it",
    "unknown": "No clear answer: may or may not be stored",
    "not_sent": "Not sent",
}
_KINDS: Final = {"succeeded": "done", "accepted": "done", "unchanged": "done", "unknown": "warning"}


class ResultsStep(Step):
    """What became of the rows; the failed ones in the grid, to be pushed again."""

    key = "results"
    title = "Results"

    def __init__(self, pushes: FilePushes) -> None:
        super().__init__(pushes)
        self.path = "results.xlsx"
        self.said = ""

    @property
    def is_open(self) -> bool:
        return self.pushes.current is not None and self.push.results is not None and not self.push.is_pushing

    def act(self, key: str, value: Value) -> None:
        self.said = ""
        if key == "out_path" and isinstance(value, str):
            self.path = value
        elif key == "export":
            self._export()

    def _export(self) -> None:
        assert self.push.results is not None
        try:
            written = write_results(self.push.results, self.path.strip())
        except MbtoolkitError as error:
            self.error = str(error)
        else:
            self.said = f"Written: {written}"

    def draw(self) -> Node:
        results = self.push.results
        assert results is not None
        stored = int((results["mb_status"] == "succeeded").sum())
        failed = len(self.push.failed_rows)
        below = f"Below: the {failed:,} rows that are not stored. Mend them, then push them again." if failed else ""
        return box(
            text(f"{stored:,} of {results.height:,} rows are stored.", "p", class_="mbt-strong", role="status",
                 key="headline"),
            _incomplete(self.push.pushing),
            _statuses(results),
            _reasons(results),
            self._write(),
            text(below, "p", class_="mbt-strong", key="below"),
            class_="mbt-step",
        )  # fmt: skip

    def _write(self) -> Node:
        typed = entry("out_path", self.path, id="out_path", aria_describedby="hint-out_path")
        return box(
            box(
                labelled("Write the results to", typed, "out_path", ".xlsx, .csv or .parquet, where the kernel runs"),
                button("Write", "export", class_="mbt-button mbt-low"),
                class_="mbt-write",
            ),
            text(self.said, "p", role="status", class_="mbt-note", key="said"),
        )


def _incomplete(pushing: Pushing | None) -> Node | None:
    """What is wrong with the push's record, if anything is."""
    if pushing is None or pushing.record_error is None:
        return None
    why = pushing.record_error.replace("'", "’")
    words = f"These results are right, but the record of this push is incomplete: write them to a file. {why}"
    return text(words, "p", role="alert", class_="mbt-fault", key="record")


def _statuses(results: pl.DataFrame) -> Node:
    counts = results.group_by("mb_status").len().sort("mb_status")
    most = max(counts["len"].to_list(), default=1)
    rows = [
        (
            text(_STATUS_WORDS.get(status, status)),
            box(bar(count / most, _KINDS.get(status, "error")), text(f"{count:,}"), class_="mbt-count"),
        )
        for status, count in counts.iter_rows()
    ]
    return table("Rows by status", ("Status", "Rows"), rows)


def _reasons(results: pl.DataFrame) -> Node | None:
    reasons = summarize(results).filter(pl.col("reason").is_not_null())
    rows = [
        (_STATUS_WORDS.get(status, status), reason.replace("_", " "), f"{count:,}", text(example or ""))
        for status, reason, count, example in reasons.select("mb_status", "reason", "rows", "example").iter_rows()
    ]
    if not rows:
        return None
    return scrolling(table("Reasons", ("Status", "Reason", "Rows", "For example"), rows), "Reasons")
