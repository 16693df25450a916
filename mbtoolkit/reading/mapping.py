"""Which source column becomes which field: what the caller says, and what columns say by their own names."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from mbtoolkit.contacts import BY_NAME, BY_WIRE, IDENTIFIERS, canonical_name, is_property_column, property_key
from mbtoolkit.errors import MappingError
from mbtoolkit.reading.tables import is_data, quoted


def load_mapping(mapping: Mapping[str, str] | str | os.PathLike[str] | None) -> dict[str, str]:
    """The mapping as a dict.

    Args:
        mapping: {source column: target}, or the path of a TOML file with such lines at its top level.

    Raises:
        MappingError: the file can't be read, or a line of it is not text = text.
    """
    if mapping is None:
        return {}
    found: Mapping[str, object]
    if isinstance(mapping, Mapping):
        found = mapping
    elif not isinstance(mapping, str | os.PathLike):
        msg = f"a mapping is a dict or the path of a TOML file, not a {type(mapping).__name__}"
        raise MappingError(msg)
    else:
        path = Path(mapping)
        try:
            found = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            msg = f"the mapping {path.name!r} can't be read: {error.strerror}"
            raise MappingError(msg) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            msg = f'the mapping {path.name!r} is no TOML: {error}; write lines such as "E-mail" = "email"'
            raise MappingError(msg) from error
        except ValueError as error:
            msg = "the mapping's path can be no file's: it holds a character that no path has"
            raise MappingError(msg) from error
    odd = [str(source) for source, target in found.items() if not isinstance(target, str)]
    if odd:
        msg = f'a mapping says "source column" = "field", as text; not so: {", ".join(map(repr, odd))}'
        raise MappingError(msg)
    return {str(source): str(target) for source, target in found.items()}


def resolve_mapping(columns: list[str], asked: Mapping[str, str], repeated: set[str]) -> dict[str, str]:
    """Every source column that becomes a contact column, with the canonical name of that.

    Args:
        columns: the source's columns.
        asked: what the caller maps.
        repeated: source columns that stand more than once.

    Returns:
        {source column: canonical column}; columns that bear canonical or wire names (in any case) map themselves,
        unless the caller maps another column there.

    Raises:
        MappingError: a column that isn't there, a target that isn't a field, one target twice, no identifier. All of
            it in one text.
    """
    wrong = [_unknown_column(source, columns) for source in asked if source not in columns]
    targets = {source: canonical_name(target) for source, target in asked.items()}
    wrong += [_unknown_target(source, asked[source]) for source, target in targets.items() if not _is_target(target)]
    resolved = {source: target for source, target in targets.items() if target is not None and source in columns}
    taken = set(resolved.values())
    for column in columns:
        canonical = canonical_name(column)
        if column not in asked and canonical is not None and canonical not in taken:
            resolved[column] = canonical
    wrong += [
        f"the column {source!r} stands more than once in the source; rename one"
        for source in resolved
        if source in repeated
    ]
    wrong += _taken_twice(resolved)
    if (wrong or not _has_identifier(set(resolved.values()))) and any(map(is_data, columns)):
        # Not quoted: it is somebody's.
        msg = (
            "the first line looks like data, not like column names (an e-mail address, a phone number or an id stands "
            "there): put a line with the columns' names on top, or rename those columns"
        )
        raise MappingError(msg)
    if not wrong and not _has_identifier(set(resolved.values())):
        wrong.append(
            f"no column is mapped to an identifier (contact_id, mobile_number or email); the columns are "
            f"{quoted(columns)}; say which one is what, such as mapping={{'E-mail': 'email'}}"
        )
    if wrong:
        raise MappingError("; ".join(wrong))
    return resolved


def _is_target(canonical: str | None) -> bool:
    """Whether something can be mapped there: a field, or a property with a name or a sound id."""
    return canonical is not None and (not is_property_column(canonical) or property_key(canonical).is_sound)


def _has_identifier(mapped: set[str]) -> bool:
    """Whether rows could be told apart; a number's code may come from the number itself or from its country."""
    return any(set(fields) <= mapped | {"mobile_country_code"} for fields in IDENTIFIERS.values())


def _near(name: str, among: list[str]) -> str:
    folded = {each.lower(): each for each in among}
    near = difflib.get_close_matches(name.lower(), list(folded), n=1)
    return f"; did you mean {folded[near[0]]!r}?" if near else ""


def _unknown_column(source: str, columns: list[str]) -> str:
    hint = _near(source, columns) or f"; the columns are {quoted(columns)}"
    return f"there is no column {source!r} to map{hint}"


def _unknown_target(source: str, target: str) -> str:
    fields = ", ".join(BY_NAME)
    hint = _near(target, [*BY_NAME, *BY_WIRE])
    return (
        f"{source!r} is mapped to {target!r}, which is no field ({fields}, property:<name>, property_id:<uuid>){hint}"
    )


def _taken_twice(resolved: Mapping[str, str]) -> list[str]:
    counts = Counter(resolved.values())
    return [
        f"{target!r} is the target of {' and '.join(repr(s) for s, t in resolved.items() if t == target)}; keep one"
        for target, times in counts.items()
        if times > 1
    ]
