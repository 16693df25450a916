"""What a client can be told, and what it refuses before anything is sent."""

from __future__ import annotations

import json
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


LOGIN = {
    "user_name": "ann@example.com",
    "password": "canary-password",
    "private_token": "canary-private",
    "token_url": "https://login.example.com/token",
}
LOGIN_ENV = {f"MBTOOLKIT_{name.upper()}": value for name, value in LOGIN.items()}


@pytest.fixture
def no_env(monkeypatch):
    for name in (*LOGIN_ENV, "MBTOOLKIT_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize("missing", list(LOGIN))
def test_half_a_login_says_what_is_missing(missing):
    with pytest.raises(SettingsError, match=f"missing: {missing} .*MBTOOLKIT_{missing.upper()}"):
        Client("https://crm.example.com", **{name: value for name, value in LOGIN.items() if name != missing})


def test_a_token_and_a_login_are_one_too_many():
    with pytest.raises(SettingsError, match="give one of them"):
        Client("https://crm.example.com", "token", **LOGIN)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"user_name": " "}, "user_name is empty"),
        ({"password": ""}, "password is empty"),
        ({"private_token": 5}, "private_token is text, not a int"),
        ({"password": b"canary"}, "password is text, not a bytes"),
        ({"validity": "Forever"}, "Default, ShortLive, LongLive"),
        ({"token_url": ""}, "token_url begins with https"),
        ({"token_url": "http://login.example.com/token"}, "use https"),
        ({"token_url": "https://ann:canary@login.example.com"}, "token_url holds a user name"),
        ({"token_url": "https://login.example.com/?a=canary"}, "no [?]"),
        ({"token_url": "login"}, "token_url begins with https"),
        ({"token_url": 7}, "token_url is text"),
    ],
    ids=str,
)
def test_a_login_that_cannot_work_is_refused_and_not_shown(change, told):
    with pytest.raises(SettingsError, match=told) as caught:
        AsyncClient("https://crm.example.com", **LOGIN | change)
    assert "canary" not in str(caught.value)


def test_the_address_of_the_login_keeps_its_path():
    for url in ("http://127.0.0.1:9/a/token", "https://10.0.0.1/token/"):
        assert Client("https://crm.example.com", **LOGIN | {"token_url": url}).settings.login.token_url == url


def test_the_environment_holds_a_login_where_it_holds_no_token(no_env):
    for name, value in LOGIN_ENV.items():
        no_env.setenv(name, value)
    for kind in (Client, AsyncClient):
        settings = kind.from_env().settings
        assert (settings.login.user_name, settings.token.reveal()) == ("ann@example.com", "")
        assert json.loads(settings.login.body())["privateToken"] == "canary-private"
    no_env.setenv("MBTOOLKIT_TOKEN", "canary")
    assert Client.from_env().settings.login is None
    assert Client.from_env(token="other").settings.token.reveal() == "other"
    assert Client.from_env(user_name="bob@example.com").settings.login.user_name == "bob@example.com"


def test_half_a_login_in_the_environment_says_what_is_missing(no_env):
    no_env.setenv("MBTOOLKIT_USER_NAME", "ann@example.com")
    with pytest.raises(SettingsError, match="MBTOOLKIT_PASSWORD, MBTOOLKIT_PRIVATE_TOKEN, MBTOOLKIT_TOKEN_URL"):
        Client.from_env()


def test_the_environment_completes_a_login_that_is_given_in_part(no_env):
    no_env.setenv("MBTOOLKIT_TOKEN_URL", LOGIN["token_url"])
    client = Client.from_env(**{name: value for name, value in LOGIN.items() if name != "token_url"})
    assert client.settings.login.token_url == LOGIN["token_url"]


def test_a_login_is_shared_by_clients_made_from_its_settings():
    first = Client("https://crm.example.com", **LOGIN, list_id=LIST_ID, attempts=2)
    for kind in (Client, AsyncClient):
        again = kind.from_settings(first.settings)
        assert again.settings is first.settings
    with pytest.raises(TypeError):
        pickle.dumps(first.settings.login)
    shown = f"{first!r}{first.settings!r}{first.settings.login!r}"
    assert "canary" not in shown
    assert "ann" not in shown
