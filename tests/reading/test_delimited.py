"""Text files of separated values: encodings, separators, quotes, line ends."""

from __future__ import annotations

import csv
import gzip
import io
import re
import warnings

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mbtoolkit import read_contacts
from mbtoolkit.errors import MappingError, SourceError, SourceWarning
from mbtoolkit.reading.delimited import _cells

PEOPLE = "email,name\nada@example.com,Åse\nbob@example.com,Bo\n"
ROWS = [("ada@example.com", "Åse"), ("bob@example.com", "Bo")]


def read(text: str | bytes, **options) -> list[tuple]:
    """The rows, with warnings let pass."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SourceWarning)
        return read_contacts(text.encode() if isinstance(text, str) else text, **options).rows()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(PEOPLE.encode(), None, id="UTF-8"),
        pytest.param(PEOPLE.encode("utf-8-sig"), None, id="UTF-8 with a mark"),
        pytest.param(PEOPLE.encode("utf-16"), "UTF-16", id="UTF-16"),
        pytest.param(b"\xfe\xff" + PEOPLE.encode("utf-16-be"), "UTF-16", id="UTF-16, big end first"),
        pytest.param(PEOPLE.encode("utf-16-le"), "without a byte-order mark", id="UTF-16 without a mark"),
        pytest.param(
            PEOPLE.encode("utf-16-be"), "without a byte-order mark", id="UTF-16 without a mark, big end first"
        ),
        pytest.param(PEOPLE.encode("utf-32"), "UTF-32", id="UTF-32"),
        pytest.param(PEOPLE.encode("latin-1"), "Latin-1", id="Latin-1"),
        pytest.param(PEOPLE.replace(",", ";").encode("latin-1"), "Latin-1", id="Latin-1 and semicolon"),
        pytest.param(PEOPLE.replace(",", ";").encode(), "the separator is ';'", id="semicolon"),
        pytest.param(PEOPLE.replace(",", "\t").encode(), "the separator is a tab", id="tab"),
        pytest.param(PEOPLE.replace(",", "|").encode(), "the separator is '|'", id="bar"),
        pytest.param(PEOPLE.replace("\n", "\r\n").encode(), None, id="CRLF"),
        pytest.param(
            ("sep=;\r\n" + PEOPLE.replace(",", ";")).encode(), "first line says .* ';'", id="a separator on top"
        ),
        pytest.param(("SEP=\t\n" + PEOPLE.replace(",", "\t")).encode(), "says .* a tab", id="a tab on top"),
        pytest.param(PEOPLE.replace("\n", "\r").encode(), "carriage return", id="CR alone"),
        pytest.param(gzip.compress(PEOPLE.encode()), "gzip", id="gzip"),
        pytest.param(PEOPLE.replace("\n", "\n\n").encode(), "blank line", id="blank lines"),
        pytest.param(("\n" + PEOPLE).encode(), None, id="a blank line on top"),
        pytest.param((",\n" + PEOPLE).encode(), None, id="a line of separators on top"),
        pytest.param((PEOPLE + ' ,""\n').encode(), "1 blank line", id="a line of blanks below"),
    ],
)
def test_what_is_assumed_is_said_and_the_rows_are_the_same(data, said):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = read_contacts(data)
    assert found.rows() == ROWS
    texts = [str(each.message) for each in caught if each.category is SourceWarning]
    assert (said is None) == (texts == []), texts
    assert said is None or re.search(said, texts[0])


@pytest.mark.parametrize(
    ("data", "options"),
    [
        pytest.param(PEOPLE.encode("latin-1"), {"encoding": "latin-1"}, id="encoding"),
        pytest.param(PEOPLE.encode("utf-16"), {"encoding": "utf-16"}, id="encoding with a mark"),
        pytest.param(PEOPLE.replace(",", ";").encode(), {"separator": ";"}, id="separator"),
        pytest.param(PEOPLE.replace(",", "\x1f").encode(), {"separator": "\x1f"}, id="odd separator"),
    ],
)
def test_what_the_caller_says_is_not_assumed(data, options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_contacts(data, **options).rows() == ROWS


def test_a_few_chance_pairs_do_not_make_latin_1_another_encoding():
    text = "email;Navn\n" + "".join(f"p{n}@example.com;Åse Bjørnæs\n" for n in range(20)) + "q@example.com;Spaß» ø\n"
    assert read(text.encode("cp1252"))[-1] == ("q@example.com", "Spaß» ø")


def test_what_a_file_of_stray_bytes_may_be_can_be_said():
    data = b"email,Name\nb@example.com,\xc3\x85se\nc@example.com,\xff\n"
    assert read(data, encoding="cp1252") == [("b@example.com", "Ã…se"), ("c@example.com", "ÿ")]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        pytest.param(
            'email,note\na@example.com,"x;y;z"\nb@example.com,"u;v;w"\n', ["x;y;z", "u;v;w"], id="; in quotes"
        ),
        pytest.param('email;note\na@example.com;"x,y"\nb@example.com;"u,v"\n', ["x,y", "u,v"], id=", in quotes"),
        pytest.param(
            "email;a;note\na@example.com;1,5;2,5\nb@example.com;1,5;3,5\n", ["2,5", "3,5"], id="decimal commas"
        ),
        pytest.param('email,note\na@example.com,"two\nlines"\n', ["two\nlines"], id="a line end in quotes"),
        pytest.param('email,note\na@example.com,"say ""hi"""\n', ['say "hi"'], id="doubled quotes"),
        pytest.param('email,note\na@example.com,5" pipe\n', ['5" pipe'], id="a quote in an unquoted cell"),
        pytest.param("email,note\na@example.com,x\x00y\n", ["x\x00y"], id="a NUL"),
        pytest.param("email,note\na@example.com,a\u2028b\x0bc\n", ["a\u2028b\x0bc"], id="line ends of other kinds"),
        pytest.param("email,note\na@example.com,x\nb@example.com,y\r", ["x", "y"], id="line ends mixed"),
        pytest.param("email,note\na@example.com,NULL\nb@example.com,NaN\n", ["NULL", "NaN"], id="words for nothing"),
        pytest.param("email,note\na@example.com,007\nb@example.com,1e5\n", ["007", "1e5"], id="numbers stay text"),
    ],
)
def test_cells_come_out_as_they_were_put_in(text, rows):
    assert [row[-1] for row in read(text)] == rows


