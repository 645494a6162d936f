"""Names in files of weights: which part of a file is the network, whatever training scripts have wrapped it in.

A file is one flat mapping of dotted names. Wrappers only prepend parts: ``module.`` (DataParallel), ``state_dict.`` (a
dictionary in the file), ``backbone.``, ``encoder_q.`` (MoCo), ``_orig_mod.`` (torch.compile). The network is under the
prefix with most of its names. Names outside it are other things that were saved, such as an optimiser's.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import zip_longest
from typing import Any, NamedTuple

from torch import Tensor, nn

from whosame.errors import LISTED, InputError
from whosame.features.base import Backbone
from whosame.features.config import TIMM
from whosame.features.weight_layouts import Layout

MOMENTUM = "encoder_k"  # MoCo's copy of encoder_q, which is the one that is trained
COUNTER = "num_batches_tracked"  # which nothing reads, and files of torch before 0.4.1 do not have
NORMALISATION = {"mean", "std"}  # which the network has of its own


def flat(content: Any, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors in nested dictionaries by their dotted names."""
    if isinstance(content, Tensor):
        yield prefix.removesuffix("."), content
    elif isinstance(content, Mapping):
        for key, value in content.items():
            yield from flat(value, f"{prefix}{key}.")


def matched(
    network: nn.Module, weights: Mapping[str, Tensor], ignore: tuple[str, ...] = ()
) -> tuple[dict[str, Tensor], list[str]]:
    """Find a network's weights in a file.

    Parameters
    ----------
    network : nn.Module
        A :class:`~whosame.features.network.ReIDNetwork`. The file may be of the whole network or of its backbone, under
        its own names or those of the backbone's project.
    weights : mapping of str to Tensor
    ignore : tuple of str
        Beginnings of names that may go unused, beside those of the backbone's head.

    Returns
    -------
    found : dict of str to Tensor
        The network's whole state, with what the file has.
    problems : list of str
        Names that are missing, unexpected (with the missing name nearest to it) or of another shape; empty if it fits.

    Raises
    ------
    InputError
        Several parts of the file fit equally well.
    """
    backbone = network.get_submodule("backbone")
    assert isinstance(backbone, Backbone)
    fit, head = _best_fit(network, backbone, weights)
    state, models = network.state_dict(), fit.layout.models
    if not any(fnmatchcase(backbone.name, pattern) for pattern in models):
        models_of = " or ".join(f"{TIMM}{pattern}" for pattern in models)
        return state, [f"they are {fit.layout.project}'s: network.architecture has to be {models_of}"]
    weights, names, prefix = fit.weights, fit.names, _only(fit.prefixes)
    found = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    unused = [name for name in found if name not in names and name.startswith((*head, *ignore))]
    unused += [name for name in found if (prefix + name).startswith(ignore)]
    for name in set(unused):
        del found[name]
    optional = NORMALISATION | {name for name in names if name.endswith(COUNTER)}
    problems = differences(
        {name: state[own] for name, own in names.items() if name in found or name not in optional},
        found,
        {name: fit.called[prefix + name] for name in found if prefix + name in fit.called},
    )
    return {**state, **{names[name]: value for name, value in found.items() if name in names}}, problems


class Fit(NamedTuple):
    """Where a file has the network, under one layout.

    Attributes
    ----------
    weights : mapping of str to Tensor
        The file's, by the names that the layout gives them.
    layout : Layout
    called : mapping of str to str
        The names that the layout gave, to those in the file.
    names : mapping of str to str
        Names after the prefix, to those of the network's state.
    prefixes : list of str
        Under which equally many names are the network's.
    size : int
        How many these are.
    """

    weights: Mapping[str, Tensor]
    layout: Layout
    called: Mapping[str, str]
    names: Mapping[str, str]
    prefixes: list[str]
    size: int


def _best_fit(network: nn.Module, backbone: Backbone, weights: Mapping[str, Tensor]) -> tuple[Fit, tuple[str, ...]]:
    """Return the fit with most names, and the beginnings of the names of a head."""
    published, head = backbone.published()
    kinds = (
        {name: f"backbone.{own}" for own, name in published.items()},
        {own: f"backbone.{own}" for own in published},
    )
    fits = []
    for layout in backbone.layouts:
        changes = layout.rename(weights, tuple(published.values()))
        renamed = {changes.get(name, name): value for name, value in weights.items()}
        called = {new: old for old, new in changes.items()}
        for names in (*kinds, {own: own for own in network.state_dict()}):
            counts = Counter(start for name in renamed for start, rest in splits(name) if rest in names)
            most = max(counts.values(), default=0)
            prefixes = [start for start, number in counts.items() if number == most] or [""]
            fits.append(Fit(renamed, layout, called, names, prefixes, most))
    return max(fits, key=lambda fit: fit.size), head  # the first of equals


def splits(name: str) -> Iterator[tuple[str, str]]:
    """Yield every way to divide a dotted name into a prefix and the rest: "", "a.", "a.b." of a.b.c."""
    at = 0
    while True:
        yield name[:at], name[at:]
        at = name.find(".", at) + 1
        if at == 0:
            return


def differences(
    expected: Mapping[str, Tensor], found: Mapping[str, Tensor], called: Mapping[str, str] | None = None
) -> list[str]:
    """Return why ``found`` cannot be loaded: missing names, unexpected ones and other shapes, in turn.

    ``called`` has the names in the file of those that were renamed.
    """
    in_file = {name: f"{old} (here {name})" for name, old in (called or {}).items()}
    missing = [name for name in expected if name not in found]
    unexpected = [name for name in found if name not in expected]
    near = {name: get_close_matches(name, missing, n=1, cutoff=0.8) for name in unexpected[:LISTED]}
    kinds = [
        [f"missing: {name} {list(expected[name].shape)}" for name in missing],
        [
            f"unexpected: {in_file.get(name, name)} {list(found[name].shape)}"
            + "".join(f", near to {each}" for each in near.get(name, ()))
            for name in unexpected
        ],
        [
            f"shape: {in_file.get(name, name)} is {list(found[name].shape)}, expected {list(value.shape)}"
            for name, value in expected.items()
            if name in found and found[name].shape != value.shape
        ],
    ]
    return [problem for row in zip_longest(*kinds) for problem in row if problem]


def _only(prefixes: list[str]) -> str:
    trained = [prefix for prefix in prefixes if MOMENTUM not in prefix.split(".")]
    if len(trained) > 1:
        under = ", ".join(map(repr, sorted(trained)))
        raise InputError(
            f"the file of weights holds {len(trained)} networks that fit, under {under}: save one of them alone"
        )
    return (trained or prefixes)[0]
