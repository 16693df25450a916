"""pandera models of every frame that crosses a boundary, and the rules they hold."""

from mbtoolkit.schemas.conform import DTYPES, UNREAD_PREFIX, is_unread_column, unread_column
from mbtoolkit.schemas.contacts import ContactSchema
from mbtoolkit.schemas.frames import (
    ISSUES,
    RESULTS,
    STATUS_DTYPE,
    STATUSES,
    IssuesSchema,
    PayloadsSchema,
    ResultsSchema,
    Status,
)
from mbtoolkit.schemas.rules import RULES, Rule, Severity
from mbtoolkit.schemas.sharing import shared_identifiers

__all__ = [
    "DTYPES",
    "ISSUES",
    "RESULTS",
    "RULES",
    "STATUSES",
    "STATUS_DTYPE",
    "UNREAD_PREFIX",
    "ContactSchema",
    "IssuesSchema",
    "PayloadsSchema",
    "ResultsSchema",
    "Rule",
    "Severity",
    "Status",
    "is_unread_column",
    "shared_identifiers",
    "unread_column",
]
