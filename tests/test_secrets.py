"""Canaries for token, e-mail and mobile appear nowhere but where they were asked for."""

from __future__ import annotations

import asyncio
import json
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
from mbtoolkit.client import AsyncClient, Client
from mbtoolkit.sandbox import Credentials, Sandbox

TOKEN, EMAIL, MOBILE = "canary-token-8541", "canary-email-8541", 7700908541
PASSWORD, PRIVATE = "canary-password-8541", "canary-private-8541"
CANARIES = (TOKEN, EMAIL, str(MOBILE), PASSWORD, PRIVATE)


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


@pytest.mark.slow
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
import json, sys
from mbtoolkit import AsyncClient, Client
from mbtoolkit.errors import SettingsError

def tell(error):
    # The frame below is the caller's own, who holds the token there.
    print(VerboseTB().text(type(error), error, error.__traceback__.tb_next))

for options in json.load(sys.stdin):
    for kind in (Client, AsyncClient):
        for make in (kind, kind.from_env):
            try:
                make(**options)
            except SettingsError as error:
                tell(error)
            else:
                print("not refused")
"""


def refused(*options, **environment):
    """What a program that gives clients these options prints. It reads them: Python 3.13 prints the source of `-c`."""
    done = subprocess.run(
        [sys.executable, "-c", REFUSED],
        input=json.dumps(options),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={name: text for name, text in os.environ.items() if not name.startswith("MBTOOLKIT_")} | environment,
    )
    assert "not refused" not in done.stdout
    assert done.stdout.count("SettingsError") >= 4 * len(options)
    return done.stdout + done.stderr


@pytest.mark.slow
def test_verbose_tracebacks_of_a_refused_client_hold_no_token():
    printed = refused(
        {"base_url": "http://example.com", "token": TOKEN},
        {"list_id": "x", "token": TOKEN},
        {"token": TOKEN + "\n"},
        {"token": [TOKEN]},
        {"timeout_seconds": "30", "token": TOKEN},
        {"base_url": "http://example.com"},
        {"base_url": 5},
        MBTOOLKIT_TOKEN=TOKEN,
    )
    assert "<Client, not made>" in printed
    assert_none(printed)


PRINTED = """
import asyncio, os, sys, traceback, warnings
from mbtoolkit import AsyncClient, Client, upsert_contact, upsert_contact_async, upsert_contacts
from mbtoolkit.errors import MbtoolkitError

def by_ipython(error):
    from IPython.core.ultratb import VerboseTB
    return VerboseTB(long_header=True).text(type(error), error, error.__traceback__)

def by_cgitb(error):
    warnings.simplefilter("ignore")
    import cgitb
    try:
        return cgitb.text((type(error), error, error.__traceback__), context=25)
    except AttributeError:  # its own: it can't print a TimeoutError
        return ""

def by_rich(error):
    from rich.console import Console
    from rich.traceback import Traceback
    options = {"show_locals": True, "locals_max_length": None, "locals_max_string": None, "locals_hide_dunder": False}
    shown = Traceback.from_exception(type(error), error, error.__traceback__, **options)
    with (console := Console(width=10_000, file=open(os.devnull, "w"))).capture() as capture:
        console.print(shown)
    return capture.get()

def by_tracker(error):
    # As error trackers do: all names of all frames, and what each object holds.
    lines = []
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            for name, value in frame.f_locals.items():
                lines.append(f"{frame.f_code.co_name} {name} {value!r} {getattr(value, '__dict__', None)!r}")
        lines.append(repr(error) + repr(vars(error)))
        error = error.__cause__ or error.__context__
    return "\\n".join(lines)

printers = [by_ipython, by_rich, by_tracker] + [by_cgitb] * (sys.version_info < (3, 13))  # which has no cgitb
base_url = sys.argv[1]
count = 0

def refused(call, *arguments, **options):
    # Prints what is shown of a call that is refused. The token is in no name of this file.
    global count
    try:
        call(*arguments, **options)
    except (MbtoolkitError, TimeoutError) as error:
        count += 1
        for printer in printers:
            print(printer.__name__, printer(error))
    else:
        print("not refused:", call, arguments, options)

def token():
    return os.environ["MBTOOLKIT_TOKEN"]

def client(**options):
    return Client(base_url, token(), attempts=1, **options)

refused(client, list_id="no uuid")
refused(client, timeout_seconds=-1.0)
refused(Client.from_env, base_url="http://example.com")
refused(AsyncClient.from_env, attempts=0)
with client() as sending:
    refused(upsert_contact, {"contact_id": 1}, sending)
    refused(upsert_contact, {"email": "no address"}, sending)
    refused(upsert_contact, {"nickname": "Ann"}, sending)
    refused(upsert_contacts, None, sending)
    refused(upsert_contacts, None, sending, limits="all of it")
sending.close()
refused(sending.send, b"{}")

async def one(timeout_seconds):
    async with AsyncClient.from_env(base_url=base_url, attempts=1) as sending:
        await asyncio.wait_for(upsert_contact_async({"contact_id": 1}, sending), timeout_seconds)

