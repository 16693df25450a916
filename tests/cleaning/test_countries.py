"""`normalize_country`: names and codes of countries."""

from __future__ import annotations

import phonenumbers
import polars as pl
import pytest

from mbtoolkit.cleaning import normalize_country, normalize_phone
from mbtoolkit.cleaning.countries import names_of_countries


def country(text):
    return normalize_country(pl.Series([text])).to_list()[0]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *(("Norge", "NO"), ("NORWAY", "NO"), ("Noreg", "NO"), ("norwegen", "NO"), ("Noruega", "NO"), ("Norvège", "NO")),
        *(("no", "NO"), (" NOR ", "NO"), ("U.K.", "GB"), ("Storbritannia", "GB"), ("England", "GB"), ("GBR", "GB")),
        *(("USA", "US"), ("U.S.A.", "US"), ("United States", "US"), ("De forente stater", "US"), ("États-Unis", "US")),
        *(("Sverige", "SE"), ("Schweden", "SE"), ("Suecia", "SE"), ("Danmark", "DK"), ("Tyskland", "DE")),
        *(("Deutschland", "DE"), ("Allemagne", "DE"), ("Österreich", "AT"), ("Østerrike", "AT"), ("Bharat", "IN")),
        *(("India", "IN"), ("Sør-Korea", "KR"), ("Côte d’Ivoire", "CI"), ("España", "ES"), ("Frankrike", "FR")),
        *(("Sveits", "CH"), ("The Netherlands", "NL"), ("Pays-Bas", "NL"), ("Kina", "CN"), ("Polen", "PL")),
    ],
)
def test_a_country_becomes_its_code(text, code):
    assert country(text) == {"country": code, "issue": None}


@pytest.mark.parametrize(
    ("text", "issue"),
    [
        ("Atlantis", "country_unknown: "),
        ("Congo", "country_ambiguous: "),
        ("Korea", "country_ambiguous: is the name of two countries; write KR or KP"),
        ("47", "country_unknown: "),
    ],
)
def test_what_is_no_country_is_told(text, issue):
    found = country(text)
    assert found["country"] is None
    assert found["issue"].startswith(issue)


def test_the_nearest_name_is_offered():
    assert country("Norwya")["issue"].endswith("is it Norway (NO)?")


def test_every_code_of_two_letters_is_known_as_itself():
    regions = [region for region in phonenumbers.SUPPORTED_REGIONS if region not in ("AC", "TA")]
    read = normalize_country(pl.Series(regions)).struct.unnest()
    assert read["country"].to_list() == regions
    assert all(len(code) == 2 and code.isupper() for code in names_of_countries().values())


def test_null_and_blank_stay_null_and_the_codes_fit_phones():
    frame = pl.DataFrame({"land": ["Norge", None, " ", "x"], "phone": ["93454496"] * 4})
    codes = frame.select(normalize_country(pl.col("land")))["land"]
    assert codes.is_null().to_list() == [False, True, True, False]
    phones = normalize_phone(frame["phone"], codes.struct.field("country"))
    assert phones.struct.field("mobile_country_code").to_list() == [47, None, None, None]
