"""Networks: shapes, strides, pooling, the neck, and what is random by the seed alone."""

import sys
import types

import pytest
import torch
import torchvision
from torch import nn

from whosame.errors import ParameterError
from whosame.features import NetworkConfig, build_network
from whosame.features.pooling import AveragePool, GeM, MaxPool
from whosame.features.torchvision_resnet import TorchvisionResNet


def small(**changes):
    return NetworkConfig(**{"widths": (4, 8, 8, 16), "weights": "random", **changes})


def test_the_size_of_the_demo_network():
    network = build_network(NetworkConfig(weights="random"), seed=0)
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(0.31e6, rel=0.01)
    assert network.dimension == 128
    assert network.feature_map(torch.zeros(2, 3, 64, 32)).shape == (2, 128, 8, 4)
    assert network.map_height(64, 32) == 8
    assert build_network(small(stem_stride=1), seed=0).map_height(64, 32) == 16


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_torchvision_resnet_has_last_stride_1_and_torchvisions_names(name):
    network = build_network(NetworkConfig(architecture=name, weights="random"), seed=0).eval()
    reference = getattr(torchvision.models, name)(weights=None).eval()
    names = {k: v.shape for k, v in reference.state_dict().items() if not k.startswith("fc.")}
    assert {k: v.shape for k, v in network.backbone.state_dict().items()} == names
    images = torch.rand(1, 3, 64, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        found = network.feature_map(images)
        assert found.shape == (1, reference.fc.in_features, 4, 2)  # 64 / 16: the stock network has 64 / 32
        # the same weights in the stock network whose last stage is given stride 1 by hand
        reference.load_state_dict(network.backbone.state_dict(), strict=False)
        for layer in reference.layer4[0].modules():
            if isinstance(layer, nn.Conv2d):
                layer.stride = (1, 1)
        x = reference.maxpool(reference.relu(reference.bn1(reference.conv1(images))))
        for stage in (reference.layer1, reference.layer2, reference.layer3, reference.layer4):
            x = stage(x)
    torch.testing.assert_close(found, x)
    assert isinstance(network.backbone, TorchvisionResNet)


def test_features_have_length_1_and_the_neck_keeps_its_bias():
    network = build_network(small(), seed=0)
    features = network(torch.rand(8, 3, 32, 16))
    torch.testing.assert_close(features.norm(dim=1), torch.ones(8))
    assert not network.neck.bias.requires_grad
    assert network.neck.weight.requires_grad


def test_pooling_against_the_formula():
    x = torch.rand(2, 3, 4, 5, dtype=torch.float64)
    gem = GeM().double()
    torch.testing.assert_close(gem(x), ((x**3).sum(dim=(2, 3)) / 20) ** (1 / 3))
    assert gem.p.item() == 3
    assert gem.p.requires_grad
    torch.testing.assert_close(MaxPool()(x), x.flatten(2).max(dim=2).values)
    torch.testing.assert_close(AveragePool()(x), x.flatten(2).sum(dim=2) / 20)


def test_gem_of_zeros_has_a_finite_gradient():
    gem = GeM()
    gem(torch.zeros(1, 2, 3, 3, requires_grad=True)).sum().backward()
    assert torch.isfinite(gem.p.grad).all()
    torch.testing.assert_close(gem(torch.zeros(1, 2, 3, 3)), torch.full((1, 2), 1e-6))


@pytest.mark.parametrize(("name", "kind"), [("gem", GeM), ("max", MaxPool), ("average", AveragePool)])
def test_pooling_by_name(name, kind):
    assert isinstance(build_network(small(pooling=name), seed=0).pooling, kind)


def test_the_seed_alone_decides_the_weights():
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    a = build_network(small(), seed=3).state_dict()
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    b = build_network(small(), seed=3).state_dict()
    c = build_network(small(), seed=4).state_dict()
    assert all(torch.equal(a[k], b[k]) for k in a)
    assert not torch.equal(a["backbone.stem.0.weight"], c["backbone.stem.0.weight"])


def test_without_timm_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ParameterError, match="pip install timm"):
        build_network(NetworkConfig(architecture="timm/convnext_tiny", weights="random"), seed=0)


def test_timm_models_enter_by_their_last_map(monkeypatch):
    """A stand-in with timm's calling conventions: timm is an extra and need not be installed."""

    class Maps(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 5, 3, stride=4, padding=1)
            self.feature_info = types.SimpleNamespace(channels=lambda: [5])

        def forward(self, images):
            return [self.conv(images)]

    made = {}

    def create_model(name, **options):
        made.update(options, name=name)
        return Maps()

    timm = types.ModuleType("timm")
    timm.create_model, timm.is_model, timm.list_models = create_model, "net".__eq__, lambda: ["net"]
    monkeypatch.setitem(sys.modules, "timm", timm)
    network = build_network(NetworkConfig(architecture="timm/net", weights="timm"), seed=0)
    assert network(torch.rand(2, 3, 16, 8)).shape == (2, 5)
    assert made == {"name": "net", "pretrained": True, "features_only": True, "out_indices": (-1,)}
    with pytest.raises(ParameterError, match="did you mean 'net'"):
        build_network(NetworkConfig(architecture="timm/nett", weights="random"), seed=0)
