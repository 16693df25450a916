"""Canaries for token, e-mail and mobile appear nowhere but where they were asked for."""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
import traceback

import polars as pl
import pytest
from pandera.errors import SchemaError, SchemaErrors

from mbtoolkit import ContactSchema, errors, upsert_contact, upsert_contacts, validate_contacts
from mbtoolkit.client import Client

TOKEN, EMAIL, MOBILE = "canary-token-8541", "canary-email-8541", 7700908541
CANARIES = (TOKEN, EMAIL, str(MOBILE))


def assert_none(text, canaries=CANARIES):
    assert [canary for canary in canaries if canary in text] == []


@pytest.fixture
def frame():
    return pl.DataFrame(
        {
            "email": [f"{EMAIL}@example.com", f"{EMAIL}@@example", f"{EMAIL}@example.com"],
            "mobile_country_code": [44, 44, 0],
            "mobile_number": [MOBILE, MOBILE, MOBILE],
            "email_opt_in": ["no", f"{EMAIL}", "yes"],
        }
    )


def test_logs_at_debug_hold_no_canary(crm, frame, caplog, capfd):
    with caplog.at_level(logging.DEBUG), Client(crm.base_url, TOKEN) as client:
        upsert_contacts(frame, client)
        crm.fail("reset", times=1)
        with pytest.raises(errors.UnauthorizedError):
            upsert_contact({"email": f"{EMAIL}@example.com"}, client)
    assert_none(caplog.text)
    assert_none("".join(capfd.readouterr()))


def test_reprs_hold_no_canary(crm, frame):
    client = Client(crm.base_url, TOKEN)
    validation = validate_contacts(frame)
    assert_none(f"{client!r}{client.settings!r}{validation!r}{validation}{validation._repr_html_()}")


def test_errors_of_the_schema_quote_no_cells(frame):
    with pytest.raises(SchemaErrors) as all_errors:
        ContactSchema.validate(frame, lazy=True)
    with pytest.raises(SchemaError) as first:
        ContactSchema.validate(frame)
    for caught in (all_errors, first):
        assert_none(str(caught.value))
        assert_none("".join(traceback.format_exception(caught.value)))


def test_errors_of_a_contact_quote_no_values(client):
    for contact in (
        {"email": f"{EMAIL}@@x"},
        {"email": "a@example.com", "mobile_number": MOBILE},
        {EMAIL[:0] + "x": EMAIL},
    ):
        with pytest.raises(errors.InvalidContactError) as caught:
            upsert_contact(contact, client)
        assert_none("".join(traceback.format_exception(caught.value)))
        with pytest.raises(errors.InvalidContactError) as caught:
            upsert_contact(contact | {"contact_id": EMAIL}, client)
        assert_none("".join(traceback.format_exception(caught.value)))


def test_a_client_can_not_be_pickled(crm):
    with pytest.raises((TypeError, pickle.PicklingError)):
        pickle.dumps(Client(crm.base_url, TOKEN))


VERBOSE = """
from IPython.core.ultratb import VerboseTB
import sys
from mbtoolkit import Client, upsert_contact
from mbtoolkit.errors import CrmError

client = Client(sys.argv[1], sys.argv[2], attempts=1)
try:
    upsert_contact({"contact_id": 1}, client)
except CrmError:
    print(VerboseTB().text(*sys.exc_info()))
client.close()
"""


@pytest.mark.parametrize("answering", [True, False], ids=["401", "no connection"])
def test_verbose_tracebacks_hold_no_token(crm, answering):
    if not answering:
        crm.go_offline()
    done = subprocess.run(
        [sys.executable, "-c", VERBOSE, crm.base_url, TOKEN], capture_output=True, text=True, check=True, timeout=60
    )
    assert "Error" in done.stdout
    assert_none(done.stdout + done.stderr)


REFUSED = """
from IPython.core.ultratb import VerboseTB
import sys
from mbtoolkit import AsyncClient, Client
from mbtoolkit.errors import SettingsError

def tell(error):
    # The frame below is the caller's own, who wrote the token there.
    print(VerboseTB().text(type(error), error, error.__traceback__.tb_next))

for kind in (Client, AsyncClient):
    for options in OPTIONS:
        try:
            kind(**options)
        except SettingsError as error:
            tell(error)
        try:
            kind.from_env(**options)
        except SettingsError as error:
            tell(error)
"""


@pytest.mark.parametrize(
    "options",
    [
        {"base_url": "http://example.com", "token": TOKEN},
        {"list_id": "x", "token": TOKEN},
        {"token": TOKEN + "\n"},
        {"token": [TOKEN]},
        {"timeout_seconds": "30", "token": TOKEN},
        {"base_url": "http://example.com"},
        {"base_url": 5},
    ],
    ids=" ".join,
)
def test_verbose_tracebacks_of_a_refused_client_hold_no_token(options):
    code = REFUSED.replace("OPTIONS", f"[{options!r}]")
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=os.environ | {"MBTOOLKIT_TOKEN": TOKEN},
    )
    assert done.stdout.count("SettingsError") >= 4
    assert "<Client, not made>" in done.stdout
    assert_none(done.stdout.replace(f"OPTIONS = [{options!r}]", "") + done.stderr)
