"""`ContactForm`, its page played: what is typed is judged, previewed, pushed once, kept; nothing of it is saved."""

from __future__ import annotations

import json
import threading

import comm
import pandera.polars as pa
import polars as pl
import pytest

from mbtoolkit import Client, ContactSchema, upsert_contacts
from mbtoolkit.errors import FrameError, SettingsError, UsageError
from mbtoolkit.schemas import ResultsSchema
from mbtoolkit.widgets import ContactForm
from mbtoolkit.widgets.form import form as module
from tests.widgets.playing import Page, Wire

CANARY = "canary.person@example.com"
ANOTHER = "11111111-2222-3333-4444-555555555555"


@pytest.fixture(autouse=True)
def wire(monkeypatch):
    monkeypatch.setattr(comm, "create_comm", Wire)


@pytest.fixture
def form(crm, client):
    return ContactForm(client, properties=list(crm.properties), list_ids=crm.lists)


@pytest.fixture
def page(form):
    return Page(form)


def press_and_wait(page, key="push"):
    page.press(key)
    assert page.widget.wait(20)


# Typing


def test_an_empty_form_asks_for_an_identifier_and_cannot_be_pushed(form, page):
    assert "a contact id, a mobile number or an e-mail is needed" in page.text().lower()
    assert page.is_off("push")
    assert (form.payload, form.contact, form.last_result) == (None, {}, None)


def test_what_is_typed_is_judged_at_its_field(form, page):
    page.type("field:email", "ada@")
    assert "Error: E-mail is no e-mail address" in page.told("email")
    assert page.find("field:email")["a"]["aria-invalid"] == "true"
    assert page.is_off("push")
    page.type("field:email", "ada@example.com")
    assert page.told("email") == "Such as name@example.com."
    assert "aria-invalid" not in page.find("field:email")["a"]
    assert not page.is_off("push")
    assert form.payload == '{"email":"ada@example.com"}'
    assert '"email": "ada@example.com"' in page.text("preview")
    assert "else it is a new contact" in page.text("preview")


def test_a_warning_is_told_and_keeps_nothing_back(page):
    page.type("field:email", "ada@еxample.com")
    assert "Warning: E-mail" in page.told("email")
    assert not page.is_off("push")


def test_a_pasted_number_fills_code_and_number(form, page):
    page.type("field:mobile_country_code", "46")
    page.paste("field:mobile_number", "+47 934 54 496")
    assert (page.value("field:mobile_country_code"), page.value("field:mobile_number")) == ("47", "93454496")
    assert form.contact == {"mobile_country_code": 47, "mobile_number": 93454496}


def test_a_number_pasted_into_the_code_fills_both_too(page):
    page.paste("field:mobile_country_code", "+47 934 54 496")
    assert (page.value("field:mobile_country_code"), page.value("field:mobile_number")) == ("47", "93454496")


def test_a_typed_number_is_taken_apart_once_it_is_left(form, page):
    before = page.find("field:mobile_number")["r"]
    page.type("field:mobile_number", "+47 934 54 496")
    assert page.value("field:mobile_number") == "+47 934 54 496"
    assert form.contact["mobile_country_code"] == 47
    page.leave("field:mobile_number", "+47 934 54 496")
    assert (page.value("field:mobile_country_code"), page.value("field:mobile_number")) == ("47", "93454496")
    assert page.find("field:mobile_number")["r"] > before


def test_opt_ins_have_three_states(form, page):
    page.type("field:email", "ada@example.com")
    for value, sent in (("yes", True), ("no", False), ("", None)):
        page.choose("field:email_opt_in", value)
        assert form.contact.get("email_opt_in") is sent
    assert [option["k"] for option in page.find("field:email_opt_in")["c"]] == ["", "yes", "no"]


def test_an_opt_in_that_is_no_word_shows_as_it_was_found(crm, client):
    page = Page(ContactForm(client, {"email": "ada@example.com", "email_opt_in": "perhaps"}))
    assert [option["k"] for option in page.find("field:email_opt_in")["c"]] == ["perhaps", "", "yes", "no"]
    assert "neither yes nor no" in page.told("email_opt_in")


