"""Questions, answers and the memory come back from their tables, empty ones too."""

import numpy as np

from whosame.memory import LabelMemory
from whosame.questions import Answer, Question
from whosame.tables import (
    answers_table,
    asked_so_far,
    memory_table,
    questions_table,
    read_answers,
    read_memory,
    read_questions,
)

IDS = np.array([3, 5, 8, 13])
ASKED = [Question(0, 2, "within", 1.5, 7, "chaotic"), Question(1, 3, "between", -0.5, 2, "near")]
ANSWERS = [
    Answer(ASKED[0], "same", "oracle", "oracle", 5.0),
    Answer(ASKED[1], "unsure", "human", "ann", 2.5, 3, True),
    Answer(ASKED[0], "same", "memory", "alice", asked=0, found_again=True),
]


def test_questions_and_answers_come_back_over_image_ids():
    table = questions_table(ASKED, IDS)
    assert table["image_a"].tolist() == [3, 5]
    assert table["image_b"].tolist() == [8, 13]
    assert [vars(question) for question in read_questions(table, IDS)] == [vars(question) for question in ASKED]
    table = answers_table(ANSWERS, IDS)
    assert read_answers(table, IDS) == ANSWERS
    assert table["asked"].tolist() == [1, 3, 0]


def test_the_memory_grows_by_what_was_paid_for():
    memory = LabelMemory()
    memory.add(0, 2, same=True)
    log = memory_table(None, memory, [Answer(ASKED[0], "same", asked=3)], IDS, 0)
    memory.skip(1, 3)
    log = memory_table(log, memory, [Answer(ASKED[1], "unsure", asked=2)], IDS, 1)
    assert log["round"].tolist() == [0, 1]
    assert log["image_a"].tolist() == [3, 5]
    assert log["asked"].tolist() == [3, 2]
    assert asked_so_far(log) == 5
    assert read_memory(log, IDS).log == [(0, 2, "same"), (1, 3, "unsure")]
    found_again = memory_table(None, LabelMemory.from_log([0], [2], ["same"]), ANSWERS[2:], IDS, 0)
    assert asked_so_far(found_again) == 0


def test_empty_tables_keep_their_types():
    assert read_questions(questions_table([], IDS), IDS) == []
    empty = answers_table([], IDS)
    assert read_answers(empty, IDS) == []
    assert (empty.dtypes == answers_table(ANSWERS, IDS).dtypes).all()
    log = memory_table(None, LabelMemory(), [], IDS, 0)
    assert asked_so_far(log) == asked_so_far(None) == 0
    assert len(read_memory(log, IDS)) == len(read_memory(None, IDS)) == 0
    assert log["image_a"].dtype == np.int64
