"""What the toolkit costs, side by side with what it is held against, in one run on one machine.

    python tests/benchmarks/ratios.py            # the full sizes, some minutes
    python tests/benchmarks/ratios.py --small    # the same in seconds

Each side is run in turn, `--rounds` times; the ratio is that of the medians. Ratios carry over to other machines,
seconds don't. The tests beside this file run both sides at a small size and hold that they give the same answers.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson
import polars as pl
import pydantic

from mbtoolkit import Client, SendOptions, build_payloads, upsert_contacts, validate_contacts
from mbtoolkit.contacts import BY_NAME, MAX_PHONE_DIGITS

BAD_EVERY = 50
EMAIL_PATTERN = (
    r"(?i)^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:[a-z][a-z0-9-]*[a-z0-9])$"
)
CONCURRENCY = 10


def contacts(rows: int, *, bad_every: int = BAD_EVERY) -> pl.DataFrame:
    """Contacts in canonical types, one in `bad_every` of them with a malformed e-mail address."""
    row = pl.int_range(rows, dtype=pl.Int64)
    domain = pl.when(row % bad_every == bad_every - 1).then(pl.lit("@@example")).otherwise(pl.lit("@example.com"))
    return pl.select(
        pl.concat_str(pl.lit("person"), row, domain).alias("email"),
        pl.repeat(44, rows, dtype=pl.Int32).alias("mobile_country_code"),
        (7_000_000_000 + row).alias("mobile_number"),
        pl.when(row % 3 == 0).then(None).otherwise(row % 3 == 1).alias("mobile_opt_in"),
        pl.when(row % 2 == 0).then(row % 4 == 0).alias("email_opt_in"),
        pl.concat_str(pl.lit("Name "), row, pl.lit(' "the one"')).alias("property:Name"),
        pl.when(row % 2 == 0).then(pl.lit("Oslo")).otherwise(pl.lit("Tromsø")).alias("property:City"),
    )


# Validation ---------------------------------------------------------------------------------------------------------


def plain_masks(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The same rules written down as plain polars masks: valid rows, other rows, issues."""
    email, code, number = pl.col("email"), pl.col("mobile_country_code"), pl.col("mobile_number")
    whole = code.cast(pl.Int64) * 10**MAX_PHONE_DIGITS + number
    digits = pl.when(code < 10).then(1).when(code < 100).then(2).otherwise(3)
    masks = frame.select(
        email_syntax=~(
            email.str.contains(EMAIL_PATTERN)
            & (email.str.len_bytes() <= 254)
            & ~email.str.contains(r"^[^@]{65}|@(?:.*\.)?[^.]{64}")
        ),
        email_invisible=email.str.contains(r"[\p{Cc}\p{Cf}]"),
        duplicate_email=email.is_not_null() & email.str.to_lowercase().is_duplicated(),
        duplicate_mobile=number.is_not_null() & whole.is_duplicated(),
        code_range=~code.is_between(1, 999),
        number_range=number <= 0,
        too_long=number >= pl.lit(10, dtype=pl.Int64).pow(MAX_PHONE_DIGITS - digits),
        no_identifier=email.is_null() & number.is_null() & code.is_null(),
        country_code_missing=number.is_not_null() & code.is_null(),
        number_missing=code.is_not_null() & number.is_null(),
    ).with_columns(pl.all().fill_null(value=False))
    parts = []
    for mask in masks:
        rows = mask.arg_true()
        if len(rows):
            lines = pl.DataFrame({"row": rows, "value": frame["email"].gather(rows)})
            parts.append(lines.with_columns(rule=pl.lit(mask.name), message=pl.lit("what to do")))
    bad = masks.select(pl.any_horizontal(pl.all())).to_series()
    issues = pl.concat(parts).sort("row") if parts else pl.DataFrame(schema={"row": pl.UInt32})
    return frame.filter(~bad), frame.filter(bad), issues


class Contact(pydantic.BaseModel):
    """One row as pydantic would check it: the same rules about one row, e-mail addresses by its own type for them."""

    email: pydantic.EmailStr | None = None
    mobile_country_code: int | None = pydantic.Field(default=None, ge=1, le=999)
    mobile_number: int | None = pydantic.Field(default=None, gt=0, lt=10**14)
    mobile_opt_in: bool | None = None
    email_opt_in: bool | None = None

    @pydantic.model_validator(mode="after")
    def _whole(self) -> Contact:
        if self.email is None and self.mobile_number is None:
            raise ValueError("no identifier")
        if (self.mobile_number is None) != (self.mobile_country_code is None):
            raise ValueError("code and number belong together")
        return self


class ContactByPattern(Contact):
    """The same, with a short regular expression for e-mail addresses, which lets much through."""

    email: str | None = pydantic.Field(default=None, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)


def with_pydantic(frame: pl.DataFrame, model: type[pydantic.BaseModel] = Contact) -> list[tuple[int, str]]:
    """The rows that pydantic refuses, and why."""
    refused = []
    for place, row in enumerate(frame.iter_rows(named=True)):
        try:
            model.model_validate(row)
        except pydantic.ValidationError as error:
            refused += [(place, each["msg"]) for each in error.errors()]
    return refused


# Encoding -----------------------------------------------------------------------------------------------------------


