"""`Run` and `list_runs`: what earlier runs have left on disk, and how to go on with one."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, Self, get_args

import polars as pl

from mbtoolkit.client import AsyncClient, Client, Outcome, Settings
from mbtoolkit.client.limits import Limits, limits_of, state_dir, with_home
from mbtoolkit.errors import FrameError, JournalError, SettingsError
from mbtoolkit.runs import journal as journals
from mbtoolkit.runs.assembling import numbered
from mbtoolkit.runs.executing import Conditions, counts_of, execute
from mbtoolkit.runs.journal import Journal, Look
from mbtoolkit.runs.plan import FROZEN, Plan
from mbtoolkit.runs.progress import Progress
from mbtoolkit.runs.sending import Rows, SendOptions, options_of, replay
from mbtoolkit.schemas.frames import STATUSES

KEPT_DAYS: Final = 30
"""A run of which nothing is left to do is removed so long after its end, when the next one begins."""

HALF_MADE_DAYS: Final = 1
"""What never became a run is removed so long after its last change, when the next one begins."""

State = Literal["sending", "died", "stopped", "done", "cancelled"]
"""sending: a process is at it. died: the process ended in the middle. stopped: it ended with rows that can still be
settled. done: nothing is left to do. cancelled: closed for good."""

_NOT_YET: Final = Outcome("not_sent", code="not_sent_yet", message="not sent so far; resume the run to send it")
_ON_WAY: Final = Outcome("unknown", code="died", message="was being sent; what became of it is not known")

RUNS: Final[dict[str, pl.DataType]] = {
    "run_id": pl.String(),
    "state": pl.Enum([*get_args(State), "half_made", "unreadable"]),
    "rows": pl.Int64(),
    **{status: pl.Int64() for status in STATUSES if status != "unchanged"},
    "began_at": pl.Datetime("ms", "UTC"),
    "ended_at": pl.Datetime("ms", "UTC"),
    "base_url": pl.String(),
}
"""The columns of `list_runs`."""


def runs_dir(run_dir: str | Path | None = None) -> Path:
    """The folder of the runs' records.

    Args:
        run_dir: as the caller names it; None for the one in the user's state folder.

    Raises:
        JournalError: the user has no home.
    """
    try:
        return state_dir() / "runs" if run_dir is None else with_home(run_dir)
    except RuntimeError:
        if run_dir is not None:
            msg = f"run_dir={str(run_dir)!r}: there is no such home; give a path without a ~"
            raise JournalError(msg) from None
        msg = (
            "there is no home to keep the run's record in: name a folder (SendOptions(run_dir=...), --run-dir), "
            "or set MBTOOLKIT_STATE_DIR"
        )
        raise JournalError(msg) from None


def begin(plan: Plan, settings: Settings, options: SendOptions) -> tuple[str, Journal | None]:
    """Writes a plan down, before anything of it is sent, unless no record is to be kept.

    Args:
        plan: what will be sent.
        settings: of the client: where, and for whom.
        options: how.

    Returns:
        The run's id and its open journal, None where no record is kept.

    Raises:
        JournalError: it can't be written; nothing was sent.
    """
    run_id = str(uuid.uuid4())
    if not options.keep_record:
        return run_id, None
    folder = runs_dir(options.run_dir)
    _tidy(folder)
    head = {
        "base_url": settings.base_url,
        "account": settings.account,
        "account_kind": settings.account_kind,
        "began_at": time.time(),
        "rows": plan.contacts.height,
        "options": options.recorded(),
    }
    try:
        return run_id, Journal.create(folder, run_id, head, plan.frozen())
    except JournalError as error:
        msg = f"nothing was sent, for the run can't be written down: {error} Give another folder as run_dir=..."
        raise JournalError(msg) from error


def _tidy(folder: Path) -> None:
    """Removes the records of runs that ended long ago and left nothing to do, and what never became runs."""
    now = time.time()
    try:
        run_ids = journals.run_ids(folder)
        half_made = journals.half_made(folder)
    except JournalError:
        return  # making the new one says what is wrong with the folder
    for run_id in run_ids:
        with suppress(JournalError, OSError):  # another one's business: a run must not fail for an old one's sake
            look = journals.look(folder, run_id)
            ended_at = look.facts.get("ended_at")
            if _state(look) in ("done", "cancelled") and ended_at and now - ended_at > KEPT_DAYS * 86_400:
                journals.purge(folder, run_id)
    for run_id, changed_at in half_made.items():
        with suppress(JournalError, OSError):
            if now - changed_at > HALF_MADE_DAYS * 86_400:
                journals.purge(folder, run_id)


def list_runs(run_dir: str | Path | None = None) -> pl.DataFrame:
    """The runs on record, newest first.

    Args:
        run_dir: the folder of the records; None for the one in the user's state folder
            ($XDG_STATE_HOME/mbtoolkit/runs, ~/.local/state/mbtoolkit/runs, or under MBTOOLKIT_STATE_DIR).

    Returns:
        `run_id`, `state` (sending, died, stopped, done, cancelled), `rows` (of the input), how many of them ended with
        each status, `began_at`, `ended_at` (null while it has not ended), `base_url`.

        Two more states are of what can only be purged: `half_made` (the process died while it was making the run;
        nothing of it was sent) and `unreadable` (damaged, or of another version). `began_at` is then the time of the
        last change, and the other columns are null.

    Raises:
        JournalError: there is no folder to look for them in, since the user has no home.
    """
    folder = runs_dir(run_dir)
    lines: list[tuple[Any, ...]] = []
    for run_id in journals.run_ids(folder):
        try:
            lines.append(_line(Run(folder, run_id).status))
        except JournalError:
            at = journals.changed_at(folder / run_id)
            lines += [] if at is None else [_line_of_remains(run_id, "unreadable", at)]  # None: removed meanwhile
    lines += [_line_of_remains(run_id, "half_made", at) for run_id, at in journals.half_made(folder).items()]
    return pl.DataFrame(lines, schema=RUNS, orient="row").sort("began_at", descending=True, maintain_order=True)


@dataclass(frozen=True, slots=True)
class RunStatus:
    """How a run stands.

    Attributes:
        run_id: its id.
        state: see `State`.
        rows: of the input.
        counts: how many of them have each status.
        began_at: when it was begun.
        ended_at: when it ended; None while it has not.
        base_url: where it sends to.
    """

    run_id: str
    state: State
    rows: int
    counts: Mapping[str, int]
    began_at: datetime
    ended_at: datetime | None
    base_url: str

    @property
    def can_be_resumed(self) -> bool:
        """Whether it left something to do, and nobody is at it."""
        return self.state in ("died", "stopped")


def _line(status: RunStatus) -> tuple[Any, ...]:
    counts = [status.counts.get(each, 0) for each in STATUSES if each != "unchanged"]
    return (
        status.run_id, status.state, status.rows, *counts, status.began_at, status.ended_at, status.base_url
    )  # fmt: skip


def _line_of_remains(run_id: str, state: str, changed_at: float) -> tuple[Any, ...]:
    known = {"run_id": run_id, "state": state, "began_at": _moment(changed_at)}
    return tuple(known.get(name) for name in RUNS)


class Run:
    """One run's record on disk: what was to be sent, and what became of it.

        run = Run.open("5f0c...")          # list_runs() has the ids
        results = run.resume(client)       # sends only what is not settled

    The record holds the contacts themselves, readable by this user only; `purge` removes it.
    """

    def __init__(self, folder: Path, run_id: str) -> None:
        self._folder = folder
        self.run_id = run_id

    @classmethod
    def open(cls, run_id: str, run_dir: str | Path | None = None) -> Self:
        """The run of that id; one that is half-made or can't be read can still be purged.

        Args:
            run_id: as `list_runs` and the column `mb_run_id` of its results have it.
            run_dir: the folder of the records, as for `list_runs`.

        Raises:
            JournalError: there is no such run on record.
        """
        folder = runs_dir(run_dir)
        journals.check_is_there(folder, run_id)
        return cls(folder, run_id)

    @property
    def status(self) -> RunStatus:
        """How it stands.

        Raises:
            JournalError: its record can't be read.
        """
        look = self._look()
        state = _state(look)
        counts = look.facts.get("counts") if state in ("done", "stopped", "cancelled") else None
        if counts is None:
            counts = counts_of(self._results(look))
        ended_at = look.facts.get("ended_at") if state != "sending" else None
        return RunStatus(
            run_id=self.run_id,
            state=state,
            rows=look.head["rows"],
            counts=counts,
            began_at=_moment(look.head["began_at"]),
            ended_at=None if ended_at is None else _moment(ended_at),
            base_url=look.head["base_url"],
        )

    @property
    def options(self) -> SendOptions:
        """How it was begun: the operation, the size of its batches, and requests at once.

        Raises:
            JournalError: its record can't be read.
        """
        return SendOptions(**self._look().head["options"])

    @property
    def results(self) -> pl.DataFrame:
        """The results frame, as far as it is known: the contacts, and what became of each.

        Columns of Python objects can't be kept and are missing.

        Raises:
            JournalError: its record can't be read.
        """
        return self._results(self._look())

    def resume(
        self,
        client: Client | AsyncClient,
        *,
        contacts: pl.DataFrame | None = None,
        limits: str | Limits | None = None,
        options: SendOptions | None = None,
        same_account: bool = False,
        progress: bool | Callable[[Progress], None] = True,
        stop: threading.Event | None = None,
    ) -> pl.DataFrame:
        """Sends what is not settled, exactly as it was to be sent, and returns the results of the whole run.

        Rows that were being sent when the run died may have been applied: they are sent again if a contact id or an
        identifier of their own makes that harmless, and are `unknown` otherwise. Batches that were taken in are
        followed to their end. What succeeded or was rejected is not sent again.

        Args:
            client: where to send: the same CRM and the same account.
            contacts: the frame that the run was made of, if it is to be made sure that it is still the same.
            limits: see `upsert_contacts`.
            options: how to send what is left; as before (`run.options`) by default. Its "auto" means as before too, and
                the record stays where it is.
            same_account: says that the client's token is of the run's account, where the tokens alone can't tell.
            progress: see `upsert_contacts`.
            stop: see `upsert_contacts`.

        Warns:
            RecordWarning: see `upsert_contacts`.

        Raises:
            SettingsError: `client` is another CRM's or another account's, or is no client; or another argument can't
                work.
            FrameError: `contacts` is not what the run was made of.
            JournalError: another process is at it, it was cancelled, or its record can't be read or was changed.
        """
        if not isinstance(client, Client | AsyncClient):
            msg = f"resume takes a Client, not a {type(client).__name__}; Client.from_env() makes one"
            raise SettingsError(msg)
        conditions = Conditions(limits=limits_of(limits, client.settings.base_url), progress=progress, stop=stop)
        options = None if options is None else options_of(options)
        journal = Journal.open(self._folder, self.run_id)
        try:
            self._check(journal, client.settings, same_account=same_account)
            plan = Plan.thawed({name: journal.frame(name) for name in FROZEN})
            _check_same(plan, contacts)
            rows = replay(plan.outgoing.height, journal.events())
            rows.reopen(plan.outgoing.is_safe)
            before = SendOptions(**journal.head["options"])
            options = before if options is None else options
            options = replace(options, via=before.via) if options.via == "auto" else options
            journal.note(state="sending").result()
            return execute(plan, rows, journal, client.settings, options, conditions, self.run_id)
        finally:
            journal.close()

    def cancel(self) -> None:
        """Closes the run for good: what a process is sending it finishes, and nothing more is sent or resumed.

        Raises:
            JournalError: its record can't be read or written.
        """
        journals.request(self._folder, self.run_id, cancel=True)

    def purge(self) -> None:
        """Removes its record, and with it the contacts that it holds.

        Raises:
            JournalError: a process is at it; cancel it first.
        """
        journals.purge(self._folder, self.run_id)

    def __repr__(self) -> str:
        """Its id."""
        return f"<Run {self.run_id}>"

    def _look(self) -> Look:
        return journals.look(self._folder, self.run_id)

    def _results(self, look: Look) -> pl.DataFrame:
        plan = Plan.thawed({name: look.frame(name) for name in FROZEN})
        rows = replay(plan.outgoing.height, look.events())
        _tell_unended(rows)
        return plan.results(rows, _NOT_YET, self.run_id)

    def _check(self, journal: Journal, settings: Settings, *, same_account: bool) -> None:
        """Raises:
        SettingsError, JournalError: see `resume`.
        """
        if journal.facts().get("cancel"):
            msg = f"the run {self.run_id} was cancelled; send what is left with upsert_contacts"
            raise JournalError(msg)
        head = journal.head
        if settings.base_url != head["base_url"]:
            msg = f"the run sends to {head['base_url']}, this client to {settings.base_url}; give a client of the first"
            raise SettingsError(msg)
        if same_account or settings.account == head["account"]:
            return
        what = "token" if "token" in (settings.account_kind, head["account_kind"]) else "account"
        msg = f"the run was begun with another {what}; give a client of the same account"
        if what == "token":
            msg += ", or, if it is a newer token of that account, say so with same_account=True"
        raise SettingsError(msg)


def _state(look: Look) -> State:
    if look.is_held:
        return "sending"
    if look.facts.get("cancel"):
        return "cancelled"
    if look.facts.get("state") != "ended":
        return "died"
    return "stopped" if look.facts.get("left") else "done"


def _tell_unended(rows: Rows) -> None:
    """What is said of rows that have not ended: of those in doubt or taken in it is more than of the others."""
    for row, doubt in list(rows.doubts.items()):
        if rows.final[row] < 0:
            rows.end([row], doubt)
    for batch_id, taken_in in list(rows.taken_in.items()):
        left = sorted(row for row in taken_in if rows.final[row] < 0)
        told = Outcome("accepted", code="not_settled", message="taken in with a batch; not settled", batch_id=batch_id)
        if left:
            rows.end(left, told)
    on_way = sorted(row for row in rows.on_way if rows.final[row] < 0)
    if on_way:
        rows.end(on_way, _ON_WAY)


def _check_same(plan: Plan, contacts: pl.DataFrame | None) -> None:
    """Raises:
    FrameError: it is not the frame of the plan.
    """
    if contacts is None:
        return
    contacts, _ = numbered(contacts)
    # Not select: it takes a name such as "^a$" for a pattern.
    kept = pl.DataFrame({each.name: each for each in contacts.iter_columns() if each.name in plan.contacts.columns})
    lost = {name for name, dtype in contacts.schema.items() if dtype != pl.Object} - set(plan.contacts.columns)
    if lost or not kept.equals(plan.contacts):
        msg = "contacts is not the frame that the run was made of; to send this one, call upsert_contacts"
        raise FrameError(msg)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
