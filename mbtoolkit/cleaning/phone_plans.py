"""The numbering plans of all countries, as patterns and lengths that run over whole columns.

They are taken from the installed `phonenumbers` when first needed, so they are never older than it.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Final

import phonenumbers
import polars as pl
from phonenumbers import PhoneMetadata

_ASSERTIONS: Final = ("(?=", "(?!", "(?<", "\\b", "\\B")
"""What Python's regular expressions can say and those of polars can't."""
_NEVER: Final = r"[^\s\S]"
WORLD: Final = "001"
"""The region of calling codes that belong to no country (+800, +882)."""


@dataclass(frozen=True, slots=True)
class NumberingPlan:
    """How numbers of one region are dialled and how long they are.

    Attributes:
        code: the calling code.
        abroad: pattern of what is dialled before a calling code (00, 011).
        trunk: pattern of what is dialled before a national number (0, 8, 1 and carriers' codes).
        rewrites: whether a trunk prefix can stand for other digits, as an area code that was left out.
        national: pattern of a whole national number.
        lengths: digits of a whole national number in this region.
        possible: the same in the region that speaks for the calling code (the United States for +1).
    """

    code: int
    abroad: str
    trunk: str
    rewrites: bool
    national: str
    lengths: tuple[int, ...]
    possible: tuple[int, ...]


@functools.cache
def plan_of_region(region: str) -> NumberingPlan | None:
    """The plan of a two-letter region; None where it has none, or one that polars' patterns can't say."""
    metadata = PhoneMetadata.metadata_for_region(region, None)
    return None if metadata is None else _plan(metadata)


@functools.cache
def plan_of_code(code: int) -> NumberingPlan | None:
    """The plan that holds behind a calling code; None where it has none, or one that polars' patterns can't say."""
    region = phonenumbers.region_code_for_country_code(code)
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    return None if metadata is None else _plan(metadata)


@functools.cache
def codes_by_head() -> pl.Series:
    """For each number below 1000: the calling code that three such digits begin with; null where there is none."""
    codes: list[int | None] = [None] * 1000
    for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        width = 10 ** (3 - len(str(code)))
        codes[code * width : (code + 1) * width] = [code] * width
    return pl.Series(codes, dtype=pl.Int32)


def _plan(metadata: Any) -> NumberingPlan | None:
    """The plan in libphonenumber's terms; None where a pattern of it would have to look around."""
    desc = metadata.general_desc
    main = phonenumbers.region_code_for_country_code(metadata.country_code)
    spokesman: Any = PhoneMetadata.metadata_for_region_or_calling_code(metadata.country_code, main)
    patterns = (metadata.international_prefix, metadata.national_prefix_for_parsing, desc.national_number_pattern)
    if any(sign in (pattern or "") for sign in _ASSERTIONS for pattern in patterns):
        return None
    abroad, trunk, national = (_anchored(pattern) for pattern in patterns)
    return NumberingPlan(
        code=metadata.country_code,
        abroad=abroad,
        trunk=trunk,
        rewrites=bool(metadata.national_prefix_transform_rule),
        national=national if national == _NEVER else f"{national}$",
        lengths=tuple(desc.possible_length),
        possible=tuple(spokesman.general_desc.possible_length),
    )


def _anchored(pattern: str | None) -> str:
    return "^(?:" + pattern.replace(r"\d", "[0-9]") + ")" if pattern else _NEVER
