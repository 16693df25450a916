"""`FilePushes`: every table that was loaded, and the one that is worked on."""

from __future__ import annotations

import threading
from collections.abc import Hashable

from mbtoolkit.client import AsyncClient, Client
from mbtoolkit.errors import UsageError
from mbtoolkit.schemas import ContactSchema
from mbtoolkit.sessions.editing.locking import locked
from mbtoolkit.sessions.pushing.file_push import FilePush
from mbtoolkit.sessions.pushing.sources import Source


class FilePushes:
    """Every table that was loaded; one that is loaded again is as it was left.

    Args:
        client: where to push to; its settings are used.
        schema: the rules.

    Attributes:
        current: the one that is worked on.
        lock: of all of them.
    """

    def __init__(self, client: Client | AsyncClient, *, schema: type[ContactSchema] = ContactSchema) -> None:
        self.lock = threading.RLock()
        self.client = client
        self.schema = schema
        self.current: FilePush | None = None
        self._loaded: dict[Hashable, FilePush] = {}

    @locked
    def load(self, source: Source) -> None:
        """Loads a table, or goes back to it. What was chosen for a table with the same columns is chosen for it too.

        Raises:
            SourceError: it can't be read as a table.
            UsageError: a push of another table is on its way.
        """
        key = source.key
        push = self._loaded.get(key)
        if push is not None and push is self.current:
            return
        if self.current is not None and self.current.is_pushing:
            msg = "a push is on its way: wait for it, or cancel it, before something else is loaded"
            raise UsageError(msg)
        if push is None:
            push = FilePush(self.client, source, schema=self.schema, lock=self.lock)
            if self.current is not None:
                push.follow(self.current)
        self.current = self._loaded[key] = push
