"""The shell commands."""

from mbtoolkit.cli.shell import main

__all__ = ["main"]
