"""The first statistics of an untrained neck."""

import copy

import numpy as np
import torch

from whosame.features import NetworkConfig, build_network
from whosame.features.batches import to_unit
from whosame.features.extraction import estimate_neck


class Images:
    def __init__(self, count):
        self.images = np.random.default_rng(0).integers(0, 256, (count, 32, 16, 3), np.uint8)
        self.shape = self.images.shape

    def read(self, image_ids):
        return self.images[image_ids]


def network():
    return build_network(NetworkConfig(widths=(4, 8), weights="random", pooling="average"), seed=0)


def test_statistics_are_those_of_the_pooled_channels():
    made, pixels, drawn = network(), Images(80), np.arange(3, 73)
    estimate_neck(made, pixels, drawn, device="cpu")
    assert made.training
    with torch.inference_mode():
        pooled = made.eval().pooling(made.feature_map(to_unit(torch.from_numpy(pixels.read(drawn)))))
    torch.testing.assert_close(made.neck.running_mean, pooled.mean(dim=0))
    torch.testing.assert_close(made.neck.running_var, pooled.var(dim=0))


def test_a_neck_with_statistics_keeps_them():
    made = network()
    made.neck.running_mean.fill_(0.5)
    before = copy.deepcopy(made.state_dict())
    estimate_neck(made, Images(8), np.arange(8), device="cpu")
    torch.testing.assert_close(dict(made.state_dict()), dict(before))


def test_one_image_has_no_variance():
    made = network()
    estimate_neck(made, Images(1), np.arange(1), device="cpu")
    assert (made.neck.running_var == 1).all()
