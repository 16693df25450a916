"""A server that only answers: 202 and one envelope, whatever it is sent. Run as a process; prints its port."""

from __future__ import annotations

import asyncio
import json

ENVELOPE = json.dumps(
    {
        "status": "Success",
        "message": "Contact created.",
        "data": {
            "contactId": "100001",
            "status": 202,
            "message": "Contact created.",
            "invalidPropertiesList": [],
            "invalidContactIdList": [],
            "balance": {},
        },
    }
).encode()
ANSWER = (
    b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ENVELOPE) + ENVELOPE
)


class Answering(asyncio.Protocol):
    """Reads requests with a Content-Length and answers each."""

    def connection_made(self, transport):
        self.transport = transport
        self.unread = b""

    def data_received(self, data):
        self.unread += data
        while (end := self.unread.find(b"\r\n\r\n")) >= 0:
            head = self.unread[:end].lower()
            start = head.find(b"content-length:")
            length = int(head[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
            if len(self.unread) < end + 4 + length:
                return
            self.unread = self.unread[end + 4 + length :]
            self.transport.write(ANSWER)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
