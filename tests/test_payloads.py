"""The JSON bodies, held against plain dicts and orjson, value by value."""

from __future__ import annotations

import orjson
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbtoolkit import build_payloads
from mbtoolkit.contacts import BY_NAME, INT32_MAX, INT64_MAX
from mbtoolkit.errors import FrameError
from mbtoolkit.schemas import PayloadsSchema
from mbtoolkit.schemas.conform import PROPERTIES_DTYPE

LIST_ID = "9fc6ad7d-902a-4834-b161-a4911b883d44"
NESTED = [{"property_id": None, "property_name": "n", "property_value": "v"}]
texts = (
    st.none() | st.text() | st.sampled_from(['"', "\\", "\x00\x1f\x7f", "\u2028", "😀", "", "a\nb", "</script>", "=1"])
)
names = st.text(min_size=1).filter(lambda name: name.strip() != "")
rows = st.fixed_dictionaries(
    {
        "contact_id": st.none() | st.integers(1, INT64_MAX),
        "mobile_country_code": st.none() | st.integers(1, INT32_MAX),
        "mobile_number": st.none() | st.integers(1, INT64_MAX),
        "mobile_opt_in": st.none() | st.booleans(),
        "email": texts,
        "one": texts,
        "other": texts,
    }
)
TYPES = {
    "contact_id": pl.Int64,
    "mobile_country_code": pl.Int32,
    "mobile_number": pl.Int64,
    "mobile_opt_in": pl.Boolean,
    "email": pl.String,
}


@pytest.mark.slow
@given(st.lists(rows, max_size=6), names, st.sets(st.sampled_from(["email", "mobile_number"])))
def test_a_payload_is_what_dicts_and_orjson_make(given_rows, name, clear):
    columns = {"one": f"property:{name}", "other": f"property_id:{LIST_ID}"}
    schema = {columns.get(key, key): TYPES.get(key, pl.String) for key in [*TYPES, *columns]}
    frame = pl.DataFrame([{columns.get(key, key): value for key, value in row.items()} for row in given_rows], schema)
    payloads = build_payloads(frame, clear=clear)
    PayloadsSchema.validate(payloads)
    expected = []
    for row in given_rows:
        body = {BY_NAME[key].wire: row[key] for key in TYPES if row[key] is not None or key in clear}
        entries = [("propertyName", name, row["one"]), ("propertyId", LIST_ID, row["other"])]
        properties = [{key: text, "propertyValue": value} for key, text, value in entries if value is not None]
        expected.append(body | ({"propertyFields": properties} if properties else {}))
    assert [orjson.loads(payload) for payload in payloads["payload"]] == expected
    assert payloads["mb_row"].to_list() == list(range(len(given_rows)))


def test_integers_are_integers_and_unicode_is_intact():
    frame = pl.DataFrame({"contact_id": [INT64_MAX], "property:City": ["Łódź 😀"]})
    assert build_payloads(frame)["payload"].item() == (
        f'{{"contactId":{INT64_MAX},"propertyFields":[{{"propertyName":"City","propertyValue":"Łódź 😀"}}]}}'
    )


def test_the_list_is_used_where_a_row_names_none():
    frame = pl.DataFrame({"contact_id": [1, 2], "list_id": [None, LIST_ID.replace("9", "8")]})
    lists = [orjson.loads(body)["listId"] for body in build_payloads(frame, list_id=LIST_ID)["payload"]]
    assert lists == [LIST_ID, LIST_ID.replace("9", "8")]


def test_the_frames_own_row_numbers_are_kept():
    assert build_payloads(pl.DataFrame({"contact_id": [1], "mb_row": [7]}))["mb_row"].to_list() == [7]


def test_columns_without_a_type_are_left_out():
    frame = pl.DataFrame({"contact_id": [1]}).with_columns(
        pl.lit(None).alias(name) for name in BY_NAME if "_id" not in name
    )
    nothing = frame.with_columns(pl.lit(None).alias("property:City"), pl.lit(None).alias("property_fields"))
    assert build_payloads(nothing)["payload"].item() == '{"contactId":1}'


def test_a_generator_of_columns_to_clear_is_heard():
    payloads = build_payloads(pl.DataFrame({"contact_id": [1]}), clear=(name for name in ["property:City", "email"]))
    assert orjson.loads(payloads["payload"].item()) == {
        "contactId": 1,
        "email": None,
        "propertyFields": [{"propertyName": "City", "propertyValue": None}],
    }


@pytest.mark.parametrize(
    ("frame", "options", "told"),
    [
        (pl.DataFrame({"mobile_number": ["7700900123"]}), {}, "mobile_number"),
        (pl.DataFrame({"email": ["a"], "unread:email_opt_in": ["not_yes_or_no: x"]}), {}, "could not be read"),
        (pl.DataFrame({"contact_id": [1]}), {"list_id": "List 7"}, "uuid"),
        (pl.DataFrame({"contact_id": [1]}), {"clear": ["contact_id"]}, "can't be cleared"),
        (pl.DataFrame({"contact_id": [1]}), {"clear": "email"}, "collection"),
        (pl.DataFrame({"contact_id": [1]}), {"clear": None}, "collection"),
        (pl.DataFrame({"contact_id": [1]}), {"clear": 5}, "collection"),
        (pl.DataFrame({"contact_id": [1]}), {"clear": [5]}, "can't be cleared"),
        (pl.DataFrame({"contact_id": [1]}), {"clear": (each for each in ["note"])}, "can't be cleared"),
        (
            pl.DataFrame({f"property_id:{LIST_ID}": ["x"]}),
            {"clear": [f"property_id:{LIST_ID.upper()}"]},
            "gives the same property",
        ),
        (
            pl.DataFrame({"property_fields": [NESTED]}, {"property_fields": PROPERTIES_DTYPE}),
            {"clear": ["property:n"]},
            "gives the same property",
        ),
        (pl.DataFrame({"contact_id": [1]}), {"list_id": 5}, "uuid"),
        (pl.DataFrame({"contact_id": [1], "mb_row": [2**63]}), {}, "beyond int64"),
        (pl.DataFrame({"contact_id": [1, 2], "mb_row": [1, None]}), {}, "lacks a number"),
    ],
    ids=[
        "text for a number",
        "unread text",
        "no uuid",
        "an identifier",
        "one name",
        "nothing",
        "a number",
        "numbers",
        "a wrong name from a generator",
        "another spelling",
        "a nested property",
        "a number for a list",
        "a row number beyond int64",
        "no row number",
    ],
)
def test_a_wrong_call_says_what(frame, options, told):
    with pytest.raises(FrameError, match=told):
        build_payloads(frame, **options)
