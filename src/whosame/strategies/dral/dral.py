"""DRAL: an agent that learns which pairs to ask (Liu et al., ICCV 2019; ``methods.md`` has what the paper leaves open).

Images are anchors one after another. Of each, the agent asks about up to ``k_max`` images of its pool, the nearest
ones. It sees their similarities, which every answer changes, and is rewarded for answers that contradict distances.
"""

import copy
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeFloat, PositiveInt

from whosame.parameters import Parameters, Share, parameter
from whosame.questions import Answer, Question
from whosame.strategies.base import RoundState, Strategy
from whosame.strategies.budget import Schedule, spread
from whosame.strategies.dral.episode import Anchors, Block, Choice
from whosame.strategies.dral.state import nearest_open
from whosame.strategies.groups import Groups
from whosame.strategies.session import SessionBudget

if TYPE_CHECKING:
    from whosame.strategies.dral.agent import Agent


class DRALConfig(Parameters):
    """Parameters of DRAL; "DRAL #n" is a row of its table in docs/methods.md."""

    schedule: Schedule = parameter("early", source="own choice; native: uniform")
    """How the budget is spread over the rounds."""
    pool: PositiveInt = parameter(30, unit="images", source="paper, DRAL #1")
    """An anchor's nearest undecided images; the agent has as many actions."""
    k_max: PositiveInt = parameter(10, unit="questions", source="paper, DRAL #1")
    """Questions about an anchor."""
    k: PositiveInt = parameter(15, unit="images", source="DRAL #3")
    """Similarities are kept of images that are each among the other's k most similar of the pool."""
    threshold: Share = parameter(0.4, source="DRAL #5")
    """A false match takes away what is at least so similar to it; 0: everything."""
    margin: NonNegativeFloat = parameter(0.2, source="DRAL #6")
    """m of the reward."""
    block: PositiveInt = parameter(32, unit="anchors", source="own choice, DRAL #8")
    """Anchors that are asked about side by side; the agent learns once after each block."""
    gamma: Share = parameter(0.99, source="DRAL #7")
    """Discount of later rewards."""
    entropy: NonNegativeFloat = parameter(0.01, source="DRAL #7")
    """Weight of the policy's entropy, which keeps it from settling early."""
    learning_rate: NonNegativeFloat = parameter(1e-3, source="DRAL #7")
    """Of Adam; 0: the agent never learns and stays nearly uniform."""
    anchor_order: Literal["random", "medoid"] = parameter("random", source="own choice, DRAL #9")
    """medoid: the round's representatives of clusters (DCPS, Eq. 3) before all others."""


class DRALSession:
    """One round of DRAL: blocks of anchors in lock-step. Nothing is computed before the first question is wanted."""

    def __init__(self, state: RoundState, config: DRALConfig) -> None:
        self._state, self._config = state, config
        self._budget = SessionBudget(state)
        self._generator = copy.deepcopy(state.generator)  # starting a round twice gives the same questions
        self._block: Block | None = None
        self._choices: dict[tuple[int, int], Choice] = {}

    def ask(self) -> Sequence[Question]:
        """Return a question for every anchor of the block that has questions left; after an empty block, the next."""
        while self._budget.remaining > 0:
            if self._block is None:
                self._block = self._next_block()
            if self._block is None:
                break
            if questions := self._questions(self._block):
                return questions
            self._finish_block()
        return []

    def tell(self, answers: Sequence[Answer]) -> None:
        """Take the answers, and update the states of their anchors."""
        self._budget.tell(answers)
        if self._block is not None:
            choices = [self._choices[answer.question.a, answer.question.b] for answer in answers]
            self._block.tell(choices, [answer.verdict for answer in answers])

    def next_state(self) -> dict[str, NDArray[np.generic]]:
        """Return the agent, which learns from the last block first, and the anchors with the number of used ones."""
        if "_agent" not in vars(self):  # nothing was asked
            return {name: value for name, value in self._state.previous_state.items() if name.startswith("dral_")}
        self._finish_block()
        return {**self._agent.arrays(), **self._anchors.arrays()}

    def _next_block(self) -> Block | None:
        """Return a block of the next anchors, as many as the rest of the budget pays for; None if there are none."""
        config, left = self._config, self._budget.remaining
        wanted = min(config.block, -(-left // config.k_max))
        pools: list[NDArray[np.int64]] = []
        while len(pools) < wanted and len(anchors := self._anchors.take(wanted - len(pools))):
            rows = nearest_open(self._state.features, anchors, config.pool, self._budget.is_open)
            pools += list(rows[rows[:, 1] >= 0])
        if not pools:
            return None
        quotas = np.full(len(pools), config.k_max)
        quotas[-1] = min(config.k_max, left - config.k_max * (len(pools) - 1))
        return Block(
            self._state.features,
            np.stack(pools),
            quotas,
            k=config.k,
            threshold=config.threshold,
            margin=config.margin,
        )

    def _finish_block(self) -> None:
        if self._block is not None:
            self._agent.learn(self._block.episodes)
            self._block = None

    def _questions(self, block: Block) -> list[Question]:
        """Draw an action for every anchor that has questions left and an open pair."""
        from whosame.strategies.dral.agent import draw, masked_softmax

        self._choices = {}
        questions = []
        waiting = block.waiting()
        states = block.states(waiting)
        for position, state, logits in zip(waiting.tolist(), states, self._agent.logits(states), strict=True):
            anchor, *pool = block.rows[position].tolist()
            allowed = np.array([row >= 0 and self._budget.is_open(anchor, row) for row in pool])
            if allowed.any():
                policy = masked_softmax(logits, allowed)
                action = draw(policy, self._generator)
                question = self._budget.question(
                    anchor,
                    pool[action],
                    "pool",
                    score=float(policy[action]),
                    group=anchor,
                    reason=f"number {action + 1} of an anchor's pool, chosen with probability {policy[action]:.3f}",
                )
                self._choices[question.a, question.b] = Choice(position, state, allowed, action)
                questions.append(question)
        return questions

    @cached_property
    def _anchors(self) -> Anchors:
        state = self._state
        anchors = Anchors(state.previous_state, len(state.labels), self._generator)
        if self._config.anchor_order == "medoid":
            groups = Groups(state.labels)
            distances, _ = groups.dispersion(state.features, groups.mean(state.features))
            anchors.put_first(groups.argmin(distances))
        return anchors

    @cached_property
    def _agent(self) -> "Agent":
        from whosame.strategies.dral.agent import Agent, inherited, newborn

        config = self._config
        arrays = inherited(self._state.previous_state, config.pool, config.k_max)
        return Agent(
            arrays or newborn(config.pool, config.k_max, self._generator),
            pool=config.pool,
            gamma=config.gamma,
            entropy=config.entropy,
            learning_rate=config.learning_rate,
        )


class DRAL(Strategy):
    """Deep reinforcement active learning: an agent that learns from the answers chooses the questions."""

    def __init__(self, config: DRALConfig | None = None) -> None:
        self.config = config or DRALConfig()

    def start(self, state: RoundState) -> DRALSession:
        """Begin a round."""
        return DRALSession(state, self.config)

    def schedule(self, budget: int, rounds: int) -> list[int]:
        """Spread the budget as configured."""
        return spread(budget, rounds, self.config.schedule)
