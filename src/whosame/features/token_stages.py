"""The stages of networks of tokens: ViT's blocks, Swin's stages. Between two of ViT's its tokens are a map.

A ViT's tokens say neither how many rows their patches have nor which of them are class or register tokens. Between its
stages the patches' tokens are therefore where the patches are, [n, h, w, C], and the others are in more rows below.
"""

from typing import Any

import torch
from torch import Tensor, nn


def stages_of_tokens(model: Any) -> list[nn.Module]:
    """Return the stages of a complete timm model up to its pooling, the stem in the first; none for an unknown one.

    Together they map images to the last map, normalised, that timm's ``forward_intermediates`` returns.
    """
    if type(model).__name__ == "VisionTransformer":
        last = len(model.blocks) - 1
        return [ViTStage(model, block, first=i == 0, last=i == last) for i, block in enumerate(model.blocks)]
    if type(model).__name__ == "SwinTransformer":
        stages = list(model.layers)
        stages[0] = nn.Sequential(model.patch_embed, stages[0])
        stages[-1] = nn.Sequential(stages[-1], model.norm, ChannelsFirst())
        return stages
    return []


class ChannelsFirst(nn.Module):
    """Map [n, h, w, C] to [n, C, h, w]."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the map."""
        return x.permute(0, 3, 1, 2).contiguous()


class ViTStage(nn.Module):
    """A block of a ViT; the first with the patches' embedding, the last with the normalisation."""

    def __init__(self, model: Any, block: nn.Module, *, first: bool, last: bool) -> None:
        super().__init__()
        self.first, self.last, self.prefix = first, last, int(model.num_prefix_tokens)
        self.parts = nn.ModuleList([block])
        if first:
            self.parts += [model.patch_embed, model.norm_pre]
            self.embeddings = nn.ParameterList(model.parameters(recurse=False))
        if last:
            self.parts += [model.norm]
        self._model = (model,)  # not as a module: its other parts are none of this stage

    def forward(self, x: Tensor) -> Tensor:
        """Map images, or what the stage before returns, to [n, h + rows, w, C]; in the last stage to [n, C, h, w]."""
        (model,) = self._model
        if self.first:
            grid = model.patch_embed.dynamic_feat_size(x.shape[2:])
            tokens = model.norm_pre(model.patch_drop(model._pos_embed(model.patch_embed(x))))  # noqa: SLF001 - timm's own
        else:
            tokens, grid = unpacked(x, self.prefix)
        tokens = self.parts[0](tokens)
        if not self.last:
            return packed(tokens, grid, self.prefix)
        patches: Tensor = model.norm(tokens)[:, self.prefix :]
        return patches.reshape(len(patches), *grid, -1).permute(0, 3, 1, 2).contiguous()


def packed(tokens: Tensor, grid: tuple[int, int], prefix: int) -> Tensor:
    """Return tokens [n, prefix + h w, C] as [n, h + rows, w, C], the first ``prefix`` of them last, then zeros."""
    missing = tokens.new_zeros(len(tokens), -prefix % grid[1], tokens.shape[2])
    rows = torch.cat([tokens[:, prefix:], tokens[:, :prefix], missing], 1)
    return rows.reshape(len(tokens), -1, grid[1], tokens.shape[2])


def unpacked(x: Tensor, prefix: int) -> tuple[Tensor, tuple[int, int]]:
    """Return the tokens of :func:`packed`, and the grid."""
    width = x.shape[2]
    height = x.shape[1] - -(-prefix // width)
    flat = x.flatten(1, 2)
    return torch.cat([flat[:, height * width :][:, :prefix], flat[:, : height * width]], 1), (height, width)
