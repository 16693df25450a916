"""Each fault: what the client sees, what the store holds, and that the record says it was committed."""

import json
import socket
import struct
import time

import httpx
import pytest

from mbtoolkit.sandbox import Fault, Sandbox
from mbtoolkit.sandbox.faults import KINDS

ADA = {"email": "ada@example.com"}
EARLY_AND_LATE = ["before_body", "during_body", "before_commit", "after_commit"]


def committed(crm: Sandbox) -> list[tuple[str | None, bool]]:
    """Fault and applied of each request."""
    return list(crm.requests().select("fault", "applied").iter_rows())


def is_stored(crm: Sandbox) -> bool:
    return crm.contacts().height == 1


def raw_exchange(crm: Sandbox, pieces: list[bytes], timeout: float = 5.0) -> bytes:
    """Everything the server sends, until it ends the connection; a reset raises ConnectionResetError."""
    with socket.create_connection(("127.0.0.1", int(crm.base_url.rpartition(":")[2])), timeout) as connection:
        for piece in pieces:
            connection.sendall(piece)
        received = b""
        while block := connection.recv(65_536):
            received += block
        return received


def request_bytes(crm: Sandbox, body: bytes, *, announced: int | None = None) -> bytes:
    head = (
        f"POST /contacts/insertupdate HTTP/1.1\r\nHost: {crm.base_url.removeprefix('http://')}\r\n"
        f"Authorization: Bearer {crm.token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {announced or len(body)}\r\n\r\n"
    )
    return head.encode() + body


@pytest.mark.parametrize("phase", EARLY_AND_LATE)
def test_reset_is_a_real_tcp_reset(sender, phase):
    crm = sender.crm
    crm.fail("reset", phase=phase)
    with pytest.raises(ConnectionResetError):
        raw_exchange(crm, [request_bytes(crm, json.dumps(ADA).encode())])
    assert is_stored(crm) == (phase == "after_commit")
    assert committed(crm) == [(f"reset {phase}", phase == "after_commit")]
    assert crm.requests()["status"].to_list() == [None]
    assert sender.upsert(**ADA).status_code == 202


@pytest.mark.parametrize("phase", ["before_body", "during_body"])
def test_early_reset_comes_before_the_whole_body(sender, phase):
    """Only a part of the body is ever sent, so an answer can't have waited for the rest."""
    crm = sender.crm
    crm.fail("reset", phase=phase)
    with pytest.raises(ConnectionResetError):
        raw_exchange(crm, [request_bytes(crm, b'{"email":', announced=100_000)])
    assert committed(crm) == [(f"reset {phase}", False)]


@pytest.mark.parametrize("phase", EARLY_AND_LATE)
@pytest.mark.parametrize("status", [400, 401, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504])
def test_status(sender, status, phase):
    sender.crm.fail("status", status=status, phase=phase)
    answer = sender.upsert(**ADA)
    assert answer.status_code == status
    assert answer.json()["status"] == "Failed"
    assert is_stored(sender.crm) == (phase == "after_commit")
    assert committed(sender.crm) == [(f"status {status} {phase}", phase == "after_commit")]


@pytest.mark.parametrize("text", ["3", "0", "-1", "1.5", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "9" * 40, ""])
def test_storm_of_429_with_any_retry_after(sender, text):
    sender.crm.fail("status", status=429, times=3, retry_after=text)
    answers = [sender.upsert(**ADA) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429, 429, 429, 202]
    assert [answer.headers["Retry-After"] for answer in answers[:3]] == [text] * 3
    assert sender.crm.faults()["committed"].to_list() == [3]
    assert sender.stored()[0]["upserts"] == 1


def test_429_without_retry_after(sender):
    sender.crm.fail("status", status=429)
    assert "Retry-After" not in sender.upsert(**ADA).headers


