"""DRAL by hand: pool, state, transition, reward, the agent's update; a round in lock-step; and that the agent learns."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from whosame.errors import ParameterError
from whosame.memory import LabelMemory
from whosame.questions import Answer
from whosame.strategies.dral.agent import Agent, draw, inherited, masked_softmax, newborn, reward_to_go
from whosame.strategies.dral.dral import DRAL, DRALConfig
from whosame.strategies.dral.episode import Anchors, Block, Choice
from whosame.strategies.dral.state import distances, nearest_open, rewards, similarities, sparsified, transition
from whosame.testing import round_state


def floats(*rows):
    return np.array(rows, np.float32)


def always(a, b):
    return True


def matrix(n, **pairs):
    """Return a symmetric matrix [1, n, n] of entries such as _01=0.5."""
    full = np.zeros((1, n, n), np.float32)
    for places, value in pairs.items():
        i, j = int(places[1]), int(places[2])
        full[0, i, j] = full[0, j, i] = value
    return full


def test_a_pool_is_the_nearest_open_images_by_cosine():
    angles = np.array([0.0, 0.1, -0.2, 0.3, 1.0])
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    rows = nearest_open(features, np.array([0, 4]), 3, lambda a, b: {a, b} != {0, 2})
    assert rows.tolist() == [[0, 1, 3, 4], [4, 3, 1, 0]]
    assert nearest_open(features, np.array([0]), 6, always).tolist() == [[0, 1, 2, 3, 4, -1, -1]]
    assert nearest_open(features, np.array([1]), 2, lambda a, b: False).tolist() == [[1, -1, -1]]


def test_a_pool_is_a_full_stable_sort_however_far_it_has_to_look():
    draw_from = np.random.default_rng(0)
    features = draw_from.integers(-2, 3, (300, 3)).astype(np.float32)  # many ties
    similar = features[7] @ features.T
    expected = [row for row in np.argsort(-similar, kind="stable").tolist() if row != 7 and row % 5 == 0]
    assert nearest_open(features, np.array([7]), 40, lambda a, b: b % 5 == 0)[0, 1:].tolist() == expected[:40]


@pytest.mark.parametrize(
    ("points", "rows", "k", "expected"),
    [
        ([0, 1, 3], [0, 1, 2, -1], 3, {"_01": 2 / 3, "_12": 1 / 3}),  # 1 - d/3: 2/3, 0, 1/3; the empty place has none
        (
            [0, 1, 3],
            [0, 1, 2, -1],
            1,
            {"_01": 2 / 3},
        ),  # 0 and 1 choose each other, 2 chooses 1, which does not choose it
        ([1, 1], [0, 1, -1], 3, {"_01": 1}),  # images that coincide
    ],
)
def test_the_state_is_one_minus_the_distance_in_parts_of_the_largest(points, rows, k, expected):
    features, rows = np.array(points, np.float32)[:, None], np.array([rows])
    state = similarities(distances(features, rows), rows >= 0, k)
    np.testing.assert_allclose(state, matrix(rows.size, **expected), atol=1e-6)


def test_each_anchor_has_its_own_scale():
    features, rows = floats([0.0], [1.0], [3.0], [9.0]), np.array([[0, 1, 2], [0, 1, 3]])
    state = similarities(distances(features, rows), rows >= 0, 3)
    np.testing.assert_allclose(state[:, 0, 1], [2 / 3, 8 / 9], atol=1e-6)


FOUR = {"_01": 0.5, "_02": 0.2, "_03": 0.8, "_12": 0.6, "_13": 0.3, "_23": 0.1}


def moved(same, *, k=3, threshold=0.4):
    return transition(matrix(4, **FOUR), np.array([1]), np.array([same]), k=k, threshold=threshold)


@pytest.mark.parametrize(
    ("same", "options", "expected"),
    [
        # A true match is averaged with: .4 = (.2 + .6) / 2, .55 = (.8 + .3) / 2.
        (True, {}, {**FOUR, "_01": 1, "_02": 0.4, "_03": 0.55}),
        # A false match is subtracted: .2 - .6 is floored at 0; .3 does not reach the threshold, without one .8 - .3.
        (False, {}, {**FOUR, "_01": 0, "_02": 0}),
        (False, {"threshold": 0}, {**FOUR, "_01": 0, "_02": 0, "_03": 0.5}),
        # k = 1: 0 and 1 choose each other at 1; 2 chooses 1, and 3 chooses 0, in vain.
        (True, {"k": 1}, {"_01": 1}),
        # k = 2: 0 chooses 1, 3; 1 chooses 0, 2; 2 chooses 1, 0; 3 chooses 0, 1.
        (True, {"k": 2}, {"_01": 1, "_03": 0.55, "_12": 0.6}),
    ],
)
def test_an_answer_moves_the_state(same, options, expected):
    np.testing.assert_allclose(moved(same, **options), matrix(4, **expected), atol=1e-6)


def test_anchors_of_a_block_do_not_touch_each_other():
    both = np.concatenate([matrix(4, **FOUR), matrix(4, **FOUR)])
    after = transition(both, np.array([1, 3]), np.array([True, False]), k=3, threshold=0.4)
    np.testing.assert_array_equal(after[:1], moved(True))
    np.testing.assert_allclose(after[1], matrix(4, **{**FOUR, "_03": 0})[0], atol=1e-6)
    np.testing.assert_array_equal(sparsified(both, 3), both)


@pytest.mark.parametrize(
    ("same", "positive", "negative", "farthest", "expected"),
    [
        (True, [0, 2], [3], 1.1, 0.6),  # .2 + .9 - .5
        (True, [0], [3], 1.1, 0.3),  # .2 + .6 - .5
        (True, [0], [3, 4], 1.1, 0.7),  # .2 + .6 - .1
        (False, [0, 2], [3], 1.1, 0),  # .2 - .9 + .5, the hinge
        (False, [0], [3], 1.1, 0.1),  # .2 - .6 + .5
        (True, [0], [], 0.7, 0.1),  # without a negative the farthest of the pool: .2 + .6 - .7
        (False, [0], [], 0.7, 0.3),  # .2 - .6 + .7
    ],
)
def test_hard_answers_earn_more(same, positive, negative, farthest, expected):
    away = floats([0.6, 0.0, 0.9, 0.5, 0.1])  # of place 1, the image of the question, from itself and the others
    masks = [np.isin(np.arange(5), chosen)[None] for chosen in (positive, negative)]
    found = rewards(away, np.array([same]), *masks, farthest=floats(farthest), margin=0.2)
    assert found[0] == pytest.approx(expected)


def answer(block, *verdicts):
    """Give a block verdicts about (anchor, place)."""
    choices = []
    for anchor, place, _ in verdicts:
        state = block.states(np.array([anchor]))[0].copy()
        choices.append(Choice(anchor, state, np.ones(block.rows.shape[1] - 1, bool), place - 1))
    block.tell(choices, [verdict for *_, verdict in verdicts])


def test_an_episode_gathers_rewards_by_what_is_known_of_its_anchor():
    features, rows = floats([0.0], [1.0], [2.0], [4.0]), np.array([[0, 1, 2, 3], [3, 2, 1, 0]])
    block = Block(features, rows, np.array([4, 1]), k=3, threshold=0.4, margin=0.5)
    assert block.waiting().tolist() == [0, 1]
    answer(block, (0, 1, "same"), (1, 3, "different"))
    assert block.waiting().tolist() == [0]
    answer(block, (0, 2, "different"))
    answer(block, (0, 3, "same"))
    gains = [[gain for _, gain in episode] for episode in block.episodes]
    # Anchor 0. Place 1, nothing known but itself: .5 + (1 - 4) is hinged. Place 2: positives at 2 and 1, no negative:
    # .5 - (2 - 4). Place 3: positives at 4 and 3, the negative at 2: .5 + (4 - 2).
    np.testing.assert_allclose(gains[0], [0, 2.5, 2.5], atol=1e-6)
    np.testing.assert_allclose(gains[1], [0.5], atol=1e-6)  # anchor 1, place 3 lies farthest: .5 - (4 - 4)


def test_unsure_moves_nothing_and_is_worth_nothing():
    block = Block(floats([0.0], [1.0], [2.0]), np.array([[0, 1, 2]]), np.array([2]), k=2, threshold=0.4, margin=0.5)
    before = block.states(np.array([0])).copy()
    answer(block, (0, 2, "unsure"))
    np.testing.assert_array_equal(block.states(np.array([0])), before)
    answer(block, (0, 1, "different"))
    np.testing.assert_allclose([gain for _, gain in block.episodes[0]], [0, 1.5], atol=1e-6)  # .5 - (1 - 2)
    assert (block.states(np.array([0])) != before).any()


def test_rewards_to_go_are_discounted():
    assert reward_to_go([1, 2, 4], 0.5).tolist() == [3, 4, 4]  # 1 + .5 * 4, 2 + .5 * 4
    assert reward_to_go([], 0.5).tolist() == []


def test_the_policy_is_a_softmax_over_what_is_allowed():
    logits = np.log([1.0, 50.0, 3.0, 1e300])
    np.testing.assert_allclose(masked_softmax(logits, np.array([1, 0, 1, 0], bool)), [0.25, 0, 0.75, 0])
    policy = masked_softmax(np.array([0.0, 9.0, 0.0, 9.0]) * 1000, np.array([1, 0, 1, 0], bool))
    drawn = [draw(policy, generator := np.random.default_rng(seed)) for seed in range(200)]
    assert set(drawn) == {0, 2}
    assert 70 < drawn.count(0) < 130
    assert generator.bit_generator.state != np.random.default_rng(199).bit_generator.state


def agent_of(arrays, pool, **changes):
    return Agent(arrays, **{"pool": pool, "gamma": 0.9, "entropy": 0.3, "learning_rate": 0.01, **changes})


def some_episodes(seed, pool=3, lengths=(3, 2, 1)):
    generator = np.random.default_rng(seed)
    episodes = []
    for anchor, length in enumerate(lengths):
        episode = []
        for _ in range(length):
            allowed = np.ones(pool, bool)
            action = int(generator.integers(pool))
            allowed[(action + 1) % pool] = generator.random() < 0.5
            state = generator.random((1 + pool) ** 2).astype(np.float32)
            episode.append((Choice(anchor, state, allowed, action), float(generator.random())))
        episodes.append(episode)
    return episodes


def test_the_baseline_is_the_mean_return_of_each_turn_the_newest_blocks_weighing_a_tenth():
    agent = agent_of(newborn(3, 4, np.random.default_rng(0)), 3, learning_rate=0)
    choice = some_episodes(0)[0][0][0]
    agent.learn([[(choice, 1.0), (choice, 10.0)], [(choice, 3.0)]])  # returns 1 + 9 = 10 and 3; 10
    np.testing.assert_allclose(agent.arrays()["dral_baseline"], [6.5, 10, 0, 0])
    agent.learn([[(choice, 1.5)]])
    np.testing.assert_allclose(agent.arrays()["dral_baseline"], [4, 10, 0, 0])  # the mean of 6.5 and 1.5
    for _ in range(8):
        agent.learn([[(choice, 4.0)]])
    agent.learn([[(choice, 14.0)]])
    np.testing.assert_allclose(agent.arrays()["dral_baseline"], [5, 10, 0, 0])  # 4 + .1 * 10
    assert agent.arrays()["dral_blocks"].tolist() == [11, 1, 0, 0]


def plain_reference(arrays, blocks):
    """Two steps of REINFORCE by torch's own layers and optimiser, question by question."""
    sizes, layers, begin = (16, 256, 256, 256, 3), [], 0
    for inputs, outputs in pairwise(sizes):
        layer = torch.nn.Linear(inputs, outputs)
        for parameter in (layer.weight, layer.bias):
            values = arrays["dral_weights"][begin : begin + parameter.numel()]
            parameter.data = torch.tensor(values).view(parameter.shape)
            begin += parameter.numel()
        layers += [layer, torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers[:-1])
    adam = torch.optim.Adam(network.parameters(), lr=0.01)
    baseline = np.zeros(3)
    for number, episodes in enumerate(blocks, 1):
        returns = [[sum(0.9 ** (u - t) * e[u][1] for u in range(t, len(e))) for t in range(len(e))] for e in episodes]
        for turn in range(3):
            mean = np.mean([of[turn] for of in returns if len(of) > turn])
            baseline[turn] += (mean - baseline[turn]) / number
        terms = []
        for episode, of in zip(episodes, returns, strict=True):
            for turn, (choice, _) in enumerate(episode):
                logits = network(torch.tensor(choice.state))[torch.tensor(choice.allowed)]
                policy = logits.softmax(0)
                chosen = policy[choice.allowed[: choice.action].sum()]
                entropy = -(policy * policy.log()).sum()
                terms.append(-chosen.log() * (of[turn] - baseline[turn]) - 0.3 * entropy)
        adam.zero_grad()
        torch.stack(terms).mean().backward()
        adam.step()
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()]).numpy()


