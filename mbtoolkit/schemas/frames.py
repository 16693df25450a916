"""The models of the frames that leave the toolkit: issues, payloads, results."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import pandera.polars as pa
import polars as pl

Status = Literal["succeeded", "accepted", "unchanged", "invalid", "rejected", "unknown", "not_sent"]

STATUSES: Final[tuple[Status, ...]] = (
    "succeeded",
    "accepted",
    "unchanged",
    "invalid",
    "rejected",
    "unknown",
    "not_sent",
)
"""What can become of a row; every row of a results frame has exactly one."""

STATUS_DTYPE: Final = pl.Enum(STATUSES)
SEVERITY_DTYPE: Final = pl.Enum(["error", "warning"])

ISSUES: Final[dict[str, pl.DataType]] = {
    "row": pl.Int64(),
    "column": pl.String(),
    "value": pl.String(),
    "rule": pl.String(),
    "severity": SEVERITY_DTYPE,
    "message": pl.String(),
    "suggestion": pl.String(),
}
"""The issues frame: one line for each thing wrong with one cell or row."""

ROW: Final = "mb_row"
"""The number of a row: its position in the frame that was judged or sent first."""

FIRST_RUN: Final = "mb_first_run_id"
"""The run whose frame `mb_row` counts in."""

RESULTS: Final[dict[str, pl.DataType]] = {
    ROW: pl.Int64(),
    "mb_status": STATUS_DTYPE,
    "mb_contact_id": pl.Int64(),
    "mb_http_status": pl.Int32(),
    "mb_code": pl.String(),
    "mb_message": pl.String(),
    "mb_invalid_properties": pl.List(pl.String()),
    "mb_attempts": pl.Int32(),
    "mb_batch_id": pl.String(),
    "mb_run_id": pl.String(),
    FIRST_RUN: pl.String(),
}
"""What a results frame adds to the input's columns."""

UNKNOWN_RUN: Final = "unknown"
"""`mb_first_run_id` of rows that came with a number and without the run that gave it."""


class IssuesSchema(pa.DataFrameModel):
    """The issues frame.

    `row` is the 0-based position in the frame that was validated; `column` is null where the row as a whole is at
    fault; `value` is the cell as found; `suggestion` a text that passes once it is typed into that cell, where the
    remedy is obvious, else null. An empty text empties the cell.
    """

    row: pl.Int64 = pa.Field(ge=0)
    column: pl.String = pa.Field(nullable=True)
    value: pl.String = pa.Field(nullable=True)
    rule: pl.String
    severity: Annotated[pl.Enum, ["error", "warning"]]
    message: pl.String
    suggestion: pl.String = pa.Field(nullable=True)

    class Config:
        """Exactly these columns."""

        strict = True
        ordered = True


class PayloadsSchema(pa.DataFrameModel):
    """The payloads frame: `mb_row` says which row, `payload` is the JSON body as it is sent."""

    mb_row: pl.Int64 = pa.Field(ge=0)
    payload: pl.String = pa.Field(str_startswith="{", str_endswith="}")

    class Config:
        """Exactly these columns."""

        strict = True
        ordered = True


class ResultsSchema(pa.DataFrameModel):
    """What a results frame adds to the input's columns.

    `mb_row` is the row's position in the first frame it came from; `mb_code` a stable word for the reason (a rule's
    code where the toolkit refused the row); `mb_http_status` is null where no answer came. `mb_first_run_id` is the run
    that numbered the row: two results frames are about the same row where both are equal.
    """

    mb_row: pl.Int64 = pa.Field(ge=0)
    mb_status: Annotated[pl.Enum, list(STATUSES)]
    mb_contact_id: pl.Int64 = pa.Field(nullable=True)
    mb_http_status: pl.Int32 = pa.Field(nullable=True, ge=100, lt=600)
    mb_code: pl.String = pa.Field(nullable=True)
    mb_message: pl.String = pa.Field(nullable=True)
    mb_invalid_properties: pl.List = pa.Field(dtype_kwargs={"inner": pl.String}, nullable=True)
    mb_attempts: pl.Int32 = pa.Field(ge=0)
    mb_batch_id: pl.String = pa.Field(nullable=True)
    mb_run_id: pl.String = pa.Field(nullable=True)
    mb_first_run_id: pl.String
