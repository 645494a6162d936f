"""``kedro params``: every parameter is listed with value, default, range, source and meaning."""

import pytest
from tests.unit.test_configuration import groups

from whosame.configuration import Configuration
from whosame.errors import ParameterError
from whosame.parameters import parameter, parse, source, takes
from whosame.reporting.parameters import WIDTH, parameters_text


def squeezed(text):
    """Return a text without spaces and without where its lines are broken."""
    return "".join(text.split())


@pytest.mark.parametrize(("group", "config"), groups(Configuration).items())
def test_every_parameter_of_every_group_is_listed(group, config):
    everything, of_the_group = (squeezed(parameters_text(Configuration(), name)) for name in (None, group or None))
    for name, info in config.model_fields.items():
        if info.annotation not in groups(Configuration).values():
            facts = squeezed(f"takes {takes(info)}; source: {source(info)} {info.description}")
            assert facts in of_the_group
            assert facts in everything
            assert f"{name}:" in of_the_group


def test_what_differs_from_its_default_is_marked():
    values = {"training": {"iterations": 7, "augment": {"flip": 1}}, "strategies": {"dcps": {"kappa": 1.0}}}
    lines = parameters_text(parse(Configuration, values)).splitlines()
    assert [line.split()[1] for line in lines if line.startswith("*")] == ["iterations:", "flip:"]
    assert lines[-1].endswith("2 differ from their default (*).")
    (line,) = (line for line in lines if line.startswith("* flip:"))
    assert " ".join(line.split()) == "* flip: 1.0 default 0.5; takes a number from 0 to 1; source: papers: 0.5"
    assert max(map(len, lines)) <= WIDTH


def test_a_default_that_is_changed_in_a_class_changes_the_text():
    class Changed(Configuration):
        seed: int = parameter(11, ge=1)

    assert "seed: 11 default 11; takes a whole number, 1 or more" in " ".join(parameters_text(Changed()).split())


def test_one_group_one_strategy_or_one_parameter_is_printed():
    configuration = Configuration()
    assert parameters_text(configuration, "clustering").startswith("clustering: How training images are grouped")
    assert parameters_text(configuration, "strategies.dcps").startswith("strategies.dcps: Parameters of DCPS")
    assert parameters_text(configuration, "strategies").count("schedule: early") == 9
    assert parameters_text(configuration, "training.augment.flip").splitlines()[-1].startswith("1 listed")
    with pytest.raises(ParameterError, match="unknown group of parameters 'clusterin': did you mean 'clustering'"):
        parameters_text(configuration, "clusterin")
    with pytest.raises(ParameterError, match=r"did you mean 'strategies\.dcps'"):
        parameters_text(configuration, "strategies.dcsp")
