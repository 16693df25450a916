"""The verbs that send: a frame of contacts, one contact, or what a run left open."""

from mbtoolkit.upserts.contact import upsert_contact, upsert_contact_async
from mbtoolkit.upserts.frames import count_opt_ins, upsert_contacts
from mbtoolkit.upserts.reconciling import reconcile

__all__ = ["count_opt_ins", "reconcile", "upsert_contact", "upsert_contact_async", "upsert_contacts"]
