"""What columns are taken for: by their names in eight languages, and by what their cells look like."""

from __future__ import annotations

import re
import time
import tomllib
import warnings
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit import read_contacts
from mbtoolkit.cleaning import mapping_of, suggest_mapping
from mbtoolkit.cleaning.columns import SUGGESTIONS
from mbtoolkit.cleaning.headers import _SAID, read_header
from mbtoolkit.cleaning.targets import field_named, names_people
from mbtoolkit.contacts import FIELDS, canonical_name, is_property_column
from mbtoolkit.errors import FrameError

DATA = Path(__file__).resolve().parents[2] / "data"
UUID = "9fc6ad7d-902a-4834-b161-a4911b883d44"
CELLS = {
    "list_id": [UUID] * 3,
    "contact_id": ["1001", "1002", "1003"],
    "mobile_country_code": ["47", "+46", "0045"],
    "mobile_number": ["+44 7700 900123", "07700 900124", "7700900125"],
    "mobile_opt_in": ["yes", "no", None],
    "email": ["ann@example.com", "bo@example.org", None],
    "email_opt_in": ["ja", "NEI", "1"],
    "property:Birthday": ["1990-01-31", "31.01.1990", "1/31/1990"],
}
"""Cells that bear out a name."""

NAMES = {
    "email": """
        en: E-Mail | email_address | Primary Email | EmailAddress | e mail | eMail | EMAIL | Email ID | Contact Email
        no: E-post | Epostadresse | Kundens e-post | e_post
        sv: E-postadress | Mejl | E-post (privat)
        da: E-mailadresse | Mail
        de: E-Mail-Adresse | Kunden-Email | Email privat
        es: Correo electrónico | Correo | Dirección de correo electrónico
        fr: Adresse e-mail | Courriel | Adresse électronique | Mél
        hi: email pata | Aapka email
        slips: Emial | E mial | Emal adresse
    """,
    "mobile_number": """
        en: Mobile | Cell phone | mobile_no | mobileNumber2 | Phone Number | Phone (work) | Phone 1 | WhatsApp
        no: Mobil | Tlf | Tlf.nr. | Mobilnr | Mobiltelefonnummer | Telefon privat | tlf_mobil
        sv: Mobilnummer | Mobiltelefon | Tfn | Telefonnr
        da: Mobil tlf | Telefonnummer | Tlf. privat
        de: Handy | Handynummer | Kundenmobilnummer | Mobilfunknummer | Telefon | Rufnummer
        es: Teléfono móvil | Número de celular | Móvil | Teléfono
        fr: Téléphone portable | N° de téléphone | Portable | Numéro de portable
        hi: mobile number | mobail nambar | sampark number | Mobile no. ka
        slips: Moblie | Telefonnumer | Mobille number
    """,
    "mobile_country_code": """
        en: Calling code | Country code | Dial code | mobile_country_code | Phone country code
        no: Landkode
        sv: Landskod mobil
        da: Landekode
        de: Ländervorwahl | Vorwahl
        es: Prefijo | Código de país
        fr: Indicatif
    """,
    "contact_id": "en: CRM id | Contact ID | contactId | mb_contact_id\nde: Kontakt-ID\nno: KontaktId",
    "list_id": "en: List id | list_id | List\nno: Liste\nes: Lista ID",
    "mobile_opt_in": """
        en: SMS consent | SMS | Accepts SMS marketing | sms_opt_in | mobileOptIn | Text message opt-in
        no: Samtykke SMS | SMS-samtykke | Ønsker SMS
        sv: Samtycke till SMS | Marknadsföring via SMS
        da: SMS tilladelse
        de: SMS-Einwilligung | Einwilligung Handy
        es: Consentimiento SMS | Permiso para SMS
        fr: Consentement SMS
        hi: SMS sahmati
    """,
    "email_opt_in": """
        en: Newsletter | Email opt-in | Accepts Email Marketing | newsletter_consent | Subscribed to newsletter
        en: Newsletter (yes/no)
        en: Do you want to receive our newsletter? | Marketing emails
        no: Nyhetsbrev | Samtykke e-post | Ja til e-post | Ønsker nyhetsbrev på e-post
        sv: Samtycke till e-post | Nyhetsbrev
        da: Samtykke til nyhedsbrev | Tilmeldt nyhedsbrev
        de: Newsletter-Anmeldung | Newsletter ja/nein | Werbeeinwilligung E-Mail | Einwilligung Newsletter
        de: Newsletter abonniert
        es: Recibir boletín | Consentimiento correo
        fr: Abonné à la newsletter | Consentement e-mail | Lettre d'information
        hi: Email ke liye sahmati
    """,
    "property:First name": """
        en: First name | first_name | FirstName | Given name | fname
        no: Fornavn
        sv: Förnamn
        da: Fornavn
        de: Vorname
        es: Primer nombre
        fr: Prénom
        hi: Pehla naam
        slips: Fist name
    """,
    "property:Last name": """
        en: Last name | Surname | lastName
        no: Etternavn
        sv: Efternamn
        da: Efternavn
        de: Nachname
        es: Apellidos
        fr: Nom de famille
        hi: Upnaam
    """,
    "property:Name": "en: Name | Full name | Customer name\nno: Navn\nsv: Namn\nes: Nombre completo\nfr: Nom\nhi: Naam",
    "property:City": """
        en: City | Town | city_name
        no: Poststed | By
        sv: Postort | Ort
        da: By
        de: Stadt | Wohnort
        es: Ciudad
        fr: Ville
        hi: Shahar
    """,
    "property:Birthday": """
        en: Birthday | Date of birth | DOB | birthDate
        no: Fødselsdato | Foedselsdato
        sv: Födelsedag
        da: Fødselsdag
        de: Geburtsdatum | Geb.-Datum
        es: Fecha de nacimiento
        fr: Date de naissance
        hi: Janm tithi
    """,
    "property:Company": """
        en: Company | company_name
        no: Firma | Bedrift
        sv: Företag
        da: Virksomhed
        de: Unternehmen
        es: Empresa
        fr: Entreprise
        hi: Kampani
    """,
    "property:Postal code": "en: ZIP | Postcode\nno: Postnr\nsv: Postnummer\nde: PLZ | Postleitzahl\nfr: Code postal",
    "property:Loyalty tier": "en: Loyalty tier | Tier\nno: Medlemsnivå\nsv: Lojalitetsnivå\nde: Treuestufe",
}


