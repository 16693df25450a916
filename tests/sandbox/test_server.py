"""What is at which address, and who may ask."""

import json
import socket

import httpx
import pytest

from mbtoolkit.sandbox.settings import loopback_address

JSON_HEADERS = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "path", ["/contacts", "/contacts/insertupdate/", "/Contacts/InsertUpdate", "/x", "/token/", "/sandbox"]
)
def test_unknown_path_is_a_404(sender, path):
    answer = sender.http.post(path, json={})
    assert answer.status_code == 404
    assert answer.json()["status"] == "Failed"
    assert sender.crm.requests().height == 0


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/contacts/insertupdate", "POST"),
        ("PUT", "/contacts/insertupdate", "POST"),
        ("DELETE", "/token", "POST"),
        ("OPTIONS", "/contacts/insertupdate", "POST"),
        ("POST", "/openapi.json", "GET"),
        ("PATCH", "/", "GET"),
        ("PUT", "/sandbox/faults", "GET, POST, DELETE"),
    ],
)
def test_wrong_method_is_a_405(sender, method, path, allow):
    answer = sender.http.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == allow
    assert answer.json()["status"] == "Failed"
    assert sender.crm.requests()["status"].to_list() == ([405] if path in ("/contacts/insertupdate", "/token") else [])


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"']
)
def test_json_is_taken(sender, content_type):
    assert sender.raw(b'{"email": "ada@example.com"}', Content_Type=content_type).status_code == 202


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=latin-1", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""],
)
@pytest.mark.parametrize("path", ["/contacts/insertupdate", "/token", "/sandbox/faults"])
def test_other_content_types_are_a_415(sender, path, content_type):
    answer = sender.http.post(path, content=b'{"email": "ada@example.com"}', headers={"Content-Type": content_type})
    assert answer.status_code == 415
    assert sender.stored() == []


def test_query_is_no_part_of_the_path(sender):
    assert sender.http.post("/contacts/insertupdate?x=1", json={"email": "ada@example.com"}).status_code == 202


@pytest.mark.parametrize("host", ["evil.example.com", "evil.example.com:{port}", "127.0.0.1", "127.0.0.1:1", ""])
@pytest.mark.parametrize("path", ["/", "/openapi.json", "/sandbox/state.json", "/contacts/insertupdate", "/token"])
def test_foreign_host_is_a_421(sender, host, path):
    port = sender.crm.base_url.rpartition(":")[2]
    method = "POST" if path in ("/contacts/insertupdate", "/token") else "GET"
    answer = sender.http.request(
        method, path, json={"email": "a@example.com"}, headers={"Host": host.format(port=port)}
    )
    assert answer.status_code == 421
    assert answer.json()["status"] == "Failed"
    assert sender.stored() == []


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_own_names_are_answered(sender, name):
    port = sender.crm.base_url.rpartition(":")[2]
    assert sender.http.get("/openapi.json", headers={"Host": f"{name}:{port}"}).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])
def test_only_loopback_can_be_bound(host):
    with pytest.raises(ValueError, match="loopback"):
        loopback_address(host)


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("::1", "::1"), ("127.0.0.9", "127.0.0.9")],
)
def test_loopback_is_bound(host, address):
    assert loopback_address(host) == address


def test_answers_open_no_door_to_other_origins(sender):
    for path in ("/", "/openapi.json", "/sandbox/state.json"):
        answer = sender.http.get(path, headers={"Origin": "http://evil.example.com"})
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_record_keeps_bodies_and_answers_and_no_header(sender):
    sender.upsert(email="ada@example.com")
    sender.raw(b"no json")
    requests = sender.crm.requests()
    assert requests["seq"].to_list() == [1, 2]
    assert requests["body"].to_list() == ['{"email":"ada@example.com"}', "no json"]
    assert requests["status"].to_list() == [202, 400]
    assert requests["applied"].to_list() == [True, False]
    assert requests["contact_id"].to_list() == [100_001, None]
    assert requests["answer"][0].startswith('{"status":"Success"')
    assert all(taken > 0 for taken in requests["duration_ms"])
    assert "Bearer" not in str(requests.to_dicts())


def test_record_is_bounded(behaving):
    sender = behaving(max_requests_kept=2)
    for name in "abc":
        sender.upsert(email=f"{name}@example.com")
    assert sender.crm.requests()["seq"].to_list() == [2, 3]


def test_compressed_body_is_a_415(sender):
    headers = {**JSON_HEADERS, "Content-Encoding": "gzip"}
    answer = sender.http.post("/contacts/insertupdate", content=b"no gzip", headers=headers)
    assert answer.status_code == 415
    assert sender.upsert(email="ada@example.com").status_code == 202


@pytest.mark.parametrize(
    "sent",
    [
        b"hello\r\n\r\n",
        b"POST /contacts/insertupdate HTTP/1.1\r\nHo st: x\r\n\r\n",
        b"POST /contacts/insertupdate HTTP/1.1\r\n{host}{bearer}{type}Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["no HTTP", "broken header", "broken chunk"],
)
def test_what_is_no_http_is_a_400_with_the_envelope(crm, sent):
    address = crm.base_url.removeprefix("http://")
    sent = sent.replace(b"{host}", f"Host: {address}\r\n".encode())
    sent = sent.replace(b"{type}", b"Content-Type: application/json\r\n")
    sent = sent.replace(b"{bearer}", f"Authorization: Bearer {crm.token}\r\n".encode())
    with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), 5) as connection:
        connection.sendall(sent)
        received = connection.recv(65_536)
    head, _, body = received.partition(b"\r\n\r\n")
    assert b" 400 " in head.partition(b"\r\n")[0]
    assert json.loads(body)["status"] == "Failed"


def test_many_connections_at_once(sender):
    limits = httpx.Limits(max_connections=1)
    clients = [
        httpx.Client(base_url=sender.crm.base_url, limits=limits, trust_env=False, verify=False) for _ in range(40)
    ]
    headers = {"Authorization": f"Bearer {sender.crm.token}"}
    for number, client in enumerate(clients):
        contact = {"email": f"p{number}@example.com"}
        assert client.post("/contacts/insertupdate", json=contact, headers=headers).status_code == 202
    for client in clients:
        client.close()
    assert sender.crm.contacts().height == 40
