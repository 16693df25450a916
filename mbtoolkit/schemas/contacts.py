"""`ContactSchema`: every rule about a contacts frame, as a pandera model.

    ContactSchema.validate(frame, lazy=True)      # as with any pandera model

A subclass adds columns and checks of its own, and `validate_contacts(frame, schema=MyContacts)` reports them too:

    class MyContacts(ContactSchema):
        shoe_size: Optional[pl.String] = pa.Field(alias="property:Shoe size", str_matches=r"^[0-9]{2}$", nullable=True)

Types are not guessed and not silently coerced: `conform` brings a frame into the canonical types first, and what it
could not convert fails the check `unread`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, Final, Optional

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from mbtoolkit.contacts import (
    BY_NAME,
    CONSENT_TO,
    FIELDS,
    IDENTIFIERS,
    MAX_PHONE_DIGITS,
    PROPERTIES_COLUMN,
    UUID_PATTERN,
    Kind,
    PropertyKey,
    is_property_column,
    property_key,
)
from mbtoolkit.schemas.conform import DTYPES, unread_column
from mbtoolkit.schemas.emails import INVISIBLE, email_is_well_formed, looks_like_itself, unusual_emails
from mbtoolkit.schemas.judging import ContactFrameSchema, judging_schema, known
from mbtoolkit.schemas.sharing import shared_identifiers

_PROPERTY: Final = "property(?:_id)?:.*"
PROPERTY_COLUMNS: Final = f"^(?s:{_PROPERTY})$"
UNREAD_COLUMNS: Final = f"^(?s:unread:(?:{'|'.join(BY_NAME)}|{PROPERTIES_COLUMN}|{_PROPERTY}))$"
"""Patterns, for polars and for Python; a property's name may hold any character, also a line end."""


def _mask(data: PolarsData, passes: pl.Expr) -> pl.LazyFrame:
    return data.lazyframe.select(passes)


def _email_mask(data: PolarsData, passes: Callable[[pl.Expr], pl.Expr]) -> pl.LazyFrame | bool:
    """A mask of a rule about addresses, asked only about those that are not plainly sound."""
    emails = data.lazyframe.select("email").collect().to_series()
    rows = unusual_emails(emails) if (whole := known.get()) is None or whole.unusual is None else whole.unusual
    failing = emails.gather(rows).to_frame().select(passes(pl.first()).not_()).to_series()
    return _except_rows(data, rows.filter(failing))


def _shared(data: PolarsData) -> pl.DataFrame:
    whole = known.get()
    return shared_identifiers(data.lazyframe.collect()) if whole is None else whole.shared


def _except_rows(data: PolarsData, rows: pl.Series) -> pl.LazyFrame | bool:
    """A mask that is false at the given rows and true elsewhere."""
    if rows.is_empty():
        return True
    height = data.lazyframe.select(pl.len()).collect().item()
    passes = pl.repeat(value=True, n=height, dtype=pl.Boolean, eager=True)
    return passes.scatter(rows, values=False).to_frame("passes").lazy()


def _unique(data: PolarsData, identifier: str) -> pl.LazyFrame | bool:
    return _except_rows(data, _shared(data).filter(pl.col("identifier") == identifier)["row"])


def _filled(columns: list[str], names: tuple[str, ...]) -> pl.Expr:
    """Whether every one of the named cells is filled, with text that could not be read counting as filled."""
    cells = []
    for name in names:
        present = [pl.col(column).is_not_null() for column in (name, unread_column(name)) if column in columns]
        cells.append(pl.any_horizontal(present) if present else pl.repeat(value=False, n=pl.len()))
    return pl.all_horizontal(cells)


_LEAST_MOST: Final = {
    field.name: (0 if field.least is None else field.least, field.most or field.maximum)
    for field in FIELDS
    if field.is_integer
}
_UUIDS: Final = [field.name for field in FIELDS if field.kind is Kind.UUID]

