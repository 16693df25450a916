"""Recipes as files: plain data, and nothing that could be run."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import tomli_w
from pydantic import TypeAdapter, ValidationError

from mbtoolkit.errors import RecipeError
from mbtoolkit.reading.paths import path_of, read_small
from mbtoolkit.recipes import cells, columns, contacts, mending, people
from mbtoolkit.recipes.step import Step

FORMAT: Final = 1
"""The number that a file begins with; one that this version does not know is refused."""

STEPS: Final[dict[str, type[Step]]] = {
    kind.do: kind
    for kind in (
        columns.CleanText,
        columns.FixMojibake,
        columns.NormalizeName,
        columns.NormalizeDate,
        columns.NormalizeNumber,
        columns.NormalizeCountry,
        columns.NormalizeEmail,
        columns.NormalizePhone,
        columns.NormalizeOptIn,
        columns.MergeValues,
        contacts.ReadContacts,
        mending.ApplySuggestions,
        people.MergeDuplicates,
        people.MergeRows,
        cells.EditCells,
    )
}
"""Every kind of step, by its name."""


def write_steps(steps: Sequence[Step], path: str | os.PathLike[str]) -> None:
    """Saves steps as TOML or JSON.

    Args:
        steps: the steps.
        path: where to; its ending says which.

    Raises:
        RecipeError: another ending, or the file can't be written.
    """
    target = path_of(path, "a recipe", RecipeError)
    told = {"format": FORMAT, "step": [step.data for step in steps]}
    is_json = _is_json(target)
    try:
        text = json.dumps(told, ensure_ascii=False, indent=2) + "\n" if is_json else tomli_w.dumps(told)
        target.write_bytes(text.encode())
    except OSError as error:
        msg = f"the recipe {target.name!r} can't be written: {error.strerror}"
        raise RecipeError(msg) from error
    except ValueError as error:
        msg = "the recipe can't be written: it holds half a character, or its path can be no file's"
        raise RecipeError(msg) from error


def read_steps(path: str | os.PathLike[str]) -> tuple[Step, ...]:
    """The steps that a file holds.

    Args:
        path: of a file that `write_steps` made, or a person.

    Raises:
        RecipeError: it can't be read, or holds something else.
    """
    source = path_of(path, "a recipe", RecipeError)
    name, is_json = source.name, _is_json(source)
    given = read_small(source, "the recipe", RecipeError)
    try:
        # Some editors begin a file with a mark of its encoding.
        text = given.decode("utf-8-sig")
        told = json.loads(text) if is_json else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        msg = f"the recipe {name!r} is no {'JSON' if is_json else 'TOML'} in UTF-8: {_place(error)}"
        raise RecipeError(msg) from None
    if not isinstance(told, dict) or told.get("format") != FORMAT or not isinstance(told.get("step", []), list):
        msg = f"the recipe {name!r} does not begin with format = {FORMAT} and go on with steps, as Recipe.write has it"
        raise RecipeError(msg)
    odd = sorted(set(told) - {"format", "step"})
    if odd:
        msg = f"the recipe {name!r} holds {odd[0]!r}, which is no part of a recipe; take it out"
        raise RecipeError(msg)
    return tuple(_step(place, data, name) for place, data in enumerate(told.get("step", [])))


def _is_json(path: Path) -> bool:
    ending = path.suffix.lower()
    if ending not in (".toml", ".json"):
        msg = f"a recipe is saved as .toml or .json, not as {ending or 'a file without an ending'}"
        raise RecipeError(msg)
    return ending == ".json"


def _place(error: Exception) -> str:
    """Where a file is broken, without what stands there."""
    if isinstance(error, json.JSONDecodeError | tomllib.TOMLDecodeError):
        return str(error)
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return "it is nested too deeply" if isinstance(error, RecursionError) else "it holds a number that is too long"


def _step(place: int, data: Any, name: str) -> Step:
    """One step of a file.

    Raises:
        RecipeError: it is none.
    """
    kind = STEPS.get(data.get("do", "")) if isinstance(data, dict) and isinstance(data.get("do", ""), str) else None
    if kind is None:
        msg = f"step {place} of the recipe {name!r} has no `do` that names a step: {', '.join(STEPS)}"
        raise RecipeError(msg)
    told = {key: value for key, value in data.items() if key not in ("do", "off")}
    is_off = data.get("off", False)
    wrong = ["off is true or false"] if not isinstance(is_off, bool) else []
    wrong += ["is_on is no part of it; write off = true"] if told.pop("is_on", None) is not None else []
    try:
        # As JSON, because strictly checked Python data would have to be a step already.
        # A date of TOML, which no part takes, becomes what none takes either; null would be taken for a default.
        text = json.dumps({**told, "is_on": is_off is not True}, default=lambda _: [[]])
        made: Step = TypeAdapter(kind).validate_json(text)
    except ValidationError as error:
        wrong += [_said(each) for each in error.errors(include_url=False, include_input=False, include_context=False)]
    if wrong:
        msg = f"step {place} ({kind.do}) of the recipe {name!r}: {'; '.join(wrong)}"
        raise RecipeError(msg)
    return made


_IN_WORDS: Final = {
    "unexpected_keyword_argument": "the step has no such setting; take it out, or correct its name",
    "missing": "the step needs this setting",
}
"""Kinds of error, as a person says them."""


def _said(error: Any) -> str:
    """What is wrong with a part of a step, in which no cell is quoted."""
    where = ".".join(str(part) for part in error["loc"])
    said = _IN_WORDS.get(error["type"], error["msg"])
    return f"{where}: {said}" if where else str(said)
