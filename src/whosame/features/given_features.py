"""Features computed elsewhere in the place of images: a head is trained on them, nothing before it.

``network.architecture: features/D``. The first stage is not computed: it stands for the network that the features come
from, and is frozen. The second is a residual layer, at first the identity, so that the first round clusters the
features as they are.
"""

from torch import Tensor, nn
from torch.nn import functional

from whosame.features.base import Backbone

HIDDEN = 512  # units of the residual layer


class Elsewhere(nn.Module):
    """The network that the features come from. It computes nothing: of any images it returns empty maps."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.dimension = dimension

    def forward(self, images: Tensor) -> Tensor:
        """Map [n, 3, H, W] to zeros [n, D, 1, 1]."""
        return images.new_zeros(len(images), self.dimension, 1, 1)


class Head(nn.Module):
    """A linear layer and a residual one: [n, D, 1, 1] to the same shape, at first unchanged."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.straight = nn.Linear(dimension, dimension, bias=False)
        self.inner, self.outer = nn.Linear(dimension, HIDDEN), nn.Linear(HIDDEN, dimension, bias=False)
        nn.init.eye_(self.straight.weight)
        nn.init.zeros_(self.outer.weight)

    def forward(self, maps: Tensor) -> Tensor:
        """Map float32 [n, D, 1, 1] to float32 [n, D, 1, 1]."""
        x = maps.flatten(1)
        found = self.straight(x) + self.outer(functional.relu(self.inner(x)))
        return found[:, :, None, None]  # type: ignore[no-any-return]


class GivenFeatures(Backbone):
    """A head on features of D numbers, each a map of 1 × 1.

    Parameters
    ----------
    dimension : int
        D.
    """

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.channels = dimension
        self.elsewhere, self.trained = Elsewhere(dimension), Head(dimension)

    def divided(self) -> list[nn.Module]:
        """Return what is not computed here, and the head."""
        return [self.elsewhere, self.trained]

    def forward(self, images: Tensor) -> Tensor:
        """Map images to what the head makes of no features: a network of features reads features, not images."""
        return self.trained(self.elsewhere(images))  # type: ignore[no-any-return]
