"""`upsert_contacts` against the sandbox: every row comes back, in its place, with what became of it."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
import time
from decimal import Decimal

import httpx
import orjson
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mbtoolkit import ContactSchema, SendOptions, upsert_contact, upsert_contact_async, upsert_contacts
from mbtoolkit.client import AsyncClient, Client
from mbtoolkit.errors import (
    ConsentError,
    FrameError,
    InvalidContactError,
    SettingsError,
    UnprocessableError,
    UsageError,
)
from mbtoolkit.runs.sending import chains, outgoing_frame
from mbtoolkit.sandbox import Sandbox
from mbtoolkit.schemas import ResultsSchema
from mbtoolkit.schemas.frames import RESULTS

NO_LIST = "00000000-0000-4000-8000-00000000dead"


def statuses(results):
    return results["mb_status"].to_list()


def test_every_row_comes_back_in_its_place(crm, client, people):
    results = upsert_contacts(people, client)
    ResultsSchema.validate(results.select(*RESULTS))
    assert results.select(people.columns).equals(people)
    assert results.columns == [*people.columns, *RESULTS]
    assert results["mb_row"].to_list() == list(range(10))
    assert statuses(results) == ["succeeded"] * 10
    stored = dict(crm.contacts().select("email", "contact_id").iter_rows())
    assert [stored[email] for email in people["email"]] == results["mb_contact_id"].to_list()
    assert results["mb_run_id"].n_unique() == 1


def test_invalid_rows_are_not_sent_and_stop_nobody(crm, client, people):
    broken = people.with_columns(
        pl.when(pl.col("note").is_in(["row 2", "row 5"])).then(pl.lit("no address")).otherwise("email").alias("email")
    )
    results = upsert_contacts(broken, client)
    assert [row for row, status in enumerate(statuses(results)) if status == "invalid"] == [2, 5]
    assert results.row(2, named=True)["mb_code"] == "email_syntax"
    assert "email is no e-mail address" in results.row(2, named=True)["mb_message"]
    assert crm.contacts().height == 8
    assert crm.requests().height == 8


def test_rows_that_the_crm_refuses_are_rejected_with_its_words(crm, client, people):
    lists = [None] * 9 + [NO_LIST]
    results = upsert_contacts(people.with_columns(pl.Series("list_id", lists)), client)
    assert statuses(results) == ["succeeded"] * 9 + ["rejected"]
    assert results["mb_http_status"].to_list()[-1] == 422
    assert "listId" in results["mb_message"].to_list()[-1]


def test_a_property_that_the_crm_does_not_know_is_told_and_the_contact_stored(client, people):
    results = upsert_contacts(people.with_columns(pl.lit("42").alias("property:Shoe size")), client)
    assert statuses(results) == ["succeeded"] * 10
    assert results["mb_code"].to_list() == ["invalid_properties"] * 10
    assert results["mb_invalid_properties"].to_list() == [["Shoe size"]] * 10


def test_half_a_character_in_one_answer_does_not_cost_the_frame(people):
    def answer(request):
        if b"person7" in request.content:
            return httpx.Response(422, content=b'{"status":"Failed","message":"bad \\ud800"}')
        return httpx.Response(202, content=b'{"status":"Success","data":{"contactId":"7"}}')

    with Client("http://127.0.0.1:9", "token", transport=httpx.MockTransport(answer)) as client:
        results = upsert_contacts(people, client)
    assert statuses(results) == ["succeeded"] * 7 + ["rejected"] + ["succeeded"] * 2
    assert results["mb_message"].to_list()[7] == "bad \ufffd"


def test_a_401_stops_the_run_and_the_frame_still_comes_back(crm, people, caplog):
    with Client(crm.base_url, "wrong") as client:
        results = upsert_contacts(people, client, options=SendOptions(max_concurrency=2))
    assert set(statuses(results)) == {"not_sent"}
    assert crm.contacts().is_empty()
    assert crm.requests().height <= 2
    assert "the run stopped (401 unauthorized); 10 rows were not sent" in caplog.text


def test_a_token_revoked_in_the_middle_stops_the_run_there(crm, client, people):
    crm.fail("status", status=401, after=4, times=None)
    results = upsert_contacts(people, client, options=SendOptions(max_concurrency=1))
    assert statuses(results) == ["succeeded"] * 4 + ["not_sent"] * 6
    assert results["mb_http_status"].to_list()[4] == 401


@pytest.mark.slow
def test_nobody_listening_stops_the_run(crm, people, caplog):
    with crm.client(attempts=2) as client, crm.outage():
        results = upsert_contacts(people, client, options=SendOptions(max_concurrency=2))
    assert set(statuses(results)) == {"not_sent"}
    assert "no_connection" in caplog.text


@pytest.mark.slow
def test_doubt_that_does_not_clear_is_unknown(crm, people):
    crm.fail("status", phase="after_commit", match="person3@example.com", times=None)
    with crm.client(attempts=2) as client:
        results = upsert_contacts(people, client)
    assert statuses(results) == ["succeeded"] * 3 + ["unknown"] + ["succeeded"] * 6
    assert results["mb_attempts"].to_list()[3] == 2
    assert results["mb_contact_id"].to_list()[3] is None


@pytest.mark.slow
def test_a_429_pauses_everyone_and_loses_nothing(crm, client, people):
    crm.fail("status", status=429, times=3, retry_after="0.3")
    results = upsert_contacts(people, client, options=SendOptions(max_concurrency=3))
    assert statuses(results) == ["succeeded"] * 10
    assert crm.faults()["committed"].to_list() == [3]


@pytest.mark.slow
def test_a_limited_plan_ends_without_a_loss(people):
    from mbtoolkit.sandbox import RequestLimits

    with Sandbox(limits=RequestLimits(requests=4, window_seconds=0.5, per_day=1000)) as crm, crm.client() as client:
        results = upsert_contacts(people, client)
        assert statuses(results) == ["succeeded"] * 10
        assert crm.contacts().height == 10


@pytest.mark.slow
def test_results_can_be_handed_straight_back(crm, client, people):
    crm.fail("status", status=422, match="person7")
    first = upsert_contacts(people, client)
    crm.clear_faults()
    second = upsert_contacts(first.filter(pl.col("mb_status") == "rejected"), client)
    assert second.columns == first.columns
    assert second["mb_row"].to_list() == [7]
    assert statuses(second) == ["succeeded"]


def test_rows_of_one_contact_go_in_file_order_and_the_later_wins(crm, client):
    count = 30
    frame = pl.DataFrame(
        {
            "email": ["SAME@example.com" if n % 2 else "same@example.com" for n in range(count)],
            "property:City": [str(n) for n in range(count)],
        }
    )
    results = upsert_contacts(frame, client, options=SendOptions(max_concurrency=10))
    assert results["mb_contact_id"].n_unique() == 1
    assert crm.contacts()["property:City"].to_list() == [str(count - 1)]
    requests = crm.requests()
    sent = [int(text) for text in requests["body"].str.extract(r'"propertyValue":"(\d+)"')]
    assert sent == list(range(count))


def test_rows_that_share_an_identifier_are_never_on_their_way_together(crm, client):
    crm.fail("delay", seconds=0.05, times=None)
    frame = pl.DataFrame(
        {
            "email": ["a@example.com", "a@example.com", "b@example.com", None],
            "mobile_country_code": [None, 44, 44, 44],
            "mobile_number": [None, 7700900001, 7700900001, 7700900002],
        }
    )
    upsert_contacts(frame, client, options=SendOptions(max_concurrency=4))
    requests = crm.requests().with_columns(end=pl.col("at") + pl.duration(milliseconds=pl.col("duration_ms")))
    chained = requests.filter(~pl.col("body").str.contains("7700900002")).sort("seq")
    assert chained.height == 3
    assert (chained["at"].to_list()[1:]) >= (chained["end"].to_list()[:-1])


def test_rows_behind_one_in_doubt_are_held_back(crm, people):
    frame = pl.concat(
        [people.head(1), people.head(1).with_columns(pl.lit("Hamar").alias("property:City")), people.tail(2)]
    )
    crm.fail("status", phase="after_commit", match="Oslo", times=None)
    with crm.client(attempts=1) as client:
        results = upsert_contacts(frame.with_columns(pl.Series("property:City", ["Oslo", "Hamar", "X", "Y"])), client)
    assert statuses(results) == ["unknown", "not_sent", "succeeded", "succeeded"]
    assert results["mb_code"].to_list()[1] == "held"


identifiers = st.tuples(
    st.none() | st.integers(1, 4), st.none() | st.integers(1, 4), st.none() | st.sampled_from("abAB")
)


@pytest.mark.slow
@given(st.lists(identifiers, max_size=25))
def test_chains_hold_whole_components_in_order(rows):
    frame = pl.DataFrame(
        {
            "contact_id": pl.Series([row[0] for row in rows], dtype=pl.Int64),
            "mobile_country_code": pl.Series([44] * len(rows), dtype=pl.Int32),
            "mobile_number": pl.Series([row[1] for row in rows], dtype=pl.Int64),
            "email": pl.Series([row[2] and f"{row[2]}@example.com" for row in rows], dtype=pl.String),
        }
    )
    payloads = pl.DataFrame({"payload": ["{}"] * len(rows)}, schema={"payload": pl.String})
    outgoing = outgoing_frame(frame, payloads)
    found = [list(chain) for chain in chains(outgoing["component"])]
    together = [row for chain in found for row in chain]
    assert len(set(together)) == len(together)
    assert all(chain == sorted(chain) and len(chain) > 1 for chain in found)
    found += [[row] for row in range(len(rows)) if row not in together]
    of = {row: place for place, chain in enumerate(found) for row in chain}
    keys = [{("id", row[0]), ("mobile", row[1]), ("email", row[2] and row[2].lower())} for row in rows]
    for one in range(len(rows)):
        for other in range(one):
            shared = {key for key in keys[one] & keys[other] if key[1] is not None}
            assert not shared or of[one] == of[other]


@pytest.mark.slow
@settings(max_examples=20)
@given(st.lists(identifiers, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_however_rows_overlap_each_has_one_status_and_the_record_agrees(rows, dice):
    frame = pl.DataFrame(
        {
            "mobile_country_code": pl.Series([44 if row[1] else None for row in rows], dtype=pl.Int32),
            "mobile_number": pl.Series([row[1] and 7700900000 + row[1] for row in rows], dtype=pl.Int64),
            "email": pl.Series([row[2] and f"{row[2]}@example.com" for row in rows], dtype=pl.String),
        }
    )
    with Sandbox() as crm, crm.client() as client:
        results = upsert_contacts(
            frame, client, options=SendOptions(max_concurrency=dice.randint(1, 8)), progress=False
        )
        record = crm.requests()
    assert results.height == frame.height
    assert set(statuses(results)) <= {"succeeded", "invalid", "rejected"}
    assert (results["mb_status"] == "succeeded").sum() == record["applied"].sum()
    assert record.height == (results["mb_status"] != "invalid").sum()


def test_no_rows_are_no_requests(crm, client, people):
    results = upsert_contacts(people.clear(), client)
    assert results.height == 0
    assert results.columns == [*people.columns, *RESULTS]
    assert crm.requests().is_empty()


def test_only_invalid_rows_are_no_requests(crm, client):
    results = upsert_contacts(pl.DataFrame({"note": ["a", "b"]}), client)
    assert statuses(results) == ["invalid"] * 2
    assert crm.requests().is_empty()


def test_it_works_in_a_thread(crm, client, people):
    found = []
    thread = threading.Thread(target=lambda: found.append(upsert_contacts(people, client)))
    thread.start()
    thread.join()
    assert statuses(found[0]) == ["succeeded"] * 10


def test_it_works_where_a_loop_is_running_already(client, people):
    async def cell():
        return upsert_contacts(people, client)

    assert statuses(asyncio.run(cell())) == ["succeeded"] * 10


def test_it_takes_an_async_clients_settings(crm, people):
    assert statuses(upsert_contacts(people, AsyncClient(crm.base_url, crm.token))) == ["succeeded"] * 10


@pytest.mark.slow
def test_progress_is_told_and_ends_complete(crm, client, people):
    crm.fail("delay", seconds=0.1, times=None)
    told = []
    upsert_contacts(people, client, options=SendOptions(max_concurrency=2), progress=told.append)
    assert 2 <= len(told) <= 30
    assert (told[-1].done, told[-1].total, told[-1].counts) == (10, 10, {"succeeded": 10})
    assert [each.done for each in told] == sorted(each.done for each in told)


def test_a_progress_function_that_fails_does_not_cost_the_results(crm, client, people, caplog):
    def broken(progress):
        raise RuntimeError("a fault of the caller's")

    results = upsert_contacts(people, client, progress=broken)
    assert statuses(results) == ["succeeded"] * 10
    assert "progress" in caplog.text


@pytest.mark.slow
def test_clearing_is_asked_for_by_name(crm, client, people):
    upsert_contacts(people, client)
    upsert_contacts(people.with_columns(pl.lit(None, dtype=pl.String).alias("property:City")), client)
    assert crm.contacts()["property:City"].null_count() == 0
    upsert_contacts(
        people.with_columns(pl.lit(None, dtype=pl.String).alias("property:City")), client, clear=["property:City"]
    )
    assert crm.contacts()["property:City"].null_count() == 10


@pytest.mark.slow
def test_turning_on_opt_ins_in_bulk_takes_a_stated_count(crm, client):
    many = pl.DataFrame({"email": [f"p{n}@example.com" for n in range(101)], "email_opt_in": [True] * 101})
    with pytest.raises(ConsentError, match="101 opt-ins would be turned on") as caught:
        upsert_contacts(many, client)
    assert "opt_ins_on=101" in str(caught.value)
    with pytest.raises(ConsentError, match="100 were stated"):
        upsert_contacts(many, client, opt_ins_on=100)
    assert crm.requests().is_empty()
    assert set(statuses(upsert_contacts(many, client, opt_ins_on=101))) == {"succeeded"}
    assert set(statuses(upsert_contacts(many.head(100), client))) == {"succeeded"}
    assert set(statuses(upsert_contacts(many.with_columns(email_opt_in=False), client))) == {"succeeded"}


@pytest.mark.slow
def test_a_blank_opt_in_leaves_consent_as_it_is(crm, client):
    frame = pl.DataFrame({"email": ["a@example.com", "b@example.com"], "email_opt_in": [True, False]})
    upsert_contacts(frame, client)
    upsert_contacts(frame.with_columns(email_opt_in=pl.lit(None, dtype=pl.Boolean)), client)
    upsert_contacts(frame.with_columns(email_opt_in=pl.Series(["", "  "])), client)
    assert crm.contacts().sort("email")["email_opt_in"].to_list() == [True, False]


def test_a_subclass_of_the_schema_holds_its_rows_back(crm, client, people):
    import pandera.polars as pa

    class OsloOnly(ContactSchema):
        city: pl.String = pa.Field(alias="property:City", isin=["Oslo"], nullable=True)

    results = upsert_contacts(people, client, schema=OsloOnly)
    assert statuses(results) == ["succeeded", "invalid"] * 5


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"options": {"via": "batch"}}, SettingsError),
        ({"list_id": "List 7"}, SettingsError),
        ({"clear": ["contact_id"]}, FrameError),
        ({"clear": ["email_opt_in"]}, FrameError),
        ({"clear": ["note"]}, FrameError),
        ({"clear": "email"}, FrameError),
        ({"clear": None}, FrameError),
        ({"clear": 5}, FrameError),
        ({"list_id": 5}, SettingsError),
        ({"list_id": ""}, SettingsError),
        ({"opt_ins_on": "5"}, SettingsError),
        ({"opt_ins_on": -1}, SettingsError),
        ({"opt_ins_on": True}, SettingsError),
        ({"progress": "bar"}, SettingsError),
        ({"stop": True}, SettingsError),
        ({"schema": None}, UsageError),
        ({"schema": dict}, UsageError),
    ],
    ids=str,
)
def test_a_wrong_call_raises_before_anything_is_sent(crm, client, people, options, error):
    with pytest.raises(error):
        upsert_contacts(people, client, **options)
    assert crm.requests().is_empty()


@pytest.mark.parametrize("contacts", [None, [{"email": "a@example.com"}], "contacts.csv"], ids=["None", "list", "path"])
def test_what_is_no_frame_is_a_wrong_call(client, contacts):
    with pytest.raises(FrameError, match="polars DataFrame"):
        upsert_contacts(contacts, client)


def test_a_lazy_frame_is_told_how(client, people):
    with pytest.raises(FrameError, match="DataFrame"):
        upsert_contacts(people.lazy(), client)


def test_what_is_no_client_is_a_wrong_call(people):
    with pytest.raises(SettingsError, match=r"Client\.from_env"):
        upsert_contacts(people, "https://crm.example.com")


def test_one_contact_goes_through_the_same_rules(crm, client):
    with pytest.raises(InvalidContactError, match="email is no e-mail address") as caught:
        upsert_contact({"email": "a@@b"}, client)
    assert caught.value.issues["rule"].to_list() == ["email_syntax"]
    with pytest.raises(InvalidContactError, match="no contact_id"):
        upsert_contact({}, client)
    with pytest.raises(InvalidContactError, match="'shoe'"):
        upsert_contact({"email": "a@example.com", "shoe": 1}, client)
    assert crm.requests().is_empty()
    assert (
        upsert_contact({"email": "a@example.com", "emailOptIn": False}, client).contact_id
        == crm.contacts()["contact_id"].item()
    )
    with pytest.raises(UnprocessableError):
        upsert_contact({"email": "a@example.com"}, client, list_id=NO_LIST)


class Unsaid:
    """A value of a type that has no text form."""


@pytest.mark.parametrize(
    ("contact", "told"),
    [
        (None, "a contact is a mapping"),
        ([("email", "a@example.com")], "a contact is a mapping"),
        ({1: "a@example.com"}, "no field of a contact: 1"),
        ({"property:\ud800": "x", "email": "a@example.com"}, r"no field of a contact: 'property:\\ud800'"),
        ({"email": "a@example.com", "Email": "b@example.com"}, "'email' and 'Email' mean one field"),
        ({"mobileNumber": 1, "mobile_number": 2}, "'mobileNumber' and 'mobile_number' mean one field"),
        ({"email": "not an email"}, "email is no e-mail address"),
        ({"mobile_number": 7700900123}, "has no country code"),
        ({"email": "a\u200b@example.com"}, "invisible character"),
        ({"mobile_country_code": 44, "mobile_number": 10**16}, "more than 15 digits"),
        ({"email": "a\ud800@example.com"}, "half a character"),
        ({"email": "a@example.com", "property:City": "\ud800"}, "property:City holds half a character"),
        ({"email": "a@example.com", "property:Size": Decimal("NaN")}, "property:Size is not a finite number"),
        ({"email": "a@example.com", "property:Size": float("inf")}, "property:Size is not a finite number"),
        pytest.param({"email": "a@example.com", "property:Size": Unsaid()}, "has no text form", id="unsaid"),
        ({"email": "a@example.com", "property:Size": Decimal("sNaN")}, "has no text form"),
        pytest.param({"contact_id": 10**5000}, "has no text form", id="thousands of digits"),
        ({"email": "a@example.com", "property:Size": [1]}, "has no text form"),
        ({"contact_id": 1.5}, "decimal or scientific"),
        ({"contact_id": 2**63}, "out of range"),
        ({"email": "a@example.com", "propertyFields": [1]}, "is no list of properties"),
        ({"email": "a@example.com", "propertyFields": "abc"}, "is no list of properties"),
        ({"email": "a@example.com", "propertyFields": 5}, "is no list of properties"),
        ({"email": "a@example.com", "propertyFields": [{"name": "n"}]}, "is no list of properties"),
        ({"email": "a@example.com", "propertyFields": [{"propertyValue": Decimal("NaN")}]}, "is no list of properties"),
        (
            {"email": "a@example.com", "propertyFields": [{"propertyName": "n", "property_name": "m"}]},
            "is no list of properties",
        ),
        (
            {"email": "a@example.com", "propertyFields": [{"propertyName": "n", "propertyValue": "\ud800"}]},
            "half a character",
        ),
        (
            {
                "email": "a@example.com",
                "property:n": "a",
                "propertyFields": [{"propertyName": "n", "propertyValue": "b"}],
            },
            "one property more than once",
        ),
    ],
    ids=ascii,
)
def test_one_contact_that_can_not_be_sent_is_told_why(crm, client, contact, told):
    with pytest.raises(InvalidContactError, match=told):
        upsert_contact(contact, client)

    async def the_same():
        await upsert_contact_async(contact, AsyncClient(crm.base_url, crm.token))

    with pytest.raises(InvalidContactError, match=told):
        asyncio.run(the_same())
    assert crm.requests().is_empty()


@pytest.mark.parametrize(
    "options",
    [{"list_id": 5}, {"list_id": ""}, {"clear": None}, {"clear": ["note"]}, {"schema": None}],
    ids=str,
)
def test_a_wrong_call_for_one_contact_sends_nothing(crm, client, options):
    with pytest.raises(UsageError):
        upsert_contact({"email": "a@example.com"}, client, **options)
    assert crm.requests().is_empty()


def test_each_kind_of_client_has_its_function(crm, client):
    other = AsyncClient(crm.base_url, crm.token)
    for wrong, told in ((other, "await upsert_contact_async"), (None, "NoneType"), (crm.base_url, "str")):
        with pytest.raises(SettingsError, match=told):
            upsert_contact({"email": "a@example.com"}, wrong)
    for wrong, told in ((client, r"with a Client, upsert_contact\("), (None, "NoneType")):
        with pytest.raises(SettingsError, match=told):
            asyncio.run(upsert_contact_async({"email": "a@example.com"}, wrong))


def test_one_contact_by_either_kind_of_names_is_one_body(crm, client):
    def body_of(contact):
        upsert_contact(contact, client, clear=(name for name in ["property:Shoe"]))
        return orjson.loads(crm.requests()["body"].to_list()[-1])

    entries = [{"propertyName": "City", "propertyValue": "Oslo"}]
    by_wire = {"mobileCountryCode": 44, "mobileNumber": 7700900123, "emailOptIn": None, "propertyFields": entries}
    canonical = {
        "mobile_country_code": "+44",
        "mobile_number": 7700900123,
        "property_fields": [{"property_name": "City", "property_value": "Oslo", "property_id": None}],
    }
    assert (
        body_of(by_wire)
        == body_of(canonical)
        == {
            "mobileCountryCode": 44,
            "mobileNumber": 7700900123,
            "propertyFields": [{"propertyName": "Shoe", "propertyValue": None}, *entries],
        }
    )


def test_marks_of_direction_and_markup_are_data_and_sent_as_they_are(crm, client):
    texts = ["\u200fשלום\u202e", "<script>alert(1)</script>", '=cmd|" /C calc"!A0', "a\nb\tc"]
    frame = pl.DataFrame({"email": [f"p{n}@example.com" for n in range(4)], "property:City": texts})
    assert statuses(upsert_contacts(frame, client)) == ["succeeded"] * 4
    upsert_contact({"email": "p4@example.com", "property:City": texts[0]}, client)
    stored = crm.contacts().sort("email")["property:City"].to_list()
    assert stored == [*texts, texts[0]]


def test_a_no_through_a_third_row_holds_the_yes_back(crm, client):
    frame = pl.DataFrame(
        {
            "email": ["x@example.com", "x@example.com", None],
            "mobile_country_code": [None, 44, 44],
            "mobile_number": [None, 7700900123, 7700900123],
            "email_opt_in": [False, None, True],
        }
    )
    results = upsert_contacts(frame, client)
    assert statuses(results) == ["succeeded", "succeeded", "invalid"]
    assert results["mb_code"].to_list()[2] == "consent_conflict"
    assert crm.contacts()["email_opt_in"].to_list() == [False]


@pytest.mark.parametrize("rows", [1, 30])
def test_the_log_counts_the_rows_that_the_frame_says_were_not_sent(crm, client, rows, caplog):
    crm.fail("status", status=401, after=rows // 3, times=None)
    frame = pl.DataFrame({"email": [f"p{n}@example.com" for n in range(rows)]})
    results = upsert_contacts(frame, client, options=SendOptions(max_concurrency=1))
    left = (results["mb_status"] == "not_sent").sum()
    assert left == rows - rows // 3
    assert f"{left} rows were not sent" in caplog.text


@pytest.mark.parametrize("number", [2**64 - 1, -1], ids=["beyond int64", "negative"])
def test_row_numbers_that_can_not_be_are_made_anew(client, people, number):
    numbered = people.with_columns(pl.lit(number, dtype=pl.UInt64 if number > 0 else pl.Int64).alias("mb_row"))
    assert upsert_contacts(numbered, client)["mb_row"].to_list() == list(range(10))


@pytest.mark.slow
def test_another_thread_can_stop_the_run(crm, client, caplog):
    crm.fail("delay", seconds=0.3, times=None)
    frame = pl.DataFrame({"email": [f"p{n}@example.com" for n in range(200)]})
    stop = threading.Event()

    def stop_soon():
        while not crm.requests()["applied"].any():
            time.sleep(0.01)
        stop.set()

    thread = threading.Thread(target=stop_soon)
    thread.start()
    results = upsert_contacts(frame, client, options=SendOptions(max_concurrency=5), stop=stop)
    thread.join()
    assert results.height == 200
    assert set(statuses(results)) == {"succeeded", "not_sent"}
    assert results.filter(pl.col("mb_status") == "succeeded").height == crm.requests()["applied"].sum() > 0
    assert "the run was interrupted" in caplog.text
    rest = upsert_contacts(results.filter(pl.col("mb_status") == "not_sent").head(3), client, stop=threading.Event())
    assert statuses(rest) == ["succeeded"] * 3


@pytest.mark.slow
def test_a_stop_ends_a_pause_that_the_crm_asked_for(crm, client, people):
    crm.fail("status", status=429, times=None, retry_after="600")
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    begun = time.monotonic()
    assert set(statuses(upsert_contacts(people, client, stop=stop))) == {"not_sent"}
    assert time.monotonic() - begun < 60  # of the 600


def test_a_run_that_was_stopped_before_it_began_sends_nothing(crm, client, people):
    stop = threading.Event()
    stop.set()
    assert set(statuses(upsert_contacts(people, client, stop=stop))) == {"not_sent"}
    assert crm.requests().is_empty()


INTERRUPTED = """
import os, signal, sys, threading, time
import polars as pl
from mbtoolkit import upsert_contacts
from mbtoolkit.sandbox import Sandbox

