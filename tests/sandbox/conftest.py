"""A sandbox on a real socket, and a plain HTTP sender that shares no code with the toolkit's client."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from mbtoolkit.sandbox import Sandbox
from tests import browsing

browser = browsing.browser

UPSERT = "/contacts/insertupdate"
BATCH = "/contacts/batch"


class Sender:
    """Sends to one sandbox."""

    def __init__(self, crm: Sandbox, timeout: float = 10.0) -> None:
        self.crm = crm
        headers = {"Authorization": f"Bearer {crm.token}"}
        self.http = httpx.Client(base_url=crm.base_url, headers=headers, timeout=timeout, trust_env=False, verify=False)

    def upsert(self, **contact: Any) -> httpx.Response:
        return self.http.post(UPSERT, json=contact)

    def raw(self, body: bytes, **headers: str) -> httpx.Response:
        named = {"Content-Type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
        return self.http.post(UPSERT, content=body, headers=named)

    def id_of(self, **contact: Any) -> int:
        answer = self.upsert(**contact)
        assert answer.status_code == 202, answer.text
        return int(answer.json()["data"]["contactId"])

    def batch(self, contacts: list[Any], **more: Any) -> httpx.Response:
        return self.http.post(BATCH, json={"createUpdateContacts": contacts, **more})

    def batch_id_of(self, contacts: list[Any], **more: Any) -> str:
        answer = self.batch(contacts, **more)
        assert answer.status_code == 202, answer.text
        return answer.json()["data"]["batchId"]

    def batch_status(self, batch_id: str) -> httpx.Response:
        return self.http.get(f"/contacts/{batch_id}/Status")

    def batch_ended(self, contacts: list[Any], **more: Any) -> dict[str, Any]:
        """The status of a batch at its end."""
        batch_id = self.batch_id_of(contacts, **more)
        self.crm.wait_for_batches(10)
        answer = self.batch_status(batch_id)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def stored(self) -> list[dict[str, Any]]:
        return self.crm.contacts().to_dicts()


@pytest.fixture
def crm() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def connect() -> Iterator[Callable[..., Sender]]:
    """Makes senders, and closes them."""
    senders: list[Sender] = []

    def make(sandbox: Sandbox, **options: Any) -> Sender:
        senders.append(Sender(sandbox, **options))
        return senders[-1]

    yield make
    for sender in senders:
        sender.http.close()


@pytest.fixture
def sender(crm: Sandbox, connect: Callable[..., Sender]) -> Sender:
    return connect(crm)


@pytest.fixture
def behaving(connect: Callable[..., Sender]) -> Iterator[Callable[..., Sender]]:
    """A sender to a sandbox of the behaviour given, or with the arguments given."""
    sandboxes: list[Sandbox] = []

    def make(**arguments: Any) -> Sender:
        sandboxes.append(Sandbox(**arguments).start())
        return connect(sandboxes[-1])

    yield make
    for sandbox in sandboxes:
        sandbox.stop()
