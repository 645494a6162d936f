"""The report of an audit in words."""

from whosame.app.audit.report import TOO_FEW, AuditReport
from whosame.audit.estimates import UNKNOWN, Estimates, Interval
from whosame.audit.stopping import stopping_advice


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
