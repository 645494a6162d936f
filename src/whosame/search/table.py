"""Table of a search: a row a hit, as CSV."""

import csv
import io
import math
from collections.abc import Iterable

from whosame.search.ranking import Ranking

COLUMNS = ("query", "nobody_near", "rank", "score", "identity", "known", "p", "images", "camera", "path")


def rankings_csv(rankings: Iterable[Ranking]) -> bytes:
    """Return the rankings as CSV: UTF-8, commas, one line of column names; p is empty for images of the test set."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for ranking in rankings:
        far = str(ranking.nobody_near).lower()
        for number, hit in enumerate(ranking.hits, start=1):
            p = "" if math.isnan(hit.p) else f"{hit.p:.3f}"
            camera = "" if hit.camera is None else hit.camera
            row = (f"{hit.score:.4f}", hit.identity, hit.known, p, hit.images, camera, hit.path)
            table.writerow((ranking.query, far, number, *row))
    return text.getvalue().encode()
