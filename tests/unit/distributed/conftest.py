"""Two processes that serve all tests: those that need them are of one xdist group."""

import pytest

from whosame.distributed.pool import ProcessPool


@pytest.fixture(scope="session")
def pool():
    pool = ProcessPool(2, "cpu")
    yield pool
    pool.close()
