"""Logging in, against the sandbox on a socket; odd answers from a plain function."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from contextlib import contextmanager

import httpx
import pytest

from mbtoolkit import errors, upsert_contact
from mbtoolkit.client import AsyncClient, Client, Login, Outcome, Secret, Settings
from mbtoolkit.client.accounts import account_of
from mbtoolkit.client.answers import Answer
from mbtoolkit.sandbox import Behaviour, Sandbox

BODY = b'{"email":"ann@example.com"}'
QUICK = (0.01, 0.01, 0.01)


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def login_to(crm, **options):
    own = crm.credentials
    given = {"user_name": own.user_name, "password": own.password, "private_token": own.private_token}
    given |= {"token_url": crm.base_url + "/token", "waits_seconds": QUICK}
    return Login(**given | options)


def settings_to(crm, *, timeout_seconds=60.0, **options):
    return Settings(base_url=crm.base_url, login=login_to(crm, **options), timeout_seconds=timeout_seconds)


@contextmanager
def logged_in(crm, **options):
    with Client.from_settings(settings_to(crm, **options)) as client:
        yield client


def logins(crm):
    return crm.requests()["path"].to_list().count("/token")


def test_a_client_logs_in_when_it_first_needs_a_token_and_once(crm):
    own = crm.credentials
    with Client(crm.base_url, user_name=own.user_name, password=own.password, private_token=own.private_token,
                token_url=f"{crm.base_url}/token", validity="ShortLive") as client:  # fmt: skip
        assert crm.requests().is_empty()
        batch = client.attempt_batch(b'{"createUpdateContacts":[%s]}' % BODY)
        kinds = [client.attempt(BODY).kind, client.send(BODY).kind, client.attempt_status(batch.batch_id).kind]
    assert [batch.kind, *kinds] == ["accepted", "stored", "stored", "read"]
    assert logins(crm) == 1


def test_the_token_operation_gets_no_token_and_the_validity(crm):
    asked = []

    def answer(request):
        asked.append(request)
        return httpx.Response(200, json={"access_token": "granted"})

    login = login_to(crm, token_url="https://login.example.com/crm/token/", validity="LongLive")
    settings = Settings(base_url="https://crm.example.com", login=login, transport=httpx.MockTransport(answer))
    with Client.from_settings(settings) as client:
        client.attempt(BODY)
    assert str(asked[0].url) == "https://login.example.com/crm/token/"
    assert "authorization" not in asked[0].headers
    assert json.loads(asked[0].content)["validity"] == "LongLive"
    assert asked[1].headers["authorization"] == "Bearer granted"


def test_a_renewal_shows_the_login_no_token_of_before(crm):
    asked = []

    def answer(request):
        asked.append(request)
        if request.url.path == "/token":
            return httpx.Response(200, json={"access_token": f"granted-{len(asked)}"})
        return httpx.Response(401)

    login = login_to(crm, token_url="https://login.example.com/token")
    settings = Settings(base_url="https://crm.example.com", login=login, transport=httpx.MockTransport(answer))
    with Client.from_settings(settings) as client:
        client.attempt(BODY)
        client.attempt(BODY)
    shown = [request.headers.get("authorization") for request in asked]
    assert shown[:4] == [None, "Bearer granted-1", None, "Bearer granted-3"]
    assert [request.url.path for request, token in zip(asked, shown, strict=True) if token is None] == ["/token"] * 3


@pytest.mark.parametrize("spoil", ["expire", "revoke"])
def test_a_401_renews_the_token_once_and_sends_again(crm, spoil):
    with logged_in(crm) as client:
        client.attempt(BODY)
        if spoil == "expire":
            crm.expire_tokens()
        else:
            crm.revoke(client.settings.login._held.token.reveal())
        outcome = client.attempt(BODY)
    assert outcome.kind == "stored"
    assert crm.requests()["path"].to_list() == ["/token", "/contacts/insertupdate", "/contacts/insertupdate", "/token",
                                                "/contacts/insertupdate"]  # fmt: skip


@pytest.mark.parametrize("operation", ["attempt", "attempt_batch", "attempt_status"])
def test_a_second_401_stops(crm, operation):
    crm.fail("status", status=401, times=None)
    with logged_in(crm) as client:
        outcome = getattr(client, operation)("an-id" if operation == "attempt_status" else BODY)
    assert (outcome.kind, outcome.code, outcome.http_status) == ("stop", "unauthorized", 401)
    assert logins(crm) == 2
    assert crm.requests().height == 4


def test_a_static_token_is_not_renewed(crm):
    with Client(crm.base_url, "wrong") as client:
        assert client.attempt(BODY).kind == "stop"
    assert crm.requests().height == 1


async def until(holds):
    while not holds():  # noqa: ASYNC110 - the server's record has no event
        await asyncio.sleep(0.01)


async def twenty(settings):
    async with AsyncClient.from_settings(settings) as client:
        bodies = [b'{"email":"p%d@example.com"}' % n for n in range(20)]
        return await asyncio.gather(*(client.attempt(body) for body in bodies))


def test_twenty_senders_without_a_token_make_one_login(crm):
    crm.fail("delay", path="/token", seconds=0.2)
    assert {outcome.kind for outcome in asyncio.run(twenty(settings_to(crm)))} == {"stored"}
    assert logins(crm) == 1


def test_twenty_senders_with_an_expired_token_make_one_login(crm):
    settings = settings_to(crm)
    asyncio.run(twenty(settings))
    crm.expire_tokens()
    crm.fail("delay", path="/token", seconds=0.2)
    assert {outcome.kind for outcome in asyncio.run(twenty(settings))} == {"stored"}
    assert logins(crm) == 2


@pytest.mark.slow
def test_two_threads_with_clients_of_their_own_share_each_login(crm):
    settings = settings_to(crm)
    outcomes, begin = [], threading.Barrier(2)

    def work():
        for _ in range(3):
            begin.wait()
            outcomes.extend(asyncio.run(twenty(settings)))
            if begin.wait() == 0:
                crm.expire_tokens()
                crm.fail("delay", path="/token", seconds=0.2)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [outcome.kind for outcome in outcomes] == ["stored"] * 120
    assert logins(crm) == 3


def test_the_token_is_renewed_ahead_of_its_end_by_the_clock_given(crm):
    clock = Clock()
    with logged_in(crm, clock=clock) as client:
        for passed, made in [(0, 1), (7200 - 61, 1), (2, 2), (7200 - 61, 2), (2, 3), (1e6, 4)]:
            clock.now += passed
            assert client.attempt(BODY).kind == "stored"
            assert logins(crm) == made


def test_a_short_token_is_renewed_when_a_tenth_is_left():
    clock = Clock()
    login, asked = odd_login(clock), []
    ask = answering(login, asked, {"expires_in": 1})
    for passed, made in [(0, 1), (53, 1), (2, 2)]:
        clock.now += passed
        asyncio.run(login.token(ask))
        assert len(asked) == made


def test_a_lifetime_that_is_not_known_is_renewed_by_a_401_only():
    clock = Clock()
    login, asked = odd_login(clock), []
    ask = answering(login, asked, {"expires_in": -1})
    first = asyncio.run(login.token(ask))
    clock.now += 1e9
    assert asyncio.run(login.token(ask)) is first
    assert asyncio.run(login.token(ask, refused=first)) is not first
    assert len(asked) == 2


def test_a_401_of_a_token_that_was_renewed_meanwhile_renews_nothing():
    login, asked = odd_login(Clock()), []
    ask = answering(login, asked, {})
    first = asyncio.run(login.token(ask))
    second = asyncio.run(login.token(ask, refused=first))
    assert asyncio.run(login.token(ask, refused=first)) is second
    assert len(asked) == 2


def odd_login(clock):
    return Login("ann@example.com", "p", "t", "https://login.example.com", clock=clock, waits_seconds=QUICK)


def answering(login, asked, body):
    async def ask():
        asked.append(login)
        return Answer(200, json.dumps({"access_token": f"t{len(asked)}"} | body).encode())

    return ask


def test_one_who_is_cancelled_while_asking_leaves_it_to_another(crm):
    crm.fail("silence", path="/token", seconds=30.0)

    async def work():
        async with AsyncClient.from_settings(settings_to(crm)) as client:
            senders = [asyncio.create_task(client.attempt(BODY)) for _ in range(5)]
            await until(lambda: logins(crm) == 1)
            senders[0].cancel()
            return await asyncio.gather(*senders, return_exceptions=True)

    first, *others = asyncio.run(work())
    assert isinstance(first, asyncio.CancelledError)
    assert [outcome.kind for outcome in others] == ["stored"] * 4
    assert logins(crm) == 2


@pytest.mark.slow
def test_one_who_is_cancelled_while_waiting_disturbs_nobody(crm):
    crm.fail("delay", path="/token", seconds=0.5)

    async def work():
        async with AsyncClient.from_settings(settings_to(crm)) as client:
            senders = [asyncio.create_task(client.attempt(BODY)) for _ in range(5)]
            await until(lambda: logins(crm) == 1)
            senders[3].cancel()
            return await asyncio.gather(*senders, return_exceptions=True)

    outcomes = asyncio.run(work())
    assert isinstance(outcomes.pop(3), asyncio.CancelledError)
    assert [outcome.kind for outcome in outcomes] == ["stored"] * 4
    assert logins(crm) == 1


@pytest.mark.slow
def test_one_whose_loop_is_gone_while_asking_is_waited_for_by_nobody():
    login = odd_login(Clock())

    async def never():
        await asyncio.Event().wait()

    lost = asyncio.new_event_loop()
    task = lost.create_task(login.token(never))
    lost.call_later(0.01, lost.stop)
    lost.run_forever()
    assert asyncio.run(login.token(answering(login, [], {}))).reveal() == "t1"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        lost.run_until_complete(task)
    lost.close()
    gc.collect()
    assert asyncio.run(login.token(answering(login, [], {}))).reveal() == "t1"


@pytest.mark.slow
def test_one_who_waits_sees_that_the_loop_of_the_one_who_asks_stops():
    login, waits = odd_login(Clock()), threading.Event()

    async def never():
        waits.set()
        await asyncio.Event().wait()

    lost = asyncio.new_event_loop()
    task = lost.create_task(login.token(never))
    thread = threading.Thread(target=lost.run_forever)
    thread.start()
    waits.wait(10)

    async def wait():
        asyncio.get_running_loop().call_later(0.1, lost.call_soon_threadsafe, lost.stop)
        return await login.token(answering(login, [], {}))

    assert asyncio.run(wait()).reveal() == "t1"
    thread.join(10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        lost.run_until_complete(task)
    lost.close()


def test_a_fault_of_the_one_who_asks_is_raised_there_and_another_asks():
    login = odd_login(Clock())
    calls = []

    async def ask():
        calls.append(1)
        await asyncio.sleep(0.01)
        if len(calls) == 1:
            raise ZeroDivisionError
        return Answer(200, b'{"access_token":"t"}')

    async def work():
        return await asyncio.gather(*(login.token(ask) for _ in range(4)), return_exceptions=True)

    first, *others = asyncio.run(work())
    assert isinstance(first, ZeroDivisionError)
    assert len({id(token) for token in others}) == 1
    assert len(calls) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "options"),
    [("status", {"status": 500}), ("status", {"status": 429, "retry_after": "0"}), ("status", {"status": 503}),
     ("reset", {}), ("silence", {"seconds": 20.0}), ("truncate", {}), ("empty", {}), ("html", {}), ("bad_gzip", {}),
     ("gzip_bomb", {}), ("other_shape", {}), ("drip", {"seconds": 0.2})],
    ids=str,
)  # fmt: skip
def test_a_token_operation_that_fails_for_a_while_is_asked_again(crm, kind, options):
    crm.fail(kind, path="/token", times=2, **options)
    is_late = kind in ("silence", "drip")  # what only a short patience ends
    with logged_in(crm, timeout_seconds=2.0 if is_late else 60.0) as client:
        outcome = client.attempt(BODY)
    assert outcome.kind == "stored"
    assert logins(crm) == 3
    assert crm.faults()["committed"].to_list() == [2], "the fault was not committed"


def test_a_token_operation_that_goes_on_failing_sends_nothing_and_stops_nothing(crm):
    crm.fail("status", path="/token", status=500, times=None)
    with logged_in(crm) as client:
        outcome = client.attempt(BODY)
    assert (outcome.kind, outcome.code, outcome.stops_run) == ("not_sent", "login_failed", False)
    assert crm.requests()["path"].to_list() == ["/token"] * 4


@pytest.mark.slow
def test_nobody_listening_for_logins_is_not_sent(crm):
    with crm.outage(), logged_in(crm) as client, pytest.raises(errors.NotSentError, match="login_failed"):
        upsert_contact({"email": "ann@example.com"}, client)


@pytest.mark.parametrize("wrong", ["user_name", "password", "private_token"])
def test_wrong_credentials_stop_with_the_crms_words_and_what_to_check(crm, wrong):
    with logged_in(crm, **{wrong: "not-the-one"}) as client:
        with pytest.raises(errors.UnauthorizedError, match=r"private token is wrong; .*MBTOOLKIT_PASS"):
            upsert_contact({"email": "ann@example.com"}, client)
        outcome = client.attempt(BODY)
    assert (outcome.kind, outcome.code, outcome.http_status) == ("stop", "login_refused", 401)
    assert set(crm.requests()["path"]) == {"/token"}
    assert logins(crm) == 2


def test_a_login_refused_inside_a_2xx_stops():
    def answer(request):
        return httpx.Response(202, json={"status": "Failed", "message": "no"})

    with Sandbox(behaviour=Behaviour(refusals="inside_202")) as crm:
        login = login_to(crm, token_url="https://login.example.com/token")
        settings = Settings(base_url="https://crm.example.com", login=login, transport=httpx.MockTransport(answer))
        with Client.from_settings(settings) as client:
            assert client.attempt(BODY).code == "login_refused"


def test_a_redirect_of_a_login_is_not_followed(crm):
    with Sandbox() as elsewhere, logged_in(crm) as client:
        crm.fail("redirect", path="/token", location=f"{elsewhere.base_url}/token")
        outcome = client.attempt(BODY)
        assert elsewhere.requests().is_empty()
    assert (outcome.kind, outcome.code) == ("stop", "wrong_address")


def test_a_renewal_ahead_of_time_that_fails_leaves_the_token_that_is_good(crm):
    clock = Clock()
    with logged_in(crm, clock=clock) as client:
        client.attempt(BODY)
        crm.fail("status", path="/token", status=500, times=None)
        clock.now += 7200 - 30
        assert [client.attempt(BODY).kind for _ in range(3)] == ["stored"] * 3
        assert logins(crm) == 1 + 4, "each sender asked anew"
        clock.now += 31
        assert client.attempt(BODY).code == "login_failed"
        crm.clear_faults()
        assert client.attempt(BODY).kind == "stored"


def test_others_go_on_with_a_good_token_while_one_renews_it_ahead_of_time(crm):
    clock = Clock()
    settings = settings_to(crm, clock=clock)
    asyncio.run(twenty(settings))
    clock.now += 7200 - 30
    crm.fail("silence", path="/token", seconds=30.0)

    async def work():
        async with AsyncClient.from_settings(settings) as client:
            first = asyncio.create_task(client.attempt(BODY))
            await until(lambda: logins(crm) == 2)
            second = await client.attempt(BODY)
            assert not first.done()
            first.cancel()
            return second

    assert asyncio.run(work()).kind == "stored"


def test_an_outcome_of_a_login_is_no_outcome_of_a_batch(crm):
    with logged_in(crm, password="wrong") as client:
        assert client.attempt_status("an-id").batch_id == "an-id"
        assert isinstance(client.attempt_batch(b"{}"), Outcome)


def test_the_tokens_of_a_login_are_the_logins_account(crm):
    with logged_in(crm) as client:
        client.attempt(BODY)
        granted = Secret(client.settings.login._held.token.reveal())
    assert account_of(None, granted) == ("claim", client.settings.account)
