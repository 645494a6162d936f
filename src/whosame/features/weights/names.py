"""Names in files of weights: which part of a file is the network, whatever training scripts have wrapped it in.

A file is one flat mapping of dotted names. Wrappers only prepend parts: ``module.`` (DataParallel), ``state_dict.`` (a
dictionary in the file), ``backbone.``, ``encoder_q.`` (MoCo), ``_orig_mod.`` (torch.compile). The network is under the
prefix with most of its names. Names outside it are other things that were saved, such as an optimiser's.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import zip_longest
from typing import Any

from torch import Tensor, nn

from whosame.errors import LISTED, InputError
from whosame.features.base import Backbone
from whosame.features.weight_layouts import AS_SAVED, Layout

BACKBONE = "backbone."  # of a network's state
MOMENTUM = "encoder_k"  # MoCo's copy of encoder_q, which is the one that is trained
STUDENT, TEACHER = "student", "teacher"  # DINO's: its mean over training, the teacher, is the one that is used
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
    published, head = backbone.published()
    layout, others = _layout(backbone, weights)
    weights, called = _converted(layout, weights, tuple(published.values()))
    names, prefix = _place(network, published, weights)
    found = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    unused = [name for name in found if name not in names and name.startswith((*head, *ignore))]
    unused += [name for name in found if name not in names and re.fullmatch(layout.unused, name)]
    unused += [name for name in found if (prefix + name).startswith(ignore)]
    for name in set(unused):
        del found[name]
    for name in found.keys() & names.keys():
        found[name] = backbone.adapted(names[name].removeprefix(BACKBONE), found[name])
    state = network.state_dict()
    optional = NORMALISATION | {name for name in names if name.endswith(COUNTER)}
    problems = differences(
        {name: state[own] for name, own in names.items() if name in found or name not in optional},
        found,
        {name: called[prefix + name] for name in found if prefix + name in called},
    )
    if problems and others:
        hints = [
            f"a file of {each.project}, which architecture {' or '.join(each.architectures)} reads" for each in others
        ]
        problems = hints + problems
    return {**state, **{names[name]: value for name, value in found.items() if name in names}}, problems


def _layout(backbone: Backbone, names: Collection[str]) -> tuple[Layout, list[Layout]]:
    """Return the layout of a file, and those that it has too and that other architectures read."""
    fitting = [layout for layout in backbone.layouts if layout.prefixes(names)]
    read = [layout for layout in fitting if any(fnmatchcase(backbone.architecture, a) for a in layout.architectures)]
    return (read or [AS_SAVED])[0], [] if read else fitting


def _converted(
    layout: Layout, weights: Mapping[str, Tensor], published: Sequence[str]
) -> tuple[Mapping[str, Tensor], dict[str, str]]:
    """Return the weights under the published names, and what the file calls those that it calls otherwise."""
    called: dict[str, str] = {}
    for prefix in layout.prefixes(weights):
        inside = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
        converted = layout.convert(inside, published)
        called |= {prefix + new: old for new, (old, _) in converted.items() if new != old}
        outside = {name: value for name, value in weights.items() if not name.startswith(prefix)}
        weights = {**outside, **{prefix + new: value for new, (_, value) in converted.items()}}
    return weights, called


def _place(network: nn.Module, published: Mapping[str, str], weights: Collection[str]) -> tuple[Mapping[str, str], str]:
    """Return the names that a file has after the prefix, with those of the network's state; and the prefix."""
    state = list(network.state_dict())
    backbone = {name: BACKBONE + own for own, name in published.items()}
    whole = {BACKBONE + name: own for name, own in backbone.items()}
    whole |= {own: own for own in state if not own.startswith(BACKBONE)}
    best, names, prefixes = 0, backbone, [""]
    for candidate in (backbone, {own: BACKBONE + own for own in published}, {own: own for own in state}, whole):
        counts = Counter(start for name in weights for start, rest in splits(name) if rest in candidate)
        most = max(counts.values(), default=0)
        if most > best:
            best, names = most, candidate
            prefixes = [start for start, number in counts.items() if number == most]
    return names, _only(prefixes) if 2 * best > len(names) else min(prefixes, key=len)  # few names fit in many places


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
    if any(TEACHER in prefix.split(".") for prefix in trained):
        trained = [prefix for prefix in trained if STUDENT not in prefix.split(".")]
    if len(trained) > 1:
        under = ", ".join(map(repr, sorted(trained)))
        raise InputError(
            f"the file of weights holds {len(trained)} networks that fit, under {under}: save one of them alone"
        )
    return (trained or prefixes)[0]
