"""The stages of timm's models: the modules that an image passes one after another, as far as a model is such a row."""

from collections.abc import Iterable

from torch import nn


def stages_of(model: nn.Module) -> list[nn.Module]:
    """Return the stages of a model up to its pooling, the stem in the first; none if it is no row of modules.

    EfficientNets and MobileNets have a stage for each group of blocks. Other models that timm takes apart into modules
    have one for each that consists of others: what is a single layer, such as the stem's, is part of the next.
    """
    if type(model).__name__ in ("EfficientNet", "EfficientNetFeatures", "MobileNetV3Features"):
        parts = [module for name, module in model.named_children() if name not in ("global_pool", "classifier")]
        at = parts.index(blocks := model.get_submodule("blocks"))
        return _joined([*parts[:at], *blocks.children(), *parts[at + 1 :]], set(blocks.children()))
    if type(model).__name__ == "FeatureListNet":
        row = list(model.children())
        return _joined(row, {module for module in row if any(module.children())})
    return []


def _joined(row: Iterable[nn.Module], ends: set[nn.Module]) -> list[nn.Module]:
    """Join the modules of a row into stages; what follows the last end is part of the last stage."""
    stages: list[list[nn.Module]] = [[]]
    for module in row:
        stages[-1].append(module)
        if module in ends:
            stages.append([])
    *whole, rest = stages
    whole = [*whole[:-1], whole[-1] + rest] if whole else [rest]
    return [nn.Sequential(*stage) for stage in whole]
