"""Scripted faults: what is to go wrong, when, and how often it did. How it is done on the wire is `misbehaving`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Final, Literal, get_args

from mbtoolkit.sandbox.paths import BATCH_PATH, STATUS_PATH

FaultKind = Literal[
    "bad_gzip",
    "batch_backwards",
    "batch_failed",
    "batch_foreign_ids",
    "batch_late",
    "batch_other_id",
    "batch_partial",
    "batch_stuck",
    "big_body",
    "big_header",
    "delay",
    "drip",
    "empty",
    "gzip_bomb",
    "hang_up",
    "html",
    "not_success",
    "other_shape",
    "redirect",
    "reset",
    "silence",
    "status",
    "truncate",
]
Phase = Literal["before_body", "during_body", "before_commit", "after_commit"]

KINDS: Final[tuple[str, ...]] = get_args(FaultKind)
PHASES: Final[tuple[str, ...]] = get_args(Phase)
OPERATION_OF: Final[Mapping[str, str]] = {
    "batch_backwards": STATUS_PATH,
    "batch_failed": BATCH_PATH,
    "batch_foreign_ids": STATUS_PATH,
    "batch_late": BATCH_PATH,
    "batch_other_id": STATUS_PATH,
    "batch_partial": BATCH_PATH,
    "batch_stuck": BATCH_PATH,
}
"""The kinds that only one operation can commit. They strike no request on another."""

EARLY_PHASES: Final = ("before_body", "during_body")

MAX_SECONDS: Final = 600.0
MAX_SIZE: Final = 4 * 1024**3
"""Bounds of what a script may ask for, in seconds and bytes, so that no sandbox hangs or fills a disk for good."""

_BEFORE_BY_DEFAULT: Final = ("delay", "not_success", "redirect", "reset", "silence", "status")

_DEFAULT_STATUS: Final[Mapping[str, int]] = {"status": 500, "redirect": 307, "html": 200, "other_shape": 200}

_DEFAULT_SECONDS: Final[Mapping[str, float]] = {"batch_late": 1.0, "delay": 1.0, "silence": 30.0, "drip": 0.05}

_DEFAULT_SIZE: Final[Mapping[str, int]] = {
    "big_body": 16 * 1024**2,
    "big_header": 1024**2,
    "gzip_bomb": 64 * 1024**2,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to go wrong.

    Kinds, and the phase they come in unless told otherwise (b: before the commit, a: after it):

    - `status` (b) an answer with any status; with `status=429`, `times=20`, `retry_after="3"` it is a storm.
    - `delay` (b) waits `seconds`, then goes on as if nothing had been.
    - `reset` (b) a TCP reset.
    - `silence` (b) never answers; after `seconds` the connection is reset.
    - `redirect` (b) a 3xx with `location`.
    - `not_success` (b) a 2xx whose outer `status` is "Failed".
    - `truncate` (a) half of the answer, then the end; with its length announced, or `chunked`.
    - `empty` (a) a 2xx without a body.
    - `html` (a) a page of HTML.
    - `bad_gzip` (a) says gzip and is none.
    - `gzip_bomb` (a) `size` bytes, compressed to next to nothing.
    - `big_body` (a) `size` bytes of JSON.
    - `big_header` (a) a header of `size` bytes.
    - `drip` (a) the answer byte by byte, `seconds` apart.
    - `other_shape` (a) JSON of another shape than documented.
    - `hang_up` (a) the true answer, then the connection is closed although it was said to stay open.

    Kinds that only `POST /contacts/batch` commits; the request is answered as ever:

    - `batch_late` the batch is worked on after `seconds`, however long the sandbox's own delay is.
    - `batch_failed` it ends as failed, after the first `contacts` of it were applied (none unless told).
    - `batch_stuck` it never ends, after the first `contacts` of it were applied (none unless told).
    - `batch_partial` only the first `contacts` of it are applied (half unless told); it ends as completed, and says
      nothing of the others.

    Kinds that only `GET /contacts/{batchId}/Status` commits, each for the one answer:

    - `batch_backwards` the batch is as it was at first: queued, nothing counted.
    - `batch_foreign_ids` each list of ids names a contact that does not exist in place of its first.
    - `batch_other_id` the answer has the `id` of another batch, one that does not exist.

    Attributes:
        kind: what happens.
        phase: when: before the body is read, after a part of it, before the commit, or after it. An answer given
            after the commit may be the true one, spoilt; an earlier one is made up.
        times: how often it is committed; None for no end.
        after: how many matching requests go by first.
        every: from then on, every n-th.
        match: only requests whose body has this text; then the phase can't be before or during the body.
        path: only paths that begin with this; "/contacts" are the contact operations, "/token" the token operation,
            "/contacts/{batchId}/Status" (as it stands) the status of any batch.
        status: HTTP status of the answer, where the kind makes one up; None for the kind's own.
        seconds: how long a delay or a silence is, or the time between two bytes; None for the kind's own.
        retry_after: text of a `Retry-After`, of whatever form.
        location: where a redirect points.
        body: the text of the answer, where the kind makes one up.
        size: bytes of the big ones; None for the kind's own.
        chunked: truncate in chunked transfer coding, without a length.
        contacts: how many contacts of a batch are still applied; None for the kind's own.
    """

    kind: FaultKind
    phase: Phase | None = None
    times: int | None = 1
    after: int = 0
    every: int = 1
    match: str | None = None
    path: str = "/contacts"
    status: int | None = None
    seconds: float | None = None
    retry_after: str | None = None
    location: str | None = None
    body: str | None = None
    size: int | None = None
    chunked: bool = False
    contacts: int | None = None

    def __post_init__(self) -> None:
        """Fills in what the kind decides, and refuses what can't be committed.

        Raises:
            ValueError: a setting is out of its range, or two of them don't fit together.
        """
        if self.kind not in KINDS:
            msg = f"kind must be one of {', '.join(KINDS)}"
            raise ValueError(msg)
        self._fill("phase", "before_commit" if self.kind in _BEFORE_BY_DEFAULT else "after_commit")
        self._fill("status", _DEFAULT_STATUS.get(self.kind, 202))
        self._fill("seconds", _DEFAULT_SECONDS.get(self.kind, 0.0))
        self._fill("size", _DEFAULT_SIZE.get(self.kind, 0))
        problems = [text for holds, text in self._rules() if not holds]
        if problems:
            raise ValueError("; ".join(problems))

    @property
    def name(self) -> str:
        """How it is called in the record, such as `reset after_commit` or `status 429 before_commit`."""
        shown = f"{self.kind} {self.status}" if self.kind in ("status", "redirect") else self.kind
        return f"{shown} {self.phase}"

    @property
    def is_early(self) -> bool:
        """Whether it strikes before the body has been read."""
        return self.phase in EARLY_PHASES

    def _fill(self, name: str, value: object) -> None:
        if getattr(self, name) is None:
            object.__setattr__(self, name, value)

    def _rules(self) -> list[tuple[bool, str]]:
        status, seconds, size = self.status or 0, self.seconds or 0.0, self.size or 0
        return [
            (self.phase in PHASES, f"phase must be one of {', '.join(PHASES)}"),
            (self.times is None or self.times >= 1, "times must be at least 1, or null for no end"),
            (self.after >= 0, "after must be at least 0"),
            (self.every >= 1, "every must be at least 1"),
            (200 <= status <= 599, "status must be from 200 to 599"),
            (0 <= seconds <= MAX_SECONDS, f"seconds must be from 0 to {MAX_SECONDS:g}"),
            (0 <= size <= MAX_SIZE, f"size must be from 0 to {MAX_SIZE}"),
            (self.kind != "redirect" or 300 <= status <= 399, "a redirect has a status from 300 to 399"),
            (self.kind != "redirect" or self.location is not None, "a redirect needs a location"),
            (self.match is None or not self.is_early, "match needs the body: no early phase has it"),
            (self.path.startswith("/"), "path must begin with /"),
            (self.contacts is None or self.contacts >= 0, "contacts must be at least 0"),
            (self.kind not in OPERATION_OF or self.phase == "after_commit", f"{self.kind} has the phase after_commit"),
            (_is_header_text(self.retry_after), "retry_after must be printable ASCII"),
            (_is_header_text(self.location), "location must be printable ASCII"),
        ]


