"""`contacts.FIELDS` is the only description of a field: one more line there, and the field is everywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAST = '    Field("email_opt_in", "emailOptIn", Kind.BOOLEAN, "E-mail opt-in", "Consent to e-mails."),\n'
EIGHTH = '    Field("loyalty_points", "loyaltyPoints", Kind.INT32, "Loyalty points", "Points so far.", least=10),\n'

PROGRAM = """
import json
import polars as pl
from mbtoolkit import ContactSchema, build_payloads, read_contacts, upsert_contacts, validate_contacts
from mbtoolkit.sandbox import Sandbox
from mbtoolkit.sandbox.openapi import contact_schema
from mbtoolkit.widgets import ContactForm, ContactGrid

table = b"E-mail,Points\\nada@example.com,12\\nben@example.com,9\\ncy@example.com,many\\ndee@example.com,3000000000\\n"
contacts = read_contacts(table, mapping={"E-mail": "email", "Points": "loyaltyPoints"})
validation = validate_contacts(contacts)
with Sandbox() as crm, crm.client() as client:
    results = upsert_contacts(contacts, client, progress=False)
    stored = crm.contacts().select("email", "loyalty_points").rows()
    form = ContactForm(client)
    form.fill({"email": "ada@example.com", "loyalty_points": 12})
    drawn, payload = repr(form.render()), form.payload
grid = ContactGrid(contacts)
print(json.dumps({
    "schema": str(ContactSchema.to_schema().columns["loyalty_points"].dtype),
    "contacts": str(contacts.schema["loyalty_points"]),
    "issues": validation.issues.select("row", "column", "rule").rows(),
    "payloads": build_payloads(validation.valid)["payload"].to_list(),
    "statuses": results["mb_status"].cast(pl.String).to_list(),
    "stored": stored,
    "openapi": contact_schema()["properties"]["loyaltyPoints"],
    "drawn": "in-loyalty_points" in drawn and "Loyalty points" in drawn,
    "form": json.loads(payload),
    "labels": [column.label for column in grid.edits.columns],
}))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What a package with the eighth field says of it."""
    folder = tmp_path_factory.mktemp("package")
    shutil.copytree(ROOT / "mbtoolkit", folder / "mbtoolkit", ignore=shutil.ignore_patterns("__pycache__"))
    contacts = folder / "mbtoolkit" / "contacts.py"
    text = contacts.read_text(encoding="utf-8")
    assert LAST in text
    contacts.write_text(text.replace(LAST, LAST + EIGHTH), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "MBTOOLKIT_STATE_DIR": str(folder / "state")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_the_schema_and_the_frame_have_it_in_its_type(found):
    assert found["schema"] == "Int32"
    assert found["contacts"] == "Int32"


def test_its_rules_are_the_table_s(found):
    assert found["issues"] == [
        [1, "loyalty_points", "out_of_range"],
        [2, "loyalty_points", "not_an_integer"],
        [3, "loyalty_points", "out_of_range"],
    ]


def test_it_is_sent_and_stored(found):
    assert found["payloads"] == ['{"email":"ada@example.com","loyaltyPoints":12}']
    assert found["statuses"] == ["succeeded", "invalid", "invalid", "invalid"]
    assert found["stored"] == [["ada@example.com", 12]]


def test_the_sandbox_documents_it(found):
    assert found["openapi"]["description"] == "Points so far."
    assert "int32" in json.dumps(found["openapi"])


def test_form_and_grid_have_it(found):
    assert found["drawn"]
    assert found["form"] == {"email": "ada@example.com", "loyaltyPoints": 12}
    assert "Loyalty points" in found["labels"]
