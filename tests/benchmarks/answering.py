"""A server that only answers. Run as a process; prints its port.

The single operation is answered with 202 and one envelope; the batch operation with a fresh id that ends in the number
of contacts, counted by their e-mail addresses; the status of a batch with "Completed" and as many inserted contacts as
its id says (their ids too, where it is run with `--ids`). So it remembers nothing.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys

EMAIL = b'"email":'
IS_NAMING = "--ids" in sys.argv
batch_numbers = itertools.count(1)


def answer(status: bytes, said: object) -> bytes:
    body = json.dumps(said).encode()
    head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
    return head + body


def envelope(**more: object) -> bytes:
    data = {"status": 202, "message": "Taken.", "invalidPropertiesList": [], "invalidContactIdList": [], "balance": {}}
    return answer(b"202 Accepted", {"status": "Success", "message": "Taken.", "data": data | more})


ONE = envelope(contactId="100001")


def status(batch_id: str) -> bytes:
    count = int(batch_id.rsplit("-", 1)[1])
    none = {"count": 0, "contactIds": []}
    inserted = {"count": count, "contactIds": list(range(1, count + 1)) if IS_NAMING else []}
    processed = {"inserted": inserted, "updated": none, "skipped": none}
    return answer(b"200 OK", {"id": batch_id, "status": 3, "statusText": "Completed", "processedObj": processed})


def answer_to(method: bytes, path: bytes, body: bytearray) -> bytes:
    if method == b"GET":
        return status(path.split(b"/")[-2].decode())
    if path.endswith(b"/contacts/batch"):
        return envelope(batchId=f"{next(batch_numbers)}-{body.count(EMAIL)}", processed="0")
    return ONE


class Answering(asyncio.Protocol):
    """Reads requests with a Content-Length and answers each."""

    def connection_made(self, transport):
        self.transport = transport
        self.unread = bytearray()
        self.request = None

    def data_received(self, data):
        self.unread += data
        while self.request or self.read_head():
            method, path, length = self.request
            if len(self.unread) < length:
                return
            body = self.unread[:length]
            del self.unread[:length]
            self.request = None
            self.transport.write(answer_to(method, path, body))

    def read_head(self):
        end = self.unread.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self.unread[:end])
        del self.unread[: end + 4]
        method, path, _ = head.split(b" ", 2)
        _, _, length = head.lower().partition(b"content-length:")
        self.request = method, path, int(length.split(b"\r\n", 1)[0] or 0)
        return True


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
