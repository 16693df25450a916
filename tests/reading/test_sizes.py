"""Sizes are counted, not believed: small files that would take all memory are refused before they are loaded."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import subprocess
import sys
import warnings
import zipfile

import polars as pl
import pytest

from mbtoolkit import read_contacts
from mbtoolkit.errors import SourceError, SourceWarning
from mbtoolkit.reading import load_table
from mbtoolkit.reading.excel import load_excel
from mbtoolkit.reading.extent import NotCountedError, counted, outlined
from mbtoolkit.reading.sheets import load_sheet, load_sheet_apart
from mbtoolkit.reading.tables import MAX_CELLS, MAX_COLUMNS, MAX_LINE_CHARACTERS, check_size
from tests.reading.workbooks import (
    SHEET,
    TEXTS,
    cell_at,
    old_workbook,
    open_document,
    open_row,
    rewritten,
    with_cells,
    workbook,
)

ADA = [["email"], ["ada@example.com"]]
PLAIN = workbook(ADA)
PLAIN_SHEET, PLAIN_TEXTS = (zipfile.ZipFile(io.BytesIO(PLAIN)).read(part) for part in (SHEET, TEXTS))

READER = """
import resource, sys
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_AS, (8 * 1024**3, 8 * 1024**3))
from mbtoolkit import read_contacts
from mbtoolkit.errors import SourceError
try:
    print("read", read_contacts(sys.argv[1]).rows())
except SourceError as error:
    print("refused", error)
# Not ru_maxrss, which begins with that of the process that started this one.
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def read_in_another_process(data: bytes, tmp_path, *, name: str = "contacts.xlsx") -> str:
    """What the reader says of it: if it ends the process, the tests go on."""
    path = tmp_path / name
    path.write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", READER, path], check=False, capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, done.stderr[-500:]
    said, peak = done.stdout.rsplit("\n", 2)[:2]
    assert int(peak) < 1024**2, "more than 1 GiB of memory"
    return said


def declaring(data: bytes, part: str, size: int) -> bytes:
    """A workbook whose directory states another size for a part than it unpacks to."""
    place = data.rfind(part.encode()) - 46
    assert data[place : place + 4] == b"PK\x01\x02"
    return data[: place + 24] + size.to_bytes(4, "little") + data[place + 28 :]


# --- sheets ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_lone_cell_in_the_last_corner_is_refused_with_its_place(tmp_path):
    stray = with_cells(cell_at("XFD1048576"))
    assert len(stray) < 8000
    said = read_in_another_process(stray, tmp_path)
    assert said.startswith("refused 'contacts.xlsx': the sheet 'People' goes on to column XFD and row 1,048,576")
    assert "delete what stands far right of the table or below it (Ctrl+End goes there)" in said
    # And that step works:
    assert read_contacts(with_cells(b"")).rows() == [("ada@example.com",)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "cell",
    [
        pytest.param(b'<row><c r="XFD1048576" s="1"/></row>', id="a blank cell"),
        pytest.param(b'<row><c r="XFD1048576" s="1"></c></row>', id="a blank cell, in two tags"),
        pytest.param(cell_at("ZZ2"), id="far right alone"),
        pytest.param(cell_at("C1048576", text=" "), id="far below alone"),
    ],
)
def test_a_cell_that_makes_no_sheet_too_large_is_no_reason_to_refuse(cell):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SourceWarning)
        assert read_contacts(with_cells(cell))["email"].to_list() == ["ada@example.com"]


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param(cell_at("XFD1048576").replace(b"<c ", b"<x:c ").replace(b"</c>", b"</x:c>"), id="a prefix"),
        pytest.param(cell_at("XFD1048576").replace(b"<c ", b"<c\n"), id="a line end"),
        pytest.param(cell_at("XFD1048576").replace(b'"XFD1048576"', b"'XFD1048576'"), id="other quotes"),
        pytest.param(cell_at("A9", attributes=' r="XFD1048576"'), id="two places"),
        pytest.param(cell_at("A9", attributes=" r = 'xfd1048576'"), id="two places, the other in small letters"),
        pytest.param(cell_at("A9").replace(b'"A9"', b'"A9" x=">" r="XFD1048576"'), id="a bracket in an attribute"),
        pytest.param(cell_at("XFD9", attributes=' x="/>"') + cell_at("A1048576"), id="what looks blank and is not"),
        pytest.param(cell_at("XFD9") + cell_at("A9", attributes=' r="A1048576"'), id="two places far below"),
        pytest.param(b"<row>" + b"<c><v>1</v></c>" * 16_384 + b"</row>" + cell_at("A999999"), id="no place"),
    ],
)
def test_a_far_cell_can_not_be_hidden(cell):
    with pytest.raises((NotCountedError, SourceError)):
        counted(outlined(with_cells(cell), "contacts.xlsx"), "People")


