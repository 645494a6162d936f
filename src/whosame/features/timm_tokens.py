"""Models of timm that compute in tokens, such as ViT and Swin: the patches' tokens as a map, without class tokens."""

from math import isqrt
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from whosame.features.timm_backbone import TimmModel, timm_with
from whosame.features.token_stages import stages_of_tokens

FLEXIBLE = {"dynamic_img_size": True}  # the option of ViT, DeiT, EVA and Swin for images of any size
WITHOUT_NORM = ("Hiera", "HieraDet")  # whose tokens timm does not normalise: it has maps of them
RATIOS = (1, 2, 3)  # height by width of a grid of patches: square, 256 × 128 pixels, 384 × 128


class TokenModel(NamedTuple):
    """What a timm model that computes in tokens takes.

    Attributes
    ----------
    options : dict
        By which it takes images of any size; empty: it takes one size alone.
    patch : int
        Pixels of a patch's side; height and width are multiples of it.
    """

    options: dict[str, Any]
    patch: int


def token_model(name: str) -> TokenModel | None:
    """Return what a model takes that computes in tokens, None for one that computes in maps. It costs no memory."""
    timm = timm_with(name)
    with torch.device("meta"):
        probe = timm.create_model(name, features_only=True, out_indices=(-1,))
        if type(probe).__name__ != "FeatureGetterNet" and str(getattr(probe, "output_fmt", "")) != "Format.NHWC":
            return None
        for options in (FLEXIBLE, {}):
            try:
                model = timm.create_model(name, **options)
            except TypeError:  # it has no such option
                continue
            if type(model).__name__ in WITHOUT_NORM:
                return None
            side = getattr(getattr(model, "patch_embed", None), "patch_size", 1)
            return TokenModel(options, int(side if isinstance(side, int) else side[0]))
    return None


class TimmTokens(TimmModel):
    """The last tokens, normalised as timm does, where their patches are in the image.

    Class and register tokens take part in the attention, but are no part of the map. A ViT's position embeddings are
    of the grid that timm's model has, and interpolated to that of every batch (bicubic).
    """

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **options)
        self.complete = tuple(self.model.state_dict())
        self.channels = int(self.model.num_features)
        self.model.reset_classifier(0)
        if hasattr(self.model, "prune_intermediate_layers"):
            self.model.prune_intermediate_layers(1, prune_norm=False)  # what follows the map

    def divided(self) -> list[nn.Module]:
        """Return the stages as :func:`stages_of_tokens` finds them; one, itself, for other models."""
        return stages_of_tokens(self.model) or [self]

    def forward(self, images: Tensor) -> Tensor:
        """Map float32 [n, 3, H, W] to [n, channels, H / patch, W / patch], or less where the model merges patches."""
        maps = self.model.forward_intermediates(images, indices=1, norm=True, intermediates_only=True)
        return maps[-1]  # type: ignore[no-any-return]

    def adapted(self, name: str, value: Tensor) -> Tensor:
        """Interpolate position embeddings [1, tokens, channels] of another grid than the model's.

        A square number of patches is taken for a square grid, others for one of twice or three times its width.
        """
        grid = getattr(getattr(self.model, "patch_embed", None), "grid_size", None)
        if name != "model.pos_embed" or value.ndim != 3 or grid is None:
            return value
        prefix = 0 if getattr(self.model, "no_embed_class", False) else getattr(self.model, "num_prefix_tokens", 1)
        patches = value.shape[1] - prefix
        if patches == grid[0] * grid[1]:
            return value
        from timm.layers import resample_abs_pos_embed

        for ratio in RATIOS:
            width = isqrt(patches // ratio)
            if width and width * width * ratio == patches:
                old = [ratio * width, width]
                return resample_abs_pos_embed(value, list(grid), old, prefix)  # type: ignore[no-any-return]
        return value
