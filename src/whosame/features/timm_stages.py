"""The stages of timm's models: the modules that an image passes one after another, as far as a model is such a row."""

from collections.abc import Iterable

from torch import nn


def stages_of(model: nn.Module) -> list[nn.Module]:
    """Return the stages of a model with ``features_only``, the stem in the first; none if it is no row of modules.

    EfficientNets and MobileNets have a stage for each group of blocks. Other models that timm takes apart into modules
    have one for each that consists of others: what is a single layer, such as the stem's, is part of the next.
    """
    if type(model).__name__ in ("EfficientNetFeatures", "MobileNetV3Features"):
        *stem, (_, blocks) = model.named_children()
        return _joined([*(module for _, module in stem), *blocks.children()], set(blocks.children()))
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
