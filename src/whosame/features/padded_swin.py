"""Swin's blocks as mmsegmentation has them: a map is padded to whole windows before it is shifted, in timm after it.

The two differ wherever a map is not a multiple of the window. Imported only where timm is there.
"""

from timm.models.swin_transformer import SwinTransformerBlock
from torch import Tensor, nn
from torch.nn import functional


class PaddedBlock(SwinTransformerBlock):  # type: ignore[misc]
    """A block of Swin that pads first."""

    def _attn(self, x: Tensor) -> Tensor:
        """Map [n, h, w, C] to the same shape, by attention in windows."""
        height, width = x.shape[1:3]
        down, right = -height % self.window_size[0], -width % self.window_size[1]
        attended: Tensor = super()._attn(functional.pad(x, (0, 0, 0, right, 0, down)))
        return attended[:, :height, :width]


def pad_first(swin: nn.Module) -> None:
    """Make the blocks of a Swin of timm pad first, in place."""
    for module in swin.modules():
        if isinstance(module, SwinTransformerBlock):
            module.__class__ = PaddedBlock
