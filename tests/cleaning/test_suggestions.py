"""Suggestions: what is obviously meant is suggested, what isn't is not, and applying them changes nothing else."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mbtoolkit
from mbtoolkit import apply_suggestions, read_contacts, validate_contacts
from mbtoolkit.cleaning import Applied
from mbtoolkit.cleaning.shown import NOTED_RULE
from mbtoolkit.contacts import OPT_INS
from mbtoolkit.errors import FrameError, UsageError
from mbtoolkit.schemas.conform import conform
from mbtoolkit.schemas.frames import ISSUES
from mbtoolkit.sessions.editing import Edits

UUID = "9fc6ad7d-902a-4834-b161-a4911b883d44"
BARE = UUID.replace("-", "")
COLUMNS = ("list_id", "contact_id", "mobile_country_code", "mobile_number", "mobile_opt_in", "email", "email_opt_in")


def read(**row: str | None) -> pl.DataFrame:
    """One row, read as a file is read."""
    return read_contacts(pl.DataFrame({name: pl.Series([cell], dtype=pl.String) for name, cell in row.items()}))


def suggested(contacts: pl.DataFrame, column: str, rule: str) -> str | None:
    about = (pl.col("column") == column) & (pl.col("rule") == rule)
    return validate_contacts(contacts).issues.filter(about)["suggestion"].item()


# --- what is suggested ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "suggestion"),
    [
        ("Ada Lovelace <ada@EXAMPLE.com>", "ada@example.com"),
        ("mailto:ada@example.com?subject=Hello", "ada@example.com"),
        ('"ada@example.com"', "ada@example.com"),
        ("'ada@example.com'", "ada@example.com"),
        ("ada@example.com.", "ada@example.com"),
        ('"ada@example.com" <ada@example.com>', "ada@example.com"),
        ("ada@example.com; ADA@example.com", "ada@example.com"),
        ("ada@@example.com", "ada@example.com"),
        ("ada @example.com", "ada@example.com"),
        ("ada@ example.com", "ada@example.com"),
        ("ada..b@example.com", "ada.b@example.com"),
        ("ada@example..com", "ada@example.com"),
        ("ada (at) example.com", "ada@example.com"),
        ("ada@example,com", "ada@example.com"),
        ("ada@@gmial.com", "ada@gmial.com"),
        ("Ada\tada@example.com", "ada@example.com"),
        ("ada@example.com\nOslo", "ada@example.com"),
        ("1\tada@example.com", "ada@example.com"),
        ("ada@example.com\nADA@example.com", "ada@example.com"),
        ("ada@exam\nple.com", None),
        ("ada\n@example.com", None),
        ("ada@example.com\n.au", None),
        ("Ada lovelace\tada lovelace@example.com", None),
        ("ada@example.com\tbob@example.com", None),
        ("O\x92Neil@example.com", None),
        ("ada", None),
        ("ada@example", None),
        ("my ada@example.com", None),
        ("ada@home@example.com", None),
        ("ada@example.com, bob@example.com", None),
        ("bob@example.com <ada@example.com>", None),
        ("ada@example.com bob (at) example.com", None),
        ("mailto:ada@example.com?cc=bob@example.com", None),
        ("Dr. ada@example.com", None),
        ("ada@example.com. Thanks", None),
        ("ada.@example.com", None),
        ("ada@@example.con", None),
        ("ada@example.com,no", None),
        ("Ada <ada@\u0435xample.com>", None),
    ],
)
def test_an_address_is_suggested_where_only_one_can_be_meant(found, suggestion):
    assert suggested(pl.DataFrame({"email": [found]}), "email", "email_syntax") == suggestion


def test_all_issues_of_an_address_suggest_the_same():
    issues = validate_contacts(pl.DataFrame({"email": ["ada\u200b@@example.com"]})).issues
    assert issues.select("rule", "suggestion").rows() == [
        ("email_invisible", "ada@example.com"),
        ("email_syntax", "ada@example.com"),
    ]


def test_a_domain_typed_wrong_is_no_issue_and_not_mended():
    contacts = pl.DataFrame({"email": ["ada@gmial.com"]})
    assert validate_contacts(contacts).issues.is_empty()
    assert apply_suggestions(contacts, validate_contacts(contacts).issues).contacts.equals(contacts)


@pytest.mark.parametrize(
    ("code", "found", "rule", "suggestion"),
    [
        ("47", "93O 54 496", "phone_unreadable", "+47 93054496"),
        (None, "+47 93o54496", "phone_unreadable", "+47 93054496"),
        (None, "93O 54 496", "phone_unreadable", None),
        ("47", "93l 54 496", "phone_unreadable", None),
        ("47", "9345449 o", "phone_unreadable", None),
        ("47", "see note", "phone_unreadable", None),
        ("47", "Tlf.: 934 54 496", "phone_unreadable", "+47 93454496"),
        (None, "mob +47 934 54 496", "phone_unreadable", "+47 93454496"),
        ("47", "934 54 496 (mobil)", "phone_unreadable", "+47 93454496"),
        ("47", "fax 934 54 496", "phone_unreadable", None),
        ("47", "tlf 934 54 496 spør etter Bo", "phone_unreadable", None),
        ("47", "mobil", "phone_unreadable", None),
        ("47", "OOO OO OOO", "phone_unreadable", None),
        ("46", "+47 93O54496", "phone_unreadable", None),
        ("call", "+47 93O54496", "phone_unreadable", None),
        ("(+47)", "93O 54 496", "phone_unreadable", "+47 93054496"),
        ("47", "934 54 496 ext. 12", "phone_extension", "+47 93454496"),
        (None, "+47 934 54 496 x12", "phone_extension", "+47 93454496"),
        (None, "934 54 496 x12", "phone_extension", None),
        ("46", "+47 934 54 496 x12", "phone_extension", None),
        ("47", "934 54 496 / +47 93454496", "phone_several", "+47 93454496"),
        ("47", "934 54 496 / 934 54 497", "phone_several", None),
        ("47", "934 54 496 / 934 54 496 / 12", "phone_several", None),
        ("47", "934 54 496 / 934 54 496 / mother", "phone_several", None),
        ("47", "93454496.0", "number_as_float", None),
        ("46", "+47 934 54 496", "country_code_disagrees", None),
    ],
)
def test_a_number_is_suggested_where_only_one_can_be_meant(code, found, rule, suggestion):
    contacts = read(mobile_country_code=code, mobile_number=found)
    assert suggested(contacts, "mobile_number", rule) == suggestion


@pytest.mark.parametrize(
    ("code", "found", "suggestion"),
    [
        ("47", "934 54 496", "+47 93454496"),
        (None, "+47 934 54 496", "+47 93454496"),
        ("47", "934 54 496 ext 7", "+47 93454496"),
        ("47", "934 54 496 / 93454496", "+47 93454496"),
        ("46", "+47 934 54 496", None),
        (None, "934 54 496", None),
    ],
)
def test_a_number_as_written_in_a_frame_that_was_not_read_is_suggested(code, found, suggestion):
    contacts = pl.DataFrame({"mobile_country_code": [code], "mobile_number": [found]}).cast(pl.String)
    assert suggested(contacts, "mobile_number", "not_an_integer") == suggestion


def test_a_number_has_no_suggestion_without_a_column_for_its_country_code():
    contacts = pl.DataFrame({"mobile_number": ["+47 934 54 496"]})
    assert suggested(contacts, "mobile_number", "not_an_integer") is None


@pytest.mark.parametrize(
    ("code", "number", "rule", "suggestion"),
    [
        ("(+47)", "93454496", "not_an_integer", "47"),
        ("47.0", "93454496", "number_as_float", "47"),
        ("NO", "93454496", "not_an_integer", "47"),
        ("Norway", "93454496", "not_an_integer", "47"),
        ("UK", "2071838750", "not_an_integer", "44"),
        ("NO", "07700900123", "not_an_integer", None),
        ("no", "93454496", "not_an_integer", None),
        ("NA", "811234567", "not_an_integer", None),
        ("(999)", "93454496", "not_an_integer", None),
        ("4.7E+01", "93454496", "number_as_float", None),
        ("call", "93454496", "not_an_integer", None),
        ("NO", None, "not_an_integer", ""),
        ("47", None, "number_missing", ""),
    ],
)
def test_a_country_code_is_suggested_where_it_fits_the_number(code, number, rule, suggestion):
    contacts = pl.DataFrame({"mobile_country_code": [code], "mobile_number": [number]}).cast(pl.String)
    contacts = contacts.with_columns(pl.col("mobile_number").str.strip_prefix("0"))
    assert suggested(contacts, "mobile_country_code", rule) == suggestion


def test_a_country_code_that_the_unread_number_contradicts_has_no_suggestion():
    contacts = pl.DataFrame({"mobile_country_code": ["(47)"], "mobile_number": ["+46 70 174 06 05"]})
    assert suggested(contacts, "mobile_country_code", "not_an_integer") is None


def test_an_empty_suggestion_taken_in_the_grid_empties_the_cell():
    edits = Edits(pl.DataFrame({"mobile_country_code": [47], "mobile_number": [None], "email": ["ada@example.com"]}))
    edits.apply_suggestion(0, "mobile_country_code")
    assert edits.contacts["mobile_country_code"].to_list() == [None]
    assert edits.issues.is_empty()


def test_country_codes_without_a_column_of_numbers_have_no_suggestion():
    contacts = pl.DataFrame({"mobile_country_code": [47], "email": ["ada@example.com"]})
    assert suggested(contacts, "mobile_country_code", "number_missing") is None


@pytest.mark.parametrize(
    ("found", "rule", "suggestion"),
    [
        ("+7", "not_an_integer", "7"),
        ("0042", "not_an_integer", "42"),
        ("#15", "not_an_integer", "15"),
        ("'42'", "not_an_integer", "42"),
        ("\u201c42\u201d", "not_an_integer", "42"),
        ("42.0", "number_as_float", "42"),
        ("123456789012345.0", "number_as_float", "123456789012345"),
        ("1234567890123456.0", "number_as_float", None),
        ("42.000", "number_as_float", None),
        ("42.5", "number_as_float", None),
        ("1.23E+05", "number_as_float", None),
        ("1 024", "not_an_integer", None),
        ("id 77", "not_an_integer", None),
        ("000", "not_an_integer", None),
        ("+9223372036854775808", "not_an_integer", None),
    ],
)
def test_an_id_is_suggested_where_all_its_digits_are_there(found, rule, suggestion):
    assert suggested(pl.DataFrame({"contact_id": [found]}), "contact_id", rule) == suggestion


@pytest.mark.parametrize(
    ("found", "is_known"),
    [
        ("{" + UUID + "}", True),
        ("urn:uuid:" + UUID, True),
        (BARE.upper(), True),
        (UUID.replace("-", "\u2013"), True),
        (UUID.replace("-", " - "), True),
        (f" {{ {UUID} }}\n", True),
        (f'"{UUID}"', True),
        (UUID[:-1], False),
        (UUID + "0", False),
        ("g" + UUID[1:], False),
        (BARE[:8] + "-" + BARE[8:], False),
        ("VIP", False),
    ],
)
def test_a_uuid_is_suggested_in_its_canonical_form(found, is_known):
    assert suggested(pl.DataFrame({"list_id": [found]}), "list_id", "not_a_uuid") == (UUID if is_known else None)


@pytest.mark.parametrize("word", ["maybe", "yes please", "Y/N", "2", "ye", "nope"])
def test_a_consent_is_never_suggested(word):
    contacts = pl.DataFrame({"email": ["ada@example.com"], "email_opt_in": [word], "mobile_opt_in": [word]})
    assert validate_contacts(contacts).issues["suggestion"].to_list() == [None, None]


# --- any frame ------------------------------------------------------------------------------------


def cells(*known: str, letters: str) -> st.SearchStrategy[str | None]:
    return st.one_of(st.none(), st.sampled_from(known), st.text(letters, max_size=14))


MESSY = {
    "list_id": cells(UUID, "{" + UUID + "}", BARE, UUID.replace("-", "\u2014"), "urn:uuid:" + UUID, letters="9f- {}"),
    "contact_id": cells("7", "+7", "007", "#15", "42.0", "42.00", "1.5", "1e5", "'9'", "0", "-3", letters="01#+.,'\" "),
    "mobile_country_code": cells(
        "47", "(+47)", "0047", "47.0", "NO", "Norway", "US", "call", "999", "0", "(46)", "+1", letters="0147+(). NO"
    ),
    "mobile_number": cells(
        *("93454496", "+47 934 54 496", "93O 54 496", "+47 93O54496 x1", "934 54 496 ext 7", "+46 70 174 06 05"),
        *("934 54 496 / 93454496", "934 54 496, 93454497", "0701740605", "004793454496", "9.3454496E+7", "note", "-5"),
        letters="0123456789oO+()/ x.",
    ),
    "mobile_opt_in": cells("yes", "no", "maybe", letters="yn1 "),
    "email": cells(
        *("ada@example.com", "Ada <ada@example.com>", "ada@@example.com", "ada\u200b@example.com", "ADA @example.com"),
        *("jose\u0301@example.com", "ada@\u0435xample.com", "a@example.com; a@example.com", "ada..b@example,com"),
        letters="a@.,; <>\u200b\u0301\"'b",
    ),
    "email_opt_in": cells("yes", "no", "perhaps", letters="yn0 "),
    "property:City": cells("Oslo", " Hamar ", letters="ab "),
}
ROWS = st.lists(st.fixed_dictionaries(MESSY), min_size=1, max_size=4)
KEPT = st.lists(st.sampled_from(list(MESSY)), min_size=4, unique=True)


@st.composite
def frames(draw: st.DrawFn) -> pl.DataFrame:
    """Messy contacts, as found or as read."""
    rows = draw(ROWS)
    kept = {"email", *draw(KEPT)}
    found = pl.DataFrame(rows, schema=dict.fromkeys(MESSY, pl.String)).select(name for name in MESSY if name in kept)
    found = found.with_columns(pl.int_range(pl.len()).alias("note"))
    return read_contacts(found) if draw(st.booleans()) else found


def readings(frame: pl.DataFrame) -> pl.DataFrame:
    """Every cell of a conformed frame as text; what could not be converted as it was found."""
    conformed = conform(frame)
    names = [name for name in conformed.columns if not name.startswith("unread:")]
    return conformed.select(
        pl.coalesce(
            pl.col(name).cast(pl.String),
            *[
                pl.col(beside).str.replace(NOTED_RULE, "")
                for beside in [f"unread:{name}"]
                if beside in conformed.columns
            ],
        )
        for name in names
    )


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(frames())
def test_a_suggestion_typed_into_its_cell_passes(contacts):
    for row, column, suggestion in (
        validate_contacts(contacts).issues.drop_nulls("suggestion").select("row", "column", "suggestion").iter_rows()
    ):
        edits = Edits(contacts)
        edits.edit(row, column, suggestion)
        about = (pl.col("row") == row) & (pl.col("column") == column) & (pl.col("severity") == "error")
        assert edits.issues.filter(about, pl.col("rule") != "phone_too_long").is_empty(), (column, suggestion)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(frames())
def test_applying_suggestions_keeps_its_promises(contacts):
    issues = validate_contacts(contacts).issues
    applied = apply_suggestions(contacts, issues)
    assert applied.contacts.height == contacts.height
    assert [name for name in applied.contacts.columns if not name.startswith("unread:")] == [
        name for name in contacts.columns if not name.startswith("unread:")
    ]

    # Every row passes or is an issue.
    after = validate_contacts(applied.contacts)
    refused = set(after.issues.filter(pl.col("severity") == "error")["row"])
    assert refused | set(after.valid["mb_row"]) == set(range(contacts.height))
    assert not refused & set(after.valid["mb_row"])

    # Nothing but the named cells changed, and consent never did.
    one, other = readings(contacts), readings(applied.contacts)
    changed = {
        (row, name) for name in one.columns for row in one[name].ne_missing(other[name]).arg_true() if name != "row"
    }
    assert changed == set(applied.changes.select("row", "column").iter_rows())
    assert not {name for _, name in changed} & {*OPT_INS, "property:City", "note"}
    named = set(issues.drop_nulls("suggestion")["row"])
    assert {row for row, _ in changed} <= named

    # What is told of the rest is the rest.
    assert applied.left.height + issues["suggestion"].count() >= issues.height
    assert applied.left.join(issues, on=list(ISSUES), how="anti", nulls_equal=True).is_empty()

    # Once more changes nothing, whether by the same issues or by new ones.
    for again in (issues, after.issues):
        twice = apply_suggestions(applied.contacts, again)
        assert twice.contacts.equals(applied.contacts)
        assert twice.changes.is_empty()


# --- applying them --------------------------------------------------------------------------------


@pytest.fixture
def messy() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "contact_id": ["1", "#2", None, "x"],
            "email": ["ada@@example.com", "bob@example.com", "cy\u200bd@@example.com", None],
            "mobile_country_code": ["(+47)", None, "47", "46"],
            "mobile_number": ["93454496", "+47 93O54497", None, "701740605"],
            "email_opt_in": ["yes", "perhaps", "no", None],
            "note": [" a ", "b", "c", "d"],
        }
    )


@pytest.mark.slow
def test_what_was_changed_and_what_is_left_is_told(messy):
    issues = validate_contacts(messy).issues
    applied = apply_suggestions(messy, issues)
    assert applied.changes.rows() == [
        (0, "email", "email_syntax", "ada@@example.com", "ada@example.com"),
        (0, "mobile_country_code", "not_an_integer", "(+47)", "47"),
        (1, "contact_id", "not_an_integer", "#2", "2"),
        (1, "mobile_country_code", "not_an_integer", None, "47"),
        (1, "mobile_number", "not_an_integer", "+47 93O54497", "93054497"),
        (2, "email", "email_invisible", "cy\u200bd@@example.com", "cyd@example.com"),
        (2, "mobile_country_code", "number_missing", "47", None),
    ]
    assert applied.left.select("row", "column", "rule").rows() == [
        (1, "email_opt_in", "not_yes_or_no"),
        (3, "contact_id", "not_an_integer"),
    ]
    assert applied.headline == "mended 7 cells in 3 rows; 2 issues are left"
    assert applied.contacts["note"].to_list() == messy["note"].to_list()
    assert "unread:mobile_number" not in applied.contacts.columns


@pytest.mark.slow
def test_a_frame_that_was_read_is_mended_likewise(messy):
    contacts = read_contacts(messy)
    applied = apply_suggestions(contacts, validate_contacts(contacts).issues)
    assert applied.contacts.select("mobile_country_code", "mobile_number").rows() == [
        (47, 93454496),
        (47, 93054497),
        (None, None),
        (46, 701740605),
    ]


def test_a_number_that_waits_for_its_country_code_is_told_with_it():
    contacts = read(mobile_country_code="(+47)", mobile_number="934 54 496")
    applied = apply_suggestions(contacts, validate_contacts(contacts).issues)
    assert applied.contacts.select("mobile_country_code", "mobile_number").row(0) == (47, 93454496)
    assert applied.changes.select("column", "before", "after").rows() == [
        ("mobile_country_code", "(+47)", "47"),
        ("mobile_number", "934 54 496", "93454496"),
    ]


@pytest.mark.slow
def test_a_cell_that_was_corrected_since_is_left_alone(messy):
    issues = validate_contacts(messy).issues
    corrected = messy.with_columns(email=pl.Series(["ann@example.com", *messy["email"][1:]]))
    applied = apply_suggestions(corrected, issues)
    assert applied.contacts["email"][0] == "ann@example.com"
    assert (0, "email") in applied.left.select("row", "column").rows()


def test_a_suggestion_that_was_changed_is_taken_and_one_that_was_blanked_is_not(messy):
    issues = validate_contacts(messy).issues.filter(pl.col("column") == "email")
    ours = issues.with_columns(pl.when(pl.col("row") == 0).then(pl.lit("ann@example.com")).alias("suggestion"))
    applied = apply_suggestions(messy, ours)
    assert applied.changes.select("row", "after").rows() == [(0, "ann@example.com")]
    assert applied.left["row"].unique().to_list() == [2]


def test_two_suggestions_for_one_cell_are_none(messy):
    issues = validate_contacts(messy).issues.filter(pl.col("row") == 0, pl.col("column") == "email")
    both = pl.concat([issues, issues.with_columns(suggestion=pl.lit("ann@example.com"))])
    applied = apply_suggestions(messy, both)
    assert applied.changes.is_empty()
    assert applied.left.height == 2


def test_a_suggestion_that_can_not_be_read_stays_beside_its_cell(messy):
    issues = validate_contacts(messy).issues.filter(pl.col("column") == "contact_id", pl.col("row") == 3)
    applied = apply_suggestions(messy, issues.with_columns(suggestion=pl.lit("y")))
    assert applied.changes.select("before", "after").rows() == [("x", "y")]
    assert applied.contacts["unread:contact_id"][3] == "not_an_integer: y"


def test_nothing_to_apply_gives_the_conformed_frame(messy):
    applied = apply_suggestions(messy, validate_contacts(messy).issues.clear())
    assert applied.contacts.equals(conform(messy))
    assert applied.headline == "mended 0 cells in 0 rows; 0 issues are left"


def test_one_is_one():
    contacts = pl.DataFrame({"email": ["ada@@example.com", "eve"]})
    assert apply_suggestions(contacts, validate_contacts(contacts).issues).headline == (
        "mended 1 cell in 1 row; 1 issue is left"
    )


@pytest.mark.slow
def test_no_cell_is_in_the_repr(messy):
    applied = apply_suggestions(messy, validate_contacts(messy).issues)
    assert isinstance(applied, Applied)
    assert repr(applied) == "<Applied: mended 7 cells in 3 rows; 2 issues are left>"


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        pytest.param(lambda issues: issues.lazy(), FrameError, "LazyFrame", id="no frame"),
        pytest.param(lambda issues: issues.drop("suggestion"), FrameError, "'suggestion'", id="no suggestions"),
        pytest.param(lambda issues: issues.cast({"row": pl.String}), FrameError, "'row'", id="rows as text"),
        pytest.param(lambda issues: issues.with_columns(row=4), FrameError, "from 0 to 3", id="a row too far"),
        pytest.param(lambda issues: issues.with_columns(row=-1), FrameError, "from 0 to 3", id="a row before"),
        pytest.param(
            lambda issues: issues.with_columns(row=pl.lit(None, dtype=pl.Int64)), FrameError, "names a row", id="no row"
        ),
        pytest.param(
            lambda issues: issues.with_columns(column=pl.lit("email_opt_in"), suggestion=pl.lit("yes")),
            UsageError,
            "consent",
            id="a consent",
        ),
    ],
)
def test_a_bad_call_is_an_error_that_quotes_no_cell(messy, change, error, says):
    issues = validate_contacts(messy).issues
    with pytest.raises(error, match=says) as caught:
        apply_suggestions(messy, change(issues))
    assert "example.com" not in str(caught.value)


def test_contacts_are_a_frame(messy):
    with pytest.raises(FrameError, match="contacts"):
        apply_suggestions(messy.lazy(), validate_contacts(messy).issues)


def test_the_name_is_public():
    assert mbtoolkit.apply_suggestions is apply_suggestions