_Columns: Any = type(
    "_Columns",
    (pa.DataFrameModel,),
    {
        "__doc__": "The standard fields as columns that may be missing and may hold nulls.",
        "__module__": __name__,
        "__annotations__": {field.name: Optional[type(DTYPES[field.kind])] for field in FIELDS},
        **{field.name: pa.Field(nullable=True) for field in FIELDS},
    },
)


class ContactSchema(_Columns):  # type: ignore[misc]
    """The rules for a contacts frame; any subset of the columns may be there, other columns are left alone.

    Each check's name is the rule's code (`mbtoolkit.schemas.RULES` says what it means).
    """

    properties: Optional[pl.String] = pa.Field(alias=PROPERTY_COLUMNS, regex=True, nullable=True)
    unread: Optional[pl.String] = pa.Field(alias=UNREAD_COLUMNS, regex=True, nullable=True)

    class Config:
        """Columns that the toolkit does not know are carried along."""

        strict = False

    @classmethod
    def build_schema_(cls, **kwargs: Any) -> ContactFrameSchema:
        """The hook that pandera asks: the schema object behind the model.

        Raises:
            UsageError: the model would alter the frames that it judges.
        """
        return judging_schema(super().build_schema_(**kwargs), kwargs)

    @classmethod
    def _collect_check_infos(cls, key: str) -> list[Any]:
        """What pandera knows of the checks; copies, for it takes a check's name away when it makes the first schema."""
        infos = [copy.copy(info) for info in super()._collect_check_infos(key)]
        for info in infos:
            info.check_kwargs = dict(info.check_kwargs)
        return infos

    @classmethod
    def empty(cls, *_args: Any) -> Any:
        """A frame without rows: the standard fields, in their canonical types."""
        return pl.DataFrame(schema={name: DTYPES[field.kind] for name, field in BY_NAME.items()})

    @pa.check(UNREAD_COLUMNS, name="unread")
    def _is_read(cls, data: PolarsData) -> pl.LazyFrame:
        return _mask(data, pl.col(str(data.key)).is_null())

    @pa.check(*_UUIDS, name="not_a_uuid")
    def _is_uuid(cls, data: PolarsData) -> pl.LazyFrame:
        return _mask(data, pl.col(str(data.key)).str.contains(UUID_PATTERN))

    @pa.check(*_LEAST_MOST, name="out_of_range")
    def _is_in_range(cls, data: PolarsData) -> pl.LazyFrame:
        least, most = _LEAST_MOST[str(data.key)]
        return _mask(data, pl.col(str(data.key)).is_between(least, most))

    @pa.check("email", name="email_syntax")
    def _email_syntax(cls, data: PolarsData) -> pl.LazyFrame | bool:
        return _email_mask(data, email_is_well_formed)

    @pa.check("email", name="email_invisible")
    def _email_visible(cls, data: PolarsData) -> pl.LazyFrame | bool:
        return _email_mask(data, lambda email: ~email.str.contains(INVISIBLE))

    @pa.check("email", name="email_normal_form", raise_warning=True, n_failure_cases=0)
    def _email_normal_form(cls, data: PolarsData) -> pl.LazyFrame | bool:
        return _email_mask(data, lambda email: email == email.str.normalize("NFC"))

    @pa.check("email", name="email_look_alike", raise_warning=True, n_failure_cases=0)
    def _email_look_alike(cls, data: PolarsData) -> pl.LazyFrame | bool:
        return _email_mask(data, looks_like_itself)

    @pa.check("contact_id", name="duplicate_identifier", raise_warning=True, n_failure_cases=0)
    def _contact_id_once(cls, data: PolarsData) -> pl.LazyFrame | bool:
        return _unique(data, "contact_id")

    @pa.check("mobile_number", name="duplicate_identifier", raise_warning=True, n_failure_cases=0)
    def _mobile_once(cls, data: PolarsData) -> pl.LazyFrame | bool:
        return _unique(data, "mobile")

    @pa.check("email", name="duplicate_identifier", raise_warning=True, n_failure_cases=0)
    def _email_once(cls, data: PolarsData) -> pl.LazyFrame | bool:
        return _unique(data, "email")

    @pa.check("mobile_opt_in", name="consent_conflict")
    def _mobile_consent(cls, data: PolarsData) -> pl.LazyFrame | bool:
        return _consent_agrees(data)

    @pa.check("email_opt_in", name="consent_conflict")
    def _email_consent(cls, data: PolarsData) -> pl.LazyFrame | bool:
        return _consent_agrees(data)

    @pa.check(*CONSENT_TO, name="opt_in_without_address")
    def _yes_has_address(cls, data: PolarsData) -> pl.LazyFrame | bool:
        return _mask(data, ~(_lacks_address(data, said=True) & ~_has(data, "contact_id")))

    @pa.check(*CONSENT_TO, name="opt_in_by_contact_id", raise_warning=True, n_failure_cases=0)
    def _yes_by_contact_id(cls, data: PolarsData) -> pl.LazyFrame | bool:
        return _mask(data, ~(_lacks_address(data, said=True) & _has(data, "contact_id")))

    @pa.check(*CONSENT_TO, name="opt_out_without_address", raise_warning=True, n_failure_cases=0)
    def _no_has_address(cls, data: PolarsData) -> pl.LazyFrame | bool:
        finds_somebody = pl.any_horizontal(_has(data, identifier) for identifier in IDENTIFIERS)
        return _mask(data, ~(_lacks_address(data, said=False) & finds_somebody))

    @pa.check(PROPERTY_COLUMNS, name="property_key")
    def _property_key(cls, data: PolarsData) -> pl.LazyFrame | bool:
        column = str(data.key)
        return property_key(column).is_sound or _mask(data, pl.col(column).is_null())

    @pa.dataframe_check(name="no_identifier")
    def _has_identifier(cls, data: PolarsData) -> pl.LazyFrame:
        columns = data.lazyframe.collect_schema().names()
        half_mobile = [_filled(columns, (name,)) for name in IDENTIFIERS["mobile"]]
        others = [_filled(columns, IDENTIFIERS[name]) for name in ("contact_id", "email")]
        return _mask(data, pl.any_horizontal(*others, *half_mobile).alias("passes"))

    @pa.dataframe_check(name="country_code_missing")
    def _has_country_code(cls, data: PolarsData) -> pl.LazyFrame | bool:
        columns = data.lazyframe.collect_schema().names()
        if "mobile_number" not in columns:
            return True
        number = pl.col("mobile_number").is_null()
        return _mask(data, (number | _filled(columns, ("mobile_country_code",))).alias("passes"))

    @pa.dataframe_check(name="number_missing")
    def _has_number(cls, data: PolarsData) -> pl.LazyFrame | bool:
        columns = data.lazyframe.collect_schema().names()
        if "mobile_country_code" not in columns:
            return True
        code = pl.col("mobile_country_code").is_null()
        return _mask(data, (code | _filled(columns, ("mobile_number",))).alias("passes"))

    @pa.dataframe_check(name="phone_too_long")
    def _phone_length(cls, data: PolarsData) -> pl.LazyFrame | bool:
        columns = data.lazyframe.collect_schema().names()
        if not set(IDENTIFIERS["mobile"]) <= set(columns):
            return True
        code, number = pl.col("mobile_country_code"), pl.col("mobile_number")
        digits = pl.when(code < 10).then(1).when(code < 100).then(2).otherwise(3)
        fits = number < pl.lit(10, dtype=pl.Int64).pow(MAX_PHONE_DIGITS - digits)
        return _mask(data, fits.fill_null(value=True).alias("passes"))

    @pa.dataframe_check(name="property_key")
    def _nested_property_keys(cls, data: PolarsData) -> pl.LazyFrame | bool:
        if PROPERTIES_COLUMN not in data.lazyframe.collect_schema().names():
            return True
        return _mask(data, _nested_keys_are_sound().alias("passes"))

    @pa.dataframe_check(name="property_twice")
    def _properties_once(cls, data: PolarsData) -> pl.LazyFrame | bool:
        passes = properties_are_given_once(data.lazyframe.collect_schema())
        return passes is None or _mask(data, passes.alias("passes"))

    @pa.dataframe_check(name="joins_contacts", raise_warning=True, n_failure_cases=0)
    def _joins_nobody(cls, data: PolarsData) -> pl.LazyFrame | bool:
        shared = _shared(data)
        if not shared.height:
            return True
        people = shared.group_by("row").agg(pl.col("group").n_unique())
        return _except_rows(data, people.filter(pl.col("group") > 1)["row"])