def named():
    """One case for each header: the language, the header, what it is."""
    for target, lines in NAMES.items():
        for line in filter(str.strip, lines.splitlines()):
            language, _, headers = line.strip().partition(": ")
            for header in headers.split(" | "):
                yield pytest.param(header, target, id=f"{language}-{header}")


def suggested_for(header, cells, **others):
    """(target, confidence, reason, tied_with) of the first column."""
    return suggest_mapping(pl.DataFrame({header: cells, **others}, schema_overrides={header: pl.String})).row(0)[1:]


@pytest.mark.parametrize(("header", "target"), list(named()))
def test_a_name_in_any_of_the_languages_says_what_the_column_is(header, target):
    found, confidence, _, _ = suggested_for(header, CELLS.get(target, ["Oslo", "Åse"]))
    assert found == target
    assert confidence >= 0.5


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Email consent", "named like consent to e-mails, but only 75 %"),
        ("SMS-samtykke", "named like consent to text messages, but only 75 %"),
        ("Nyhetsbrev", "named like consent to e-mails, but only 75 %"),
        ("Samtykke", "does not say whether to e-mails or to text messages"),
    ],
)
def test_why_a_column_of_consent_is_left_alone_is_told(header, words):
    target, _, reason, _ = suggested_for(header, ["yes", "no", "yes", "maybe"])
    assert target is None
    assert words in reason


@pytest.mark.parametrize(
    "header", ["Customer no", "Kundenr", "Kundennummer", "ID", "HubSpot contact id", "User id", "No.", "Medlemsnummer"]
)
def test_ids_of_other_systems_are_no_contact_id(header):
    assert suggested_for(header, CELLS["contact_id"])[0] is None


@pytest.mark.parametrize(
    "header",
    [
        *("Note", "Last order", "Content", "Movie", "Villa", "Email status", "Last email opened", "Order number"),
        *(
            "Fax",
            "Personnummer",
            "Emergency contact phone",
            "Created by",
            "Username",
            "Product",
            "Work",
            "電話番号",
            "",
        ),
        *("unread:email", "mb_status", "mb_message"),
    ],
)
def test_other_names_are_taken_for_nothing(header):
    assert suggested_for(header, ["x", "y"])[:2] == (None, 0.0)


@pytest.mark.parametrize("header", [name for each in FIELDS for name in (each.name, each.wire)])
def test_the_fields_own_names_are_certain(header):
    target = canonical_name(header)
    assert suggested_for(header, CELLS[target])[:2] == (target, 1.0)


