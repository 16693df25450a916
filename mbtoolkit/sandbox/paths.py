"""Where the CRM's operations are. Source: MainBrainer's public pages."""

from __future__ import annotations

from typing import Final

UPSERT_PATH: Final = "/contacts/insertupdate"
BATCH_PATH: Final = "/contacts/batch"
STATUS_PATH: Final = "/contacts/{batchId}/Status"
"""A template: `{batchId}` stands for one segment of a path."""
TOKEN_PATH: Final = "/token"  # noqa: S105  a path

CRM_PATHS: Final = (UPSERT_PATH, BATCH_PATH, STATUS_PATH, TOKEN_PATH)

_BEFORE_ID, _, _AFTER_ID = STATUS_PATH.partition("{batchId}")


def batch_id_in(path: str) -> str | None:
    """The id in the path of a status request, in lower case; None where the path is another."""
    if not (path.startswith(_BEFORE_ID) and path.endswith(_AFTER_ID)):
        return None
    found = path[len(_BEFORE_ID) : len(path) - len(_AFTER_ID)]
    return found.lower() if found and "/" not in found else None
