"""`mbtoolkit demo | validate FILE | push FILE | sandbox`: the same functions as in a notebook, from the shell.

Exit codes: 0 all rows are stored (or valid), 1 some are not, or the results could not be written where they were asked
for, 2 nothing was sent: the call is wrong, or was interrupted.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import secrets
import signal
import sys
import tempfile
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from mbtoolkit.errors import SourceWarning, UsageError
from mbtoolkit.version import __version__

ALL_STORED: Final = 0
SOME_NOT: Final = 1
WRONG_CALL: Final = 2

WIDTH: Final = 80
"""Characters a line of a table has at the most."""

_ARGUMENT: Final = re.compile(
    r"\b(base_url|clear|default_country|encoding|list_id|max_concurrency|opt_ins_on|separator|sheet)=(\.\.\.)?"
)
"""An argument of the toolkit's functions that is an option here too."""

_MEANING: Final = {
    "succeeded": "the CRM says that it is stored",
    "invalid": "not sent: a rule refused it",
    "rejected": "sent, and the CRM refused it",
    "unknown": "sent, and no clear answer came: it may or may not be stored",
    "not_sent": "the run stopped first",
}

_SHOWN: Final = ("mb_row", "mb_status", "mb_contact_id", "mb_http_status", "mb_code")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: the words after `mbtoolkit`; the process's own by default.

    Returns:
        The exit code.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What the terminal has no character for must not cost the rest of what is said.
        sys.stdout.reconfigure(errors="replace")
    if sys.stderr is None:
        # Closed by the caller (`2>&-`), which the progress bar and the log do not expect.
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
    parsed = _parser().parse_args(arguments)
    warnings.showwarning = _show_warning
    try:
        code = parsed.run(parsed)
    except UsageError as error:
        _complain(_in_shell_words(str(error)))
        return WRONG_CALL
    except KeyboardInterrupt:
        _complain("interrupted; nothing was sent")
        return WRONG_CALL
    assert isinstance(code, int)
    return code


def _show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    """One line for what was assumed about a source; other warnings by their name."""
    label = "note" if issubclass(category, SourceWarning) else category.__name__
    _complain(f"{label}: {_in_shell_words(str(message))}")


def _say(text: str) -> None:
    """Prints; where nobody reads any more, or the disk is full, what was done for the rows still counts."""
    try:
        print(_printable(text), flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            _complain(f"the standard output can't be written: {error.strerror}")


def _complain(text: str) -> None:
    """Prints to the standard error: for a person in lines that fit, for a log in one."""
    line = _printable(f"mbtoolkit: {text}")
    with suppress(OSError):
        print(_wrapped(line, other="  ") if sys.stderr.isatty() else line, file=sys.stderr, flush=True)


def _printable(text: str) -> str:
    """The text with characters that a terminal would obey written out, as Python writes them."""
    return "".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in text)


def _in_shell_words(text: str) -> str:
    """An error's or a rule's text with options named as in the shell: `--sheet` for `sheet=`."""
    text = text.replace("mapping={'E-mail': 'email'}", '--map "E-mail=email"')
    return _ARGUMENT.sub(lambda found: f"--{found[1].replace('_', '-')}{'' if found[2] else ' '}", text)


def _wrapped(text: str, first: str = "", other: str = "") -> str:
    """The text in lines of at most 80 characters."""
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=other, break_long_words=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
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
    _add_sandbox(commands)
    return parser


