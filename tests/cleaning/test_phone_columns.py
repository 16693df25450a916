"""Columns of phones are read as libphonenumber reads each cell, in every country."""

from __future__ import annotations

import phonenumbers
import polars as pl
import pytest
from hypothesis import given, settings
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


@pytest.mark.parametrize("form", FORMATS)
def test_nearly_every_example_is_read_without_the_library(form):
    texts = [(text, None, region) for number, text, region in examples(form) if not number.italian_leading_zero]
    cells = column_of(texts).select("text", pl.lit(None, dtype=pl.Int32).alias("given"), "country", region="country")
    read = read_usual(cells, least_rows=1)
    assert read["row"].is_unique().all()
    assert read.filter(pl.col("rule").is_null()).height / cells.height > (0.9 if form == "NATIONAL" else 0.98)


@st.composite
def written(draw):
    """Digits behind prefixes of one country, marks among them, and a country that may be another."""
    region = draw(st.sampled_from(REGIONS))
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
    code = str(metadata.country_code)
    length = draw(st.sampled_from([*metadata.general_desc.possible_length, 3, 6, 8, 11, 13]))
    digits = draw(st.text("0123456789", min_size=length, max_size=length))
    kind = draw(st.sampled_from(PhoneNumberType.values()))
    example = phonenumbers.example_number_for_type(region, kind)
    if example is not None and draw(st.booleans()):
        digits = phonenumbers.national_significant_number(example)
    prefixes = ("", metadata.national_prefix or "0", f"+{code}", code, f"00{code}", f"+{code}0", f"(+{code})", "tel:")
    abroad = (metadata.preferred_international_prefix or "011") + draw(st.sampled_from([code, "47", "1", "44"]))
    text = draw(st.sampled_from([*prefixes, abroad])) + digits
    for mark in draw(st.lists(st.sampled_from("  --.()/09+,x\u00a0\u2009\u200b\u0663\uff15"), max_size=4)):
        place = draw(st.integers(0, len(text)))
        text = text[:place] + mark + text[place:]
    given = draw(st.sampled_from([None, None, None, code, "47", "999"]))
    return text, given, draw(st.sampled_from([region, region, None, "XX", "NO", "US"]))


@settings(max_examples=60)
@given(
    st.lists(written() | st.tuples(st.none() | st.text(), st.none() | st.text(max_size=3), st.just("GB")), max_size=40)
)
def test_a_column_is_read_as_each_of_its_cells(rows):
    read = read_phones(column_of(rows), least_rows=1)
    assert read.select("mobile_country_code", "mobile_number", "rule").rows() == [read_phone(*row) for row in rows]
    for (text, _, country), own_zero in zip(rows, read["own_zero"], strict=True):
        if own_zero is not None and text is not None and own_zero != has_own_zero(text, country):
            # A calling code of its own decides the region.
            assert _ is not None


def test_few_rows_of_a_country_are_left_to_the_library():
    cells = pl.DataFrame({"text": ["93454496"] * 3, "country": ["NO"] * 3, "region": ["NO"] * 3})
    assert read_usual(cells.with_columns(given=pl.lit(None, dtype=pl.Int32))).is_empty()


@settings(max_examples=60)
@given(st.lists(written(), min_size=20, max_size=40))
def test_what_is_read_is_what_the_library_parses(rows):
    read = read_phones(column_of([(text, None, country) for text, _, country in rows]), least_rows=1).drop("own_zero")
    for (text, _, country), (code, number, rule) in zip(rows, read.iter_rows(), strict=True):
        if rule is not None or number is None:
            continue
        plain = text.replace("\u2009", " ").removeprefix("tel:")
        parsed = parse(plain, country) or parse("+" + plain.strip().removeprefix("00"), None)
        assert (code, number) == (parsed.country_code, parsed.national_number), text


def parse(text, country):
    try:
        parsed = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    return parsed if phonenumbers.is_possible_number(parsed) else None