def test_the_update_is_reinforce_and_goes_on_from_its_arrays():
    arrays = newborn(3, 3, np.random.default_rng(0))
    blocks = [some_episodes(1), some_episodes(2)]
    together = agent_of(arrays, 3)
    together.learn(blocks[0])
    apart = agent_of(together.arrays(), 3)
    for agent in (together, apart):
        agent.learn(blocks[1])
    expected = plain_reference(arrays, blocks)
    moved_by = np.abs(expected - arrays["dral_weights"])
    assert 0.005 < np.median(moved_by[moved_by > 0]) < 0.03
    # Adam's first steps divide the gradient by itself: where it is all but 0, rounding decides
    close = np.isclose(together.arrays()["dral_weights"], expected, atol=1e-4)
    assert close.mean() > 0.999
    for name, value in together.arrays().items():
        np.testing.assert_array_equal(value, apart.arrays()[name])


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((4, 4), r"'dral_weights' of shape \[.*dral.pool = 4"),
        ((3, 5), r"'dral_baseline' of shape \[4\].*dral.k_max = 5"),
    ],
)
def test_an_agent_of_another_shape_is_refused(shape, message):
    assert inherited({}, *shape) is None
    with pytest.raises(ParameterError, match=message):
        inherited(newborn(3, 4, np.random.default_rng(0)), *shape)


