"""The token operation."""

import base64
import json
import re
from datetime import UTC, datetime

import pytest

from mbtoolkit.sandbox import Credentials, Sandbox
from mbtoolkit.sandbox.answers import Refusal
from mbtoolkit.sandbox.tokens import VALIDITY_MINUTES, Tokens


def request_of(credentials: Credentials, **other: object) -> dict[str, object]:
    return {
        "userName": credentials.user_name,
        "password": credentials.password,
        "privateToken": credentials.private_token,
        **other,
    }


def ask(sender, **other):
    return sender.http.post("/token", json=request_of(sender.crm.credentials, **other), headers={"Authorization": ""})


def test_answer_is_bare_and_counts_minutes(sender):
    answer = ask(sender, validity="Default")
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == [
        "access_token", "token_type", "expires_in", "userName", "issued", "expires", "timeZoneOffset", "locale",
    ]  # fmt: skip
    assert body["expires_in"] == 120
    assert body["userName"] == "analyst@example.com"
    for moment in (body["issued"], body["expires"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", moment)
    issued, expires = (datetime.fromisoformat(body[key][:26]).replace(tzinfo=UTC) for key in ("issued", "expires"))
    assert (expires - issued).total_seconds() == 7200


def test_token_has_the_shape_of_a_jwt(sender):
    head, claims, signature = ask(sender).json()["access_token"].split(".")
    padded = claims + "=" * (-len(claims) % 4)
    assert json.loads(base64.urlsafe_b64decode(padded))["sub"] == "analyst@example.com"
    assert head
    assert signature


@pytest.mark.parametrize("validity", VALIDITY_MINUTES)
def test_validity_decides_how_long(sender, validity):
    assert ask(sender, validity=validity).json()["expires_in"] == VALIDITY_MINUTES[validity]


def test_granted_token_is_taken_until_it_expires(sender):
    headers = {"Authorization": f"Bearer {ask(sender).json()['access_token']}"}
    contact = {"email": "ada@example.com"}
    assert sender.http.post("/contacts/insertupdate", json=contact, headers=headers).status_code == 202
    assert sender.crm.expire_tokens() == 1
    answer = sender.http.post("/contacts/insertupdate", json=contact, headers=headers)
    assert answer.status_code == 401
    assert "expired" in answer.json()["message"]
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_token_expires_on_the_clock():
    now = [1_000_000.0]
    tokens = Tokens("own", Credentials(), wall=lambda: now[0])
    credentials = tokens._credentials
    granted = json.loads(tokens.grant(request_of(credentials, validity="ShortLive")).text)["access_token"]
    now[0] += 15 * 60 - 1
    assert tokens.recognise(f"Bearer {granted}")
    now[0] += 1
    with pytest.raises(Refusal, match="expired"):
        tokens.recognise(f"Bearer {granted}")
    assert tokens.recognise("bearer own")


def test_revoked_tokens_are_not_known(sender):
    granted = ask(sender).json()["access_token"]
    sender.crm.revoke(granted)
    sender.crm.revoke()
    for headers in ({"Authorization": f"Bearer {granted}"}, {}):
        answer = sender.http.post("/contacts/insertupdate", json={"email": "a@example.com"}, headers=headers)
        assert answer.status_code == 401


@pytest.mark.parametrize("key", ["userName", "password", "privateToken"])
def test_wrong_credentials_are_a_401(sender, key):
    answer = ask(sender, **{key: "wrong é"})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("change", "named"),
    [({"userName": None}, "userName"), ({"password": 1}, "password"), ({"privateToken": []}, "privateToken"),
     ({"validity": "Forever"}, "validity"), ({"validity": None}, "validity"), ({"validity": ["Default"]}, "validity")],
)  # fmt: skip
def test_fields_that_do_not_fit_are_a_422(sender, change, named):
    answer = ask(sender, **change)
    assert answer.status_code == 422
    assert f"{named} must be" in answer.json()["message"]


def test_unreadable_body_is_a_400(sender):
    answer = sender.http.post("/token", content=b"[1]", headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Basic abc", "token", "Bearer wrong", "Bearer é".encode("latin-1")]
)
def test_contact_operation_needs_the_token(crm, connect, header):
    sender = connect(crm)
    del sender.http.headers["Authorization"]
    headers = {} if header is None else {"Authorization": header}
    answer = sender.http.post("/contacts/insertupdate", json={"email": "a@example.com"}, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert crm.requests()["status"].to_list() == [401]


def test_neither_password_nor_token_is_recorded_or_shown(sender):
    crm = sender.crm
    granted = ask(sender).json()["access_token"]
    ask(sender, password="wrong")
    sender.upsert(email="ada@example.com")
    shown = repr(crm) + repr(crm.credentials) + repr(crm._settings) + str(crm.requests().to_dicts())
    for secret in (crm.token, granted, crm.credentials.password, crm.credentials.private_token):
        assert secret not in shown
    requests = crm.requests()
    assert requests["path"].to_list() == ["/token", "/token", "/contacts/insertupdate"]
    assert requests["body"].to_list()[:2] == [None, None]
    assert requests["answer"].to_list()[0] is None


def test_own_credentials_are_taken(behaving):
    sender = behaving(credentials=Credentials("someone@example.org", "p", "t"), token="own-token")
    assert ask(sender).json()["userName"] == "someone@example.org"
    assert sender.crm.token == "own-token"


@pytest.mark.parametrize("token", ["", " ", "a b", "a\nb", "é"])
def test_token_that_no_header_holds_is_refused(token):
    with pytest.raises(ValueError, match="token"):
        Sandbox(token=token)
