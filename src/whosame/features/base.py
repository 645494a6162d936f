"""What a backbone is: a feature map, the normalisation of its images, and its names in published files of weights."""

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor, nn

from whosame.features.weight_layouts import Layout

# Red, green and blue in 0..1. torchvision's weights expect images normalised by them; as good as any for random ones.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class PublishedNames(NamedTuple):
    """The names that a file of a network's own project gives to what the backbone has, and to what it leaves out.

    Attributes
    ----------
    names : mapping of str to str
        Of the backbone's state, to the published name of each.
    head : tuple of str
        Beginnings of the published names that belong to the classifier and what else follows the last feature map:
        ``fc.``.
    """

    names: Mapping[str, str]
    head: tuple[str, ...]


class Backbone(nn.Module):
    """A module that maps normalised images float32 [n, 3, H, W] to a feature map [n, channels, h, w].

    Attributes
    ----------
    architecture : str
        As in ``network.architecture``, where files of weights need it; otherwise empty.
    channels : int
    channels_last : bool
        Whether it is faster on a CPU too where the channels of a pixel are beside one another.
    mean, std : tuple of 3 float
        What images from 0 to 1 are normalised by, of red, green and blue.
    layouts : tuple of Layout
        Of the files of weights whose names are not the published ones.
    """

    architecture: str = ""
    channels: int
    channels_last: bool = False
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    head: tuple[str, ...] = ()
    layouts: tuple[Layout, ...] = ()

    def divided(self) -> list[nn.Module]:
        """Return the stages that an image passes one after another, the stem in the first: together they are the whole.

        By default one, itself: a backbone that cannot be divided.
        """
        return [self]

    def published(self) -> PublishedNames:
        """Return the published names: by default its own."""
        return PublishedNames({name: name for name in self.state_dict()}, self.head)

    def adapted(self, name: str, value: Tensor) -> Tensor:  # noqa: ARG002
        """Return a file's tensor of that name in the state, in the shape that this backbone has: by default itself."""
        return value
