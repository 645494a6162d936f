"""Layouts of published files of weights that differ from timm's: what makes their tensors timm's.

A file has the layout whose marks are among its names. :mod:`~whosame.features.weights.names` then finds the network in
it, whatever prefix it is under.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

Tensors = Mapping[str, Tensor]
Converted = dict[str, tuple[str, Tensor]]  # by the new name: the name in the file, and the tensor


class Layout(NamedTuple):
    """The names and tensors in the files of one project.

    Attributes
    ----------
    project : str
        For messages.
    marks : tuple of str
        Names that all files of the project have and no others, after the network's prefix.
    architectures : tuple of str
        Patterns of the values of ``network.architecture`` that compute what the project's networks do. Others may have
        the same names and shapes, and another padding.
    convert : callable
        From the file's tensors and the backbone's published names, both without a prefix, to the tensors under timm's
        names.
    unused : str
        A regular expression: names that the project's networks have and the architectures do not.
    """

    project: str
    marks: tuple[str, ...]
    architectures: tuple[str, ...]
    convert: Callable[[Tensors, Sequence[str]], Converted]
    unused: str = ""

    def prefixes(self, names: Collection[str]) -> list[str]:
        """Return the prefixes under which a file has this layout; none for one without marks."""
        if not self.marks:
            return []
        first, *others = self.marks
        starts = [name.removesuffix(first) for name in names if name == first or name.endswith(f".{first}")]
        return [start for start in starts if all(start + other in names for other in others)]


def _same(weights: Tensors, _: Sequence[str] = ()) -> Converted:
    return {name: (name, value) for name, value in weights.items()}


def renamed(name: str, rules: Sequence[tuple[str, str]]) -> str:
    """Return the name that the first rule gives which matches the whole name: a regular expression, a replacement."""
    for pattern, new in rules:
        if match := re.fullmatch(pattern, name):
            return match.expand(new)
    return name


# efficientnet_pytorch and efficientnet_lite_pytorch: blocks are numbered through, timm's within stages. The parts of a
# block differ by whether it widens first.
WIDENED = {"_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2"}
WIDENED |= {"_project_conv": "conv_pwl", "_bn2": "bn3"}
PLAIN = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
BOTH = {"_se_reduce": "se.conv_reduce", "_se_expand": "se.conv_expand"}
AROUND = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}


def _efficientnet(weights: Tensors, published: Sequence[str]) -> Converted:
    blocks = list(dict.fromkeys(m.group() for m in map(re.compile(r"blocks\.\d+\.\d+").match, published) if m))
    converted = {}
    for name, value in weights.items():
        new = name
        if (m := re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name)) and int(m[1]) < len(blocks):
            parts = WIDENED if f"_blocks.{m[1]}._expand_conv.weight" in weights else PLAIN
            new = f"{blocks[int(m[1])]}.{(parts | BOTH).get(m[2], m[2])}.{m[3]}"
        elif (m := re.fullmatch(r"(\w+)\.(\w+)", name)) and m[1] in AROUND:
            new = f"{AROUND[m[1]]}.{m[2]}"
        converted[new] = name, value
    return converted


def _part_tokens(weights: Tensors, _: Sequence[str]) -> Converted:
    """PASS: class and part tokens have positions of their own, which timm's registers have in them."""
    parts = [(f"part_token{part}", f"part{part}_pos") for part in (1, 2, 3)]
    special = {"cls_token", "cls_pos", *sum(parts, ())}
    if not special <= set(weights):
        return _same(weights)
    converted = _same({name: value for name, value in weights.items() if name not in special})
    converted["cls_token"] = "cls_token + cls_pos", weights["cls_token"] + weights["cls_pos"]
    tokens = torch.cat([weights[token] + weights[position] for token, position in parts], 1)
    converted["reg_token"] = "part_token1 … part3_pos", tokens
    return converted


# SOLIDER's Swin is mmsegmentation's, with a semantic controller.
SWIN_OF_MMSEG = (
    (r"patch_embed\.projection\.(.*)", r"patch_embed.proj.\1"),
    (r"stages\.(\d+\.blocks\.\d+\.attn)\.w_msa\.(.*)", r"layers.\1.\2"),
    (r"stages\.(\d+\.blocks\.\d+)\.ffn\.layers\.0\.0\.(.*)", r"layers.\1.mlp.fc1.\2"),
    (r"stages\.(\d+\.blocks\.\d+)\.ffn\.layers\.1\.(.*)", r"layers.\1.mlp.fc2.\2"),
    (r"stages\.(\d+\.blocks\.\d+\.norm\d\..*)", r"layers.\1"),
    (r"norm3\.(.*)", r"norm.\1"),
)
SEMANTIC_WEIGHT = 0.2  # SOLIDER-REID's, in all its experiments


