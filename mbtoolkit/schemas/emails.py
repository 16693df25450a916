"""What an e-mail address is, as polars expressions over whole columns.

The rule is RFC 5322's dot-atom before the @ and host names of RFC 1123, with at least one dot, after it; letters, marks
and digits of every script count as letters (RFC 6531). Among ASCII addresses it is the `email-validator` package's rule
(with `check_deliverability=False`), except that

- a domain of special use (`.test`, `.local`, `.localhost`, `.invalid`, `.onion`, `.arpa`) is well formed here: whether
  a domain can receive mail is not a question of form;
- an international label in its ASCII form (`xn--...`) is not decoded, so one that stands for nothing passes;
- more than 64 characters before the @ are refused, as RFC 5321 has it (that package does so only when told to).

Beyond ASCII, that package also maps what people may type (full-width letters and stops) and refuses what IDNA 2008
doesn't allow in a domain (a mark in first place, mixed directions, some hundred letters) and an address that begins
with a mark. Here full-width stops are refused and the others are well formed: it is for the mail server to say. No
quoted local parts, comments or address literals.
"""

from __future__ import annotations

import unicodedata
from typing import Final

import idna
import polars as pl

EMAIL_PATTERN: Final = (
    r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+(?:[A-Za-z0-9][A-Za-z0-9-]*)?[A-Za-z]$"
)
"""The form of an address in which every letter beyond ASCII has been replaced by an `a`."""

MAX_EMAIL_BYTES: Final = 254
"""Octets of a whole address (RFC 5321, section 4.5.3.1.3, less the two angle brackets)."""

INVISIBLE: Final = r"[[\p{Cc}\p{Cf}\x{115F}\x{1160}\x{3164}\x{FFA0}\x{180E}\x{034F}]--[\s\x{1C}-\x{1F}\x{80}-\x{9F}]]"
"""Characters that nobody sees: controls, joiners, marks of direction, fillers.

Tabs, line breaks and other separators are not among them, as words on both sides of one are two; nor are the controls
beyond ASCII, which are letters and marks of Windows-1252 that were read in a wrong encoding.
"""

_LETTER_OR_MARK: Final = r"[^\x00-\x7f\p{Z}\p{C}\p{P}\p{S}]"
_TOO_LONG: Final = r"^[^@]{65}|@(?:.*\.)?[^.]{64}"
"""64 characters before the @, 63 in a label after it (RFC 5321, section 4.5.3.1)."""

_RESERVED_HYPHENS: Final = r"(?i)@(?:.*\.)?(?:[a-wyz0-9][a-z0-9]|x[a-mo-z0-9])--"
"""Hyphens in third and fourth place, other than the `xn--` of international labels (RFC 5891, section 4.2.3.1)."""

_MIXED_LABEL: Final = (
    r"(?:\p{Latin}[^.@]*[\p{Cyrillic}\p{Greek}\p{Armenian}]|[\p{Cyrillic}\p{Greek}\p{Armenian}][^.@]*\p{Latin})"
)
"""A label in which Latin letters stand beside letters that look like them."""

_LATIN_IN_DISGUISE: Final = "[ɑɡɢɩɪɴʀʏʙʜʟ\\x{1D00}-\\x{1D2B}\\x{A730}\\x{A731}]"
"""Latin letters of phonetics that look like the plain ones: the single-storey a and g, the small capitals."""

_LIKE_LATIN: Final = "аԁеһіјӏорԛѕԝхуѵүАВЕНІЈӀКМОРЅТХУѴҮαικνορυωχΑΒΕΖΗΙΚΜΝΟΡΤΥΧաօսհոցզՕՍ"
"""Cyrillic, Greek and Armenian letters that look like Latin ones."""

_WHOLE_LABEL: Final = rf"(?:^|\.)[{_LIKE_LATIN}0-9-]*[{_LIKE_LATIN}][{_LIKE_LATIN}0-9-]*\.(?:.*\.)?[\x00-\x7f]*$"
"""A label of nothing but such letters below a top-level domain in ASCII (below one of their own they are at home)."""

LOOK_ALIKE: Final = f"{_MIXED_LABEL}|{_LATIN_IN_DISGUISE}|{_WHOLE_LABEL}"
"""A domain that can be taken for another one by its looks."""


