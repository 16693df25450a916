"""Every error that the toolkit raises on purpose.

    MbtoolkitError
    |-- UsageError (also a ValueError)   the call is wrong; nothing was sent
    |   |-- SourceError                  a file or frame that can't be read as a table
    |   |-- MappingError                 columns and fields don't fit together
    |   |-- FrameError                   a frame is not of the form that the function takes
    |   |-- RecipeError                  a recipe that can't be read, or doesn't fit a table
    |   |-- SettingsError                an address, token or number that can't work
    |   |-- ConsentError                 opt-ins would be turned on in bulk without being asked for
    |   `-- InvalidContactError          one contact that the rules refuse; has `.issues`
    |-- JournalError                     a run's record on disk can't be kept, or can't be trusted
    `-- CrmError                         one contact was sent, and it is not known to be stored
        |-- NotSentError                 nothing left this machine: refused, DNS, TLS
        |-- RefusedError                 the CRM said no
        |   |-- BadRequestError          400
        |   |-- UnauthorizedError        401
        |   |-- ConflictError            409
        |   |-- UnprocessableError       422
        |   |-- RateLimitedError         429
        |   `-- WrongAddressError        3xx, 404, 405: no CRM at this address
        `-- OutcomeUnknownError          no clear answer: it may or may not be stored

    SourceWarning (a UserWarning)        something about a source was assumed, and is said
    RecordWarning (a UserWarning)        the results are right, but a run's record on disk is incomplete

Rows of a table never raise; they come back in the results with a status.
No error text holds a token or a cell of the table.
"""

from __future__ import annotations

from typing import Any


class MbtoolkitError(Exception):
    """Anything that the toolkit raises on purpose."""


class UsageError(MbtoolkitError, ValueError):
    """The call is wrong; nothing was sent."""


class SourceError(UsageError):
    """A file or frame can't be read as a table; the text says what, where and how to mend it."""


class MappingError(UsageError):
    """Columns and fields don't fit together: a name that isn't there, one target twice, no identifier."""


class FrameError(UsageError):
    """A frame is not of the form that the function takes."""


class RecipeError(UsageError):
    """A recipe can't be read, or doesn't fit a table; the text says which step, and what is missing."""


class SettingsError(UsageError):
    """An address, a token or a number that can't work."""


class ConsentError(UsageError):
    """Opt-ins would be turned on in bulk, and the call did not state how many."""


class InvalidContactError(UsageError):
    """One contact that the rules refuse.

    Attributes:
        issues: the issues frame, one line for each thing wrong; None where the check was made without one.
    """

    def __init__(self, message: str, issues: Any = None) -> None:
        super().__init__(message)
        self.issues = issues


class JournalError(MbtoolkitError):
    """A run's record on disk can't be kept, read or trusted; the text says what, where and how to mend it."""


class CrmError(MbtoolkitError):
    """One contact was sent, or was to be sent, and it is not known to be stored.

    Attributes:
        outcome: the `Outcome`: HTTP status, code, the CRM's own text, invalid properties, attempts.
    """

    def __init__(self, message: str, outcome: Any = None) -> None:
        super().__init__(message)
        self.outcome = outcome


class NotSentError(CrmError):
    """Nothing left this machine: connection refused, name not found, TLS not agreed."""


class RefusedError(CrmError):
    """The CRM said no."""


class BadRequestError(RefusedError):
    """400: the CRM could not read the request."""


class UnauthorizedError(RefusedError):
    """401: the token is missing, wrong or expired; or a login was refused, so that there is none."""


class ConflictError(RefusedError):
    """409: the identifiers belong to more than one contact, or to another one."""


class UnprocessableError(RefusedError):
    """422: the CRM understood the request and refuses a value in it."""


class RateLimitedError(RefusedError):
    """429: too many requests, also after waiting."""


class WrongAddressError(RefusedError):
    """3xx, 404 or 405: there is no CRM at this address."""


class OutcomeUnknownError(CrmError):
    """No clear answer came: the contact may or may not be stored."""


class SourceWarning(UserWarning):
    """Something about a source was assumed (an encoding, a separator) and is said here."""


class RecordWarning(UserWarning):
    """A run's results are right, but its record on disk is incomplete; the text says why and what to do.

    It never becomes an exception, whatever the filters say: that would cost the results.
    """
