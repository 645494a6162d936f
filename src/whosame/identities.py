"""Identity numbers: what a person, a distractor, junk and an unknown identity mean to everything that reads them.

The rule is that of Market-1501 (Zheng et al., ICCV 2015). A person is a number above 0, and matches every other image
of the same number. A distractor shows no person of the data set: it is other than every person, and matches nothing.
Junk is a box that shows no person clearly: it is neither right nor wrong, and no figure counts it.
"""

import numpy as np
from numpy.typing import NDArray

UNKNOWN = -2  # no identity is known (<NA> in a manifest)
JUNK = -1
DISTRACTOR = 0

Numbers = NDArray[np.int64]


def is_person(identities: Numbers) -> NDArray[np.bool_]:
    """Return which images show a person of the data set: only these are queries and have matches. bool [N]."""
    return identities > DISTRACTOR


def is_counted(identities: Numbers) -> NDArray[np.bool_]:
    """Return which images figures count: persons and distractors. bool [N]."""
    return identities >= DISTRACTOR


def is_same(first: int, second: int) -> bool | None:
    """Return whether two images show the same person; None where the identities do not tell.

    Junk does not tell, nor does an unknown identity. Two distractors may show the same thing or not.
    """
    if min(first, second) < DISTRACTOR or first == second == DISTRACTOR:
        return None
    return first == second


def as_labels(identities: Numbers) -> Numbers:
    """Return the perfect labels of a training set: a class a person, everything else an outlier, -1. int64 [N]."""
    return np.where(is_person(identities), identities, -1)


def as_partition(identities: Numbers) -> Numbers:
    """Return the true partition of images that are counted: a distractor, which matches nothing, is alone in its part.

    Parameters
    ----------
    identities : int64 [N]
        0 or more.

    Returns
    -------
    int64 [N]
        A person's number; a negative number of its own for each distractor.
    """
    return np.where(is_person(identities), identities, -1 - np.arange(len(identities)))
