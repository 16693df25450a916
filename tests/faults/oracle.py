"""What all tests of faults share: a table with every sort of row, and the oracle that judges a run by the record.

The oracle shares no code with the engine: which rows are of one contact, and which may be sent again after doubt, it
works out by itself.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import polars as pl

from mbtoolkit import SendOptions, upsert_contacts
from mbtoolkit.client import Client
from mbtoolkit.sandbox import Sandbox

IS_FULL = bool(os.environ.get("MBTOOLKIT_FULL"))
"""Whether faults last as long as the page says; else as short as shows the same."""

MARK = "property:City"
SAFE, BEARS_ID, TWIN, CHAIN = 1, 3, 5, 7
"""Rows that faults are aimed at: with an e-mail of its own, with a contact id, and the first of two and of three rows
of one contact, which have nothing of their own. Two rows more are behind the chain's first."""

BEHIND_TWIN, BEHIND_CHAIN = [6], [8, 9]
BEHIND_SAFE = [11, 13]
"""Each stands behind a row that may be sent again, and is held back once that one was in doubt: what the CRM was sent
first may be applied late, and the earlier row would win."""

INVALID = 15

BATCH, STATUS, SINGLE = "/contacts/batch", "/contacts/{batchId}/Status", "/contacts/insertupdate"
VIAS = ("single", "batch")


def mark(row: int) -> str:
    """What tells a row from the others, in its body."""
    return f"row {row};"


def table(crm: Sandbox) -> pl.DataFrame:
    """Sixteen rows of every sort; the contacts of those that bear an id are in the CRM."""
    seeds = pl.DataFrame({"email": [f"seed{n}@example.com" for n in range(3)], MARK: ["seed"] * 3})
    with crm.client() as client:
        ids = upsert_contacts(seeds, client, options=SendOptions(keep_record=False), progress=False)[
            "mb_contact_id"
        ].to_list()
    crm.wait_for_batches()
    lines: list[tuple[int | None, int | None, str | None]] = [
        (None, 1, "own0@example.com"),
        (None, None, "own1@example.com"),
        (None, 2, None),
        (ids[0], None, None),
        (ids[1], None, "own4@example.com"),
        (None, None, "twin@example.com"),
        (None, None, "TWIN@example.com"),
        (None, None, "chain@example.com"),
        (None, 3, "chain@example.com"),
        (None, 3, None),
        (None, 4, "half@example.com"),
        (None, None, "half@example.com"),
        (ids[2], None, None),
        (ids[2], None, None),
        (None, None, "own14@example.com"),
        (None, None, "no address"),
    ]
    return pl.DataFrame(
        {
            "contact_id": pl.Series([line[0] for line in lines], dtype=pl.Int64),
            "mobile_country_code": pl.Series([line[1] and 44 for line in lines], dtype=pl.Int32),
            "mobile_number": pl.Series([line[1] and 7700900000 + line[1] for line in lines], dtype=pl.Int64),
            "email": [line[2] for line in lines],
            MARK: [mark(row) for row in range(len(lines))],
        }
    )