def test_columns_that_are_properties_already_stay_so():
    assert suggested_for("property:Shoe size", ["38"])[:2] == ("property:Shoe size", 1.0)
    nested = pl.DataFrame({"propertyFields": [[{"property_name": "City", "property_value": "Oslo"}]]})
    assert suggest_mapping(nested)["target"].to_list() == ["property_fields"]


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        pytest.param("Active", ["yes", "no"], id="cells alone"),
        pytest.param("Newsletter", ["weekly", "never"], id="no yes or no"),
        pytest.param("Newsletter", ["yes"] * 8 + ["maybe"] * 2, id="too few of them"),
        pytest.param("Newsletter", [None, " "], id="blank"),
        pytest.param("email_opt_in", ["weekly"], id="the field's own name"),
        pytest.param("Newslettr", ["yes"], id="a slip of the pen"),
        pytest.param("Content", ["yes"], id="one letter from consent"),
        pytest.param("Consent", ["yes"], id="no channel"),
        pytest.param("Accepts marketing", ["yes"], id="marketing, no channel"),
        pytest.param("Consent e-mail and SMS", ["yes"], id="two channels"),
        pytest.param("Email", ["yes"], id="a channel, no consent"),
        pytest.param("Consent date e-mail", ["yes"], id="when, not whether"),
        pytest.param("SMS sent", ["1", "0"], id="what was done"),
        pytest.param("WhatsApp consent", ["yes"], id="another channel"),
        pytest.param("Phone consent", ["yes"], id="calls, perhaps"),
        pytest.param("SMS appointment reminders", ["yes"], id="mostly unknown words"),
        *(
            pytest.param(name, ["yes", "no"], id=name)
            for name in (
                *("Opt-out SMS", "No SMS", "Email unsubscribed", "Do not email consent", "Ikke nyhetsbrev"),
                *("Avmeldt nyhetsbrev", "Inga nyhetsbrev", "Afmeldt nyhedsbrev", "Kein Newsletter", "SMS Widerspruch"),
                *("Sin boletín", "Désinscrit newsletter", "Newsletter nahi", "Abgemeldet Newsletter"),
                "Reservert mot SMS",
            )
        ),
    ],
)
def test_consent_is_suggested_only_where_name_and_cells_say_so(header, cells):
    found, _, reason, _ = suggested_for(header, cells)
    assert found is None, reason


@pytest.mark.parametrize("header", ["Newsletter paused", "SMS failed", "Email consent cancelled"])
def test_consent_in_a_name_with_unknown_words_is_shown_and_not_taken(header):
    suggested = suggest_mapping(pl.DataFrame({header: ["yes", "no"]}))
    assert mapping_of(suggested) == {}
    assert "words that are not known" in suggested["reason"][0]


def test_a_refusal_is_told_as_one():
    assert "must not be read as consent" in suggested_for("SMS opt-out", ["yes"])[2]


@pytest.mark.parametrize("dtype", [pl.Boolean, pl.Int64], ids=str)
def test_consent_may_be_booleans_or_ones_and_zeros(dtype):
    frame = pl.DataFrame({"Newsletter": pl.Series([1, 0, None]).cast(dtype)})
    assert suggest_mapping(frame)["target"].to_list() == ["email_opt_in"]


@pytest.mark.parametrize(
    ("cells", "target", "told"),
    [
        pytest.param(CELLS["email"], "email", "100 % of the cells look like e-mail addresses", id="e-mail"),
        pytest.param(["+44 7700 900123", "0044 7700 900124"], "mobile_number", "look like phone numbers", id="phone"),
        pytest.param(["7700900123", "7700900124"], None, "not named like a field", id="digits may be anything"),
        pytest.param([UUID], None, "look like uuids", id="uuid"),
        pytest.param(CELLS["property:Birthday"], None, "look like dates", id="date"),
        pytest.param(["yes", "no"], None, "consent is never guessed", id="yes and no"),
    ],
)
def test_cells_say_what_a_column_is_where_its_name_does_not(cells, target, told):
    found, confidence, reason, _ = suggested_for("column 3", cells)
    assert found == target
    assert confidence < 0.7
    assert told in reason


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("E-mail", ["Oslo", "Bergen"]),
        ("List id", ["1", "2"]),
        ("List id", [None]),
        ("Contact id", ["003xyz"]),
        ("Phone", ["yes", "no"]),
        ("Birthday", ["unknown"]),
    ],
)
def test_cells_of_another_form_outweigh_a_name(header, cells):
    assert suggested_for(header, cells)[0] is None


def test_a_share_of_bad_cells_lowers_the_confidence():
    good, bad = CELLS["email"][:1], ["none"]
    shares = [suggested_for("E-mail", good * n + bad * (10 - n))[1] for n in (10, 9, 7, 5)]
    assert shares == [0.94, 0.94, 0.73, 0.52]


