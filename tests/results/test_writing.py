"""Results and issues in files, for people and for machines."""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import os
import resource
import stat
import threading
import zipfile

import fastexcel
import openpyxl
import polars as pl
import pytest

from mbtoolkit import (
    read_contacts,
    summarize,
    upsert_contacts,
    validate_contacts,
    with_contact_ids,
    write_issues,
    write_results,
)
from mbtoolkit.errors import FrameError, UsageError
from mbtoolkit.results import check_target

ENDINGS = [".xlsx", ".csv", ".parquet"]


def sheet_of(path):
    return fastexcel.read_excel(path).load_sheet(0, dtypes="string").to_polars()


def csv_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_what_is_no_results_frame_is_refused(people, tmp_path):
    for call in (
        summarize,
        lambda frame: with_contact_ids(frame, frame),
        lambda frame: write_results(frame, tmp_path / "a.csv"),
    ):
        with pytest.raises(FrameError, match="no results frame"):
            call(people)


@pytest.mark.slow
def test_a_sheet_has_text_cells_alone_and_every_value_as_it_was(results, tmp_path):
    path = write_results(results, tmp_path / "results.xlsx")
    sheet = zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert {part.split('"')[0] for part in sheet.split(' t="')[1:]} == {"s"}
    assert "hyperlink" not in sheet
    back = sheet_of(path)
    assert back.columns == results.columns
    assert back["property:City"].to_list() == results["property:City"].to_list()
    assert back["mb_status"].to_list() == results["mb_status"].cast(pl.String).to_list()


@pytest.mark.slow
def test_a_sheet_marks_the_failing_cells(results, hostile, tmp_path):
    path = write_results(results, tmp_path / "results.xlsx")
    sheet = openpyxl.load_workbook(path)["results"]
    marked = {
        (cell.column_letter, cell.row)
        for line in sheet.iter_rows(min_row=2)
        for cell in line
        if cell.fill.fgColor.rgb != "00000000"
    }
    letters = {cell.value: cell.column_letter for cell in sheet[1]}
    invalid, rejected = 2 + len(hostile), 3 + len(hostile)
    assert marked == {
        (letters["email"], invalid),
        (letters["mb_status"], invalid),
        (letters["mb_message"], invalid),
        (letters["mb_status"], rejected),
        (letters["mb_message"], rejected),
    }


@pytest.mark.slow
def test_a_csv_holds_no_formula(results, tmp_path):
    path = write_results(results, tmp_path / "results.csv")
    with path.open(newline="", encoding="utf-8") as file:
        cells = [cell for line in csv.reader(file) for cell in line]
    assert not [cell for cell in cells if cell[:1] in "=+-@\t\r" and cell]
    assert "'=1+1" in cells
    assert "'=header" in cells


def test_parquet_holds_the_frame_as_it_is(results, tmp_path):
    assert pl.read_parquet(write_results(results, tmp_path / "results.parquet")).equals(results)


