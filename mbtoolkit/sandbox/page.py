"""The page that shows a sandbox at work: its file, the headers that guard it, and the state that it asks for.

The page itself holds no data and may be read by anyone on this machine. The state is personal data: it takes the
page's key, which stands in the fragment of the page's address (browsers never send that part), or the sandbox's token.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mbtoolkit.contacts import BY_NAME, FIELDS, Kind
from mbtoolkit.sandbox.batches import Batch
from mbtoolkit.sandbox.batching import Batches
from mbtoolkit.sandbox.faults import FaultScript
from mbtoolkit.sandbox.records import Entry, RequestLog, UpsertLog
from mbtoolkit.sandbox.store import RECENT_KEPT, Store, StoredContact
from mbtoolkit.sandbox.tokens import Tokens

TEXT_KEPT: Final = 4_000
"""How much of a request's or an answer's text the page is given, in characters."""

GUARDS: Final[Mapping[str, str]] = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_FILE: Final = Path(__file__).with_name("page.html")


@dataclass(frozen=True, slots=True)
class Page:
    """The page's bytes and the headers they are sent with."""

    body: bytes
    headers: Mapping[str, str]


def load() -> Page:
    """The page from its file, with a policy that lets only its own script and style run."""
    text = _FILE.read_text(encoding="utf-8")
    policy = (
        "default-src 'none'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        f"script-src {_hashes(text, 'script')}; style-src {_hashes(text, 'style')}"
    )
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-store",
        **GUARDS,
    }
    return Page(text.encode("utf-8"), headers)


def may_read(authorization: str | None, page_key: str, tokens: Tokens) -> bool:
    """Whether a header opens the state: with the page's key, or with the sandbox's own token."""
    given = (authorization or "").encode("utf-8", "surrogateescape")
    return hmac.compare_digest(given, f"Bearer {page_key}".encode()) or tokens.owns(authorization)


def state(
    store: Store, log: RequestLog, upserts: UpsertLog, batches: Batches, faults: FaultScript
) -> dict[str, object]:
    """What the page shows: counts, the contacts touched last, the last requests and batches, the scripted faults.

    Integers that JavaScript could not hold exactly are texts.
    """
    list_names = {list_id: name for name, list_id in store.lists.items()}
    return {
        "counts": {
            "contacts": store.count,
            "requests": log.received,
            "applied": upserts.applied,
            "batches": batches.received,
            "faults": faults.committed,
        },
        "columns": [{"name": field.name, "label": field.label} for field in FIELDS],
        "contacts": [_contact(*line, list_names) for line in store.recent()],
        "requests": [_request(entry) for entry in log.last(RECENT_KEPT)],
        "batches": [_batch(batch) for batch in batches.last(RECENT_KEPT)],
        "faults": [
            {"name": one.fault.name, "seen": one.seen, "committed": one.committed, "times": one.fault.times}
            for one in faults.scripted()
        ],
    }


def _hashes(text: str, tag: str) -> str:
    found = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    digests = (base64.b64encode(hashlib.sha256(one.encode("utf-8")).digest()).decode("ascii") for one in found)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


def _contact(
    contact: StoredContact, upserts: int, properties: dict[str, str], list_names: Mapping[str, str]
) -> dict[str, object]:
    shown = {"contact_id": str(contact.contact_id)}
    for name, value in contact.values.items():
        if value is not None:
            shown[name] = ("yes" if value else "no") if BY_NAME[name].kind is Kind.BOOLEAN else str(value)
    if "list_id" in shown:
        shown["list_id"] = list_names.get(shown["list_id"], shown["list_id"])
    return {"values": shown, "upserts": upserts, "properties": properties}


def _request(entry: Entry) -> dict[str, object]:
    return {
        "seq": entry.seq,
        "at": entry.at // 1000,
        "method": entry.method,
        "path": entry.path,
        "status": entry.status,
        "contact_id": None if entry.contact_id is None else str(entry.contact_id),
        "applied": entry.applied,
        "fault": entry.fault,
        "body": _shortened(entry.body),
        "answer": _shortened(entry.answer),
        "duration_ms": entry.duration_ms,
    }


def _batch(batch: Batch) -> dict[str, object]:
    return {
        "batch_id": batch.batch_id,
        "request": batch.request,
        "at": batch.received_at // 1000,
        "state": batch.state.word,
        "failure": batch.failure,
        "contacts": batch.count,
        **{outcome.value: part.count for outcome, part in batch.parts.items()},
        "webhook": _webhook(batch),
    }


def _webhook(batch: Batch) -> str | None:
    """How the call of a webhook went, in a word; None where there is none to call."""
    if batch.webhook_url is None:
        return None
    if batch.webhook is None:
        return "not called"
    return batch.webhook.error or str(batch.webhook.status)


def _shortened(text: str | None) -> str | None:
    return text if text is None or len(text) <= TEXT_KEPT else text[:TEXT_KEPT] + "…"
