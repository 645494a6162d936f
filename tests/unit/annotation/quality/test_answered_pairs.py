"""Answered pairs: disputes, decisions, and the last answers."""

from whosame.annotation.quality.answered_pairs import answered_pair, answered_pairs, disputes, recent_answers


def test_disputes_are_the_pairs_with_different_answers_newest_first(store, task_queue, says):
    task_queue(3, overlap=2)
    (first, _), (second, _), (third, _) = says("alice", "same", "same", "unsure")
    says("bob", "different", "same", "different")
    found = disputes(store, "uid")
    assert [one.task for one in found] == [third, first]
    assert [(given.annotator, given.verdict) for given in found[1].answers] == [("alice", "same"), ("bob", "different")]
    assert found[1].images == (0, 1)
    assert len(set(found[1].tokens)) == 2
    assert [(one.verdict, one.can_settle, one.settled) for one in found] == [(None, True, False)] * 2
    assert (answered_pair(store, "uid", second).verdict, answered_pair(store, "uid", second).disputed) == (
        "same",
        False,
    )
    assert disputes(store, "another run") == []


def test_a_third_answer_decides_and_an_undone_answer_ends_a_dispute(store, people, task_queue, says):
    task_queue(2, overlap=2)
    says("alice", "same", "same")
    (first, _), (second, his) = says("bob", "different", "different")
    says("carol", "same")
    assert [one.task for one in disputes(store, "uid", undecided=True)] == [second]
    [decided] = disputes(store, "uid", undecided=False)
    assert (decided.task, decided.verdict) == (first, "same")
    people.undo("bob", his)
    assert [one.task for one in disputes(store, "uid")] == [first]


def test_disputes_of_one_round_and_no_more_than_asked_for(store, task_queue, says):
    task_queue(2, overlap=2)
    says("alice", "same", "same")
    says("bob", "different", "different")
    task_queue([(4, 5)], overlap=2, round=1)
    says("alice", "same")
    says("bob", "different")
    assert [(one.round, one.can_settle) for one in disputes(store, "uid")] == [(1, True), (0, False), (0, False)]
    assert len(disputes(store, "uid", number=0)) == 2
    assert len(disputes(store, "uid", limit=1)) == 1


def test_pairs_come_in_the_order_asked_for(store, task_queue):
    task_queue(2)
    assert [one.task for one in answered_pairs(store, "uid", [2, 1, 77])] == [2, 1]
    assert answered_pair(store, "another run", 1) is None
    assert not answered_pair(store, "uid", 1).can_settle  # nobody has answered


def test_the_last_answers_with_undone_ones(store, people, task_queue, says):
    task_queue(2)
    [(task, wrong), (other, kept)] = says("alice", "same", "unsure")
    people.undo("alice", wrong)
    newest, older = recent_answers(store, "uid")
    assert (newest.event, newest.task, newest.verdict, newest.undone) == (kept, other, "unsure", False)
    assert (older.task, older.verdict, older.undone, older.annotator) == (task, "same", True, "alice")
    assert newest.tokens == answered_pair(store, "uid", other).tokens
    assert [one.event for one in recent_answers(store, "uid", limit=1)] == [kept]
