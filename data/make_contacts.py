"""Makes the sample contacts and the answers that belong to them.

    python data/make_contacts.py [--rows 5000] [--seed 20240229] [--out data]

Writes `contacts.csv` (what a web shop exports, with its mistakes), `mapping.toml` (which column is
what) and `known_answers.csv` (what must come of every row). The answers are known because the
mistakes are planted here, one by one; nothing is judged by the code that is tested with them.

The same seed gives the same bytes on every platform and Python: chance is built on `random()`
alone, the one part of the standard library's generator whose sequence is promised to stay.

Nobody in the file exists. E-mail addresses are at example.com and its kin (RFC 2606), phone
numbers in ranges that regulators keep for fiction.
"""

from __future__ import annotations

import argparse
import copy
import datetime as dt
import random
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

HERE: Final = Path(__file__).resolve().parent
DEFAULT_ROWS: Final = 5000
DEFAULT_SEED: Final = 20240229
FIRST_CUSTOMER_NO: Final = 100001

COLUMNS: Final = (
    "Customer no",
    "CRM id",
    "List id",
    "First name",
    "Last name",
    "E-mail",
    "Mobile",
    "Country",
    "SMS consent",
    "Newsletter",
    "City",
    "Birthday",
    "Loyalty tier",
    "Last order",
    "Note",
)
ANSWER_COLUMNS: Final = (
    "row",
    "status",
    "errors",
    "warnings",
    "http_status",
    "code",
    "mobile_country_code",
    "mobile_number",
    "email",
    "mobile_opt_in",
    "email_opt_in",
    "person",
    "defect",
)
MAPPING: Final = """\
# What the columns of contacts.csv are, for
#
#     read_contacts("data/contacts.csv", mapping="data/mapping.toml", default_country="Country")
#
# On the left a column of the file, on the right the column of the contacts frame that it becomes;
# "property:<name>" is a property of the CRM. Columns that are not named here (Customer no, Country,
# Last order, Note) are carried along and never sent; Country also tells which country a phone
# number without a calling code belongs to.

"CRM id" = "contact_id"
"List id" = "list_id"
"E-mail" = "email"
"Mobile" = "mobile_number"
"SMS consent" = "mobile_opt_in"
"Newsletter" = "email_opt_in"
"First name" = "property:First name"
"Last name" = "property:Last name"
"City" = "property:City"
"Birthday" = "property:Birthday"
"Loyalty tier" = "property:Loyalty tier"
"""

# --- what is drawn from ------------------------------------------------------------------------

NBSP: Final = "\u00a0"
DOMAINS: Final = ("example.com", "example.org", "example.net", "mail.example.com", "post.example.org")
YES_WORDS: Final = ("yes", "yes", "Yes", "YES", "1", "1", "true", "TRUE", "y", "Y", "on")
NO_WORDS: Final = ("no", "no", "No", "NO", "0", "0", "false", "FALSE", "n", "N", "off")
YES_WORD_OF: Final = {"NO": "ja", "DK": "ja", "SE": "ja", "DE": "ja"}
NO_WORD_OF: Final = {"NO": "nei"}
LATIN_LETTERS: Final = str.maketrans(
    {"ø": "o", "æ": "ae", "ß": "ss", "ł": "l", "đ": "d", "\u0131": "i", "þ": "th", "ð": "d", "ŋ": "ng"}
)
"""Letters that have no decomposition into a Latin letter and a mark."""

FIRST_BIRTHDAY: Final = dt.date(1938, 1, 1)
BIRTHDAY_DAYS: Final = 25_000
FIRST_ORDER: Final = dt.date(2021, 1, 1)
ORDER_DAYS: Final = 1_700

NOTES: Final = (
    "Prefers the side door, please ring twice",
    'Said "call me in May"',
    "Line one\nline two",
    "Wholesale; 30 days",
    "Rückgabe offen",
    "=SUM(A1:A9)",
    "Paid 1,250.00",
    "🎁 gift wrapped",
    "Allergic to \ttabs",
    "'quoted'",
)
ODD_NAMES: Final = (
    ("<script>alert(1)</script>", "Tester"),
    ("Anna", "<b>Bold</b> & Sons"),
    ("=1+1", "Formula"),
    ("Sam", '=HYPERLINK("http://example.com","click")'),
    ("@SUM(1)", "Atkins"),
    ("+Plus", "-Minus"),
    ("Robert", '"; DROP TABLE contacts; --'),
    ("Robert'); DROP TABLE Students;--", "Roberts"),
    ("Alex", "Null"),
    ("NaN", "None"),
    ("true", "1"),
    ("Nadia", "N/A"),
    ('Robert "Bob"', "Baker"),
    ("Martin Luther", "King, Jr."),
    ("Sunny 🌻", "Day"),
    ("👩‍👩‍👧", "Family"),
    ("Miguel", "O'Neil"),
    ("Pieter", "van der Berg"),
    ("X Æ A-12", "M"),
    ("Keihanaikukauakahihuliheekahaunaele", "Keola"),
    ("{{7*7}}", "${HOME}"),
    ("%s%n", "\\N"),
    ("  Padded  ", f"{NBSP}Spaces "),
    ("Jose\u0301", "Decomposed"),
    ("Zalgo\u0336", "Z\u0351\u0303w"),
)
"""Names that are data, however they look: to be stored as they are (without the white space around)."""

