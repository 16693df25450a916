"""A table as it was loaded, and what was chosen of its columns: the first two states of a table on its way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import polars as pl

from mbtoolkit.cleaning import mapping_of, profile, suggest_mapping
from mbtoolkit.contacts import is_contact_column
from mbtoolkit.errors import RecipeError, UsageError
from mbtoolkit.reading.contacts import contacts_of
from mbtoolkit.reading.sources import load
from mbtoolkit.reading.tables import Table
from mbtoolkit.recipes import ReadContacts, Recipe
from mbtoolkit.schemas.texts import text_form
from mbtoolkit.sessions.pushing.sources import Source

SAMPLE_CELLS: Final = 3
PROFILED: Final = 3
"""Values, and patterns, of a column that its profile lists."""
_SAMPLE_ROWS: Final = 200


@dataclass(frozen=True, eq=False, repr=False)
class Loaded:
    """A table as it was loaded; its file is parsed here and nowhere else.

    Attributes:
        key: the source's key at that time.
        whole: the table, and what is known of its cells.
        suggestions: the frame of `suggest_mapping`.
    """

    key: Hashable
    whole: Table
    suggestions: pl.DataFrame
    _samples: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, source: Source) -> Loaded:
        """Loads a table.

        Raises:
            SourceError: the source can't be read as a table.
        """
        key, whole = source.key, load(source.data, **source.options)
        return cls(key, whole, suggest_mapping(whole.frame))

    @property
    def table(self) -> pl.DataFrame:
        """The cells under the source's own headers."""
        return self.whole.frame

    @cached_property
    def profile(self) -> pl.DataFrame:
        """The frame of `mbtoolkit.cleaning.profile`, values included."""
        return profile(self.table, show_values=True, top=PROFILED).columns

    def sample(self, column: str) -> list[str]:
        """The first few different cells of a column, as text."""
        if column not in self._samples:
            # Under another name, for polars takes names such as `^x$` for patterns of names.
            cells = self.table.get_column(column).alias("cells").drop_nulls().head(_SAMPLE_ROWS)
            texts = cells.to_frame().select(text_form(pl.first(), cells.dtype)).to_series().unique(maintain_order=True)
            self._samples[column] = [text for text in texts if text.strip()][:SAMPLE_CELLS]
        return self._samples[column]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Mapped:
    """What was chosen of a table's columns.

    Attributes:
        loaded: the table.
        mapping: what each column is; an empty target for those that are not sent.
        default_country: as `read_contacts` takes it.
        notes: what was assumed while loading, and what of a recipe or another table was not taken over.
        recipe: steps to do when the contacts are read.
        named_by: the mapping that gave the columns the names that are in `recipe`; None: this one.
    """

    loaded: Loaded
    mapping: Mapping[str, str]
    default_country: str | None = None
    notes: tuple[str, ...] = ()
    recipe: Recipe = field(default_factory=Recipe)
    named_by: Mapping[str, str] | None = None

    @classmethod
    def of(cls, loaded: Loaded) -> Mapped:
        """The mapping that is suggested."""
        suggested = mapping_of(loaded.suggestions)
        mapping = {column: suggested.get(column, "") for column in loaded.table.columns}
        return cls(loaded=loaded, mapping=mapping, notes=tuple(loaded.whole.notes))

    @property
    def choice(self) -> tuple[Mapping[str, str], str | None]:
        """What decides how the contacts are read."""
        return self.mapping, self.default_country

    @property
    def twice(self) -> list[str]:
        """Targets that more than one column has."""
        return sorted(target for target, times in Counter(self.mapping.values()).items() if target and times > 1)

    def with_column(self, column: str, target: str) -> Mapped:
        """The same with another target for a column.

        Raises:
            UsageError: there is no such column.
        """
        if column not in self.mapping:
            msg = f"there is no column {column!r} in what was loaded"
            raise UsageError(msg)
        return replace(self, mapping={**self.mapping, column: target})

    def with_recipe(self, recipe: Recipe) -> Mapped:
        """The same with the steps of a recipe to do, and with its mapping if it has one.

        Args:
            recipe: one that begins with `read_contacts`, or has none.

        Raises:
            RecipeError: it has steps before `read_contacts`, which a panel can't do.
        """
        reading = [(place, step) for place, step in enumerate(recipe.steps) if isinstance(step, ReadContacts)]
        if not reading:
            return replace(self, recipe=recipe, named_by=None)
        place, first = reading[-1]
        if place or len(reading) > 1:
            msg = (
                f"the recipe has {reading[0][0]} steps before read_contacts, which work on the table as it came; "
                "run it in a cell, Recipe.read(path).run(source), and give the panel what comes of it"
            )
            raise RecipeError(msg)
        gone = [column for column, target in first.mapping.items() if target and column not in self.mapping]
        new = [column for column in self.mapping if column not in first.mapping]
        notes = [f"the recipe names columns that are not here: {', '.join(map(repr, gone))}"] if gone else []
        notes += [f"columns that the recipe does not name: {', '.join(map(repr, new))}"] if new else []
        mapping = {column: first.mapping.get(column, "") for column in self.mapping}
        return replace(
            self,
            mapping=mapping,
            default_country=first.default_country,
            notes=(*self.notes, *notes),
            recipe=Recipe(recipe.steps[1:]),
            named_by=None,
        )

    def names_since(self, before: Mapping[str, str] | None) -> dict[str, str]:
        """What the columns of the contacts are called under this mapping: {old name: new name}.

        Args:
            before: the mapping that gave them the old names; None: this one.
        """
        if before is None or before == self.mapping:
            return {}
        new = _names(self.mapping)
        return {name: new[column] for column, name in _names(before).items() if column in new}

    def contacts(self, source: Source) -> tuple[pl.DataFrame, list[str]]:
        """The contacts by this mapping, and what was assumed.

        Args:
            source: where the table comes from, to be named.

        Raises:
            MappingError, UsageError: the table can't be read with these choices.
        """
        return contacts_of(self.loaded.whole, source.data, self.mapping, self.default_country or None)


def _names(mapping: Mapping[str, str]) -> dict[str, str]:
    """What each column of the source is called among the contacts."""
    taken = set(mapping.values())
    return {
        column: target or (f"source:{column}" if column in taken or is_contact_column(column) else column)
        for column, target in mapping.items()
    }
