"""What each command does: the same functions as in a notebook, from the shell.

Exit codes: 0 all rows are stored (or valid), 1 some are not, or the results could not be written where they were asked
for, or the run's record is incomplete, 2 nothing was sent: the call is wrong, or was interrupted.
"""

from __future__ import annotations

import argparse
import secrets
import shlex
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from mbtoolkit.cli.terminal import complain, in_shell_words, print_table, record_watched, say, wrapped
from mbtoolkit.errors import UsageError

ALL_STORED: Final = 0
SOME_NOT: Final = 1
WRONG_CALL: Final = 2

SOURCE_ROWS: Final = "source_rows"
"""The column that names the rows of the file that were merged into a contact."""

_MEANING: Final = {
    "succeeded": "the CRM says that it is stored",
    "invalid": "not sent: a rule refused it",
    "rejected": "sent, and the CRM refused it",
    "unknown": "sent, and no clear answer came: it may or may not be stored",
    "not_sent": "the run stopped first; sending it again is safe",
    "accepted": "a batch took it in; what became of it is not known yet",
}


def _read(parsed: argparse.Namespace) -> tuple[Any, Any]:
    """The contacts in the file, and what a recipe made of it where one is given.

    Raises:
        UsageError: see `read_contacts` and `Recipe.run`; a --map without an equals sign; or both a recipe and options
            say which column is what.
    """
    from mbtoolkit.reading import read_contacts  # noqa: PLC0415 - `--help` does not wait for polars
    from mbtoolkit.reading.mapping import load_mapping  # noqa: PLC0415

    odd = [each for each in parsed.map if "=" not in each]
    if odd:
        msg = f"--map takes COLUMN=FIELD, such as E-mail=email, not {odd[0]!r}"
        raise UsageError(msg)
    separator = "\t" if parsed.separator == "\\t" else parsed.separator
    source = {"sheet": parsed.sheet, "separator": separator, "encoding": parsed.encoding}
    recipe = _recipe(parsed)
    if recipe is not None and any(step.do == "read_contacts" for step in recipe.steps):
        return _cleaned(recipe.run(parsed.file, **source))
    lines = {column: target for column, _, target in (each.rpartition("=") for each in parsed.map)}
    told = {"mapping": load_mapping(parsed.mapping) | lines, "default_country": parsed.default_country}
    if recipe is None:
        return read_contacts(parsed.file, **told, **source), None
    return _cleaned_and_read(recipe, parsed.file, told, source)


def _cleaned_and_read(recipe: Any, file: str, told: dict[str, Any], source: dict[str, Any]) -> tuple[Any, Any]:
    """The contacts, by a recipe that leaves it to options which column is what, before or after they were read.

    Raises:
        UsageError: see `read_contacts` and `Recipe.run`.
    """
    from mbtoolkit.errors import RecipeError  # noqa: PLC0415
    from mbtoolkit.reading import read_contacts  # noqa: PLC0415

    try:
        contacts = read_contacts(file, **told, **source)
        recipe.check(contacts)
    except RecipeError as error:
        try:
            cleaned = recipe.run(file, **source)
        except RecipeError:
            raise error from None
    else:
        return _cleaned(recipe.run(contacts))
    _say_cleaned(cleaned)
    if cleaned.contacts.height < cleaned.given.height:
        msg = "a recipe that merges rows merges contacts: let it say itself which column is what, by read_contacts"
        raise UsageError(msg)
    return read_contacts(cleaned.contacts, **told), cleaned


def _recipe(parsed: argparse.Namespace) -> Any:
    """The recipe that --recipe names; None where it is not given.

    Raises:
        UsageError: see `Recipe.read`; or it says which column is what, and so do other options.
    """
    if parsed.recipe is None:
        return None
    from mbtoolkit.recipes import Recipe  # noqa: PLC0415

    recipe = Recipe.read(parsed.recipe)
    is_told = parsed.map or parsed.mapping is not None or parsed.default_country is not None
    if is_told and any(step.do == "read_contacts" for step in recipe.steps):
        msg = "the recipe says itself which column is what: leave out --mapping, --map and --default-country"
        raise UsageError(msg)
    return recipe


def _cleaned(cleaned: Any) -> tuple[Any, Any]:
    """The cleaned contacts, in `source_rows` the rows of the file that each of them is; says what each step changed."""
    import polars as pl  # noqa: PLC0415

    _say_cleaned(cleaned)
    contacts = cleaned.contacts
    if contacts.height == cleaned.given.height or SOURCE_ROWS in contacts.columns:
        return contacts, cleaned
    say(wrapped(f"Rows are counted in the cleaned table from here on; {SOURCE_ROWS} names those of the file."))
    rows = cleaned.rows.group_by("into").agg(pl.col("row").cast(pl.String).str.join(", ")).sort("into")
    return contacts.with_columns(rows["row"].alias(SOURCE_ROWS)), cleaned


