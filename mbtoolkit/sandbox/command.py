"""The sandbox in the foreground, for a person or a script beside it."""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import secrets
import signal
import sys
from collections.abc import Sequence
from typing import Final

from mbtoolkit.sandbox.hosting import Host
from mbtoolkit.sandbox.limits import ACCOUNT_LIMITS, limits_named
from mbtoolkit.sandbox.settings import Settings
from mbtoolkit.sandbox.store import MEMORY

MAX_PORT: Final = 65_535
"""The largest number of a TCP port. Source: RFC 9293, section 3.1."""
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    db: str | os.PathLike[str] = MEMORY,
    limits: str | None = None,
    token: str | None = None,
    faults: bool = False,
) -> None:
    """Runs a sandbox until Ctrl-C or SIGTERM, and says on stdout how to reach it.

    Args:
        host: a loopback address or "localhost".
        port: 0 takes any free one.
        db: ":memory:" or a file.
        limits: "freemium", "starter" or "pro"; None for no limits.
        token: what the CRM operations take; None makes one up.
        faults: whether faults can be scripted over HTTP; off, for a person expects a CRM that works.

    Raises:
        ValueError: an argument can't work: a host that is not loopback, a port that is none, a file of something else,
            limits with an unknown name.
        OSError: the port is taken, or the file can't be opened.
    """
    if not 0 <= port <= MAX_PORT:
        msg = f"port {port} is none: give 1 to {MAX_PORT}, or 0 for any free one"
        raise ValueError(msg)
    settings = Settings(
        db=db, limits=limits_named(limits), token=secrets.token_urlsafe(32) if token is None else token, faults=faults
    )
    asyncio.run(_serve(settings, host, port))


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m mbtoolkit.sandbox`. Returns the exit status."""
    options = _parser().parse_args(arguments)
    token = options.token if options.token is not None else os.environ.get("MBTOOLKIT_TOKEN") or None
    try:
        serve(
            host=options.host,
            port=options.port,
            db=options.db,
            limits=options.limits,
            token=token,
            faults=options.faults,
        )
    except (ValueError, OSError) as error:
        print(f"mbtoolkit sandbox: {error}", file=sys.stderr)
        return 2
    return 0


async def _serve(settings: Settings, host: str, port: int) -> None:
    """Serves until a signal comes.

    Raises:
        ValueError: the host is not loopback, or the file can't be used.
        OSError: the port is taken.
    """
    hosted = Host(settings)
    try:
        await hosted.open(host, port)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            _on_signal(loop, number, stop)
        _say(_greeting(hosted, settings))
        await stop.wait()
        _say("The sandbox has stopped.")
    finally:
        await hosted.close()


def _say(text: str) -> None:
    """Prints; a reader that went away (as `| head` does) or an output without a character stops no sandbox."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _on_signal(loop: asyncio.AbstractEventLoop, number: int, stop: asyncio.Event) -> None:
    try:
        loop.add_signal_handler(number, stop.set)
    except NotImplementedError:
        # Windows' event loops take no signal handlers.
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))


def _greeting(host: Host, settings: Settings) -> str:
    store = "in memory, gone when it stops" if settings.db == MEMORY else str(settings.db)
    limits = "none" if settings.limits is None else f"{settings.limits.requests} requests in 10 s"
    lists = "\n".join(f"  {list_id}  {name}" for name, list_id in host.service.store.lists.items())
    credentials = settings.credentials
    return f"""The sandbox listens at {host.base_url} (contacts: {store}; limits: {limits}).

To send contacts to it:
  export MBTOOLKIT_BASE_URL={host.base_url}
  export MBTOOLKIT_TOKEN={settings.token}

To see what arrives, open:
  {host.base_url}/#key={settings.page_key}

Lists it knows:
{lists}

Its token operation takes user {credentials.user_name}, password {credentials.password},
private token {credentials.private_token}. Its OpenAPI document is at {host.base_url}/openapi.json.
Faults over HTTP: {"on" if settings.faults else "off"}. Ctrl-C stops it."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mbtoolkit sandbox", description="A CRM to practise on: the MainBrainer CRM's twin on this machine."
    )
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one (default)")
    parser.add_argument("--db", default=MEMORY, help="a file to keep the contacts in (default: in memory)")
    parser.add_argument("--limits", choices=sorted(ACCOUNT_LIMITS), help="request limits to keep (default: none)")
    parser.add_argument("--token", help="what the operations take (default: MBTOOLKIT_TOKEN, or a new one)")
    parser.add_argument("--faults", action="store_true", help="let faults be scripted over HTTP")
    return parser
