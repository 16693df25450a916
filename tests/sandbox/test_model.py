"""The store against a plain model: after any requests both hold the same contacts, under any setting."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mbtoolkit.sandbox import Behaviour, Sandbox
from mbtoolkit.sandbox.answers import Refusal
from mbtoolkit.sandbox.bodies import read_contact, read_object
from mbtoolkit.sandbox.store import COLUMNS, DEFAULT_PROPERTIES, FIRST_CONTACT_ID, Store
from mbtoolkit.sandbox.upserting import upsert

WIRE = {
    "listId": "list_id", "mobileCountryCode": "mobile_country_code", "mobileNumber": "mobile_number",
    "mobileOptIn": "mobile_opt_in", "email": "email", "emailOptIn": "email_opt_in",
}  # fmt: skip
PROPERTIES = ["City", "Company"]


class Model:
    """What the CRM should hold: dicts, and a search through all of them."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.contacts: dict[int, dict[str, Any]] = {}
        self.generated = FIRST_CONTACT_ID

    def softened(self, given: dict[str, Any]) -> dict[str, Any]:
        """Without what counts as left out."""
        kept = dict(given)
        if self.behaviour.explicit_null == "ignored":
            kept = {key: value for key, value in kept.items() if value is not None}
        if self.behaviour.empty_string == "ignored":
            kept = {key: value for key, value in kept.items() if value != ""}
        return kept

    def owners(self, test: Any) -> list[int]:
        return sorted(contact_id for contact_id, held in self.contacts.items() if test(held))

    def apply(self, body: dict[str, Any]) -> tuple[int, int | None]:  # noqa: C901  one story, told at once
        """Status and contact id."""
        behaviour = self.behaviour
        entries = [self.softened(entry) for entry in body.get("propertyFields") or []]
        if behaviour.empty_string == "refused" and (
            body.get("email") == "" or any(entry.get("propertyValue") == "" for entry in entries)
        ):
            return 422, None
        body = self.softened(body)
        code, number, email = body.get("mobileCountryCode"), body.get("mobileNumber"), body.get("email")
        if not (body.get("contactId") or email or (code and number)):
            return 422, None
        by_mobile = (
            self.owners(lambda held: (held["mobile_country_code"], held["mobile_number"]) == (code, number))
            if code and number
            else []
        )
        by_email = self.owners(lambda held: (held["email"] or "").lower() == email.lower()) if email else []
        matches = by_mobile[:1] + by_email[:1]
        if behaviour.match_order == "email_first":
            matches = by_email[:1] + by_mobile[:1]
        contact_id = body.get("contactId")
        if contact_id is not None and contact_id not in self.contacts and behaviour.unknown_contact_id != "created":
            return (422 if behaviour.unknown_contact_id == "refused" else 409), None
        target = contact_id if contact_id is not None else (matches[0] if matches else None)
        defaults = dict.fromkeys(WIRE.values())
        if behaviour.opt_in_on_create == "false":
            defaults |= {"mobile_opt_in": False, "email_opt_in": False}
        held = dict(self.contacts.get(target, defaults | {"upserts": 0, "properties": {}}))
        held |= {WIRE[key]: value for key, value in body.items() if key in WIRE}
        if behaviour.crossed_identifiers == "conflict":
            joined = (held["mobile_country_code"], held["mobile_number"])
            same = self.owners(lambda other: (other["mobile_country_code"], other["mobile_number"]) == joined)
            crossing = set(matches) | (set(same) if None not in joined else set())
            if crossing - {target}:
                return 409, None
        if target is None:
            while self.generated in self.contacts:
                self.generated += 1
            target = self.generated
            self.generated += 1
        properties = {} if body.get("propertyFields", ()) is None else dict(held["properties"])
        for entry in entries:
            if "propertyValue" in entry and entry["propertyName"] in PROPERTIES:
                properties[entry["propertyName"]] = entry["propertyValue"]
        held["properties"] = {name: value for name, value in properties.items() if value is not None}
        held["upserts"] += 1
        self.contacts[target] = held
        return 202, target