def _say_cleaned(cleaned: Any) -> None:
    for line in repr(cleaned).splitlines():
        say(wrapped(line, "", "     ") if line.strip() else line)


def _with_recipe_issues(issues: Any, cleaned: Any) -> Any:
    """The issues, and as warnings the cells that a recipe could not read, and that no rule refuses."""
    import polars as pl  # noqa: PLC0415

    if cleaned is None:
        return issues
    left = cleaned.left.with_columns(
        pl.col("into").alias("row"), pl.lit("warning").cast(issues.schema["severity"]).alias("severity")
    )
    new = left.select(issues.columns).join(issues, on=["row", "column"], how="anti", nulls_equal=True)
    return pl.concat([issues, new.unique(["row", "column"], keep="last")]).sort("row", maintain_order=True)


def _check_out(parsed: argparse.Namespace, rows: int = 0, columns: int = 0) -> None:
    """Before anything is sent: whether a frame could be written to --out.

    Raises:
        UsageError: it could not.
    """
    from mbtoolkit.results import check_target  # noqa: PLC0415

    if parsed.out is not None:
        check_target(parsed.out, rows=rows, columns=columns)


def validate(parsed: argparse.Namespace) -> int:
    """Says what is wrong with a file; returns the exit code.

    Raises:
        UsageError: the call is wrong; nothing was sent.
    """
    from mbtoolkit.results import write_issues  # noqa: PLC0415
    from mbtoolkit.validation import validate_contacts  # noqa: PLC0415

    _check_out(parsed)
    contacts, cleaned = _read(parsed)
    validation = validate_contacts(contacts)
    validation = replace(validation, issues=_with_recipe_issues(validation.issues, cleaned))
    if parsed.out is not None:
        write_issues(validation.issues, parsed.out)
    say(validation.headline)
    for rule, severity, rows, column, first_row, message in validation.counts.iter_rows():
        say(f"  {rows:>7,}  {severity:<7}  {rule}  (first in row {first_row})")
        told = in_shell_words(f"{column} {message}" if column else message)
        say(wrapped(told, " " * 11, " " * 11))
    if not validation.issues.is_empty():
        say("Rows are counted from 0, the header line apart.")
    if parsed.out is not None:
        say(f"issues written to {parsed.out}")
    return ALL_STORED if validation.ok else SOME_NOT


def push(parsed: argparse.Namespace) -> int:
    """Sends a file, and says what became of its rows; returns the exit code.

    Raises:
        UsageError: the call is wrong; nothing was sent.
    """
    from mbtoolkit.runs import SendOptions  # noqa: PLC0415

    _check_push(parsed)
    _check_out(parsed)
    with _ended_like_ctrl_c(), _client(parsed) as client:
        if parsed.resume is not None:
            return _resume(client, parsed)
        options = {
            "opt_ins_on": parsed.opt_ins_on,
            "clear": parsed.clear,
            "limits": _limits(parsed),
            "options": SendOptions(
                via=parsed.via,
                batch_size=parsed.batch_size,
                learn_contact_ids=parsed.contact_ids,
                max_concurrency=10 if parsed.max_concurrency is None else parsed.max_concurrency,
                run_dir=parsed.run_dir,
            ),
        }
        results, is_saved = _upsert(_read(parsed)[0], client, parsed, **options)
        _say_how_to_go_on(results, parsed)
        return ALL_STORED if is_saved and (results["mb_status"] == "succeeded").all() else SOME_NOT


def _client(parsed: argparse.Namespace) -> Any:
    """The client that the environment and the options tell of.

    Raises:
        UsageError: see `Client.from_env`.
    """
    from mbtoolkit.client import Client  # noqa: PLC0415

    options = {"base_url": parsed.base_url, "list_id": parsed.list_id}
    return Client.from_env(**{name: value for name, value in options.items() if value is not None})


def _check_push(parsed: argparse.Namespace) -> None:
    """Raises:
    UsageError: there is neither a file nor a run to resume.
    """
    if parsed.file is None and parsed.resume is None:
        msg = "push takes a FILE, or --resume RUN (mbtoolkit runs lists them)"
        raise UsageError(msg)


def _resume(client: Any, parsed: argparse.Namespace) -> int:
    """Goes on with a run; returns the exit code.

    Raises:
        MbtoolkitError: see `Run.resume`.
    """
    from mbtoolkit.runs import Run  # noqa: PLC0415

    run = Run.open(parsed.resume, parsed.run_dir)
    contacts = None if parsed.file is None else _read(parsed)[0]
    options = None
    if parsed.max_concurrency is not None:
        options = replace(run.options, max_concurrency=parsed.max_concurrency)
    with record_watched() as incomplete:
        results = run.resume(
            client,
            contacts=contacts,
            limits=_limits(parsed),
            options=options,
            same_account=parsed.same_account,
            progress=not parsed.no_progress,
        )
    is_saved = _report(results, parsed) and not incomplete
    _say_how_to_go_on(results, parsed)
    return ALL_STORED if is_saved and (results["mb_status"] == "succeeded").all() else SOME_NOT


