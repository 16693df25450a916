"""The e-mail rule, held against the `email-validator` package."""

from __future__ import annotations

import polars as pl
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mbtoolkit import validate_contacts
from mbtoolkit.schemas.emails import MAX_EMAIL_BYTES, email_is_well_formed, unusual_emails

SPECIAL_USE = ("test", "local", "localhost", "invalid", "onion", "arpa")
"""Top-level domains that the package refuses and the rule does not, for they are well formed."""

LOCAL = st.text("abzABZ019!#$%&'*+/=?^_`{|}~-..\"(),:;<>[\\] @", max_size=10)
LABEL = st.one_of(st.text("abZ09-", max_size=6), st.sampled_from(["example", "a" * 63, "a" * 64, "com"]))
ADDRESSES = st.one_of(
    st.builds(lambda local, labels: f"{local}@{'.'.join(labels)}", LOCAL, st.lists(LABEL, max_size=4)),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20),
)


def is_accepted(address: str) -> bool:
    """By all the rules together, as an analyst meets them."""
    issues = validate_contacts(pl.DataFrame({"email": [address]})).issues
    return issues.filter(pl.col("severity") == "error").is_empty()


def is_accepted_by_package(address: str) -> bool:
    try:
        validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


def is_documented_difference(address: str) -> bool:
    local, _, domain = address.rpartition("@")
    top = domain.lower().rsplit(".", 1)[-1]
    return top in SPECIAL_USE or "xn--" in domain.lower() or len(local) > 64


@pytest.mark.slow
@settings(max_examples=150)
@given(ADDRESSES)
@example("a@b.--c")
@example("a@1.2")
@example("a@b.1c")
@example("a@b.c1")
@example("a@b.c")
@example("a..b@example.com")
@example("a@ex--ample.com")
@example("a@" + ".".join(["a" * 60] * 5))
def test_ascii_addresses_are_judged_as_the_package_does(address):
    if not is_documented_difference(address):
        assert is_accepted(address) == is_accepted_by_package(address)


@pytest.mark.parametrize("control", [*map(chr, range(32)), "\x7f"], ids=ascii)
def test_control_characters_are_refused_as_the_package_does(control):
    for address in (f"a{control}b@example.com", f"ab@exam{control}ple.com"):
        assert not is_accepted(address)
        assert not is_accepted_by_package(address)


@pytest.mark.parametrize("top", SPECIAL_USE)
def test_domains_of_special_use_are_well_formed(top):
    assert is_accepted(f"ada@example.{top}")
    assert not is_accepted_by_package(f"ada@example.{top}")


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("用户@例子.广告", id="Chinese"),
        pytest.param("अजय@उदाहरण.भारत", id="Hindi, with marks"),
        pytest.param("квіточка@пошта.укр", id="Ukrainian"),
        pytest.param("θσερ@εχαμπλε.ψομ", id="Greek"),
        pytest.param("Dörte@Sörensen.example.com", id="umlauts"),
        pytest.param("josé@example.com", id="accent before the @"),
        pytest.param("مثال@مثال.إختبار", id="Arabic"),
        pytest.param("ada@xn--fsqu00a.example", id="international label in its ASCII form"),
    ],
)
def test_international_addresses_are_well_formed(address):
    assert is_accepted(address)
    assert is_accepted_by_package(address) or "إختبار" in address


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("ada@exa😀mple.com", id="emoji in the domain"),
        pytest.param("ada@example。com", id="full-width stop"),
        pytest.param("ada＠example.com", id="full-width at sign"),
        pytest.param("ada@exam\u00a0ple.com", id="no-break space"),
        pytest.param('"ada lovelace"@example.com', id="quoted"),
        pytest.param("ada(comment)@example.com", id="comment"),
        pytest.param("ada@[192.0.2.1]", id="address literal"),
        pytest.param("Ada <ada@example.com>", id="with a name"),
        pytest.param("mailto:ada@example.com", id="link"),
        pytest.param("ada@example.com, bob@example.com", id="two"),
        pytest.param("a" * 65 + "@example.com", id="65 characters before the @"),
    ],
)
def test_what_is_no_address_is_refused(address):
    assert not is_accepted(address)


@pytest.mark.parametrize(
    ("address", "fits"),
    [
        pytest.param("a" * 63 + "@" + ".".join(["b" * 62] * 3) + ".c", True, id="254"),
        pytest.param("a" * 63 + "@" + ".".join(["b" * 62] * 3) + ".cc", False, id="255"),
        pytest.param("é" * 40 + "@" + ".".join(["b" * 60] * 3) + ".com", False, id="octets count, not characters"),
    ],
)
def test_the_whole_length_is_limited(address, fits):
    assert (len(address.encode()) <= MAX_EMAIL_BYTES) == fits
    assert is_accepted(address) == fits


@given(st.text(max_size=30))
def test_any_text_is_judged_without_an_error(text):
    frame = pl.DataFrame({"email": [text, None]})
    judged = frame.select(email_is_well_formed(pl.col("email"))).to_series().to_list()
    assert isinstance(judged[0], bool)
    assert judged[1] is None


ANY_ADDRESS = st.one_of(
    ADDRESSES,
    st.builds(lambda local, domain: f"{local}@{domain}.com", st.text(max_size=4), st.text(max_size=4)),
    st.sampled_from(
        ["a@ex--ample.com", "a@xn--bcher-kva.com", "\u212a@example.com", "a@\u017fhop.com", "a@b.co\n", " "]
    ),
)


@pytest.mark.slow
@settings(max_examples=100)
@given(st.lists(st.none() | ANY_ADDRESS, max_size=8))
def test_whatever_needs_no_closer_look_breaks_no_rule(addresses):
    emails = pl.Series("email", addresses, dtype=pl.String)
    plain = sorted(set(range(len(addresses))) - set(unusual_emails(emails)))
    assert all(address is None or (address.isascii() and address.isprintable()) for address in emails.gather(plain))
    assert emails.gather(plain).to_frame().select(email_is_well_formed(pl.first())).to_series().drop_nulls().all()
    issues = validate_contacts(emails.to_frame()).issues
    broken = issues.filter(pl.col("rule").str.starts_with("email_"))["row"]
    assert not set(plain) & set(broken)