# --- phone numbers kept for fiction ------------------------------------------------------------

CALLING_CODES: Final = {"GB": "44", "US": "1", "CA": "1", "FR": "33", "SE": "46", "DE": "49", "AU": "61"}
US_AREAS: Final = (
    "201 202 206 212 213 214 215 303 305 312 313 314 404 412 415 503 504 512 602 612 617 619 702 704 713 801 808 907 "
    "916 919"
).split()
CA_AREAS: Final = "204 306 403 416 506 514 604 613 709 780 902 905".split()
AU_NUMBERS: Final = (
    "491570006 491570110 491570156 491570157 491570158 491570159 491570313 491570737 491571266 491571491 491571804 "
    "491572549 491572665 491572983 491573087 491573770 491574118 491574632 491575254 491575789 491576398 491576801 "
    "491577426 491577644 491578148 491578888 491578957 491579212 491579455 491579760"
).split()
RESERVED_NUMBERS: Final[dict[str, tuple[str, ...]]] = {
    "GB": tuple(f"7700900{n:03}" for n in range(1000)),
    "US": tuple(f"{area}55501{n:02}" for area in US_AREAS for n in range(100)),
    "CA": tuple(f"{area}55501{n:02}" for area in CA_AREAS for n in range(100)),
    "FR": tuple(f"63998{n:04}" for n in range(10_000)),
    "SE": tuple(f"7017406{n:02}" for n in range(5, 100)),
    "DE": tuple(f"17139200{n:02}" for n in range(100)) + tuple(f"176040690{n:02}" for n in range(100)),
    "AU": tuple(AU_NUMBERS),
}
"""National numbers that are given to nobody.

Source: Ofcom, numbers for drama use (GB); NANPA, 555-0100 to 555-0199 (US, CA); ARCEP decision 2018-0881,
06 39 98 (FR); PTS, 070-1740605 to 070-1740699 (SE); Bundesnetzagentur, Mitteilung 148/2021 (DE); ACMA, numbers for
creative works (AU).
"""

LOCAL_STYLES: Final[dict[str, tuple[str, ...]]] = {
    "GB": ("0#### ######", "0#### ######", "0##########", "0####-######", "0#### ### ###", f"0####{NBSP}######"),
    "US": ("(###) ###-####", "(###) ###-####", "###-###-####", "###.###.####", "##########", "1-###-###-####"),
    "CA": ("(###) ###-####", "###-###-####", "### ### ####", "1 ### ###-####"),
    "FR": (
        "0# ## ## ## ##",
        "0# ## ## ## ##",
        "0#.##.##.##.##",
        "0#########",
        "0#-##-##-##-##",
        f"0#{NBSP}##{NBSP}##{NBSP}##{NBSP}##",
    ),
    "SE": ("0##-### ## ##", "0##-#######", "0## ### ## ##"),
    "DE": ("0### *", "0###/*", "0###-*", "0*"),
    "AU": ("0### ### ###", "0#########", "0###-###-###"),
}
"""How a number is written at home: `#` is a digit, `*` the rest of them."""

PLUS_STYLES: Final[dict[str, tuple[str, ...]]] = {
    "GB": ("+44 #### ######", "+44##########", "+44 (0)#### ######", f"+44{NBSP}####{NBSP}######"),
    "US": ("+1 ### ### ####", "+1 (###) ###-####", "+1-###-###-####", "+1##########"),
    "CA": ("+1 ### ### ####", "+1 (###) ###-####"),
    "FR": ("+33 # ## ## ## ##", "+33#########", "+33 (0)# ## ## ## ##", "+33.#.##.##.##.##"),
    "SE": ("+46 ## ### ## ##", "+46#########", "+46 (0)## ### ## ##"),
    "DE": ("+49 ### *", "+49*", "+49 (0)### *"),
    "AU": ("+61 ### ### ###", "+61 (0)### ### ###"),
}
"""How a number is written for the whole world."""

DIALLED_STYLES: Final[dict[str, tuple[str, ...]]] = {
    "GB": ("0044 #### ######", "0044##########"),
    "FR": ("0033 # ## ## ## ##",),
    "SE": ("0046 ## ### ## ##",),
    "DE": ("0049 ### *",),
    "AU": ("0011 61 ### ### ###",),
}
"""How a number is written with the prefix that is dialled to leave the country; that prefix differs by country."""

# --- what is planted ---------------------------------------------------------------------------

