"""The token operation: credentials in, a token that runs out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from mbtoolkit.sandbox.answers import Answer, Refusal, encode
from mbtoolkit.sandbox.bodies import json_name

VALIDITY_MINUTES: Final[dict[str, int]] = {"Default": 120, "ShortLive": 15, "LongLive": 43_200}
"""How long a token holds, in minutes. 120 is in the CRM's printed sample; the other two are the sandbox's choice."""


def _secret() -> str:
    return secrets.token_urlsafe(18)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who may ask for a token. The secrets are made up anew unless given.

    Attributes:
        user_name: synthetic by default.
        password: never shown in a repr.
        private_token: never shown in a repr.
    """

    user_name: str = "analyst@example.com"
    password: str = field(default_factory=_secret, repr=False)
    private_token: str = field(default_factory=_secret, repr=False)


class Tokens:
    """The tokens that the CRM operations take: the sandbox's own, and the ones granted until they expire."""

    def __init__(
        self, token: str, credentials: Credentials, *, issuer: str = "sandbox", wall: Callable[[], float] = time.time
    ) -> None:
        self._own: bytes | None = _fingerprint(token)
        self._credentials = credentials
        self._issuer = issuer
        self._wall = wall
        self._key = secrets.token_bytes(32)
        self._granted: dict[bytes, float] = {}

    def recognise(self, authorization: str | None) -> bytes:
        """Whose request it is: a fingerprint of the token, never the token.

        Args:
            authorization: the header's value, or None where there is none.

        Raises:
            Refusal: 401; there is no bearer token, or it is not known, or it has expired.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise _unauthorized("A bearer token is needed.")
        fingerprint = _fingerprint(token.strip())
        if fingerprint == self._own:
            return fingerprint
        expires = self._granted.get(fingerprint)
        if expires is None:
            raise _unauthorized("The token is not known.")
        if expires <= self._wall():
            raise _unauthorized("The token has expired.")
        return fingerprint

    def owns(self, authorization: str | None) -> bool:
        """Whether the header holds the sandbox's own token."""
        try:
            return self.recognise(authorization) == self._own
        except Refusal:
            return False

    def revoke(self, token: str) -> None:
        """From now on the token is not known."""
        fingerprint = _fingerprint(token)
        if fingerprint == self._own:
            self._own = None
        self._granted.pop(fingerprint, None)

    def expire(self) -> int:
        """Every granted token expires now. Returns how many there were."""
        now = self._wall()
        self._granted = dict.fromkeys(self._granted, now)
        return len(self._granted)

    def grant(self, body: dict[str, Any]) -> Answer:
        """Answers a token request.

        Args:
            body: `{userName, password, privateToken, validity}`; without `validity` it is Default.

        Raises:
            Refusal: 422 for a field that is missing or does not fit, 401 for wrong credentials.
        """
        validity = _check_fields(body)
        own = self._credentials
        pairs = zip(
            (body["userName"], body["password"], body["privateToken"]),
            (own.user_name, own.password, own.private_token),
            strict=True,
        )
        if not all([hmac.compare_digest(_bytes(given), _bytes(known)) for given, known in pairs]):
            raise _unauthorized("User name, password or private token is wrong.")
        return Answer(200, encode(self._issue(VALIDITY_MINUTES[validity])))

    def _issue(self, minutes: int) -> dict[str, object]:
        now = self._wall()
        expires = now + minutes * 60
        user_name = self._credentials.user_name
        token = _jwt({"sub": user_name, "iss": self._issuer, "iat": int(now), "exp": int(expires),
                      "jti": secrets.token_hex(8)}, self._key)  # fmt: skip
        self._granted = {known: until for known, until in self._granted.items() if until > now}
        self._granted[_fingerprint(token)] = expires
        return {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": minutes,
            "userName": user_name,
            "issued": _timestamp(now),
            "expires": _timestamp(expires),
            "timeZoneOffset": "+00:00",
            "locale": "en-US",
        }


def _check_fields(body: dict[str, Any]) -> str:
    """The validity asked for.

    Raises:
        Refusal: 422; a field is missing or does not fit.
    """
    problems = [
        f"{key} must be a string, not {json_name(body.get(key))}."
        for key in ("userName", "password", "privateToken")
        if not isinstance(body.get(key), str)
    ]
    validity = body.get("validity", "Default")
    if not isinstance(validity, str) or validity not in VALIDITY_MINUTES:
        problems.append(f"validity must be one of {', '.join(VALIDITY_MINUTES)}.")
    if problems:
        raise Refusal(422, " ".join(problems))
    return str(validity)


def _unauthorized(message: str) -> Refusal:
    return Refusal(401, message, headers={"WWW-Authenticate": "Bearer"})


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _fingerprint(token: str) -> bytes:
    """Stands for a token; comparing digests tells nothing of the token through its timing."""
    return hashlib.sha256(_bytes(token)).digest()


def _timestamp(seconds: float) -> str:
    """ISO 8601 with seven fractional digits, as the CRM prints it."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}0Z"


def _jwt(claims: dict[str, object], key: bytes) -> str:
    head = _segment({"alg": "HS256", "typ": "JWT"})
    signed = f"{head}.{_segment(claims)}"
    return f"{signed}.{_base64url(hmac.new(key, signed.encode('ascii'), hashlib.sha256).digest())}"


def _segment(value: dict[str, object]) -> str:
    return _base64url(json.dumps(value, separators=(",", ":")).encode("utf-8"))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
