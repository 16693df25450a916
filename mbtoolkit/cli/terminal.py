"""What is said in a terminal or a log: it fits 80 columns, and no fault of the output costs what was done."""

from __future__ import annotations

import io
import os
import re
import sys
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from mbtoolkit.errors import RecordWarning, SourceWarning

WIDTH: Final = 80
"""Characters a line of a table has at the most."""

_ARGUMENT: Final = re.compile(
    r"\b(base_url|batch_size|clear|default_country|encoding|list_id|max_concurrency|opt_ins_on|run_dir|separator|sheet"
    r"|time_zone)=(\.\.\.)?"
)
"""An argument of the toolkit's functions that is an option here too."""


def make_ready() -> None:
    """Makes the standard streams such that nothing said can fail for its characters."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What the terminal has no character for must not cost the rest of what is said.
        sys.stdout.reconfigure(errors="replace")
    if sys.stderr is None:
        # Closed by the caller (`2>&-`), which the progress bar and the log do not expect.
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives


def show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    """One line for what was assumed about a source; other warnings by their name."""
    label = "note" if issubclass(category, SourceWarning) else category.__name__
    complain(f"{label}: {in_shell_words(str(message))}")


@contextmanager
def record_watched() -> Iterator[list[str]]:
    """Collects warnings about a run's record, whatever the filters are; they are printed as others are."""
    found: list[str] = []

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if issubclass(category, RecordWarning):
            found.append(str(message))
        show_warning(message, category)

    with warnings.catch_warnings():
        warnings.simplefilter("always", RecordWarning)
        warnings.showwarning = show
        yield found


def say(text: str) -> None:
    """Prints; where nobody reads any more, or the disk is full, what was done for the rows still counts."""
    try:
        print(printable(text), flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            complain(f"the standard output can't be written: {error.strerror}")


def complain(text: str) -> None:
    """Prints to the standard error: for a person in lines that fit, for a log in one."""
    line = printable(f"mbtoolkit: {text}")
    with suppress(OSError):
        print(wrapped(line, other="  ") if sys.stderr.isatty() else line, file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """The text with characters that a terminal would obey written out, as Python writes them."""
    return "".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in text)


def in_shell_words(text: str) -> str:
    """An error's or a rule's text with options named as in the shell: `--sheet` for `sheet=`."""
    text = text.replace("mapping={'E-mail': 'email'}", '--map "E-mail=email"')
    text = text.replace("same_account=True", "--same-account")
    return _ARGUMENT.sub(lambda found: f"--{found[1].replace('_', '-')}{'' if found[2] else ' '}", text)


def wrapped(text: str, first: str = "", other: str = "") -> str:
    """The text in lines of at most 80 characters."""
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=other, break_long_words=False)


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
        say(f"\n{title}\n{frame}")
