"""Networks of tokens: the map, images of any size, the row of a maximum."""

import pytest
import torch

from whosame.errors import ParameterError
from whosame.features import NetworkConfig, build_network
from whosame.features.backbones import check_image_size, input_settings
from whosame.features.timm_tokens import TimmTokens, token_model

timm = pytest.importorskip("timm")

SWIN = {"depths": (1, 1, 1, 1), "embed_dim": 24, "num_heads": (1, 1, 2, 2), "dynamic_img_size": True}


@pytest.mark.parametrize("registers", [0, 2])
def test_the_map_of_a_vit_is_its_patches_in_their_places(registers):
    backbone = TimmTokens("vit_tiny_patch16_224", depth=1, dynamic_img_size=True, reg_tokens=registers).eval()
    images = torch.rand(2, 3, 64, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        tokens = backbone.model.forward_features(images)  # normalised
        found = backbone(images)
    assert tokens.shape == (2, 1 + registers + 4 * 2, 192)
    assert found.shape == (2, backbone.channels, 4, 2)
    for row in range(4):
        for column in range(2):
            torch.testing.assert_close(found[:, :, row, column], tokens[:, 1 + registers + row * 2 + column])


def test_the_map_of_a_swin_has_channels_first_and_any_size():
    backbone = TimmTokens("swin_tiny_patch4_window7_224", **SWIN).eval()
    images = torch.rand(2, 3, 96, 40, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = backbone.model.forward_features(images)
        found = backbone(images)
    assert found.shape == (2, 192, 3, 2) == (2, backbone.channels, 3, 2)
    torch.testing.assert_close(found, expected.permute(0, 3, 1, 2))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vit_tiny_patch16_224", ({"dynamic_img_size": True}, 16)),
        ("vit_small_patch14_reg4_dinov2", ({"dynamic_img_size": True}, 14)),
        ("swin_tiny_patch4_window7_224", ({"dynamic_img_size": True}, 4)),
        ("levit_128", ({}, 1)),  # of one size
        ("hiera_tiny_224", None),  # timm makes maps of its tokens
        ("convnext_atto", None),  # a network of maps
        ("tf_efficientnet_lite0", None),
    ],
)
def test_what_a_model_takes_is_found_in_timm(name, expected):
    assert token_model(name) == expected


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        ("timm/vit_tiny_patch16_224", "multiples of 16 pixels, not of 250 × 130: pixels.height=256,pixels.width=128"),
        ("pass/vit_small", "multiples of 16 pixels, not of 250 × 130: pixels.height=256,pixels.width=128"),
        ("timm/levit_128", "of 224 × 224 pixels alone, not of 250 × 130: pixels.height=224,pixels.width=224"),
    ],
)
def test_sizes_that_do_not_divide_into_patches_are_refused(architecture, message):
    with pytest.raises(ParameterError, match=message):
        check_image_size(NetworkConfig(architecture=architecture), 250, 130)


def test_images_are_resized_as_the_project_does():
    vit = NetworkConfig(architecture="transreid-ssl/vit_small")
    check_image_size(vit, 256, 128)
    assert input_settings(vit) == ("bicubic", None, 16)
    assert input_settings(NetworkConfig(architecture="miewid/efficientnetv2_rw_m")) == ("bilinear", None, 1)


@pytest.mark.parametrize("pooling", ["gem", "average"])
def test_a_vit_gives_features_and_rows_of_the_map(pooling):
    config = NetworkConfig(architecture="timm/vit_tiny_patch16_224", weights="random", pooling=pooling)
    network = build_network(config, seed=0)
    images = torch.rand(3, 3, 64, 32, generator=torch.Generator().manual_seed(0))
    features = network(images)
    assert features.shape == (3, 192)
    features.sum().backward()
    assert all(p.grad is not None for name, p in network.named_parameters() if p.requires_grad)
    assert network.map_height(64, 32) == 4
