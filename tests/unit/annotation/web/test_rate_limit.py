"""Failed logins, counted by address."""

from whosame.annotation.web.rate_limit import MAX_ADDRESSES, FailureLimit


def test_failures_are_counted_by_address_and_forgotten_in_time(clock):
    limit = FailureLimit(2, 60, now=clock)
    began = clock.time
    limit.failed("10.0.0.1")
    clock.time = began + 10
    limit.failed("10.0.0.1")
    assert (limit.wait("10.0.0.1"), limit.wait("10.0.0.2")) == (50, 0)
    clock.time = began + 59.5
    assert limit.wait("10.0.0.1") == 1
    clock.time = began + 60
    assert limit.wait("10.0.0.1") == 0
    limit.failed("10.0.0.1")
    assert limit.wait("10.0.0.1") == 10


def test_one_network_of_ipv6_is_one_address():
    limit = FailureLimit(1)
    for address in ("2001:db8:0:1::1", "::ffff:10.0.0.1", "somewhere"):
        limit.failed(address)
    assert all(limit.wait(address) for address in ("2001:db8:0:1:ffff::2", "somewhere"))
    assert not any(limit.wait(address) for address in ("2001:db8:0:2::1", "::ffff:10.0.0.2"))


def test_the_oldest_failures_are_forgotten_where_there_are_too_many():
    limit = FailureLimit(1)
    for k in range(MAX_ADDRESSES + 5):
        limit.failed(str(k))
    assert (limit.wait("4"), limit.wait("5") > 0) == (0, True)
