"""Whom a client speaks for, as a fingerprint: enough to see that two runs are one account's, and no more.

A login is known by its user name. A token that is a JWT says whose it is in a claim; it is read here without its
signature being checked, which is enough to compare and not enough to trust. Any other token stands for itself, and
another token of the same account then counts as another account.

The issuer ("iss") of a JWT is left out, so that a user name and a claim of the same text are one account: whoever logs
in may go on with a token copied from the CRM's page. A host is compared by itself, and two accounts of one host that
have one name are not to be expected.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final, Literal

from mbtoolkit.client.objects import first_text, read_object
from mbtoolkit.client.secret import Secret

AccountKind = Literal["user", "claim", "token"]
"""What an account was known by: the user name of a login, a claim of the token, or the token itself."""

CLAIMS: Final = ("sub", "unique_name", "username", "name")
"""Claims that say whose a token is, the best first; in lower case. The CRM's own are not documented."""

LONGEST_TOKEN: Final = 100_000
"""Characters of a token that is looked into."""


def account_of(user_name: str | None, token: Secret) -> tuple[AccountKind, str]:
    """What the account was known by, and its fingerprint: 32 hexadecimal digits.

    Args:
        user_name: of a login; None without one.
        token: where there is no login.
    """
    if user_name is not None:
        return "user", _fingerprint("name", user_name)
    claim = _claim(token)
    return ("token", _fingerprint("token", token.reveal())) if claim is None else ("claim", _fingerprint("name", claim))


def _fingerprint(kind: str, text: str) -> str:
    whole = f"mbtoolkit account {kind} {text}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(whole).hexdigest()[:32]


def _claim(token: Secret) -> str | None:
    """Whose the token is, if it is a JWT that says so.

    Source: RFC 7519, section 3.
    """
    parts = token.reveal().split(".")
    if len(parts) != 3 or len(token.reveal()) > LONGEST_TOKEN:
        return None
    try:
        payload = base64.b64decode(parts[1] + "=" * (-len(parts[1]) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    claims = read_object(payload) or {}
    return first_text(*(claims.get(name) for name in CLAIMS))
