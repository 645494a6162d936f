"""Ghost BatchNorm is what DataParallel does: own statistics per chunk, running statistics of the first alone."""

import copy

import pytest
import torch
from torch import nn

from whosame.features import NetworkConfig, build_network
from whosame.training.ghost_norm import forward_in_chunks, frozen_running_statistics


def test_each_chunk_is_a_batch_of_its_own():
    network = build_network(NetworkConfig(widths=(4, 8), weights="random"), seed=0).train()
    images = torch.rand(12, 3, 16, 8, generator=torch.Generator().manual_seed(0))
    replicas = [copy.deepcopy(network) for _ in range(3)]
    expected = torch.cat([replica(part) for replica, part in zip(replicas, images.split(4), strict=True)])
    found = forward_in_chunks(network, images, 4)
    torch.testing.assert_close(found, expected)
    for name, value in network.state_dict().items():
        assert torch.equal(value, replicas[0].state_dict()[name]), name  # of the first chunk alone

    whole = copy.deepcopy(replicas[1])(images)
    assert not torch.allclose(found, whole, atol=1e-3)


def test_gradients_reach_every_chunk():
    network = build_network(NetworkConfig(widths=(4, 8), weights="random"), seed=0).train()
    images = torch.rand(8, 3, 16, 8, requires_grad=True)
    forward_in_chunks(network, images, 4)[:, 0].sum().backward()
    assert (images.grad.abs().sum(dim=(1, 2, 3)) > 0).all()


def test_running_statistics_are_followed_again_afterwards_even_after_an_error():
    norm = nn.BatchNorm1d(2)
    with frozen_running_statistics(norm):
        norm(torch.rand(4, 2) + 5)
    with pytest.raises(ValueError, match="Expected more than 1 value"), frozen_running_statistics(norm):
        norm(torch.rand(1, 2))
    assert torch.equal(norm.running_mean, torch.zeros(2))
    norm(torch.rand(4, 2) + 5)
    assert (norm.running_mean > 0).all()
