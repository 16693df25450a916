"""What the CRM's pages leave open, each as a setting of the sandbox."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args, get_type_hints

BatchEnd = Literal["completed", "stuck", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How the sandbox decides where the documentation is silent. A client has to be right under every setting.

    Attributes:
        explicit_null: what `null` for a field does: clears it, or counts as left out. `propertyFields: null` clears
            all properties of the contact, `propertyValue: null` clears that one.
        empty_string: what `""` for a text (`email`, `propertyValue`) does: it is stored, counts as left out, or is
            refused with 422. An empty e-mail identifies nobody under any setting.
        unknown_contact_id: a `contactId` that does not exist: 422 that lists it, a new contact with that id, or 409.
        match_order: which identifier is tried first where no `contactId` is given.
        crossed_identifiers: identifiers that belong to different contacts: 409, or the first match is updated and
            both then hold the identifier.
        unknown_property: the contact is saved and the entry listed in `invalidPropertiesList`, or the whole request
            is refused with 422, or the property is created. An entry whose name disagrees with its id, or that has
            neither, is unknown too; it can't be created and is then listed.
        unknown_list: a `listId` that is not known: 422, or accepted.
        opt_in_on_create: what an opt-in that is left out is on a new contact.
        retry_after: whether a 429 of the rate limit has a `Retry-After`.
        limit_window: how requests are counted: in the ten seconds before now, or in fixed stretches of ten seconds.
        refusals: 422 as a status, or inside a 202 whose outer `status` is "Failed". (A batch: inside its success code.)
        same_contact_twice: a contact that comes again in one batch: both are applied, so that the last one wins, or
            the second is skipped.
        batch_list: whose `listId` counts where a batch and its item both have one.
        batch_success: the success code of a batch.
        batch_end: what batches come to: they are worked on, or never end, or fail without a contact applied.
        batch_order: batches are worked on one after the other as they came; or after delays of any length up to twice
            the one set, several at once, and ids are reported in no order. The contacts of one batch are always worked
            on as they stand in it.
        broken_item: a contact in a batch that is wrong whatever is stored (a wrong type, no identifier, an unknown
            list): the whole batch is refused and nothing of it taken in, as a service does that checks a request before
            it queues it; or it is taken in, and that contact is skipped without a word. What only shows when a
            contact is applied (an unknown `contactId`, crossed identifiers) is skipped under either setting.
        batch_refusals: the status of a batch that is refused for what it holds.
        unknown_batch: the status of a batch that is not known: 422, or 404.
        batch_status: whether `status` of a batch holds a number or the word of `statusText`.
        batch_keys: how the keys of the batch operations' answers are spelt.
        webhook: whether a batch's webhook is called, once, or never.
    """

    explicit_null: Literal["clears", "ignored"] = "clears"
    empty_string: Literal["stored", "ignored", "refused"] = "stored"
    unknown_contact_id: Literal["refused", "created", "conflict"] = "refused"
    match_order: Literal["mobile_first", "email_first"] = "mobile_first"
    crossed_identifiers: Literal["conflict", "first_wins"] = "conflict"
    unknown_property: Literal["listed", "refused", "created"] = "listed"
    unknown_list: Literal["refused", "accepted"] = "refused"
    opt_in_on_create: Literal["false", "null"] = "false"
    retry_after: Literal["given", "left_out"] = "given"
    limit_window: Literal["sliding", "fixed"] = "sliding"
    refusals: Literal["status_422", "inside_202"] = "status_422"
    same_contact_twice: Literal["last_wins", "second_skipped"] = "last_wins"
    batch_list: Literal["item_wins", "batch_wins"] = "item_wins"
    batch_success: Literal["status_202", "status_200"] = "status_202"
    batch_end: BatchEnd = "completed"
    batch_order: Literal["arrival", "shuffled"] = "arrival"
    broken_item: Literal["refuses_batch", "skipped"] = "refuses_batch"
    batch_refusals: Literal["status_422", "status_400", "status_406"] = "status_422"
    unknown_batch: Literal["refused", "not_found"] = "refused"
    batch_status: Literal["number", "word"] = "number"
    batch_keys: Literal["camel_case", "pascal_case"] = "camel_case"
    webhook: Literal["called", "never"] = "called"

    def __post_init__(self) -> None:
        """Refuses a setting that does not exist.

        Raises:
            ValueError: a value is not among the ones listed for its setting.
        """
        hints = get_type_hints(Behaviour)
        for field in fields(self):
            allowed = get_args(hints[field.name])
            value = getattr(self, field.name)
            if value not in allowed:
                msg = f"{field.name} is {value!r}; it can be {', '.join(map(repr, allowed))}"
                raise ValueError(msg)
