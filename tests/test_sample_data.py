"""The sample contacts are what `data/README.md` says, and their known answers follow from the rules.

The rules between rows and the CRM's part are worked out here a second time, in another way than the generator does it.
"""

from __future__ import annotations

import csv
import importlib.util
import re
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import phonenumbers
import pytest

from mbtoolkit import contacts

DATA = Path(__file__).resolve().parents[1] / "data"
WRITTEN = ("contacts.csv", "known_answers.csv", "mapping.toml")

Line = dict[str, str]
Pair = tuple[Line, Line]

RESERVED = re.compile(
    r"447700900\d{3}"
    r"|1\d{3}55501\d{2}"
    r"|3363998\d{4}"
    r"|467017406(0[5-9]|[1-9]\d)"
    r"|49(17139200|176040690)\d{2}"
    r"|6149157(0(006|1(5[6-9]|10)|313|737)|1(266|491|804)|2(549|665|983)|3(770|087)|4(118|632)|5(254|789)"
    r"|6(398|801)|7(426|644)|8(957|148|888)|9(212|760|455))"
)
"""Calling code and number, in the ranges that regulators keep for fiction."""

RESERVED_AT_HOME = re.compile(r"7700900\d{3}|\d{3}55501\d{2}|63998\d{4}")
"""The same without calling codes, of the countries whose numbers are spoilt."""

FICTIONAL_DOMAIN = re.compile(r"(^|[@.])(example\.(com|org|net)|[^@.]+\.(example|test))$", re.IGNORECASE)
SHORTEST_NUMBER = 8
"""Digits; fewer are no number that anybody could call."""


def read_lines(name: str, folder: Path = DATA) -> list[Line]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def make_files(folder: Path, *arguments: str) -> None:
    command = [sys.executable, str(DATA / "make_contacts.py"), "--out", str(folder), *arguments]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def people() -> list[Line]:
    return read_lines("contacts.csv")


@pytest.fixture(scope="module")
def answers() -> list[Line]:
    return read_lines("known_answers.csv")


@pytest.fixture(scope="module")
def pairs(people: list[Line], answers: list[Line]) -> list[Pair]:
    return list(zip(people, answers, strict=True))


def identifiers(person: Line, answer: Line) -> set[tuple[str, str]]:
    """What finds the person; a mobile or an id only where it can be read."""
    mobile = answer["mobile_number"] and f"+{answer['mobile_country_code']} {answer['mobile_number']}"
    crm_id = person["CRM id"] if re.fullmatch(r"[1-9]\d{,18}", person["CRM id"]) else ""
    found = {("id", crm_id), ("mobile", mobile), ("email", person["E-mail"].strip().lower())}
    return {(kind, value) for kind, value in found if value}


def rows_by_identifier(pairs: list[Pair]) -> dict[tuple[str, str], set[int]]:
    rows = defaultdict(set)
    for row, pair in enumerate(pairs):
        for identifier in identifiers(*pair):
            rows[identifier].add(row)
    return rows


def rows_with(answers: list[Line], column: str, code: str) -> set[int]:
    return {row for row, answer in enumerate(answers) if code in answer[column].split()}


def digits(text: str) -> str:
    return str(int(float(text))) if "E+" in text else re.sub(r"\D", "", text)


# --- the files -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_generator_reproduces_the_committed_files(tmp_path: Path) -> None:
    make_files(tmp_path)
    for name in WRITTEN:
        assert (tmp_path / name).read_bytes() == (DATA / name).read_bytes(), name


def test_another_seed_and_size_keep_the_defects(tmp_path: Path, answers: list[Line]) -> None:
    make_files(tmp_path, "--rows", "600", "--seed", "7")
    others = read_lines("known_answers.csv", tmp_path)
    assert len(others) == len(read_lines("contacts.csv", tmp_path)) == 600
    assert (tmp_path / "contacts.csv").read_bytes() != (DATA / "contacts.csv").read_bytes()
    planted = Counter(answer["defect"] for answer in answers if answer["defect"])
    assert Counter(answer["defect"] for answer in others if answer["defect"]) == planted


def test_too_few_rows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        make_files(tmp_path, "--rows", "100")
    assert "100 rows are too few" in caught.value.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", WRITTEN)
def test_files_are_utf8_without_bom_and_with_lf(name: str) -> None:
    raw = (DATA / name).read_bytes()
    assert raw.decode("utf-8").endswith("\n")
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in raw
    assert b"\0" not in raw


