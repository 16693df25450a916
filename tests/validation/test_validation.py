"""`validate_contacts`: every problem of every row in one pass, and a summary that shows no cell and obeys no name."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Optional

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit import ContactSchema, build_payloads, validate_contacts
from mbtoolkit.contacts import INT32_MAX, INT64_MAX
from mbtoolkit.errors import FrameError, UsageError
from mbtoolkit.schemas import RULES, IssuesSchema
from mbtoolkit.schemas.frames import ISSUES

UUID = "9fc6ad7d-902a-4834-b161-a4911b883d44"
PERSON = {"email": "ada@example.com"}


def issues_of(*rows: dict, severity: str | None = None) -> list[tuple]:
    """(row, column, rule) of each issue of a frame made of dicts."""
    issues = validate_contacts(pl.DataFrame(list(rows), infer_schema_length=None, strict=False)).issues
    if severity:
        issues = issues.filter(pl.col("severity") == severity)
    return issues.select("row", "column", "rule").rows()


# --- the rules ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "column", "rule"),
    [
        pytest.param({"list_id": "not a uuid"}, "list_id", "not_a_uuid", id="list id"),
        pytest.param({"list_id": UUID + "\n"}, "list_id", "not_a_uuid", id="list id with a line end"),
        pytest.param({"list_id": "{" + UUID + "}"}, "list_id", "not_a_uuid", id="list id in braces"),
        pytest.param({"list_id": UUID.replace("-", "")}, "list_id", "not_a_uuid", id="list id without hyphens"),
        pytest.param({"contact_id": 0}, "contact_id", "out_of_range", id="id 0"),
        pytest.param({"contact_id": -1}, "contact_id", "out_of_range", id="negative id"),
        pytest.param({"contact_id": str(INT64_MAX + 1)}, "contact_id", "out_of_range", id="id beyond int64"),
        pytest.param({"contact_id": "abc"}, "contact_id", "not_an_integer", id="id of letters"),
        pytest.param({"contact_id": 1.5}, "contact_id", "number_as_float", id="id as float"),
        pytest.param(
            {"mobile_country_code": 0, "mobile_number": 1}, "mobile_country_code", "out_of_range", id="code 0"
        ),
        pytest.param(
            {"mobile_country_code": 1000, "mobile_number": 1}, "mobile_country_code", "out_of_range", id="code 1000"
        ),
        pytest.param(
            {"mobile_country_code": INT32_MAX + 1, "mobile_number": 1},
            "mobile_country_code",
            "out_of_range",
            id="code beyond int32",
        ),
        pytest.param({"mobile_country_code": 47, "mobile_number": 0}, "mobile_number", "out_of_range", id="number 0"),
        pytest.param({"mobile_country_code": 47, "mobile_number": -5}, "mobile_number", "out_of_range", id="negative"),
        pytest.param(
            {"mobile_country_code": 47, "mobile_number": 10**13}, "mobile_number", "phone_too_long", id="16 digits"
        ),
        pytest.param({"mobile_number": 93454496}, "mobile_number", "country_code_missing", id="no code"),
        pytest.param({"mobile_country_code": 47}, "mobile_country_code", "number_missing", id="no number"),
        pytest.param({"mobile_opt_in": "maybe"}, "mobile_opt_in", "not_yes_or_no", id="neither yes nor no"),
        pytest.param({"email": "ada"}, "email", "email_syntax", id="no @"),
        pytest.param({"email": "ada\u200b@example.com"}, "email", "email_invisible", id="zero-width space"),
        pytest.param({"property:X": float("nan")}, "property:X", "not_finite", id="NaN"),
        pytest.param({"property:X": b"x"}, "property:X", "unsupported_type", id="binary"),
        pytest.param({"property:": "x"}, "property:", "property_key", id="property without a name"),
        pytest.param({"property_id:7": "x"}, "property_id:7", "property_key", id="property id that is no uuid"),
        pytest.param({"property_fields": "x"}, "property_fields", "not_properties", id="nested text"),
        pytest.param(
            {"property_fields": [{"property_id": "7", "property_value": "x"}]},
            "property_fields",
            "property_key",
            id="nested id that is no uuid",
        ),
        pytest.param(
            {"property_fields": [{"property_name": " ", "property_value": "x"}]},
            "property_fields",
            "property_key",
            id="nested blank name",
        ),
    ],
)
def test_a_broken_rule_names_the_cell(row, column, rule):
    contact = row if {"email"} & set(row) else PERSON | row
    assert issues_of(contact) == [(0, column, rule)]
    assert validate_contacts(pl.DataFrame([contact], strict=False)).valid.is_empty()


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"contact_id": INT64_MAX}, id="largest id"),
        pytest.param({"mobile_country_code": 999, "mobile_number": 10**12 - 1}, id="15 digits"),
        pytest.param({"mobile_country_code": 1, "mobile_number": 10**14 - 1}, id="15 digits, short code"),
        pytest.param({"list_id": UUID.upper()} | PERSON, id="uuid in capitals"),
        pytest.param({"property:<script>alert(1)</script>": "=1+1"} | PERSON, id="markup and formulas are data"),
        pytest.param({"property:a\nb": "x"} | PERSON, id="a line end in a property's name"),
        pytest.param({"property:": None, "property_id:7": " "} | PERSON, id="bad keys without values"),
        pytest.param(
            {"property_fields": [{"property_id": "7", "property_value": None}]} | PERSON, id="nested, no value"
        ),
        pytest.param({"property_fields": [None]} | PERSON, id="nested null"),
    ],
)
def test_what_is_sound_has_no_issue(row):
    assert issues_of(row) == []


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"email": " "}, id="blank e-mail"),
        pytest.param({"note": "x"}, id="no column of an identifier"),
        pytest.param(
            {"email": None, "contact_id": None, "mobile_number": None, "mobile_country_code": None}, id="nulls"
        ),
        pytest.param({"property:City": "Oslo", "email_opt_in": False}, id="only other fields"),
    ],
)
def test_a_row_without_an_identifier_is_refused(row):
    assert issues_of(row) == [(0, None, "no_identifier")]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        pytest.param(
            [{"email": "ADA@example.com"}, {"email": "ada@example.com"}],
            [(0, "email", "duplicate_identifier"), (1, "email", "duplicate_identifier")],
            id="another case",
        ),
        pytest.param(
            [{"email": "jos\u00e9@example.com"}, {"email": "jose\u0301@example.com"}],
            [
                (0, "email", "duplicate_identifier"),
                (1, "email", "duplicate_identifier"),
                (1, "email", "email_normal_form"),
            ],
            id="another Unicode form",
        ),
        pytest.param(
            [{"contact_id": 1}, {"contact_id": 1}, {"contact_id": 2}],
            [(0, "contact_id", "duplicate_identifier"), (1, "contact_id", "duplicate_identifier")],
            id="id",
        ),
        pytest.param(
            [{"mobile_country_code": 47, "mobile_number": 1}, {"mobile_country_code": 46, "mobile_number": 1}],
            [],
            id="one number of two countries",
        ),
        pytest.param([{"contact_id": 1, "email": None}, {"contact_id": 2, "email": " "}], [], id="blanks"),
        pytest.param(
            [{"email": "ada@еxample.com"}], [(0, "email", "email_look_alike")], id="a Cyrillic letter in the domain"
        ),
    ],
)
def test_warnings_are_listed_and_keep_no_row_back(rows, found):
    assert issues_of(*rows, severity="warning") == found
    assert validate_contacts(pl.DataFrame(rows)).ok


def test_a_row_that_joins_two_people_is_a_warning():
    rows = [
        {"email": "a@example.com", "contact_id": 1},
        {"email": "b@example.com", "contact_id": 2},
        {"email": "a@example.com", "contact_id": 2},
    ]
    assert (2, None, "joins_contacts") in issues_of(*rows, severity="warning")


@pytest.mark.parametrize(
    "domain",
    [
        pytest.param("аррӏе.com", id="a label of Cyrillic letters only"),
        pytest.param("mail.аррӏе.com", id="below another"),
        pytest.param("аррӏе.co.uk", id="above two"),
        pytest.param("АРРӀЕ.com", id="capitals"),
        pytest.param("ου-1.com", id="Greek"),
        pytest.param("ɡoogle.com", id="the g of phonetics"),
        pytest.param("ᴀpple.com", id="a small capital"),
        pytest.param("ℯxample.com", id="a letter of mathematics"),
        pytest.param("ｅxample.com", id="a full-width letter"),
        pytest.param("exаmple.com", id="a Cyrillic letter among Latin ones"),
    ],
)
def test_a_domain_that_looks_like_another_is_a_warning(domain):
    assert issues_of({"email": f"a@{domain}"}) == [(0, "email", "email_look_alike")]


@pytest.mark.parametrize(
    "address",
    [
        "a@müller.de",
        "a@łódź.pl",
        "a@яндекс.рф",
        "a@оса.рф",
        "a@пример.com",
        "a@例え.jp",
        "å@example.com",
        "оса@example.com",
    ],
)
def test_a_domain_of_another_script_that_looks_like_itself_is_none(address):
    assert issues_of({"email": address}) == []


ID = f"property_id:{UUID}"
ENTRY = {"property_id": None, "property_name": "n", "property_value": "a"}
BY_ID = {"property_id": UUID.upper(), "property_name": None, "property_value": "b"}


@pytest.mark.parametrize(
    "properties",
    [
        pytest.param({"property:n": "a", "property_fields": [ENTRY]}, id="a column and the list"),
        pytest.param({"property_fields": [ENTRY, BY_ID, ENTRY]}, id="twice in the list"),
        pytest.param({ID: "a", ID.upper().replace("PROPERTY_ID", "property_id"): "b"}, id="an id in two cases"),
        pytest.param({ID: "a", "property_fields": [BY_ID]}, id="an id in a column and in the list"),
    ],
)
def test_a_property_given_twice_is_refused(properties):
    assert issues_of(PERSON | properties) == [(0, "property_fields", "property_twice")]


@pytest.mark.parametrize(
    "properties",
    [
        pytest.param({"property:n": None, "property_fields": [ENTRY]}, id="an empty column"),
        pytest.param({"property:m": "a", "property_fields": [ENTRY, BY_ID]}, id="others"),
        pytest.param({"property_fields": [ENTRY, ENTRY | {"property_value": None}]}, id="an empty entry"),
        pytest.param({"property_fields": []}, id="none"),
        pytest.param({"property:n": "a", "property_fields": None}, id="no list"),
        pytest.param({ID: "a", ID.upper().replace("PROPERTY_ID", "property_id"): None}, id="an empty spelling"),
    ],
)
def test_a_property_given_once_is_fine(properties):
    assert issues_of(PERSON | properties) == []


@pytest.mark.parametrize("schema", [None, dict, {}, pl.DataFrame, "ContactSchema"], ids=repr)
def test_what_is_no_schema_is_a_wrong_call(schema):
    with pytest.raises(UsageError, match="schema takes"):
        validate_contacts(pl.DataFrame([PERSON]), schema=schema)


@pytest.mark.parametrize("column", ["email_opt_in", "mobile_opt_in"])
def test_yes_beside_no_for_one_contact_refuses_the_yes(column):
    person = PERSON | {"mobile_country_code": 44, "mobile_number": 7700900123}
    rows = [person | {column: True}, person | {column: False}, person | {column: None}]
    validation = validate_contacts(pl.DataFrame(rows))
    assert validation.issues.filter(pl.col("severity") == "error").select("row", "column", "rule").rows() == [
        (0, column, "consent_conflict")
    ]
    assert validation.valid["mb_row"].to_list() == [1, 2]


PHONE = {"mobile_country_code": 44, "mobile_number": 7700900123}
YES, BY_ID, NO = "opt_in_without_address", "opt_in_by_contact_id", "opt_out_without_address"


@pytest.mark.parametrize(
    ("row", "column", "found"),
    [
        pytest.param(PHONE, "email_opt_in", {True: YES, False: NO}, id="a phone alone"),
        pytest.param(PERSON, "mobile_opt_in", {True: YES, False: NO}, id="an e-mail alone"),
        pytest.param({"contact_id": 7}, "email_opt_in", {True: BY_ID, False: NO}, id="a contact id"),
        pytest.param({"contact_id": 7} | PHONE, "email_opt_in", {True: BY_ID, False: NO}, id="id and phone"),
        pytest.param({}, "mobile_opt_in", {True: YES}, id="nobody"),
        pytest.param(PHONE, "mobile_opt_in", {}, id="its own phone"),
        pytest.param(PERSON, "email_opt_in", {}, id="its own e-mail"),
        pytest.param({"email": " "} | PHONE, "email_opt_in", {True: YES, False: NO}, id="a blank e-mail"),
        pytest.param({"email": "ada@"} | PHONE, "email_opt_in", {}, id="an e-mail that is wrong itself"),
        pytest.param({"mobile_number": "x"} | PERSON, "mobile_opt_in", {}, id="a phone that can't be read"),
        pytest.param({"mobile_country_code": 44} | PERSON, "mobile_opt_in", {}, id="half a phone"),
        pytest.param({"unread:email": "unread: x"} | PHONE, "email_opt_in", {}, id="an unread e-mail"),
    ],
)
def test_an_opt_in_needs_the_address_that_it_is_about(row, column, found):
    for said in (True, False, None):
        about = [rule for _, name, rule in issues_of(row | {column: said}) if name == column]
        assert about == ([found[said]] if said in found else []), said


def test_a_yes_without_its_address_is_said_with_the_next_step():
    rows = {"mobile_country_code": [44, 44], "mobile_number": [7700900123, 7700900124], "email_opt_in": [True, False]}
    issues = validate_contacts(pl.DataFrame(rows)).issues
    assert issues.select("row", "severity").rows() == [(0, "error"), (1, "warning")]
    assert "add the contact_id" in issues["message"][0]
    assert "whatever contact the row's contact_id, mobile or e-mail finds" in issues["message"][1]
    assert issues["suggestion"].to_list() == [None, None]


# --- the issues -----------------------------------------------------------------------------------


def test_all_problems_of_all_rows_are_found_in_one_pass():
    frame = pl.DataFrame(
        {
            "email": ["ada", None, "ok@example.com", "b\u200b@b@example.com"],
            "contact_id": ["x", None, "7", "0"],
            "email_opt_in": ["perhaps", "2", "yes", None],
            "property:X": ["a", "b", "c", "d"],
        }
    )
    validation = validate_contacts(frame)
    IssuesSchema.validate(validation.issues)
    assert validation.issues.select("row", "column", "rule").rows() == [
        (0, "email", "email_syntax"),
        (0, "contact_id", "not_an_integer"),
        (0, "email_opt_in", "not_yes_or_no"),
        (1, None, "no_identifier"),
        (1, "email_opt_in", "not_yes_or_no"),
        (3, "email", "email_invisible"),
        (3, "email", "email_syntax"),
        (3, "contact_id", "out_of_range"),
    ]
    assert validation.valid["mb_row"].to_list() == [2]
    assert validation.invalid["mb_row"].to_list() == [0, 1, 3]
    assert validation.issues["value"].to_list() == [
        "ada",
        "x",
        "perhaps",
        None,
        "2",
        "b\u200b@b@example.com",
        "b\u200b@b@example.com",
        "0",
    ]


def test_every_rule_says_how_to_mend_it():
    for rule in RULES.values():
        assert len(rule.message) > 20
        assert rule.message.count(";") >= 1 or ":" in rule.message or "check" in rule.message, rule.code


@pytest.mark.parametrize(
    ("found", "suggestion"),
    [
        pytest.param("ada\u200b@example.com", "ada@example.com", id="invisible"),
        pytest.param(" ada@example.com\u00a0", "ada@example.com", id="space around"),
        pytest.param("jose\u0301@example.com", "jos\u00e9@example.com", id="normal form"),
        pytest.param("ada", None, id="nothing to suggest"),
        pytest.param("ada@еxample.com", None, id="look-alike"),
    ],
)
def test_a_suggestion_is_a_value_that_would_pass(found, suggestion):
    issues = validate_contacts(pl.DataFrame({"email": [found]})).issues
    assert issues.filter(pl.col("rule") != "email_look_alike")["suggestion"].drop_nulls().unique().to_list() == [
        *([suggestion] if suggestion else [])
    ]
    if suggestion is not None:
        assert issues_of({"email": suggestion}) == []


def test_the_value_is_the_cell_as_found_whatever_its_type():
    frame = pl.DataFrame(
        {"email": pl.Series([[1]]), "contact_id": [1.5], "list_id": pl.Series(["x"], dtype=pl.Categorical)}
    )
    found = dict(validate_contacts(frame).issues.select("column", "value").iter_rows())
    assert found == {"email": "<List>", "contact_id": "1.5", "list_id": "x"}


def test_a_frame_without_issues_has_an_empty_issues_frame():
    issues = validate_contacts(pl.DataFrame([PERSON])).issues
    assert issues.is_empty()
    assert dict(issues.schema) == ISSUES


# --- frames ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [pl.DataFrame(), pl.DataFrame({"email": []}), pl.DataFrame(schema={"contact_id": pl.Int8, "note": pl.Binary})],
    ids=["no columns", "null column", "no rows"],
)
def test_an_empty_frame_is_valid(frame):
    validation = validate_contacts(frame)
    assert validation.ok
    assert validation.headline.startswith("0 contacts")
    assert validation.valid.columns == [*frame.columns, "mb_row"]


@pytest.mark.parametrize(
    "contacts", [None, [PERSON], pl.LazyFrame([PERSON]), pl.Series([1])], ids=["none", "list", "lazy", "series"]
)
def test_what_is_no_frame_is_an_error_of_the_call(contacts):
    with pytest.raises(FrameError, match="polars DataFrame"):
        validate_contacts(contacts)


def test_frames_as_polars_reads_them_are_judged_by_the_declared_rules():
    text = b"email,mobile_country_code,mobile_number,email_opt_in,contact_id,property:Shoe size\nada@example.com,+47,93454496,1,7,40\n"  # noqa: E501
    guessed, as_text = pl.read_csv(text), pl.read_csv(text, infer_schema=False)
    payloads = [build_payloads(validate_contacts(frame).valid)["payload"].item() for frame in (guessed, as_text)]
    assert payloads[0] == payloads[1]
    assert payloads[0].startswith(
        '{"contactId":7,"mobileCountryCode":47,"mobileNumber":93454496,"email":"ada@example.com"'
    )


def test_other_columns_are_carried_along_whatever_they_hold():
    odd = {"": [1], "^.*$": ["x"], "photo": [b"\xff"], "thing": pl.Series([object()], dtype=pl.Object), "l": [[1]]}
    for email in ("ada@example.com", None):
        frame = pl.DataFrame({"email": pl.Series([email], dtype=pl.String)} | odd)
        validation = validate_contacts(frame)
        part = validation.valid if email else validation.invalid
        assert part.columns == [*frame.columns, "mb_row"]
        assert part["photo"].item() == b"\xff"


def test_positions_are_counted_anew_where_the_frame_has_row_numbers():
    frame = pl.DataFrame({"mb_row": [7, 9], "email": ["ada@example.com", "x"]})
    validation = validate_contacts(frame)
    assert validation.valid["mb_row"].to_list() == [0]
    assert validation.issues["row"].to_list() == [1]


def test_mending_an_unread_cell_and_validating_again_passes():
    frame = pl.DataFrame(PERSON | {"contact_id": "abc"})
    refused = validate_contacts(frame).invalid
    assert refused["unread:contact_id"].to_list() == ["not_an_integer: abc"]
    assert not validate_contacts(refused).ok
    mended = refused.with_columns(pl.lit(7, dtype=pl.Int64).alias("contact_id"))
    assert validate_contacts(mended).valid["contact_id"].to_list() == [7]
    assert validate_contacts(refused.drop("unread:contact_id")).ok


def test_a_users_own_column_that_only_sounds_like_a_note_is_carried_along():
    validation = validate_contacts(pl.DataFrame(PERSON | {"unread:messages": 5}))
    assert validation.valid["unread:messages"].to_list() == [5]


def test_a_note_in_a_users_own_words_still_refuses_the_row():
    frame = pl.DataFrame({"email": pl.Series([None], dtype=pl.String), "unread:email": ["who: is this"]})
    assert validate_contacts(frame).issues.select("column", "value", "rule").rows() == [
        ("email", "who: is this", "unread")
    ]


@pytest.mark.slow
@given(
    st.fixed_dictionaries(
        {
            "email": st.none() | st.sampled_from(["a@example.com", " ", "", "\u200b"]),
            "email_opt_in": st.none() | st.sampled_from(["", " ", "yes", "\ufeff"]),
            "contact_id": st.sampled_from(["1", "2"]),
            "property:A": st.none() | st.text("a \t\n\u00a0\u200b", max_size=3),
        }
    )
)
def test_a_blank_is_never_sent_and_never_keeps_a_row_back(row):
    validation = validate_contacts(pl.DataFrame([row], infer_schema_length=1))
    assert validation.ok
    valid = validation.valid.row(0, named=True)
    for column, cell in row.items():
        is_blank = cell is None or not cell.strip(" \t\n\u00a0\u200b\ufeff")
        assert (valid[column] is None) == is_blank
    assert '""' not in build_payloads(validation.valid)["payload"].item()


# --- the summary ----------------------------------------------------------------------------------

HOSTILE = "<img src=x onerror=alert(1)>\"'&\x1b[31m\u202e"


class Hostile(ContactSchema):
    """A user's own names and words, which nobody escaped."""

    size: Optional[pl.String] = pa.Field(alias=f"property:{HOSTILE}", nullable=True)

    @pa.check(f"property:{HOSTILE}", name=HOSTILE, error=HOSTILE)
    def _fails(cls, data):
        return data.lazyframe.select(pl.col(data.key).is_null())


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag, attrs):  # noqa: ARG002
        self.tags.add(tag)

    def handle_data(self, data):
        self.text += data


