"""Models of timm as backbones: the last feature map, normalisation and resizing by the model's own settings."""

from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from whosame.errors import ParameterError, unknown_name
from whosame.features.base import Backbone, PublishedNames
from whosame.features.config import TIMM
from whosame.features.timm_stages import stages_of
from whosame.features.weight_layouts import LAYOUTS


class TimmModel(Backbone):
    """A backbone that is a timm model, ``NAME`` or ``NAME.TAG``, made with some options.

    Attributes
    ----------
    complete : tuple of str
        The names in the state of the complete model, if they are known before a file is read.
    """

    layouts = LAYOUTS
    channels_last = True  # Lite0 trains 1.4 times as fast, and its frozen stages are 1.8 times as fast

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__()
        timm = timm_with(name)
        settings = timm.get_pretrained_cfg(name)
        if settings is not None:
            self.mean, self.std = tuple(settings.mean), tuple(settings.std)
        self.name, self.architecture = name, f"{TIMM}{name}"
        self.model = timm.create_model(name, **options)
        self.complete: tuple[str, ...] = ()

    def published(self) -> PublishedNames:
        """Return timm's names of the complete model: the backbone's are wrapped, and stages have an underscore."""
        complete = self.complete
        if not complete:
            with torch.device("meta"):
                complete = tuple(timm_with(self.name).create_model(self.name, pretrained=False).state_dict())
        known, names = set(complete), {}
        for own in self.state_dict():
            bare = own
            while bare.startswith("model."):
                bare = bare.removeprefix("model.")
            first, _, rest = bare.partition(".")
            unflattened = f"{'.'.join(first.rsplit('_', 1))}.{rest}"  # stages_0.… is stages.0.…
            names[own] = unflattened if bare not in known and unflattened in known else bare
        used = set(names.values())
        parts = {name.partition(".")[0] for name in used}
        unused = {name: name.partition(".")[0] for name in complete if name not in used}
        head = {name if part in parts or part == name else f"{part}." for name, part in unused.items()}
        return PublishedNames(names, (*sorted(head), *self.head))


class TimmBackbone(TimmModel):
    """The last feature map of a model that computes in maps."""

    def __init__(self, name: str, *, pretrained: bool) -> None:
        super().__init__(name, pretrained=pretrained, features_only=True, out_indices=(-1,))
        self.channels = int(self.model.feature_info.channels()[-1])

    def divided(self) -> list[nn.Module]:
        """Return the stages as :func:`stages_of` finds them; one, itself, for a model that is no row of modules."""
        return stages_of(self.model) or [self]

    def forward(self, images: Tensor) -> Tensor:
        """Map float32 [n, 3, H, W] to [n, channels, h, w]."""
        return self.model(images)[-1]  # type: ignore[no-any-return]


def timm_with(name: str) -> ModuleType:
    """Return the module timm, checked to have a model of that name.

    Raises
    ------
    ParameterError
        timm is not installed, or it has no such model or tag: near names are offered.
    """
    try:
        import timm
    except ImportError as error:
        raise ParameterError(
            f"network.architecture '{TIMM}{name}' needs timm, which is not installed: pip install timm"
        ) from error
    if not timm.is_model(name):
        raise unknown_name("timm model", name, timm.list_models())
    try:
        timm.get_pretrained_cfg(name)
    except RuntimeError:
        raise unknown_name("timm model", name, timm.list_pretrained(f"{name.partition('.')[0]}.*")) from None
    return timm  # type: ignore[no-any-return]


def timm_settings(name: str) -> Any:
    """Return timm's settings of a model, such as mean, std, interpolation and input_size; None if it has none."""
    return timm_with(name).get_pretrained_cfg(name)