def dicts_and_orjson(frame: pl.DataFrame) -> list[bytes]:
    """Bodies made row by row."""
    bodies = []
    for row in frame.to_dicts():
        body = {BY_NAME[name].wire: value for name, value in row.items() if name in BY_NAME and value is not None}
        properties = [
            {"propertyName": name.removeprefix("property:"), "propertyValue": value}
            for name, value in row.items()
            if name.startswith("property:") and value is not None
        ]
        if properties:
            body["propertyFields"] = properties
        bodies.append(orjson.dumps(body))
    return bodies


# Sending ------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def answering_server(*told: str) -> Iterator[str]:
    """The address of a server that only answers, in a process of its own; what it is told, see there."""
    script = Path(__file__).with_name("answering.py")
    with subprocess.Popen([sys.executable, str(script), *told], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def bare_posts(base_url: str, bodies: list[bytes]) -> int:
    """A bare loop of httpx posts of bodies prepared beforehand; how many were answered with 202."""

    async def work() -> int:
        limits = httpx.Limits(max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY)
        headers = {"Authorization": "Bearer token", "Content-Type": "application/json"}
        left = iter(bodies)
        async with httpx.AsyncClient(limits=limits, headers=headers) as client:

            async def worker() -> int:
                good = 0
                for body in left:
                    answer = await client.post(f"{base_url}/contacts/insertupdate", content=body)
                    good += answer.status_code == 202
                return good

            return sum(await asyncio.gather(*(worker() for _ in range(CONCURRENCY))))

    return asyncio.run(work())


def whole_run(base_url: str, frame: pl.DataFrame) -> pl.DataFrame:
    """`upsert_contacts`: validation, encoding, sending, results."""
    with Client(base_url, "token") as client:
        opt_ins = int(frame["mobile_opt_in"].sum() + frame["email_opt_in"].sum())
        return upsert_contacts(
            frame, client, options=SendOptions(max_concurrency=CONCURRENCY), opt_ins_on=opt_ins, progress=False
        )


# Importing ----------------------------------------------------------------------------------------------------------


IMPORTS = """
from time import perf_counter
begun = perf_counter()
import polars
between = perf_counter()
import mbtoolkit
print(between - begun, perf_counter() - begun)
"""


def import_seconds() -> tuple[float, float]:
    """What importing polars costs in a fresh process, and what polars and mbtoolkit cost in the same one."""
    done = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True)
    alone, both = map(float, done.stdout.split())
    return alone, both


# Side by side -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """Two medians, and what is said of them."""

    name: str
    ours: float
    theirs: float
    aim: str

    @property
    def line(self) -> str:
        return (
            f"{self.name:<66} {self.ours:>9.4f} s {self.theirs:>9.4f} s "
            f"{self.ours / self.theirs:>8.3f} {self.theirs / self.ours:>8.2f}  {self.aim}"
        )


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def side_by_side(
    name: str, ours: Callable[[], float], theirs: Callable[[], float], rounds: int, aim: str
) -> Comparison:
    """Medians of both, run in turn."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    first, second = (statistics.median(side) for side in zip(*pairs, strict=True))
    return Comparison(name, first, second, aim)


def measure(*, small: bool, rounds: int) -> Iterator[Comparison]:
    scale = 100 if small else 1
    checked = contacts(1_000_000 // scale)
    yield side_by_side(
        f"validate_contacts against plain polars masks, {checked.height:,} rows",
        lambda: seconds(lambda: validate_contacts(checked)),
        lambda: seconds(lambda: plain_masks(checked)),
        rounds,
        "ratio at most 2",
    )
    yield side_by_side(
        f"validate_contacts against pydantic, {checked.height:,} rows",
        lambda: seconds(lambda: validate_contacts(checked)),
        lambda: seconds(lambda: with_pydantic(checked)),
        max(1, rounds // 3),
        "inverse at least 30",
    )
    yield side_by_side(
        f"... and with a pattern in place of EmailStr, {checked.height:,} rows",
        lambda: seconds(lambda: validate_contacts(checked)),
        lambda: seconds(lambda: with_pydantic(checked, ContactByPattern)),
        max(1, rounds // 3),
        "for comparison",
    )
    encoded = contacts(100_000 // scale, bad_every=10**9)
    yield side_by_side(
        f"build_payloads against to_dicts + orjson, {encoded.height:,} rows",
        lambda: seconds(lambda: build_payloads(encoded)),
        lambda: seconds(lambda: dicts_and_orjson(encoded)),
        rounds,
        "inverse at least 5",
    )
    sent = contacts(5_000 // math.isqrt(scale), bad_every=10**9)
    bodies = dicts_and_orjson(sent)
    with answering_server() as base_url:
        yield side_by_side(
            f"upsert_contacts against bare httpx.AsyncClient posts, {sent.height:,}",
            lambda: seconds(lambda: whole_run(base_url, sent)),
            lambda: seconds(lambda: bare_posts(base_url, bodies)),
            rounds,
            "ratio at most 1",
        )
    alone, both = zip(*(import_seconds() for _ in range(rounds * 3)), strict=True)
    yield Comparison(
        "import polars and mbtoolkit against polars alone",
        statistics.median(both),
        statistics.median(alone),
        "ratio at most 1.15",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--small", action="store_true", help="small sizes, in seconds")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(f"{'':<66} {'ours':>11} {'theirs':>11} {'ratio':>8} {'inverse':>8}  aim")
    for comparison in measure(small=options.small, rounds=options.rounds):
        print(comparison.line, flush=True)


if __name__ == "__main__":
    main()
