"""A person's hands in a notebook: widgets over the functions that a cell would call.

A widget holds no logic: it calls `drafting`, `editing`, `reading`, `upserts` and hands its state back as a value. What
it shows of contacts travels in messages and is no part of its saved state.
"""

from mbtoolkit.widgets.form import ContactForm

__all__ = ["ContactForm"]
