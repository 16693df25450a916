"""The step that mends what is obvious."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

import polars as pl

from mbtoolkit.cleaning import apply_suggestions
from mbtoolkit.errors import UsageError
from mbtoolkit.recipes.step import Step, StepResult, listed
from mbtoolkit.schemas.rules import RULES
from mbtoolkit.validation import validate_contacts


@dataclass(frozen=True, slots=True, repr=False)
class ApplySuggestions(Step):
    """`apply_suggestions`: what is obvious is mended.

    Attributes:
        rules: the codes of the rules whose suggestions are taken; None: all.
    """

    do = "apply_suggestions"
    rules: list[str] | None = None

    @property
    def label(self) -> str:
        """What it does, as a person says it."""
        return "What is obvious mended" + (f": {listed(self.rules)}" if self.rules is not None else "")

    def run(self, frame: pl.DataFrame) -> StepResult:
        """Mends the cells.

        Raises:
            UsageError: the frame is not one of contacts, or there is no such rule.
        """
        unknown = [rule for rule in self.rules or () if rule not in RULES]
        if unknown:
            near = difflib.get_close_matches(unknown[0], RULES, n=1)
            msg = f"there is no rule {unknown[0]!r}" + (f" (did you mean {near[0]!r}?)" if near else "")
            raise UsageError(msg)
        issues = validate_contacts(frame).issues
        if self.rules is not None:
            issues = issues.filter(pl.col("rule").is_in(self.rules))
        return StepResult(apply_suggestions(frame, issues).contacts)
