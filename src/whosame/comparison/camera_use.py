"""How the clusters of a run use cameras: what tells the bases without questions of a comparison apart.

The default is the strongest base known here (docs/methods.md, Clusters); the weaker ones are reported beside it.
"""

from collections.abc import Mapping
from typing import Any

DISTANCE, CENTRED = CAMERA_USE = ("clustering.distance", "clustering.centre_cameras")

# By whether the distance is camera-aware and whether features are centred, the weakest first: what is written after
# the name of a method, what a run is called, and the parameters.
USES: dict[tuple[bool, bool], tuple[str, str, dict[str, Any]]] = {
    (False, False): ("plain Jaccard", "plain", {"distance": "jaccard", "centre_cameras": False}),
    (False, True): ("cameras centred", "centred", {"distance": "jaccard", "centre_cameras": True}),
    (True, False): ("camera-aware, not centred", "uncentred", {"distance": "auto", "centre_cameras": False}),
    (True, True): ("", "camera-aware", {"distance": "auto", "centre_cameras": True}),
}
ORDER = [name for name, *_ in USES.values()]
BESIDE = ("plain", "centred", "camera-aware")  # bases that a comparison reports beside the configured one


def camera_use(settings: Mapping[str, Any]) -> str:
    """Return how clusters use cameras, in words; empty for the strongest way, which is the default.

    Parameters
    ----------
    settings : mapping
        Flat, values or their texts: ``clustering.distance``, ``clustering.centre_cameras``.
    """
    aware = settings.get(DISTANCE, "jaccard") != "jaccard"
    return USES[aware, str(settings.get(CENTRED)) == "True"][0]


def short(use: str) -> str:
    """Return a use of cameras in one word, as names of runs have it; empty for the default."""
    return use and next(suffix for words, suffix, _ in USES.values() if words == use)


def weaker(one: str, other: str) -> bool:
    """Return whether the first of two uses of cameras is the weaker."""
    return ORDER.index(one) < ORDER.index(other)
