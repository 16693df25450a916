"""A push as code: the cell that does the same without clicking."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mbtoolkit.sessions.pushing.sources import Source


def reading_code(source: Source, mapping: Mapping[str, str], default_country: str | None) -> list[str]:
    """The lines that read the contacts.

    Args:
        source: where the table comes from.
        mapping: {column: target}.
        default_country: as `read_contacts` takes it.
    """
    options = [f"{name}={value!r}" for name, value in source.options.items()]
    options += [f"default_country={default_country!r}"] if default_country else []
    lines = [f"    {column!r}: {target!r}," for column, target in mapping.items()]
    told = {bytes: "  # the file that was chosen in the browser"}.get(type(source.data), "")
    call = ", ".join([source.code, "mapping=mapping", *options])
    return ["mapping = {", *lines, "}", f"contacts = read_contacts({call}){told}"]


def push_code(reading: list[str], edits: str | None, rules: Collection[str], options: Mapping[str, str]) -> str:
    """The whole cell.

    Args:
        reading: the lines that read the contacts.
        edits: the lines that mend them; None where nothing was mended.
        rules: rows that break these are left out.
        options: further arguments of `upsert_contacts`, as Python writes them.
    """
    names = ["read_contacts", "upsert_contacts", *(["validate_contacts"] if rules else [])]
    blocks = [[f"from mbtoolkit import {', '.join(names)}"], reading]
    blocks += [[edits]] if edits else []
    schema = f", schema={options['schema']}" if "schema" in options else ""
    push = []
    if rules:
        push += [
            f"issues = validate_contacts(contacts{schema}).issues",
            f'leave_out = issues.filter(issues["rule"].is_in({sorted(rules)!r}))["row"].unique()',
        ]
        options = {**options, "leave_out": "leave_out"}
    told = "".join(f", {name}={value}" for name, value in options.items())
    blocks.append([*push, f"results = upsert_contacts(contacts, client{told})"])
    return "\n\n".join("\n".join(block) for block in blocks)