@pytest.mark.parametrize("phase", ["before_commit", "after_commit"])
def test_delay_goes_on_as_if_nothing_had_been(sender, phase):
    sender.crm.fail("delay", seconds=0.2, phase=phase)
    began = time.monotonic()
    assert sender.upsert(**ADA).status_code == 202
    assert time.monotonic() - began >= 0.2
    assert committed(sender.crm) == [(f"delay {phase}", True)]


def test_delayed_commit_happens_though_the_client_gave_up(crm, connect):
    sender = connect(crm, timeout=0.1)
    crm.fail("delay", seconds=0.4)
    with pytest.raises(httpx.ReadTimeout):
        sender.upsert(**ADA)
    was_stored = is_stored(crm)
    was_over = crm.requests()["duration_ms"].null_count() == 0
    assert was_over or not was_stored
    until = time.monotonic() + 60
    while not is_stored(crm) and time.monotonic() < until:
        time.sleep(0.02)
    assert committed(crm) == [("delay before_commit", True)]


@pytest.mark.parametrize("phase", ["before_commit", "after_commit"])
def test_silence_never_answers_and_then_cuts(sender, phase):
    sender.crm.fail("silence", seconds=0.3, phase=phase)
    with pytest.raises(httpx.ReadError):
        sender.upsert(**ADA)
    assert is_stored(sender.crm) == (phase == "after_commit")
    assert committed(sender.crm) == [(f"silence {phase}", phase == "after_commit")]
    assert sender.crm.requests()["status"].to_list() == [None]


def test_silence_ends_when_the_client_leaves_or_the_sandbox_stops(connect):
    with Sandbox() as crm:
        crm.fail("silence", seconds=600, times=2)
        with pytest.raises(httpx.ReadTimeout):
            connect(crm, timeout=0.1).upsert(**ADA)
        began = time.monotonic()
    assert time.monotonic() - began < 60  # of the 600


@pytest.mark.parametrize("chunked", [False, True], ids=["with length", "chunked"])
def test_truncated_answer(sender, chunked):
    sender.crm.fail("truncate", chunked=chunked)
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read" if chunked else "received 92 bytes"):
        sender.upsert(**ADA)
    assert committed(sender.crm) == [("truncate after_commit", True)]
    assert sender.crm.requests()["answer"][0].startswith('{"status":"Success"')
    assert is_stored(sender.crm)


@pytest.mark.parametrize("status", [200, 202, 204])
def test_empty_answer(sender, status):
    sender.crm.fail("empty", status=status)
    answer = sender.upsert(**ADA)
    assert (answer.status_code, answer.content) == (status, b"")
    assert committed(sender.crm) == [("empty after_commit", True)]


@pytest.mark.parametrize("status", [200, 503])
def test_html_answer(sender, status):
    sender.crm.fail("html", status=status)
    answer = sender.upsert(**ADA)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<h1>" in answer.text
    assert committed(sender.crm) == [("html after_commit", True)]


def test_bad_gzip(sender):
    sender.crm.fail("bad_gzip")
    with pytest.raises(httpx.DecodingError):
        sender.upsert(**ADA)
    assert committed(sender.crm) == [("bad_gzip after_commit", True)]


def test_gzip_bomb(sender):
    size = 8 * 1024**2
    sender.crm.fail("gzip_bomb", size=size)
    with sender.http.stream("POST", "/contacts/insertupdate", json=ADA) as answer:
        sent = sum(map(len, answer.iter_raw()))
    assert sent < size / 500
    sender.crm.fail("gzip_bomb", size=size)
    assert sender.upsert(**ADA).content == b" " * size
    assert committed(sender.crm) == [("gzip_bomb after_commit", True)] * 2


def test_big_body_and_a_client_that_leaves(sender):
    size = 4 * 1024**2
    sender.crm.fail("big_body", size=size, times=2)
    assert len(sender.upsert(**ADA).content) == size
    with sender.http.stream("POST", "/contacts/insertupdate", json=ADA) as answer:
        assert int(answer.headers["Content-Length"]) == size
    assert committed(sender.crm) == [("big_body after_commit", True)] * 2