def arguments(options: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `upsert_contacts` for options by name, those of `SendOptions` among them."""
    how = {name: value for name, value in options.items() if name in SendOptions.__dataclass_fields__}
    return {name: value for name, value in options.items() if name not in how} | {"options": SendOptions(**how)}


def push(contacts: pl.DataFrame, client: Client, **options: Any) -> pl.DataFrame:
    """Sends it, without a bar and without a record unless asked for."""
    return upsert_contacts(
        contacts, client, **arguments({"progress": False, "keep_record": "run_dir" in options} | options)
    )


def statuses(results: pl.DataFrame) -> dict[int, str]:
    """The status of each row that is not as it is where nothing goes wrong."""
    usual = ["invalid" if row == INVALID else "succeeded" for row in range(results.height)]
    return {row: status for row, status in enumerate(results["mb_status"]) if status != usual[row]}


def after_doubt(via: str) -> dict[int, str]:
    """The statuses where rows in doubt were struck: all of the first batch, or the ones that faults are aimed at."""
    doubted, held = ([TWIN], BEHIND_TWIN)
    if via == "batch":
        doubted, held = [TWIN, CHAIN], [*BEHIND_TWIN, *BEHIND_CHAIN, *BEHIND_SAFE]
    return dict.fromkeys(doubted, "unknown") | dict.fromkeys(held, "not_sent")


def may_be_left(contacts: pl.DataFrame) -> set[int]:
    """The rows that doubt, wherever it struck, may leave unknown or held back. All others have to be stored."""
    return unsafe_rows(contacts) | set(BEHIND_SAFE)


def aim(crm: Sandbox, via: str, kind: str, **settings: Any) -> None:
    """Scripts a fault: once for each of three sorts of rows, or for the first batch."""
    if via == "batch":
        crm.fail(kind, path=BATCH, **settings)  # type: ignore[arg-type]
        return
    for row in (SAFE, BEARS_ID, TWIN):
        crm.fail(kind, match=mark(row), **settings)  # type: ignore[arg-type]


@contextmanager
def meanwhile(crm: Sandbox, act: Callable[[], object], *, after: int) -> Iterator[None]:
    """Does something once the CRM has had so many requests more, while the block runs; fails if it never came to it."""
    begin, is_over, happened = crm.requests().height, threading.Event(), threading.Event()

    def watch() -> None:
        while not is_over.is_set():
            if crm.requests().height >= begin + after:
                act()
                happened.set()
                return
            time.sleep(0.005)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
    assert happened.is_set(), "it was over before the fault came"


def rows_in(payload: str) -> list[int]:
    """The rows of a body, of either operation; none for a contact of another table."""
    held = orjson.loads(payload)
    found = []
    for contact in held.get("createUpdateContacts", [held]):
        texts = [str(entry.get("propertyValue")) for entry in contact.get("propertyFields") or []]
        found += [int(text[4:-1]) for text in texts if text.startswith("row ")]
    return found


def keys_of(contacts: pl.DataFrame) -> list[set[object]]:
    """The identifiers of each row."""
    wanted = ("contact_id", "mobile_country_code", "mobile_number", "email")
    none: list[object] = [None] * contacts.height
    columns = [contacts[name].to_list() if name in contacts.columns else none for name in wanted]
    found = []
    for contact_id, code, number, email in zip(*columns, strict=True):
        mobile = None if code is None or number is None else ("mobile", code, number)
        keys = {contact_id and ("id", contact_id), mobile, email and ("email", str(email).lower())}
        found.append(keys - {None})
    return found


def unsafe_rows(contacts: pl.DataFrame) -> set[int]:
    """The rows that bear no contact id, and no identifier that no other row has."""
    keys = keys_of(contacts)
    bearers = Counter(key for each in keys for key in each)
    return {
        row
        for row, each in enumerate(keys)
        if not any(key[0] == "id" or bearers[key] == 1 for key in each)  # type: ignore[index]
    }


def components(contacts: pl.DataFrame) -> list[list[int]]:
    """The rows of each contact, in file order: those that hang together by their identifiers."""
    keys = keys_of(contacts)
    of = list(range(len(keys)))
    for _ in keys:  # as often as the longest chain could ask for
        first: dict[object, int] = {}
        for row, each in enumerate(keys):
            of[row] = min([of[row], *(first.get(key, of[row]) for key in each)])
            first |= dict.fromkeys(each, of[row])
    found = defaultdict(list)
    for row, name in enumerate(of):
        found[name].append(row)
    return list(found.values())


def applications(crm: Sandbox) -> list[tuple[int, int]]:
    """What the CRM says that it applied, in order: rows and contacts."""
    lines = crm.applied().select("payload", "contact_id").iter_rows()
    return [(row, contact_id) for payload, contact_id in lines for row in rows_in(payload)]


def assert_kept(crm: Sandbox, contacts: pl.DataFrame, results: pl.DataFrame, *, lies: bool = False) -> None:
    """The promises, judged by the record of what the CRM applied.

    Args:
        crm: the record.
        contacts: what was sent.
        results: what became of it.
        lies: whether the CRM said "refused" of something that it had applied.
    """
    crm.wait_for_batches()
    assert results["mb_row"].to_list() == list(range(contacts.height)), "each row comes back once, in its place"
    assert results["mb_status"].null_count() == 0
    assert results.select(contacts.columns).equals(contacts)
    _assert_counts(crm, results, lies=lies)
    applied = applications(crm)
    times = Counter(row for row, _ in applied)
    twice = {row for row in unsafe_rows(contacts) if times[row] > 1}
    assert lies or not twice, f"rows without an identifier of their own were applied more than once: {twice}"
    _assert_later_wins(crm, contacts, applied)


def _assert_counts(crm: Sandbox, results: pl.DataFrame, *, lies: bool) -> None:
    """Nothing is lost, and nothing is said of a row that the record doesn't say too."""
    applied = applications(crm)
    times = Counter(row for row, _ in applied)
    stored_as = dict(applied)
    for row, (status, contact_id) in enumerate(results.select("mb_status", "mb_contact_id").iter_rows()):
        if status == "succeeded":
            assert times[row] >= 1, f"row {row} is said to be stored, and is lost"
            assert contact_id in (None, stored_as[row]), f"row {row} has another contact's id"
        elif status in ("invalid", "not_sent", "rejected"):
            assert times[row] == 0 or lies, f"row {row} is said to be {status}, and was applied"
        else:
            assert status in ("unknown", "accepted")


def _assert_later_wins(crm: Sandbox, contacts: pl.DataFrame, applied: list[tuple[int, int]]) -> None:
    """Of the rows of one contact that were applied, the last of the file is the one that stays."""
    stays = dict(crm.contacts().select("contact_id", MARK).iter_rows())
    for rows in components(contacts):
        ours = [(row, contact_id) for row, contact_id in applied if row in rows]
        order = [row for row, _ in ours]
        assert order == sorted(order), f"rows of one contact were applied in the order {order}"
        assert len({contact_id for _, contact_id in ours}) <= 1, f"rows of one contact made two: {rows}"
        assert not ours or stays[ours[-1][1]] == mark(max(order))


def assert_struck(crm: Sandbox) -> None:
    """Every fault of the script was committed."""
    idle = crm.faults().filter(pl.col("committed") == 0)
    assert crm.faults().height > 0
    assert idle.is_empty(), f"a fault never struck: {idle['fault'].to_list()}"
