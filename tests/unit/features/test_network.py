"""Networks: shapes, strides, pooling, the neck, and what is random by the seed alone."""

import sys

import pytest
import torch
import torchvision
from torch import nn

from whosame.app.machine_checks import check_machine
from whosame.configuration import Configuration
from whosame.errors import ParameterError
from whosame.features import NetworkConfig, build_network
from whosame.features.backbones import input_settings
from whosame.features.pooling import AveragePool, GeM, MaxPool
from whosame.features.reid_networks import PARTS, WithLastConvolution
from whosame.features.timm_tokens import TimmTokens
from whosame.features.token_stages import packed, unpacked
from whosame.features.torchvision_resnet import TorchvisionResNet
from whosame.parameters import parse
from whosame.pipelines.prepare.nodes import decode_pixels


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
        found = network.backbone(images)
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


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("small", 4),
        ("resnet18", 4),
        ("timm/resnet18", 4),
        ("timm/convnext_atto", 4),
        ("timm/tf_efficientnet_lite0", 7),
        ("timm/mobilenetv3_small_050", 6),
        ("timm/vit_tiny_patch16_224", 12),
        ("timm/swin_tiny_patch4_window7_224", 4),
        ("timm/hiera_tiny_224", 1),
    ],
)
def test_the_stages_of_a_backbone_are_the_whole(name, count):
    if name.startswith("timm/"):
        pytest.importorskip("timm")
    backbone = build_network(NetworkConfig(architecture=name, weights="random"), seed=0).eval().backbone
    stages = backbone.divided()
    assert len(stages) == count
    parts = [parameter for stage in stages for parameter in stage.parameters()]
    assert set(parts) == set(backbone.parameters())
    assert len(parts) == len(set(parts))
    size = input_settings(NetworkConfig(architecture=name)).size or (64, 96)
    images = torch.rand(1, 3, *size)
    with torch.inference_mode():
        assert torch.equal(nn.Sequential(*stages)(images), backbone(images))


def test_stages_of_tokens_keep_every_token_where_it_is():
    tokens = torch.rand(2, 5 + 3 * 4, 6)
    x = packed(tokens, (3, 4), 5)
    assert x.shape == (2, 3 + 2, 4, 6)
    assert torch.equal(x[:, 1, 2], tokens[:, 5 + 1 * 4 + 2])
    found, grid = unpacked(x, 5)
    assert torch.equal(found, tokens)
    assert grid == (3, 4)
    assert torch.equal(unpacked(packed(tokens, (17, 1), 0), 0)[0], tokens)


def test_networks_of_re_identification_have_stages_too():
    pytest.importorskip("timm")
    part_tokens = TimmTokens("vit_tiny_patch16_224", dynamic_img_size=True, img_size=(64, 32), **PARTS)
    for backbone in (part_tokens, WithLastConvolution("efficientnet_lite0")):
        images = torch.rand(1, 3, 64, 32)
        with torch.inference_mode():
            assert torch.equal(nn.Sequential(*backbone.eval().divided())(images), backbone(images))


def test_frozen_stages_have_no_gradient_and_never_use_the_statistics_of_a_batch():
    network = build_network(small(frozen_stages=2), seed=0)
    frozen, free = network.frozen_part(), network.trained_part()
    for mode in (network, network.eval(), network.train(True)):
        assert not any(module.training for module in frozen.modules() if isinstance(module, nn.BatchNorm2d))
        assert all(module.training == mode.training for module in free.modules() if isinstance(module, nn.BatchNorm2d))
    assert {name for name, parameter in network.named_parameters() if not parameter.requires_grad} == {
        "neck.bias",
        *(f"backbone.{name}" for name, _ in network.backbone.named_parameters() if name.startswith("stem.")),
        *(
            f"backbone.{name}"
            for name, _ in network.backbone.named_parameters()
            if name[:9] in ("stages.0.", "stages.1.")
        ),
    }
    images = torch.rand(4, 3, 32, 16)
    torch.testing.assert_close(network.frozen_map(images)[:1], network.frozen_map(images[:1]))
    assert torch.equal(network.eval()(images), build_network(small(), seed=0).eval()(images))