@pytest.mark.parametrize(
    ("key", "event", "value"),
    [
        ("field:nowhere", "input", "x"),
        ("field:email", "input", True),
        ("field:email", "input", None),
        ("field", "input", ""),
        ("clear:contact_id", "change", True),
        ("clear:", "change", True),
        ("emptied:99", "change", True),
        ("name:²", "input", "x"),
        ("value:" + "9" * 5000, "input", "x"),
        ("remove:-1", "click", None),
        ("push", "click", "x"),
        ("push", "click", None),
        ("confirm", "click", "0"),
        ("back", "click", None),
        ("emptied:0", "change", "x"),
        ("name:0", "input", False),
        ("nonsense", "click", None),
        ("", "click", ""),
    ],
    ids=str,
)
def test_nonsense_changes_nothing(form, page, key, event, value):
    page.type("field:email", "ada@example.com")
    payload = form.payload
    page.do(key, event, value)
    assert form.payload == payload
    assert not page.has("fault")
    assert form.wait(5)
    assert form.last_result is None


def test_half_a_character_is_refused_and_breaks_nothing(form, page):
    page.type("field:email", "ada\ud800@example.com")
    assert "half a character" in page.told("email")
    assert form.payload is None


# Lists


def test_a_list_is_chosen_by_its_name_or_typed(form, page, crm):
    name, known = next(iter(crm.lists.items()))
    page.type("field:email", "ada@example.com")
    page.choose("list", known)
    assert json.loads(form.payload)["listId"] == known
    assert f"It goes into the list {name}." in page.text("preview")
    page.choose("list", "another")
    assert page.find("field:list_id")["f"] > 0
    page.type("field:list_id", "x")
    assert "List is no uuid" in page.told("list_id")
    page.type("field:list_id", ANOTHER)
    assert json.loads(form.payload)["listId"] == ANOTHER
    page.choose("list", "")
    assert not page.has("field:list_id")
    assert "listId" not in json.loads(form.payload)


def test_the_clients_own_list_is_the_default_and_said(crm):
    name, known = next(iter(crm.lists.items()))
    with crm.client(list_id=known) as client:
        form = ContactForm(client, {"email": "ada@example.com", "list_id": " "}, list_ids=crm.lists)
        page = Page(form)
        assert f"{name} (the client's own)" in page.text("list")
        assert json.loads(form.payload)["listId"] == known
        form.push()
        assert crm.requests()["body"].to_list() == [form.payload.replace('"contactId":100001,', "")]
        plain = Page(ContactForm(client))
        assert plain.told("list_id") == "Blank: the client's own list."


def test_a_list_that_is_not_among_the_known_ones_is_typed(crm, client):
    page = Page(
        ContactForm(client, {"list_id": ANOTHER, "email": "ada@example.com"}, list_ids=list(crm.lists.values()))
    )
    assert page.value("list") == "another"
    assert page.value("field:list_id") == ANOTHER


# Properties and clearing


@pytest.mark.slow
def test_properties_are_added_named_and_removed(form, page, crm):
    page.type("field:email", "ada@example.com")
    page.press("add")
    page.press("add")
    first, second = page.keys("name")
    assert page.find(second)["f"] > 0
    assert {option["k"] for option in page.nodes() if option["t"] == "option"} >= set(crm.properties)
    page.type(first, "City")
    page.type(first.replace("name", "value"), "Oslo")
    page.type(second.replace("name", "value"), "43")
    assert "has a value and no name" in page.told(second.replace("name:", "property-"))
    page.type(second, "Shoe size")
    assert json.loads(form.payload)["propertyFields"] == [
        {"propertyName": "City", "propertyValue": "Oslo"},
        {"propertyName": "Shoe size", "propertyValue": "43"},
    ]
    page.press(first.replace("name", "remove"))
    assert page.keys("name") == [second]
    assert form.contact == {"email": "ada@example.com", "property:Shoe size": "43"}


def test_text_on_its_way_to_a_property_finds_its_row_after_another_was_removed(form, page):
    form.fill({"email": "ada@example.com", "property:City": "Oslo", "property:Country": ""})
    removed, kept = page.keys("value")
    page.do(removed.replace("value", "remove"), "click")
    page.type(kept, "Norway")
    page.type(removed, "Bergen")
    assert form.contact == {"email": "ada@example.com", "property:Country": "Norway"}
    form.fill({"email": "bo@example.com", "property:Country": ""})
    page.type(kept, "Norway")
    assert form.contact == {"email": "bo@example.com"}


