"""The network outside this project: the same features, any number of images, its input as decoders give it."""

import io

import numpy as np
import onnx
import pytest
import torch

from whosame.errors import ParameterError
from whosame.export import packages
from whosame.export.deployed import OPSET, Deployed, export_program, onnx_bytes, program_bytes
from whosame.export.packages import check_packages
from whosame.features.config import NetworkConfig
from whosame.features.network import build_network
from whosame.search.searcher import onnx_network

TRAINED = {
    "images": NetworkConfig(widths=(4, 8), weights="random"),
    "features": NetworkConfig(architecture="features/6", weights="random", frozen_stages=1),
}


@pytest.mark.parametrize("kind", TRAINED)
def test_the_exported_networks_are_the_trained_one_for_any_batch(kind):
    network = build_network(TRAINED[kind], seed=0)
    with torch.no_grad():
        for name, value in network.named_buffers():  # as after a training, not as at the start
            if name.endswith("running_mean"):
                value.copy_(torch.linspace(-0.1, 0.1, len(value)))
    rng = np.random.default_rng(0)
    given = rng.integers(0, 256, (5, 16, 8, 3)).astype(np.uint8) if kind == "images" else rng.normal(size=(5, 6))
    given = given if kind == "images" else given.astype(np.float32)
    images = torch.from_numpy(given)
    with torch.inference_mode():
        if kind == "images":
            wanted = network.eval()(images.permute(0, 3, 1, 2) / 255).numpy()
        else:  # as data/feature_file.py keeps them
            kept = (images / images.norm(dim=1, keepdim=True) * 6**0.5).half().float()[:, :, None, None]
            wanted = network.eval().after_frozen()(kept).numpy()
    program = export_program(Deployed(network), 16, 8)
    content = onnx_bytes(program, {"run": "mine"})
    again = torch.export.load(io.BytesIO(program_bytes(program))).module()
    for count in (1, 2, 5):
        np.testing.assert_allclose(onnx_network(content)(given[:count]), wanted[:count], atol=1e-4)
        np.testing.assert_allclose(again(images[:count]).detach().numpy(), wanted[:count], atol=1e-4)
    model = onnx.load_from_string(content)
    assert [(each.key, each.value) for each in model.metadata_props if each.key == "run"] == [("run", "mine")]
    assert model.opset_import[0].version == OPSET
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param


def test_missing_packages_are_named_before_any_work(monkeypatch):
    monkeypatch.setattr(packages, "PACKAGES", ("onnx", "not_there", "nor_this"))
    with pytest.raises(ParameterError, match=r"not_there, nor_this: pip install --editable '.\[export\]'"):
        check_packages()


def test_content_that_is_no_network_is_an_error():
    with pytest.raises(ParameterError, match=r"network\.onnx cannot be read"):
        onnx_network(b"no network")
