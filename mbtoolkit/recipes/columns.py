"""Steps that repair one column, cell by cell; a cell that can't be read stays as it is, and is an issue."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal

import polars as pl

from mbtoolkit.cleaning import (
    clean_text,
    fix_mojibake,
    merge_values,
    normalize_country,
    normalize_date,
    normalize_email,
    normalize_name,
    normalize_number,
    normalize_opt_in,
    normalize_phone,
)
from mbtoolkit.cleaning.entering import CODE, NUMBER, enter_texts
from mbtoolkit.cleaning.garbled import has_doubtful_controls
from mbtoolkit.cleaning.shown import shown_texts
from mbtoolkit.cleaning.texts import MOJIBAKE_ISSUES
from mbtoolkit.contacts import is_contact_column, label_of
from mbtoolkit.errors import UsageError
from mbtoolkit.recipes.step import Step, StepResult, counted
from mbtoolkit.schemas.conform import NO_WORDS, YES_WORDS
from mbtoolkit.schemas.frames import ISSUES
from mbtoolkit.schemas.texts import has_text_form, text_form, unless_blank

_ISSUE: Final = r"^([a-z_]+): ((?s:.*))$"
"""How the cleaning functions say what is wrong: a rule's code, and words."""
_SLIP: Final = pl.lit("suspected_slip")
_SLIP_SAID: Final = "may hold a slip; take the suggestion if that is what was meant"


@dataclass(frozen=True, slots=True, repr=False)
class ColumnStep(Step):
    """A step for the cells of one column.

    Attributes:
        column: its name.
    """

    what: ClassVar[str]
    """What it does, in front of the column's label."""

    column: str

    @property
    def label(self) -> str:
        """What it does, as a person says it."""
        return f"{self.what}: {label_of(self.column)}"

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns without which it can't be done."""
        return (self.column,)

    @property
    def changes(self) -> tuple[str, ...]:
        """The columns that it is about."""
        return (self.column,)

    @abstractmethod
    def answer(self, texts: pl.Series) -> pl.DataFrame:
        """What the cells are to be.

        Args:
            texts: the cells, as texts.

        Returns:
            As many lines: `text` (null empties the cell), `issue` (null where all is well; the cell stays).
        """

    def answer_in(self, frame: pl.DataFrame, texts: pl.Series) -> pl.DataFrame:
        """The same, where the other cells of the rows matter.

        Args:
            frame: the rows.
            texts: the cells, as texts.
        """
        del frame
        return self.answer(texts)

    def run(self, frame: pl.DataFrame) -> StepResult:
        """Repairs the column.

        Raises:
            UsageError: it can't be done to this frame.
        """
        frame = _as_text(frame, self.column)
        rows = _rows_to_read(frame, self.column)
        found = shown_texts(frame, self.column).gather(rows).alias("found")
        answered = self.answer_in(frame[rows], found).with_columns(found, rows.alias("row"))
        is_new = pl.col("issue").is_null() & unless_blank(pl.col("text")).ne_missing(pl.col("found"))
        new = answered.filter(is_new)
        return StepResult(
            _with_texts(frame, self.column, new["row"], new["text"]),
            issues=_issues(answered, self.column),
        )


