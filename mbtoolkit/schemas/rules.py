"""The rules' stable codes, how severe each is, and the words that say how to mend it.

What a rule *checks* lives in the pandera schema (`ContactSchema`) and nowhere else; this table only names it. A code
never changes its meaning once released.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule says when a cell or a row breaks it.

    Attributes:
        code: stable, lower case, for filters.
        message: what is wrong and how to mend it; follows the column's name in a sentence.
        severity: an `error` keeps the row from being sent, a `warning` doesn't.
        column: the column to name where the rule is about a row; None for a rule about one cell, or about no column.
    """

    code: str
    message: str
    severity: Severity = "error"
    column: str | None = None


_ALL: Final = (
    Rule("not_a_uuid", "is no uuid; write 8-4-4-4-12 hexadecimal digits with hyphens, as the CRM shows it"),
    Rule("not_an_integer", "is no whole number; write digits only, without a plus or a zero in front"),
    Rule(
        "number_as_float",
        "came as a decimal or scientific number, so digits may be gone; read the source as text (a pandas column of "
        'whole numbers: .astype("Int64"))',
    ),
    Rule("out_of_range", "is out of range; ids and numbers are positive, and fit what the CRM can hold"),
    Rule("phone_date", "is a date, not a phone number; empty the cell, or write the number as +47 934 54 496"),
    Rule("phone_unreadable", "can't be read as a phone number; write it as +47 934 54 496, one number to a cell"),
    Rule("phone_extension", "has an extension, which a mobile number can't have; write the number alone"),
    Rule("phone_several", "holds more than one phone number; keep one"),
    Rule(
        "phone_too_long",
        "has more than 15 digits with its country code, which no phone number has; write the one number, in full",
        column="mobile_number",
    ),
    Rule(
        "country_code_missing",
        "has no country code; write it as +47 934 54 496, add mobile_country_code, or fill in the row's country "
        "(read_contacts: default_country=...)",
        column="mobile_number",
    ),
    Rule(
        "country_unknown",
        "is in local form, and the row's country is no two-letter code; write the country as NO, SE or GB, or the "
        "number as +47 934 54 496",
    ),
    Rule(
        "country_code_disagrees",
        "begins with another country code than mobile_country_code says; correct one of them",
    ),
    Rule(
        "number_missing",
        "stands without a mobile_number; add the number or empty the code",
        column="mobile_country_code",
    ),
    Rule("not_yes_or_no", "is neither yes nor no; write yes or no, or leave it blank to leave the consent as it is"),
    Rule("email_syntax", "is no e-mail address of the form name@example.com; correct it"),
    Rule("email_invisible", "holds an invisible character; type the address again, or use the suggestion"),
    Rule(
        "email_normal_form",
        "is written in another Unicode form than most programs use, so it may not match; use the suggestion",
        "warning",
    ),
    Rule(
        "email_look_alike",
        "has letters in its domain that look like others, as of another alphabet; check that it is the real one",
        "warning",
    ),
    Rule("not_finite", "is not a finite number (NaN or infinity); give a number or leave it empty"),
    Rule("unsupported_type", "is of a type that has no text form (binary, nested or object); turn it into text first"),
    Rule(
        "property_key",
        "names a property without a name, or with an id that is no uuid; use property:<name> or property_id:<uuid>",
        column="property_fields",
    ),
    Rule(
        "property_twice",
        "gives one property more than once, so that only one of the values could be kept; keep one",
        column="property_fields",
    ),
    Rule(
        "no_identifier",
        "the row has no contact_id, no mobile and no email, so the CRM could not tell who it is; fill in one of them",
    ),
    Rule(
        "duplicate_identifier",
        "stands in another row too; they are sent one after the other, and the later row wins",
        "warning",
    ),
    Rule(
        "consent_conflict",
        "says yes where another row of the same contact says no; the no stands until you decide: correct one of them",
    ),
    Rule(
        "opt_in_without_address",
        "says yes, but the row has no address or number for it, and the contact's own may be another one; fill it in, "
        "add the contact_id, or leave the opt-in blank",
    ),
    Rule(
        "opt_in_by_contact_id",
        "says yes, but the row has no address or number for it; it turns on consent for whatever address or number the "
        "CRM has for this contact_id: check that the yes was given for that one",
        "warning",
    ),
    Rule(
        "opt_in_beside_clear",
        "says yes to an address or number that is cleared in the same row; fill it in, take it out of clear, or leave "
        "the opt-in blank",
    ),
    Rule(
        "opt_out_without_address",
        "says no, but the row has no address or number for it; it turns off consent for whatever contact the row's "
        "contact_id, mobile or e-mail finds: check that the no is theirs",
        "warning",
    ),
    Rule(
        "joins_contacts",
        "the row has the e-mail of one contact and the mobile of another; the CRM may refuse it: check who it is",
        "warning",
    ),
    Rule("not_unicode", "holds half a character (a lone surrogate), which can't be sent; type the text again"),
    Rule(
        "not_properties",
        "is no list of properties; give property_id or property_name and property_value, all text, or a column "
        "for each property (property:<name>)",
    ),
    Rule("not_nullable", "is empty, and your schema wants a value in every row; fill it in"),
    Rule("field_uniqueness", "stands in another row too, and your schema wants every value once; keep one of the rows"),
    Rule("unread", "could not be converted; correct the text"),
)

RULES: Final[dict[str, Rule]] = {rule.code: rule for rule in _ALL}
"""Every rule of `ContactSchema`, those for `nullable=False` and `unique` in a subclass, and what a push adds to them
(`opt_in_beside_clear`), by its code."""
