"""The lists that a widget offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mbtoolkit.contacts import is_uuid
from mbtoolkit.errors import UsageError


def known_lists(list_ids: Mapping[str, str] | Sequence[str]) -> dict[str, str]:
    """The lists' names by their ids.

    Args:
        list_ids: {name: uuid}, or uuids, which are then their own names.

    Raises:
        UsageError: one of them is no uuid.
    """
    named = dict(list_ids) if isinstance(list_ids, Mapping) else {each: each for each in list_ids}
    for name, each in named.items():
        if not isinstance(each, str) or not is_uuid(each):
            msg = f"list_ids[{name!r}] is no uuid; copy it from the list's page in the CRM, or give crm.lists"
            raise UsageError(msg)
    return {each: name for name, each in named.items()}