def test_rows_are_numbered_and_complete(people: list[Line], answers: list[Line]) -> None:
    assert len(people) == len(answers) == 5000
    assert [answer["row"] for answer in answers] == [str(row) for row in range(5000)]
    assert len({person["Customer no"] for person in people}) == 5000
    assert all(None not in line.values() for line in people + answers)


def test_mapping_leads_to_columns_of_the_contacts_frame(people: list[Line]) -> None:
    mapping = tomllib.loads((DATA / "mapping.toml").read_text(encoding="utf-8"))
    assert set(people[0]) - set(mapping) == {"Customer no", "Country", "Last order", "Note"}
    assert set(mapping) <= set(people[0])
    assert all(contacts.is_contact_column(target) for target in mapping.values())
    assert len(set(mapping.values())) == len(mapping)


def test_readme_counts_the_defects(answers: list[Line]) -> None:
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    told = {name: int(count) for name, count in re.findall(r"^\| `(\S+)` \| (\d+) \|", readme, re.MULTILINE)}
    planted = Counter(answer["defect"] for answer in answers if answer["defect"])
    statuses = Counter(answer["status"] for answer in answers)
    assert told == {**planted, **statuses}
    assert min(planted[name] for name in planted if "+" not in name) >= 4


# --- nobody in them exists -----------------------------------------------------------------------


def test_emails_are_at_domains_kept_for_examples(pairs: list[Pair]) -> None:
    for person, answer in pairs:
        email = re.sub(r"[\u200b-\u200d\u2060\ufeff\x07\x7f]", "", person["E-mail"].strip())
        if "email_syntax" in answer["errors"]:
            local, at, domain = re.sub(r"\.\.", ".", email.rstrip(".")).replace(" ", "").rpartition("@")
            assert domain in ("", "example") or FICTIONAL_DOMAIN.search(at + domain), (local, domain)
        elif email:
            assert FICTIONAL_DOMAIN.search(email), email


def test_read_mobiles_are_in_ranges_kept_for_fiction(answers: list[Line]) -> None:
    numbers = [answer["mobile_country_code"] + answer["mobile_number"] for answer in answers if answer["mobile_number"]]
    assert len(numbers) > 3000
    assert [number for number in numbers if not RESERVED.fullmatch(number)] == []


def test_spoilt_mobiles_are_in_ranges_kept_for_fiction(pairs: list[Pair]) -> None:
    for person, answer in pairs:
        text = person["Mobile"].replace("O", "0").replace("o", "0")
        if not answer["mobile_number"] and len(digits(text)) >= SHORTEST_NUMBER:
            assert RESERVED_AT_HOME.search(digits(text)), text


# --- what the phone library says ------------------------------------------------------------------


def test_mobiles_read_as_the_answers_say(pairs: list[Pair]) -> None:
    for person, answer in pairs:
        if answer["mobile_number"]:
            number = phonenumbers.parse(person["Mobile"], person["Country"] or None)
            assert phonenumbers.is_possible_number(number), person["Mobile"]
            assert number.extension is None
            assert str(number.country_code) == answer["mobile_country_code"]
            assert str(number.national_number) == answer["mobile_number"]


def spoilt_mobiles(pairs: list[Pair], rule: str, *, defect: str = "") -> Iterator[tuple[str, str | None]]:
    for person, answer in pairs:
        if rule in answer["errors"].split() and defect in answer["defect"] and not answer["mobile_number"]:
            yield person["Mobile"], person["Country"] or None


def test_unreadable_mobiles_are_not_possible_numbers(pairs: list[Pair]) -> None:
    for text, country in spoilt_mobiles(pairs, "phone_unreadable", defect="phone_unreadable"):
        try:
            number = phonenumbers.parse(text, country)
        except phonenumbers.NumberParseException:
            continue
        assert not phonenumbers.is_possible_number(number), text


def test_mobiles_with_letters_would_be_read_as_another_number(pairs: list[Pair]) -> None:
    found = list(spoilt_mobiles(pairs, "phone_unreadable", defect="phone_letters"))
    assert len(found) == 4
    for text, country in found:
        number = phonenumbers.parse(text, country)
        assert not RESERVED.fullmatch(f"{number.country_code}{number.national_number}"), text


def test_mobiles_with_an_extension_have_one(pairs: list[Pair]) -> None:
    found = list(spoilt_mobiles(pairs, "phone_extension"))
    assert found
    assert all(phonenumbers.parse(text, country).extension for text, country in found)


