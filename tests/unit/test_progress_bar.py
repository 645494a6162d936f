"""Progress on the terminal while people answer."""

import pytest

from whosame.annotators.record import Progress
from whosame.app.progress_bar import AnswersBar, pace


@pytest.mark.parametrize(
    ("where", "progress", "said"),
    [
        ("http://h:1", Progress(4, ("alice",), 3.0), "4 of 10 questions answered, http://h:1, alice is answering, about 18 s left"),
        ("", Progress(0, (), 0.0), "0 of 10 questions answered, no page is open: kedro annotate opens one"),
    ],
)  # fmt: skip
def test_how_far_it_is_and_where_people_answer(where, progress, said, capsys):
    AnswersBar(10, overlap=1, where=lambda: where)(progress)
    assert said in capsys.readouterr().err


def test_who_answers_and_how_long_it_takes():
    assert pace(Progress(0, (), 0.0), 10, 1) == []
    assert pace(Progress(40, ("carol", "bob", "alice"), 6.0), 100, 2) == [
        "carol, bob and alice are answering",
        "about 4 min left",
    ]
