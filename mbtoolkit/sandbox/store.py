"""What the sandbox remembers: contacts, lists and properties in SQLite. It stores, and decides nothing."""

from __future__ import annotations

import os
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mbtoolkit.contacts import FIELDS, Kind
from mbtoolkit.sandbox.bodies import Value

MEMORY: Final = ":memory:"

FIRST_CONTACT_ID: Final = 100_001
"""Generated ids count up from here, so that a small number made up in a test is no contact by accident."""

FORMAT_VERSION: Final = 1
"""Stands in the file's `user_version`; a file of another version is refused."""

COLUMNS: Final = tuple(field.name for field in FIELDS if field.name != "contact_id")
"""The stored fields beside the key, in the order of `contacts.FIELDS`."""

RECENT_KEPT: Final = 50

_SQL_TYPES: Final = {
    Kind.UUID: "TEXT",
    Kind.TEXT: "TEXT",
    Kind.INT32: "INTEGER",
    Kind.INT64: "INTEGER",
    Kind.BOOLEAN: "INTEGER",
}

_SCHEMA: Final = f"""
CREATE TABLE contacts (
    contact_id INTEGER PRIMARY KEY,
    {", ".join(f"{field.name} {_SQL_TYPES[field.kind]}" for field in FIELDS if field.name != "contact_id")},
    email_key TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    upserts INTEGER NOT NULL
);
CREATE INDEX contacts_by_mobile ON contacts (mobile_number, mobile_country_code) WHERE mobile_number IS NOT NULL;
CREATE INDEX contacts_by_email ON contacts (email_key) WHERE email_key IS NOT NULL;
CREATE TABLE lists (list_id TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE properties (
    property_key INTEGER PRIMARY KEY,
    property_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE
);
CREATE TABLE contact_properties (
    contact_id INTEGER NOT NULL,
    property_key INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (contact_id, property_key)
) WITHOUT ROWID;
CREATE TABLE counters (next_contact_id INTEGER NOT NULL);
INSERT INTO counters VALUES ({FIRST_CONTACT_ID});
PRAGMA user_version = {FORMAT_VERSION};
"""

_ROW: Final = ", ".join(COLUMNS)
_SELECT_ID: Final = f"SELECT {_ROW} FROM contacts WHERE contact_id = ?"
_SELECT_MOBILE: Final = (
    "SELECT contact_id FROM contacts WHERE mobile_number = ? AND mobile_country_code = ? ORDER BY contact_id LIMIT 1"
)
_SELECT_EMAIL: Final = "SELECT contact_id FROM contacts WHERE email_key = ? ORDER BY contact_id LIMIT 1"
_INSERT: Final = (
    f"INSERT INTO contacts ({_ROW}, email_key, created_at, updated_at, upserts, contact_id)"
    f" VALUES ({', '.join('?' for _ in COLUMNS)}, ?, ?, ?, 1, ?)"
)
_UPDATE: Final = (
    f"UPDATE contacts SET {', '.join(f'{column} = ?' for column in COLUMNS)},"
    " email_key = ?, updated_at = ?, upserts = upserts + 1 WHERE contact_id = ?"
)
_PUT_PROPERTY: Final = (
    "INSERT INTO contact_properties VALUES (?, ?, ?)"
    " ON CONFLICT (contact_id, property_key) DO UPDATE SET value = excluded.value"
)


@dataclass(frozen=True, slots=True)
class Property:
    """One property of the catalogue: the store's own key, the CRM's id, and the name as first spelt."""

    key: int
    property_id: str
    name: str


@dataclass(frozen=True, slots=True)
class StoredContact:
    """One contact as it is stored.

    Attributes:
        contact_id: its id.
        values: by column name, all the stored fields beside the id; booleans are 0, 1 or None.
    """

    contact_id: int
    values: dict[str, Value]


def email_key(email: Value) -> str | None:
    """What an e-mail is found by: its lower-case form; None for none and for an empty one."""
    return email.lower() if isinstance(email, str) and email else None


def property_name_key(name: str) -> str:
    """What a property is found by: its name without regard to case and surrounding space."""
    return name.strip().casefold()


