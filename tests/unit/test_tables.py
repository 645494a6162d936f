"""Questions and answers survive being tables, empty ones too."""

import numpy as np

from whosame.data.manifest import TrainSet
from whosame.memory import LabelMemory
from whosame.pipelines.active_round.tables import (
    answers_table,
    asked_so_far,
    memory_table,
    questions_table,
    read_answers,
    read_memory,
    read_questions,
)
from whosame.questions import Answer, Question

TRAIN = TrainSet(np.array([3, 5, 8, 13]), np.zeros(4, np.int64), ("a", "b", "c", "d"))
ASKED = [Question(0, 2, "within", 1.5, 7, "chaotic"), Question(1, 3, "between", -0.5, 2, "near")]


def test_questions_and_answers_come_back_over_image_ids():
    table = questions_table(ASKED, TRAIN)
    assert table["image_a"].tolist() == [3, 5]
    assert table["image_b"].tolist() == [8, 13]
    back = read_questions(table, TRAIN)
    assert [(q.a, q.b, q.kind, q.score, q.group, q.reason) for q in back] == [
        (q.a, q.b, q.kind, q.score, q.group, q.reason) for q in ASKED
    ]
    answers = [
        Answer(ASKED[0], "same", "oracle", "oracle", 5.0),
        Answer(ASKED[1], "unsure", "human", "ann", 2.5, 3, True),
    ]
    table = answers_table(answers, TRAIN)
    assert read_answers(table, TRAIN) == answers
    assert table["asked"].tolist() == [1, 3]
    assert read_answers(table.drop(columns=["asked", "overturned"]), TRAIN) == [
        answers[0],
        Answer(*vars_of(answers[1])),
    ]


def vars_of(answer):
    return answer.question, answer.verdict, answer.source, answer.annotator, answer.seconds


def test_the_memory_grows_by_what_was_paid_for():
    memory = LabelMemory()
    memory.add(0, 2, same=True)
    log = memory_table(None, memory, [Answer(ASKED[0], "same", asked=3)], TRAIN, 0)
    memory.skip(1, 3)
    log = memory_table(log, memory, [Answer(ASKED[1], "unsure", asked=2)], TRAIN, 1)
    assert log["round"].tolist() == [0, 1]
    assert log["image_a"].tolist() == [3, 5]
    assert log["asked"].tolist() == [3, 2]
    assert asked_so_far(log) == 5
    assert read_memory(log, TRAIN).log == [(0, 2, "same"), (1, 3, "unsure")]


def test_in_older_runs_every_pair_was_asked_once():
    memory = LabelMemory()
    memory.add(0, 2, same=True)
    old = memory_table(None, memory, [Answer(ASKED[0], "same")], TRAIN, 0).drop(columns="asked")
    assert asked_so_far(old) == 1
    memory.skip(1, 3)
    log = memory_table(old, memory, [Answer(ASKED[1], "unsure", asked=2)], TRAIN, 1)
    assert log["asked"].tolist() == [1, 2]
    assert log["asked"].dtype == np.int64
    assert asked_so_far(None) == 0


def test_empty_tables_keep_their_types():
    assert read_questions(questions_table([], TRAIN), TRAIN) == []
    assert read_answers(answers_table([], TRAIN), TRAIN) == []
    log = memory_table(None, LabelMemory(), [], TRAIN, 0)
    assert asked_so_far(log) == 0
    assert len(read_memory(log, TRAIN)) == 0
    assert log["image_a"].dtype == np.int64


def test_what_was_found_again_is_told_and_costs_nothing():
    found = Answer(ASKED[0], "same", "memory", "alice", asked=0, found_again=True)
    assert read_answers(answers_table([found], TRAIN), TRAIN) == [found]
    memory = LabelMemory()
    memory.add(0, 2, same=True)
    assert asked_so_far(memory_table(None, memory, [found], TRAIN, 0)) == 0
