"""Questions and answers as tables over the manifest's images, and back to rows of the training set."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from whosame.data.manifest import TrainSet
from whosame.memory import LabelMemory
from whosame.questions import Answer, Question

QUESTION = ["image_a", "image_b", "kind", "score", "group", "reason"]


def questions_table(questions: Sequence[Question], train_set: TrainSet) -> pd.DataFrame:
    """Return a row a question, in the order they are asked."""
    ids = train_set.image_ids
    rows = [(ids[q.a], ids[q.b], q.kind, q.score, q.group, q.reason) for q in questions]
    return _typed(pd.DataFrame(rows, columns=QUESTION))


def read_questions(table: pd.DataFrame, train_set: TrainSet) -> list[Question]:
    """Return the questions of a table."""
    a, b = (np.searchsorted(train_set.image_ids, table[name].to_numpy()) for name in ("image_a", "image_b"))
    rest = zip(table["kind"], table["score"], table["group"], table["reason"], strict=True)
    return [
        Question(int(i), int(j), kind, float(score), int(group), reason)
        for i, j, (kind, score, group, reason) in zip(a, b, rest, strict=True)
    ]


def answers_table(answers: Sequence[Answer], train_set: TrainSet) -> pd.DataFrame:
    """Return a row an answer, in the order they were given."""
    table = questions_table([answer.question for answer in answers], train_set)
    for name in ("verdict", "source", "annotator"):
        table[name] = pd.Series([getattr(answer, name) for answer in answers], dtype="string", index=table.index)
    table["seconds"] = np.array([answer.seconds for answer in answers], dtype=np.float64)
    table["asked"] = np.array([answer.asked for answer in answers], dtype=np.int64)
    for name in ("overturned", "found_again"):
        table[name] = np.array([getattr(answer, name) for answer in answers], dtype=np.bool_)
    return table


def read_answers(table: pd.DataFrame, train_set: TrainSet) -> list[Answer]:
    """Return the answers of a table."""
    table = _since(table, asked=1, overturned=False, found_again=False)
    names = ["verdict", "source", "annotator", "seconds", "asked", "overturned", "found_again"]
    said = zip(*(table[name].tolist() for name in names), strict=True)
    return [Answer(question, *rest) for question, rest in zip(read_questions(table, train_set), said, strict=True)]


def memory_table(
    before: pd.DataFrame | None, memory: LabelMemory, answers: Sequence[Answer], train_set: TrainSet, number: int
) -> pd.DataFrame:
    """Return every answer that was paid for so far, in the order they came to be believed.

    Parameters
    ----------
    before : DataFrame or None
        This table after the round before; an older one has no column ``asked``.
    memory : LabelMemory
        What is built from the table, with the round's answers.
    answers : sequence of Answer
        The round's, which know how often each pair was asked.
    train_set : TrainSet
    number : int
        The round.
    """
    log = memory.log[0 if before is None else len(before) :]
    ids = train_set.image_ids
    asked = {(answer.question.a, answer.question.b): answer.asked for answer in answers}
    rows = [(ids[a], ids[b], verdict, number, asked[a, b]) for a, b, verdict in log]
    types = {"image_a": "int64", "image_b": "int64", "verdict": "string", "round": "int64", "asked": "int64"}
    new = pd.DataFrame(rows, columns=list(types)).astype(types)
    return new if before is None else pd.concat([_since(before, asked=1), new], ignore_index=True)


def asked_so_far(memory: pd.DataFrame | None) -> int:
    """Return how many questions of the budget a memory table cost: each attempt at a pair, none for one found again."""
    return 0 if memory is None else int(_since(memory, asked=1)["asked"].sum())


def read_memory(table: pd.DataFrame | None, train_set: TrainSet) -> LabelMemory:
    """Build the label memory from its log."""
    if table is None:
        return LabelMemory()
    a, b = (np.searchsorted(train_set.image_ids, table[name].to_numpy()) for name in ("image_a", "image_b"))
    return LabelMemory.from_log(a.tolist(), b.tolist(), table["verdict"].tolist())


def _since(table: pd.DataFrame, **columns: Any) -> pd.DataFrame:
    """Give a table that an older whosame wrote the columns it lacks."""
    return table.assign(**{name: value for name, value in columns.items() if name not in table})


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """Give every column its type, for an empty table too."""
    numbers = {"image_a": "int64", "image_b": "int64", "group": "int64", "score": "float64"}
    return table.astype({**numbers, "kind": "string", "reason": "string"})