def _has(data: PolarsData, identifier: str) -> pl.Expr:
    """Whether each row has an identifier; text that could not be read counts, for it keeps the row back anyway."""
    return _filled(data.lazyframe.collect_schema().names(), IDENTIFIERS[identifier])


def _lacks_address(data: PolarsData, *, said: bool) -> pl.Expr:
    """Whether each row's opt-in says so, and the address or number that it is about is not in the row."""
    opt_in, columns = str(data.key), data.lazyframe.collect_schema().names()
    # Half a mobile is another rule's affair.
    has_address = pl.any_horizontal(_filled(columns, (name,)) for name in CONSENT_TO[opt_in])
    return (pl.col(opt_in).eq_missing(pl.lit(said)) & ~has_address).alias("lacks")


def _consent_agrees(data: PolarsData) -> pl.LazyFrame | bool:
    """False at the rows that say yes while another row of the same contact says no."""
    opt_in = pl.col(str(data.key))
    shared = _shared(data)
    if not shared.height:
        return True
    refused = opt_in.not_().any().over("component")
    return _except_rows(data, shared.filter(opt_in & refused)["row"].unique())


def _nested_keys_are_sound() -> pl.Expr:
    """Whether every entry of `property_fields` that has a value has an id that is a uuid, or else a name."""
    entry = pl.element().struct
    by_id = entry.field("property_id").str.contains(UUID_PATTERN)
    by_name = entry.field("property_name").str.contains(r"\S") & entry.field("property_id").is_null()
    is_sound = by_id.fill_null(by_name).fill_null(value=False) | entry.field("property_value").is_null()
    return pl.col(PROPERTIES_COLUMN).list.eval(is_sound).list.all().fill_null(value=True)