def test_more_than_a_cell_holds_is_cut_visibly(results, tmp_path):
    fits, long, wide = "f" * 32_767, "x" * 40_000, "\N{PILE OF POO}" * 20_000
    notes = pl.Series("note", [fits, long, wide] + [None] * (results.height - 3))
    path = write_results(results.with_columns(notes), tmp_path / "results.xlsx")
    told = sheet_of(path)["note"].to_list()
    assert told[0] == fits
    assert told[1].startswith("xxx")
    assert told[1].endswith("x [cut: 40,000 characters]")
    assert told[2].endswith("\N{PILE OF POO} [cut: 20,000 characters]")
    assert max(len(text.encode("utf-16-le")) // 2 for text in told[:3]) <= 32_767


@pytest.mark.slow
def test_more_than_a_sheet_holds_is_refused_and_leaves_nothing_behind(results, tmp_path):
    wide = results.with_columns(pl.lit(None).alias(f"c{n}") for n in range(16_384))
    with pytest.raises(FrameError, match="do not fit into a sheet"):
        write_results(wide, tmp_path / "results.xlsx")
    with pytest.raises(FrameError, match="do not fit into a sheet"):
        check_target(tmp_path / "results.xlsx", rows=1_048_576)
    assert list(tmp_path.iterdir()) == []
    check_target(tmp_path / "results.parquet", rows=1_048_576)


PATTERNS = ["*", "^.*$", "^email$", "sheet_row", "place", "v", "", "'=header", "a b\n"]


@pytest.mark.slow
@pytest.mark.parametrize("ending", ENDINGS)
def test_any_name_of_a_column_can_be_written(results, tmp_path, ending):
    odd = results.with_columns(pl.lit(name).alias(name) for name in PATTERNS)
    path = write_results(odd, tmp_path / f"results{ending}")
    if ending == ".parquet":
        assert pl.read_parquet(path).equals(odd)
    else:
        lines = (
            csv_of(path) if ending == ".csv" else [list(row) for row in openpyxl.load_workbook(path)["results"].values]
        )
        for name in PATTERNS:
            place = odd.columns.index(name)
            assert lines[1][place] in (name, f"'{name}", None), name


CARRIED = {
    "duration": (pl.Series([dt.timedelta(seconds=5), None]), "PT5S"),
    "date": (pl.Series([dt.date(2026, 1, 2), None]), "2026-01-02"),
    "bytes": (pl.Series([b"a", None]), "<Binary>"),
    "object": (pl.Series([object(), None], dtype=pl.Object), "<Object>"),
    "texts": (pl.Series([["a", None, "b"], None]), "a; b"),
    "numbers": (pl.Series([[1, 2], None]), "[1,2]"),
    "array": (pl.Series([[1, 2], None], dtype=pl.Array(pl.Int64, 2)), "[1,2]"),
    "list of bytes": (pl.Series([[b"a"], None]), "<List>"),
    "struct": (pl.Series([{"a": 1}, None]), '{"a":1}'),
    "struct of bytes": (pl.Series([{"a": {"b": b"a"}}, None]), "<Struct>"),
    "empty struct": (pl.Series([{}, None], dtype=pl.Struct([])), "{}"),
    "empty structs": (pl.Series([[{}], None], dtype=pl.List(pl.Struct([]))), "[{}]"),
    "durations": (pl.Series([[dt.timedelta(seconds=5)], None]), '["PT5S"]'),
    "category": (pl.Series(["a", None], dtype=pl.Categorical), "a"),
    "nothing": (pl.Series([None, None]), None),
}


@pytest.mark.slow
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(("cells", "told"), CARRIED.values(), ids=CARRIED.keys())
def test_carried_cells_of_any_type_are_written(client, tmp_path, cells, told, ending):
    contacts = pl.DataFrame({"email": ["a@example.com", "no"], "carried": cells})
    results = upsert_contacts(contacts, client)
    path = write_results(results, tmp_path / f"results{ending}")
    if ending == ".xlsx":
        assert sheet_of(path)["carried"].to_list() == [told, None]
    elif ending == ".csv":
        assert [line[1] for line in csv_of(path)] == ["carried", told or "", ""]
    else:
        kept = pl.read_parquet(path)["carried"]
        assert kept.to_list() == ([told, None] if told in ("<Object>", "{}", "[{}]") else cells.to_list())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["results.txt", "results", "missing/results.xlsx", "n" * 300 + ".csv", "a\0.csv", 5])
def test_a_path_that_cannot_be_written_is_refused(results, tmp_path, name):
    with pytest.raises(UsageError):
        write_results(results, tmp_path / name if isinstance(name, str) else name)


@pytest.mark.slow
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_folder_or_a_device_of_that_name_is_refused_and_stays(results, tmp_path, ending):
    folder, device = tmp_path / f"d{ending}", tmp_path / f"full{ending}"
    folder.mkdir()
    device.symlink_to("/dev/full")
    for target, what in ((folder, "is a folder"), (device, "is no file")):
        with pytest.raises(UsageError, match=what):
            write_results(results, target)
    assert sorted(tmp_path.iterdir()) == [folder, device]
    assert stat.S_ISCHR(device.stat().st_mode)


