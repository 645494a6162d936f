"""Progress on the terminal: while people answer, and the time that is left after a round."""

import pytest

from whosame.annotation.queue.round_votes import RoundVotes
from whosame.annotators.record import Progress
from whosame.app.progress_bar import AnswersBar, RoundBar, pace


def progress(given, missing, *names, seconds=0.0):
    return Progress(RoundVotes(given, missing, decided=given, waiting=missing), names, seconds)


@pytest.mark.parametrize(
    ("where", "found", "said"),
    [
        ("http://h:1", progress(4, 6, "alice", seconds=3.0), "4 of 10 answers given, http://h:1, alice is answering, about 18 s left"),
        ("", progress(0, 15), "0 of 15 answers given, no page is open: kedro annotate opens one"),
        ("http://h:1", progress(15, 0, "alice", seconds=3.0), "15 of 15 answers given, http://h:1, alice is answering\n"),
    ],
)  # fmt: skip
def test_how_far_it_is_and_where_people_answer(where, found, said, capsys):
    AnswersBar(lambda: where)(found)
    assert said in capsys.readouterr().err


def test_a_round_ends_complete(capsys):
    with AnswersBar(lambda: "http://h:1") as bar:
        for given, missing in ((0, 15), (8, 7), (14, 0)):  # one of 15 was implied
            bar(progress(given, missing))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" answers")[0] for line in lines] == ["people answer: 0 of 15", "people answer: 14 of 14"]


def test_who_answers_and_how_long_it_takes():
    assert pace(progress(0, 10)) == []
    assert pace(progress(80, 120, "carol", "bob", "alice", seconds=6.0)) == [
        "carol, bob and alice are answering",
        "about 4 min left",
    ]


@pytest.mark.parametrize(
    ("people", "said"),
    [
        (False, ["about 18 s left", "about 13 s left"]),
        (True, ["about 15 s left besides the answers", "about 11 s left besides the answers"]),
    ],
)
def test_warm_up_and_waiting_for_people_are_not_expected_of_later_rounds(people, said, clock, capsys):
    bar = RoundBar(now=clock)
    for number, warm_up in ((0, 600.0), (1, 1.0)):
        bar.begin("mine", number, 4, 12)
        seconds = {"prepare.start_network": warm_up, "label.annotate": 1000.0 if people else 1.0, "model.train": 5.0}
        clock.time += sum(seconds.values())
        bar.end({}, 100, seconds, people=people)
    assert [line.rsplit(", ", 1)[1] for line in capsys.readouterr().err.splitlines()] == said
