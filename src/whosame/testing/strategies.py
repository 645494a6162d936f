"""Checks of strategies: the rules of asking, and labels that obey the answers."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whosame.memory import LabelMemory
from whosame.strategies.base import RoundState, Session, Strategy
from whosame.testing.checks import imported_names, require, run_checks, situation
from whosame.testing.rounds import content, plain, round_state
from whosame.testing.sessions import ANNOTATORS, PlayedRound, play

SITUATIONS: dict[str, dict[str, Any]] = {
    "clusters": {},
    "no cluster": {"labels": [-1] * 96},
    "one cluster": {"labels": [7] * 96},
    "two clusters": {"labels": [0] * 40 + [-1] * 16 + [3] * 40},
    "each image alone in a cluster": {"labels": range(96)},
    "one image": {"labels": [-1]},
    "one image in a cluster": {"labels": [0]},
    "two images": {"labels": [0, 1]},
    "budget 0": {"budget": 0},
    "budget 1": {"budget": 1},
    "budget above all pairs": {"budget": 10**6},
    "no vertical positions": {"vertical": None},
}
ASKING = ("clusters", "no vertical positions")  # situations with questions worth asking
TELLING = ("the truth", "contradictions")  # annotators whose answers differ between pairs
SECRETS = ("whosame.data.indexing", "whosame.data.manifest")  # modules that hold identities


def check_strategy(strategy: Strategy | Callable[[Mapping[str, Any]], Strategy]) -> None:
    """Check that a strategy keeps to what the rounds rely on.

    Parameters
    ----------
    strategy : Strategy or callable
        A strategy, or what its entry point names: a callable that takes the parameters (none here: the defaults must
        do) and returns the strategy.

    Raises
    ------
    AssertionError
        A check fails. The message names the check, the situation, and what was broken.

    Examples
    --------
    >>> from whosame.strategies.baselines import RandomPairs
    >>> check_strategy(RandomPairs())
    """
    made = strategy if isinstance(strategy, Strategy) else strategy({})
    require(isinstance(made, Strategy), f"{strategy!r} returned a {type(made).__name__}: it returns a Strategy")
    run_checks(STRATEGY_CHECKS, made, type(made).__name__)


def _played(strategy: Strategy, state: RoundState, annotator: str, **options: int) -> tuple[Session, PlayedRound]:
    with situation(f"where the answers are {annotator}"):
        session = strategy.start(state)
        return session, play(session, state, ANNOTATORS[annotator], **options)


def _check_schedule(strategy: Strategy) -> None:
    for budget in (0, 1, 7, 3000):
        for rounds in (1, 2, 10, 50):
            shares = strategy.schedule(budget, rounds)
            call, total = f"schedule({budget}, {rounds})", budget if strategy.asks else 0
            require(len(shares) == rounds, f"{call} has {len(shares)} rounds")
            require(min(shares) >= 0, f"{call} has a round of {min(shares)} questions")
            require(sum(shares) == total, f"{call} spends {sum(shares)} questions instead of {total}")


def _check_rounds(strategy: Strategy) -> None:
    for name, options in SITUATIONS.items():
        for annotator in ANNOTATORS:
            with situation(f"in the situation {name!r}"):
                state = round_state(**options)
                before = content(state)
                session, played = _played(strategy, state, annotator)
                require(played.answers or not (strategy.asks and name in ASKING), "it asks nothing, but asks = True")
                labels = strategy.reassign(state, played.memory, played.answers)
                _check_labels(labels, state, played.memory)
                _check_next_state(session)
                changed = [part for part, content in content(state).items() if content != before[part]]
                require(not changed, f"it changed state.{', state.'.join(changed)}: a strategy works on copies")


def _check_labels(labels: NDArray[np.int64], state: RoundState, memory: LabelMemory) -> None:
    require(isinstance(labels, np.ndarray), f"reassign() returned a {type(labels).__name__}: it returns an array")
    about = f"reassign() returned {labels.dtype} {list(labels.shape)}"
    require(labels.dtype == np.int64, f"{about}: labels are int64")
    require(labels.shape == state.labels.shape, f"{about}: labels are those of {len(state.labels)} images")
    require(labels.min() >= -1, f"reassign() returned the label {labels.min()}: -1 is an outlier, clusters start at 0")
    for a, b, _ in memory.log:
        known, together = memory.implied(a, b), labels[a] == labels[b] and labels[a] >= 0
        require(
            known is None or known == together,
            f"reassign() leaves {a} and {b} {'in one cluster' if together else 'apart'}, against the answers: "
            "end it with whosame.clustering.enforce, as the inherited reassign() does",
        )


def _check_next_state(session: Session) -> None:
    state = session.next_state()
    wrong = [name for name, value in state.items() if not isinstance(value, np.ndarray)]
    require(not wrong, f"next_state() has {wrong}, which are no arrays: the round's files hold arrays only")


def _check_later_rounds(strategy: Strategy) -> None:
    for annotator in TELLING:
        memory, labels, asking = LabelMemory(), None, 0
        previous_state: dict[str, NDArray[np.generic]] = {}
        asked: set[tuple[int, int]] = set()
        for number in range(4):
            state = round_state(
                labels=labels, budget=15, seed=number, memory=memory, round=number, previous_state=previous_state
            )
            with situation(f"in round {number}"):
                session, played = _played(strategy, state, annotator)
                again = played.paid_pairs & asked
                require(
                    not again,
                    f"it asks about {sorted(again)[:3]}, as in an earlier round: state.memory has the answers",
                )
                labels = strategy.reassign(state, played.memory, played.answers)
                _check_labels(labels, state, played.memory)
            memory, previous_state = played.memory, session.next_state()
            asked |= played.paid_pairs
            asking += bool(played.paid_pairs)
        require(asking > 1 or not strategy.asks, f"only {asking} of 4 rounds ask: answers of earlier rounds end it")


def _check_repeatable(strategy: Strategy) -> None:
    for annotator in TELLING:
        first = _played(strategy, state := round_state(), annotator)[1]
        require(bool(first.batches) == strategy.asks, f"it asked {len(first.answers)} pairs; asks = {strategy.asks}")
        _played(strategy, round_state(labels=[0] * 96, budget=7), annotator)
        for other in (state, round_state()):
            second = _played(strategy, other, annotator)[1]
            require(
                first.batches == second.batches,
                "it asks other questions the second time: an interrupted round could not be resumed. Draw from a copy "
                "of state.generator and nothing else, break ties by row, keep nothing in the strategy",
            )
            one, two = (strategy.reassign(other, played.memory, played.answers) for played in (first, second))
            require(np.array_equal(one, two), "reassign() returns other labels the second time")


def _check_resumable(strategy: Strategy) -> None:
    for annotator in TELLING:
        whole = _played(strategy, round_state(), annotator)[1]
        for found in (1, 7, 19):
            resumed = _played(strategy, round_state(), annotator, found=found)[1]
            require(
                (resumed.batches, resumed.memory.log) == (whole.batches, whole.memory.log),
                f"it goes on otherwise where the first {found} answers come from the label store (source 'memory'): "
                "only the verdict of an answer may decide",
            )


def _check_explained(strategy: Strategy) -> None:
    for answer in _played(strategy, round_state(), "the truth")[1].answers:
        question = answer.question
        require(question.kind in ("within", "between", "pool"), f"{question} has an unknown kind")
        require(question.reason, f"{question} has no reason: people read there why it was asked")
        require(np.isfinite(question.score), f"{question} has no finite score")


def _check_keeps_nothing(strategy: Strategy) -> None:
    before = copy.deepcopy(plain(vars(strategy)))
    _played(strategy, round_state(), "the truth")
    changed = [name for name, value in plain(vars(strategy)).items() if name not in before or value != before[name]]
    require(
        not changed,
        f"the strategy's {', '.join(changed)} changed in a round: each round may be another process, so what the next "
        "one needs goes through next_state()",
    )


def _check_blind(strategy: Strategy) -> None:
    imported = imported_names(type(strategy).__module__)
    secret = sorted(name for name in imported if f"{name}.".startswith(tuple(f"{one}." for one in SECRETS)))
    require(not secret, f"its module imports {', '.join(secret)}, where identities are known: a strategy sees none")


STRATEGY_CHECKS: dict[str, Callable[[Strategy], None]] = {
    "the schedule spends the budget": _check_schedule,
    "rounds keep the rules of asking, and labels obey the answers": _check_rounds,
    "later rounds build on earlier ones": _check_later_rounds,
    "the same round asks the same questions": _check_repeatable,
    "an interrupted round can be resumed": _check_resumable,
    "questions say why": _check_explained,
    "the strategy keeps nothing between rounds": _check_keeps_nothing,
    "no identity is in reach": _check_blind,
}
