"""What was refused half-way through its making has a repr: tools that print a traceback's variables call it."""

from __future__ import annotations

import traceback
from pathlib import Path

import polars as pl
import pytest

import mbtoolkit
from mbtoolkit import Client
from mbtoolkit.client import AsyncClient, Login, Settings
from mbtoolkit.sandbox import Sandbox
from mbtoolkit.sessions.editing import Edits
from mbtoolkit.widgets import ContactForm, ContactGrid, PushPanel

PACKAGE = str(Path(mbtoolkit.__file__).parent)
PEOPLE = pl.DataFrame({"email": ["ann@example.com"]})

REFUSED = {
    "a login without a name": lambda: Login("", "canary", "canary", "https://login.example.com/token"),
    "a login with an address that can't be one": lambda: Login("ann", "canary", "canary", "login.example.com"),
    "a client": lambda: Client("crm.example.com", "token"),
    "an async client": lambda: AsyncClient(token="Bearer token"),
    "settings": lambda: Settings(base_url="crm.example.com"),
    "a sandbox": lambda: Sandbox(limits="no such limits"),
    "edits": lambda: Edits("no frame"),
    "edits of columns that are not there": lambda: Edits(PEOPLE, read_only=["nothing"]),
    "a form": lambda: ContactForm("no client"),
    "a grid": lambda: ContactGrid(1),
    "a panel": lambda: PushPanel("no client"),
    "a panel with a wrong list": lambda: PushPanel(Client(token="token"), list_ids={"A": "no uuid"}),
}


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
def test_what_was_refused_half_way_has_a_repr(refused):
    with pytest.raises(Exception) as raised:
        refused()
    shown = [
        repr(value)
        for frame, _ in traceback.walk_tb(raised.value.__traceback__)
        if frame.f_code.co_filename.startswith(PACKAGE)
        for value in frame.f_locals.values()
    ]
    assert shown