@pytest.mark.slow
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_full_disk_is_told_and_the_file_that_was_there_stays(results, tmp_path, ending):
    path = write_results(results, tmp_path / f"results{ending}")
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(UsageError, match="can't be written"):
            write_results(results, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def open_mask():
    """A umask that lets everybody read and write what is made."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.slow
@pytest.mark.parametrize("ending", ENDINGS)
def test_new_files_are_their_user_s_only_whatever_the_umask(results, tmp_path, open_mask, ending):
    issues = validate_contacts(results).issues
    for path in (write_results(results, tmp_path / f"r{ending}"), write_issues(issues, tmp_path / f"i{ending}")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.slow
def test_the_part_that_is_being_written_is_its_user_s_only(results, tmp_path, open_mask):
    """Also where the file that it replaces may be read by others."""
    path = tmp_path / "results.csv"
    path.touch(mode=0o666)
    modes = set()
    is_over = threading.Event()

    def watch():
        while not is_over.is_set():
            for part in tmp_path.glob(".mbtoolkit-*"):
                with contextlib.suppress(FileNotFoundError):
                    found = part.stat()
                    if found.st_size:
                        modes.add(stat.S_IMODE(found.st_mode))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        many = pl.concat([results] * 200)
        for _ in range(50):
            write_results(many, path)
            if 0o600 in modes:
                break
    finally:
        is_over.set()
        watcher.join()
    assert 0o600 in modes  # and 0o666 for a moment, when it is complete


@pytest.mark.slow
def test_a_file_that_is_replaced_keeps_its_permissions_and_its_links(results, tmp_path):
    path, link = tmp_path / "results.csv", tmp_path / "link.csv"
    path.touch(mode=0o600)
    link.symlink_to(path)
    assert write_results(results, link) == link
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(csv_of(path)) == results.height + 1


@pytest.fixture
def locked(tmp_path):
    path = tmp_path / "results.csv"
    path.touch(mode=0o400)
    tmp_path.chmod(0o777)
    return path


@pytest.mark.slow
def test_a_file_without_the_right_to_write_is_refused(results, locked, ordinary_user):
    with pytest.raises(UsageError, match="permissions"):
        write_results(results, locked)


@pytest.mark.slow
def test_both_sides_of_a_disagreement_about_consent_are_marked(client, tmp_path):
    contacts = pl.DataFrame({"email": ["a@example.com"] * 2, "email_opt_in": [False, True]})
    results = upsert_contacts(contacts, client)
    assert results["mb_status"].to_list() == ["succeeded", "invalid"]
    sheet = openpyxl.load_workbook(write_results(results, tmp_path / "r.xlsx"))["results"]
    assert sheet["B3"].font.bold
    assert not sheet["B2"].font.bold


@pytest.fixture
def issues():
    table = "email,mobile_number\n=cmd|' /C calc'!A0,47 11\nann@example.com,@x\n"
    return validate_contacts(read_contacts(table.encode())).issues


def test_issues_hold_no_formula_in_a_csv(issues, tmp_path):
    lines = csv_of(write_issues(issues, tmp_path / "issues.csv"))
    cells = [cell for line in lines for cell in line]
    assert "'=cmd|' /C calc'!A0" in cells
    assert "'@x" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "@"))]


def test_issues_are_text_in_a_sheet_and_their_severity_has_a_colour(issues, tmp_path):
    path = write_issues(issues, tmp_path / "issues.xlsx")
    assert sheet_of(path)["value"].to_list() == issues["value"].to_list()
    sheet = openpyxl.load_workbook(path)["issues"]
    assert {cell.data_type for line in sheet.iter_rows() for cell in line} <= {"s", "n"}
    assert sheet["E2"].fill.fgColor.rgb == "FFF8CBAD"


def test_issues_in_parquet_are_as_they_are(issues, tmp_path):
    assert pl.read_parquet(write_issues(issues, tmp_path / "issues.parquet")).equals(issues)


def test_no_issues_are_a_header(issues, tmp_path):
    for ending in ENDINGS:
        write_issues(issues.clear(), tmp_path / f"issues{ending}")
    assert csv_of(tmp_path / "issues.csv") == [issues.columns]
    assert sheet_of(tmp_path / "issues.xlsx").columns == issues.columns


@pytest.mark.slow
def test_what_is_no_issues_frame_is_refused(results, tmp_path):
    for frame in (results, None, 5):
        with pytest.raises(FrameError, match="no issues frame"):
            write_issues(frame, tmp_path / "issues.csv")
