"""The upsert over HTTP: who is meant, what is kept, what is refused, under every setting."""

import httpx
import pytest

from mbtoolkit.contacts import FIELDS
from mbtoolkit.sandbox import Behaviour
from mbtoolkit.sandbox.store import FIRST_CONTACT_ID

ADA = {"mobileCountryCode": 44, "mobileNumber": 7700900123, "email": "ada@example.com"}
BO = {"mobileCountryCode": 44, "mobileNumber": 7700900456, "email": "bo@example.com"}
UNKNOWN_UUID = "00000000-0000-4000-8000-000000000000"


def text_of(answer: httpx.Response) -> str:
    return answer.json()["message"]


def test_new_contact_answers_202_with_the_documented_envelope(sender):
    answer = sender.upsert(**ADA)
    assert answer.status_code == 202
    body = answer.json()
    assert list(body) == ["status", "message", "data"]
    assert body["status"] == "Success"
    assert body["data"] == {
        "contactId": str(FIRST_CONTACT_ID),
        "status": 202,
        "message": body["message"],
        "invalidPropertiesList": [],
        "invalidContactIdList": [],
        "balance": {},
    }


def test_all_fields_are_stored(sender):
    crm = sender.crm
    contact_id = sender.id_of(
        **ADA,
        listId=crm.list_id.upper(),
        mobileOptIn=True,
        emailOptIn=False,
        propertyFields=[
            {"propertyName": "first NAME", "propertyValue": "Ada"},
            {"propertyId": crm.properties["Company"].upper(), "propertyValue": "Example AS"},
        ],
    )
    (stored,) = sender.stored()
    assert stored["contact_id"] == contact_id
    assert [stored[field.name] for field in FIELDS if field.name != "contact_id"] == [
        crm.list_id, 44, 7700900123, True, "ada@example.com", False,
    ]  # fmt: skip
    assert (stored["property:First name"], stored["property:Company"]) == ("Ada", "Example AS")
    assert stored["upserts"] == 1


def test_fields_left_out_keep_their_value(sender):
    contact_id = sender.id_of(
        **ADA, emailOptIn=True, propertyFields=[{"propertyName": "City", "propertyValue": "Oslo"}]
    )
    (before,) = sender.stored()
    assert sender.id_of(contactId=contact_id, propertyFields=[{"propertyName": "City"}]) == contact_id
    (after,) = sender.stored()
    changing = {"updated_at", "upserts"}
    assert {k: v for k, v in after.items() if k not in changing} == {
        k: v for k, v in before.items() if k not in changing
    }
    assert after["upserts"] == 2
    assert after["updated_at"] > before["updated_at"] == before["created_at"]


@pytest.mark.parametrize(
    "identifier",
    [
        {"contactId": FIRST_CONTACT_ID},
        {"mobileCountryCode": 44, "mobileNumber": 7700900123},
        {"email": "ADA@Example.com"},
    ],
    ids=["contact id", "mobile", "e-mail in capitals"],
)
def test_each_identifier_finds_the_contact(sender, identifier):
    contact_id = sender.id_of(**ADA)
    assert sender.id_of(**identifier, emailOptIn=True) == contact_id
    assert len(sender.stored()) == 1


@pytest.mark.parametrize(
    ("contact", "named"),
    [
        ({}, "identifier"),
        ({"emailOptIn": True}, "identifier"),
        ({"email": None, "contactId": None}, "identifier"),
        ({"email": ""}, "identifier"),
        ({"mobileNumber": 7700900123}, "mobileCountryCode"),
        ({"mobileCountryCode": 44}, "mobileNumber"),
    ],
)
def test_contact_without_identifier_is_refused(sender, contact, named):
    answer = sender.upsert(**contact)
    assert answer.status_code == 422
    assert named in text_of(answer)
    assert sender.stored() == []


def test_half_a_mobile_beside_another_identifier_changes_that_half(sender):
    sender.upsert(**ADA)
    sender.upsert(email=ADA["email"], mobileCountryCode=47)
    (stored,) = sender.stored()
    assert (stored["mobile_country_code"], stored["mobile_number"]) == (47, ADA["mobileNumber"])


def test_half_a_mobile_that_completes_someone_elses_is_a_conflict(sender):
    sender.upsert(**ADA)
    sender.upsert(**(BO | {"mobileCountryCode": 47, "mobileNumber": ADA["mobileNumber"]}))
    answer = sender.upsert(email=BO["email"], mobileCountryCode=44)
    assert answer.status_code == 409