def test_mobiles_without_a_country_need_one(pairs: list[Pair]) -> None:
    for text, country in spoilt_mobiles(pairs, "country_code_missing"):
        assert country is None
        with pytest.raises(phonenumbers.NumberParseException) as caught:
            phonenumbers.parse(text, None)
        assert caught.value.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE


def test_two_mobiles_in_a_cell_are_two_numbers(pairs: list[Pair]) -> None:
    for text, country in spoilt_mobiles(pairs, "phone_several"):
        first, second = (phonenumbers.parse(part, country) for part in re.split(r" / |; |, | or ", text))
        assert first != second


# --- the rules between rows, a second time --------------------------------------------------------


def test_shared_identifiers_are_warned_of(pairs: list[Pair], answers: list[Line]) -> None:
    shared = {row for rows in rows_by_identifier(pairs).values() if len(rows) > 1 for row in rows}
    assert rows_with(answers, "warnings", "duplicate_identifier") == shared


def test_malformed_emails_are_never_shared(pairs: list[Pair]) -> None:
    rows = rows_by_identifier(pairs)
    for person, answer in pairs:
        if {"email_syntax", "email_invisible"} & set(answer["errors"].split()):
            assert len(rows["email", person["E-mail"].strip().lower()]) == 1


@pytest.mark.slow
def test_yes_against_a_no_is_an_error(pairs: list[Pair], answers: list[Line]) -> None:
    disputed = {
        row
        for rows in rows_by_identifier(pairs).values()
        for opt_in in contacts.OPT_INS
        if {"true", "false"} <= {answers[row][opt_in] for row in rows}
        for row in rows
        if answers[row][opt_in] == "true"
    }
    assert rows_with(answers, "errors", "consent_conflict") == disputed


def test_rows_that_join_two_people_are_warned_of(pairs: list[Pair], answers: list[Line]) -> None:
    rows = rows_by_identifier(pairs)
    joining = set()
    for row, pair in enumerate(pairs):
        others = [rows[found] - {row} for found in sorted(identifiers(*pair)) if found[0] != "id"]
        if len(others) == 2 and all(others) and not others[0] & others[1]:
            joining.add(row)
    assert rows_with(answers, "warnings", "joins_contacts") == joining


def test_rows_without_an_identifier_are_those_blank_in_all(pairs: list[Pair], answers: list[Line]) -> None:
    columns = ("CRM id", "E-mail", "Mobile")
    blank = {row for row, (person, _) in enumerate(pairs) if not any(person[column].strip() for column in columns)}
    assert rows_with(answers, "errors", "no_identifier") == blank


def test_consent_to_nothing_is_told(pairs: list[Pair], answers: list[Line]) -> None:
    said: dict[str, set[int]] = {"true": set(), "false": set(), "": set()}
    for row, (person, answer) in enumerate(pairs):
        for opt_in, cell in (("mobile_opt_in", "Mobile"), ("email_opt_in", "E-mail")):
            if not person[cell].strip():
                said[answer[opt_in]].add(row)
    by_id = {row for row, (person, _) in enumerate(pairs) if person["CRM id"]}
    nobody = rows_with(answers, "errors", "no_identifier")
    assert rows_with(answers, "errors", "opt_in_without_address") == said["true"] - by_id
    assert rows_with(answers, "warnings", "opt_out_without_address") == said["false"] - nobody
    assert not said["true"] & by_id


# --- what the CRM makes of them -------------------------------------------------------------------