def test_clearing_is_a_switch_that_says_what_is_not_known(form, page):
    form.fill({"contact_id": 5, "email": "ada@example.com", "property:City": "Oslo"})
    page.choose("clear:email", True)
    assert page.value("field:email") == ""
    assert "not documented" in page.text("clearing:email")
    assert json.loads(form.payload) == {
        "contactId": 5,
        "email": None,
        "propertyFields": [{"propertyName": "City", "propertyValue": "Oslo"}],
    }
    page.type("field:email", "bo@example.com")
    assert page.value("clear:email") is False
    assert json.loads(form.payload)["email"] == "bo@example.com"
    page.choose("clear:mobile_number", True)
    assert {"mobileCountryCode": None, "mobileNumber": None}.items() <= json.loads(form.payload).items()
    page.choose("clear:mobile_number", False)
    assert "mobileNumber" not in json.loads(form.payload)
    value = page.keys("value")[0]
    emptied = value.replace("value", "emptied")
    page.choose(emptied, True)
    assert json.loads(form.payload)["propertyFields"] == [{"propertyName": "City", "propertyValue": None}]
    assert "not documented" in page.told(value.replace("value:", "property-"))
    page.type(value, "Bergen")
    assert page.value(emptied) is False
    assert json.loads(form.payload)["propertyFields"] == [{"propertyName": "City", "propertyValue": "Bergen"}]


def test_an_identifier_that_is_cleared_identifies_nobody(form, page):
    page.type("field:email", "ada@example.com")
    page.choose("clear:email", True)
    assert page.is_off("push")


# Pushing


@pytest.mark.slow
def test_a_push_stores_the_contact_and_the_next_one_is_an_update(form, page, crm):
    page.type("field:email", "ada@example.com")
    page.press("add")
    page.type(page.keys("name")[0], "City")
    page.type(page.keys("value")[0], "Oslo")
    first = form.payload
    press_and_wait(page)
    stored = crm.contacts().row(0, named=True)
    assert (stored["email"], stored["property:City"]) == ("ada@example.com", "Oslo")
    assert form.last_result["mb_contact_id"] == stored["contact_id"]
    assert page.value("field:contact_id") == str(stored["contact_id"])
    assert f"Contact id {stored['contact_id']}" in page.text("answer")
    assert "is updated" in page.text("preview")
    page.type(page.keys("value")[0], "Bergen")
    second = form.payload
    press_and_wait(page)
    assert crm.contacts().height == 1
    assert crm.contacts()["property:City"].item() == "Bergen"
    assert crm.requests()["body"].to_list() == [first, second]
    assert "2 pushes of this form" in page.text("history")
    assert second in page.text("history")


@pytest.mark.slow
def test_the_results_are_a_results_frame_of_the_pushes(form, page, crm):
    ResultsSchema.validate(form.results)
    assert form.results.height == 0
    form.fill({"email": "ada@example.com", "property:City": "Oslo"})
    form.push()
    form.fill({"mobile_country_code": 44, "mobile_number": 7700900123})
    form.push()
    results = form.results
    ResultsSchema.validate(results)
    assert results["mb_row"].to_list() == [0, 1]
    assert results["email"].to_list() == ["ada@example.com", None]
    assert results["mb_status"].to_list() == ["succeeded", "succeeded"]
    assert form.last_result["mb_contact_id"] == results["mb_contact_id"][1]
    form.fill(results[0])
    assert form.contact == {
        "contact_id": results["mb_contact_id"][0],
        "email": "ada@example.com",
        "property:City": "Oslo",
    }


def test_the_code_does_what_the_push_does(form, crm, client):
    form.fill({"email": "ada@example.com", "email_opt_in": False, "property:City": 'O"slo', "property:Country": None})
    exec(form.code, {"client": client})
    form.push()
    assert crm.requests()["body"].to_list() == [form.payload.replace('"contactId":100001,', "")] * 2
    assert crm.contacts()["upserts"].to_list() == [2]


def test_an_opt_in_is_turned_on_only_after_one_more_question(form, page, crm):
    form.fill({"email": "ada@example.com", "email_opt_in": True})
    page.press("push")
    page.do("push", "click", "0")
    assert "Did this person consent?" in page.text("asking")
    assert page.find("confirm")["f"] > 0
    assert crm.requests().height == 0
    page.press("back")
    assert not page.has("asking")
    page.press("push")
    page.type("field:email", "bo@example.com")
    assert not page.has("asking")
    page.do("confirm", "click", "0")
    assert form.wait(5)
    assert crm.requests().height == 0
    page.press("push")
    press_and_wait(page, "confirm")
    assert crm.contacts()["email_opt_in"].to_list() == [True]


