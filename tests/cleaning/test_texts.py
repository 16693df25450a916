"""`clean_text` and `fix_mojibake`."""

from __future__ import annotations

import importlib.util
import re
import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit.cleaning import clean_text, fix_mojibake, normalize_name
from mbtoolkit.errors import UsageError

WITH_FTFY = pytest.mark.skipif(importlib.util.find_spec("ftfy") is None, reason="ftfy is not installed")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        pytest.param("  Ada \t\u00a0 Lovelace\u3000", "Ada Lovelace", id="white space"),
        pytest.param("A\u200bd\u00ada\ufeff", "Ada", id="invisible"),
        pytest.param("Ada \u200e Lovelace", "Ada Lovelace", id="invisible between spaces"),
        pytest.param("line\r\n  line", "line line", id="lines"),
        pytest.param("Jose\u0301", "José", id="normal form"),
        pytest.param("\U0001f469\u200d\U0001f52c", "\U0001f469\u200d\U0001f52c", id="an emoji joined of two"),
        pytest.param("\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", None, id="Persian"),
        pytest.param("\u0000a\u0007", "a", id="controls"),
        pytest.param("Ann\x1fBerg", "Ann Berg", id="a separator that is a control"),
        pytest.param("O\x92NEIL", "O’NEIL", id="an apostrophe of Windows-1252"),
        pytest.param("\x8aimon \x96 \x80 5\x85", "Šimon – € 5…", id="other characters of Windows-1252"),
        pytest.param("Ã\x81lvaro", None, id="a control that is nothing in Windows-1252"),
    ],
)
def test_a_text_is_cleaned(text, clean):
    assert clean_text(pl.Series([text])).to_list() == [text if clean is None else clean]


def test_lines_may_stay():
    texts = pl.Series(["a \r\n\n b\u200b\u2028c", "\n\n", "x"])
    assert clean_text(texts, keep_lines=True).to_list() == ["a\nb\nc", None, "x"]


def as_windows(char):
    """What Windows-1252 has for a control beyond ASCII."""
    return bytes([ord(char)]).decode("cp1252", "ignore") or char


@given(st.lists(st.none() | st.text()), st.booleans())
def test_cleaning_twice_changes_nothing_and_no_letter_is_lost(texts, keep_lines):
    column = pl.Series("text", texts, dtype=pl.String)
    once = clean_text(column, keep_lines=keep_lines)
    assert once.equals(clean_text(once, keep_lines=keep_lines))
    for before, after in zip(texts, once, strict=True):
        if before is None:
            assert after is None
            continue
        meant = re.sub("[\x80-\x9f]", lambda found: as_windows(found[0]), before)
        letters = [char for char in unicodedata.normalize("NFC", meant) if char.isalnum()]
        kept = [char for char in after or "" if char.isalnum()]
        assert kept == [char for char in letters if char not in "\u115f\u1160\u3164\uffa0"]
        assert after is None or ("  " not in after and after == after.strip(" "))


def test_any_kind_of_cell_with_a_text_form_is_taken_and_expressions_too():
    frame = pl.DataFrame({"a": [1, None], "b": [" x ", None]})
    assert frame.select(clean_text(pl.col("a")), clean_text(pl.col("b"))).rows() == [("1", "x"), (None, None)]
    with pytest.raises(UsageError, match="no text form"):
        clean_text(pl.Series([b"x"]))


@WITH_FTFY
@pytest.mark.parametrize(
    ("broken", "text"),
    [
        ("BjÃ¸rn", "Bjørn"),
        ("GarÃ§on", "Garçon"),
        ("â€œquotedâ€\u009d", "“quoted”"),
        ("CAFÉ» (sic)", "CAFÉ» (sic)"),
        ("Bjørn", "Bjørn"),
        ("Ada", "Ada"),
    ],
)
def test_text_read_in_a_wrong_encoding_is_mended(broken, text):
    assert fix_mojibake(pl.Series([broken])).to_list() == [{"text": text, "issue": None}]


NAMES = [
    *("José", "Muñoz", "Renée", "Bjørn", "Åse", "Łukasz", "Żaneta", "Çelik", "Müller", "Straße", "O’Neil", "Ærlig"),
    *("Dvořák", "Šimon", "Étienne", "François", "João", "Đorđe", "Zoë", "JOSÉ", "MÜLLER", "São Paulo", "Győr", "Łódź"),
    *("Señor Núñez", "Șerban", "Nguyễn", "Иван", "Ελένη"),
]
WRONG = [
    *("latin-1", "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1257", "cp1258", "iso8859-2", "iso8859-4"),
    *("iso8859-9", "iso8859-15", "mac-roman", "mac-latin2", "cp437", "cp850", "cp852", "cp858", "cp865", "cp775"),
    *("koi8-r", "cp866", "cp1255", "cp1256"),
]


@WITH_FTFY
@pytest.mark.parametrize("encoding", WRONG)
def test_utf8_read_as_any_encoding_is_mended_or_reported(encoding):
    for name in NAMES:
        garbled = "".join(bytes([byte]).decode(encoding, "ignore") or chr(byte) for byte in name.encode())
        (read,) = fix_mojibake(pl.Series([garbled]))
        if read["issue"]:
            assert (read["text"], read["issue"].partition(":")[0]) == (garbled, "mojibake_doubtful"), name
        else:
            assert read["text"] == name, garbled


