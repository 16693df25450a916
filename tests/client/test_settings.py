"""What a client can be told, and what it refuses before anything is sent."""

from __future__ import annotations

import pickle

import pytest

from mbtoolkit.client import AsyncClient, Client, Secret
from mbtoolkit.errors import SettingsError

LIST_ID = "9fc6ad7d-902a-4834-b161-a4911b883d44"


@pytest.mark.parametrize(
    ("base_url", "told"),
    [
        ("http://crm.example.com", "use https"),
        ("http://192.168.1.4", "use https"),
        ("http://10.0.0.1:8080", "use https"),
        ("http://127.0.0.1.example.com", "use https"),
        ("http://169.254.169.254", "use https"),
        ("https://user:pass@crm.example.com", "user name or password"),
        ("https://user@crm.example.com", "user name or password"),
        ("ftp://crm.example.com", "https://"),
        ("crm.example.com", "https://"),
        ("", "https://"),
        ("https://", "https://"),
        ("https://crm.example.com/?a=1", "no ?"),
        ("https://crm.example.com/#x", "no ?"),
        ("https://[::1", "can't be read"),
        ("https://crm.example.com:port", "can't be read"),
        ("https://crm.example.com/\x00", "another character"),
        ("https://crm.exa\tmple.com", "a tab"),
        ("https://crm.example.com/a b", "holds a space"),
        ("https://crm\u200b.example.com", "another character"),
        ("https://☃.example.com", "can't be read"),
        (b"https://crm.example.com", "not a bytes"),
        (None, "not a NoneType"),
    ],
)
def test_an_address_that_no_token_should_go_to_is_refused(base_url, told):
    with pytest.raises(SettingsError, match=told.replace("?", r"\?")):
        Client(base_url, "token")


@pytest.mark.parametrize(
    "base_url",
    ["http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1", "https://10.0.0.1/crm/", "https://192.168.1.4"],
)
def test_https_to_any_host_and_this_machine_are_taken(base_url):
    assert Client(base_url, "token").settings.base_url == base_url.rstrip("/")


@pytest.mark.parametrize(
    "token",
    ["", "Bearer abc", "bearer abc", "abc\n", "ab c", "abc\x00", "abcé", "\tabc"],
    ids=["empty", "Bearer", "bearer", "line end", "space", "NUL", "accent", "tab"],
)
def test_a_token_that_cannot_be_one_is_refused_and_not_shown(token):
    with pytest.raises(SettingsError) as caught:
        Client("https://crm.example.com", token)
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize("token", [123, b"abc", None, ["abc"]], ids=repr)
def test_a_token_that_is_no_text_is_refused(token):
    with pytest.raises(SettingsError, match="token is text") as caught:
        AsyncClient("https://crm.example.com", token)
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"timeout_seconds": "30"},
        {"timeout_seconds": None},
        {"list_id": 5},
        {"timeout_seconds": 0},
        {"timeout_seconds": -1},
        {"timeout_seconds": float("nan")},
        {"timeout_seconds": 1e9},
        {"timeout_seconds": True},
        {"attempts": 0},
        {"attempts": 1.5},
        {"attempts": 99},
        {"attempts": True},
        {"list_id": "List 7"},
    ],
    ids=str,
)
def test_options_that_cannot_work_are_refused(options):
    with pytest.raises(SettingsError, match=next(iter(options))):
        Client("https://crm.example.com", "token", **options)


def test_the_environment_says_where_and_who(monkeypatch):
    monkeypatch.setenv("MBTOOLKIT_BASE_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("MBTOOLKIT_TOKEN", "canary")
    monkeypatch.setenv("MBTOOLKIT_LIST_ID", LIST_ID)
    for client in (Client.from_env(), AsyncClient.from_env()):
        assert client.settings.base_url == "http://127.0.0.1:9"
        assert client.settings.token.reveal() == "canary"
        assert client.settings.list_id == LIST_ID
    assert Client.from_env(base_url="https://other.example.com").settings.base_url == "https://other.example.com"


def test_a_token_given_goes_before_the_environments(monkeypatch):
    monkeypatch.delenv("MBTOOLKIT_TOKEN", raising=False)
    assert Client.from_env(token="canary").settings.token.reveal() == "canary"
    monkeypatch.setenv("MBTOOLKIT_TOKEN", "other")
    assert Client.from_env(token="canary").settings.token.reveal() == "canary"


def test_a_client_that_was_refused_can_still_be_shown():
    for kind in (Client, AsyncClient):
        assert repr(kind.__new__(kind)) == f"<{kind.__name__}, not made>"


def test_without_a_base_url_it_is_the_crms_own(monkeypatch):
    monkeypatch.delenv("MBTOOLKIT_BASE_URL", raising=False)
    monkeypatch.setenv("MBTOOLKIT_TOKEN", "canary")
    assert Client.from_env().settings.base_url == "https://apicrm.mainbrainer.com"


def test_no_token_in_the_environment_says_which_variable(monkeypatch):
    monkeypatch.delenv("MBTOOLKIT_TOKEN", raising=False)
    with pytest.raises(SettingsError, match="MBTOOLKIT_TOKEN"):
        Client.from_env()


def test_a_secret_shows_itself_nowhere():
    secret = Secret("canary")
    shown = f"{secret!r} {secret} {secret!s} {[secret]} {vars(type(secret)).keys()}"
    assert "canary" not in shown
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)


def test_clients_and_settings_show_no_token():
    client = Client("https://crm.example.com", "canary", list_id=LIST_ID)
    assert "canary" not in f"{client!r} {client.settings!r} {AsyncClient('https://crm.example.com', 'canary')!r}"
    with pytest.raises(TypeError):
        pickle.dumps(client.settings)
