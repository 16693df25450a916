"""A person's hands in a notebook: widgets over the functions that a cell would call.

A widget holds no logic: it calls the functions of the rooms below and hands its state back as a value. What it shows of
contacts travels in messages and is no part of its saved state.
"""

from mbtoolkit.widgets.form import ContactForm
from mbtoolkit.widgets.grid import ContactGrid
from mbtoolkit.widgets.panel import PushPanel

__all__ = ["ContactForm", "ContactGrid", "PushPanel"]
