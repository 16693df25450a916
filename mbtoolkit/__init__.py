"""From a messy table of contacts into the MainBrainer CRM, every row accounted for.

    contacts = read_contacts("contacts.csv")
    with Client.from_env() as client:
        results = upsert_contacts(contacts, client)

The names are listed in `__init__.pyi`. Each loads when it is first used, so `import mbtoolkit` costs next to nothing.
"""

import lazy_loader

from mbtoolkit.version import __version__ as __version__

__getattr__, __dir__, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = [name for name in _names if name != "sandbox"]  # that needs an extra, `from mbtoolkit import *` must not
