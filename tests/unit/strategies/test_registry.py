"""Strategies by name."""

import numpy as np
import pytest

from whosame.errors import ParameterError
from whosame.strategies import registry
from whosame.strategies.baselines import RandomPairs
from whosame.strategies.dcps.dcps import DCPS, DCPSConfig
from whosame.strategies.ucal.ucal import UCALConfig
from whosame.testing import round_state

ENTRY_POINTS = """
[whosame.strategies]
dcps = whosame.strategies.baselines:RandomPairs
broken = no_such_package:strategy
wrong = builtins:dict
"""


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """The entry points of an installed package; test_own_strategy.py has one that works."""
    about = tmp_path / "plugins-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: plugins\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)


def test_the_ablations_are_dcps_with_one_thing_changed():
    parameters = {"dcps": {"neighbours": 3, "intra_fraction": 0.4}}
    made = {name: registry.make(name, parameters).config for name in registry.names() if name.startswith("dcps")}
    assert made == {
        "dcps": DCPSConfig(neighbours=3, intra_fraction=0.4),
        "dcps-no-intra": DCPSConfig(neighbours=3, intra_fraction=0.0),
        "dcps-no-inter": DCPSConfig(neighbours=3, intra_fraction=1.0),
        "dcps-no-diversity": DCPSConfig(neighbours=3, intra_fraction=0.4, diversity=0.0),
    }


def test_the_ablations_of_ucal_leave_one_module_out():
    made = {name: registry.make(name, {"ucal": {"l_max": 5}}).config for name in ("ucal", "ucal-snps", "ucal-mpps")}
    assert made == {
        "ucal": UCALConfig(l_max=5),
        "ucal-snps": UCALConfig(l_max=5, snps_share=1.0),
        "ucal-mpps": UCALConfig(l_max=5, snps_share=0.0),
    }


def test_only_the_controls_never_ask_and_only_one_uses_the_truth():
    made = {name: registry.make(name) for name in registry.PRESETS}
    assert {name for name, strategy in made.items() if not strategy.asks} == {"none", "supervised"}
    assert {name for name, strategy in made.items() if strategy.uses_truth} == {"supervised"}


def test_random_pairs_are_edges_of_the_graph():
    near = {(a, b): 0.1 for a in range(9) for b in (a + 1, a + 2) if b < 9}
    questions = RandomPairs().start(round_state(labels=[0] * 9, graph=near, budget=6)).ask()
    assert len(questions) == 6
    assert {(one.a, one.b) for one in questions} <= near.keys()


@pytest.mark.parametrize("name", registry.PRESETS)
def test_nothing_is_computed_for_a_round_without_budget(name):
    broken = round_state(np.full((9, 2), np.nan), [0] * 9, graph={}, budget=0)
    assert list(registry.make(name).start(broken).ask()) == []


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("dcp", {}, "unknown strategy 'dcp': did you mean 'dcps'"),
        ("none", {"dpcs": {}}, "strategies: unknown group 'dpcs': did you mean 'dcps'"),
        ("dcps", {"dcps": {"gama": 1.0}}, r"strategies\.dcps\.gama.*did you mean 'strategies\.dcps\.gamma'"),
    ],
)
def test_unknown_names_offer_near_ones(name, parameters, message):
    with pytest.raises(ParameterError, match=message):
        registry.make(name, parameters)


def test_built_in_names_cannot_be_taken(plugins):
    assert {"broken", "wrong"} <= set(registry.names())
    assert isinstance(registry.make("dcps"), DCPS)


def test_another_packages_failure_is_named(plugins):
    with pytest.raises(ParameterError, match=r"'broken' \(no_such_package:strategy\) cannot be built: No module"):
        registry.make("broken")
    with pytest.raises(ParameterError, match=r"'wrong' .* built a dict"):
        registry.make("wrong")
