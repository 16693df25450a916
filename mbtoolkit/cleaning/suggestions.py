"""What a cell that breaks a rule should obviously hold.

A suggestion is a text that passes once it is typed into the cell. Where more than one remedy is possible, none is made:
a wrong mend is worse than none. Consent is never guessed, and no address is moved to another provider.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import phonenumbers
import polars as pl
from phonenumbers import PhoneNumber

from mbtoolkit.cleaning.cells import each_once
from mbtoolkit.cleaning.countries import normalize_country
from mbtoolkit.cleaning.email_domains import COM_TYPED_WRONG
from mbtoolkit.cleaning.emails import normalize_email
from mbtoolkit.cleaning.entering import enter_texts
from mbtoolkit.cleaning.phones import number_alone, numbers_in, read_phone, read_phones
from mbtoolkit.cleaning.shown import NOTED_RULE
from mbtoolkit.contacts import IDENTIFIERS, OPT_INS, UUID_PATTERN
from mbtoolkit.errors import FrameError, UsageError
from mbtoolkit.schemas.conform import UNREAD_PREFIX, conform, is_unread_column, unread_column
from mbtoolkit.schemas.emails import INVISIBLE, email_is_well_formed, looks_like_itself, mended_email, visible_email
from mbtoolkit.schemas.texts import text_form, unless_blank

CODE, NUMBER = IDENTIFIERS["mobile"]
CHANGES: Final = {"row": pl.Int64, "column": pl.String, "rule": pl.String, "before": pl.String, "after": pl.String}

_VALUE, _TEXT = pl.col("value"), pl.col("text")

_AT: Final = r"(?i)@+|[(\[{]\s*at\s*[)\]}]"
_ADDRESS: Final = r"[^\s,;|/<>()\[\]:\"]+@[^\s,;|/<>()\[\]:\"]+"
_SPACE_AT_POINT: Final = r"\s\.|\.\s"
"""It may end a sentence or a title beside the address (`Dr. ada@example.com`)."""
_CUT_SHORT: Final = r"\.\s*@"
"""A name may be missing before the @ (`ada.@example.com`), so that the rest is somebody else's address."""
_COMMA_FOR_POINT: Final = r"(?i)^[^,]*@[^.,@]+,(?:com|net|org|info|edu|gov|[a-z]{2})$"

_OTHER_WORD: Final = re.compile(r"(?i)(?!\b(?:or|and)\b)\b[^\W\d_]+")
_ABROAD: Final = r"^\s*(?:\+|00|\x{FF0B})"

_CALLING_CODE: Final = r"""^[\s"'(\[]*(?:\+|00)?\s*([1-9][0-9]{0,2})(?:[.,]0{1,2})?[\s"')\]]*$"""
_COUNTRY: Final = r"^\s*(?:[A-Z]{2,3}|\p{L}[\p{L}\p{M}\s.'&()-]{3,})\s*$"
"""A name, or a code in capitals: in small letters `no` and its like are words."""
_NO_COUNTRY: Final = ("NA", "NAN", "NULL", "NONE")
"""Signs for nothing, the first of which is Namibia's code."""

_QUOTES: Final = "\"'`\\x{2018}\\x{2019}\\x{201C}\\x{201D}"
_WHOLE_ID: Final = rf"^[\s{_QUOTES}]*#?\s*\+?0*([1-9][0-9]{{0,18}})[\s{_QUOTES}]*$"
_DECIMAL_ID: Final = rf"^[\s{_QUOTES}]*#?\s*\+?0*([1-9][0-9]{{0,14}})[.,](?:0|00|0{{4,}})[\s{_QUOTES}]*$"
"""As many digits as a float keeps. Three zeros are no fraction for certain: `42.000` may be grouped by thousands."""

_DASHES: Final = r"\s*[\x{2010}-\x{2015}\x{2212}\x{FE58}\x{FE63}\x{FF0D}-]\s*"
_AROUND_UUID: Final = rf"^[\s{_QUOTES}]*(?i:urn:uuid:)?[\s{{]*|[\s}}{_QUOTES}]*$"
_BARE_UUID: Final = r"^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$"