def test_big_header(sender):
    sender.crm.fail("big_header", size=200_000)
    with pytest.raises(httpx.RemoteProtocolError):
        sender.upsert(**ADA)
    assert committed(sender.crm) == [("big_header after_commit", True)]


def test_drip_sends_the_answer_byte_by_byte(sender):
    sender.crm.fail("drip", seconds=0.002)
    began = time.monotonic()
    answer = sender.upsert(**ADA)
    assert time.monotonic() - began > 0.002 * len(answer.content)
    assert answer.json()["status"] == "Success"
    assert committed(sender.crm) == [("drip after_commit", True)]


def test_redirect(sender):
    sender.crm.fail("redirect", status=308, location="http://elsewhere.example.com/contacts/insertupdate")
    answer = sender.upsert(**ADA)
    assert answer.status_code == 308
    assert answer.headers["Location"] == "http://elsewhere.example.com/contacts/insertupdate"
    assert committed(sender.crm) == [("redirect 308 before_commit", False)]


@pytest.mark.parametrize("phase", ["before_commit", "after_commit"])
def test_2xx_that_is_no_success(sender, phase):
    sender.crm.fail("not_success", phase=phase)
    answer = sender.upsert(**ADA)
    assert (answer.status_code, answer.json()["status"]) == (202, "Failed")
    assert committed(sender.crm) == [(f"not_success {phase}", phase == "after_commit")]


@pytest.mark.parametrize("body", [None, "{}", "null", '{"data": []}', '"ok"'])
def test_json_of_another_shape(sender, body):
    sender.crm.fail("other_shape", body=body)
    answer = sender.upsert(**ADA)
    assert answer.status_code == 200
    assert answer.json() == ([{"result": "ok"}] if body is None else json.loads(body))
    assert committed(sender.crm) == [("other_shape after_commit", True)]


def test_hang_up_after_a_true_answer(sender):
    crm = sender.crm
    crm.fail("hang_up")
    received = raw_exchange(crm, [request_bytes(crm, json.dumps(ADA).encode())])
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 202")
    assert b"connection: close" not in head.lower()
    assert json.loads(body)["status"] == "Success"
    assert committed(crm) == [("hang_up after_commit", True)]


def test_client_that_cuts_its_own_request_is_recorded_and_applies_nothing(sender):
    crm = sender.crm
    port = int(crm.base_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request_bytes(crm, b'{"email":', announced=1000))
        while crm.requests().is_empty():
            time.sleep(0.01)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    until = time.monotonic() + 60
    while crm.requests()["duration_ms"].null_count() and time.monotonic() < until:
        time.sleep(0.02)
    requests = crm.requests()
    assert requests["status"].to_list() == [None]
    assert requests["duration_ms"].null_count() == 0
    assert committed(crm) == [(None, False)]


# The script


def test_after_and_every(sender):
    sender.crm.fail("status", status=503, after=2, every=3, times=None)
    statuses = [sender.upsert(**ADA).status_code for _ in range(9)]
    assert statuses == [202, 202, 503, 202, 202, 503, 202, 202, 503]
    faults = sender.crm.faults().row(0, named=True)
    assert (faults["seen"], faults["committed"]) == (9, 3)


def test_match_strikes_only_bodies_with_the_text(sender):
    sender.crm.fail("status", match="bo@example.com")
    assert sender.upsert(**ADA).status_code == 202
    assert sender.upsert(email="bo@example.com").status_code == 500


def test_faults_strike_in_the_order_scripted(sender):
    sender.crm.fail("status", status=500)
    sender.crm.fail("status", status=502)
    assert [sender.upsert(**ADA).status_code for _ in range(3)] == [500, 502, 202]


def test_token_operation_can_fail_too(sender):
    sender.crm.fail("status", status=503, path="/token")
    assert sender.upsert(**ADA).status_code == 202
    assert sender.http.post("/token", json={}).status_code == 503
    assert sender.http.post("/token", json={}).status_code == 422