def _say_how_to_go_on(results: Any, parsed: argparse.Namespace) -> None:
    """Names the run where it left something to do."""
    left = results.filter(
        results["mb_status"].cast(results["mb_code"].dtype).is_in(["accepted", "not_sent", "unknown"])
    )
    if not left.is_empty():
        said = {
            "run-dir": parsed.run_dir,
            "limits": parsed.limits,
            "time-zone": parsed.time_zone,
            "base-url": parsed.base_url,
        }
        words = "".join(f" --{name} {shlex.quote(value)}" for name, value in said.items() if value is not None)
        with suppress(KeyboardInterrupt):
            say(f"\nTo go on with what is left:  mbtoolkit push --resume {left['mb_run_id'][0]}{words}")


def runs(parsed: argparse.Namespace) -> int:
    """Lists the runs on record, cancels or removes one; returns the exit code.

    Raises:
        MbtoolkitError: there is no such run, or it can't be removed.
    """
    from mbtoolkit.runs import Run, list_runs  # noqa: PLC0415

    if parsed.cancel is not None:
        Run.open(parsed.cancel, parsed.run_dir).cancel()
        say(f"{parsed.cancel} is cancelled; nothing more of it is sent.")
    elif parsed.purge is not None:
        Run.open(parsed.purge, parsed.run_dir).purge()
        say(f"The record of {parsed.purge} is removed, with the contacts in it.")
    else:
        _tell_runs(list_runs(parsed.run_dir), parsed)
    return ALL_STORED


def _tell_runs(found: Any, parsed: argparse.Namespace) -> None:
    """Prints the runs, and how to go on with the newest that left something to do."""
    if found.is_empty():
        say("There is no run on record.")
        return
    say(f"{'run':<36}  {'state':<10} {'rows':>10} {'open':>7}  began (UTC)")
    for line in found.iter_rows(named=True):
        began = f"{line['began_at']:%m-%d %H:%M}"
        if line["rows"] is None:
            rows = left = "-"
        else:
            rows = f"{line['rows']:,}"
            left = f"{sum(line[status] for status in ('accepted', 'not_sent', 'unknown')):,}"
        say(f"{line['run_id']}  {line['state']:<10} {rows:>10} {left:>7}  {began}")
    where = f" --run-dir {shlex.quote(parsed.run_dir)}" if parsed.run_dir is not None else ""
    unfinished = found.filter(found["state"].is_in(["died", "stopped"]))
    if not unfinished.is_empty():
        say(f"\nTo go on with it:  mbtoolkit push --resume {unfinished['run_id'][0]}{where}")
    remains = found.filter(found["state"].is_in(["half_made", "unreadable"]))
    if not remains.is_empty():
        say(
            "\nhalf_made: it died before anything was sent. unreadable: damaged, or of another\n"
            "version. Both can hold contacts. To remove one:\n"
            f"  mbtoolkit runs --purge {remains['run_id'][0]}{where}"
        )


def _limits(parsed: argparse.Namespace) -> Any:
    """The limits as `upsert_contacts` takes them, with the account's time zone.

    Raises:
        UsageError: there is no such zone, or a zone without limits.
    """
    from mbtoolkit.client.limits import ACCOUNT_LIMITS  # noqa: PLC0415

    if parsed.time_zone is None:
        return parsed.limits
    if parsed.limits not in ACCOUNT_LIMITS:
        msg = f"--time-zone sets when the account's day ends; give --limits too ({', '.join(ACCOUNT_LIMITS)})"
        raise UsageError(msg)
    return replace(ACCOUNT_LIMITS[parsed.limits], time_zone=parsed.time_zone)


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
    """Sends, writes the results, says what became of the rows; returns them, and whether they and the run's record are
    where they should be.

    Raises:
        UsageError: see `upsert_contacts`, `check_target`.
    """
    from mbtoolkit.schemas.frames import RESULTS  # noqa: PLC0415
    from mbtoolkit.upserts import upsert_contacts  # noqa: PLC0415

    _check_out(parsed, contacts.height, contacts.width + len(RESULTS))
    with record_watched() as incomplete:
        results = upsert_contacts(contacts, client, progress=not parsed.no_progress, **options)
    return results, _report(results, parsed) and not incomplete


