"""What a clean-up makes of the sample contacts: for each planted defect, the rows mended, left and spoilt.

    python tests/benchmarks/sample_clean_up.py

First what `apply_suggestions` mends; then what `merge_duplicates` merges of what that leaves, by identifiers alone and
with names and addresses. A merge is wrong where it makes one contact of two people.

The truth is not taken from the code that is measured: `data/make_contacts.py` plants each defect by a template or by a
change of a known cell, and what the cell held before is found out from that. Where a template adds letters of its own
(`{local}..x@{domain}`), the truth is the template without its mistake.
"""

from __future__ import annotations

import importlib.util
import re
import sys
import unicodedata
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl

from mbtoolkit import Recipe, apply_suggestions, read_contacts, validate_contacts
from mbtoolkit.contacts import FIELDS

DATA = Path(__file__).resolve().parents[2] / "data"
SOUND = {
    "{local}@@{domain}": "{local}@{domain}",
    "my {local}@{domain}": "{local}@{domain}",
    "{local}@ {domain}": "{local}@{domain}",
    "{local}@{domain}.": "{local}@{domain}",
    "{local}..x@{domain}": "{local}.x@{domain}",
    "{local}@example..com": "{local}@example.com",
    "{local}.{domain}": "{local}@{domain}",
    "{local}@home@{domain}": "{local}@{domain}",
    "{local}@": "{local}@{domain}",
    "{local}@example": "{local}@{domain}",
    "@{local}.example.com": "{local}@{domain}",
}
"""Each template of a malformed address, and what it should have been."""
INVISIBLE = re.compile("[\u200b-\u200d\u2060\ufeff\x07\x7f]")
UUID = "3f2b8c1e-9d47-4a60-8b15-c02d7e94a1f6"
SAME_LIST = ("{" + UUID + "}", UUID.replace("-", ""))
IDS = {"#15": "15", "id 77": "77", "1 024": "1024", "42.0": "42", "1024.00": "1024", "1.23E+05": "123000"}
"""What may be meant by the ids that are none; those that are not named stand for nothing that is known."""
STANDARD = [field.name for field in FIELDS]


@dataclass
class Tally:
    """What became of the rows of one defect.

    Attributes:
        planted: rows with the defect.
        mended: rows in which something was mended, all of it is as it was before the defect, and nothing is wrong now.
        left: rows that are as they were, or in which something is wrong still.
        wrong: rows in which a cell became something that it was not before the defect.
        cells: cells that became what they were before the defect.
    """

    planted: int = 0
    mended: int = 0
    left: int = 0
    wrong: int = 0
    cells: int = 0


