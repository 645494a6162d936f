"""People who answer pairs: one after the other in a store, and simulated ones with known error rates."""

import numpy as np
import pytest


@pytest.fixture
def says(people, clock):
    """Let somebody answer the next pairs, each in so many seconds; return each pair's task and answer."""

    def say(who, *verdicts, seconds=2.0):
        done = []
        for verdict in verdicts:
            [lease] = people.lease(who)
            clock.time += seconds
            done.append((lease.task, people.answer(who, lease, verdict, seconds).event))
        return done

    return say


def simulated(rates, *, pairs=600, share=0.6, positive=0.4, seed=0):
    """Answers of people who call two one person, and one two, at the given rates."""
    draw = np.random.default_rng(seed)
    truth = draw.random(pairs) < positive
    who, which = np.nonzero(draw.random((len(rates), pairs)) < share)
    error = np.where(truth[which], np.array(rates)[who, 1], np.array(rates)[who, 0])
    return truth, which, who, truth[which] ^ (draw.random(len(which)) < error)


@pytest.fixture(scope="session", name="simulated")
def simulated_fixture():
    return simulated