@pytest.mark.parametrize(
    ("data", "options", "told"),
    [
        pytest.param(b"", {}, "is empty", id="nothing"),
        pytest.param(b" \n\t\n", {}, "is empty", id="white space"),
        pytest.param(
            b'email,x\na@example.com,"open\n', {}, r"near line 2: a quote is opened and never closed", id="open"
        ),
        pytest.param(b'email,x\na@example.com,"x"y\n', {}, r"near line 2: .*twice", id="text behind a quote"),
        pytest.param(
            b"email,x\na@example.com\nb@example.com,1,2\n", {}, r"2 lines have .* \(lines 2, 3\)", id="ragged"
        ),
        pytest.param(
            b"Export\n\nemail,x\na@example.com,y\n", {}, "take out lines above the headers", id="a title on top"
        ),
        pytest.param(b"ada@example.com,Ada\nbob@example.com,Bob\n", {}, "begins with a contact", id="no headers"),
        pytest.param(b"email\n\xff\n", {"encoding": "utf-8"}, "encoding='latin-1'", id="another encoding"),
        pytest.param(b"email\n", {"encoding": "no-such"}, "there is no encoding 'no-such'", id="no such encoding"),
        pytest.param(b"email\n", {"encoding": "utf\0-8"}, "there is no encoding", id="an encoding with a NUL"),
        pytest.param(b"email\n", {"encoding": "base64"}, "there is no encoding", id="an encoding of bytes"),
        pytest.param(b"email\n\\x\n", {"encoding": "unicode_escape"}, "is not unicode_escape text", id="escapes"),
        pytest.param(b"email,x\n", {"separator": ";;"}, "one ASCII character", id="two characters"),
        pytest.param(b"email,x\n", {"separator": ""}, "one ASCII character", id="no character"),
        pytest.param(b"email,x\n", {"separator": '"'}, "one ASCII character", id="the quote"),
        pytest.param("emailöx\n".encode(), {"separator": "ö"}, "one ASCII character", id="beyond ASCII"),
        pytest.param(b"email,x\n", {"sheet": "A"}, "no Excel workbook", id="a sheet of a text"),
        pytest.param(b"a" * (4 * 1024**2 + 1), {}, "no line end", id="one endless line"),
        pytest.param(
            b'email,x\na@example.com,"' + b"y" * 200_000 + b'"\n',
            {},
            "near line 2: a cell has more than 131,072 characters; .*shorten the cell$",
            id="one endless cell",
        ),
        pytest.param(
            b"email,x\na@example.com," + b"y" * 5_000_000 + b"\n", {}, "shorten the cell$", id="an endless line below"
        ),
        pytest.param(b",\n", {}, "is empty", id="separators alone"),
        pytest.param(b"\xff\xfe" * 3, {}, "is empty", id="byte-order marks alone"),
        pytest.param(b'em"ail",x\n"a"b,c\n', {}, "near line 2", id="text behind a quote, below"),
        pytest.param(
            b"email,Name\nb@example.com,\xc3\x85se\nc@example.com,\xff\n",
            {},
            r"is UTF-8, but for a byte \(the first in line 3\): .*encoding='cp1252'",
            id="a stray byte in UTF-8",
        ),
        pytest.param(
            ("email,Name\n" + "a@example.com,Åse\n" * 50).encode() + ("b@example.com,Bø\n" * 60).encode("latin-1"),
            {},
            r"but for 60 bytes \(the first in line 52\)",
            id="two files in one, of two encodings",
        ),
        pytest.param(
            "email,Name\na@example.com,Åse\nb@example.com,Bø".encode()[:-1], {}, "line 3", id="cut off in a letter"
        ),
    ],
)
def test_what_is_no_table_says_where_and_how_to_mend_it(data, options, told):
    with pytest.raises(SourceError, match=told) as caught:
        read(data, **options)
    assert "ada@" not in str(caught.value)


