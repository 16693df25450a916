"""A way to the CRM on which the connection can't be made at first: nothing leaves this machine."""

from __future__ import annotations

from collections import Counter

import httpx

from tests.faults.oracle import rows_in


class Unreachable(httpx.AsyncBaseTransport):
    """Real connections, but the first ones for some rows fail before a byte was sent.

    Args:
        error: makes what is raised.
        rows: whose requests fail.
        times: how often for each row.
    """

    def __init__(self, error: type[Exception], rows: set[int], times: int = 2) -> None:
        self._error = error
        self._left = Counter(dict.fromkeys(rows, times))
        self.raised = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Fails, or asks the CRM on a connection of its own."""
        body = request.content
        struck = [row for row in (rows_in(body.decode()) if body else []) if self._left[row] > 0]
        if struck:
            self._left.subtract(struck)
            self.raised += 1
            msg = "no way there"
            raise self._error(msg)
        async with httpx.AsyncHTTPTransport() as way:
            answer = await way.handle_async_request(request)
            content = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers, content=content)