def generator() -> ModuleType:
    """`data/make_contacts.py` as a module."""
    spec = importlib.util.spec_from_file_location("make_contacts", DATA / "make_contacts.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def truths() -> list[dict[str, str]]:
    """For each row of the sample what its cells held before the defects: canonical column -> text."""
    make = generator()
    addresses: dict[int, str] = {}
    numbers: dict[int, Any] = {}

    def respell(row: Any, spelling: str, plain: Any = make.Row.respell_email) -> None:
        local, domain = row.cells["E-mail"].split("@")
        sound = SOUND.get(spelling, INVISIBLE.sub("", spelling))
        text = sound.format(local=local, head=local[:2], tail=local[2:], domain=domain)
        addresses[id(row)] = unicodedata.normalize("NFC", text).strip()
        plain(row, spelling)

    def spoil(row: Any, text: str, rule: str, plain: Any = make.Row.spoil_phone, **options: bool) -> None:
        numbers[id(row)] = row.phone
        plain(row, text, rule, **options)

    make.Row.respell_email, make.Row.spoil_phone = respell, spoil
    rows = make.make_rows(make.DEFAULT_ROWS, make.DEFAULT_SEED)
    return [_truth(row, addresses.get(id(row)), numbers.get(id(row), row.phone), make) for row in rows]


def _truth(row: Any, address: str | None, phone: Any, make: ModuleType) -> dict[str, str]:
    """The cells of one row, as text."""
    crm_id, list_id = row.cells["CRM id"], row.cells["List id"]
    truth = {
        "email": address if address is not None else row.cells["E-mail"].strip(),
        "contact_id": IDS.get(crm_id, crm_id),
        "list_id": UUID if list_id in SAME_LIST else list_id,
        "mobile_opt_in": row.answers.get("mobile_opt_in", ""),
        "email_opt_in": row.answers.get("email_opt_in", ""),
        "mobile_country_code": "",
        "mobile_number": "",
    }
    if phone is not None:
        truth |= {"mobile_country_code": make.CALLING_CODES[phone.country], "mobile_number": phone.national}
    return truth


@dataclass
class Merges:
    """What became of the rows of one defect when duplicates were merged.

    Attributes:
        planted: rows with the defect.
        whole: rows whose person has one row now.
        left: rows whose person has several rows still.
        wrong: rows that went together with another person's.
    """

    planted: int = 0
    whole: int = 0
    left: int = 0
    wrong: int = 0


def as_read() -> pl.DataFrame:
    """The sample as contacts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_contacts(DATA / "contacts.csv", mapping=DATA / "mapping.toml", default_country="Country")


def defects() -> pl.Series:
    """The defect of each row; `""` where it has none."""
    return pl.read_csv(DATA / "known_answers.csv", infer_schema=False)["defect"].fill_null("")


def people() -> pl.Series:
    """Who each row is about. Rows with one CRM id are about one contact, whatever else they say."""
    make = generator()
    rows = make.make_rows(make.DEFAULT_ROWS, make.DEFAULT_SEED)
    told = [row.cells["CRM id"] if row.defects == ["duplicate_id"] else f"person {row.person}" for row in rows]
    return pl.Series("person", told)


def merges(columns: list[str] | None) -> tuple[dict[str, Merges], int]:
    """What is merged, by defect, for those in which people stand several times; and the rows that can be sent then.

    Args:
        columns: what is compared beside identifiers, as `find_duplicates` takes it.
    """
    cleaned = Recipe().apply_suggestions().merge_duplicates(columns=columns).run(as_read())
    told = pl.DataFrame([people(), defects()]).with_columns(cleaned.rows)
    told = told.with_columns(
        is_wrong=pl.col("person").n_unique().over("into") > 1, pieces=pl.col("into").n_unique().over("person")
    )
    several = told.filter(pl.len().over("person") > 1)["defect"].unique().sort()
    found = {name: Merges() for name in [*filter(None, several), ""]}
    for defect, is_wrong, pieces in told.select("defect", "is_wrong", "pieces").iter_rows():
        tally = found[defect if defect in found else ""]
        tally.planted += 1
        tally.wrong += is_wrong
        tally.whole += not is_wrong and pieces == 1
        tally.left += not is_wrong and pieces > 1
    return found, validate_contacts(cleaned.contacts).valid.height


def measure() -> dict[str, Tally]:
    """The tally of each defect, in the order in which they are planted; `""` is rows without one."""
    contacts = as_read()
    applied = apply_suggestions(contacts, validate_contacts(contacts).issues)
    issues = validate_contacts(applied.contacts).issues
    is_wrong = (pl.col("severity") == "error") | pl.col("rule").is_in(["email_normal_form", "email_look_alike"])
    still_wrong = set(issues.filter(is_wrong)["row"])
    changed = changed_cells(contacts, applied.contacts)
    tallies = {name: Tally() for name in [*generator().COUNTS, ""]}
    for row, (defect, truth) in enumerate(zip(defects(), truths(), strict=True)):
        tally, cells = tallies[defect], changed.get(row, {})
        right = sum(bool(defect) and truth.get(column) == text for column, text in cells.items())
        tally.planted += 1
        tally.cells += right
        tally.wrong += right < len(cells)
        is_mended = bool(cells) and right == len(cells) and row not in still_wrong
        tally.mended += is_mended
        tally.left += not is_mended and right == len(cells)
    return tallies


def changed_cells(before: pl.DataFrame, after: pl.DataFrame) -> dict[int, dict[str, str]]:
    """row -> column -> text that the cell holds now, of every cell that differs."""
    changed: dict[int, dict[str, str]] = {}
    for column in before.columns:
        if not column.startswith("unread:"):
            for row in before[column].ne_missing(after[column]).arg_true():
                changed.setdefault(row, {})[column] = str(after[column][row])
    return changed


def main() -> None:
    """Prints the table."""
    print(f"{'defect':<32}{'planted':>8}{'mended':>8}{'left':>8}{'wrong':>8}{'cells':>8}")
    tallies = measure()
    for name, tally in tallies.items():
        counts = (tally.planted, tally.mended, tally.left, tally.wrong, tally.cells)
        print(f"{name or '(none)':<32}" + "".join(f"{count:>8,}" for count in counts))
    total = [sum(getattr(tally, each) for tally in tallies.values()) for each in Tally.__dataclass_fields__]
    print(f"{'all rows':<32}" + "".join(f"{count:>8,}" for count in total))
    for title, columns in (("duplicates, by identifiers", []), ("duplicates, by all", None)):
        found, valid = merges(columns)
        print(f"\n{title:<32}{'planted':>8}{'one':>8}{'several':>8}{'wrong':>8}")
        for name, merged in found.items():
            counts = (merged.planted, merged.whole, merged.left, merged.wrong)
            print(f"{name or '(all others)':<32}" + "".join(f"{count:>8,}" for count in counts))
        print(f"contacts that can be sent: {valid:,}")


if __name__ == "__main__":
    main()
