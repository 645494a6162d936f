"""Networks that projects of re-identification publish weights of, made of timm's models: see docs/weights.md."""

from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from whosame.features.base import IMAGENET_MEAN, IMAGENET_STD, Backbone
from whosame.features.config import REID_NETWORKS
from whosame.features.timm_backbone import TimmModel
from whosame.features.timm_stages import stages_of
from whosame.features.timm_tokens import FLEXIBLE, TimmTokens


class InstanceBatchNorm(nn.Module):
    """Instance normalisation of the first half of the channels, batch normalisation of the other (IBN-Net, fig. 2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = channels // 2
        self.IN = nn.InstanceNorm2d(self.first, affine=True)
        self.BN = nn.BatchNorm2d(channels - self.first)

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, C, h, w] to the same shape."""
        return torch.cat([self.IN(x[:, : self.first]), self.BN(x[:, self.first :])], 1)


class ConvolutionStem(nn.Module):
    """Patches of 16 × 16 pixels by three convolutions and a projection (TransReID-SSL, arXiv 2111.12084, section 3.3).

    It stands where timm's ViT has its patch embedding, whose attributes and names it has.
    """

    def __init__(self, img_size: tuple[int, int], patch_size: int, embed_dim: int, **_: Any) -> None:
        super().__init__()
        height, width = img_size
        self.patch_size = (patch_size, patch_size)
        self.grid_size = (height // patch_size, width // patch_size)
        self.num_patches = self.grid_size[0] * self.grid_size[1]
        self.conv = nn.Sequential(
            nn.Conv2d(3, 64, 7, 2, padding=3, bias=False),
            InstanceBatchNorm(64),
            nn.ReLU(inplace=True),
            nn.Conv2d(64, 64, 3, padding=1, bias=False),
            InstanceBatchNorm(64),
            nn.ReLU(inplace=True),
            nn.Conv2d(64, 64, 3, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
        )
        self.proj = nn.Conv2d(64, embed_dim, patch_size // 2, patch_size // 2)

    def dynamic_feat_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the grid of an image of that height and width."""
        return size[0] // self.patch_size[0], size[1] // self.patch_size[1]

    def forward(self, images: Tensor) -> Tensor:
        """Map [n, 3, H, W] to [n, H / 16, W / 16, channels]."""
        return self.proj(self.conv(images)).permute(0, 2, 3, 1)  # type: ignore[no-any-return]


class Solider(TimmTokens):
    """SOLIDER's Swin: mmsegmentation's, and its semantic controller adds a bias where patches are merged."""

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **options)
        from whosame.features.padded_swin import pad_first  # imports timm

        pad_first(self.model)
        for stage in self.model.layers[1:]:
            merging = stage.downsample
            merging.reduction = nn.Linear(merging.reduction.in_features, merging.reduction.out_features)
            nn.init.zeros_(merging.reduction.bias)


class WithLastConvolution(TimmModel):
    """A convolutional model of timm up to its pooling, with the convolution that its last feature map lacks."""

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **options)
        self.complete = tuple(self.model.state_dict())
        self.channels = int(self.model.num_features)
        self.model.reset_classifier(0)

    def divided(self) -> list[nn.Module]:
        """Return the stages, the last with the last convolution."""
        return stages_of(self.model) or [self]

    def forward(self, images: Tensor) -> Tensor:
        """Map float32 [n, 3, H, W] to [n, channels, h, w]."""
        return self.model.forward_features(images)  # type: ignore[no-any-return]


class ReIDModel(NamedTuple):
    """A network that a project publishes weights of.

    Attributes
    ----------
    kind : type
        Of the backbone.
    name : str
        Of the timm model that it is made of.
    options : dict
        How timm makes it.
    resize : str
        How the project resizes images.
    unused : tuple of str
        How names begin that are in the project's files and not in the backbone: classifiers, necks, embeddings of
        cameras.
    """

    kind: type[TimmModel]
    name: str
    options: dict[str, Any]
    resize: Literal["bilinear", "bicubic"]
    unused: tuple[str, ...]


PERSON = {"img_size": (256, 128), **FLEXIBLE}  # the grid of position embeddings is 16 × 8
PARTS = {"reg_tokens": 3, "no_embed_class": True}  # PASS: three part tokens
WINDOWS = {**FLEXIBLE, "always_partition": True}
HEADS = ("head.", "fc.", "classifier", "bottleneck", "sie_embed")


def _vit(size: str, **options: Any) -> ReIDModel:
    return ReIDModel(TimmTokens, f"vit_{size}_patch16_224", PERSON | options, "bicubic", HEADS)


MODELS = {
    "transreid-ssl/vit_small": _vit("small"),
    "transreid-ssl/vit_small_ics": _vit("small", embed_layer=ConvolutionStem),
    "transreid-ssl/vit_base_ics": _vit("base", embed_layer=ConvolutionStem),
    "pass/vit_small": _vit("small", **PARTS),
    "pass/vit_base": _vit("base", **PARTS),
    **{
        f"solider/swin_{size}": ReIDModel(Solider, f"swin_{size}_patch4_window7_224", WINDOWS, "bicubic", HEADS)
        for size in ("tiny", "small", "base")
    },
    "miewid/efficientnetv2_rw_m": ReIDModel(WithLastConvolution, "efficientnetv2_rw_m", {}, "bilinear", ()),
}
assert tuple(MODELS) == REID_NETWORKS


def build_reid_model(architecture: str) -> Backbone:
    """Return the backbone of that name, one of ``REID_NETWORKS``, with random weights.

    Raises
    ------
    ParameterError
        timm is not installed.
    """
    model = MODELS[architecture]
    backbone = model.kind(model.name, **model.options)
    backbone.architecture, backbone.head = architecture, model.unused
    backbone.mean, backbone.std = IMAGENET_MEAN, IMAGENET_STD  # in the pretraining of all of them
    return backbone
