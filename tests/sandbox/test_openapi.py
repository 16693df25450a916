"""The OpenAPI document: derived from the field table, and no answer of the server breaks it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mbtoolkit.contacts import FIELDS, PROPERTIES_WIRE
from mbtoolkit.sandbox import Behaviour, Fault, Sandbox
from mbtoolkit.sandbox.openapi import document

pytestmark = pytest.mark.slow

IS_FULL = bool(os.environ.get("MBTOOLKIT_FULL"))
EXAMPLES = 2_000 if IS_FULL else 25
# No webhook is called: made-up addresses could be anybody's on this machine.
QUIET = Behaviour(webhook="never")
LENIENT = Behaviour(unknown_contact_id="created", unknown_list="accepted", webhook="never")
# A run on one operation alone has no links to follow from answer to answer.
ALONE = ("--phases", "examples,coverage,fuzzing")

# Checks that are left out of the run with all data, and why:
# - positive_data_acceptance: a contactId or list that does not exist is valid by the schema and rightly a 422, and
#   JSON Schema calls 1.0 an integer. The run with valid data, on a lenient sandbox, has this check.
LEFT_OUT = "positive_data_acceptance"


def test_every_field_is_described_with_its_range():
    properties = document(with_faults=True)["components"]["schemas"]["Contact"]["properties"]
    assert list(properties) == [*(field.wire for field in FIELDS), PROPERTIES_WIRE]
    for field in FIELDS:
        schema = properties[field.wire]
        assert schema["description"] == field.description
        assert "null" in schema["type"]
        assert schema.get("maximum") == field.maximum


def test_every_setting_of_a_fault_is_described():
    schema = document(with_faults=True)["components"]["schemas"]["Fault"]
    assert set(schema["properties"]) == set(Fault.__dataclass_fields__)


def test_control_is_described_only_where_it_is():
    assert "/sandbox/faults" in document(with_faults=True)["paths"]
    assert "/sandbox/faults" not in document(with_faults=False)["paths"]


def test_success_code_of_a_batch_is_described_as_it_is(behaving):
    sender = behaving(behaviour=Behaviour(batch_success="status_200"))
    described = sender.http.get("/openapi.json").json()["paths"]["/contacts/batch"]["post"]["responses"]
    assert [code for code in described if code.startswith("2")] == ["200"]


def test_document_is_served(sender):
    assert sender.http.get("/openapi.json").json() == document(with_faults=True)


def fuzz(crm: Sandbox, folder: Path, *options: str, hooks: str | None = None) -> int:
    """Runs schemathesis; returns how many cases it made. Faults are said with its whole output."""
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{crm.base_url}/openapi.json",
        "--header", f"Authorization: Bearer {crm.token}", "--max-examples", str(EXAMPLES),
        "--suppress-health-check", "all", "--continue-on-failure", *options,
    ]  # fmt: skip
    environment = {**os.environ, "COLUMNS": "200"}
    if hooks is not None:
        environment |= {"SCHEMATHESIS_HOOKS": hooks, "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"(\d+) generated", done.stdout)
    assert found is not None, done.stdout
    # Not the word "error": a warning about the data it happened to make holds it too.
    assert re.search(r"=+ (ERRORS|FAILURES) =+", done.stdout) is None, done.stdout
    print(f"{found[1]} cases: {' '.join(options)}")
    return int(found[1])


def test_fuzzer_finds_no_answer_that_breaks_the_document(tmp_path):
    with Sandbox(faults=False, behaviour=QUIET) as crm:
        cases = fuzz(crm, tmp_path, "--checks", "all", "--exclude-checks", LEFT_OUT)
        requests = crm.requests()
        statuses = set(requests["status"].to_list())
    assert cases > 2 * EXAMPLES
    assert statuses >= {202, 400, 401, 405, 415, 422}
    assert max(status for status in statuses if status is not None) < 500
    # A batch was taken in, and its status asked for with the id that the answer gave.
    assert set(requests.drop_nulls("batch_id").select("method", "status").rows()) == {("POST", 202), ("GET", 200)}


def test_fuzzer_finds_no_valid_contact_that_is_refused(tmp_path):
    with Sandbox(faults=False, behaviour=LENIENT) as crm:
        options = ("--mode", "positive", "--checks", "all", "--include-path", "/contacts/insertupdate", *ALONE)
        assert fuzz(crm, tmp_path, *options, hooks="fuzz_hooks") > EXAMPLES
        requests = crm.requests()
    assert requests["applied"].mean() > 0.3
    assert set(requests.filter(~requests["applied"])["status"]) <= {401, 405, 409, 415}


def test_fuzzer_finds_no_valid_batch_that_is_refused(tmp_path):
    with Sandbox(faults=False, behaviour=LENIENT) as crm:
        options = ("--mode", "positive", "--checks", "all", "--include-path", "/contacts/batch", *ALONE)
        assert fuzz(crm, tmp_path, *options, hooks="fuzz_hooks") > EXAMPLES
        crm.wait_for_batches()
        requests, batches = crm.requests(), crm.batches()
    assert requests["applied"].mean() > 0.3
    assert set(requests.filter(~requests["applied"])["status"]) <= {401, 405, 415}
    assert set(batches["state"]) == {"Completed"}
    assert (batches["inserted"] + batches["updated"]).sum() > 0


def test_fuzzer_finds_no_fault_script_that_breaks_the_document(tmp_path):
    """Apart from the others: the faults that it scripts would spoil their answers."""
    with Sandbox() as crm:
        assert fuzz(
            crm, tmp_path, "--checks", "all", "--exclude-checks", LEFT_OUT, "--include-path-regex", "^/sandbox", *ALONE
        ) > (EXAMPLES)
        assert crm.requests().height == 0


def test_fuzzer_would_find_a_broken_answer(tmp_path):
    """The fuzzer is no ornament: an answer of another shape makes it fail."""
    with Sandbox(faults=False, behaviour=QUIET) as crm:
        crm.fail("other_shape", times=None, every=5)
        with pytest.raises(AssertionError, match=r"(?i)schema|undocumented"):
            fuzz(crm, tmp_path, "--checks", "all", "--exclude-checks", LEFT_OUT, "--phases", "fuzzing")