def test_a_column_without_cells_is_judged_by_its_name_less_surely():
    found, confidence, reason, _ = suggested_for("E-mail", [None, "  "])
    assert (found, confidence) == ("email", 0.75)
    assert "no cell is filled" in reason


@pytest.mark.parametrize(
    "other", ["Phone (work)", "Telefon Arbeit", "Festnetz", "Tlf. privat", "Téléphone fixe", "Phone 2"]
)
def test_a_mobile_goes_before_other_phones(other):
    phones = CELLS["mobile_number"]
    frame = pl.DataFrame({other: phones, "Mobil": phones})
    rows = suggest_mapping(frame).rows()
    assert [row[1] for row in rows] == [None, "mobile_number"]
    assert "another column fits mobile_number better" in rows[0][3]


def test_a_landline_is_shown_and_not_taken():
    suggested = suggest_mapping(pl.DataFrame({"Festnetz": CELLS["mobile_number"]}))
    assert suggested["target"].to_list() == ["mobile_number"]
    assert "a landline" in suggested["reason"][0]
    assert mapping_of(suggested) == {}
    assert mapping_of(suggested, at_least=0.3) == {"Festnetz": "mobile_number"}


def test_a_tie_is_shown_as_a_tie_and_nobody_has_the_target():
    suggested = suggest_mapping(
        pl.DataFrame({"E-mail": CELLS["email"], "Epost": CELLS["email"], "Email 2": CELLS["email"]})
    )
    assert suggested["target"].to_list() == [None, None, None]
    assert suggested["tied_with"].to_list() == [["Epost"], ["E-mail"], None]
    assert "choose one" in suggested["reason"][0]


@pytest.mark.parametrize(
    ("headers", "targets"),
    [
        (["Name", "Vorname"], ["Last name", "First name"]),
        (["Nombre", "Apellidos"], ["First name", "Last name"]),
        (["Name", "First name", "Last name"], ["Name", "First name", "Last name"]),
        (["Name", "E-mail"], ["Name", None]),
    ],
    ids=str,
)
def test_a_bare_name_is_what_the_other_names_leave(headers, targets):
    suggested = suggest_mapping(pl.DataFrame({header: ["x"] for header in headers}))
    assert suggested["target"].to_list() == [each and f"property:{each}" for each in targets]


@pytest.mark.parametrize("header", ["Country", "Land", "País", "Pays", "Desh", "Country code"])
def test_a_country_is_no_field_but_can_serve_as_default_country(header):
    found, _, reason, _ = suggested_for(header, ["NO", "SE"])
    assert found is None
    assert "default_country" in reason


