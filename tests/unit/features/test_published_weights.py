"""Files as projects publish them: names and shapes as in their code, made here; what is matched, and what is left out."""

import re

import pytest
import torch
from torch import nn
from torch.nn import functional

from whosame.features import NetworkConfig
from whosame.features.backbones import build_backbone
from whosame.features.config import REID_NETWORKS
from whosame.features.network import ReIDNetwork
from whosame.features.pooling import GeM
from whosame.features.reid_networks import MODELS, PARTS, PERSON
from whosame.features.timm_tokens import TimmTokens
from whosame.features.weight_layouts import LAYOUTS, SEMANTIC_WEIGHT
from whosame.features.weights.names import matched

timm = pytest.importorskip("timm")


def network(architecture):
    """Return a network of that architecture without memory for its weights."""
    with torch.device("meta"):
        return ReIDNetwork(build_backbone(NetworkConfig(architecture=architecture, weights="random")), GeM())


def made(shapes, prefix=""):
    return {prefix + name: torch.zeros(shape, device="meta") for name, shape in shapes.items()}


def layer(name, outside, inside):
    return {f"{name}.weight": (outside, inside), f"{name}.bias": (outside,)}


def norm(name, channels):
    return {f"{name}.weight": (channels,), f"{name}.bias": (channels,)}


def batch_norm(name, channels):
    running = {f"{name}.running_mean": (channels,), f"{name}.running_var": (channels,)}
    return norm(name, channels) | running | {f"{name}.num_batches_tracked": ()}


def convolution(name, outside, inside, side):
    return {f"{name}.weight": (outside, inside, side, side)}


