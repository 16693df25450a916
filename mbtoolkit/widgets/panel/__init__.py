"""`PushPanel`: a table into the CRM, step by step, by clicking."""

from mbtoolkit.widgets.panel.panel import PushPanel

__all__ = ["PushPanel"]
