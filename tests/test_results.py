"""What to do with a results frame: count it, take the ids from it, hand it on."""

from __future__ import annotations

import csv
import zipfile
from collections import Counter

import fastexcel
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit import summarize, upsert_contacts, with_contact_ids, write_results
from mbtoolkit.errors import FrameError, UsageError
from mbtoolkit.schemas.frames import STATUS_DTYPE, STATUSES

HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "<script>alert(1)</script>",
    "https://example.com",
    "007",
    "1e5",
    'a"b',
    "",
]


@pytest.fixture
def results(client):
    """Eleven hostile names, one invalid row and one that the CRM refuses."""
    count = len(HOSTILE) + 2
    frame = pl.DataFrame(
        {
            "email": [f"p{n}@example.com" for n in range(count - 2)] + ["no address", "last@example.com"],
            "list_id": [None] * (count - 1) + ["00000000-0000-4000-8000-00000000dead"],
            "property:City": [*HOSTILE, "Oslo", "Bergen"],
            "=header": ["x"] * count,
        }
    )
    return upsert_contacts(frame, client)


def test_the_summary_adds_up_to_the_rows(results):
    summary = summarize(results)
    assert summary["rows"].sum() == results.height
    assert summary.select("mb_status", "reason", "rows", "first_row").rows() == [
        ("succeeded", None, 11, 0),
        ("invalid", "email_syntax", 1, 11),
        ("rejected", "unprocessable", 1, 12),
    ]
    assert "listId" in summary["example"].to_list()[-1]


@given(
    st.lists(st.tuples(st.sampled_from(STATUSES), st.sampled_from([None, *"abcdefgh"])), max_size=60), st.integers(1, 4)
)
def test_the_summary_agrees_with_a_plain_count(rows, reasons):
    frame = pl.DataFrame(
        {
            "mb_row": pl.Series(range(len(rows)), dtype=pl.Int64),
            "mb_status": pl.Series([row[0] for row in rows], dtype=STATUS_DTYPE),
            "mb_code": pl.Series([row[1] for row in rows], dtype=pl.String),
            "mb_message": pl.Series([row[1] for row in rows], dtype=pl.String),
            "mb_contact_id": pl.Series([None] * len(rows), dtype=pl.Int64),
        }
    )
    summary = summarize(frame, reasons=reasons)
    by_status = dict(summary.group_by("mb_status").agg(pl.col("rows").sum()).iter_rows())
    assert by_status == Counter(row[0] for row in rows)
    assert summary.group_by("mb_status").len()["len"].max() in (None, *range(reasons + 2))


def test_ids_come_back_to_the_contacts(results):
    contacts = results.select("email", "property:City")
    known = with_contact_ids(contacts, results)
    assert known.columns == ["email", "property:City", "contact_id"]
    assert known["contact_id"].to_list() == results["mb_contact_id"].to_list()
    assert known.drop("contact_id").equals(contacts)


def test_ids_come_back_so_that_the_next_push_is_an_update(crm, client, people):
    known = with_contact_ids(people, upsert_contacts(people, client))
    moved = known.with_columns(pl.format("moved{}", "email").alias("email"))
    upsert_contacts(moved, client)
    assert crm.contacts()["email"].str.starts_with("moved").all()
    assert crm.contacts().height == 10


def test_ids_of_a_part_go_to_the_rows_they_came_from(client, people):
    results = upsert_contacts(people, client)
    part = results.filter(pl.col("mb_row").is_in([3, 7]))
    known = with_contact_ids(people.with_columns(contact_id=pl.lit(None, dtype=pl.Int64)), part)
    assert [row for row, found in enumerate(known["contact_id"]) if found is not None] == [3, 7]


def test_an_id_that_the_contacts_have_is_kept_where_none_came(people):
    results = pl.DataFrame(
        {
            "mb_row": [0, 1],
            "mb_status": ["unknown", "succeeded"],
            "mb_code": [None] * 2,
            "mb_message": [None] * 2,
            "mb_contact_id": [None, 9],
        }
    )
    known = with_contact_ids(pl.DataFrame({"contact_id": [5, 6]}), results)
    assert known["contact_id"].to_list() == [5, 9]


def test_results_of_other_contacts_are_refused(results, people):
    with pytest.raises(FrameError, match="not among the contacts"):
        with_contact_ids(people.head(2), results)


def test_what_is_no_results_frame_is_refused(people, tmp_path):
    for call in (
        summarize,
        lambda frame: with_contact_ids(frame, frame),
        lambda frame: write_results(frame, tmp_path / "a.csv"),
    ):
        with pytest.raises(FrameError, match="no results frame"):
            call(people)


def test_a_sheet_has_text_cells_alone_and_every_value_as_it_was(results, tmp_path):
    path = write_results(results, tmp_path / "results.xlsx")
    sheet = zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert {part.split('"')[0] for part in sheet.split(' t="')[1:]} == {"s"}
    assert "hyperlink" not in sheet
    back = fastexcel.read_excel(path).load_sheet(0, dtypes="string").to_polars()
    assert back.columns == results.columns
    assert back["property:City"].to_list() == results["property:City"].to_list()
    assert back["mb_status"].to_list() == results["mb_status"].cast(pl.String).to_list()


def test_a_sheet_marks_the_failing_cells(results, tmp_path):
    import openpyxl

    path = write_results(results, tmp_path / "results.xlsx")
    sheet = openpyxl.load_workbook(path)["results"]
    marked = {
        (cell.column_letter, cell.row)
        for line in sheet.iter_rows(min_row=2)
        for cell in line
        if cell.fill.fgColor.rgb != "00000000"
    }
    letters = {cell.value: cell.column_letter for cell in sheet[1]}
    invalid, rejected = 2 + len(HOSTILE), 3 + len(HOSTILE)
    assert marked == {
        (letters["email"], invalid),
        (letters["mb_status"], invalid),
        (letters["mb_message"], invalid),
        (letters["mb_status"], rejected),
        (letters["mb_message"], rejected),
    }


def test_a_csv_holds_no_formula(results, tmp_path):
    path = write_results(results, tmp_path / "results.csv")
    with path.open(newline="", encoding="utf-8") as file:
        cells = [cell for line in csv.reader(file) for cell in line]
    assert not [cell for cell in cells if cell[:1] in "=+-@\t\r" and cell]
    assert "'=1+1" in cells
    assert "'=header" in cells


def test_parquet_holds_the_frame_as_it_is(results, tmp_path):
    assert pl.read_parquet(write_results(results, tmp_path / "results.parquet")).equals(results)


def test_more_than_a_cell_holds_is_refused(results, tmp_path):
    long = results.with_columns(pl.lit("x" * 40_000).alias("note"))
    with pytest.raises(FrameError, match="'note'"):
        write_results(long, tmp_path / "results.xlsx")


@pytest.mark.parametrize("name", ["results.txt", "results", "missing/results.xlsx"])
def test_a_path_that_cannot_be_written_is_refused(results, tmp_path, name):
    with pytest.raises(UsageError):
        write_results(results, tmp_path / name)