_EXIT_CODES: Final = """exit codes:
  0  all rows are stored (validate: can be sent)
  1  some are not, or --out could not be written after the sending
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
        _demo,
        "push 5,000 synthetic contacts into a sandbox CRM on this machine",
        "mbtoolkit demo --out results.xlsx",
    )
    _add_output(command)
    command.add_argument("--keep", action="store_true", help="leave the sandbox running, to look at its page")


def _add_validate(commands: Any) -> None:
    command = _command(
        commands,
        "validate",
        _validate,
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
        _push,
        "validate a file, send what can be sent, and say what became of each row",
        "mbtoolkit push contacts.csv --mapping mapping.toml --out results.xlsx",
        'MBTOOLKIT_TOKEN="$(cat token.txt)" mbtoolkit push people.xlsx --opt-ins-on 250',
    )
    assert command.description is not None
    command.description += "\nThe environment's MBTOOLKIT_TOKEN says who asks."
    _add_source(command)
    _add_output(command)
    command.add_argument("--base-url", metavar="URL", help="of the CRM; MBTOOLKIT_BASE_URL by default")
    command.add_argument("--list-id", metavar="UUID", help="for rows that name no list; MBTOOLKIT_LIST_ID by default")
    command.add_argument(
        "--clear", action="append", default=[], metavar="FIELD", help="empty it where blank; may repeat"
    )
    command.add_argument("--opt-ins-on", type=int, metavar="N", help="how many opt-ins this turns on, if over 100")
    command.add_argument("--max-concurrency", type=int, default=10, metavar="N", help="requests at once (10)")


def _add_sandbox(commands: Any) -> None:
    command = _command(
        commands,
        "sandbox",
        _sandbox,
        "run the CRM's twin on this machine until Ctrl-C",
        "mbtoolkit sandbox --port 8080 --db crm.sqlite --plan freemium",
    )
    command.add_argument("--port", type=int, default=8080, metavar="N", help="0 takes any free one (8080)")
    command.add_argument("--db", default=":memory:", metavar="FILE", help="keep the contacts there; else in memory")
    command.add_argument("--plan", choices=("freemium", "starter", "pro"), help="whose limits are kept (none)")
    command.add_argument("--token", help="what it takes; one is made up by default")
    command.add_argument("--faults", action="store_true", help="let faults be scripted over HTTP")


def _add_source(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", metavar="FILE", help="CSV, Excel, parquet or JSON lines")
    command.add_argument("--mapping", metavar="TOML", help='lines such as "E-mail" = "email"')
    command.add_argument("--map", action="append", default=[], metavar="COLUMN=FIELD", help="one such line; may repeat")
    command.add_argument("--default-country", metavar="CC", help="two letters, or the column that holds them")
    command.add_argument("--sheet", metavar="NAME", help="of an Excel workbook; the first by default")
    command.add_argument("--separator", metavar="CHAR", help="of a text file; detected by default")
    command.add_argument("--encoding", metavar="NAME", help="of a text file; detected by default")


def _add_output(command: argparse.ArgumentParser) -> None:
    command.add_argument("--out", metavar="FILE", help="write the results there (.xlsx, .csv, .parquet)")
    command.add_argument("--no-progress", action="store_true", help="show no progress bar")


def _read(parsed: argparse.Namespace) -> Any:
    """The contacts in the file.

    Raises:
        UsageError: see `read_contacts`; or a --map without an equals sign.
    """
    from mbtoolkit.reading import read_contacts  # noqa: PLC0415 - `--help` does not wait for polars
    from mbtoolkit.reading.mapping import load_mapping  # noqa: PLC0415

    odd = [each for each in parsed.map if "=" not in each]
    if odd:
        msg = f"--map takes COLUMN=FIELD, such as E-mail=email, not {odd[0]!r}"
        raise UsageError(msg)
    lines = {source: target for source, _, target in (each.rpartition("=") for each in parsed.map)}
    return read_contacts(
        parsed.file,
        mapping=load_mapping(parsed.mapping) | lines,
        sheet=parsed.sheet,
        separator="\t" if parsed.separator == "\\t" else parsed.separator,
        encoding=parsed.encoding,
        default_country=parsed.default_country,
    )


def _check_out(parsed: argparse.Namespace, rows: int = 0, columns: int = 0) -> None:
    """Before anything is sent: whether a frame could be written to --out.

    Raises:
        UsageError: it could not.
    """
    from mbtoolkit.results import check_target  # noqa: PLC0415

    if parsed.out is not None:
        check_target(parsed.out, rows=rows, columns=columns)


def _validate(parsed: argparse.Namespace) -> int:
    from mbtoolkit.results import write_issues  # noqa: PLC0415
    from mbtoolkit.validation import validate_contacts  # noqa: PLC0415

    _check_out(parsed)
    validation = validate_contacts(_read(parsed))
    if parsed.out is not None:
        write_issues(validation.issues, parsed.out)
    _say(validation.headline)
    for rule, severity, rows, column, first_row, message in validation.counts.iter_rows():
        _say(f"  {rows:>7,}  {severity:<7}  {rule}  (first in row {first_row})")
        told = _in_shell_words(f"{column} {message}" if column else message)
        _say(_wrapped(told, " " * 11, " " * 11))
    if not validation.issues.is_empty():
        _say("Rows are counted from 0, the header line apart.")
    if parsed.out is not None:
        _say(f"issues written to {parsed.out}")
    return ALL_STORED if validation.ok else SOME_NOT


def _push(parsed: argparse.Namespace) -> int:
    from mbtoolkit.client import Client  # noqa: PLC0415

    _check_out(parsed)
    options = {"base_url": parsed.base_url, "list_id": parsed.list_id}
    with (
        _ended_like_ctrl_c(),
        Client.from_env(**{name: value for name, value in options.items() if value is not None}) as client,
    ):
        options = {"opt_ins_on": parsed.opt_ins_on, "clear": parsed.clear, "max_concurrency": parsed.max_concurrency}
        results, is_saved = _upsert(_read(parsed), client, parsed, **options)
        return ALL_STORED if is_saved and (results["mb_status"] == "succeeded").all() else SOME_NOT


@contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """Makes a scheduler's or a closing terminal's signal end a run as Ctrl-C does, with its results written."""
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    numbers = [
        number for number in map(signal.Signals.__getitem__, names) if signal.getsignal(number) == signal.SIG_DFL
    ]
    for number in numbers:
        signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def _upsert(contacts: Any, client: Any, parsed: argparse.Namespace, **options: Any) -> tuple[Any, bool]:
    """Sends, writes the results, says what became of the rows; returns them, and whether they are where they should be.

    Raises:
        UsageError: see `upsert_contacts`, `check_target`.
    """
    from mbtoolkit.schemas.frames import RESULTS  # noqa: PLC0415
    from mbtoolkit.upserts import upsert_contacts  # noqa: PLC0415

    _check_out(parsed, contacts.height, contacts.width + len(RESULTS))
    results = upsert_contacts(contacts, client, progress=not parsed.no_progress, **options)
    # First of all, for a terminal can fail in many ways.
    is_saved = parsed.out is None or _save(results, parsed.out)
    with suppress(KeyboardInterrupt):
        _tell(results)
        if parsed.out is not None and is_saved:
            _say(f"\nresults written to {parsed.out}")
    return results, is_saved


def _save(results: Any, path: str) -> bool:
    """Whether the results could be written; if not, they are kept in the working or the temporary folder."""
    from mbtoolkit.results import write_results  # noqa: PLC0415

    try:
        write_results(results, path)
    except UsageError as error:
        why = str(error)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the rows are sent and what became of them is kept
        why = type(error).__name__
    else:
        return True
    _complain(f"the rows were sent, but their results are not where they should be: {why}")
    mask = os.umask(0o077)  # Others may look into the temporary folder.
    try:
        for folder in (Path(), Path(tempfile.gettempdir())):
            with suppress(UsageError):
                kept = write_results(results, folder / f"mbtoolkit-results-{secrets.token_hex(4)}.parquet")
                _complain(f"they are in {kept.absolute()} instead")
                return False
    finally:
        os.umask(mask)
    _complain("they could not be written anywhere else either; what is printed is all that is left of them")
    return False


def _tell(results: Any) -> None:
    """Says what became of the rows."""
    from mbtoolkit.results import summarize  # noqa: PLC0415

    if results.is_empty():
        _say("There was no contact to send.")
        return
    shown = results.group_by("mb_status", maintain_order=True).head(3).select(_SHOWN)
    print_table(shown, f"The first rows of each status, of {results.height:,} (mb_row counts from 0):")
    summary = summarize(results)
    print_table(summary.drop("example"), "What became of the rows:")
    for status in summary["mb_status"].unique(maintain_order=True):
        _say(f"  {status:<9}  {_MEANING.get(status, '')}")
    examples = summary.filter(summary["example"].is_not_null() & summary["reason"].is_not_null())
    if not examples.is_empty():
        _say("\nReasons, the commonest first:")
    for status, reason, example in examples.select("mb_status", "reason", "example").iter_rows():
        _say(_wrapped(_in_shell_words(f"{status}, {reason}: {example}"), "  ", "    "))


def print_table(frame: Any, title: str) -> None:
    """Prints a frame under a title, in lines of at most 80 characters."""
    import polars as pl  # noqa: PLC0415

    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    lines = "UTF8" if "┌".encode(encoding, "replace") != b"?" else "ASCII"
    with pl.Config(
        tbl_width_chars=WIDTH,
        tbl_rows=40,
        tbl_cols=-1,
        tbl_hide_dataframe_shape=True,
        tbl_hide_column_data_types=True,
        tbl_formatting="UTF8_FULL_CONDENSED" if lines == "UTF8" else "ASCII_FULL_CONDENSED",
        fmt_str_lengths=40,
        tbl_cell_numeric_alignment="RIGHT",
        thousands_separator=False,
    ):
        _say(f"\n{title}\n{frame}")


def _demo(parsed: argparse.Namespace) -> int:
    try:
        from mbtoolkit.sandbox import Sandbox  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UsageError(_NEEDS_SANDBOX) from error
    from mbtoolkit.demo import COUNTRY_COLUMN, as_foretold, sample  # noqa: PLC0415
    from mbtoolkit.reading import read_contacts  # noqa: PLC0415
    from mbtoolkit.upserts import count_opt_ins  # noqa: PLC0415
    from mbtoolkit.validation import validate_contacts  # noqa: PLC0415

    _check_out(parsed)
    contacts = read_contacts(sample("contacts.csv"), mapping=sample("mapping.toml"), default_country=COUNTRY_COLUMN)
    validation = validate_contacts(contacts)
    _say(f"The sample is a table of made-up people, with the mistakes that tables have.\n{validation.headline}.")
    # The sample's people are made up; a file of real ones states a count that a person has looked at.
    opt_ins_on = count_opt_ins(validation.valid)
    with Sandbox() as crm, crm.client() as client:
        _say(f"A sandbox CRM is at {crm.base_url}; it runs only for this demo.")
        results, is_saved = _upsert(contacts, client, parsed, opt_ins_on=opt_ins_on)
        stored = crm.contacts().height
        foretold = "as" if as_foretold(results) else "NOT as"
        _say(f"\nEvery row ended {foretold} the sample's known answers say.")
        _say(f"The sandbox holds {stored:,} contacts: rows that share an identifier became one.")
        if parsed.keep:
            _say(f"Look at it: {crm.page_url}\nCtrl-C ends it.")
            _wait_for_interrupt()
        else:
            _say(_LOOK_CLOSER)
    return ALL_STORED if is_saved and as_foretold(results) else SOME_NOT


def _wait_for_interrupt() -> None:
    import threading  # noqa: PLC0415

    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        _say("")


_LOOK_CLOSER: Final = """
To see every row's result:      mbtoolkit demo --out results.xlsx
To see what the sandbox holds:  mbtoolkit demo --keep"""
_NEEDS_SANDBOX: Final = 'the sandbox needs one more package: pip install "mbtoolkit[sandbox]"'


def _sandbox(parsed: argparse.Namespace) -> int:
    try:
        from mbtoolkit.sandbox.command import serve  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UsageError(_NEEDS_SANDBOX) from error
    try:
        serve(port=parsed.port, db=parsed.db, plan=parsed.plan, token=parsed.token, faults=parsed.faults)
    except (ValueError, OSError) as error:
        raise UsageError(str(error)) from error
    return ALL_STORED


if __name__ == "__main__":
    sys.exit(main())
