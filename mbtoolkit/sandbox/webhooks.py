"""Calls webhooks: once, as well as it goes, and on this machine only."""

from __future__ import annotations

import re
import time
from typing import Any, Final

import aiohttp

from mbtoolkit.sandbox.answers import JSON_TYPE, encode
from mbtoolkit.sandbox.batches import Webhook

WEBHOOK_PATTERN: Final = r"^https?://(127\.0\.0\.1|localhost|\[::1\])(:[1-9][0-9]{0,4})?(/[!-~]*)?$"
"""Addresses that a sandbox calls: a batch holds personal data, and must not leave this machine."""

_CALLABLE: Final = re.compile(WEBHOOK_PATTERN)

WEBHOOK_SECONDS: Final = 5.0
"""How long a webhook may take to answer."""


def is_callable(url: str) -> bool:
    """Whether the sandbox would call that address."""
    return _CALLABLE.fullmatch(url) is not None


async def call(url: str, body: dict[str, Any]) -> Webhook:
    """POSTs a body once, follows no redirect and reads no answer. Whatever goes wrong ends in what is returned.

    Args:
        url: an address that `is_callable`.
        body: what is sent, as JSON.

    Returns:
        How it went.
    """
    attempt = Webhook(time.time_ns() // 1000)
    # A name could be pointed elsewhere; the address can't.
    address = url.replace("//localhost", "//127.0.0.1", 1)
    try:
        timeout = aiohttp.ClientTimeout(total=WEBHOOK_SECONDS)
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
            session.post(
                address, data=encode(body).encode(), headers={"Content-Type": JSON_TYPE}, allow_redirects=False
            ) as response,
        ):
            attempt.status = response.status
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        attempt.error = type(error).__name__
    return attempt
