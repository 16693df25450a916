"""From a messy table of contacts into the MainBrainer CRM, every row accounted for.

    contacts = read_contacts("contacts.csv")
    with Client.from_env() as client:
        results = upsert_contacts(contacts, client)

Names load when they are first used, so that `import mbtoolkit` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from mbtoolkit.version import __version__ as __version__

if TYPE_CHECKING:
    from mbtoolkit.cleaning import apply_suggestions as apply_suggestions
    from mbtoolkit.cleaning import mapping_of as mapping_of
    from mbtoolkit.cleaning import suggest_mapping as suggest_mapping
    from mbtoolkit.client import AsyncClient as AsyncClient
    from mbtoolkit.client import Client as Client
    from mbtoolkit.client import Outcome as Outcome
    from mbtoolkit.client.limits import Limits as Limits
    from mbtoolkit.errors import BadRequestError as BadRequestError
    from mbtoolkit.errors import ConflictError as ConflictError
    from mbtoolkit.errors import ConsentError as ConsentError
    from mbtoolkit.errors import CrmError as CrmError
    from mbtoolkit.errors import FrameError as FrameError
    from mbtoolkit.errors import InvalidContactError as InvalidContactError
    from mbtoolkit.errors import JournalError as JournalError
    from mbtoolkit.errors import MappingError as MappingError
    from mbtoolkit.errors import MbtoolkitError as MbtoolkitError
    from mbtoolkit.errors import NotSentError as NotSentError
    from mbtoolkit.errors import OutcomeUnknownError as OutcomeUnknownError
    from mbtoolkit.errors import RateLimitedError as RateLimitedError
    from mbtoolkit.errors import RecipeError as RecipeError
    from mbtoolkit.errors import RecordWarning as RecordWarning
    from mbtoolkit.errors import RefusedError as RefusedError
    from mbtoolkit.errors import SettingsError as SettingsError
    from mbtoolkit.errors import SourceError as SourceError
    from mbtoolkit.errors import SourceWarning as SourceWarning
    from mbtoolkit.errors import UnauthorizedError as UnauthorizedError
    from mbtoolkit.errors import UnprocessableError as UnprocessableError
    from mbtoolkit.errors import UsageError as UsageError
    from mbtoolkit.errors import WrongAddressError as WrongAddressError
    from mbtoolkit.payloads import build_payloads as build_payloads
    from mbtoolkit.reading import read_contacts as read_contacts
    from mbtoolkit.reading import write_mapping as write_mapping
    from mbtoolkit.recipes import Recipe as Recipe
    from mbtoolkit.results import summarize as summarize
    from mbtoolkit.results import update_results as update_results
    from mbtoolkit.results import with_contact_ids as with_contact_ids
    from mbtoolkit.results import write_issues as write_issues
    from mbtoolkit.results import write_results as write_results
    from mbtoolkit.runs import Run as Run
    from mbtoolkit.runs import list_runs as list_runs
    from mbtoolkit.runs.progress import Progress as Progress
    from mbtoolkit.schemas import RULES as RULES
    from mbtoolkit.schemas import ContactSchema as ContactSchema
    from mbtoolkit.schemas import IssuesSchema as IssuesSchema
    from mbtoolkit.schemas import PayloadsSchema as PayloadsSchema
    from mbtoolkit.schemas import ResultsSchema as ResultsSchema
    from mbtoolkit.upserts import count_opt_ins as count_opt_ins
    from mbtoolkit.upserts import reconcile as reconcile
    from mbtoolkit.upserts import upsert_contact as upsert_contact
    from mbtoolkit.upserts import upsert_contact_async as upsert_contact_async
    from mbtoolkit.upserts import upsert_contacts as upsert_contacts
    from mbtoolkit.validation import Validation as Validation
    from mbtoolkit.validation import validate_contacts as validate_contacts


_HOMES: Final[dict[str, str]] = {
    "AsyncClient": "client",
    "BadRequestError": "errors",
    "Client": "client",
    "ConflictError": "errors",
    "ConsentError": "errors",
    "ContactSchema": "schemas",
    "CrmError": "errors",
    "FrameError": "errors",
    "InvalidContactError": "errors",
    "IssuesSchema": "schemas",
    "JournalError": "errors",
    "Limits": "client.limits",
    "MappingError": "errors",
    "MbtoolkitError": "errors",
    "NotSentError": "errors",
    "Outcome": "client",
    "OutcomeUnknownError": "errors",
    "PayloadsSchema": "schemas",
    "Progress": "runs.progress",
    "RULES": "schemas",
    "RateLimitedError": "errors",
    "Recipe": "recipes",
    "RecipeError": "errors",
    "RecordWarning": "errors",
    "RefusedError": "errors",
    "ResultsSchema": "schemas",
    "Run": "runs",
    "SettingsError": "errors",
    "SourceError": "errors",
    "SourceWarning": "errors",
    "UnauthorizedError": "errors",
    "UnprocessableError": "errors",
    "UsageError": "errors",
    "Validation": "validation",
    "WrongAddressError": "errors",
    "apply_suggestions": "cleaning",
    "build_payloads": "payloads",
    "count_opt_ins": "upserts",
    "list_runs": "runs",
    "mapping_of": "cleaning",
    "read_contacts": "reading",
    "reconcile": "upserts",
    "suggest_mapping": "cleaning",
    "summarize": "results",
    "update_results": "results",
    "upsert_contact": "upserts",
    "upsert_contact_async": "upserts",
    "upsert_contacts": "upserts",
    "validate_contacts": "validation",
    "with_contact_ids": "results",
    "write_issues": "results",
    "write_mapping": "reading",
    "write_results": "results",
}
"""Each public name and the module it comes from; the imports above say the same to static tools."""

__all__ = [
    "RULES",
    "AsyncClient",
    "BadRequestError",
    "Client",
    "ConflictError",
    "ConsentError",
    "ContactSchema",
    "CrmError",
    "FrameError",
    "InvalidContactError",
    "IssuesSchema",
    "JournalError",
    "Limits",
    "MappingError",
    "MbtoolkitError",
    "NotSentError",
    "Outcome",
    "OutcomeUnknownError",
    "PayloadsSchema",
    "Progress",
    "RateLimitedError",
    "Recipe",
    "RecipeError",
    "RecordWarning",
    "RefusedError",
    "ResultsSchema",
    "Run",
    "SettingsError",
    "SourceError",
    "SourceWarning",
    "UnauthorizedError",
    "UnprocessableError",
    "UsageError",
    "Validation",
    "WrongAddressError",
    "apply_suggestions",
    "build_payloads",
    "count_opt_ins",
    "list_runs",
    "mapping_of",
    "read_contacts",
    "reconcile",
    "suggest_mapping",
    "summarize",
    "update_results",
    "upsert_contact",
    "upsert_contact_async",
    "upsert_contacts",
    "validate_contacts",
    "with_contact_ids",
    "write_issues",
    "write_mapping",
    "write_results",
]


def __getattr__(name: str) -> Any:
    """Loads a public name's module when the name is first used."""
    home = _HOMES.get(name)
    if home is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Every public name, loaded or not."""
    return sorted({*globals(), *_HOMES})