refused(lambda: asyncio.run(one(60.0)))
refused(lambda: asyncio.run(one(0.0)))
del os.environ["MBTOOLKIT_TOKEN"]
refused(Client.from_env)
refused(AsyncClient.from_env, base_url=base_url)
print(count, "were refused")
"""


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["refuses", "breaks", "is offline"])
def test_what_prints_local_variables_shows_no_token(crm, answer):
    """They show the contacts of a call, which the README says; token and environment are in no frame of ours."""
    if answer == "is offline":
        crm.go_offline()
    elif answer == "breaks":
        crm.fail("reset", phase="after_commit", times=None)
    done = subprocess.run(
        [sys.executable, "-c", PRINTED, crm.base_url],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env=os.environ | {"MBTOOLKIT_TOKEN": TOKEN, "OTHER_PASSWORD": PASSWORD},
    )
    assert "not refused" not in done.stdout
    assert "14 were refused" in done.stdout
    assert "no address" in done.stdout, "what a tool prints holds the contact, or it was not asked for local variables"
    assert_none(done.stdout + done.stderr)


def test_a_cancelled_request_leaves_no_frame_of_those_that_send_it(crm):
    crm.fail("silence", seconds=30.0)

    async def cancelled():
        async with AsyncClient(crm.base_url, crm.token) as client:
            asyncio.get_running_loop().call_later(0.3, asyncio.current_task().cancel)
            try:
                await client.attempt(b"{}")
            except asyncio.CancelledError as error:
                return error

    error = asyncio.run(cancelled())
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    assert any("mbtoolkit" in file for file in files)
    assert [file for file in files if "httpcore" in file or "httpx" in file] == []


LOGIN = {"user_name": "ann@example.com", "password": PASSWORD, "private_token": PRIVATE}


@pytest.fixture
def login_crm():
    with Sandbox(credentials=Credentials("ann@example.com", PASSWORD, PRIVATE)) as sandbox:
        yield sandbox


def granted(client):
    return client.settings.login._held.token.reveal()


def test_logs_and_reprs_of_a_login_hold_no_canary(login_crm, caplog, capfd):
    with (
        caplog.at_level(logging.DEBUG),
        Client(login_crm.base_url, **LOGIN, token_url=f"{login_crm.base_url}/token") as client,
    ):
        outcome = client.send(b'{"contactId":1}')
        canaries = (*CANARIES, granted(client))
        login_crm.expire_tokens()
        again = client.send(b'{"contactId":1}')
        canaries += (granted(client),)
        assert_none(f"{client!r}{client.settings!r}{client.settings.login!r}{outcome!r}{again!r}", canaries)
        with pytest.raises((TypeError, pickle.PicklingError)):
            pickle.dumps(client.settings.login)
    assert len(set(canaries)) == 7
    assert caplog.records
    assert_none(caplog.text, canaries)
    assert_none("".join(capfd.readouterr()), canaries)


@pytest.mark.slow
def test_verbose_tracebacks_of_a_refused_login_hold_no_canary():
    printed = refused(
        LOGIN,
        LOGIN | {"token_url": "http://example.com/token"},
        LOGIN | {"token_url": "https://example.com/token", "validity": "Forever"},
        LOGIN | {"token_url": "https://example.com/token", "token": TOKEN},
        LOGIN | {"token_url": "https://example.com/token", "user_name": ""},
        {"password": PASSWORD, "private_token": [PRIVATE], "user_name": "ann", "token_url": "https://example.com"},
        {"base_url": "http://example.com", "token_url": "https://example.com"} | LOGIN,
    )
    assert_none(printed)


LOGGING_IN = """
from IPython.core.ultratb import VerboseTB
import asyncio, sys, traceback
from mbtoolkit import AsyncClient, Client, upsert_contact
from mbtoolkit.errors import CrmError

base_url, user_name, password, private_token = sys.argv[1:]
login = {"user_name": user_name, "password": password, "private_token": private_token, "token_url": base_url + "/token"}

def tell(error):
    # The frames of this file are the caller's own, who wrote the password there.
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == "<string>":
        trace = trace.tb_next
    print(VerboseTB().text(type(error), error, trace))
    while trace is not None:  # VerboseTB shows some names of a frame: here are all of them
        print(trace.tb_frame.f_code.co_name, trace.tb_frame.f_locals)
        trace = trace.tb_next

with Client(base_url, attempts=1, **login) as client:
    try:
        upsert_contact({"contact_id": 1}, client)
    except CrmError as error:
        tell(error)

async def cancelled(delay):
    async with AsyncClient(base_url, **login) as client:
        await asyncio.wait_for(client.attempt(b"{}"), delay)

try:
    asyncio.run(cancelled(0.3))
except TimeoutError as error:
    tell(error.__cause__ or error)
print("told")
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["refused", "silent", "silent after", "late", "no connection"])
def test_verbose_tracebacks_of_a_login_hold_no_canary(login_crm, kind):
    credentials = ["ann@example.com", PASSWORD, PRIVATE]
    if kind == "refused":
        said = json.dumps({"message": f"{PASSWORD} is wrong"})
        login_crm.fail("status", path="/token", status=401, body=said, times=None)
    elif kind == "late":
        login_crm.fail("silence", after=1, seconds=30.0, times=None)
    elif kind == "no connection":
        login_crm.go_offline()
    else:
        phase = "after_commit" if kind.endswith("after") else "before_commit"
        login_crm.fail("silence", path="/token", phase=phase, seconds=30.0, after=1, times=None)
    done = subprocess.run(
        [sys.executable, "-c", LOGGING_IN, login_crm.base_url, *credentials],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "told" in done.stdout
    assert "Error" in done.stdout
    assert_none(done.stdout + done.stderr, (*CANARIES, "Bearer ey", "eyJ"))
