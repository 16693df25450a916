"""Brings a contacts frame into its canonical types, by declared rules, without losing a cell.

A cell that can't be converted becomes null in its own column, and its text is kept beside it in a column named
`unread:<column>`, as `<rule>: <text as found>`. The schema refuses rows that have such text, so nothing vanishes.
Filling in the cell mends it: text beside a filled cell no longer counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from mbtoolkit.contacts import (
    BY_NAME,
    PROPERTIES_COLUMN,
    PROPERTY_WIRE_KEYS,
    Field,
    Kind,
    is_contact_column,
    is_property_column,
)
from mbtoolkit.schemas.texts import has_text_form, stripped, text_form, unless_blank

UNREAD_PREFIX: Final = "unread:"

DTYPES: Final[dict[Kind, pl.DataType]] = {
    Kind.UUID: pl.String(),
    Kind.INT32: pl.Int32(),
    Kind.INT64: pl.Int64(),
    Kind.BOOLEAN: pl.Boolean(),
    Kind.TEXT: pl.String(),
}
"""The canonical dtype of each kind of field."""

PROPERTIES_DTYPE: Final = pl.List(pl.Struct(dict.fromkeys(PROPERTY_WIRE_KEYS, pl.String())))
"""The canonical dtype of the nested column of properties."""

YES_WORDS: Final = (
    *("yes", "y", "true", "1", "on", "ja", "j", "sí", "si", "oui", "haan"),
    *("sann", "sant", "sand", "wahr", "verdadero", "vrai"),
)
NO_WORDS: Final = (
    *("no", "n", "false", "0", "off", "nei", "nej", "nein", "non", "nahi", "nahin"),
    *("usann", "falskt", "falsk", "falsch", "falso", "faux"),
)
"""The only words that count as consent given or refused; case and surrounding space do not matter.

English, Norwegian, Swedish, Danish, German, Spanish, French, Hindi in Latin letters; and what Excel writes in these
languages for true and false.
"""

_WHOLE: Final = r"^-?(?:0|[1-9][0-9]*)$"
_FLOAT: Final = r"^[+-]?(?:[0-9]+[.,][0-9]*|[0-9]*[.,][0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?$"
_SCIENTIFIC_OR_DECIMAL: Final = r"[.,eE]"
_NOT_FINITE: Final = r"(?i)^[+-]?(?:nan|inf|infinity)$"
_CODE_PREFIX: Final = r"^(?:\+|00)([1-9])"
"""What people write before a calling code."""


def unread_column(column: str) -> str:
    """The name of the column that keeps what could not be converted for `column`."""
    return UNREAD_PREFIX + column


def is_unread_column(column: str) -> bool:
    """Whether a column keeps text that could not be converted for a contact column."""
    return column.startswith(UNREAD_PREFIX) and is_contact_column(column.removeprefix(UNREAD_PREFIX))


def unread_note(rule: str | pl.Expr, text: pl.Expr) -> pl.Expr:
    """The text that an `unread:` cell holds.

    Args:
        rule: the rule's code, or an expression of codes.
        text: the cell as found (String).
    """
    code = pl.lit(rule) if isinstance(rule, str) else rule
    return pl.concat_str(code, pl.lit(": "), text)


def conform(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with every contact column in its canonical dtype; other columns and the height stay as they are.

    Args:
        frame: any frame with canonical column names, of whatever dtypes. Blank text counts as null.

    Returns:
        The same columns in the same order; `unread:<column>` columns follow where something could not be converted.
    """
    kept: list[pl.Expr] = []
    beside: list[pl.Expr] = []
    for column, dtype in frame.schema.items():
        value, unread = _convert(column, dtype)
        if value is not None:
            kept.append(value.alias(column))
        if unread is not None:
            beside.append(unread.alias(unread_column(column)))
    conformed = frame.with_columns(kept) if kept else frame
    return _with_unread(conformed, frame.select(beside))


def _with_unread(conformed: pl.DataFrame, fresh: pl.DataFrame) -> pl.DataFrame:
    """Adds the `unread:` columns that hold something, and clears text beside cells that are filled by now."""
    for name in (column for column in conformed.columns if is_unread_column(column)):
        base = name.removeprefix(UNREAD_PREFIX)
        if base in conformed.columns:
            waiting = pl.when(pl.col(base).is_null()).then(pl.col(name)).alias(name)
            conformed = conformed.with_columns(waiting)
    merged = [
        pl.coalesce(pl.lit(column), pl.col(column.name)).alias(column.name)
        if column.name in conformed.columns
        else column
        for column in fresh
        if column.null_count() < len(column)
    ]
    return conformed.with_columns(merged) if merged else conformed


Conversion = tuple[pl.Expr | None, pl.Expr | None]
"""The converted column (None: leave it) and the text of what could not be converted (None: nothing can fail)."""


def _convert(column: str, dtype: pl.DataType) -> Conversion:
    cells = pl.col(column)
    if column in BY_NAME:
        field = BY_NAME[column]
        if field.is_integer:
            return _convert_integer(field, cells, dtype)
        return _convert_opt_in(cells, dtype) if field.kind is Kind.BOOLEAN else _convert_text(cells, dtype)
    if column == PROPERTIES_COLUMN:
        return _convert_properties(cells, dtype)
    if is_property_column(column):
        return _convert_text(cells, dtype)
    if is_unread_column(column) and dtype != pl.String:
        return text_form(cells, dtype), None
    return None, None