@pytest.mark.slow
def test_a_far_cell_in_uncommon_xml_ends_no_process(tmp_path):
    far = cell_at("XFD1048576").replace(b"<c ", b"<x:c ").replace(b"</c>", b"</x:c>")
    assert read_in_another_process(with_cells(far), tmp_path).startswith(
        "refused 'contacts.xlsx' can't be read: it takes"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "name"),
    [
        pytest.param(
            rewritten(PLAIN, TEXTS, b'uniqueCount="2"', b'uniqueCount="99999999999999999"'), "a.xlsx", id="texts"
        ),
        pytest.param(
            old_workbook({(0, 0): "email", (1, 0): "ada@example.com"}, rows=2**32 - 2, columns=65_535),
            "a.xls",
            id="the size of an old sheet",
        ),
        pytest.param(
            old_workbook({(0, 0): "email", (1, 0): "ada@example.com", (65_535, 65_535): "x"}),
            "a.xls",
            id="a lone cell of an old sheet",
        ),
        pytest.param(
            open_document(
                open_row("email")
                + open_row("ada@example.com", repeated=1_000_000, attributes=' table:number-columns-repeated="16384"')
            ),
            "a.ods",
            id="repeated cells",
        ),
    ],
)
def test_a_size_that_is_only_declared_ends_no_process(data, name, tmp_path):
    assert read_in_another_process(data, tmp_path, name=name).startswith("refused")


def test_a_sheet_whose_own_size_is_declared_wrong_is_read():
    assert read_contacts(rewritten(PLAIN, SHEET, b'ref="A1:A2"', b'ref="A1:XFD1048576"')).height == 1


def test_too_many_blank_cells_are_refused():
    outline = outlined(with_cells(b'<row r="3">' + b'<c r="A3" s="1"/>' * 100_000 + b"</row>"), "contacts.xlsx")
    assert counted(outline, "People", most=100_002) == []
    with pytest.raises(SourceError, match="'People' has more than 100,001 cells, blank ones included: copy the table"):
        counted(outline, "People", most=100_001)


@pytest.mark.parametrize(
    ("part", "mark"),
    [pytest.param(SHEET, b"</sheetData>", id="a sheet"), pytest.param(TEXTS, b"</sst>", id="texts")],
)
def test_a_part_that_unpacks_to_too_much_is_refused_whatever_size_it_declares(part, mark):
    data = rewritten(PLAIN, part, mark, b" " * 5_000_000 + mark)
    assert len(data) < 40_000

    def check(limit):
        counted(outlined(data, "contacts.xlsx", limit), "People")

    check(50_000_000)
    with pytest.raises(SourceError, match="unpacks to more than 5,000,000 bytes: copy the table alone into a new one"):
        check(5_000_000)
    with pytest.raises(SourceError, match="can't be read as an Excel workbook"):
        read_contacts(declaring(data, part, 100))


def test_one_endless_cell_of_a_sheet_is_refused():
    with pytest.raises(SourceError, match="holds a cell with more than 1,048,576 bytes: shorten it"):
        read_contacts(with_cells(cell_at("A3", text="x" * 3_000_000)))


