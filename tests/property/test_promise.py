"""The promise (docs/label-store.md): no answer of a person is overruled, and everything can be undone."""

import os
from collections import Counter, defaultdict
from contextlib import closing

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from whosame.annotation.quality.answered_pairs import disputes
from whosame.annotation.quality.contradictions import contradictions, pair_verdicts
from whosame.annotation.store.schema import answer_events
from whosame.memory import LabelMemory

HISTORIES = int(os.environ.get("WHOSAME_HISTORIES", "300"))
PARTS = 3  # for the processes of the tests
FIRST = int(os.environ.get("WHOSAME_FIRST", "0"))  # of many histories in several parts
STEPS = {  # and how often
    "round": 0.22,
    "name": 0.10,
    "review": 0.14,
    "import": 0.10,
    "exchange": 0.05,
    "audit": 0.05,
    "undo": 0.10,
    "undo_some": 0.14,
    "fork": 0.05,
    "run": 0.05,
}
CHANGING = ("round", "name", "review", "import")
GIVEN_NAMES = {"Rex", "Tom", "Ida"}


def components(n, pairs):
    ends = np.array(pairs, int).reshape(-1, 2).T
    return connected_components(coo_array((np.ones(ends.shape[1]), tuple(ends)), shape=(n, n)), directed=False)[1]


def assert_obeyed(labels, memory):
    """Every answer holds in the labels, but for the conflicts; and each of these contradicts the others."""
    left = memory.log
    for a, b, same in memory.conflicts:
        left.remove((a, b, "same" if same else "different"))
    apart = [(a, b) for a, b, verdict in left if verdict == "different"]
    component = components(len(labels), [(a, b) for a, b, verdict in left if verdict == "same"])
    for number in np.unique(component):
        inside = labels[component == number]
        assert len(inside) == 1 or (len(set(inside.tolist())) == 1 and inside[0] != -1)
    for a, b in apart:
        assert labels[a] != labels[b] or labels[a] == -1
    differ = {(component[a], component[b]) for a, b in apart} | {(component[b], component[a]) for a, b in apart}
    for a, b, same in memory.conflicts:
        assert (component[a], component[b]) in differ if same else component[a] == component[b]


def decided(answers, overlap):
    """What the answers to each pair decide, one verdict an attempt; counted here once more, and simply."""
    votes = defaultdict(lambda: defaultdict(list))
    for answer in answers:
        votes[answer.image_a, answer.image_b][answer.attempt].append(answer)
    found = defaultdict(list)
    for pair, attempts in votes.items():
        for _, given_ in sorted(attempts.items()):
            settled = [answer.verdict for answer in given_ if answer.settles]
            together = sum(answer.found_in is not None for answer in given_)
            for enough in range(max(overlap, together), len(given_) + 1):
                (most, times), *others = Counter(answer.verdict for answer in given_[:enough]).most_common()
                if settled or not others or times > others[0][1] or enough > overlap:
                    tied = bool(others) and times == others[0][1]
                    found[pair].append(settled[-1] if settled else "unsure" if tied else most)
                    break
            else:
                found[pair] += settled[-1:]
    return {pair: verdicts for pair, verdicts in found.items() if verdicts}


def assert_kept(history, run):
    """What the answers of people decide is in the run's memory, and nothing else is; what is not obeyed is listed."""
    uid, overlap, memory = run.about()["uid"], history.overlap(run), history.memory(run)
    assert_obeyed(history.labels(memory), memory)
    ids = history.ids
    log = {(int(ids[a]), int(ids[b]), verdict) for a, b, verdict in memory.log}
    own = history.valid(answer_events.c.run_uid == uid)
    listed = contradictions(pair_verdicts(history.store, uid), limit=10**6)
    on_list = {(each.answer.a, each.answer.b) for each in listed}
    on_list |= {pair.images for pair in disputes(history.store, uid, limit=10**6)}
    for (a, b), verdicts in decided(own, overlap).items():
        (most, times), *_ = Counter(verdicts).most_common()
        verdict = most if times > 1 else "unsure" if len(verdicts) > 2 else verdicts[0]
        assert (a, b, verdict) in log or (a, b) in on_list, (a, b, verdict, sorted(log))
    assert_supported(history, run, memory)
    if not run.origins and memory.conflicts:
        pairs = [(row.image_a, row.image_b) for row in own]
        part = components(int(ids.max()) + 1, pairs)
        assert {part[ids[a]] for a, *_ in memory.conflicts} <= {part[a] for a, _ in on_list}


