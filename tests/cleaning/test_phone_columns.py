"""Columns of phones are read as libphonenumber reads each cell, in every country."""

from __future__ import annotations

import random

import phonenumbers
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType, ValidationResult

from mbtoolkit.cleaning.phone_columns import read_usual
from mbtoolkit.cleaning.phones import has_own_zero, read_phone, read_phones

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
FORMATS = ("E164", "INTERNATIONAL", "NATIONAL", "RFC3966")
CELLS = {"text": pl.String, "code": pl.String, "country": pl.String}


def examples(form):
    """libphonenumber's own example of each type in each region: the number, its text, its region."""
    for region in REGIONS:
        for kind in PhoneNumberType.values():
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None:
                yield number, phonenumbers.format_number(number, getattr(PhoneNumberFormat, form)), region
    for code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS:
        number = phonenumbers.example_number_for_non_geo_entity(code)
        if form != "NATIONAL":
            yield number, phonenumbers.format_number(number, getattr(PhoneNumberFormat, form)), None


def column_of(rows):
    return pl.DataFrame(rows, schema=CELLS, orient="row")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("with_country", [True, False], ids=["with the country", "without it"])
def test_every_example_number_is_read_as_what_it_is(form, with_country):
    if form == "NATIONAL" and not with_country:
        return
    known = list(examples(form))
    read = read_phones(column_of([(text, None, region if with_country else None) for _, text, region in known]))
    read = read.drop("own_zero")
    local_only = []
    for (number, text, _), (code, digits, rule) in zip(known, read.iter_rows(), strict=True):
        if number.italian_leading_zero:
            assert rule == "phone_unreadable", text
        elif phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE:
            assert (code, digits, rule) == (number.country_code, number.national_number, None), text
        else:
            local_only.append(text)
    assert len(local_only) <= 1, "only Canada's 310-xxxx can't be dialled from elsewhere"


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMATS)
def test_nearly_every_example_is_read_without_the_library(form):
    texts = [(text, None, region) for number, text, region in examples(form) if not number.italian_leading_zero]
    cells = column_of(texts).select("text", pl.lit(None, dtype=pl.Int32).alias("given"), "country", region="country")
    read = read_usual(cells, least_rows=1)
    assert read["row"].is_unique().all()
    assert read.filter(pl.col("rule").is_null()).height / cells.height > (0.9 if form == "NATIONAL" else 0.98)


MARKS = [*" -.()/0189x#,&;EeoO+", "\u00a0", "\u2009", "\u200b", "\u0663", "\uff15", "\u2212"]
NUMBERS = [f" {between} 07700900123" for between in ("/", "or", "&", ",", ";", "el.", "und")]
ENDINGS = ["", "", "", "", ".00", ",5", ".123", " ext 12", "x5", " #7", " or so", " privat", " (mobil)", *NUMBERS]


def scribbled(draw):
    """A cell as nobody should write it: digits that may be a number of one country, and what may spoil them."""
    region = draw.choice(REGIONS)
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
    code = str(metadata.country_code)
    length = draw.choice([*metadata.general_desc.possible_length, draw.randint(2, 15)])
    digits = "".join(draw.choices("0123456789", k=length))
    example = phonenumbers.example_number_for_type(region, draw.choice(PhoneNumberType.values()))
    if example is not None and draw.random() < 0.4:
        digits = phonenumbers.national_significant_number(example)
        digits = digits[: draw.randint(1, len(digits))] + "".join(draw.choices("0123456789", k=length))[len(digits) :]
    trunk, abroad = metadata.national_prefix or "0", metadata.preferred_international_prefix or "00"
    fronts = [
        "",
        "",
        trunk,
        trunk,
        code,
        code + trunk,
        f"+{code}",
        f"+{code}{trunk}",
        f"+{code} (0)",
        f"(+{code})",
        f"tel:+{code}",
        "0",
    ]
    fronts += [
        f"00{code}",
        f"{abroad}{code}",
        f"{abroad}{draw.choice([1, 44, 47])}",
        "000",
        f"{abroad}0",
        f"+{code}{code}",
    ]
    text = draw.choice(fronts) + digits
    for _ in range(draw.choice([0, 0, 1, 2, 4])):
        place = draw.randint(0, len(text))
        text = text[:place] + draw.choice(MARKS[:6] if draw.random() < 0.7 else MARKS) + text[place:]
    if draw.random() < 0.2:
        text += draw.choice(ENDINGS)
    given = draw.choice([None, None, None, code, "47", "999"])
    return text, given, draw.choice([region, region, region, None, "XX", draw.choice(REGIONS)])