EMAILS = [None, "", "a@example.com", "A@Example.COM", "b@example.com", "c@example.com"]
ENTRIES = st.lists(
    st.fixed_dictionaries(
        {"propertyName": st.sampled_from([*PROPERTIES, "Unknown"])},
        optional={"propertyValue": st.sampled_from([None, "", "Oslo", "Bergen"])},
    ),
    max_size=3,
)
REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "contactId": st.sampled_from([None, *range(FIRST_CONTACT_ID, FIRST_CONTACT_ID + 4)]),
        "mobileCountryCode": st.sampled_from([None, 44, 44, 47]),
        "mobileNumber": st.sampled_from([None, 7700900001, 7700900001, 7700900002]),
        "mobileOptIn": st.sampled_from([None, True, False]),
        "email": st.sampled_from(EMAILS),
        "emailOptIn": st.sampled_from([None, True, False]),
        "propertyFields": st.none() | ENTRIES,
    },
)
BEHAVIOURS = st.builds(
    Behaviour,
    explicit_null=st.sampled_from(["clears", "ignored"]),
    empty_string=st.sampled_from(["stored", "ignored", "refused"]),
    unknown_contact_id=st.sampled_from(["refused", "created", "conflict"]),
    match_order=st.sampled_from(["mobile_first", "email_first"]),
    crossed_identifiers=st.sampled_from(["conflict", "first_wins"]),
    opt_in_on_create=st.sampled_from(["false", "null"]),
)


def held_by(store: Store) -> dict[int, dict[str, Any]]:
    """What the store holds, in the model's form."""
    names = {found.key: found.name for found in store.properties}
    held = {}
    for contact_id, *cells, _, _, upserts in store.contacts():
        values = dict(zip(COLUMNS, cells, strict=True))
        for column in ("mobile_opt_in", "email_opt_in"):
            values[column] = None if values[column] is None else bool(values[column])
        held[contact_id] = values | {"upserts": upserts, "properties": {}}
    for contact_id, key, value in store.contact_properties():
        held[contact_id]["properties"][names[key]] = value
    return held


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(BEHAVIOURS, st.lists(REQUESTS, max_size=12))
def test_store_equals_the_model(behaviour, requests):
    model = Model(behaviour)
    store = Store(":memory:", lists=None, properties=None)
    try:
        for request in requests:
            try:
                body = read_object(json.dumps(request).encode())
                outcome = (202, upsert(read_contact(body, behaviour), store, behaviour).contact_id)
            except Refusal as refusal:
                outcome = (refusal.status, None)
            assert outcome == model.apply(request), request
            assert held_by(store) == model.contacts
            assert store.count == len(model.contacts)
    finally:
        store.close()


@pytest.fixture(scope="module")
def http():
    with httpx.Client(trust_env=False, verify=False) as client:
        yield client


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(requests=st.lists(REQUESTS, max_size=10))
def test_frame_over_http_equals_the_model(http, requests):
    model = Model(Behaviour())
    with Sandbox() as crm:
        headers = {"Authorization": f"Bearer {crm.token}"}
        url = f"{crm.base_url}/contacts/insertupdate"
        statuses = [http.post(url, json=request, headers=headers).status_code for request in requests]
        frame = crm.contacts()
        applied = crm.requests()["applied"].to_list()
    expected = [model.apply(request)[0] for request in requests]
    assert statuses == expected
    assert applied == [status == 202 for status in expected]
    for line, (contact_id, held) in zip(frame.to_dicts(), sorted(model.contacts.items()), strict=True):
        assert line["contact_id"] == contact_id
        assert {key: line[key] for key in (*WIRE.values(), "upserts")} == {
            key: held[key] for key in (*WIRE.values(), "upserts")
        }
        assert {
            name: line[f"property:{name}"] for name in DEFAULT_PROPERTIES if line[f"property:{name}"] is not None
        } == (held["properties"])
