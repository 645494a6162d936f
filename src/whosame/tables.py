"""Tables of questions, answers and the label memory: over image ids on disk, rows of the training set in the core."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whosame.memory import LabelMemory
from whosame.questions import Answer, Known, Question, Verdict

ImageIds = NDArray[np.int64]  # int64 [N]: of the training images, ascending

UNDONE = "undone"  # in place of a verdict: the rows before it about the pair hold no longer
QUESTION = ["image_a", "image_b", "kind", "score", "group", "reason", "p_same"]
ANSWER = ["verdict", "source", "annotator", "seconds", "asked", "overturned", "found_again"]


def questions_table(questions: Sequence[Question], image_ids: ImageIds) -> pd.DataFrame:
    """Return a row a question, in the order they are asked."""
    rows = [(image_ids[q.a], image_ids[q.b], q.kind, q.score, q.group, q.reason, q.p_same) for q in questions]
    whole, real = ("image_a", "image_b", "group"), ("score", "p_same")
    types = dict.fromkeys(whole, "int64") | dict.fromkeys(real, "float64")  # of an empty table too
    return pd.DataFrame(rows, columns=QUESTION).astype({**types, "kind": "string", "reason": "string"})


def read_questions(table: pd.DataFrame, image_ids: ImageIds) -> list[Question]:
    """Return the questions of a table."""
    pairs = zip(*_rows(table, image_ids), strict=True)
    p_same = table["p_same"] if "p_same" in table else pd.Series(np.nan, table.index)  # not in an older version's
    probable = p_same.astype(object).where(p_same.notna(), None)
    rest = zip(table["kind"], table["score"], table["group"], table["reason"], probable, strict=True)
    return [
        Question(a, b, kind, float(score), int(group), reason, p_same=p)
        for (a, b), (kind, score, group, reason, p) in zip(pairs, rest, strict=True)
    ]


def answers_table(answers: Sequence[Answer], image_ids: ImageIds) -> pd.DataFrame:
    """Return a row an answer, in the order they were given."""
    table = questions_table([answer.question for answer in answers], image_ids)
    types = dict.fromkeys(ANSWER[:3], "string") | {"seconds": "float64", "asked": "int64"}
    for name in ANSWER:
        values = [getattr(answer, name) for answer in answers]
        table[name] = pd.Series(values, dtype=types.get(name, "bool"), index=table.index)
    return table


def read_answers(table: pd.DataFrame, image_ids: ImageIds) -> list[Answer]:
    """Return the answers of a table."""
    table = in_force(table)
    rest = zip(*(table[name].tolist() for name in ANSWER), strict=True)
    return [Answer(question, *values) for question, values in zip(read_questions(table, image_ids), rest, strict=True)]


def memory_table(
    before: pd.DataFrame | None, memory: LabelMemory, answers: Sequence[Answer], image_ids: ImageIds, number: int
) -> pd.DataFrame:
    """Return every answer that was paid for so far, in the order in which the memory took them.

    Parameters
    ----------
    before : DataFrame or None
        This table after the round before.
    memory : LabelMemory
        With the round's answers.
    answers : sequence of Answer
        The round's, which know how often each pair was asked.
    image_ids : int64 [N]
    number : int
        The round.
    """
    log = memory.log[0 if before is None else len(in_force(before)) :]
    asked = {(answer.question.a, answer.question.b): answer.asked for answer in answers}
    rows = [(image_ids[a], image_ids[b], verdict, number, asked[a, b]) for a, b, verdict in log]
    types = {"image_a": "int64", "image_b": "int64", "verdict": "string", "round": "int64", "asked": "int64"}
    new = pd.DataFrame(rows, columns=list(types)).astype(types)
    return new if before is None or len(before) == 0 else pd.concat([before, new], ignore_index=True)


def with_found(before: pd.DataFrame | None, found: pd.DataFrame, number: int) -> pd.DataFrame:
    """Return the table of :func:`memory_table` as a round begins: with the answers found elsewhere, which cost nothing.

    Parameters
    ----------
    before : DataFrame or None
        After the round before.
    found : DataFrame
        As :func:`answers_table` makes it.
    number : int
        The round.
    """
    new = pd.DataFrame({name: found[name] for name in ("image_a", "image_b", "verdict")}).assign(round=number, asked=0)
    new = new.astype({"round": "int64", "asked": "int64"})
    return new if before is None else pd.concat([before, new], ignore_index=True) if len(new) else before


def in_force(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a table of answers or of the memory without those that were undone in a later round."""
    if UNDONE not in table["verdict"].tolist():
        return table
    rows: dict[tuple[int, int], list[int]] = {}
    for row, (a, b, verdict) in enumerate(zip(table["image_a"], table["image_b"], table["verdict"], strict=True)):
        rows[a, b] = [] if verdict == UNDONE else [*rows.get((a, b), []), row]
    return table.iloc[sorted(row for found in rows.values() for row in found)].reset_index(drop=True)


