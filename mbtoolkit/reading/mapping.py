"""Which source column becomes which field: what the caller says, and what columns say by their own names.

A mapping is a dict or a TOML file of lines `"source column" = "target"`. An empty target says that a column is to be
carried along. A mapping with such lines is taken to name every column, so that what is new in the next file is said.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections import Counter
from collections.abc import Mapping

import polars as pl

from mbtoolkit.cleaning.columns import mapping_of
from mbtoolkit.cleaning.targets import field_named
from mbtoolkit.contacts import BY_NAME, BY_WIRE, IDENTIFIERS, OPT_INS, canonical_name, is_property_column, property_key
from mbtoolkit.errors import MappingError
from mbtoolkit.reading.paths import path_of, read_small
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
        path = path_of(mapping, "the mapping", MappingError)
        content = read_small(path, "the mapping", MappingError)
        try:
            found = tomllib.loads(content.decode())
        except (ValueError, RecursionError) as error:
            msg = f'the mapping {path.name!r} is no TOML: {error}; write lines such as "E-mail" = "email"'
            raise MappingError(msg) from error
    odd = [str(source) for source, target in found.items() if not isinstance(target, str)]
    if odd:
        msg = f'a mapping says "source column" = "field", as text; not so: {", ".join(map(repr, odd))}'
        raise MappingError(msg)
    return {str(source): str(target) for source, target in found.items()}


def write_mapping(mapping: pl.DataFrame | Mapping[str, str], path: str | os.PathLike[str]) -> None:
    """Saves a mapping as a TOML file that `read_contacts(mapping=path)` reads.

    Args:
        mapping: {source column: target}, or what `suggest_mapping` returned: of that, what `mapping_of` takes is mapped
            and every other column stands there with an empty target. Those are carried along, and `read_contacts` says
            of a later file which columns are new.
        path: where to; a file that is there is replaced.

    Raises:
        FrameError: the frame is not one of suggestions.
        MappingError: a target is not text, a name can't be written as UTF-8, or the file can't be written.
    """
    if isinstance(mapping, pl.DataFrame):
        taken = mapping_of(mapping)
        mapping = {source: taken.get(source, "") for source in mapping["source"]}
    lines = [f"{_toml(source)} = {_toml(target)}\n" for source, target in load_mapping(mapping).items()]
    target = path_of(path, "the mapping", MappingError)
    try:
        target.write_bytes("".join(lines).encode())
    except UnicodeEncodeError:
        msg = "the mapping can't be written: a name in it holds half a character (a lone surrogate)"
        raise MappingError(msg) from None
    except OSError as error:
        msg = f"the mapping {target.name!r} can't be written: {error.strerror}"
        raise MappingError(msg) from error
    except ValueError as error:
        msg = "the mapping can't be written: its path can be no file's"
        raise MappingError(msg) from error


def _toml(text: str) -> str:
    """A text as a TOML basic string; TOML knows every escape that JSON writes, and wants DEL escaped too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def unfit(columns: list[str], asked: Mapping[str, str], resolved: Mapping[str, str]) -> list[str]:
    """What to say of a mapping that names the columns to carry along, where the source has others by now.

    Args:
        columns: the source's columns.
        asked: what the caller maps.
        resolved: what became of it.
    """
    left = [source for source, target in asked.items() if not target.strip()]
    if not left:
        return []
    new = [column for column in columns if column not in asked and column not in resolved]
    gone = [source for source in left if source not in columns]
    said = [f"new columns, which the mapping does not name, are carried along: {quoted(new)}"] if new else []
    return said + ([f"columns to carry along that are not there any more: {quoted(gone)}"] if gone else [])


def resolve_mapping(columns: list[str], asked: Mapping[str, str], repeated: set[str]) -> dict[str, str]:
    """Every source column that becomes a contact column, with the canonical name of that.

    Args:
        columns: the source's columns.
        asked: what the caller maps; a column with an empty target is carried along, whatever it is called.
        repeated: source columns that stand more than once.

    Returns:
        {source column: canonical column}; columns that bear canonical or wire names (in any case) map themselves,
        unless the caller maps another column there.

    Raises:
        MappingError: a column that isn't there, a target that isn't a field, one target twice, no identifier. All of
            it in one text.
    """
    targets = {source: canonical_name(target) for source, target in asked.items() if target.strip()}
    wrong = _unknown_columns([source for source in targets if source not in columns], columns, asked)
    wrong += _unknown_targets({source: asked[source] for source, target in targets.items() if not _is_target(target)})
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


def _unknown_columns(gone: list[str], columns: list[str], asked: Mapping[str, str]) -> list[str]:
    """What to say of mapped columns that the source has not, and once, which it has that the mapping does not name."""
    wrong = [f"there is no column {source!r} to map{_near(source, columns)}" for source in gone]
    new = [column for column in columns if column not in asked]
    return [*wrong, f"columns that the mapping does not name: {quoted(new)}"] if wrong and new else wrong


def _unknown_targets(targets: Mapping[str, str]) -> list[str]:
    """What to say of targets that are no fields, and once, what fields there are."""
    if not targets:
        return []
    wrong = [
        f"{source!r} is mapped to {target!r}, which is no field{_meant(target)}" for source, target in targets.items()
    ]
    return [*wrong, f"fields are {', '.join(BY_NAME)}, property:<name> and property_id:<uuid>"]


def _meant(target: str) -> str:
    """The field that was probably meant; consent only where the target speaks of consent."""
    field = field_named(target)
    if field is not None:
        return f"; did you mean {field!r}?"
    return _near(target, [name for name in (*BY_NAME, *BY_WIRE) if canonical_name(name) not in OPT_INS])


def _taken_twice(resolved: Mapping[str, str]) -> list[str]:
    counts = Counter(resolved.values())
    return [
        f"{target!r} is the target of {' and '.join(repr(s) for s, t in resolved.items() if t == target)}; keep one"
        for target, times in counts.items()
        if times > 1
    ]
