"""Excel workbooks for the tests."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from typing import Any

import xlsxwriter


def workbook(rows: Sequence[Sequence[Any]], *, sheets: Sequence[str] = ("People",)) -> bytes:
    """A workbook with the same rows in each sheet; NaN becomes one of Excel's errors."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, "nan_inf_to_errors": True})
    formats = {
        dt.datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        dt.date: book.add_format({"num_format": "yyyy-mm-dd"}),
        dt.time: book.add_format({"num_format": "hh:mm:ss"}),
    }
    for name in sheets:
        sheet = book.add_worksheet(name)
        for row, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if type(cell) in formats:
                    sheet.write_datetime(row, column, cell, formats[type(cell)])
                elif cell is not None:
                    sheet.write(row, column, cell)
    book.close()
    return file.getvalue()