def test_an_opt_in_is_turned_off_without_a_question(form, page, crm):
    form.fill({"email": "ada@example.com", "email_opt_in": False, "mobile_opt_in": False})
    press_and_wait(page)
    assert crm.contacts()["email_opt_in"].to_list() == [False]


def test_two_quick_clicks_push_once(form, page, crm):
    page.type("field:email", "ada@example.com")
    stamp = page.find("push")["v"]
    page.do("push", "click", stamp)
    page.do("push", "click", stamp)
    assert form.wait(20)
    page.do("push", "click", stamp)
    assert form.wait(20)
    assert crm.requests().height == 1
    press_and_wait(page)
    assert crm.requests().height == 2


def test_two_quick_clicks_push_once_also_where_the_first_fails(form, page, crm):
    crm.fail("status", status=422)
    page.type("field:email", "ada@example.com")
    stamp = page.find("push")["v"]
    for _ in range(2):
        page.do("push", "click", stamp)
        assert form.wait(20)
    assert crm.requests().height == 1


@pytest.mark.slow
def test_while_a_push_is_on_its_way_another_cannot_begin_and_typing_goes_on(form, page, crm):
    crm.fail("delay", seconds=0.6)
    page.type("field:email", "ada@example.com")
    page.press("push")
    assert page.is_off("push")
    assert page.text("push") == "Pushing …"
    page.press("push")
    with pytest.raises(UsageError, match="on its way"):
        form.push()
    page.press("add")
    page.type(page.keys("name")[0], "City")
    page.type(page.keys("value")[0], "Oslo")
    assert form.wait(20)
    assert crm.requests().height == 1
    assert page.value(page.keys("value")[0]) == "Oslo"
    assert page.value("field:contact_id") == str(form.last_result["mb_contact_id"])
    assert not page.is_off("push")


@pytest.mark.slow
def test_pushes_begun_by_many_threads_at_once_are_one(form, crm):
    crm.fail("delay", seconds=0.4)
    form.fill({"email": "ada@example.com"})
    begun = []
    gate = threading.Barrier(8)

    def begin():
        gate.wait()
        begun.append(form._begin())

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert form.wait(20)
    assert sorted(begun) == [False] * 7 + [True]
    assert crm.requests().height == 1


@pytest.mark.slow
def test_the_id_of_one_contact_never_comes_into_the_form_of_another(form, page, crm):
    crm.fail("delay", seconds=0.4)
    page.type("field:email", "ada@example.com")
    page.press("push")
    form.fill({"email": "bo@example.com"})
    assert form.wait(20)
    assert form.contact == {"email": "bo@example.com"}
    assert page.text("answer") == ""
    assert form.last_result["mb_status"] == "succeeded"
    assert "ada@example.com" in page.text("history")


def test_the_form_is_emptied_and_its_history_stays(form, page):
    form.fill({"email": "ada@example.com", "property:City": "Oslo"})
    press_and_wait(page)
    page.press("empty")
    assert (page.value("field:email"), page.keys("name"), page.text("answer")) == ("", [], "")
    assert page.find("field:contact_id")["f"] > 0
    assert page.has("history")


@pytest.mark.slow
def test_properties_that_the_crm_does_not_know_are_told_at_their_rows(form, page, crm):
    form.fill({"email": "ada@example.com", "property:City": "Oslo", "property:Nonsense": "x"})
    known, unknown = (key.replace("name:", "property-") for key in page.keys("name"))
    press_and_wait(page)
    assert form.last_result["mb_invalid_properties"] == ["Nonsense"]
    assert page.told(known) == ""
    assert "is not known to the CRM" in page.told(unknown)
    assert "Stored." in page.text("answer")
    assert "without the properties Nonsense" in page.text("answer")
    page.press(page.keys("remove")[0])
    assert "is not known to the CRM" in page.told(unknown)
    crm.fail("status", status=422)
    press_and_wait(page)
    assert "is not known to the CRM" in page.told(unknown)
    page.type(page.keys("name")[0], "Country")
    assert page.told(unknown) == ""
    assert not page.is_off("push")


