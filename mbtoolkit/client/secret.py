"""Texts that nobody sees who did not ask: tokens and passwords."""

from __future__ import annotations

from typing import NoReturn


class Secret:
    """A text that shows itself to nobody who did not ask: not in repr, str, format, logs or pickles."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def of(cls, text: str | Secret) -> Secret:
        """The secret, if it is one; else one that holds the text."""
        return text if isinstance(text, Secret) else cls(text)

    @classmethod
    def given(cls, text: str | Secret | None) -> Secret | None:
        """The same for a text that may not have been given; None for None."""
        return None if text is None else cls.of(text)

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        """Says that there is a secret, and no more."""
        return "<secret>"

    def __reduce__(self) -> NoReturn:
        """Raises: TypeError, always: a pickle is a file that others read."""
        msg = "a secret is not pickled; make the client anew, for example with Client.from_env()"
        raise TypeError(msg)


def fits_header(text: str) -> bool:
    """Whether a text can stand in a request's header as a token: ASCII, nothing blank, nothing invisible."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text