@pytest.mark.parametrize("extra", ["", "\x81"], ids=["defined", "beside a byte that is undefined"])
@pytest.mark.parametrize("encoding", [None, "latin-1", "ISO-8859-1"])
def test_bytes_of_windows_1252_are_its_letters_and_marks(encoding, extra):
    data = f"email,name\na@example.com,O\x92NEIL\nb@example.com,\x8eana {extra}é\n".encode("latin-1")
    assert [row[1] for row in read(data, encoding=encoding)] == ["O’NEIL", f"Žana {extra}é"]


@pytest.mark.parametrize("encoding", [None, "latin-1"])
def test_bytes_that_are_no_character_are_reported_with_their_line(encoding):
    data = "email,name\na@example.com,Å\nb@example.com,Ren\x8d\n".encode("latin-1")
    with pytest.warns(SourceWarning, match=r"some bytes \(the first in line 3\) are no character of Windows-1252"):
        read_contacts(data, encoding=encoding)


def test_control_characters_that_become_letters_are_reported_where_latin_1_was_asked_for():
    with pytest.warns(
        SourceWarning, match="control characters of Latin-1 read as the letters and marks of Windows-1252"
    ):
        read_contacts(b"email,name\na@example.com,O\x92NEIL\n", encoding="latin-1")