SYNTAX_ERRORS: Final = (
    "{local}.{domain}",
    "{local}@@{domain}",
    "{local}@home@{domain}",
    "my {local}@{domain}",
    "{local}@ {domain}",
    "{local}@",
    "{local}@example",
    "{local}@{domain}.",
    "{local}..x@{domain}",
    "{local}@example..com",
    "@{local}.example.com",
)
INVISIBLE: Final = (
    "{head}\u200b{tail}@{domain}",
    "{local}\u200d@{domain}",
    "{local}@\ufeff{domain}",
    "{head}\u2060{tail}@{domain}",
    "{head}\u0007{tail}@{domain}",
    "{local}@\u200b{domain}",
    "{head}\u007f{tail}@{domain}",
    "{head}\u200c{tail}@{domain}",
)
DECOMPOSED: Final = (
    "andre\u0301.{local}@{domain}",
    "{local}@cafe\u0301.example",
    "bjo\u0308rn.{local}@{domain}",
    "{local}@a\u030akra.example.org",
)
LOOK_ALIKES: Final = (
    "{local}@m\u0430il.example.com",
    "{local}@sh\u043ep.example",
    "{local}@p\u03bfst.example.org",
    "{local}@\u0435xample.example",
)
"""A Cyrillic a, o, e or a Greek omicron amid Latin letters, on domains that are nobody's all the same."""

INTERNATIONAL: Final = (
    "søren.{local}@{domain}",
    "{local}@blåbær.example",
    "{local}@пример.example",
    "{local}@例え.example",
)
"""Addresses that are right, though not in ASCII."""

PADDED: Final = (" {local}@{domain}", "{local}@{domain}  ", NBSP + "{local}@{domain}", "\t{local}@{domain} ")
UNREADABLE_PHONES: Final = (
    "see note",
    "077",
    "unknown",
    "077009001239999999",
    "ask in shop",
    "0",
    "ring the office",
    "12",
    "+44",
    "no phone",
    "+44 7700 9001234567890",
    "????",
)
LETTERS_FOR_DIGITS: Final = ("9OO", "9oo", "9O0", "90O")
EXTENSIONS: Final = (" ext. 12", " x12", " ext 7", " extension 9")
SEPARATORS: Final = (" / ", "; ", " / ", ", ", " / ", " or ")
NOT_YES_OR_NO: Final = ("maybe", "2", "?", "yes please", "-1", "not sure")
NOT_UUIDS: Final = (
    "VIP",
    "12345",
    "3f2b8c1e-9d47-4a60-8b15",
    "{3f2b8c1e-9d47-4a60-8b15-c02d7e94a1f6}",
    "3f2b8c1e9d474a608b15c02d7e94a1f6",
    "gggggggg-9d47-4a60-8b15-c02d7e94a1f6",
)
NOT_INTEGERS: Final = ("abc", "12a", "id 77", "1 024", "#15", "n/a")
FLOAT_IDS: Final = ("1.23E+05", "42.0", "7.7e6", "1024.00", "3.5")
OUT_OF_RANGE: Final = ("0", "-5", "9223372036854775808", "-1024", "99999999999999999999", "-1")
TIERS: Final = ("Gold", "Silver", "Bronze")
BLANKS: Final = ("", "  ", NBSP)

T = TypeVar("T")


class Dice:
    """Chance that falls the same way on every Python."""

    def __init__(self, seed: int) -> None:
        """Starts at a seed."""
        self._random = random.Random(seed).random

    def chance(self, share: float) -> bool:
        """True in that share of the throws."""
        return self._random() < share

    def below(self, end: int) -> int:
        """A whole number from 0 up to, and without, the end."""
        return int(self._random() * end)

    def pick(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.below(len(items))]

    def shuffled(self, items: Iterable[T]) -> list[T]:
        """The items in another order."""
        deck = list(items)
        for last in range(len(deck) - 1, 0, -1):
            other = self.below(last + 1)
            deck[last], deck[other] = deck[other], deck[last]
        return deck

    def uuid(self) -> str:
        """A random uuid of version 4."""
        digits = "".join(f"{self.below(16):x}" for _ in range(30))
        return f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-a{digits[15:18]}-{digits[18:]}"


@dataclass(frozen=True, slots=True)
class Country:
    """Where people come from: cities, and names with their Latin spelling."""

    code: str
    weight: int
    cities: list[str]
    first: list[tuple[str, str]]
    last: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Phone:
    """A number kept for fiction: the country it is of, and its digits without the calling code."""

    country: str
    national: str

    def written(self, style: str) -> str:
        """The number in a style of the tables above."""
        digits = iter(self.national)
        marks = (next(digits) if mark == "#" else mark for mark in style)
        return "".join(marks).replace("*", "".join(digits))

    @property
    def digits(self) -> str:
        """The calling code and the number in one."""
        return CALLING_CODES[self.country] + self.national


