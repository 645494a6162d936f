"""Statistics that take long to compute are computed seldom."""

from whosame.annotation.web.cache import Cache


def test_a_value_is_kept_ten_times_as_long_as_computing_it_took(clock):
    began, times = clock.time, []
    cache = Cache(now=clock)

    def compute():
        times.append(clock.time)
        clock.time += 2
        return len(times)

    assert cache.get("a", compute) == cache.get("a", compute) == 1
    assert cache.get("b", lambda: "other") == "other"
    clock.time = began + 21.9
    assert cache.get("a", compute) == 1
    clock.time = began + 22
    assert cache.get("a", compute) == 2
    cache.clear()
    assert cache.get("a", compute) == 3
