"""Webhooks: called once, on this machine only, and noted."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from mbtoolkit.sandbox import Behaviour, webhooks

ADA, BO = {"email": "ada@example.com"}, {"email": "bo@example.com"}


class Listener:
    """A web server that keeps what it is sent."""

    def __init__(self, status=200):
        received = self.received = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append((self.path, self.headers["Content-Type"], json.loads(body)))
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_):
                """Says nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def listen():
    listeners = []

    def make(**options):
        listeners.append(Listener(**options))
        return listeners[-1]

    yield make
    for listener in listeners:
        listener.close()


@pytest.mark.slow
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_webhook_is_told_once_what_the_status_says(sender, listen, host):
    listener = listen()
    told = sender.batch_ended([ADA, BO], webHookUrl=f"http://{host}:{listener.server.server_port}/hook?x=1")
    assert listener.received == [("/hook?x=1", "application/json; charset=utf-8", told)]
    (batch,) = sender.crm.batches().to_dicts()
    assert (batch["webhook_status"], batch["webhook_error"]) == (200, None)
    assert batch["webhook_at"] >= batch["ended_at"]


@pytest.mark.slow
@pytest.mark.parametrize("status", [307, 500])
def test_webhook_is_neither_repeated_nor_redirected(sender, listen, status):
    listener = listen(status=status)
    sender.batch_ended([ADA], webHookUrl=f"http://127.0.0.1:{listener.server.server_port}/")
    assert len(listener.received) == 1
    assert sender.crm.batches()["webhook_status"].to_list() == [status]


@pytest.mark.parametrize("port", [1, 99_999])
def test_webhook_that_can_not_be_called_is_noted(sender, port):
    assert sender.batch_ended([ADA], webHookUrl=f"http://127.0.0.1:{port}/")["statusText"] == "Completed"
    (batch,) = sender.crm.batches().to_dicts()
    assert batch["webhook_at"] is not None
    assert (batch["webhook_status"], bool(batch["webhook_error"])) == (None, True)


@pytest.mark.slow
def test_failed_batch_is_told_too_and_a_stuck_one_never(sender, listen):
    listener = listen()
    url = f"http://127.0.0.1:{listener.server.server_port}/"
    sender.crm.fail("batch_stuck")
    sender.crm.fail("batch_failed")
    sender.batch_ended([ADA], webHookUrl=url)
    sender.batch_ended([ADA], webHookUrl=url)
    assert [told["statusText"] for _, _, told in listener.received] == ["Failed"]


@pytest.mark.slow
def test_webhook_can_be_left_uncalled(behaving, listen):
    listener = listen()
    sender = behaving(behaviour=Behaviour(webhook="never"))
    sender.batch_ended([ADA], webHookUrl=f"http://127.0.0.1:{listener.server.server_port}/")
    assert (listener.received, sender.crm.batches()["webhook_at"].to_list()) == ([], [None])


@pytest.mark.parametrize(
    "url",
    ["http://example.com/hook", "https://192.0.2.1/", "http://127.0.0.1.example.com/", "http://127.0.0.1@example.com/",
     "http://localhost@example.com", "//127.0.0.1/", "ftp://127.0.0.1/", "http://127.0.0.1/\n", "http://0.0.0.0/", ""],
)  # fmt: skip
def test_webhook_elsewhere_is_refused_with_a_reason(sender, url):
    answer = sender.batch([ADA], webHookUrl=url)
    assert answer.status_code == 422
    assert "address of this machine" in answer.json()["message"]
    assert sender.crm.batches().height == 0


def test_a_fault_of_the_sandbox_while_it_works_on_a_batch_is_logged(sender, monkeypatch, caplog):
    async def fail(*_):
        raise RuntimeError("no such luck")

    monkeypatch.setattr(webhooks, "call", fail)
    sender.batch_ended([ADA], webHookUrl="http://127.0.0.1:9/")
    assert "the sandbox failed on a batch" in caplog.text
    assert "no such luck" in caplog.text