def crowd(seed, *, people=40, images=8, noise=0.6):
    generator = np.random.default_rng(seed)
    identities = generator.permutation(np.repeat(np.arange(people), images))
    features = generator.normal(size=(people, 32))[identities] + noise * generator.normal(size=(len(identities), 32))
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32), identities


def played(session, identities, *, stop_after=None):
    """Play a round by the truth; return its batches. ``stop_after`` paid answers nothing more is asked or answered."""
    batches, paid = [], 0
    while batch := list(session.ask()):
        batches.append(batch)
        answers = [Answer(q, "same" if identities[q.a] == identities[q.b] else "different") for q in batch]
        session.tell(answers if stop_after is None else answers[: stop_after - paid])
        paid += len(answers)
        if stop_after is not None and paid >= stop_after:
            break
    return batches


SMALL = DRALConfig(pool=8, k_max=4, k=4, block=5)


@pytest.fixture(scope="module")
def scene():
    """Features and identities of 320 images."""
    return crowd(0)


def round_of(scene, *, config=SMALL, **fields):
    """Return a session on the features of a scene."""
    return DRAL(config).start(round_state(scene[0], **fields))


def test_anchors_ask_in_lock_step_and_the_last_one_asks_the_rest(scene):
    batches = played(round_of(scene, budget=34), scene[1])
    assert [len(batch) for batch in batches] == [5] * 4 + [4] * 2 + [3] * 2  # 5 anchors x 4, then 4, 4, 4 and 2
    blocks = [{question.group for batch in part for question in batch} for part in (batches[:4], batches[4:])]
    assert [len(anchors) for anchors in blocks] == [5, 4]
    assert not blocks[0] & blocks[1]
    for batch in batches:
        assert len({question.group for question in batch}) == len(batch)
        for question in batch:
            assert question.kind == "pool"
            assert question.group in (question.a, question.b)
            assert 0 < question.score <= 1
            assert f"probability {question.score:.3f}" in question.reason