def test_last_of_equal_keys_counts_and_unknown_keys_are_ignored(sender):
    answer = sender.raw(b'{"email": "first@example.com", "email": "last@example.com", "shoeSize": [1]}')
    assert answer.status_code == 202
    assert [line["email"] for line in sender.stored()] == ["last@example.com"]


def test_last_of_equal_properties_counts(sender):
    entries = [{"propertyName": "City", "propertyValue": value} for value in ("Oslo", "Bergen")]
    sender.upsert(**ADA, propertyFields=entries)
    assert sender.stored()[0]["property:City"] == "Bergen"


def test_refused_request_changes_nothing(sender):
    sender.upsert(**ADA)
    before = sender.stored()
    assert sender.upsert(**ADA, listId=UNKNOWN_UUID, emailOptIn=True).status_code == 422
    assert sender.upsert(**ADA, emailOptIn="yes").status_code == 422
    assert sender.stored() == before


def test_generated_ids_count_up(sender):
    assert [sender.id_of(email=f"{name}@example.com") for name in "abc"] == [
        FIRST_CONTACT_ID, FIRST_CONTACT_ID + 1, FIRST_CONTACT_ID + 2,
    ]  # fmt: skip


# Settings


@pytest.mark.parametrize(("setting", "expected"), [("clears", None), ("ignored", "ada@example.com")])
def test_explicit_null(behaving, setting, expected):
    sender = behaving(behaviour=Behaviour(explicit_null=setting))
    contact_id = sender.id_of(
        **ADA, emailOptIn=True, propertyFields=[{"propertyName": "City", "propertyValue": "Oslo"}]
    )
    sender.id_of(contactId=contact_id, email=None, emailOptIn=None)
    (stored,) = sender.stored()
    assert stored["email"] == expected
    assert stored["email_opt_in"] == (None if setting == "clears" else True)
    sender.id_of(contactId=contact_id, propertyFields=[{"propertyName": "City", "propertyValue": None}])
    assert sender.stored()[0]["property:City"] == (None if setting == "clears" else "Oslo")


@pytest.mark.parametrize(("setting", "expected"), [("clears", None), ("ignored", "Oslo")])
def test_explicit_null_for_all_properties(behaving, setting, expected):
    sender = behaving(behaviour=Behaviour(explicit_null=setting))
    contact_id = sender.id_of(**ADA, propertyFields=[{"propertyName": "City", "propertyValue": "Oslo"}])
    sender.id_of(contactId=contact_id, propertyFields=None)
    assert sender.stored()[0]["property:City"] == expected


@pytest.mark.parametrize(
    ("setting", "status", "expected"),
    [("stored", 202, ("", "")), ("ignored", 202, ("ada@example.com", "Oslo")),
     ("refused", 422, ("ada@example.com", "Oslo"))],
)  # fmt: skip
def test_empty_string(behaving, setting, status, expected):
    sender = behaving(behaviour=Behaviour(empty_string=setting))
    contact_id = sender.id_of(**ADA, propertyFields=[{"propertyName": "City", "propertyValue": "Oslo"}])
    emptied = {"email": "", "propertyFields": [{"propertyName": "City", "propertyValue": ""}]}
    answer = sender.upsert(contactId=contact_id, **emptied)
    assert answer.status_code == status
    (stored,) = sender.stored()
    assert (stored["email"], stored["property:City"]) == expected
    if status == 422:
        assert "email must not be empty" in text_of(answer)
        assert "propertyFields[0].propertyValue must not be empty" in text_of(answer)


@pytest.mark.parametrize(("setting", "status"), [("refused", 422), ("created", 202), ("conflict", 409)])
def test_unknown_contact_id(behaving, setting, status):
    sender = behaving(behaviour=Behaviour(unknown_contact_id=setting))
    answer = sender.upsert(contactId=4711, email="ada@example.com")
    assert answer.status_code == status
    data = answer.json()["data"]
    if setting == "created":
        assert data["contactId"] == "4711"
        assert [line["contact_id"] for line in sender.stored()] == [4711]
    else:
        assert data["invalidContactIdList"] == ["4711"]
        assert sender.stored() == []


def test_generated_id_steps_over_one_that_was_created_by_name(behaving):
    sender = behaving(behaviour=Behaviour(unknown_contact_id="created"))
    sender.id_of(contactId=FIRST_CONTACT_ID)
    assert sender.id_of(email="ada@example.com") == FIRST_CONTACT_ID + 1