def _convert_integer(field: Field, column: pl.Expr, dtype: pl.DataType) -> Conversion:
    target = DTYPES[field.kind]
    if dtype == target:
        return None, None
    found = text_form(column, dtype)
    if dtype.is_integer() or dtype == pl.Null:
        value = column.cast(target, strict=False)
        return value, _failed(value, found, "out_of_range")
    if not has_text_form(dtype):
        return pl.lit(None, dtype=target), _noted(found, "unsupported_type")
    text = stripped(found)
    if field.name == "mobile_country_code":
        text = text.str.replace(_CODE_PREFIX, "$1")
    value = pl.when(text.str.contains(_WHOLE)).then(text.cast(target, strict=False))
    return value, pl.when(text.is_not_null() & value.is_null()).then(unread_note(_integer_rule(text), found))


def _integer_rule(text: pl.Expr) -> pl.Expr:
    """Why a text is not the integer that it should be."""
    return (
        pl.when(text.str.contains(_WHOLE))
        .then(pl.lit("out_of_range"))
        .when(text.str.contains(_NOT_FINITE))
        .then(pl.lit("not_finite"))
        .when(text.str.contains(_FLOAT) & text.str.contains(_SCIENTIFIC_OR_DECIMAL))
        .then(pl.lit("number_as_float"))
        .otherwise(pl.lit("not_an_integer"))
    )


def _convert_opt_in(column: pl.Expr, dtype: pl.DataType) -> Conversion:
    if dtype == pl.Boolean:
        return None, None
    found = text_form(column, dtype)
    if dtype.is_numeric():
        value = pl.when(column == 1).then(statement=True).when(column == 0).then(statement=False)
        return value, _failed(value, found, "not_yes_or_no")
    if not has_text_form(dtype):
        return pl.lit(None, dtype=pl.Boolean), _noted(found, "unsupported_type")
    text = stripped(found)
    said = opt_in_words(text)
    return said, pl.when(text.is_not_null() & said.is_null()).then(unread_note("not_yes_or_no", found))


def opt_in_words(text: pl.Expr, yes: Sequence[str] = YES_WORDS, no: Sequence[str] = NO_WORDS) -> pl.Expr:
    """True, false or null for a column of texts: only the listed words count, everything else is null.

    Args:
        text: String column, without space around the words.
        yes: words for true, in lower case.
        no: words for false, in lower case.
    """
    word = text.str.to_lowercase()
    return pl.when(word.is_in(yes)).then(statement=True).when(word.is_in(no)).then(statement=False)


def _convert_text(column: pl.Expr, dtype: pl.DataType) -> Conversion:
    text = text_form(column, dtype)
    if dtype == pl.String or isinstance(dtype, pl.Categorical | pl.Enum):
        return unless_blank(text), None
    if dtype.is_float():
        value = pl.when(column.is_finite()).then(text)
        return value, _failed(value, text, "not_finite")
    if has_text_form(dtype):
        return text, None
    return pl.lit(None, dtype=pl.String), _noted(text, "unsupported_type")


def _convert_properties(column: pl.Expr, dtype: pl.DataType) -> Conversion:
    """The nested column, with blank values null; whatever is no list of properties made of text is refused."""
    keys = _property_keys(dtype)
    if keys is None:
        found = unless_blank(column) if dtype == pl.String else text_form(column, dtype)
        return pl.lit(None, dtype=PROPERTIES_DTYPE), _noted(found, "not_properties")
    if not keys:
        return column.cast(PROPERTIES_DTYPE), None
    entry = pl.element().struct
    nothing = pl.lit(None, dtype=pl.String)
    texts = {name: entry.field(keys[name]).cast(pl.String) if name in keys else nothing for name in PROPERTY_WIRE_KEYS}
    texts["property_value"] = unless_blank(texts["property_value"])
    whole = pl.struct(text.alias(name) for name, text in texts.items())
    return column.list.eval(whole).cast(PROPERTIES_DTYPE), None


def _property_keys(dtype: pl.DataType) -> dict[str, str] | None:
    """The canonical name of each field of a nested column and the name it has there; None if it is something else."""
    if dtype == pl.Null or dtype == pl.List(pl.Null):
        return {}
    if not isinstance(dtype, pl.List) or not isinstance(dtype.inner, pl.Struct):
        return None
    canonical = {wire: name for name, wire in PROPERTY_WIRE_KEYS.items()} | {name: name for name in PROPERTY_WIRE_KEYS}
    fields = dtype.inner.fields
    keys = {canonical[field.name]: field.name for field in fields if field.name in canonical}
    all_text = all(field.dtype in (pl.String, pl.Null) for field in fields)
    return keys if all_text and len(keys) == len(fields) else None


def _failed(value: pl.Expr, text: pl.Expr, rule: str) -> pl.Expr:
    return pl.when(text.is_not_null() & value.is_null()).then(unread_note(rule, text))


def _noted(text: pl.Expr, rule: str) -> pl.Expr:
    """A note for every filled cell."""
    return pl.when(text.is_not_null()).then(unread_note(rule, text))
