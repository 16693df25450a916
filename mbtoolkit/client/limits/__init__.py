"""The account's request budget: kept by counting, shared by all processes of the user that use one token.

A request counts from the moment it may go until a whole window after its *answer*. Whatever the CRM's window is (fixed
or sliding) and however long the way, it then never sees more requests in one window than the account is granted: of the
requests that it counts in any window, the one sent last was sent when all the others still counted here.
"""

from mbtoolkit.client.limits.budget import LONGEST_WAIT_SECONDS, Budget
from mbtoolkit.client.limits.history import History, Later
from mbtoolkit.client.limits.limits import ACCOUNT_LIMITS, SMALLEST, UNLIMITED, Limits, limits_of
from mbtoolkit.client.limits.store import state_dir, with_home

__all__ = [
    "ACCOUNT_LIMITS",
    "LONGEST_WAIT_SECONDS",
    "SMALLEST",
    "UNLIMITED",
    "Budget",
    "History",
    "Later",
    "Limits",
    "limits_of",
    "state_dir",
    "with_home",
]