@dataclass(slots=True)
class Row:
    """A row of the file and what must come of it."""

    cells: dict[str, str]
    person: int
    phone: Phone | None = None
    errors: set[str] = field(default_factory=set)
    warnings: set[str] = field(default_factory=set)
    http_status: str = "202"
    code: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    defects: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        """What `mb_status` must be."""
        if self.errors:
            return "invalid"
        return "succeeded" if self.http_status == "202" else "rejected"

    def set_phone(self, phone: Phone, style: str) -> None:
        """Writes a phone number that is to be read as such."""
        self.phone = phone
        self.cells["Mobile"] = phone.written(style)
        self.answers["mobile_country_code"] = CALLING_CODES[phone.country]
        self.answers["mobile_number"] = phone.national

    def spoil_phone(self, text: str, rule: str, *, keeps_code: bool = False) -> None:
        """Writes something that is not to be read as a phone number, though its country code may be."""
        code = self.answers.get("mobile_country_code", "")
        self.clear_phone()
        self.answers["mobile_country_code"] = code if keeps_code else ""
        self.cells["Mobile"] = text
        self.errors.add(rule)

    def clear_phone(self) -> None:
        """Takes the phone number away."""
        self.phone = None
        self.cells["Mobile"] = ""
        self.answers["mobile_country_code"] = self.answers["mobile_number"] = ""

    def set_email(self, text: str) -> None:
        """Writes an e-mail address that is to be sent as it is, without the white space around it."""
        self.cells["E-mail"] = text
        self.answers["email"] = text.strip()

    def respell_email(self, spelling: str) -> None:
        """Writes the row's own address in another way."""
        local, domain = self.cells["E-mail"].split("@")
        self.set_email(spelling.format(local=local, head=local[:2], tail=local[2:], domain=domain))

    def set_consent(self, column: str, word: str, meaning: str) -> None:
        """Writes a consent as a word, and what it means: "true", "false" or blank."""
        self.cells[column] = word
        self.answers["mobile_opt_in" if column == "SMS consent" else "email_opt_in"] = meaning

    def same_person(self) -> Row:
        """The same row once more."""
        return copy.deepcopy(self)


class Maker:
    """Makes people, none of whom shares an identifier with another."""

    def __init__(self, seed: int, countries: Sequence[Country]) -> None:
        """Starts with all the numbers unused."""
        self.dice = Dice(seed)
        self._countries = {country.code: country for country in countries}
        self._by_weight = [country.code for country in countries for _ in range(country.weight)]
        self._numbers = {code: self.dice.shuffled(numbers) for code, numbers in RESERVED_NUMBERS.items()}
        self._addresses: dict[str, int] = {}
        self._people = 0

    def phone(self, country: str) -> Phone | None:
        """A number of that country which nobody has yet; None when there are no more, or never were any."""
        numbers = self._numbers.get(country)
        return Phone(country, numbers.pop()) if numbers else None

    def person(self, country: str = "", *, mobile: bool | None = None, email: bool | None = None) -> Row:
        """A person without a defect.

        Args:
            country: two letters; by chance when blank.
            mobile: whether there is a mobile; by chance when None. True only where numbers can't run out.
            email: whether there is an e-mail address; by chance, and when there is no mobile, when None.
        """
        country = country or self.dice.pick(self._by_weight)
        self._people += 1
        row = Row(dict.fromkeys(COLUMNS, ""), self._people)
        row.cells["Country"] = country
        address = self._fill_person(row, self._countries[country])
        if mobile or (mobile is None and self.dice.chance(0.88)):
            self._fill_mobile(row, country, sure=bool(mobile))
        if email is None:
            email = row.phone is None or self.dice.chance(0.88)
        if email:
            row.set_email(address)
        self._fill_consents(row)
        return row

    def consent(self, row: Row, column: str, *, given: bool) -> None:
        """Writes a yes or a no in one of the shop's ways."""
        own = (YES_WORD_OF if given else NO_WORD_OF).get(row.cells["Country"])
        word = own if own and self.dice.chance(0.3) else self.dice.pick(YES_WORDS if given else NO_WORDS)
        row.set_consent(column, word, "true" if given else "false")

    def _fill_person(self, row: Row, country: Country) -> str:
        (first, first_latin), (last, last_latin) = self.dice.pick(country.first), self.dice.pick(country.last)
        row.cells["First name"], row.cells["Last name"] = first, last
        row.cells["City"] = self.dice.pick(country.cities) if self.dice.chance(0.9) else ""
        row.cells["Birthday"] = self._day(FIRST_BIRTHDAY, BIRTHDAY_DAYS, 0.7)
        row.cells["Last order"] = self._day(FIRST_ORDER, ORDER_DAYS, 0.85)
        row.cells["Note"] = self.dice.pick(NOTES) if self.dice.chance(0.06) else ""
        return self._address(first_latin, last_latin)

    def _fill_mobile(self, row: Row, country: str, *, sure: bool) -> None:
        phone = self.phone(country)
        if phone is not None:
            row.set_phone(phone, self._style(country))
        elif sure or self.dice.chance(0.4):
            self._fill_foreign_mobile(row)

    def _fill_foreign_mobile(self, row: Row) -> None:
        phone = self.phone(self.dice.pick(("FR", "FR", "US")))
        if phone is not None:
            row.set_phone(phone, self.dice.pick(PLUS_STYLES[phone.country]))
            if self.dice.chance(0.1):
                row.cells["Country"] = ""

    def _style(self, country: str) -> str:
        if self.dice.chance(0.65):
            return self.dice.pick(LOCAL_STYLES[country])
        if country in DIALLED_STYLES and self.dice.chance(0.25):
            return self.dice.pick(DIALLED_STYLES[country])
        return self.dice.pick(PLUS_STYLES[country])

    def _fill_consents(self, row: Row) -> None:
        for column, identifier in (("SMS consent", "Mobile"), ("Newsletter", "E-mail")):
            share = 0.75 if row.cells[identifier] else 0.2
            if self.dice.chance(share):
                self.consent(row, column, given=bool(row.cells[identifier]) and self.dice.chance(0.6))
            if not row.cells[identifier]:
                row.set_consent(column, "", "")

    def _day(self, first: dt.date, days: int, share: float) -> str:
        day = first + dt.timedelta(days=self.dice.below(days))
        return day.isoformat() if self.dice.chance(share) else ""

    def _address(self, first: str, last: str) -> str:
        local = self.dice.pick((f"{first}.{last}", f"{first}.{last}", f"{first[0]}.{last}", f"{first}{last}"))
        self._addresses[local] = count = self._addresses.get(local, 0) + 1
        address = f"{local}{count if count > 1 else ''}@{self.dice.pick(DOMAINS)}"
        return address.title() if self.dice.chance(0.04) else address