def test_one_stage_has_to_be_trained_and_a_warm_up_trains_all():
    assert build_network(small(frozen_stages=3), seed=0).frozen_stages == 3
    with pytest.raises(ParameterError, match=r"frozen_stages is 4, but takes 0 to 3: .*'small' has 4 stages"):
        build_network(small(frozen_stages=4), seed=0)
    with pytest.raises(ParameterError, match=r"'network\.frozen_stages' is 1, but a warm-up trains every stage"):
        parse(Configuration, {"network": {"frozen_stages": 1}})


def test_a_model_of_timm_that_is_no_row_of_modules_has_one_stage(stand_in_timm):
    with pytest.raises(ParameterError, match=r"frozen_stages is 1, but takes 0 to 0: .*'timm/net' has 1 stage,"):
        build_network(NetworkConfig(architecture="timm/net", weights="timm", frozen_stages=1), seed=0)


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


def test_a_network_normalises_images_itself():
    network = build_network(small(), seed=0).eval()
    images = torch.rand(2, 3, 32, 16)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    expected = network.backbone((images - mean.view(3, 1, 1)) / std.view(3, 1, 1))
    assert torch.equal(network.feature_map(images), expected)


def test_timm_models_enter_by_their_last_map_with_their_own_normalisation(stand_in_timm):
    network = build_network(NetworkConfig(architecture="timm/net", weights="timm"), seed=0).eval()
    assert network(torch.rand(2, 3, 16, 8)).shape == (2, 5)
    assert stand_in_timm.made == {"pretrained": True, "features_only": True, "out_indices": (-1,)}
    images = torch.rand(2, 3, 16, 8)
    expected = network.backbone((images - 0.5) / torch.tensor([0.1, 0.2, 0.4]).view(3, 1, 1))
    torch.testing.assert_close(network.feature_map(images), expected)


@pytest.mark.parametrize(
    ("name", "message"), [("nett", "did you mean 'net'"), ("net.in21", r"did you mean 'net\.in1k' or 'net\.in22k'")]
)
def test_near_names_of_timm_are_offered(stand_in_timm, name, message):
    with pytest.raises(ParameterError, match=message):
        build_network(NetworkConfig(architecture=f"timm/{name}", weights="random"), seed=0)


def test_images_are_made_as_the_network_expects_them(stand_in_timm):
    assert input_settings(NetworkConfig()) == ("bilinear", None, 1)
    assert input_settings(NetworkConfig(architecture="resnet50")) == ("bilinear", None, 1)
    assert input_settings(NetworkConfig(architecture="timm/net")) == ("bicubic", None, 1)
    assert input_settings(NetworkConfig(architecture="timm/net.in22k")) == ("bilinear", (224, 192), 1)


def test_a_network_of_one_size_is_refused_other_pixels_before_an_image_is_read(stand_in_timm, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    network = {"architecture": "timm/net.in22k"}
    for check in (lambda: decode_pixels(None, {}, network), lambda: check_machine([Configuration(network=network)])):
        with pytest.raises(ParameterError, match=r"of 224 × 192 pixels alone, not of 64 × 32: pixels\.height=224,"):
            check()


@pytest.mark.parametrize(
    "name", ["resnet18", "convnext_atto", "efficientnet_lite0", "vit_tiny_patch16_224", "tf_efficientnet_b0"]
)
def test_real_models_of_timm_have_their_published_names_and_normalisation(name):
    timm = pytest.importorskip("timm")
    complete = timm.create_model(name, num_classes=7)
    backbone = build_network(NetworkConfig(architecture=f"timm/{name}", weights="random"), seed=0).backbone
    names, head = backbone.published()
    state = complete.state_dict()
    assert {own: state[name].shape for own, name in names.items()} == {
        own: value.shape for own, value in backbone.state_dict().items()
    }
    assert all(name in names.values() or name.startswith(head) for name in state)
    assert backbone.mean == timm.get_pretrained_cfg(name).mean