def assert_supported(history, run, memory):
    """Each entry of a memory is what an answer says that was not undone, or follows from the others."""
    ids = history.ids
    valid = history.valid(answer_events.c.run_uid.in_(history.uids(run)))
    originals = {row.id for row in history.valid()}
    valid = [row for row in valid if row.found_in is None or row.found_in in originals]
    supported = {(row.image_a, row.image_b, row.verdict) for row in valid}
    answered = {(row.image_a, row.image_b) for row in valid}
    for entry in memory.log:
        a, b, verdict = int(ids[entry[0]]), int(ids[entry[1]]), entry[2]
        if (a, b, verdict) not in supported and verdict != "unsure":
            rest = LabelMemory.from_log(*zip(*[other for other in memory.log if other != entry], strict=True))
            assert (a, b) in answered
            assert rest.implied(*entry[:2]) == (verdict == "same")


def step(history, name, run, draw):
    """Do one thing; return what undoes it, None where nothing does."""
    if name == "round" and run.completed() < history.rounds:
        begun = run.computed(run.completed())
        if history.play_round(run, draw):
            labels, memory = history.learnt(run)
            assert_obeyed(labels, memory)
            if not begun:  # one that was cut off goes on with what it began with
                assert_supported(history, run, memory)
    elif name == "name":
        assert_obeyed(*history.name(run, draw))
    elif name == "review" and history.named(run):
        undo = history.review(run, draw)
        state = history.review_state(run)
        for a, b, _ in state.memory.conflicts:
            assert state.labels[a] in state.order[: 2 * len(state.memory.conflicts)] or state.labels[a] == -1, b
        return undo
    elif name == "import":
        return history.import_answers(run, draw)
    elif name == "fork" and run.completed() and len(history.runs) < 3:
        history.fork(run, int(draw.integers(run.completed())))
    elif name == "run" and len(history.runs) < 3:
        other = history.new_run(history.overlap(run), run.about()["strategy"])
        history.play_round(other, draw, cut_off=False)  # it begins with what is known
    elif name in ("exchange", "audit", "undo_some"):
        getattr(history, name)(run, draw)
    return None


def play(history, draw, done):
    """Play a history of a few steps, and check everything after each; ``done`` gets their names."""
    undoable, now = [], history.kept()
    for name in draw.choice([*STEPS], draw.integers(3, 6), p=[*STEPS.values()]).tolist():
        run = history.runs[draw.integers(len(history.runs))]
        done.append(f"{name} of {run.name}")
        kept, files = now, {other: history.files(other) for other in history.runs}
        comparing = name in ("review", "import", "exchange", "audit", "fork", "run")
        states = [history.state(each) for each in history.runs] if comparing else []
        if name == "undo":
            if undoable:
                undo, before = undoable.pop()
                undo()
                history.changed()
                assert [history.state(each) for each in history.runs] == before
        else:
            undo = step(history, name, run, draw)
            undoable = [*undoable, (undo, states)] if undo else undoable if name in ("exchange", "audit") else []
        history.changed()
        now = history.kept()
        assert all(now[table][: len(rows)] == rows for table, rows in kept.items())  # nothing is changed or lost
        uids = {row[1] for row in now["answer_events"][len(kept["answer_events"]) :]}
        for other in history.runs:
            if other != run and other in files:
                assert history.files(other) == files[other]
                assert other.about()["uid"] not in uids
            if other not in files or name in ("undo", "undo_some") or (other == run and name in CHANGING):
                assert_kept(history, other)
        if name in ("exchange", "audit", "fork", "run"):
            assert [history.state(each) for each in history.runs][: len(states)] == states
    done.append("undo everything")
    history.undo_everything()
    history.changed()
    for run in history.runs:
        memory = history.memory(run)
        assert memory.log == []
        assert history.labels(memory).tolist() == history.labels(LabelMemory()).tolist()
        if history.named(run):
            history.name(run, None)
            assert not {*history.review_state(run).table.names} & GIVEN_NAMES


@pytest.mark.parametrize("part", range(PARTS))
def test_no_answer_is_overruled_and_everything_can_be_undone(history_of, part):
    for number in range(FIRST + part, FIRST + HISTORIES, PARTS):
        draw, done = np.random.default_rng([5, number]), []
        with closing(history_of(number, int(draw.integers(1, 3)))) as history:
            try:
                play(history, draw, done)
            except BaseException as error:
                error.add_note(f"history {number} (WHOSAME_FIRST={number} WHOSAME_HISTORIES=1): {', '.join(done)}")
                raise
