"""`mbtoolkit demo | validate FILE | push FILE | sandbox`: the same functions as in a notebook, from the shell.

Exit codes: 0 all rows are stored (or valid), 1 some are not, 2 the call is wrong.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from mbtoolkit.errors import ConsentError, SourceWarning, UsageError
from mbtoolkit.version import __version__

ALL_STORED: Final = 0
SOME_NOT: Final = 1
WRONG_CALL: Final = 2

WIDTH: Final = 80
"""Characters a line of a table has at the most."""

_SHOWN: Final = ("mb_row", "mb_status", "mb_contact_id", "mb_http_status", "mb_code")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: the words after `mbtoolkit`; the process's own by default.

    Returns:
        The exit code.
    """
    parsed = _parser().parse_args(arguments)
    warnings.showwarning = _show_warning
    try:
        code = parsed.run(parsed)
    except UsageError as error:
        print(f"mbtoolkit: {error}", file=sys.stderr)
        return WRONG_CALL
    except BrokenPipeError:
        # The reader went away (as `| head` does); Python would complain once more while closing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SOME_NOT
    assert isinstance(code, int)
    return code


def _show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    """One line for what was assumed about a source; other warnings by their name."""
    label = "note" if issubclass(category, SourceWarning) else category.__name__
    print(f"mbtoolkit: {label}: {message}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mbtoolkit",
        description="From a messy table of contacts into the MainBrainer CRM, every row accounted for.",
        epilog="example: mbtoolkit demo",
    )
    parser.add_argument("--version", action="version", version=f"mbtoolkit {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_demo(commands)
    _add_validate(commands)
    _add_push(commands)
    _add_sandbox(commands)
    return parser


def _command(commands: Any, name: str, run: Any, description: str, *examples: str) -> argparse.ArgumentParser:
    heading = "example" if len(examples) == 1 else "examples"
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=description,
        description=description[0].upper() + description[1:] + ".",
        epilog=f"{heading}:\n" + "\n".join(f"  {example}" for example in examples),
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
        'mbtoolkit validate contacts.csv --map "E-mail=email" --map "City=property:City"',
        "mbtoolkit validate contacts.xlsx --mapping mapping.toml --default-country NO",
    )
    _add_source(command)
    command.add_argument("--out", metavar="FILE", help="write the issues there (.csv, .parquet)")


def _add_push(commands: Any) -> None:
    command = _command(
        commands,
        "push",
        _push,
        "validate a file, send what can be sent, and say what became of each row",
        "mbtoolkit push contacts.csv --mapping mapping.toml --out results.xlsx",
        "MBTOOLKIT_BASE_URL and MBTOOLKIT_TOKEN say where to and who asks",
    )
    _add_source(command)
    _add_output(command)
    command.add_argument("--base-url", metavar="URL", help="of the CRM; MBTOOLKIT_BASE_URL by default")
    command.add_argument("--list-id", metavar="UUID", help="for rows that name no list; MBTOOLKIT_LIST_ID by default")
    command.add_argument("--clear", action="append", default=[], metavar="FIELD", help="empty this field where blank")
    command.add_argument("--opt-ins-on", type=int, metavar="N", help="how many opt-ins this file turns on")
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


def _check_out(path: str | None, endings: Sequence[str]) -> None:
    """Before anything is sent: whether results could be written.

    Raises:
        UsageError: they could not.
    """
    if path is None:
        return
    target = Path(path)
    if target.suffix.lower() not in endings:
        msg = f"--out {target.name!r} ends in none of {', '.join(endings)}"
        raise UsageError(msg)
    if not target.absolute().parent.is_dir():
        msg = f"there is no folder {target.parent.name!r} for --out {target.name!r}; make it first"
        raise UsageError(msg)


def _validate(parsed: argparse.Namespace) -> int:
    from mbtoolkit.validation import validate_contacts  # noqa: PLC0415

    _check_out(parsed.out, (".csv", ".parquet"))
    validation = validate_contacts(_read(parsed))
    print(validation)
    if parsed.out:
        if parsed.out.lower().endswith(".csv"):
            validation.issues.write_csv(parsed.out)
        else:
            validation.issues.write_parquet(parsed.out)
        print(f"issues written to {parsed.out}")
    return ALL_STORED if validation.ok else SOME_NOT