# --- defects of one row ------------------------------------------------------------------------


def break_email(_maker: Maker, row: Row, turn: int) -> None:
    """An address that is none."""
    row.respell_email(SYNTAX_ERRORS[turn % len(SYNTAX_ERRORS)])
    row.answers["email"] = ""
    row.errors.add("email_syntax")


def hide_in_email(_maker: Maker, row: Row, turn: int) -> None:
    """An address with a character that can't be seen."""
    row.respell_email(INVISIBLE[turn % len(INVISIBLE)])
    row.answers["email"] = ""
    row.errors.add("email_invisible")


def decompose_email(_maker: Maker, row: Row, turn: int) -> None:
    """An address in the normal form NFD."""
    row.respell_email(DECOMPOSED[turn % len(DECOMPOSED)])
    row.warnings.add("email_normal_form")


def disguise_email(_maker: Maker, row: Row, turn: int) -> None:
    """An address whose domain mixes two scripts."""
    row.respell_email(LOOK_ALIKES[turn % len(LOOK_ALIKES)])
    row.warnings.add("email_look_alike")


def pad_email(_maker: Maker, row: Row, turn: int) -> None:
    """An address with white space around it: right."""
    row.respell_email(PADDED[turn % len(PADDED)])


def internationalise_email(_maker: Maker, row: Row, turn: int) -> None:
    """An address beyond ASCII: right."""
    row.respell_email(INTERNATIONAL[turn % len(INTERNATIONAL)])


def break_phone(_maker: Maker, row: Row, turn: int) -> None:
    """Something else where the mobile should be."""
    row.spoil_phone(UNREADABLE_PHONES[turn % len(UNREADABLE_PHONES)], "phone_unreadable")


def letter_phone(_maker: Maker, row: Row, turn: int) -> None:
    """A letter O where a zero should be; leaving it out would make another number."""
    text = require(row.phone).written("0#### ######")
    spoilt = text.replace("900", LETTERS_FOR_DIGITS[turn % len(LETTERS_FOR_DIGITS)], 1)
    row.spoil_phone(spoilt, "phone_unreadable", keeps_code=True)


def float_phone(_maker: Maker, row: Row, turn: int) -> None:
    """A mobile that went through a spreadsheet's number format."""
    digits = require(row.phone).digits
    scientific = f"{digits[0]}.{digits[1 : 7 + turn % 3]}E+{len(digits) - 1}"
    row.spoil_phone(scientific if turn % 4 else f"{digits}.0", "number_as_float")


def extend_phone(_maker: Maker, row: Row, turn: int) -> None:
    """A mobile with an extension."""
    text = row.cells["Mobile"] + EXTENSIONS[turn % len(EXTENSIONS)]
    row.spoil_phone(text, "phone_extension", keeps_code=True)


def double_phone(maker: Maker, row: Row, turn: int) -> None:
    """Two mobiles in one cell."""
    first = require(row.phone)
    second = require(maker.phone(first.country))
    style = LOCAL_STYLES[first.country][0]
    separator = SEPARATORS[turn % len(SEPARATORS)]
    row.spoil_phone(first.written(style) + separator + second.written(style), "phone_several")


def lose_country(maker: Maker, row: Row, _turn: int) -> None:
    """A mobile as it is written at home, and no country."""
    phone = require(row.phone)
    row.spoil_phone(phone.written(maker.dice.pick(LOCAL_STYLES[phone.country][:4])), "country_code_missing")
    row.cells["Country"] = ""


