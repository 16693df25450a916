"""`clean_text` and `fix_mojibake`."""

from __future__ import annotations

import importlib.util
import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit import UsageError
from mbtoolkit.cleaning import clean_text, fix_mojibake

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
    ],
)
def test_a_text_is_cleaned(text, clean):
    assert clean_text(pl.Series([text])).to_list() == [text if clean is None else clean]


def test_lines_may_stay():
    texts = pl.Series(["a \r\n\n b\u200b\u2028c", "\n\n", "x"])
    assert clean_text(texts, keep_lines=True).to_list() == ["a\nb\nc", None, "x"]


@given(st.lists(st.none() | st.text()), st.booleans())
def test_cleaning_twice_changes_nothing_and_no_letter_is_lost(texts, keep_lines):
    column = pl.Series("text", texts, dtype=pl.String)
    once = clean_text(column, keep_lines=keep_lines)
    assert once.equals(clean_text(once, keep_lines=keep_lines))
    for before, after in zip(texts, once, strict=True):
        if before is None:
            assert after is None
            continue
        letters = [char for char in unicodedata.normalize("NFC", before) if char.isalnum()]
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


@WITH_FTFY
def test_lost_characters_are_told():
    read = fix_mojibake(pl.Series("name", ["Bj\ufffdrn", None, "Ada"]))
    assert read.struct.field("issue")[0].startswith("mojibake_lost: ")
    assert read.is_null().to_list() == [False, True, False]


@pytest.mark.skipif(importlib.util.find_spec("ftfy") is not None, reason="ftfy is installed")
def test_without_ftfy_the_error_says_how_to_get_it():
    with pytest.raises(UsageError, match=r"mbtoolkit\[cleaning\]"):
        fix_mojibake(pl.Series(["x"]))
