"""`normalize_email` over Series and expressions."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit.cleaning import normalize_email
from mbtoolkit.cleaning.email_domains import typing_errors
from mbtoolkit.cleaning.emails import EMAIL
from mbtoolkit.errors import UsageError
from mbtoolkit.schemas.emails import email_is_well_formed


def email(text, **options):
    return normalize_email(pl.Series("email", [text], dtype=pl.String), **options).to_list()[0]


@pytest.mark.parametrize(
    ("text", "address", "note"),
    [
        pytest.param("ada@example.com", "ada@example.com", None, id="as it should be"),
        pytest.param(" Ada.L@EXAMPLE.Com\n", "Ada.L@example.com", None, id="domain in lower case, the rest as it is"),
        pytest.param("mailto:ada@example.com?subject=hi", "ada@example.com", None, id="a link"),
        pytest.param("Ada L <ada@example.com>", "ada@example.com", "the name beside it left out", id="a name"),
        pytest.param('"L, Ada" <mailto:ada@example.com>;', "ada@example.com", "the name beside it left out", id="both"),
        pytest.param("<ada@example.com>,", "ada@example.com", None, id="marks around it"),
        pytest.param("ada@example.com.", "ada@example.com", None, id="a full stop"),
        pytest.param("ad\u200ba@example.com", "ada@example.com", "invisible characters removed", id="invisible"),
        pytest.param("jose\u0301@example.com", "jos\u00e9@example.com", None, id="in the usual Unicode form"),
        pytest.param("ada@BLÅBÆR.example", "ada@xn--blbr-roah.example", None, id="a domain beyond ASCII"),
        pytest.param(
            "ada@\uff45xample.com", "ada@example.com", "letters in the domain look like others", id="full-width"
        ),
        pytest.param(
            "a@\u0430pple.com", "a@xn--pple-43d.com", "letters in the domain look like others", id="alphabets"
        ),
        pytest.param("Info+x@example.com", "Info+x@example.com", "an office's address, not a person's", id="an office"),
        pytest.param("information@example.com", "information@example.com", None, id="no office"),
        pytest.param("a@in.mailinator.com", "a@in.mailinator.com", "a throw-away address", id="throw-away"),
        pytest.param("a@notmailinator.com", "a@notmailinator.com", None, id="not throw-away"),
    ],
)
def test_an_address_gets_its_usual_form(text, address, note):
    assert email(text) == {"email": address, "issue": None, "suggestion": None, "note": note}


@pytest.mark.parametrize(
    ("text", "rule", "suggestion"),
    [
        pytest.param("eve", "email_syntax", None, id="a word"),
        pytest.param("ada @ example.com", "email_syntax", "ada@example.com", id="spaces"),
        pytest.param("ada lovelace@example.com", "email_syntax", None, id="two words"),
        pytest.param("ada(at)EXAMPLE[dot]com", "email_syntax", "ada@example.com", id="(at)"),
        pytest.param("ada@@example.com", "email_syntax", "ada@example.com", id="two @"),
        pytest.param("ada@example..com", "email_syntax", "ada@example.com", id="two points"),
        pytest.param("ada@example,com", "email_syntax", "ada@example.com", id="a comma"),
        pytest.param("a" * 65 + "@example.com", "email_syntax", None, id="too long"),
        pytest.param("a@\u0301x.com", "email_syntax", None, id="a domain that IDNA does not allow"),
        pytest.param("a@example.com; b@example.com", "email_several", None, id="two"),
    ],
)
def test_what_is_no_address_is_told_and_never_mended_unasked(text, rule, suggestion):
    found = email(text)
    assert found["issue"].startswith(f"{rule}: ")
    assert (found["email"], found["suggestion"], found["note"]) == (None, suggestion, None)


def test_two_addresses_are_both_offered():
    assert email("Ada <a@example.com>/ b@example.org")["issue"].endswith("keep one: a@example.com or b@example.org")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("bob@gmial.com", "bob@gmail.com"),
        ("bob@GMAIL.CON", "bob@gmail.com"),
        ("bob@gmial.con", "bob@gmail.com"),
        ("bob@hotmial.com", "bob@hotmail.com"),
        ("bob@yaho.co.uk", "bob@yahoo.co.uk"),
        ("bob@outlook.cm", "bob@outlook.com"),
        ("bob@example.con", "bob@example.com"),
    ],
)
def test_a_typing_error_in_the_domain_is_suggested_and_mended_only_when_asked(text, meant):
    found = email(text)
    assert (found["email"], found["issue"], found["suggestion"]) == (text.lower(), None, meant)
    fixed = email(text, fix_typos=True)
    assert (fixed["email"], fixed["suggestion"]) == (meant, None)
    assert "taken for" in fixed["note"]


@pytest.mark.parametrize("domain", ["gmail.com", "mail.com", "ymail.com", "hotmail.no", "example.co", "live.com"])
def test_a_domain_that_exists_is_no_typing_error(domain):
    assert email(f"bob@{domain}") == {"email": f"bob@{domain}", "issue": None, "suggestion": None, "note": None}
    assert not set(typing_errors()) & set(typing_errors().values())


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Ann\tann@example.com", "ann@example.com"),
        ("ann@example.com\nOslo", "ann@example.com"),
        ("1\tann@example.com", "ann@example.com"),
        ("Ann Berg\r\n<ann@example.com>\r\nOslo", "ann@example.com"),
        ("Work:\x0bmailto:ann@example.com?subject=hi", "ann@example.com"),
        ("Ann\x1fann@example.com\x1eOslo", "ann@example.com"),
        ("ann@example.com\u2028Oslo", "ann@example.com"),
        ("Ann\x85ann@example.com", "ann@example.com"),
        ("Ann\t\tann@EXAMPLE.com;", "ann@example.com"),
    ],
)
def test_of_several_lines_or_columns_in_a_cell_the_address_alone_is_taken(text, address):
    assert email(text) == {
        "email": address,
        "issue": None,
        "suggestion": None,
        "note": "the text beside it left out",
    }


@pytest.mark.parametrize(
    "text",
    [
        "ann@exam\nple.com",
        "ann\n@example.com",
        "ann@\texample.com",
        "ann@mail.example.\ncom",
        "ann@example.com\n.au",
        "ann@example.co\nm",
        "ann.\nlee@example.com",
        "ann@example\n.com",
        "Ann\tann(at)example.com",
        "Ann Lee\tann lee@example.com",
        "Dr. ann@example.com",
        "ann@example.com. Oslo",
        "O\x92Neil@example.com",
        "Ren\x8ee@example.com",
    ],
)
def test_what_may_be_one_word_or_two_is_an_issue_and_nothing_is_suggested(text):
    found = email(text)
    assert found["issue"].startswith("email_syntax: ")
    assert (found["email"], found["suggestion"]) == (None, None)


@pytest.mark.parametrize("between", ["\n", "\t", "\r\n", "\x1f"])
def test_two_addresses_on_two_lines_are_both_offered(between):
    found = email(f"a@example.com{between}b@example.org")
    assert found["email"] is None
    assert found["issue"].endswith("keep one: a@example.com or b@example.org")


WORD = st.from_regex(r"\A[a-zA-Z0-9.@_-]{1,8}\Z")
BETWEEN = st.sampled_from(
    ["\t", "\n", "\r\n", " \n", "\x0b", "\x0c", "\x1c", "\x1f", "\x85", "\u2028", "\u2029", " ", "\u00a0"]
)


@pytest.mark.slow
@given(st.lists(WORD, min_size=2, max_size=4), st.data())
def test_no_address_is_made_of_words_that_stand_apart(words, data):
    text = words[0] + "".join(data.draw(BETWEEN) + word for word in words[1:])
    address = email(text)["email"]
    assert address is None or address.lower() in [word.lower().rstrip(".") for word in words]


CELLS = st.lists(st.none() | st.text() | st.from_regex(r"\A[ <]?[aA\u0301]{1,3}@[a-zA-Zå]{1,3}\.(com|con)[> ;]?\Z"))


@pytest.mark.slow
@given(CELLS)
def test_every_cell_ends_as_an_address_or_an_issue_or_nothing(texts):
    column = pl.Series("email", texts, dtype=pl.String)
    read = normalize_email(column)
    assert read.name == "email"
    fields = read.struct.unnest()
    assert len(read) == len(texts)
    assert not (fields["email"].is_not_null() & fields["issue"].is_not_null()).any()
    assert read.filter(column.is_null()).is_null().all()
    something = column.str.contains(r"[^\s\pC\x{115F}\x{1160}\x{3164}\x{FFA0}\x{34F}]").fill_null(value=False)
    bare = read.is_null() & something
    assert not column.filter(bare).str.contains(r"[\pL\pN@]").any()
    for found in (fields["email"], fields["suggestion"]):
        assert found.drop_nulls().to_frame("a").select(email_is_well_formed(pl.col("a"))).to_series().all()
    again = normalize_email(fields["email"]).struct.unnest()
    assert again["email"].equals(fields["email"])


def test_an_expression_gives_what_a_series_gives():
    frame = pl.DataFrame({"mail": ["A@EXAMPLE.com", None, "x", " "]})
    lazy = frame.lazy().select(normalize_email(pl.col("mail")))
    assert lazy.collect_schema() == {"mail": EMAIL}
    assert lazy.collect()["mail"].equals(normalize_email(frame["mail"]))
    assert normalize_email(frame["mail"].clear()).dtype == EMAIL


def test_a_column_without_text_is_an_error_of_the_call():
    with pytest.raises(UsageError, match="no text form"):
        normalize_email(pl.Series([[1]]))
