"""What is worked out once on the way from a file to its results, counted through a real push."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import comm
import pytest

from mbtoolkit.reading.sources import load
from mbtoolkit.schemas.conform import conform
from mbtoolkit.schemas.sharing import shared_identifiers
from mbtoolkit.sessions.pushing import FilePush, Source
from mbtoolkit.validation import validate_contacts
from mbtoolkit.widgets import PushPanel
from tests.widgets.panel.hands import Hands
from tests.widgets.playing import Wire

SAMPLE = Path(__file__).parents[2] / "data" / "contacts.csv"


@pytest.fixture
def sample(tmp_path):
    """The first rows of the sample."""
    path = tmp_path / SAMPLE.name
    path.write_text("".join(SAMPLE.read_text(encoding="utf-8").splitlines(keepends=True)[:101]), encoding="utf-8")
    return path


@pytest.fixture
def calls(monkeypatch):
    """How often each function is called, wherever it was imported."""
    found = Counter()

    def counted(function):
        def called(*args, **options):
            found[function.__name__] += 1
            return function(*args, **options)

        return called

    modules = [module for name, module in sys.modules.items() if name.startswith("mbtoolkit")]
    for function in (load, conform, shared_identifiers, validate_contacts):
        wrapped = counted(function)
        for module in modules:
            for name in [name for name, value in vars(module).items() if value is function]:
                monkeypatch.setattr(module, name, wrapped)
    return found


@pytest.mark.filterwarnings("ignore::mbtoolkit.errors.SourceWarning")
def test_a_file_is_parsed_once_and_conformed_a_handful_of_times_from_load_to_results(client, sample, calls):
    push = FilePush(client, Source(str(sample), sample.name))
    push.check()
    assert push.validation.issues.height > 0
    push.edits.edit(0, "email", "someone@example.com")
    assert push.validation.issues.height > 0
    push.find_duplicates()
    push.consented = push.review.opt_ins_on
    push.start(lambda: None)
    assert push.wait(60)
    assert push.results.height == push.contacts.height
    assert push.review.stored == push.results["mb_status"].is_in(["succeeded"]).sum()
    push.failed()
    assert calls["load"] == 1
    assert calls["conform"] <= 7
    assert calls["shared_identifiers"] <= 7


@pytest.mark.filterwarnings("ignore::mbtoolkit.errors.SourceWarning")
def test_another_mapping_and_another_recipe_do_not_parse_the_file_again(client, sample, calls):
    push = FilePush(client, Source(str(sample), sample.name))
    push.check()
    column = next(column for column, target in push.mapping.items() if target.startswith("property:"))
    push.map_column(column, "")
    push.check()
    push.use_recipe(push.whole_recipe)
    assert calls["load"] == 1


@pytest.mark.filterwarnings("ignore::mbtoolkit.errors.SourceWarning")
def test_a_panel_s_steps_conform_a_handful_of_times_too(client, sample, calls, monkeypatch):
    monkeypatch.setattr(comm, "create_comm", Wire)
    hands = Hands(PushPanel(client, sample))
    hands.next(2)
    assert hands.title == "Clean"
    hands.top.press("part:duplicates")
    hands.top.press("look")
    hands.next()
    hands.mend(0, "email", "someone@example.com")
    hands.next()
    hands.push()
    hands.next()
    assert hands.title == "Results"
    assert calls["load"] == 1
    assert calls["conform"] <= 7