def test_the_sample_is_mapped_as_its_mapping_says():
    table = pl.read_csv(DATA / "contacts.csv", infer_schema=False)
    assert mapping_of(suggest_mapping(table)) == tomllib.loads((DATA / "mapping.toml").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_what_is_suggested_can_be_read():
    table = pl.read_csv(DATA / "contacts.csv", infer_schema=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        contacts = read_contacts(table, mapping=mapping_of(suggest_mapping(table)), default_country="Country")
        assert contacts.equals(read_contacts(table, mapping=DATA / "mapping.toml", default_country="Country"))


def test_filled_cells_are_found_wherever_they_stand():
    late = ["  "] * 30_000 + ["ann@example.com"] * 5
    assert suggested_for("column 1", late)[0] == "email"
    assert suggested_for("column 1", [None if each == "  " else each for each in late])[0] == "email"


def test_a_million_rows_take_no_longer_than_a_look():
    table = pl.concat([pl.read_csv(DATA / "contacts.csv", infer_schema=False)] * 200)
    started = time.process_time()  # what others do on the machine does not count
    suggest_mapping(table)
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "source", [[1], {"a": [1]}, pl.LazyFrame({"a": [1]}), "contacts.csv"], ids=lambda each: type(each).__name__
)
def test_what_is_no_frame_is_an_error_of_the_call(source):
    with pytest.raises(FrameError, match="suggest_mapping takes a polars DataFrame, not a"):
        suggest_mapping(source)


@pytest.mark.parametrize("suggested", [pl.DataFrame({"source": ["a"]}), {"a": "email"}], ids=["columns", "dict"])
def test_only_suggestions_are_taken(suggested):
    with pytest.raises(FrameError, match="mapping_of takes the frame that suggest_mapping returns"):
        mapping_of(suggested)


def test_a_frame_without_columns_has_no_suggestions():
    assert suggest_mapping(pl.DataFrame()).schema == pl.Schema(SUGGESTIONS)


def test_no_cell_and_no_other_columns_name_stands_in_a_reason():
    frame = pl.DataFrame(
        {
            "bo@example.com": ["ann.canary@example.com"],
            "+44 7700 900999": ["carl.canary@example.com"],
            "Newsletter": ["perhaps-canary"],
            "Mobile": ["+44 7700 900123"],
            "Cell": ["+44 7700 900124"],
        }
    )
    told = " ".join(suggest_mapping(frame)["reason"])
    assert not re.search(r"canary|7700|example|Cell", told)


KINDS = [
    *([pl.String, pl.Int64, pl.Float64, pl.Boolean, pl.Date, pl.Datetime, pl.Time, pl.Duration, pl.Binary, pl.Null]),
    *([pl.List(pl.String), pl.Struct({"a": pl.Int64}), pl.Categorical, pl.Enum(["yes", "no"]), pl.Decimal(10, 2)]),
]


@pytest.mark.parametrize("dtype", [*KINDS, pl.Object], ids=str)
@pytest.mark.parametrize("header", ["email", "Newsletter", "Mobil", "x"])
def test_columns_of_every_type_are_looked_at(dtype, header):
    assert suggest_mapping(pl.DataFrame({header: pl.Series([None, None], dtype=dtype)})).height == 1


@pytest.mark.parametrize(
    ("cells", "header", "target"),
    [
        (pl.Series([447700900123, None]), "Mobile", "mobile_number"),
        (pl.Series([447700900123.0, None]), "Mobile", "mobile_number"),
        (pl.Series(["1990-01-31"]).str.to_date(), "Birthday", "property:Birthday"),
        (pl.Series([5, 6]), "Contact id", "contact_id"),
        (pl.Series([b"ann@example.com"]), "x", None),
        (pl.Series([["ann@example.com"]]), "x", None),
        (pl.Series([object()], dtype=pl.Object), "x", None),
    ],
    ids=["integers", "floats", "dates", "ids", "bytes", "lists", "objects"],
)
def test_cells_that_are_no_text_are_judged_by_their_text(cells, header, target):
    assert suggest_mapping(pl.DataFrame({header: cells}))["target"].to_list() == [target]


WORDS = st.sampled_from(["email", "Mobil", "SMS", "Newsletter", "Navn", "Tlf", "id", "2", "CRM", "By", "e", "list"])
HEADERS = st.one_of(st.text(max_size=12), st.lists(WORDS, min_size=1, max_size=3).map(" ".join))
ANY_CELLS = st.lists(
    st.one_of(st.none(), st.text(max_size=10), st.sampled_from([cell for cells in CELLS.values() for cell in cells])),
    min_size=3,
    max_size=3,
)


@pytest.mark.slow
@given(st.dictionaries(HEADERS, ANY_CELLS, max_size=8))
def test_any_frame_is_answered_and_no_target_is_taken_twice(columns):
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    suggested = suggest_mapping(frame)
    assert suggested.schema == pl.Schema(SUGGESTIONS)
    assert suggested["source"].to_list() == frame.columns
    targets = suggested["target"].drop_nulls().to_list()
    assert len(set(targets)) == len(targets)
    assert all(is_property_column(each) or each in ("property_fields", *(f.name for f in FIELDS)) for each in targets)
    assert suggested["confidence"].is_between(0, 1).all()
    assert suggested["reason"].str.len_chars().min() is None or suggested["reason"].str.len_chars().min() > 5
    assert suggested.filter(pl.col("tied_with").is_not_null() & pl.col("target").is_not_null()).is_empty()
    again = suggest_mapping(pl.DataFrame({name: frame.get_column(name) for name in reversed(frame.columns)}))
    assert dict(again.select("source", "target").iter_rows()) == dict(suggested.select("source", "target").iter_rows())


@given(st.text(max_size=300))
def test_any_header_is_read(name):
    assert read_header(name).unknown >= 0
    assert field_named(name) in {None, *(field.name for field in FIELDS)}


def test_each_word_stands_under_one_idea():
    words = [word for line in _SAID.values() for word in line.split()]
    assert sorted(words) == sorted(set(words))
    assert all(word.isascii() and word.islower() for word in words)


@pytest.mark.parametrize(
    ("name", "is_so"),
    [("property:First name", True), ("Etternavn", True), ("Name", True), ("full_name", True), ("property:City", False),
     ("Company name", False), ("By", False), ("Loyalty tier", False), ("", False)],
)  # fmt: skip
def test_columns_of_peoples_names_are_known(name, is_so):
    assert names_people(name) is is_so