def suggested_texts(issues: pl.DataFrame, contacts: pl.DataFrame) -> pl.Series:
    """For each issue a text that mends it once it is typed into the cell; null where no remedy is obvious.

    Args:
        issues: at least `row`, `column`, `value` and `rule` of an issues frame.
        contacts: the conformed frame that the issues are of; the row's country code is taken from it.

    Returns:
        `suggestion` (String), as long as `issues`. An empty text empties the cell.
    """
    texts = pl.Series("suggestion", [None], dtype=pl.String).new_from_index(0, issues.height)
    for column, (rules, suggest) in _SUGGESTING.items():
        lines = ((issues["column"] == column) & issues["rule"].is_in(rules)).fill_null(value=False).arg_true()
        if column in contacts.columns and len(lines):
            texts = texts.scatter(lines, suggest(issues.select("row", "value", "rule")[lines], contacts))
    return texts


def _emails(lines: pl.DataFrame, _contacts: pl.DataFrame) -> pl.Series:
    """The address without what is beside it, what can't be seen, and slips of form."""
    mended = pl.Series("suggestion", [None], dtype=pl.String).new_from_index(0, lines.height)
    unseen = lines.select(visible_email(_VALUE) != _VALUE).to_series().arg_true()
    if not unseen.is_empty():
        mended = mended.scatter(unseen, lines[unseen].select(mended_email(_VALUE)).to_series())
    # Step by step, for what an expression names twice is worked out twice.
    once = lines.select(_once(_VALUE.str.strip_chars()).alias("value"))
    tidied = once.with_columns(_VALUE.str.replace_all(INVISIBLE, "").str.strip_chars(" \t\"',;.<>()").alias("text"))
    one = tidied.select(_TEXT.str.count_matches(_AT) == 1).to_series().arg_true()
    one = one.filter(mended.gather(one).is_null())
    if one.is_empty():
        return mended
    cells = tidied[one]
    read = normalize_email(cells["value"]).struct.unnest().select("email", slip="suggestion")
    found = cells.hstack(read).with_columns(found=pl.coalesce("email", pl.when(~_is_doubtful(_TEXT)).then("slip")))
    rows = found["found"].is_not_null().arg_true()
    address = pl.col("found")
    is_sound = email_is_well_formed(address) & ~address.str.contains(INVISIBLE) & looks_like_itself(_TEXT)
    meant = found[rows].select(pl.when(is_sound).then(address)).to_series()
    return mended.scatter(one.gather(rows), meant)


def _once(text: pl.Expr) -> pl.Expr:
    """The address once where the cell holds nothing but the same one several times, else the text."""
    addresses = text.str.replace_all(INVISIBLE, "").str.extract_all(_ADDRESS)
    is_same = (addresses.list.len() > 1) & (addresses.list.eval(pl.element().str.to_lowercase()).list.n_unique() == 1)
    is_all = ~text.str.replace_all(_ADDRESS, "").str.contains(r"[\p{L}\p{N}@]")
    return pl.when(is_same & is_all).then(addresses.list.first()).otherwise(text)


def _is_doubtful(text: pl.Expr) -> pl.Expr:
    """Whether a slip of form may be more than that; a domain typed wrong as well is not mended unasked."""
    is_other_comma = text.str.contains(",", literal=True) & ~text.str.contains(_COMMA_FOR_POINT)
    is_typo = text.str.to_lowercase().str.replace(",", ".", literal=True).str.contains(COM_TYPED_WRONG)
    return text.str.contains(_SPACE_AT_POINT) | text.str.contains(_CUT_SHORT) | is_other_comma | is_typo


