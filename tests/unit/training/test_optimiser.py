"""The optimiser: its state is where its parameters are, and a checkpoint of a GPU continues on a CPU."""

import torch

from whosame.features import NetworkConfig, build_network
from whosame.training import Checkpoint, TrainingConfig, make_optimiser
from whosame.training.optimiser import follow_parameters

CONFIG = NetworkConfig(widths=(4, 8), weights="random")


def stepped():
    network = build_network(CONFIG, seed=0)
    optimiser = make_optimiser(network, TrainingConfig())
    network(torch.rand(4, 3, 16, 8)).sum().backward()
    optimiser.step()
    return network, optimiser


def test_state_follows_parameters_that_were_moved():
    """To another type of number: what a GPU does too, and every machine has."""
    network, optimiser = stepped()
    network.to(torch.float64)
    follow_parameters(optimiser)
    assert {state["exp_avg"].dtype for state in optimiser.state.values()} == {torch.float64}
    network(torch.rand(4, 3, 16, 8, dtype=torch.float64)).sum().backward()
    optimiser.step()


def test_on_a_cpu_it_changes_nothing_and_a_fused_step_is_not_kept():
    network, optimiser = stepped()
    before = Checkpoint.of(network, optimiser, CONFIG, rounds=1).optimiser
    optimiser.param_groups[0]["fused"] = True  # as on a GPU
    follow_parameters(optimiser)
    after = Checkpoint.of(network, optimiser, CONFIG, rounds=1).optimiser
    assert after["param_groups"] == before["param_groups"]
    for number, state in before["state"].items():
        assert all(torch.equal(after["state"][number][name], value) for name, value in state.items())