def _as_text(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """The frame with a column that is no contact's as texts.

    Raises:
        UsageError: its cells have no text form.
    """
    dtype = frame.schema[column]
    if dtype == pl.String or is_contact_column(column):
        return frame
    if not has_text_form(dtype):
        msg = f"the column {column!r} is of type {dtype}, which has no text form; make it text first"
        raise UsageError(msg)
    place = frame.get_column_index(column)
    return frame.with_columns(frame.select(text_form(pl.nth(place), dtype).alias(column)).to_series())


def _rows_to_read(frame: pl.DataFrame, column: str) -> pl.Series:
    """The positions of the cells that hold text: of a column that holds numbers or truth values, the unread ones."""
    filled = shown_texts(frame, column).is_not_null()
    if frame.schema[column] != pl.String:
        filled &= frame.get_column(column).alias("cell").is_null()
    return filled.arg_true().cast(pl.Int64)


def _with_texts(frame: pl.DataFrame, column: str, rows: pl.Series, texts: pl.Series) -> pl.DataFrame:
    if rows.is_empty():
        return frame
    if frame.schema[column] != pl.String:
        return enter_texts(frame, column, rows, texts)
    # Before a table is read as contacts, its columns are not what their names may say.
    cells = texts.to_frame().select(unless_blank(pl.first())).to_series()
    return frame.with_columns(frame.get_column(column).clone().scatter(rows, cells).alias(column))


def _issues(answered: pl.DataFrame, column: str) -> pl.DataFrame:
    """The cells that stayed as they were, as issues; and as warnings those in which a slip is suspected."""
    suggestion = pl.col("suggestion") if "suggestion" in answered.columns else pl.lit(None)
    is_unread = pl.col("issue").is_not_null()
    told = {
        "row": pl.col("row"),
        "column": pl.lit(column),
        "value": pl.when(is_unread).then("found").otherwise("text"),
        "rule": pl.when(is_unread).then(pl.col("issue").str.extract(_ISSUE, 1).fill_null("unread")).otherwise(_SLIP),
        "severity": pl.when(is_unread).then(pl.lit("error")).otherwise(pl.lit("warning")),
        "message": pl.coalesce(pl.col("issue").str.extract(_ISSUE, 2), "issue", pl.lit(_SLIP_SAID)),
        "suggestion": suggestion,
    }
    doubtful = answered.filter(is_unread | suggestion.is_not_null())
    return doubtful.select(told[name].cast(dtype).alias(name) for name, dtype in ISSUES.items())


def _text_alone(cells: pl.Series) -> pl.DataFrame:
    return pl.DataFrame([cells.alias("text"), pl.repeat(None, len(cells), dtype=pl.String, eager=True).alias("issue")])


def _tidied(texts: pl.Series, tidy: pl.Series) -> pl.DataFrame:
    """The texts tidied, but for those in which a letter of an unknown encoding would be taken for another."""
    told = pl.DataFrame([tidy.alias("text"), has_doubtful_controls(texts).alias("is_doubtful")])
    return told.select("text", pl.when("is_doubtful").then(pl.lit(MOJIBAKE_ISSUES["doubtful"])).alias("issue"))


def _unnested(cells: pl.Series, name: str) -> pl.DataFrame:
    """The answer of a cleaning function, its value under the name `text`."""
    return cells.struct.unnest().rename({name: "text"})


@dataclass(frozen=True, slots=True, repr=False)
class CleanText(ColumnStep):
    """`clean_text`."""

    do = "clean_text"
    what = "White space and invisible characters tidied"
    keep_lines: bool = False

    def answer(self, texts: pl.Series) -> pl.DataFrame:
        """See `ColumnStep.answer`."""
        return _tidied(texts, clean_text(texts, keep_lines=self.keep_lines))


@dataclass(frozen=True, slots=True, repr=False)
class FixMojibake(ColumnStep):
    """`fix_mojibake`."""

    do = "fix_mojibake"
    what = "Text read in a wrong encoding mended"

    def answer(self, texts: pl.Series) -> pl.DataFrame:
        """See `ColumnStep.answer`."""
        return fix_mojibake(texts).struct.unnest()


@dataclass(frozen=True, slots=True, repr=False)
class NormalizeName(ColumnStep):
    """`normalize_name`."""

    do = "normalize_name"
    what = "Capitals of names"

    def answer(self, texts: pl.Series) -> pl.DataFrame:
        """See `ColumnStep.answer`."""
        return _tidied(texts, normalize_name(texts))


@dataclass(frozen=True, slots=True, repr=False)
class NormalizeDate(ColumnStep):
    """`normalize_date`."""

    do = "normalize_date"
    what = "Dates as 2026-03-31"
    order: Literal["dmy", "mdy", "ymd"]
    last_year: int | None = None

    def answer(self, texts: pl.Series) -> pl.DataFrame:
        """See `ColumnStep.answer`."""
        return _unnested(normalize_date(texts, self.order, last_year=self.last_year), "date")


@dataclass(frozen=True, slots=True, repr=False)
class NormalizeNumber(ColumnStep):
    """`normalize_number`."""

    do = "normalize_number"
    what = "Numbers as 1234.50"
    decimal: Literal[",", "."]

    def answer(self, texts: pl.Series) -> pl.DataFrame:
        """See `ColumnStep.answer`."""
        return _unnested(normalize_number(texts, self.decimal), "number")


@dataclass(frozen=True, slots=True, repr=False)
class NormalizeCountry(ColumnStep):
    """`normalize_country`."""

    do = "normalize_country"
    what = "Countries as two letters"

    def answer(self, texts: pl.Series) -> pl.DataFrame:
        """See `ColumnStep.answer`."""
        return _unnested(normalize_country(texts), "country")


@dataclass(frozen=True, slots=True, repr=False)
class NormalizeEmail(ColumnStep):
    """`normalize_email`."""

    do = "normalize_email"
    what = "E-mail addresses in their usual form"
    fix_typos: bool = False

    def answer(self, texts: pl.Series) -> pl.DataFrame:
        """See `ColumnStep.answer`."""
        return _unnested(normalize_email(texts, fix_typos=self.fix_typos), "email")


@dataclass(frozen=True, slots=True, repr=False)
class NormalizePhone(ColumnStep):
    """`normalize_phone`: as `+47 93454496`. A row that has a country code keeps it.

    Attributes:
        default_country: of numbers in local form: a two-letter code, or the name of a column that holds one.
    """

    do = "normalize_phone"
    what = "Phone numbers with their country code"
    default_country: str | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns without which it can't be done."""
        is_column = self.default_country is not None and len(self.default_country.strip()) != 2
        return (self.column, str(self.default_country)) if is_column else (self.column,)

    def answer(self, texts: pl.Series) -> pl.DataFrame:
        """See `ColumnStep.answer`."""
        return self.answer_in(pl.DataFrame(), texts)

    def answer_in(self, frame: pl.DataFrame, texts: pl.Series) -> pl.DataFrame:
        """See `ColumnStep.answer_in`."""
        is_column = self.default_country in frame.columns
        country = shown_texts(frame, str(self.default_country)) if is_column else self.default_country
        read = normalize_phone(texts, country).struct.unnest()
        text = pl.format("+{} {}", CODE, NUMBER)
        if self.column == NUMBER and CODE in frame.columns:
            # Its own code says more of a number than a country that holds for all.
            own = frame.get_column(CODE).is_not_null().alias("own")
            text = pl.when(~own).then(text).otherwise(texts)
            read = read.with_columns(issue=pl.when(~own).then("issue"))
        return read.select(text.alias("text"), "issue")


@dataclass(frozen=True, slots=True, repr=False)
class NormalizeOptIn(ColumnStep):
    """`normalize_opt_in`: as `yes` and `no`; only the listed words count.

    Attributes:
        yes: all words that give consent.
        no: all words that refuse it.
    """

    do = "normalize_opt_in"
    what = "Consent read from words"
    yes: list[str] = field(default_factory=lambda: list(YES_WORDS))
    no: list[str] = field(default_factory=lambda: list(NO_WORDS))

    def answer(self, texts: pl.Series) -> pl.DataFrame:
        """See `ColumnStep.answer`."""
        read = normalize_opt_in(texts, self.yes, self.no).struct.unnest()
        said = pl.when("opt_in").then(pl.lit("yes")).when(pl.col("opt_in").not_()).then(pl.lit("no"))
        return read.select(said.alias("text"), "issue")


@dataclass(frozen=True, slots=True, repr=False)
class MergeValues(ColumnStep):
    """`merge_values`: one spelling for each value.

    Attributes:
        values: {spelling: the one that replaces it}.
    """

    do = "merge_values"
    values: dict[str, str]

    @property
    def label(self) -> str:
        """What it does, as a person says it."""
        return f"{counted(len(self.values), 'spelling')} replaced: {label_of(self.column)}"

    def answer(self, texts: pl.Series) -> pl.DataFrame:
        """See `ColumnStep.answer`."""
        spellings = pl.DataFrame(
            {"value": list(self.values), "suggestion": list(self.values.values())},
            schema={"value": pl.String, "suggestion": pl.String},
        )
        return _text_alone(merge_values(texts, spellings))
