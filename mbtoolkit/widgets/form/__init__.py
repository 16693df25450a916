"""A form for one contact."""

from mbtoolkit.widgets.form.form import ContactForm

__all__ = ["ContactForm"]
