"""Failures that are written to a file, fixed there, read and pushed again: each row ends where it was."""

from __future__ import annotations

import csv
import warnings

import openpyxl
import polars as pl
import pytest

from mbtoolkit import read_contacts, update_results, upsert_contacts, validate_contacts, with_contact_ids, write_results
from mbtoolkit.errors import FrameError, SourceWarning

BROKEN = (3, 7, 12, 13, 28)


@pytest.fixture
def table():
    """Thirty people; the e-mail of five is wrong, and some texts look like formulas."""
    emails = [f"no{n}" if n in BROKEN else f"p{n}@example.com" for n in range(30)]
    cities = ["=1+1" if n % 4 == 3 else "'=x" if n % 4 == 0 else f"City {n}" for n in range(30)]
    return pl.DataFrame(
        {"email": emails, "property:City": cities, "email_opt_in": [True] * 30, "tags": [["a", "b"]] * 30}
    )


@pytest.fixture
def results(client, table):
    results = upsert_contacts(table, client)
    assert (results["mb_status"] == "invalid").arg_true().to_list() == list(BROKEN)
    return results


def failures(results):
    return results.filter(pl.col("mb_status") == "invalid")


def edit(path, change):
    """Opens the written file as a person would, changes its lines (the first has the headers), and saves it."""
    if path.suffix == ".parquet":
        frame = pl.read_parquet(path)
        lines = change([frame.columns, *map(list, frame.rows())])
        frame.clear().vstack(pl.DataFrame(lines[1:], schema=frame.schema, orient="row")).write_parquet(path)
    elif path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            lines = change([*csv.reader(file)])
        with path.open("w", newline="", encoding="utf-8-sig") as file:  # as Excel in most of Europe saves it
            csv.writer(file, delimiter=";", lineterminator="\r\n").writerows(lines)
    else:
        book = openpyxl.load_workbook(path)
        lines = change([list(line) for line in book.active.iter_rows(values_only=True)])
        book.active.delete_rows(1, book.active.max_row)
        for line in lines:
            book.active.append(line)
        for cell in (cell for line in book.active.iter_rows() for cell in line if cell.data_type == "f"):
            cell.data_type = "s"  # what was text in the sheet stays text
        book.save(path)


def fixed(lines):
    place = lines[0].index("email")
    for line in lines[1:]:
        line[place] = line[place].replace("no", "p") + "@example.com"
    return lines


def again(results, path, client, change=fixed):
    """The whole trip: written, changed, read, pushed."""
    write_results(failures(results), path)
    edit(path, change)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SourceWarning)
        contacts = read_contacts(path)
    return upsert_contacts(contacts, client)


def check_stored(crm, results):
    """The sandbox's record has what the results say."""
    told = results.filter(pl.col("mb_status") == "succeeded").select(
        "email", "property:City", contact_id="mb_contact_id"
    )
    stored = crm.contacts().select("email", "property:City", "contact_id")
    assert told.sort("email").equals(stored.sort("email"))


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".xlsx", ".csv", ".parquet"])
@pytest.mark.parametrize("order", ["as they were", "sorted", "some deleted"])
def test_rows_that_were_in_a_file_come_back_to_their_places(crm, client, table, results, tmp_path, ending, order):
    def change(lines):
        head, *rest = fixed(lines)
        rest = {"sorted": rest[::-1], "some deleted": rest[1::2]}.get(order, rest)
        return [head, *rest]

    later = again(results, tmp_path / f"failures{ending}", client, change)
    whole = update_results(results, later)
    left = set(BROKEN) - set(later["mb_row"])
    assert len(left) == (3 if order == "some deleted" else 0)
    assert whole["mb_row"].to_list() == list(range(30))
    assert set((whole["mb_status"] == "invalid").arg_true()) == left
    assert [email for row, email in enumerate(whole["email"]) if row not in left] == [
        f"p{row}@example.com" for row in range(30) if row not in left
    ]
    assert whole["property:City"].to_list() == table["property:City"].to_list()
    assert whole["mb_first_run_id"].n_unique() == 1
    check_stored(crm, whole)
    ids = with_contact_ids(table, whole)["contact_id"]
    assert ids.equals(whole["mb_contact_id"].alias("contact_id"))


