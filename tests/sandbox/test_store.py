"""What is kept on disk."""

import sqlite3
import stat

import pytest

from mbtoolkit.sandbox import Behaviour, Sandbox
from mbtoolkit.sandbox.store import DEFAULT_LISTS, DEFAULT_PROPERTIES

LIST = {"Guests": "11111111-1111-4111-8111-111111111111"}
PROPERTY = {"Shoe size": "22222222-2222-4222-8222-222222222222"}


def test_file_is_the_owners_alone(tmp_path, connect):
    path = tmp_path / "crm.sqlite"
    with Sandbox(db=path) as crm:
        connect(crm).id_of(email="ada@example.com")
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}, modes
    assert "crm.sqlite" in modes


def test_contacts_lists_and_properties_outlive_the_sandbox(tmp_path, connect):
    path = tmp_path / "crm.sqlite"
    behaviour = Behaviour(unknown_property="created")
    with Sandbox(db=path, lists=LIST, properties=PROPERTY, behaviour=behaviour) as crm:
        sender = connect(crm)
        entries = [
            {"propertyName": "Shoe size", "propertyValue": "43"},
            {"propertyName": "Made up", "propertyValue": "x"},
        ]
        first = sender.id_of(email="ada@example.com", listId=crm.list_id, propertyFields=entries)
        sender.id_of(email="ADA@example.com", emailOptIn=True)
        before, properties = crm.contacts(), crm.properties
    with Sandbox(db=path) as crm:
        assert crm.contacts().equals(before)
        assert (crm.lists, crm.properties) == (LIST, properties)
        assert list(crm.properties) == ["Shoe size", "Made up"]
        sender = connect(crm)
        assert sender.id_of(email="ada@example.com") == first
        assert sender.id_of(email="bo@example.com", listId=crm.list_id) == first + 1
        assert crm.contacts()["upserts"].to_list() == [3, 1]


def test_lists_given_later_are_added(tmp_path):
    path = tmp_path / "crm.sqlite"
    with Sandbox(db=path):
        pass
    with Sandbox(db=path, lists=LIST, properties=PROPERTY) as crm:
        assert crm.lists == {**DEFAULT_LISTS, **LIST}
        assert crm.properties == {**DEFAULT_PROPERTIES, **PROPERTY}


def test_memory_is_forgotten(connect):
    crm = Sandbox()
    with crm:
        connect(crm).id_of(email="ada@example.com")
    with crm:
        assert crm.contacts().height == 0


@pytest.mark.slow
def test_one_file_serves_one_sandbox(tmp_path):
    path = tmp_path / "crm.sqlite"
    with Sandbox(db=path), pytest.raises(ValueError, match="locked"):
        Sandbox(db=path).start()


def test_file_of_something_else_is_refused_and_left_alone(tmp_path):
    text, other = tmp_path / "notes.txt", tmp_path / "other.sqlite"
    text.write_text("these are my notes, and they are longer than a header of SQLite would be\n" * 20)
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE mine (x)")
    connection.commit()
    connection.close()
    before = text.read_bytes()
    for path in (text, other):
        with pytest.raises(ValueError, match="file"):
            Sandbox(db=path).start()
    assert text.read_bytes() == before
    connection = sqlite3.connect(other)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("mine",)]
    connection.close()
    with pytest.raises(OSError, match="missing"):
        Sandbox(db=tmp_path / "missing" / "crm.sqlite").start()


def test_list_id_that_is_no_uuid_is_refused():
    with pytest.raises(ValueError, match="'Guests' is 'x', which is no uuid"):
        Sandbox(lists={"Guests": "x"}).start()


def test_defaults_hold_the_ids_of_the_reference_page(crm):
    assert crm.list_id == "9fc6ad7d-902a-4834-b161-a4911b883d44"
    assert crm.properties["First name"] == "8e8b8450-dc1b-4360-8109-7067337b42cb"


def test_sandbox_without_lists_says_so():
    with Sandbox(lists={}) as crm, pytest.raises(LookupError):
        _ = crm.list_id
