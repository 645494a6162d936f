"""A stand-in for timm, which is an extra and need not be installed: its calling conventions and its way with names."""

import sys
import types

import pytest
from torch import nn

SETTINGS = {
    "net": {"interpolation": "bicubic", "fixed_input_size": False, "input_size": (3, 64, 64)},
    "net.in1k": {"interpolation": "bicubic", "fixed_input_size": False, "input_size": (3, 64, 64)},
    "net.in22k": {"interpolation": "bilinear", "fixed_input_size": True, "input_size": (3, 224, 192)},
}


class Complete(nn.Module):
    """A network with a stem, two stages, and what comes after them."""

    def __init__(self):
        super().__init__()
        self.conv_stem = nn.Conv2d(3, 4, 3, stride=4, padding=1)
        self.stages = nn.Sequential(nn.Conv2d(4, 5, 1), nn.BatchNorm2d(5))
        self.head = nn.Sequential(nn.Linear(5, 7))


class Maps(nn.ModuleDict):
    """The same without the head, its stages unpacked as timm does."""

    def __init__(self):
        whole = Complete()
        super().__init__({"conv_stem": whole.conv_stem, "stages_0": whole.stages[0], "stages_1": whole.stages[1]})
        self.feature_info = types.SimpleNamespace(channels=lambda: [5])

    def forward(self, images):
        return [self["stages_1"](self["stages_0"](self["conv_stem"](images)))]


@pytest.fixture
def stand_in_timm(monkeypatch):
    """Return the module; ``made`` has the options of the last model that was created."""

    def create_model(name, **options):
        timm.made = options
        return Maps() if options.get("features_only") else Complete()

    def settings(name):
        if name not in SETTINGS:
            raise RuntimeError(f"Invalid pretrained tag for {name}")
        return types.SimpleNamespace(mean=(0.5, 0.5, 0.5), std=(0.1, 0.2, 0.4), **SETTINGS[name])

    timm = types.ModuleType("timm")
    timm.create_model, timm.get_pretrained_cfg = create_model, settings
    timm.is_model, timm.list_models = lambda name: name.partition(".")[0] == "net", lambda: ["net"]
    timm.list_pretrained = lambda pattern: ["net.in1k", "net.in22k"]
    monkeypatch.setitem(sys.modules, "timm", timm)
    return timm
