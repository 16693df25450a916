"""What a push adds to a validation: opt-ins that an earlier push or a cleared address still keeps back."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

import polars as pl

from mbtoolkit.contacts import CONSENT_TO, OPT_INS
from mbtoolkit.schemas.frames import ISSUES, ROW
from mbtoolkit.schemas.rules import RULES
from mbtoolkit.validation.validating import Validation

_DISPUTED: Final = RULES["consent_conflict"]


def with_disputes(validation: Validation, given: pl.DataFrame) -> Validation:
    """The validation, with the opt-ins still refused that an earlier run refused because another row said no.

    The row that said no may be stored by now and no longer in the frame; its no stands all the same, until the opt-in
    is changed or the row is sent without its `mb_` columns.

    Args:
        validation: of `given`.
        given: the frame to send; a results frame, or part of one, says what was refused before.
    """
    if given.schema.get("mb_message") != pl.String:
        return validation
    told = given["mb_message"]
    lines = [
        _dispute(validation.valid, told, column)
        for column in OPT_INS
        if column in validation.valid.columns and told.str.contains(_sentence(column), literal=True).any()
    ]
    return _refusing(validation, lines)


def with_clear(validation: Validation, clear: Collection[str]) -> Validation:
    """The validation, with each yes refused whose address or number is cleared in its own row.

    Args:
        validation: of the frame to send.
        clear: the columns in which a null cell is sent as an explicit null.
    """
    valid, lines = validation.valid, []
    for opt_in, fields in CONSENT_TO.items():
        cleared = set(fields).intersection(clear)
        if opt_in in valid.columns and cleared:
            is_blank = pl.any_horizontal(
                pl.col(name).is_null() if name in valid.columns else pl.lit(value=True) for name in cleared
            )
            lines.append(_yes_issues(valid.filter(pl.col(opt_in) & is_blank)[ROW], opt_in, "opt_in_beside_clear"))
    return _refusing(validation, lines)


def _refusing(validation: Validation, lines: Iterable[pl.DataFrame]) -> Validation:
    """The validation, with more errors: the rows that they name become invalid."""
    found = pl.concat([pl.DataFrame(schema=ISSUES), *lines])
    if found.is_empty():
        return validation
    is_refused = pl.col(ROW).is_in(found["row"].implode())
    return Validation(
        valid=validation.valid.filter(~is_refused),
        invalid=pl.concat([validation.invalid, validation.valid.filter(is_refused)], how="diagonal").sort(ROW),
        issues=pl.concat([validation.issues, found]).sort("row", maintain_order=True),
    )


def _sentence(column: str) -> str:
    return f"{column} {_DISPUTED.message}"


def _dispute(valid: pl.DataFrame, told: pl.Series, column: str) -> pl.DataFrame:
    """The issues of rows that still say yes where they were refused before."""
    was_refused = told.gather(valid[ROW]).str.contains(_sentence(column), literal=True).fill_null(value=False)
    return _yes_issues(valid.filter(was_refused & valid[column].fill_null(value=False))[ROW], column, _DISPUTED.code)


def _yes_issues(rows: pl.Series, column: str, code: str) -> pl.DataFrame:
    """The issues of rows whose yes breaks a rule."""
    rule = RULES[code]
    words = {
        "column": column,
        "value": "true",
        "rule": code,
        "severity": rule.severity,
        "message": rule.message,
        "suggestion": None,
    }
    lines = pl.DataFrame({"row": rows}).with_columns(pl.lit(word).alias(name) for name, word in words.items())
    return lines.select(pl.col(name).cast(dtype) for name, dtype in ISSUES.items())
