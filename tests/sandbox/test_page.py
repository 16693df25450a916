"""The page: who may read what it shows, and that what it shows is never HTML."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from mbtoolkit.sandbox import page as page_module
from mbtoolkit.sandbox import settings

HOSTILE = "<img src=x onerror=\"document.title='pwned'\">"


def page_text() -> str:
    return page_module._FILE.read_text(encoding="utf-8")


def test_page_is_served_with_a_policy_that_runs_only_its_own_script(sender):
    answer = sender.http.get("/", headers={"Authorization": ""})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    for directive in ("script-src", "style-src"):
        assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", policy[directive])
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


def test_page_is_one_file_that_asks_nobody_else():
    assert re.findall(r"(?:src|href)=\"(?!data:)", page_text()) == []
    assert "http://" not in page_text()
    assert "https://" not in page_text()


@pytest.mark.parametrize(
    "sink", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "DOMParser",
             " style=", " onclick=", "setAttribute"]
)  # fmt: skip
def test_page_has_no_way_to_read_data_as_html(sink):
    assert sink not in page_text()


def test_page_holds_no_data(sender):
    sender.id_of(email="canary@example.com")
    assert "canary" not in sender.http.get("/").text
    assert sender.crm.token not in sender.http.get("/").text


def test_state_takes_the_pages_key_or_the_token_and_nothing_else(sender):
    crm = sender.crm
    sender.id_of(email="ada@example.com")
    credentials = crm.credentials
    body = {
        "userName": credentials.user_name, "password": credentials.password, "privateToken": credentials.private_token,
    }  # fmt: skip
    granted = sender.http.post("/token", json=body).json()["access_token"]
    key = crm.page_url.partition("#key=")[2]
    for allowed in (f"Bearer {key}", f"Bearer {crm.token}"):
        answer = sender.http.get("/sandbox/state.json", headers={"Authorization": allowed})
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    for refused in ("", "Bearer", f"Bearer {granted}", key, f"Bearer {key}x", "Bearer é".encode("latin-1")):
        answer = sender.http.get("/sandbox/state.json", headers={"Authorization": refused})
        assert answer.status_code == 401
        assert "ada" not in answer.text
    assert sender.http.get(f"/sandbox/state.json?key={key}", headers={"Authorization": ""}).status_code == 401
    assert (
        sender.http.post("/contacts/insertupdate", json={}, headers={"Authorization": f"Bearer {key}"}).status_code
        == 401
    )


def test_state_shows_counts_contacts_requests_and_faults(sender):
    crm = sender.crm
    crm.fail("status", status=503)
    sender.upsert(email="ada@example.com")
    contact_id = sender.id_of(
        email="ada@example.com",
        listId=crm.list_id,
        mobileCountryCode=44,
        mobileNumber=2**62,
        emailOptIn=True,
        propertyFields=[{"propertyName": "First name", "propertyValue": HOSTILE}],
    )
    state = sender.http.get("/sandbox/state.json").json()
    assert state["counts"] == {"contacts": 1, "requests": 2, "applied": 1, "batches": 0, "faults": 1}
    assert state["contacts"] == [
        {
            "values": {
                "contact_id": str(contact_id), "list_id": "Newsletter", "mobile_country_code": "44",
                "mobile_number": str(2**62), "mobile_opt_in": "no", "email": "ada@example.com", "email_opt_in": "yes",
            },
            "upserts": 1,
            "properties": {"First name": HOSTILE},
        }
    ]  # fmt: skip
    assert [request["status"] for request in state["requests"]] == [202, 503]
    assert state["faults"] == [{"name": "status 503 before_commit", "seen": 1, "committed": 1, "times": 1}]


def test_state_shows_batches_newest_first(sender):
    crm = sender.crm
    crm.fail("batch_failed", contacts=1)
    ada, bo = {"email": "ada@example.com"}, {"email": "bo@example.com"}
    first = sender.batch_id_of([ada, bo])
    second = sender.batch_id_of([ada, bo, {"contactId": 5}], webHookUrl="http://127.0.0.1:1/")
    crm.wait_for_batches()
    state = sender.http.get("/sandbox/state.json").json()
    assert (state["counts"]["batches"], state["counts"]["applied"]) == (2, 3)
    assert [batch.pop("at") > 0 for batch in state["batches"]] == [True, True]
    assert state["batches"] == [
        {"batch_id": second, "request": 2, "state": "Completed", "failure": None, "contacts": 3, "inserted": 1,
         "updated": 1, "skipped": 1, "webhook": "ClientConnectorError"},
        {"batch_id": first, "request": 1, "state": "Failed", "failure": "The sandbox was told to fail.", "contacts": 2,
         "inserted": 1, "updated": 0, "skipped": 0, "webhook": None},
    ]  # fmt: skip


def test_state_is_bounded(sender):
    for number in range(60):
        sender.id_of(
            email=f"p{number}@example.com", propertyFields=[{"propertyName": "Notes", "propertyValue": "x" * 9000}]
        )
    sender.id_of(email="p0@example.com")
    state = sender.http.get("/sandbox/state.json").json()
    assert state["counts"]["contacts"] == 60
    assert [len(state[name]) for name in ("contacts", "requests")] == [50, 50]
    assert [contact["values"]["email"] for contact in state["contacts"][:2]] == ["p0@example.com", "p59@example.com"]
    assert max(len(request["body"]) for request in state["requests"]) <= page_module.TEXT_KEPT + 1


def test_key_is_not_in_reprs():
    made = settings.Settings()
    assert made.page_key not in repr(made)
    assert made.token not in repr(made)


# In a real browser


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 600, "height": 800})
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    # A browser logs each answer that is no success; a breach of the page's policy or a script error is another thing.
    assert [text for text in complaints if not text.startswith("Failed to load resource")] == []


@pytest.mark.browser
def test_hostile_name_shows_as_text(sender, tab):
    entries = [
        {"propertyName": "First name", "propertyValue": HOSTILE},
        {"propertyName": "Notes", "propertyValue": "</td><script>document.title='pwned'</script>"},
    ]
    sender.id_of(email="ada@example.com", propertyFields=entries)
    sender.raw(b"<script>document.title='pwned'</script>")
    tab.goto(sender.crm.page_url)
    expect(tab.locator("#contacts")).to_contain_text(HOSTILE)
    for row in tab.locator("#requests summary").all():
        row.click()
    expect(tab.locator("#requests pre").first).to_have_text("<script>document.title='pwned'</script>")
    assert tab.title() == "mbtoolkit sandbox"
    assert tab.locator("img").count() == 0
    assert tab.locator("script").count() == 1


@pytest.mark.browser
def test_page_is_live_and_keeps_what_was_opened(sender, tab):
    tab.goto(sender.crm.page_url)
    expect(tab.locator("#contacts-empty")).to_be_visible()
    assert "key" not in tab.url
    sender.id_of(email="ada@example.com")
    expect(tab.locator("#count-contacts")).to_have_text("1")
    tab.locator("#requests summary").first.click()
    sender.crm.fail("reset", phase="after_commit")
    with pytest.raises(httpx.ReadError):
        sender.upsert(email="bo@example.com")
    expect(tab.locator("#requests")).to_contain_text("fault: reset after_commit")
    expect(tab.locator("#requests")).to_contain_text("cut")
    expect(tab.locator("#count-faults")).to_have_text("1")
    assert tab.locator("#requests details").last.get_attribute("open") is not None
    tab.reload()
    expect(tab.locator("#count-contacts")).to_have_text("2")
    with sender.crm.outage():
        expect(tab.locator("#live")).to_have_text("the sandbox is not running")
    expect(tab.locator("#live")).to_have_text("live")


@pytest.mark.browser
def test_page_follows_batches(behaving, tab):
    sender = behaving(batch_delay_seconds=600)
    tab.goto(sender.crm.page_url)
    expect(tab.locator("#contacts-empty")).to_be_visible()
    expect(tab.locator("#batches-section")).to_be_hidden()
    batch_id = sender.batch_id_of([{"email": "ada@example.com"}, {"contactId": 5}])
    expect(tab.locator("#batches")).to_contain_text("Queued")
    sender.crm.release_batches()
    expect(tab.locator("#batches")).to_contain_text("Completed")
    assert tab.locator("#batches td").all_inner_texts() == [batch_id, "#1", "Completed", "2", "1", "0", "1"]
    expect(tab.locator("#count-batches")).to_have_text("1")


@pytest.mark.browser
def test_page_without_its_key_asks_for_it(sender, tab):
    sender.id_of(email="ada@example.com")
    tab.goto(sender.crm.base_url)
    expect(tab.locator("#locked")).to_be_visible()
    expect(tab.locator("#open")).to_be_hidden()
    tab.locator("#key").fill("wrong")
    tab.get_by_role("button", name="Open").click()
    expect(tab.locator("#live")).to_contain_text("not right")
    tab.locator("#key").fill(sender.crm.token)
    tab.get_by_role("button", name="Open").click()
    expect(tab.locator("#contacts")).to_contain_text("ada@example.com")


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_fits_600_pixels_in_both_themes(sender, browser, scheme, tmp_path: Path):
    sender.id_of(
        email="ada@example.com", mobileCountryCode=44, mobileNumber=7700900123, listId=sender.crm.list_id,
        propertyFields=[{"propertyName": "First name", "propertyValue": "Ada " * 40}],
    )  # fmt: skip
    sender.batch_ended([{"email": "bo@example.com"}], webHookUrl="http://127.0.0.1:1/")
    context = browser.new_context(viewport={"width": 600, "height": 800}, color_scheme=scheme)
    tab = context.new_page()
    tab.goto(sender.crm.page_url)
    expect(tab.locator("#contacts")).to_contain_text("ada@example.com")
    tab.locator("#requests summary").first.click()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 600
    ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", ground)[:3])) / 3
    assert (brightness > 128) == (scheme == "light")
    tab.screenshot(path=tmp_path / f"{scheme}.png")
    context.close()
