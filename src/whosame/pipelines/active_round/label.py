"""Nodes that label: the questions are answered, and the clusters obey the answers."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whosame import active_round
from whosame.annotators.registry import HUMAN, AnnotatorConfig
from whosame.clustering import ClusteringConfig
from whosame.data.manifest import Manifest, TrainSet, Truth
from whosame.data.pixels import Pixels
from whosame.errors import ResumeError
from whosame.evaluation import EvaluationConfig, changes_partition
from whosame.memory import LabelMemory
from whosame.parameters import parse
from whosame.pipelines.active_round.annotators import oracle_answers, people_answer
from whosame.pipelines.active_round.this_round import ThisRound
from whosame.questions import Question
from whosame.reporting.pair_images import pair_images
from whosame.strategies import registry
from whosame.strategies.base import RoundState, Session, Strategy
from whosame.tables import (
    answers_table,
    asked_so_far,
    in_force,
    memory_table,
    read_answers,
    read_memory,
    read_questions,
)


def annotate(
    this_round: ThisRound,
    state: RoundState,
    questions: pd.DataFrame,
    manifest: Manifest,
    train_set: TrainSet,
    truth: Truth,
    start_memory: pd.DataFrame,
    strategy: str,
    strategies: dict[str, Any],
    annotator: str,
    annotator_options: dict[str, Any],
    layout: str,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, NDArray[Any]]]:
    """Ask the annotator the questions, and those that the answers lead to, until the round's budget is spent."""
    first = read_questions(questions, train_set.image_ids)
    begin = partial(_begin_again, registry.make(strategy, strategies), state, first)
    options = parse(AnnotatorConfig, annotator_options, "annotator_options")
    if annotator == HUMAN:
        asked = asked_so_far(start_memory)
        people = partial(people_answer, layout=layout, asked=asked)
        session, result = people(this_round, state, begin, train_set, manifest, options)
    else:
        session, result = oracle_answers(this_round, state, begin, train_set, truth, annotator, options)
    memory = memory_table(start_memory, result.memory, result.answers, train_set.image_ids, this_round.number)
    return answers_table(result.answers, train_set.image_ids), memory, session.next_state()


def reassign(
    state: RoundState,
    answers: pd.DataFrame,
    memory: pd.DataFrame,
    known: pd.DataFrame,
    train_set: TrainSet,
    truth: Truth,
    strategy: str,
    strategies: dict[str, Any],
    clustering: dict[str, Any],
) -> NDArray[np.int64]:
    """Apply the round's answers to the clusters."""
    return active_round.reassign(
        registry.make(strategy, strategies),
        state,
        memory_in_force(memory, known, train_set, state.round, clustering),
        read_answers(answers, train_set.image_ids),
        truth.identities,
    )


def draw_pairs(
    answers: pd.DataFrame,
    clusters: NDArray[np.int64],
    pixels: Pixels,
    train_set: TrainSet,
    evaluation: dict[str, Any],
) -> bytes:
    """Draw the round's pairs with their answers."""
    paid = [answer for answer in read_answers(answers, train_set.image_ids) if answer.source != "closure"]
    shown = paid[: parse(EvaluationConfig, evaluation, "evaluation").pairs_shown]
    first, second = (
        pixels.read(train_set.image_ids[[getattr(answer.question, side) for answer in shown]]) for side in ("a", "b")
    )
    return pair_images(first, second, shown, changes_partition(shown, clusters), total=len(paid))


def memory_in_force(
    memory: pd.DataFrame, known: pd.DataFrame, train_set: TrainSet, number: int, clustering: dict[str, Any]
) -> LabelMemory:
    """Return the answers that the labels of a round obey; see :func:`whosame.active_round.memory_in_force`."""
    return active_round.memory_in_force(
        read_memory(memory, train_set.image_ids, known),
        earlier=int((in_force(memory)["round"] < number).sum()),
        reuse=parse(ClusteringConfig, clustering, "clustering").reuse,
    )


def _begin_again(strategy: Strategy, state: RoundState, first: list[Question]) -> tuple[Session, list[Question]]:
    session, questions = active_round.select_pairs(strategy, state)
    if questions != first:
        raise ResumeError("the strategy does not ask what it asked before the interruption: was its code changed?")
    return session, questions