def test_a_budget_below_one_anchors_questions_is_spent(scene):
    assert [len(batch) for batch in played(round_of(scene, budget=3), scene[1])] == [1, 1, 1]


def test_free_answers_leave_their_price_to_other_anchors(scene):
    session, asked = round_of(scene, budget=8), []
    while batch := session.ask():
        session.tell([Answer(question, "different", "oracle" if len(asked) else "closure") for question in batch])
        asked += batch
    assert len(asked) == 8 + 2  # both questions of the first batch were free


def test_anchors_come_once_in_a_run():
    scene, previous_state, memory, anchors = crowd(0, people=6), {}, LabelMemory(), []  # 48 anchors
    for turn in range(7):
        session = round_of(scene, budget=32, seed=turn, previous_state=previous_state, memory=memory)
        questions = [question for batch in played(session, scene[1]) for question in batch]
        for question in questions:
            memory.add(question.a, question.b, bool(scene[1][question.a] == scene[1][question.b]))
        anchors += sorted({question.group for question in questions})
        previous_state = session.next_state()
    assert len(set(anchors)) == len(anchors) > 24
    assert previous_state["dral_done"] == 48
    assert questions == []  # all were anchors, so the budget is left


def test_representatives_may_be_anchors_first():
    features, identities = crowd(0, people=5)
    means = np.array([features[identities == who].mean(0) for who in range(5)])
    away = np.linalg.norm(features - means[identities], axis=1)
    standing = {int(np.flatnonzero(identities == who)[away[identities == who].argmin()]) for who in range(5)}
    for order, expected in (("medoid", True), ("random", False)):
        session = DRAL(SMALL.replace(anchor_order=order)).start(round_state(features, budget=20, labels=identities))
        assert ({question.group for question in session.ask()} == standing) is expected


