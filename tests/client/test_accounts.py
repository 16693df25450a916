"""Whom a client speaks for."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit.client import Login, Secret, Settings
from mbtoolkit.client.accounts import account_of

CRM = "https://crm.example.com"


def jwt(claims):
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return Secret(f"e30.{base64.urlsafe_b64encode(payload).decode().rstrip('=')}.c2ln")


def login(user_name="ann@example.com", **options):
    return Login(user_name, "canary", "canary", f"{CRM}/token", **options)


@pytest.mark.parametrize("name", ["sub", "unique_name", "userName", "name", "Sub"])
def test_a_claim_and_a_user_name_of_the_same_text_are_one_account(name):
    kind, claimed = account_of(None, jwt({name: "ann@example.com", "iss": "anybody", "exp": 1}))
    assert (kind, claimed) == ("claim", account_of("ann@example.com", Secret(""))[1])


def test_the_best_claim_counts():
    assert account_of(None, jwt({"name": "Ann", "sub": "7"})) == account_of(None, jwt({"sub": "7", "jti": "x"}))
    assert account_of(None, jwt({"name": "Ann", "sub": 7})) == account_of(None, jwt({"name": "Ann"}))


@pytest.mark.parametrize(
    "token",
    [Secret("opaque"), Secret("a.b.c"), Secret("a.b"), jwt({}), jwt([]), jwt({"sub": " "}), jwt({"sub": 7}),
     jwt(b"\xff"), jwt(b"[" * 50_000), jwt({"sub": "x" * 100_000}), jwt(b'{"sub":"a","Sub":"b"}'), Secret("e30.é.x")],
)  # fmt: skip
def test_a_token_that_says_nothing_stands_for_itself(token):
    kind, found = account_of(None, token)
    assert kind == "token"
    assert found != account_of(None, Secret(token.reveal() + "x"))[1]


@given(st.text() | st.binary().map(lambda payload: jwt(payload).reveal()))
def test_no_token_breaks_the_reading(text):
    kind, found = account_of(None, Secret(text))
    assert kind in ("claim", "token")
    assert len(found) == 32
    assert set(found) <= set("0123456789abcdef")


def test_settings_say_who_asks_without_saying_it():
    by_login = Settings(base_url=CRM, login=login())
    by_token = Settings(base_url=CRM, token=Secret("canary"))
    assert (by_login.account_kind, by_token.account_kind) == ("user", "token")
    assert by_login.account != by_token.account
    assert by_login.account == Settings(base_url=CRM, login=login(validity="LongLive")).account
    assert by_login.account != Settings(base_url=CRM, login=login("bob@example.com")).account
    assert by_login.identity.reveal() == f"ann@example.com @ {CRM}"
    assert by_token.identity.reveal() == "canary"
    assert "ann" not in f"{by_login!r}{by_login.identity!r}{by_login.account}"
