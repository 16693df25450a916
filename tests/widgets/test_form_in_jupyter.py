"""`ContactForm` in a real Jupyter: filled in by keyboard alone, seen, pushed, found in the sandbox, never saved.

With MBTOOLKIT_SCREENSHOTS=<folder> a picture of each state is written there.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import nbclient
import nbformat
import pytest
from playwright.sync_api import expect
from traitlets.config import Config

pytestmark = pytest.mark.browser

SETUP = """
from mbtoolkit.sandbox import Sandbox
from mbtoolkit.widgets import ContactForm
crm = Sandbox().start()
form = ContactForm(crm.client(), properties=list(crm.properties), list_ids=crm.lists)
"""
HOSTILE = "<img src=x onerror=window.hit=1>"
CANARIES = {
    "email": "canary-mail@example.com",
    "mobile_country_code": 44,
    "mobile_number": 7700900123,
    "email_opt_in": False,
    "property:City": "Canaryville",
    "property:First name": "Canarina",
}
VALUES = ("canary-mail", "7700900123", "Canaryville", "Canarina", "100001")
FILL = f"form.fill({CANARIES!r})"


def open_form(lab, *more, **options):
    book = lab.open(SETUP, "form", *more, **options)
    field(book, "E-mail").wait_for()
    return book


def field(book, label, place=0):
    return book.output.get_by_label(label, exact=True).nth(place)


def push_button(book):
    return book.output.get_by_role("button", name="Push", exact=True)


def answer(book, words):
    found = book.output.get_by_role("status").filter(has_text=words)
    found.wait_for()
    return found


def shoot(book, name):
    folder = os.environ.get("MBTOOLKIT_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        book.page.locator(".mbt-surface").first.screenshot(path=Path(folder) / f"form-{name}.png")


def tab_to(book, key):
    """Goes on by Tab until what has this key has the focus; how many steps it took."""
    for step in range(1, 25):
        book.page.keyboard.press("Tab")
        if (book.page.evaluate("document.activeElement.dataset.key") or "").startswith(key):
            return step
    pytest.fail(f"Tab does not reach {key}")


def test_a_contact_is_written_and_pushed_by_keyboard_alone(lab):
    book = open_form(lab)
    keys = book.page.keyboard
    book.output.get_by_role("button", name="Empty the form").focus()
    assert tab_to(book, "list") == 1
    keys.press("ArrowDown")
    assert tab_to(book, "field:contact_id") == 1
    assert tab_to(book, "field:mobile_country_code") == 1
    assert tab_to(book, "field:mobile_number") == 1
    keys.type("+47 934")
    book.output.get_by_text("Mobile number can't be read as a phone number").wait_for()
    keys.type(" 54 496")
    tab_to(book, "field:mobile_opt_in")
    expect(field(book, "Country code")).to_have_value("47")
    expect(field(book, "Mobile number")).to_have_value("93454496")
    tab_to(book, "field:email")
    keys.type("ada@")
    book.output.get_by_text("E-mail is no e-mail address").wait_for()
    assert field(book, "E-mail").get_attribute("aria-invalid") == "true"
    assert push_button(book).is_disabled()
    keys.type("example.com")
    book.output.get_by_text("E-mail is no e-mail address").wait_for(state="hidden")
    tab_to(book, "field:email_opt_in")
    keys.press("ArrowDown")
    tab_to(book, "add")
    keys.press("Enter")
    book.page.wait_for_function("document.activeElement.dataset.key.startsWith('name:')")
    keys.type("City")
    keys.press("Tab")
    keys.type("Oslo")
    book.output.get_by_text('"propertyValue": "Oslo"').wait_for()
    tab_to(book, "push")
    keys.press("Enter")
    book.page.wait_for_function("document.activeElement.dataset.key === 'confirm'")
    assert book.output.get_by_text("Did this person consent?").is_visible()
    assert book.run("print(crm.requests().height)") == "0"
    keys.press("Enter")
    answer(book, "Stored. Contact id 100001.")
    assert book.page.evaluate("document.activeElement.dataset.key") == "push"
    assert field(book, "Contact id").input_value() == "100001"
    stored = json.loads(book.run("import json; print(json.dumps(crm.contacts().rows(named=True)[0], default=str))"))
    assert (stored["mobile_country_code"], stored["mobile_number"], stored["email"]) == (
        47,
        93454496,
        "ada@example.com",
    )
    assert (stored["property:City"], stored["email_opt_in"], stored["list_id"] is not None) == ("Oslo", True, True)
    assert book.run("print(crm.requests()['body'].item() == form._state.pushes[0].payload)") == "True"


def test_keys_pressed_in_the_form_do_nothing_to_the_notebook_and_ctrl_s_saves(lab):
    book = open_form(lab, "print(1)")
    before = book.cells()
    add = book.output.get_by_role("button", name="Add a property")
    for key in ("a", "x", "d", "d", "b", "Shift+Enter", "z", "ArrowDown"):
        add.press(key)
    assert book.cells() == before
    field(book, "E-mail").press_sequentially("a")
    book.page.keyboard.press("Control+z")
    book.page.wait_for_function("document.activeElement.value === ''")
    book.page.keyboard.press("Tab")
    assert book.cells() == before
    for _ in range(100):  # the undone text is told to the kernel a moment later
        if book.run("print(form.contact)") == "{}":
            break
        book.page.wait_for_timeout(50)
    assert book.run("print(form.contact)") == "{}"
    written = book.path.stat().st_mtime_ns
    add.press("Control+s")
    for _ in range(100):
        book.page.wait_for_timeout(100)
        if book.path.stat().st_mtime_ns > written:
            return
    pytest.fail("Ctrl+S did not save the notebook")


def test_text_typed_while_the_kernel_is_busy_is_kept_and_a_reload_too(lab):
    book = open_form(lab)
    book.page.evaluate(
        """() => { const panel = [...window.jupyterapp.shell.widgets('main')].find((each) => each.sessionContext);
        panel.sessionContext.session.kernel.requestExecute({code: 'import time; time.sleep(3)'}); }"""
    )
    field(book, "Mobile number").click()
    book.page.keyboard.type("+47 934 54 496")
    field(book, "E-mail").click()
    book.page.keyboard.type("busy.bee@example.com", delay=5)
    field(book, "Contact id").click()
    book.page.keyboard.type("12345", delay=5)
    book.page.keyboard.press("Tab")
    assert book.run("print(form.contact)") == (
        "{'contact_id': 12345, 'mobile_country_code': 47, 'mobile_number': 93454496, 'email': 'busy.bee@example.com'}"
    )
    expect(field(book, "E-mail")).to_have_value("busy.bee@example.com")
    expect(field(book, "Contact id")).to_have_value("12345")
    expect(field(book, "Country code")).to_have_value("47")
    book.save()
    book.reload()
    field(book, "E-mail").wait_for()
    assert field(book, "E-mail").input_value() == "busy.bee@example.com"
    assert field(book, "Country code").input_value() == "47"


def test_two_views_show_the_same_and_the_focus_stays_with_the_one_that_is_used(lab):
    book = open_form(lab, "form")
    field(book, "E-mail", 1).wait_for()
    field(book, "E-mail", 1).press_sequentially("ada@example.com")
    expect(field(book, "E-mail", 0)).to_have_value("ada@example.com")
    expect(field(book, "E-mail", 1)).to_have_value("ada@example.com")
    book.output.get_by_role("button", name="Add a property").nth(1).click()
    book.page.wait_for_function(
        "() => document.activeElement === document.querySelectorAll('[data-key^=\"name:\"]')[1]"
    )


def test_a_double_click_pushes_once_and_skips_no_question(lab):
    book = open_form(lab)
    book.run("form.fill({'email': 'ada@example.com', 'email_opt_in': True})")
    push_button(book).dblclick(delay=40)
    book.output.get_by_role("button", name="Yes, push").wait_for()
    assert book.run("print(crm.requests().height)") == "0"
    field(book, "E-mail opt-in").select_option("no")
    box = push_button(book).bounding_box()
    book.page.mouse.move(box["x"] + 10, box["y"] + 10)
    for count in (1, 2):
        book.page.mouse.down(click_count=count)
        book.page.mouse.up(click_count=count)
        book.page.wait_for_timeout(150)
    answer(book, "Stored.")
    assert book.run("form.wait(); print(crm.requests().height)") == "1"


def test_a_form_whose_kernel_was_restarted_says_so(lab):
    book = open_form(lab)
    field(book, "E-mail").press_sequentially("ada@example.com")
    book.page.evaluate(
        """async () => { const panel = [...window.jupyterapp.shell.widgets('main')].find((each) => each.sessionContext);
        await panel.sessionContext.session.kernel.restart(); }"""
    )
    gone = book.output.get_by_text("The kernel was restarted or has ended, and this form with it. Rerun this cell.")
    gone.wait_for()
    assert field(book, "E-mail").input_value() == "ada@example.com"
    field(book, "E-mail").press_sequentially("x")
    book.output.get_by_role("button", name="Empty the form").click()
    book.page.wait_for_timeout(2000)  # longer than the page waits before it says that there is no answer
    expect(gone).to_be_visible()


def test_hostile_text_stays_text_on_the_page(lab):
    book = open_form(lab)
    book.run(f"form.fill({{'email': 'ada@example.com', 'property:{HOSTILE}': '{HOSTILE}', '{HOSTILE}': 1}})")
    push_button(book).click()
    answer(book, HOSTILE)
    book.output.get_by_text("History").click()
    assert book.page.evaluate("window.hit") is None
    assert book.page.locator(".mbt-surface img, .mbt-surface script").count() == 0
    assert field(book, "Property").input_value() == HOSTILE


def test_a_saved_notebook_holds_nothing_of_the_contact_or_the_token(lab):
    book = open_form(lab, FILL, "form.push()")
    answer(book, "Stored.")
    field(book, "E-mail").press_sequentially("x")
    token = book.run("print(crm.token)")
    saved = book.save()
    assert "widgets" in saved["metadata"]
    for cell in saved["cells"]:
        cell.pop("source")
    text = json.dumps(saved, ensure_ascii=False)
    assert {value: text.count(value) for value in (*VALUES, token)} == dict.fromkeys((*VALUES, token), 0)
    print(f"saved notebook: {book.path.stat().st_size:,} bytes")
    assert book.path.stat().st_size < 40_000


def test_an_executed_notebook_that_stores_widget_state_holds_nothing_either(tmp_path, monkeypatch):
    for variable, folder in (("IPYTHONDIR", "ipython"), ("JUPYTER_CONFIG_DIR", "config"), ("JUPYTER_DATA_DIR", "data")):
        monkeypatch.setenv(variable, str(tmp_path / folder))
    (tmp_path / "contact.json").write_text(json.dumps(CANARIES), encoding="utf-8")
    cells = [SETUP, "form", "import json\nform.fill(json.load(open('contact.json')))\nform.push()\nform",
             "open('token', 'w').write(crm.token)\nassert crm.contacts().height == 1"]  # fmt: skip
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in cells])
    resources = {"metadata": {"path": str(tmp_path)}}
    config = Config(KernelManager={"transport": "ipc", "ip": str(tmp_path / "kernel")})  # ports may be taken
    nbclient.NotebookClient(
        notebook, timeout=120, resources=resources, store_widget_state=True, config=config
    ).execute()
    text = nbformat.writes(notebook)
    assert "widgets" in notebook.metadata
    token = (tmp_path / "token").read_text(encoding="utf-8")
    assert {value: text.count(value) for value in (*VALUES, token)} == dict.fromkeys((*VALUES, token), 0)
    print(f"executed notebook: {len(text.encode()):,} bytes")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_wrong_in_any_state(lab, theme):
    book = open_form(lab, theme=theme, height=1700)
    states = {
        "empty": "form.fill(None)",
        "invalid": "form.fill({'mobile_number': '+47 934', 'email': 'ada@', 'email_opt_in': '?', 'property:x': ''})",
        "warning": "form.fill({'email': 'ada@еxample.com', 'property:City': 'Oslo'})",
        "pushed": f"form.fill({{**{CANARIES!r}, 'property:Nonsense': 'x'}}); form.push()",
        "failed": "crm.revoke(); form.push()",
    }
    found = {}
    for state, code in states.items():
        book.run(code)
        for width in (1200, 600):
            book.page.set_viewport_size({"width": width, "height": 1700})
            book.page.wait_for_timeout(200)
            found[state, width] = book.violations(".mbt-surface")
            shoot(book, f"{state}-{theme}-{width}")
            assert book.page.locator(".mbt-surface").evaluate("root => root.scrollWidth <= root.clientWidth")
    book.run("form.fill({'email': 'ada@example.com', 'email_opt_in': True})")
    push_button(book).click()
    book.output.get_by_role("button", name="Yes, push").wait_for()
    found["asking", 600] = book.violations(".mbt-surface")
    shoot(book, f"asking-{theme}-600")
    assert [each for each in found.items() if each[1]] == []
