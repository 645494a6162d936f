"""The report of an audit in words."""

import numpy as np

from whosame import artefacts
from whosame.app.audit.report import TOO_FEW, AuditReport, changes_in
from whosame.audit.estimates import UNKNOWN, Estimates, Interval
from whosame.audit.stopping import stopping_advice
from whosame.questions import Answer, Question
from whosame.runs import Run
from whosame.tables import answers_table


def test_what_cannot_be_estimated_is_said_in_words_and_is_null_in_the_file():
    share = Interval(0.9, 0.8, 0.95)
    report = AuditReport(
        *("mine", "digest", 3, 20, 0, 0.95, 100, 10, 5, 18, 2, 0),
        estimates=Estimates(share, UNKNOWN, share, UNKNOWN, UNKNOWN),
        advice=stopping_advice([]),
    )
    text = report.text()
    assert text.count(TOO_FEW) == 3
    assert "nan" not in text
    assert "90.0 %   80.0 …  95.0" in text
    assert report.as_dict()["estimates"]["individuals"] is None
    assert "audit/individuals" not in report.metrics()


def test_the_advice_is_from_answers_that_were_paid_for_in_their_order(tmp_path):
    ids, run = np.array([3, 5, 8]), Run(tmp_path / "mine")
    given = [(0, 1, "same", 1), (0, 2, "same", 2), (1, 2, "same", 0), (0, 1, "different", 1)]
    answers = [Answer(Question(a, b, "pool"), verdict, asked=asked) for a, b, verdict, asked in given]
    artefacts.write(run.round(0) / artefacts.ANSWERS, answers_table(answers, ids))
    artefacts.write(run.round(0) / artefacts.CLUSTERS, np.array([0, 0, 1]))
    artefacts.write(run.round(0) / artefacts.METRICS, {})
    assert changes_in(run, ids) == [False, True, True]
