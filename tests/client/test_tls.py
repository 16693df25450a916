"""Encrypted connections, to a server with a certificate of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import subprocess

import httpx
import pytest

from mbtoolkit.client import AsyncClient, Client
from tests.client.wire import LONGEST_SECONDS, body, id_in, serving, stored


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A file with a key and a certificate for this machine, signed by itself."""
    openssl = shutil.which("openssl")
    if openssl is None:
        if os.environ.get("CI"):
            pytest.fail("openssl is not installed")
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    words += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "own.pem"]
    subprocess.run([openssl, *words], check=True, capture_output=True)
    return folder / "own.pem"


@pytest.fixture
def tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return context


def trusting(certificate):
    return httpx.AsyncHTTPTransport(verify=ssl.create_default_context(cafile=str(certificate)))


def too_often(times):
    def script(line):
        while (request := line.request()) is not None:
            line.send(stored(id_in(request)) * times)

    return script


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_the_environment_adds_no_one_whose_certificates_are_trusted(certificate, tls, monkeypatch, name):
    """Who sets a variable would read the token. A transport of the user's is the way to trust a proxy's certificate."""
    place = certificate
    if name == "SSL_CERT_DIR":
        done = subprocess.run(
            ["openssl", "x509", "-hash", "-noout", "-in", certificate], check=True, capture_output=True, text=True
        )
        place = certificate.with_name("trusted")
        place.mkdir(exist_ok=True)
        shutil.copy(certificate, place / f"{done.stdout.strip()}.0")
    monkeypatch.setenv(name, str(place))
    with serving(too_often(1), tls) as wire:
        with Client(wire.base_url, "token", attempts=1, timeout_seconds=LONGEST_SECONDS) as client:
            outcome = client.send(body(1))
        assert (outcome.kind, outcome.code, wire.requests) == ("not_sent", "no_connection", [])
        assert "certificate" in outcome.message.lower()
        with Client(wire.base_url, "token", timeout_seconds=LONGEST_SECONDS, transport=trusting(certificate)) as client:
            assert client.send(body(1)).kind == "stored"


@pytest.mark.parametrize("times", [1, 2, 4])
def test_a_surplus_answer_is_not_the_next_contacts(certificate, tls, times):
    async def work(wire):
        async with AsyncClient(
            wire.base_url, "token", timeout_seconds=LONGEST_SECONDS, transport=trusting(certificate)
        ) as client:
            return [(await client.attempt(body(number))).contact_id for number in range(1, 5)]

    with serving(too_often(times), tls) as wire:
        assert asyncio.run(work(wire)) == [1, 2, 3, 4]
    assert wire.ids == [1, 2, 3, 4]


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("in_one", [True, False], ids=["in one record", "in records of their own"])
def test_the_clients_own_connections_are_looked_into_also_when_they_are_encrypted(
    certificate, tls, monkeypatch, times, in_one
):
    """They trust the certificates that httpx comes with: here, in place of those, the server's own."""
    own = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(httpx, "create_ssl_context", lambda **_: own)

    def script(line):
        while (request := line.request()) is not None:
            said = [stored(id_in(request))] * times
            line.send_together([b"".join(said)] if in_one else said)

    async def work(wire):
        async with AsyncClient(wire.base_url, "token", timeout_seconds=LONGEST_SECONDS) as client:
            return [(await client.attempt(body(number))).contact_id for number in range(1, 5)]

    with serving(script, tls) as wire:
        assert asyncio.run(work(wire)) == [1, 2, 3, 4]
    assert wire.ids == [1, 2, 3, 4]
    assert times > 1 or wire.connections == 1
