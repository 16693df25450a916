"""Which rows are about one contact, held against a plain search, and what that means for consent."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit import upsert_contacts, validate_contacts
from mbtoolkit.cleaning import find_duplicates
from mbtoolkit.schemas import shared_identifiers

ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(1, 5),
        st.none() | st.integers(1, 5),
        st.none() | st.sampled_from(["a", "A", "b", "c", "c\u200b", " d", "d"]),
    ),
    max_size=30,
)


def frame_of(rows):
    return pl.DataFrame(
        {
            "contact_id": pl.Series([row[0] for row in rows], dtype=pl.Int64),
            "mobile_country_code": pl.Series([44] * len(rows), dtype=pl.Int32),
            "mobile_number": pl.Series([row[1] for row in rows], dtype=pl.Int64),
            "email": pl.Series([row[2] and f"{row[2]}@example.com" for row in rows], dtype=pl.String),
        }
    )


def keys_of(row):
    email = row[2] and row[2].lower().replace("\u200b", "").strip()
    return {key for key in (("id", row[0]), ("mobile", row[1]), ("email", email)) if key[1] is not None}


def components(rows):
    """The first row that each row hangs together with, by spreading the least number until nothing changes."""
    keys = [keys_of(row) for row in rows]
    first = list(range(len(rows)))
    changed = True
    while changed:
        changed = False
        for one in range(len(rows)):
            for other in range(len(rows)):
                if keys[one] & keys[other] and first[other] < first[one]:
                    first[one], changed = first[other], True
    return first


@given(ROWS)
def test_components_are_those_of_a_plain_search(rows):
    shared = shared_identifiers(frame_of(rows))
    expected = components(rows)
    assert [component for _, component in shared.select("row", "component").iter_rows()] == [
        expected[row] for row in shared["row"]
    ]
    alone = set(range(len(rows))) - set(shared["row"])
    assert all(not keys_of(rows[row]) & keys_of(other) for row in alone for n, other in enumerate(rows) if n != row)


def test_groups_are_numbered_by_their_first_row():
    shared = shared_identifiers(frame_of([(None, None, "z"), (1, None, "a"), (2, 7, "A"), (1, 7, None)]))
    assert sorted(shared.select("identifier", "group", "row").rows()) == [
        ("contact_id", 1, 1),
        ("contact_id", 1, 3),
        ("email", 1, 1),
        ("email", 1, 2),
        ("mobile", 2, 2),
        ("mobile", 2, 3),
    ]
    assert shared["component"].unique().to_list() == [1]


def test_a_no_holds_through_a_third_row():
    frame = pl.DataFrame(
        {
            "email": ["x@example.com", "x@example.com", None],
            "mobile_country_code": [None, 44, 44],
            "mobile_number": [None, 7700900123, 7700900123],
            "email_opt_in": [False, None, True],
        }
    )
    validation = validate_contacts(frame)
    conflicts = validation.issues.filter(pl.col("rule") == "consent_conflict")
    assert conflicts.select("row", "column").rows() == [(2, "email_opt_in")]
    assert validation.valid["mb_row"].to_list() == [0, 1]


def test_a_no_of_somebody_else_holds_nobody_back():
    frame = pl.DataFrame({"email": ["a@example.com", "b@example.com"], "email_opt_in": [False, True]})
    assert validate_contacts(frame).ok


@pytest.mark.parametrize(
    "written",
    ["x\u200b@example.com", " X@example.com ", "x@exam\u00adple.com", "x@example.com\n", "x@example.com\u2060"],
)
def test_the_no_of_an_address_that_has_to_be_mended_is_heard(written):
    frame = pl.DataFrame({"email": [written, "x@example.com"], "email_opt_in": ["no", "yes"]})
    validation = validate_contacts(frame)
    assert validation.valid.is_empty()
    assert (1, "consent_conflict") in validation.issues.select("row", "rule").rows()


def test_forms_of_unicode_are_one_address():
    frame = pl.DataFrame({"email": ["ren\u00e9@example.com", "rene\u0301@example.com"], "email_opt_in": [False, True]})
    assert (1, "consent_conflict") in validate_contacts(frame).issues.select("row", "rule").rows()


@pytest.mark.parametrize(
    "written",
    [
        "x@xn--bcher-kva.example",
        "X@XN--BCHER-KVA.Example",
        "x@B\u00dcCHER.example",
        "x@bu\u0308cher.example",
        "x@b\u00fccher\uff0eexample",
        "x@\uff42\u00fccher.example",
    ],
)
def test_a_domain_in_its_ascii_form_is_the_same_domain(written):
    frame = pl.DataFrame({"email": [written, "x@b\u00fccher.example"], "email_opt_in": [False, True]})
    assert (1, "consent_conflict") in validate_contacts(frame).issues.select("row", "rule").rows()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x@xn--i-7iq.example", "x@i\u2764.example"),
        ("x@xn--strae-oqa.example", "x@stra\u00dfe.example"),
        ("J\u030c@example.com", "\u01f0@example.com"),
        ("x@mail.xn--bcher-kva.example", "x@mail.b\u00fccher.example"),
    ],
    ids=["not allowed by IDNA 2008", "sharp s", "a letter that has no capital of its own", "a name below it"],
)
def test_forms_of_one_address_are_one_identifier(one, other):
    shared = shared_identifiers(pl.DataFrame({"email": [one, other]}))
    assert shared.select("row", "group").rows() == [(0, 0), (1, 0)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x@strasse.example", "x@stra\u00dfe.example"),
        ("stra\u00dfe@example.com", "strasse@example.com"),
        ("x@xn--example-.com", "x@example.com"),
        ("x@xn--\u00fc.example", "x@\u00fc.example"),
        ("x@b\u00fccher.example", "x@bucher.example"),
        ("xn--bcher-kva@example.com", "b\u00fccher@example.com"),
        ("x@xn--" + "a" * 500 + ".example", "x@xn--" + "a" * 501 + ".example"),
        ("x@xn--99999999.example", "x@xn--99999998.example"),
    ],
)
def test_other_addresses_stay_others(one, other):
    assert shared_identifiers(pl.DataFrame({"email": [one, other]})).is_empty()


@pytest.mark.slow
def test_one_contact_in_two_forms_of_its_domain_is_sent_one_after_the_other(crm, client):
    frame = pl.DataFrame({"email": ["x@b\u00fccher.example", "x@xn--bcher-kva.example"], "email_opt_in": [False, True]})
    results = upsert_contacts(frame, client)
    assert results["mb_code"].to_list() == [None, "consent_conflict"]
    assert find_duplicates(frame)["cluster"].n_unique() == 1
