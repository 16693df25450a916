"""People who do not exist, some of them written down twice, with who is who: for any size, from a seed."""

from __future__ import annotations

import numpy as np
import polars as pl

LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz"))
SYLLABLES = [a + b for a in "bdfghjklmnprstv" for b in ("a", "e", "i", "o", "u", "an", "er", "il")]


def names(count, syllables, seed):
    """So many made-up names, the first ones to be the commonest."""
    drawn = np.random.default_rng(seed).integers(0, len(SYLLABLES), (count * 2, syllables))
    made = dict.fromkeys("".join(SYLLABLES[part] for part in parts).capitalize() for parts in drawn)
    return np.array(list(made)[:count], dtype=object)


def chosen(random, values, size):
    """Values drawn as names are: some very common, most rare."""
    weight = 1.0 / (np.arange(len(values)) + 5.0)
    return values[random.choice(len(values), size, p=weight / weight.sum())]


def misspelt(random, text):
    """A text with one slip: a letter more, less, another, or two swapped."""
    place = int(random.integers(0, len(text)))
    letter = str(random.choice(LETTERS)) if not text[place].isdigit() else str(random.integers(0, 10))
    kind = random.integers(0, 4)
    if kind == 0:
        return text[:place] + letter + text[place:]
    if kind == 1 and len(text) > 3:
        return text[:place] + text[place + 1 :]
    if kind == 2 and place + 1 < len(text):
        return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    return text[:place] + letter + text[place + 1 :]


def people(rows, *, doubles=0.1, seed=1):
    """A contacts frame of made-up people in households, and for each row the number of its person.

    A double has another e-mail address and mobile, blanks, and slips in some of its cells.
    """
    random = np.random.default_rng(seed)
    distinct = max(1, round(rows / (1 + doubles)))
    home = np.sort(random.integers(0, max(1, distinct // 2), distinct))
    homes = int(home.max()) + 1
    city = random.integers(0, 300, homes)
    street = chosen(random, names(5_000, 3, 3), homes)
    number = random.integers(1, 200, homes).astype(str)
    last = chosen(random, names(20_000, 2, 4), homes)
    birth = (np.datetime64("1930-01-01") + random.integers(0, 27_000, distinct)).astype(str).astype(object)
    cells = {
        "property:First name": chosen(random, names(2_000, 2, 5), distinct),
        "property:Last name": last[home],
        "property:Address": (street + " " + number)[home],
        "property:Postal code": (1000 + city * 7).astype(str).astype(object)[home],
        "property:City": names(300, 3, 6)[city][home],
        "property:Birthday": np.where(random.random(distinct) < 0.7, birth, None),
    }
    again = np.sort(random.choice(distinct, rows - distinct, replace=True))
    person = np.concatenate([np.arange(distinct), again])
    frame = {column: np.concatenate([values, values[again]]) for column, values in cells.items()}
    for column, values in frame.items():
        slips = distinct + np.flatnonzero(random.random(len(again)) < 0.25)
        for place in slips:
            if values[place] is not None:
                values[place] = misspelt(random, values[place])
        values[distinct + np.flatnonzero(random.random(len(again)) < 0.08)] = None
        frame[column] = values
    order = random.permutation(rows)
    contacts = pl.DataFrame(
        {column: pl.Series(values[order].tolist(), dtype=pl.String) for column, values in frame.items()}
    )
    row = pl.int_range(rows, dtype=pl.Int64)
    return contacts.with_columns(
        pl.concat_str(pl.lit("person"), row, pl.lit("@example.com")).alias("email"),
        pl.lit(44, dtype=pl.Int32).alias("mobile_country_code"),
        (7_700_000_000 + (row * 7_919) % 99_999_989).alias("mobile_number"),
    ), person[order]
