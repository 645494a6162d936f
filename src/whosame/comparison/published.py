"""Published figures of both papers, as printed: shown beside what was measured, never mixed with it."""

from importlib.resources import files

import pandas as pd

SOURCES = {
    "DCPS": "L. Xue, Y. Zou, P. Peng, Y. Tian, T. Huang: Annotation efficient person re-identification with diverse "
    "cluster-based pair selection",
    "UCAL": "W. Gao, M. Li: Unsupervised clustering active learning for person re-identification",
}


def published_results() -> pd.DataFrame:
    """Return the rows of DCPS, Tables 1 to 4, and UCAL, Tables 1 and 2, as text; what was not printed is empty.

    Returns
    -------
    DataFrame
        ``source`` (paper and table), ``method``, ``family``, ``dataset``, ``budget`` (questions), ``cost_percent``
        (share of all pairs), ``mAP``, ``rank1``, ``rank5``, ``rank10`` in per cent.
    """
    with files("whosame.comparison").joinpath("published_results.csv").open() as file:
        return pd.read_csv(file, dtype=str, keep_default_na=False)