def read_fault(body: Mapping[str, Any]) -> Fault:
    """The fault that a JSON object describes: the attributes of `Fault` by name.

    Raises:
        ValueError: a key is unknown or missing, or a value does not fit.
    """
    unknown = body.keys() - _TYPES.keys()
    if unknown:
        msg = f"unknown: {', '.join(sorted(unknown))}; known are {', '.join(_TYPES)}"
        raise ValueError(msg)
    missing = [field.name for field in fields(Fault) if field.default is MISSING and field.name not in body]
    if missing:
        msg = f"missing: {', '.join(missing)}"
        raise ValueError(msg)
    for name, value in body.items():
        if type(value) not in _TYPES[name]:
            words = " or ".join(_WORDS[one] for one in _TYPES[name])
            msg = f"{name} must be {words}"
            raise ValueError(msg)
    return Fault(**body)


_TEXT: Final = (str,)
_WORDS: Final = {str: "a string", int: "an integer", float: "a number", bool: "a boolean", type(None): "null"}
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "kind": _TEXT,
    "phase": (str, type(None)),
    "times": (int, type(None)),
    "after": (int,),
    "every": (int,),
    "match": (str, type(None)),
    "path": _TEXT,
    "status": (int, type(None)),
    "seconds": (int, float, type(None)),
    "retry_after": (str, type(None)),
    "location": (str, type(None)),
    "body": (str, type(None)),
    "size": (int, type(None)),
    "chunked": (bool,),
    "contacts": (int, type(None)),
}