times = int(sys.argv[1])
with Sandbox() as crm, crm.client() as client:
    crm.fail("delay", seconds=0.3 if times == 1 else 30.0, times=None)
    people = pl.DataFrame({"email": [f"p{n}@example.com" for n in range(200)]})

    def interrupt():
        while crm.faults()["seen"].item() < 10:
            time.sleep(0.05)
        for _ in range(times):
            time.sleep(0.5)
            os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    begun = time.monotonic()
    results = upsert_contacts(people, client)
    print(results.height, round(time.monotonic() - begun, 1))
    print(results["mb_status"].value_counts(sort=True).rows())
    print(crm.requests()["applied"].sum())
"""


def run_interrupted(times):
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(times)], capture_output=True, text=True, timeout=60, check=True
    )
    first, second, third = done.stdout.strip().splitlines()
    height, seconds = first.split()
    return int(height), float(seconds), dict(eval(second)), int(third), done.stderr


@pytest.mark.slow
def test_ctrl_c_gives_back_the_frame_and_waits_for_what_is_on_its_way():
    height, _, counts, applied, said = run_interrupted(1)
    assert height == 200
    assert set(counts) == {"succeeded", "not_sent"}
    assert counts["succeeded"] == applied
    assert "interrupted" in said


@pytest.mark.slow
def test_a_second_ctrl_c_lets_go_of_what_is_on_its_way_and_says_unknown():
    height, seconds, counts, _, _ = run_interrupted(2)
    assert height == 200
    assert seconds < 25  # the answers take 30
    assert counts == {"unknown": 10, "not_sent": 190}


@pytest.mark.slow
def test_nothing_of_a_contact_is_logged(crm, client, people, caplog):
    with caplog.at_level(logging.DEBUG):
        upsert_contacts(people.with_columns(pl.lit(NO_LIST).alias("list_id")), client)
        upsert_contacts(people, client)
    for canary in ("person", "77009001", "Bergen", crm.token):
        assert canary not in caplog.text


def test_wrong_calls_are_value_errors_too():
    assert issubclass(UsageError, ValueError)


@pytest.mark.slow
def test_rows_that_are_left_out_are_judged_with_the_others_and_not_sent(crm, client, people):
    results = upsert_contacts(people, client, leave_out=[0, 9])
    assert statuses(results) == ["not_sent", *["succeeded"] * 8, "not_sent"]
    assert results["mb_code"].to_list() == ["left_out", *[None] * 8, "left_out"]
    assert crm.contacts().height == 8
    conflict = pl.DataFrame({"email": ["a@example.com"] * 2, "email_opt_in": [True, False]})
    assert statuses(upsert_contacts(conflict, client, leave_out=[1])) == ["invalid", "not_sent"]


@pytest.mark.parametrize("rows", [[10], [-1], ["a"], [1.5], 3, None, [None], [2**70]], ids=str)
def test_rows_to_leave_out_that_are_none_are_refused(crm, client, people, rows):
    with pytest.raises(FrameError, match="leave_out"):
        upsert_contacts(people, client, leave_out=rows)
    assert crm.requests().is_empty()


@pytest.mark.slow
@pytest.mark.parametrize("column", ["email_opt_in", "mobile_opt_in"])
def test_a_refused_yes_stays_refused_when_it_is_sent_again_without_the_no(crm, client, column):
    person = {"email": "a@example.com", "mobile_country_code": 44, "mobile_number": 7700900123}
    frame = pl.DataFrame(person | {column: [True, False]})
    results = upsert_contacts(frame, client)
    assert statuses(results) == ["invalid", "succeeded"]
    for _ in range(2):
        results = upsert_contacts(results.filter(pl.col("mb_status") == "invalid"), client)
        assert statuses(results) == ["invalid"]
        assert results["mb_code"].to_list() == ["consent_conflict"]
    assert crm.contacts()[column].to_list() == [False]
    changed = upsert_contacts(results.with_columns(pl.lit(value=None, dtype=pl.Boolean).alias(column)), client)
    assert statuses(changed) == ["succeeded"]
    decided = upsert_contacts(results.select(frame.columns), client)
    assert statuses(decided) == ["succeeded"]
    assert crm.contacts()[column].to_list() == [True]


@pytest.mark.parametrize("how", ["frame", "one", "sent again"])
def test_a_yes_reaches_no_address_that_is_not_in_its_row(crm, client, how):
    phone = {"mobile_country_code": 44, "mobile_number": 7700900123}
    upsert_contact({**phone, "email": "ann@example.com", "email_opt_in": False}, client)
    row = {**phone, "email_opt_in": True}
    if how == "one":
        with pytest.raises(InvalidContactError, match="email_opt_in says yes, but the row has no address"):
            upsert_contact(row, client)
    else:
        results = upsert_contacts(pl.DataFrame(row), client)
        if how == "sent again":
            results = upsert_contacts(results, client)
        assert results.select("mb_status", "mb_code").rows() == [("invalid", "opt_in_without_address")]
    assert crm.contacts()["email_opt_in"].to_list() == [False]
    assert crm.requests().height == 1


@pytest.mark.slow
def test_a_yes_beside_a_cleared_address_is_not_sent(crm, client):
    ann = upsert_contact({"email": "ann@example.com", "email_opt_in": False}, client).contact_id
    row = {"contact_id": ann, "email_opt_in": True}
    with pytest.raises(InvalidContactError, match="email_opt_in says yes to an address or number that is cleared"):
        upsert_contact(row, client, clear=["email"])
    both = pl.DataFrame({"contact_id": [ann, ann], "email": [None, "ann@example.com"], "email_opt_in": [True, True]})
    results = upsert_contacts(both, client, clear=iter(["email"]))
    assert results["mb_code"].to_list() == ["opt_in_beside_clear", None]
    assert crm.contacts()["email_opt_in"].to_list() == [True]
    assert results["mb_status"].to_list() == ["invalid", "succeeded"]


def test_a_refused_contact_is_not_kept_in_the_frame_that_refuses_it(client):
    with pytest.raises(InvalidContactError) as caught:
        upsert_contact({"email": "ann@example"}, client)
    last = caught.traceback[-1].locals
    assert "ann@example" not in "".join(repr(value) for name, value in last.items() if name != "issues")