def _report(results: Any, parsed: argparse.Namespace) -> bool:
    """Writes the results, and says what became of the rows; whether they are where they should be."""
    # First of all, for a terminal can fail in many ways.
    is_saved = parsed.out is None or _save(results, parsed.out)
    with suppress(KeyboardInterrupt):
        _tell(results)
        if parsed.out is not None and is_saved:
            say(f"\nresults written to {parsed.out}")
    return is_saved


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
    complain(f"the rows were sent, but their results are not where they should be: {why}")
    for folder in (Path(), Path(tempfile.gettempdir())):
        with suppress(UsageError):
            kept = write_results(results, folder / f"mbtoolkit-results-{secrets.token_hex(4)}.parquet")
            complain(f"they are in {kept.absolute()} instead")
            return False
    complain("they could not be written anywhere else either; what is printed is all that is left of them")
    return False


def _tell(results: Any) -> None:
    """Says what became of the rows."""
    from mbtoolkit.results import summarize  # noqa: PLC0415
    from mbtoolkit.schemas.frames import ROW  # noqa: PLC0415

    if results.is_empty():
        say("There was no contact to send.")
        return
    shown = results.group_by("mb_status", maintain_order=True).head(3)
    columns = [ROW, "mb_status", "mb_contact_id", "mb_http_status", "mb_code"]
    print_table(shown.select(columns), f"The first rows of each status, of {results.height:,} ({ROW} counts from 0):")
    summary = summarize(results)
    print_table(summary.drop("example"), "What became of the rows:")
    for status in summary["mb_status"].unique(maintain_order=True):
        say(f"  {status:<9}  {_MEANING.get(status, '')}")
    examples = summary.filter(summary["example"].is_not_null() & summary["reason"].is_not_null())
    if not examples.is_empty():
        say("\nReasons, the commonest first:")
    for status, reason, example in examples.select("mb_status", "reason", "example").iter_rows():
        say(wrapped(in_shell_words(f"{status}, {reason}: {example}"), "  ", "    "))


def demo(parsed: argparse.Namespace) -> int:
    """Pushes the sample into a sandbox; returns the exit code.

    Raises:
        UsageError: the call is wrong; nothing was sent.
    """
    try:
        from mbtoolkit.sandbox import Sandbox  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UsageError(_NEEDS_SANDBOX) from error
    from mbtoolkit.cli.demo import COUNTRY_COLUMN, as_foretold, sample  # noqa: PLC0415
    from mbtoolkit.reading import read_contacts  # noqa: PLC0415
    from mbtoolkit.upserts import count_opt_ins  # noqa: PLC0415
    from mbtoolkit.validation import validate_contacts  # noqa: PLC0415

    _check_out(parsed)
    contacts = read_contacts(sample("contacts.csv"), mapping=sample("mapping.toml"), default_country=COUNTRY_COLUMN)
    validation = validate_contacts(contacts)
    say(f"The sample is a table of made-up people, with the mistakes that tables have.\n{validation.headline}.")
    # The sample's people are made up; a file of real ones states a count that a person has looked at.
    opt_ins_on = count_opt_ins(validation.valid)
    with Sandbox() as crm, crm.client() as client:
        say(f"A sandbox CRM is at {crm.base_url}; it runs only for this demo.")
        results, is_saved = _upsert(contacts, client, parsed, opt_ins_on=opt_ins_on)
        stored = crm.contacts().height
        foretold = "as" if as_foretold(results) else "NOT as"
        say(f"\nEvery row ended {foretold} the sample's known answers say.")
        say(f"The sandbox holds {stored:,} contacts: rows that share an identifier became one.")
        if parsed.keep:
            say(f"Look at it: {crm.page_url}\nCtrl-C ends it.")
            _wait_for_interrupt()
        else:
            say(_LOOK_CLOSER)
    return ALL_STORED if is_saved and as_foretold(results) else SOME_NOT


def _wait_for_interrupt() -> None:
    import threading  # noqa: PLC0415

    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        say("")


_LOOK_CLOSER: Final = """
To see every row's result:      mbtoolkit demo --out results.xlsx
To see what the sandbox holds:  mbtoolkit demo --keep"""
_NEEDS_SANDBOX: Final = 'the sandbox needs one more package: pip install "mbtoolkit[sandbox]"'


def sandbox(parsed: argparse.Namespace) -> int:
    """Runs a sandbox until Ctrl-C; returns the exit code.

    Raises:
        UsageError: the call is wrong; nothing was sent.
    """
    try:
        from mbtoolkit.sandbox.command import serve  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UsageError(_NEEDS_SANDBOX) from error
    try:
        serve(port=parsed.port, db=parsed.db, limits=parsed.limits, token=parsed.token, faults=parsed.faults)
    except (ValueError, OSError) as error:
        raise UsageError(str(error)) from error
    return ALL_STORED