def undone_rows(undone: Mapping[tuple[int, int], Verdict | None]) -> pd.DataFrame:
    """Return rows for :func:`with_found` that take answers out of the memory.

    Parameters
    ----------
    undone : mapping of (int, int) to str or None
        Pairs of image ids of which an answer was undone, and what those that are left decide; None: nothing.
    """
    rows = [(a, b, each) for (a, b), verdict in undone.items() for each in (UNDONE, verdict) if each is not None]
    table = pd.DataFrame(rows, columns=["image_a", "image_b", "verdict"])
    return table.astype({"image_a": "int64", "image_b": "int64", "verdict": "string"})


def with_undone(found: pd.DataFrame, undone: Mapping[tuple[int, int], Verdict | None]) -> pd.DataFrame:
    """Return what is found as a round begins, as :func:`answers_table` makes it, after :func:`undone_rows`."""
    if not undone:
        return found
    table = undone_rows(undone).assign(kind="pool", score=0.0, group=-1, reason="", p_same=np.nan, source="memory")
    table = table.assign(annotator="", seconds=0.0, asked=0, overturned=False, found_again=True)
    return pd.concat([table[found.columns].astype(found.dtypes), found], ignore_index=True)


def asked_so_far(memory: pd.DataFrame | None) -> int:
    """Return how many questions of the budget a memory table cost: each attempt at a pair, none for one found again."""
    return 0 if memory is None else int(memory["asked"].sum())


def read_memory(table: pd.DataFrame | None, image_ids: ImageIds, known: pd.DataFrame | None = None) -> LabelMemory:
    """Build the label memory from its table and that of :func:`known_table`; without them, an empty one."""
    before = read_known(known, image_ids)
    if table is None:
        return LabelMemory(before)
    table = in_force(table)
    return LabelMemory.from_log(*_rows(table, image_ids), table["verdict"].tolist(), before)


def known_table(image_ids: ImageIds, individuals: Sequence[str], encounters: Sequence[int]) -> pd.DataFrame:
    """Return a row for each image of which something is known before any answer: image_id, individual, encounter.

    Parameters
    ----------
    image_ids : int64 [N]
    individuals : sequence of str, N long
        Names; empty where unknown.
    encounters : sequence of int, N long
        -1: of none.
    """
    table = pd.DataFrame({"image_id": image_ids, "individual": list(individuals), "encounter": list(encounters)})
    table = table.astype({"image_id": "int64", "individual": "string", "encounter": "int64"})
    return table[(table["individual"] != "") | (table["encounter"] >= 0)].reset_index(drop=True)


def read_known(table: pd.DataFrame | None, image_ids: ImageIds) -> Known | None:
    """Return what is known before any answer; None where that is nothing."""
    if table is None or len(table) == 0:
        return None
    rows = np.searchsorted(image_ids, table["image_id"].to_numpy())
    individuals, encounters = (np.full(len(image_ids), -1, np.int64) for _ in range(2))
    names, numbers = np.unique(table["individual"].to_numpy(str), return_inverse=True)
    individuals[rows] = np.where(names[numbers] == "", -1, numbers)
    encounters[rows] = table["encounter"]
    return Known(individuals, encounters)


def known_names(table: pd.DataFrame | None) -> dict[int, str]:
    """Return the names of the individuals that are known before any answer, by image id."""
    if table is None:
        return {}
    return {image: name for image, name in zip(table["image_id"].tolist(), table["individual"], strict=True) if name}


def _rows(table: pd.DataFrame, image_ids: ImageIds) -> tuple[list[int], list[int]]:
    a, b = (np.searchsorted(image_ids, table[name].to_numpy()).tolist() for name in ("image_a", "image_b"))
    return a, b