def _numbers(lines: pl.DataFrame, contacts: pl.DataFrame) -> pl.Series:
    """The one number in the cell with its country code."""
    nothing = pl.Series("suggestion", [None], dtype=pl.String).new_from_index(0, lines.height)
    if CODE not in contacts.columns:
        # A number that brings its country code would have nowhere to put it.
        return nothing
    cells = _as_read(pl.concat([lines, _row_codes(contacts, lines["row"])], how="horizontal"))
    bare = cells.select(
        pl.when(~pl.col("is_open")).then(number_alone(_VALUE, pl.col("rule"))).alias("text"),
        "code",
        pl.lit(None, dtype=pl.String).alias("country"),
    )
    several = (cells["rule"] == "phone_several") & ~cells["is_open"]
    if several.any():
        bare = bare.with_columns(bare["text"].zip_with(~several, _same_number(cells.filter(several), several)))
    if bare["text"].null_count() == bare.height:
        return nothing
    read = read_phones(bare).select(CODE, NUMBER)
    written = read.select(pl.format("+{} {}", CODE, NUMBER).alias("text")).to_series()
    # The text has to be read as the same number when it is typed.
    again = read_phones(bare.select(written, pl.lit(None, dtype=pl.String).alias("code"), "country"))
    is_same = (again[CODE] == read[CODE]) & (again[NUMBER] == read[NUMBER])
    is_sure = cells["rule"].is_in(["phone_extension", "phone_several"])
    sound = is_same & (is_sure | _exist(written.set(~is_same | is_sure, None)))
    return written.set(~sound.fill_null(value=False), None)


def _as_read(cells: pl.DataFrame) -> pl.DataFrame:
    """The cells with the rule that a text breaks as a phone number, where it was not read as one yet."""
    untried = cells["rule"] == "not_an_integer"
    if not untried.any():
        return cells
    texts = cells.select(pl.col("value").alias("text"), "code", pl.lit(None, dtype=pl.String).alias("country"))
    rules = read_phones(texts.filter(untried))["rule"].fill_null("not_an_integer")
    return cells.with_columns(cells["rule"].scatter(untried.arg_true(), rules))


def _same_number(cells: pl.DataFrame, several: pl.Series) -> pl.Series:
    """For each row that holds several numbers one of them, if they are all the same."""
    keyed = cells.select("value", "code")
    distinct = keyed.unique(maintain_order=True)
    found = pl.Series("text", [_the_one(*row) for row in distinct.iter_rows()], dtype=pl.String)
    joined = keyed.join(
        distinct.hstack([found]), on=["value", "code"], how="left", nulls_equal=True, maintain_order="left"
    )
    nothing = pl.Series("text", [None], dtype=pl.String).new_from_index(0, len(several))
    return nothing.scatter(several.arg_true(), joined["text"])


def _the_one(text: str, code: str | None) -> str | None:
    """One of the numbers in a cell that holds nothing but the same one several times."""
    parts = numbers_in(text)
    phones = {read_phone(part, code)[:2] for part in parts}
    is_all = sum(map(_digits, parts)) == _digits(text) and not _OTHER_WORD.search(text)
    return parts[0] if is_all and len(phones) == 1 and None not in phones.pop() else None


def _digits(text: str) -> int:
    return sum(char.isdigit() for char in text)


def _exist(numbers: pl.Series) -> pl.Series:
    """Whether numbers of the form `+47 93454496` are ones that a country gives to its people."""
    return each_once(numbers, _exists, pl.Boolean).fill_null(value=False)


def _exists(number: str) -> bool:
    code, _, national = number.removeprefix("+").partition(" ")
    return phonenumbers.is_valid_number(PhoneNumber(country_code=int(code), national_number=int(national)))


