"""The weights a network starts from: files and torchvision's names, and what is said when they do not fit."""

import pickle
from urllib.error import URLError

import pytest
import torch
import torchvision

from whosame.errors import InputError, ParameterError
from whosame.features import NetworkConfig, build_network

SMALL = NetworkConfig(widths=(4, 8), weights="random")


def saved(state, path):
    torch.save(state, path)
    return SMALL.replace(weights=str(path))


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.values(), b.values(), strict=True))


@pytest.mark.parametrize("nested", [None, "state_dict", "network", "model"])
def test_a_file_of_the_whole_network(tmp_path, nested):
    state = build_network(SMALL, seed=1).state_dict()
    config = saved({nested: state, "epoch": 3} if nested else state, tmp_path / "w.pt")
    assert same(build_network(config, seed=0).state_dict(), state)


def test_a_file_of_the_backbone_as_data_parallel_leaves_it(tmp_path):
    state = build_network(SMALL, seed=1).backbone.state_dict()
    config = saved({f"module.{k}": v for k, v in state.items()}, tmp_path / "w.pt")
    assert same(build_network(config, seed=0).backbone.state_dict(), state)


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


def test_a_classifier_is_ignored_only_if_configured(tmp_path):
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
    with pytest.raises(InputError, match=r"no route to host[\s\S]*network\.weights: PATH/resnet18"):
        build_network(config, seed=0)


def test_torchvisions_weights_of_another_architecture():
    with pytest.raises(ParameterError, match=r"did you mean 'ResNet50_Weights\.IMAGENET1K_V"):
        build_network(NetworkConfig(architecture="resnet50", weights="ResNet5_Weights.IMAGENET1K_V1"), seed=0)
    with pytest.raises(ParameterError, match="architecture is 'small'"):
        build_network(SMALL.replace(weights="ResNet50_Weights.IMAGENET1K_V1"), seed=0)
