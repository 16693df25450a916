"""The sample data, and the main job run on it against the sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from mbtoolkit.errors import UsageError

_PACKAGE: Final = Path(__file__).parents[1]
_PLACES: Final = (_PACKAGE / "_data", _PACKAGE.parent / "data")
COUNTRY_COLUMN: Final = "Country"
"""The sample's column that holds a two-letter country for each row."""


def sample(name: str) -> Path:
    """The path of a file of the sample data: `contacts.csv`, `mapping.toml` or `known_answers.csv`.

    Raises:
        UsageError: there is no such file.
    """
    for place in _PLACES:
        if (place / name).is_file():
            return place / name
    msg = f"there is no sample file {name!r}: it is one of contacts.csv, mapping.toml and known_answers.csv"
    raise UsageError(msg)


def as_foretold(results: pl.DataFrame) -> bool:
    """Whether each row of the sample ended as the known answers say.

    Args:
        results: the results frame of the whole sample, pushed into an empty sandbox with its default behaviour.
    """
    answers = pl.read_csv(sample("known_answers.csv"), infer_schema=False)
    return results["mb_status"].cast(pl.String).equals(answers["status"].alias("mb_status"))