def differences(rows):
    """The rows that are read otherwise in a column than each by itself."""
    read = read_phones(column_of(rows), least_rows=1).drop("own_zero")
    return [
        (row, found, read_phone(*row))
        for row, found in zip(rows, read.iter_rows(), strict=True)
        if found != read_phone(*row)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_column_of_scribbles_is_read_as_each_of_its_cells(seed):
    draw = random.Random(seed)
    rows = [scribbled(draw) for _ in range(15_000)]
    assert differences(rows) == []
    told = read_usual_of(rows)
    assert told.height > 6_000, "too few are read as columns for this to mean much"
    assert set(told["rule"]) == {
        *(
            None,
            "phone_unreadable",
            "phone_extension",
            "country_code_disagrees",
            "country_code_missing",
            "country_unknown",
        )
    }


def read_usual_of(rows):
    cells = column_of(rows).select(
        "text",
        "country",
        pl.col("code").cast(pl.Int32).alias("given"),
        region=pl.when(pl.col("country").is_in(REGIONS)).then("country"),
    )
    return read_usual(cells, least_rows=1)


@pytest.mark.slow
@given(st.lists(st.tuples(st.none() | st.text(), st.none() | st.text(max_size=3), st.sampled_from(["GB", "XX", None]))))
def test_a_column_of_any_text_is_read_as_each_of_its_cells(rows):
    assert differences(rows) == []


def test_few_rows_of_a_country_are_left_to_the_library():
    cells = pl.DataFrame({"text": ["93454496"] * 3, "country": ["NO"] * 3, "region": ["NO"] * 3})
    assert read_usual(cells.with_columns(given=pl.lit(None, dtype=pl.Int32))).is_empty()


@pytest.mark.slow
def test_a_zero_of_its_own_is_told_as_the_library_tells_it():
    draw = random.Random(7)
    rows = [(text, None, country) for text, _, country in (scribbled(draw) for _ in range(10_000))]
    read = read_phones(column_of(rows), least_rows=1)
    told = read.filter(read["own_zero"].is_not_null()).height
    assert told > 4_500
    for (text, _, country), own_zero in zip(rows, read["own_zero"], strict=True):
        region = country if country in REGIONS else None
        assert own_zero is None or own_zero == has_own_zero(text, region), text


@pytest.mark.slow
def test_what_is_read_is_what_the_library_parses():
    draw = random.Random(8)
    rows = [(text, None, country) for text, _, country in (scribbled(draw) for _ in range(10_000))]
    for (text, _, country), (code, number, rule) in zip(
        rows, read_phones(column_of(rows)).drop("own_zero").rows(), strict=True
    ):
        if rule is None and number is not None:
            plain = text.replace("\u2009", " ").replace("\u200b", "").replace("\u2212", "-").removeprefix("tel:")
            parsed = parse(plain, country) or parse("+" + plain.strip().removeprefix("00"), country)
            parsed = parsed or parse(plain.replace("(0)", "", 1), country)
            assert parsed is not None, text
            assert (code, number) == (parsed.country_code, parsed.national_number), text


def parse(text, country):
    try:
        parsed = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    fits = phonenumbers.is_possible_number_with_reason(parsed) == ValidationResult.IS_POSSIBLE
    return parsed if fits else None
