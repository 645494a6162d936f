"""A label store with a million answers: seconds in which a round reads its own, and what people gave elsewhere.

``python benchmarks/store_at_scale.py`` fills a new SQLite file (about a minute) with the answers of a hundred runs on
the same images, and begins a round of one of them. ``--database=URL`` keeps the file, or takes an empty PostgreSQL.
``python benchmarks/page_load.py --stored=1000000`` serves the page from such a store.
"""

import argparse
import tempfile
import time

import numpy as np

from whosame.annotation.store.schema import answer_events
from whosame.annotation.store.store import open_store
from whosame.annotators.earlier_answers import earlier_answers, review_answers
from whosame.annotators.record import RoundRecord

ANSWERS, RUNS, IMAGES = 1_000_000, 100, 100_000
OWN = "other-50"
AT_ONCE = 20_000  # rows
SECONDS = 1.0  # for a round's own answers, at most


def digest(image):
    return f"{image:032x}"


def fill(store, answers, runs=RUNS, images=IMAGES, *, source="human"):
    """Add answers of other runs, as many of each, about random pairs of images."""
    draw = np.random.default_rng(0)
    each = answers // runs
    for run in range(runs):
        pairs = np.unique(np.sort(draw.integers(0, images, (2 * each, 2)), axis=1), axis=0)
        pairs = draw.permutation(pairs[pairs[:, 0] != pairs[:, 1]])[:each].tolist()
        rows = [
            {
                "run_uid": f"other-{run}",
                "run": f"other-{run}",
                "round": n * 10 // each,
                "image_a": a,
                "image_b": b,
                "digest_a": digest(a),
                "digest_b": digest(b),
                "kind": "between",
                "verdict": "same" if (a + b) % 3 else "different",
                "source": source,
                "annotator": f"person {n % 20}",
                "attempt": 1,
                "seconds": 2.0,
                "answered_at": "2026-01-01T00:00:00.000000Z",
            }
            for n, (a, b) in enumerate(pairs)
        ]
        for begin in range(0, len(rows), AT_ONCE):
            with store.writing() as connection:
                connection.execute(answer_events.insert(), rows[begin : begin + AT_ONCE])


def timed(what, function):
    started = time.perf_counter()
    found = function()
    took = time.perf_counter() - started
    print(f"{what}: {took:.2f} s", flush=True)
    return took, found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--answers", type=int, default=ANSWERS)
    parser.add_argument("--database")
    parser.add_argument("--no-bounds", action="store_true", help="only print, whatever the figures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, open_store(options.database or f"sqlite:///{folder}/l.db") as store:
        if not store.answers(OWN):
            timed(f"{options.answers:,} answers of {RUNS} runs written", lambda: fill(store, options.answers))
        ids, digests = np.arange(IMAGES), [digest(image) for image in range(IMAGES)]
        about = {"run_uid": OWN, "run": OWN, "round": 10, "image_ids": ids, "digests": digests}
        seconds, _ = timed("a round reads its own answers", lambda: RoundRecord(store, **about))
        mine = store.answers(OWN)
        known = {(event.image_a, event.image_b) for event in mine}
        print(f"{len(mine):,} of its own")
        again, _ = timed(
            "what reviews have decided",
            lambda: review_answers(store, run_uid=OWN, image_ids=ids, overlap=1, known=known),
        )
        _, found = timed(
            "what people answered in other runs, copied",
            lambda: earlier_answers(store, **about, overlap=1, known=known),
        )
        print(f"{len(found):,} copied")
        timed("the same, once they are", lambda: earlier_answers(store, **about, overlap=1, known=known))
    if max(seconds, again) > SECONDS and not options.no_bounds:
        raise SystemExit(f"missed: a round reads its own within {SECONDS:g} s")


if __name__ == "__main__":
    main()
