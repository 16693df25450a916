"""`mbtoolkit demo | validate FILE | push FILE | runs | sandbox`: its words, and how it ends."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from mbtoolkit.cli.commands import WRONG_CALL, demo, push, runs, sandbox, validate
from mbtoolkit.cli.terminal import complain, in_shell_words, make_ready, printable, show_warning
from mbtoolkit.errors import JournalError, UsageError
from mbtoolkit.version import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: the words after `mbtoolkit`; the process's own by default.

    Returns:
        The exit code.
    """
    make_ready()
    parsed = _parser().parse_args(arguments)
    warnings.showwarning = show_warning
    try:
        code = parsed.run(parsed)
    except (UsageError, JournalError) as error:
        complain(in_shell_words(str(error)))
        return WRONG_CALL
    except KeyboardInterrupt:
        complain("interrupted; nothing was sent")
        return WRONG_CALL
    assert isinstance(code, int)
    return code


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Ends the process; the message quotes the command line, which a terminal must not obey."""
        super().error(printable(message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="mbtoolkit",
        description="From a messy table of contacts into the MainBrainer CRM, every row accounted\nfor.",
        epilog="example:\n  mbtoolkit demo\n\n" + _EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mbtoolkit {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_demo(commands)
    _add_validate(commands)
    _add_push(commands)
    _add_runs(commands)
    _add_sandbox(commands)
    return parser


_EXIT_CODES: Final = """exit codes:
  0  all rows are stored (validate: can be sent)
  1  some are not, or --out or the run's record could not be written after the
     sending
  2  the call is wrong, or was interrupted in time: nothing was sent"""


def _command(commands: Any, name: str, run: Any, description: str, *examples: str) -> argparse.ArgumentParser:
    heading = "example" if len(examples) == 1 else "examples"
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=description,
        description=description[0].upper() + description[1:] + ".",
        epilog=f"{heading}:\n" + "\n".join(f"  {example}" for example in examples) + f"\n\n{_EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    return command


def _add_demo(commands: Any) -> None:
    command = _command(
        commands,
        "demo",
        demo,
        "push 5,000 synthetic contacts into a sandbox CRM on this machine",
        "mbtoolkit demo --out results.xlsx",
    )
    _add_output(command)
    command.add_argument("--keep", action="store_true", help="leave the sandbox running, to look at its page")


def _add_validate(commands: Any) -> None:
    command = _command(
        commands,
        "validate",
        validate,
        "say what is wrong with a file, and send nothing",
        'mbtoolkit validate people.csv --map "E-mail=email" --map "City=property:City"',
        "mbtoolkit validate contacts.xlsx --mapping mapping.toml --default-country NO",
    )
    _add_source(command)
    command.add_argument("--out", metavar="FILE", help="write the issues there (.xlsx, .csv, .parquet)")


def _add_push(commands: Any) -> None:
    command = _command(
        commands,
        "push",
        push,
        "validate a file, send what can be sent, and say what became of each row",
        "mbtoolkit push contacts.csv --mapping mapping.toml --out results.xlsx",
        'MBTOOLKIT_TOKEN="$(cat token.txt)" mbtoolkit push people.xlsx --opt-ins-on 250',
        "mbtoolkit push contacts.csv --recipe shop.toml --limits starter",
        "mbtoolkit push --resume 0f8b5c1e-6a0e-4f0c-9d57-0c5a3c1f2b7d",
    )
    assert command.description is not None
    command.description += "\nThe environment's MBTOOLKIT_TOKEN says who asks."
    _add_source(command, is_optional=True)
    _add_output(command)
    command.add_argument("--base-url", metavar="URL", help="of the CRM; MBTOOLKIT_BASE_URL by default")
    command.add_argument("--list-id", metavar="UUID", help="for rows that name no list; MBTOOLKIT_LIST_ID by default")
    command.add_argument(
        "--clear", action="append", default=[], metavar="FIELD", help="empty it where blank; may repeat"
    )
    command.add_argument("--opt-ins-on", type=int, metavar="N", help="how many opt-ins this turns on, if over 100")
    command.add_argument(
        "--limits",
        choices=("freemium", "starter", "pro", "unlimited"),
        help="what the account may send (freemium; none to a sandbox on this machine)",
    )
    command.add_argument("--time-zone", metavar="ZONE", help="of the account, whose midnight ends the day of --limits")
    command.add_argument("--max-concurrency", type=int, metavar="N", help="requests at once (10)")
    command.add_argument(
        "--via", choices=("auto", "single", "batch"), default="auto", help="the operation (auto: batches for long runs)"
    )
    command.add_argument("--batch-size", type=int, default=100, metavar="N", help="contacts in a batch (100)")
    command.add_argument("--contact-ids", action="store_true", help="learn each contact's id, at a request each")
    command.add_argument("--resume", metavar="RUN", help="go on with a run; with FILE, make sure that it is the same")
    command.add_argument("--same-account", action="store_true", help="a newer token of the run's account is used")
    _add_run_dir(command)


def _add_runs(commands: Any) -> None:
    command = _command(
        commands,
        "runs",
        runs,
        "list the runs on record, newest first",
        "mbtoolkit runs",
        "mbtoolkit runs --purge 0f8b5c1e-6a0e-4f0c-9d57-0c5a3c1f2b7d",
    )
    one = command.add_mutually_exclusive_group()
    one.add_argument("--cancel", metavar="RUN", help="close it for good; what is on its way ends")
    one.add_argument("--purge", metavar="RUN", help="remove its record, and the contacts in it")
    _add_run_dir(command)


def _add_run_dir(command: argparse.ArgumentParser) -> None:
    command.add_argument("--run-dir", metavar="FOLDER", help="of the runs' records; the user's state folder by default")


def _add_sandbox(commands: Any) -> None:
    command = _command(
        commands,
        "sandbox",
        sandbox,
        "run the CRM's twin on this machine until Ctrl-C",
        "mbtoolkit sandbox --port 8080 --db crm.sqlite --limits freemium",
    )
    command.add_argument("--port", type=int, default=8080, metavar="N", help="0 takes any free one (8080)")
    command.add_argument("--db", default=":memory:", metavar="FILE", help="keep the contacts there; else in memory")
    command.add_argument("--limits", choices=("freemium", "starter", "pro"), help="request limits to keep (none)")
    command.add_argument("--token", help="what it takes; one is made up by default")
    command.add_argument("--faults", action="store_true", help="let faults be scripted over HTTP")


def _add_source(command: argparse.ArgumentParser, *, is_optional: bool = False) -> None:
    command.add_argument(
        "file", metavar="FILE", nargs="?" if is_optional else None, help="CSV, Excel, parquet or JSON lines"
    )
    command.add_argument("--mapping", metavar="TOML", help='lines such as "E-mail" = "email"')
    command.add_argument("--map", action="append", default=[], metavar="COLUMN=FIELD", help="one such line; may repeat")
    command.add_argument("--default-country", metavar="CC", help="two letters, or the column that holds them")
    command.add_argument("--recipe", metavar="FILE", help="clean the table by it first (Recipe.write made it)")
    command.add_argument("--sheet", metavar="NAME", help="of an Excel workbook; the first by default")
    command.add_argument("--separator", metavar="CHAR", help="of a text file; detected by default")
    command.add_argument("--encoding", metavar="NAME", help="of a text file; detected by default")


def _add_output(command: argparse.ArgumentParser) -> None:
    command.add_argument("--out", metavar="FILE", help="write the results there (.xlsx, .csv, .parquet)")
    command.add_argument("--no-progress", action="store_true", help="show no progress bar")