@WITH_FTFY
@pytest.mark.parametrize(
    ("garbled", "text"),
    [("JosĂ©", "José"), ("Mu√±oz", "Muñoz"), ("Ren├⌐e", "Renée"), ("JosГ©", "José"), ("Mц╪ller", "Müller")],
)
def test_text_garbled_through_other_encodings_than_latin_1_is_mended(garbled, text):
    assert fix_mojibake(pl.Series([garbled])).to_list() == [{"text": text, "issue": None}]


@WITH_FTFY
def test_text_that_looks_unusual_and_is_right_stays():
    texts = [
        *("Łódź", "ŁÓDŹ", "ŻÓŁĆ", "RÓŻA", "Śląsk", "MĂŞCULESCU", "NĂSTASE", "Băşescu", "Çağlayan", "ŞÜKRÜ", "Iğdır"),
        *("Příbram", "ŽĎÁR NAD SÁZAVOU", "ŠÁRKA ŽIŽKOVÁ", "ŠŤASTNÝ", "Győző", "ŐRSÉG", "Ærøskøbing", "Ääkkönen"),
        *("ÕÄÖÜ", "ÞÓRÐUR", "Đặng Thị Ngọc Ánh", "Гёте", "Дёмин", "Её", "ЁЛКИНА", "Ђорђе", "Їжак", "Γιώργος", "ΔΆΦΝΗ"),
        *("李小龍", "김철수", "محمد", "שלום", "नरेन्द्र", "CAFÉ» (sic)", "“Ann”", "Ann — Bo", "L’Œuvre", "ŒUVRE", "½ kg"),
        *(
            "100 €",
            "20°C",
            "№ 5",
            "«Ромашка»",
            "Île-de-Ré",
            "ÎLE D’YEU",
            "À bientôt",
            "ÑUÑOA",
            "CORAÇÃO",
            "Å i Lofoten",
        ),
        *("Ísafjörður", "MĀRA BĒRZIŅA", "ŽUKAUSKAITĖ", "İbrahim", "“Ж”", "Bø–Å", "Müller®", "Ä–Ö", "x²", "3 × 4"),
    ]
    read = fix_mojibake(pl.Series(texts)).struct.unnest()
    assert read["text"].to_list() == texts
    assert read["issue"].null_count() == len(texts)


@WITH_FTFY
@given(st.lists(st.none() | st.text(st.characters(max_codepoint=0x2600, exclude_categories=["Cs"]), max_size=8)))
def test_what_is_no_longer_there_was_garbled_and_the_rest_stays(texts):
    read = fix_mojibake(pl.Series("text", texts, dtype=pl.String)).struct.unnest()
    for before, after, issue in zip(texts, read["text"], read["issue"], strict=True):
        assert (before is None) == (after is None)
        if issue is not None and "\ufffd" not in after:
            assert after == before
        if before is not None and before.isascii():
            assert (after, issue) == (before, None)


@WITH_FTFY
@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("O\x92NEIL", "O’NEIL"),
        ("\x8eeljko", "Željko"),
        ("\x93Ann\x94 \x96 \x80 5\x85", "“Ann” – € 5…"),
        ("\x8aIMON", "ŠIMON"),
        ("Ren\x8ee", None),
        ("Andr\x8e", None),
        ("Mu\x96oz", None),
        ("L\x97pez", None),
        ("\x81va", None),
    ],
)
def test_controls_beyond_ascii_are_characters_of_windows_1252_or_reported(text, fixed):
    (read,) = fix_mojibake(pl.Series([text]))
    if fixed is None:
        assert read["text"] == text
        assert read["issue"].startswith("mojibake_doubtful: ")
    else:
        assert read == {"text": fixed, "issue": None}


@pytest.mark.parametrize("code", range(0x80, 0xA0))
def test_no_control_beyond_ascii_is_deleted_from_a_text_or_a_name(code):
    char = as_windows(chr(code))
    assert clean_text(pl.Series([f"O{chr(code)}Neil"])).to_list() == [f"O{char}Neil"]
    assert normalize_name(pl.Series([f"O{chr(code)}Neil"])).to_list() == [f"O{char}Neil"]


def test_a_name_in_capitals_keeps_the_apostrophe_of_windows_1252():
    assert normalize_name(pl.Series(["O\x92NEIL"])).to_list() == ["O’Neil"]


@WITH_FTFY
def test_lost_characters_are_told():
    read = fix_mojibake(pl.Series("name", ["Bj\ufffdrn", None, "Ada"]))
    assert read.struct.field("issue")[0].startswith("mojibake_lost: ")
    assert read.is_null().to_list() == [False, True, False]


@pytest.mark.skipif(importlib.util.find_spec("ftfy") is not None, reason="ftfy is installed")
def test_without_ftfy_the_error_says_how_to_get_it():
    with pytest.raises(UsageError, match=r"mbtoolkit\[cleaning\]"):
        fix_mojibake(pl.Series(["x"]))