def _is_header_text(text: str | None) -> bool:
    """Whether a text can stand in a header: anything else could end the header and begin another."""
    return text is None or (text.isascii() and text.isprintable())


@dataclass(slots=True)
class ScriptedFault:
    """A fault and what became of it.

    Attributes:
        fault: what was scripted.
        seen: how many requests it was held against and matched.
        committed: how many of those it spoilt.
    """

    fault: Fault
    seen: int = 0
    committed: int = 0

    def strikes(self, operation: str, path: str, body: str | None) -> bool:
        """Whether this request is the one; counts it.

        Args:
            operation: the path of the operation, as documented.
            path: of the request.
            body: its text; None while it is not read.
        """
        fault = self.fault
        if OPERATION_OF.get(fault.kind, operation) != operation:
            return False
        if not (path.startswith(fault.path) or operation.startswith(fault.path)):
            return False
        if fault.match is not None and fault.match not in (body or ""):
            return False
        if fault.times is not None and self.committed >= fault.times:
            return False
        since = self.seen - fault.after
        self.seen += 1
        if since < 0 or since % fault.every:
            return False
        self.committed += 1
        return True


class FaultScript:
    """The scripted faults. A request meets them in the order in which they were added; the first that strikes counts,
    and the ones behind it don't see that request. Faults of the early phases come before the others.
    """

    def __init__(self) -> None:
        """Starts empty."""
        self._scripted: list[ScriptedFault] = []
        self.committed = 0

    def add(self, fault: Fault) -> int:
        """Adds a fault. Returns how many are scripted now."""
        self._scripted.append(ScriptedFault(fault))
        return len(self._scripted)

    def clear(self) -> int:
        """Takes all faults out. Returns how many there were."""
        count = len(self._scripted)
        self._scripted = []
        return count

    def scripted(self) -> list[ScriptedFault]:
        """All of them, spent ones too, in order."""
        return list(self._scripted)

    def take(self, operation: str, path: str, body: str | None, *, early: bool) -> Fault | None:
        """The fault to commit on this request, counted as committed; None for none.

        Args:
            operation: the path of the operation, as documented.
            path: of the request.
            body: its text; None while it is not read.
            early: whether the phases before or during the body are asked for, or the later ones.
        """
        for scripted in self._scripted:
            if scripted.fault.is_early == early and scripted.strikes(operation, path, body):
                self.committed += 1
                return scripted.fault
        return None