def test_preferred_anchors_keep_their_order_and_done_ones_stay_done():
    anchors = Anchors(
        {"dral_anchors": np.array([4, 2, 0, 3, 1]), "dral_done": np.array(1)}, 5, np.random.default_rng(0)
    )
    anchors.put_first(np.array([1, 2, 4]))
    assert anchors.arrays()["dral_anchors"].tolist() == [4, 2, 1, 0, 3]
    assert anchors.take(3).tolist() == [2, 1, 0]
    assert anchors.take(3).tolist() == [3]
    assert anchors.take(3).tolist() == []
    fresh = Anchors({}, 50, np.random.default_rng(0)).take(50)
    assert sorted(fresh) == list(range(50)) != fresh.tolist()


def equal_states(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def test_the_next_state_does_not_depend_on_who_asks_last_or_twice(scene, tmp_path):
    whole, cut = round_of(scene, budget=34), round_of(scene, budget=34)
    played(whole, scene[1])
    played(cut, scene[1], stop_after=34)  # as the query loop does: no last, empty batch
    previous_state = whole.next_state()
    assert equal_states(previous_state, cut.next_state())
    assert equal_states(previous_state, cut.next_state())
    np.savez(tmp_path / "state.npz", **previous_state)
    stored = dict(np.load(tmp_path / "state.npz"))
    nexts = [round_of(scene, budget=20, previous_state=given) for given in (previous_state, stored)]
    asked = [played(session, scene[1]) for session in nexts]
    assert asked[0] == asked[1]
    assert equal_states(previous_state, stored), "previous_state arrays were written to"
    assert not equal_states(nexts[0].next_state(), previous_state)


def test_the_agent_learns_from_a_round_that_was_cut_short_and_not_from_one_without_questions(scene):
    session = round_of(scene, budget=34)
    played(session, scene[1], stop_after=7)
    previous_state = session.next_state()
    assert previous_state["dral_updates"] == 1
    idle = round_of(scene, budget=0, previous_state={**previous_state, "other": np.zeros(3)})
    assert idle.ask() == []
    assert equal_states(idle.next_state(), previous_state)


def test_torchs_own_random_numbers_are_neither_used_nor_changed(scene):
    asked = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        asked.append(played(round_of(scene, budget=60), scene[1]))
        assert torch.equal(before, torch.get_rng_state())
    assert asked[0] == asked[1]


LEARNER = DRALConfig(pool=16, k_max=6, k=8)


def mean_rewards(agent, scene, anchors=256):
    """Play a block of anchors with an agent that learns nothing more; return the mean reward of each, float64 [anchors]."""
    config, budget = LEARNER.replace(block=anchors), anchors * LEARNER.k_max
    session, blocks = round_of(scene, config=config, budget=budget, previous_state=agent), []
    session._agent.learn = blocks.append
    played(session, scene[1])
    session.next_state()
    return np.array([np.mean([gain for _, gain in episode]) for episode in blocks[0]])


def test_the_agent_earns_more_than_chance_on_other_people():
    untrained = agent = newborn(LEARNER.pool, LEARNER.k_max, np.random.default_rng(0))
    for turn in range(4):  # other people every round
        scene = crowd(100 + turn, people=60)
        session = round_of(scene, config=LEARNER, budget=480 * LEARNER.k_max, seed=turn, previous_state=agent)
        played(session, scene[1])
        state = session.next_state()
        agent = {name: value for name, value in state.items() if name not in ("dral_anchors", "dral_done")}
    learnt, chance = (mean_rewards(by, crowd(7, people=60)) for by in (agent, untrained))
    gain = learnt - chance
    # Not luck: untrained agents stay within 3 standard errors and 5 % of chance.
    assert gain.mean() > 10 * gain.std() / 16
    assert learnt.mean() > 1.5 * chance.mean()