def test_the_summary_obeys_no_name_that_a_user_gave():
    frame = pl.DataFrame(PERSON | {f"property:{HOSTILE}": "secret cell"})
    validation = validate_contacts(frame, schema=Hostile)
    page = validation._repr_html_()
    parsed = _Tags()
    parsed.feed(page)
    assert parsed.tags <= {"div", "p", "strong", "table", "thead", "tbody", "tr", "th", "td"}
    assert HOSTILE in parsed.text
    shown = repr(validation)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "\\x1b[31m" in shown
    assert "secret cell" not in page + shown


def test_the_summary_counts_rows_by_rule():
    frame = pl.DataFrame({"email": ["x", "y", "ok@example.com", "ok@example.com", None]})
    validation = validate_contacts(frame)
    assert validation.headline == "5 contacts: 2 can be sent, 3 can't; 2 with a warning"
    assert validation.counts.select("rule", "severity", "rows", "column", "first_row").rows() == [
        ("email_syntax", "error", 2, "email", 0),
        ("no_identifier", "error", 1, None, 4),
        ("duplicate_identifier", "warning", 2, "email", 2),
    ]
    assert repr(validation).splitlines()[0] == validation.headline
    assert "x" not in repr(validation).split()


def test_a_word_in_place_of_an_address_makes_nobody_the_same_person():
    frame = pl.DataFrame({"email": ["unknown", "unknown"], "email_opt_in": [True, False]})
    assert validate_contacts(frame).issues["rule"].to_list() == ["email_syntax", "email_syntax"]