def test_a_text_that_fills_many_cells_of_a_sheet_is_not_loaded_here():
    long = workbook([["email", "note"], ["ada@example.com", "x" * 30_000]])
    cells = b"".join(f'<row><c r="B{row}" t="s"><v>3</v></c></row>'.encode() for row in range(3, 40_003))
    with pytest.raises(NotCountedError):
        counted(outlined(with_cells(cells, data=long), "contacts.xlsx"), "People")


def test_much_behind_the_cells_of_a_sheet_is_no_endless_cell():
    links = b"<hyperlinks>" + b'<hyperlink ref="A2" display="x"/>' * 100_000 + b"</hyperlinks>"
    data = rewritten(PLAIN, SHEET, b"</sheetData>", b"</sheetData>" + links)
    assert read_contacts(data).height == 1


@pytest.mark.slow
def test_a_sheet_of_all_columns_that_there_are_is_read():
    wide = workbook([["email", *(f"h{place}" for place in range(1, MAX_COLUMNS))], ["ada@example.com"]])
    assert read_contacts(wide).shape == (1, MAX_COLUMNS)


def test_only_the_sheet_that_is_read_is_counted():
    two = workbook(ADA, sheets=("One", "Two"))
    data = rewritten(two, "xl/worksheets/sheet2.xml", b"</sheetData>", cell_at("XFD1048576") + b"</sheetData>")
    assert read_contacts(data, sheet="One").height == 1
    with pytest.raises(SourceError, match="the sheet 'Two' goes on to column XFD"):
        read_contacts(data, sheet=1)


@pytest.mark.slow
@pytest.mark.parametrize("sheet", [None, 0, "People", 7, "Others"])
def test_a_process_of_its_own_reads_a_sheet_as_this_one_does(sheet):
    data = workbook([["email", "n", "é"], ["ada@example.com", 1.5, "=x"], [None, None, None], ["b@example.com", 2, ""]])

    def outcome(load) -> object:
        try:
            found = load(data, "contacts.xlsx", sheet)
        except SourceError as error:
            return str(error)
        return found.name, found.of, found.header, found.cells.to_dicts()

    assert outcome(load_sheet_apart) == outcome(load_sheet)


@pytest.mark.slow
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(old_workbook({(0, 0): "email", (1, 0): "ada@example.com"}), id="xls"),
        pytest.param(open_document(open_row("email") + open_row("ada@example.com")), id="ods"),
        pytest.param(rewritten(PLAIN, SHEET, b"<c ", b"<x:c "), id="xlsx with prefixes"),
    ],
)
def test_a_workbook_that_is_not_counted_is_read_apart(data):
    assert load_excel(data, "contacts", None).frame.to_dicts() == [{"email": "ada@example.com"}]


# --- texts ----------------------------------------------------------------------------------------


def test_a_text_of_too_many_columns_is_refused():
    header = ",".join(["email", *(f"h{place}" for place in range(MAX_COLUMNS))])
    with pytest.raises(SourceError, match=r"has 16,385 columns, and 16,384 are read at most: keep the columns that"):
        read_contacts(f"{header}\n".encode())


@pytest.mark.slow
def test_a_text_of_as_many_columns_as_a_sheet_is_read():
    header = ",".join(["email", *(f"h{place}" for place in range(1, MAX_COLUMNS))])
    row = "ada@example.com" + "," * (MAX_COLUMNS - 1)
    assert read_contacts(f"{header}\n{row}\n".encode()).shape == (1, MAX_COLUMNS)