@pytest.mark.parametrize(("order", "winner"), [("mobile_first", 0), ("email_first", 1)])
def test_match_order_where_the_first_match_wins(behaving, order, winner):
    sender = behaving(behaviour=Behaviour(match_order=order, crossed_identifiers="first_wins"))
    ids = [sender.id_of(**ADA), sender.id_of(**BO)]
    assert sender.id_of(**(ADA | {"email": BO["email"]})) == ids[winner]
    upserts = [line["upserts"] for line in sender.stored()]
    assert upserts[winner] == 2
    assert sum(upserts) == 3


@pytest.mark.parametrize("by_id", [False, True], ids=["mobile and e-mail", "contact id and e-mail"])
def test_crossed_identifiers_are_a_conflict(sender, by_id):
    ada = sender.id_of(**ADA)
    sender.id_of(**BO)
    before = sender.stored()
    crossed = {"contactId": ada, "email": BO["email"]} if by_id else ADA | {"email": BO["email"]}
    answer = sender.upsert(**crossed)
    assert answer.status_code == 409
    assert answer.json()["status"] == "Failed"
    assert sender.stored() == before


@pytest.mark.parametrize(("setting", "status"), [("listed", 202), ("refused", 422), ("created", 202)])
@pytest.mark.parametrize(
    "entry",
    [
        {"propertyName": "Shoe size"},
        {"propertyId": UNKNOWN_UUID},
        {"propertyId": UNKNOWN_UUID, "propertyName": "Shoe size"},
    ],
    ids=["name", "id", "both"],
)
def test_unknown_property(behaving, setting, status, entry):
    sender = behaving(behaviour=Behaviour(unknown_property=setting))
    known = {"propertyName": "City", "propertyValue": "Oslo"}
    answer = sender.upsert(**ADA, propertyFields=[known, entry | {"propertyValue": "43"}])
    assert answer.status_code == status
    listed = answer.json()["data"]["invalidPropertiesList"]
    echo = {"propertyId": None, "propertyName": None, "propertyValue": "43"} | entry
    assert listed == ([] if setting == "created" else [echo])
    stored = sender.stored()
    assert len(stored) == (0 if setting == "refused" else 1)
    if setting == "created":
        name = entry.get("propertyName") or entry["propertyId"]
        assert stored[0][f"property:{name}"] == "43"
        assert name in sender.crm.properties
    if setting == "listed":
        assert stored[0]["property:City"] == "Oslo"


@pytest.mark.parametrize("setting", ["listed", "created"])
def test_property_whose_name_disagrees_with_its_id_is_listed(behaving, setting):
    sender = behaving(behaviour=Behaviour(unknown_property=setting))
    entry = {"propertyId": sender.crm.properties["City"], "propertyName": "Company", "propertyValue": "x"}
    answer = sender.upsert(**ADA, propertyFields=[entry, {"propertyValue": "of nothing"}])
    assert answer.status_code == 202
    assert answer.json()["data"]["invalidPropertiesList"] == [
        entry, {"propertyId": None, "propertyName": None, "propertyValue": "of nothing"},
    ]  # fmt: skip
    (stored,) = sender.stored()
    assert (stored["property:City"], stored["property:Company"]) == (None, None)


@pytest.mark.parametrize(("setting", "status"), [("refused", 422), ("accepted", 202)])
def test_unknown_list(behaving, setting, status):
    sender = behaving(behaviour=Behaviour(unknown_list=setting))
    answer = sender.upsert(**ADA, listId=UNKNOWN_UUID)
    assert answer.status_code == status
    if setting == "accepted":
        assert sender.stored()[0]["list_id"] == UNKNOWN_UUID
    else:
        assert "listId" in text_of(answer)


@pytest.mark.parametrize(("setting", "expected"), [("false", False), ("null", None)])
def test_opt_in_left_out_on_create(behaving, setting, expected):
    sender = behaving(behaviour=Behaviour(opt_in_on_create=setting))
    sender.upsert(**ADA, emailOptIn=True)
    (stored,) = sender.stored()
    assert (stored["mobile_opt_in"], stored["email_opt_in"]) == (expected, True)


def test_refusal_inside_a_202(behaving):
    sender = behaving(behaviour=Behaviour(refusals="inside_202"))
    answer = sender.upsert(mobileOptIn=True)
    assert answer.status_code == 202
    assert answer.json()["status"] == "Failed"
    assert answer.json()["data"]["status"] == 422
    assert sender.raw(b"[]").status_code == 400
    assert sender.stored() == []
    assert sender.crm.requests()["applied"].to_list() == [False, False]


def test_setting_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="explicit_null is 'keeps'; it can be 'clears', 'ignored'"):
        Behaviour(explicit_null="keeps")