def looks_like_itself(email: pl.Expr) -> pl.Expr:
    """Whether no letter of the domain looks like another, and none stands for another (as full-width letters do).

    Source: Unicode Technical Standard 39 (confusable and whole-script confusable strings); the letters are a selection.
    """
    domain = email.str.extract(r"@([^@]*)$")
    stands_for_itself = domain.str.normalize("NFKC") == domain.str.normalize("NFC")
    return (stands_for_itself & ~domain.str.contains(LOOK_ALIKE)).fill_null(value=True)


def unusual_emails(emails: pl.Series) -> pl.Series:
    """The positions of the addresses that need a closer look: all others are well formed, visible and plain ASCII.

    Most are of the second kind, which one pass over the column tells, so that each rule has only a few to look at.
    """
    email = pl.first()
    is_plain = (
        email.str.contains(EMAIL_PATTERN)
        & (email.str.len_bytes() <= MAX_EMAIL_BYTES)
        & ~email.str.contains(_TOO_LONG)
        & ~email.str.contains("--", literal=True)
    )
    return emails.to_frame().select(is_plain.not_().alias("row")).to_series().arg_true()


def email_is_well_formed(email: pl.Expr) -> pl.Expr:
    """Whether each address follows the rule above and the length limits of RFC 5321.

    Args:
        email: String column; invisible characters are another rule's affair and are looked through.
    """
    plain = email.str.replace_all(INVISIBLE, "").str.replace_all(_LETTER_OR_MARK, "a")
    return (
        plain.str.contains(EMAIL_PATTERN)
        & (email.str.len_bytes() <= MAX_EMAIL_BYTES)
        & ~email.str.contains(_TOO_LONG)
        & ~plain.str.contains(_RESERVED_HYPHENS)
    )


def visible_email(email: pl.Expr) -> pl.Expr:
    """Each address as it reads: without what can't be seen and surrounding spaces, in the usual Unicode form."""
    return email.str.replace_all(INVISIBLE, "").str.strip_chars().str.normalize("NFC")


def mended_email(email: pl.Expr) -> pl.Expr:
    """The same address without what can't be seen and in the usual Unicode form, where that would pass; else null."""
    mended = visible_email(email)
    return pl.when(email_is_well_formed(mended) & (mended != email)).then(mended)


def email_identity(emails: pl.Series) -> pl.Series:
    """Each address in the one form in which two are compared, under the same name.

    Without what can't be seen, in lower case and NFC; the domain in Unicode, whether it was written so or in its ASCII
    form (`xn--...`), with full-width letters and stops as plain ones.
    """
    email = pl.first()
    read = emails.to_frame().select(visible_email(email).str.to_lowercase().str.normalize("NFC")).to_series()
    domains = read.to_frame().select(email.str.extract("@([^@]*)$").alias("domain")).to_series()
    written = domains.filter(domains.str.contains(r"[^\x00-\x7f]|xn--")).unique().to_list()
    other = {domain: compared for domain in written if (compared := _compared_domain(domain)) != domain}
    if not other:
        return read
    joined = pl.concat_str(pl.col("read").str.extract("(?s)^(.*@)"), pl.col("domain").replace(other))
    frame = pl.DataFrame([read.alias("read"), domains])
    return frame.select(pl.coalesce(joined, pl.col("read")).alias(emails.name)).to_series()


def _compared_domain(domain: str) -> str:
    if len(domain) > MAX_EMAIL_BYTES:
        return domain
    decoded = ".".join(map(_decoded_label, domain.split(".")))
    try:
        return idna.uts46_remap(decoded, std3_rules=False)
    except idna.IDNAError:
        return unicodedata.normalize("NFC", decoded)


def _decoded_label(label: str) -> str:
    """What a label in ASCII form stands for; the label itself where it stands for nothing else."""
    bare = label.removeprefix("xn--")
    try:
        decoded = bare.encode("ascii").decode("punycode")
        is_that = bare != label and not decoded.isascii() and decoded.encode("punycode").decode() == bare
    except UnicodeError:
        return label
    return decoded if is_that else label