class TinyCrm:
    """The CRM as it is by default: the mobile is looked for first, then the e-mail."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], int] = {}
        self.contacts = 0

    def upsert(self, keys: set[tuple[str, str]], list_id: str) -> tuple[str, str]:
        hits = {self.found[key] for key in keys if key in self.found}
        if list_id or any(kind == "id" for kind, _ in keys):
            return "422", ""
        if len(hits) > 1:
            return "409", ""
        self.contacts += not hits
        contact = hits.pop() if hits else self.contacts
        self.found.update(dict.fromkeys(keys, contact))
        return "202", str(contact)


def test_status_and_person_are_what_the_crm_answers(pairs: list[Pair]) -> None:
    crm = TinyCrm()
    for person, answer in pairs:
        expected = ("", "") if answer["errors"] else crm.upsert(identifiers(person, answer), person["List id"].strip())
        assert (answer["http_status"], answer["person"]) == expected, answer["row"]
        status = {"": "invalid", "202": "succeeded"}.get(expected[0], "rejected")
        assert answer["status"] == status, answer["row"]
        unknown_property = status == "succeeded" and person["Loyalty tier"]
        assert answer["code"] == ("invalid_properties" if unknown_property else ""), answer["row"]


def test_clean_rows_succeed_without_a_word(answers: list[Line]) -> None:
    for answer in answers:
        if not answer["defect"]:
            assert answer["status"] == "succeeded"
            assert not answer["errors"] + answer["warnings"] + answer["code"]


# --- how much there is of what --------------------------------------------------------------------


def test_people_have_a_mobile_an_email_or_both(answers: list[Line]) -> None:
    both, mobile, email = (
        sum(bool(answer["mobile_number"]) is has_mobile and bool(answer["email"]) is has_email for answer in answers)
        for has_mobile, has_email in ((True, True), (True, False), (False, True))
    )
    assert both > 2500
    assert mobile > 250
    assert email > 1000


@pytest.mark.parametrize("column", ["SMS consent", "Newsletter"])
def test_consent_is_written_in_many_ways(people: list[Line], column: str) -> None:
    words = {"yes", "Yes", "YES", "1", "true", "TRUE", "y", "Y", "on", "ja", "no", "NO", "0", "false", "n", "nei", ""}
    assert words <= {person[column] for person in people}


@pytest.mark.parametrize(
    "sign",
    [
        *("Ελένη", "Шевченко", "محمد", "כהן", "शर्मा", "王", "さくら", "김", "สมชาย", "Łukasz", "Þóra", "Øyvind"),
        *("O'Neil", "van der Berg", "🌻", "<script>alert(1)</script>", "=1+1", '"; DROP', 'Robert "Bob"', "Null"),
    ],
)
def test_names_come_in_many_scripts_and_as_odd_text(people: list[Line], sign: str) -> None:
    assert any(sign in person["First name"] + "|" + person["Last name"] for person in people)


@pytest.mark.parametrize(
    "style",
    [
        pytest.param(r"07700 900\d{3}", id="local"),
        pytest.param(r"\+44 7700 900\d{3}", id="international"),
        pytest.param(r"0044 7700 900\d{3}", id="dialled"),
        pytest.param(r"\+44 \(0\)7700 900\d{3}", id="with-a-zero-in-brackets"),
        pytest.param("07700\u00a0900\\d{3}", id="no-break-space"),
        pytest.param(r"\+33 6 39 98 \d\d \d\d", id="pairs"),
        pytest.param(r"06\.39\.98\.\d\d\.\d\d", id="dots"),
        pytest.param(r"06-39-98-\d\d-\d\d", id="hyphens"),
        pytest.param(r"\(\d{3}\) 555-01\d\d", id="area-in-brackets"),
        pytest.param(r"0171/39200\d\d", id="slash-after-the-area"),
    ],
)
def test_mobiles_come_in_many_styles(pairs: list[Pair], style: str) -> None:
    assert any(re.fullmatch(style, person["Mobile"]) and answer["mobile_number"] for person, answer in pairs)


# --- what the toolkit mends by itself --------------------------------------------------------------


@pytest.fixture(scope="module")
def sample_clean_up() -> ModuleType:
    path = Path(__file__).parent / "benchmarks" / "sample_clean_up.py"
    spec = importlib.util.spec_from_file_location("sample_clean_up", path)
    assert spec is not None
    assert spec.loader is not None
    clean_up = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = clean_up
    spec.loader.exec_module(clean_up)
    return clean_up


@pytest.mark.slow
def test_suggestions_mend_planted_mistakes_as_they_were_and_touch_nothing_else(
    answers: list[Line], sample_clean_up: ModuleType
) -> None:
    tallies = sample_clean_up.measure()
    planted = Counter(answer["defect"] for answer in answers)
    assert {name: tally.planted for name, tally in tallies.items()} == planted
    assert {name: tally.wrong for name, tally in tallies.items() if tally.wrong} == {}
    assert {name: tally.mended + tally.left for name, tally in tallies.items()} == planted
    assert {name: tally.mended for name, tally in tallies.items() if tally.mended} == {
        "email_syntax": 7,
        "email_invisible": 8,
        "email_normal_form": 8,
        "phone_extension": 8,
        "not_a_uuid": 2,
        "id_not_an_integer": 1,
        "id_as_float": 2,
    }


@pytest.mark.slow
def test_merged_rows_of_the_sample_are_of_one_person_each(sample_clean_up: ModuleType) -> None:
    found, valid = sample_clean_up.merges(None)
    assert {name for name, tally in found.items() if tally.wrong} == set()
    assert {name: tally.left for name, tally in found.items() if tally.left} == {"joins_contacts": 12}
    assert valid == 4838
