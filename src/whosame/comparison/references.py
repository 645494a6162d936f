"""References of a comparison: the arms that an arm is compared with, seed by seed."""

from collections.abc import Mapping, Sequence

from whosame.comparison.arms import Arm
from whosame.comparison.camera_use import weaker
from whosame.comparison.plan import BASELINE, CEILING
from whosame.comparison.run_history import RunHistory

Arms = Mapping[Arm, Sequence[RunHistory]]


def references(arm: Arm, arms: Arms) -> list[Arm]:
    """Return floors and ceiling of the arm's base, and ``dcps`` at its budget and use of cameras."""
    return [*floors(arm, arms), *ceilings(arm, arms), *_dcps(arm, arms)]


def floors(arm: Arm, arms: Arms) -> list[Arm]:
    """Return the baselines without questions on the base of an arm, whatever use they make of cameras.

    For such a baseline itself, those that make less use of cameras.
    """
    ceiling = arm.strategy == CEILING  # its base has no clustering
    own = arms[arm][0].base
    found = [other for other in arms if other.strategy == BASELINE and other != arm]
    if arm.strategy == BASELINE:
        found = [other for other in found if weaker(other.cameras, arm.cameras)]
    return [other for other in found if own == (arms[other][0].base_of_ceiling if ceiling else arms[other][0].base)]


def ceilings(arm: Arm, arms: Arms) -> list[Arm]:
    """Return the upper bounds on the base of an arm that asks."""
    if not arm.budget:
        return []
    own = arms[arm][0].base_of_ceiling
    return [other for other in arms if other.strategy == CEILING and arms[other][0].base == own]


def _dcps(arm: Arm, arms: Arms) -> list[Arm]:
    """Return ``dcps`` at the budget of an arm: the only one, or that with the same other settings."""
    found = [a for a in arms if a.strategy == "dcps" and (a.budget, a.cameras) == (arm.budget, arm.cameras)]
    found = found if len(found) < 2 else [a for a in found if a.rest == arm.rest]
    return [a for a in found if a != arm]
