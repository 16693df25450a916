"""How rows are sent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from mbtoolkit.errors import SettingsError

MAX_BATCH_SIZE: Final = 1000
"""Contacts in one request of the batch operation. Source: MainBrainer's public pages; 100 or fewer are advised."""

MAX_CONCURRENCY: Final = 100

Via = Literal["auto", "single", "batch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOptions:
    """How rows are sent, and whether and where that is recorded.

        upsert_contacts(contacts, client, options=SendOptions(via="batch", batch_size=500))

    Attributes:
        via: "single" sends one contact a request, and its answer is the row's result. "batch" sends many a request.
            The CRM works on them later: it is asked for the status until the batch is done, and what its counts don't
            say of a row is found out by the single operation. "auto" takes batches where they save more than half an
            hour at the account's limits (the smallest account's, where none are kept), and logs how long both ways
            take. Rows of one contact go one after the other, each in a batch of its own: where there are many, it takes
            none.
        batch_size: contacts in one batch, 1 to 1,000; the CRM advises 100 or fewer.
        learn_contact_ids: sends rows that bear no contact id by the single operation, whose answer has it; otherwise
            `mb_contact_id` stays null where a batch took such a row.
        max_concurrency: requests on their way at once, 1 to 100.
        settle_seconds: how long a batch may show no progress before its rows are left `accepted`; `reconcile` asks
            again later.
        keep_record: writes the run down as it happens, so that `Run.resume` can finish it. The record holds the
            contacts, readable by this user only; runs that left nothing to do are removed after 30 days.
        run_dir: the folder of the records; None for the one in the user's state folder.

    Raises:
        SettingsError: a value can't work.
    """

    via: Via = "auto"
    batch_size: int = 100
    learn_contact_ids: bool = False
    max_concurrency: int = 10
    settle_seconds: float = 900.0
    keep_record: bool = True
    run_dir: str | Path | None = None

    def __post_init__(self) -> None:
        """Raises:
        SettingsError: a value can't work.
        """
        flag = "True or False"
        checks = {
            "via": (self.via in ("auto", "single", "batch"), "'auto', 'single' or 'batch'"),
            "batch_size": (_is_whole(self.batch_size, MAX_BATCH_SIZE), f"a whole number from 1 to {MAX_BATCH_SIZE:,}"),
            "learn_contact_ids": (isinstance(self.learn_contact_ids, bool), flag),
            "max_concurrency": (
                _is_whole(self.max_concurrency, MAX_CONCURRENCY), f"a whole number from 1 to {MAX_CONCURRENCY}"
            ),
            "settle_seconds": (_is_seconds(self.settle_seconds), "seconds, 0 or more"),
            "keep_record": (isinstance(self.keep_record, bool), flag),
            "run_dir": (
                self.run_dir is None or isinstance(self.run_dir, str | Path),
                "the path of a folder, or None for the usual one; keep_record=False keeps no record",
            ),
        }  # fmt: skip
        for name, (is_usable, wanted) in checks.items():
            if not is_usable:
                msg = f"{name}={getattr(self, name)!r}: give {wanted}"
                raise SettingsError(msg)

    @property
    def by_batch(self) -> bool:
        """Whether rows go by the batch operation, once that is decided."""
        return self.via == "batch"

    def recorded(self) -> dict[str, str | int]:
        """What a run's record keeps of them, for its resuming."""
        names = ("via", "batch_size", "learn_contact_ids", "max_concurrency")
        return {name: getattr(self, name) for name in names}


def options_of(options: object) -> SendOptions:
    """The options that a caller gives, or the usual ones.

    Raises:
        SettingsError: they are no `SendOptions`.
    """
    if options is None:
        return SendOptions()
    if not isinstance(options, SendOptions):
        msg = f"options takes SendOptions(...), not a {type(options).__name__}"
        raise SettingsError(msg)
    return options


def _is_whole(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf
