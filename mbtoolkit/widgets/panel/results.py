"""The last step: what became of the rows."""

from __future__ import annotations

from typing import Final

import polars as pl

from mbtoolkit.errors import MbtoolkitError
from mbtoolkit.filepush import FilePush
from mbtoolkit.results import summarize, write_results
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


class ResultsStep(Step):
    """What became of the rows; the failed ones in the grid, to be pushed again."""

    key = "results"
    title = "Results"

    def __init__(self, push: FilePush) -> None:
        super().__init__(push)
        self.path = "results.xlsx"
        self.said = ""

    @property
    def is_ready(self) -> bool:
        return False

    def act(self, key: str, value: Value) -> None:
        if key == "out_path" and isinstance(value, str):
            self.path, self.said = value, ""
        elif key == "export":
            self._export()

    def _export(self) -> None:
        assert self.push.results is not None
        self.error, self.said = None, ""
        try:
            written = write_results(self.push.results, self.path.strip())
        except MbtoolkitError as error:
            self.error = str(error)
        else:
            self.said = f"Written: {written}."

    def draw(self) -> Node:
        results = self.push.results
        if results is None:
            return box(text("Nothing was pushed yet.", "p"), class_="mbt-step")
        stored = results.filter(pl.col("mb_status") == "succeeded").height
        headline = f"{stored:,} of {results.height:,} rows are stored."
        return box(
            text(headline, "p", class_="mbt-strong", role="status", key="headline"),
            self._statuses(results),
            self._reasons(results),
            self._write(),
            class_="mbt-step",
        )

    def _statuses(self, results: pl.DataFrame) -> Node:
        counts = results.group_by("mb_status").len().sort("mb_status")
        most = max(counts["len"].to_list(), default=1)
        kinds = {"succeeded": "done", "unknown": "warning"}
        rows = [
            (
                text(_STATUS_WORDS.get(status, status)),
                box(bar(count / most, kinds.get(status, "error")), text(f"{count:,}"), class_="mbt-count"),
            )
            for status, count in counts.iter_rows()
        ]
        return table("Rows by status", ("Status", "Rows"), rows)

    def _reasons(self, results: pl.DataFrame) -> Node | None:
        reasons = summarize(results).filter(pl.col("reason").is_not_null())
        rows = [
            (_STATUS_WORDS.get(status, status), reason, f"{count:,}", example or "")
            for status, reason, count, example in reasons.select("mb_status", "reason", "rows", "example").iter_rows()
        ]
        if not rows:
            return None
        return scrolling(table("Reasons", ("Status", "Reason", "Rows", "For example"), rows), "Reasons")

    def _write(self) -> Node:
        typed = entry("out_path", self.path, id="out_path", aria_describedby="hint-out_path")
        return box(
            box(
                labelled("Write the results to", typed, "out_path", ".xlsx, .csv or .parquet"),
                button("Write", "export", class_="mbt-button mbt-low"),
                class_="mbt-write",
            ),
            text(self.said, "p", role="status", class_="mbt-note", key="said"),
        )