class Store:
    """The contacts, on one connection, for one thread.

    A file belongs to one sandbox at a time: it is locked while it is open.
    """

    def __init__(
        self, db: str | os.PathLike[str], *, lists: Mapping[str, str] | None, properties: Mapping[str, str] | None
    ) -> None:
        """Opens or creates the store.

        Args:
            db: ":memory:" or a file; a new file is readable by its owner only.
            lists: name -> uuid, added to the ones in the file. None: the default ones, in a new store only.
            properties: the same for the catalogue of properties.

        Raises:
            ValueError: the file is no store of this version, or another sandbox has it open, or an id is no uuid.
        """
        self._db = _open(db)
        self._properties_by_id: dict[str, Property] = {}
        self._properties_by_name: dict[str, Property] = {}
        self.lists: dict[str, str] = {}
        self._list_ids: set[str] = set()
        try:
            self._prepare(lists, properties)
        except BaseException:
            self._db.close()
            raise
        self.count: int = self._db.execute("SELECT count(*) FROM contacts").fetchone()[0]
        recent = self._db.execute("SELECT contact_id FROM contacts ORDER BY contact_id DESC LIMIT ?", (RECENT_KEPT,))
        self._recent: dict[int, None] = dict.fromkeys(reversed([row[0] for row in recent]))
        self._next_id: int = self._db.execute("SELECT next_contact_id FROM counters").fetchone()[0]

    def close(self) -> None:
        """Closes the connection; a store in memory is gone."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything in the block is committed together, or not at all."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def find(self, contact_id: int) -> StoredContact | None:
        """The contact with that id, or None."""
        row = self._db.execute(_SELECT_ID, (contact_id,)).fetchone()
        return None if row is None else StoredContact(contact_id, dict(zip(COLUMNS, row, strict=True)))

    def id_by_mobile(self, country_code: int, number: int) -> int | None:
        """The lowest id among the contacts with that mobile, or None."""
        row = self._db.execute(_SELECT_MOBILE, (number, country_code)).fetchone()
        return None if row is None else int(row[0])

    def id_by_email(self, email: str) -> int | None:
        """The lowest id among the contacts with that e-mail, in any case of letters, or None."""
        row = self._db.execute(_SELECT_EMAIL, (email_key(email),)).fetchone()
        return None if row is None else int(row[0])

    def next_contact_id(self) -> int:
        """An id that no contact has had; it is used up when the transaction commits."""
        while self.find(self._next_id) is not None:
            self._next_id += 1
        generated = self._next_id
        self._next_id += 1
        self._db.execute("UPDATE counters SET next_contact_id = ?", (self._next_id,))
        return generated

    def insert(self, contact_id: int, values: Mapping[str, Value]) -> None:
        """Stores a new contact.

        Args:
            contact_id: an id that no contact has.
            values: by column name; a field that is not in it is null.
        """
        now = time.time_ns() // 1000
        cells = [values.get(column) for column in COLUMNS]
        self._db.execute(_INSERT, (*cells, email_key(values.get("email")), now, now, contact_id))
        self.count += 1
        self._touch(contact_id)

    def update(self, contact_id: int, values: Mapping[str, Value]) -> None:
        """Replaces all stored fields of a contact.

        Args:
            contact_id: an id that is stored.
            values: by column name, all of them.
        """
        cells = [values[column] for column in COLUMNS]
        now = time.time_ns() // 1000
        self._db.execute(_UPDATE, (*cells, email_key(values["email"]), now, contact_id))
        self._touch(contact_id)

    def put_property(self, contact_id: int, found: Property, value: str | None) -> None:
        """Sets one property of a contact; None clears it."""
        if value is None:
            sql = "DELETE FROM contact_properties WHERE contact_id = ? AND property_key = ?"
            self._db.execute(sql, (contact_id, found.key))
        else:
            self._db.execute(_PUT_PROPERTY, (contact_id, found.key, value))

    def clear_properties(self, contact_id: int) -> None:
        """Clears all properties of a contact."""
        self._db.execute("DELETE FROM contact_properties WHERE contact_id = ?", (contact_id,))

    @property
    def list_ids(self) -> set[str]:
        """The ids of the known lists, in lower case."""
        return self._list_ids

    def property_by_id(self, property_id: str) -> Property | None:
        """The property with that id (lower case), or None."""
        return self._properties_by_id.get(property_id)

    def property_by_name(self, name: str) -> Property | None:
        """The property with that name, without regard to case and surrounding space, or None."""
        return self._properties_by_name.get(property_name_key(name))

    def create_property(self, property_id: str | None, name: str | None) -> Property:
        """Adds a property to the catalogue.

        Args:
            property_id: None makes one up.
            name: None uses the id as the name.
        """
        property_id = property_id or str(uuid.uuid4())
        name = (name or "").strip() or property_id
        cursor = self._db.execute(
            "INSERT INTO properties (property_id, name, name_key) VALUES (?, ?, ?)",
            (property_id, name, property_name_key(name)),
        )
        return self._remember(Property(int(cursor.lastrowid or 0), property_id, name))

    @property
    def properties(self) -> list[Property]:
        """The catalogue, in the order in which it grew."""
        return list(self._properties_by_id.values())

    def contacts(self) -> list[tuple[int | str | None, ...]]:
        """All contacts by id: contact_id, `COLUMNS`, created_at, updated_at (microseconds), upserts."""
        sql = f"SELECT contact_id, {_ROW}, created_at, updated_at, upserts FROM contacts ORDER BY contact_id"
        return self._db.execute(sql).fetchall()

    def contact_properties(self) -> list[tuple[int, int, str]]:
        """All property values: contact_id, property key, value."""
        return self._db.execute("SELECT contact_id, property_key, value FROM contact_properties").fetchall()

    def recent(self) -> list[tuple[StoredContact, int, dict[str, str]]]:
        """The contacts touched last, newest first: the contact, its upserts, its properties by name."""
        names = {found.key: found.name for found in self.properties}
        lines = []
        for contact_id in reversed(self._recent):
            contact = self.find(contact_id)
            if contact is None:
                continue
            upserts = self._db.execute("SELECT upserts FROM contacts WHERE contact_id = ?", (contact_id,)).fetchone()[0]
            sql = "SELECT property_key, value FROM contact_properties WHERE contact_id = ? ORDER BY property_key"
            held = {names[key]: value for key, value in self._db.execute(sql, (contact_id,))}
            lines.append((contact, upserts, held))
        return lines

    def _touch(self, contact_id: int) -> None:
        self._recent.pop(contact_id, None)
        self._recent[contact_id] = None
        if len(self._recent) > RECENT_KEPT:
            del self._recent[next(iter(self._recent))]

    def _remember(self, found: Property) -> Property:
        self._properties_by_id[found.property_id] = found
        self._properties_by_name[property_name_key(found.name)] = found
        return found

    def _prepare(self, lists: Mapping[str, str] | None, properties: Mapping[str, str] | None) -> None:
        is_new = _ensure_schema(self._db)
        for key, property_id, name in self._db.execute("SELECT property_key, property_id, name FROM properties"):
            self._remember(Property(key, property_id, name))
        with self.transaction():
            for name, list_id in _wanted(lists, DEFAULT_LISTS, is_new):
                self._db.execute("INSERT OR IGNORE INTO lists VALUES (?, ?)", (list_id, name))
            for name, property_id in _wanted(properties, DEFAULT_PROPERTIES, is_new):
                if property_id not in self._properties_by_id and self.property_by_name(name) is None:
                    self.create_property(property_id, name)
        self.lists = dict(self._db.execute("SELECT name, list_id FROM lists ORDER BY rowid").fetchall())
        self._list_ids = set(self.lists.values())


def named_ids(kind: str, names: Iterable[str]) -> dict[str, str]:
    """An id for each name, the same on every machine, so that examples can be written down.

    Args:
        kind: keeps equal names of lists and properties apart.
        names: in the order wanted.
    """
    return {name: str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://sandbox.example.com/{kind}/{name}")) for name in names}


DEFAULT_LISTS: Final[Mapping[str, str]] = {
    "Newsletter": "9fc6ad7d-902a-4834-b161-a4911b883d44",
    **named_ids("list", ("Customers", "Event guests")),
}
"""The first one's id is the one that stands in the reference page's sample."""

DEFAULT_PROPERTIES: Final[Mapping[str, str]] = {
    "First name": "8e8b8450-dc1b-4360-8109-7067337b42cb",
    **named_ids(
        "property",
        ("Last name", "Company", "Title", "Address", "Postcode", "City", "Country", "Language", "Birthday", "Notes"),
    ),
}
"""The first one's id is the one that stands in the reference page's sample."""


def _wanted(given: Mapping[str, str] | None, default: Mapping[str, str], is_new: bool) -> Iterator[tuple[str, str]]:
    chosen = given if given is not None else (default if is_new else {})
    for name, identifier in chosen.items():
        try:
            yield name, str(uuid.UUID(identifier))
        except ValueError:
            msg = f"the id of {name!r} is {identifier!r}, which is no uuid"
            raise ValueError(msg) from None


def _open(db: str | os.PathLike[str]) -> sqlite3.Connection:
    if str(db) != MEMORY:
        path = Path(db)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o600))
    return sqlite3.connect(db, isolation_level=None, timeout=1.0, cached_statements=64)


def _ensure_schema(db: sqlite3.Connection) -> bool:
    """Creates the tables where there are none. Returns whether it did.

    Raises:
        ValueError: the file holds something else, or is open elsewhere.
    """
    try:
        # One owner: the counters and the catalogue are also kept in memory.
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("BEGIN IMMEDIATE")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        db.execute("COMMIT")
    except sqlite3.DatabaseError as error:
        msg = f"the sandbox can't use this file: {error}"
        raise ValueError(msg) from error
    is_new = not version and not tables
    if not is_new and version != FORMAT_VERSION:
        msg = f"the file is no sandbox store of version {FORMAT_VERSION}; give another path or remove it"
        raise ValueError(msg)
    db.execute("PRAGMA journal_mode = WAL")
    # A sandbox outlives a killed process, and need not outlive a power cut.
    db.execute("PRAGMA synchronous = NORMAL")
    if is_new:
        db.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
    return is_new
