"""`upsert_contact`: one contact, judged by the same rules as a frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from mbtoolkit.client import AsyncClient, Client, Outcome, Settings, error_of
from mbtoolkit.errors import InvalidContactError, SettingsError
from mbtoolkit.payloads import build_payloads, columns_to_clear
from mbtoolkit.reading.single import frame_of_contact
from mbtoolkit.schemas import ContactSchema
from mbtoolkit.validation import validate_contacts, with_clear


def upsert_contact(
    contact: Mapping[str, Any],
    client: Client,
    *,
    list_id: str | None = None,
    clear: Iterable[str] = (),
    schema: type[ContactSchema] = ContactSchema,
) -> Outcome:
    """Validates one contact by the same rules as a frame, and sends it.

    Args:
        contact: canonical or wire names, `property:<name>`, `property_id:<uuid>`, `property_fields` (a list of dicts);
            None leaves a field as it is.
        client: where to send.
        list_id: uuid of the list, where the contact names none; the client's by default.
        clear: fields to be emptied by an explicit null (see `build_payloads`).
        schema: the rules; a subclass of `ContactSchema` to add your own.

    Returns:
        The outcome: `contact_id`, `message`, `invalid_properties`, `http_status`, `attempts`.

    Raises:
        InvalidContactError: the rules refuse it, a name in it is no field, or two names mean one; `.issues` says what
            is wrong where a rule does.
        SettingsError: `client` is no `Client`.
        UsageError: `clear`, `list_id` or `schema` can't be used, or `schema` asks for a column that the contact lacks.
        CrmError: it is not known to be stored; the subclass says why.
    """
    if not isinstance(client, Client):
        other = "; with an AsyncClient, await upsert_contact_async(...)" if isinstance(client, AsyncClient) else ""
        msg = f"upsert_contact takes a Client, not a {type(client).__name__}{other}"
        raise SettingsError(msg)
    return _stored(client.send(_body(contact, client.settings, list_id, clear, schema)))


async def upsert_contact_async(
    contact: Mapping[str, Any],
    client: AsyncClient,
    *,
    list_id: str | None = None,
    clear: Iterable[str] = (),
    schema: type[ContactSchema] = ContactSchema,
) -> Outcome:
    """`upsert_contact` for an `AsyncClient`: the same arguments, outcome and errors, with `await`.

    Raises:
        UsageError, CrmError: see `upsert_contact`.
    """
    if not isinstance(client, AsyncClient):
        other = "; with a Client, upsert_contact(...)" if isinstance(client, Client) else ""
        msg = f"upsert_contact_async takes an AsyncClient, not a {type(client).__name__}{other}"
        raise SettingsError(msg)
    return _stored(await client.send(_body(contact, client.settings, list_id, clear, schema)))


def _body(
    contact: Mapping[str, Any],
    settings: Settings,
    list_id: str | None,
    clear: Iterable[str],
    schema: type[ContactSchema],
) -> bytes:
    """The body of one contact that keeps the rules.

    Raises:
        UsageError: see `upsert_contact`.
    """
    clear = columns_to_clear(clear)
    validation = with_clear(validate_contacts(frame_of_contact(contact), schema=schema), clear)
    if not validation.ok:
        errors = validation.issues.filter(pl.col("severity") == "error").select("column", "message")
        told = "; ".join(f"{column or ''} {text}".strip() for column, text in errors.iter_rows())
        issues = validation.issues
        # No tool that prints local variables finds them here; an argument stays a name, for cgitb needs it.
        contact = {}
        del validation, errors
        raise InvalidContactError(told, issues)
    payloads = build_payloads(validation.valid, list_id=list_of(list_id, settings), clear=clear)
    body: str = payloads["payload"].item()
    return body.encode()


def _stored(outcome: Outcome) -> Outcome:
    """Raises:
    CrmError: it is not known to be stored.
    """
    if outcome.kind != "stored":
        raise error_of(outcome)
    return outcome


def list_of(list_id: str | None, settings: Settings) -> str | None:
    """The list that is stated, or the client's."""
    return settings.list_id if list_id is None else list_id
