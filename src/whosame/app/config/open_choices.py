"""What parameters leave open, chosen by the images and the machine: annotator and network."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from whosame.app import paths
from whosame.data.feature_file import dimension_of
from whosame.data.source import SourceConfig, layout_of
from whosame.errors import WhosameError
from whosame.features.config import GIVEN
from whosame.known import IDENTITIES
from whosame.parameters import parse

AUTO = "auto"
ASK_NOTHING = ("none", "supervised")


def chosen_network(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``network`` has by the user's features or the machine; empty where an architecture is named.

    Empty too where no network is at hand: an error when it is needed, and ``kedro params`` does not need it.

    Raises
    ------
    InputError
        The file of features cannot be read.
    """
    if features := parameters.get("features"):
        return {
            "architecture": f"{GIVEN}{dimension_of(str(features))}",
            "weights": "random",
            "pooling": "average",
            "frozen_stages": 1,
        }
    if parameters.get("network", {}).get("architecture") != AUTO:
        return {}
    from whosame.features.weights.choice import choose_network  # torch, for which most commands do not wait

    try:
        return choose_network(str(parameters.get("device", AUTO)))
    except WhosameError:
        return {}


def annotator_of(parameters: Mapping[str, Any]) -> str:
    """Return who answers: where it is left open, people if no training image has an identity, the oracle if all have.

    People too where the identities are the catalogue, and known from the start. Otherwise, with some images that have
    an identity and some that have not, it stays open, which is an error when the round begins.
    """
    named = str(parameters.get("annotator", AUTO))
    if named != AUTO:
        return named
    asks = parameters.get("budget") != 0 and parameters.get("strategy") not in ASK_NOTHING
    if not asks or layout_of(parameters) != "folder":
        return "oracle"
    if parameters.get("catalogue") == IDENTITIES:  # the oracle would have nothing to answer
        return "human"
    try:
        source = parse(SourceConfig, {name: parameters[name] for name in SourceConfig.model_fields})
        known = _known(source)
    except WhosameError:  # the round says it in detail
        return AUTO
    if len(known) != 1:
        return AUTO
    return "oracle" if True in known else "human"


@cache
def _known(source: SourceConfig) -> frozenset[bool]:
    """Return whether training images have an identity, as far as names say: both where some have and some have not."""
    images = source.reader.read(source.folder_of_images(paths.root() / "data")).images
    return frozenset(image.identity is not None for image in images if image.split == "train")
