"""Every registered strategy keeps to the contract."""

import pytest

from whosame.strategies import registry
from whosame.testing.strategies import STRATEGY_CHECKS


@pytest.mark.parametrize("check", STRATEGY_CHECKS.values(), ids=STRATEGY_CHECKS)
@pytest.mark.parametrize("name", registry.names())
def test_contract(name, check):
    check(registry.make(name))