def properties_are_given_once(schema: pl.Schema) -> pl.Expr | None:
    """Whether each row has one value at the most for each property; None where the columns already say so.

    Properties are told apart by their name, or by their id whatever its case; a property given by name in one place and
    by id in another is not recognised, for only the CRM knows which name an id has.
    """
    columns: dict[PropertyKey, list[str]] = {}
    for column in schema:
        if is_property_column(column):
            columns.setdefault(property_key(column).folded, []).append(column)
    twice = [names for names in columns.values() if len(names) > 1]
    passes = [pl.sum_horizontal(pl.col(name).is_not_null() for name in names) <= 1 for names in twice]
    if isinstance(schema.get(PROPERTIES_COLUMN), pl.List):
        for name, wire in (("property_id", "propertyId"), ("property_name", "propertyName")):
            beside = {key.value: names for key, names in columns.items() if key.wire == wire}
            passes += _nested_once(name, beside)
    return pl.all_horizontal(passes) if passes else None


def _nested_once(field: str, beside: dict[str, list[str]]) -> Iterator[pl.Expr]:
    """That the nested column has no property twice by one of its fields, and none that has a filled column too."""
    entry = pl.element().struct
    key = entry.field(field).str.to_lowercase() if field == "property_id" else entry.field(field)
    keys = pl.col(PROPERTIES_COLUMN).list.eval(pl.when(entry.field("property_value").is_not_null()).then(key))
    given = keys.list.drop_nulls()
    yield (given.list.n_unique() == given.list.len()).fill_null(value=True)
    for value, names in beside.items():
        filled = pl.any_horizontal(pl.col(name).is_not_null() for name in names)
        yield ~(filled & given.list.contains(pl.lit(value)).fill_null(value=False))