def vit(width, patches, *, patch=16, prefix_tokens=1, depth=12, stem=False, scales=False):
    """Return names and shapes of DINO's ViT; with TransReID-SSL's stem, or DINOv2's scales of residual branches."""
    shapes = {"cls_token": (1, 1, width), "pos_embed": (1, patches + prefix_tokens, width)}
    shapes |= convolution("patch_embed.proj", width, 64 if stem else 3, patch // 2 if stem else patch)
    shapes |= {"patch_embed.proj.bias": (width,)} | norm("norm", width)
    if stem:
        shapes |= convolution("patch_embed.conv.0", 64, 3, 7) | convolution("patch_embed.conv.3", 64, 64, 3)
        shapes |= convolution("patch_embed.conv.6", 64, 64, 3) | batch_norm("patch_embed.conv.7", 64)
        for at in (1, 4):
            shapes |= norm(f"patch_embed.conv.{at}.IN", 32) | batch_norm(f"patch_embed.conv.{at}.BN", 32)
    for i in range(depth):
        block = f"blocks.{i}"
        shapes |= norm(f"{block}.norm1", width) | norm(f"{block}.norm2", width)
        shapes |= layer(f"{block}.attn.qkv", 3 * width, width) | layer(f"{block}.attn.proj", width, width)
        shapes |= layer(f"{block}.mlp.fc1", 4 * width, width) | layer(f"{block}.mlp.fc2", width, 4 * width)
        if scales:
            shapes |= {f"{block}.ls1.gamma": (width,), f"{block}.ls2.gamma": (width,)}
    return shapes


def swin(width, depths, heads, window):
    """Return names and shapes of Microsoft's Swin: patches are merged at the end of a stage."""
    area = window * window
    shapes = convolution("patch_embed.proj", width, 3, 4) | {"patch_embed.proj.bias": (width,)}
    shapes |= norm("patch_embed.norm", width)
    for stage, (depth, number) in enumerate(zip(depths, heads, strict=True)):
        channels = width * 2**stage
        for i in range(depth):
            block = f"layers.{stage}.blocks.{i}"
            shapes |= norm(f"{block}.norm1", channels) | norm(f"{block}.norm2", channels)
            shapes |= {f"{block}.attn.relative_position_bias_table": ((2 * window - 1) ** 2, number)}
            shapes |= {f"{block}.attn.relative_position_index": (area, area)}
            shapes |= layer(f"{block}.attn.qkv", 3 * channels, channels)
            shapes |= layer(f"{block}.attn.proj", channels, channels)
            shapes |= layer(f"{block}.mlp.fc1", 4 * channels, channels)
            shapes |= layer(f"{block}.mlp.fc2", channels, 4 * channels)
            if i % 2 and stage < 3:
                shapes |= {f"{block}.attn_mask": (4 ** (3 - stage), area, area)}
        if stage < 3:
            shapes |= norm(f"layers.{stage}.downsample.norm", 4 * channels)
            shapes |= {f"layers.{stage}.downsample.reduction.weight": (2 * channels, 4 * channels)}
    return shapes | norm("norm", width * 8)


def solider(width, depths, heads):
    """Return names and shapes of SOLIDER's Swin: mmsegmentation's names, a norm per stage, the semantic controller."""
    shapes = {}
    for name, shape in swin(width, depths, heads, 7).items():
        if "attn_mask" in name or name.startswith("norm."):
            continue
        new = name.replace("layers.", "stages.").replace(".attn.", ".attn.w_msa.")
        new = new.replace("mlp.fc1", "ffn.layers.0.0").replace("mlp.fc2", "ffn.layers.1")
        shapes[new.replace("patch_embed.proj", "patch_embed.projection")] = shape
    for stage in range(4):
        shapes |= norm(f"norm{stage}", width * 2**stage)
        for kind in "wb":
            shapes |= layer(f"semantic_embed_{kind}.{stage}", width * 2 ** min(stage + 1, 3), 2)
    return shapes


def dino(shapes, width):
    """Return a checkpoint of DINO: student, teacher and their heads, as saved by its training script."""
    heads = {"head.mlp.0.weight": (2048, width), "head.mlp.0.bias": (2048,), "head.last_layer.weight_v": (65536, 256)}
    return made(shapes | heads, "student.module.") | made(shapes | heads, "teacher.") | {"epoch": torch.tensor(3)}


def pass_tokens(width):
    names = ["cls_pos", *(f"part_token{i}" for i in (1, 2, 3)), *(f"part{i}_pos" for i in (1, 2, 3))]
    return dict.fromkeys(names, (1, 1, width))


def under(shapes, prefix):
    return {prefix + name: shape for name, shape in shapes.items()}


def miewid(**more):
    with torch.device("meta"):
        state = timm.create_model("efficientnetv2_rw_m", num_classes=0).state_dict()
    return under({name: value.shape for name, value in state.items()} | more, "backbone.") | batch_norm("bn", 2152)


TINY, SMALL = ((2, 2, 6, 2), (3, 6, 12, 24)), ((2, 2, 18, 2), (3, 6, 12, 24))
BASE = ((2, 2, 18, 2), (4, 8, 16, 32))
HEAD = {"fc.weight": (1000, 384), "fc.bias": (1000,)}
FILES = {
    "TransReID-SSL ViT-S, converted": ("transreid-ssl/vit_small", made(vit(384, 128))),
    "TransReID-SSL ViT-S, DINO's": ("transreid-ssl/vit_small", dino(under(vit(384, 128), "backbone."), 384)),
    "TransReID-SSL ViT-S ICS": ("transreid-ssl/vit_small_ics", made(vit(384, 128, stem=True) | HEAD)),
    "TransReID-SSL ViT-B ICS": ("transreid-ssl/vit_base_ics", made(vit(768, 128, stem=True))),
    "TransReID-SSL fine-tuned at 384 × 128": (
        "transreid-ssl/vit_base_ics",
        made(under(vit(768, 192, stem=True), "base.") | batch_norm("bottleneck", 768) | layer("classifier", 751, 768)),
    ),
    "PASS ViT-S": ("pass/vit_small", made(vit(384, 128, prefix_tokens=0) | pass_tokens(384))),
    "PASS ViT-B, DINO's": (
        "pass/vit_base",
        dino(under(vit(768, 128, prefix_tokens=0) | pass_tokens(768), "backbone."), 768),
    ),
    "SOLIDER tiny": ("solider/swin_tiny", dino(under(solider(96, *TINY), "backbone."), 768)),
    "SOLIDER small": ("solider/swin_small", made(under(solider(96, *SMALL), "backbone."))),
    "SOLIDER base": ("solider/swin_base", made(under(solider(128, *BASE), "base.") | batch_norm("bottleneck", 1024))),
    "MegaDescriptor T": ("timm/swin_tiny_patch4_window7_224", made(swin(96, *TINY, 7) | layer("head", 9, 768))),
    "MiewID msv3": (
        "miewid/efficientnetv2_rw_m",
        made(miewid(**{"global_pool.p": (1,)}) | {"final.weight": (10, 2152), "final.bias": (10,)}),
    ),
    "MiewID of the plug-in": ("miewid/efficientnetv2_rw_m", made(miewid() | {"pooling.p": (1,)})),
    "DINOv2 S": (
        "timm/vit_small_patch14_dinov2",
        made(vit(384, 37 * 37, patch=14, scales=True) | {"mask_token": (1, 384)}),
    ),
    "DINOv2 S with registers": (
        "timm/vit_small_patch14_reg4_dinov2",
        made(vit(384, 37 * 37, patch=14, scales=True) | {"mask_token": (1, 384), "register_tokens": (1, 4, 384)}),
    ),
}
LEFT_OUT = r"(student|epoch|.*head|fc|bottleneck|classifier|final|mask_token|norm[012]|semantic_embed_w\.3|semantic_embed_b\.3)"
LEFT_OUT += r"(\..*)?|.*\.(attn_mask|relative_position_index)"


@pytest.mark.parametrize("name", FILES)
def test_files_of_projects_fill_the_whole_backbone(name):
    architecture, weights = FILES[name]
    whole = network(architecture)
    found, problems = matched(whole, weights)
    assert problems == []
    state = whole.state_dict()
    kept = {id(value) for key, value in state.items() if key.startswith("backbone.")}
    assert not [key for key, value in found.items() if id(value) in kept]  # every one of them comes from the file
    assert {key: value.shape for key, value in found.items()} == {key: value.shape for key, value in state.items()}
    used = {id(value) for value in found.values()}
    unused = [key for key, value in weights.items() if id(value) not in used]
    bare = [re.sub(r"^(teacher\.)?(backbone\.|base\.)?", "", key) for key in unused]
    made_into = r"cls_token|cls_pos|part.*|pos_embed|register_tokens|semantic_embed_.*|stages\.\d\.downsample\..*"
    assert [key for key in bare if not re.fullmatch(f"{LEFT_OUT}|{made_into}", key)] == []


def test_every_network_of_a_project_has_a_file_here():
    assert {architecture for architecture, _ in FILES.values() if not architecture.startswith("timm/")} == set(MODELS)
    assert tuple(MODELS) == REID_NETWORKS


@pytest.mark.parametrize(
    ("architecture", "file", "message"),
    [
        ("timm/vit_small_patch16_224", "PASS ViT-S", "a file of PASS, which architecture pass/* reads"),
        ("pass/vit_small", "TransReID-SSL ViT-S ICS", "a file of TransReID-SSL with ICS, which architecture transreid"),
        ("timm/swin_tiny_patch4_window7_224", "SOLIDER tiny", "a file of SOLIDER, which architecture solider/* reads"),
    ],
)
def test_a_file_for_another_architecture_is_named(architecture, file, message):
    _, problems = matched(network(architecture), FILES[file][1])
    assert problems[0].startswith(message)


@pytest.mark.parametrize(
    ("file", "name", "near"),
    [
        ("PASS ViT-S", "blocks.3.mlp.fc1.weight", "blocks.3.mlp.fc1.weight"),
        ("SOLIDER small", "backbone.stages.0.blocks.1.norm2.bias", "layers.0.blocks.1.norm2.bias"),
        ("MiewID msv3", "backbone.conv_head.weight", "backbone.conv_head.weight"),
    ],
)
def test_a_name_that_is_nearly_right_is_offered_the_right_one(file, name, near):
    architecture, weights = FILES[file]
    weights = {f"{key}X" if key == name else key: value for key, value in weights.items()}
    _, problems = matched(network(architecture), weights)
    assert any(re.match(rf"unexpected: .*X .*\], near to {re.escape(near)}", problem) for problem in problems)
    assert any(problem.startswith(f"missing: {near}") for problem in problems)


def convert(project, weights, published=()):
    layout = next(each for each in LAYOUTS if each.project == project)
    return {name: value for name, (_, value) in layout.convert(weights, published).items()}


def test_solider_merges_patches_as_its_own_code_does():
    """Unfold, norm and a linear layer, then softplus(W [λ, 1 − λ] + b) as a factor and another linear layer as a bias."""
    torch.manual_seed(0)
    unfold, first, reduction = nn.Unfold(2, stride=2), nn.LayerNorm(24), nn.Linear(24, 12, bias=False)
    factor, shift = nn.Linear(2, 12), nn.Linear(2, 12)
    for each in (first.weight, first.bias):
        nn.init.normal_(each)
    x = torch.rand(2, 6, 4, 8)
    semantic = torch.tensor([0.2, 0.8])
    expected = reduction(first(unfold(x).transpose(1, 2))) * functional.softplus(factor(semantic)) + shift(semantic)
    weights = {f"stages.0.downsample.norm.{k}": v for k, v in first.state_dict().items()}
    weights |= {f"stages.0.downsample.reduction.{k}": v for k, v in reduction.state_dict().items()}
    weights |= {f"semantic_embed_w.0.{k}": v for k, v in factor.state_dict().items()}
    weights |= {f"semantic_embed_b.0.{k}": v for k, v in shift.state_dict().items()}
    merging = timm.models.swin_transformer.PatchMerging(6)
    merging.reduction = nn.Linear(24, 12)
    converted = {k.removeprefix("layers.1.downsample."): v for k, v in convert("SOLIDER", weights).items()}
    merging.load_state_dict({k: v for k, v in converted.items() if "." in k and not k.startswith("semantic")})
    assert SEMANTIC_WEIGHT == 0.2
    torch.testing.assert_close(merging(x.permute(0, 2, 3, 1)).flatten(1, 2), expected)


def test_part_tokens_of_pass_are_registers():
    backbone = TimmTokens("vit_tiny_patch16_224", depth=1, **PERSON, **PARTS).eval()
    state = {name: torch.randn_like(value) * 0.1 for name, value in backbone.model.state_dict().items()}
    special = {name: torch.randn(1, 1, 192) for name in ("cls_token", *pass_tokens(192))}
    weights = {k: v for k, v in state.items() if k not in ("cls_token", "reg_token")} | special
    backbone.model.load_state_dict(convert("PASS", weights))
    images = torch.rand(2, 3, 256, 128)
    with torch.inference_mode():
        patches = backbone.model.patch_embed(images).flatten(1, 2) + weights["pos_embed"]
        tokens = [special["cls_token"] + special["cls_pos"]]
        tokens += [special[f"part_token{i}"] + special[f"part{i}_pos"] for i in (1, 2, 3)]
        x = torch.cat([*(token.expand(2, -1, -1) for token in tokens), patches], 1)
        x = backbone.model.norm(backbone.model.blocks(x))[:, 4:]
        torch.testing.assert_close(backbone(images), x.transpose(1, 2).reshape(2, 192, 16, 8))


@pytest.mark.parametrize("registers", [0, 4])
def test_dinov2_is_converted_as_timm_does_it(registers):
    name = f"vit_small_patch14_{f'reg{registers}_' * bool(registers)}dinov2"
    model = timm.create_model(name, num_classes=0, depth=1)
    weights = {k: torch.randn(v) for k, v in vit(384, 37 * 37, patch=14, scales=True, depth=1).items()}
    weights |= {"mask_token": torch.randn(1, 384)} | ({"register_tokens": torch.randn(1, 4, 384)} if registers else {})
    expected = timm.models.vision_transformer.checkpoint_filter_fn(dict(weights), model)
    found = convert("DINOv2", weights)
    del found["mask_token"]
    assert found.keys() == expected.keys() == model.state_dict().keys()
    assert all(torch.equal(value, expected[key]) for key, value in found.items())


def test_miewid_fills_pooling_and_neck():
    architecture, weights = FILES["MiewID msv3"]
    found, _ = matched(network(architecture), weights)
    assert found["neck.running_var"] is weights["bn.running_var"]
    assert found["neck.bias"] is weights["bn.bias"]
    assert found["pooling.p"] is weights["backbone.global_pool.p"]
    assert found["backbone.model.conv_head.weight"] is weights["backbone.conv_head.weight"]


def test_positions_of_another_grid_are_interpolated():
    backbone = TimmTokens("vit_tiny_patch16_224", depth=1, **PERSON)  # 16 × 8 patches
    rows = torch.arange(24.0).repeat_interleave(8)  # 384 × 128 pixels
    file = torch.cat([torch.tensor([-5.0]), rows]).view(1, -1, 1).expand(1, -1, 192)
    found = backbone.adapted("model.pos_embed", file)[0, :, 0]
    assert found[0] == -5  # the class token's
    grid = found[1:].view(16, 8)
    torch.testing.assert_close(grid, grid[:, :1].expand(16, 8))  # rows stay rows
    torch.testing.assert_close(grid[4:12, 0], torch.arange(4.0, 12.0) * 1.5 + 0.25, atol=0.03, rtol=0)
    odd = torch.zeros(1, 1 + 131, 192)
    assert backbone.adapted("model.pos_embed", odd) is odd  # no grid: its shape is reported


def test_a_map_of_solider_is_padded_before_it_is_shifted():
    """Attention by definition: among positions of a window of the padded and shifted map that are neighbours in it."""
    from timm.models.swin_transformer import SwinTransformerBlock

    from whosame.features.padded_swin import pad_first

    side, shift, (height, width) = 3, 1, (4, 5)  # padded to 6 × 6
    options = {"window_size": side, "shift_size": shift, "always_partition": True, "dynamic_mask": True}
    block = SwinTransformerBlock(4, (6, 6), num_heads=1, **options).eval()
    nn.init.normal_(block.attn.relative_position_bias_table)
    pad_first(block)
    x = torch.rand(1, height, width, 4)
    padded = functional.pad(x, (0, 0, 0, 1, 0, 2)).reshape(36, 4)
    row, column = torch.arange(36) // 6, torch.arange(36) % 6
    to_row, to_column = (row - shift) % 6, (column - shift) % 6

    def region(at):  # the last window of a side holds what came from its two ends
        return at // side + (at >= 6 - shift)

    place = region(to_row) * 9 + region(to_column)
    q, k, v = block.attn.qkv(padded).split(4, dim=1)
    down, right = to_row[:, None] - to_row, to_column[:, None] - to_column
    table = block.attn.relative_position_bias_table[:, 0].view(2 * side - 1, 2 * side - 1)
    bias = table[(down + side - 1).clamp(0, 4), (right + side - 1).clamp(0, 4)]
    score = (q @ k.T / 2 + bias).masked_fill(place[:, None] != place, -torch.inf)
    expected = block.attn.proj(score.softmax(1) @ v).view(6, 6, 4)[:height, :width]
    torch.testing.assert_close(block._attn(x)[0], expected)