def _push(parsed: argparse.Namespace) -> int:
    from mbtoolkit.client import Client  # noqa: PLC0415

    _check_out(parsed.out, (".xlsx", ".csv", ".parquet"))
    options = {"base_url": parsed.base_url, "list_id": parsed.list_id}
    with Client.from_env(**{name: value for name, value in options.items() if value is not None}) as client:
        options = {"opt_ins_on": parsed.opt_ins_on, "clear": parsed.clear, "max_concurrency": parsed.max_concurrency}
        return _code(_upsert(_read(parsed), client, parsed, **options))


def _upsert(contacts: Any, client: Any, parsed: argparse.Namespace, **options: Any) -> Any:
    """Sends, says what became of the rows, writes the results; returns them.

    Raises:
        UsageError: see `upsert_contacts`.
    """
    from mbtoolkit.results import summarize, write_results  # noqa: PLC0415
    from mbtoolkit.upserts import upsert_contacts  # noqa: PLC0415

    try:
        results = upsert_contacts(contacts, client, progress=not parsed.no_progress, **options)
    except ConsentError as error:
        msg = str(error).replace("opt_ins_on=", "--opt-ins-on ")
        raise UsageError(msg) from None
    shown = results.select(_SHOWN).group_by("mb_status", maintain_order=True).head(3).select(_SHOWN)
    print_table(shown, f"The first rows of each status, of {results.height:,}")
    print_table(summarize(results).drop("example"), "What became of the rows")
    for status, reason, example in summarize(results).select("mb_status", "reason", "example").iter_rows():
        if status != "succeeded" and example:
            print(_wrapped(f"{status}, {reason}: {example}"))
    if parsed.out:
        print(f"results written to {write_results(results, parsed.out)}")
    return results


def _code(results: Any) -> int:
    return ALL_STORED if (results["mb_status"] == "succeeded").all() else SOME_NOT


def _wrapped(text: str) -> str:
    import textwrap  # noqa: PLC0415

    return textwrap.fill(text, WIDTH, initial_indent="  ", subsequent_indent="    ")


def print_table(frame: Any, title: str) -> None:
    """Prints a frame under a title, in lines of at most 80 characters."""
    import polars as pl  # noqa: PLC0415

    with pl.Config(
        tbl_width_chars=WIDTH,
        tbl_rows=40,
        tbl_cols=-1,
        tbl_hide_dataframe_shape=True,
        tbl_hide_column_data_types=True,
        tbl_formatting="UTF8_FULL_CONDENSED",
        fmt_str_lengths=40,
        thousands_separator=False,
    ):
        print(f"\n{title}\n{frame}")


def _demo(parsed: argparse.Namespace) -> int:
    try:
        from mbtoolkit.sandbox import Sandbox  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UsageError(_NEEDS_SANDBOX) from error
    from mbtoolkit.demo import COUNTRY_COLUMN, as_foretold, sample  # noqa: PLC0415
    from mbtoolkit.reading import read_contacts  # noqa: PLC0415
    from mbtoolkit.upserts import count_opt_ins  # noqa: PLC0415
    from mbtoolkit.validation import validate_contacts  # noqa: PLC0415

    _check_out(parsed.out, (".xlsx", ".csv", ".parquet"))
    contacts = read_contacts(sample("contacts.csv"), mapping=sample("mapping.toml"), default_country=COUNTRY_COLUMN)
    validation = validate_contacts(contacts)
    print(f"The sample: {validation.headline}.")
    # The sample's people are made up; a file of real ones states a count that a person has looked at.
    opt_ins_on = count_opt_ins(validation.valid)
    with Sandbox() as crm, crm.client() as client:
        print(f"A sandbox CRM is at {crm.base_url}; it runs only for this demo.")
        results = _upsert(contacts, client, parsed, opt_ins_on=opt_ins_on)
        stored = crm.contacts().height
        foretold = "as" if as_foretold(results) else "NOT as"
        print(f"\nEvery row ended {foretold} the sample's known answers say.")
        print(f"The sandbox holds {stored:,} contacts: rows that share an identifier became one.")
        if parsed.keep:
            print(f"Look at it: {crm.page_url}\nCtrl-C ends it.")
            _wait_for_interrupt()
    return ALL_STORED if as_foretold(results) else SOME_NOT


def _wait_for_interrupt() -> None:
    import threading  # noqa: PLC0415

    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print()


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
