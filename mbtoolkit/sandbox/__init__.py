"""The CRM's twin: a server with the same operations, limits and faults, on this machine."""

from mbtoolkit.sandbox.behaviour import Behaviour
from mbtoolkit.sandbox.faults import Fault
from mbtoolkit.sandbox.handle import Sandbox
from mbtoolkit.sandbox.limits import RequestLimits
from mbtoolkit.sandbox.tokens import Credentials

__all__ = ["Behaviour", "Credentials", "Fault", "RequestLimits", "Sandbox"]
