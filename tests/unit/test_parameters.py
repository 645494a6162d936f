"""Parameters: what is misspelt, mistyped or out of range is named, with what is near."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from whosame.errors import ParameterError
from whosame.parameters import parse


@dataclass(frozen=True)
class Inner:
    eps: float = 0.6
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outer:
    budget: int
    run: str = "demo"
    images: str | None = None
    reuse: bool = True
    inner: Inner = field(default_factory=Inner)
    free: dict[str, Any] = field(default_factory=dict)


def test_values_are_taken_as_they_are_meant():
    values = {"budget": 5, "run": 7, "inner": {"eps": 1, "names": ["a"]}, "free": {"x": [1]}}
    assert parse(Outer, values) == Outer(5, "7", None, True, Inner(1.0, ("a",)), {"x": [1]})


def test_every_problem_is_reported_at_once_with_near_names():
    with pytest.raises(ParameterError) as error:
        parse(Outer, {"budgt": 5, "reuse": "yes", "inner": {"epss": 0.5}})
    message = str(error.value)
    assert "unknown parameter 'budgt': did you mean 'budget'" in message
    assert "'budget' is missing" in message
    assert "'reuse' is 'yes', but takes true or false" in message
    assert "unknown parameter 'inner.epss': did you mean 'inner.eps'" in message


@pytest.mark.parametrize(("name", "value"), [("budget", 5.5), ("budget", True), ("budget", "many"), ("run", True)])
def test_a_wrong_type_is_refused(name, value):
    with pytest.raises(ParameterError, match=f"'{name}' is"):
        parse(Outer, {"budget": 1, name: value})
