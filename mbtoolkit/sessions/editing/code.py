"""Edits as code: a polars expression for each column that makes the same changes in a cell, or a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from mbtoolkit.recipes import Recipe

_LINE: Final = 100
"""Characters that a line of changes may have before each change gets a line of its own."""


def edits_code(
    changed: Mapping[str, Mapping[int, Any]],
    schema: Mapping[str, pl.DataType],
    *,
    conforming: bool,
    given: Sequence[str],
    dropped: Sequence[str],
) -> str:
    """Python code that turns the frame `contacts` into the edited one.

    Args:
        changed: for each column of the frame, its changed cells by row.
        schema: the columns' dtypes.
        conforming: whether the frame has to be brought into its canonical types first.
        given: the columns that the frame has before any of this.
        dropped: columns that are to go.
    """
    imports = ["import polars as pl"] if changed else []
    imports += ["from mbtoolkit.schemas.conform import conform"] if conforming else []
    steps = ["contacts = conform(contacts)"] if conforming else []
    if changed:
        lines = [
            f"    {_column(name, cells, schema[name], is_new=name not in given)}," for name, cells in changed.items()
        ]
        steps += ["row = pl.int_range(pl.len())", "contacts = contacts.with_columns(", *lines, ")"]
    if dropped:
        steps.append(f"contacts = contacts.drop({list(dropped)!r})")
    return "\n".join([*imports, "", *steps] if imports else steps) or "# nothing was changed"


def _column(name: str, cells: Mapping[int, Any], dtype: pl.DataType, *, is_new: bool) -> str:
    default = "None" if is_new else f"pl.col({name!r})"
    alias = f".alias({name!r})"
    return f"row.replace_strict({_cells(cells)}, default={default}, return_dtype=pl.{dtype}){alias}"


def _cells(cells: Mapping[int, Any]) -> str:
    entries = [f"{row}: {value!r}" for row, value in sorted(cells.items())]
    short = ", ".join(entries)
    if len(short) <= _LINE:
        return f"{{{short}}}"
    return "{\n" + "".join(f"        {entry},\n" for entry in entries) + "    }"


def recipe_code(recipe: Recipe, *, conforming: bool = False) -> str:
    """Python code that runs a recipe on the frame `contacts`.

    Args:
        recipe: the steps.
        conforming: whether the frame has to be brought into its canonical types first.
    """
    imports, _, made = recipe.code.partition("\n\n")
    imports += "\nfrom mbtoolkit.schemas.conform import conform" if conforming else ""
    lines = ["contacts = conform(contacts)"] if conforming else []
    return "\n".join([imports, "", *lines, made, "contacts = recipe.run(contacts).contacts"])
