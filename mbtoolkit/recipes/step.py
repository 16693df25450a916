"""What all steps of a recipe share: plain data that says what to do, and the doing of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import MISSING, Field, asdict, dataclass, field, fields, is_dataclass
from typing import Any, ClassVar, Final

import polars as pl

from mbtoolkit.schemas.frames import ISSUES

LOST: Final[dict[str, pl.DataType]] = {
    "row": pl.Int64(),
    "column": pl.String(),
    "value": pl.String(),
    "kept": pl.String(),
}
"""The frame of values that are lost in a merge."""

SETTINGS: Final[dict[str, Any]] = {"strict": True, "extra": "forbid"}
"""How a step's data are checked when they are read from a file: no conversions, and nothing unknown."""


@dataclass(frozen=True, slots=True, repr=False)
class StepResult:
    """What a step made of a frame.

    Attributes:
        frame: the frame after it.
        into: for each row of the frame before it, its position in the frame after it; None where rows stayed in place.
        issues: the cells that could not be read, and as warnings those in which a slip is suspected: an issues frame;
            `row` is the position in the frame before.
        lost: the values of merged rows that are in no row any more: `row` (position in the frame before), `column`,
            `value`, `kept`.
        notes: what else is to be said, one sentence each, in which no cell is quoted.
    """

    frame: pl.DataFrame
    into: pl.Series | None = None
    issues: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ISSUES))
    lost: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LOST))
    notes: tuple[str, ...] = ()

    @property
    def unread(self) -> int:
        """How many cells could not be read."""
        return int((self.issues["severity"] == "error").sum())


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Step(ABC):
    """One step of a recipe; its fields are plain data.

    Attributes:
        is_on: whether the step is done; one that is off stays in the recipe and does nothing.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = SETTINGS
    do: ClassVar[str]
    """The step's name: of the method of `Recipe` that adds it, and in files."""

    is_on: bool = True

    @property
    @abstractmethod
    def label(self) -> str:
        """What it does, as a person says it."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns without which it can't be done."""
        return ()

    @property
    def changes(self) -> tuple[str, ...]:
        """The columns that it is about, where it is about single ones."""
        return ()

    @property
    def keeps_rows(self) -> bool:
        """Whether every row and column stays in its place."""
        return True

    @abstractmethod
    def run(self, frame: pl.DataFrame) -> StepResult:
        """Does it.

        Raises:
            UsageError: it can't be done to this frame.
        """

    @property
    def data(self) -> dict[str, Any]:
        """The step as a file holds it: its name, and its fields where they are not the default."""
        told = {each.name: _plain(getattr(self, each.name)) for each in self._told()}
        return {"do": self.do, **told} if self.is_on else {"do": self.do, "off": True, **told}

    @property
    def code(self) -> str:
        """The call that adds it to a recipe, as Python writes it: `.clean_text('City')`."""
        arguments = [
            _python(value) if _is_required(each) and place == 0 else f"{each.name}={_python(value)}"
            for place, each in enumerate(_own(self))
            if (value := _plain(getattr(self, each.name))) != _default(each)
        ]
        return f".{self.do}({', '.join(arguments)})" + ("" if self.is_on else ".disable()")

    def __repr__(self) -> str:
        """What it does; no cell is in it."""
        return f"<{self.label}>" if self.is_on else f"<off: {self.label}>"

    def _told(self) -> Iterator[Field[Any]]:
        return (each for each in _own(self) if getattr(self, each.name) != _default(each))


def _own(step: Step) -> list[Field[Any]]:
    """The fields of a step itself, in their order."""
    return [each for each in fields(step) if each.name != "is_on"]


def _is_required(each: Field[Any]) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


def _default(each: Field[Any]) -> Any:
    if each.default_factory is not MISSING:
        return each.default_factory()
    return each.default


def _plain(value: Any) -> Any:
    """A field's value as files hold it: no objects, and nothing that is not there."""
    if is_dataclass(value) and not isinstance(value, type):
        return {name: each for name, each in asdict(value).items() if each is not None}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _python(value: Any) -> str:
    """A value as Python writes it; a long list with a line for each of its entries."""
    if isinstance(value, list) and any(isinstance(each, dict) for each in value):
        return "[\n" + "".join(f"        {each!r},\n" for each in value) + "    ]"
    if isinstance(value, dict) and len(value) > 3:
        return "{\n" + "".join(f"        {key!r}: {each!r},\n" for key, each in value.items()) + "    }"
    return repr(value)


def listed(names: list[str]) -> str:
    """Names for a sentence; of more than three the rest are counted."""
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3:,} more" if len(names) > 3 else shown


def counted(number: int, noun: str) -> str:
    """A number of things: `1 cell`, `2,000 cells`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