@pytest.mark.parametrize(
    ("lines", "reported"),
    [
        pytest.param('x"y, z",\n', r"on 1 line \(2\)", id="a cell quoted in part"),
        pytest.param('1,"a ""b"" c",x\n5" pipe,3" nail,\n', r"on 1 line \(3\)", id="inches, which look the same"),
        pytest.param('1,"two\nlines",x\n1,x"y, z"w\n', r"on 1 line \(4\)", id="below a cell of two lines"),
        pytest.param('1,x"y, z"\n' * 7, r"on 7 lines \(2, 3, 4, 5, 6, \.\.\.\)", id="many lines"),
        pytest.param('1,5" pipe,x\n', None, id="one quote"),
        pytest.param('1,say "hi" there,x\n', None, id="both quotes in one cell"),
        pytest.param('1,5" pipe,"a, b"\n', None, id="a quoted cell beside"),
        pytest.param('5" pipe,x,y\n3" nail,x,y\n', None, id="on two lines"),
    ],
)
@pytest.mark.parametrize("separator", [",", ";", "|", "\t"])
def test_quotes_that_may_have_moved_cells_are_reported_with_their_lines(lines, reported, separator):
    data = ("email,note,x\n" + lines).replace(",", separator).encode()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read_contacts(data, separator=separator)
    texts = [str(each.message) for each in caught]
    assert len(texts) == (reported is not None), texts
    assert reported is None or re.search(
        f"quotes inside cells that aren't quoted may have moved .* {reported}; ", texts[0]
    )


def test_a_header_like_the_number_behind_a_repeated_one_is_another():
    with pytest.warns(SourceWarning, match="the header 'a' stands more than once"):
        found = read_contacts(b"email,a,a (4),a\na@example.com,1,2,3\n")
    assert found.row(0, named=True) == {"email": "a@example.com", "a": "1", "a (4)": "2", "a (4)'": "3"}


@pytest.mark.parametrize("header", ["x^mail", "x\tmail"])
def test_a_text_that_begins_like_packed_data_is_a_text(header):
    data = f"{header};email\nada;a@example.com\n".encode()
    assert read(data, separator=";") == [("ada", "a@example.com")]


@given(
    st.lists(st.lists(st.text('ab",;\n\r \x00é\u2028', max_size=4), min_size=2, max_size=2), min_size=1, max_size=5),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_any_cell_survives_writing_and_reading(cells, separator, line_end):
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=separator, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerows([["email", "note"], *cells])
    # With more NULs than that it is taken for UTF-16.
    assume(file.getvalue().count("\x00") * 6 < len(file.getvalue()))
    found = read(file.getvalue(), separator=separator)
    lone = line_end == "\r" and "\n" not in file.getvalue()
    written = [[cell.replace("\r", "\n") if lone else cell for cell in row] for row in cells]
    kept = [row for row in written if any(cell.strip() for cell in row)]
    assert [row[1] or "" for row in found] == [row[1] for row in kept]


@given(st.text('ab",\n\r ', max_size=14))
def test_polars_and_the_csv_module_read_the_same_cells(body):
    text = "h,k\n" + body
    try:
        records = [record for record in csv.reader(io.StringIO(text, newline=""), strict=True) if record]
    except csv.Error:
        return
    if {len(record) for record in records} != {2}:
        return
    found = [[cell or "" for cell in row] for row in _cells(text, ",", ["h", "k"]).rows()]
    assert [row for row in found if any(row)] == [row for row in records if any(row)]


def test_white_space_around_contact_cells_goes_and_stays_elsewhere():
    found = read_contacts(b"email,property:City,note\n ada@example.com ,\xc2\xa0Oslo , x \n")
    assert found.rows() == [("ada@example.com", "Oslo", " x ")]


def test_a_wrong_separator_finds_no_identifier_and_shows_the_header():
    with pytest.raises(MappingError, match="'email,name'"):
        read(PEOPLE, separator=";")


def test_no_row_below_the_headers_is_said():
    with pytest.warns(SourceWarning, match="no contact below"):
        assert read_contacts(b"email\n").is_empty()


def test_all_columns_of_a_text_file_are_text_or_canonical():
    found = read_contacts(b"email,contact_id,age,when\na@example.com,7,42,2024-01-01\n")
    assert found.schema == {"email": pl.String, "contact_id": pl.Int64, "age": pl.String, "when": pl.String}
