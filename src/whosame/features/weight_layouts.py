"""Layouts of published files of weights that differ from timm's: how their names become the names that timm gives.

Names keep whatever prefix they have. A layout that is not the file's changes nothing, or nothing that fits:
:mod:`~whosame.features.weight_names` takes the one under which most names are the network's.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple


class Layout(NamedTuple):
    """The names in the files of one project.

    Attributes
    ----------
    project : str
        For messages.
    models : tuple of str
        Patterns of the timm models that compute what the project's networks do. Another one may have the same names and
        shapes, and another padding.
    rename : callable
        From the names in a file and the published names of the backbone, to the new name of each name that changes.
    """

    project: str
    models: tuple[str, ...]
    rename: Callable[[Collection[str], Sequence[str]], Mapping[str, str]]


AS_SAVED = Layout("the network's own", ("*",), lambda _names, _published: {})


# The parts of a block of efficientnet_pytorch: with an expansion, without, and those that are the same in both.
EXPANDED = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
PLAIN = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
BOTH = {"_se_reduce": "se.conv_reduce", "_se_expand": "se.conv_expand"}
AROUND = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
BLOCK = re.compile(r"(?P<prefix>(?:.*\.)?)_blocks\.(?P<number>\d+)\.(?P<part>\w+)\.(?P<rest>\w+)")
OTHER = re.compile(r"(?P<prefix>(?:.*\.)?)(?P<part>_conv_stem|_conv_head|_bn0|_bn1|_fc)\.(?P<rest>\w+)")


def efficientnet_pytorch(names: Collection[str], published: Sequence[str]) -> Mapping[str, str]:
    """Rename a file of the packages efficientnet_pytorch and efficientnet_lite_pytorch.

    Their blocks are numbered through, timm's within stages: ``_blocks.2._bn0.weight`` is ``blocks.1.1.bn1.weight``.
    The padding is TensorFlow's and the BatchNorm's epsilon 1e-3, as in timm's models ``tf_efficientnet_…``.
    """
    blocks = list(dict.fromkeys(m.group() for m in map(re.compile(r"blocks\.\d+\.\d+").match, published) if m))
    renamed = {}
    for name in names:
        if (m := BLOCK.fullmatch(name)) and int(m["number"]) < len(blocks):
            expanded = f"{m['prefix']}_blocks.{m['number']}._expand_conv.weight" in names
            part = {**BOTH, **(EXPANDED if expanded else PLAIN)}.get(m["part"], m["part"])
            renamed[name] = f"{m['prefix']}{blocks[int(m['number'])]}.{part}.{m['rest']}"
        elif m := OTHER.fullmatch(name):
            renamed[name] = f"{m['prefix']}{AROUND[m['part']]}.{m['rest']}"
    return renamed


LAYOUTS = (
    AS_SAVED,
    Layout("efficientnet_lite_pytorch", ("tf_efficientnet_*",), efficientnet_pytorch),
)