def test_unauthorized_request_meets_no_fault(sender):
    sender.crm.fail("reset")
    headers = {"Authorization": "Bearer wrong"}
    assert sender.http.post("/contacts/insertupdate", json=ADA, headers=headers).status_code == 401
    assert sender.crm.faults()["seen"].to_list() == [0]


def test_refused_contact_with_a_fault_after_the_commit_is_not_applied(sender):
    sender.crm.fail("truncate")
    with pytest.raises(httpx.RemoteProtocolError):
        sender.upsert(emailOptIn=True)
    assert committed(sender.crm) == [("truncate after_commit", False)]


def test_every_kind_has_defaults_that_work(sender):
    for kind in KINDS:
        fault = Fault(kind, location="/elsewhere" if kind == "redirect" else None)
        assert sender.crm.fail(fault) == fault
    assert sender.crm.faults()["kind"].to_list() == list(KINDS)
    assert sender.crm.clear_faults() == len(KINDS)
    assert sender.crm.faults().height == 0


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "explode"},
        {"kind": "reset", "phase": "never"},
        {"kind": "reset", "times": 0},
        {"kind": "reset", "after": -1},
        {"kind": "reset", "every": 0},
        {"kind": "status", "status": 99},
        {"kind": "delay", "seconds": 601},
        {"kind": "redirect"},
        {"kind": "redirect", "location": "/", "status": 200},
        {"kind": "reset", "phase": "before_body", "match": "x"},
        {"kind": "status", "retry_after": "1\r\nX: y"},
        {"kind": "redirect", "location": "/\nx"},
        {"kind": "reset", "path": "contacts"},
        {"kind": "big_body", "size": -1},
    ],
    ids=str,
)
def test_fault_that_can_not_be_is_refused(settings):
    with pytest.raises(ValueError, match=" "):
        Fault(**settings)


def test_whole_fault_takes_no_settings(crm):
    with pytest.raises(TypeError):
        crm.fail(Fault("reset"), times=2)


# Over HTTP


def test_faults_can_be_scripted_over_http(sender):
    answer = sender.http.post("/sandbox/faults", json={"kind": "status", "status": 502, "times": 2})
    assert answer.status_code == 201
    assert answer.json()["data"] == {"scripted": 1, "name": "status 502 before_commit"}
    assert sender.upsert(**ADA).status_code == 502
    (listed,) = sender.http.get("/sandbox/faults").json()["data"]
    assert (listed["seen"], listed["committed"], listed["fault"]["status"]) == (1, 1, 502)
    assert sender.http.delete("/sandbox/faults").json()["data"] == {"removed": 1}
    assert sender.upsert(**ADA).status_code == 202
    assert sender.crm.requests().height == 2


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_control_needs_the_sandboxs_own_token(sender, method):
    credentials = sender.crm.credentials
    body = {
        "userName": credentials.user_name, "password": credentials.password, "privateToken": credentials.private_token,
    }  # fmt: skip
    granted = sender.http.post("/token", json=body).json()["access_token"]
    for token in ("wrong", granted):
        headers = {"Authorization": f"Bearer {token}"}
        assert (
            sender.http.request(method, "/sandbox/faults", json={"kind": "reset"}, headers=headers).status_code == 401
        )
    assert sender.crm.faults().height == 0


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_control_is_not_there_without_its_flag(behaving, method):
    sender = behaving(faults=False)
    assert sender.http.request(method, "/sandbox/faults", json={"kind": "reset"}).status_code == 404
    sender.crm.fail("status")
    assert sender.upsert(**ADA).status_code == 500


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"kind": 1}, 422),
        ({"kind": "explode"}, 422),
        ({"kind": "reset", "colour": "red"}, 422),
        ({"kind": "reset", "times": True}, 422),
        ({"kind": "delay", "seconds": "1"}, 422),
        ([], 400),
    ],
    ids=str,
)
def test_control_refuses_what_is_no_fault(sender, body, status):
    assert sender.http.post("/sandbox/faults", json=body).status_code == status
    assert sender.crm.faults().height == 0