def _solider(weights: Tensors, _: Sequence[str]) -> Converted:
    """Rename, order merged patches as timm does, and put the semantic controller into the merging.

    The controller multiplies the merged patches x of a stage by softplus(W_w [λ, 1 − λ] + b_w) and adds
    W_b [λ, 1 − λ] + b_b. With λ fixed this is a factor and a bias of the linear layer that merges them.
    """
    converted = {}
    for name, value in weights.items():
        if m := re.fullmatch(r"stages\.(\d+)\.downsample\.(norm\.weight|norm\.bias|reduction\.weight)", name):
            stage, new = int(m[1]), f"layers.{int(m[1]) + 1}.downsample.{m[2]}"
            if m[2] == "reduction.weight":
                factor, bias = _controller(weights, stage, value)
                converted[new] = name, _timm_order(value) * factor[:, None]
                converted[f"layers.{stage + 1}.downsample.reduction.bias"] = f"semantic_embed_b.{stage}", bias
            else:
                converted[new] = name, _timm_order(value[None])[0]
        else:
            converted[renamed(name, SWIN_OF_MMSEG)] = name, value
    return converted


def _controller(weights: Tensors, stage: int, reduction: Tensor) -> tuple[Tensor, Tensor]:
    """Return the factor and the bias, [channels] each, of a stage; 1 and 0 without a controller."""
    at = [f"semantic_embed_{kind}.{stage}.{part}" for kind in "wb" for part in ("weight", "bias")]
    if not set(at) <= set(weights):
        return torch.ones_like(reduction[:, 0]), torch.zeros_like(reduction[:, 0])
    factor, factor_bias, shift, shift_bias = (weights[name] for name in at)
    semantic = factor.new_tensor([SEMANTIC_WEIGHT, 1 - SEMANTIC_WEIGHT])
    return functional.softplus(factor @ semantic + factor_bias), shift @ semantic + shift_bias


def _timm_order(merging: Tensor) -> Tensor:
    """Reorder the inputs [n, 4 C] of a merging: from channel, row, column, as unfolded, to column, row, channel."""
    n, inputs = merging.shape
    return merging.reshape(n, inputs // 4, 2, 2).permute(0, 3, 2, 1).reshape(n, inputs)


def _swin_downsampling_last(weights: Tensors, _: Sequence[str]) -> Converted:
    """Swin: Microsoft and timm before 0.9 merge patches at the end of a stage, timm at the beginning of the next."""
    return {
        re.sub(r"^layers\.(\d+)\.downsample", lambda m: f"layers.{int(m[1]) + 1}.downsample", name): (name, value)
        for name, value in weights.items()
    }


def _dinov2(weights: Tensors, _: Sequence[str]) -> Converted:
    """DINOv2: with registers, the position of the class token goes into the token; SwiGLU's layers are renamed."""
    rules = ((r"(.*\.mlp)\.w12\.(.*)", r"\1.fc1.\2"), (r"(.*\.mlp)\.w3\.(.*)", r"\1.fc2.\2"))
    converted = {renamed(name, rules): (name, value) for name, value in weights.items()}
    if "register_tokens" in converted:
        converted["reg_token"] = converted.pop("register_tokens")
        token, positions = weights["cls_token"], weights["pos_embed"]
        converted["cls_token"] = "cls_token", token + positions[:, :1]
        converted["pos_embed"] = "pos_embed", positions[:, 1:]
    return converted


def _miewid(weights: Tensors, _: Sequence[str]) -> Converted:
    """MiewID: the pooling and the BatchNorm after it are this project's ``pooling`` and ``neck``."""
    rules = ((r"bn\.(.*)", r"neck.\1"), (r"backbone\.global_pool\.p", "pooling.p"))
    return {renamed(name, rules): (name, value) for name, value in weights.items()}


AS_SAVED = Layout("the network's own", (), ("*",), _same)
LAYOUTS = (
    Layout("efficientnet_lite_pytorch", ("_conv_stem.weight",), ("timm/tf_efficientnet_*",), _efficientnet),
    Layout("TransReID-SSL with ICS", ("patch_embed.conv.0.weight",), ("transreid-ssl/*_ics",), _same),
    Layout("PASS", ("part_token1", "part1_pos"), ("pass/*",), _part_tokens),
    Layout(
        "SOLIDER",
        ("stages.0.blocks.0.attn.w_msa.qkv.weight",),
        ("solider/*",),
        _solider,
        r"norm[012]\..*|semantic_embed_.*|.*\.relative_position_index",
    ),
    Layout(
        "Swin Transformer",
        ("layers.0.downsample.reduction.weight",),
        ("timm/swin_*",),
        _swin_downsampling_last,
        r".*\.(attn_mask|relative_position_index)",
    ),
    Layout("DINOv2", ("mask_token", "blocks.0.ls1.gamma"), ("timm/vit_*_dinov2*",), _dinov2, "mask_token"),
    Layout(
        "MiewID",
        ("backbone.conv_stem.weight", "bn.running_mean"),
        ("miewid/*",),
        _miewid,
        r"final\..*|pooling\.p",  # a classifier; the exponent of gem, if network.pooling is another
    ),
)
