"""`normalize_email`: a column of e-mail addresses as people write them."""

from __future__ import annotations

import re
from typing import Final

import idna
import polars as pl

from mbtoolkit.cleaning.cells import Column, answered, as_text, each_once
from mbtoolkit.cleaning.email_domains import COM_TYPED_WRONG, ROLES, THROW_AWAY, typing_errors
from mbtoolkit.schemas.emails import INVISIBLE, email_is_well_formed, looks_like_itself, unusual_emails
from mbtoolkit.schemas.rules import RULES
from mbtoolkit.schemas.texts import stripped

_FIELDS: Final = ("email", "issue", "suggestion", "note")
EMAIL: Final = pl.Struct(dict.fromkeys(_FIELDS, pl.String))

_NAMED: Final = r"^[^<>]*<\s*([^<>]+?)\s*>[\s,;.]*$"
_NAMED_BY_WORDS: Final = r"[^<>\s][^<>]*<[^<>]+>"
_MAILTO: Final = r"(?i)^mailto:\s*"
_AROUND: Final = r"""^[\s"'<(\[]+|[\s"'>)\],;.]+$"""
"""What a sentence or a program leaves around an address."""
_ONE_ADDRESS: Final = r"[^\s,;|/<>()\[\]:]+@[^\s,;|/<>()\[\]:]+"
_SEVERAL: Final = rf"(?s){_ONE_ADDRESS}[\s,;|/<>].*{_ONE_ADDRESS}"
_BREAK: Final = r"[\s\x{1C}-\x{1F}]*[\t-\r\x{1C}-\x{1F}\x{85}\x{2028}\x{2029}][\s\x{1C}-\x{1F}]*"
"""What stands between the lines or columns of a table that came to be in one cell."""
_BROKEN: Final = r"@[^\n]*[.@_-]\n|@[^\n]*\n(?:[.@_-]|[a-z]{1,3}(?:\.[a-z]{2,3})?(?:\n|$))|[.@+_-]\n[^\n]*@"
"""A line that may end within an address."""
_WHOLE_WORD: Final = r"(?:^|\s)[^\s@]+@[^\s@]+\.[^\s@.]+\.?(?:\s|$)"
"""A word that is probably an address by itself."""
_ROLE: Final = rf"(?i)^(?:{'|'.join(ROLES)})(?:\+[^@]*)?@"
_THROW_AWAY: Final = rf"@(?:.*\.)?(?:{'|'.join(map(re.escape, THROW_AWAY))})$"
_DOMAIN: Final = "@([^@]*)$"

_TEXT = pl.col("text")


def normalize_email(column: Column, *, fix_typos: bool = False) -> Column:
    """The address in each cell in its usual form, or what is wrong with it.

    White space around it, `mailto:`, a name before `<...>` and characters that nobody sees go; of several lines, or
    columns between tabs, the one with the address is taken; the text is in Unicode's usual form (NFC); the domain is in
    lower case, and in its ASCII form (`xn--...`) where it has other letters. What stands before the @ keeps its case.
    No address is asked for anywhere: whether mail arrives is not told.

    Args:
        column: addresses, as text.
        fix_typos: a domain that is a typing error of a large provider's (`gmial.com`, `hotmail.con`) is replaced, and
            the note says so; by default it is only suggested.

    Returns:
        Under the same name and of the same height: `email` (null where there is an issue), `issue` (`<rule>: <what is
        wrong and how to mend it>`), `suggestion` (an address that may be meant), `note` (what was left out; an address
        of an office or of a throw-away provider, by a small list of ours; letters that look like others). All String.
        Null where the cell is null or blank.

    Raises:
        UsageError: the column has no text form.

    Example:
        >>> emails = pl.Series(["Ada <mailto:ada@EXAMPLE.com>", "bob@gmial.com", "eve"])
        >>> normalize_email(emails).struct.unnest()["email", "suggestion"].rows()
        [('ada@example.com', None), ('bob@gmial.com', 'bob@gmail.com'), (None, None)]
    """
    return answered(column, lambda cells: _emails(cells, fix_typos=fix_typos), EMAIL)


