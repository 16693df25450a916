"""What cleaning a column costs, side by side with the library that knows the matter, in one run on one machine.

    python tests/benchmarks/cleaning.py            # a million rows, some minutes
    python tests/benchmarks/cleaning.py --small    # the same in seconds

Each side is run in turn; the ratio is that of the medians. The library is called for each row, as one would write it. A
million rows with repetition are drawn from 200,000 numbers; without, every row is another number.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable

import email_validator
import phonenumbers
import polars as pl
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from mbtoolkit.cleaning import normalize_email, normalize_phone

COUNTRIES = {"NO": 5, "SE": 3, "DK": 2, "DE": 3, "GB": 3, "US": 3, "FR": 2, "ES": 1, "IN": 2, "FI": 1, "NL": 1}
COUNTRIES |= dict.fromkeys(("PL", "BR", "IT", "AU", "CH", "AT", "IE", "PT", "MX"), 1)
"""How often each country is drawn."""
TRUNK_ZERO = frozenset(["SE", "DE", "GB", "FR", "FI", "NL", "AU", "CH", "AT", "IE"])
FORMATS = {"international": PhoneNumberFormat.INTERNATIONAL, "national": PhoneNumberFormat.NATIONAL}


def phones(rows: int, seed: int = 1) -> pl.DataFrame:
    """Mobile numbers as people write them, with the country of each; three in a hundred are none."""
    draw = random.Random(seed)
    known = {country: phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE) for country in COUNTRIES}
    cells = [
        (_written(known[country], country, draw), country)
        for country in draw.choices(list(COUNTRIES), list(COUNTRIES.values()), k=rows)
    ]
    return pl.DataFrame(cells, schema={"phone": pl.String, "country": pl.String}, orient="row")


def _written(example: phonenumbers.PhoneNumber, country: str, draw: random.Random) -> str:
    digits = str(example.national_number)
    changed = min(7, len(digits) - 2)
    digits = digits[:-changed] + "".join(draw.choices("0123456789", k=changed))
    number = phonenumbers.PhoneNumber(country_code=example.country_code, national_number=int(digits))
    forms: list[tuple[int, Callable[[], str]]] = [
        (25, lambda: f"+{number.country_code}{digits}"),
        (25, lambda: phonenumbers.format_number(number, FORMATS["international"])),
        (20, lambda: phonenumbers.format_number(number, FORMATS["national"])),
        (20, lambda: ("0" if country in TRUNK_ZERO else "") + digits),
        (4, lambda: f"00{number.country_code} {digits}"),
        (3, lambda: f"{number.country_code}{digits}"),
        (1, lambda: phonenumbers.format_number(number, FORMATS["national"]) + " ext 12"),
        (1, lambda: draw.choice(["n/a", "unknown", "-", "call the office"])),
        (1, lambda: digits[:5]),
    ]
    weights, makers = zip(*forms, strict=True)
    return draw.choices(makers, weights)[0]()


def phone_by_phone(
    frame: pl.DataFrame, judge: Callable[[phonenumbers.PhoneNumber], bool]
) -> list[tuple[int, int] | None]:
    """phonenumbers called for each row."""
    found: list[tuple[int, int] | None] = []
    for text, country in frame.iter_rows():
        try:
            number = phonenumbers.parse(text, country)
        except phonenumbers.NumberParseException:
            found.append(None)
            continue
        found.append((number.country_code, number.national_number) if judge(number) else None)
    return found


def examples_right() -> tuple[int, int, int, int]:
    """How many of libphonenumber's examples, in four formats, are read as what they are.

    Returns:
        Right, refused because the number begins with a zero of its own, refused otherwise, wrong.
    """
    known = []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in PhoneNumberType.values():
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None:
                known += [(number, phonenumbers.format_number(number, form), region) for form in range(4)]
    frame = pl.DataFrame([each[1:] for each in known], schema={"phone": pl.String, "country": pl.String}, orient="row")
    read = normalize_phone(frame["phone"], frame["country"]).struct.unnest()
    right = zeros = refused = wrong = 0
    for (number, _, _), (code, digits, issue) in zip(known, read.iter_rows(), strict=True):
        if issue is not None:
            zeros += bool(number.italian_leading_zero)
            refused += not number.italian_leading_zero
        elif (code, digits) == (number.country_code, number.national_number):
            right += 1
        else:
            wrong += 1
    return right, zeros, refused, wrong


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def compare(name: str, ours: Callable[[], object], theirs: Callable[[], object], rounds: int, aim: str) -> None:
    """Prints the medians of both, run in turn, and how many times as fast ours is."""
    ours()
    # Theirs takes so long that one run in three rounds is enough.
    mine, other = [], []
    for place in range(rounds):
        mine.append(seconds(ours))
        if place % 3 == 0:
            other.append(seconds(theirs))
    first, second = statistics.median(mine), statistics.median(other)
    print(f"{name:<72} {first:>8.3f} s {second:>8.3f} s {second / first:>8.1f}  {aim}", flush=True)


def compare_phones(scale: int, rounds: int) -> None:
    distinct = phones(1_000_000 // scale)
    repeated = distinct.head(200_000 // scale).sample(1_000_000 // scale, with_replacement=True, seed=1)
    for name, frame, aim in (("without repetition", distinct, 8), ("with repetition", repeated, 20)):
        for judge in (phonenumbers.is_valid_number, phonenumbers.is_possible_number):
            compare(
                f"normalize_phone, {frame.height:,} rows {name}, against {judge.__name__}",
                lambda frame=frame: normalize_phone(frame["phone"], frame["country"]),
                lambda frame=frame, judge=judge: phone_by_phone(frame, judge),
                rounds,
                f"at least {aim}",
            )
    right, zeros, refused, wrong = examples_right()
    print(
        f"libphonenumber's examples in four formats: {right:,} right, {wrong} wrong, {refused} refused; "
        f"{zeros} begin with a zero of their own and are refused for it"
    )


def emails(rows: int) -> pl.Series:
    """Addresses as people write them; two in a hundred are none."""
    row = pl.int_range(rows)
    kind = row.hash(seed=1) % 100
    address = pl.format("Person.{}@mail{}.example.com", row, row % 1000)
    return pl.select(
        email=pl.when(kind < 2)
        .then(pl.format("person {} at example", row))
        .when(kind < 4)
        .then(pl.format("Person {} <{}>", row, address))
        .when(kind < 9)
        .then(address.str.to_uppercase())
        .when(kind < 12)
        .then(pl.format(" {} ", address))
        .when(kind < 14)
        .then(pl.format("person{}@gmial.com", row))
        .otherwise(address)
    ).to_series()


def email_by_email(column: pl.Series) -> list[str | None]:
    """email-validator called for each row."""
    found: list[str | None] = []
    for text in column:
        try:
            checked = email_validator.validate_email(text.strip(), check_deliverability=False, allow_display_name=True)
        except email_validator.EmailNotValidError:
            found.append(None)
        else:
            found.append(checked.normalized)
    return found


def compare_emails(scale: int, rounds: int) -> None:
    column = emails(1_000_000 // scale)
    compare(
        f"normalize_email, {len(column):,} rows, against email-validator",
        lambda: normalize_email(column),
        lambda: email_by_email(column),
        rounds,
        "for comparison",
    )
    ours, theirs = normalize_email(column).struct.field("email"), email_by_email(column)
    print(f"the same address in {sum(map(lambda a, b: a == b, ours, theirs)) / len(column):.2%} of the rows")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--small", action="store_true", help="small sizes, in seconds")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    scale = 100 if options.small else 1
    print(f"{'':<72} {'ours':>10} {'theirs':>10} {'times':>8}  aim")
    compare_phones(scale, options.rounds)
    compare_emails(scale, options.rounds)


if __name__ == "__main__":
    main()