@pytest.mark.slow
@pytest.mark.parametrize("number", [int, float, "{}.0".format, " {} ".format], ids=["int", "float", "text", "padded"])
def test_row_numbers_that_a_spreadsheet_took_for_numbers_are_still_these(client, results, tmp_path, number):
    def change(lines):
        place = lines[0].index("mb_row")
        for line in fixed(lines)[1:]:
            line[place] = number(int(line[place]))
        return lines

    later = again(results, tmp_path / "failures.xlsx", client, change)
    assert later["mb_row"].to_list() == list(BROKEN)
    assert (update_results(results, later)["mb_status"] == "succeeded").all()


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".xlsx", ".csv"])
@pytest.mark.parametrize("new", ["inserted", "copied", "garbled"])
def test_rows_that_are_new_in_the_file_are_stored_and_told_apart(crm, client, results, tmp_path, ending, new, caplog):
    def change(lines):
        lines = fixed(lines)
        row, email = lines[0].index("mb_row"), lines[0].index("email")
        if new == "garbled":
            lines[2][row] = "seven"
            return lines
        line = [None] * len(lines[0]) if new == "inserted" else list(lines[2])
        line[email] = "new@example.com"
        return [*lines[:2], line, *lines[2:]]

    later = again(results, tmp_path / f"failures{ending}", client, change)
    assert (later["mb_status"] == "succeeded").all()
    assert later["mb_row"].is_unique().all()
    strange = {"inserted": 1, "copied": 2, "garbled": 1}[new]
    assert f"{strange} of {later.height} rows have no mb_row" in caplog.text
    with pytest.raises(FrameError, match=f"{strange} of the later rows can't be matched") as caught:
        update_results(results, later)
    assert "mb_first_run_id" in str(caught.value)
    kept = later.filter(pl.col("mb_first_run_id").is_in(results["mb_first_run_id"].implode()))
    whole = update_results(results, kept)
    assert kept.height == later.height - strange
    assert whole["email"].to_list()[0] == "p0@example.com"
    check_stored(
        crm,
        pl.concat([whole.drop("tags"), later.join(kept, on="mb_row", how="anti").drop("tags")], how="diagonal_relaxed"),
    )


WAYS = {
    "no mb_row": lambda frame: frame.drop("mb_row"),
    "no columns of results": lambda frame: frame.select("email", "property:City"),
    "text": lambda frame: frame.with_columns(pl.col("mb_row").cast(pl.String)),
    "floats": lambda frame: frame.with_columns(pl.col("mb_row").cast(pl.Float64)),
    "null": lambda frame: frame.with_columns(pl.lit(None, dtype=pl.Int64).alias("mb_row")),
    "duplicates": lambda frame: frame.with_columns(pl.lit(7, dtype=pl.Int64).alias("mb_row")),
    "negative": lambda frame: frame.with_columns(-pl.col("mb_row")),
    "beyond the first frame": lambda frame: frame.with_columns(pl.col("mb_row") + 30),
    "beyond int64": lambda frame: frame.with_columns(pl.lit(2**64 - 1, dtype=pl.UInt64).alias("mb_row")),
}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_what_can_not_be_matched_is_pushed_and_refused_by_update_results(client, results, way):
    mended = failures(results).with_columns(email=pl.format("p{}@example.com", "mb_row"))
    later = upsert_contacts(WAYS[way](mended), client)
    assert (later["mb_status"] == "succeeded").all()
    with pytest.raises(FrameError, match="of the later rows"):
        update_results(results, later)


@pytest.mark.slow
@pytest.mark.parametrize("way", [way for way in WAYS if way != "no columns of results"])
def test_later_results_without_sound_numbers_are_refused(client, results, way):
    later = WAYS[way](upsert_contacts(failures(results), client))
    with pytest.raises(FrameError):
        update_results(results, later)
    with pytest.raises(FrameError):
        update_results(
            WAYS[way](results).head(29) if way == "beyond the first frame" else WAYS[way](results), failures(results)
        )


@pytest.mark.slow
def test_an_own_column_of_that_name_is_kept(client, people, caplog):
    letters = people.with_columns(mb_row=pl.lit("A7"), mb_note=pl.lit("mine"))
    results = upsert_contacts(letters, client)
    assert results["source:mb_row"].to_list() == ["A7"] * 10
    assert results["mb_row"].to_list() == list(range(10))
    assert "is kept as 'source:mb_row'" in caplog.text
    with pytest.warns(SourceWarning, match="'mb_row' is carried along as 'source:mb_row'"):
        assert read_contacts(letters)["source:mb_row"].to_list() == ["A7"] * 10


@pytest.mark.slow
def test_own_numbers_of_the_rows_are_their_numbers(client, people):
    results = upsert_contacts(people.with_columns(mb_row=pl.Series(range(100, 110))), client)
    assert results["mb_row"].to_list() == list(range(100, 110))
    later = upsert_contacts(results[[3, 1]], client)
    assert update_results(results, later)["mb_row"].to_list() == list(range(100, 110))


@pytest.mark.slow
def test_rows_of_a_validation_are_matched(client, table, results):
    invalid = validate_contacts(table).invalid.with_columns(email=pl.format("p{}@example.com", "mb_row"))
    whole = update_results(results, upsert_contacts(invalid, client))
    assert (whole["mb_status"] == "succeeded").all()


def test_a_text_that_was_cut_for_the_sheet_is_never_sent_for_the_whole(crm, client, tmp_path):
    frame = pl.DataFrame({"email": ["no"], "property:City": ["x" * 40_000]})
    later = again(upsert_contacts(frame, client), tmp_path / "failures.xlsx", client)
    assert later["mb_code"].to_list() == ["unread"]
    assert crm.requests().is_empty()


@pytest.mark.slow
def test_results_of_two_pushes_in_one_frame_give_no_ids_to_the_wrong_rows(client, people):
    results = upsert_contacts(people, client)
    both = pl.concat([results.head(3), upsert_contacts(people.tail(2), client).with_columns(pl.col("mb_row") + 3)])
    with pytest.raises(FrameError, match="several pushes"):
        with_contact_ids(people, both)