def test_too_many_cells_are_refused():
    check_size(100, MAX_CELLS // 100, "contacts.csv")
    with pytest.raises(
        SourceError, match="1,000,001 rows of 100 columns, and 100,000,000 cells are read at most: split"
    ):
        check_size(100, MAX_CELLS // 100 + 1, "contacts.csv")


@pytest.mark.slow
def test_the_cells_of_a_text_are_counted_before_it_is_loaded():
    width = 16_000
    data = b"email" + b",x" * (width - 1) + b"\n" + (b"," * (width - 1) + b"\n") * 6_251
    with pytest.raises(SourceError, match="6,252 rows of 16,000 columns, and 100,000,000 cells are read at most"):
        read_contacts(data)


@pytest.mark.slow
def test_a_record_that_never_ends_is_refused_before_it_is_read_whole():
    with pytest.raises(SourceError, match=f"near line 2: a line has more than {MAX_LINE_CHARACTERS:,} characters"):
        read_contacts(b"email,note\n" + b'"x\n",' * 2_000_000)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["contacts.csv.gz", "contacts.jsonl.gz"])
def test_a_hundred_million_blank_lines_take_little_memory(name, tmp_path):
    text = b"email\n" if ".csv" in name else b'{"email": "ada@example.com"}\n'
    said = read_in_another_process(gzip.compress(text + b"\n" * 101_000_000, 1), tmp_path, name=name)
    assert said == "read [('ada@example.com',)]" if ".jsonl" in name else "101,000,001 rows" in said


@pytest.mark.slow
def test_json_lines_of_ever_new_keys_are_refused():
    lines = [json.dumps({f"k{place}{half}": 1 for place in range(MAX_COLUMNS // 2)}) for half in "ab"]
    assert load_table("\n".join(lines).encode())[0].width == MAX_COLUMNS
    with pytest.raises(SourceError, match="has 16,385 columns, and 16,384 are read at most"):
        read_contacts("\n".join([*lines, '{"email": "ada@example.com"}']).encode())


@pytest.mark.slow
def test_json_lines_of_too_many_cells_are_refused():
    lines = [json.dumps({f"k{place}": 1 for place in range(16_000)}), *['{"k1": 1}'] * 1_900]
    with pytest.raises(SourceError, match="1,876 rows of 16,000 columns, and 30,000,000 cells are read at most"):
        read_contacts("\n".join(lines).encode())


def test_an_endless_line_of_json_is_refused():
    with pytest.raises(SourceError, match="line 2: more than 4,194,304 characters; write one contact a line"):
        read_contacts(b'{"email": "ada@example.com"}\n{"x": "' + b"y" * MAX_LINE_CHARACTERS + b'"}')


@pytest.mark.slow
def test_a_gzip_file_that_unpacks_to_gigabytes_is_refused(tmp_path):
    path = tmp_path / "contacts.csv.gz"
    path.write_bytes(gzip.compress(b"\n" * 2**20) * 1025)
    with pytest.raises(SourceError, match="unpacks to more than 1,073,741,824 bytes: unpack it yourself"):
        read_contacts(path)


# --- parquet --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_small_parquet_file_of_a_hundred_million_rows_is_refused(tmp_path):
    path = tmp_path / "contacts.parquet"
    pl.DataFrame({"n": pl.zeros(101_000_000, dtype=pl.UInt8, eager=True)}).write_parquet(path, compression="zstd")
    assert path.stat().st_size < 1_000_000
    assert "101,000,000 rows of 1 columns" in read_in_another_process(path.read_bytes(), tmp_path, name="a.parquet")


def test_a_parquet_file_that_declares_other_sizes_ends_no_process(tmp_path):
    file = io.BytesIO()
    pl.DataFrame({"email": ["ada@example.com"] * 100}).write_parquet(file, compression="uncompressed")
    data = file.getvalue()
    size = int.from_bytes(data[-8:-4], "little")
    # Every place of its footer, with the largest number that fits there.
    for place in range(len(data) - 8 - size, len(data) - 8, 3):
        broken = data[:place] + b"\xfe\xff\xff\xff\x0f" + data[place + 5 :]
        with contextlib.suppress(SourceError):
            assert read_contacts(broken).height == 100


@pytest.mark.slow
def test_files_beside_the_working_folder_are_not_imported_by_the_other_process(tmp_path, monkeypatch):
    (tmp_path / "fastexcel.py").write_text("raise SystemExit('imported')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert load_sheet_apart(PLAIN, "contacts.xlsx", None).cells.rows() == [("ada@example.com",)]