FAILURES = {
    "422": (lambda crm: crm.fail("status", status=422), "rejected", "the CRM refused it"),
    "401": (lambda crm: crm.revoke(), "not_sent", "does not accept the token"),
    "500": (lambda crm: crm.fail("status", status=500, times=None), "unknown", "may or may not be stored"),
    "404": (lambda crm: crm.fail("status", status=404), "not_sent", "no CRM at the client's address"),
    "down": (lambda crm: crm.go_offline(), "not_sent", "can't be reached"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failed_push_keeps_what_was_typed_and_says_what_happened(crm, failure):
    spoil, status, words = FAILURES[failure]
    with crm.client(attempts=1, timeout_seconds=5.0) as client:
        form = ContactForm(client, {"email": "ada@example.com", "property:City": "Oslo"})
        page = Page(form)
        payload = form.payload
        spoil(crm)
        press_and_wait(page)
        assert form.last_result["mb_status"] == status
        assert words in page.text("answer")
        assert "What you typed is kept." in page.text("answer")
        assert form.payload == payload
        assert page.value("field:email") == "ada@example.com"
        assert not page.is_off("push")


def test_a_long_text_of_the_crm_is_cut_short_on_the_page_alone(form, page, crm):
    body = json.dumps({"status": "Failed", "message": "x" * 5000})
    crm.fail("status", status=422, body=body)
    form.fill({"email": "ada@example.com"})
    press_and_wait(page)
    assert len(form.last_result["mb_message"]) == 5000
    assert len(page.text("answer")) < 1000


def test_a_fault_while_pushing_is_shown_and_raised_to_the_cell(crm, client, caplog):
    class Fickle(ContactSchema):
        @pa.check("email")
        def _fickle(cls, data):  # noqa: ARG002 - the signature is pandera's
            if broken:
                raise RuntimeError("ada@example.com")
            return True

    broken = []
    form = ContactForm(client, {"email": "ada@example.com"}, schema=Fickle)
    page = Page(form)
    broken.append(True)
    with pytest.raises(FrameError):
        form.push()
    assert page.has("fault")
    assert not page.is_off("push")
    assert form.last_result is None
    broken.clear()
    press_and_wait(page)
    assert form.last_result["mb_status"] == "succeeded"
    assert not page.has("fault")


def test_where_nobody_knows_what_became_of_a_push_the_form_says_so(form, page, crm, monkeypatch, caplog):
    page.type("field:email", CANARY)

    def fail(*_arguments, **_options):
        raise ValueError(CANARY)

    with monkeypatch.context() as patch:
        patch.setattr(module, "upsert_contacts", fail)
        with pytest.raises(ValueError, match=CANARY) as caught:
            form.push()
    assert page.text("fault").startswith("The push failed, and the contact may or may not be stored. Pushing it again")
    assert not page.is_off("push")
    assert "a push of the form failed" in caplog.text
    assert "in _upsert" in caplog.text
    assert CANARY not in caplog.text
    assert [each.name for each in caught.traceback][1:] == ["push"]
    press_and_wait(page)
    assert form.last_result["mb_status"] == "succeeded"
    assert not page.has("fault")


def test_an_answer_that_can_not_be_shown_is_in_the_history_and_ends_the_push(form, page, crm, monkeypatch, caplog):
    page.type("field:email", CANARY)
    with monkeypatch.context() as patch:
        patch.setattr(form, "_take_answer", None)
        press_and_wait(page)
    assert page.text("fault").startswith("The push was answered (see History), but showing the answer failed: internal")
    assert form.last_result["mb_status"] == "succeeded"
    assert "1 push of this form" in page.text("history")
    assert not page.is_off("push")
    assert "showing the answer to a push failed" in caplog.text


def test_where_no_thread_can_be_made_the_form_is_not_busy(form, page, crm, monkeypatch):
    page.type("field:email", CANARY)

    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        page.press("push")
    assert page.text("fault").startswith("Nothing was changed: internal error (RuntimeError)")
    assert not page.is_off("push")
    press_and_wait(page)
    assert form.last_result["mb_status"] == "succeeded"


def test_no_repr_of_what_a_form_holds_shows_the_contact(form):
    form.fill({"email": CANARY, "property:City": CANARY})
    state = form._state
    for each in (state, state.draft, *state.draft.properties, state.checked):
        assert CANARY not in repr(each)


def test_a_form_that_cannot_be_pushed_says_so_in_code(form):
    with pytest.raises(UsageError, match="invalid"):
        form.push()
    assert form.code.startswith("#")
    assert form.issues["rule"].to_list() == ["no_identifier"]


# Filling


def test_a_form_is_filled_from_a_row_of_results(crm, client, people):
    results = upsert_contacts(people, client, progress=False)
    form = ContactForm(client, results.row(3, named=True))
    assert form.contact["contact_id"] == results["mb_contact_id"][3]
    assert form.contact["email"] == "person3@example.com"
    assert "Never sent: note." in Page(form).text("left-out")


@pytest.mark.parametrize(
    ("contact", "options", "words"),
    [
        (pl.DataFrame({"email": ["a", "b"]}), {}, "2 rows"),
        ("ada@example.com", {}, "holds one contact"),
        (None, {"list_ids": ["x"]}, "no uuid"),
        (None, {"list_ids": {"Friends": 5}}, "no uuid"),
        (None, {"properties": "City"}, "names of properties"),
        (None, {"properties": [5]}, "names of properties"),
    ],
)
def test_a_wrong_call_is_refused(client, contact, options, words):
    with pytest.raises(UsageError, match=words):
        ContactForm(client, contact, **options)


def test_a_form_needs_a_client():
    with pytest.raises(UsageError, match=r"Client\.from_env"):
        ContactForm("https://crm.example.com")
    with pytest.raises(SettingsError):
        ContactForm(Client("http://crm.example.com", "t"))


def test_a_wrong_fill_leaves_the_form_as_it_was(form):
    form.fill({"email": "ada@example.com"})
    with pytest.raises(UsageError):
        form.fill([])
    assert form.contact == {"email": "ada@example.com"}


# Views, and what is saved


def test_two_views_of_a_form_show_the_same(form, page):
    other = Page(form, "v2")
    page.type("field:email", "ada@example.com")
    assert other.value("field:email") == "ada@example.com"
    other.type("field:contact_id", "5")
    assert page.value("field:contact_id") == "5"
    assert (page.sent[-1]["view"], page.sent[-1]["seq"]) == ("v2", 1)


def test_two_forms_know_nothing_of_each_other(crm, client):
    one, two = Page(ContactForm(client)), Page(ContactForm(client))
    one.type("field:email", "ada@example.com")
    assert two.value("field:email") == ""


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "{{7*7}}",
    "=cmd|' /C calc'!A0",
    "\u202egnp",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(form, page, crm, text):
    form.fill({"email": "ada@example.com", f"property:{text}": text})
    press_and_wait(page)
    sent = json.loads(crm.requests()["body"].item())
    assert sent["propertyFields"] == [{"propertyName": text, "propertyValue": text}]
    assert page.value(page.keys("name")[0]) == text
    assert text in page.text("answer")
    assert {node["t"] for node in page.nodes()}.isdisjoint({"img", "script", "a", "iframe"})


def test_nothing_of_a_contact_or_token_is_in_the_state_or_the_repr(form, page, crm):
    form.fill(
        {
            "email": "canary@example.com",
            "mobile_country_code": 44,
            "mobile_number": 7700900123,
            "property:City": "Canaryville",
        }
    )
    press_and_wait(page)
    held = json.dumps(form.get_state(), default=str) + repr(form) + str(form._repr_mimebundle_())
    held += json.dumps([data for data in form.comm.sent if data.get("method") != "custom"], default=str)
    for canary in ("canary", "7700900123", "Canaryville", crm.token, str(form.last_result["mb_contact_id"])):
        assert canary not in held
    assert repr(form) == "<ContactForm: valid, 1 push>"


def test_every_input_has_a_label_and_a_line_that_is_read_out(form, page):
    form.fill({"email": "ada@", "property:City": "Oslo"})
    named = {node["a"]["for"] for node in page.nodes() if node["t"] == "label" and "for" in node.get("a", {})}
    lines = {node["a"]["id"] for node in page.nodes() if node.get("a", {}).get("aria-live") == "polite"}
    inputs = [node for node in page.nodes() if node["t"] in ("input", "select") and node["a"].get("type") != "checkbox"]
    assert inputs
    for node in inputs:
        assert node["a"]["id"] in named
        assert node["a"].get("aria-describedby", "told-email") in lines