def _emails(column: pl.Series, *, fix_typos: bool) -> pl.Series:
    texts = as_text(column).alias("text")
    read = texts.to_frame().select(
        email="text", **{name: pl.lit(None, dtype=pl.String) for name in ("issue", "suggestion", "note")}
    )
    # Most addresses are in their usual form already; the steps below are for the others.
    is_loud = texts.str.contains("@.*[A-Z]").fill_null(value=False)
    rows = pl.concat([unusual_emails(texts), is_loud.arg_true()]).unique()
    if not rows.is_empty():
        mended = _mended(texts.gather(rows).to_frame())
        read = read.with_columns(read[name].scatter(rows, mended[name]) for name in read.columns)
    read = _with_typos(read, fix_typos=fix_typos)
    read = read.with_columns(note=_joined(pl.col("note"), *_remarks(pl.col("email"))))
    something = pl.col("email").is_not_null() | pl.col("issue").is_not_null()
    return read.select(pl.when(something).then(pl.struct(_FIELDS))).to_series()


def _remarks(email: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """What is worth knowing of an address that is well formed."""
    role = pl.when(email.str.contains(_ROLE)).then(pl.lit("an office's address, not a person's"))
    thrown = pl.when(email.str.contains(_THROW_AWAY)).then(pl.lit("a throw-away address"))
    return role, thrown


def _joined(*notes: pl.Expr) -> pl.Expr:
    """Notes as one text; null where there is none."""
    any_note = pl.any_horizontal(note.is_not_null() for note in notes)
    return pl.when(any_note).then(pl.concat_str(notes, separator="; ", ignore_nulls=True))


def _with_typos(read: pl.DataFrame, *, fix_typos: bool) -> pl.DataFrame:
    """The addresses whose domain looks like a typing error, with the one that may be meant."""
    slips = typing_errors()
    pattern = rf"@(?:{'|'.join(map(re.escape, slips))})$|{COM_TYPED_WRONG}"
    rows = read["email"].str.contains(pattern).fill_null(value=False).arg_true()
    if rows.is_empty():
        return read
    wrong = read[rows]
    email, domain = pl.col("email"), pl.col("email").str.extract(_DOMAIN)
    right = domain.replace(slips).str.replace(COM_TYPED_WRONG, ".com")
    # A provider may be misspelt before a .com that is misspelt as well.
    right = right.replace(slips)
    meant = wrong.with_columns(suggestion=pl.concat_str(email.str.replace(_DOMAIN, "@"), right))
    if fix_typos:
        note = pl.format("{} taken for {}", domain, right)
        meant = meant.with_columns(
            email="suggestion", suggestion=pl.lit(None, dtype=pl.String), note=_joined(pl.col("note"), note)
        )
    return read.with_columns(read[name].scatter(rows, meant[name]) for name in read.columns)


def _mended(cells: pl.DataFrame) -> pl.DataFrame:
    """The cells that are not in the usual form: brought into it, or with what is wrong with them."""
    found = cells.select(found=stripped(_TEXT))
    visible = found.select("found", text=pl.col("found").str.replace_all(INVISIBLE, "").str.strip_chars())
    lines = visible["text"].str.contains(_BREAK).fill_null(value=False)
    unseen = pl.when(pl.col("found") != _TEXT).then(pl.lit("invisible characters removed"))
    one_line = visible.with_columns(
        unseen=unseen, text=_lines_with_addresses(visible["text"], lines.arg_true()), lines=lines
    )
    is_named = _TEXT.str.contains(_NAMED_BY_WORDS)
    told = one_line.with_columns(
        beside=pl.when(is_named)
        .then(pl.lit("the name beside it left out"))
        .when(pl.col("lines") & ~_TEXT.str.contains("\n", literal=True))
        .then(pl.lit("the text beside it left out")),
        text=_bare(_TEXT),
    )
    domain = _TEXT.str.extract(_DOMAIN)
    ascii_domain = _ascii_domains(told.select(domain.str.to_lowercase()).to_series())
    parts = told.with_columns(
        stranger=pl.when(~looks_like_itself(_TEXT)).then(pl.lit("letters in the domain look like others")),
        domain=ascii_domain,
        local=_TEXT.str.extract(r"^(.*)@[^@]*$"),
    )
    email = pl.concat_str("local", pl.lit("@"), "domain")
    judged = parts.with_columns(email=pl.when(email_is_well_formed(_TEXT) & email_is_well_formed(email)).then(email))
    return _with_issues(judged).select(_FIELDS)


def _lines_with_addresses(texts: pl.Series, rows: pl.Series) -> pl.Series:
    """The texts, of some rows only the one line in which an @ stands, unless it may go on in another."""
    if rows.is_empty():
        return texts
    lines = texts.gather(rows).str.replace_all(_BREAK, "\n").str.strip_chars()
    with_at = _TEXT.str.split("\n").list.eval(pl.element().filter(pl.element().str.contains("@", literal=True)))
    is_one = (with_at.list.len() == 1) & ~_TEXT.str.contains(_BROKEN)
    alone = lines.to_frame("text").select(pl.when(is_one).then(with_at.list.first()).otherwise(_TEXT))
    return texts.scatter(rows, alone.to_series())


def _bare(text: pl.Expr) -> pl.Expr:
    """The address alone, in the usual Unicode form."""
    named = text.str.extract(_NAMED)
    alone = pl.coalesce(named, text).str.replace_all(_AROUND, "").str.replace(_MAILTO, "")
    is_link = pl.coalesce(named, text).str.contains(_MAILTO)
    alone = pl.when(is_link).then(alone.str.replace(r"\?.*$", "")).otherwise(alone)
    return alone.str.normalize("NFC")


def _ascii_domains(domains: pl.Series) -> pl.Series:
    """The domains in ASCII; null where a domain can't have such a form."""
    beyond = domains.str.contains(r"[^\x00-\x7f]").fill_null(value=False)
    if not beyond.any():
        return domains.alias("domain")
    return domains.zip_with(~beyond, each_once(domains.set(~beyond, None), _ascii_domain, pl.String)).alias("domain")


def _ascii_domain(domain: str) -> str | None:
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return None


def _with_issues(judged: pl.DataFrame) -> pl.DataFrame:
    """Beside each address what is worth knowing; beside each other text why it is none, and which may be meant."""
    fails = pl.col("email").is_null() & pl.col("found").is_not_null() & (pl.col("text") != "")
    several = _TEXT.str.contains(_SEVERAL)
    issue = (
        pl.when(several)
        .then(
            pl.format(
                "email_several: holds more than one address; keep one: {}",
                _addresses(pl.col("found").str.replace_all(_BREAK, "\n")),
            )
        )
        .otherwise(pl.lit(f"email_syntax: {RULES['email_syntax'].message}"))
    )
    likely = pl.col("likely")
    # A word beside a whole address is not a part of it; and nothing is joined over the end of a line.
    is_apart = (_TEXT.str.contains(r"\s") & _TEXT.str.contains(_WHOLE_WORD)) | pl.col("lines")
    is_meant = email_is_well_formed(likely) & likely.str.contains(r"@[\x00-\x7f]+$") & ~is_apart
    note = _joined(pl.col("unseen"), pl.col("beside"), pl.col("stranger"))
    return judged.with_columns(likely=_likely(_TEXT)).with_columns(
        note=pl.when(pl.col("email").is_not_null()).then(note),
        issue=pl.when(fails).then(issue),
        suggestion=pl.when(fails & ~several & is_meant).then(likely),
    )


def _addresses(text: pl.Expr) -> pl.Expr:
    return text.str.extract_all(_ONE_ADDRESS).list.join(" or ")


def _likely(text: pl.Expr) -> pl.Expr:
    """The address that may be meant by a text that is none."""
    at = text.str.replace(r"(?i)\s*[(\[{]\s*at\s*[)\]}]\s*", "@").str.replace_all(
        r"(?i)\s*[(\[{]\s*dot\s*[)\]}]\s*", "."
    )
    single = at.str.replace_all("@+", "@").str.replace_all(r"\s*([@.])\s*", "$1").str.replace_all(r"\.{2,}", ".")
    tidy = single.str.replace_all(r"\.?@\.?", "@").str.replace(r",(\w+)$", ".$1").str.replace(COM_TYPED_WRONG, ".com")
    return pl.concat_str(tidy.str.extract("^(.*@)"), tidy.str.extract(_DOMAIN).str.to_lowercase())
