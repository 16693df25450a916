"""The sample file, from the shop's columns to the CRM: everything ends as its known answers say."""

from __future__ import annotations

import polars as pl
import pytest

from mbtoolkit import read_contacts, upsert_contacts, validate_contacts
from mbtoolkit.cli.demo import COUNTRY_COLUMN, sample
from mbtoolkit.sandbox import Sandbox
from mbtoolkit.upserts import count_opt_ins


@pytest.fixture(scope="module")
def answers():
    return pl.read_csv(sample("known_answers.csv"), infer_schema=False).with_columns(
        pl.col("errors", "warnings", "code").fill_null("")
    )


@pytest.fixture(scope="module")
def contacts():
    return read_contacts(sample("contacts.csv"), mapping=sample("mapping.toml"), default_country=COUNTRY_COLUMN)


@pytest.mark.slow
def test_every_row_has_the_issues_that_were_planted(contacts, answers):
    issues = validate_contacts(contacts).issues
    for severity, column in (("error", "errors"), ("warning", "warnings")):
        found = dict(
            issues.filter(pl.col("severity") == severity)
            .group_by("row")
            .agg(pl.col("rule").unique().sort().str.join(" "))
            .iter_rows()
        )
        assert [found.get(row, "") for row in range(contacts.height)] == answers[column].to_list()


def test_every_row_that_can_be_sent_has_the_values_that_were_meant(contacts, answers):
    sound = answers["status"] != "invalid"
    for column in ("mobile_country_code", "mobile_number", "email", "mobile_opt_in", "email_opt_in"):
        found = contacts[column].cast(pl.String).filter(sound)
        assert found.equals(answers[column].filter(sound)), column


@pytest.mark.slow
def test_the_results_and_the_sandboxs_record_agree_with_the_answers(contacts, answers):
    count = count_opt_ins(validate_contacts(contacts).valid)
    with Sandbox() as crm, crm.client() as client:
        results = upsert_contacts(contacts, client, opt_ins_on=count, progress=False)
        record, stored = crm.requests(), crm.contacts()
    assert results["mb_status"].cast(pl.String).to_list() == answers["status"].to_list()
    assert results["mb_http_status"].cast(pl.String).to_list() == answers["http_status"].to_list()
    succeeded = results["mb_status"] == "succeeded"
    assert record["applied"].sum() == succeeded.sum()
    assert record.height == (results["mb_status"] != "invalid").sum()
    assert stored.height == answers["person"].drop_nulls().n_unique()
    assert set(stored["contact_id"]) == set(results["mb_contact_id"].filter(succeeded))
    people = pl.DataFrame(
        {"person": answers["person"].filter(succeeded), "id": results["mb_contact_id"].filter(succeeded)}
    )
    assert people.unique().height == stored.height