def blur_consent(_maker: Maker, row: Row, turn: int) -> None:
    """A word that is neither yes nor no."""
    row.set_consent(("SMS consent", "Newsletter")[turn % 2], NOT_YES_OR_NO[turn // 2 % len(NOT_YES_OR_NO)], "")
    row.errors.add("not_yes_or_no")


def break_list(_maker: Maker, row: Row, turn: int) -> None:
    """A list id that is no uuid."""
    row.cells["List id"] = NOT_UUIDS[turn % len(NOT_UUIDS)]
    row.errors.add("not_a_uuid")


def invent_list(maker: Maker, row: Row, _turn: int) -> None:
    """A list that the CRM does not have."""
    row.cells["List id"] = maker.dice.uuid()
    row.http_status = "422"


def break_id(_maker: Maker, row: Row, turn: int) -> None:
    """A CRM id that is no whole number."""
    row.cells["CRM id"] = NOT_INTEGERS[turn % len(NOT_INTEGERS)]
    row.errors.add("not_an_integer")


def float_id(_maker: Maker, row: Row, turn: int) -> None:
    """A CRM id that went through a spreadsheet's number format."""
    row.cells["CRM id"] = FLOAT_IDS[turn % len(FLOAT_IDS)]
    row.errors.add("number_as_float")


def overflow_id(_maker: Maker, row: Row, turn: int) -> None:
    """A CRM id that can't be one."""
    row.cells["CRM id"] = OUT_OF_RANGE[turn % len(OUT_OF_RANGE)]
    row.errors.add("out_of_range")


def invent_id(_maker: Maker, row: Row, turn: int) -> None:
    """A CRM id that the CRM does not have; the first is the largest there can be."""
    row.cells["CRM id"] = str(2**63 - 1 if turn == 0 else 880_000 + 17 * turn)
    row.http_status = "422"


def lose_identifiers(maker: Maker, row: Row, turn: int) -> None:
    """Nothing that would find the person; a few cells hold white space."""
    row.cells["E-mail"] = BLANKS[turn % len(BLANKS)]
    row.cells["Mobile"] = maker.dice.pick(BLANKS)
    row.errors.add("no_identifier")


def add_tier(_maker: Maker, row: Row, turn: int) -> None:
    """The one property that the CRM's catalogue lacks."""
    row.cells["Loyalty tier"] = TIERS[turn % len(TIERS)]
    row.code = "invalid_properties"


def rename(_maker: Maker, row: Row, turn: int) -> None:
    """A name that looks like something else: right."""
    row.cells["First name"], row.cells["Last name"] = ODD_NAMES[turn % len(ODD_NAMES)]


# --- defects between rows ----------------------------------------------------------------------


def linked(*rows: Row) -> list[Row]:
    """The rows, each with the warning that it shares an identifier."""
    for row in rows:
        row.warnings.add("duplicate_identifier")
    return list(rows)


def duplicate(maker: Maker, _turn: int) -> list[Row]:
    """A person twice, the same in every cell that is sent."""
    row = maker.person(mobile=None, email=None)
    return linked(row, row.same_person())


def duplicate_thrice(maker: Maker, _turn: int) -> list[Row]:
    """A person three times."""
    row = maker.person("FR", mobile=True, email=True)
    return linked(row, row.same_person(), row.same_person())


def duplicate_case(maker: Maker, turn: int) -> list[Row]:
    """A person twice, the e-mail in another case."""
    row = maker.person("GB", mobile=turn % 2 == 0, email=True)
    again = row.same_person()
    again.set_email(row.cells["E-mail"].upper())
    return linked(row, again)


def duplicate_notation(maker: Maker, turn: int) -> list[Row]:
    """A person twice, the mobile written in another way."""
    country = ("GB", "US", "FR")[turn % 3]
    row = maker.person(country, mobile=True, email=turn % 2 == 0)
    phone, again = require(row.phone), row.same_person()
    row.set_phone(phone, LOCAL_STYLES[country][0])
    again.set_phone(phone, PLUS_STYLES[country][turn % 4])
    return linked(row, again)


def duplicate_email(maker: Maker, turn: int) -> list[Row]:
    """A person twice by e-mail, the second time with another mobile or with none, and no word on consent."""
    row = maker.person("FR", mobile=True, email=True)
    again = row.same_person()
    again.clear_phone()
    if turn % 2 == 0:
        again.set_phone(require(maker.phone("FR")), PLUS_STYLES["FR"][0])
    again.set_consent("SMS consent", "", "")
    again.set_consent("Newsletter", "", "")
    return linked(row, again)


def duplicate_mobile(maker: Maker, _turn: int) -> list[Row]:
    """A person twice by mobile, the second time with another e-mail."""
    row, other = maker.person("US", mobile=True, email=True), maker.person("US", mobile=False, email=True)
    again = row.same_person()
    again.set_email(other.cells["E-mail"])
    return linked(row, again)


def duplicate_id(maker: Maker, turn: int) -> list[Row]:
    """Two people with one CRM id, which the CRM does not have."""
    rows = linked(maker.person(), maker.person())
    for row in rows:
        row.cells["CRM id"] = str(990_001 + turn)
        row.http_status = "422"
        row.set_consent("SMS consent", "", "")
        row.set_consent("Newsletter", "", "")
    return rows


def conflict(maker: Maker, turn: int) -> list[Row]:
    """A person twice who said yes once and no once; every third time yes comes first, the last time both are wrong."""
    yes = maker.person("GB", mobile=True, email=True)
    no = yes.same_person()
    disputed, agreed = ("SMS consent", "Newsletter")[:: 1 if turn % 2 else -1]
    maker.consent(yes, disputed, given=True)
    maker.consent(no, disputed, given=False)
    yes.errors.add("consent_conflict")
    crossed = turn == COUNTS["consent_conflict"] - 1
    maker.consent(yes, agreed, given=not crossed)
    maker.consent(no, agreed, given=True)
    if crossed:
        maker.consent(yes, agreed, given=False)
        no.errors.add("consent_conflict")
    return linked(yes, no) if turn % 3 == 0 else linked(no, yes)


def join(maker: Maker, turn: int) -> list[Row]:
    """Two people, and a third row with the mobile of the one and the e-mail of the other."""
    one = maker.person("US", mobile=True, email=turn % 2 == 0)
    other = maker.person("US", mobile=turn % 2 == 0, email=True)
    both = one.same_person()
    both.set_email(other.cells["E-mail"])
    for row in (one, other, both):
        row.set_consent("SMS consent", "", "")
        maker.consent(row, "Newsletter", given=turn % 3 == 0)
        if not row.cells["E-mail"]:
            row.set_consent("Newsletter", "", "")
    both.http_status = "409"
    both.warnings.add("joins_contacts")
    return linked(one, other, both)


def duplicate_and_break(maker: Maker, turn: int) -> list[Row]:
    """A person twice by e-mail, the second time with a mobile that is none."""
    row = maker.person("GB", mobile=True, email=True)
    again = row.same_person()
    break_phone(maker, again, turn)
    return linked(row, again)


def consent_for_nothing(maker: Maker, row: Row, *, given: bool) -> None:
    """A yes or a no beside a blank address: the yes is an error, the no a warning."""
    maker.consent(row, "Newsletter" if row.phone else "SMS consent", given=given)
    if given:
        row.errors.add("opt_in_without_address")
    else:
        row.warnings.add("opt_out_without_address")


# --- the plan ----------------------------------------------------------------------------------

Change = Callable[[Maker, Row, int], None]
Group = Callable[[Maker, int], list[Row]]


def single(*changes: Change, country: str = "", mobile: bool | None = None, email: bool | None = None) -> Group:
    """Makes one person and changes that row."""

    def make(maker: Maker, turn: int) -> list[Row]:
        row = maker.person(country, mobile=mobile, email=email)
        for change in changes:
            change(maker, row, turn)
        return [row]

    return make


def phones(change: Change, countries: str = "GB US FR") -> Group:
    """Makes one person with a mobile, of each country in turn, and changes that row; every fourth has no e-mail."""

    def make(maker: Maker, turn: int) -> list[Row]:
        codes = countries.split()
        row = maker.person(codes[turn % len(codes)], mobile=True, email=turn % 4 != 1)
        change(maker, row, turn)
        return [row]

    return make


PLANTS: Final[tuple[tuple[str, int, Group], ...]] = (
    ("email_syntax", 16, single(break_email, email=True)),
    ("email_invisible", 8, single(hide_in_email, email=True)),
    ("email_normal_form", 8, single(decompose_email, email=True)),
    ("email_look_alike", 8, single(disguise_email, email=True)),
    ("phone_unreadable", 12, phones(break_phone, "GB")),
    ("phone_letters", 4, phones(letter_phone, "GB")),
    ("phone_as_float", 8, phones(float_phone, "GB FR")),
    ("phone_extension", 8, phones(extend_phone, "GB US")),
    ("phone_several", 8, phones(double_phone)),
    ("country_code_missing", 10, phones(lose_country)),
    ("no_identifier", 10, single(lose_identifiers, mobile=False, email=False)),
    ("not_yes_or_no", 12, single(blur_consent)),
    ("not_a_uuid", 6, single(break_list)),
    ("unknown_list", 10, single(invent_list)),
    ("id_not_an_integer", 6, single(break_id)),
    ("id_as_float", 5, single(float_id)),
    ("id_out_of_range", 6, single(overflow_id)),
    ("unknown_id", 12, single(invent_id)),
    ("unknown_property", 15, single(add_tier)),
    ("duplicate", 16, duplicate),
    ("duplicate_thrice", 2, duplicate_thrice),
    ("duplicate_email_case", 8, duplicate_case),
    ("duplicate_mobile_notation", 6, duplicate_notation),
    ("duplicate_email_only", 5, duplicate_email),
    ("duplicate_mobile_only", 5, duplicate_mobile),
    ("duplicate_id", 3, duplicate_id),
    ("consent_conflict", 8, conflict),
    ("joins_contacts", 6, join),
    ("email_syntax+not_yes_or_no", 2, single(break_email, blur_consent, email=True)),
    ("email_syntax+phone_unreadable", 2, single(break_email, break_phone, country="GB", email=True)),
    ("email_normal_form+phone_unreadable", 1, single(decompose_email, break_phone, country="GB", email=True)),
    ("email_look_alike+unknown_property", 1, single(disguise_email, add_tier, email=True)),
    ("email_look_alike+unknown_id", 1, single(disguise_email, lambda m, r, _: invent_id(m, r, 50), email=True)),
    ("no_identifier+not_yes_or_no", 2, single(lose_identifiers, blur_consent, mobile=False, email=False)),
    ("id_not_an_integer+phone_extension", 1, single(break_id, extend_phone, country="GB", mobile=True)),
    ("not_a_uuid+country_code_missing", 1, single(break_list, lose_country, country="FR", mobile=True)),
    ("duplicate+phone_unreadable", 1, duplicate_and_break),
    ("", 8, single(pad_email, email=True)),
    ("", 8, single(internationalise_email, email=True)),
    ("", len(ODD_NAMES), single(rename)),
)
"""What is planted, how often, and how; a blank name marks what only looks wrong."""

CONSENTS_FOR_NOTHING: Final = (("opt_in_without_address", 6, True), ("opt_out_without_address", 8, False))
"""What is planted among the people without a defect, how often, and whether it is a yes."""

COUNTS: Final = {name: count for name, count, _ in (*PLANTS, *CONSENTS_FOR_NOTHING) if name}


def require(phone: Phone | None) -> Phone:
    """The phone.

    Raises:
        ValueError: there is none, because a plan asks for more numbers than are kept for fiction.
    """
    if phone is None:
        msg = "no number left: plant fewer of these, or in another country"
        raise ValueError(msg)
    return phone


def planted(maker: Maker) -> list[list[Row]]:
    """The rows with defects, in groups whose order matters."""
    groups = []
    for name, count, make in PLANTS:
        for turn in range(count):
            group = make(maker, turn)
            for row in group:
                row.defects = [name] if name else []
            groups.append(group)
    return groups


def make_rows(count: int, seed: int) -> list[Row]:
    """All rows, those with defects scattered among the others.

    Args:
        count: how many rows.
        seed: where chance starts.

    Raises:
        ValueError: there are fewer rows than defects.
    """
    maker = Maker(seed, read_countries())
    groups = planted(maker)
    clean = count - sum(map(len, groups))
    if clean < 0:
        msg = f"{count} rows are too few: the defects alone take {count - clean}"
        raise ValueError(msg)
    people = [maker.person() for _ in range(clean)]
    groups.append(people)
    places = maker.dice.shuffled(place for place, group in enumerate(groups) for _ in group)
    waiting: list[Iterator[Row]] = [iter(group) for group in groups]
    rows = [next(waiting[place]) for place in places]
    alone = maker.dice.shuffled(row for row in people if not (row.phone and row.cells["E-mail"]))
    for name, times, given in CONSENTS_FOR_NOTHING:
        for _ in range(times):
            row = alone.pop()
            consent_for_nothing(maker, row, given=given)
            row.defects = [name]
    for number, row in enumerate(rows, FIRST_CUSTOMER_NO):
        row.cells["Customer no"] = str(number)
    return rows


def read_countries() -> list[Country]:
    """The countries of `names.toml`."""
    tables = tomllib.loads((HERE / "names.toml").read_text(encoding="utf-8"))
    return [
        Country(code, table["weight"], table["cities"].split(", "), spellings(table["first"]), spellings(table["last"]))
        for code, table in tables.items()
    ]


def spellings(names: str) -> list[tuple[str, str]]:
    """Names, each with what it is in an e-mail address."""
    pairs = [name.partition("=") for name in names.split(", ")]
    return [(name, latin(spelling or name)) for name, _, spelling in pairs]


def latin(name: str) -> str:
    """A name in the 26 letters."""
    plain = unicodedata.normalize("NFD", name.lower().translate(LATIN_LETTERS))
    return "".join(letter for letter in plain if "a" <= letter <= "z")


def answer_lines(rows: Sequence[Row]) -> Iterator[list[str]]:
    """The known answers, row by row; stored people are numbered as they come."""
    people: dict[int, int] = {}
    for number, row in enumerate(rows):
        stored = row.status == "succeeded"
        known = {
            **row.answers,
            "row": str(number),
            "status": row.status,
            "errors": " ".join(sorted(row.errors)),
            "warnings": " ".join(sorted(row.warnings)),
            "http_status": "" if row.errors else row.http_status,
            "code": row.code if stored else "",
            "person": str(people.setdefault(row.person, len(people) + 1)) if stored else "",
            "defect": "".join(row.defects),
        }
        yield [known.get(column, "") for column in ANSWER_COLUMNS]


def csv_text(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table as RFC 4180 has it, with LF; written out here so that no version of `csv` can quote differently."""
    return "".join(",".join(map(csv_cell, line)) + "\n" for line in (header, *lines))


def csv_cell(value: str) -> str:
    """A cell, in quotes only where it has to be."""
    return '"' + value.replace('"', '""') + '"' if any(mark in value for mark in ',"\r\n') else value


def write_files(rows: Sequence[Row], folder: Path) -> None:
    """Writes the three files into a folder, which is made if need be."""
    texts = {
        "contacts.csv": csv_text(COLUMNS, ([row.cells[column] for column in COLUMNS] for row in rows)),
        "known_answers.csv": csv_text(ANSWER_COLUMNS, answer_lines(rows)),
        "mapping.toml": MAPPING,
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode("utf-8"))


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description="Makes the sample contacts and the answers that belong to them.")
    parser.add_argument("--rows", type=int, default=DEFAULT_ROWS, help="how many contacts (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="where chance starts (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=HERE, help="the folder to write to (default: beside this script)")
    options = parser.parse_args()
    try:
        rows = make_rows(options.rows, options.seed)
    except ValueError as error:
        parser.error(str(error))
    write_files(rows, options.out)


if __name__ == "__main__":
    main()
