"""The steps that clean a table, recorded: to be looked at, undone, saved, and run on the next table."""

from mbtoolkit.recipes.cells import Cell, EditCells
from mbtoolkit.recipes.cleaned import Cleaned
from mbtoolkit.recipes.columns import (
    CleanText,
    ColumnStep,
    FixMojibake,
    MergeValues,
    NormalizeCountry,
    NormalizeDate,
    NormalizeEmail,
    NormalizeName,
    NormalizeNumber,
    NormalizeOptIn,
    NormalizePhone,
)
from mbtoolkit.recipes.contacts import ReadContacts
from mbtoolkit.recipes.mending import ApplySuggestions
from mbtoolkit.recipes.offered import holds_phones, offered_steps
from mbtoolkit.recipes.people import MergeDuplicates, MergeRows
from mbtoolkit.recipes.prints import row_prints
from mbtoolkit.recipes.recipe import Recipe
from mbtoolkit.recipes.step import Step, StepResult

__all__ = [
    "ApplySuggestions",
    "Cell",
    "CleanText",
    "Cleaned",
    "ColumnStep",
    "EditCells",
    "FixMojibake",
    "MergeDuplicates",
    "MergeRows",
    "MergeValues",
    "NormalizeCountry",
    "NormalizeDate",
    "NormalizeEmail",
    "NormalizeName",
    "NormalizeNumber",
    "NormalizeOptIn",
    "NormalizePhone",
    "ReadContacts",
    "Recipe",
    "Step",
    "StepResult",
    "holds_phones",
    "offered_steps",
    "row_prints",
]
