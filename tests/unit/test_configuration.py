"""The configuration: conf/base says nothing that the classes do not."""

from pathlib import Path

import pytest
import yaml

from whosame.configuration import Configuration
from whosame.parameters import Parameters, merge, parse

CONF = Path(__file__).parents[2] / "conf"


def groups(config, name=""):
    """Return every class of parameters by its dotted name."""
    found = {name: config}
    for field, info in config.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, Parameters):
            found |= groups(info.annotation, f"{name}.{field}".lstrip("."))
    return found


def test_base_names_defaults_only():
    values = merge(*(yaml.safe_load(path.read_text()) for path in sorted((CONF / "base").glob("parameters*.yml"))))
    assert values.keys() <= set(Configuration.model_fields)
    run, turn = values.pop("run"), values.pop("round")  # kedro resolves them
    assert (run, turn.startswith("${round_number:")) == ("${globals:run}", True)
    assert yaml.safe_load((CONF / "base" / "globals.yml").read_text()) == {"run": Configuration().run}
    assert parse(Configuration, values) == Configuration(native=values["native"])


@pytest.mark.parametrize(("name", "config"), groups(Configuration).items())
def test_defaults_are_within_their_ranges(name, config):
    assert parse(config, config().model_dump()) == config()
    assert all(info.description for info in config.model_fields.values()), f"{name} does not say what it means"