def _row_codes(contacts: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """`code` (digits) that each row's country code is, or would be once it is mended; `is_open`: it can't be told."""
    code = contacts[CODE].gather(rows).cast(pl.String)
    waiting = _waiting(contacts, CODE, rows)
    mended = _calling_codes(waiting)
    return pl.DataFrame({"code": code.fill_null(mended), "is_open": waiting.is_not_null() & mended.is_null()})


def _waiting(contacts: pl.DataFrame, column: str, rows: pl.Series) -> pl.Series:
    """The texts that wait unread beside empty cells."""
    beside = unread_column(column)
    if beside not in contacts.columns:
        return pl.Series([None], dtype=pl.String).new_from_index(0, len(rows))
    return contacts[beside].gather(rows).str.replace(NOTED_RULE, "")


def _codes(lines: pl.DataFrame, contacts: pl.DataFrame) -> pl.Series:
    """The calling code that fits the row's number; empty where there is no number to go with it."""
    if NUMBER not in contacts.columns:
        return pl.Series([None], dtype=pl.String).new_from_index(0, lines.height)
    number, waiting = contacts[NUMBER].gather(lines["row"]), _waiting(contacts, NUMBER, lines["row"])
    missing = lines["rule"] == "number_missing"
    code = _calling_codes(lines["value"].set(missing, None))
    cells = pl.DataFrame({"missing": missing, "code": code, "number": number, "waiting": waiting})
    exists = _exist(cells.select(pl.format("+{} {}", "code", "number")).to_series())
    own = pl.col("waiting").str.replace_all("[^0-9]", "").str.replace("^00", "")
    agrees = ~pl.col("waiting").str.contains(_ABROAD) | own.str.starts_with(pl.col("code"))
    return (
        cells.with_columns(exists.alias("exists"))
        .select(
            pl.when("missing")
            .then(pl.lit(""))
            .when(pl.col("number").is_not_null())
            .then(pl.when("exists").then("code"))
            .when(pl.col("waiting").is_not_null())
            .then(pl.when(agrees).then("code"))
            # A code by itself would only break the next rule.
            .when(pl.col("code").is_not_null())
            .then(pl.lit(""))
        )
        .to_series()
    )


def _calling_codes(texts: pl.Series) -> pl.Series:
    """The calling code that each text stands for, by its digits or by the country's name; null where it is none."""
    names_none = _TEXT.str.strip_chars().str.to_uppercase().is_in(_NO_COUNTRY)
    found = texts.to_frame("text").select(
        _TEXT.str.extract(_CALLING_CODE).alias("digits"),
        pl.when(_TEXT.str.contains(_COUNTRY) & ~names_none).then(_TEXT).alias("text"),
    )
    known = pl.col("digits").cast(pl.Int32).is_in(list(phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
    digits = found.select(pl.when(known).then("digits")).to_series()
    names = found["text"].unique().drop_nulls()
    if names.is_empty():
        return digits
    countries = normalize_country(names).struct.field("country")
    codes = each_once(countries, _code_of, pl.String)
    return digits.fill_null(found["text"].replace_strict(names, codes, default=None, return_dtype=pl.String))


def _code_of(country: str) -> str | None:
    return str(phonenumbers.country_code_for_region(country) or "") or None


def _ids(lines: pl.DataFrame, _contacts: pl.DataFrame) -> pl.Series:
    """The digits alone."""
    digits = pl.coalesce(_VALUE.str.extract(_WHOLE_ID), _VALUE.str.extract(_DECIMAL_ID))
    fits = digits.cast(pl.Int64, strict=False).is_not_null()
    return lines.select(pl.when(fits).then(digits)).to_series()


def _lists(lines: pl.DataFrame, _contacts: pl.DataFrame) -> pl.Series:
    """The uuid in its canonical form."""
    text = _VALUE.str.replace_all(INVISIBLE, "").str.replace_all(_AROUND_UUID, "").str.replace_all(_DASHES, "-")
    lower = text.str.to_lowercase()
    uuid = lower.str.replace(_BARE_UUID, "$1-$2-$3-$4-$5")
    return lines.select(pl.when(uuid.str.contains(UUID_PATTERN)).then(uuid)).to_series()


Suggest = Callable[[pl.DataFrame, pl.DataFrame], pl.Series]
"""From lines of issues (`row`, `value`, `rule`) and the contacts to a suggestion for each line."""

_SUGGESTING: Final[dict[str, tuple[tuple[str, ...], Suggest]]] = {
    "email": (("email_syntax", "email_invisible", "email_normal_form"), _emails),
    CODE: (("not_an_integer", "number_as_float", "number_missing"), _codes),
    NUMBER: (("not_an_integer", "phone_unreadable", "phone_extension", "phone_several"), _numbers),
    "contact_id": (("not_an_integer", "number_as_float"), _ids),
    "list_id": (("not_a_uuid",), _lists),
}
"""The rules of each column that have an obvious remedy, and how it is found."""


@dataclass(frozen=True, slots=True, repr=False)
class Applied:
    """What became of a contacts frame when suggestions were put into its cells.

    Attributes:
        contacts: the frame in canonical types, of the same height and order, with the mended cells.
        changes: the cells that changed, in the order of rows: `row`, `column`, `rule` (that the cell broke), `before`
            and `after` (texts; null where the cell is empty). A country code that a number brought with it, or a number
            that could be read once its code was mended, stands there too, under the rule of the mended cell.
        left: the lines of the issues frame that mended nothing: those without a suggestion, with two different ones
            for a cell, or whose cell no longer reads as `value`.
    """

    contacts: pl.DataFrame
    changes: pl.DataFrame
    left: pl.DataFrame

    @property
    def headline(self) -> str:
        """The counts in one sentence."""
        cells, rows, left = self.changes.height, self.changes["row"].n_unique(), self.left.height
        return (
            f"mended {cells:,} cell{'' if cells == 1 else 's'} in {rows:,} row{'' if rows == 1 else 's'}; "
            f"{left:,} issue{' is' if left == 1 else 's are'} left"
        )

    def __repr__(self) -> str:
        """The headline; no cell of the table is in it."""
        return f"<Applied: {self.headline}>"


def apply_suggestions(contacts: pl.DataFrame, issues: pl.DataFrame) -> Applied:
    """The contacts with every suggestion put into its cell, as if typed there.

    A cell is mended where it still reads as it did when the issue was found; consent is never touched. What is left
    may be less than it says, since one mend can do for several issues: validate the frame anew.

    Args:
        contacts: the frame that was validated, or a later state of it with the rows in the same places.
        issues: its issues frame, or some lines of it; a `suggestion` that you change or blank is taken as it stands, an
            empty text empties the cell, null leaves it.

    Returns:
        The mended contacts, the changed cells, and the issues that are left.

    Raises:
        FrameError: one of them is no polars DataFrame, `issues` lacks a column or has it in another type, or names a
            row that isn't there.
        UsageError: `issues` suggests a consent.

    Example:
        >>> contacts = pl.DataFrame({"email": ["ada@@example.com"]})
        >>> issues = pl.DataFrame({"row": [0], "column": ["email"], "value": ["ada@@example.com"],
        ...     "rule": ["email_syntax"], "suggestion": ["ada@example.com"]})
        >>> apply_suggestions(contacts, issues)
        <Applied: mended 1 cell in 1 row; 0 issues are left>
    """
    lines = _checked_lines(contacts, issues)
    cells = _cells_to_mend(contacts, lines)
    conformed = mended = conform(contacts)
    for column in sorted(cells["column"].unique()):
        part = cells.filter(pl.col("column") == column)
        mended = enter_texts(mended, column, part["row"], part["suggestion"])
    changes = _changes(conformed, mended, cells)
    taken = lines.join(cells, on=["row", "column", "value", "suggestion"], how="semi", nulls_equal=True)
    taken = taken.join(changes, on=["row", "column"], how="semi")
    left = pl.repeat(value=True, n=issues.height, dtype=pl.Boolean, eager=True).scatter(taken["line"], values=False)
    emptied = [name for name in mended.columns if _is_emptied(mended, name)]
    return Applied(mended.drop(emptied), changes, issues.filter(left))


def _checked_lines(contacts: pl.DataFrame, issues: pl.DataFrame) -> pl.DataFrame:
    """The lines with a suggestion for one of the contacts' cells, numbered by `line`.

    Raises:
        FrameError, UsageError: see `apply_suggestions`.
    """
    for name, frame in (("contacts", contacts), ("issues", issues)):
        if not isinstance(frame, pl.DataFrame):
            msg = f"apply_suggestions takes {name} as a polars DataFrame, not a {type(frame).__name__}"
            raise FrameError(msg)
    wanted = {"row": pl.Int64, "column": pl.String, "value": pl.String, "rule": pl.String, "suggestion": pl.String}
    for name, dtype in wanted.items():
        found = issues.schema.get(name)
        fits = found is not None and (found == pl.Null or (found.is_integer() if name == "row" else found == dtype))
        if not fits:
            msg = (
                f"issues has no column {name!r} of {'whole numbers' if name == 'row' else 'text'}; give what "
                "validate_contacts(...).issues is, or some of its lines"
            )
            raise FrameError(msg)
    if issues["row"].null_count() or not issues["row"].is_between(0, contacts.height - 1).all():
        msg = f"issues names a row that the contacts don't have: they go from 0 to {contacts.height - 1:,}"
        raise FrameError(msg)
    lines = issues.select(pl.col(name).cast(dtype) for name, dtype in wanted.items()).with_row_index("line")
    suggested = lines.filter(pl.col("suggestion").is_not_null() & pl.col("column").is_in(contacts.columns))
    if suggested["column"].is_in(OPT_INS).any():
        msg = f"issues suggests a consent, which is never mended in bulk; correct {' or '.join(OPT_INS)} yourself"
        raise UsageError(msg)
    return suggested


def _cells_to_mend(contacts: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Each cell once that still reads as its issue says and has one suggestion: `row`, `column`, ..., `before`."""
    parts = [
        part.with_columns(_readings(contacts, column, part["row"]).alias("before"))
        for (column,), part in lines.partition_by("column", as_dict=True).items()
    ]
    if not parts:
        return lines.with_columns(pl.lit(None, dtype=pl.String).alias("before"))
    same = pl.concat(parts).filter(pl.col("before").eq_missing(_VALUE))
    suggestions = same.unique(["row", "column", "suggestion"], keep="first", maintain_order=True)
    return suggestions.filter(pl.struct("row", "column").is_unique())


def _readings(frame: pl.DataFrame, column: str, rows: pl.Series) -> pl.Series:
    """Some cells as text, as found; text that could not be converted where there is no value."""
    cells = frame.get_column(column).gather(rows).to_frame()
    texts = cells.select(unless_blank(text_form(pl.first(), frame.schema[column]))).to_series()
    beside = unread_column(column)
    if beside not in frame.columns or frame.schema[beside] != pl.String:
        return texts
    return texts.fill_null(_waiting(frame, column, rows))


def _changes(conformed: pl.DataFrame, mended: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """The cells that differ, those that changed along with a mended one included."""
    pair = {CODE, NUMBER} & set(conformed.columns)
    along = [
        cells.filter(pl.col("column") == column).select("row", pl.lit(other).alias("column"), "rule")
        for column, other in ((CODE, NUMBER), (NUMBER, CODE))
        if len(pair) == 2
    ]
    touched = pl.concat([cells.select("row", "column", "rule"), *along]).unique(
        ["row", "column"], keep="first", maintain_order=True
    )
    read = [pl.DataFrame(schema=CHANGES)]
    for (column,), part in touched.partition_by("column", as_dict=True).items():
        before, after = (_readings(frame, column, part["row"]) for frame in (conformed, mended))
        read.append(part.with_columns(before.alias("before"), after.alias("after")))
    changes = pl.concat(read).filter(pl.col("before").ne_missing(pl.col("after")))
    place = pl.col("column").replace_strict(conformed.columns, range(conformed.width), return_dtype=pl.Int64)
    return changes.sort("row", place)


def _is_emptied(frame: pl.DataFrame, name: str) -> bool:
    """Whether a column keeps what could not be converted, and nothing of that is left."""
    is_beside = is_unread_column(name) and name.removeprefix(UNREAD_PREFIX) in frame.columns
    return is_beside and frame.get_column(name).null_count() == frame.height
